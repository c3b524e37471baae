"""Relative sensitivity factors (RSF) of ions in one matrix, and how an implant of known dose gives them.

In the dilute limit the concentration of a species is proportional to its signal over that of the matrix,

    rho(z) = RSF r(z),   r = I_i / I_m,

(R. G. Wilson, F. A. Stevie, C. W. Magee, Secondary Ion Mass Spectrometry, Wiley 1989; ISO 18114). An implant of dose
phi, all of which lies within the profile, has the integral of rho over z equal to phi, so that with the signal ratio b
of the background

    RSF = phi / A,   A = integral of (r(z) - b) dz = sum over k of w_k (r_k - b),

w_k being the depth that point k stands for. The ratio is taken point by point: a primary current that drifts cancels.
With N equal steps over the depth d and a constant I_m this is the formula of the book,

    RSF = phi N I_m t / (d (sum I_i - N I_b)),

(I_m t: matrix counts a cycle), since w_k = d/N. It was derived here from the definition; the book was not at hand.

How ratios, background and errors are worked out: `fitting.sims.ion_pair`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fitting.sims.ion_pair import CM, Background, IonPair, Linear, background_of, integral
from libraries.errors import BadModel, NotDetermined

SEEN = 3.0  # standard errors by which an implant must stand above its background


@dataclass(frozen=True, eq=False)
class Factor:
    """A relative sensitivity factor as it is used.

    Attributes
    ----------
    value, error : float
        Atoms/cm3. The error is one standard error, NaN where it is not known.
    words : str
        Where it comes from.
    shares : tuple of (source, float)
        What the error is made of, each over the value.
    remarks : tuple of str
    pair : IonPair or None
        The implant profile that it was told from.
    area : Linear or None
        Integral of the signal ratio of the implant, cm.
    left_out : float
        Share of the implant that the range leaves out, estimated; NaN where not determined or no implant.
    """

    value: float
    error: float
    words: str = ""
    shares: tuple[tuple[str, float], ...] = ()
    remarks: tuple[str, ...] = ()
    pair: IonPair | None = None
    area: Linear | None = None
    left_out: float = math.nan

    @property
    def relative(self) -> float:
        """Relative error, as far as it is known: 0 where nothing is, and told in the remarks."""
        if math.isfinite(self.error):
            return self.error / self.value
        return math.sqrt(sum(share**2 for _, share in self.shares if math.isfinite(share)))

    def beyond_area(self) -> float:
        """Relative error without that of the integral: dose and what is left out."""
        return math.sqrt(sum(share**2 for name, share in self.shares if name in ("dose", "left out")))


def typed_factor(value: float, error: float = 0.0, source: str = "") -> Factor:
    """A factor that the analyst gives; an error of 0 means: not known.

    Raises
    ------
    BadModel
        If it is not above zero.
    """
    _positive(value, "The sensitivity factor")
    if not (math.isfinite(error) and error >= 0):
        raise BadModel("The error of the sensitivity factor must be zero or above")
    remarks = () if error > 0 else ("no error of the factor was given: errors are those of counting alone",)
    return Factor(value, error if error > 0 else math.nan, source or "typed, source not given",
                  (("factor", error / value),) if error > 0 else (), remarks)


def implant_factor(pair: IonPair, dose: float, dose_error: float = 0.0, part: slice = slice(None),
                   flat: slice | None = None) -> Factor:
    """The factor from an implant of known dose.

    Parameters
    ----------
    pair : IonPair
    dose, dose_error : float
        Atoms/cm2 of the isotope that the ion holds; an error of 0 where it is not known.
    part : slice
        Points over which it is integrated.
    flat : slice, optional
        Points in which there is background alone.

    Raises
    ------
    BadModel, NotDetermined
        If the dose is impossible, or the implant is not seen above its background.
    """
    _positive(dose, "The implant dose")
    if not (math.isfinite(dose_error) and dose_error >= 0):
        raise BadModel("The error of the dose must be zero or above")
    background = background_of(pair, flat) if flat is not None else None
    area = integral(pair, part, background)
    counting = area.counting_error(pair)
    if not area.value > 0 or (math.isfinite(counting) and area.value < SEEN * counting):
        raise NotDetermined("The implant is not seen above the background in this range",
                            todo="Choose the range around the implant, and the background beside it")
    lost = left_out(pair, part, background)
    shares = [("dose", dose_error / dose), ("counting", counting / area.value),
              ("depth", area.depth_error / area.value), ("left out", lost if math.isfinite(lost) else 0.0)]
    remarks = []
    if dose_error == 0:
        remarks.append("no error of the dose was given")
    if not math.isfinite(counting):
        remarks.append("the noise of the implant's counts is not known: its error is left out")
    if not len(pair.parts):
        remarks.append("no error of the depth scale was given")
    if background is None:
        remarks.append("no background was taken off")
    elif not background.flat:
        remarks.append(f"the background is not flat (χ²ᵣ {background.chi2:.1f}): its error is enlarged")
    if not math.isfinite(lost):
        remarks.append("what the range leaves out of the implant is not determined")
    elif lost > 0.01:
        remarks.append(f"the range leaves out about {100 * lost:.2g} % of the implant (Gaussian through its maximum): "
                       "not added, but in the error")
    value = dose / area.value
    error = value * math.sqrt(sum(share**2 for _, share in shares))
    words = f"implant of {dose:.4g} atoms/cm²".replace("e+", "e")
    return Factor(value, error, words, tuple(shares), tuple(remarks), pair, area, lost)


def left_out(pair: IonPair, part: slice, background: Background | None = None) -> float:
    """Share of an implant that lies outside of a range of depth, after a Gaussian through its upper part.

    Logarithms of the net ratio above a fifth of its maximum are fitted by a parabola, weighted by counts. An estimate:
    real implants have longer tails (channelling) than a Gaussian. NaN where the maximum lies outside of the range,
    or the points do not bend.
    """
    z, widths = pair.depth[part], pair.widths[part] / CM
    net = pair.ratio[part] - (background.value if background is not None else 0.0)
    window = max(1, int(net.size // 100))
    smooth = np.convolve(net, np.full(2 * window + 1, 1.0 / (2 * window + 1)), "same")
    top = int(np.argmax(smooth))
    level = 0.2 * smooth[top]
    first, last = top, top
    while first > 0 and smooth[first - 1] > level:
        first -= 1
    while last < net.size - 1 and smooth[last + 1] > level:
        last += 1
    good = np.flatnonzero(net > 0)
    good = good[(good >= first) & (good <= last)]
    if good.size < 5 or top in (0, net.size - 1):
        return math.nan
    middle = float(z[top])
    x, weight = z[good] - middle, np.sqrt(np.maximum(net[good] * pair.below[part][good], 1e-300))
    _, slope, bend = np.linalg.lstsq(np.stack([x**0, x, x**2], axis=1) * weight[:, None],
                                     np.log(net[good]) * weight, rcond=None)[0]
    if not bend < 0:
        return math.nan
    sigma, centre = math.sqrt(-0.5 / bend), middle - 0.5 * slope / bend
    low, high = z[0] - 0.5 * widths[0], z[-1] + 0.5 * widths[-1]
    if not low < centre < high:
        return math.nan
    surface, start, end = (0.5 * math.erf((place - centre) / (math.sqrt(2.0) * sigma))
                           for place in (0.0, max(low, 0.0), high))
    return float(max(start - surface + 0.5 - end, 0.0) / (0.5 - surface))


def _positive(value: float, what: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise BadModel(f"{what} must be above zero, not {value:g}")
