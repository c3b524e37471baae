"""The list of samples and spectra, with the state of each fit in a few muted characters."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFont, QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.gui import theme as themes
from app.gui.document import Document
from app.gui.theme import ROW
from app.project.project import Entry, RegionFit, Sample
from fitting.sims.kinds import kind_of

KEY = Qt.ItemDataRole.UserRole
Column = int
Items = dict[tuple[str, str, str], QTreeWidgetItem]
NAME, STATE = 0, 1


@dataclass(frozen=True)
class State:
    """What a row says at its right end: text, role of its colour, tooltip."""

    text: str = ""
    role: str = "muted"
    tip: str = ""


def state_of_fit(fit: RegionFit) -> State:
    """State of one region."""
    result = fit.result
    if result is None:
        if not fit.model.components:
            return State("no peaks", "muted", "The region has a background and no peaks yet")
        return State("●", "accent", "The model was changed after its last fit, or was not fitted yet")
    if not result.success:
        return State(result.status, "warning", result.message)
    if not result.noise.known:
        return State("fitted", "muted", f"{result.message}\nThe noise is not known, so χ² is no test".strip())
    if result.exceeds_noise:
        tip = "Reduced χ² lies above the 99.9 % limit: the model misses structure in the data"
        return State(f"χ² {result.reduced_chi2:.2f}", "warning", tip)
    return State(f"χ² {result.reduced_chi2:.2f}", "muted", f"Reduced χ². {result.message}".strip())


def _of_ions(entry: Entry) -> tuple[str, str, str]:
    """What was done with ToF-SIMS data: how many lines are named, how many factors there are."""
    if entry.factors:
        return f"{len(entry.factors[-1].names)} factors", "muted", entry.factors[-1].title
    if entry.masses.peaks:
        return f"{len(entry.masses.peaks)} peaks", "muted", "Lines of the peak list"
    kind = kind_of(entry.spectrum)
    return (f"{len(entry.spectrum.axis)} ions", "muted", "Named channels") if kind != "spectrum" else ("", "muted", "")


def state_of_entry(entry: Entry) -> State:
    """State of a spectrum: that of its region, or how many regions there are."""
    if not entry.fits:
        if entry.spectrum.meta.technique == "sims":
            return State(*_of_ions(entry))
        return State("no fit", "muted", "No region yet")
    states = [state_of_fit(fit) for fit in entry.fits]
    if len(states) == 1:
        return states[0]
    tip = "\n".join(f"{fit.name}: {state.text}" for fit, state in zip(entry.fits, states, strict=True))
    worst = next((s for role in ("warning", "accent") for s in states if s.role == role), states[0])
    return State(f"{len(states)} regions" + (" ●" if worst.role == "accent" else ""), worst.role, tip)


class ProjectTree(QTreeWidget):
    """Samples, their spectra, and the regions of spectra that have several.

    Signals
    -------
    menu_wanted(QPoint)
        A context menu at that place of the screen, for the rows that are chosen now.
    remove_wanted()
        Delete was pressed.
    """

    menu_wanted = Signal(QPoint)
    remove_wanted = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._shape: tuple[object, ...] = ()
        self._filling = False
        self.setObjectName("projectTree")
        self.setAccessibleName("Project")
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(STATE, QHeaderView.ResizeMode.ResizeToContents)
        self.setIndentation(14)
        self.setUniformRowHeights(True)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.SelectedClicked
        )
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._context_menu)
        self.currentItemChanged.connect(self._take_chosen)
        self.itemSelectionChanged.connect(self._take_chosen)
        self.itemChanged.connect(self._renamed)
        document.project_changed.connect(self.refresh)
        document.selection_changed.connect(self._show_selection)
        document.chosen_changed.connect(self._show_chosen)
        themes.changes().changed.connect(self._recolour)
        self.refresh()

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the project as it is; rows are made anew only when there are others."""
        rows = self._entries()
        shape = tuple(
            (sample.id, tuple((e.id, tuple(f.id for f in e.fits)) for e in entries)) for sample, entries in rows
        )
        self._filling = True
        if shape != self._shape:
            self._shape = shape
            self._rebuild(rows)
        items = self._items()
        for sample, entries in rows:
            self._dress_sample(sample, entries, items)
        self._filling = False
        self._show_selection()
        self._show_chosen()

    def _entries(self) -> list[tuple[Sample, list[Entry]]]:
        """The samples with their entries."""
        project = self._document.project
        found: dict[str, list[Entry]] = {sample.id: [] for sample in project.samples}
        for entry in project.entries:
            found.setdefault(entry.sample, []).append(entry)
        return [(sample, found[sample.id]) for sample in project.samples]

    def _rebuild(self, rows: list[tuple[Sample, list[Entry]]]) -> None:
        closed = {key for key, item in self._items().items() if item.childCount() and not item.isExpanded()}
        self.clear()
        for sample, entries in rows:
            top = self._row(self.invisibleRootItem(), ("sample", sample.id, ""))
            for entry in entries:
                row = self._row(top, ("entry", entry.id, ""))
                if len(entry.fits) > 1:
                    for fit in entry.fits:
                        self._row(row, ("fit", entry.id, fit.id))
        for key, item in self._items().items():
            item.setExpanded(key not in closed)

    def _row(self, parent: QTreeWidgetItem, key: tuple[str, str, str]) -> QTreeWidgetItem:
        item = QTreeWidgetItem(parent)
        item.setData(NAME, KEY, key)
        item.setSizeHint(NAME, QSize(0, ROW))
        item.setTextAlignment(STATE, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        return item

    def _items(self) -> Items:
        found = {}
        waiting = [self.topLevelItem(i) for i in range(self.topLevelItemCount())]
        while waiting:
            item = waiting.pop()
            if item is not None:
                found[tuple(item.data(NAME, KEY))] = item
                waiting += [item.child(i) for i in range(item.childCount())]
        return found

    def _dress_sample(self, sample: Sample, entries: list[Entry], items: Items) -> None:
        top = items[("sample", sample.id, "")]
        kinds = {e.spectrum.meta.technique for e in entries} - {"other"}
        tip = "\n".join(t for t in (sample.name, sample.note) if t)
        technique = {"xps": "XPS", "eels": "EELS", "sims": "ToF-SIMS"}.get(next(iter(kinds), ""), "")
        self._write(top, sample.name, State(technique if len(kinds) == 1 else "", "faint", tip), bold=True)
        for entry in entries:
            self._write(items[("entry", entry.id, "")], entry.title, state_of_entry(entry))
            if len(entry.fits) > 1:
                for fit in entry.fits:
                    self._write(items[("fit", entry.id, fit.id)], fit.name, state_of_fit(fit))

    def _write(self, item: QTreeWidgetItem, name: str, state: State, bold: bool = False) -> None:
        """Write a row, but only what differs: this runs at every step of a drag."""
        if item.text(NAME) != name:
            item.setText(NAME, name)
            item.setToolTip(NAME, name)
            font = QFont(self.font())
            font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
            item.setFont(NAME, font)
        if item.text(STATE) != state.text or item.data(STATE, KEY) != state.role:
            item.setText(STATE, state.text)
            item.setData(STATE, KEY, state.role)
            item.setForeground(STATE, QBrush(QColor(getattr(themes.current(), state.role))))
        if item.toolTip(STATE) != state.tip:
            item.setToolTip(STATE, state.tip)

    def _recolour(self) -> None:
        self._filling = True
        for item in self._items().values():
            role = item.data(STATE, KEY) or "muted"
            item.setForeground(STATE, QBrush(QColor(getattr(themes.current(), role))))
        self._filling = False

    # -- selection ----------------------------------------------------------------------------------------------

    def _show_selection(self) -> None:
        """Make the row of what is shown the current one."""
        if self._filling:
            return
        shown = self._document.selection
        items = self._items()
        current = self.currentItem()
        if current is not None and shown.entry is not None and shown.entry == current.data(NAME, KEY)[1]:
            wanted = items.get(("fit", shown.entry, shown.fit or ""))
            if wanted is None or wanted is current or current.data(NAME, KEY)[0] == "entry":
                return
        item = items.get(("entry", shown.entry or "", ""))
        self._filling = True
        self.setCurrentItem(item)
        self._filling = False
        self._show_chosen()

    def _take_chosen(self) -> None:
        """The chosen rows become the document's; a sample's row stands for all its spectra.

        Qt tells of the current row and of the chosen rows one after the other, in either order; what is shown is
        therefore taken from the current row only where that row is chosen too.
        """
        if self._filling:
            return
        rows = self.selectedItems()
        ids = self._ids(rows)
        current = self.currentItem()
        entry = fit = None
        if current is not None and current in rows:
            kind, id, fit = current.data(NAME, KEY)
            shown = self._document.selection.entry
            of_sample = self._ids([current])
            entry = id if kind != "sample" else shown if shown in of_sample else next(iter(of_sample), None)
        self._filling = True
        self._document.choose(ids, entry, fit or None)
        self._filling = False

    def _ids(self, rows: list[QTreeWidgetItem]) -> list[str]:
        """Ids of the spectra that rows stand for."""
        found = []
        for item in rows:
            kind, id, _ = item.data(NAME, KEY)
            if kind == "sample":
                found += [item.child(i).data(NAME, KEY)[1] for i in range(item.childCount())]
            else:
                found.append(id)
        return found

    def _show_chosen(self) -> None:
        """Mark the rows of the document's chosen spectra."""
        if self._filling:
            return
        chosen = set(self._document.chosen)
        if set(self._ids(self.selectedItems())) == chosen:
            return
        self._filling = True
        current = self.currentItem()
        # A region's row that is the current one stands for its spectrum.
        standing = tuple(current.data(NAME, KEY)) if current is not None else ()
        for key, item in self._items().items():
            kind, id, _ = key
            other = standing[:2] == ("fit", id) if kind == "entry" else key != standing
            item.setSelected(kind != "sample" and id in chosen and not other)
        self._filling = False

    # -- edits --------------------------------------------------------------------------------------------------

    def rename(self) -> None:
        """Edit the name of the chosen row in place."""
        item = self.currentItem()
        if item is not None:
            self.setFocus()
            self.editItem(item, NAME)

    def _renamed(self, item: QTreeWidgetItem, column: Column) -> None:
        if self._filling:
            return
        name = item.text(NAME).strip() if column == NAME else ""
        kind, id, fit = item.data(NAME, KEY)
        project = self._document.project
        if name and kind == "sample" and name != project.sample(id).name:
            after = project.with_sample(replace(project.sample(id), name=name))
            self._document.apply(f"Rename sample to {name}", after)
        elif name and kind == "entry" and name != project.entry(id).title:
            self._document.apply(f"Rename to {name}", project.with_entry(replace(project.entry(id), name=name)))
        elif name and kind == "fit":
            entry = project.entry(id)
            old = entry.fit(fit)
            if name != old.name:
                changed = replace(old, model=replace(old.model, name=name))
                if old.result is not None:
                    changed = replace(changed, result=replace(old.result, model=replace(old.result.model, name=name)))
                self._document.apply(f"Rename region to {name}", project.with_entry(entry.with_fit(changed)))
        self.refresh()

    def edit(self, index: object, *rest: object) -> object:
        """Only names are edited."""
        if rest and getattr(index, "column", lambda: NAME)() != NAME:
            return False
        return super().edit(index, *rest)  # type: ignore[arg-type]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete asks for the removal of the chosen spectra."""
        if event.key() == Qt.Key.Key_Delete:
            self.remove_wanted.emit()
        else:
            super().keyPressEvent(event)

    def _context_menu(self, place: QPoint) -> None:
        if self.itemAt(place) is not None:
            self.menu_wanted.emit(self.viewport().mapToGlobal(place))
