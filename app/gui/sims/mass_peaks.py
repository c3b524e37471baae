"""The peak list on the Mass page."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QWidget

from app.files.peak_list import read_peaks, write_peaks
from app.gui.panels.base import button, muted, row
from app.gui.panels.numbers import parse_number
from app.gui.panels.part import field
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.sims.mass_part import MassPart
from app.gui.tasks import Cancel, Progress
from app.numerals import grouped, with_error
from app.project import dead_time, masses
from app.project.project import Entry, Project
from fitting.sims.assignment import label_of
from fitting.sims.lines import Line
from fitting.sims.peaks import FALSE_LINES
from fitting.sims.setup import MassPeak
from libraries.errors import BadData

if TYPE_CHECKING:
    from app.gui.sims.mass_panel import MassPanel

POLARITIES = (("", "not stated"), ("positive", "positive ions"), ("negative", "negative ions"))
PEAK_LISTS = "Peak lists (*.csv *.txt *.tsv);;All files (*)"


class PeaksPart(MassPart):
    """Finding, measuring, keeping peaks."""

    def __init__(self, page: MassPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self.polarity = QComboBox()
        self.polarity.setAccessibleName("Polarity")
        for key, words in POLARITIES:
            self.polarity.addItem(words, key)
        self.polarity.activated.connect(lambda _: self._set_polarity())
        self.resolution = field("Mass resolution", empty="measured", width=84,
                                tip="m/Δm at full width at half maximum; empty: from the strongest lines")
        self.resolution.editingFinished.connect(self._set_resolution)
        self.find = button("Find peaks", "Find all lines that stand out of the background, and name them",
                           self.find_peaks, primary=True)
        self.click = button("Click a line", "Add the line that is clicked on the plot", self.ask)
        self.remove = button("Remove", "Take the chosen peaks out of the list", self.remove_chosen, sign="delete")
        self.rename = button("Name again", "Name all peaks anew by mass, width and isotopes", self.name_again)
        self.read = button("Import…", "Read a peak list: name, m/z and limits", self.ask_import)
        self.write = button("Export…", "Write the peak list with all alternatives", self.ask_export)
        self.table = page.table(RowsModel((
            Column("m/z", "Centroid", True), Column("Counts", "Above the background of both sides", True),
            Column("m/Δm", "Measured; – where the counts or the channels do not tell it", True),
            Column("Ion", "All that mass, width and isotopes leave possible; double-click to change"))))
        self.table.edited.connect(self._edited)
        self.rows_view = RowsView(self.table, "Peaks")
        self.rows_view.set_widths((84, 136, 70, 170), 3)
        self.rows_view.current_changed.connect(lambda key: page.choose(int(key), look=True))
        self.words = muted("")
        self.image = button("Make images of these peaks", "Sum the counts of every pixel between the limits",
                            self.make_images)
        self.dialog: QFileDialog | None = None
        self.body.addLayout(row(QLabel("Polarity"), self.polarity, QLabel("m/Δm"), self.resolution))
        self.body.addLayout(row(self.find, self.click, self.remove, self.rename))
        self.body.addWidget(self.rows_view)
        self.body.addWidget(self.words)
        self.body.addLayout(row(self.read, self.write, self.image))
        self._drawn: tuple[object, ...] = ()

    # -- showing ------------------------------------------------------------------------------------------------

    def show_entry(self, entry: Entry, view: masses.MassView) -> None:
        """Show the list."""
        has, free = bool(entry.masses.peaks), not self.page.busy
        for widget in (self.find, self.click):
            widget.setEnabled(view.scaled and free)
        for widget in (self.remove, self.rename, self.write):
            widget.setEnabled(has and free)
        self.image.setVisible(bool(entry.spectrum.navigation))
        self.image.setEnabled(has and free)
        self.polarity.setCurrentIndex(max(self.polarity.findData(masses.polarity_of(entry) or ""), 0))
        if not self.resolution.hasFocus():
            self.resolution.setText(f"{entry.masses.resolution:.6g}" if entry.masses.resolution else "")
        key = (entry.id, entry.masses, view)
        if key != self._drawn:
            self._drawn = key
            lines = self.page.lines_of(entry, view)
            flags = dead_time.strength(entry, lines)
            self.table.set_rows([_row(i, *one) for i, one in
                                 enumerate(zip(entry.masses.peaks, lines, flags, strict=True))])
            self.rows_view.fit_columns((1,))
            self.rows_view.setVisible(has)
            self.rows_view.fit_height(4, 12)
            self.words.setText(_words(entry, view, lines, flags))
        self.rows_view.show_current(str(self.page.line) if self.page.line >= 0 else None)

    # -- settings -----------------------------------------------------------------------------------------------

    def _set_polarity(self) -> None:
        word = str(self.polarity.currentData())
        self.page.apply("Polarity",
                        lambda project, entry, _: masses.with_setup(project, entry.id, polarity=word))

    def _set_resolution(self) -> None:
        text = self.resolution.text().strip()

        def change(project: Project, entry: Entry, _: masses.MassView) -> Project:
            value = parse_number(text, "The mass resolution") if text else 0.0
            if value < 0:
                raise BadData("The mass resolution must be above zero")
            return masses.with_setup(project, entry.id, resolution=value)

        self.page.apply("Mass resolution", change)

    # -- peaks --------------------------------------------------------------------------------------------------

    def find_peaks(self) -> None:
        """Find all lines off the window's thread."""
        found = self.page.now()
        if found is None:
            return
        entry, view = found

        def work(progress: Progress, cancel: Cancel) -> Any:
            return masses.find_peaks(entry, view, progress, cancel)

        self.page.choose(-1)
        self.page.run("Find peaks", work, lambda project, peaks: masses.with_peaks(project, entry.id, peaks))

    def ask(self) -> None:
        """Wait for a click on a line."""
        self.page.ask_place("Click a line, or press Escape", self.add)

    def add(self, x: float) -> None:
        """The line at this place goes into the list."""
        added: list[MassPeak] = []

        def change(project: Project, entry: Entry, view: masses.MassView) -> Project:
            project, peak = masses.add_peak(project, entry.id, view, x, self.page.reach(x))
            added.append(peak)
            return project

        entry = self.page.document.entry
        if self.page.apply("Add peak", change) and added and entry is not None:
            peaks = self.page.document.project.entry(entry.id).masses.peaks
            self.page.choose(peaks.index(added[0]))

    def remove_chosen(self) -> None:
        """Take the selected peaks away."""
        rows = {index.row() for index in self.rows_view.selectionModel().selectedRows()}
        if rows:
            def change(project: Project, entry: Entry, _: masses.MassView) -> Project:
                kept = [one for i, one in enumerate(entry.masses.peaks) if i not in rows]
                return masses.with_peaks(project, entry.id, kept)

            self.page.line = -1
            self.page.apply("Remove peaks" if len(rows) > 1 else "Remove peak", change)

    def name_again(self) -> None:
        """Name all peaks anew."""
        found = self.page.now()
        if found is None:
            return
        entry, view = found
        self.page.run("Name peaks", lambda _p, _c: masses.rename_all(entry, view),
                      lambda project, peaks: masses.with_peaks(project, entry.id, peaks))

    def _edited(self, key: str, column: int, text: str) -> None:
        if column == 3:
            self.page.apply("Name of a peak", lambda project, entry, view: masses.renamed(
                project, entry.id, view, int(key), text))

    # -- files --------------------------------------------------------------------------------------------------

    def ask_import(self) -> None:
        """Ask for a peak list."""
        dialog = self._dialog("Import peak list")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.take(Path(name)))
        dialog.open()

    def take(self, path: Path) -> None:
        """The peaks of a file in the place of the list."""
        def change(project: Project, entry: Entry, view: masses.MassView) -> Project:
            peaks = read_peaks(path, masses.resolution_of(entry))
            return masses.with_peaks(project, entry.id, masses.listed(entry, view, peaks, path.name))

        self.page.line = -1
        self.page.apply(f"Peak list {path.name}", change)

    def ask_export(self) -> None:
        """Ask where the list is to go."""
        dialog = self._dialog("Export peak list")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.open()

    def save(self, path: Path) -> None:
        """Write the list."""
        entry = self.page.document.entry
        if entry is not None and self.page.attempt(lambda: _write(path, entry)):
            self.page.message.emit(f"{len(entry.masses.peaks)} peaks written to {path.name}")

    def _dialog(self, title: str) -> QFileDialog:
        window = self.page.window_
        folder = window.state.text("folder") if window is not None else ""
        dialog = self.dialog = QFileDialog(self, title, folder, PEAK_LISTS)
        dialog.finished.connect(dialog.deleteLater)
        return dialog

    # -- images -------------------------------------------------------------------------------------------------

    def make_images(self) -> None:
        """Sum every pixel between the limits; the images become an entry of their own."""
        found = self.page.now()
        if found is None:
            return
        entry, _ = found

        def work(progress: Progress, cancel: Cancel) -> Any:
            return masses.images_of(entry, progress, cancel)

        self.page.run("Images of peaks", work, lambda project, image: masses.with_images(project, entry.id, image))


