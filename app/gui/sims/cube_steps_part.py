"""The part of the Process page for cubes: drift between scans and topography, shown before they are corrected."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, button, muted, row
from app.gui.panels.fold import Fold
from app.gui.plot.small_plot import SmallPlot
from app.gui.sims.correction_part import CorrectionPart, box, column, field, whole
from app.gui.sims.depth_picture import DepthPicture
from app.gui.tasks import Cancel, Progress
from app.gui.theme import GAP_2
from app.project import cube_corrections as corrections
from fitting.sims.cube import is_cube
from fitting.sims.drift import ScanDrift
from fitting.sims.ion_names import words_of
from fitting.sims.topography import Topography
from libraries.errors import BadData

ALL_IONS = "All ions together"
REFERENCES = (("all", "all other scans"), ("near", "neighbouring scans"))
DRIFT_TIP = (
    "Images of the scans are compared with each other. Scans are then moved by whole pixels, so that counts stay "
    "counts; rows and columns that leave the field in any scan are cropped."
)
DEPTH_TIP = (
    "Where each pixel meets an interface of one ion. Pixels are then moved by whole scans until it is flat; scans that "
    "some pixel lacks are cropped. Judge the width of an interface by another ion: the one that was used looks sharper "
    "than it is."
)


class CubeStepsPart(CorrectionPart):
    """Drift and topography of the shown cube: settings, what was found, and the buttons that correct it."""

    def __init__(self, document: Document, panel: Panel) -> None:
        super().__init__(document, panel)
        self._of: dict[str, tuple[object, ...]] = {}
        self._ions: tuple[object, ...] = ()
        self.drift: ScanDrift | None = None
        self.topography: Topography | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP_2)
        self.drift_fold = Fold("Drift between scans", self._build_drift())
        self.depth_fold = Fold("Topography", self._build_topography())
        layout.addWidget(self.drift_fold)
        layout.addWidget(self.depth_fold)
        self.hide()

    # -- building -----------------------------------------------------------------------------------------------

    def _build_drift(self) -> QWidget:
        part, layout = column()
        self.drift_ion = box("Ion whose images are compared")
        self.reference = box("What images are compared with")
        for key, words in REFERENCES:
            self.reference.addItem(words, key)
        self.reference.setToolTip("Neighbouring scans where the image changes with depth; errors then add up")
        self.group = field("Scans added before they are compared", "auto")
        self.find_drift_button = button("Find drift", "Compare the images of all scans", self.find_drift)
        self.correct_drift = button("Correct drift", "Move every scan back by its drift", self.use_drift, primary=True)
        self.path = SmallPlot("Drift of the scans", "Scan", "Place (pixels)", self)
        self.path.setFixedHeight(180)
        self.drift_words = muted("")
        layout.addWidget(muted(DRIFT_TIP))
        layout.addLayout(row(self.drift_ion, QLabel("against"), self.reference))
        layout.addLayout(row(QLabel("Scans joined"), self.group, self.find_drift_button, self.correct_drift))
        layout.addWidget(self.path)
        layout.addWidget(self.drift_words)
        return part

    def _build_topography(self) -> QWidget:
        part, layout = column()
        self.depth_ion = box("Ion of the interface")
        self.first, self.last = field("First scan", "first"), field("Last scan", "last")
        self.joined = field("Pixels joined along rows and columns, an odd number", "auto")
        self.find_depth_button = button("Find topography", "Look for the interface in every pixel", self.find_depth)
        self.correct_depth = button("Make it flat", "Move every pixel by its depth", self.use_depth, primary=True)
        self.picture = DepthPicture("Depth of the interface", "scans", self)
        self.depth_words = muted("")
        layout.addWidget(muted(DEPTH_TIP))
        layout.addLayout(row(self.depth_ion, QLabel("Scans"), self.first, QLabel("to"), self.last))
        layout.addLayout(row(QLabel("Pixels joined"), self.joined, self.find_depth_button, self.correct_depth))
        layout.addWidget(self.picture)
        layout.addWidget(self.depth_words)
        return part

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what belongs to the document's cube."""
        entry = self.document.entry
        shown = entry is not None and is_cube(entry.spectrum)
        self.setVisible(shown)
        if entry is None or not shown:
            return
        for kind in ("scan_drift", "topography"):  # what was found of other data is not shown of these
            now = (entry.id, self.document.session, entry.spectrum.axis, corrections.before(entry, kind).steps)
            if now != self._of.get(kind):
                self._of[kind] = now
                if kind == "scan_drift":
                    self.drift = None
                else:
                    self.topography = None
        ions = (entry.id, entry.spectrum.axis)
        if not self._ions or self._ions[0] != ions[0] or self._ions[1] is not ions[1]:
            self._ions = ions
            self._fill_ions()
        self._show_drift()
        self._show_depth()
        self._show_buttons()

    def _show_buttons(self) -> None:
        """What is corrected already is not offered again."""
        entry, free = self.document.entry, self._task is None
        steps = () if entry is None else entry.recipe.steps
        for found, button_, make, words in (
            (self.drift, self.correct_drift, corrections.scan_drift_step, "Correct drift"),
            (self.topography, self.correct_depth, corrections.topography_step, "Make it flat"),
        ):
            done = found is not None and make(found) in steps  # type: ignore[operator]
            button_.setText("Corrected" if done else words)
            button_.setEnabled(free and not done and not (isinstance(found, ScanDrift) and found.guessed))
        for button_ in (self.find_drift_button, self.find_depth_button):
            button_.setEnabled(free)

    def _fill_ions(self) -> None:
        entry = self.document.entry
        if entry is None:
            return
        known = corrections.usable_ions(entry.spectrum)
        for list_, first in ((self.drift_ion, ALL_IONS), (self.depth_ion, "")):
            list_.clear()
            if first:
                list_.addItem(first, None)
            for place, name in known:
                list_.addItem(words_of(name), place)

    def _show_drift(self) -> None:
        drift = self.drift
        self.path.setVisible(drift is not None)
        self.drift_words.setVisible(drift is not None)
        self.correct_drift.setVisible(drift is not None)
        if drift is None:
            return
        self.path.recolour()
        self.path.clear()
        scans = np.arange(1.0, drift.path_rows.size + 1)
        known = np.isfinite(drift.rows)
        every = []
        for index, (places, errors, path) in enumerate((
            (drift.rows, drift.row_errors, drift.path_rows), (drift.columns, drift.column_errors, drift.path_columns))):
            colour = self.path.colour(index)
            self.path.points(list(drift.centres[known] + 1), list(places[known]), colour, y_err=list(errors[known]))
            self.path.curve(scans, path, colour)
            every.extend([places[known] - errors[known], places[known] + errors[known], path])
        low, high = float(np.min(np.concatenate(every))), float(np.max(np.concatenate(every)))
        margin = 0.08 * max(high - low, 1.0)
        self.path.frame((0.0, scans[-1] + 1), (low - margin, high + margin))
        self.drift_words.setText(drift_words(drift, tuple(self.path.colour(i).name() for i in range(2))))

    def _show_depth(self) -> None:
        found = self.topography
        self.picture.show_values(None if found is None else found.depth)
        self.depth_words.setVisible(found is not None)
        self.correct_depth.setVisible(found is not None)
        if found is not None:
            self.depth_words.setText(depth_words(found))

    # -- doing --------------------------------------------------------------------------------------------------

    def find_drift(self) -> None:
        """Look for the drift, off the window's thread."""
        ion, reference = self.drift_ion.currentData(), self.reference.currentData()

        def start() -> None:
            entry = self._entry()
            group, recipe = whole(self.group, "The number of scans", 0), corrections.before(entry, "scan_drift")

            def work(progress: Progress, cancel: Cancel) -> ScanDrift:
                return corrections.find_drift(entry.spectrum, recipe, ion, reference=reference, group=group,
                                              progress=progress, cancel=cancel)

            def done(found: ScanDrift) -> None:
                self.drift = found

            self._run(work, done, recipe, f"Drift of {entry.title}")

        self._attempt(start)

    def find_depth(self) -> None:
        """Look for the topography, off the window's thread."""
        ion = self.depth_ion.currentData()

        def start() -> None:
            entry = self._entry()
            recipe = corrections.before(entry, "topography")
            if ion is None:
                raise BadData("The cube holds no single ion", where=entry.title)
            joined = whole(self.joined, "The number of pixels", 0)
            first, last = whole(self.first, "The first scan", 0), whole(self.last, "The last scan", 0)

            def work(progress: Progress, cancel: Cancel) -> Topography:
                scans = None
                if first or last:
                    count = len(recipe.apply(entry.spectrum).navigation[0])
                    scans = (max(first, 1) - 1, (last or count) - 1)
                return corrections.find_topography(entry.spectrum, recipe, ion, scans, joined=joined,
                                                   progress=progress, cancel=cancel)

            def done(found: Topography) -> None:
                self.topography = found

            self._run(work, done, recipe, f"Topography of {entry.title}")

        self._attempt(start)

    def use_drift(self) -> None:
        """The drift as a step of the recipe."""
        if self.drift is not None:
            self._correct("Correct drift", corrections.scan_drift_step(self.drift))

    def use_depth(self) -> None:
        """The topography as a step of the recipe."""
        if self.topography is not None:
            self._correct("Correct topography", corrections.topography_step(self.topography))


