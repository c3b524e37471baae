"""A colour overlay of two to four maps on the Maps page, with its legend."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.document import Document
from app.gui.image.colouring import bar_length, label
from app.gui.image.scale_bar import paint_scale_bar
from app.gui.panels.base import button, heading, muted, row
from app.gui.panels.tables import swatch_icon
from app.gui.theme import GAP_2
from app.project.project import Entry
from fitting.image.classes import is_classes
from fitting.image.maps import Map
from fitting.image.overlay import MOST, PALETTES, Colour, Overlay, overlay
from fitting.image.profiles import scale_of
from fitting.sims.cube_maps import flat_map, lateral
from libraries.errors import SodaliteError

SIDE = 210


class OverlayPicture(QWidget):
    """The picture with a scale bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(QSize(SIDE, SIDE))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Colour overlay")
        self._image: QImage | None = None
        self._aspect = 1.0
        self._step, self._unit = 1.0, "px"

    def show_overlay(self, found: Overlay | None, entry: Entry | None) -> None:
        """Show this picture; None for none."""
        self._image = None
        if found is not None and entry is not None:
            rows, columns = found.pixels.shape[:2]
            self._image = QImage(found.pixels.tobytes(), columns, rows, 3 * columns, QImage.Format.Format_RGB888).copy()
            scale = scale_of(lateral(entry.spectrum.navigation))
            self._aspect = rows * scale.row / (columns * scale.column)
            self._step, self._unit = scale.column, scale.unit
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        painter = QPainter(self)
        if self._image is None:
            painter.end()
            return
        wide = SIDE if self._aspect <= 1 else SIDE / self._aspect
        frame = QRectF(0.5, 0.5, wide - 1, wide * self._aspect - 1)
        painter.drawImage(frame, self._image)
        painter.setPen(QPen(QColor(theme.current().border_strong), 1))
        painter.drawRect(frame)
        if self._unit != "px":
            self._bar(painter, frame)
        painter.end()

    def _bar(self, painter: QPainter, frame: QRectF) -> None:
        assert self._image is not None
        whole = self._image.width() * self._step
        length = bar_length(0.35 * whole)
        paint_scale_bar(painter, frame, length / whole * frame.width(), f"{length:g} {self._unit}", self.font())


class OverlayPart(QWidget):
    """Choose maps and colours.

    Signals
    -------
    export_wanted()
    """

    export_wanted = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.found: Overlay | None = None
        self._chosen: dict[tuple[str, int], str] = {}
        self._drawn: tuple[object, ...] = ()
        self.palette_ = QComboBox()
        self.palette_.setAccessibleName("Colours of the overlay")
        self.palette_.setToolTip("Orange, blue, green and green, magenta: told apart with every common colour vision")
        self.palette_.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.palette_.setMinimumContentsLength(14)
        for key, (words, _) in PALETTES.items():
            self.palette_.addItem(words, key)
        self.palette_.activated.connect(lambda _: self.refresh())
        self.choosers: list[QComboBox] = []
        self.ranges = []
        form = QFormLayout()
        form.setVerticalSpacing(GAP_2)
        form.addRow(self.palette_)
        for number in range(MOST):
            chooser, text = QComboBox(), muted("")
            chooser.setAccessibleName(f"Map {number + 1} of the overlay")
            chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            chooser.setMinimumContentsLength(14)
            chooser.activated.connect(lambda _, number=number: self._choose(number))
            form.addRow(chooser)
            form.addRow(text)
            self.choosers.append(chooser)
            self.ranges.append(text)
        self.picture = OverlayPicture()
        self.save = button("Save figure…", "As PNG, SVG or PDF at journal width, with legend", self.export_wanted.emit)
        side = QVBoxLayout()
        side.addLayout(form)
        side.addStretch(1)
        side.addLayout(row(self.save))
        line = QHBoxLayout()
        line.setSpacing(GAP_2 * 2)
        line.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(side, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GAP_2, 0, 0)
        layout.setSpacing(GAP_2)
        layout.addWidget(heading("Colour overlay"))
        layout.addLayout(line)

    def refresh(self) -> None:
        """Show the maps of the shown image."""
        entry = self.document.entry
        maps = _numbers(entry) if entry is not None else []
        self.setVisible(len(maps) > 1)
        drawn = (entry.maps if entry is not None else None, self.palette_.currentData(), dict(self._chosen))
        if entry is None or len(maps) < 2 or drawn == self._drawn:
            return
        self._drawn = drawn
        colours = PALETTES[str(self.palette_.currentData())][1]
        for number, chooser in enumerate(self.choosers):
            rows = [(one.name, one.id) for one in maps]
            if number:
                rows.insert(0, ("none", ""))
            chooser.clear()
            icon = swatch_icon(_hex(colours[number]))
            for name, id in rows:
                chooser.addItem(icon, name, id)
            chooser.setCurrentIndex(max(chooser.findData(self._wanted(entry, number)), 0))
        ids = [str(chooser.currentData()) for chooser in self.choosers]
        chosen = [flat_map(entry.map(id)) for id in ids if id]
        try:
            self.found = overlay(chosen, str(self.palette_.currentData())) if chosen else None
        except SodaliteError as error:
            self.found = None
            self.ranges[0].setText(str(error))
        self._tell(ids)
        self.picture.show_overlay(self.found, entry)
        self.save.setEnabled(self.found is not None)

    def _tell(self, ids: list[str]) -> None:
        """The ranges of the colours."""
        left = iter(self.found.ranges) if self.found is not None else iter(())
        for id, text in zip(ids, self.ranges, strict=True):
            limits = next(left, None) if id else None
            text.setVisible(limits is not None)
            if limits is not None:
                low, high = limits
                text.setText(f"black {label(low, low, high)}, full colour {label(high, low, high)}")

    def _wanted(self, entry: Entry, number: int) -> str:
        known = self._chosen.get((entry.id, number))
        flat = [one.id for one in _numbers(entry)]
        if known is not None and (not known or known in flat):
            return known
        first = [id for id in flat if f"{id}_image" not in flat]  # of a component the image before the voxels added up
        return first[number] if number < min(2, len(first)) else ""

    def _choose(self, number: int) -> None:
        entry = self.document.entry
        if entry is not None:
            self._chosen[(entry.id, number)] = str(self.choosers[number].currentData())
            self.refresh()


def _numbers(entry: Entry) -> list[Map]:
    """Maps that an overlay can show: pictures, not of classes."""
    return [one for one in entry.maps if len(one.shape) >= 2 and not is_classes(one)]


def _hex(colour: Colour) -> str:
    return QColor.fromRgbF(*colour).name()
