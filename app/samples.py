"""Sample projects: simulated measurements of known composition, with the regions and models an analyst would set.

The spectra come from `fitting.simulate`; everything after that uses only what an analyst sees. The models below are
written as an analyst would type them: windows, backgrounds, peaks from the library, links. They are fitted by the
program like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from app.project import work
from app.project.project import Project, RegionFit, Sample, add_spectra
from fitting import guess
from fitting.dataset import Spectrum
from fitting.model import FitModel, Param
from fitting.simulate.samples import C1S_REFERENCE, xps_samples
from fitting.simulate.xps import expectation, noisy
from libraries.errors import NotDetermined

TECHNIQUES = ("xps",)


@dataclass(frozen=True)
class Peak:
    """A peak as an analyst would add it.

    `width` is (start, least, most) in eV; `slack` how far the position may move (0: held); `at` another peak's name and
    the distance from it (`loose`: within `slack`); `same` further parameters shared with it; `as_wide_as` another peak's name; `area` a link such as (peak name, factor, tolerance in %).
    """

    name: str
    line: str
    position: float
    width: tuple[float, float, float] = (1.2, 0.6, 2.4)
    slack: float = 0.4
    shape: str = "gl_sum"
    doublet: bool = False
    compound: str = ""
    at: tuple[str, float] | None = None
    as_wide_as: str = ""
    area: tuple[str, float, float] | None = None
    free: tuple[str, ...] = ()
    values: tuple[tuple[str, float], ...] = ()
    same: tuple[str, ...] = ()
    loose: bool = False
    quantify: bool = True


@dataclass(frozen=True)
class Region:
    """A window on one spectrum with its peaks."""

    spectrum: str
    low: float
    high: float
    peaks: tuple[Peak, ...]
    background: str = "shirley_active"


def _main_width(component_params: tuple[str, ...]) -> str:
    return "fwhm" if "fwhm" in component_params else "fwhm_g"


def _add(spectrum: Spectrum, model: FitModel, peak: Peak) -> FitModel:
    """One peak (or doublet) with its bounds and links."""
    options = {"name": peak.name, "compound": peak.compound, "fwhm": peak.width[0], "shape": peak.shape}
    if peak.doublet:
        model = guess.add_doublet(spectrum, model, peak.line, peak.position, **options)
        component = model.components[-2]
    else:
        model = guess.add_peak(spectrum, model, peak.position, line=peak.line, **options)
        component = model.components[-1]
    params = dict(component.params)
    ids = {c.name: c.id for c in model.components}
    width = _main_width(tuple(params))
    params[width] = Param(peak.width[0], peak.width[1], peak.width[2], vary=peak.width[1] < peak.width[2])
    low, high = peak.position - peak.slack, peak.position + peak.slack
    params["position"] = Param(peak.position, low, high, vary=peak.slack > 0)
    if peak.at:
        slack = f" +- {peak.slack:g}" if peak.loose else ""
        params["position"] = replace(params["position"], link=f"{ids[peak.at[0]]}.position {peak.at[1]:+g}{slack}")
    if peak.as_wide_as:
        params[width] = replace(params[width], link=f"{ids[peak.as_wide_as]}.{width}")
    if peak.area:
        other, factor, tolerance = peak.area
        spread = f" +- {tolerance:g} %" if tolerance else ""
        params["area"] = replace(params["area"], link=f"{ids[other]}.area * {factor:g}{spread}")
    for name, value in peak.values:
        params[name] = replace(params[name], value=value)
    for name in peak.same:
        params[name] = replace(params[name], link=f"{ids[peak.at[0] if peak.at else peak.as_wide_as]}.{name}")
    for name in peak.free:
        params[name] = replace(params[name], vary=True)
    return model.with_component(replace(component, params=tuple(params.items()), quantify=peak.quantify))


def region_model(spectrum: Spectrum, region: Region) -> FitModel:
    """The model of a region, started on a spectrum."""
    model = guess.new_model(spectrum, region.low, region.high, region.background, spectrum.name)
    for peak in region.peaks:
        model = _add(spectrum, model, peak)
    return model


# ------------------------------------------------------------------------------------------------------- the analyst
# Distances of the weak Na KLL lines from KL23L23 1D, towards high binding energy (libraries/tables/auger_lines.csv).
_KL1L23_1P = 39.3
_KL1L23_3P = 26.85


def _voigt(name: str, line: str, position: float, width: tuple[float, float, float] = (1.2, 0.5, 2.6), **more) -> Peak:  # noqa: ANN003
    return Peak(name, line, position, width, shape="voigt", **more)


def _auger(name: str, position: float, **more) -> Peak:  # noqa: ANN003
    return Peak(name, "Na KLL", position, (3.6, 2.5, 5.0), slack=0.6, quantify=False, **more)


def _plasmon(name: str, of: str, energy: float) -> Peak:
    """A loss line: as its parent, broader, at a multiple of the plasmon energy; not counted in the composition."""
    return Peak(
        name, "Na 1s", 1072.0 + energy, (1.8, 0.8, 4.0), slack=0.4, shape="gl_tail", at=(of, energy), loose=True,
        same=("mix", "tail", "tail_length"), quantify=False,
    )


_SP2 = Peak(
    "sp² C–C", "C 1s", 284.6, (0.8, 0.3, 1.4), slack=0.3, shape="gl_tail", compound="graphite",
    free=("mix", "tail", "tail_length"),
)
_SHAKE_UP = Peak("π–π*", "C 1s", 291.1, (2.6, 1.5, 4.0), slack=0.5)

MODELS: dict[str, tuple[Region, ...]] = {
    "VN on sodium": (
        Region("V 2p + O 1s", 508.5, 544.0, (
            Peak("VN", "V 2p3/2", 513.3, (1.0, 0.5, 1.8), shape="gl_tail", doublet=True, compound="VN on Na",
                 free=("tail", "tail_length")),
            _voigt("V–O", "V 2p3/2", 516.3, (2.0, 1.2, 3.0), doublet=True, compound="VO2"),
            _voigt("oxide", "O 1s", 530.2, (1.4, 0.9, 2.0), compound="VO2"),
            _voigt("carbonate", "O 1s", 531.55, at=("oxide", 1.35), as_wide_as="oxide", compound="Na2CO3"),
            _voigt("C–O", "O 1s", 532.7, at=("oxide", 2.4), as_wide_as="oxide", compound="PEO"),
            _auger("Na KLL ³P", 524.6),
            _auger("Na KLL ¹P", 537.05),
        ), "tougaard_active"),
        Region("N 1s", 392.0, 405.5, (_voigt("nitride", "N 1s", 397.5, compound="VN on Na"),)),
        Region("C 1s", 280.5, 296.0, (
            _voigt("C–C, C–H", "C 1s", 284.6, slack=0.3),
            _voigt("C–O", "C 1s", 286.2, as_wide_as="C–C, C–H", compound="PEO"),
            _voigt("carbonate", "C 1s", 289.45, as_wide_as="C–C, C–H", compound="Na2CO3"),
        )),
        Region("Na 1s", 1065.0, 1082.5, (_voigt("Na⁺", "Na 1s", 1071.7, compound="Na2CO3"),)),
    ),
    "Cycled hard carbon": (
        Region("C 1s", 280.0, 297.0, (
            _SP2,
            _voigt("C–O", "C 1s", 286.2, compound="PEO"),
            _voigt("C=O", "C 1s", 287.9, as_wide_as="C–O"),
            _voigt("carbonate", "C 1s", 289.45, as_wide_as="C–O", compound="Na2CO3"),
            _SHAKE_UP,
        )),
        Region("O 1s", 527.0, 545.0, (
            _voigt("carbonate", "O 1s", 531.55, compound="Na2CO3"),
            _voigt("C–O, C=O, ClO4", "O 1s", 532.6, as_wide_as="carbonate", compound="PEO"),
            _auger("Na KLL", 536.8),
        )),
        Region("F 1s", 679.0, 694.0, (_voigt("fluoride", "F 1s", 684.5, compound="NaF"),)),
        Region("Na 1s", 1065.0, 1082.0, (_voigt("Na⁺", "Na 1s", 1071.5, compound="NaF"),)),
        Region("Cl 2p", 203.0, 216.5, (_voigt("perchlorate", "Cl 2p3/2", 208.75, doublet=True, compound="NaClO4"),)),
    ),
    "Na on hard carbon": (
        Region("C 1s", 280.0, 297.0, (_SP2, _voigt("C–O", "C 1s", 286.2, compound="PEO"), _SHAKE_UP)),
        Region("O 1s", 526.5, 545.0, (
            _voigt("Na2O", "O 1s", 529.7, compound="Na2O"),
            _voigt("C–O", "O 1s", 532.6, as_wide_as="Na2O", compound="PEO"),
            _auger("Na KLL, ion", 536.8),
            replace(_auger("Na KLL, metal", 532.0), slack=0.0, as_wide_as="Na KLL, ion"),
        )),
        Region("Na 1s", 1064.5, 1084.0, (
            _voigt("dissolved Na", "Na 1s", 1071.4),
            Peak("Na metal", "Na 1s", 1072.0, (0.9, 0.5, 1.5), slack=0.3, shape="gl_tail",
                 compound="Na metal film on HOPG", free=("tail",)),
            _voigt("Na2O", "Na 1s", 1072.5, at=("dissolved Na", 1.1), as_wide_as="dissolved Na", compound="Na2O"),
            _plasmon("plasmon", "Na metal", 5.8),
        )),
    ),
    "Na on HOPG": (
        Region("C 1s", 280.5, 297.0, (
            replace(_SP2, width=(0.45, 0.2, 0.9)),
            Peak("Na plasmon", "C 1s", 290.4, (1.5, 0.6, 3.0), slack=0.3, quantify=False),
            replace(_SHAKE_UP, position=291.1),
        )),
        Region("Na 1s", 1064.5, 1090.0, (
            Peak("Na metal", "Na 1s", 1072.0, (0.9, 0.4, 1.5), slack=0.3, shape="gl_tail",
                 compound="Na metal film on HOPG", free=("mix", "tail", "tail_length")),
            _plasmon("plasmon", "Na metal", 5.8),
            _plasmon("2 plasmons", "Na metal", 11.6),
        )),
    ),
}


def measured_reference(spectrum: Spectrum) -> float:
    """Where the strongest C 1s line stands: vertex of a parabola through the top fifth of the peak.

    Raises
    ------
    NotDetermined
        If the spectrum has no peak.
    """
    x, y = spectrum.x, spectrum.y
    floor = float(np.median(np.sort(y)[: max(y.size // 5, 3)]))
    top = int(np.argmax(np.convolve(y, np.ones(3) / 3, "same")))
    # Only the points around the maximum that stay above four fifths of it.
    low = high = top
    level = floor + 0.8 * (y[top] - floor)
    while low > 0 and y[low - 1] > level:
        low -= 1
    while high < y.size - 1 and y[high + 1] > level:
        high += 1
    if high - low < 3:
        low, high = max(top - 2, 0), min(top + 2, y.size - 1)
    if high - low < 3:
        raise NotDetermined("No C 1s peak was found", where=spectrum.name)
    a, b, _ = np.polyfit(x[low : high + 1] - x[top], y[low : high + 1], 2)
    if not a < 0:
        raise NotDetermined("No C 1s peak was found", where=spectrum.name)
    return float(x[top] - b / (2 * a))


def set_up(project: Project, sample: Sample) -> Project:
    """Charge reference, regions and models for one simulated sample, from what its spectra show."""
    carbon = next(e for e in project.entries_of(sample.id) if e.spectrum.meta.region == "C 1s")
    note = f"C 1s at {C1S_REFERENCE:g} eV"
    project = work.charge_reference(project, sample.id, measured_reference(carbon.spectrum), C1S_REFERENCE, note)
    for region in MODELS[sample.name]:
        entry = next(e for e in project.entries_of(sample.id) if e.spectrum.meta.region == region.spectrum)
        model = region_model(entry.processed(), region)
        project = project.with_entry(entry.with_fit(RegionFit("r1", model)))
    return project


def _xps_project(seed: int) -> Project:
    project = Project("Sodium battery surfaces (simulated)")
    for number, spec in enumerate(xps_samples()):
        measured = noisy(expectation(spec), seed + number)
        project = add_spectra(project, list(measured.spectra), spec.name)
        sample = next(s for s in project.samples if s.name == spec.name)
        sample = replace(sample, material=spec.material.name, note=spec.note)
        project = set_up(project.with_sample(sample), sample)
    return replace(project, note="Simulated spectra of known composition: see Help, Samples.")


_PROJECTS: dict[str, Callable[[int], Project]] = {"xps": _xps_project}


def sample_project(technique: str = "xps", seed: int = 2026, *, fitted: bool = False) -> Project:
    """The sample project of a technique.

    Parameters
    ----------
    technique : str
        One of `TECHNIQUES`.
    seed : int
        Of the noise.
    fitted : bool
        Whether its regions are fitted already.
    """
    project = _PROJECTS[technique](seed)
    return work.fit_all(project) if fitted else project
