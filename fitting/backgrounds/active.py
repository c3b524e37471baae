"""Backgrounds fitted together with the peaks: values and derivatives.

Each is linear in the sum of the peaks S, and in its parameters but for places, widths and exponents. Energies are
binding energies; for a kinetic-energy axis pass direction -1 (see `fitting.shapes.axis_direction`): losses then pile up
at low values, and slopes still count per eV of binding energy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from fitting.backgrounds.cumulative import cumulative
from fitting.backgrounds.kinds import kind as kind_of
from fitting.backgrounds.static import end_levels
from fitting.lineshapes import step_arctan_gradient, step_erf_gradient
from libraries.errors import BadModel

FloatArray = NDArray[np.float64]
Terms = tuple[FloatArray, FloatArray, FloatArray]


def active_background(
    kind: str,
    x: FloatArray,
    params: Sequence[float],
    peaks: FloatArray,
    peak_gradient: FloatArray,
    *,
    direction: int = 1,
    centre: float | None = None,
) -> Terms:
    """An active background with its derivatives.

    Parameters
    ----------
    kind : str
        An entry of `KINDS` that is not static.
    x : ndarray, shape (n,)
        Axis values, ascending. It may begin before the data, so that tails of peaks below the window count.
    params : sequence of float
        In the order of `KINDS[kind].parameters`.
    peaks : ndarray, shape (n,)
        Sum of the peaks on `x`.
    peak_gradient : ndarray, shape (m, n)
        Derivatives of that sum with respect to the parameters of the peaks (m may be 0).
    direction : +1 or -1
        +1 for binding energy and energy loss, -1 for kinetic energy.
    centre : float, optional
        Axis value where the line has its level: the middle of the data's window if `x` is longer than that. Without it,
        the middle of `x`.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (p, n)
        Derivatives with respect to `params`.
    peak_part : ndarray, shape (m, n)
        Change of the background (not of the peaks) with the parameters of the peaks.

    Raises
    ------
    BadModel
        If the kind is not an active one or the number of parameters is wrong.
    """
    entry = kind_of(kind)
    if entry.static:
        raise BadModel(f"The background {entry.title} is taken from the data, not fitted", where=kind)
    if len(params) != len(entry.parameters):
        raise BadModel(f"The background {entry.title} has {len(entry.parameters)} parameters", where=kind)
    middle = 0.5 * (x[0] + x[-1]) if centre is None else centre
    if entry.quantity and (direction < 0 or x[0] <= 0.0):
        raise BadModel(
            f"The background {entry.title} needs energy losses above 0", where=kind,
            todo="Let the region begin above the zero-loss peak",
        )
    places = [i for i, p in enumerate(entry.parameters) if p.kind == "position"]
    if direction > 0:
        return _FUNCTIONS[kind](x, x - middle, params, peaks, peak_gradient)
    mirrored = [-value if i in places else value for i, value in enumerate(params)]
    turned = _FUNCTIONS[kind](
        -x[::-1], (middle - x)[::-1], mirrored, peaks[::-1], np.ascontiguousarray(peak_gradient[:, ::-1])
    )
    value, gradient, peak_part = (array[..., ::-1] for array in turned)
    if places:
        gradient = gradient.copy()
        gradient[places] *= -1.0
    return value, gradient, peak_part


def _none(x: FloatArray, d: FloatArray, params: Sequence[float], peaks: FloatArray, rows: FloatArray) -> Terms:
    return np.zeros_like(x), np.empty((0, x.size)), np.zeros_like(rows)


def _constant(x: FloatArray, d: FloatArray, params: Sequence[float], peaks: FloatArray, rows: FloatArray) -> Terms:
    return np.full(x.shape, float(params[0])), np.ones((1, x.size)), np.zeros_like(rows)


def _linear(x: FloatArray, d: FloatArray, params: Sequence[float], peaks: FloatArray, rows: FloatArray) -> Terms:
    level, slope = params
    return level + slope * d, np.stack([np.ones_like(d), d]), np.zeros_like(rows)


def _polynomial(x: FloatArray, d: FloatArray, params: Sequence[float], peaks: FloatArray, rows: FloatArray) -> Terms:
    powers = np.stack([np.ones_like(d), d, d * d, d**3])
    return np.asarray(params) @ powers, powers, np.zeros_like(rows)


def _power_law(x: FloatArray, d: FloatArray, params: Sequence[float], peaks: FloatArray, rows: FloatArray) -> Terms:
    amplitude, exponent = params
    logarithm = np.log(x / (x[0] - d[0]))
    form = np.exp(-exponent * logarithm)
    return amplitude * form, np.stack([form, -amplitude * logarithm * form]), np.zeros_like(rows)


def _on_a_step(
    step: Callable[[FloatArray, float, float, float], tuple[FloatArray, FloatArray]],
    x: FloatArray, d: FloatArray, params: Sequence[float], peaks: FloatArray, rows: FloatArray,
) -> Terms:
    level, slope, height, position, width = params
    value, gradient = step(x, height, position, width)
    value = value + level + slope * d
    return value, np.concatenate([[np.ones_like(d), d], gradient]), np.zeros_like(rows)


def _shirley(x: FloatArray, d: FloatArray, params: Sequence[float], peaks: FloatArray, rows: FloatArray) -> Terms:
    """level + tilt d + step C1 + loss_slope C2, C1 the running integral of the peaks and C2 that of C1."""
    level, tilt, step, loss_slope = params
    once = cumulative(x, peaks)
    twice = cumulative(x, once)
    value = level + tilt * d + step * once + loss_slope * twice
    gradient = np.stack([np.ones_like(d), d, once, twice])
    if rows.shape[0] == 0:
        return value, gradient, np.zeros_like(rows)
    rows_once = cumulative(x, rows)
    peak_part = step * rows_once
    if loss_slope:
        peak_part += loss_slope * cumulative(x, rows_once)
    return value, gradient, peak_part


@lru_cache(maxsize=8)
def _losses(axis: bytes, c: float, d: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The loss operator of strength 1 on a grid and its derivatives by c and d, each of shape (n, n).

    It depends on the grid and on the form alone, which most fits hold, so that it is assembled once a fit.
    """
    x = np.frombuffer(axis)
    weights = np.zeros_like(x)
    weights[:-1] += 0.5 * np.diff(x)
    weights[1:] += 0.5 * np.diff(x)
    loss = np.maximum(x[:, None] - x[None, :], 0.0)
    square = loss * loss
    bottom = (c - square) ** 2 + d * square
    unit = loss * weights / bottom
    return unit, -2.0 * (c - square) / bottom * unit, -square / bottom * unit


