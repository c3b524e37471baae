"""Recipes: the recorded, repeatable steps from a raw spectrum to the one that is fitted.

A step is data: a kind (key of `STEPS`) and named numbers or texts. The raw spectrum is never altered.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from fitting.dataset import Axis, Noise, Spectrum
from libraries.errors import BadData, BadModel
from libraries.units import binding_from_kinetic

Value = float | str


@dataclass(frozen=True)
class Step:
    """One step of a recipe.

    Attributes
    ----------
    kind : str
        Key of `STEPS`.
    params : tuple of (name, number or text)
    note : str
        Why, for people.
    """

    kind: str
    params: tuple[tuple[str, Value], ...] = ()
    note: str = ""

    def get(self, name: str) -> Value:
        """A parameter of the step.

        Raises
        ------
        BadModel
            If it is missing.
        """
        for key, value in self.params:
            if key == name:
                return value
        raise BadModel(f"The step {self.kind} lacks {name}")

    def number(self, name: str) -> float:
        """A numeric parameter of the step; must be finite."""
        value = self.get(name)
        if isinstance(value, str) or not math.isfinite(value):
            raise BadModel(f"{name} of the step {self.kind} must be a finite number", where=str(value))
        return float(value)


@dataclass(frozen=True)
class Recipe:
    """Steps in order."""

    steps: tuple[Step, ...] = ()

    def apply(self, spectrum: Spectrum) -> Spectrum:
        """The spectrum after all steps."""
        for step in self.steps:
            try:
                action = STEPS[step.kind]
            except KeyError:
                raise BadModel(f"There is no step {step.kind}", todo=f"Use one of {', '.join(STEPS)}") from None
            spectrum = action(spectrum, step)
        return spectrum

    def with_step(self, step: Step) -> Recipe:
        """The recipe with a step at its end."""
        return Recipe((*self.steps, step))

    def without_kind(self, kind: str) -> Recipe:
        """The recipe without any step of that kind."""
        return Recipe(tuple(step for step in self.steps if step.kind != kind))

    @property
    def energy_shift(self) -> float:
        """Sum of all energy shifts in eV (binding energy, + is to higher binding energy)."""
        return sum(step.number("shift") for step in self.steps if step.kind == "energy_shift")

    def charge_reference(self) -> str:
        """What the energy axis is referred to, for tables and plots; "" where no shift was made."""
        for step in reversed(self.steps):
            if step.kind == "energy_shift":
                return step.note or f"shift {step.number('shift'):+.2f} eV"
        return ""


def _energy_shift(spectrum: Spectrum, step: Step) -> Spectrum:
    """Charge reference: binding energies move by `shift`; kinetic energies by its negative."""
    shift = step.number("shift")
    if spectrum.axis.quantity == "kinetic_energy":
        shift = -shift
    elif spectrum.axis.quantity != "binding_energy":
        raise BadData("Only an energy axis of a photoelectron spectrum can be charge-referenced", where=spectrum.name)
    return replace(spectrum, axis=replace(spectrum.axis, values=spectrum.x + shift))


def _crop(spectrum: Spectrum, step: Step) -> Spectrum:
    return spectrum.window(step.number("low"), step.number("high"))


def _photon_energy(spectrum: Spectrum, step: Step) -> Spectrum:
    """Sets the photon energy of a spectrum on a kinetic-energy axis and turns the axis into binding energy."""
    if spectrum.axis.quantity != "kinetic_energy":
        raise BadData("The axis is not kinetic energy already", where=spectrum.name)
    energy = step.number("photon_energy")
    work_function = step.number("work_function") if any(n == "work_function" for n, _ in step.params) else 0.0
    binding = binding_from_kinetic(spectrum.x, energy, work_function)
    return replace(
        spectrum,
        axis=Axis(binding[::-1], "binding_energy", "eV"),
        counts=spectrum.counts[..., ::-1],
        transmission=None if spectrum.transmission is None else spectrum.transmission[::-1],
        meta=replace(spectrum.meta, photon_energy=energy, work_function=work_function),
    )


def _noise(spectrum: Spectrum, step: Step) -> Spectrum:
    """The user's word on the noise."""
    kind = step.get("kind")
    gain = step.number("gain") if any(name == "gain" for name, _ in step.params) else None
    read = step.number("read_noise") if any(name == "read_noise" for name, _ in step.params) else 0.0
    if kind not in ("poisson", "gaussian", "unknown"):
        raise BadModel("Noise is poisson, gaussian or unknown", where=str(kind))
    return replace(spectrum, noise=Noise(kind, gain, read, origin="user"))  # type: ignore[arg-type]


STEPS: dict[str, Callable[[Spectrum, Step], Spectrum]] = {
    "energy_shift": _energy_shift,
    "crop": _crop,
    "photon_energy": _photon_energy,
    "noise": _noise,
}


def energy_shift(shift: float, note: str) -> Step:
    """A charge-reference step: `shift` eV to higher binding energy, `note` names the reference."""
    return Step("energy_shift", (("shift", float(shift)),), note)
