"""The carbon K edge: pi* and sigma*, the width of pi* as a measure of order, the share of sp2 against a reference.

    B(E) = A E^-r + pi* line + [line between] + sigma* lines + step at sigma*

all but the power law convolved with the low loss where there is one. pi* lies at 285 eV and sigma* at 292 eV (science
notes E8); those are where the search begins, the positions are fitted.

References
----------
S. D. Berger, D. R. McKenzie, P. J. Martin, Phil. Mag. Lett. 57, 285 (1988): sp2 by the share of pi* against graphite.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq
from scipy.signal import find_peaks

from fitting.dataset import FloatArray, Spectrum
from fitting.eels.edge_model import (
    WIDTHS,
    BackgroundOf,
    Curves,
    line,
    noise_before,
    smoothed,
    started,
    step,
    with_response,
)
from fitting.eels.fine_setup import CARBON, FineSetup
from fitting.eels.kinematics import Beam
from fitting.eels.propagation import Data, Linearised, Quantities, Quantity, remarks
from fitting.engine import fit
from fitting.model import Curve, FitModel, Param
from fitting.result import FitResult
from fitting.solver import Cancel, Progress
from libraries.errors import BadData, Cancelled, NotDetermined, SodaliteError

PI, SIGMA = 285.0, 292.0
BEFORE = 4.0  # eV of the common window below pi*
_SEARCH = 5.0
_NAN = math.nan
_BERGER = "S. D. Berger, D. R. McKenzie, P. J. Martin, Phil. Mag. Lett. 57, 285 (1988)"
MAGIC = ("P. Schattschneider, C. Hébert, H. Franco, B. Jouffrey, Phys. Rev. B 72, 045142 (2005): anisotropic "
         "relativistic cross-sections and the magic angle")


def carbon_model(spectrum: Spectrum, setup: FineSetup, response: Curve | None = None) -> FitModel:
    """The model with start values taken from the data.

    Raises
    ------
    NotDetermined
        If there is no edge above the background, or nothing before it.
    """
    model, net = started(spectrum, setup.window, PI - 5.0, CARBON)
    part = spectrum.window(*setup.window)
    x, smooth = part.x, smoothed(part.x, net, 0.8)
    pi, sigma = _maxima(x, smooth, net, spectrum.name)
    model, net = started(spectrum, setup.window, pi - 3.0, CARBON)
    smooth = smoothed(x, net, 0.8)
    height = {at: max(float(np.interp(at, x, smooth)), 0.0) for at in (pi, sigma)}
    level = 0.5 * max(float(np.interp(float(x[-1]) - 1.0, x, smooth)), 0.1 * height[sigma])
    mix = Param(0.3, 0.0, 1.0)
    found = [
        line("pi", "C π*", 0.9 * height[pi], Param(pi, pi - 2.0, pi + 2.0), Param(1.6, WIDTHS[0], 6.0), mix),
        line("sig", "C σ*", 0.5 * height[sigma], Param(sigma, sigma - 2.5, sigma + 2.5),
             Param(3.0, WIDTHS[0], WIDTHS[1]), Param(0.0, vary=False)),
    ]
    for number in range(1, setup.lines):
        at = sigma + 6.0 * number
        if at > x[-1] + 2.0:
            break
        found.append(line(f"sig{'bc'[number - 1]}", f"C σ*, line {number + 1}", 0.4 * height[sigma],
                          Param(at, at - 4.0, at + 4.0), Param(7.0, 1.0, 20.0), Param(0.0, vary=False)))
    if setup.between:
        at = 0.5 * (pi + sigma)
        found.append(line("mid", "C–H, C=O", 0.1 * height[sigma], Param(at, at - 1.3, at + 1.3),
                          Param(2.0, 0.5, 4.0), Param(0.0, vary=False)))
    found.append(step("sk", "C K step", setup, Param(level, 0.0), Param(sigma, link="sig.position")))
    model = replace(model, components=tuple(found))
    return with_response(model, response) if response is not None else model


def _maxima(x: FloatArray, smooth: FloatArray, net: FloatArray, where: str) -> tuple[float, float]:
    """pi* and sigma*: the highest place about 292 eV, and the maximum some 7 eV below it."""
    near = np.flatnonzero(np.abs(x - SIGMA) <= _SEARCH)
    if near.size < 5:
        raise NotDetermined("The window does not hold C K", where=where, todo="Fit from before 280 to behind 300 eV")
    sigma = float(x[near[int(np.argmax(smooth[near]))]])
    if not float(np.max(smooth[near])) > 5.0 * noise_before(x, net, PI - 5.0, 0.8):
        raise NotDetermined("No carbon edge stands above the background", where=where,
                            todo="Check the energy axis and the window")
    low = np.flatnonzero((x > sigma - 11.0) & (x < sigma - 4.0))
    peaks, about = find_peaks(smooth[low], prominence=0.0) if low.size > 4 else (np.zeros(0, int), {})
    if len(peaks):
        return float(x[low[peaks[int(np.argmax(about["prominences"]))]]]), sigma
    return sigma - (SIGMA - PI), sigma


def fit_carbon(
    spectrum: Spectrum, setup: FineSetup, response: Curve | None = None, *, start: FitModel | None = None,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> FitResult:
    """Fit the model of the carbon edge.

    Raises
    ------
    Cancelled, NotDetermined, BadData, FitFailed
    """
    found = fit(spectrum, start or carbon_model(spectrum, setup, response), cancel=cancel, max_evaluations=600)
    if found.status == "cancelled":
        raise Cancelled("The fit was stopped", where=spectrum.name)
    if progress is not None:
        progress(1.0, f"C K of {spectrum.name}")
    return found


def carbon_quantities(spectrum: Spectrum, result: FitResult, setup: FineSetup) -> Quantities:
    """pi* position and width, the share of pi* in the edge, each with its covariance.

    Raises
    ------
    FitFailed
        If the fit is no minimum.
    BadData
        If the model has no line called pi any more.
    """
    linear = Linearised(spectrum, result)
    index = {name: i for i, name in enumerate(linear.evaluator.names)}
    if "pi.area" not in index or "sig.position" not in index:
        raise BadData("The model has no π* and σ* lines any more", where=setup.edge, todo="Fit the edge anew")
    model, x = result.model, linear.x
    single = Curves(model, x, single=True) if model.response is not None else None
    broad, background = Curves(model, x, single=False), BackgroundOf(spectrum, model)
    whole = {c.id: "edge" for c in model.components}
    half = 0.5 * np.gradient(x)
    ends_inside = model.params["pi.position"].value - BEFORE + setup.total <= x[-1] + 1e-6

    def function(values: FloatArray, data: Data) -> FloatArray:
        def value(name: str) -> float:
            return float(values[index[name]])

        off, share = background.of(values), 1.0
        if single is not None:
            off = off + broad.of(values, whole)["edge"] - single.of(values, whole)["edge"]
            share = single.share
        pi, area = value("pi.position"), value("pi.area")
        total = _NAN
        if ends_inside:
            low, high = pi - BEFORE, pi - BEFORE + setup.total
            weights = np.clip((np.minimum(x + half, high) - np.maximum(x - half, low)) / (2.0 * half), 0.0, 1.0)
            total = (data.sum(weights) - float(weights @ off)) * float(2.0 * np.mean(half))
        ratio = share * area / total if total > 0 else _NAN
        return np.array([pi, value("pi.fwhm"), value("sig.position"), value("sig.position") - pi, share * area, ratio])

    values, covariance = linear.of(function)
    window = f"the edge from {BEFORE:g} eV below π* over {setup.total:g} eV"
    about = (
        ("pi_position", "π* position", "eV", "of the fitted line"),
        ("pi_fwhm", "π* width (FWHM)", "eV", "sharpness: of the fitted line, "
         + ("the resolution taken off with the low loss" if single is not None else "the resolution included")),
        ("sigma_position", "σ* position", "eV", "of the first fitted line"),
        ("pi_sigma", "σ* − π*", "eV", "independent of the energy axis"),
        ("pi_area", "π* intensity", "counts eV", "area of the fitted line, single scattering"),
        ("ratio", "π*/(π* + σ*)", "", f"area of π* over {window}" if ends_inside else
         f"refused: {window} reach beyond the fitted window"),
    )
    errors = np.sqrt(np.where(np.diag(covariance) > 0, np.diag(covariance), _NAN))
    rows = tuple(Quantity(key, name, float(v), float(e) if np.isfinite(v) else _NAN, unit, how)
                 for (key, name, unit, how), v, e in zip(about, values, errors, strict=True))
    notes = remarks(result, linear.excess)
    if single is None:
        notes.insert(0, "No low loss: plural scattering is not removed; it adds to σ* and lowers the share of π*.")
    return Quantities(rows, covariance, tuple(notes), result.reduced_chi2 if result.noise.known else _NAN)


@dataclass(frozen=True)
class Sp2:
    """The share of sp2 carbon with its error, and what speaks against it."""

    value: float
    error: float
    notes: tuple[str, ...] = ()


def sp2_share(
    sample: Quantities, reference: Quantities, beams: tuple[Beam, Beam], *, of_reference: float = 1.0
) -> Sp2:
    """sp2 = (share of pi* in the sample) / (share of pi* in the reference) times that of the reference.

    Parameters
    ----------
    sample, reference : Quantities
        Of `carbon_quantities`, with the same windows.
    beams : (Beam, Beam)
        Of sample and reference.
    of_reference : float
        sp2 share of the reference, 1 for graphite and C60.

    Raises
    ------
    NotDetermined
        If a share of pi* is missing, or the angles differ.

    References
    ----------
    Berger et al. (1988), above.
    """
    one, other = sample.get("ratio"), reference.get("ratio")
    if one is None or other is None or not (one.known and other.known and other.value > 0):
        raise NotDetermined("The share of π* is not determined in sample or reference", where=CARBON)
    unknown: list[str] = []
    for name in ("energy", "convergence", "collection"):
        a, b = getattr(beams[0], name), getattr(beams[1], name)
        if a is None or b is None:
            unknown.append(_SAID[name])
        elif not math.isclose(a, b, rel_tol=0.02, abs_tol=1e-9):
            raise NotDetermined(
                f"Sample and reference were measured with another {_SAID[name]} ({a:g} and {b:g})", where=CARBON,
                todo="Use a reference of the same conditions",
            )
    notes = [f"Not known for sample or reference: {', '.join(unknown)}."] if unknown else []
    notes += magic_warning(beams[0])
    value = of_reference * one.value / other.value
    error = value * math.hypot(one.error / one.value, other.error / other.value) if one.value > 0 else _NAN
    return Sp2(value, error, tuple(notes))


_SAID = {"energy": "beam energy", "convergence": "convergence angle", "collection": "collection angle"}


def magic_angle(beam: Beam, loss: float = PI) -> float:
    """Collection angle in rad at which orientation does not count, for a parallel beam.

    With u = theta^2/[theta_E^2 (1 - v^2/c^2)] it is where ln(1 + u) = [3 - 2 v^2/c^2] u/(1 + u): momentum transfers
    along and across the beam weigh alike in the dipole approximation. Without relativity this gives 3.97 theta_E, at
    200 kV 1.46 theta_E.

    References
    ----------
    P. Schattschneider, C. Hébert, H. Franco, B. Jouffrey, Phys. Rev. B 72, 045142 (2005): the relativistic dipole
    cross-section, integrated here over the collection angle.
    """
    v2 = beam.speed**2
    u = brentq(lambda u: math.log1p(u) - (3.0 - 2.0 * v2) * u / (1.0 + u), 1e-3, 1e3)
    return float(beam.characteristic_angle(loss)) * math.sqrt(u * (1.0 - v2))


def magic_warning(beam: Beam) -> list[str]:
    """What the angles say of anisotropic carbon."""
    try:
        magic, used = magic_angle(beam), float(beam.effective_collection(PI))
    except SodaliteError:
        return ["Beam energy or angles are not known: whether orientation counts cannot be told (magic angle)."]
    if 0.8 <= used / magic <= 1.25:
        return []
    return [f"The collection angle (effectively {1e3 * used:.1f} mrad) is not the magic one ({1e3 * magic:.1f} mrad): "
            f"the share of π* of graphite-like carbon depends on its orientation. {MAGIC}."]