def _tougaard(x: FloatArray, d: FloatArray, params: Sequence[float], peaks: FloatArray, rows: FloatArray) -> Terms:
    """level + tilt d + K S + K K S + ..., K the loss operator of a class of materials on this grid."""
    level, tilt, strength, form, width = params
    unit, by_form, by_width = _class_losses(x, form, width)
    lost, slopes, peak_part = _scattered(
        strength * unit, (unit, strength * by_form, strength * by_width), peaks, rows
    )
    return level + tilt * d + lost, np.stack([np.ones_like(d), d, *slopes]), peak_part


def _plasmon(x: FloatArray, d: FloatArray, params: Sequence[float], peaks: FloatArray, rows: FloatArray) -> Terms:
    """As `_tougaard`, with a second term in K: a plasmon, of the same form with C = energy² and D = width²."""
    level, tilt, strength, form, width, share, energy, spread = params
    unit, by_form, by_width = _class_losses(x, form, width)
    line, by_c, by_d = _class_losses(x, energy**2, spread**2)
    norm = 2.0 * energy * spread / np.pi  # one over the integral of a narrow line
    terms = (
        unit,
        strength * by_form,
        strength * by_width,
        norm * line,
        share * norm * (line / energy + 2.0 * energy * by_c),
        share * norm * (line / spread + 2.0 * spread * by_d),
    )
    lost, slopes, peak_part = _scattered(strength * unit + share * norm * line, terms, peaks, rows)
    return level + tilt * d + lost, np.stack([np.ones_like(d), d, *slopes]), peak_part


