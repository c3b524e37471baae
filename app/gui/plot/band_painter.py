"""Paints bands over the plot: filled ranges with grips, and their names on small plates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from app.gui.plot.canvas import Mapper
from app.gui.plot.colours import faded
from app.gui.plot.marks import ROWS
from app.gui.theme import Theme


@dataclass(frozen=True)
class Band:
    """A range of the axis.

    Attributes
    ----------
    name : str
        Unique on the plot: "maps/w1".
    label : str
        What stands on it.
    low, high : float
        In the unit of the axis; low <= high.
    colour : int or str
        Number of the theme's series, or a colour.
    movable : bool
        Whether it follows hand and keys; others are only shown.
    words : str
        Tooltip.
    limits : (float, float) or None
        It stays inside; None: inside the axis.
    strong : bool
        Filled more, for the one that a page is speaking of.
    """

    name: str
    label: str
    low: float
    high: float
    colour: int | str = 0
    movable: bool = True
    words: str = ""
    limits: tuple[float, float] | None = None
    strong: bool = False


class BandPainter:
    """Paints all bands.

    Attributes
    ----------
    plates : dict of str to QRectF
        Where names stand, by the names of the bands; of the last painting.
    """

    def __init__(self, font: QFont) -> None:
        self._font = font
        self.plates: dict[str, QRectF] = {}

    def paint(
        self, painter: QPainter, mapper: Mapper, bands: Sequence[Band], colours: Theme,
        *, chosen: str, held: tuple[str, str] | None, marked: bool,
    ) -> None:
        """Everything.

        Parameters
        ----------
        chosen : str
            Name of the band that keys move.
        held : (name, part) or None
            What the hand holds or would hold: "low", "high" or "all".
        marked : bool
            Whether lines of the library stand at the top: names go below them.
        """
        self.plates = {}
        painter.save()
        painter.setFont(self._font)
        painter.setClipRect(mapper.box.adjusted(-1, -1, 1, 1))
        for band in bands:
            _paint_band(painter, mapper, band, colours, chosen, held)
        self._paint_names(painter, mapper, bands, colours, chosen, marked)
        painter.restore()

    def _paint_names(
        self, painter: QPainter, mapper: Mapper, bands: Sequence[Band], colours: Theme, chosen: str, marked: bool
    ) -> None:
        """Names on small plates at the top, each in the first row with room."""
        box, metrics = mapper.box, QFontMetricsF(self._font)
        height = metrics.height() + 4
        top = box.top() + 3 + (ROWS * (metrics.height() + 1) if marked else 0)
        rows: list[list[tuple[float, float]]] = []
        for band in sorted(bands, key=lambda band: float(mapper.px(band.low))):
            left, right = sorted((float(mapper.px(band.low)), float(mapper.px(band.high))))
            if right < box.left() or left > box.right() or not band.label:
                continue
            middle = 0.5 * (max(left, box.left()) + min(right, box.right()))
            width = min(metrics.horizontalAdvance(band.label) + 12, box.width() - 4)
            at = min(max(middle - width / 2, box.left() + 2), box.right() - width - 2)
            row = next((i for i, taken in enumerate(rows) if all(at >= e + 3 or at + width <= s - 3 for s, e in taken)),
                       len(rows))
            if row == len(rows):
                rows.append([])
            rows[row].append((at, at + width))
            plate = self.plates[band.name] = QRectF(at, top + row * (height + 3), width, height)
            _paint_plate(painter, plate, band, colours, chosen, metrics)


def _ink(band: Band, colours: Theme) -> QColor:
    return colours.of(band.colour) if isinstance(band.colour, int) else QColor(band.colour)


def _paint_band(
    painter: QPainter, mapper: Mapper, band: Band, colours: Theme, chosen: str, held: tuple[str, str] | None
) -> None:
    box, ink = mapper.box, _ink(band, colours)
    left, right = sorted((float(mapper.px(band.low)), float(mapper.px(band.high))))
    if right < box.left() or left > box.right():
        return
    here = held is not None and held[0] == band.name
    active = here or band.name == chosen
    painter.fillRect(QRectF(left, box.top(), right - left, box.height()),
                     faded(ink, 0.20 if active or band.strong else 0.11))
    low_left = float(mapper.px(band.low)) <= float(mapper.px(band.high))
    for x, part in ((left, "low" if low_left else "high"), (right, "high" if low_left else "low")):
        near = here and held is not None and held[1] in (part, "all")
        painter.setPen(QPen(faded(ink, 1.0 if active else 0.75), 1.8 if near else 1.0))
        x = round(x) + 0.5
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        if band.movable and (near or right - left >= 28):
            grip = QRectF(x - 2.5, box.center().y() - 9, 5, 18)
            painter.setPen(QPen(ink, 1.0))
            painter.setBrush(ink if near else QColor(colours.paper))
            painter.drawRoundedRect(grip, 2.5, 2.5)


def _paint_plate(
    painter: QPainter, plate: QRectF, band: Band, colours: Theme, chosen: str, metrics: QFontMetricsF
) -> None:
    ink = _ink(band, colours)
    painter.setPen(QPen(faded(ink, 0.9), 1.4 if band.name == chosen else 1.0))
    painter.setBrush(faded(colours.paper, 0.94))
    painter.drawRoundedRect(plate, 4, 4)
    painter.setPen(ink.lighter(112) if colours.dark else ink.darker(125))
    text = metrics.elidedText(band.label, Qt.TextElideMode.ElideRight, plate.width() - 6)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
