"""What line areas of tied regions have in common: covariances between regions of one joint fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.project import joint
from app.project.project import Project
from fitting.dataset import FloatArray, Spectrum
from fitting.result import FitResult
from fitting.shapes import axis_direction, shape
from fitting.xps.areas import Areas, counted_groups
from fitting.xps.region_areas import COMPONENTS
from fitting.xps.uncertainty import Piece
from libraries.errors import SodaliteError


def correlated(project: Project, pieces: Sequence[Piece], areas: Areas) -> tuple[Areas, bool]:
    """Areas of several regions with the covariance between those that were fitted together.

    Parameters
    ----------
    project : Project
    pieces : sequence of Piece
        Regions of one composition.
    areas : Areas
        Their areas, joined, in the same order.

    Returns
    -------
    Areas
        The same lines; rows and columns of different regions are no longer zero where ties join them.
    bool
        Whether anything of that kind was found.
    """
    if not project.ties:
        return areas, False
    results = {
        id(fit.result): joint.key_of(entry.id, fit.id)
        for entry in project.entries for fit in entry.fits if fit.result is not None
    }
    keys = [results.get(id(piece.result), "") if piece.kind == COMPONENTS else "" for piece in pieces]
    try:
        blocks = joint.cross_covariance(project, [key for key in keys if key])
    except SodaliteError:
        return areas, False
    ends = np.cumsum([0, *(len(piece.areas.lines) for piece in pieces)])
    places = {key: slice(ends[i], ends[i + 1]) for i, key in enumerate(keys) if key}
    whole = np.array(areas.covariance)
    for (one, other), block in blocks.items():
        (first, a), (second, b) = ((pieces[keys.index(key)], key) for key in (one, other))
        if first.result is None or second.result is None:
            continue
        scale = math.sqrt(_misfit(first.result) * _misfit(second.result))
        known = np.where(np.isfinite(block), block, 0.0)
        cross = scale * area_chain(first.spectrum, first.result) @ known @ area_chain(second.spectrum, second.result).T
        whole[places[a], places[b]] = cross
    return replace(areas, covariance=whole), bool(blocks)


def _misfit(result: FitResult) -> float:
    """The factor that `fitting.xps.areas.line_areas` puts on the covariance."""
    return max(1.0, result.reduced_chi2)


def area_chain(spectrum: Spectrum, result: FitResult) -> FloatArray:
    """Derivatives of the areas of `line_areas` by all parameters of the fit, shape (lines, parameters)."""
    direction = axis_direction(spectrum.axis.quantity)
    low, high = result.model.region
    window = (low, high) if direction > 0 else (-high, -low)
    groups = counted_groups(result.model)
    chain = np.zeros((len(groups), len(result.names)))
    for i, members in enumerate(groups):
        for component in members:
            entry, values = shape(component.shape), component.values
            values["position"] *= direction
            slopes = {entry.names[0]: 1.0} if entry.finite_area else entry.area_gradient(values, window)
            for name, slope in slopes.items():
                sign = direction if name == "position" else 1
                chain[i, result.names.index(f"{component.id}.{name}")] += sign * slope
    return chain
