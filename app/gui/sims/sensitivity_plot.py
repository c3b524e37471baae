"""The concentration along the depth: a logarithmic plot with its error, the detection limit, and where it holds."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from app.gui import theme
from app.gui.plot.colours import faded, small
from app.gui.plot.small_plot import SmallPlot
from app.project.sims_sensitivity import Amount
from fitting.dataset import FloatArray

_BAND = 0.22  # opacity
_BELOW = 5.0  # the axis ends so far below the detection limit, or below the least error
_SPAN = 6.0  # decades at most


class ConcentrationPlot(SmallPlot):
    """Concentrations of one species; grey where the factor does not hold or nothing is evaluated."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Concentration along the depth", "Depth (nm)", "Concentration (atoms/cm³)", parent)
        self._axes["left"].powers = True
        self.setFixedHeight(250)

    def show_amount(self, amount: Amount | None) -> None:
        """Draw an amount; None, or one without numbers, draws nothing."""
        found = amount.found if amount is not None else None
        y, error = (found.values, np.nan_to_num(found.error)) if found is not None else (np.zeros(1), np.zeros(1))
        high = float(np.max(y + error))
        self.setVisible(high > 0)
        self.clear()
        if amount is None or found is None or not high > 0:
            return
        self.set_titles("Depth (nm)", f"{amount.species} (atoms/cm³)")
        low = self._floor(y, error, found.limit, high)
        grey = QColor(theme.current().muted)
        for chosen, colour in ((~found.valid, grey), (found.valid, self.colour(0))):
            self._draw(found.depth, y, error, chosen, low, colour)
        if math.isfinite(found.limit) and found.limit > low:
            pen = pg.mkPen(theme.current().text, width=1, style=pg.QtCore.Qt.PenStyle.DashLine)
            line = pg.InfiniteLine(math.log10(found.limit), angle=0, pen=pen, label="limit",
                                   labelOpts={"position": 1.0, "color": theme.current().text,
                                              "anchors": [(1.0, 1.0), (1.0, 1.0)]})
            line.label.setFont(small(self.font()))
            self.addItem(line, ignoreBounds=True)
        self.frame((0.0, 1.03 * float(found.depth[-1])), (math.log10(low), math.log10(high) + 0.1))

    def _floor(self, y: FloatArray, error: FloatArray, limit: float, high: float) -> float:
        """The least concentration that is shown."""
        least = limit if math.isfinite(limit) else float(np.min(error[error > 0], initial=high))
        return max(least / _BELOW, high / 10**_SPAN) if 0 < least < high else high / 1e3

    def _draw(self, z: FloatArray, y: FloatArray, error: FloatArray, chosen: FloatArray, low: float,
              colour: QColor) -> None:
        """Points of one kind with their band."""
        if not np.any(chosen):
            return
        # What lies below the axis is left out: lines down to it would fill the plot where there is only noise.
        middle = np.where(chosen & (y > low), np.log10(np.maximum(y, low)), np.nan)
        for first, last in _runs(chosen):
            part = slice(first, last)
            curves = [pg.PlotDataItem(z[part], np.log10(np.maximum(y[part] + side * error[part], low)),
                                      pen=pg.mkPen(None)) for side in (-1.0, 1.0)]
            for item in (*curves, pg.FillBetweenItem(*curves, brush=pg.mkBrush(faded(colour, _BAND)))):
                self.addItem(item)
        if not np.any(np.isfinite(middle)):
            return  # all of it lies below the axis
        self.addItem(pg.PlotDataItem(z, middle, pen=pg.mkPen(colour, width=1.2), connect="finite", symbol="o",
                                     symbolSize=3, symbolPen=None, symbolBrush=pg.mkBrush(colour)))


def _runs(chosen: FloatArray) -> list[tuple[int, int]]:
    """Begin and end of the stretches of points that are chosen."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], chosen, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
