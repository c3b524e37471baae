"""A model made for one spectrum, placed on another: window, energies, levels and areas to start from.

Nothing is fitted here: shapes, widths, bounds, links and what is held stay as they are. Only where a fit starts, and
where a window would stand beyond the data, follow the new spectrum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from fitting.backgrounds import kind as background_kind
from fitting.backgrounds import starting_values
from fitting.dataset import FloatArray, Spectrum
from fitting.evaluate import Evaluator, Parameters
from fitting.model import FitModel, Param
from fitting.shapes import axis_direction, shape
from libraries.errors import BadData, NotDetermined

# Less of a window than this is another region.
LEAST_SHARE = 0.6
# Offsets are first tried in steps of a third of a usual line width, which miss no minimum, then finer about the best.
_COARSE_STEP, _FINE_STEP = 0.3, 0.1
# How much better (in units of log likelihood) the best offset must explain the data than no peaks, and than any
# other place farther than a line width: odds of e**5, 150 to 1.
_GAIN = 5.0
_OTHER_PLACE = 1.0


@dataclass(frozen=True)
class Placed:
    """A model on another spectrum.

    Attributes
    ----------
    model : FitModel
    notes : tuple of str
        What had to be changed beside the start values.
    """

    model: FitModel
    notes: tuple[str, ...] = ()


def placed(spectrum: Spectrum, model: FitModel, offset: float = 0.0) -> Placed:
    """A model with its energies moved by `offset`, its window inside the data, levels and areas started from them.

    Parameters
    ----------
    spectrum : Spectrum
        After its recipe, on an axis of the quantity that the model was made for.
    offset : float
        In the unit of the axis.

    Raises
    ------
    BadData
        If the spectrum holds less than 60 % of the window.
    """
    moved = model.moved(offset) if offset else model
    moved, notes = _inside(spectrum, moved)
    moved = _levelled(spectrum, moved)
    return Placed(_started(spectrum, moved), notes)


def share_inside(spectrum: Spectrum, region: tuple[float, float]) -> float:
    """The share of a window that a spectrum covers, 0 to 1."""
    half = 0.5 * spectrum.axis.step
    low, high = max(region[0], spectrum.x[0] - half), min(region[1], spectrum.x[-1] + half)
    return max(0.0, high - low) / (region[1] - region[0])


def _inside(spectrum: Spectrum, model: FitModel) -> tuple[FitModel, tuple[str, ...]]:
    low, high = model.region
    share = share_inside(spectrum, model.region)
    unit = spectrum.axis.unit
    if share < LEAST_SHARE:
        raise BadData(
            f"The spectrum, {spectrum.x[0]:.1f} to {spectrum.x[-1]:.1f} {unit}, holds {100 * share:.0f} % of the "
            f"window {low:.1f} to {high:.1f} {unit}",
            where=spectrum.name,
        )
    slack = 0.5 * spectrum.axis.step
    if spectrum.x[0] - slack <= low and high <= spectrum.x[-1] + slack:
        return model, ()
    region = max(low, float(spectrum.x[0])), min(high, float(spectrum.x[-1]))
    note = f"the window was cut to the data, {region[0]:.1f} to {region[1]:.1f} {unit}"
    return replace(model, region=region), (note,)


def _levelled(spectrum: Spectrum, model: FitModel) -> FitModel:
    """The free numbers of the background that can be read off the data, started from them."""
    background = model.background
    if not background.params:
        return model
    part = spectrum.window(*model.region)
    found = starting_values(background.kind, part.x, part.y, direction=axis_direction(spectrum.axis.quantity))
    defaults = {p.name: p.default for p in background_kind(background.kind).parameters}
    changes = {
        name: param.at(_between(param, found[name]))
        for name, param in background.params
        if param.free and name in found and found[name] != defaults.get(name)
    }
    return replace(model, background=background.with_(**changes)) if changes else model


def _between(param: Param, value: float) -> float:
    return float(min(max(value, param.minimum), param.maximum))


def _started(spectrum: Spectrum, model: FitModel) -> FitModel:
    """The free areas as a non-negative least-squares fit of the fixed shapes gives them."""
    first = {f"{c.id}.{shape(c.shape).names[0]}" for c in model.components}
    params = model.params
    free = [name for name in Parameters.of(model).free if name in first and params[name].free]
    if not free:
        return model
    # Links may divide by areas, so that none is zero while their slopes are taken.
    model = model.with_values({name: params[name].value or _between(params[name], 1.0) for name in free})
    evaluator = Evaluator(spectrum, model)
    columns, rest = _columns(evaluator, model, free)
    usable = [i for i, column in enumerate(columns) if np.any(column > 0)]
    if not usable:
        return model
    y = evaluator.y - rest
    shares = _solved(evaluator.y, y, [columns[i] for i in usable])[0]
    values = {}
    for i, share in zip(usable, shares, strict=True):
        name, old = free[i], model.params[free[i]].value
        # A component that the data do not show starts at a little of itself: at nothing it could not grow.
        least = 0.01 * max((s * model.params[free[j]].value for j, s in zip(usable, shares, strict=True)), default=old)
        values[name] = _between(model.params[name], max(share * old, least) if least > 0 else old)
    return model.with_values(_linked(model.with_values(values)))


def _linked(model: FitModel) -> dict[str, float]:
    """All values as links make them."""
    parameters = Parameters.of(model)
    start, low, high = parameters.start(model)
    full, _ = parameters.expand(np.clip(start, low, high))
    return dict(zip(parameters.names, full.tolist(), strict=True))


def _columns(evaluator: Evaluator, model: FitModel, free: Sequence[str]) -> tuple[list[FloatArray], FloatArray]:
    """The peaks that each free area carries (itself and by links) at its present value, and those that none carries."""
    parameters = Parameters.of(model)
    start, low, high = parameters.start(model)
    start = np.clip(start, low, high)
    total = _peaks(evaluator, parameters.expand(start)[0])
    columns = []
    for name in free:
        doubled = start.copy()
        doubled[parameters.free_index[name]] *= 2.0
        columns.append(_peaks(evaluator, parameters.expand(doubled)[0]) - total)
    return columns, total - np.sum(columns, axis=0)


def _peaks(evaluator: Evaluator, values: FloatArray) -> FloatArray:
    parts = evaluator.parts(values).components
    return np.sum(parts, axis=0) if parts else np.zeros_like(evaluator.x)


def _solved(raw: FloatArray, y: FloatArray, columns: Sequence[FloatArray]) -> tuple[FloatArray, float]:
    """Non-negative shares of the columns beside a level and a step, and the weighted sum of squares that is left.

    The step is the running sum of the data above their lower end, as Shirley's: good enough to start from.
    """
    weight = 1.0 / np.sqrt(np.maximum(raw, 1e-3 * max(float(np.max(raw)), 1e-30)))
    above = np.maximum(raw - float(np.min(raw)), 0.0)
    running = np.cumsum(above)
    running = running / running[-1] if running[-1] > 0 else running
    bases = [np.ones_like(y), running, running[-1] - running]
    matrix = np.stack([*columns, *bases], axis=1) * weight[:, None]
    size = np.sqrt(np.sum(matrix**2, axis=0))
    size[size == 0] = 1.0
    target = y * weight
    if not np.any(target > 0):
        return np.zeros(len(columns)), float(np.sum(target**2))
    shares, norm = nnls(matrix / size, target)
    return (shares / size)[: len(columns)], float(norm) ** 2


def best_offset(parts: Sequence[tuple[Spectrum, FitModel]], reach: float = 10.0) -> float:
    """By how much models stand too low on the axes of spectra that all moved together (a charge shift).

    For every offset the shapes of all models, with free areas, are put on the data beside a level and a step; where
    they explain most of what level and step leave, over all spectra together, is the answer.

    Parameters
    ----------
    parts : sequence of (spectrum after its recipe, model)
    reach : float
        Offsets from -reach to +reach are tried, in the unit of the axes.

    Returns
    -------
    float
        To add to the energies of the models. Good to a few hundredths of a line width: a start, not a measurement.

    Raises
    ------
    NotDetermined
        If the data do not show the lines, or another place fits about as well.
    """
    if not parts:
        raise NotDetermined("No spectrum holds the windows at any charge shift", todo="Set the charge reference first")
    tools = [_Shifted(spectrum, model) for spectrum, model in parts]
    offsets = np.arange(-reach, reach + 0.5 * _COARSE_STEP, _COARSE_STEP)
    gain = _gains(tools, offsets)
    best = int(np.argmax(gain))
    elsewhere = np.abs(offsets - offsets[best]) > _OTHER_PLACE
    if gain[best] < _GAIN:
        raise NotDetermined("The data do not show the lines of the model", todo="Set the charge reference first")
    if best in (0, len(offsets) - 1) or gain[best] - np.max(gain[elsewhere]) < _GAIN:
        raise NotDetermined("The charge shift is not clear from the data", todo="Set the charge reference first")
    fine = offsets[best] + np.arange(-5, 6) * _FINE_STEP
    gain = _gains(tools, fine)
    at = int(np.argmax(gain))
    if at in (0, len(fine) - 1):
        return float(fine[at])
    before, here, behind = gain[at - 1 : at + 2]
    bend = before - 2 * here + behind
    return float(fine[at] + (0.5 * _FINE_STEP * (before - behind) / bend if bend < 0 else 0.0))


def _gains(tools: Sequence[_Shifted], offsets: FloatArray) -> FloatArray:
    """What the peaks of all models gain in log likelihood at each offset."""
    return np.array([sum(tool.gain(float(offset)) for tool in tools) for offset in offsets])


class _Shifted:
    """One model held against one spectrum at any offset."""

    def __init__(self, spectrum: Spectrum, model: FitModel) -> None:
        low, high = self._region = model.region
        self._spectrum = spectrum
        self._columns: list[FloatArray] = []
        # A window of which no offset would lie on the data for the most part says nothing (and may be of any width).
        self._fits = LEAST_SHARE * (high - low) <= float(spectrum.x[-1] - spectrum.x[0]) + spectrum.axis.step
        if not self._fits:
            return
        self._grid = np.arange(low, high, min(spectrum.axis.step, 0.1) or 0.1)
        blank = spectrum.with_(
            axis=replace(spectrum.axis, values=self._grid), counts=np.ones_like(self._grid), transmission=None
        )
        areas = {f"{c.id}.{shape(c.shape).names[0]}" for c in model.components}
        free = [name for name in Parameters.of(model).free if name in areas]
        model = model.with_values({name: _between(model.params[name], 1.0) for name in free})
        self._columns, _ = _columns(Evaluator(blank, model), model, free)

    def gain(self, offset: float) -> float:
        """Log likelihood (normal residuals of unknown size) that the peaks gain at an offset; 0 where there are none.

        The window moves along the data, so that only the same channels with and without peaks compare.
        """
        spectrum, (low, high) = self._spectrum, self._region
        if not self._fits:
            return 0.0
        inside = spectrum.axis.window(low + offset, high + offset)
        x, y = spectrum.x[inside], spectrum.y[inside]
        short = share_inside(spectrum, (low + offset, high + offset)) < LEAST_SHARE
        if short or x.size <= len(self._columns) + 4 or not np.any(y > 0):
            return 0.0
        shapes = [np.interp(x - offset, self._grid, column, left=0.0, right=0.0) for column in self._columns]
        least = max(1e-12, 1e-9 * abs(float(np.sum(y))))
        left = max(_solved(y, y, shapes)[1], least) / x.size
        bare = max(_solved(y, y, [])[1], least) / x.size
        return 0.5 * x.size * float(np.log(bare / left))
