"""The view of the table of components: editing in place, a chooser for shapes, the context menu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QMenu, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.gui.document import Document
from app.gui.panels.component_rows import COLUMNS, LINK, NAME
from app.gui.panels.links import names_of
from app.gui.panels.tables import RowsModel, RowsView
from app.gui.panels.tied import Offer, Shown, offers, take, without_ties
from app.gui.plot.edits import label, title, with_link
from app.gui.plot.geometry import amplitude_name
from fitting.model import Component, FitModel, Param
from libraries.errors import BadModel

NAME_WIDTH, MOST_NAME = 98, 132  # pixels; long names push the columns behind them rather than be cut
SAME_WIDTH, OFFSET, RATIO = "Same width as", "Offset from", "Ratio of areas to"


class ChoiceDelegate(QStyledItemDelegate):
    """Cells with choices open a list, the others a text field."""

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex) -> QWidget:
        """A list or a field."""
        model = index.model()
        cell = model.cell(index) if isinstance(model, RowsModel) else None
        if cell is None or not cell.choices:
            return super().createEditor(parent, option, index)
        box = QComboBox(parent)
        box.addItems(cell.choices)
        box.activated.connect(lambda _: (self.commitData.emit(box), self.closeEditor.emit(box)))
        return box

    def setEditorData(self, editor: QWidget, index: QModelIndex) -> None:
        """Start from the present text."""
        if isinstance(editor, QComboBox):
            editor.setCurrentText(str(index.data(Qt.ItemDataRole.EditRole)))
            editor.showPopup()
        else:
            super().setEditorData(editor, index)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: QModelIndex) -> None:
        """Hand over the chosen text."""
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText())
        else:
            super().setModelData(editor, model, index)


class ComponentTable(RowsView):
    """Components of the shown region.

    Signals
    -------
    changed(str, object)
        Name of an undo step and the model after it, from the context menu or a key.
    wanted_elsewhere(str, str)
        Component and the region it is to be moved to.
    refused(str)
        Why a tie of the menu was not made.
    """

    changed = Signal(str, object)
    wanted_elsewhere = Signal(str, str)
    refused = Signal(str)

    def __init__(
        self, model_now: Callable[[], FitModel | None], document: Document | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(RowsModel(COLUMNS), "Components", parent)
        self._document = document
        self._model_now = model_now
        self.regions: tuple[tuple[str, str], ...] = ()
        self.setItemDelegate(ChoiceDelegate(self))
        self.set_widths((NAME_WIDTH, 76, 72, 72, 54, 96, 190))
        self.horizontalHeader().setStretchLastSection(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._open_menu)

    def fit_names(self) -> None:
        """The column of names as wide as they need, within limits."""
        wanted = min(max(self.sizeHintForColumn(NAME) + 2, NAME_WIDTH), MOST_NAME)
        if wanted != self.columnWidth(NAME):
            self.setColumnWidth(NAME, wanted)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete removes the component."""
        key = self.current_key()
        if event.key() == Qt.Key.Key_Delete and key is not None:
            self._remove(key)
            return
        super().keyPressEvent(event)

    def _open_menu(self, at: QPoint) -> None:
        key = self.rows.key(self.indexAt(at).row())
        if key is not None:
            self.menu(key).popup(self.viewport().mapToGlobal(at))

    def menu(self, id: str) -> QMenu:
        """The context menu of a component."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        model = self._model_now()
        if model is None:
            return menu
        component = model.component(id)
        others = [c for c in model.components if c.id != id]
        for words, link in ((SAME_WIDTH, self._same_width), (OFFSET, self._offset), (RATIO, self._ratio)):
            part = menu.addMenu(words)
            part.setEnabled(bool(others))
            for other in others:
                part.addAction(names_of(model)[other.id], self._calling(link, id, other.id))
        self._fill_ties(menu.addMenu("Tie to another region"), id)
        linked = any(param.link for _, param in component.params) or bool(self._tied(id))
        menu.addAction("Edit links…", lambda: self.edit(self.rows.index(self.rows.row_of(id), LINK)))
        menu.addAction("Remove links", lambda: self._unlink(id)).setEnabled(linked)
        held = not component.param("position").vary
        menu.addAction("Free the position" if held else "Hold the position", lambda: self._hold(id, "position", held))
        menu.addSeparator()
        menu.addAction("Rename…", lambda: self.edit(self.rows.index(self.rows.row_of(id), NAME)))
        menu.addAction("Duplicate", lambda: self._duplicate(id))
        move = menu.addMenu("Move to")
        self._fill_move(move, model, id)
        menu.addSeparator()
        menu.addAction("Delete", lambda: self._remove(id))
        return menu

    def _calling(self, action: Callable[[str, str], None], id: str, other: str) -> Callable[[], None]:
        return lambda: action(id, other)

    def _shown(self) -> Shown | None:
        """The shown region in its project; None where the table knows no document."""
        document = self._document
        if document is None or document.selection.entry is None or document.selection.fit is None:
            return None
        return Shown(document.project, document.selection.entry, document.selection.fit)

    def _tied(self, id: str) -> list[str]:
        """Parameters of a component that follow another region."""
        shown = self._shown()
        return [name for name in shown.ties if name.startswith(f"{id}.")] if shown is not None else []

    def _fill_ties(self, menu: QMenu, id: str) -> None:
        """A submenu for each component of another region, with what may be tied to it."""
        shown = self._shown()
        found = offers(shown, id) if shown is not None else {}
        menu.setEnabled(bool(found))
        for name, made in found.items():
            part = menu.addMenu(name)
            for offer in made:
                part.addAction(offer.words, self._tying(offer))

    def _tying(self, offer: Offer) -> Callable[[], None]:
        def tie() -> None:
            shown = self._shown()
            if shown is not None and self._document is not None:
                try:
                    self._document.apply(f"Tie the {label(shown.model, offer.target)}", take(shown, offer))
                except BadModel as error:
                    self.refused.emit(str(error))

        return tie

    def _fill_move(self, menu: QMenu, model: FitModel, id: str) -> None:
        place = [c.id for c in model.components].index(id)
        for words, target in (
            ("Top", 0),
            ("One up", place - 1),
            ("One down", place + 1),
            ("Bottom", len(model.components) - 1),
        ):
            action = menu.addAction(words, lambda target=target: self._reorder(id, target))
            action.setEnabled(0 <= target < len(model.components) and target != place)
        if self.regions:
            menu.addSeparator()
            for region, name in self.regions:
                menu.addAction(f"Region {name}", lambda region=region: self.wanted_elsewhere.emit(id, region))

    # -- what the menu does -------------------------------------------------------------------------------------

    def _component(self, id: str) -> tuple[FitModel, Component]:
        model = self._model_now()
        assert model is not None
        return model, model.component(id)

    def _same_width(self, id: str, other: str) -> None:
        model, component = self._component(id)
        theirs = dict(model.component(other).params)
        names = [n for n, _ in component.params if n.startswith("fwhm") and n in theirs]
        for name in names:
            model = with_link(model, f"{id}.{name}", f"{other}.{name}")
        self.changed.emit(f"Same width for {title(component)}", model)

    def _offset(self, id: str, other: str) -> None:
        model, component = self._component(id)
        offset = round(component.value("position") - model.component(other).value("position"), 3)
        link = f"{other}.position {'+' if offset >= 0 else '-'} {abs(offset):g}"
        self.changed.emit(f"Offset of {title(component)}", with_link(model, f"{id}.position", link))

    def _ratio(self, id: str, other: str) -> None:
        model, component = self._component(id)
        mine, theirs = amplitude_name(component), amplitude_name(model.component(other))
        value = model.component(other).value(theirs)
        ratio = float(f"{component.value(mine) / value:.4g}") if value > 0 else 1.0
        self.changed.emit(
            f"Ratio of {title(component)}", with_link(model, f"{id}.{mine}", f"{other}.{theirs} * {ratio:g}")
        )

    def _unlink(self, id: str) -> None:
        model, component = self._component(id)
        free = {n: replace(p, link="") for n, p in component.params if p.link}
        shown, words = self._shown(), f"Remove links of {title(component)}"
        if shown is not None and self._document is not None and self._tied(id):
            shown = replace(shown, project=without_ties(shown, id))
            bare = shown.model.component(id).with_(**{n: replace(p, link="") for n, p in component.params if p.link})
            self._document.apply(words, shown.with_model(shown.model.with_component(bare)))
            return
        self.changed.emit(words, model.with_component(component.with_(**free)))

    def _hold(self, id: str, name: str, vary: bool) -> None:
        model, component = self._component(id)
        param: Param = replace(component.param(name), vary=vary)
        words = "Free" if vary else "Hold"
        self.changed.emit(
            f"{words} {name} of {title(component)}", model.with_component(component.with_(**{name: param}))
        )

    def _duplicate(self, id: str) -> None:
        model, component = self._component(id)
        copy = replace(component, id=model.fresh_id(), name=f"{title(component)} copy", doublet="")
        at = [c.id for c in model.components].index(id) + 1
        parts = (*model.components[:at], copy, *model.components[at:])
        self.changed.emit(f"Duplicate {title(component)}", replace(model, components=parts))

    def _reorder(self, id: str, target: int) -> None:
        model, component = self._component(id)
        rest = [c for c in model.components if c.id != id]
        rest.insert(target, component)
        self.changed.emit(f"Move {title(component)} in the table", replace(model, components=tuple(rest)))

    def _remove(self, id: str) -> None:
        model, component = self._component(id)
        self.changed.emit(f"Remove {title(component)}", model.without(id))
