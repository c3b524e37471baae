"""Area of a region: data minus background, the normal way for surveys, with the error of counting and of the ends.

A region counts in one of two ways, which its model keeps in `FitModel.extra`: ("area", "components"), the sum of its
components and the default, or ("area", "region"), the data minus the background between the region's ends, which needs
no component. ("line", "O 1s") names the core level of such a region; without it that of its components, of its name or
of its spectrum is taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fitting.backgrounds import kind as background_kind
from fitting.backgrounds.static import end_levels, shirley
from fitting.dataset import FloatArray, Noise, Spectrum
from fitting.evaluate import Evaluator
from fitting.model import FitModel, Notes
from fitting.result import FitResult
from fitting.shapes import axis_direction
from fitting.statistics import correlation_factor, variance_of
from libraries.elements import Line, parse_line
from libraries.errors import BadModel, NotDetermined, SodaliteError, UnknownName

AREA, LINE = "area", "line"
COMPONENTS, REGION = "components", "region"
_SMOOTH = 5  # channels whose mean says where a region has its maximum


@dataclass(frozen=True)
class RegionArea:
    """Area of a region.

    Attributes
    ----------
    area, error : float
        Intensity unit times eV; the error is NaN where the size of the noise is not known.
    position : float
        Axis value of the largest net intensity, averaged over five channels.
    background_error : float
        The part of `error` that the background alone would make.
    """

    area: float
    error: float
    position: float
    background_error: float


def area_kind(model: FitModel) -> str:
    """"components" or "region": how a region counts."""
    kind = dict(model.extra).get(AREA, COMPONENTS)
    if kind not in (COMPONENTS, REGION):
        raise BadModel(f"A region cannot count by '{kind}'", where=model.name, todo=f"Use {COMPONENTS} or {REGION}")
    return kind


def with_area_kind(model: FitModel, kind: str, line: str | None = None) -> FitModel:
    """The model that counts by "components" or "region"; `line` names its core level ("" forgets it).

    Raises
    ------
    BadModel
        If the kind is no such word.
    UnknownName
        If the line is no core level.
    """
    notes = dict(model.extra)
    notes[AREA] = kind
    if kind == COMPONENTS:
        notes.pop(AREA)
    if line is not None:
        notes.pop(LINE, None)
        if line:
            notes[LINE] = _core(line).name
    changed = replace(model, extra=_notes(notes))
    area_kind(changed)
    return changed


def _notes(notes: dict[str, str]) -> Notes:
    return tuple(notes.items())


def _core(text: str) -> Line:
    line = parse_line(text)
    if line.kind != "core":
        raise UnknownName("A region counts by a core level, not by an Auger line", where=line.name)
    return line


def shells_of(model: FitModel) -> tuple[str, ...]:
    """The levels that a region's components belong to, those that do not count included: "O 1s", "Na KLL"."""
    lines = [parse_line(c.line) for c in model.components if c.line]
    return tuple(dict.fromkeys(f"{line.element} {line.shell}" for line in lines))


def region_line(spectrum: Spectrum, model: FitModel) -> Line:
    """The core level that a region stands for.

    That of ("line", ...) in the model; else the one of its components (the whole doublet of a 2p3/2); else that which
    the region's or the spectrum's name gives.

    Raises
    ------
    NotDetermined
        If there is none, or several.
    """
    noted = dict(model.extra).get(LINE, "")
    if noted:
        return _core(noted)
    lines = [parse_line(c.line) for c in model.components if c.line and c.quantify]
    shells = {f"{line.element} {line.shell}" for line in lines if line.kind == "core"}
    if len(shells) > 1:
        raise NotDetermined(
            f"The region holds several lines ({', '.join(sorted(shells))})", where=model.name,
            todo="Count it by its components, or part it into one region a line",
        )
    if shells:
        return parse_line(shells.pop())
    meta = spectrum.meta
    for text in (model.name, spectrum.name, f"{meta.element} {meta.transition}"):
        try:
            return _core(text)
        except SodaliteError:
            continue
    raise NotDetermined(
        "No core level is known of the region", where=model.name or spectrum.name,
        todo="Name it after its line (O 1s), or choose the line on the Quantify page",
    )


