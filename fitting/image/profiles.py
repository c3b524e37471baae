"""Line profiles of maps: from A to B, averaged over a width, with errors; and the step of a reaction front.

Every pixel whose middle lies inside the strip belongs to one point of the profile, so that the points are independent
of each other; nothing is interpolated. A point lies at the mean place of its pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import least_squares
from scipy.special import ndtr

from fitting.dataset import Axis, FloatArray
from fitting.image.classes import is_classes
from fitting.image.maps import Map
from libraries.errors import BadData, NotDetermined

Weighting = Literal["equal", "errors"]
_PLATEAU = 0.2  # share of the points at each end that the first guess takes as plateau
_LEAST = 1e-3  # of a step of the profile, the shortest sigma
_SHARP = 0.3  # of a step: a shorter sigma cannot be told from none


@dataclass(frozen=True)
class Line:
    """A line drawn on an image.

    Attributes
    ----------
    id, name : str
    start, end : (column, row)
        In pixel coordinates: 0.5 is the middle of the first pixel.
    width : float
        Full width of the strip, in columns of the image.

    Raises
    ------
    BadData
        If the numbers are not finite, the line has no length or the width is not above zero.
    """

    id: str
    name: str
    start: tuple[float, float]
    end: tuple[float, float]
    width: float = 5.0

    def __post_init__(self) -> None:
        for end in ("start", "end"):
            column, row = getattr(self, end)
            object.__setattr__(self, end, (float(column), float(row)))
        if not all(math.isfinite(value) for value in (*self.start, *self.end, self.width)):
            raise BadData("A line needs two points and a width", where=self.name)
        if math.dist(self.start, self.end) <= 0 or self.width <= 0:
            raise BadData("A line needs a length and a width above zero", where=self.name)


@dataclass(frozen=True)
class Scale:
    """Size of a pixel: columns and rows in `unit`; 1 and "px" where the axes of the image are no lengths."""

    column: float = 1.0
    row: float = 1.0
    unit: str = "px"


def scale_of(navigation: tuple[Axis, ...]) -> Scale:
    """Size of the pixels of an image; "px" unless both axes are lengths of one unit."""
    if len(navigation) == 1:
        axis = navigation[0]
        known = axis.quantity in ("distance", "depth") and axis.unit and axis.step > 0
        return Scale(axis.step, axis.step, axis.unit) if known else Scale()
    if len(navigation) != 2:
        return Scale()
    rows, columns = navigation
    lengths = all(axis.quantity == "distance" and axis.unit and axis.step > 0 for axis in navigation)
    return Scale(columns.step, rows.step, columns.unit) if lengths and rows.unit == columns.unit else Scale()


@dataclass(frozen=True, eq=False)
class Profile:
    """A quantity along a line.

    Attributes
    ----------
    position : array, shape (n,)
        Distance from the start of the line, in `unit`.
    value : array, shape (n,)
        Mean over the pixels of each point.
    error : array, shape (n,)
        Standard error of the mean propagated from the errors of the pixels; NaN where they are not determined.
    scatter : array, shape (n,)
        Standard error of the mean from the scatter of the pixels, standard deviation over sqrt(n); NaN below two
        pixels. Larger than `error` where the specimen varies across the strip.
    pixels : array of int, shape (n,)
    left_out : int
        Pixels in the strip without a value, or flagged.
    name, quantity_unit, unit : str
        Of the map and its values, and unit of the positions.
    """

    position: FloatArray
    value: FloatArray
    error: FloatArray
    scatter: FloatArray
    pixels: np.ndarray
    left_out: int
    name: str
    quantity_unit: str
    unit: str

    @property
    def best_error(self) -> FloatArray:
        """The larger of both errors of each point."""
        return np.fmax(self.error, self.scatter)


def strip(shape: tuple[int, ...], line: Line, scale: Scale) -> tuple[FloatArray, FloatArray, float]:
    """Where every pixel lies along and across a line, in the unit of the scale, and the length of the line."""
    rows, columns = (1, shape[0]) if len(shape) == 1 else shape
    y, x = np.mgrid[0:rows, 0:columns] + 0.5
    dx, dy = (line.end[0] - line.start[0]) * scale.column, (line.end[1] - line.start[1]) * scale.row
    length = math.hypot(dx, dy)
    px, py = (x - line.start[0]) * scale.column, (y - line.start[1]) * scale.row
    along, across = (px * dx + py * dy) / length, (py * dx - px * dy) / length
    return along.reshape(shape), across.reshape(shape), length


def profile(
    one: Map, line: Line, scale: Scale, *, step: float | None = None, weighting: Weighting = "equal"
) -> Profile:
    """A map along a line.

    Parameters
    ----------
    one : Map
    line : Line
    scale : Scale
    step : float, optional
        Distance of the points in the unit of the scale; the size of a pixel by default.
    weighting : "equal" or "errors"
        "errors" weights pixels by 1/error^2. Errors of counts follow the counts, so that such a mean lies low; the
        plain mean does not.

    Raises
    ------
    BadData
        If no pixel lies on the strip.
    """
    _no_classes(one)
    along, across, length = strip(one.shape, line, scale)
    step = step or min(scale.column, scale.row)
    if not (math.isfinite(step) and step > 0):
        raise BadData("The step of a profile must be above zero", where=one.name)
    half = 0.5 * line.width * scale.column
    inside = (along >= 0) & (along <= length) & (np.abs(across) <= half)
    used = inside & one.good
    left_out = int(np.count_nonzero(inside) - np.count_nonzero(used))
    if not used.any():
        raise BadData("No pixel with a value lies on the line", where=one.name, todo="Move the line or widen it")
    place, value = along[used], one.values[used]
    sigma = np.full(value.size, np.nan) if one.error is None else one.error[used]
    weight = np.ones(value.size)
    if weighting == "errors":
        known = np.isfinite(sigma) & (sigma > 0)
        if not known.all():
            raise NotDetermined("Pixels without errors cannot be weighted by them", where=one.name,
                                todo="Weight all pixels equally")
        weight = 1.0 / sigma**2
    index = np.minimum((place / step).astype(int), max(math.ceil(length / step) - 1, 0))
    _bins, index = np.unique(index, return_inverse=True)
    count = np.bincount(index)
    total = np.bincount(index, weight)
    mean = np.bincount(index, weight * value) / total
    position = np.bincount(index, weight * place) / total
    error = np.sqrt(np.bincount(index, (weight * sigma) ** 2)) / total
    squares = np.bincount(index, weight * (value - mean[index]) ** 2) / total
    many = count > 1
    scatter = np.where(many, np.sqrt(squares / np.where(many, count - 1, 1)), np.nan)
    return Profile(position, mean, error, scatter, count, left_out, one.name, one.unit, scale.unit)


def _no_classes(one: Map) -> None:
    if is_classes(one):
        raise BadData("Classes have no mean along a line", where=one.name, todo="Choose maps of numbers")


def along_series(one: Map, axis: Axis) -> Profile:
    """A map of a series against its axis: each spectrum is a point.

    Raises
    ------
    BadData
        If the map does not belong to that axis, or holds no value.
    """
    _no_classes(one)
    if one.shape != (len(axis),):
        raise BadData("The map is not one of this series", where=one.name)
    used = one.good
    if not used.any():
        raise BadData("The map holds no value", where=one.name)
    count = int(np.count_nonzero(used))
    error = np.full(count, np.nan) if one.error is None else one.error[used]
    return Profile(axis.values[used], one.values[used], error, np.full(count, np.nan), np.ones(count, dtype=int),
                   used.size - count, one.name, one.unit, axis.unit)


@dataclass(frozen=True, eq=False)
class Front:
    """A step along a profile, fitted by an error function.

    Attributes
    ----------
    position, position_error : float
        Of its middle, in the unit of the profile.
    width, width_error : float
        Distance of 16 and 84 %, two sigma of the error function.
    before, before_error, after, after_error : float
        Plateaus.
    reduced_chi2 : float
        NaN where the points have no errors: then all errors come from the residuals.
    unresolved : bool
        The width is not determined: the step is sharper than the distance of the points (it then lies between two of
        them, with the error of an even distribution), or longer than the profile.
    unit, value_unit : str
    """

    position: float
    position_error: float
    width: float
    width_error: float
    before: float
    before_error: float
    after: float
    after_error: float
    reduced_chi2: float
    unresolved: bool
    unit: str
    value_unit: str

    def curve(self, position: FloatArray) -> FloatArray:
        """The step at positions."""
        z = (np.asarray(position, dtype=float) - self.position) / max(0.5 * self.width, 1e-12)
        return self.before + (self.after - self.before) * ndtr(z)


def front(found: Profile) -> Front:
    """Fit an error-function step to a profile.

    The points are weighted by the larger of their two errors; where reduced chi2 exceeds one, all errors are
    multiplied by its root (the specimen is not the model). The width holds that of a pixel and of the beam.

    Raises
    ------
    NotDetermined
        If there are fewer than six points, or no step is seen.

    References
    ----------
    16-84 % width of an error function: as in depth profiling, ISO 14606.
    """
    z, y = found.position, found.value
    if z.size < 6:
        raise NotDetermined(f"{z.size} points are too few for a front", todo="Draw a longer line")
    sigma = found.best_error
    known = bool(np.all(np.isfinite(sigma) & (sigma > 0)))
    if not known:
        sigma = np.ones(z.size)
    ends = max(1, round(_PLATEAU * z.size))
    before, after = float(np.mean(y[:ends])), float(np.mean(y[-ends:]))
    if before == after or np.ptp(y) == 0:
        raise NotDetermined("No step is seen along the line", todo="Draw it across the front")
    span, step = float(z[-1] - z[0]), float(np.median(np.diff(z)))

    def residual(p: FloatArray) -> FloatArray:
        return (p[0] + (p[1] - p[0]) * ndtr((z - p[2]) / p[3]) - y) / sigma

    def jacobian(p: FloatArray) -> FloatArray:
        t = (z - p[2]) / p[3]
        share, density = ndtr(t), np.exp(-0.5 * np.minimum(t * t, 1400.0)) / math.sqrt(2.0 * math.pi)
        slope = (p[1] - p[0]) * density / p[3]
        return np.stack((1.0 - share, share, -slope, -slope * t), axis=1) / sigma[:, None]

    low = np.array([-np.inf, -np.inf, z[0] - 0.1 * span, _LEAST * step])
    high = np.array([np.inf, np.inf, z[-1] + 0.1 * span, span])
    share = (y - before) / (after - before)
    starts = (float(z[np.argmin(np.abs(share - 0.5))]), float(np.median(z)))
    tried = [least_squares(residual, np.array([before, after, middle, width]), jacobian, (low, high), x_scale="jac")
             for middle in starts for width in (step, 0.15 * span)]
    best = min(tried, key=lambda result: float(result.cost))
    values, dof = best.x, z.size - 4
    chi2 = 2.0 * float(best.cost) / dof
    sharp = bool(values[3] < _SHARP * step)
    unresolved = sharp or bool(values[3] >= 0.999 * span or values[2] <= low[2] or values[2] >= high[2])
    errors = _errors(best.jac, sharp, unresolved) * math.sqrt(chi2 if not known else max(chi2, 1.0))
    if sharp:
        # Sharper than the distance of the points: the step lies anywhere between two of them.
        after_it = min(max(int(np.searchsorted(z, values[2])), 1), z.size - 1)
        values[2] = 0.5 * (z[after_it - 1] + z[after_it])
        errors[2] = (z[after_it] - z[after_it - 1]) / math.sqrt(12.0)
    return Front(float(values[2]), float(errors[2]), 2.0 * float(values[3]), 2.0 * float(errors[3]), float(values[0]),
                 float(errors[0]), float(values[1]), float(errors[1]), chi2 if known else math.nan, unresolved,
                 found.unit, found.quantity_unit)


def _errors(jacobian: FloatArray, sharp: bool, unresolved: bool) -> FloatArray:
    """Standard errors from the curvature; NaN where the data do not tell."""
    kept = np.array([0, 1] if sharp else [0, 1, 2] if unresolved else [0, 1, 2, 3])
    part = jacobian[:, kept]
    errors = np.full(4, np.nan)
    curvature = part.T @ part
    if np.linalg.matrix_rank(curvature) == kept.size:
        errors[kept] = np.sqrt(np.diag(np.linalg.inv(curvature)))
    return errors
