"""Recipes: the recorded, repeatable steps from a raw spectrum to the one that is fitted.

A step is data: a kind (key of `STEPS`) and named numbers or texts. The raw spectrum is never altered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from fitting.dataset import Axis, Noise, Spectrum
from fitting.eels.conditions import microscope
from fitting.processing import difference, satellites, scale, smoothing, spikes, sweeps
from fitting.processing.step import Step, Value
from libraries.errors import BadData, BadModel
from libraries.units import binding_from_kinetic

__all__ = ["STEPS", "Recipe", "Step", "Value", "energy_shift"]


_KEPT = 3  # answers of a spectrum: as it is, as it was, and its single sweeps


@dataclass(frozen=True)
class Recipe:
    """Steps in order."""

    steps: tuple[Step, ...] = ()

    def apply(self, spectrum: Spectrum) -> Spectrum:
        """The spectrum after all steps; the last answers are kept beside the raw spectrum, which never changes."""
        if not self.active:
            return spectrum
        known: tuple[tuple[Recipe, Spectrum], ...] = spectrum.__dict__.get("_processed", ())
        for recipe, answer in known:
            if recipe == self:
                return answer
        raw = spectrum
        for step in self.active:
            try:
                action = STEPS[step.kind]
            except KeyError:
                raise BadModel(f"There is no step {step.kind}", todo=f"Use one of {', '.join(STEPS)}") from None
            spectrum = action(spectrum, step)
        object.__setattr__(raw, "_processed", ((self, spectrum), *known[: _KEPT - 1]))
        return spectrum

    @property
    def active(self) -> tuple[Step, ...]:
        """The steps that are not switched off."""
        return tuple(step for step in self.steps if step.enabled)

    @property
    def front(self) -> int:
        """Place behind the steps on raw channels and the calibration of the scale, before everything else."""
        places = [i for i, step in enumerate(self.steps) if step.kind in RAW_KINDS]
        return places[-1] + 1 if places else 0

    def with_front(self, step: Step) -> Recipe:
        """The recipe with a step at its front (see `front`)."""
        at = self.front
        return Recipe((*self.steps[:at], step, *self.steps[at:]))

    def with_step(self, step: Step) -> Recipe:
        """The recipe with a step at its end."""
        return Recipe((*self.steps, step))

    def without_kind(self, kind: str) -> Recipe:
        """The recipe without any step of that kind."""
        return Recipe(tuple(step for step in self.steps if step.kind != kind))

    @property
    def energy_shift(self) -> float:
        """Sum of all energy shifts in eV (binding energy, + is to higher binding energy)."""
        return sum(step.number("shift") for step in self.active if step.kind == "energy_shift")

    def charge_reference(self) -> str:
        """What the energy axis is referred to, for tables and plots; "" where no shift was made."""
        for step in reversed(self.active):
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
    """Sets the photon energy of a spectrum; a kinetic-energy axis is turned into binding energy by it."""
    energy = step.number("photon_energy")
    if spectrum.axis.quantity == "binding_energy" and spectrum.meta.photon_energy is None:
        # Text files hold binding energies without the source: quantities that need kinetic energies wait for it.
        return replace(spectrum, meta=replace(spectrum.meta, photon_energy=energy))
    if spectrum.axis.quantity != "kinetic_energy":
        raise BadData("The axis is not kinetic energy, or the photon energy is known already", where=spectrum.name)
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
    origin = step.word("origin", ("user", "estimated")) if step.has("origin") else "user"
    noise = Noise(kind, gain, read, spectrum.noise.correlation, origin)  # type: ignore[arg-type]
    return replace(spectrum, noise=noise)


STEPS: dict[str, Callable[[Spectrum, Step], Spectrum]] = {
    "energy_shift": _energy_shift,
    "crop": _crop,
    "photon_energy": _photon_energy,
    "noise": _noise,
    "normalise": scale.normalise,
    "unit": scale.unit,
    "sign": scale.sign,
    "transmission": scale.transmission,
    "energy_scale": scale.energy_scale,
    "charge_state": scale.charge_state,
    "satellites": satellites.satellites,
    "spikes": spikes.spikes,
    "smooth": smoothing.smooth,
    "rebin": smoothing.rebin,
    "resample": smoothing.resample,
    "background": difference.subtract_background,
    "sum_sweeps": sweeps.sum_sweeps,
    "microscope": microscope,
}
# Steps on the channels as they were measured, and the calibration of the spectrometer: all others come behind them.
RAW_KINDS = ("spikes", "sum_sweeps", "energy_scale")


def energy_shift(shift: float, note: str) -> Step:
    """A charge-reference step: `shift` eV to higher binding energy, `note` names the reference."""
    return Step("energy_shift", (("shift", float(shift)),), note)
