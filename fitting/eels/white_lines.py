"""Joint model of the white lines of a 3d metal: L3 and L2 lines on a double step, O K behind them, on a power law.

    B(E) = A E^-r + H {2/3 S(E - E3) + 1/3 S(E - E2)} + lines of L3 and L2 + [O K: step + lines, or a measured curve]

S is an arctangent or an error function, its middle at the maxima of the white lines; all but the power law is
convolved with the low loss where there is one. For vanadium only some 8 eV lie between L2 and O K, so that the height
of the step can be told by the joint model alone.

References
----------
D. H. Pearson, C. C. Ahn, B. Fultz, Phys. Rev. B 47, 8471 (1993), for the double step of heights 2:1; P. A. van Aken,
B. Liebscher, V. J. Styrsa, Phys. Chem. Minerals 25, 323 (1998), for the double arctangent of width 1 eV.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.signal import find_peaks

from fitting.dataset import FloatArray, Spectrum
from fitting.eels.edge_model import LINE, WIDTHS, line, noise_before, smoothed, started, step, with_response
from fitting.eels.fine_setup import OXYGEN, FineSetup
from fitting.engine import fit
from fitting.model import Component, Curve, FitModel, Param
from fitting.result import FitResult
from fitting.solver import Cancel, Progress
from libraries.errors import BadData, Cancelled, NotDetermined

_SEARCH = 7.0  # eV about the threshold of the element: chemical shifts and uncalibrated axes
# Start values only: FWHM of white lines of oxides at usual resolution, and of the lines of O K (a narrow and a broad).
_WHITE, _OXYGEN = 2.5, (2.0, 5.0, 7.0, 8.0)
_MIX = Param(0.5, 0.0, 1.0)


def white_line_model(
    spectrum: Spectrum, setup: FineSetup, response: Curve | None = None, oxygen: Curve | None = None, side: int = -1
) -> FitModel:
    """The model with start values taken from the data.

    Parameters
    ----------
    spectrum : Spectrum
        Single, after its recipe.
    setup : FineSetup
    response : Curve, optional
        Low loss that broadens the edges.
    oxygen : Curve, optional
        Measured O K for `setup.oxygen` "reference".
    side : -1 or 1
        Whether the second line of each white line begins below or above the first.

    Raises
    ------
    NotDetermined
        If there is no edge above the background, or nothing before it.
    """
    first, second = setup.thresholds
    part = spectrum.window(*setup.window)
    if part.x[-1] < second:
        raise NotDetermined(f"The window ends before the L2 line of {setup.metal} at {second:.0f} eV",
                            where=spectrum.name, todo="End it behind L2")
    model, net = started(spectrum, setup.window, first - 5.0, setup.edge)
    at3, at2 = _maxima(part.x, net, first, second, spectrum.name)
    # The edge may lie below the table's threshold: take the power law from what truly lies before it.
    model, net = started(spectrum, setup.window, at3 - 4.0, setup.edge)
    smooth = smoothed(part.x, net, 0.6)
    heights = [max(float(np.interp(at, part.x, smooth)), 0.0) for at in (at3, at2)]
    behind = (part.x > at2 + 4.0) & (part.x < at2 + 12.0)
    if setup.oxygen != "none":
        behind &= part.x < at3 + (OXYGEN - first) - 3.0
    rest = max(float(np.mean(net[behind])), 0.0) if np.any(behind) else 0.2 * max(heights)
    rest = min(rest, 0.7 * min(heights))
    components = [
        *_white("l3", "L3", setup, side, max(heights[0] - rest / 3.0, 0.3 * heights[0]), at3),
        *_white("l2", "L2", setup, side, max(heights[1] - rest, 0.3 * heights[1]), at2),
        step("s3", f"{setup.metal} L3 step", setup, Param(2.0 / 3.0 * rest, 0.0), Param(at3, link="l3.position")),
        step("s2", f"{setup.metal} L2 step", setup, Param(rest / 3.0, link="0.5 * s3.height"),
             Param(at2, link="l2.position")),
    ]
    if setup.oxygen != "none":
        components += _oxygen(setup, part.x, smooth - rest, max(at3 + (OXYGEN - first) - 6.0, at2 + 5.0), oxygen)
    model = replace(model, components=tuple(components))
    return with_response(model, response) if response is not None else model


def _maxima(x: FloatArray, net: FloatArray, first: float, second: float, where: str) -> tuple[float, float]:
    """The two white lines: the pair at the table's distance that stands highest above the background."""
    smooth = smoothed(x, net, 0.8)
    places = np.arange(max(first - _SEARCH, float(x[0])), first + _SEARCH, 0.1)
    pair = np.interp(places, x, smooth) + np.interp(places + second - first, x, smooth)
    best = float(places[int(np.argmax(pair))])
    if not np.max(pair) > 5.0 * math.sqrt(2.0) * noise_before(x, net, first - 5.0, 0.8):
        raise NotDetermined(f"No L2,3 edge stands above the background near {first:.0f} and {second:.0f} eV",
                            where=where, todo="Choose the edge that is there; check the energy axis and the window")
    half = min(2.5, 0.3 * (second - first))
    found = []
    for at in (best, best + second - first):
        near = np.flatnonzero(np.abs(x - at) <= half)
        if near.size == 0:
            raise NotDetermined("A white line lies outside the window", where=where, todo="Widen the window")
        found.append(float(x[near[int(np.argmax(smooth[near]))]]))
    return found[0], found[1]


