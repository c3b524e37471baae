"""The Band gap part of the Low loss page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QFormLayout, QLabel, QWidget

from app.gui.eels.low_loss_part import LowLossPart, choose
from app.gui.panels.base import button, muted, row
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.plot.small_plot import SmallPlot
from app.numerals import with_error
from app.project import low_loss
from app.project.project import Entry
from fitting.dataset import Spectrum
from fitting.eels.band_gap import BandGap
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.eels.low_loss_panel import LowLossPanel

ADVICE = "Choose a window that begins in the gap and ends where the losses leave the power law; it is the band on " \
    "the plot while this part is open."


class GapPart(LowLossPart):
    """c (E − Eg)^p in a window, with what Eg becomes in neighbouring windows."""

    def __init__(self, page: LowLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self.low = self.number("Window from, eV", "The start of the gap window", "gap_low", width=70)
        self.high = self.number("Window to, eV", "The end of the gap window", "gap_high", width=70)
        self.kind = self.choice(
            "Kind of gap", [("direct, (E − Eg)^½", "direct"), ("indirect, (E − Eg)^3⁄2", "indirect")],
            lambda key: page.attempt(lambda: page.change(f"{key.capitalize()} gap", gap_kind=key)),
        )
        self.index = self.number("Refractive index", "The refractive index", "refractive_index", width=70,
                                 tip="For the warning of Čerenkov losses and for Kramers-Kronig")
        form = QFormLayout()
        form.addRow("Window / eV", row(self.low, QLabel("to"), self.high, self.kind))
        form.addRow("Refractive index", row(self.index))
        self.body.addLayout(form)
        self.rows = RowsModel((Column("Window / eV"), Column("Eg / eV", "", True), Column("χ²ᵣ", "", True)))
        self.view = RowsView(self.rows, "Gap in neighbouring windows")
        page.table(self.rows)
        self.plot = SmallPlot("Onset of the losses", "Energy loss (eV)", "Losses without zero loss", self)
        self.go = button("Fit the gap", "Fit the onset of the losses in this window", self.fit)
        self.body.addLayout(row(self.go))
        for widget in (self.value, self.words, self.plot, self.view, self.warnings):
            self.body.addWidget(widget)
        self.advice = muted(ADVICE)
        self.body.addWidget(self.advice)
        self._drawn: BandGap | None = None
        self.show_result(None, None)

    def show_entry(self, entry: Entry | None) -> None:
        """Settings."""
        settings = self.settings
        self.show_number(self.low, settings.gap_low)
        self.show_number(self.high, settings.gap_high)
        self.show_number(self.index, settings.refractive_index)
        choose(self.kind, settings.gap_kind)

    def fit(self) -> None:
        """Fit and show; it takes a fraction of a second."""
        entry = self.page.document.entry
        if entry is None:
            return
        try:
            found = low_loss.gap_of(self.page.document.project, entry.id, self.page.document.place)
        except SodaliteError as error:
            self.show_result(None, None)
            self.words.setText(str(error))
            return
        self.show_result(found, self.page.document.shown())
        self.page.keep("gap", found)

    def show_result(self, found: BandGap | None, spectrum: Spectrum | None) -> None:
        """The gap, or nothing."""
        for widget in (self.plot, self.view):
            widget.setVisible(found is not None)
        self._drawn = found
        if found is None:
            self.headline("")
            self.words.setText("")
            self.warn(())
            return
        fit = found.fit
        self.headline(f"Eg = {with_error(found.gap, found.error)} eV")
        self.words.setText(f"{found.kind.capitalize()} gap; counting {with_error(found.gap, fit.error)} eV, choice of "
                           f"the window ± {found.window_error:.2g} eV; both are in the error above.")
        windows = sorted(found.windows, key=lambda one: (one.low, one.high))
        self.rows.set_rows([
            Row(str(n), (Cell(f"{one.low:.2f} – {one.high:.2f}" + (" (chosen)" if one == fit else "")),
                         Cell(with_error(one.gap, one.error)), Cell(f"{one.reduced_chi2:.2f}")))
            for n, one in enumerate(windows)
        ])
        self.view.fit_height(2, 9)
        self.view.fit_columns(range(3))
        self.warn(found.warnings)
        self._draw(found)

    def _draw(self, found: BandGap) -> None:
        entry = self.page.document.entry
        if entry is None:
            return
        self.plot.clear()
        self.plot.recolour()
        energy, losses = found.seen
        self.plot.curve(energy, losses, self.plot.colour(0), width=1.0, faint=0.7)
        self.plot.curve(found.energy, found.curve, self.plot.colour(1), width=2.0)
        self.plot.level(found.gap, vertical=True)
        top = float(np.max(np.concatenate((losses, found.curve))))
        self.plot.frame((float(energy[0]), float(energy[-1])), (min(float(np.min(losses)), 0.0), 1.08 * top))

    def recolour(self) -> None:
        """Draw in the theme's colours."""
        self.plot.recolour()
        if self._drawn is not None:
            self._draw(self._drawn)
