"""The project as a grid of blocks: samples and levels as rows, lines as columns."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np

from app.project.project import Entry, Project
from app.project.template import shells
from fitting.dataset import FloatArray
from fitting.stored import sampled
from libraries.errors import SodaliteError

_OUTLINE_OF = 16  # spectra of an image that stays in its file


@dataclass(frozen=True)
class BlockRow:
    """A sample, or one level of its series."""

    sample: str
    name: str
    variable: str
    value: float | None
    unit: str

    @property
    def level(self) -> str:
        """The value in words, "" where there is none."""
        return "" if self.value is None else f"{self.value:.4g} {self.unit}".rstrip()


@dataclass(frozen=True)
class Grid:
    """Rows, columns and the ids of the spectra in each cell (several where a line was measured twice)."""

    rows: tuple[BlockRow, ...]
    columns: tuple[str, ...]
    cells: dict[tuple[int, int], tuple[str, ...]]


def column_of(entry: Entry) -> str:
    """The line of a spectrum, or its name where that is none: what one column holds."""
    spectrum = entry.spectrum
    recorded = f"{spectrum.meta.element} {spectrum.meta.transition}"
    names = shells(spectrum.name) or shells(recorded) or shells(entry.title)
    return " + ".join(names) if names else spectrum.name


def grid(project: Project) -> Grid:
    """All spectra in rows (in the order of samples, levels ascending) and columns (in the order of their coming)."""
    place = {sample.id: number for number, sample in enumerate(project.samples)}
    names = {sample.id: sample.name for sample in project.samples}
    columns: dict[str, int] = {}
    found: dict[BlockRow, dict[int, list[str]]] = {}
    for entry in project.entries:
        row = BlockRow(entry.sample, names.get(entry.sample, ""), entry.variable, entry.value, entry.unit)
        column = columns.setdefault(column_of(entry), len(columns))
        found.setdefault(row, {}).setdefault(column, []).append(entry.id)
    rows = sorted(
        found, key=lambda r: (place.get(r.sample, len(place)), r.value is not None, r.variable, r.value or 0.0)
    )
    cells = {(i, column): tuple(ids) for i, row in enumerate(rows) for column, ids in found[row].items()}
    return Grid(tuple(rows), tuple(columns), cells)


def outline(entry: Entry, points: int = 64) -> FloatArray:
    """A spectrum in at most `points` numbers between 0 and 1, on an evenly spaced axis, binding energy to the left.

    Each number is the mean of the channels that it stands for, so that noise does not jump between sizes.
    """
    spectrum = entry.spectrum
    with contextlib.suppress(SodaliteError):  # a recipe that cannot be applied: the spectrum as it was measured
        spectrum = entry.processed()
    if spectrum.stored:  # a picture of this size needs no more than some of the spectra
        y = np.array([spectrum.rows(place, place + 1)[0] for place in sampled(spectrum.counts.shape, _OUTLINE_OF)])
    else:
        y = np.asarray(spectrum.counts)
    if y.ndim > 1:
        y = y.reshape(-1, y.shape[-1]).mean(axis=0)
    y = y[np.isfinite(y)]
    if y.size == 0:
        return np.zeros(0)
    edges = np.unique(np.linspace(0, y.size, min(points, y.size) + 1).astype(int))
    means = np.add.reduceat(y, edges[:-1]) / np.diff(edges)
    if spectrum.axis.quantity == "binding_energy":
        means = means[::-1]
    span = float(np.ptp(means))
    return (means - float(np.min(means))) / span if span > 0 else np.full(means.shape, 0.5)
