"""The mass scale on the Mass page: named lines, the law through them, what it changes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QComboBox, QLabel, QWidget

from app.gui.panels.base import button, muted, row
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.sims.mass_part import MassPart
from app.numerals import UNDETERMINED, grouped, with_error
from app.project import mass_calibration, masses
from app.project.project import Entry, Project
from fitting.sims.calibrant_lists import LISTS
from fitting.sims.mass_calibration import MassCalibration, Suggestion
from libraries.errors import BadData, NotDetermined, SodaliteError
from libraries.ions import parse_ion, written

if TYPE_CHECKING:
    from app.gui.sims.mass_panel import MassPanel

_SUGGESTED = 4
_APPLY = "Make this law the step to m/z, in the place of the present one"


class MassScalePart(MassPart):
    """Calibrants and the law."""

    def __init__(self, page: MassPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self.now = muted("")
        self.preset = QComboBox()
        self.preset.setAccessibleName("List of calibrants")
        for one in LISTS:
            self.preset.addItem(one.title, one.key)
            self.preset.setItemData(self.preset.count() - 1, one.source, 3)  # ToolTipRole
        self.preset.currentIndexChanged.connect(lambda _: self._fill())
        self.ion = QComboBox()
        self.ion.setEditable(True)
        self.ion.setAccessibleName("Ion of the line")
        self.ion.setToolTip("Choose an ion, or type its formula with its charge: Na2F+")
        self.click = button("Click its line", "Then click the line of this ion on the plot", self.ask, primary=True)
        self.find = button("Find all", "Look for all ions of the list near the present scale", self.find_all)
        self.table = page.table(RowsModel((
            Column("Ion", "Ticked ions are used"), Column("Exact m/z", "", True), Column("Channel", "Centroid", True),
            Column("Off / ppm", "By the law through the ticked ions", True),
            Column("± / ppm", "Error of the centroid from its counts", True))))
        self.table.toggled.connect(self._toggle)
        self.rows_view = RowsView(self.table, "Calibrants")
        self.rows_view.set_widths((108, 88, 108, 76, 70))
        self.fit = muted("")
        self.warnings = muted("")
        self.warnings.setProperty("role", "warning")
        self.use = button("Apply scale", _APPLY, self.apply_)
        self.remove = button("Remove", "Take the chosen ion out of the calibrants", self.remove_chosen, sign="delete")
        self.suggest = QComboBox()
        self.suggest.setAccessibleName("Further calibrants")
        self.suggest.setMinimumContentsLength(30)  # it is filled while it is hidden
        self.add = button("Add", "Take this line as a calibrant", self.add_suggested)
        self.suggest_row = QWidget()
        line = row(QLabel("Worth adding"), self.suggest, self.add)
        line.setContentsMargins(0, 0, 0, 0)
        self.suggest_row.setLayout(line)
        for widget in (self.now,):
            self.body.addWidget(widget)
        self.body.addLayout(row(self.preset, self.find))
        self.body.addLayout(row(QLabel("Ion"), self.ion, self.click))
        for widget in (self.rows_view, self.fit, self.warnings, self.suggest_row):
            self.body.addWidget(widget)
        self.body.addLayout(row(self.use, self.remove))
        self._fill()
        self._law: MassCalibration | None = None
        self._problem = ""
        self._polarity = ""
        self._drawn: tuple[object, ...] = ()

    def _fill(self) -> None:
        chosen = next(one for one in LISTS if one.key == self.preset.currentData())
        self.ion.clear()
        for text in chosen.ions:
            self.ion.addItem(text)

    # -- showing ------------------------------------------------------------------------------------------------

    def show_entry(self, entry: Entry, view: masses.MassView) -> None:
        """Show calibrants and law."""
        polarity = masses.polarity_of(entry) or ""
        if polarity != self._polarity and polarity:
            self._polarity = polarity
            first = next((i for i, one in enumerate(LISTS) if one.polarity == polarity), 0)
            self.preset.setCurrentIndex(first)
        self.find.setEnabled(view.scaled and not self.page.busy)
        self.click.setEnabled(not self.page.busy)
        key = (view, entry.masses, entry.id)
        if key == self._drawn:
            self._allow(view)
            return
        self._drawn = key
        self.now.setText(self._present(entry, view))
        self.table.retitle(2, "Channel" if view.times == "channel" else "√(m/z of the file)")
        try:
            self._law = mass_calibration.calibration_of(entry, view)
            problem = ""
        except SodaliteError as error:
            self._law, problem = None, str(error)
        self._problem = problem
        self._show_rows(entry, view)
        self._show_law(entry, view, problem)
        self._show_suggestions(entry, view)

    def _present(self, entry: Entry, view: masses.MassView) -> str:
        step = masses.scale_step(entry)
        unit = "channels" if view.times == "channel" else "√u"
        if step is None:
            return ("The file gives m/z as it stands, without channels." if view.scaled else
                    "No mass scale yet: name two lines at least, then apply.")
        origin = f" ({step.note})" if step.note else ""
        return (f"Now: t = {grouped(step.number('slope'), 3)} √(m/z) {_plus(step.number('offset'))} {unit}{origin}.")

    def _show_rows(self, entry: Entry, view: masses.MassView) -> None:
        rows = []
        everything = mass_calibration.calibrants_of(entry, view)
        self.rows_view.setVisible(bool(everything))
        for one in everything:
            used = one.ion.text not in entry.masses.unused
            off = error = "–"
            if self._law is not None:
                slope = self._law.slope
                ppm = (float(self._law.mz(one.channel)) / one.ion.mz - 1.0) * 1e6
                off = grouped(ppm, 1)
                if one.error is not None:
                    error = grouped(2e6 * one.error / (slope * math.sqrt(one.ion.mz)), 1)
            decimals = 2 if view.times == "channel" else 6
            rows.append(Row(one.ion.text, (
                Cell(written(one.ion), checked=used, muted=not used), Cell(f"{one.ion.mz:.5f}", muted=not used),
                Cell(grouped(one.channel, decimals), muted=not used), Cell(off, muted=not used),
                Cell(error, muted=not used, tooltip="" if error != "–" else "Not determined"))))
        self.table.set_rows(rows)
        self.rows_view.fit_height(2, 8)

    def _show_law(self, entry: Entry, view: masses.MassView, problem: str) -> None:
        law = self._law
        self._allow(view)
        self.remove.setEnabled(bool(entry.masses.calibrants))
        self.fit.setVisible(law is not None or bool(problem))
        self.warnings.setVisible(False)
        if law is None:
            self.fit.setText(problem)
            return
        unit = "channels" if view.times == "channel" else "√u"
        errors = np.sqrt(np.diag(law.covariance))
        words = (f"Law of {len(law.calibrants)} ions: SF {with_error(law.slope, float(errors[0]))}, K₀ "
                 f"{with_error(law.offset, float(errors[1]))} {unit}.")
        if not np.isfinite(errors).all():
            words = (f"Law of {len(law.calibrants)} ions: SF {grouped(law.slope, 3)}, K₀ {grouped(law.offset, 2)} "
                     f"{unit}; errors {UNDETERMINED}.")
        low, high = law.bracket or (0.0, 0.0)
        if view.law is not None:
            moves = [(float(law.mz(view.law.channel(m))) / m - 1) * 1e6 for m in (low, high)]
            words += (f" It moves m/z {low:.0f} by {grouped(moves[0], 0)} ppm and m/z {high:.0f} by "
                      f"{grouped(moves[1], 0)} ppm.")
        self.fit.setText(words)
        against = mass_calibration.objection(law, view)
        warnings = list(law.warnings) if against == mass_calibration.PRESENT else [against, *law.warnings]
        top = max((one.mass for one in entry.masses.peaks), default=0.0)
        if top > high:
            warnings.append(law.outside(top))
        ended = (text if text.endswith("?") else f"{text.rstrip('.')}." for text in warnings if text)
        self.warnings.setText("\n".join(ended))
        self.warnings.setVisible(any(warnings))

    def _allow(self, view: masses.MassView) -> None:
        """A law that cannot be right is not applied; the button says why."""
        against = self._problem or mass_calibration.objection(self._law, view)
        self.use.setEnabled(not against and not self.page.busy)
        self.use.setToolTip(against or _APPLY)

    def _show_suggestions(self, entry: Entry, view: masses.MassView) -> None:
        found: tuple[Suggestion, ...] = ()
        target = 0.0
        if self._law is not None and view.law is not None:
            lines = [one for one in self.page.lines_of(entry, view) if one is not None]
            target = max((one.mass for one in lines), default=0.0)
            if target > 0:
                found = mass_calibration.suggestions(entry, view, self._law, lines, target)[:_SUGGESTED]
        self.suggest.clear()
        for one in found:
            self.suggest.addItem(f"{written(one.calibrant.ion)}, then ± {one.error_ppm:.2g} ppm at m/z {target:.0f}",
                                 (one.calibrant.ion.text, one.calibrant.channel))
            self.suggest.setItemData(self.suggest.count() - 1, f"Now {grouped(one.ppm, 0)} ppm off. The error follows "
                                     "from the counts of the lines, not from their residuals.", 3)
        self.suggest_row.setVisible(bool(found))

    # -- doing --------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Wait for a click on the line of the chosen ion."""
        def start() -> None:
            ion = parse_ion(self.ion.currentText())
            self.page.ask_place(f"Click the line of {written(ion)}, or press Escape", lambda x: self.take(x))

        self.page.attempt(start)

    def take(self, x: float) -> None:
        """The line at this place of the plot is that of the chosen ion."""
        text = self.ion.currentText()
        doubts: list[bool] = []

        def change(project: Project, entry: Entry, view: masses.MassView) -> Project:
            reach = self.page.reach(x)
            try:  # the line under the pointer before a stronger one beside it
                pick = mass_calibration.line_near(view, x, reach / 3)
            except NotDetermined:
                pick = mass_calibration.line_near(view, x, reach)
            doubts.append(mass_calibration.crowded(view, x, reach, pick))
            return mass_calibration.with_calibrant(project, entry.id, text, pick.channel)

        if self.page.apply(f"Calibrant {text}", change):
            self.ion.setCurrentIndex(min(self.ion.currentIndex() + 1, self.ion.count() - 1))
            if any(doubts):
                self.page.tell([f"Another line stands beside the one taken for {text}: enlarge the plot there to be "
                                "sure."])

    def find_all(self) -> None:
        """Look for all ions of the list near the present scale."""
        ions = tuple(self.ion.itemText(i) for i in range(self.ion.count()))
        left: list[str] = []
        shared: dict[str, str] = {}

        def change(project: Project, entry: Entry, view: masses.MassView) -> Project:
            found, missing = mass_calibration.find_calibrants(view, ions)
            left.extend(missing)
            if not found:
                raise BadData("No ion of the list has a line near the present scale",
                              todo="Click two lines by hand first")
            for text, channel in found:
                project = mass_calibration.with_calibrant(project, entry.id, text, channel)
            shared.update(mass_calibration.shared_lines(view, [text for text, _ in found]))
            return masses.with_setup(project, entry.id, unused=tuple(sorted({*entry.masses.unused, *shared})))

        if self.page.apply("Find calibrants", change):
            told = [f"No line: {', '.join(left)}."] if left else []
            told += [f"{text} is not used: {other} may move its line." for text, other in shared.items()]
            if told:
                self.page.tell(told)

    def add_suggested(self) -> None:
        """Take a suggested line."""
        data = self.suggest.currentData()
        if data is not None:
            self.page.apply(f"Calibrant {data[0]}",
                            lambda project, entry, _: mass_calibration.with_calibrant(project, entry.id, *data))

    def remove_chosen(self) -> None:
        """Take the chosen calibrant away."""
        key = self.rows_view.current_key()
        if key is not None:
            self.page.apply(f"Remove calibrant {key}",
                            lambda project, entry, _: mass_calibration.without_calibrant(project, entry.id, key))

    def _toggle(self, key: str, column: int, on: bool) -> None:
        def change(project: Project, entry: Entry, _: masses.MassView) -> Project:
            unused = set(entry.masses.unused) - {key} if on else {*entry.masses.unused, key}
            return masses.with_setup(project, entry.id, unused=tuple(sorted(unused)))

        self.page.apply(f"{'Use' if on else 'Do not use'} {key}", change)

    def apply_(self) -> None:
        """Make the law the step to m/z."""
        law = self._law
        if law is not None:
            self.page.apply("Mass scale", lambda project, entry, _: mass_calibration.apply_scale(
                project, entry.id, law))


def _plus(value: float) -> str:
    return f"+ {grouped(value, 2)}" if value >= 0 else f"− {grouped(-value, 2)}"
