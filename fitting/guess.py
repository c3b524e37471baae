"""Start values: new models, peaks, doublets, backgrounds, and proposals from the library.

Every function takes a spectrum (after its recipe) and a model and returns a new model; nothing is fitted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fitting.backgrounds import DEFAULT_KIND, KINDS, starting_values
from fitting.backgrounds import kind as background_kind
from fitting.dataset import FloatArray, Spectrum
from fitting.evaluate import Evaluator
from fitting.model import Background, Component, FitModel, Pairs, Param
from fitting.shapes import axis_direction, shape
from fitting.shapes import shape as _shape
from fitting.statistics import variance_of
from libraries.compounds import ReferenceLine, suggest
from libraries.core_levels import CoreLevel, core_level, doublet, lines_in_window
from libraries.elements import Line, parse_line
from libraries.errors import BadModel, SodaliteError

# Core-level peaks of solids at usual pass energies are 0.4 to 4 eV wide; wider or narrower ones are typed in.
WIDTH_BOUNDS = (0.2, 6.0)
DEFAULT_WIDTH = 1.2
# The library has no lifetime widths of K levels below neon; C 1s to F 1s are about 0.1 to 0.2 eV wide (unverified).
LIGHT_ELEMENT_WIDTH = 0.1


# Electrons that lost energy show neither Shirley's nor Tougaard's background: those are made for photoelectrons.
_OF_LOSSES = ("power_law", "linear_active", "constant", "polynomial", "linear", "level", "spline", "none")
# From here on a core-loss background falls as a power of the energy loss; below lie zero-loss tail and plasmons
# (R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd ed. (2011), section 4.4).
CORE_LOSS = 50.0  # eV


def backgrounds_for(spectrum: Spectrum) -> tuple[str, ...]:
    """Names of the backgrounds that make sense on the axis of a spectrum."""
    if spectrum.axis.quantity != "energy_loss":
        return tuple(name for name, entry in KINDS.items() if entry.stands_on(spectrum.axis.quantity))
    return tuple(name for name in KINDS if name in _OF_LOSSES)


def default_background(spectrum: Spectrum, low: float) -> str:
    """The background of a new region that begins at `low` eV."""
    if spectrum.axis.quantity != "energy_loss":
        return DEFAULT_KIND
    return "power_law" if low >= CORE_LOSS and "power_law" in KINDS else "linear_active"


def new_model(
    spectrum: Spectrum, low: float, high: float, background: str = DEFAULT_KIND, name: str = ""
) -> FitModel:
    """A region with its background and no peaks yet.

    Raises
    ------
    BadData
        If the region holds no data.
    BadModel
        If the region is empty.
    """
    model = FitModel((low, high), Background("none"), name=name or spectrum.name)
    return change_background(spectrum, model, background)


def change_background(spectrum: Spectrum, model: FitModel, kind: str) -> FitModel:
    """The model with another kind of background, started from the data."""
    entry = background_kind(kind)
    part = spectrum.window(*model.region)
    values = starting_values(kind, part.x, part.y, direction=axis_direction(spectrum.axis.quantity))
    params = {
        p.name: Param(
            float(np.clip(values[p.name], p.minimum, p.maximum)), p.minimum, p.maximum, vary=p.name not in entry.fixed
        )
        for p in entry.parameters
    }
    old = model.background
    settings = tuple((s.name, s.default) for s in entry.settings)
    # A spline begins as the line between the ends of the region.
    anchors = ((float(part.x[0]), 0.0), (float(part.x[-1]), 0.0)) if entry.anchored else ()
    return replace(model, background=Background(kind, _pairs(params), old.average, old.quadrature, anchors, settings))


def _pairs(params: Mapping[str, Param]) -> Pairs:
    return tuple(params.items())


def _net_height(spectrum: Spectrum, model: FitModel, position: float) -> float:
    """Measured minus modelled intensity around a position; at least a little above zero."""
    evaluator = Evaluator(spectrum, model)
    parts = evaluator.parts(evaluator.values_of(model))
    near = np.abs(evaluator.x - position) <= max(0.15, 1.5 * spectrum.axis.step)
    if not np.any(near):
        raise BadModel(f"{position:g} eV lies outside the region", where=model.name)
    net = float(np.mean(evaluator.y[near] - parts.envelope[near]))
    return max(net, 0.02 * float(np.ptp(evaluator.y)), 1e-6)


def _params(
    shape_name: str, values: Mapping[str, float], region: tuple[float, float], line: str,
    bounds: tuple[float, float] = WIDTH_BOUNDS,
) -> Pairs:
    """Parameters of a new component with the bounds that suit a peak in a region.

    The Lorentzian width of a core level is its lifetime width, known from the library and held: data of one peak tell
    it badly apart from the Gaussian width.
    """
    pairs: dict[str, Param] = {}
    lifetime = _lifetime_width(line)
    for p in shape(shape_name).parameters:
        value, low, high, vary = float(values[p.name]), p.minimum, p.maximum, True
        if p.kind == "position":
            low, high = max(region[0], p.minimum), region[1]
        elif p.kind == "width":
            low, high = max(low, bounds[0] if p.name != "fwhm_l" else low), min(high, bounds[1])
            if p.name == "fwhm_l" and lifetime is not None:
                value, low, vary = lifetime, min(low, lifetime), False
        elif p.kind == "shape":
            vary = False  # mixing, asymmetry and the like are held until the user lets them free
        pairs[p.name] = Param(float(np.clip(value, low, high)), low, high, vary=vary)
    return _pairs(pairs)


def _lifetime_width(line: str) -> float | None:
    """Natural width of a core level in eV, None where it is not a core level."""
    try:
        level = parse_line(line)
    except SodaliteError:
        return None
    if level.kind != "core":
        return None
    width = core_level(level.components[0]).lifetime_width
    return LIGHT_ELEMENT_WIDTH if width is None else width


def add_peak(
    spectrum: Spectrum,
    model: FitModel,
    position: float,
    *,
    height: float | None = None,
    fwhm: float | None = None,
    shape: str = "gl_sum",
    name: str = "",
    line: str = "",
    compound: str = "",
    source: str = "",
) -> FitModel:
    """The model with one more peak.

    Parameters
    ----------
    position : float
        On the spectrum's axis.
    height, fwhm : float, optional
        In intensity units and eV; by default what the data leave above the model, and the width of the other peaks.
    shape : str
        Key of `fitting.shapes.SHAPES`.
    line : str
        Core level; by default that of the spectrum or of the other peaks.
    """
    losses = spectrum.axis.quantity == "energy_loss"  # plasmons and edges are as wide as they like
    if not model.region[0] <= position <= model.region[1]:
        raise BadModel(
            f"{position:g} eV lies outside the region {model.region[0]:g} to {model.region[1]:g} eV", where=model.name
        )
    if height is None:
        height = _net_height(spectrum, model, position)
    if fwhm is None:
        fwhm = _measured_width(spectrum, model, position) if losses else _usual_width(model)
    bounds = (2 * spectrum.axis.step, model.region[1] - model.region[0]) if losses else WIDTH_BOUNDS
    line = line or _usual_line(spectrum, model, position)
    component = Component(
        model.fresh_id(),
        name or _free_name(model, line or "Peak"),
        shape,
        _params(shape, _start(shape, position, height, fwhm, spectrum), model.region, line, bounds),
        line=line,
        compound=compound,
        source=source,
        quantify=not _shape(shape).step and (not line or parse_line(line).kind == "core"),
        # Beside components that are convolved with the response of the measurement, so is this one.
        broadened=any(c.broadened for c in model.components),
    )
    return model.with_component(component)


def _start(name: str, position: float, height: float, fwhm: float, spectrum: Spectrum) -> dict[str, float]:
    """Start values of a shape; shapes count in binding energy, so a kinetic axis is turned for the call."""
    direction = axis_direction(spectrum.axis.quantity)
    values = shape(name).start(direction * position, height, fwhm)
    values["position"] *= direction
    return values


def _usual_width(model: FitModel) -> float:
    widths = [c.value("fwhm") for c in model.components if any(n == "fwhm" for n, _ in c.params)]
    return float(np.median(widths)) if widths else DEFAULT_WIDTH


def _measured_width(spectrum: Spectrum, model: FitModel, position: float) -> float:
    """Twice the distance at which what the model leaves of the data falls to half, on the nearer side of a place."""
    evaluator = Evaluator(spectrum, model)
    net = evaluator.y - evaluator.parts(evaluator.values_of(model)).envelope
    # Enough channels are added up that noise does not look like the end of the peak.
    wide = max(min(round(0.02 * net.size), round(0.5 / max(spectrum.axis.step, 1e-9))), 1)
    smooth = np.convolve(net, np.ones(wide) / wide, mode="same")
    at = int(np.argmin(np.abs(evaluator.x - position)))
    if smooth[at] <= 0:
        return DEFAULT_WIDTH
    below = np.flatnonzero(smooth < 0.5 * smooth[at])
    sides = [evaluator.x[at] - evaluator.x[below[below < at][-1]]] if np.any(below < at) else []
    sides += [evaluator.x[below[below > at][0]] - evaluator.x[at]] if np.any(below > at) else []
    width = 2 * float(min(sides)) if sides else DEFAULT_WIDTH
    return max(width, 3 * spectrum.axis.step)


def _free_name(model: FitModel, stem: str) -> str:
    taken = {c.name for c in model.components}
    if stem not in taken:
        return stem
    return next(f"{stem} {n}" for n in range(2, len(taken) + 3) if f"{stem} {n}" not in taken)


def region_lines(spectrum: Spectrum) -> tuple[Line, ...]:
    """The core levels that the file or the name of the spectrum says it holds ("V 2p + O 1s": two)."""
    texts = [f"{spectrum.meta.element} {spectrum.meta.transition}".strip(), *spectrum.name.replace(",", "+").split("+")]
    found: list[Line] = []
    for text in texts:
        try:
            line = parse_line(text.strip())
        except SodaliteError:
            continue
        if line not in found:
            found.append(line)
    return tuple(found)


def _usual_line(spectrum: Spectrum, model: FitModel, position: float) -> str:
    """The line that a peak at a position most likely belongs to: the nearest of those the spectrum names."""
    lines = region_lines(spectrum)
    if not lines:
        named = [c.line for c in model.components if c.line]
        return named[-1] if named else ""
    cores = [line for line in lines if line.kind == "core"]
    if not cores:
        return lines[0].name
    best = min(cores, key=lambda line: abs(_energy_of(line) - position))
    return best.components[0].name if best.unresolved else best.name


def _energy_of(line: Line) -> float:
    return core_level(line).binding_energy


def add_doublet(
    spectrum: Spectrum, model: FitModel, line: str, position: float, shape: str = "gl_sum", *, name: str = "",
    compound: str = "", source: str = "", fwhm: float | None = None,
) -> FitModel:
    """The model with a spin-orbit doublet: two peaks tied by the library's splitting and ratio.

    Parameters
    ----------
    line : str
        "V 2p", or its major component "V 2p3/2".
    position : float
        Of the major component.

    Raises
    ------
    UnknownName
        If the line is no doublet.
    """
    level = parse_line(line)
    pair = doublet(level.element, level.level)
    label = name or _free_name(model, pair.major.name)
    model = add_peak(
        spectrum, model, position, shape=shape, name=label, line=pair.major.name, compound=compound, source=source,
        fwhm=fwhm,
    )
    major = model.components[-1]
    sign = axis_direction(spectrum.axis.quantity)
    params = dict(major.params)
    first = next(iter(params))  # area, or height for shapes of infinite area
    offset = sign * pair.splitting
    links = {first: f"{major.id}.{first} * {pair.ratio:.6g}", "position": f"{major.id}.position {offset:+.4g}"}
    for other in params:
        if other not in links:
            links[other] = f"{major.id}.{other}"
    if not pair.same_width:
        # The minor line is broader by Coster-Kronig decay: its width is its own, started from the lifetime widths.
        # Where the shape has a lifetime width of its own that is held, only that one differs.
        width = "fwhm" if "fwhm" in params else "fwhm_l"
        del links[width]
        broader = min(params[width].value + (pair.width_excess or 0.0), params[width].maximum)
        params[width] = replace(params[width], value=broader)
    tied = {
        key: replace(p, link=links.get(key, ""), value=_linked_value(key, first, p.value, pair.ratio, offset, links))
        for key, p in params.items()
    }
    tied["position"] = replace(tied["position"], minimum=-np.inf, maximum=np.inf)
    minor = Component(
        model.fresh_id(),
        f"{label} {pair.minor.level}" if name else pair.minor.name,
        shape,
        _pairs(tied),
        line=pair.minor.name,
        compound=compound,
        source=pair.source,
        doublet=major.id,
    )
    return model.with_component(minor)


def _linked_value(
    key: str, first: str, value: float, ratio: float, offset: float, links: Mapping[str, str]
) -> float:
    if key not in links:
        return value
    return value * ratio if key == first else value + offset if key == "position" else value


@dataclass(frozen=True)
class Suggestion:
    """A peak that the library proposes for a region.

    Attributes
    ----------
    title : str
        For lists: "Na2CO3: C 1s".
    line, compound, source, reference, confidence : str
        As in the library.
    position, low, high : float
        Median and spread of the cited binding energies in eV.
    doublet : bool
        Whether it comes as a spin-orbit doublet.
    significance : float
        How far the data lie above the model at that energy, in standard deviations summed over a line width; large
        where something is missing from the model.
    """

    title: str
    line: str
    position: float
    low: float
    high: float
    compound: str
    source: str
    reference: str
    confidence: str
    doublet: bool
    significance: float = 0.0


def suggestions(spectrum: Spectrum, model: FitModel) -> tuple[Suggestion, ...]:
    """Cited lines that could explain the data of a region, the best supported by the data first.

    Lines are looked for at their cited energies: charge-reference the sample first. Where the spectrum names its core
    levels only those are proposed, else all that fall into the region.
    """
    low, high = model.region
    if spectrum.axis.quantity != "binding_energy":
        raise BadModel("Proposals need a binding-energy axis", where=spectrum.name, todo="Set the photon energy first")
    lines = [line for line in region_lines(spectrum) if line.kind == "core"]
    if not lines:
        energy = spectrum.meta.photon_energy or 1486.6
        found = lines_in_window(low, high, energy)
        lines = list(dict.fromkeys(item.line for item in found if isinstance(item, CoreLevel)))
    excess = _Excess(spectrum, model)
    taken = {(c.compound, c.line) for c in model.components}
    proposals = []
    for line in lines:
        for item in suggest(line, (low, high)):
            proposal = _suggestion(item, excess)
            if (proposal.compound, proposal.line) not in taken and low <= proposal.position <= high:
                proposals.append(proposal)
    return tuple(sorted(proposals, key=lambda p: -p.significance))


class _Excess:
    """How many standard deviations the data stand above the model around an energy."""

    def __init__(self, spectrum: Spectrum, model: FitModel) -> None:
        evaluator = Evaluator(spectrum, model)
        envelope = evaluator.parts(evaluator.values_of(model)).envelope
        self.x: FloatArray = evaluator.x
        self.excess: FloatArray = evaluator.y - envelope
        self.variance: FloatArray = variance_of(spectrum.noise, envelope, evaluator.y)

    def at(self, energy: float) -> float:
        near = np.abs(self.x - energy) <= 0.5 * DEFAULT_WIDTH
        if not np.any(near):
            return 0.0
        return float(np.sum(self.excess[near]) / np.sqrt(np.sum(self.variance[near])))


def _suggestion(item: ReferenceLine, excess: _Excess) -> Suggestion:
    line = item.line.components[0] if item.line.unresolved else item.line
    return Suggestion(
        f"{item.label}: {line.name}",
        line.name,
        item.central,
        item.low,
        item.high,
        item.label,
        item.source,
        item.reference,
        item.confidence,
        line.level[1] != "s" and line.kind == "core",
        excess.at(item.central),
    )


def add_suggestion(spectrum: Spectrum, model: FitModel, suggestion: Suggestion) -> FitModel:
    """The model with a proposal added: a peak or doublet whose position may move within the cited spread.

    Half an electronvolt is allowed beyond the spread, since charge references differ that much between papers.
    """
    margin = 0.5
    common = {"name": suggestion.compound, "compound": suggestion.compound, "source": suggestion.source}
    if suggestion.doublet:
        model = add_doublet(spectrum, model, suggestion.line, suggestion.position, **common)
        component = model.components[-2]
    else:
        model = add_peak(spectrum, model, suggestion.position, line=suggestion.line, **common)
        component = model.components[-1]
    position = replace(
        component.param("position"), minimum=suggestion.low - margin, maximum=suggestion.high + margin
    )
    return model.with_component(component.with_(position=position))
