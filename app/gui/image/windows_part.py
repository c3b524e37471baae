"""The table of energy windows on the Maps page: presets, typed limits and names, which are computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QPushButton, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.panels.base import button, heading, muted, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.theme import GAP_2
from app.numerals import signed
from app.project.maps import add_windows, new_window, with_window, without_windows
from app.project.project import Entry
from fitting.image.windows import PRESETS, Window, preset_windows

if TYPE_CHECKING:
    from app.gui.image.maps_panel import MapsPanel

NAME, FROM, TO = 0, 1, 2
NONE_YET = "No window yet: add one, or take one of the presets. Drag it on the plot."


class WindowsPart(QWidget):
    """Energy windows of the shown image.

    Signals
    -------
    chosen(str)
        Id of the window whose row the user moved to.
    removed()
    """

    chosen = Signal(str)
    removed = Signal()

    def __init__(self, page: MapsPanel) -> None:
        super().__init__(page)
        self._page, self._document = page, page.document
        self._left_out: set[tuple[str, str]] = set()  # (entry, window) that are not computed
        self.table = RowsView(page.table(RowsModel((
            Column("Window", "Ticked windows are computed"), Column("From / eV", "", True), Column("To / eV", "", True),
            Column("Width / eV", "", True),
        ))), "Energy windows")
        self.table.set_widths((200, 84, 84, 84), NAME)
        self.table.rows.edited.connect(self._edited)
        self.table.rows.toggled.connect(self._toggled)
        self.table.current_changed.connect(self.chosen)
        self.presets = QPushButton("Presets")
        self.presets.setToolTip("Windows of the source paper that lie on this axis")
        self.presets.setMenu(QMenu(self.presets))
        self.presets.menu().aboutToShow.connect(self._fill_presets)
        self.add = button("Add window", "A window in the middle of what the plot shows", self.add_window)
        self.remove = button("Remove", "Take the chosen windows away", self.remove_windows)
        self.empty = muted(NONE_YET)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP_2)
        layout.addWidget(heading("Energy windows"))
        layout.addLayout(row(self.add, self.presets, self.remove))
        layout.addWidget(self.table)
        layout.addWidget(self.empty)

    def show_windows(self, windows: Sequence[Window], ticks: bool) -> None:
        """Show these, with boxes to tick or without."""
        self.table.rows.set_rows([self._row(number, window, ticks) for number, window in enumerate(windows)])
        self.table.setVisible(bool(windows))
        self.table.fit_height(1, 8)
        self.empty.setVisible(not windows)
        self.remove.setEnabled(bool(windows))

    def _row(self, number: int, window: Window, ticks: bool) -> Row:
        colour = theme.current().of(number).name()
        asked = self.ticked(window) if ticks else None
        return Row(window.id, (
            Cell(window.title, window.name, "Name; empty: its limits", checked=asked, swatch=colour),
            Cell(signed(plain(window.low, 4)), plain(window.low, 6)),
            Cell(signed(plain(window.high, 4)), plain(window.high, 6)),
            Cell(plain(window.high - window.low, 4), None, muted=True),
        ))

    def ticked(self, window: Window) -> bool:
        """Whether a window is computed."""
        entry = self._document.entry
        return entry is not None and (entry.id, window.id) not in self._left_out

    # -- edits --------------------------------------------------------------------------------------------------

    def _apply(self, text: str, entry: Entry) -> None:
        self._document.apply(text, self._document.project.with_entry(entry))

    def add_window(self) -> None:
        """A new window in the middle of the visible part of the axis."""
        entry, image = self._document.entry, self._page.image()
        if entry is None or image is None:
            return
        low, high = self._page.visible_range(image)
        middle, half = 0.5 * (low + high), max(0.04 * (high - low), image.axis.step)
        unit = 10.0 ** np.floor(np.log10(half))
        begin, end = (float(np.round(v / unit) * unit) for v in (middle - half, middle + half))
        self._apply("Add window", new_window(entry, round(begin, 9), round(max(end, begin + image.axis.step), 9)))

    def _fill_presets(self) -> None:
        menu, image, entry = self.presets.menu(), self._page.image(), self._document.entry
        menu.clear()
        menu.setToolTipsVisible(True)
        found = preset_windows(image.axis) if image is not None else ()
        tips = {name: f"{words}. {source}" for name, _, _, words, source in PRESETS}
        for window in found:
            cut = f" (the axis begins at {window.low:.3g} eV)" if window.name.endswith(", cut") else ""
            action = menu.addAction(signed(f"{window.title}{cut}"))
            action.setToolTip(next((tip for name, tip in tips.items() if window.title.startswith(name)), ""))
            action.triggered.connect(lambda _=False, window=window: self.add_presets((window,)))
        if not found:
            menu.addAction("None of the presets lies on this axis").setEnabled(False)
        elif len(found) > 1 and entry is not None:
            menu.addSeparator()
            menu.addAction("All of these").triggered.connect(lambda _=False: self.add_presets(found))

    def add_presets(self, windows: Sequence[Window]) -> None:
        """Add windows that are not there yet."""
        entry = self._document.entry
        if entry is not None:
            changed = add_windows(entry, windows)
            if changed.windows != entry.windows:
                self._apply("Add preset windows", changed)

    def remove_windows(self) -> None:
        """Take the chosen rows away."""
        entry = self._document.entry
        rows = {index.row() for index in self.table.selectionModel().selectedRows()}
        ids = [id for id in (self.table.rows.key(number) for number in rows) if id is not None]
        if entry is not None and ids:
            self._apply("Remove windows" if len(ids) > 1 else "Remove window", without_windows(entry, *ids))
            self.removed.emit()

    def _edited(self, id: str, column: int, text: str) -> None:
        entry = self._document.entry
        window = next((w for w in entry.windows if w.id == id), None) if entry is not None else None
        if entry is None or window is None:
            return

        def change() -> None:
            if column == NAME:
                changed = replace(window, name=" ".join(text.split()))
            elif column == FROM:
                changed = replace(window, low=parse_number(text, "The beginning of the window"))
            else:
                changed = replace(window, high=parse_number(text, "The end of the window"))
            self._apply(f"Change window {window.title}", with_window(entry, changed))

        self._page.attempt(change)

    def _toggled(self, id: str, column: int, on: bool) -> None:
        entry = self._document.entry
        if entry is not None:
            (self._left_out.discard if on else self._left_out.add)((entry.id, id))
            self._page.show_now()
