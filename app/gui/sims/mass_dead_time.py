"""Dead time on the Mass page: correct raw counts, or say why that is not to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLabel, QWidget

from app.gui.panels.base import button, muted, row
from app.gui.panels.numbers import parse_number
from app.gui.panels.part import field
from app.gui.sims.mass_part import MassPart
from app.project import dead_time, masses
from app.project.project import Entry, Project

if TYPE_CHECKING:
    from app.gui.sims.mass_panel import MassPanel


class DeadTimePart(MassPart):
    """Pulses and dead channels, and the correction."""

    def __init__(self, page: MassPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self.now = muted("")
        self.pulses = field("Primary pulses", tip="Pixels × shots × scans behind this spectrum", width=120)
        self.channels = field("Dead time in channels", tip="Channels after an ion in which the detector is blind",
                              width=80)
        self.keep = button("Keep pulses", "Keep the number of pulses, to flag saturated lines", self.keep_pulses)
        self.go = button("Correct", "Make the Poisson correction the first step of the recipe", self.correct)
        self.remove = button("Take back", "Take the correction out of the recipe", self.take_back)
        self.body.addWidget(self.now)
        self.body.addLayout(row(QLabel("Primary pulses"), self.pulses, self.keep))
        self.body.addLayout(row(QLabel("Dead time / channels"), self.channels, self.go, self.remove))
        self.body.addWidget(muted(
            "Ions that arrive together are counted once. Lines whose pulses without an ion are fewer than 100 are "
            "flagged as saturated. The number of pulses is never guessed; isotope ratios need none."))
        self._shown = ""

    def show_entry(self, entry: Entry, view: masses.MassView) -> None:
        """Say what is known of the dead time."""
        step, reason = dead_time.dead_time_of(entry), dead_time.may_correct(entry)
        extra = dict(entry.spectrum.meta.extra)
        if step is not None:
            words = (f"Corrected here: {step.number('channels'):g} channels, {step.number('pulses'):.6g} pulses.")
        elif reason:
            words = reason
        else:
            stated = extra.get("dead time", "")
            words = f"The file says: {stated}." if stated else "The file does not say; whole counts look uncorrected."
        self.now.setText(words)
        pulses = dead_time.pulses_of(entry)
        if entry.id != self._shown:
            self._shown = entry.id
            self.pulses.setText(f"{pulses:.12g}" if pulses else "")
            self.channels.setText(extra.get("dead time in channels", "") if step is None else
                                  f"{step.number('channels'):g}")
        self.go.setEnabled(not reason and step is None and not self.page.busy)
        self.channels.setEnabled(not reason)
        self.remove.setEnabled(step is not None)

    def keep_pulses(self) -> None:
        """Keep the number of pulses."""
        def change(project: Project, entry: Entry, _: masses.MassView) -> Project:
            return masses.with_setup(project, entry.id, pulses=parse_number(self.pulses.text(), "The number of pulses"))

        self.page.apply("Primary pulses", change)

    def correct(self) -> None:
        """Correct the raw counts."""
        def change(project: Project, entry: Entry, _: masses.MassView) -> Project:
            pulses = parse_number(self.pulses.text(), "The number of pulses")
            return dead_time.correct(project, entry.id, pulses,
                                  round(parse_number(self.channels.text(), "The dead time")))

        self.page.apply("Correct dead time", change)

    def take_back(self) -> None:
        """Take the correction out of the recipe."""
        self.page.apply("Take the dead-time correction back",
                        lambda project, entry, _: dead_time.uncorrected(project, entry.id))
