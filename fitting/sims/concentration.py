"""Concentrations of a species in one matrix from the signal ratio and a relative sensitivity factor.

    rho(z) = RSF (I_i - I_b) / I_m,     areal density = integral of rho dz,

in the dilute limit and in the matrix for which the factor holds (Wilson, Stevie, Magee 1989; ISO 18114). Detection
limit: three standard deviations of single background points above the background; never less than three counts, below
which a point has a chance of more than exp(-3) = 5 % to count nothing at all.

Where the matrix signal leaves its median by more than a fifth, or the species is more than 1 % of the atoms, the factor
does not hold; these depths are told, and nothing is corrected.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from fitting.dataset import FloatArray, frozen_array
from fitting.sims.ion_pair import CM, Background, IonPair, background_of, integral
from fitting.sims.sensitivity import Factor
from libraries.errors import BadModel, NotDetermined

DILUTE = 0.01  # of the atoms: usual limit of proportionality (design notes after Wilson, Stevie, Magee)
CHANGED = 0.2  # of the matrix signal: chosen
_THINNEST, _DENSEST = 8e21, 1.8e23  # atoms/cm3 of caesium and diamond: any solid lies between
_LEAST = 3.0  # counts
_NEIGHBOURS = 5
_TOP, _CERTAIN = 0.8, 20.0  # share of the maximum, standard errors: chosen (tests/fitting/sims/test_sensitivity.py)


@dataclass(frozen=True, eq=False)
class Peak:
    """Where the concentration is largest.

    Attributes
    ----------
    value, error : float
        Atoms/cm3; the error holds counting and factor, and of a mean what `mean_of` says.
    depth, depth_error : float
        nm.
    mean_of : int
        0 where a parabola through the points above four fifths of the maximum told it; else of how many points it is
        the mean: as few as make it certain to a twentieth. Of one point noise makes it too high, of many a sharp
        maximum too low.
    """

    value: float
    error: float
    depth: float
    depth_error: float
    mean_of: int


@dataclass(frozen=True, eq=False)
class Concentration:
    """The concentration of a species along the depth.

    Attributes
    ----------
    depth : array, shape (n,)
        nm.
    values : array, shape (n,)
        Atoms/cm3; below zero where noise puts the signal below the background.
    own_error : array, shape (n,)
        Of counting and background.
    error : array, shape (n,)
        With the factor's, which moves all points together.
    inside : array of bool, shape (n,)
        Points of the evaluated range.
    valid : array of bool, shape (n,)
        Points of it at which the factor holds as far as it can be seen.
    areal, areal_error : float
        Atoms/cm2 in the evaluated range.
    areal_parts : tuple of (source, float)
        What the error of the areal density is made of, atoms/cm2.
    peak : Peak
    background, background_error : float
        Concentration that the background looks like; NaN where none was chosen.
    limit : float
        Detection limit at a single point, atoms/cm3; NaN where no background was chosen.
    factor : Factor
    fraction : float
        Share of the element's atoms that the isotope has, 1 where the isotope itself is told.
    remarks : tuple of str
    """

    depth: FloatArray
    values: FloatArray
    own_error: FloatArray
    error: FloatArray
    inside: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    areal: float
    areal_error: float
    areal_parts: tuple[tuple[str, float], ...]
    peak: Peak
    background: float
    background_error: float
    limit: float
    factor: Factor
    fraction: float
    remarks: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("depth", "values", "own_error", "error"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))
        for name in ("inside", "valid"):
            getattr(self, name).flags.writeable = False


def concentration(pair: IonPair, factor: Factor, part: slice = slice(None), flat: slice | None = None, *,
                  subtract: bool = True, density: float = 0.0, fraction: float = 1.0) -> Concentration:
    """Concentrations along a profile.

    Parameters
    ----------
    pair : IonPair
    factor : Factor
        Of the isotope that the ion holds.
    part : slice
        Points that are evaluated.
    flat : slice, optional
        Points in which there is background alone; they give the detection limit.
    subtract : bool
        Whether the background is taken off.
    density : float
        Atoms of the matrix, atoms/cm3; 0 where it is not known.
    fraction : float
        Natural abundance of the isotope, for the concentration of the element.

    Raises
    ------
    BadModel, NotDetermined
        If a number is impossible, or the range is empty.
    """
    if not 0 < fraction <= 1:
        raise BadModel("An abundance lies between 0 and 1")
    if not (math.isfinite(density) and density >= 0):
        raise BadModel("The atom density of the matrix must be zero or above")
    inside = np.zeros(pair.ion.size, bool)
    inside[part] = True
    if inside.sum() < 2:
        raise NotDetermined("The evaluated range holds fewer than two points", todo="Make it wider")
    background = background_of(pair, flat) if flat is not None else None
    taken = background if subtract else None
    scale = factor.value / fraction
    net = pair.ratio - (taken.value if taken is not None else 0.0)
    values = scale * net
    own = scale * np.hypot(pair.own_error, taken.error if taken is not None else 0.0)
    relative = factor.relative
    error = np.hypot(own, relative * values)
    areal, areal_error, parts = _areal(pair, factor, part, taken, scale)
    changed = _changed(pair, inside)
    dense = _dense(values, own, density)
    peak = _peak(pair, values, own, relative, part)
    remarks = (*_limits_told(pair, values, changed, dense, inside, density), *_seen(areal, areal_error, peak),
               *_told(factor, background, subtract))
    limit, level, level_error = _limit(pair, background, subtract, scale, relative)
    return Concentration(pair.depth, values, own, error, inside, inside & ~changed & ~dense, areal, areal_error, parts,
                         peak, level, level_error, limit, factor, fraction, remarks)


def _areal(pair: IonPair, factor: Factor, part: slice, background: Background | None,
           scale: float) -> tuple[float, float, tuple[tuple[str, float], ...]]:
    """Atoms/cm2, their error and what it is made of."""
    area = integral(pair, part, background)
    value = scale * area.value
    if factor.pair is pair and factor.area is not None:
        # The factor comes from these very counts: what both integrals share cancels.
        rest = area.less(factor.area, area.value / factor.area.value)
        own = abs(value) * factor.beyond_area()
    else:
        rest = area
        own = abs(value) * factor.relative
    counting = rest.counting_error(pair)
    if not np.any(pair.ion[part] > 0) and math.isfinite(pair.gains[0]):
        # No counts at all still leave room for one.
        counting = max(counting, pair.gains[0] * float(np.mean(pair.widths[part] / pair.below[part])))
    parts = (("factor", own), ("counting", scale * counting), ("depth", scale * rest.depth_error))
    return value, math.sqrt(sum(size**2 for _, size in parts)), parts


def _changed(pair: IonPair, inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Points of the range at which the matrix signal is another one than in the middle of all."""
    near = np.ones(min(_NEIGHBOURS, pair.matrix.size))  # "same" is the length of the longer one
    count = np.convolve(np.ones(pair.matrix.size), near, "same")
    mean = np.convolve(pair.matrix, near, "same") / count
    level = float(np.median(pair.matrix[inside]))
    noise = pair.gains[1] if math.isfinite(pair.gains[1]) else 0.0
    room = CHANGED * level + 3.0 * np.sqrt(noise * max(level, 1e-300) / count)
    return inside & (np.abs(mean - level) > room)


