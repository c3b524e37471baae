"""The Ions page: what the channels hold, isotopes, saturation, alternatives."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLabel, QLineEdit, QWidget

from app.files.peak_list import read_peaks
from app.gui.document import Document
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.tasks import Tasks
from app.gui.theme import GAP_2
from app.numerals import grouped, signed, with_error
from app.project.project import Entry
from app.project.sims_ions import (
    DEFAULT_RESOLUTION,
    IonRow,
    IonTable,
    correct_dead_time,
    ion_table,
    rename_by_peaks,
    rename_channel,
    with_masses,
)
from app.project.sims_profiles import chosen_ions, with_look
from fitting.dataset import Spectrum
from fitting.sims.channel_terms import channel_names, term_words
from fitting.sims.cube import scan_axis
from fitting.sims.isotope_checks import VERDICTS, PairCheck
from fitting.sims.kinds import kind_of

if TYPE_CHECKING:
    from app.gui.sims.profile_plot import ProfilePlot

MASS_TIP = "As the file states it: the centre of the interval of its peak list, no fitted centroid"
DIFFERENCE_TIP = "m/z of the file less exact m/z, in thousandths of u; of a peak list's centre, so no mass accuracy"
_ALSO_TIP = "Ions of the library and their isotopologues nearer than one line width at this mass resolution"
_PULSES_TIP = "Pixels of the region x shots a pixel x scans a point; for saturation and the correction of dead time"
_SHORT = {"agrees": "agrees", "saturated": "saturated", "minor overlapped": "minor overlap",
          "major overlapped": "major overlap", "minor lost": "minor weak", "too strong": "minor strong",
          "not determined": "not determined"}
_EXACT, _WIDE = 2, 580  # its column; pixels of a page that has room for it
_ORDER = {"saturated": 0, "agrees": 2, "not determined": 3}


class IonsPanel(Panel):
    """The channels of the shown profile or cube."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Ions", parent)
        self.tasks = tasks
        self._plot: ProfilePlot | None = None
        self._known: tuple[tuple[object, ...], IonTable] | None = None
        self._build_ions()
        self._build_isotopes()
        self._build_dead_time()
        self.ready()

    def use_window(self, window: Any) -> None:
        """The plot in the middle tells which profile is drawn."""
        self._plot = window.centre.profile
        self._plot.shown_changed.connect(self._changed)
        self.refresh()

    # -- building -----------------------------------------------------------------------------------------------

    def _build_ions(self) -> None:
        self.resolution = QLineEdit()
        self.resolution.setAccessibleName("Mass resolution m/Δm")
        self.resolution.setPlaceholderText(f"{DEFAULT_RESOLUTION:g} (default)")
        self.resolution.setToolTip("Full width at half maximum. Without a number the program takes 6000, as in the "
                                   "source paper at Na₂OH⁺; ions nearer than one line width stay in every name.")
        self.resolution.editingFinished.connect(lambda: self._number("resolution", self.resolution))
        self.resolution.setMaximumWidth(120)
        self.names = button("Names from a list…", "Channels take the names of a peak list at their m/z",
                            self.ask_peaks, sign="open")
        self.body.addLayout(row(QLabel("Mass resolution m/Δm"), self.resolution, self.names))
        self.ions = self.table(RowsModel((
            Column("Ion", "Double-click to rename; the file's name stays in the raw data"),
            Column("m/z", f"{MASS_TIP}. A wider page shows the exact m/z beside it", True),
            Column("Exact", "m/z of the formula, electron included", True),
            Column("Δ / mu", DIFFERENCE_TIP, True), Column("Counts", "Along the whole profile", True),
            Column("Also", _ALSO_TIP + "; of sums and totals what they are"),
        )))
        self.ions.edited.connect(self._rename)
        self.view = RowsView(self.ions, "Ions")
        self.view.set_widths((96, 70, 70, 56, 104, 60), 5)
        self.view.setColumnHidden(_EXACT, True)
        self.view.setMinimumHeight(190)
        self.view.current_changed.connect(self._highlight)
        self.body.addWidget(self.view, 3)

    def _build_isotopes(self) -> None:
        self.isotope_title = heading("Isotopes against nature")
        self.isotope_words = muted("")
        self.isotopes = self.table(RowsModel((
            Column("Minor / major"), Column("Measured", "Ratio of counts along the whole profile, one standard error",
                                            True),
            Column("Natural", "Abundances: IUPAC, all isotopologues of a mass number together", True),
            Column("Off / %", "Measured over natural, less 1", True), Column("Verdict"),
        )))
        self.isotope_view = RowsView(self.isotopes, "Isotopes against nature")
        self.isotope_view.set_widths((100, 96, 60, 64, 90), 4)
        self.use_minor = button("Draw from the minor isotope", "The major ion as its minor isotope over natural "
                                "abundance, as a trace of its own", self.draw_minor)
        self.isotope_view.selectionModel().currentRowChanged.connect(lambda *_: self._offer_minor())
        for widget in (self.isotope_title, self.isotope_words, self.isotope_view):
            self.body.addWidget(widget)
        self.body.addLayout(row(self.use_minor))

    def _build_dead_time(self) -> None:
        self.body.addWidget(heading("Dead time"))
        self.state = muted("")
        self.state.setAccessibleName("State of the dead-time correction")
        self.pulses = QLineEdit()
        self.pulses.setAccessibleName("Primary pulses behind each point")
        self.pulses.setPlaceholderText("not known")
        self.pulses.setToolTip(_PULSES_TIP)
        self.pulses.setMaximumWidth(150)
        self.pulses.editingFinished.connect(lambda: self._number("pulses", self.pulses))
        self.correct = button("Correct", "Each ion as one line: −N ln(1 − I/N); a step of the recipe",
                              self.correct_dead_time)
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP_2)
        grid.addWidget(QLabel("Primary pulses a point"), 0, 0)
        grid.addWidget(self.pulses, 0, 1)
        grid.addWidget(self.correct, 0, 2)
        grid.setColumnStretch(3, 1)
        self.body.addWidget(self.state)
        self.body.addLayout(grid)

    # -- showing ------------------------------------------------------------------------------------------------

    def _profile(self) -> tuple[Entry, Spectrum] | None:
        entry = self.document.entry
        if entry is None or self._plot is None:
            return None
        kind = kind_of(entry.spectrum)
        if kind == "image":
            return entry, _as_point(entry)
        if kind == "spectrum":
            return None
        profile = self._plot.profile
        return None if profile is None else (entry, profile)

    def refresh(self) -> None:
        """Show the channels."""
        found = self._profile()
        self.setEnabled(found is not None)
        if found is None:
            for model in (self.ions, self.isotopes):
                model.set_rows(())
            return
        entry, profile = found
        table = self._table(entry, profile)
        fill(self.resolution, entry.masses.resolution)
        fill(self.pulses, entry.masses.pulses)
        self.ions.set_rows([_ion_row(one) for one in table.rows])
        self.view.fit_columns((1, _EXACT, 4))
        self._show_isotopes(profile, table)
        self.state.setText(table.state)
        self.correct.setEnabled(table.raw and entry.masses.pulses > 0)

    def _table(self, entry: Entry, profile: Spectrum) -> IonTable:
        key = (profile, entry.masses, entry.recipe)
        if self._known is None or any(a is not b for a, b in zip(self._known[0], key, strict=True)):
            self._known = key, ion_table(entry, profile)
        return self._known[1]

    def _show_isotopes(self, profile: Spectrum, table: IonTable) -> None:
        checks = table.checks
        for widget in (self.isotope_view, self.use_minor):
            widget.setVisible(bool(checks))
        bad = [one for one in table.rows if one.saturated]
        if not checks:
            self.isotope_words.setText("No two channels are isotopologues of one ion.")
        elif bad:
            self.isotope_words.setText("Saturated: " + ", ".join(one.words for one in bad) + ".")
        else:
            self.isotope_words.setText("No line is told to be saturated.")
        order = sorted(checks, key=lambda check: _ORDER.get(check.verdict, 1))
        self.isotopes.set_rows([_check_row(profile, check) for check in order])
        self.isotope_view.fit_height(2, 7)
        self.isotope_view.fit_columns((1, 2))
        self._offer_minor()

    def _check(self) -> PairCheck | None:
        key = self.isotope_view.current_key()
        checks = self._known[1].checks if self._known is not None else ()
        return next((check for check in checks if check.trace == key), None)

    def _offer_minor(self) -> None:
        entry = self.document.entry
        drawn = entry is not None and kind_of(entry.spectrum) != "image"
        self.use_minor.setEnabled(drawn and self._check() is not None)

    def _highlight(self, key: str) -> None:
        if self._plot is not None and self._plot.shown is not None and self._plot.highlighted != key \
                and any(one.key == key for one in self._plot.shown.drawn):
            self._plot.highlight(key)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The exact m/z has a column of its own where there is room: it is the m/z less the difference."""
        super().resizeEvent(event)
        self.view.setColumnHidden(_EXACT, self.width() < _WIDE)

    # -- edits --------------------------------------------------------------------------------------------------

    def _number(self, name: str, field: QLineEdit) -> None:
        entry = self.document.entry
        if entry is None:
            return

        def take() -> None:
            text = field.text().strip()
            value = parse_number(text, "Mass resolution" if name == "resolution" else "The number of pulses") \
                if text else 0.0
            words = "Mass resolution" if name == "resolution" else "Primary pulses"
            self.document.apply(words, with_masses(self.document.project, entry.id, **{name: value}))

        self.attempt(take)

    def _rename(self, key: str, column: int, text: str) -> None:
        found = self._profile()
        if found is None or column != 0:
            return
        entry, profile = found
        place = channel_names(profile.axis).index(key)
        self.attempt(lambda: self.document.apply(
            f"Name {key} {text.strip()}", rename_channel(self.document.project, entry.id, place, text)))

    def ask_peaks(self) -> None:
        """Ask for a peak list and take its names."""
        path, _ = QFileDialog.getOpenFileName(self, "Names from peak list", "", "Peak lists (*.csv *.txt *.tsv)")
        if path:
            self.take_peaks(Path(path))

    def take_peaks(self, path: Path) -> None:
        """Channels take the names of a peak list."""
        entry = self.document.entry
        if entry is None:
            return

        def take() -> None:
            peaks = read_peaks(path, entry.masses.resolution or DEFAULT_RESOLUTION)
            project, count = rename_by_peaks(self.document.project, entry.id, peaks)
            self.document.apply(f"Names of {count} ions from {path.name}", project)

        self.attempt(take)

    def draw_minor(self) -> None:
        """Draw the major ion from its minor isotope."""
        found, check = self._profile(), self._check()
        if found is None or check is None:
            return
        entry, profile = found
        chosen = chosen_ions(entry, profile)
        if check.trace not in chosen:
            project = with_look(self.document.project, entry.id, ions=(*chosen, check.trace))
            self.document.apply(f"Draw {term_words(profile.axis, check.trace)}", project)

    def correct_dead_time(self) -> None:
        """Correct the lines of a profile, as a step of the recipe."""
        entry = self.document.entry
        if entry is not None:
            self.attempt(lambda: self.document.apply(
                "Correct dead time", correct_dead_time(self.document.project, entry.id)))


def _as_point(entry: Entry) -> Spectrum:
    """An image of ions as one point: all pixels together."""
    total = entry.single()
    known: dict[str, Spectrum] = total.__dict__.setdefault("_as_point", {})
    if "" not in known:
        known[""] = total.with_(counts=total.counts[None, :], navigation=(scan_axis(1),))
    return known[""]


def fill(field: QLineEdit, value: float) -> None:
    """The document's number in a field that nobody types in."""
    if not field.hasFocus() or not field.isModified():
        field.setText(plain(value, 6) if value else "")
        field.setModified(False)


