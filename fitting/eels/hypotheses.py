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
from fitting.eels.sodium_evidence import Evidence, evidence_of, proposed
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
# A plasmon that runs to the bounds of these is none of sodium, whatever it improves; its models lose by so much in BIC.
LIKE_SODIUM = ("na.position", "na.fwhm")
UNLIKE = 1e6
ONE_SIDED = 1.6449  # 95 % of a normal distribution lie below
TWO_SIDED = 1.9600
VERDICTS: tuple[tuple[str, str], ...] = (
    ("not determined", "not determined"),
    ("neither", "neither"),
    ("sodium", "Na metal, no carbon seen"),
    ("carbon", "carbon, no Na metal seen"),
    ("both", "Na metal and carbon"),
    ("sodium, carbon open", "Na metal; carbon not determined"),
)
_SODIUM = ("na", "na2", "na_s", "na_b")
_CARBON = ("pi",)
_ALWAYS = ("ps", "oth")
_PS_WIDTH = 10.0  # eV, held: the window sees its lower flank alone
TOP = 10.5  # eV: end of the window; above it begin other losses, which no simple model describes
HYPOTHESES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("neither", "neither", ()),
    ("sodium", "Na metal", _SODIUM),
    ("carbon", "carbon π–π*", _CARBON),
    ("both", "Na metal and carbon", (*_CARBON, *_SODIUM)),
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


@dataclass(frozen=True, eq=False)
class SodiumTest:
    """The answer for one spectrum.

    Attributes
    ----------
    verdict : str
        A key of `VERDICTS`.
    reasons : tuple of str
        Why something is open.
    candidates : tuple of Candidate
        In the order of `HYPOTHESES`.
    probability, probability_err : float
        Na plasmon losses per electron of the zero loss, A/I0.
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
    """The spectrum with energies counted from the channel of its zero-loss peak.

    From a channel, so that the measured peak lies on the channels of the convolution and is not interpolated: Ep is
    then exact whatever the shape of the peak.
    """
    zero = zero_of(spectrum)
    channel = float(spectrum.x[int(np.argmin(np.abs(spectrum.x - zero.centre)))])
    axis = Axis(spectrum.x - channel, spectrum.axis.quantity, spectrum.axis.unit)
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
    high = min(TOP, float(spectrum.x[-1]))
    if high < 9.0:
        raise NotDetermined(f"The axis ends at {high:.1f} eV", where="sodium or carbon", todo="It must reach 9 eV")
    return low, high


def models(spectrum: Spectrum, zero: Zero) -> dict[str, FitModel]:
    """The four models for a spectrum whose zero loss lies at 0 eV."""
    region = region_of(spectrum, zero)
    held = {"ps.fwhm": Param(_PS_WIDTH, vary=False)}
    return {
        key: low_loss_model(spectrum, (*parts, *_ALWAYS), region=region, name=title).with_params(held)
        for key, title, parts in HYPOTHESES
    }


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
    part = moved.window(*region_of(moved, zero))
    if moved.noise.kind == "poisson" and np.any(part.y < 0):
        raise BadData("There are counts below zero between the zero loss and 10 eV", where=spectrum.name,
                      todo="Check the dark correction, or set the noise to unknown on the Process page")
    results: dict[str, FitResult] = {}
    for number, key in enumerate(start):
        _tell(progress, cancel, number / 6, f"Model {number + 1} of 4")
        results[key] = fit(moved, start[key], cancel=cancel)
    gain = moved.noise.gain or gain_of(moved)
    candidates = _compared(results, gain, moved.noise.correlation)
    _tell(progress, cancel, 4 / 6, "Double plasmon and limits")
    best = min(candidates, key=lambda one: one.bic)
    verdict, reasons = _decided(candidates, best)
    value, error, interval, is_limit = _amount(moved, zero, start, candidates, best, cancel)
    evidence = evidence_of(moved, zero, best.key, best.result, gain)
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

    The deviance counts in units of the noise, enlarged by the reduced chi2 of the best model where that is above 1
    (what no model describes weakens the comparison) and by the correlation of neighbouring channels.

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
    free = np.array([one.n_free for one in found], dtype=float)
    if not math.isfinite(gain):
        gain = float(np.min(deviance / np.maximum(found[0].n_data - free, 1)))
    bic, reduced = criterion(deviance, free, found[0].n_data, gain, correlation)
    bic = bic + np.array([UNLIKE * _unlike(one) for one in found])
    share = weights(bic)
    titles = {key: title for key, title, _ in HYPOTHESES}
    return tuple(
        Candidate(key, titles[key], results[key], float(b - bic.min()), float(w), float(r))
        for key, b, w, r in zip(results, bic, share, reduced, strict=True)
    )


def _unlike(result: FitResult) -> bool:
    """Whether a plasmon that is there ran to the bounds of its energy or width."""
    return "na.area" not in result.at_bound and any(name in result.at_bound for name in LIKE_SODIUM)


def _decided(candidates: Sequence[Candidate], best: Candidate) -> tuple[str, tuple[str, ...]]:
    """The verdict, and what is open."""
    bic = {one.key: one.bic for one in candidates}
    failed = []
    if not best.result.success:
        failed.append(f"the best fit ended by “{best.result.status}”")
    if best.reduced_chi2 > WORST:
        failed.append(f"no model describes the data: reduced χ² of the best is {best.reduced_chi2:.1f} (with very many "
                      "counts every simple model fails: try a smaller area or single pixels)")
    if failed:
        return "not determined", tuple(failed)
    sodium, carbon = decisions(np.array([bic[key] for key, _, _ in HYPOTHESES]))
    words = []
    for name, choice in (("sodium metal", sodium), ("carbon", carbon)):
        if choice == 0:
            words.append(f"models with and without {name} differ by less than {CLEAR:g} in BIC")
    return VERDICTS[int(verdict_of(sodium, carbon))][0], tuple(words)


def decisions(bic: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sodium and carbon from the four BIC along the first axis: 1 present, -1 absent, 0 open."""
    neither, sodium, carbon, both = bic

    def decided(with_: FloatArray, without: FloatArray) -> FloatArray:
        difference = without - with_
        return np.where(difference >= CLEAR, 1, np.where(difference <= -CLEAR, -1, 0))

    return (decided(np.minimum(sodium, both), np.minimum(neither, carbon)),
            decided(np.minimum(carbon, both), np.minimum(neither, sodium)))


