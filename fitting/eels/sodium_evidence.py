"""What speaks for or against sodium metal apart from the weights of the models of `fitting.eels.hypotheses`.

Width, double plasmon, surface plasmon, and step and exciton at Na L2,3 (science notes E8).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fitting.dataset import Spectrum
from fitting.eels.low_loss import Zero
from fitting.eels.sodium_edge import METAL_EDGE, SHARP, line_position, sodium_edge, weighted
from fitting.evaluate import Evaluator
from fitting.model import Background, FitModel
from fitting.param import Param
from fitting.result import FitResult
from libraries.errors import NotDetermined


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


def evidence_of(spectrum: Spectrum, zero: Zero, key: str, result: FitResult, gain: float) -> tuple[Evidence, ...]:
    """Width, double plasmon, surface plasmon, Na L2,3, each with its error.

    Parameters
    ----------
    spectrum : Spectrum
        With its zero loss at 0 eV.
    key : str
        The best hypothesis.
    result : FitResult
        Of it.
    gain : float
        Variance over counts.
    """
    found: list[Evidence] = []
    metal = key in ("sodium", "both")
    if metal:
        width, error = result.value("na.fwhm"), result.error("na.fwhm")
        found.append(Evidence("Width of the plasmon", width, error, "eV", "0.3 to 0.5", "for sodium"))
        found.append(_double(spectrum, result, gain))
        area, error = result.value("na_s.area") / zero.area, result.error("na_s.area") / zero.area
        found.append(Evidence("Surface plasmon, A/I₀", area, error, "", "above 0 in thin metal",
                              "for sodium" if seen(area, error) else "neither way"))
    if key in ("carbon", "both"):
        width, error = result.value("pi.fwhm"), result.error("pi.fwhm")
        found.append(Evidence("Width of π–π*", width, error, "eV", "2 to 3 in carbon", "for carbon"))
    try:
        place = METAL_EDGE if metal else line_position(spectrum.x, spectrum.y, gain, zero.fwhm)
        edge = sodium_edge(spectrum.x, spectrum.y[None], gain, zero.fwhm, place)
    except NotDetermined:
        return tuple(found)
    i0 = zero.area / spectrum.axis.step
    for words, value, error in ((f"Na L2,3 step, {place:.1f} eV, height/I₀", edge.step[0], edge.step_err[0]),
                                (f"Na L2,3 exciton, {place:.1f} eV, A/I₀", edge.line[0], edge.line_err[0])):
        speaks = "neither way"
        if seen(value, error):
            speaks = "for sodium" if metal else "for a sodium compound"
        found.append(Evidence(words, value / i0, error / i0, "1/eV" if "step" in words else "", "above 0", speaks))
    return tuple(found)


def _double(spectrum: Spectrum, result: FitResult, gain: float) -> Evidence:
    """The double plasmon over what plural scattering asks for, above a parabola about 2 Ep."""
    what = "Double plasmon over A²/(2 I₀)"
    double = result.model.component("na2")
    values = dict(double.params)
    centre, width = values["position"].value, values["fwhm"].value
    part = spectrum.window(centre - 3.0 * width, centre + 3.0 * width)
    if part.x[-1] < centre + 1.5 * width:
        return Evidence(what, math.nan, math.nan, "", "1", "neither way")
    alone = FitModel((float(part.x[0]), float(part.x[-1])), Background("none"), (double.with_(**{
        name: Param(param.value) for name, param in values.items()}),), response=result.model.response)
    evaluator = Evaluator(part, alone)
    shape = evaluator.parts(evaluator.values_of(alone)).envelope
    u = (part.x - centre) / (3.0 * width)
    found, error = weighted(np.stack((np.ones_like(u), u, u**2, shape)), part.y[None], gain)
    ratio, own = float(found[0, 3]), float(error[0, 3])
    agrees = seen(ratio, own) and abs(ratio - 1.0) < 3.0 * own + 0.3
    against = math.isfinite(own) and ratio + 3.0 * own < 0.5
    speaks = "for sodium" if agrees else "against sodium" if against else "neither way"
    return Evidence(what, ratio, own, "", "1", speaks)


def seen(value: float, error: float) -> bool:
    """Above zero by three standard errors."""
    return math.isfinite(error) and error > 0 and value > 3.0 * error


def proposed(verdict: str, evidence: Sequence[Evidence]) -> str:
    """What the place may be, from the verdict and the Na L2,3 edge."""
    if verdict == "not determined":
        return "not determined"
    if verdict in ("sodium", "both", "sodium, carbon open"):
        return "Na metal and carbon" if verdict == "both" else "Na metal"
    exciton = any("exciton" in e.what and e.value > SHARP * e.error for e in evidence)
    step = any("step" in e.what and seen(e.value, e.error) for e in evidence)
    compound = "Na compound like NaF (edge with exciton, no metal plasmon)" if exciton else (
        "Na compound (edge, no metal plasmon)" if step else "")
    if verdict == "carbon":
        return f"carbon and {compound}" if compound else "carbon"
    return compound or "neither sodium metal nor carbon"
