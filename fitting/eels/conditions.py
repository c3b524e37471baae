"""Beam and angles of a measurement: as the file says, or as the user said once in the recipe (step "microscope")."""

from __future__ import annotations

from dataclasses import replace

from fitting.dataset import Spectrum
from fitting.eels.kinematics import Beam
from fitting.processing.step import Step
from libraries.errors import BadData

_NAMES = ("beam_energy", "convergence_angle", "collection_angle")


def beam_of(spectrum: Spectrum) -> Beam:
    """Beam of a processed spectrum; what is not known stays unknown, and whoever needs it refuses by itself."""
    meta = spectrum.meta
    return Beam(meta.beam_energy, meta.convergence_angle, meta.collection_angle)


def microscope_step(
    beam_energy: float | None, convergence_angle: float | None, collection_angle: float | None, note: str = ""
) -> Step:
    """The user's word on beam energy (keV) and half angles (mrad); None leaves what the file says."""
    values = (beam_energy, convergence_angle, collection_angle)
    Beam(*values)  # refuses what cannot be
    named = zip(_NAMES, values, strict=True)
    return Step("microscope", tuple((name, float(value)) for name, value in named if value is not None), note)


def microscope(spectrum: Spectrum, step: Step) -> Spectrum:
    """Sets beam energy and angles of an energy-loss spectrum."""
    if spectrum.axis.quantity != "energy_loss":
        raise BadData("Only energy-loss spectra have a beam of electrons", where=spectrum.name)
    told = {name: step.number(name) for name in _NAMES if step.has(name)}
    Beam(*(told.get(name) for name in _NAMES))
    return spectrum.with_(meta=replace(spectrum.meta, **told))
