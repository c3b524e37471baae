"""The Library panel: cited binding energies of compounds, charge-free differences, lines of elements."""

from __future__ import annotations

import re

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.numbers import spread
from app.gui.panels.suggestions import confidence_words, reference_words
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.plot.edits import title
from fitting import guess
from libraries.compounds import Difference, ReferenceLine, differences, reference_lines
from libraries.elements import SYMBOLS
from libraries.errors import BadModel

MOST = 400
_LEVEL = re.compile(r"\b([A-Za-z]{1,2}) ?([1-7][spdf](?:[1357]/2)?)(?!\w)")
_ENERGY = re.compile(r"\d{2,4}[.,]\d+|\d{3,4}")


class LibraryPanel(Panel):
    """Search of the library.

    Signals
    -------
    references_requested(object)
        Tuple of `ReferenceLine` to mark on the plot; empty to take the marks away.
    elements_requested(object)
        Tuple of element symbols whose lines are to be marked; empty for none.
    """

    references_requested = Signal(object)
    elements_requested = Signal(object)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "Library", parent)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Compound, formula, line or energy:  Na2CO3   C 1s   289.5")
        self.search.setAccessibleName("Search the library")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self.refresh)
        self.here = QCheckBox("Only lines in the shown region")
        self.here.toggled.connect(self.refresh)
        self.body.addWidget(self.search)
        self.body.addWidget(self.here)
        self._build_lines()
        self._build_differences()
        self._marked = False
        self._shown: dict[str, ReferenceLine] = {}
        self._key: tuple[object, ...] = ()
        self.ready()

    def _build_lines(self) -> None:
        self.rows = self.table(
            RowsModel(
                (
                    Column("Compound"),
                    Column("Line"),
                    Column("BE / eV", "Median of the cited values", True),
                    Column("Cited / eV", "Spread of the cited values", True),
                    Column("Reference", "Charge reference of the source"),
                    Column("Grade", "A several records, B one primary record, C second-hand or derived"),
                    Column("Source"),
                )
            )
        )
        self.lines = RowsView(self.rows, "Cited binding energies")
        self.lines.set_widths((130, 62, 78, 122, 82, 58, 220))
        self.lines.horizontalHeader().setStretchLastSection(True)
        self.lines.doubleClicked.connect(lambda _: self.add())
        self.body.addWidget(self.lines, 3)
        self.count = muted("")
        self.body.addWidget(self.count)
        self.body.addLayout(
            row(
                button("Show on plot", "Mark the selected ranges on the plot", self.show_on_plot, primary=True),
                button("Clear", "Take the marks away", self.clear),
                button("Add to model", "Add a peak of that compound to the shown region", self.add, sign="peak"),
            )
        )

    def _build_differences(self) -> None:
        self.body.addWidget(heading("Differences that need no charge reference"))
        self.gaps = self.table(
            RowsModel(
                (
                    Column("Compound"),
                    Column("Difference"),
                    Column("eV", "Median of the cited differences", True),
                    Column("Cited / eV", "Spread of the cited differences", True),
                    Column("Grade"),
                    Column("Source"),
                )
            )
        )
        self.gap_view = RowsView(self.gaps, "Charge-free differences")
        self.gap_view.set_widths((130, 118, 72, 118, 58, 200))
        self.gap_view.horizontalHeader().setStretchLastSection(True)
        self.body.addWidget(self.gap_view, 2)

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what fits the search; rebuilt only where search or region changed."""
        fit, text = self.document.fit, self.search.text().strip()
        window = fit.model.region if self.here.isChecked() and fit is not None else None
        key = (text, window)
        if key == self._key:
            return
        self._key = key
        found = [item for item in reference_lines() if matches(item, text) and _inside(item, window)]
        self._shown = {str(i): item for i, item in enumerate(found[:MOST])}
        self.rows.set_rows([_line_row(key, item) for key, item in self._shown.items()])
        gaps = [item for item in differences() if _gap_matches(item, text)]
        self.gaps.set_rows([_gap_row(str(i), item) for i, item in enumerate(gaps)])
        more = f", the first {MOST} shown" if len(found) > MOST else ""
        self.count.setText(
            f"{len(found)} cited lines{more}" if found else "Nothing is cited for this; try the element alone"
        )
        self.elements_requested.emit(elements_in(text))

    def selected(self) -> tuple[ReferenceLine, ...]:
        """The selected lines, else the current one."""
        rows = sorted({index.row() for index in self.lines.selectionModel().selectedRows()})
        keys = [self.rows.key(i) for i in rows] or [self.lines.current_key()]
        return tuple(self._shown[key] for key in keys if key in self._shown)

    # -- doing --------------------------------------------------------------------------------------------------

    def show_on_plot(self) -> None:
        """Mark the selected ranges; all shown ones where none is selected."""
        self._marked = True
        self.references_requested.emit(self.selected() or tuple(self._shown.values())[:12])

    def clear(self) -> None:
        """Take the marks away."""
        self.references_requested.emit(())
        self.elements_requested.emit(())

    def add(self) -> None:
        """Add a peak of the selected compound."""
        chosen = self.selected()
        fit, spectrum = self.document.fit, self.document.spectrum()

        def extend() -> None:
            if fit is None or spectrum is None:
                raise BadModel("There is no region to add to", todo="Draw a region first")
            if not chosen:
                raise BadModel("No line is selected")
            item = chosen[0]
            low, high = fit.model.region
            if not low <= item.central <= high:
                raise BadModel(
                    f"{item.label} {item.line.name} lies at {item.central:g} eV, outside the region",
                    todo=f"Choose a line between {low:.1f} and {high:.1f} eV",
                )
            model = guess.add_peak(
                spectrum,
                fit.model,
                item.central,
                name=item.label,
                line=item.line.name,
                compound=item.compound,
                source=item.source,
            )
            self.document.edit_model(f"Add {title(model.components[-1])}", model)
            self.document.select_component(model.components[-1].id)

        self.attempt(extend)


def matches(item: ReferenceLine, text: str) -> bool:
    """Whether a line fits all words of a search: names, formulas, lines, classes; a number is an energy."""
    lines, words = split_search(text)
    name = item.line.name.casefold()
    if lines and not any(name.startswith(line) for line in lines):
        return False
    places = " ".join((item.label, item.formula, item.species_class, name)).casefold()
    return all(_word_fits(word, places, item.low, item.high) for word in words)


def split_search(text: str) -> tuple[list[str], list[str]]:
    """Core levels ("c 1s") and the other words of a search, in small letters."""
    lines = [f"{found[1]} {found[2]}".casefold() for found in _LEVEL.finditer(text)]
    return lines, _LEVEL.sub(" ", text).casefold().split()


def _word_fits(word: str, places: str, low: float, high: float) -> bool:
    if _ENERGY.fullmatch(word):
        energy = float(word.replace(",", "."))
        return low - 0.5 <= energy <= high + 0.5 or word in places
    return word in places


def _inside(item: ReferenceLine, window: tuple[float, float] | None) -> bool:
    return window is None or (item.high >= window[0] and item.low <= window[1])


def _gap_matches(item: Difference, text: str) -> bool:
    lines, words = split_search(text)
    names = (item.upper.name.casefold(), item.lower.name.casefold())
    if not all(any(name.startswith(line) for name in names) for line in lines):
        return False
    places = " ".join((item.compound, item.formula, *names)).casefold()
    return all(word in places for word in words if not _ENERGY.fullmatch(word))


def elements_in(text: str) -> tuple[str, ...]:
    """Element symbols that a search names on their own, as typed: "Na", "C O F"."""
    return tuple(word for word in text.split() if word in SYMBOLS)


def _line_row(key: str, item: ReferenceLine) -> Row:
    tip = (
        f"{item.label} {item.line.name}\n{', '.join(f'{e:g}' for e in item.energies)} eV; "
        f"{reference_words(item.reference)}\n{item.source}\nread in: {item.where_read}\n"
        f"{confidence_words(item.confidence)}"
    )
    tip += f"\n{item.note}" if item.note else ""
    cells = (
        item.label,
        item.line.name,
        f"{item.central:.2f}",
        spread(item.low, item.high),
        item.reference,
        item.confidence,
        item.source,
    )
    return Row(key, tuple(Cell(text, tooltip=tip) for text in cells))


def _gap_row(key: str, item: Difference) -> Row:
    tip = f"{item.source}\nread in: {item.where_read}\n{confidence_words(item.confidence)}"
    tip += f"\n{item.note}" if item.note else ""
    cells = (
        item.compound,
        f"{item.upper.name} − {item.lower.name}",
        f"{item.central:.2f}",
        spread(item.low, item.high),
        item.confidence,
        item.source,
    )
    return Row(key, tuple(Cell(text, tooltip=tip) for text in cells))
