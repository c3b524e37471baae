"""Compositions of factors, and along the depth, on the Amounts page."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.panels.base import muted, row
from app.gui.panels.numbers import plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.plot.colours import faded
from app.gui.plot.small_plot import SmallPlot
from app.gui.sims.by_xps_table import ElementRows
from app.gui.theme import GAP_2
from app.numerals import UNDETERMINED, limit_or_amount
from fitting.dataset import FloatArray
from fitting.sims.by_xps import LABEL, FactorCompositions
from fitting.sims.by_xps_setup import ByXps

_BAND = 0.22  # opacity
_FACTOR = Column("Factor")
_GAIN = Column("Growth", "By how much the error of one XPS number grows on the way to the factor: large where these "
               "depths hardly tell the factor from others", True)
_DENSITY = Column("Atoms/nm³", "Density of atoms without hydrogen, if known; empty: alike in all factors. "
                  "Double-click to edit", True)


class ByXpsResult(QWidget):
    """What came of the calibration.

    Signals
    -------
    density_edited(int, str)
        Factor and typed density.
    """

    density_edited = Signal(int, str)

    def __init__(self, models: list[RowsModel], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._told: tuple[tuple[str, ...], ByXps] | None = None
        self._found: FactorCompositions | None = None
        self._averaged = False
        self._tops: list[float] = [1.0]
        self.label = QLabel(f"{LABEL[:1].upper()}{LABEL[1:]}, at.%")
        self.label.setProperty("role", "heading")
        self.factors = ElementRows((_FACTOR,))
        self.factors.edited.connect(lambda key, _, text: self.density_edited.emit(int(key), text))
        models.append(self.factors)
        self.view = RowsView(self.factors, "Compositions of the factors")
        self.words = muted("")
        self.words.setAccessibleName("About the compositions of the factors")
        self.shown = QComboBox()
        self.shown.setAccessibleName("What the composition profile shows")
        self.shown.setMinimumContentsLength(16)  # it is filled while it is hidden
        self.shown.currentIndexChanged.connect(lambda _: self._draw())
        self.plot = SmallPlot("Composition along the depth", "Depth / nm", "at.%", self)
        self.plot.setFixedHeight(240)
        self.legend = QLabel()
        self.legend.setWordWrap(True)
        self.legend.setAccessibleName("Colours of the composition profile")
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP_2)
        for widget in (self.label, self.view, self.words):
            body.addWidget(widget)
        self.choice = QWidget()
        line = row(QLabel("Along the depth"), self.shown)
        line.setContentsMargins(0, 0, 0, 0)
        self.choice.setLayout(line)
        body.addWidget(self.choice)
        body.addWidget(self.plot)
        body.addWidget(self.legend)

    # -- showing ------------------------------------------------------------------------------------------------

    def show_result(self, names: tuple[str, ...], setup: ByXps, found: FactorCompositions | None) -> None:
        """Show compositions; without them only the factors with their densities."""
        told = (names, setup)
        if found is not None and found is self._found and told == self._told:
            return  # drawing it again takes a while
        self._told = told
        self._found, self._averaged = found, setup.attenuation > 0
        quantities = found.quantities if found is not None else ()
        middle = tuple(Column(name, f"{name} in at.% with one standard error; < : 95 % limit", True)
                       for name in quantities)
        self.factors.set_columns((_FACTOR, *middle, *((_GAIN,) if found is not None else ()), _DENSITY))
        self.factors.set_rows([self._row(k, name, setup, found) for k, name in enumerate(names)])
        self.view.fit_columns(range(len(self.factors.columns)))
        self.view.fit_height(2, 10)
        there = found is not None
        for widget in (self.label, self.words, self.plot, self.legend, self.choice):
            widget.setVisible(there)
        if found is not None:
            self.words.setText(about(found))
            self._offer(found)
            self._draw()

    def recolour(self) -> None:
        """Colours of the theme."""
        self.plot.recolour()
        self._draw()

    def _row(self, k: int, name: str, setup: ByXps, found: FactorCompositions | None) -> Row:
        density = plain(setup.densities[k], 3) if k < len(setup.densities) and setup.densities[k] > 0 else ""
        last = Cell(density, edit=density)
        if found is None:
            return Row(str(k), (Cell(name, tooltip=name), last))
        cells = [Cell(amount_text(found, k, m)) for m in range(len(found.quantities))]
        if not found.determined[k]:
            cells = [Cell(UNDETERMINED if m == 0 else "", muted=True) for m in range(len(found.quantities))]
        gain = f"{found.gains[k]:.2g}" if math.isfinite(found.gains[k]) else "∞"
        return Row(str(k), (Cell(name, tooltip=name), *cells, Cell(gain), last))

    def _offer(self, found: FactorCompositions) -> None:
        wanted = ["All elements", *(f"{name} by factor" for name in found.quantities)]
        if wanted != [self.shown.itemText(i) for i in range(self.shown.count())]:
            now = self.shown.currentText()
            self.shown.blockSignals(True)
            self.shown.clear()
            self.shown.addItems(wanted)
            self.shown.setCurrentIndex(max(self.shown.findText(now), 0))
            self.shown.blockSignals(False)

    # -- drawing ------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        found = self._found
        if found is None:
            return
        self.plot.clear()
        chosen = self.shown.currentIndex() - 1
        self._tops = [1.0]
        words = []
        if chosen < 0:
            for m, name in enumerate(found.quantities):
                self._line(found.profile[:, m], found.profile_errors[:, m], self.plot.colour(m))
                self._points(m, self.plot.colour(m))
                words.append((self.plot.colour(m), name))
        else:
            text = QColor(theme.current().text)
            for k, name in enumerate(found.names):
                self._line(found.parts[:, k, chosen], found.part_errors[:, k, chosen], self.plot.colour(k))
                words.append((self.plot.colour(k), name))
            self._line(found.profile[:, chosen], found.profile_errors[:, chosen], text)
            self._points(chosen, text)
            words.append((text, f"all {found.quantities[chosen]}"))
        end, top = float(found.depth[-1]), 1.06 * max(self._tops)
        self.plot.frame((-0.015 * end, 1.005 * end), (-0.015 * top, top))
        self.legend.setText(" &nbsp; ".join(
            f'<span style="color:{colour.name()}">■</span>&nbsp;{name.replace("<", "&lt;").replace(" ", "&nbsp;")}'
            for colour, name in words) + " &nbsp; ●&nbsp;XPS" + (
                " &nbsp; ┄&nbsp;as&nbsp;XPS&nbsp;sees&nbsp;it" if self._averaged else ""))

    def _line(self, y: FloatArray, errors: FloatArray, colour: QColor) -> None:
        found = self._found
        if found is None or not np.any(np.isfinite(y)):
            return
        sizes = np.nan_to_num(errors)
        pen = pg.mkPen(None)
        for part in np.ma.clump_unmasked(np.ma.masked_invalid(y)):
            ends = [pg.PlotDataItem(found.depth[part], np.clip(y[part] + sign * sizes[part], 0.0, 100.0), pen=pen)
                    for sign in (-1, 1)]
            band = pg.FillBetweenItem(*ends, brush=pg.mkBrush(faded(colour, _BAND)))
            for item in (*ends, band):
                self.plot.addItem(item)
            self.plot.curve(found.depth[part], y[part], colour)
            self._tops.append(float(np.max(y[part] + sizes[part])))

    def _points(self, m: int, colour: QColor) -> None:
        found = self._found
        if found is not None:
            if self._averaged:
                pen = pg.mkPen(faded(colour, 0.7), width=1, style=Qt.PenStyle.DashLine)
                self.plot.addItem(pg.PlotDataItem(found.depth, found.viewed[:, m], pen=pen))
            errors = np.nan_to_num(found.measured_errors[:, m])
            self.plot.points(found.places.tolist(), found.measured[:, m].tolist(), colour, y_err=errors.tolist())
            self._tops.append(float(np.max(found.measured[:, m] + errors)))


def amount_text(found: FactorCompositions, k: int, m: int) -> str:
    """A number with its error, or the limit below which it lies."""
    value, error = float(found.values[k, m]), float(found.errors[k, m])
    if not math.isfinite(value):
        return UNDETERMINED
    return limit_or_amount(value, error, float(found.limits[k, m]), determined=found.clear(k, m))


def about(found: FactorCompositions) -> str:
    """Figures and remarks below the table."""
    words = []
    if math.isfinite(found.chi2):
        words.append(f"χ²ᵣ {found.chi2:.3g} with {found.degrees} degrees of freedom")
    condition = f"{found.condition:.2g}" if math.isfinite(found.condition) else "∞"
    words.append(f"condition number of the shares at these depths {condition}")
    return ". ".join(one[:1].upper() + one[1:] if one[0].isascii() else one for one in (*words, *found.notes)) + "."
