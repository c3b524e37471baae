"""Factors of ions: their amounts along the depth with bands, their spectra as bars, their largest ions."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QCheckBox, QScrollArea, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.panels.base import muted
from app.gui.panels.numbers import plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.plot.colours import faded, small
from app.gui.plot.small_plot import SmallPlot
from app.gui.sims.factor_ions import ion_words
from app.gui.theme import GAP_2
from app.numerals import with_error
from fitting.dataset import Axis, FloatArray
from fitting.factors.kept import KeptFactors

_NAMED, _BARS, _FEWEST = 4, 12, 4
_BAND = 0.22  # opacity


class IonResult(QWidget):
    """What an analysis of a profile or cube of ions found.

    Signals
    -------
    renamed(str, int, str)
        Key of a factor, column, text.
    chosen(int)
        Factor whose row the user moved to.
    """

    renamed = Signal(str, int, str)
    chosen = Signal(int)

    def __init__(self, models: list[RowsModel], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: KeptFactors | None = None
        self._axis: Axis | None = None
        self.shares = QCheckBox("Shares of the phases")
        self.shares.setToolTip("Amounts over the yield of each phase (closure); else counts")
        self.shares.toggled.connect(lambda _: self._draw())
        self.profiles = SmallPlot("Amounts of the factors along the depth", "", "Counts", self)
        self.profiles.setFixedHeight(230)
        self.table = RowsModel((
            Column("Factor", "Double-click to rename"), Column("Share / %", "Of all counts", True),
            Column("Largest ions", "With their share of the factor's counts"),
        ))  # fmt: skip
        models.append(self.table)
        self.table.edited.connect(self.renamed)
        self.view = RowsView(self.table, "Factors of ions")
        self.view.set_widths((140, 80, 250), stretch=2)
        self.view.current_changed.connect(self._chosen)
        self.bars = SmallPlot("Spectrum of the marked factor", "", "Share / %", self)
        self.bars.setFixedHeight(190)
        self.about = muted("")
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP_2)
        for widget in (self.shares, self.profiles, self.view, self.bars, self.about):
            body.addWidget(widget)

    def show_result(self, found: KeptFactors, depth: Axis | None) -> None:
        """Show an analysis; `depth` is the axis of its amounts."""
        self._found, self._axis = found, depth
        along = depth is not None and found.amounts.size > 0 and found.amounts.shape[1] == len(depth)
        self.profiles.setVisible(along)
        self.shares.setVisible(along and found.closed)
        self._rows(found)
        if self.view.currentIndex().row() < 0 or self.view.currentIndex().row() >= len(found.names):
            self.view.show_current("0")
        self._draw()

    def recolour(self) -> None:
        """Colours of the theme; the rest is drawn by `show_result`."""
        for plot in (self.profiles, self.bars):
            plot.recolour()

    def come_into_view(self) -> None:
        """Scroll the page so that the result is seen, once it has its place."""
        area = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        if isinstance(area, QScrollArea) and self.isVisibleTo(area):
            QTimer.singleShot(0, self, lambda: area.ensureWidgetVisible(self, 0, 120))

    # -- drawing ------------------------------------------------------------------------------------------------

    def _rows(self, found: KeptFactors) -> None:
        total = float(found.amounts.sum()) if found.amounts.size else math.nan
        rows = []
        for index, name in enumerate(found.names):
            share = plain(100 * float(found.amounts[index].sum()) / total, 1) if total > 0 else ""
            colour = self.profiles.colour(index).name()
            ions = largest_ions(found, index, _NAMED)
            rows.append(Row(str(index), (Cell(name, edit=name, swatch=colour), Cell(share), Cell(ions, tooltip=ions))))
        self.table.set_rows(rows)
        self.view.fit_height(2, 10)

    def _draw(self) -> None:
        found, axis = self._found, self._axis
        if found is None:
            return
        if axis is not None and self.profiles.isVisibleTo(self):
            self._draw_profiles(found, axis)
        self._draw_bars(found)

    def _draw_profiles(self, found: KeptFactors, axis: Axis) -> None:
        closed = found.closed and self.shares.isChecked()
        scale = 1.0 / found.yields if closed else np.ones(len(found.names))
        plot = self.profiles
        plot.clear()
        plot.set_titles(axis.label, "Share of the phases" if closed else "Counts")
        top = 0.0
        for index in range(len(found.names)):
            colour, y = plot.colour(index), found.amounts[index] * scale[index]
            if found.low.size:
                self._band(plot, axis.values, found.low[index] * scale[index], found.high[index] * scale[index], index)
                top = max(top, float(found.high[index].max()) * float(scale[index]))
            plot.curve(axis.values, y, colour)
            top = max(top, float(y.max()))
        plot.frame((float(axis.values[0]), float(axis.values[-1])), (min(0.0, -0.01 * top), 1.08 * max(top, 1e-9)))

    def _band(self, plot: SmallPlot, x: FloatArray, low: FloatArray, high: FloatArray, index: int) -> None:
        pen = pg.mkPen(None)
        ends = [pg.PlotDataItem(x, y, pen=pen) for y in (low, high)]
        band = pg.FillBetweenItem(*ends, brush=pg.mkBrush(faded(plot.colour(index), _BAND)))
        for item in (*ends, band):
            plot.addItem(item)

    def _draw_bars(self, found: KeptFactors) -> None:
        index = min(max(self.view.currentIndex().row(), 0), len(found.names) - 1)
        spectrum, plot = 100 * found.spectra[index], self.bars
        order = self._fitting(found, np.argsort(np.abs(spectrum))[::-1][:_BARS])
        plot.clear()
        plot.addItem(pg.BarGraphItem(x=np.arange(order.size), height=spectrum[order], width=0.7, pen=pg.mkPen(None),
                                     brush=pg.mkBrush(plot.colour(index))))  # fmt: skip
        high = float(spectrum[order].max(initial=0.0))
        if found.low_spectra.size:
            low_, high_ = 100 * found.low_spectra[index][order], 100 * found.high_spectra[index][order]
            middle, half = (low_ + high_) / 2, high_ - low_
            plot.addItem(pg.ErrorBarItem(x=np.arange(order.size), y=middle, height=half, beam=0.25,
                                         pen=pg.mkPen(theme.current().text, width=1)))  # fmt: skip
            high = max(high, float(high_.max(initial=0.0)))
        names = [(number, ion_words(found.labels[place])) for number, place in enumerate(order)]
        plot.getPlotItem().getAxis("bottom").setTicks([names])
        least = float(spectrum[order].min(initial=0.0))
        title = "Loading" if found.method == "pca" else "Share / %"
        plot.set_titles(f"Largest ions of {found.names[index]}", title)
        span = max(high - min(least, 0.0), 1e-9)
        plot.frame((-0.6, order.size - 0.4), (min(least, 0.0) - 0.02 * span, high + 0.08 * span))
        self.about.setText(self._words(found, index))

    def _fitting(self, found: KeptFactors, order: np.ndarray) -> np.ndarray:
        """The first of these ions, as many as have room for their names side by side."""
        metrics = QFontMetricsF(small(self.font()))
        room = max(self.bars.width(), 300) - 60.0
        for number in range(len(order), _FEWEST, -1):
            widest = max(metrics.horizontalAdvance(ion_words(found.labels[place])) for place in order[:number])
            if number * (widest + 10.0) <= room:
                return order[:number]
        return order[:_FEWEST]

    def _words(self, found: KeptFactors, index: int) -> str:
        words = []
        if found.shares.size:
            low, high = 100 * found.shares[index]
            words.append(f"{found.names[index]} has {low:.3g} to {high:.3g} % of the scaled signal (root of squares, "
                         "not of the counts) among all sets of factors that fit alike")  # fmt: skip
        if found.closed:
            error = float(found.yield_errors[index])
            about = with_error(float(found.yields[index]), error) if math.isfinite(error) else (
                f"{found.yields[index]:.4g} (error not determined)")  # fmt: skip
            words.append(f"alone it would give {about} counts")
        return "; ".join(words) + "." if words else ""

    def _chosen(self, key: str) -> None:
        if self._found is not None:
            self._draw_bars(self._found)
            self.chosen.emit(int(key))


def largest_ions(found: KeptFactors, index: int, number: int) -> str:
    """ "NaF₂⁻ 34 %, Na₂F₃⁻ 12 %": of a factor's counts."""
    spectrum = found.spectra[index]
    order = np.argsort(np.abs(spectrum))[::-1][:number]
    if found.method == "pca":
        return ", ".join(("−" if spectrum[place] < 0 else "+") + ion_words(found.labels[place]) for place in order)
    return ", ".join(f"{ion_words(found.labels[place])} {100 * spectrum[place]:.3g} %" for place in order
                     if spectrum[place] > 0)  # fmt: skip