def drift_words(drift: ScanDrift, colours: tuple[str, ...]) -> str:
    """What was found, with the colours of the curves."""
    (down, across), (down_error, across_error) = drift.reach, drift.reach_errors
    verdict = "" if drift.found else " That is no drift beyond its error, or less than half a pixel."
    grouped = f" {drift.group} scans each were added." if drift.group > 1 else ""
    unsure = f" {drift.unsure} could not be compared." if drift.unsure else ""
    if drift.guessed:
        verdict = (" With so few images the path is a guess, and is not corrected: compare with neighbouring scans, "
                   "choose an ion with more structure, or join more scans.")
    return (f"<span style='color:{colours[0]}'>●</span> rows {down:.2f} ± {down_error:.2f}, "
            f"<span style='color:{colours[1]}'>●</span> columns {across:.2f} ± {across_error:.2f} pixels from end to "
            f"end of the path.{grouped}{unsure}{verdict}")


def depth_words(found: Topography) -> str:
    """What was found of the topography."""
    alone = "each pixel alone" if found.joined == 1 else f"{found.joined} × {found.joined} pixels together"
    low, high = np.quantile(found.depth, (0.01, 0.99))
    gaps = int(found.missing.sum())
    missing = f" {gaps} pixels have too few counts and take the depth around them." if gaps else ""
    rough = f"{found.roughness:.2f} ± {found.roughness_error:.2f}"
    none = " The interface is flat within the errors." if found.roughness < 2 * found.roughness_error else ""
    return (f"Roughness {rough} scans (rms), from {low:+.1f} to {high:+.1f} for 98 % of the pixels; depths are known "
            f"to ± {found.typical_error:.2f} scans ({alone}).{missing}{none}").replace("-", "−")
