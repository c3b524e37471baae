"""The Profiles page: traces, normalisation, axis, overlays."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QLineEdit, QSpinBox, QWidget

from app.gui import theme
from app.gui.document import Document
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.tables import Column, RowsModel, RowsView
from app.gui.sims.profile_rows import beside_rows, trace_rows
from app.gui.tasks import Tasks
from app.gui.theme import GAP_2, SPIN_MARGINS
from app.numerals import with_error
from app.project.project import Entry
from app.project.sims_profiles import add_profile, chosen_ions, resolution_of, with_look
from app.project.sims_profiles_at import is_part, place_name
from fitting.dataset import AXIS_LABELS, Spectrum
from fitting.sims.channel_terms import channel_names, read_term, term_words
from fitting.sims.ion_groups import GROUPS, ions_of
from fitting.sims.kinds import kind_of
from fitting.sims.setup import Normal
from fitting.sims.traces import axes_of, share_of_total, single_places

if TYPE_CHECKING:
    from app.gui.sims.profile_plot import ProfilePlot

NORMALS: tuple[tuple[Normal, str], ...] = (
    ("", "Counts as measured"), ("total", "Share of the total column"), ("sum", "Share of all single ions"),
    ("ion", "Ratio to one ion"), ("fluence", "A primary fluence"), ("maximum", "To the maximum of each"),
)
_NORMAL_TIP = (
    "Errors follow: an ion is part of the total, so a share near 1 has a small error.\n"
    "A primary fluence: steps of the file's fluence column, which counts both beams."
)
_GROUP_TIP = (
    "Ions of this profile by what they are made of, named after the five factors of the source paper "
    "(Schaefer et al. 2024). The sorting is the program's own."
)
_SMOOTH_TIP = "A moving mean is drawn over the points; nothing is computed from it"


class ProfilesPanel(Panel):
    """How the shown profile is looked at."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Profiles", parent)
        self.tasks = tasks
        self._plot: ProfilePlot | None = None
        self._build_view()
        self._build_traces()
        self._build_beside()
        self.ready()

    def use_window(self, window: Any) -> None:
        """The plot in the middle tells which profile is drawn."""
        self._plot = window.centre.profile
        self._plot.shown_changed.connect(self._changed)
        self.document.place_changed.connect(self._changed)
        self.refresh()

    # -- building -----------------------------------------------------------------------------------------------

    def _build_view(self) -> None:
        self.axis, self.normal, self.reference = QComboBox(), QComboBox(), QComboBox()
        for key, words in NORMALS:
            self.normal.addItem(words, key)
        self.normal.setToolTip(_NORMAL_TIP)
        for box, name in ((self.axis, "Axis"), (self.normal, "Normalisation"), (self.reference, "Reference ion")):
            box.setAccessibleName(name)
        self.axis.activated.connect(lambda _: self._look("Axis of the profile", axis=self.axis.currentData()))
        self.normal.activated.connect(lambda _: self._normalise())
        self.reference.activated.connect(
            lambda _: self._look("Reference ion", normal="ion", reference=self.reference.currentData()))
        self.logarithmic = QCheckBox("Logarithmic")
        self.logarithmic.setToolTip("Zero counts are gaps, with a short tick at the floor")
        self.logarithmic.clicked.connect(lambda on: self._look("Logarithmic counts" if on else "Linear counts",
                                                               logarithmic=bool(on)))
        self.smooth = QSpinBox()
        self.smooth.setRange(1, 51)
        self.smooth.setSingleStep(2)
        self.smooth.setSpecialValueText("none")
        self.smooth.lineEdit().setTextMargins(*SPIN_MARGINS)
        self.smooth.setAccessibleName("Moving mean drawn, points")
        self.smooth.setToolTip(_SMOOTH_TIP)
        self.smooth.valueChanged.connect(self._smoothed)
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP_2)
        grid.setVerticalSpacing(GAP_2)
        self.reference_words = QLabel("Reference ion")
        for line, (words, widget) in enumerate((
            ("Over", self.axis), ("Intensity", self.normal), (self.reference_words, self.reference),
            ("Drawn mean", self.smooth),
        )):
            label = QLabel(words) if isinstance(words, str) else words
            grid.addWidget(label, line, 0)
            grid.addWidget(widget, line, 1)
        grid.addWidget(self.logarithmic, 3, 2)
        grid.setColumnStretch(1, 1)
        self.body.addLayout(grid)
        self.sum_words = muted("")
        self.sum_words.setAccessibleName("Sum of ions against the total")
        self.body.addWidget(self.sum_words)

    def _build_traces(self) -> None:
        self.body.addWidget(heading("Traces"))
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search ions")
        self.search.setAccessibleName("Search ions")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _: self.refresh())
        self.groups = QComboBox()
        self.groups.setAccessibleName("Choose a group of ions")
        self.groups.setMinimumContentsLength(14)
        self.groups.setToolTip(_GROUP_TIP)
        self.groups.activated.connect(self._take_group)
        self.body.addLayout(row(self.search, QLabel("Choose"), self.groups, stretch=False))
        self.rows = self.table(RowsModel((
            Column("Trace", "Tick what is drawn"), Column("Kind", "What the column holds"),
            Column("m/z", "As the file states it: centre of the peak list's interval, no fitted centroid", True),
            Column("Counts", "Along the whole profile", True),
        )))
        self.rows.toggled.connect(self._toggle)
        self.view = RowsView(self.rows, "Traces")
        self.view.set_widths((212, 58, 88, 100), 0)
        self.view.setMinimumHeight(260)
        self.view.current_changed.connect(self._highlight)
        self.body.addWidget(self.view, 3)
        self.written = QLineEdit()
        self.written.setPlaceholderText("Sum or ratio: Na2F+ + Na3F2+, I+ / Pb+, Cl- from ^37Cl-")
        self.written.setAccessibleName("Trace to add")
        self.written.setToolTip("Ions as the file writes them or as formulas; blanks around + and / and from.\n"
                                "“Cl- from ^37Cl-” is a saturated ion from its minor isotope by natural abundance.")
        self.written.returnPressed.connect(self.add_written)
        self.add = button("Add", "Draw this sum, ratio or isotope", self.add_written)
        self.body.addLayout(row(self.written, self.add, stretch=False))

    def _build_beside(self) -> None:
        self.region = QWidget()
        self.region_words = muted("")
        self.complement = QCheckBox("All pixels but these")
        self.complement.setToolTip("The profile of everything outside the region")
        self.complement.clicked.connect(self._complement)
        self.keep = button("Add profile to the project", "An entry of its own, with the same look",
                           self.add_region)
        line = row(self.keep, self.complement)
        line.setContentsMargins(0, 0, 0, 0)
        self.region.setLayout(line)
        self.body.addWidget(self.region_words)
        self.body.addWidget(self.region)
        self.beside_title = heading("Beside")
        self.beside = self.table(RowsModel((Column("Measurement", "Tick what is drawn beside, dashed"),
                                            Column("Sample"), Column("Ions"))))
        self.beside.toggled.connect(self._toggle_beside)
        self.beside_view = RowsView(self.beside, "Other profiles")
        self.beside_view.set_widths((230, 140, 80), 0)
        self.body.addWidget(self.beside_title)
        self.body.addWidget(self.beside_view)

    # -- showing ------------------------------------------------------------------------------------------------

    def _profile(self) -> tuple[Entry, Spectrum] | None:
        entry = self.document.entry
        profile = self._plot.profile if self._plot is not None and entry is not None else None
        return None if entry is None or profile is None else (entry, profile)

    def refresh(self) -> None:
        """Show the entry's look."""
        found = self._profile()
        self.setEnabled(found is not None)
        if found is None:
            self.rows.set_rows(())
            return
        entry, profile = found
        look = entry.profile
        self._fill_axis(entry, profile)
        self._fill_reference(entry, profile)
        self._fill_groups(profile)
        self.normal.setCurrentIndex(self.normal.findData(look.normal))
        self.logarithmic.setChecked(look.logarithmic)
        self.smooth.blockSignals(True)
        self.smooth.setValue(max(look.smooth, 1))
        self.smooth.blockSignals(False)
        self.sum_words.setText(sum_words(profile))
        self.rows.set_rows(trace_rows(entry, profile, theme.current(), self.search.text()))
        self._show_beside(entry)

    def _fill_axis(self, entry: Entry, profile: Spectrum) -> None:
        shown = self._plot.shown if self._plot is not None else None
        known = axes_of(profile, shown.depths if shown is not None else None)
        items = [(key, AXIS_LABELS[key] if key != "time" else "Sputter time") for key in known]
        refill(self.axis, items, shown.along.quantity if shown is not None else next(iter(known)))
        self.axis.setToolTip("" if "depth" in known else "Depth: give a sputter rate on the Depth page")

    def _fill_reference(self, entry: Entry, profile: Spectrum) -> None:
        names = channel_names(profile.axis)
        items = [(name, term_words(profile.axis, name, resolution_of(entry))) for name in names]
        refill(self.reference, items, entry.profile.reference or names[0])
        for widget in (self.reference, self.reference_words):
            widget.setVisible(entry.profile.normal == "ion")

    def _fill_groups(self, profile: Spectrum) -> None:
        items = [("", "a group…"), ("choice", "strong and different")]
        items += [(f"group:{name}", name) for name in GROUPS if ions_of(profile.axis, name)]
        items += [("all", "all single ions")]
        refill(self.groups, items, "")

    def _show_beside(self, entry: Entry) -> None:
        cube = kind_of(entry.spectrum) == "cube"
        place = self.document.place
        for widget in (self.region, self.region_words):
            widget.setVisible(cube)
        part = is_part(entry, place)
        self.complement.setEnabled(part and bool(place.roi))
        self.complement.setChecked(part and bool(place.roi) and place.outside)
        if cube:
            words = place_name(entry, place)
            self.region_words.setText(f"Drawn: {words}." + ("" if part else " Choose a pixel or draw a region on the "
                                      "image at the left to see its own profile."))
        rows = beside_rows(self.document.project, entry)
        self.beside.set_rows(rows)
        for widget in (self.beside_title, self.beside_view):
            widget.setVisible(bool(rows))
        self.beside_view.fit_height(1, 6)

    # -- edits --------------------------------------------------------------------------------------------------

    def _look(self, text: str, *, merge: str = "", **changes: object) -> None:
        entry = self.document.entry
        if entry is not None:
            project = with_look(self.document.project, entry.id, **changes)
            self.document.apply(text, project, merge=merge)
            self.say("")

    def _normalise(self) -> None:
        wanted = self.normal.currentData()
        changes: dict[str, object] = {"normal": wanted}
        entry = self.document.entry
        if wanted == "ion" and entry is not None and not entry.profile.reference:
            changes["reference"] = self.reference.currentData()
        self._look("Normalisation of the profile", **changes)

    def _smoothed(self, points: int) -> None:
        self._look("Drawn mean", merge="profile mean", smooth=points if points > 1 else 0)

    def _toggle(self, key: str, column: int, on: bool) -> None:
        found = self._profile()
        if found is None or column != 0:
            return
        chosen = chosen_ions(*found)
        ions = (*chosen, key) if on and key not in chosen else tuple(c for c in chosen if c != key)
        if not ions:
            self.say("At least one trace is drawn")
            return
        self._look("Draw a trace" if on else "Take a trace off", ions=ions)

    def _take_group(self, index: int) -> None:
        found, wanted = self._profile(), self.groups.itemData(index)
        if found is None or not wanted:
            return
        _, profile = found
        names = channel_names(profile.axis)
        if wanted == "choice":
            ions: tuple[str, ...] = ()
        elif wanted == "all":
            ions = tuple(names[place] for place in single_places(profile))
        else:
            ions = ions_of(profile.axis, wanted.removeprefix("group:"))
        self._look(f"Draw {self.groups.itemText(index)}", ions=ions)
        self.groups.setCurrentIndex(0)

    def add_written(self) -> None:
        """Draw the trace that was written."""
        found, text = self._profile(), self.written.text().strip()
        if found is None or not text:
            return

        def take() -> None:
            entry, profile = found
            term = read_term(profile.axis, text)
            chosen = chosen_ions(entry, profile)
            if term.text not in chosen:
                self._look(f"Draw {term_words(profile.axis, term.text)}", ions=(*chosen, term.text))
            self.written.clear()

        self.attempt(take)

    def _highlight(self, key: str) -> None:
        if self._plot is not None and self._plot.highlighted != key:
            drawn = self._plot.shown.drawn if self._plot.shown is not None else ()
            if any(one.key == key for one in drawn):
                self._plot.highlight(key)

    def _toggle_beside(self, key: str, column: int, on: bool) -> None:
        entry = self.document.entry
        if entry is not None and column == 0:
            overlaid = tuple(id for id in entry.profile.overlaid if id != key)
            self._look("Draw a profile beside" if on else "Take a profile off",
                       overlaid=(*overlaid, key) if on else overlaid)

    def _complement(self, on: bool) -> None:
        if self.document.place.roi:
            self.document.set_place(replace(self.document.place, outside=bool(on)))

    def add_region(self) -> None:
        """The profile of the region as an entry of its own."""
        found = self._profile()
        if found is not None and self._plot is not None:
            entry, profile = found
            name = place_name(entry, self.document.place)
            project, _ = add_profile(self.document.project, entry.id, profile, name)
            self.document.apply(f"Add {name}", project)


def sum_words(profile: Spectrum) -> str:
    """How much of the total column the single ions add up to."""
    found = share_of_total(profile)
    if found is None:
        return "The file holds no total column."
    share, error = found
    told = with_error(100 * share, 100 * error) if math.isfinite(error) and error > 0 else f"{100 * share:.1f}"
    tail = "; the rest are ions that the peak list does not hold." if share < 0.9995 else "."
    if share > 1.0005:
        tail = ": more than all of it, so some ions are counted twice."
    return f"Single ions add up to {told} % of the total column{tail}"


def refill(box: QComboBox, items: list[tuple[str, str]], current: str) -> None:
    """Items (data, words) of a box, told anew only where they changed."""
    known = [(box.itemData(i), box.itemText(i)) for i in range(box.count())]
    if known != items:
        box.clear()
        for key, words in items:
            box.addItem(words, key)
    box.setCurrentIndex(max(box.findData(current, Qt.ItemDataRole.UserRole), 0))