def region_area(spectrum: Spectrum, model: FitModel, result: FitResult | None = None) -> RegionArea:
    """Area of the data minus the background inside a region.

    Parameters
    ----------
    spectrum : Spectrum
        After its recipe.
    model : FitModel
        A background that is taken from the data needs no components.
    result : FitResult, optional
        The fit that `model` came from; needed where the background is fitted together with the peaks.

    Raises
    ------
    NotDetermined
        If the background is one that is fitted with peaks, and there is no fit.
    BadData, BadModel
        If the region holds no data or its background cannot be computed.

    Notes
    -----
    A = sum w_i (y_i - B_i), w the weights of the trapezoid rule. The background is a function of the same data: its end
    levels, and for a fitted one its parameters. The error is that of the whole expression to first order, sqrt(sum
    (dA/dy_i)^2 var y_i), hence with the error of the ends and with what background and data have in common. Where a fit
    misses structure (reduced chi2 above 1), the part of the background is enlarged by its root.
    """
    evaluator = Evaluator(spectrum, model)
    parts = evaluator.parts(evaluator.values_of(model))
    x, y = evaluator.x, evaluator.y
    weights = _weights(x)
    window = spectrum.axis.window(*model.region)
    if background_kind(model.background.kind).static:
        slope = _static_slope(spectrum, model, weights, window)
        enlarged = 1.0
    elif result is not None and result.success:
        slope = np.zeros(len(spectrum.axis))
        slope[window] = -_fitted_slope(evaluator, model, result, weights)
        enlarged = max(1.0, result.reduced_chi2)
    else:
        raise NotDetermined(
            "A background that is fitted with the peaks gives no region area before the fit",
            where=model.name or spectrum.name,
            todo="Fit the region, or choose a background between the region ends (Shirley, line)",
        )
    expected = spectrum.y.copy()
    expected[window] = parts.envelope if model.components and result is not None else y
    variance = _variance(spectrum, expected, result)
    total = slope.copy()
    total[window] += weights
    own = float(np.sum(slope**2 * variance))
    error = math.sqrt(float(np.sum(total**2 * variance)) + (enlarged - 1.0) * own)
    net = y - parts.background
    smooth = np.convolve(net, np.ones(_SMOOTH) / _SMOOTH, "same") if net.size >= _SMOOTH else net
    position = float(x[int(np.argmax(smooth))])
    return RegionArea(float(weights @ net), error, position, math.sqrt(enlarged * own))


def net_area(spectrum: Spectrum, model: FitModel) -> float:
    """Area of the data minus the background as the model has it now, without an error."""
    evaluator = Evaluator(spectrum, model)
    return float(_weights(evaluator.x) @ (evaluator.y - evaluator.parts(evaluator.values_of(model)).background))


def _weights(x: FloatArray) -> FloatArray:
    """Weights of the trapezoid rule, in eV."""
    weights = np.zeros_like(x)
    weights[:-1] += 0.5 * np.diff(x)
    weights[1:] += 0.5 * np.diff(x)
    return weights


def _variance(spectrum: Spectrum, expected: FloatArray, result: FitResult | None) -> FloatArray:
    """Variance of each channel; NaN where its size is known neither beforehand nor from a fit."""
    noise: Noise = spectrum.noise
    unit = variance_of(noise, np.maximum(expected, 0.0), spectrum.y)
    if noise.known:
        return correlation_factor(noise.correlation) * unit
    if result is not None:
        return result.scale * unit
    return np.full_like(unit, np.nan)


def _static_slope(spectrum: Spectrum, model: FitModel, weights: FloatArray, window: slice) -> FloatArray:
    """Derivative of minus the background's area by every channel of the spectrum, shape (n,)."""
    back = model.background
    plain = not back.settings and not back.anchors
    if not (plain and back.kind in ("linear", "shirley")):
        return _by_differences(spectrum, model, weights, window)
    direction = axis_direction(spectrum.axis.quantity)
    x, y = spectrum.x[window], spectrum.y[window]
    levels = end_levels(spectrum.y, back.average, window.start, window.stop - 1)
    w = weights
    if direction < 0:
        x, y, w, levels = -x[::-1], y[::-1], w[::-1], levels[::-1]
    if back.kind == "linear":
        share = (x - x[0]) / (x[-1] - x[0])
        inside, low, high = np.zeros_like(y), -w @ (1.0 - share), -w @ share
    else:
        inside, low, high = _shirley_slope(x, y, w, levels, back.quadrature)
    if direction < 0:
        inside, low, high = inside[::-1], high, low
    slope = np.zeros(len(spectrum.axis))
    slope[window] = inside
    for at, part in ((window.start, low), (window.stop - 1, high)):
        ends = slice(max(at - back.average, 0), at + back.average + 1)
        slope[ends] += part / slope[ends].size
    return slope


