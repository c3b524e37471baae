"""Sodium metal or carbon: four models of the losses about 5.5 eV compared, with everything else that tells.

The bulk plasmon of sodium (5.7 eV) and the pi-pi* transition of carbon (5.4 eV) lie too close to be told apart by
energy. Their widths differ (0.3 to 0.5 eV against 2 to 3 eV), sodium repeats itself at twice the energy, has a surface
plasmon and an L2,3 edge. So four models, convolved with the measured zero loss, are fitted: neither, sodium, carbon,
both. The answer has weights, and is "not determined" where the data cannot tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import Axis, FloatArray, Spectrum
from fitting.eels.log_ratio import gain_of
from fitting.eels.low_loss import Zero, low_loss_model, zero_of
from fitting.engine import fit
from fitting.model import FitModel
from fitting.param import Param
from fitting.result import FitResult
from fitting.solver import Cancel, Progress
from fitting.statistics import correlation_factor
from libraries.errors import BadData, Cancelled, NotDetermined

CLEAR = 6.0  # difference of BIC below which two models are not told apart (science notes E8)
WORST = 2.0  # reduced chi2 above which no model describes the data
# A zero loss as wide as the difference of the two widths hides it: pi-pi* is at least 2, sodium at most 0.5 eV wide.
WIDEST = 1.5
LATEST = 4.5  # eV: the losses must be seen from here on
REFERENCE_NA = (5.7, 0.45)  # position and width of the sodium that an upper limit speaks of, eV
ONE_SIDED = 1.6449  # 95 % of a normal distribution lie below
TWO_SIDED = 1.9600
_VERDICTS = ("neither", "sodium", "carbon", "both")
_SODIUM = ("na", "na2", "na_s")
_ALWAYS = ("ps", "na_l", "na_x")
HYPOTHESES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("neither", "neither", ()),
    ("sodium", "Na metal", _SODIUM),
    ("carbon", "carbon π–π*", ("pi",)),
    ("both", "Na metal and carbon", ("pi", *_SODIUM)),
)
SOURCE = "science notes E8; BIC: G. Schwarz, Ann. Stat. 6, 461 (1978)"


@dataclass(frozen=True, eq=False)
class Candidate:
    """One of the four.

    Attributes
    ----------
    key, title : str
    result : FitResult
    bic : float
        Relative to the best one.
    weight : float
        exp(-bic/2) over the sum of all four.
    reduced_chi2 : float
    """

    key: str
    title: str
    result: FitResult
    bic: float
    weight: float
    reduced_chi2: float


@dataclass(frozen=True)
class Evidence:
    """One thing that speaks for or against, apart from the weights.

    Attributes
    ----------
    what : str
    value, error : float
    unit : str
    expected : str
        What sodium metal would show.
    speaks : "for sodium", "against sodium", "for carbon", "for a sodium compound" or "neither way"
    """

    what: str
    value: float
    error: float
    unit: str
    expected: str
    speaks: str


@dataclass(frozen=True, eq=False)
class SodiumTest:
    """The answer for one spectrum.

    Attributes
    ----------
    verdict : "neither", "sodium", "carbon", "both" or "not determined"
    reasons : tuple of str
        Why it is not determined.
    candidates : tuple of Candidate
        In the order of `HYPOTHESES`.
    probability, probability_err : float
        Na plasmon losses per electron of the zero loss, A/I0, by the best model with sodium; NaN where there is none.
    interval : (low, high)
        95 %; of an upper limit low is 0.
    is_limit : bool
        Whether it is an upper limit: the best model has no sodium.
    evidence : tuple of Evidence
    region : str
        A proposal of what the place is, from plasmon and Na L2,3 together.
    zero : Zero
    """

    verdict: str
    reasons: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    probability: float
    probability_err: float
    interval: tuple[float, float]
    is_limit: bool
    evidence: tuple[Evidence, ...]
    region: str
    zero: Zero

    @property
    def best(self) -> Candidate:
        """The candidate of lowest BIC."""
        return min(self.candidates, key=lambda one: one.bic)


def at_zero(spectrum: Spectrum) -> tuple[Spectrum, Zero]:
    """The spectrum with energies counted from its zero-loss peak."""
    zero = zero_of(spectrum)
    axis = Axis(spectrum.x - zero.centre, spectrum.axis.quantity, spectrum.axis.unit)
    return spectrum.with_(axis=axis), zero_of(spectrum.with_(axis=axis))


def region_of(spectrum: Spectrum, zero: Zero) -> tuple[float, float]:
    """Channels of the test: from the end of the zero loss to 46 eV or the end of the axis.

    Raises
    ------
    NotDetermined
        If the zero loss is too wide, or the axis too short.
    """
    low = max(zero.limit, 2.0 * zero.fwhm)
    if zero.fwhm > WIDEST:
        raise NotDetermined(f"The zero loss is {zero.fwhm:.2f} eV wide, as wide as the difference of the two plasmons",
                            where="sodium or carbon", todo="A resolution below 1.5 eV is needed")
    if low > LATEST:
        raise NotDetermined(f"The zero loss ends at {low:.1f} eV, where the plasmons lie", where="sodium or carbon")
    # A better-resolved tail is left out from where it still carries the shape of the gun.
    high = min(46.0, float(spectrum.x[-1]))
    if high < 9.0:
        raise NotDetermined(f"The axis ends at {high:.1f} eV", where="sodium or carbon", todo="At least 9 eV are needed")
    return low, high


def models(spectrum: Spectrum, zero: Zero) -> dict[str, FitModel]:
    """The four models for a spectrum whose zero loss lies at 0 eV."""
    region = region_of(spectrum, zero)
    return {key: _with_sign(low_loss_model(spectrum, (*parts, *_ALWAYS), region=region, name=title))
            for key, title, parts in HYPOTHESES}


def _with_sign(model: FitModel) -> FitModel:
    """Amounts at the Na L2,3 edge may come out negative, so that their errors are those of counting."""
    changes = {}
    for name in ("na_l.height", "na_x.area"):
        if name in model.params:
            param = model.params[name]
            changes[name] = replace(param, minimum=-math.inf)
    return model.with_params(changes)


def limit_model(model: FitModel, zero_area: float, full: FitModel) -> FitModel:
    """A model without sodium plus sodium of reference energy and width, whose amount may come out negative."""
    position, fwhm = REFERENCE_NA
    sodium = full.component("na").with_(
        area=Param(1e-4 * zero_area), position=Param(position, vary=False), fwhm=Param(fwhm, vary=False)
    )
    return replace(model.with_component(sodium), name="limit of sodium")


def sodium_test(
    spectrum: Spectrum, *, progress: Progress | None = None, cancel: Cancel | None = None
) -> SodiumTest:
    """Compare the four hypotheses on one spectrum.

    Parameters
    ----------
    spectrum : Spectrum
        Single, with its zero-loss peak anywhere.

    Returns
    -------
    SodiumTest

    Raises
    ------
    NotDetermined, BadData
        If the test cannot be carried out at all, with the reason.
    """
    if spectrum.navigation:
        raise BadData("One spectrum at a time", where="sodium or carbon")
    moved, zero = at_zero(spectrum)
    start = models(moved, zero)
    results: dict[str, FitResult] = {}
    for number, key in enumerate(start):
        _tell(progress, cancel, number / 6, f"Model {number + 1} of 4")
        results[key] = fit(moved, start[key], cancel=cancel)
    gain = moved.noise.gain or gain_of(moved)
    if not math.isfinite(gain):
        gain = math.nan
    candidates = _compared(results, gain, moved.noise.correlation)
    _tell(progress, cancel, 4 / 6, "Double plasmon and limits")
    best = min(candidates, key=lambda one: one.bic)
    reasons = _reasons(candidates, best)
    scale = _scale(best, gain, moved.noise.correlation)
    value, error, interval, is_limit = _amount(moved, zero, start, results, best, gain, cancel)
    evidence = _evidence(moved, zero, results, best, cancel)
    verdict = "not determined" if reasons else best.key
    del scale
    return SodiumTest(verdict, reasons, candidates, value, error, interval, is_limit, evidence,
                      proposed(verdict, evidence), zero)


def _tell(progress: Progress | None, cancel: Cancel | None, fraction: float, text: str) -> None:
    if cancel is not None and cancel():
        raise Cancelled
    if progress is not None:
        progress(fraction, text)


def weights(bic: FloatArray) -> FloatArray:
    """exp(-BIC/2) over their sum, along the first axis."""
    lowest = np.min(bic, axis=0)
    raw = np.exp(-0.5 * np.minimum(bic - lowest, 700.0))
    return raw / np.sum(raw, axis=0)


def criterion(
    deviance: FloatArray, free: FloatArray, channels: int, gain: FloatArray | float, correlation: float
) -> tuple[FloatArray, FloatArray]:
    """BIC of models of the same data, and their reduced chi2; along the first axis.

    The deviance counts in units of the noise, enlarged by the reduced chi2 of the best model where that is above 1 (what
    no model describes weakens the comparison) and by the correlation of neighbouring channels.

    References
    ----------
    G. Schwarz, Ann. Stat. 6, 461 (1978); over-dispersion: K. P. Burnham, D. R. Anderson, Model Selection and
    Multimodel Inference, 2nd ed. (2002), section 2.5.
    """
    reduced = deviance / gain / np.maximum(channels - free, 1)
    worse = np.maximum(np.min(reduced, axis=0), 1.0)
    n = channels / correlation_factor(max(correlation, 0.0))
    return deviance / gain / worse / correlation_factor(max(correlation, 0.0)) + free * math.log(n), reduced


def _compared(results: dict[str, FitResult], gain: float, correlation: float) -> tuple[Candidate, ...]:
    found = list(results.values())
    own = found[0].noise.gain or 1.0
    deviance = np.array([one.deviance * own for one in found])
    free = np.array([one.n_free - len(one.at_bound) for one in found], dtype=float)
    if not math.isfinite(gain):
        gain = float(np.min(deviance / np.maximum(found[0].n_data - free, 1)))
    bic, reduced = criterion(deviance, free, found[0].n_data, gain, correlation)
    share = weights(bic)
    titles = {key: title for key, title, _ in HYPOTHESES}
    return tuple(
        Candidate(key, titles[key], results[key], float(b - bic.min()), float(w), float(r))
        for key, b, w, r in zip(results, bic, share, reduced, strict=True)
    )


def _scale(best: Candidate, gain: float, correlation: float) -> float:
    """Factor on covariances that were computed with gain 1 or the known gain."""
    own = best.result.noise.gain or 1.0
    return gain / own * max(best.reduced_chi2, 1.0) * correlation_factor(max(correlation, 0.0))


def _reasons(candidates: Sequence[Candidate], best: Candidate) -> tuple[str, ...]:
    words = []
    second = min((one for one in candidates if one is not best), key=lambda one: one.bic)
    if second.bic < CLEAR:
        words.append(f"“{best.title}” and “{second.title}” differ by {second.bic:.1f} in BIC, below {CLEAR:g}")
    if not best.result.success:
        words.append(f"the best fit ended by “{best.result.status}”")
    if best.reduced_chi2 > WORST:
        words.append(f"no model describes the data: reduced χ² of the best is {best.reduced_chi2:.1f}")
    if "na" in {c.id for c in best.result.model.components}:
        width = best.result.model.params["na.fwhm"]
        if width.value >= 0.99 * width.maximum:
            words.append(f"its narrow plasmon would be {width.value:.2f} eV wide, between sodium and carbon")
    return tuple(words)


def _amount(
    spectrum: Spectrum, zero: Zero, start: dict[str, FitModel], results: dict[str, FitResult], best: Candidate,
    gain: float, cancel: Cancel | None,
) -> tuple[float, float, tuple[float, float], bool]:
    """A/I0 of the Na plasmon with its error and 95 % interval, or an upper limit."""
    if best.key in ("sodium", "both"):
        result = results[best.key]
        value, error = result.value("na.area") / zero.area, result.error("na.area") / zero.area
        return value, error, (max(value - TWO_SIDED * error, 0.0), value + TWO_SIDED * error), False
    model = limit_model(results[best.key].model, zero.area, start["both"])
    found = fit(spectrum, model, cancel=cancel)
    value, error = found.value("na.area") / zero.area, found.error("na.area") / zero.area
    return value, error, (0.0, max(value, 0.0) + ONE_SIDED * error), True


def _evidence(
    spectrum: Spectrum, zero: Zero, results: dict[str, FitResult], best: Candidate, cancel: Cancel | None
) -> tuple[Evidence, ...]:
    """Width, double plasmon, surface plasmon, Na L2,3, each with its error."""
    found: list[Evidence] = []
    sodium = results["both"] if best.key in ("carbon", "both") else results["sodium"]
    result = best.result
    if best.key in ("sodium", "both"):
        width, error = result.value("na.fwhm"), result.error("na.fwhm")
        narrow = width + 2 * (error if math.isfinite(error) else 0.0) < 1.0
        found.append(Evidence("Width of the plasmon", width, error, "eV", "0.3 to 0.5",
                              "for sodium" if narrow else "neither way"))
        found.append(_double(spectrum, sodium, cancel))
        area, error = result.value("na_s.area") / zero.area, result.error("na_s.area") / zero.area
        found.append(Evidence("Surface plasmon, 3.0 to 4.3 eV, A/I0", area, error, "", "above 0 in thin metal",
                              "for sodium" if _seen(area, error) else "neither way"))
    if best.key in ("carbon", "both"):
        width, error = result.value("pi.fwhm"), result.error("pi.fwhm")
        found.append(Evidence("Width of π–π*", width, error, "eV", "2 to 3 in carbon", "for carbon"))
    for name, id, parameter in (("Na L2,3 step, height/I0", "na_l", "height"),
                                ("Na L2,3 exciton, A/I0", "na_x", "area")):
        if id not in {c.id for c in result.model.components}:
            continue
        value, error = (f(f"{id}.{parameter}") / zero.area for f in (result.value, result.error))
        seen = _seen(value, error)
        metal = best.key in ("sodium", "both")
        speaks = ("for sodium" if metal else "for a sodium compound") if seen else (
            "against sodium" if id == "na_l" and metal and math.isfinite(error) else "neither way")
        found.append(Evidence(name, value, error, "1/eV" if id == "na_l" else "", "above 0 with any sodium", speaks))
    return tuple(found)


def _double(spectrum: Spectrum, result: FitResult, cancel: Cancel | None) -> Evidence:
    """The double plasmon with a free amplitude over what plural scattering asks for."""
    model = result.model
    expected = model.params["na2.area"].value
    free = model.with_params({"na2.area": Param(expected)})
    found = fit(spectrum, free, cancel=cancel)
    ratio, error = found.value("na2.area") / expected, found.error("na2.area") / expected
    agrees = math.isfinite(error) and abs(ratio - 1.0) < 3.0 * error + 0.2
    speaks = "for sodium" if agrees and _seen(ratio, error) else (
        "against sodium" if math.isfinite(error) and ratio + 3.0 * error < 0.5 else "neither way")
    return Evidence("Double plasmon over A²/(2 I0)", ratio, error, "", "1", speaks)


def _seen(value: float, error: float) -> bool:
    return math.isfinite(error) and error > 0 and value > 3.0 * error


def proposed(verdict: str, evidence: Sequence[Evidence]) -> str:
    """What the place may be, from the verdict and the Na L2,3 edge."""
    if verdict == "not determined":
        return "not determined"
    exciton = any(e.what.startswith("Na L2,3 exciton") and _seen(e.value, e.error) for e in evidence)
    step = any(e.what.startswith("Na L2,3 step") and _seen(e.value, e.error) for e in evidence)
    if verdict == "sodium":
        return "Na metal"
    if verdict == "both":
        return "Na metal and carbon"
    compound = "Na compound, as NaF (edge with exciton, no metal plasmon)" if exciton else (
        "Na compound (edge, no metal plasmon)" if step else "")
    if verdict == "carbon":
        return f"carbon and {compound}" if compound else "carbon"
    return compound or "neither sodium metal nor carbon"
