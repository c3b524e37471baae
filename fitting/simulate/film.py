"""Simulated angle series of a layered film: spectra at several emission angles, with known thicknesses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.evaluate import Evaluator
from fitting.model import Background, Component, FitModel, Param
from fitting.xps.layers import stack_intensities
from libraries.attenuation import imfp_tpp2m, material
from libraries.compounds import lines_of
from libraries.errors import BadData
from libraries.sensitivity import angular_factor, scofield
from libraries.units import kinetic_from_binding

PHOTON = 1486.6  # eV, Al K alpha
SOURCE_ANGLE = 54.7356  # degrees between source and analyser: no angular asymmetry
_STEP = 0.1


@dataclass(frozen=True)
class FilmLine:
    """A line of the film.

    Attributes
    ----------
    name, line : str
        What it is called, and its level ("C 1s").
    binding_energy, fwhm : float
        In eV.
    sites : tuple of (layer, atoms per formula unit)
    """

    name: str
    line: str
    binding_energy: float
    fwhm: float
    sites: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Film:
    """Layers from the surface: materials of `libraries.attenuation`, thicknesses in angstrom (of all but the last)."""

    materials: tuple[str, ...]
    thickness: tuple[float, ...]
    lines: tuple[FilmLine, ...]

    def __post_init__(self) -> None:
        if len(self.thickness) != len(self.materials) - 1 or not all(d > 0 for d in self.thickness):
            raise BadData("A film needs a thickness above zero for each layer but the last", where=str(self.thickness))

    def regions(self) -> dict[str, tuple[float, float]]:
        """Windows by level, in eV binding energy."""
        found: dict[str, tuple[float, float]] = {}
        for line in self.lines:
            low, high = found.get(line.line, (line.binding_energy, line.binding_energy))
            found[line.line] = (min(low, line.binding_energy), max(high, line.binding_energy))
        return {name: (low - 6.0, high + 9.0) for name, (low, high) in found.items()}


def _cited(compound: str, level: str) -> float:
    """The library's energy of a line of a compound."""
    return next(item.central for item in lines_of(compound) if item.line.name == level)


def carbonate(thickness: float = 15.0) -> Film:
    """Na2CO3 on graphite; energies of the library."""
    return Film(
        ("Na2CO3", "graphite"),
        (thickness,),
        (
            FilmLine("sp2", "C 1s", _cited("graphite", "C 1s"), 0.9, ((1, 1.0),)),
            FilmLine("carbonate", "C 1s", _cited("Na2CO3", "C 1s"), 1.3, ((0, 1.0),)),
            FilmLine("oxygen", "O 1s", _cited("Na2CO3", "O 1s"), 1.5, ((0, 3.0),)),
            FilmLine("sodium", "Na 1s", _cited("Na2CO3", "Na 1s"), 1.6, ((0, 2.0),)),
        ),
    )


def carbonate_on_fluoride(thickness: tuple[float, float] = (10.0, 18.0)) -> Film:
    """Na2CO3 on NaF on graphite; energies of the library."""
    return Film(
        ("Na2CO3", "NaF", "graphite"),
        thickness,
        (
            FilmLine("sp2", "C 1s", _cited("graphite", "C 1s"), 0.9, ((2, 1.0),)),
            FilmLine("carbonate", "C 1s", _cited("Na2CO3", "C 1s"), 1.3, ((0, 1.0),)),
            FilmLine("oxygen", "O 1s", _cited("Na2CO3", "O 1s"), 1.5, ((0, 3.0),)),
            FilmLine("fluoride", "F 1s", _cited("NaF", "F 1s"), 1.5, ((1, 1.0),)),
            FilmLine("sodium", "Na 1s", _cited("NaF", "Na 1s"), 1.6, ((0, 2.0), (1, 1.0))),
        ),
    )


def intensities(film: Film, angles: tuple[float, ...]) -> np.ndarray:
    """Areas of the lines up to one factor, shape (n_angles, n_lines); see `fitting.xps.layers.stack_intensities`."""
    solids = [material(name) for name in film.materials]
    total = np.zeros((len(angles), len(film.lines)))
    for i, line in enumerate(film.lines):
        energy = float(kinetic_from_binding(line.binding_energy, PHOTON))
        imfps = np.array([[float(imfp_tpp2m(energy, name))] for name in film.materials])
        factor = scofield(line.line, PHOTON).value * angular_factor(line.line, PHOTON, SOURCE_ANGLE).value
        for layer, atoms in line.sites:
            density = np.array([solids[layer].density * atoms / solids[layer].molar_mass])
            total[:, i] += factor * stack_intensities(film.thickness, density, (layer,), imfps, angles)[:, 0]
    return total


def film_series(
    film: Film, angles: tuple[float, ...] = (0.0, 20.0, 35.0, 50.0, 60.0), counts: float = 5e4, seed: int = 0
) -> tuple[Spectrum, ...]:
    """Spectra of all levels at all angles, with Poisson noise and Tougaard's universal background.

    Parameters
    ----------
    angles : tuple of float
        Emission angles in degrees; what the analyser sees falls as cos(theta), as with a lit spot of fixed size.
    counts : float
        Area of the strongest line at the first angle, counts eV.
    seed : int
        Of the noise; below zero for none.
    """
    areas = intensities(film, angles) * np.cos(np.radians(angles))[:, None]
    areas *= counts / np.max(areas[0])
    random = np.random.default_rng(seed) if seed >= 0 else None
    spectra = []
    for row, angle in zip(areas, angles, strict=True):
        for region, window in film.regions().items():
            spectrum = _spectrum(film, region, window, row, angle)
            if random is not None:
                spectrum = spectrum.with_(counts=random.poisson(spectrum.counts).astype(np.float64))
            spectra.append(spectrum)
    return tuple(spectra)


def _spectrum(film: Film, region: str, window: tuple[float, float], areas: np.ndarray, angle: float) -> Spectrum:
    components = tuple(
        Component(
            f"p{i}", line.name, "gl_sum",
            {"area": Param(float(areas[i])), "position": Param(line.binding_energy), "fwhm": Param(line.fwhm),
             "mix": Param(0.2)},
            line=line.line,
        )
        for i, line in enumerate(film.lines)
        if line.line == region
    )  # fmt: skip
    level = 0.02 * float(np.max(areas))
    background = Background(
        "tougaard_active",
        {"level": Param(level), "tilt": Param(0.0), "b": Param(2866.0), "c": Param(-1643.0), "d": Param(0.0)},
    )
    x = np.round(np.arange(window[0], window[1], _STEP), 6)
    meta = Meta(
        title=f"{region} {angle:g}°", technique="xps", region=region, photon_energy=PHOTON, source="Al Kα",
        source_analyser_angle=SOURCE_ANGLE, emission_angle=angle, pass_energy=20.0, dwell_time=0.2, sweeps=10.0,
        extra=(("simulated", "layered film"),),
    )
    blank = Spectrum(Axis(x, "binding_energy"), np.ones_like(x), Noise("poisson", 1.0), meta)
    model = FitModel((float(x[0]), float(x[-1])), background, components, region)
    return blank.with_(counts=Evaluator(blank, model).full(Evaluator.values_of(model))[0])
