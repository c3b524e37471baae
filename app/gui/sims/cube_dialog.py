"""Asks which files make a cube of ions, what they do not say themselves, and where the cube goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.files.cube_import import Source, recognised
from app.files.cube_store import SUFFIX, CubeSettings
from app.gui.panels.base import muted, row
from app.gui.panels.numbers import parse_number
from app.gui.theme import GAP_2, GAP_3
from fitting.sims.ion_names import polarity_of
from fitting.sims.setup import MassPeak
from libraries.errors import BadData, SodaliteError

KINDS = "ToF-SIMS measurements (*.txt *.asc *.csv *.dat *.imzML *.imzml *.grd)"
LISTS = "Peak lists (*.csv *.txt *.tsv)"
_NARROW = 90
_WIDTH = 620


@dataclass(frozen=True)
class CubeRequest:
    """What the analyst wants imported.

    Attributes
    ----------
    files : tuple of Path
    target : Path
    settings : CubeSettings
    peaks : tuple of MassPeak
        Those of the project; empty where a list is read, or none is needed.
    peak_list : Path or None
    scale : (SF, K0) or None
    """

    files: tuple[Path, ...]
    target: Path
    settings: CubeSettings
    peaks: tuple[MassPeak, ...] = ()
    peak_list: Path | None = None
    scale: tuple[float, float] | None = None


@dataclass(frozen=True)
class Known:
    """What the project already knows: peaks by the entry they belong to, and a mass scale (SF, K0)."""

    peaks: tuple[tuple[str, tuple[MassPeak, ...]], ...] = field(default_factory=tuple)
    scale: tuple[float, float] | None = None


class CubeDialog(QDialog):
    """Files, name, pixel, time, polarity, size, peaks, target; it does not block the window.

    Signals
    -------
    started(object)
        A `CubeRequest`.
    """

    started = Signal(object)

    def __init__(self, start: Path, known: Known, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import cube of ions")
        self.setMinimumWidth(_WIDTH)
        self.dialog: QFileDialog | None = None
        self._start, self._known = start, known
        self.files: tuple[Path, ...] = ()
        self.source: Source | None = None
        self._refused = ""
        self._build()
        self._check()

    # -- building -----------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.found = muted("Text files of SurfaceLab's 3D export (one an ion), an imzML file, or raw data (GRD)")
        self.found.setAccessibleName("What was chosen")
        self.found.setMinimumHeight(2 * self.found.fontMetrics().lineSpacing())
        self.name, self.sample = self._field("Name"), self._field("Sample")
        self.pixel, self.time = self._number("Pixel width, µm"), self._number("Time of a scan, s")
        self.columns, self.rows = self._number("Columns"), self._number("Rows")
        self.scans = self._number("Scans")
        self.polarity = self._choice("Polarity", (("As the ions say", ""), ("Positive", "positive"),
                                                  ("Negative", "negative")))
        self.first = self._choice("First pixel", (("count from 0", 0), ("count from 1", 1)))
        self.peaks = self._choice("Peak list", ())
        for name, peaks in self._known.peaks:
            self.peaks.addItem(f"{len(peaks)} peak{'s' if len(peaks) > 1 else ''} of {name}", peaks)
        self.list = self._field("File with the peak list")
        self.list.setPlaceholderText("or a file: name, m/z, lower and upper limit")
        self.slope, self.offset = self._number("SF"), self._number("K0")
        if self._known.scale:
            self.slope.setText(f"{self._known.scale[0]:.10g}")
            self.offset.setText(f"{self._known.scale[1]:.10g}")
        self.target = self._field("File to write")
        self.words = muted("")
        self.words.setAccessibleName("What will be done")
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go = self._buttons.addButton("Import", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setProperty("primary", True)
        self._lay_out()
        for field_ in self.findChildren(QLineEdit):
            field_.textChanged.connect(lambda _: self._check())
        for choice in (self.polarity, self.first, self.peaks):
            choice.currentIndexChanged.connect(lambda _: self._check())
        self._buttons.accepted.connect(self._accept)
        self._buttons.rejected.connect(self.reject)

    def _lay_out(self) -> None:
        form = self.form = QFormLayout()
        form.setSpacing(GAP_2)
        chosen = QHBoxLayout()
        chosen.setSpacing(GAP_2)
        chosen.addWidget(self.found, 1)
        chosen.addWidget(self._button("Files…", self._ask_files))
        chosen.addWidget(self._button("Folder…", self._ask_folder))
        form.addRow(QLabel("Files"), chosen)
        form.addRow(QLabel("Name"), self.name)
        form.addRow(QLabel("Sample"), self.sample)
        form.addRow(QLabel("Pixel width / µm"), row(self.pixel, QLabel("Time of a scan / s"), self.time))
        form.addRow(QLabel("Polarity"), row(self.polarity))
        self.size = QWidget()
        sizes = row(self.columns, QLabel("×"), self.rows, QLabel("pixels,"), self.scans, QLabel("scans,"), self.first)
        sizes.setContentsMargins(0, 0, 0, 0)
        self.size.setLayout(sizes)
        form.addRow("Size", self.size)
        self.lists = QWidget()
        lists = QHBoxLayout(self.lists)
        lists.setContentsMargins(0, 0, 0, 0)
        lists.setSpacing(GAP_2)
        lists.addWidget(self.peaks)
        lists.addWidget(self.list, 1)
        lists.addWidget(self._button("Choose…", self._ask_list))
        self.peaks.setVisible(bool(self._known.peaks))
        form.addRow("Peaks", self.lists)
        self.scale = QWidget()
        scale = row(QLabel("SF"), self.slope, QLabel("K0"), self.offset)
        scale.setContentsMargins(0, 0, 0, 0)
        self.scale.setLayout(scale)
        form.addRow("Mass scale", self.scale)
        target = QHBoxLayout()
        target.setSpacing(GAP_2)
        target.addWidget(self.target, 1)
        target.addWidget(self._button("Choose…", self._ask_target))
        form.addRow(QLabel("Cube"), target)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GAP_3, GAP_3, GAP_3, GAP_3)
        layout.setSpacing(GAP_3)
        layout.addLayout(form)
        layout.addWidget(self.words)
        layout.addStretch(1)
        layout.addWidget(self._buttons)

    def _field(self, name: str) -> QLineEdit:
        field_ = QLineEdit()
        field_.setAccessibleName(name)
        return field_

    def _number(self, name: str) -> QLineEdit:
        field_ = self._field(name)
        field_.setMaximumWidth(_NARROW)
        return field_

    def _choice(self, name: str, rows: Sequence[tuple[str, object]]) -> QComboBox:
        choice = QComboBox()
        choice.setAccessibleName(name)
        for words, key in rows:
            choice.addItem(words, key)
        return choice

    def _button(self, words: str, then: Callable[[], None]) -> QPushButton:
        made = QPushButton(words)
        made.setAutoDefault(False)
        made.clicked.connect(lambda: then())
        return made

    # -- choosing -----------------------------------------------------------------------------------------------

    def _ask_files(self) -> None:
        dialog = self._ask("Files of a measurement", QFileDialog.FileMode.ExistingFiles, [KINDS, "All files (*)"])
        dialog.filesSelected.connect(lambda names: self.take_files([Path(name) for name in names]))
        dialog.open()

    def _ask_folder(self) -> None:
        dialog = self._ask("Folder of text files", QFileDialog.FileMode.Directory, [])
        dialog.fileSelected.connect(lambda name: self.take_files([Path(name)]))
        dialog.open()

    def _ask_list(self) -> None:
        dialog = self._ask("Peak list", QFileDialog.FileMode.ExistingFile, [LISTS, "All files (*)"])
        dialog.fileSelected.connect(self.list.setText)
        dialog.open()

    def _ask_target(self) -> None:
        dialog = self._ask("Cube to write", QFileDialog.FileMode.AnyFile, [f"HDF5 (*{SUFFIX})"])
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(SUFFIX.lstrip("."))
        dialog.fileSelected.connect(self.target.setText)
        dialog.open()

    def _ask(self, title: str, mode: QFileDialog.FileMode, filters: list[str]) -> QFileDialog:
        self.dialog = QFileDialog(self, title, str(self.files[0].parent if self.files else self._start))
        self.dialog.setFileMode(mode)
        if filters:
            self.dialog.setNameFilters(filters)
        return self.dialog

    def take_files(self, paths: Sequence[Path]) -> None:
        """Look at chosen files; name and target are proposed beside them."""
        self.files, self.source, self._refused = tuple(paths), None, ""
        try:
            self.source = recognised(paths)
        except SodaliteError as error:
            self._refused = str(error)
        if self.source is not None:
            first = self.source.files[0]
            stem = first.stem.partition(" (")[0]
            folder = paths[0].parent if paths[0].is_dir() else first.parent
            self.found.setText(self.source.words)
            self.name.setPlaceholderText(stem)
            self.target.setText(str(folder / f"{stem}-cube{SUFFIX}"))
        self._check()

    # -- checking -----------------------------------------------------------------------------------------------

    def _check(self) -> None:
        """Show what this kind of file needs; say what will happen, or what is missing."""
        source = self.source
        for widget, shown in (
            (self.size, source is None or source.kind == "ascii"),
            (self.lists, source is not None and source.needs_peaks),
            (self.scale, source is not None and source.needs_scale),
        ):
            self.form.setRowVisible(widget, shown)
        said = polarity_of(source.ions) if source is not None else ""
        self.polarity.setItemText(0, f"As the ions say ({said})" if said in ("positive", "negative")
                                  else "As the ions say")  # fmt: skip
        try:
            self.request()
            ready, words = True, self._words()
        except SodaliteError as error:
            ready, words = False, error.what + (f". {error.todo}." if error.todo else ".")
        self.words.setText(words)
        self.go.setEnabled(ready)

    def _words(self) -> str:
        name = Path(self.target.text().strip()).name
        again = " It exists already and is replaced." if Path(self.target.text().strip()).exists() else ""
        if self.source is not None and self.source.kind == "ascii" and not self.columns.text().strip():
            return f"Without a size the highest coordinates count. The cube is kept in {name}.{again}"
        return f"The cube is kept in {name}.{again}"

    def request(self) -> CubeRequest:
        """What is entered.

        Raises
        ------
        SodaliteError
            If something is missing or no number.
        """
        if self._refused:
            raise BadData(self._refused.rstrip("."))
        if self.source is None:
            raise BadData("Choose the files of a measurement")
        target = self.target.text().strip()
        if not target:
            raise BadData("Say where the cube is kept")
        settings = CubeSettings(
            self.name.text().strip(), _positive(self.pixel), _positive(self.time), self.polarity.currentData(),
            self._size(), self.first.currentData(), self.sample.text().strip(),
        )  # fmt: skip
        request = CubeRequest(self.files, Path(target), settings)
        if not self.source.needs_peaks:
            return request
        listed = self.list.text().strip()
        peaks = () if listed else tuple(self.peaks.currentData() or ())
        if not listed and not peaks:
            raise BadData("These are whole spectra: choose a peak list", todo="The Mass page makes one")
        scale = None
        if self.source.needs_scale:
            scale = (_positive(self.slope, True), parse_number(self.offset.text(), "K0"))
        return CubeRequest(self.files, Path(target), settings, peaks, Path(listed) if listed else None, scale)

    def _size(self) -> tuple[int, int, int] | None:
        fields = (self.columns, self.rows, self.scans)
        given = [one.text().strip() for one in fields]
        if not any(given) or not self.form.isRowVisible(self.size):
            return None
        numbers = [_positive(one, True) for one in fields]
        if any(number != int(number) for number in numbers):
            raise BadData("Columns, rows and scans are whole numbers")
        columns, rows, scans = (int(number) for number in numbers)
        return columns, rows, scans

    def _accept(self) -> None:
        self.started.emit(self.request())
        self.accept()


def _positive(field_: QLineEdit, needed: bool = False) -> float:
    """A number above zero; 0 for an empty field that may be empty."""
    text = field_.text().strip()
    if not text and not needed:
        return 0.0
    number = parse_number(text, field_.accessibleName())
    if not 0 < number < 1e9:
        raise BadData(f"{field_.accessibleName()} must be above zero")
    return number
