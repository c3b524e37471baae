"""Edges of the Core loss page: search, what the data show, and the table of edges that are fitted."""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QLineEdit, QMenu, QVBoxLayout, QWidget

from app.gui.panels.base import button, muted, row
from app.gui.panels.component_table import ChoiceDelegate
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from fitting.dataset import Spectrum
from fitting.eels.core_analysis import fine_widths, fitted_range
from fitting.eels.core_model import FINE_WORDS
from fitting.eels.core_setup import CoreEdge, CoreSetup
from fitting.eels.cross_sections import default_model
from fitting.eels.edge_marks import EdgeMark, edge_named, is_delayed, jumps, near, overlaps
from libraries.edges import edge
from libraries.errors import SodaliteError, UnknownName

EDGE, ONSET, FIND, FINE, WIDTH, MODEL = range(6)
MODELS = (("Hydrogenic", "hydrogenic"), ("Dipole", "dipole"), ("From file", "gosh"))
_SHOWN = 12  # edges that a menu offers
_FINE = {key: words for words, key in FINE_WORDS}
_MODEL = {key: words for words, key in MODELS}


class EdgesPart(QWidget):
    """Edges of an analysis.

    Signals
    -------
    changed(str, object)
        Words for the undo step, and the analysis after it.
    failed(str)
        What was wrong with the input.
    pick_wanted()
        The next click on the plot names the energy of an edge.
    chosen(str)
        Another edge of the table.
    """

    changed = Signal(str, object)
    failed = Signal(str)
    pick_wanted = Signal()
    chosen = Signal(str)

    def __init__(self, table: RowsModel | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setup_now = CoreSetup()
        self.spectrum: Spectrum | None = None
        self._found: tuple[str, tuple[EdgeMark, ...]] | None = None
        self.search = QLineEdit()
        self.search.setPlaceholderText("Ti or O K")
        self.search.setAccessibleName("Element, edge or energy")
        self.search.setToolTip("An element (its strong edges on this axis), an edge, or an energy in eV")
        self.search.setMaximumWidth(104)
        self.search.returnPressed.connect(self.add_typed)
        self.add = button("Add", "Add the edge to the table", self.add_typed)
        self.pick = button("Pick on plot", "Click an energy on the plot; the edges near it are offered",
                           self.pick_wanted.emit)
        self.find = button("Find edges", "Look for edges that this spectrum shows, with the evidence", self.find_edges)
        self.rows = RowsModel((
            Column("Edge", "Ticked edges are fitted"),
            Column("Onset / eV", "Where the edge is expected; the tabulated value until you change it", True),
            Column("Find", "Find the onset in the data within 8 eV of this value: half the way up the first rise"),
            Column("Fine structure", "Free: not bound to the cross-section, whose amount comes from what lies beyond. "
                   "Integral kept: the sum over its width is that of the cross-section"),
            Column("Width", "How far above the onset the fine structure reaches, eV", True),
            Column("Cross-section", "Hydrogenic (K; L2,3 of Al to Kr), dipole (all others), or from your file"),
        ))
        self.view = RowsView(self.rows, "Edges of the analysis")
        self.view.setItemDelegate(ChoiceDelegate(self.view))
        self.view.set_widths((88, 82, 44, 108, 54, 96), stretch=MODEL)
        self.view.current_changed.connect(self.chosen.emit)
        self.rows.edited.connect(self._edited)
        self.rows.toggled.connect(self._toggled)
        self.remove = button("Remove", "Take the chosen edge out of the table", self.remove_chosen)
        self.evidence = muted("")
        self.overlap = muted("")
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.addLayout(row(self.search, self.add, self.pick, self.find, self.remove))
        for widget in (self.evidence, self.view):
            body.addWidget(widget)
        body.addWidget(self.overlap)
        self.evidence.hide()

    # -- showing ------------------------------------------------------------------------------------------------

    def show_setup(self, setup: CoreSetup, spectrum: Spectrum | None) -> None:
        """Show an analysis of a spectrum."""
        if spectrum is not self.spectrum:
            self.evidence.hide()
        self.setup_now, self.spectrum = setup, spectrum
        widths = {}
        try:
            if spectrum is not None and setup.used:
                widths = fine_widths(setup, fitted_range(spectrum, setup)[1])
        except SodaliteError:
            pass  # said where the fit is
        self.rows.set_rows([self._row(one, widths.get(one.name, math.nan)) for one in setup.edges])
        self.view.fit_height(2, 7)
        words = overlaps([one.name for one in setup.used])
        self.overlap.setText(". ".join(words) + ("." if words else ""))
        self.overlap.setVisible(bool(words))
        self.find.setEnabled(spectrum is not None)

    def _row(self, one: CoreEdge, width: float) -> Row:
        known = edge(one.name)
        where = f"{known.name}: {known.energy:.1f} eV ({known.source})"
        if is_delayed(known):
            where += ". Delayed: its maximum lies well above the onset"
        outside = self.spectrum is not None and not self.spectrum.x[0] < one.at < self.spectrum.x[-1]
        name = Cell(one.name, tooltip=where + (". Outside the axis" if outside else ""), checked=one.use, muted=outside)
        model = one.model or default_model(known)
        models = tuple(words for words, key in MODELS if key != "hydrogenic" or default_model(known) == "hydrogenic")
        shown = "–" if one.fine == "none" or not math.isfinite(one.width or width) else f"{one.width or width:.0f}"
        return Row(one.name, (
            name,
            Cell(f"{one.at:.1f}", plain(one.at, 2), where, muted=one.onset is None),
            Cell("", tooltip="Find the onset in the data", checked=one.fit_onset),
            Cell(_FINE[one.fine], _FINE[one.fine], choices=tuple(words for words, _ in FINE_WORDS)),
            Cell(shown, "" if one.width is None else plain(one.width, 1),
                 "Empty: 50 eV, or two thirds of the room up to the next edge", muted=one.width is None),
            Cell(_MODEL[model], _MODEL[model], choices=models),
        ))

    # -- changing -----------------------------------------------------------------------------------------------

    def _edited(self, key: str, column: int, text: str) -> None:
        one = self.setup_now.edge(key)
        try:
            if column == ONSET:
                one = replace(one, onset=parse_number(text, "The onset") if text.strip() else None)
            elif column == WIDTH:
                one = replace(one, width=parse_number(text, "The width") if text.strip() else None)
            elif column == FINE:
                one = replace(one, fine=dict(FINE_WORDS)[text])
            elif column == MODEL:
                key_ = dict(MODELS)[text]
                one = replace(one, model="" if key_ == default_model(edge(one.name)) else key_)  # type: ignore[arg-type]
        except SodaliteError as error:
            self.failed.emit(str(error))
            return
        self.changed.emit(f"Change {one.name}", self.setup_now.with_edge(one))

    def _toggled(self, key: str, column: int, on: bool) -> None:
        one = self.setup_now.edge(key)
        one = replace(one, fit_onset=on) if column == FIND else replace(one, use=on)
        self.changed.emit(f"Change {one.name}", self.setup_now.with_edge(one))

    def remove_chosen(self) -> None:
        """Take the current edge out."""
        key = self.view.current_key()
        if key is not None:
            self.changed.emit(f"Remove {key}", self.setup_now.without_edge(key))

    def add_names(self, names: tuple[str, ...]) -> None:
        """Add edges that are not there yet."""
        setup = self.setup_now
        new = [name for name in names if all(one.name != name for one in setup.edges)]
        for name in new:
            setup = setup.with_edge(CoreEdge(name))
        if new:
            self.changed.emit(f"Add {', '.join(new)}", setup)

    def add_typed(self) -> None:
        """Add what was typed: an element, an edge, or (after a choice) what lies near an energy."""
        text = self.search.text().strip()
        if not text or self.spectrum is None:
            return
        if text.replace(".", "").replace(",", "").isdigit():
            self.offer(float(text.replace(",", ".")))
            return
        try:
            names = edge_named(text)
            low, high = float(self.spectrum.x[0]), float(self.spectrum.x[-1])
            inside = tuple(name for name in names if low < edge(name).energy < high)
            if not inside:
                known = ", ".join(f"{name} {edge(name).energy:.0f} eV" for name in names) or "none"
                raise UnknownName(f"No strong edge of {text} lies on this axis ({low:.0f} to {high:.0f} eV)",
                                  todo=f"Strong edges: {known}")
        except SodaliteError as error:
            self.failed.emit(str(error))
            return
        self.search.clear()
        self.failed.emit("")
        self.add_names(inside)

    def offer(self, energy: float) -> None:
        """A menu of the edges near an energy."""
        found = near(energy)[:_SHOWN] or near(energy, reach=15.0, weak=True)[:_SHOWN]
        if not found:
            self.failed.emit(f"There is no edge within 15 eV of {energy:.0f} eV.")
            return
        self.failed.emit("")
        self.menu = QMenu(self)
        for mark in found:
            action = self.menu.addAction(f"{mark.label}   {mark.edge.energy:.0f} eV")
            action.triggered.connect(lambda _=False, name=mark.edge.name: self.add_names((name,)))
        self.menu.popup(self.pick.mapToGlobal(self.pick.rect().bottomLeft()))

    def find_edges(self) -> None:
        """Edges that the spectrum shows: said with their evidence, the likeliest of each added."""
        if self.spectrum is None:
            return
        found = jumps(self.spectrum)
        lines, names = [], []
        for jump in found:
            if jump.candidates:
                first = jump.candidates[0]
                others = ", ".join(mark.edge.name for mark in jump.candidates[1:4])
                lines.append(f"{first.edge.name}: {jump.words}" + (f"; or {others}" if others else ""))
                names.append(first.edge.name)
            else:
                lines.append(f"No edge known: {jump.words}")
        self.evidence.setText("\n".join(lines) if lines else "No edge stands out of the background.")
        self.evidence.show()
        self.add_names(tuple(names))

    def current(self) -> str | None:
        """The chosen edge, else the first that is used."""
        key = self.view.current_key()
        if key is not None:
            return key
        return self.setup_now.used[0].name if self.setup_now.used else None


def labelled(text: str, widget: QWidget) -> QLabel:
    """A label that belongs to a field."""
    label = QLabel(text)
    label.setBuddy(widget)
    return label