def _dense(values: FloatArray, own: FloatArray, density: float) -> NDArray[np.bool_]:
    """Points that are surely no longer dilute."""
    most = DILUTE * (density or _DENSEST)
    return np.asarray(values - np.nan_to_num(own) > most)


def _peak(pair: IonPair, values: FloatArray, own: FloatArray, relative: float, part: slice) -> Peak:
    """The largest concentration of a range, from a parabola through its top where that can be fitted."""
    z, y, sigma = pair.depth[part], values[part], own[part]
    smooth, noise, half = _smoothed(y, sigma)
    top = int(np.argmax(smooth))
    level = _TOP * smooth[top] - 2.0 * np.nan_to_num(noise)
    first, last = top, top
    while first > 0 and smooth[first - 1] > level[first - 1]:
        first -= 1
    while last < y.size - 1 and smooth[last + 1] > level[last + 1]:
        last += 1
    if last - first >= 4 and smooth[top] > 0 and first > 0 and last < y.size - 1:
        chosen = slice(first, last + 1)
        found = _vertex(z[chosen], y[chosen], sigma[chosen])
        if found is not None and z[first] < found[2] < z[last]:
            value, error, place, place_error = found
            return Peak(value, math.hypot(error, relative * value), place,
                        math.hypot(place_error, _depth_error(pair, place)), 0)
    place, value = float(z[top]), float(smooth[top])
    around = float(pair.widths[part][max(top - half, 0) : top + half + 1].sum()) / CM / math.sqrt(12.0)
    within = y[max(top - half, 0) : top + half + 1]
    # A mean of many flattens the top: at an end by half of the fall along a straight line, else by four thirds of what
    # its inner half says otherwise (a parabola).
    inner = float(np.mean(y[max(top - half // 2, 0) : top + half // 2 + 1]))
    flattened = 4.0 / 3.0 * (inner - value)
    if within.size < 2 * half + 1:
        flattened = 0.5 * (within.size - 1) * float(np.polyfit(np.arange(within.size), within, 1)[0])
    # It was chosen as the highest of all means that cannot be told from it: the median of so many normal numbers.
    alike = np.count_nonzero(smooth + 3.0 * np.hypot(noise, noise[top]) > value) / (2 * half + 1)
    chosen = float(noise[top] * ndtri(0.5 ** (1.0 / max(alike, 1.0))))
    error = math.sqrt(float(noise[top]) ** 2 + flattened**2 + chosen**2 + (relative * value) ** 2)
    return Peak(value, error, place, math.hypot(around, _depth_error(pair, place)), within.size)


def _smoothed(y: FloatArray, sigma: FloatArray) -> tuple[FloatArray, FloatArray, int]:
    """Means over as few neighbours as make the largest of them certain, their errors, and how many to each side."""
    known = bool(np.all(np.isfinite(sigma)))
    for half in (0, 1, 2, 3, 5, 8, 12, 18, 26, 40, 60):
        kernel = np.ones(2 * half + 1)
        count = np.convolve(np.ones(y.size), kernel, "same")[: y.size] if kernel.size <= y.size else kernel[:0]
        if count.size == 0 or kernel.size > max(y.size // 4, 1):
            break
        smooth = np.convolve(y, kernel, "same") / count
        noise = np.sqrt(np.convolve(sigma**2, kernel, "same")) / count
        found = smooth, noise, half
        top = int(np.argmax(smooth))
        if (known and smooth[top] > _CERTAIN * noise[top]) or (not known and half == 1):
            break
    return found


def _vertex(z: FloatArray, y: FloatArray, sigma: FloatArray) -> tuple[float, float, float, float] | None:
    """Height and place of the top of a parabola with their errors; None where it does not bend surely.

    A Gaussian above four fifths of its maximum is higher than this parabola by 0.2 % (fourth-order term); measured,
    with the points that noise adds at its ends, 0.4 %.
    """
    middle, half = 0.5 * (z[0] + z[-1]), 0.5 * (z[-1] - z[0])
    x = (z - middle) / half
    design = np.stack([np.ones_like(x), x, x**2], axis=1)
    # Even weights: own errors grow with the counts themselves, and would pull the curve down.
    solution = np.linalg.lstsq(design, y, rcond=None)[0]
    noise = sigma if np.all(np.isfinite(sigma)) else np.full(
        x.size, float(np.sqrt(np.sum((y - design @ solution) ** 2) / (x.size - 3))))
    spread = np.linalg.pinv(design) * noise
    covariance = spread @ spread.T
    if not solution[2] < -2.0 * math.sqrt(covariance[2, 2]):
        return None
    at = -0.5 * solution[1] / solution[2]
    height = solution[0] + 0.5 * at * solution[1]
    by_height = np.array([1.0, at, at**2])
    by_place = np.array([0.0, -0.5 / solution[2], 0.5 * solution[1] / solution[2] ** 2])
    return (float(height), math.sqrt(float(by_height @ covariance @ by_height)), float(middle + half * at),
            half * math.sqrt(float(by_place @ covariance @ by_place)))


def _depth_error(pair: IonPair, place: float) -> float:
    """nm by which the depth scale may be wrong at a depth."""
    if not len(pair.parts):
        return 0.0
    start = (pair.depth[0] + 0.5 * pair.widths[0] / CM) - float(pair.widths[0]) / CM
    sums = np.concatenate([np.zeros((len(pair.parts), 1)), np.cumsum(pair.parts, axis=1)], axis=1) / CM
    edges = start + np.concatenate([[0.0], np.cumsum(pair.widths)]) / CM
    return math.sqrt(sum(float(np.interp(place, edges, one)) ** 2 for one in sums))


def _limit(pair: IonPair, background: Background | None, subtract: bool, scale: float,
           relative: float) -> tuple[float, float, float]:
    """Detection limit, and the concentration of the background with its error."""
    if background is None:
        return math.nan, math.nan, math.nan
    least = _LEAST * pair.gains[0] / background.matrix if math.isfinite(pair.gains[0]) else 0.0
    above = max(3.0 * math.hypot(background.scatter, background.error), least)
    level = scale * background.value
    return (scale * (above if subtract else background.value + above), level,
            math.hypot(scale * background.error, relative * level))


def _limits_told(pair: IonPair, values: FloatArray, changed: NDArray[np.bool_], dense: NDArray[np.bool_],
                 inside: NDArray[np.bool_], density: float) -> list[str]:
    """Where the factor does not hold, and what could not be tested."""
    remarks = []
    if np.any(changed):
        level = float(np.median(pair.matrix[inside]))
        ends = pair.matrix[changed] / max(level, 1e-300)
        remarks.append(f"another matrix at {stretches(pair.depth, changed)}: its signal is {ends.min():.2g} to "
                       f"{ends.max():.2g} times the median of the range, and the factor does not hold there")
    if np.any(dense & inside):
        of = "" if density else " of any solid (its atom density is not given)"
        remarks.append(f"more than 1 % of the atoms{of} at {stretches(pair.depth, dense & inside)}: signals are no "
                       "longer proportional to the concentration")
    elif not density and float(values[inside].max()) > DILUTE * _THINNEST:
        remarks.append("the dilute limit (1 % of the atoms) could not be tested: give the atom density of the matrix")
    return remarks


def _seen(areal: float, error: float, peak: Peak) -> list[str]:
    """Whether the numbers are above nothing, and what the largest one is."""
    if areal < -3.0 * error:
        return ["there is less signal in the evaluated range than in that of the background: choose another one"]
    if areal < 3.0 * error and peak.value < 3.0 * peak.error:
        return ["nothing is seen above the background: neither areal density nor largest concentration is three times "
                "its error"]
    if peak.mean_of == 1:
        return ["the largest concentration is that of the highest point"]
    return [f"the largest concentration is the mean of {peak.mean_of} points"] if peak.mean_of else []


def _told(factor: Factor, background: Background | None, subtract: bool) -> list[str]:
    """What is to be known of factor and background."""
    remarks = list(factor.remarks)
    if background is not None and not background.flat:
        text = f"the background is not flat (χ²ᵣ {background.chi2:.1f}): its error is enlarged"
        remarks += [] if text in remarks else [text]
    if background is not None and not subtract:
        remarks.append("the background is part of the concentration")
    return remarks


def stretches(depth: FloatArray, chosen: NDArray[np.bool_]) -> str:
    """Depths of chosen points: "0.4 to 8.2 nm and 15 to 22 nm"; short gaps are closed, three stretches are named."""
    places = np.flatnonzero(chosen)
    breaks = np.flatnonzero(np.diff(places) > 3)
    runs = np.split(places, breaks + 1)
    runs.sort(key=len, reverse=True)
    named = sorted(runs[:3], key=lambda run: int(run[0]))
    words = [f"{depth[run[0]]:.3g} to {depth[run[-1]]:.3g} nm" if run.size > 1 else f"{depth[run[0]]:.3g} nm"
             for run in named]
    more = len(runs) - len(named)
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) + (f" and {more} more" if more > 0 else "")
