"""The Layers page of the results: layers of a depth profile in order, with thickness."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QSizePolicy, QWidget

from app.gui import theme
from app.gui.document import Document
from app.gui.panels.base import Panel, button, muted, row
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.sims.depth_answers import DepthAnswers
from app.gui.sims.layer_bar import LayerBar
from app.gui.tasks import Tasks
from app.gui.theme import GAP_1, GAP_3
from app.numerals import with_error
from app.project.sims_profiles_at import is_part, place_name
from fitting.sims.layers import Layer, Layers

_EMPTY = "Choose on the Depth page from what the layers are told: factors, or one trace a layer."
_ROW = 22


class LayersPage(Panel):
    """Layers with thickness, interfaces and evidence."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Layers", parent)
        self.tasks = tasks
        self.answers = DepthAnswers.of(document, tasks)
        self._window: Any = None
        self.dialog: QFileDialog | None = None
        self.words = muted(_EMPTY)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._text = ""
        self.bar = LayerBar()
        self.rows = self.table(RowsModel((
            Column("", "From the surface down"), Column("Layer"),
            Column("Thickness", "Distance of the boundaries; error from counts, misfit of the closure, the difference "
                   "from the thickness by amount, ambiguity of the factors, and the depth scale", True),
            Column("By amount", "Integral of the share over the depth: should agree", True),
            Column("Top", "", True), Column("Edge", "16–84 % width of the lower interface", True),
            Column("Share", "Largest share of the phase at a depth", True),
            Column("Order", "Probability that it lies below the layer before it", True), Column("Remarks"),
        )))
        self.view = RowsView(self.rows, "Layers")
        self.view.set_widths((40, 140, 118, 122, 108, 108, 58, 60, 100), stretch=8)
        self.view.verticalHeader().setDefaultSectionSize(_ROW)  # five layers without scrolling
        self.export = button("Export CSV…", "Layers and interfaces as tables", self.ask_file, sign="export")
        top = row(self.bar, self.export, stretch=False)
        top.setStretch(0, 1)
        top.setAlignment(self.export, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)  # alone, too
        self.body.setSpacing(0)
        self.body.setContentsMargins(GAP_3, GAP_1, GAP_3, 0)
        self.body.addLayout(top)
        self.body.addWidget(self.words)
        self.body.addWidget(self.view, 100)
        self.body.addStretch(1)
        self.answers.changed.connect(self.show_now)
        self.ready()

    def use_window(self, window: Any) -> None:
        """Exports go through the window's own."""
        self._window = window

    @property
    def layers(self) -> Layers | None:
        """What is shown."""
        answer = self.answers.answer
        return answer.layers if answer is not None else None

    def refresh(self) -> None:
        """Show the layers of the shown entry."""
        entry, answer, found = self.document.entry, self.answers.answer, self.layers
        told = entry is not None and bool(entry.layering.factors or entry.layering.markers)
        self.bar.show_layers(found)
        self.view.setVisible(found is not None)
        self.export.setVisible(answer is not None and (found is not None or bool(answer.interfaces)))
        if found is None:
            working = told and (answer is None or (entry is not None and answer.basis[2] != entry.layering))
            failed = answer.layers_failed if answer is not None else self.answers.failed
            self._say("Layers are being worked out …" if working and not failed else failed or _EMPTY, whole=True)
            self.rows.set_rows([])
            return
        scale = answer.depth.words if answer is not None and answer.depth is not None else \
            "no depth scale: lengths along the axis are not lengths in the sample"
        if answer is not None and answer.basis[1].kind in ("rate", "crater") and answer.depth is not None:
            scale += "; with one rate, phases that sputter faster come out too thin"
        text = f"{found.words}: shares add up to one within {100 * found.misfit:.2g} %. Scale: {scale}."
        if answer is not None and answer.poor_layers:
            text = f"⚠ {answer.poor_layers}. {text}"
        self._say(f"{text} {answer.note}." if answer is not None and answer.note else text)
        unit = f" / {found.unit}" if found.unit else ""
        for number, name in ((2, "Thickness"), (3, "By amount"), (4, "Top"), (5, "Edge")):
            self.rows.retitle(number, f"{name}{unit}")
        self.rows.set_rows([_row(layer, layer is found.rows[-1]) for layer in found.rows])

    def _say(self, text: str, *, whole: bool = False) -> None:
        """Words above the table: one line with the rest as a tooltip, so that the rows have room."""
        self._text = text
        self.words.setWordWrap(whole)
        metrics = self.words.fontMetrics()
        width = max(self.width() - 2 * GAP_3, 100)
        self.words.setText(text if whole else metrics.elidedText(text, Qt.TextElideMode.ElideRight, width))
        self.words.setToolTip("" if whole else text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """As many words as there is room for."""
        super().resizeEvent(event)
        if self._text and not self.words.wordWrap():
            self._say(self._text)

    def _recolour(self) -> None:
        super()._recolour()
        self.bar.update()

    def ask_file(self) -> None:
        """Where the tables go."""
        answer = self.answers.answer
        if self._window is None or self.document.entry is None:
            return
        if answer is None or (answer.layers is None and not answer.interfaces):
            self._window.messages.show_message("There are no layers or interfaces yet: make them on the Depth page",
                                               "info")
            return
        dialog = QFileDialog(self._window, "Export layers and interfaces", self._window.state.text("folder"),
                             "CSV (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(f"{self.document.entry.title} layers.csv")
        dialog.fileSelected.connect(lambda name: self.write(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        self.dialog = dialog
        dialog.open()

    def write(self, path: Path) -> None:
        """Write what is shown."""
        from app.files.depth_tables import write_depth

        entry, answer = self.document.entry, self.answers.answer
        if entry is None or answer is None:
            return
        place = self.document.place
        title = place_name(entry, place) if is_part(entry, place) else entry.title
        self._window.exports.write(lambda _project, target: write_depth(target, title, answer), path)


def _row(layer: Layer, last: bool) -> Row:
    colours = theme.current().series
    thickness = "to the end" if last else with_error(layer.thickness, layer.error)
    width = "" if last else with_error(layer.width, layer.width_error)
    order = "" if math.isnan(layer.below) else "> 0.99" if layer.below > 0.995 else f"{layer.below:.2f}"
    remarks = "; ".join(layer.remarks)
    return Row(str(layer.number), (
        Cell(str(layer.number), swatch=colours[(layer.number - 1) % len(colours)]),
        Cell(layer.name, tooltip=layer.name), Cell(thickness), Cell(with_error(layer.amount, layer.amount_error)),
        Cell("surface" if layer.number == 1 else with_error(layer.top, layer.top_error)), Cell(width),
        Cell(f"{layer.share:.2f}"), Cell(order), Cell(remarks, tooltip=remarks),
    ))
