"""Over the picture of the navigator: what it shows, in which colours, and the limits of a window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QMenu, QToolButton, QVBoxLayout, QWidget

from app.gui.image.colouring import COLOUR_MAPS
from app.gui.style.icons import icon
from app.gui.theme import GAP_1

TIP = "Total intensity, an energy window, or a map of this image"


class SourceBar(QWidget):
    """Chooses what a picture shows.

    Signals
    -------
    chosen()
        Another source was chosen by hand.
    window_typed()
    look_changed()
    """

    chosen = Signal()
    window_typed = Signal()
    look_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._build_source()
        self._build_window()
        line = QHBoxLayout()
        line.setSpacing(GAP_1)
        line.addWidget(self.source, 1)
        line.addWidget(self.look)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP_1 + 2)
        layout.addLayout(line)
        layout.addWidget(self.window_row)

    def _build_source(self) -> None:
        self.source = QComboBox()
        self.source.setAccessibleName("What the image shows")
        self.source.setToolTip(TIP)
        self.source.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.source.setMinimumContentsLength(10)
        self.source.setMaxVisibleItems(24)
        self.source.activated.connect(lambda _: self.chosen.emit())
        self.look = QToolButton()
        self.look.setIcon(icon("theme"))
        self.look.setAccessibleName("Colours of the image")
        self.look.setToolTip("Colours and limits of the image")
        self.look.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.look)
        self._colours = QActionGroup(menu)
        for name, words in COLOUR_MAPS.items():
            action = menu.addAction(words)
            action.setCheckable(True)
            action.setData(name)
            action.setChecked(name == "viridis")
            self._colours.addAction(action)
        menu.addSeparator()
        self._full = menu.addAction("From least to largest value")
        self._full.setToolTip("Otherwise from the 1 % to the 99 % percentile")
        self._full.setCheckable(True)
        self._hide = menu.addAction("Leave out flagged pixels")
        self._hide.setCheckable(True)
        menu.triggered.connect(lambda _: self.look_changed.emit())
        self.look.setMenu(menu)

    def _build_window(self) -> None:
        self.low, self.high = QLineEdit(), QLineEdit()
        self.window_row = QWidget()
        row = QHBoxLayout(self.window_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP_1)
        self.unit = QLabel("eV")
        for field, words in ((self.low, "Low end of the window"), (self.high, "High end of the window")):
            field.setAccessibleName(words)
            field.setToolTip(words)
            field.editingFinished.connect(self.window_typed)
        for widget in (self.low, QLabel("to"), self.high, self.unit):
            row.addWidget(widget)
        self.window_row.hide()

    @property
    def colours(self) -> tuple[str, bool, bool]:
        """Colour map, limits at the extremes, flagged pixels left out."""
        chosen = self._colours.checkedAction()
        return chosen.data() if chosen is not None else "viridis", self._full.isChecked(), self._hide.isChecked()

    @property
    def key(self) -> str:
        """The source that is chosen."""
        return str(self.source.currentData() or "")

    def set_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Offer these (words, key)."""
        if list(rows) != [(self.source.itemText(i), self.source.itemData(i)) for i in range(self.source.count())]:
            self.source.clear()
            for words, key in rows:
                self.source.addItem(words, key)
                self.source.setItemData(self.source.count() - 1, words, Qt.ItemDataRole.ToolTipRole)

    def show_key(self, key: str) -> bool:
        """Choose a source; False, and the first one, where it is not offered."""
        at = self.source.findData(key)
        self.source.setCurrentIndex(max(at, 0))
        return at >= 0

    def show_window(self, low: float, high: float, unit: str) -> None:
        """Limits of the window, unless they are being typed."""
        if not (self.low.hasFocus() or self.high.hasFocus()):
            self.low.setText(f"{low:.6g}")
            self.high.setText(f"{high:.6g}")
        self.unit.setText(unit)
