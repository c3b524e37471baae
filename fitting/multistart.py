"""Many starts: places about a model from which a fit may find another, better minimum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from fitting.backgrounds import kind as background_kind
from fitting.dataset import FloatArray
from fitting.ending import Ending
from fitting.evaluate import Evaluator
from fitting.model import BACKGROUND, FitModel
from fitting.shapes import shape

# Standard deviations of the random starts: positions in units of the peak's own width, amounts and widths in their
# logarithm, everything else relative to its value. One start in two moves half as far as these.
_POSITION, _SCALE, _REST = 1.0, 0.7, 0.5


def places(
    evaluator: Evaluator,
    model: FitModel,
    bounds: tuple[FloatArray, FloatArray, FloatArray],
    number: int,
    seed: int,
) -> list[FloatArray]:
    """Random starts within the bounds, each of shape (n_free,).

    Parameters
    ----------
    evaluator : Evaluator
    model : FitModel
    bounds : start, lower, upper
        As `Parameters.start` gives them.
    number : int
    seed : int
        The same seed gives the same places.
    """
    start, lower, upper = bounds
    rng = np.random.default_rng(seed)
    kinds, widths = _kinds(evaluator, model)
    out = []
    for i in range(number):
        reach = 1.0 if i % 2 else 0.5
        step = rng.standard_normal(start.size)
        drawn = rng.random(start.size)
        place = start + reach * _REST * step * np.abs(start)
        position = kinds == "position"
        place[position] = (start + reach * _POSITION * step * widths)[position]
        scaled = np.isin(kinds, ("area", "height", "width", "step"))
        place[scaled] = (start * np.exp(reach * _SCALE * step))[scaled]
        # Shape parameters and departures from a link live in a closed range: anywhere in it is as good.
        ranged = np.isin(kinds, ("shape", "departure")) & np.isfinite(lower) & np.isfinite(upper)
        place[ranged] = lower[ranged] + drawn[ranged] * (upper[ranged] - lower[ranged])
        out.append(np.clip(place, lower, upper))
    return out


def _kinds(evaluator: Evaluator, model: FitModel) -> tuple[np.ndarray, FloatArray]:
    """Kind of every free number ("departure" for that of a link), and the width of the peak it belongs to."""
    parameters = evaluator.parameters
    known: dict[str, str] = {}
    width: dict[str, float] = {}
    for component in model.components:
        entry = shape(component.shape)
        for parameter in entry.parameters:
            known[f"{component.id}.{parameter.name}"] = parameter.kind
        width[component.id] = max(component.value(p.name) for p in entry.parameters if p.kind == "width")
    for parameter in background_kind(model.background.kind).parameters:
        known[f"{BACKGROUND}.{parameter.name}"] = parameter.kind
    kinds = ["departure" if name in parameters.links else known[name] for name in parameters.free]
    widths = [width.get(name.split(".", 1)[0], 1.0) for name in parameters.free]
    return np.array(kinds, dtype=object), np.array(widths)


def best(first: Ending, others: Iterable[Ending]) -> Ending:
    """The end with the lowest statistic, those that converged before all others; evaluations are summed."""
    chosen, evaluations = first, first.evaluations
    for ending in others:
        evaluations += ending.evaluations
        if ending.status == "cancelled":
            chosen = replace(chosen, status="cancelled")
            break
        if _rank(ending) < _rank(chosen):
            chosen = ending
    return replace(chosen, evaluations=evaluations)


def _rank(ending: Ending) -> tuple[bool, float]:
    cost = ending.cost if np.isfinite(ending.cost) else np.inf
    return ending.status != "converged", cost
