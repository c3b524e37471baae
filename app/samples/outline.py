"""Regions and peaks in short form, as an analyst would note them, and the fit models made of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from fitting import guess
from fitting.backgrounds import TOUGAARD_CLASSES
from fitting.dataset import Spectrum
from fitting.model import Component, FitModel, Param
from libraries.sensitivity import scofield


@dataclass(frozen=True)
class Peak:
    """A peak as an analyst would add it.

    Attributes
    ----------
    name, line : str
    position : float
        Start in eV binding energy.
    width : (start, least, most)
        Of the Gaussian part of a Voigt line, else of the whole.
    slack : float
        How far the position may move in eV.
    links : tuple of (parameter, formula)
        Formulas name other peaks in brackets: ("position", "[oxide].position + 1.35 +- 0.1").
    free : tuple of str
        Parameters of the shape to let free; by default its shape is held.
    values : tuple of (parameter, start)
    doublet : bool
        With its second line at the library's splitting, in the ratio of the cross-sections.
    quantify : bool
        Whether it counts in the composition.
    """

    name: str
    line: str
    position: float
    width: tuple[float, float, float] = (1.2, 0.5, 2.6)
    slack: float = 0.4
    shape: str = "voigt"
    compound: str = ""
    links: tuple[tuple[str, str], ...] = ()
    free: tuple[str, ...] = ()
    values: tuple[tuple[str, float], ...] = ()
    doublet: bool = False
    quantify: bool = True


@dataclass(frozen=True)
class Region:
    """A window on one spectrum with its peaks.

    Attributes
    ----------
    spectrum : str
    low, high : float
        In eV binding energy.
    peaks : tuple of Peak
    loss : str
        Class of Tougaard's loss function, of which the strength is fitted; "" for the program's default background.
    plasmon : bool
        With a plasmon beside it.
    held : tuple of str
        Parameters of the background that are held, beside the form of its class.
    start : tuple of (parameter, value)
        Of the background, where it is not the class's.
    """

    spectrum: str
    low: float
    high: float
    peaks: tuple[Peak, ...]
    loss: str = "universal"
    plasmon: bool = False
    held: tuple[str, ...] = ("tilt",)
    start: tuple[tuple[str, float], ...] = ()


def region_model(spectrum: Spectrum, region: Region) -> FitModel:
    """The model of a region, started on a spectrum."""
    kind = "tougaard_plasmon" if region.plasmon else "tougaard_active"
    model = guess.new_model(spectrum, region.low, region.high, kind, spectrum.name)
    params = dict(model.background.params)
    for name, value in (*zip("bcd", TOUGAARD_CLASSES[region.loss], strict=True), *region.start):
        params[name] = replace(params[name], value=value)
    for name in params:
        params[name] = replace(params[name], vary=name not in ("c", "d", *region.held))
    model = replace(model, background=replace(model.background, params=tuple(params.items())))
    for peak in region.peaks:
        model = _added(spectrum, model, peak)
    return model


def _added(spectrum: Spectrum, model: FitModel, peak: Peak) -> FitModel:
    """The model with one more peak or doublet, its bounds and links."""
    options = {"name": peak.name, "compound": peak.compound, "fwhm": peak.width[0], "shape": peak.shape}
    if peak.doublet:
        model = guess.add_doublet(spectrum, model, peak.line, peak.position, **options)
        component, minor = model.components[-2:]
        model = model.with_component(_minor(spectrum, component, minor))
    else:
        model = guess.add_peak(spectrum, model, peak.position, line=peak.line, **options)
        component = model.components[-1]
    params = dict(component.params)
    start, least, most = peak.width
    params["fwhm" if "fwhm" in params else "fwhm_g"] = Param(start, least, most)
    params["position"] = Param(peak.position, peak.position - peak.slack, peak.position + peak.slack)
    ids = {item.name: item.id for item in model.components}
    for name, value in peak.values:
        params[name] = replace(params[name], value=value)
    for name in peak.free:
        params[name] = replace(params[name], vary=True)
    for name, formula in peak.links:
        link = re.sub(r"\[([^]]+)\]", lambda match: ids[match[1]], formula)
        params[name] = replace(params[name], link=link, vary=True)
    return model.with_component(replace(component, params=tuple(params.items()), quantify=peak.quantify))


def _minor(spectrum: Spectrum, major: Component, minor: Component) -> Component:
    """The second line of a doublet as an analyst sets it.

    Its area is in the ratio of the cross-sections, not of 2j + 1 (Scofield's ratio is 0.516 for V 2p; half the area
    would be 3 % too little). Where it is broader by Coster-Kronig decay it is also more Lorentzian.
    """
    energy = spectrum.meta.photon_energy
    ratio = scofield(minor.line, energy).value / scofield(major.line, energy).value
    params = dict(minor.params)
    params["area"] = replace(params["area"], link=f"{major.id}.area * {ratio:.5g}")
    if "mix" in params and not params["fwhm"].link:
        params["mix"] = replace(params["mix"], link="", vary=True)
    return replace(minor, params=tuple(params.items()))
