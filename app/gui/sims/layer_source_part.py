"""From what the layers are told, on the Depth page: all factors of an analysis, or one chosen trace a layer."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from app.gui.panels.base import button, heading, muted, row
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.theme import GAP_2
from app.project.project import Entry
from app.project.sims_depth import DepthAnswer
from app.project.sims_profiles_at import trace_words
from fitting.sims.setup import LayerMarker, LayerSetup

_NONE, _IONS = "", "ions"
_HELP = "Choose one trace for each layer, the bulk included: together they must be everything that is sputtered."


class LayerSourcePart(QWidget):
    """The source of the layers.

    Signals
    -------
    edited(LayerSetup)
    page_wanted()
        The table of layers is to be seen.
    """

    edited = Signal(object)
    page_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._setup = LayerSetup()
        self._choosing: str | None = None  # id of the entry whose ions are about to be chosen
        self._entry: Entry | None = None
        self.source = QComboBox()
        self.source.setAccessibleName("Layers from")
        self.source.activated.connect(lambda i: self._choose(str(self.source.itemData(i))))
        self.trace = QComboBox()
        self.trace.setAccessibleName("Trace of a layer")
        self.trace.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.trace.setMinimumContentsLength(12)
        self.trace.setMaxVisibleItems(24)
        self.add = button("Add layer", "This trace stands for a layer", self._add)
        self.remove = button("Remove", "Take the chosen layer away", self._remove, sign="delete")
        self.markers = RowsModel((Column("Layer", "Double-click to name it"), Column("Trace")))
        self.markers.edited.connect(self._rename)
        self.view = RowsView(self.markers, "Traces of the layers")
        self.view.set_widths((230, 200))
        self.words = muted("")
        self.words.setAccessibleName("Layers found")
        self.show_page = button("Show layers", "The table and the picture of the layers", self.page_wanted.emit)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP_2)
        body.addWidget(heading("Layers"))
        body.addWidget(self.source)
        self.choice = QWidget()
        line = row(self.trace, self.add, self.remove, stretch=False)
        line.setStretch(0, 1)
        line.setContentsMargins(0, 0, 0, 0)
        self.choice.setLayout(line)
        body.addWidget(self.choice)
        body.addWidget(self.view)
        body.addWidget(self.words)
        body.addLayout(row(self.show_page))

    def show_source(self, entry: Entry | None, answer: DepthAnswer | None,
                    traces: tuple[tuple[str, str], ...]) -> None:
        """Show an entry's choice and what came of it."""
        self._entry = entry
        self._setup = setup = entry.layering if entry is not None else LayerSetup()
        if entry is None or entry.id != self._choosing:
            self._choosing = None
        usable = [one for one in entry.factors if one.amounts.size and one.method != "pca"] if entry else []
        wanted = [(_NONE, "Not told from this profile"), *((one.id, f"All factors: {one.title}") for one in usable),
                  (_IONS, "Chosen traces, one a layer")]
        if wanted != [(self.source.itemData(i), self.source.itemText(i)) for i in range(self.source.count())]:
            self.source.clear()
            for id, words in wanted:
                self.source.addItem(words, id)
        by_ions = not setup.factors and (bool(setup.markers) or self._choosing is not None)
        self.source.setCurrentIndex(max(self.source.findData(_IONS if by_ions else setup.factors), 0))
        if traces != tuple((self.trace.itemData(i), self.trace.itemText(i)) for i in range(self.trace.count())):
            self.trace.clear()
            for name, words in traces:
                self.trace.addItem(words, name)
        self.choice.setVisible(by_ions)
        self.view.setVisible(by_ions and bool(setup.markers))
        self.remove.setEnabled(bool(setup.markers))
        self.markers.set_rows([
            Row(str(i), (Cell(one.name or trace_words(entry, one.trace), edit=one.name), Cell(
                trace_words(entry, one.trace)))) for i, one in enumerate(setup.markers)
        ] if entry is not None else [])
        self.view.fit_height(2, 8)
        self._show_words(setup, answer, by_ions)

    def _show_words(self, setup: LayerSetup, answer: DepthAnswer | None, by_ions: bool) -> None:
        told = bool(setup.factors or setup.markers)
        self.show_page.setVisible(told)
        current = answer is not None and answer.basis[2] == setup
        if by_ions and len(setup.markers) < 2:
            self.words.setText(_HELP)
        elif not told:
            self.words.setText("")
        elif not current or answer is None:
            self.words.setText("Layers are being worked out …")
        elif answer.layers is None:
            self.words.setText(answer.layers_failed)
        else:
            names = ", ".join(layer.name for layer in answer.layers.rows)
            poor = f"⚠ {answer.poor_layers}.\n" if answer.poor_layers else ""
            self.words.setText(f"{poor}From the surface down: {names}.")

    def _choose(self, id: str) -> None:
        self._choosing = self._entry.id if id == _IONS and self._entry is not None else None
        if id == _IONS:
            new = replace(self._setup, factors="", names=())
        elif id == _NONE:
            new = LayerSetup()
        else:
            new = replace(self._setup, factors=id, names=())
        self.edited.emit(new)

    def _add(self) -> None:
        trace = self.trace.currentData()
        if trace is not None and all(one.trace != trace for one in self._setup.markers):
            self.edited.emit(replace(self._setup, markers=(*self._setup.markers, LayerMarker("", trace))))

    def _remove(self) -> None:
        key = self.view.current_key()
        at = int(key) if key is not None else len(self._setup.markers) - 1
        markers = tuple(one for i, one in enumerate(self._setup.markers) if i != at)
        self._choosing = self._entry.id if self._entry is not None else None
        self.edited.emit(replace(self._setup, markers=markers))

    def _rename(self, key: str, column: int, text: str) -> None:
        if column == 0:
            markers = list(self._setup.markers)
            markers[int(key)] = replace(markers[int(key)], name=text.strip()[:80])
            self.edited.emit(replace(self._setup, markers=tuple(markers)))
