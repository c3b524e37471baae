"""What the models of fine structures share: background, lines, steps, the response of the low loss, curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fitting import guess
from fitting.dataset import FloatArray, Spectrum
from fitting.eels.core_background import maximum_likelihood
from fitting.eels.fine_setup import FineSetup
from fitting.eels.log_ratio import gain_of
from fitting.eels.separation import split_energy
from fitting.eels.zero_loss import locate
from fitting.evaluate import Evaluator
from fitting.line_shape import Shape
from fitting.model import Component, Curve, FitModel, Param
from fitting.response import kernel_of
from fitting.shapes import shape_of
from libraries.errors import NotDetermined, SodaliteError

STEPS = {"arctan": "step_arctan", "error function": "edge_step"}
LINE = "gl_sum"
WIDTHS = (0.3, 12.0)  # eV; life times and crystal fields of the edges treated here lie well inside
REACH = 120.0  # eV of a low loss that a fine structure feels: windows are not wider
BACKGROUND = "power_law"
FINE = 0.04  # eV, step of the curves on which maxima and onsets are found


def response_of(low: Spectrum, name: str = "") -> tuple[Curve, float, float]:
    """A low-loss spectrum as the response that broadens a core loss.

    Parameters
    ----------
    low : Spectrum
        Single, with its zero-loss peak.

    Returns
    -------
    response : Curve
        Energies relative to the zero-loss peak, area 1; channels below zero counts count as zero.
    position, error : float
        Of the zero-loss peak on the axis, eV; the size of a count is that of the noise, else of the scatter of
        neighbouring channels, else 1.

    Raises
    ------
    BadData
        If the peak is missing, cropped or saturated.
    """
    x, y = low.x, np.asarray(low.y, dtype=float)
    gain = gain_of(low)
    peak = locate(x, y, gain=gain if math.isfinite(gain) else 1.0)
    centre, width = float(peak.position), float(peak.fwhm)
    part = (x >= centre - max(5.0, 8.0 * width)) & (x <= centre + REACH)
    energy, counts = x[part] - centre, np.maximum(y[part], 0.0)
    counts = counts / (np.sum(counts) * low.axis.step)
    curve = Curve(tuple(energy.tolist()), tuple(counts.tolist()), name or low.name)
    return curve, centre, float(peak.position_err)


def zero_loss_of(response: Curve) -> tuple[Curve, float]:
    """The zero-loss part of a response, what broadens single scattering, and its share of the whole area."""
    x, y = np.array(response.x), np.array(response.y)
    try:
        end = split_energy(x, y)
    except SodaliteError:
        end = 3.0 * float(locate(x, y, strict=False).fwhm)
    if not np.isfinite(end) or np.count_nonzero(x < end) < 4:
        return response, 1.0
    kept = x < end
    share = float(np.trapezoid(y[kept], x[kept]) / np.trapezoid(y, x))
    return Curve(tuple(x[kept].tolist()), tuple(y[kept].tolist()), response.name), share


def with_response(model: FitModel, response: Curve | None) -> FitModel:
    """The model with all components broadened by a response, or by none."""
    components = tuple(replace(c, broadened=response is not None) for c in model.components)
    return replace(model, components=components, response=response)


def started(spectrum: Spectrum, window: tuple[float, float], before: float, name: str) -> tuple[FitModel, FloatArray]:
    """A region whose power law starts from the channels below `before`, and the counts above it.

    Raises
    ------
    NotDetermined
        If fewer than four channels lie before the edge.
    """
    part = spectrum.window(*window)
    x, y = part.x, np.asarray(part.y, dtype=float)
    inside = x < before
    if np.count_nonzero(inside) < 4:
        raise NotDetermined("There are fewer than four channels before the edge", where=spectrum.name,
                            todo=f"Begin the window well below {before:.0f} eV")
    level, exponent = _power_law(x, y, before)
    model = guess.new_model(spectrum, *window, BACKGROUND, name)
    middle = 0.5 * (float(x[0]) + float(x[-1]))
    names = [key for key, _ in model.background.params]
    at = {names[0]: level * (middle / float(np.mean(x[inside]))) ** -exponent, names[1]: exponent}
    params = {key: _clipped(param, at[key]) for key, param in model.background.params}
    background = level * (x / float(np.mean(x[inside]))) ** -exponent
    return replace(model, background=model.background.with_(**params)), y - background


def _clipped(param: Param, value: float) -> Param:
    return replace(param, value=float(np.clip(value, param.minimum, param.maximum)))


def _power_law(x: FloatArray, y: FloatArray, before: float) -> tuple[float, float]:
    """Level at the mean energy of the channels below `before`, and exponent."""
    inside = x < before
    middle, level = float(np.mean(x[inside])), float(np.mean(y[inside]))
    try:
        law = maximum_likelihood(x, y, (float(x[0]), float(x[inside][-1])))
        if 0.0 < law.exponent < 8.0:
            return float(law(np.array([middle]))[0]), law.exponent
    except SodaliteError:
        pass  # too few counts for an exponent: three is usual (Egerton 2011, chapter 4: 2 to 6)
    return max(level, 1e-9 * float(np.max(np.abs(y)))), 3.0


def smoothed(x: FloatArray, y: FloatArray, width: float) -> FloatArray:
    """Running mean over about `width` eV."""
    count = max(1, round(width / max(float(np.median(np.diff(x))), 1e-9))) | 1
    count = min(count, y.size if y.size % 2 else y.size - 1)
    padded = np.pad(y, count // 2, mode="edge")
    return np.convolve(padded, np.full(count, 1.0 / count), mode="valid")


def noise_before(x: FloatArray, net: FloatArray, before: float, width: float) -> float:
    """Standard deviation of running means over `width` eV in the channels below `before`."""
    part = net[x < before]
    channels = max(width / max(float(np.median(np.diff(x))), 1e-9), 1.0)
    return float(np.std(part)) / float(np.sqrt(channels)) if part.size > 1 else 0.0


def line(id: str, name: str, height: float, position: Param, fwhm: Param, mix: Param) -> Component:
    """A line of the sum form of Gaussian and Lorentzian; its area starts from a height."""
    area = max(1.25 * height * fwhm.value, 0.0)
    params = {"area": Param(area, 0.0), "position": position, "fwhm": fwhm, "mix": mix}
    return Component(id, name, LINE, params, quantify=False)


def step(id: str, name: str, setup: FineSetup, height: Param, position: Param) -> Component:
    """A step, its form, width and fall held."""
    params = {"height": height, "position": position, "fwhm": Param(2.0 * setup.step_width, vary=False)}
    if setup.step == "error function":
        params["exponent"] = Param(setup.fall, vary=False)
    return Component(id, name, STEPS[setup.step], params, quantify=False)


class Curves:
    """Sums of a model's components on any even grid, as functions of all its parameters.

    Parameters
    ----------
    model : FitModel
    grid : array, shape (n,)
    single : bool
        Single scattering alone, at the resolution of the zero-loss peak; otherwise as measured.
    """

    def __init__(self, model: FitModel, grid: FloatArray, *, single: bool) -> None:
        response, self.share = model.response, 1.0
        if single and response is not None:
            response, self.share = zero_loss_of(response)
        self.x = grid
        self._kernel = kernel_of(response, grid) if response is not None else None
        self._wide = self._kernel.extended(grid) if self._kernel is not None else grid
        self._parts: list[tuple[str, bool, Shape, slice]] = []
        first = 0
        for component in model.components:
            shape = shape_of(component)
            at = slice(first, first + len(shape.names))
            self._parts.append((component.id, component.broadened and response is not None, shape, at))
            first = at.stop

    def of(self, values: FloatArray, groups: Mapping[str, str] | None = None) -> dict[str, FloatArray]:
        """Curves by the group of each component's id; without groups every component's own.

        Parameters
        ----------
        values : array
            All parameters of the model, components first.
        """
        plain: dict[str, FloatArray] = {}
        wide: dict[str, FloatArray] = {}
        for id, broadened, shape, at in self._parts:
            group = groups[id] if groups is not None else id
            where, x = (wide, self._wide) if broadened else (plain, self.x)
            value = shape.function(x, *values[at])[0]
            where[group] = where[group] + value if group in where else value
        for group, curve in wide.items():
            spread = self._kernel.spread(curve) if self._kernel is not None else curve
            plain[group] = plain[group] + self.share * spread if group in plain else self.share * spread
        return plain


class BackgroundOf:
    """The background of a model on the channels of a spectrum, as a function of all the model's parameters."""

    def __init__(self, spectrum: Spectrum, model: FitModel) -> None:
        self._count = len(model.background.params)
        self._evaluator = Evaluator(spectrum, replace(model, components=(), response=None))

    def of(self, values: FloatArray) -> FloatArray:
        """Counts per channel, shape (n,)."""
        return self._evaluator.parts(values[values.size - self._count :]).background
