"""The Wagner plot: kinetic energy of an Auger line against a binding energy, lines of constant Auger parameter."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from app.gui import theme
from app.gui.plot.small_plot import SmallPlot
from fitting.xps.auger_parameter import MeasuredParameter, WagnerPoint

TALL = 280  # pixels
MARGIN = 1.2  # eV around the points
STEP = 2.0  # eV between the lines of constant Auger parameter


class WagnerPlot(SmallPlot):
    """Cited compounds and the measured sample; binding energy runs to the left, as such plots do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Wagner plot", "Binding energy (eV)", "Kinetic energy (eV)", parent)
        self.setFixedHeight(TALL)
        self.getPlotItem().vb.invertX(True)

    def show_points(self, cited: Sequence[WagnerPoint], measured: MeasuredParameter | None) -> None:
        """Draw cited points with their ranges, and the measured one."""
        self.clear()
        self.recolour()
        x = [point.binding_energy for point in cited]
        y = [point.kinetic_energy for point in cited]
        if measured is not None:
            x, y = [*x, measured.binding_energy], [*y, measured.kinetic_energy]
            self.set_titles(f"Binding energy of {measured.core} (eV)", "Kinetic energy (eV)")
        if not x:
            return
        low, high = min(x) - MARGIN, max(x) + MARGIN
        bottom, top = min(y) - MARGIN, max(y) + MARGIN
        self._constants(low, high, bottom, top, list(zip(x, y, strict=True)))
        for point in cited:
            self._cited(point, above=point.kinetic_energy < 0.5 * (bottom + top))
        if measured is not None:
            self.points([measured.binding_energy], [measured.kinetic_energy], QColor(theme.current().accent),
                        x_err=[measured.binding_err], y_err=[measured.kinetic_err])
            self._label("this sample", measured.binding_energy, measured.kinetic_energy, theme.current().accent,
                        (1.1, 0.5))
        self.frame((low, high), (bottom, top))

    def _constants(
        self, low: float, high: float, bottom: float, top: float, points: Sequence[tuple[float, float]]
    ) -> None:
        """Lines of constant Auger parameter with their values."""
        colour = QColor(theme.current().axis)
        for value in np.arange(math.ceil((low + bottom) / STEP) * STEP, high + top, STEP):
            ends = np.array([low, high])
            self.curve(ends, value - ends, colour, width=1.0, faint=0.6)
            # Named at the high-energy side, where no point is near.
            at = high - 0.04 * (high - low)
            height = value - at
            free = all(abs(x - at) > 0.3 * (high - low) or abs(y - height) > 0.12 * (top - bottom) for x, y in points)
            if free and bottom + 0.05 * (top - bottom) < height < top - 0.05 * (top - bottom):
                self._label(f"α' = {value:.0f}", at, height, theme.current().faint, (0.0, 0.5))

    def _cited(self, point: WagnerPoint, above: bool) -> None:
        colour = QColor(theme.current().muted)
        self.points([point.binding_energy], [point.kinetic_energy], colour,
                    x_err=[0.5 * (point.binding_high - point.binding_low)], y_err=[0.5 * (point.high - point.low)])
        self._label(point.compound, point.binding_energy, point.kinetic_energy, theme.current().text,
                    (0.5, 1.2) if above else (0.5, -0.2))

    def _label(self, text: str, x: float, y: float, colour: str, anchor: tuple[float, float]) -> None:
        label = pg.TextItem(text, color=colour, anchor=anchor)
        label.setFont(self._axes["left"]._font)
        label.setPos(x, y)
        self.addItem(label, ignoreBounds=True)
