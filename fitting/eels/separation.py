"""Separation of the zero-loss peak from the losses, one spectrum at a time, by five methods that say what they assume.

Energies are those of an aligned or calibrated axis; the zero-loss peak need not lie exactly at 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray
from fitting.eels.core_background import maximum_likelihood
from fitting.eels.zero_loss import locate
from fitting.solver import minimise
from libraries.errors import BadData, FitFailed, NotDetermined

Method = Literal["cut", "mirrored tail", "power law", "vacuum reference", "fitted"]
_MOST_STEPS = 64
METHODS: tuple[Method, ...] = ("mirrored tail", "fitted", "power law", "vacuum reference", "cut")


@dataclass(frozen=True, eq=False)
class Separation:
    """A spectrum in two parts.

    Attributes
    ----------
    zero_loss, inelastic : array, shape (n,)
        Their sum is the spectrum.
    area, area_err : float
        Zero-loss area I0 in counts, and the error of its counting and, where there is a model, of the model.
    method : str
    centre, limit : float
        Position of the peak, and the energy from which on losses are seen, both in eV.
    note : str
        What the method assumes.
    """

    zero_loss: FloatArray
    inelastic: FloatArray
    area: float
    area_err: float
    method: Method
    centre: float
    limit: float
    note: str


def split_energy(energy: FloatArray, counts: FloatArray, method: Literal["minimum", "inflexion"] = "minimum") -> float:
    """Where the zero-loss peak ends.

    Parameters
    ----------
    energy, counts : array, shape (n,)
    method : str
        "minimum": first minimum of J/E right of the peak, which lies in the gap even where J still falls;
        "inflexion": where the falling flank of the peak bends most slowly, the first maximum of dJ/dE.

    Returns
    -------
    float
        In eV.

    Raises
    ------
    NotDetermined
        If there is no such point.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 5.
    """
    peak = locate(energy, counts)
    centre, width = float(peak.position), float(peak.fwhm)
    # A running mean of half the peak's width keeps single counts from making minima.
    span = max(1, round(0.5 * width / float(np.mean(np.diff(energy)))) | 1)
    smooth = np.convolve(counts, np.full(span, 1.0 / span), mode="same")
    right = np.flatnonzero(energy > centre + width)
    right = right[right < energy.size - span]
    if method == "minimum":
        course = smooth[right] / (energy[right] - centre)
    elif method == "inflexion":
        course = -np.gradient(smooth, energy)[right]
    else:
        raise BadData(f"There is no method '{method}'", where="end of the zero-loss peak")
    turns = np.flatnonzero((course[1:-1] <= course[:-2]) & (course[1:-1] < course[2:])) + 1
    # The flank of the peak must have been left: the first turn below a twentieth of its height.
    low = [i for i in turns if smooth[right[i]] < 0.05 * float(peak.height)]
    if not low:
        raise NotDetermined("No end of the zero-loss peak is seen", where="zero-loss peak",
                            todo="Set the energy by hand, or use a fitted or measured peak")
    return float(energy[right[low[0]]])


def cut(energy: FloatArray, counts: FloatArray, limit: float, *, gain: float = 1.0) -> Separation:
    """Everything below `limit` is zero loss, everything above is not."""
    centre = _checked(energy, counts, limit)
    zero = np.where(energy < limit, counts, 0.0)
    return _result(counts, zero, gain * max(float(np.sum(zero)), 0.0), "cut", centre, limit,
                   "the tail above the limit counts as loss, losses below it as zero loss")


def mirrored_tail(energy: FloatArray, counts: FloatArray, limit: float, *, gain: float = 1.0) -> Separation:
    """The tail above `limit` is the left tail reflected about the centre.

    Parameters
    ----------
    energy, counts : array, shape (n,)
    limit : float
        From here on losses are seen, eV; below, all is zero loss.
    gain : float
        Counts per electron.

    Raises
    ------
    BadData
        If the left tail is not recorded as far as the limit.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 5.
    """
    centre = _checked(energy, counts, limit)
    if energy[0] > 2.0 * centre - limit:
        raise BadData("The left tail of the zero-loss peak is not recorded far enough to be reflected",
                      where=f"axis starts at {energy[0]:g} eV", todo="Use another method or a lower limit")
    above = energy >= limit
    # Beyond the recorded left tail there is nothing to reflect.
    reflected = np.interp(2.0 * centre - energy[above], energy, counts, left=0.0)
    zero = np.where(above, 0.0, counts)
    zero[above] = reflected
    variance = gain * float(np.sum(np.maximum(counts[~above], 0.0)))
    variance += 3.0 * gain * max(float(np.sum(reflected)), 0.0)  # its channels are counted twice: (1 + 1)^2 - 1
    return _result(counts, zero, variance, "mirrored tail", centre, limit, "the zero-loss peak is symmetric")


def power_law_tail(
    energy: FloatArray, counts: FloatArray, window: tuple[float, float], *, gain: float = 1.0
) -> Separation:
    """The tail is A (E - E0)^-r, fitted in a window that holds no loss.

    Parameters
    ----------
    energy, counts : array, shape (n,)
    window : tuple of float
        In eV, right of the peak and below the first loss; losses start at its end.
    gain : float

    Raises
    ------
    NotDetermined
        If the tail in the window does not fall like a power law.
    """
    low, high = min(window), max(window)
    centre = _checked(energy, counts, low)
    law = maximum_likelihood(energy - centre, counts, (low - centre, high - centre), gain=gain)
    if law.exponent <= 1.0:
        raise NotDetermined("The tail falls too slowly for a power law", where=f"{low:g} to {high:g} eV",
                            todo="Choose a window closer to the peak")
    above = energy > high
    zero = counts.copy()
    tail = law(energy[above] - centre)
    zero[above] = tail
    variance = gain * float(np.sum(np.maximum(counts[~above], 0.0))) + law.variance_of_sum(energy[above] - centre)
    return _result(counts, zero, variance, "power law", centre, high,
                   f"the tail falls as (E - E0)^-{law.exponent:.2f} from {low:g} eV on")


def vacuum_reference(
    energy: FloatArray, counts: FloatArray, reference_energy: FloatArray, reference: FloatArray, limit: float, *,
    gain: float = 1.0,
) -> Separation:
    """A zero-loss peak measured without specimen, moved and scaled to the peak of the spectrum.

    Parameters
    ----------
    energy, counts : array, shape (n,)
    reference_energy, reference : array, shape (m,)
        The vacuum spectrum, same instrument settings.
    limit : float
        The scale is taken from channels below it, eV.
    gain : float

    Raises
    ------
    NotDetermined
        If the reference is more than a tenth broader or narrower than the peak.
    """
    centre = _checked(energy, counts, limit)
    here, there = locate(energy, counts), locate(reference_energy, reference)
    if not 0.9 < float(there.fwhm) / float(here.fwhm) < 1.1:
        raise NotDetermined(f"The vacuum peak is {float(there.fwhm):.3f} eV wide, that of the spectrum "
                            f"{float(here.fwhm):.3f} eV", where="vacuum reference",
                            todo="Use a reference with the same focus and exposure")
    moved = np.interp(energy - centre + float(there.position), reference_energy, reference, left=0.0, right=0.0)
    used = energy < limit
    seen, known = float(np.sum(counts[used])), float(np.sum(moved[used]))
    if not (seen > 0 and known > 0):
        raise NotDetermined("There are no counts below the limit", where="vacuum reference")
    scale = seen / known
    zero = scale * moved
    # Relative variance of the scale: both sums are counted.
    variance = float(np.sum(zero)) ** 2 * gain * (1.0 / seen + 1.0 / known)
    return _result(counts, zero, variance, "vacuum reference", centre, limit,
                   "the peak has the shape of the vacuum measurement")


def fitted(energy: FloatArray, counts: FloatArray, limit: float, *, gain: float = 1.0) -> Separation:
    """A pseudo-Voigt peak with a width for either side, fitted below `limit`.

    Parameters
    ----------
    energy, counts : array, shape (n,)
    limit : float
        The fit takes the channels below it, eV.
    gain : float

    Raises
    ------
    FitFailed
        If the fit does not converge.
    """
    centre = _checked(energy, counts, limit)
    peak = locate(energy, counts)
    used = energy < limit
    x, y = energy[used], counts[used]
    start = np.array([float(peak.height), centre, float(peak.fwhm), float(peak.fwhm), 0.3])
    width = float(peak.fwhm)
    lower = [0.0, centre - width, 0.2 * width, 0.2 * width, 0.0]
    upper = [10.0 * start[0], centre + width, 5.0 * width, 5.0 * width, 1.0]
    if x.size < 8:
        raise NotDetermined("Too few channels for a fitted peak", where=f"below {limit:g} eV")
    model = _peak(start, x)
    for _ in range(4):  # the variance follows the model
        sigma = np.sqrt(gain * np.maximum(model, gain))
        solution = minimise(lambda p, s=sigma: (_peak(p, x) - y) / s, None, start, lower, upper)
        start, model = solution.x, _peak(solution.x, x)
    if solution.status != "converged":
        raise FitFailed(f"The zero-loss fit ended by '{solution.status}'", where="zero-loss peak")
    zero = _peak(solution.x, energy)
    gradient = np.array([np.sum(_peak(solution.x + h, energy) - _peak(solution.x - h, energy)) / (2.0 * np.sum(h))
                         for h in np.diag(1e-5 * np.maximum(np.abs(solution.x), 0.01 * width))])
    covariance = solution.covariance
    known = np.isfinite(np.diag(covariance))
    if not np.any(known):
        raise NotDetermined("The parameters of the zero-loss peak cannot be told apart", where="zero-loss peak")
    part = gradient[known]
    variance = float(part @ covariance[np.ix_(known, known)] @ part)
    return _result(counts, zero, variance, "fitted", float(solution.x[1]), limit,
                   "the peak is a pseudo-Voigt function with a width for either side")


@dataclass(frozen=True, eq=False)
class Rule:
    """How zero-loss peaks are told from losses, for one spectrum or for all of an image.

    Attributes
    ----------
    method : str
        One of `METHODS`.
    limit : float
        In eV: where losses begin; for the power law the end of its window.
    low : float or None
        Start of the power law's window, eV.
    reference : (energies, counts) or None
        The vacuum measurement.
    """

    method: Method
    limit: float
    low: float | None = None
    reference: tuple[FloatArray, FloatArray] | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise BadData(f"There is no method '{self.method}'", where="zero-loss removal",
                          todo=f"Use one of {', '.join(METHODS)}")
        if self.method == "power law" and (self.low is None or self.low >= self.limit):
            raise BadData("A power law needs a window that ends where losses begin", where="zero-loss removal")
        if self.method == "vacuum reference" and self.reference is None:
            raise BadData("The vacuum measurement is missing", where="zero-loss removal", todo="Choose the spectrum")


def separate(energy: FloatArray, counts: FloatArray, rule: Rule, *, gain: float = 1.0) -> Separation:
    """One spectrum in two parts by a rule; errors as of the method's own function."""
    if rule.method == "cut":
        return cut(energy, counts, rule.limit, gain=gain)
    if rule.method == "mirrored tail":
        return mirrored_tail(energy, counts, rule.limit, gain=gain)
    if rule.method == "fitted":
        return fitted(energy, counts, rule.limit, gain=gain)
    if rule.method == "power law":
        assert rule.low is not None
        return power_law_tail(energy, counts, (rule.low, rule.limit), gain=gain)
    assert rule.reference is not None
    return vacuum_reference(energy, counts, *rule.reference, rule.limit, gain=gain)


