"""A small plot inside a panel: theme colours, plain numbers, no menus, no mouse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QFrame, QWidget

from app.gui import theme
from app.gui.plot.axes import PlainAxis
from app.gui.plot.colours import faded, small
from fitting.dataset import FloatArray

HEIGHT = 220


class SmallPlot(pg.PlotWidget):
    """Curves and points with error bars.

    Parameters
    ----------
    name : str
        What screen readers call it.
    bottom, left : str
        Axis titles with units.
    """

    def __init__(self, name: str, bottom: str, left: str, parent: QWidget | None = None) -> None:
        font = small(parent.font() if parent is not None else QWidget().font())
        axes = {"bottom": PlainAxis("bottom", font), "left": PlainAxis("left", font)}
        super().__init__(parent, axisItems=axes)
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFixedHeight(HEIGHT)
        self.setAntialiasing(True)
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        for menu in filter(None, (item.ctrlMenu, getattr(item.vb, "menu", None))):
            menu.setParent(self, menu.windowFlags())
        item.vb.setMouseEnabled(False, False)
        item.layout.setContentsMargins(2, 6, 8, 2)
        self._axes = axes
        self.set_titles(bottom, left)
        self.recolour()

    def set_titles(self, bottom: str, left: str) -> None:
        """Titles of the axes."""
        self._axes["bottom"].setLabel(bottom)
        self._axes["left"].setLabel(left)

    def recolour(self) -> None:
        """Colours of the theme; what is drawn is to be drawn again."""
        colours = theme.current()
        self.setBackground(colours.paper)
        for axis in self._axes.values():
            axis.recolour(colours)

    def colour(self, index: int) -> QColor:
        """Colour of a series."""
        series = theme.current().series
        return QColor(series[index % len(series)])

    def curve(self, x: FloatArray, y: FloatArray, colour: QColor, *, width: float = 1.5, faint: float = 1.0) -> None:
        """A line."""
        self.addItem(pg.PlotDataItem(x, y, pen=pg.mkPen(faded(colour, faint), width=width)))

    def level(self, value: float, *, vertical: bool = False) -> None:
        """A thin line across the plot."""
        pen = pg.mkPen(theme.current().axis, width=1)
        self.addItem(pg.InfiniteLine(value, angle=90 if vertical else 0, pen=pen), ignoreBounds=True)

    def points(
        self,
        x: Sequence[float],
        y: Sequence[float],
        colour: QColor,
        *,
        x_err: Sequence[float] | None = None,
        y_err: Sequence[float] | None = None,
    ) -> None:
        """Points with error bars of one standard error."""
        xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        for errors, key in ((x_err, "width"), (y_err, "height")):
            if errors is not None:
                sizes = 2 * np.nan_to_num(np.asarray(errors, dtype=np.float64))
                self.addItem(pg.ErrorBarItem(x=xs, y=ys, pen=pg.mkPen(colour, width=1.2), **{key: sizes}))
        self.addItem(
            pg.ScatterPlotItem(xs, ys, size=7, pen=pg.mkPen(theme.current().paper, width=1), brush=pg.mkBrush(colour))
        )

    def frame(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        """Visible range."""
        self.getPlotItem().vb.setRange(xRange=x, yRange=y, padding=0)
        self._axes["left"].setWidth(round(self._axes["left"].room() + 34))