def _shirley_slope(
    x: FloatArray, y: FloatArray, w: FloatArray, levels: tuple[float, float], quadrature: str
) -> tuple[FloatArray, float, float]:
    """Derivative of minus w·B of a Shirley background by the channels and by both end levels.

    B solves B = low + step s, s = u/u_n, u = L (y - B) with L the running sum; its derivative follows from the same
    equation: (1 + step M) dB = (1 - s) dlow + s dhigh + step M dy with M = (L - s L_n)/u_n.
    """
    low, high = levels
    step = high - low
    if step == 0:
        return np.zeros_like(y), -float(np.sum(w)), 0.0
    background = shirley(x, y, quadrature=quadrature, levels=levels).values  # type: ignore[arg-type]
    width = np.diff(x)
    running = np.zeros((y.size, y.size))
    if quadrature == "casa":
        running[:, :-1] = np.tril(np.ones((y.size, y.size)), -1)[:, :-1] * width
    else:
        lower = np.tril(np.ones((y.size, y.size)), -1)[:, :-1] * (0.5 * width)
        running[:, :-1] += lower
        running[:, 1:] += lower
    flux = running @ (y - background)
    share = flux / flux[-1]
    matrix = (running - np.outer(share, running[-1])) / flux[-1]
    back = np.linalg.solve((np.eye(y.size) + step * matrix).T, w)
    return -step * (matrix.T @ back), -float(back @ (1.0 - share)), -float(back @ share)


def _by_differences(spectrum: Spectrum, model: FitModel, weights: FloatArray, window: slice) -> FloatArray:
    """As `_static_slope`, channel by channel, for backgrounds without a derivative of their own."""
    slope = np.zeros(len(spectrum.axis))
    bare = replace(model, components=())
    base = spectrum.y
    reach = max(model.background.average, int(max((abs(v) for _, v in model.background.settings), default=0)), 8)

    def area(y: FloatArray) -> float:
        static = Evaluator(spectrum.with_(counts=y), bare).plan.static
        return 0.0 if static is None else float(weights @ static)

    for i in range(max(window.start - min(reach, 50), 0), min(window.stop + min(reach, 50), base.size)):
        step = max(1e-3 * abs(base[i]), 1e-3 * float(np.max(np.abs(base))), 1e-9)
        up, down = base.copy(), base.copy()
        up[i] += step
        down[i] -= step
        slope[i] = -(area(up) - area(down)) / (2.0 * step)
    return slope


def _fitted_slope(evaluator: Evaluator, model: FitModel, result: FitResult, weights: FloatArray) -> FloatArray:
    """Derivative of the area under a fitted background by the channels of the region.

    At a minimum parameters answer to the data by d theta/dy = C J^T V^-1, C the inverse of J^T V^-1 J.
    """
    parameters = evaluator.parameters
    start = parameters.start(model)[0]
    envelope, jacobian = evaluator.free(start)
    moving = [parameters.free.index(name) for name in result.free if name not in result.at_bound]
    if not moving:
        return np.zeros_like(weights)
    rows = jacobian[moving] / np.sqrt(variance_of(result.noise, envelope, evaluator.y))
    size = np.linalg.norm(rows, axis=1)
    size = np.where(size > 0, size, 1.0)
    unit = rows / size[:, None]
    # Unit rows keep the inverse exact where areas are large numbers and mixing parameters small ones.
    answer = np.linalg.pinv(unit @ unit.T, hermitian=True) @ unit / size[:, None]
    answer /= np.sqrt(variance_of(result.noise, envelope, evaluator.y))
    slopes = []
    for place, scale in zip(moving, size, strict=True):
        step = 1e-2 / scale  # a hundredth of the smallest error that the parameter could have
        ends = []
        for sign in (1.0, -1.0):
            free = start.copy()
            free[place] += sign * step
            ends.append(float(weights @ evaluator.parts(parameters.expand(free)[0]).background))
        slopes.append((ends[0] - ends[1]) / (2.0 * step))
    return np.array(slopes) @ answer