def verdict_of(sodium: FloatArray, carbon: FloatArray) -> FloatArray:
    """Place in `VERDICTS`."""
    table = {(-1, -1): 1, (1, -1): 2, (-1, 1): 3, (1, 1): 4, (1, 0): 5}
    out = np.zeros(np.shape(sodium), dtype=int)
    for (s, c), code in table.items():
        out = np.where((sodium == s) & (carbon == c), code, out)
    return out


def _amount(
    spectrum: Spectrum, zero: Zero, start: dict[str, FitModel], candidates: Sequence[Candidate], best: Candidate,
    cancel: Cancel | None,
) -> tuple[float, float, tuple[float, float], bool]:
    """A/I0 of the Na plasmon with its error and 95 % interval, or an upper limit.

    Where sodium is in the best model, the two models with sodium are averaged by their weights, and the error holds
    what they differ (S. T. Buckland et al., Biometrics 53, 603 (1997)).
    """
    if best.key in ("sodium", "both"):
        two = [one for one in candidates if one.key in ("sodium", "both") and one.result.success]
        two = [one for one in two if math.isfinite(one.result.error("na.area"))] or [best]
        share = np.array([one.weight for one in two])
        share = share / share.sum()
        values = np.array([one.result.value("na.area") for one in two]) / zero.area
        errors = np.array([one.result.error("na.area") for one in two]) / zero.area
        value = float(share @ values)
        error = float(share @ np.sqrt(errors**2 + (values - value) ** 2))
        return value, error, (max(value - TWO_SIDED * error, 0.0), value + TWO_SIDED * error), False
    model = limit_model(best.result.model, zero.area, start["both"])
    found = fit(spectrum, model, cancel=cancel)
    value, error = found.value("na.area") / zero.area, found.error("na.area") / zero.area
    return value, error, (0.0, max(value, 0.0) + ONE_SIDED * error), True
