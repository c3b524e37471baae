"""Recipes: the recorded, repeatable steps from a raw spectrum to the one that is fitted.

A step is data: a kind (key of `STEPS`) and named numbers or texts. The raw spectrum is never altered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from fitting import stored
from fitting.dataset import Axis, Noise, Spectrum
from fitting.eels.conditions import microscope
from fitting.gathered import Gathered, Joined
from fitting.identity import content_hash
from fitting.processing import (
    align,
    dead_time_step,
    deconvolution,
    detector,
    difference,
    energy_axis,
    image_spikes,
    image_steps,
    ion_steps,
    mass_scale,
    mass_shift,
    satellites,
    scale,
    scan_drift,
    smoothing,
    spikes,
    sweeps,
    topography,
    zero_loss_removal,
)
from fitting.processing.step import Step, Value
from fitting.stored import Stored
from libraries.errors import BadData, BadModel
from libraries.units import binding_from_kinetic

__all__ = ["STEPS", "Recipe", "Step", "Value", "energy_shift"]


_KEPT = 3  # answers of a spectrum: as it is, as it was, and its single sweeps
_KEPT_BYTES = 256 << 20  # images are kept once


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
        answer = _on_file(spectrum, self.active) if spectrum.stored else _applied(self.active, spectrum)
        kept = 0 if answer.counts.nbytes > _KEPT_BYTES and not answer.stored else _KEPT - 1
        object.__setattr__(spectrum, "_processed", ((self, answer), *known[:kept]))
        return answer

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


def _applied(steps: tuple[Step, ...], spectrum: Spectrum) -> Spectrum:
    for step in steps:
        try:
            action = STEPS[step.kind]
        except KeyError:
            raise BadModel(f"There is no step {step.kind}", todo=f"Use one of {', '.join(STEPS)}") from None
        spectrum = action(spectrum, step)
    return spectrum


# -- images that stay in their file -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Processed(Stored):
    """Stored spectra after steps that act on each of them alone; the steps are carried out as pieces are read."""

    raw: Spectrum
    steps: tuple[Step, ...]
    shape: tuple[int, ...]
    axis: Axis

    def __post_init__(self) -> None:
        source = self.source
        object.__setattr__(self, "dtype", np.dtype(np.float64))
        object.__setattr__(self, "portable", source.portable)
        object.__setattr__(self, "fingerprint", content_hash(self.raw.hash, self.steps))

    @property
    def source(self) -> Stored:
        """Of the spectra as they were measured."""
        counts = self.raw.counts
        assert isinstance(counts, Stored)
        return counts

    def read(self, start: int, stop: int) -> NDArray[np.float64]:
        """Spectra start to stop after the steps."""
        done = _applied(sliced(self.steps, start, stop, self.raw.pixels), _piece(self.raw, start, stop))
        if done.counts.shape != (stop - start, len(self.axis)) or np.any(done.x != self.axis.values):
            raise BadData("The steps do not give all spectra the same axis", where=self.raw.name, todo=_TOO_LARGE)
        return done.y

    def readable(self) -> bool:
        """As the data."""
        return self.source.readable()


def before_steps(spectrum: Spectrum) -> Spectrum:
    """The image as it lies in its file, where a recipe is carried out as its pieces are read; else the image itself."""
    return spectrum.counts.raw if isinstance(spectrum.counts, Processed) else spectrum


def _piece(raw: Spectrum, start: int, stop: int) -> Spectrum:
    places = Axis(np.arange(start, stop, dtype=float), "index", "")
    counts = raw.counts
    # Whole numbers stay whole, as in memory: a step may round to them.
    rows = counts.read(start, stop) if isinstance(counts, Stored) and counts.dtype.kind in "iu" else None
    return replace(raw, counts=raw.rows(start, stop) if rows is None else rows, navigation=(places,), scales=())


def _on_file(raw: Spectrum, steps: tuple[Step, ...]) -> Spectrum:
    """Steps on stored spectra: those of `WHOLE` say where each spectrum lies, all others act on pieces."""
    for whole, group in groupby(steps, key=lambda step: step.kind in WHOLE):
        some = tuple(group)
        if whole or not raw.stored:
            raw = _applied(some, raw)
        elif isinstance(raw.counts, (Gathered, Joined)) and 8 * raw.counts.size <= stored.IN_MEMORY and not all(
                map(acts_alone, some)):
            raw = _applied(some, raw.with_(counts=raw.counts.read(0, raw.pixels).reshape(raw.counts.shape)))
        else:
            raw = _piecewise(raw, some)
    return raw


def _piecewise(raw: Spectrum, steps: tuple[Step, ...]) -> Spectrum:
    """Steps that act on each of the stored spectra: what is the same for all of them is found from the first one."""
    for step in steps:
        if step.kind in STEPS and not acts_alone(step):
            raise BadData(
                f"The step {step.kind.replace('_', ' ')} needs all spectra at once, and this image stays in its file",
                where=raw.name, todo=_TOO_LARGE,
            )  # fmt: skip
    head = _applied(sliced(steps, 0, 1, raw.pixels), _piece(raw, 0, 1))
    if len(head.navigation) != 1:
        raise BadData("A step changes which spectra there are", where=raw.name, todo=_TOO_LARGE)
    counts = Processed(raw, steps, (*raw.counts.shape[:-1], len(head.axis)), head.axis)
    return replace(head, counts=counts, navigation=raw.navigation, scales=raw.scales)


def acts_alone(step: Step) -> bool:
    """Whether a step does to every spectrum of an image what it would do to it alone, so that pieces will do."""
    if step.kind == "normalise":
        return step.get("mode") in ("factor", "live_time")
    if step.kind == "unit":
        return step.get("to") == "counts/s"
    return step.kind in PIECEWISE or step.kind in SLICED


def sliced(steps: tuple[Step, ...], start: int, stop: int, pixels: int) -> tuple[Step, ...]:
    """Steps for spectra start to stop: parameters that hold one number a spectrum (`SLICED`) are cut to them."""
    return tuple(_sliced(step, start, stop, pixels) if step.kind in SLICED else step for step in steps)


@lru_cache(maxsize=4)
def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _sliced(step: Step, start: int, stop: int, pixels: int) -> Step:
    name = SLICED[step.kind]
    if not step.has(name) or not isinstance(step.get(name), str):
        return step
    words = _words(step.text(name))
    if len(words) != pixels:
        return step  # one number for all, or a mistake that the step itself tells
    cut = tuple((key, " ".join(words[start:stop]) if key == name else value) for key, value in step.params)
    return replace(step, params=cut)


_TOO_LARGE = "Leave the step out, or crop or join pixels of the image by a step before it until it fits into memory"


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
    correlation = step.number("correlation", spectrum.noise.correlation)
    noise = Noise(kind, gain, read, correlation, origin)  # type: ignore[arg-type]
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
    "dark": detector.dark,
    "gain_reference": detector.gain_reference,
    "image_spikes": image_spikes.image_spikes,
    "loss_scale": energy_axis.loss_scale,
    "dead_time": dead_time_step.dead_time,
    "ion_dead_time": ion_steps.ion_dead_time,
    "ion_names": ion_steps.ion_names,
    "mass_scale": mass_scale.mass_scale,
    "mass_shift": mass_shift.mass_shift,
    "align": align.align,
    "crop_image": image_steps.crop_image,
    "bin_image": image_steps.bin_image,
    "scan_drift": scan_drift.scan_drift,
    "topography": topography.topography,
    "zero_loss": zero_loss_removal.remove_zero_loss,
    "fourier_log": deconvolution.fourier_log_step,
    "fourier_ratio": deconvolution.fourier_ratio_step,
    "richardson_lucy": deconvolution.richardson_lucy_step,
}
# Steps that act on every spectrum of an image alone; images that stay in their file take these and those of `SLICED`.
PIECEWISE = frozenset((
    "energy_shift", "crop", "photon_energy", "noise", "energy_scale", "charge_state", "spikes", "smooth", "rebin",
    "resample", "microscope", "dead_time", "mass_scale", "dark", "gain_reference", "loss_scale", "zero_loss",
    "fourier_log", "fourier_ratio", "richardson_lucy", "ion_names",
))  # fmt: skip
# Steps that say where the spectra of an image lie: they leave an image that stays in its file there.
WHOLE = frozenset(("crop_image", "bin_image", "scan_drift", "topography"))
# Steps with one number for each spectrum (in a text, separated by spaces): kind -> name of that parameter.
SLICED: dict[str, str] = {"align": "shifts", "image_spikes": "places", "mass_shift": "shifts"}
# Steps on the channels as they were measured, and the calibration of the spectrometer: all others come behind them.
RAW_KINDS = (
    "dead_time", "dark", "gain_reference", "spikes", "image_spikes", "sum_sweeps", "energy_scale", "mass_scale",
)  # fmt: skip


def energy_shift(shift: float, note: str) -> Step:
    """A charge-reference step: `shift` eV to higher binding energy, `note` names the reference."""
    return Step("energy_shift", (("shift", float(shift)),), note)
