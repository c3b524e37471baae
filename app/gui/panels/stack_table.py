"""The list of supposed layers: a material and the lines in it, one row a layer."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QWidget

from app.gui.theme import GAP_1, GAP_2
from fitting.xps.layers import StackLayer
from libraries.attenuation import materials


class StackTable(QWidget):
    """Rows to edit layers; it only shows and asks, the document keeps them.

    Signals
    -------
    changed(int, StackLayer)
        Row and the layer as it was edited.
    refused(str)
    """

    changed = Signal(int, object)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(GAP_2)
        self._grid.setVerticalSpacing(GAP_1)
        self._grid.setColumnStretch(1, 2)
        self._grid.setColumnStretch(2, 3)
        self._names: tuple[str, ...] = ()
        self.rows: list[tuple[QLabel, QComboBox, QLineEdit]] = []

    def show_layers(self, layers: Sequence[StackLayer], names: tuple[str, ...]) -> None:
        """Show these layers; `names` are the lines to choose from."""
        self._names = names
        while len(self.rows) > len(layers):
            for widget in self.rows.pop():
                self._grid.removeWidget(widget)
                widget.deleteLater()
        while len(self.rows) < len(layers):
            self._add_row()
        for i, (layer, (words, solid, lines)) in enumerate(zip(layers, self.rows, strict=True)):
            words.setText("Substrate" if i == len(layers) - 1 else f"Layer {i + 1}")
            solid.setCurrentIndex(max(solid.findData(layer.material), 0))
            if not lines.hasFocus():
                lines.setText(", ".join(layer.species))
            lines.setToolTip("Lines in this layer, with commas between: " + ", ".join(names))

    def _add_row(self) -> None:
        at = len(self.rows)
        words, solid, lines = QLabel(), QComboBox(), QLineEdit()
        solid.setAccessibleName(f"Material of layer {at + 1}")
        lines.setAccessibleName(f"Lines in layer {at + 1}")
        lines.setPlaceholderText("lines, for example F, Na")
        solid.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        solid.setMinimumContentsLength(8)
        solid.addItem("choose material", "")
        for item in materials():
            solid.addItem(item.name + ("" if item.verified else "  (unverified)"), item.name)
        solid.activated.connect(lambda _: self._edited(at))
        lines.editingFinished.connect(lambda: self._edited(at))
        for column, widget in enumerate((words, solid, lines)):
            self._grid.addWidget(widget, at, column)
        self.rows.append((words, solid, lines))

    def _edited(self, at: int) -> None:
        _, solid, lines = self.rows[at]
        species = tuple(dict.fromkeys(part.strip() for part in lines.text().split(",") if part.strip()))
        unknown = [name for name in species if name not in self._names]
        if unknown and self._names:
            self.refused.emit(f"There is no line {unknown[0]}. There are {', '.join(self._names)}.")
            return
        self.refused.emit("")
        self.changed.emit(at, StackLayer(str(solid.currentData() or ""), species))

    @staticmethod
    def with_layer(layers: Sequence[StackLayer]) -> tuple[StackLayer, ...]:
        """One more layer above the substrate; two for an empty structure."""
        new = StackLayer("", ())
        return (new, StackLayer("", ())) if not layers else (*layers[:-1], new, layers[-1])

    @staticmethod
    def without_layer(layers: Sequence[StackLayer]) -> tuple[StackLayer, ...]:
        """One layer less; a structure of a single layer is none."""
        return (*layers[:-2], layers[-1]) if len(layers) > 2 else ()