def _ion_row(one: IonRow) -> Row:
    known = math.isfinite(one.difference) and one.mass > 0
    counts = with_error(one.counts, one.error) if math.isfinite(one.error) else grouped(one.counts, 0)
    tip = one.name + (f"\nSaturated: {one.saturated}" if one.saturated else "")
    also = ", ".join(one.also)
    return Row(one.name, (
        Cell(one.words + (" ⚠" if one.saturated else ""), edit=one.name, tooltip=tip),
        Cell(f"{one.mass:.4f}" if math.isfinite(one.mass) and one.mass else "",
             tooltip=f"Exact m/z {one.exact:.5f}" if math.isfinite(one.exact) else MASS_TIP),
        Cell(f"{one.exact:.4f}" if math.isfinite(one.exact) else ""),
        Cell(signed(f"{one.difference:+.1f}") if known else "", tooltip=DIFFERENCE_TIP),
        Cell(counts), Cell(also, tooltip=also) if one.kind == "ion" else Cell(one.kind, muted=True),
    ))


def _check_row(profile: Spectrum, check: PairCheck) -> Row:
    minor, major = (term_words(profile.axis, name, math.inf) for name in (check.minor, check.major))
    pair = f"{minor} / {major}"
    told = math.isfinite(check.error)
    growth = f"\nRatio where the line is stronger: {signed(f'{check.growth:+.1f}')} standard errors higher" \
        if math.isfinite(check.growth) else ""
    words = f"{pair}\n{grouped(check.counts[1], 0)} / {grouped(check.counts[0], 0)} counts{growth}"
    return Row(check.trace, (
        Cell(pair, tooltip=words), Cell(with_error(check.ratio, check.error) if told else "too few counts"),
        Cell(f"{check.natural:.4g}"), Cell(signed(f"{100 * check.excess:+.0f}") if told else ""),
        Cell(_SHORT[check.verdict] + (" ⚠" if check.verdict == "saturated" else ""), tooltip=VERDICTS[check.verdict],
             muted=check.verdict in ("agrees", "not determined")),
    ))