def _white(id: str, name: str, setup: FineSetup, side: int, height: float, at: float) -> list[Component]:
    """The lines of L3 or of L2."""
    label = f"{setup.metal} {name}"
    minor = id == "l2"
    width = Param(_WHITE, *WIDTHS, link="l3.fwhm" if minor and setup.common_width else "")
    mix = replace(_MIX, link="l3.mix") if minor else _MIX
    position = Param(at, at - 4.0, at + 4.0)
    found = [line(id, label, height * (0.8 if setup.lines > 1 else 1.0), position, width, mix)]
    shared = Param(_WHITE, *WIDTHS, link=f"{id}.fwhm")
    for number, letter in enumerate("bc"[: setup.lines - 1]):
        sign = side if number == 0 else -side
        # Both edges are split alike where L2 is not resolved better than L3, hence one splitting for both.
        link = f"l2.position + l3{letter}.position - l3.position" if minor else (
            f"l3.position {'+' if sign > 0 else '-'} 1.8 +- 1.5")
        place = Param(at + 1.8 * sign, link=link)
        also = replace(_MIX, link="l3.mix")
        other = line(id + letter, f"{label}, line {number + 2}", 0.4 * height, place, shared, also)
        if minor:
            # Without this the lines of L2 trade places: it is the weaker and broader edge.
            share = f"l2.area * l3{letter}.area / l3.area"
            other = other.with_(area=replace(other.param("area"), link=share))
        found.append(other)
    return found


def _oxygen(setup: FineSetup, x: FloatArray, net: FloatArray, onset: float, curve: Curve | None) -> list[Component]:
    """O K behind the white lines, looked for from `onset` on."""
    places = _oxygen_places(x, net, onset, setup.oxygen_lines)
    top = max(float(np.max(net[x > onset], initial=0.0)), 1e-3 * float(np.max(net)), 1e-9)
    if setup.oxygen == "reference":
        if curve is None:
            raise BadData("There is no reference for O K", where=setup.edge, todo="Choose one, or fit O K by lines")
        at = float(x[int(np.argmax(np.where(x > onset, net, -np.inf)))])
        area = max(float(np.sum(net[x > onset])) * float(x[1] - x[0]), top)
        params = {"area": Param(area, 0.0), "position": Param(at, at - 8.0, at + 8.0),
                  "fwhm_g": Param(0.0, 0.0, 5.0, vary=False)}
        return [Component("ok", "O K", "measured", params, curve=curve, quantify=False)]
    level = 0.4 * top
    found = []
    for number, place in enumerate(places):
        height = max(float(np.interp(place, x, net)) - (level if number else 0.0), 0.1 * top)
        name = "O K" if number == 0 else f"O K, line {number + 1}"
        width = Param(_OXYGEN[number] if number else 2.0, WIDTHS[0], 2.0 * WIDTHS[1])
        reach = 2.5 if number == 0 else 5.0
        found.append(line(f"ok{'abcd'[number] if number else ''}", name, 0.7 * height,
                          Param(place, place - reach, place + reach), width, Param(0.0, vary=False)))
    last = found[-1].id if len(found) == 1 else "okb"
    found.append(step("oks", "O K step", setup, Param(level, 0.0), Param(places[0], link=f"{last}.position")))
    return found


def _oxygen_places(x: FloatArray, net: FloatArray, onset: float, count: int) -> list[float]:
    """Where the lines of O K begin: at the maxima that are seen behind `onset`, the others behind them."""
    smooth = smoothed(x, net, 1.2)
    behind = np.flatnonzero(x > onset)
    if behind.size < 5:
        return [onset + 6.0]
    peaks, about = find_peaks(smooth[behind], prominence=0.05 * max(float(np.ptp(smooth[behind])), 1e-9))
    order = peaks[np.argsort(-about["prominences"])][:count]
    places = sorted(float(x[behind[i]]) for i in order)
    if not places or places[0] > onset + 12.0:
        places = [onset + 5.0, *places][:count]
    while len(places) < count:
        places.append(min(places[-1] + 7.0, float(x[-1]) + 3.0))
    return places


def fit_white_lines(
    spectrum: Spectrum, setup: FineSetup, response: Curve | None = None, oxygen: Curve | None = None, *,
    start: FitModel | None = None, progress: Progress | None = None, cancel: Cancel | None = None,
) -> FitResult:
    """Fit the joint model; with several lines an edge from both orders of them, and the better end counts.

    Parameters
    ----------
    start : FitModel, optional
        A model to start from instead (of another spectrum of the series).

    Raises
    ------
    Cancelled, NotDetermined, BadData, FitFailed
    """
    sides = (-1, 1) if setup.lines > 1 and start is None else (-1,)
    best: FitResult | None = None
    for number, side in enumerate(sides):
        model = start or white_line_model(spectrum, setup, response, oxygen, side)
        found = fit(spectrum, model, cancel=cancel, max_evaluations=600)
        if found.status == "cancelled":
            raise Cancelled("The fit was stopped", where=spectrum.name)
        if best is None or (found.success, -found.deviance) > (best.success, -best.deviance):
            best = found
        if progress is not None:
            progress((number + 1) / len(sides), f"{setup.edge} of {spectrum.name}")
    assert best is not None
    return best


def role_of(component: Component, e3: float, e2: float, oxygen: float) -> str:
    """To which part a component belongs: "L3", "L2", "step" or "O K"; one that the user added by where it stands."""
    for prefix, role in (("l3", "L3"), ("l2", "L2"), ("s3", "step"), ("s2", "step"), ("ok", "O K")):
        if component.id.startswith(prefix):
            return role
    if component.shape != LINE and component.shape.startswith(("step", "edge")):
        return "step"
    at = component.value("position")
    return "O K" if at > oxygen - 4.0 else "L3" if at < 0.5 * (e3 + e2) else "L2"
