"""Numbers of a map: statistics of the regions drawn on the image, and the histogram."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.gui import theme
from app.gui.image.colouring import limits
from app.gui.panels.base import muted
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.plot.colours import faded
from app.gui.plot.small_plot import SmallPlot
from app.numerals import decimals_of, grouped, with_error
from app.project.map_numbers import Statistics
from fitting.image.classes import MapClass, is_classes
from fitting.image.maps import Map

BINS = 60


class NumbersTable(QWidget):
    """Mean, scatter and percentiles of all pixels and of each region."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = RowsModel((
            Column("Place", "All pixels, and regions drawn in the navigator"),
            Column("Pixels", "With a value and no flag", True),
            Column("Mean", "With its standard error from those of the pixels; ? where they are not determined", True),
            Column("SD", "Standard deviation over the pixels: noise and specimen", True),
            Column("5 %", "Percentile", True), Column("Median", "", True), Column("95 %", "Percentile", True),
            Column("Left out", "Pixels without a value, or flagged", True),
        ))
        self.table = RowsView(self.rows, "Numbers of the map")
        self.table.set_widths((92, 60, 112, 64, 64, 64, 64, 66))
        self.class_rows = RowsModel((
            Column("Place", "All pixels, and regions drawn in the navigator"), Column("Class"),
            Column("Pixels", "Of this class", True), Column("Share", "Of the pixels that have a class", True),
        ))
        self.class_table = RowsView(self.class_rows, "Classes of the map")
        self.class_table.set_widths((88, 176, 64, 64), 1)
        self.note = muted("")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.class_table, 1)
        self.class_table.hide()
        layout.addWidget(self.note)

    def show_rows(
        self, one: Map, found: Sequence[Statistics], counts: Sequence[tuple[str, MapClass]] = ()
    ) -> None:
        """Show these: statistics of numbers, or how often each class comes at each place."""
        self.table.setVisible(not is_classes(one))
        self.class_table.setVisible(is_classes(one))
        if is_classes(one):
            self.class_rows.set_rows([
                Row(str(number), (Cell(place), Cell(each.words, swatch=each.colour), Cell(grouped(each.pixels, 0)),
                                  Cell(f"{100 * each.share:.1f} %")))
                for number, (place, each) in enumerate(counts)
            ])
            self.class_table.fit_columns(range(2, 4))
            self.note.setText(one.name)
            self.note.setToolTip(one.origin)
            return
        self.rows.muted = faded(theme.current().muted, 1.0)
        self.rows.set_rows([_row(str(number), item) for number, item in enumerate(found)])
        self.table.fit_columns(range(1, 8))
        unit = f"in {one.unit}" if one.unit else "without unit"
        self.note.setText(f"{one.name}, {unit}")
        self.note.setToolTip(one.origin)


def _row(key: str, item: Statistics) -> Row:
    places = max(decimals_of(item.sd) + 1, 0) if item.sd > 0 else 2

    def number(value: float) -> Cell:
        return Cell(grouped(value, places) if np.isfinite(value) else "–")

    mean = with_error(item.mean, item.error) if item.pixels else "not determined"
    tip = f"Standard error from the scatter: {item.scatter:.3g}" if np.isfinite(item.scatter) else ""
    _, five, middle, ninety_five, _ = item.percentiles
    return Row(key, (
        Cell(item.name), Cell(grouped(item.pixels, 0)), Cell(mean, tooltip=tip), number(item.sd), number(five),
        number(middle), number(ninety_five), Cell(grouped(item.left_out, 0), muted=item.left_out == 0),
    ))


class Histogram(QWidget):
    """How often which value comes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = SmallPlot("Histogram of the map", "", "Pixels", self)
        self.plot.setMinimumHeight(90)
        self.plot.setMaximumHeight(16777215)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        self._map: Map | None = None
        theme.changes().changed.connect(self._recolour)

    def _recolour(self) -> None:
        self.plot.recolour()
        if self._map is not None:
            self.show_map(self._map)

    def show_map(self, one: Map) -> None:
        """Show the good pixels of a map."""
        self._map = one
        self.plot.clear()
        values = one.values[one.good]
        self.plot.set_titles(one.label, "Pixels")
        if values.size == 0:
            return
        low, high = limits(values, full=True)
        inner = limits(values)
        span = inner[1] - inner[0]
        low, high = max(low, inner[0] - 0.25 * span), min(high, inner[1] + 0.25 * span)
        counts, edges = np.histogram(values, BINS, (low, high))
        colours = theme.current()
        bars = pg.BarGraphItem(x0=edges[:-1], x1=edges[1:], height=counts, brush=faded(colours.accent, 0.55),
                               pen=pg.mkPen(faded(colours.accent, 0.9), width=0.6))
        self.plot.addItem(bars)
        self.plot.frame((low, high), (0.0, 1.08 * max(int(counts.max()), 1)))
