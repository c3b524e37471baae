"""The plot of quantities along a series: marks with error bars, joined, in the colours of the theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QMarginsF, QPointF, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QGuiApplication,
    QImage,
    QPageSize,
    QPainter,
    QPdfWriter,
    QResizeEvent,
)
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from app.gui import theme as themes
from app.gui.plot.axes import PlainAxis
from app.gui.plot.colours import faded, small
from app.gui.theme import Theme
from app.project.trends import Quantity, Reading, Trend
from libraries.errors import CannotWrite

# Shapes of marks, so that a grey print can be read too.
_SHAPES = ("o", "s", "t1", "d", "p", "h", "t", "star")
MARK = 7
_MOST_NAMES = 12  # names of samples that stand below the axis without overlapping
IMAGE_SCALE = 3
_LEGEND = 170  # pixels of a title
_KINDS = {"position": "Position", "fwhm": "FWHM", "area": "Area", "share": "Share", "reduced χ²": "Reduced χ²",
          "ratio": "Ratio"}


@dataclass(frozen=True)
class Along:
    """The numbers below the plot: their label, names instead of numbers (of samples), whether marks are joined."""

    label: str
    values: tuple[float, ...]
    names: tuple[str, ...] = ()
    joined: bool = True


def side_of(quantity: Quantity) -> tuple[str, str]:
    """What may share an axis: numbers of one kind and unit."""
    return quantity.kind, quantity.unit


def sides(trend: Trend) -> list[tuple[str, str]]:
    """The axes that a trend needs, in the order of their coming."""
    return list(dict.fromkeys(map(side_of, trend.quantities)))


class TrendPlot(pg.PlotWidget):
    """Quantities of at most two units, one on each side."""

    def __init__(self, parent: QWidget | None = None) -> None:
        font = small(QGuiApplication.font())
        self._axes = {side: PlainAxis(side, QFont(font)) for side in ("bottom", "left", "right")}
        super().__init__(parent, axisItems=self._axes)
        self.setAccessibleName("Plot of the trend")
        self.setFrameShape(pg.GraphicsView.Shape.NoFrame)
        self.setMenuEnabled(False)
        self.setMouseEnabled(False, False)
        self.hideButtons()
        self._other = pg.ViewBox(enableMenu=False)
        item = self.getPlotItem()
        # Menus without a parent would be windows of their own, which outlive this one.
        for menu in filter(None, (item.ctrlMenu, getattr(item.vb, "menu", None))):
            menu.setParent(self, menu.windowFlags())
        item.scene().addItem(self._other)
        self._axes["right"].linkToView(self._other)
        self._other.setXLink(item.vb)
        item.vb.sigResized.connect(self._follow)
        self._legend = pg.LegendItem(verSpacing=-4, labelTextSize=f"{font.pixelSize()}px")
        self._legend.setParentItem(item)
        self._legend.anchor(itemPos=(1, 0), parentPos=(1, 0), offset=(2, -2))
        self._metrics = QFontMetricsF(font)
        self._items: list[tuple[pg.ViewBox, object]] = []
        self._trend: Trend | None = None
        self._along = Along("", ())
        self.recolour()

    def recolour(self) -> None:
        """Draw in the colours of the theme."""
        colours = themes.current()
        self.setBackground(colours.paper)
        for axis in self._axes.values():
            axis.recolour(colours)
        self._legend.setLabelTextColor(colours.text)
        if self._trend is not None:
            self.show_trend(self._trend, self._along)

    def _follow(self) -> None:
        self._other.setGeometry(self.getPlotItem().vb.sceneBoundingRect())
        self._other.linkedViewChanged(self.getPlotItem().vb, self._other.XAxis)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Both sides keep their place."""
        super().resizeEvent(event)
        if hasattr(self, "_other"):
            self._follow()

    # -- showing ------------------------------------------------------------------------------------------------

    def show_trend(self, trend: Trend, along: Along) -> tuple[str, ...]:
        """Draw; returns the titles of quantities that are not drawn, because there are only two sides."""
        self._trend, self._along = trend, along
        self._clear()
        units = sides(trend)
        left_out = tuple(q.title for q in trend.quantities if side_of(q) in units[2:])
        colours = themes.current()
        self.getPlotItem().showAxis("right", len(units) > 1)
        x = np.array(along.values, dtype=float)
        boxes = (self.getPlotItem().vb, self._other)
        for number, quantity in enumerate(trend.quantities):
            side = units.index(side_of(quantity))
            if side > 1:
                continue
            readings = [row[number] for row in trend.readings]
            self._draw(boxes[side], side, x, readings, number, colours, along.joined)
            self._name(quantity.title, number, side, colours)
        # The legend stands beside the plot, where it hides nothing.
        self._legend.updateSize()
        room = self._legend.boundingRect().width() + 4 if trend.quantities else 0
        self.getPlotItem().layout.setContentsMargins(0, 4, room, 0)
        self._label(units, along)
        self._fit_ranges(trend, units, x)
        return left_out

    def _clear(self) -> None:
        for box, item in self._items:
            box.removeItem(item)
        self._items.clear()
        self._legend.clear()

    def _add(self, box: pg.ViewBox, item: object) -> None:
        box.addItem(item)
        self._items.append((box, item))

    def _draw(
        self, box: pg.ViewBox, side: int, x: np.ndarray, readings: Sequence[Reading], number: int, colours: Theme,
        joined: bool,
    ) -> None:
        colour = colours.of(number)
        y = np.array([r.value for r in readings])
        error = np.array([np.nan if r.error is None else r.error for r in readings])
        there = np.isfinite(y) & np.isfinite(x)
        sure = there & np.array([not r.flag for r in readings], dtype=bool)
        order = np.argsort(x, kind="stable")
        kept = order[there[order]]
        if joined:
            style = Qt.PenStyle.SolidLine if side == 0 else Qt.PenStyle.DashLine
            pen = pg.mkPen(faded(colour, 0.65), width=1.4, style=style)
            self._add(box, pg.PlotDataItem(x[kept], y[kept], pen=pen, antialias=True))
        barred = there & np.isfinite(error) & (error > 0)
        if np.any(barred):
            width = 0.012 * (float(np.ptp(x[there])) or 1.0)
            self._add(box, pg.ErrorBarItem(
                x=x[barred], y=y[barred], height=2 * error[barred], beam=width, pen=pg.mkPen(colour, width=1)
            ))
        shape = _SHAPES[number % len(_SHAPES)]
        marks = pg.ScatterPlotItem(
            x[sure], y[sure], symbol=shape, size=MARK, pen=pg.mkPen(colour), brush=pg.mkBrush(colour), antialias=True
        )
        self._add(box, marks)
        flagged = there & ~sure
        if np.any(flagged):
            # Open marks with a warning rim: a number that something is wrong with.
            self._add(box, pg.ScatterPlotItem(
                x[flagged], y[flagged], symbol=shape, size=MARK + 2, pen=pg.mkPen(colours.warning, width=1.6),
                brush=pg.mkBrush(colours.paper), antialias=True,
            ))
        # Among samples, an element that one of them does not have is no gap.
        looked = np.array([joined or not r.absent for r in readings], dtype=bool)
        lost = np.isfinite(x) & ~np.isfinite(y) & looked
        if np.any(lost):
            # Where there is no number at all, a dotted line says that one was expected.
            for place in x[lost]:
                pen = pg.mkPen(faded(colours.warning, 0.5), width=1, style=Qt.PenStyle.DotLine)
                self._add(box, pg.InfiniteLine(float(place), angle=90, pen=pen))

    def _name(self, title: str, number: int, side: int, colours: Theme) -> None:
        """A row of the legend."""
        colour = colours.of(number)
        mark = pg.ScatterPlotItem(
            symbol=_SHAPES[number % len(_SHAPES)], size=MARK, pen=pg.mkPen(colour), brush=pg.mkBrush(colour)
        )
        words = title + (" →" if side else "")
        self._legend.addItem(mark, self._metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, _LEGEND))

    def _label(self, units: list[tuple[str, str]], along: Along) -> None:
        self._axes["bottom"].setLabel(along.label)
        for side, (kind, unit) in zip(("left", "right"), [*units, ("", ""), ("", "")][:2], strict=True):
            words = _KINDS.get(kind, "")
            self._axes[side].setLabel(f"{words} ({unit})" if words and unit else words or unit)
        if along.names and len(along.names) <= _MOST_NAMES:
            names = [name if len(name) <= 18 else name[:17] + "…" for name in along.names]
            self._axes["bottom"].setTicks([list(zip(along.values, names, strict=True))])
        else:
            self._axes["bottom"].setTicks(None)

    def _fit_ranges(self, trend: Trend, units: list[tuple[str, str]], x: np.ndarray) -> None:
        good = x[np.isfinite(x)]
        if good.size:
            low, high = float(np.min(good)), float(np.max(good))
            pad = 0.5 if self._along.names else 0.05 * (high - low) or 0.5
            self.getPlotItem().vb.setXRange(low - pad, high + pad, padding=0)
        for side, box in enumerate((self.getPlotItem().vb, self._other)):
            if side >= len(units):
                continue
            ends = [
                value + sign * (error if error is not None and np.isfinite(error) else 0.0)
                for row in trend.readings for q, r in zip(trend.quantities, row, strict=True)
                if side_of(q) == units[side] and np.isfinite(r.value)
                for value, error, sign in ((r.value, r.error, -1), (r.value, r.error, 1))
            ]
            if ends:
                low, high = min(ends), max(ends)
                pad = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
                box.setYRange(low - pad, high + pad, padding=0)
        # The numbers of the left axis take the room that they need.
        for side in ("left", "right"):
            self._axes[side].setWidth(int(self._axes[side].room()) + 34)

    # -- out ----------------------------------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """The figure as PNG, SVG or PDF, by the suffix.

        Raises
        ------
        CannotWrite
        """
        kind = path.suffix.lower()
        size = self.viewport().size()
        if kind == ".png":
            image = QImage(size * IMAGE_SCALE, QImage.Format.Format_RGB32)
            image.fill(QColor(themes.current().paper))
            self._paint(image, QRectF(0, 0, image.width(), image.height()))
            image.setDotsPerMeterX(round(300 / 0.0254))
            image.setDotsPerMeterY(round(300 / 0.0254))
            done = image.save(str(path))
        elif kind == ".svg":
            device = QSvgGenerator()
            device.setFileName(str(path))
            device.setSize(size)
            device.setViewBox(QRectF(0, 0, size.width(), size.height()))
            done = self._paint(device, QRectF(0, 0, size.width(), size.height()))
        elif kind == ".pdf":
            device = QPdfWriter(str(path))
            # 90 mm, the width of a column of a journal.
            page = QSizeF(90.0, 90.0 * size.height() / max(size.width(), 1))
            device.setPageSize(QPageSize(page, QPageSize.Unit.Millimeter))
            device.setPageMargins(QMarginsF(0, 0, 0, 0))
            done = self._paint(device, QRectF(0, 0, device.width(), device.height()))
        else:
            raise CannotWrite("A figure is PNG, SVG or PDF", where=str(path), todo="Give a name ending in .png")
        if not done or not path.is_file():
            raise CannotWrite("The figure could not be written", where=str(path), todo="Choose another folder")

    def _paint(self, device: object, target: QRectF) -> bool:
        painter = QPainter()
        if not painter.begin(device):  # type: ignore[arg-type]
            return False
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.scene().prepareForPaint()
        self.scene().render(painter, target, QRectF(QPointF(0, 0), QSizeF(self.viewport().size())))
        return painter.end()

    def minimumSizeHint(self) -> QSize:
        """It takes what room there is."""
        return QSize(160, 90)
