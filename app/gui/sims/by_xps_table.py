"""The table of XPS compositions at depths, on the Amounts page: typed, pasted, from a file or from the project."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMenu, QVBoxLayout, QWidget

from app.gui.panels.base import button, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.theme import GAP_2
from app.project.sims_by_xps import XpsOffer, added, with_quantities
from fitting.sims.by_xps import FactorCompositions
from fitting.sims.by_xps_setup import ByXps, XpsDepth
from libraries.errors import BadModel, SodaliteError

_DEPTH = Column("Depth / nm", "On the depth scale of the profile; with an error as in 12 ± 0.5", True)
_MISFIT = Column("Misfit", "Weighted squares of the residuals over the elements less one: about 1 where XPS and "
                 "factors agree", True)


class ElementRows(RowsModel):
    """Rows whose columns follow the elements."""

    def set_columns(self, columns: Sequence[Column]) -> None:
        """Other columns; the rows are to be set anew where they change."""
        if tuple(columns) != self.columns:
            self.beginResetModel()
            self.columns, self._rows = tuple(columns), ()
            self.endResetModel()


class ByXpsTable(QWidget):
    """The given compositions.

    Signals
    -------
    edited(ByXps)
        What the analyst wants.
    refused(str)
        What was typed or pasted makes no sense.
    wanted(tuple)
        Keys of compositions of the project that are to be taken.
    """

    edited = Signal(object)
    refused = Signal(str)
    wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._setup = ByXps()
        self._offers: tuple[XpsOffer, ...] = ()
        self.dialog: QFileDialog | None = None
        self._opens = -1  # number of the row that is to be typed in, once it is shown
        self.folder = ""
        self.elements = QLineEdit()
        self.elements.setAccessibleName("Elements that XPS tells apart")
        self.elements.setPlaceholderText("C, O, F, Na, Cl; also chemical states")
        self.elements.editingFinished.connect(self._name)
        self.rows = ElementRows((_DEPTH,))
        self.rows.edited.connect(self._edit)
        self.view = RowsView(self.rows, "XPS compositions at depths")
        self.add = button("Add depth", "One more composition, to be typed", self._add)
        self.remove = button("Remove", "Take the chosen depths away", self._remove, sign="delete")
        self.paste = button("Paste", "A table from the clipboard: the first line names the columns (depth, C, C error, "
                            "O, …)", self.paste_table)
        self.open = button("Import…", "A table in a file (csv, tsv, txt) whose first line names the columns: depth, C, "
                           "C error, O, …", self.ask_file)
        self.own = button("From project", "Compositions of XPS spectra that are fitted in this project", lambda: None)
        self.menu = QMenu(self)
        self.own.setMenu(self.menu)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP_2)
        body.addWidget(self.view)
        body.addLayout(row(self.add, self.remove, self.paste, self.open, self.own))

    # -- showing ------------------------------------------------------------------------------------------------

    def show_setup(self, setup: ByXps, found: FactorCompositions | None, offers: tuple[XpsOffer, ...]) -> None:
        """Show the given numbers, and how well they are met."""
        self._setup = setup
        if not self.elements.hasFocus():
            self.elements.setText(", ".join(setup.quantities))
        self.rows.set_columns((_DEPTH, *(Column(name, f"{name} in at.%, with an error as in 31.2 ± 0.7", True)
                                         for name in setup.quantities), _MISFIT))
        if found is not None and found.places.size != len(setup.depths):
            found = None
        self.rows.set_rows([self._row(i, one, found) for i, one in enumerate(setup.depths)])
        self.view.fit_columns(range(len(self.rows.columns)))
        self.view.fit_height(2, 12)
        self.view.setVisible(bool(setup.depths))
        self.add.setEnabled(bool(setup.quantities))
        self.remove.setEnabled(bool(setup.depths))
        if offers != self._offers or not self.menu.actions():
            self._fill(offers)
        self._open_row()

    def _open_row(self) -> None:
        """The depth of a row that was just added is typed at once."""
        row, self._opens = self._opens, -1
        if 0 <= row == self.rows.rowCount() - 1 and self.view.isVisible():
            index = self.rows.index(row, 0)
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)
            self.view.edit(index)

    def _row(self, number: int, one: XpsDepth, found: FactorCompositions | None) -> Row:
        tip = one.source
        misfit = ""
        if found is not None:
            seen = ", ".join(f"{name} {100 * share:.0f} %" for name, share in zip(found.names, found.weights[number],
                                                                                 strict=True) if share > 0.005)
            tip = f"{tip}\nXPS sees {seen}".strip()
            misfit = plain(float(found.misfits[number]), 2)
        pair = (one.depth, one.depth_error if one.depth_error > 0 else math.nan)
        cells = [Cell(shown(*pair) or "?", edit=pair_text(*pair), tooltip=tip)]
        for m, (value, error) in enumerate(zip(one.amounts, one.errors, strict=True)):
            text = pair_text(value, error)
            told = "" if found is None else f"fitted {found.fitted[number, m]:.2f} at.%"
            cells.append(Cell(shown(value, error) or "?", edit=text, tooltip=told, muted=not text))
        return Row(str(number), (*cells, Cell(misfit, muted=True)))

    def _fill(self, offers: tuple[XpsOffer, ...]) -> None:
        self._offers = offers
        self.menu.clear()
        self.own.setEnabled(bool(offers))
        self.own.setToolTip("Compositions of XPS spectra that are fitted in this project" if offers else
                            "There are no fitted XPS spectra in this project")
        if len(offers) > 1:
            keys = tuple(one.key for one in offers)
            self.menu.addAction("All", lambda: self.wanted.emit(keys))
            self.menu.addSeparator()
        for one in offers:
            self.menu.addAction(one.title, lambda key=one.key: self.wanted.emit((key,)))

    # -- doing --------------------------------------------------------------------------------------------------

    def _name(self) -> None:
        names = [name for name in self.elements.text().replace(";", ",").split(",") if name.strip()]
        if tuple(name.strip() for name in names) != self._setup.quantities:
            self._try(lambda: self.edited.emit(with_quantities(self._setup, names)))

    def _add(self) -> None:
        nothing = (math.nan,) * len(self._setup.quantities)
        one = XpsDepth(math.nan, 0.0, nothing, nothing)
        self._opens = len(self._setup.depths)
        self.edited.emit(replace(self._setup, depths=(*self._setup.depths, one)))

    def _remove(self) -> None:
        chosen = {index.row() for index in self.view.selectionModel().selectedRows()}
        left = tuple(one for i, one in enumerate(self._setup.depths) if i not in chosen)
        if not chosen:
            left = self._setup.depths[:-1]
        self.edited.emit(replace(self._setup, depths=left))

    def _edit(self, key: str, column: int, text: str) -> None:
        depths = list(self._setup.depths)
        one = depths[int(key)]

        def change() -> None:
            value, error = parse_pair(text, self.rows.columns[column].title)
            if column == 0:
                new = replace(one, depth=value, depth_error=error if math.isfinite(error) else 0.0)
            else:
                new = replace(one, amounts=_with(one.amounts, column - 1, value),
                              errors=_with(one.errors, column - 1, error))
            depths[int(key)] = new
            self.edited.emit(replace(self._setup, depths=tuple(depths)))

        self._try(change)

    def paste_table(self) -> None:
        """Add the depths of a table in the clipboard."""
        from app.files.by_xps_tables import parse_xps

        self._try(lambda: self._more(*parse_xps(QGuiApplication.clipboard().text(), "Clipboard")))

    def ask_file(self) -> None:
        """Choose a table."""
        dialog = QFileDialog(self, "Import XPS compositions", self.folder, "Tables (*.csv *.tsv *.txt);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.read(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        self.dialog = dialog
        dialog.open()

    def read(self, path: Path) -> None:
        """Add the depths of a table in a file."""
        from app.files.by_xps_tables import read_xps

        self._try(lambda: self._more(*read_xps(path)))

    def _more(self, names: tuple[str, ...], depths: tuple[XpsDepth, ...]) -> None:
        self.edited.emit(added(self._setup, names, depths))

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except SodaliteError as error:
            self.refused.emit(str(error))


def _with(numbers: tuple[float, ...], at: int, value: float) -> tuple[float, ...]:
    return (*numbers[:at], value, *numbers[at + 1 :])


def pair_text(value: float, error: float) -> str:
    """ "31.0 ± 0.7", as it is typed; "" for nothing."""
    if not math.isfinite(value):
        return ""
    first, second = plain(value, 4), plain(error, 4)
    if not second:
        return first
    decimals = max(len(text.partition(".")[2]) for text in (first, second))
    return f"{value:.{decimals}f} ± {second}"


def shown(value: float, error: float) -> str:
    """The same with no more decimals than the error needs, one at least: "33.8 ± 0.7" for 33.7803 ± 0.7."""
    second = plain(error, 4) if math.isfinite(error) else ""
    if not second:
        return pair_text(value, error)
    decimals = len(second.partition(".")[2])
    return pair_text(round(value, max(decimals, 1)), error)


def parse_pair(text: str, what: str) -> tuple[float, float]:
    """A number and the error behind ± (or behind a blank); NaN for what is not there.

    Raises
    ------
    BadModel
        If it is no number, or below zero.
    """
    words = text.replace("+/-", "±").split("±") if "±" in text or "+/-" in text else text.split()
    if not text.strip():
        return math.nan, math.nan
    if len(words) > 2:
        raise BadModel(f"{what} must be a number with its error, as in 31.2 ± 0.7")
    numbers = [parse_number(word, what) for word in words]
    if min(numbers) < 0:
        raise BadModel(f"{what} must be zero or above")
    return numbers[0], numbers[1] if len(numbers) == 2 else math.nan
