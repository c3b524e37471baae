"""The part of the Process page for images of mass spectra: their shift over the field, shown before it is taken out."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QLabel, QVBoxLayout

from app.gui.document import Document
from app.gui.panels.base import Panel, button, muted, row
from app.gui.panels.fold import Fold
from app.gui.panels.numbers import parse_number
from app.gui.sims.correction_part import CorrectionPart, box, column, field, whole
from app.gui.sims.depth_picture import DepthPicture
from app.gui.tasks import Cancel, Progress
from app.gui.theme import GAP_2
from app.project import cube_corrections as corrections
from fitting.sims.kinds import kind_of
from fitting.sims.mass_shift import MassShift
from libraries.errors import BadModel

TIP = (
    "Primary ions reach one side of the field earlier than the other, so that lines shift from pixel to pixel. The "
    "shift is found from one strong line alone in its window. Whole channels keep counts as counts."
)
MODELS = (("plane", "as a plane"), ("pixels", "as a plane and pixel by pixel"))
METHODS = (("whole", "by whole channels"), ("linear", "between channels"))


class MassShiftPart(CorrectionPart):
    """Shift of the mass spectra over the field: settings, picture, and the button that takes it out."""

    def __init__(self, document: Document, panel: Panel) -> None:
        super().__init__(document, panel)
        self._of: tuple[object, ...] = ()
        self.found: MassShift | None = None
        part, rows = column()
        self.low, self.high = field("Start of the window around the line", ""), field("End of the window", "")
        for line in (self.low, self.high):
            line.setMaximumWidth(90)
        self.model, self.method = box("What is found"), box("How spectra are moved")
        for list_, choices in ((self.model, MODELS), (self.method, METHODS)):
            for key, words in choices:
                list_.addItem(words, key)
        self.joined = field("Pixels joined along rows and columns, an odd number", "1")
        self.joined_label = QLabel("Pixels joined")
        self.find_button = button("Find shift", "Compare the line in all pixels", self.find)
        self.correct = button("Align masses", "Move the spectrum of every pixel", self.use, primary=True)
        self.picture = DepthPicture("Shift of the mass spectra", "channels", self)
        self.words = muted("")
        rows.addWidget(muted(TIP))
        self.window_label = QLabel("Line from")
        rows.addLayout(row(self.window_label, self.low, QLabel("to"), self.high))
        rows.addLayout(row(self.model, self.joined_label, self.joined, self.find_button))
        rows.addWidget(self.picture)
        rows.addWidget(self.words)
        rows.addLayout(row(self.correct, self.method))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP_2)
        self.fold = Fold("Shift of masses over the field", part)
        layout.addWidget(self.fold)
        self.model.currentIndexChanged.connect(lambda _: self._show_buttons())
        self.method.currentIndexChanged.connect(lambda _: self._show_buttons())
        self.hide()

    def refresh(self) -> None:
        """Show what belongs to the document's image."""
        entry = self.document.entry
        shown = (entry is not None and entry.spectrum.meta.technique == "sims" and kind_of(entry.spectrum) == "spectrum"
                 and len(entry.spectrum.navigation) == 2)
        self.setVisible(shown)
        if entry is None or not shown:
            return
        now = (entry.id, self.document.session, entry.spectrum.axis, corrections.before(entry, "mass_shift").steps)
        if now != self._of:
            self._of, self.found = now, None
        spectrum = self.document.spectrum()
        mass = spectrum is not None and spectrum.axis.quantity == "mass"
        self.window_label.setText("Line from m/z" if mass else "Line from channel")
        found = self.found
        self.picture.show_values(None if found is None else found.shift)
        for widget in (self.words, self.correct, self.method):
            widget.setVisible(found is not None)
        if found is not None:
            self.words.setText(shift_words(found))
        self._show_buttons()

    def _show_buttons(self) -> None:
        entry = self.document.entry
        plane = self.model.currentData() == "plane"
        for widget in (self.joined, self.joined_label):
            widget.setVisible(not plane)
        kept = "" if entry is None else " ".join(s.text("shifts") + s.text("method") for s in entry.recipe.steps
                                                 if s.kind == "mass_shift")
        done = self.found is not None and bool(kept) and kept == " ".join(
            f"{value:.2f}" for value in self.found.shift.ravel()) + self.method.currentData()
        self.correct.setText("Aligned" if done else "Align masses")
        self.correct.setEnabled(self._task is None and not done)
        self.find_button.setEnabled(self._task is None)

    def find(self) -> None:
        """Look for the shift, off the window's thread."""
        model = self.model.currentData()

        def start() -> None:
            entry = self._entry()
            if not (self.low.text().strip() and self.high.text().strip()):
                raise BadModel("The window around the line is not given", todo="Type where it begins and ends")
            window = (parse_number(self.low.text(), "The start of the window"),
                      parse_number(self.high.text(), "The end of the window"))
            joined, recipe = whole(self.joined, "The number of pixels", 1), corrections.before(entry, "mass_shift")

            def work(progress: Progress, cancel: Cancel) -> MassShift:
                return corrections.find_mass_shift(entry.spectrum, recipe, window, model, joined=joined,
                                                   progress=progress, cancel=cancel)

            def done(found: MassShift) -> None:
                self.found = found

            self._run(work, done, recipe, f"Mass shift of {entry.title}")

        self._attempt(start)

    def use(self) -> None:
        """The shift as a step of the recipe."""
        found = self.found

        def start() -> None:
            if found is not None:
                self._correct("Align masses", corrections.mass_shift_of(self._entry(), found,
                                                                        self.method.currentData()))

        self._attempt(start)


def shift_words(found: MassShift) -> str:
    """What was found."""
    (down, across), (down_error, across_error) = found.reach, found.reach_errors
    words = (f"Plane: {down:+.2f} ± {down_error:.2f} channels from the first to the last row, {across:+.2f} ± "
             f"{across_error:.2f} from the first to the last column.")
    if math.isfinite(found.spread):
        words += f" Single pixels {found.spread:.2f} ± {found.spread_error:.2f} channels (rms) beside it."
    if max(abs(down) - 3 * down_error, abs(across) - 3 * across_error) < 0 and not found.spread > 0.5:
        words += " That is no shift beyond its error."
    return words.replace("-", "−")