def _class_losses(x: FloatArray, form: float, width: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    if form == 0 or (form > 0 and not width > 0):
        raise BadModel("A loss function with c above zero needs a width d above zero", where="Tougaard background")
    return _losses(np.ascontiguousarray(x).tobytes(), float(form), float(width))


def _scattered(
    operator: FloatArray, changes: Sequence[FloatArray], peaks: FloatArray, rows: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What the peaks lose to an operator K in all orders, and how that changes with K and with the peaks.

    Electrons that lost energy already lose again: the sum of all orders is (1 - K)^-1 S - S. K is a triangular
    matrix on the ascending binding-energy axis, so that its inverse is a forward substitution.
    """
    flux = solve_triangular(
        -operator, np.column_stack([peaks, rows.T]), lower=True, unit_diagonal=True, check_finite=False
    )
    first = np.column_stack([change @ flux[:, 0] for change in changes])
    slopes = solve_triangular(-operator, first, lower=True, unit_diagonal=True, check_finite=False)
    return flux[:, 0] - peaks, slopes.T, flux[:, 1:].T - rows


_FUNCTIONS: dict[str, Callable[[FloatArray, FloatArray, Sequence[float], FloatArray, FloatArray], Terms]] = {
    "none": _none,
    "constant": _constant,
    "linear_active": _linear,
    "polynomial": _polynomial,
    "power_law": _power_law,
    "step_erf": partial(_on_a_step, step_erf_gradient),
    "step_arctan": partial(_on_a_step, step_arctan_gradient),
    "shirley_active": _shirley,
    "tougaard_active": _tougaard,
    "tougaard_plasmon": _plasmon,
}


def starting_values(kind: str, x: FloatArray, y: FloatArray, *, direction: int = 1) -> dict[str, float]:
    """Where a fit may begin: the parameters of a background by name, from the levels at the ends of the data.

    The step of a Shirley background is shared out, four fifths to the step and one fifth to the loss slope, over the
    area above the straight line between the ends; both begin inside their limits.
    """
    entry = kind_of(kind)
    values = {parameter.name: parameter.default for parameter in entry.parameters}
    if direction < 0:
        x, y = -x[::-1], y[::-1]
    low, high = end_levels(y, min(10, y.size // 20))
    span = float(x[-1] - x[0])
    if kind in ("constant", "tougaard_active", "tougaard_plasmon"):
        values["level"] = min(low, high)
    elif kind.startswith("step_"):
        # A step lies below its peak.
        place = float(x[int(np.argmax(y))])
        values |= {"level": low, "height": high - low, "position": place if direction > 0 else -place}
    elif kind == "power_law":
        values |= _tangent_power_law(x, y)
    elif kind in ("linear_active", "polynomial"):
        values |= {"level": 0.5 * (low + high), "slope": (high - low) / span if span else 0.0}
    elif kind == "shirley_active":
        line = low + (high - low) * (x - x[0]) / span
        running = cumulative(x, np.maximum(y - line, 0.0))
        rise = high - low
        shares = {"step": (0.8 * rise, running[-1]), "loss_slope": (0.2 * rise, cumulative(x, running)[-1])}
        values["level"] = low
        for name, (share, integral) in shares.items():
            top = entry.parameter(name).maximum
            guess = share / integral if integral > 0 else 0.0
            values[name] = float(min(max(guess, 1e-3 * top), 0.5 * top))
    return values


def _tangent_power_law(x: FloatArray, y: FloatArray) -> dict[str, float]:
    """The least steep power law from the low end of the data that stays below all of them (smoothed)."""
    width = max(1, x.size // 40)
    count = x.size // width
    energy, level = (values[: count * width].reshape(count, width).mean(axis=1) for values in (x, y))
    low = float(level[0])
    if not (x[0] > 0.0 and low > 0.0 and count > 1):
        return {"amplitude": max(low, 0.0)}
    # The first piece is the anchor; a level of nothing would ask for an infinite exponent.
    falls = np.log(low / np.maximum(level[1:], 1e-3 * low)) / np.log(energy[1:] / energy[0])
    exponent = float(np.clip(np.max(falls), 0.5, 8.0))
    middle = 0.5 * (x[0] + x[-1])
    return {"amplitude": low * float(middle / energy[0]) ** -exponent, "exponent": exponent}