def _write(path: Path, entry: Entry) -> None:
    write_peaks(path, entry.masses.peaks)


def _row(number: int, peak: MassPeak, line: Line | None, flag: str) -> Row:
    label = label_of(peak) if peak.name else ""
    tip = f"Limits {peak.low:.4f} to {peak.high:.4f}"
    if line is None:
        return Row(str(number), (Cell(f"{peak.mass:.4f}", muted=True), Cell("outside", muted=True), Cell("–"),
                                 Cell(label, edit=peak.name, tooltip=tip)))
    resolution = "–"
    if line.width > 0:
        resolution = ("≥ " if line.coarse else "") + grouped(line.resolution, -1 if line.resolution > 200 else 0)
    warning = f"{flag[0].upper()}{flag[1:]}: counts, centroid and width are not to be trusted.\n" if flag else ""
    words = "narrower than two channels: the channels limit m/Δm" if line.coarse else (
        f"m/Δm {with_error(line.resolution, line.resolution_error)}" if line.width > 0 else "m/Δm not determined")
    known = math.isfinite(line.mass_error)
    mass = f"m/z {with_error(line.mass, line.mass_error)}" if known else "centroid not determined"
    return Row(str(number), (
        Cell(f"{line.mass:.4f}", tooltip=f"{mass} (counts alone)\n{tip}"),
        Cell(("⚠ " if flag else "") + with_error(line.counts, line.counts_error), muted=not line.significant,
             tooltip=f"{warning}Background {with_error(line.background, line.background_error)}"),
        Cell(resolution, tooltip=words), Cell(label or "–", edit=peak.name, tooltip=f"{label}\n{tip}".strip(),
                                              muted=not label)))  # fmt: skip


def _words(
    entry: Entry, view: masses.MassView, lines: tuple[Line | None, ...], flags: tuple[str, ...]
) -> str:
    if not view.scaled:
        return "Peaks need a mass scale."
    if not entry.masses.peaks:
        return (f"A line is found where the background alone is unlikely to give its counts: in a spectrum without any "
                f"line {FALSE_LINES:g} are expected.")
    texts = []
    several = sum(bool(one.alternatives) for one in entry.masses.peaks)
    texts.append(f"{len(entry.masses.peaks)} peaks" + (f", {several} with more than one name" if several else ""))
    if masses.polarity_of(entry) is None:
        texts.append("choose the polarity to name them")
    coarse = sum(bool(one is not None and one.coarse) for one in lines)
    if coarse > len(lines) / 2:
        texts.append("most lines are narrower than two channels, so that the channels limit m/Δm and the centroids")
    if any(flags):
        texts.append(f"{sum(map(bool, flags))} too strong for the detector (⚠)")
    elif dead_time.pulses_of(entry) <= 0:
        texts.append("saturation is not told without the number of pulses (Dead time)")
    return "; ".join(texts) + "."


