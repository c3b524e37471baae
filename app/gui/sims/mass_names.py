"""What the chosen peak may be: ions with mass, width and isotopes for and against them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from app.gui.panels.base import button, muted, row
from app.gui.panels.numbers import parse_number
from app.gui.panels.part import field
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.sims.mass_part import MassPart
from app.gui.theme import GAP_2
from app.numerals import grouped
from app.project import masses
from app.project.project import Entry, Project
from fitting.sims.assignment import DEFAULT_ELEMENTS, ELEMENTS, Option, label_of
from libraries.errors import BadData, SodaliteError
from libraries.ions import parse_ion, written

if TYPE_CHECKING:
    from app.gui.sims.mass_panel import MassPanel


class NamesPart(MassPart):
    """Options of the chosen peak."""

    def __init__(self, page: MassPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self.head = muted("")
        self.table = page.table(RowsModel((
            Column("Ion", "Rare isotopologues and formulas that only mass suggests are grey"),
            Column("Off / ppm", "Measured less exact m/z", True),
            Column("Needs m/Δm", "What separates it from the first ion", True),
            Column("Isotopes", "Counts on the lines of its other isotopes against natural abundance"))))
        self.rows_view = RowsView(self.table, "Ions that the peak may be")
        self.rows_view.set_widths((128, 78, 108, 150), 3)
        self.take = button("Take this ion", "Name the peak after the chosen ion; the others stay as alternatives",
                           self.take_chosen)
        self.own = field("Own ion", empty="Na2F+", tip="A formula with its charge", width=110)
        self.own.returnPressed.connect(self.take_own)
        self.take_text = button("Take", "Name the peak after this formula and keep it among your ions", self.take_own)
        self.tolerance = field("Tolerance in ppm", empty="100", width=64,
                               tip="How far a centroid may lie from an ion's mass")
        self.tolerance.editingFinished.connect(self._set_tolerance)
        self.formulas = QCheckBox("Also formulas of these elements")
        self.formulas.setToolTip("All formulas of the ticked elements within the tolerance: mass alone suggests them")
        self.formulas.toggled.connect(lambda _: self._again())
        self.boxes: dict[str, QCheckBox] = {}
        self.elements = QWidget()
        grid = QGridLayout(self.elements)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GAP_2)
        for number, symbol in enumerate(ELEMENTS):
            box = self.boxes[symbol] = QCheckBox(symbol)
            box.setAccessibleName(f"Element {symbol}")
            box.clicked.connect(lambda _: self._set_elements())
            grid.addWidget(box, number // 8, number % 8)
        for widget in (self.head, self.rows_view):
            self.body.addWidget(widget)
        self.body.addLayout(row(self.take, QLabel("or"), self.own, self.take_text))
        self.body.addLayout(row(self.formulas, QLabel("Tolerance / ppm"), self.tolerance))
        self.body.addWidget(self.elements)
        self._options: tuple[Option, ...] = ()
        self._drawn: tuple[object, ...] = ()

    def _again(self) -> None:
        self._drawn = ()
        self.page.refresh()

    # -- showing ------------------------------------------------------------------------------------------------

    def show_entry(self, entry: Entry, view: masses.MassView) -> None:
        """Show the options of the chosen peak."""
        if not self.tolerance.hasFocus():
            self.tolerance.setText(f"{entry.masses.tolerance:g}" if entry.masses.tolerance else "")
        ticked = entry.masses.elements or DEFAULT_ELEMENTS
        for symbol, box in self.boxes.items():
            box.setChecked(symbol in ticked)
        self.elements.setVisible(self.formulas.isChecked())
        number = self.page.line
        there = 0 <= number < len(entry.masses.peaks)
        for widget in (self.take, self.own, self.take_text):
            widget.setEnabled(there and not self.page.busy)
        key = (entry.id, entry.masses, view, number, self.formulas.isChecked())
        if key == self._drawn:
            return
        self._drawn = key
        self._options, words = (), "Choose a peak of the list."
        if there:
            self._options, words = self._found(entry, view, number, ticked)
        self.head.setText(words)
        self.table.set_rows([_row(i, one) for i, one in enumerate(self._options)])
        self.rows_view.setVisible(bool(self._options))
        self.rows_view.fit_height(2, 8)

    def _found(
        self, entry: Entry, view: masses.MassView, number: int, ticked: tuple[str, ...]
    ) -> tuple[tuple[Option, ...], str]:
        peak, lines = entry.masses.peaks[number], self.page.lines_of(entry, view)
        line = lines[number]
        if line is None:
            return (), f"{label_of(peak)} lies outside this spectrum."
        if masses.polarity_of(entry) is None:
            return (), "Choose the polarity first: ions are named by it."
        known = [one for one in lines if one is not None]
        note = ""
        try:
            options = masses.options_of(entry, view, line, known, ticked if self.formulas.isChecked() else ())
        except SodaliteError as error:
            options, note = masses.options_of(entry, view, line, known), f" {error}"
        width = (f"m/Δm {grouped(line.resolution, -1)}" if line.told
                 else "m/Δm not told by this line")
        words = f"m/z {line.mass:.4f}, {width}: {label_of(peak)}.{note}"
        if not options:
            words = (f"m/z {line.mass:.4f}, {width}: no ion of the list within {masses.tolerance_of(entry):g} ppm."
                     f"{note}")
        return options, words

    # -- doing --------------------------------------------------------------------------------------------------

    def take_chosen(self) -> None:
        """Name the peak after the chosen option."""
        key = self.rows_view.current_key()
        if key is not None and int(key) < len(self._options):
            self._name(self._options[int(key)].ion.text)

    def take_own(self) -> None:
        """Name the peak after the typed formula, and keep the ion."""
        text = self.own.text()

        def change(project: Project, entry: Entry, view: masses.MassView) -> Project:
            ion = parse_ion(text)
            kept = entry.masses.ions if ion.text in entry.masses.ions else (*entry.masses.ions, ion.text)
            named = masses.renamed(project, entry.id, view, self.page.line, ion.text)
            return masses.with_setup(named, entry.id, ions=kept)

        if self.page.line >= 0 and self.page.apply(f"Name a peak {text}", change):
            self.own.clear()

    def _name(self, text: str) -> None:
        number = self.page.line
        self.page.apply(f"Name a peak {text}", lambda project, entry, view: masses.renamed(
            project, entry.id, view, number, text))

    def _set_tolerance(self) -> None:
        text = self.tolerance.text().strip()

        def change(project: Project, entry: Entry, _: masses.MassView) -> Project:
            value = parse_number(text, "The tolerance") if text else 0.0
            if not 0 <= value <= 10_000:
                raise BadData("The tolerance lies between 0 and 10 000 ppm")
            return masses.with_setup(project, entry.id, tolerance=value)

        self.page.apply("Tolerance of masses", change)

    def _set_elements(self) -> None:
        ticked = tuple(symbol for symbol, box in self.boxes.items() if box.isChecked())
        self.page.apply("Elements of formulas", lambda project, entry, _: masses.with_setup(
            project, entry.id, elements=() if set(ticked) == set(DEFAULT_ELEMENTS) else ticked))


def _row(number: int, one: Option) -> Row:
    grey = not (one.listed and one.possible)
    needs = "–" if math.isinf(one.needed) and number == 0 else "never" if math.isinf(one.needed) else (
        f"{one.needed:,.0f}".replace(",", "\u202f"))
    tip = "From the list of ions" if one.listed else "A formula of the chosen elements: only its mass suggests it"
    if one.share < 0.999:
        tip += f"\n{100 * one.share:.3g} % of the ions of this formula"
    return Row(str(number), (
        Cell(written(one.ion), muted=grey, tooltip=f"{one.ion.text}, m/z {one.ion.mz:.5f}\n{tip}"),
        Cell(grouped(one.ppm, 1), muted=grey), Cell(needs, muted=grey),
        Cell(one.test.words, muted=grey, tooltip=one.test.words)))
