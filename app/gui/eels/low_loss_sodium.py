"""The Sodium or carbon part of the Low loss page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from app.gui.eels.low_loss_part import LowLossPart
from app.gui.panels.base import button, muted, row
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.tasks import Cancel, Progress
from app.numerals import UNDETERMINED, with_error
from app.project import low_loss
from app.project.project import Entry, Project
from fitting.eels.hypotheses import UNLIKE, VERDICTS, SodiumTest

if TYPE_CHECKING:
    from app.gui.eels.low_loss_panel import LowLossPanel

ADVICE = ("Na metal at 5.7 eV and π–π* of carbon at 5.4 eV cannot be told apart by energy. Four models, broadened by "
          "the measured zero loss, are compared; width, double plasmon, surface plasmon and Na L2,3 stand beside the "
          "answer, which is “not determined” where the data cannot tell.")


class SodiumPart(LowLossPart):
    """Weights of the four hypotheses, amount or limit of sodium, and the evidence."""

    def __init__(self, page: LowLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self.go = button("Test", "Compare the four hypotheses on the spectrum that is shown", self.test, primary=True)
        self.map = button("Test every pixel", "Maps of the verdict, the sodium plasmon and the Na L2,3 exciton",
                          self.start_map)
        self.body.addLayout(row(self.go, self.map))
        self.rows = RowsModel((
            Column("Hypothesis"), Column("Weight", "exp(−ΔBIC/2) over the sum of all four", True),
            Column("ΔBIC", "Against the best", True), Column("χ²ᵣ", "Reduced chi-squared", True), Column("Fit"),
        ))
        self.view = RowsView(self.rows, "Four hypotheses")
        self.clues = RowsModel((Column("Evidence"), Column("Value", "", True), Column("Speaks")))
        self.clues_view = RowsView(self.clues, "Evidence")
        for model in (self.rows, self.clues):
            page.table(model)
        self.region = muted("")
        for widget in (self.value, self.words, self.view, self.region, self.clues_view, self.warnings, muted(ADVICE)):
            self.body.addWidget(widget)
        self.found: SodiumTest | None = None
        self.show_result(None)

    def show_entry(self, entry: Entry | None) -> None:
        """Which buttons make sense."""
        self.go.setEnabled(entry is not None and self.task is None)
        self.map.setVisible(entry is not None and bool(entry.spectrum.navigation))
        self.map.setEnabled(self.task is None)

    def test(self) -> None:
        """Off the window's thread."""
        document = self.page.document
        entry, place, project = document.entry, document.place, document.project
        if entry is None or self.task is not None:
            return
        key = self.page.key()

        def work(progress: Progress, cancel: Cancel) -> SodiumTest:
            return low_loss.sodium_of(project, entry.id, place, progress, cancel)

        def done(found: SodiumTest) -> None:
            if self.page.key() == key:
                self.page.keep("sodium", found)
                self.show_result(found)

        def failed(error: BaseException) -> None:
            self.show_result(None)
            self.words.setText(str(error))

        self.page.run_for(self, work, done, failed, "Sodium or carbon")

    def start_map(self) -> None:
        """Every pixel, off the window's thread."""

        def work(project: Project, entry: str, progress: Progress, cancel: Cancel) -> Project:
            return low_loss.sodium_of_image(project, entry, progress, cancel)

        self.page.map_by(self, "Sodium or carbon in every pixel", work)

    def show_result(self, found: SodiumTest | None) -> None:
        """The answer, or nothing."""
        self.found = found
        for widget in (self.view, self.clues_view, self.region):
            widget.setVisible(found is not None)
        if found is None:
            self.headline("")
            self.words.setText("")
            self.warn(())
            return
        words = dict(VERDICTS)[found.verdict]
        self.headline(words[:1].upper() + words[1:])
        low, high = found.interval
        if found.is_limit:
            known = f"below A/I₀ = {high:.2g} (95 %)" if math.isfinite(high) else UNDETERMINED
            amount = f"Na plasmon {known}"
        else:
            amount = (f"Na plasmon A/I₀ = {with_error(found.probability, found.probability_err)} "
                      f"(95 %: {low:.3g} to {high:.3g})")
        self.words.setText(f"{amount}. Zero loss {found.zero.fwhm:.2f} eV wide.")
        self.rows.set_rows([
            Row(one.key, (
                Cell(one.title), Cell(f"{100 * one.weight:.1f} %"),
                Cell(f"{one.bic:.1f}" if one.bic < UNLIKE / 2 else "unlike Na", tooltip="" if one.bic < UNLIKE / 2 else
                     "The plasmon ran to the bounds of energy or width: it is none of sodium"),
                Cell(f"{one.reduced_chi2:.2f}"), Cell(one.result.status),
            ))
            for one in found.candidates
        ])
        self.view.fit_height(4, 4)
        self.view.fit_columns(range(5))
        self.region.setText(f"This place, proposed: {found.region}.")
        self.clues.set_rows([
            Row(one.what, (Cell(one.what, tooltip=f"Expected of Na metal: {one.expected}"),
                           Cell(f"{with_error(one.value, one.error)} {one.unit}".strip()), Cell(one.speaks)))
            for one in found.evidence
        ])
        self.clues_view.fit_height(1, 8)
        self.clues_view.fit_columns(range(3))
        self.warn([f"Open: {reason}" for reason in found.reasons])
