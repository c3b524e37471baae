"""Anchors of a background by hand: where they stand, and what adding, moving and removing one does to a model."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.gui.plot.edits import Edit
from fitting.backgrounds import anchor_levels, kind
from fitting.dataset import Spectrum
from fitting.model import FitModel

NEAREST = 2.0  # channels between two anchors
SNAP = 0.012  # of the height of the region: an anchor this close to the data stands on them


@dataclass(frozen=True)
class AnchorPoint:
    """An anchor on the plot: its energy and level, and whether it stands on the data."""

    x: float
    y: float
    on_data: bool


def takes_anchors(model: FitModel) -> bool:
    """Whether the background runs through anchors."""
    return kind(model.background.kind).anchored


def anchor_points(spectrum: Spectrum, model: FitModel) -> tuple[AnchorPoint, ...]:
    """Where the anchors stand."""
    background = model.background
    levels = anchor_levels(spectrum.x, spectrum.y, background.anchors, background.average)
    return tuple(
        AnchorPoint(x, y, offset == 0) for (x, y), (_, offset) in zip(levels, background.anchors, strict=True)
    )


def _data_at(spectrum: Spectrum, model: FitModel, x: float) -> float:
    return anchor_levels(spectrum.x, spectrum.y, ((x, 0.0),), model.background.average)[0][1]


def _with(model: FitModel, anchors: list[tuple[float, float]]) -> FitModel:
    return replace(model, background=replace(model.background, anchors=tuple(anchors)))


def add_anchor(spectrum: Spectrum, model: FitModel, x: float) -> Edit:
    """One more anchor, standing on the data."""
    low, high = model.region
    if not low <= x <= high:
        return Edit(model, f"An anchor must lie in the region, {low:.2f} to {high:.2f} eV", True)
    if any(abs(x - energy) < NEAREST * spectrum.axis.step for energy, _ in model.background.anchors):
        return Edit(model, "There is an anchor already: drag it", True)
    return Edit(_with(model, [*model.background.anchors, (x, 0.0)]))


def widest_gap(model: FitModel) -> float:
    """The middle of the widest part of the region without an anchor."""
    low, high = model.region
    places = np.array(sorted({low, high, *(min(max(x, low), high) for x, _ in model.background.anchors)}))
    at = int(np.argmax(np.diff(places)))
    return float(0.5 * (places[at] + places[at + 1]))


def move_anchor(spectrum: Spectrum, model: FitModel, index: int, x: float, y: float) -> Edit:
    """An anchor at a place of the plot: it stays in the region and between its neighbours, and snaps to the data."""
    anchors = list(model.background.anchors)
    gap = NEAREST * spectrum.axis.step
    low = anchors[index - 1][0] + gap if index else model.region[0]
    high = anchors[index + 1][0] - gap if index + 1 < len(anchors) else model.region[1]
    place = min(max(x, low), max(low, high))
    data = _data_at(spectrum, model, place)
    part = spectrum.y[spectrum.axis.window(*model.region)]
    offset = y - data
    anchors[index] = (place, 0.0 if abs(offset) <= SNAP * float(np.ptp(part)) else offset)
    note = "" if place == x else "An anchor stays in the region and between its neighbours"
    return Edit(_with(model, anchors), note, bool(note))


def remove_anchor(model: FitModel, index: int) -> Edit:
    """One anchor less; the last one stays."""
    anchors = list(model.background.anchors)
    if len(anchors) <= 1:
        return Edit(model, "A spline background needs an anchor: choose another background to do without", True)
    del anchors[index]
    return Edit(_with(model, anchors))
