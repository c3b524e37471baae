"""How the volume is drawn: what, in which colours, how deep, how smooth."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QGridLayout, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.panels.base import heading, muted
from app.gui.panels.tables import swatch_icon
from app.gui.sims.scan_range import ScanRange
from app.gui.theme import GAP_1, GAP_2
from app.project.cube_sources import Source
from fitting.dataset import Axis
from fitting.sims.raycast import MOST_VOLUMES
from fitting.sims.setup import VolumeLook

HEIGHTS = (5, 200)  # hundredths of the width
SMOOTH = (0, 40)  # tenths of a voxel
WIDEST = "0.00 × width"


class _Slider(QWidget):
    """A slider with its number beside it.

    Signals
    -------
    moved(float)
    """

    moved = Signal(float)

    def __init__(self, name: str, tip: str, low: int, high: int, scale: float, words: str) -> None:
        super().__init__()
        self._scale, self._words = scale, words
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(low, high)
        self.slider.setAccessibleName(name)
        self.slider.setToolTip(tip)
        self.slider.valueChanged.connect(self._changed)
        self.number = muted("")
        self.number.setWordWrap(False)
        self.number.setFixedWidth(self.fontMetrics().horizontalAdvance(WIDEST if len(words) > 6 else "100%") + 4)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP_2)
        line.addWidget(self.slider, 1)
        line.addWidget(self.number)
        self._changed(self.slider.value())

    def show_value(self, value: float) -> None:
        """Show without telling."""
        self.slider.blockSignals(True)
        self.slider.setValue(round(value / self._scale))
        self.slider.blockSignals(False)
        self._tell()

    def _tell(self) -> None:
        self.number.setText(self._words.format(self.slider.value() * self._scale))

    def _changed(self, value: int) -> None:
        self._tell()
        self.moved.emit(value * self._scale)


class VolumeControls(QWidget):
    """The controls.

    Signals
    -------
    changed(str, str, dict)
        Words for the undo step, a name under which changes become one step, and the changed fields of `VolumeLook`.
    released()
    """

    changed = Signal(str, str, dict)
    released = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP_2)
        layout.addWidget(heading("Shown in the volume"))
        layout.addLayout(self._choosers())
        layout.addWidget(heading("Drawing"))
        layout.addLayout(self._drawing())

    def _choosers(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP_2)
        grid.setVerticalSpacing(GAP_1)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        self.choosers: list[QComboBox] = []
        self.levels: list[_Slider] = []
        for number in range(MOST_VOLUMES):
            chooser = QComboBox()
            chooser.setAccessibleName(f"Ion or component {number + 1}")
            chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            chooser.setMinimumContentsLength(14)
            chooser.setMaxVisibleItems(24)
            chooser.activated.connect(lambda _: self._chosen())
            level = _Slider(f"Surface {number + 1}", "Where the surface lies: part of the way to full colour",
                            2, 98, 0.01, "{:.0%}")
            level.moved.connect(lambda _: self._levelled())
            level.slider.sliderReleased.connect(self.released)
            grid.addWidget(chooser, number, 0)
            grid.addWidget(level, number, 1)
            self.choosers.append(chooser)
            self.levels.append(level)
        return grid

    def _drawing(self) -> QFormLayout:
        form = QFormLayout()
        form.setHorizontalSpacing(GAP_2)
        form.setVerticalSpacing(GAP_1)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self.scans = ScanRange("")
        self.scans.setToolTip("Scans that are drawn")
        self.scans.moved.connect(self._scans)
        self.scans.released.connect(self.released)
        self.height_ = _Slider("Height", "Height of the drawn box over its width: depth is drawn larger than it is",
                               *HEIGHTS, 0.01, "{:.2f} × width")
        self.bright = _Slider("Brightness", "Full colour is at the 99.5 % percentile over this", 3, 50, 0.1,
                              "{:.1f} times")
        self.smooth = _Slider("Smoothing", "Gaussian by which the drawing is smoothed (standard deviation); nothing is "
                              "computed from it", *SMOOTH, 0.1, "{:.1f} voxels")
        self.opacity = _Slider("Opacity", "Of the surfaces", 10, 100, 0.01, "{:.0%} ")
        rows = (("Height", self.height_, "height"), ("Brightness", self.bright, "bright"),
                ("Smoothing", self.smooth, "smooth"), ("Opacity", self.opacity, "opacity"))
        form.addRow("Depth", self.scans)
        self.opacity_label = QLabel("Opacity")
        for words, slider, field in rows:
            label = self.opacity_label if field == "opacity" else QLabel(words)
            label.setBuddy(slider.slider)
            form.addRow(label, slider)
            slider.moved.connect(lambda value, words=words, field=field: self._give(
                f"Draw volume: {words.lower()}", field, **{field: round(value, 3)}))
            slider.slider.sliderReleased.connect(self.released)
        self._filling = False
        return form

    # -- showing ------------------------------------------------------------------------------------------------

    def show_look(self, look: VolumeLook, offered: tuple[Source, ...], keys: tuple[str, ...], depth: Axis) -> None:
        """Show this; `keys` are drawn now."""
        self._filling = True
        colours = theme.current()
        rows = [("none", ""), *((one.words, one.key) for one in offered)]
        for number, chooser in enumerate(self.choosers):
            mark = (rows, colours.name)
            if getattr(chooser, "_mark", None) != mark:
                chooser._mark = mark  # type: ignore[attr-defined]
                chooser.clear()
                swatch = swatch_icon(colours.of(number).name())
                for words, key in rows:
                    chooser.addItem(swatch, words, key)
            chooser.setCurrentIndex(max(chooser.findData(keys[number] if number < len(keys) else ""), 0))
            used = number < len(keys)
            chooser.setVisible(number <= len(keys))
            self.levels[number].setVisible(used and look.mode == "surface")
            self.levels[number].show_value(look.levels[number] if number < len(look.levels) else 0.5)
        self.scans.show_range(depth, look.scans)
        self.height_.show_value(look.height)
        self.bright.show_value(look.bright)
        self.smooth.show_value(look.smooth)
        self.opacity.show_value(look.opacity)
        for widget in (self.opacity, self.opacity_label):
            widget.setVisible(look.mode == "surface")
        self._filling = False

    # -- edits --------------------------------------------------------------------------------------------------

    def _give(self, words: str, merge: str, **fields: Any) -> None:
        if not self._filling:
            self.changed.emit(words, f"volume {merge}", fields)

    def _chosen(self) -> None:
        keys = [str(chooser.currentData() or "") for chooser in self.choosers if not chooser.isHidden()]
        self._give("Choose what the volume shows", "shown", shown=tuple(dict.fromkeys(key for key in keys if key)))

    def _levelled(self) -> None:
        used = sum(bool(chooser.currentData()) for chooser in self.choosers if not chooser.isHidden())
        levels = tuple(round(one.slider.value() / 100, 3) for one in self.levels[:used])
        self._give("Move surface", "levels", levels=levels)

    def _scans(self, first: int, last: int) -> None:
        whole = (first, last) == (0, self.scans.handles.count - 1)
        self._give("Draw other scans", "scans", scans=() if whole else (first, last))