def separate_rows(energy: FloatArray, rows: FloatArray, rule: Rule) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Zero-loss parts of many spectra by one rule.

    Parameters
    ----------
    energy : array, shape (n,)
    rows : array, shape (k, n)
    rule : Rule

    Returns
    -------
    zero_loss : array, shape (k, n)
        All zero where there is none.
    found : array of bool, shape (k,)
        Whether the peak could be told; each row as `separate` tells it.
    """
    peaks = locate(energy, rows, strict=False)
    found = (peaks.fault == 0) & (peaks.position < rule.limit) & (np.sum(rows, axis=1) > 0)
    zero = np.zeros(rows.shape)
    if rule.method == "vacuum reference":
        for k in np.flatnonzero(found):
            try:
                zero[k] = separate(energy, rows[k], rule).zero_loss
            except (BadData, NotDetermined):
                found[k] = False
        return zero, found
    if rule.method == "fitted":
        used = energy < rule.limit
        if np.count_nonzero(used) < 8:
            return zero, np.zeros(len(rows), bool)
        start = np.column_stack([peaks.height, peaks.position, peaks.fwhm, peaks.fwhm, np.full(len(rows), 0.3)])
        good = np.flatnonzero(found)
        values, converged = _fit_rows(energy[used], rows[good][:, used], start[good])
        found[good] = converged
        zero[good[converged]] = _peak(values[converged].T[..., None], energy)
        return zero, found
    below = energy <= rule.limit if rule.method == "power law" else energy < rule.limit
    zero[:, below] = rows[:, below]
    if rule.method == "mirrored tail":
        found &= energy[0] <= 2.0 * peaks.position - rule.limit
        for k in np.flatnonzero(found):
            zero[k, ~below] = np.interp(2.0 * peaks.position[k] - energy[~below], energy, rows[k], left=0.0)
    elif rule.method == "power law":
        assert rule.low is not None
        for k in np.flatnonzero(found):
            try:
                zero[k] = power_law_tail(energy, rows[k], (rule.low, rule.limit)).zero_loss
            except (BadData, NotDetermined):
                found[k] = False
    zero[~found] = 0.0
    return zero, found


def _fit_rows(x: FloatArray, y: FloatArray, start: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """The fit of `fitted` for many spectra at once, (k, 5) values: damped Gauss-Newton, variance after the model."""
    values, width = start.copy(), start[:, 2:3]
    low = np.column_stack([np.zeros(len(y)), start[:, 1:2] - width, 0.2 * width, 0.2 * width, np.zeros(len(y))])
    high = np.column_stack([10 * start[:, :1], start[:, 1:2] + width, 5 * width, 5 * width, np.ones(len(y))])
    scale = np.column_stack([start[:, :1], width, width, width, np.ones(len(y))])
    damping, moved = np.full(len(y), 1e-3), np.full(len(y), np.inf)
    variance = np.maximum(_peak(values.T[..., None], x), 1.0)
    for number in range(_MOST_STEPS):
        if number % 8 == 0:
            variance = np.maximum(_peak(values.T[..., None], x), 1.0)
        model = _peak(values.T[..., None], x)
        slopes = np.stack([
            (_peak((values + 1e-6 * scale * e).T[..., None], x) - model) / 1e-6 for e in np.eye(5)
        ], axis=1)  # by parameters in units of `scale`
        right = np.einsum("kin,kn->ki", slopes, (y - model) / variance)
        held = ((values <= low) & (right < 0)) | ((values >= high) & (right > 0))
        slopes, right = np.where(held[..., None], 0.0, slopes), np.where(held, 0.0, right)
        normal = np.einsum("kin,kn,kjn->kij", slopes, 1.0 / variance, slopes)
        size = np.einsum("kii->ki", normal) + 1e-300
        normal += np.einsum("k,ki,ij->kij", damping, size, np.eye(5)) + 1e-12 * size.max() * np.eye(5)
        tried = np.clip(values + scale * np.linalg.solve(normal, right[..., None])[..., 0], low, high)
        before = np.sum((y - model) ** 2 / variance, axis=1)
        after = np.sum((y - _peak(tried.T[..., None], x)) ** 2 / variance, axis=1)
        better = after <= before * (1 + 1e-12)
        step = np.max(np.abs(tried - values) / scale, axis=1)
        values = np.where(better[:, None], tried, values)
        moved = np.where(better, step, moved)
        damping = np.clip(np.where(better, 0.2 * damping, 8.0 * damping), 1e-9, 1e9)
        if number % 8 == 7 and np.all((moved < 1e-6) | (damping > 1e6)):
            break
    return values, (moved < 1e-4) | (damping > 1e6)


def _peak(p: FloatArray, x: FloatArray) -> FloatArray:
    height, centre, left, right, share = p
    u = (x - centre) / np.where(x < centre, left, right)
    return height * (share / (1.0 + 4.0 * u**2) + (1.0 - share) * np.exp(-4.0 * np.log(2.0) * u**2))


def _checked(energy: FloatArray, counts: FloatArray, limit: float) -> float:
    if np.ndim(counts) != 1:
        raise BadData("One spectrum at a time", where="zero-loss separation")
    peak = locate(energy, counts)
    if np.sum(counts) <= 0:
        raise BadData("The spectrum holds no counts in all", where="zero-loss separation",
                      todo="Check the dark correction")
    centre = float(peak.position)
    if not centre < limit <= energy[-1]:
        raise BadData(f"The limit of {limit:g} eV does not lie right of the peak at {centre:.3g} eV and on the axis",
                      where="zero-loss separation", todo="Choose where the first loss is seen")
    return centre


def _result(
    counts: FloatArray, zero: FloatArray, variance: float, method: Method, centre: float, limit: float, note: str
) -> Separation:
    area = float(np.sum(zero))
    if not area > 0:
        raise NotDetermined("The zero-loss area is not above zero", where=method)
    return Separation(zero, counts - zero, area, float(np.sqrt(variance)), method, centre, limit, note)
