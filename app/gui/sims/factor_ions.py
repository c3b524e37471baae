"""Which ions a factor analysis takes: single ions, each once; sums, ratios and the total are not offered."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.gui.panels.base import button, muted, row
from app.gui.theme import GAP_2
from fitting.dataset import Axis, Spectrum
from fitting.sims.columns import columns, counted
from libraries.ions import parse_label, written

_PLACE = Qt.ItemDataRole.UserRole
_STRONGEST = 30


@lru_cache(maxsize=8192)
def ion_words(text: str) -> str:
    """A channel's name as chemists write it: "Na₂F⁺"; what is no formula stays as it is."""
    label = parse_label(text)
    return written(label.ions[0]) if label.kind == "single" and len(label.ions) == 1 else text


class IonChoice(QWidget):
    """A list of the independent ions with check boxes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axis: Axis | None = None
        self._strength: dict[int, float] = {}
        self.said = muted("")
        self.list = QListWidget()
        self.list.setAccessibleName("Ions that are analysed")
        self.list.setFixedHeight(170)
        self.list.itemChanged.connect(lambda _: self._say())
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP_2)
        body.addWidget(self.list)
        body.addLayout(row(
            button("All", "Take every single ion", lambda: self._check(lambda _: True)),
            button("None", "Take none", lambda: self._check(lambda _: False)),
            button(f"Strongest {_STRONGEST}", "Take the ions with most counts", self._strongest),
        ))  # fmt: skip
        body.addWidget(self.said)

    def show_ions(self, spectrum: Spectrum) -> None:
        """List the ions of a profile or cube; a choice made before stays for the same channels."""
        axis = spectrum.axis
        if self._axis is not None and self._axis.labels == axis.labels:
            return
        self._axis = axis
        self._strength = {}
        self.list.blockSignals(True)
        self.list.clear()
        known = {column.place: column for column in columns(axis)}
        for place in counted(axis):
            mass = known[place].mass
            item = QListWidgetItem(ion_words(axis.labels[place]) + (f"    m/z {mass:.3f}" if mass else ""))
            item.setData(_PLACE, place)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Checked)
            self.list.addItem(item)
        self.list.blockSignals(False)
        if not spectrum.stored:
            counts = np.asarray(spectrum.counts).reshape(-1, len(axis))
            step = max(counts.shape[0] // 2000, 1)
            sums = counts[::step].sum(axis=0, dtype=float)
            self._strength = {place: float(sums[place]) for place in counted(axis)}
        self._say()

    @property
    def places(self) -> tuple[int, ...]:
        """Of the chosen ions on the axis."""
        items = (self.list.item(number) for number in range(self.list.count()))
        return tuple(int(item.data(_PLACE)) for item in items if item.checkState() == Qt.CheckState.Checked)

    @property
    def channels(self) -> tuple[int, ...] | None:
        """The chosen ones, None for all."""
        chosen = self.places
        return None if len(chosen) == self.list.count() else chosen

    def choose(self, places: tuple[int, ...]) -> None:
        """Take exactly these."""
        self._check(lambda place: place in places)

    def _check(self, wanted: object) -> None:
        self.list.blockSignals(True)
        for number in range(self.list.count()):
            item = self.list.item(number)
            taken = wanted(int(item.data(_PLACE)))  # type: ignore[operator]
            item.setCheckState(Qt.CheckState.Checked if taken else Qt.CheckState.Unchecked)
        self.list.blockSignals(False)
        self._say()

    def _strongest(self) -> None:
        best = sorted(self._strength, key=lambda place: -self._strength[place])[:_STRONGEST]
        if best:
            self.choose(tuple(best))

    def _say(self) -> None:
        total = 0 if self._axis is None else len(self._axis)
        left = total - self.list.count()
        rest = f"; left out: {left} that count the same ions again (sums, ratios, total, doubles)" if left else ""
        self.said.setText(f"{len(self.places)} of {self.list.count()} single ions{rest}")
