"""Interfaces on the Depth page: a table with positions and widths, the choice of trace and response, known lengths."""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from app.gui.panels.base import button, heading, muted, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.theme import GAP_2
from app.numerals import with_error
from app.project.project import Entry
from app.project.sims_depth import RESPONSES, DepthAnswer, Evaluated
from app.project.sims_profiles_at import trace_words
from fitting.sims.interface import HELD_AT_FIRST, LENGTHS
from fitting.sims.setup import Interface
from libraries.errors import BadModel

SHAPES = {"step": "Interface", "layer": "Layer: both interfaces"}
_SYMBOLS = {"w": "Mixing length w", "lam": "Information depth λ", "sigma": "Roughness σ", "up": "Growth length λᵤ",
            "down": "Decay length λ_d"}
_ERF = {"sigma": "Standard deviation σ"}
_FIT, _POOR = 48, 96  # pixels of the last column: a number, a word
_WIDTH, _THICK = 99, 124  # pixels of a width, and of a thickness with its word
_CHI2 = "About 1 where the response describes the counts"
_LAMBDA = "λ is held at 0: in SIMS it is below 0.4 nm, and no profile tells it from the rest."
_FREE = "Drag its range on the profile; it needs the plateaus on both sides."


class InterfacesPart(QWidget):
    """The interfaces of an entry.

    Signals
    -------
    wanted(str, str, str)
        A new interface: trace, shape, response.
    edited(str, Interface)
        Id and what it becomes.
    removed(str)
    chosen(str)
        Another one is the current one.
    refused(str)
    """

    wanted = Signal(str, str, str)
    edited = Signal(str, object)
    removed = Signal(str)
    chosen = Signal(str)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: dict[str, Evaluated] = {}
        self._interfaces: dict[str, Interface] = {}
        self._offered: str | None = None
        self.trace, self.response, self.shape = (self._choice(name) for name in ("Trace", "Response", "Shape"))
        self.trace.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.trace.setMinimumContentsLength(12)
        self.trace.setMaxVisibleItems(24)
        for key, words in RESPONSES.items():
            self.response.addItem(words, key)
        self.response.setCurrentIndex(1)
        for key, words in SHAPES.items():
            self.shape.addItem(words, key)
        self.add = button("Add", "A range at the clearest step of the trace; drag it on the profile", self._add)
        self.remove = button("Remove", "Take the chosen interface away", self._remove, sign="delete")
        self.rows = RowsModel((
            Column("Name", "Double-click to rename"), Column("Trace"), Column("Position", "", True),
            Column("Width", "16–84 % width of an interface, thickness of a layer", True), Column("χ²ᵣ", _CHI2, True),
        ))
        self.rows.edited.connect(self._rename)
        self.view = RowsView(self.rows, "Interfaces")
        self.view.set_widths((92, 76, 99, _WIDTH, _FIT), stretch=0)
        self.view.current_changed.connect(self._moved)
        self.lengths = RowsModel((
            Column("Length of the response", "Tick to keep a known value"),
            Column("Value", "Double-click to give a known value", True),
        ))
        self.lengths.edited.connect(self._hold)
        self.lengths.toggled.connect(self._toggle)
        self.lengths_view = RowsView(self.lengths, "Lengths of the response")
        self.lengths_view.set_widths((230, 160))
        self.words = muted("")
        self.words.setAccessibleName("Remarks on the interface")
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP_2)
        body.addWidget(heading("Interfaces"))
        line = row(self.trace, self.add, self.remove, stretch=False)
        line.setStretch(0, 1)
        body.addLayout(line)
        body.addWidget(self.view)
        self.evaluated = QLabel("Evaluated as")
        body.addLayout(row(self.evaluated, self.shape, QLabel("by"), self.response))
        body.addWidget(self.lengths_view)
        body.addWidget(self.words)
        for combo in (self.response, self.shape):
            combo.activated.connect(lambda _, c=combo: self._change(c))

    def _choice(self, name: str) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(name)
        return combo

    # -- showing ------------------------------------------------------------------------------------------------

    @property
    def current(self) -> str:
        """Id of the chosen interface, "" for none."""
        key = self.view.current_key() or ""
        return key if key in self._interfaces else next(iter(self._interfaces), "")

    def show_interfaces(self, entry: Entry | None, answer: DepthAnswer | None,
                        traces: tuple[tuple[str, str], ...], offered: str = "") -> None:
        """Show the interfaces of an entry with what was worked out of them; `offered` is a trace for the next."""
        interfaces = entry.interfaces if entry is not None else ()
        before = self.current
        self._interfaces = {one.id: one for one in interfaces}
        self._found = {one.interface.id: one for one in answer.interfaces} if answer is not None else {}
        if traces != tuple((self.trace.itemData(i), self.trace.itemText(i)) for i in range(self.trace.count())):
            kept = self.trace.currentData() if self.trace.currentData() != self._offered else None
            self.trace.clear()
            for name, words in traces:
                self.trace.addItem(words, name)
            self._offered = self.trace.itemData(0)
            self.trace.setCurrentIndex(max(self.trace.findData(kept), 0))
        self.offer(offered)
        units = {one.unit for one in self._found.values() if not one.failed}
        unit = f" / {units.pop()}" if len(units) == 1 else ""
        self.rows.retitle(2, f"Position{unit}")
        self.rows.retitle(3, f"Width{unit}")
        self.rows.set_rows([self._row(one, trace_words(entry, one.trace)) for one in interfaces] if entry else [])
        self.view.setColumnWidth(3, _THICK if any(one.shape == "layer" for one in interfaces) else _WIDTH)
        self.view.setColumnWidth(4, _POOR if any(one.poor for one in self._found.values()) else _FIT)
        self.view.setVisible(bool(interfaces))
        self.view.fit_height(2, 8)
        self.remove.setEnabled(bool(interfaces))
        wanted = before if before in self._interfaces else next(reversed(self._interfaces), "")
        if self._interfaces and self.view.current_key() != wanted:
            self.view.show_current(wanted)
        self._show_current()

    def offer(self, trace: str, *, chosen: bool = False) -> None:
        """A trace for the next interface, unless another was chosen by hand in the list; `chosen` on the profile."""
        if trace and self.trace.findData(trace) >= 0:
            if chosen or self.trace.currentData() == self._offered:
                self.trace.setCurrentIndex(self.trace.findData(trace))
            self._offered = trace

    def _row(self, one: Interface, trace: str) -> Row:
        found = self._found.get(one.id)
        if found is None or found.interface != one:
            return Row(one.id, (Cell(one.name, edit=one.name), Cell(trace), Cell("…"), Cell("…"), Cell("")))
        name, about = Cell(one.name, edit=one.name, tooltip=one.name), Cell(found.label, tooltip=found.label)
        if found.failed:
            none = Cell("–", tooltip=found.failed)
            return Row(one.id, (name, about, none, none, Cell("")))
        width = told(found.width, found.width_error)
        if one.shape == "layer":
            width = f"{width} thick"
        poor = found.poor
        chi2 = f"⚠ {poor}" if poor else "" if math.isnan(found.chi2) else f"{found.chi2:.2f}"
        own = told(found.position, found.own_error)
        return Row(one.id, (
            name, about,
            Cell(told(found.position, found.position_error), tooltip=f"{own} {found.unit} on the given scale",
                 muted=bool(poor)),
            Cell(width, tooltip=found.status, muted=bool(poor)), Cell(chi2, tooltip=found.status or _CHI2),
        ))

    def _show_current(self) -> None:
        one = self._interfaces.get(self.current)
        if one is None:
            self.words.setText("Choose a trace that steps up or down, and add a range.")
            self.lengths_view.hide()
            return
        for combo, value in ((self.response, one.response), (self.shape, one.shape)):
            combo.setCurrentIndex(combo.findData(value))
        found = self._found.get(one.id)
        held = dict(one.held)
        names = LENGTHS.get(one.response, ())
        self.lengths_view.setVisible(bool(names))
        values = {name: (value, error) for name, value, error in found.lengths} if found is not None else {}
        unit = f" / {found.unit}" if found is not None and found.unit else ""
        self.lengths.retitle(1, f"Value{unit}")
        rows = []
        for name in names:
            words = (_ERF if one.response == "erf" else _SYMBOLS)[name]
            value, error = values.get(name, (held.get(name, math.nan), 0.0))
            text = f"{held[name]:g}, given" if name in held else told(value, error) if values else "…"
            rows.append(Row(name, (Cell(words, checked=name in held),
                                   Cell(text, edit=plain(held.get(name, value), 4)))))
        self.lengths.set_rows(rows)
        self.lengths_view.fit_height(1, 4)
        if found is None:
            self.words.setText("")
        elif found.failed:
            self.words.setText(found.failed)
        else:
            points = found.part.stop - found.part.start
            remark = "" if not math.isnan(found.chi2) else " χ²ᵣ is no test here: errors come from the scatter."
            known = f" {_LAMBDA}" if one.response == "mri" and held.get("lam") == 0 else ""
            self.words.setText(". ".join(filter(None, (f"{points} points", found.status)))
                               + f".{remark}{known} {_FREE}")

    def _moved(self, key: str) -> None:
        self._show_current()
        self.chosen.emit(key)

    # -- doing --------------------------------------------------------------------------------------------------

    def _add(self) -> None:
        if self.trace.currentData() is not None:
            shape, response = self.shape.currentData(), self.response.currentData()
            self.wanted.emit(self.trace.currentData(), "step" if response == "crossing" else shape, response)

    def _remove(self) -> None:
        if self.current:
            self.removed.emit(self.current)

    def _change(self, combo: QComboBox) -> None:
        """The lists below the table speak of the chosen interface, and of the next new one."""
        one = self._interfaces.get(self.current)
        if one is None:
            return
        if combo is self.shape:
            response = "erf" if self.shape.currentData() == "layer" and one.response == "crossing" else one.response
            new = replace(one, shape=self.shape.currentData(), response=response, held=_fitting(one.held, response))
        else:
            response = self.response.currentData()
            shape = "step" if response == "crossing" else one.shape
            held = dict(HELD_AT_FIRST.get(response, ())) | dict(_fitting(one.held, response))
            new = replace(one, response=response, shape=shape, held=tuple(held.items()))
        if new != one:
            self.edited.emit(one.id, new)

    def _rename(self, key: str, column: int, text: str) -> None:
        one = self._interfaces.get(key)
        if one is not None and column == 0 and text.strip():
            self.edited.emit(key, replace(one, name=text.strip()[:80]))

    def _hold(self, name: str, column: int, text: str) -> None:
        one = self._interfaces.get(self.current)
        if one is None or column != 1:
            return
        try:
            value = parse_number(text, "The length")
            if value < 0:
                raise BadModel("A length must be zero or above")
        except BadModel as error:
            self.refused.emit(str(error))
            return
        held = {**dict(one.held), name: value}
        self.edited.emit(one.id, replace(one, held=tuple(held.items())))

    def _toggle(self, name: str, column: int, wanted: bool) -> None:
        one = self._interfaces.get(self.current)
        if one is None:
            return
        held = dict(one.held)
        if wanted:
            found = self._found.get(one.id)
            values = {key: value for key, value, _ in found.lengths} if found is not None else {}
            if name not in values:
                return
            held[name] = float(f"{values[name]:.4g}")
        else:
            held.pop(name, None)
        self.edited.emit(one.id, replace(one, held=tuple(held.items())))


def told(value: float, error: float) -> str:
    """A number with its error; with three figures where that is not determined."""
    return with_error(value, error) if math.isfinite(error) else f"{value:.3g} ± ?"


def _fitting(held: tuple[tuple[str, float], ...], response: str) -> tuple[tuple[str, float], ...]:
    """Known lengths that the response has too."""
    return tuple((name, value) for name, value in held if name in LENGTHS.get(response, ()))
