"""Line profiles on the Maps page: a line drawn over the image, the chosen maps along it, the fitted front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.gui.document import Document
from app.gui.image.line_handles import LineHandles
from app.gui.panels.base import button, heading, muted, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.plot.small_plot import SmallPlot
from app.gui.theme import GAP_1, GAP_2
from app.numerals import with_error
from app.project.profiles import MapProfile, new_line, profiles_of, with_line, without_line
from app.project.project import Entry
from fitting.dataset import AXIS_LABELS
from fitting.image.maps import Map
from fitting.image.profiles import Line
from fitting.sims.cube_maps import fits, flat_map, lateral
from libraries.errors import SodaliteError

FIELDS = ("A: column", "A: row", "B: column", "B: row", "Width")
MOST = 6  # profiles in one plot
MOST_MARKS = 80  # points with error bars
HINT = "Draw a line over the image; the maps chosen in the gallery are shown along it."


class ProfilePart(QWidget):
    """Profiles of the chosen maps.

    Signals
    -------
    said(str)
        A message for the page.
    export_wanted(str)
        "csv" or "figure".
    """

    said = Signal(str)
    export_wanted = Signal(str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.handles: LineHandles | None = None
        self.maps: tuple[Map, ...] = ()
        self.found: tuple[MapProfile, ...] = ()
        self._line: dict[str, str] = {}  # the line shown of each entry
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GAP_2, 0, 0)
        layout.setSpacing(GAP_2)
        self._build_line(layout)
        self.plot = SmallPlot("Profile along the line", "Distance", "", self)
        self.table = RowsView(RowsModel((
            Column("Front of", "An error function is fitted to the profile"),
            Column("Position", "Middle of the step, from A", True),
            Column("Width", "From 16 to 84 % (two sigma), with the width of a pixel and of the beam in it",
                   True),
            Column("Before", "Plateau on the side of A", True), Column("After", "Plateau on the side of B", True),
        )), "Fitted fronts")
        self.table.set_widths((110, 100, 110, 90, 90), 0)
        self.hint = muted(HINT)
        self.save = button("Save table…", "Profiles and fronts as CSV", lambda: self.export_wanted.emit("csv"))
        self.figure = button("Save figure…", "As PNG, SVG or PDF at journal width",
                             lambda: self.export_wanted.emit("figure"))
        for widget in (self.plot, self.table, self.hint):
            layout.addWidget(widget)
        layout.addLayout(row(self.save, self.figure))

    def _build_line(self, layout: QVBoxLayout) -> None:
        self.draw = button("Draw line", "Drag over the image in the navigator", lambda: None)
        self.draw.setCheckable(True)
        self.draw.clicked.connect(self._draw_clicked)
        self.lines = QComboBox()
        self.lines.setAccessibleName("Line")
        self.lines.setMinimumContentsLength(8)
        self.lines.activated.connect(self._line_chosen)
        self.remove = button("Remove", "Remove this line", self.remove_line)
        self.fit = QCheckBox("Fit a front")
        self.fit.setToolTip("Error-function step through each profile")
        self.fit.setChecked(True)
        self.fit.toggled.connect(lambda _: self.refresh())
        self.title = heading("Line profile")
        layout.addWidget(self.title)
        self.bar = QWidget()
        bar = row(self.draw, self.lines, self.remove, self.fit)
        bar.setContentsMargins(0, 0, 0, 0)
        self.bar.setLayout(bar)
        layout.addWidget(self.bar)
        self.fields: list[QLineEdit] = []
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP_1)
        words = ("A", "", "B", "", "Width")
        for number, name in enumerate(FIELDS):
            field = QLineEdit()
            field.setAccessibleName(f"{name}, in pixels")
            field.setToolTip(f"{name}, in pixels")
            field.setAlignment(Qt.AlignmentFlag.AlignRight)
            field.setMaximumWidth(64)
            field.editingFinished.connect(lambda number=number: self._typed(number))
            self.fields.append(field)
            if words[number]:
                label = QLabel(words[number])
                line.addSpacing(GAP_2) if number else None
                line.addWidget(label)
            line.addWidget(field)
        line.addWidget(QLabel("px"))
        line.addStretch(1)
        self.row = QWidget()
        self.row.setLayout(line)
        layout.addWidget(self.row)

    def use_image(self, view: Any) -> None:
        """The image that the line is drawn on."""
        self.handles = LineHandles(view)
        self.handles.drawn.connect(self._drawn)
        self.handles.changed.connect(self._moved)
        self.handles.released.connect(self.document.close_merge)
        self.handles.drawing_changed.connect(self.draw.setChecked)

    # -- showing ------------------------------------------------------------------------------------------------

    def line(self) -> Line | None:
        """The line that is shown."""
        entry = self.document.entry
        if entry is None or not entry.lines:
            return None
        wanted = self._line.get(entry.id)
        return next((one for one in entry.lines if one.id == wanted), entry.lines[-1])

    def show_maps(self, maps: Sequence[Map]) -> None:
        """Profiles of these maps."""
        self.maps = tuple(maps)[:MOST]
        self.refresh()

    def refresh(self) -> None:
        """Show the line and the profiles as they are now."""
        entry, line = self.document.entry, self.line()
        if entry is None or not self.isVisible():
            if self.handles is not None:
                self.handles.show_line(None)
            return
        axes = lateral(entry.spectrum.navigation)
        series = len(axes) == 1
        line = line if len(axes) == 2 else None
        self._show_line(entry, line, series)
        shown = series or line is not None
        maps = tuple(flat_map(one) for one in self.maps if fits(one, entry.spectrum.navigation))
        self.found, why = profiles_of(entry, maps, line, fronts=self.fit.isChecked()) if shown else ((), "")
        self.hint.setText(why or (HINT if not shown else "" if self.found else "Choose maps in the gallery."))
        self.hint.setVisible(bool(self.hint.text()))
        for widget in (self.plot, self.save, self.figure):
            widget.setVisible(bool(self.found))
        self._show_table()
        if self.found:
            self._plot(entry, series)

    def _show_line(self, entry: Entry, line: Line | None, series: bool) -> None:
        self.bar.setVisible(True)
        self.draw.setVisible(not series)
        for widget in (self.lines, self.remove):
            widget.setVisible(not series and line is not None)
        self.title.setText("Along the series" if series else "Line profile")
        self.row.setVisible(line is not None and not series)
        rows = [(one.name, one.id) for one in entry.lines]
        if rows != [(self.lines.itemText(i), self.lines.itemData(i)) for i in range(self.lines.count())]:
            self.lines.clear()
            for name, id in rows:
                self.lines.addItem(name, id)
        if line is not None:
            self.lines.setCurrentIndex(self.lines.findData(line.id))
            for field, value in zip(self.fields, (*line.start, *line.end, line.width), strict=True):
                if not field.hasFocus():
                    field.setText(plain(value, 2))
        if self.handles is not None:
            navigation = lateral(entry.spectrum.navigation)
            aspect = 1.0
            # An axis of one pixel has no step, and a single spectrum (the page is about to be hidden) no axes.
            if len(navigation) == 2 and all(axis.quantity == "distance" and axis.step > 0 for axis in navigation):
                aspect = navigation[0].step / navigation[1].step
            self.handles.show_line(None if series else line, aspect)

    def _show_table(self) -> None:
        rows = []
        for number, one in enumerate(self.found):
            name = Cell(one.profile.name, swatch=self.plot.colour(number).name(), tooltip=one.why)
            fit = one.front
            if fit is None:
                rows.append(Row(str(number), (name, *([Cell("not determined", tooltip=one.why, muted=True)] * 4))))
                continue
            unit = f" {fit.unit}"
            width = with_error(fit.width, fit.width_error) + unit if not fit.unresolved else "not resolved"
            told = "" if not np.isfinite(fit.reduced_chi2) else f"Reduced χ² {fit.reduced_chi2:.2f}"
            told += "; errors multiplied by its root" if fit.reduced_chi2 > 1 else ""
            place = with_error(fit.position, fit.position_error) + unit
            rows.append(Row(str(number), (
                name, Cell(place, tooltip=told), Cell(width, tooltip=told),
                Cell(with_error(fit.before, fit.before_error)), Cell(with_error(fit.after, fit.after_error)),
            )))
        self.table.rows.set_rows(rows)
        self.table.setVisible(self.fit.isChecked() and bool(rows))
        self.table.fit_columns(range(1, 5))
        self.table.fit_height(1, MOST)

    def _plot(self, entry: Entry, series: bool) -> None:
        self.plot.clear()
        self.plot.recolour()
        units = {one.profile.quantity_unit for one in self.found}
        scaled = len(self.found) > 1 and (len(units) > 1 or _far_apart(self.found))
        low, high = np.inf, -np.inf
        for number, one in enumerate(self.found):
            along, colour = one.profile, self.plot.colour(number)
            base, span = _range(along.value) if scaled else (0.0, 1.0)
            y, error = (along.value - base) / span, along.best_error / span
            if along.position.size <= MOST_MARKS:
                self.plot.points(list(along.position), list(y), colour, y_err=list(error))
            else:  # a line with its errors as a pale band of lines
                self.plot.curve(along.position, y, colour, width=1.0, faint=0.8 if one.front is None else 0.5)
                for side in (-1, 1):
                    self.plot.curve(along.position, y + side * np.nan_to_num(error), colour, width=0.7, faint=0.25)
            if one.front is not None:
                x = np.linspace(along.position[0], along.position[-1], 400)
                self.plot.curve(x, (one.front.curve(x) - base) / span, colour)
            spread = np.nan_to_num(error)
            low, high = min(low, float((y - spread).min())), max(high, float((y + spread).max()))
        first = self.found[0].profile
        what = AXIS_LABELS[entry.spectrum.navigation[0].quantity] if series else "Distance from A"
        label = first.name if len(self.found) == 1 else "Value"
        unit = next(iter(units)) if len(units) == 1 else ""
        self.plot.set_titles(f"{what} ({first.unit})" if first.unit else what,
                             "Each on its own range" if scaled else f"{label} ({unit})" if unit else label)
        positions = np.concatenate([one.profile.position for one in self.found])
        pad = 0.02 * float(np.ptp(positions) or 1.0)
        room = 0.06 * ((high - low) or 1.0)
        self.plot.frame((float(positions.min()) - pad, float(positions.max()) + pad), (low - room, high + room))

    # -- edits --------------------------------------------------------------------------------------------------

    def _draw_clicked(self, on: bool) -> None:
        if self.handles is not None:
            self.handles.set_drawing(on)

    def _drawn(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        entry = self.document.entry
        if entry is None:
            return
        try:
            changed, line = new_line(entry, start, end)
        except SodaliteError as error:
            self.said.emit(str(error))
            return
        self._line[entry.id] = line.id
        self._apply(f"Draw {line.name}", changed)

    def _moved(self, line: Line) -> None:
        entry = self.document.entry
        if entry is not None:
            self._apply(f"Move {line.name}", with_line(entry, line), merge=f"line {entry.id} {line.id}")

    def _typed(self, number: int) -> None:
        entry, line = self.document.entry, self.line()
        if entry is None or line is None:
            return
        try:
            value = parse_number(self.fields[number].text(), FIELDS[number])
            ends = [*line.start, *line.end, line.width]
            if abs(ends[number] - value) < 1e-9:
                return
            ends[number] = value
            changed = replace(line, start=(ends[0], ends[1]), end=(ends[2], ends[3]), width=ends[4])
        except SodaliteError as error:
            self.said.emit(str(error))
            return
        self.said.emit("")
        self._apply(f"Move {line.name}", with_line(entry, changed))

    def _line_chosen(self, _: int) -> None:
        entry = self.document.entry
        if entry is not None:
            self._line[entry.id] = str(self.lines.currentData())
            self.refresh()

    def remove_line(self) -> None:
        """Remove the line that is shown."""
        entry, line = self.document.entry, self.line()
        if entry is not None and line is not None:
            self._apply(f"Remove {line.name}", without_line(entry, line.id))

    def _apply(self, text: str, entry: Entry, merge: str = "") -> None:
        self.document.apply(text, self.document.project.with_entry(entry), merge=merge)
        self.refresh()


def _range(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return low, (high - low) or 1.0


def _far_apart(found: Sequence[MapProfile]) -> bool:
    """Whether profiles are of so different sizes that one would be a flat line."""
    tops = [float(np.abs(one.profile.value).max()) or 1.0 for one in found]
    return max(tops) > 20 * min(tops)
