"""What the camera adds: its dark signal, and the different sensitivity of its channels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from fitting.dataset import FloatArray, Noise, Spectrum
from fitting.model import Curve
from fitting.processing.noise import noted
from fitting.processing.step import Step
from libraries.errors import BadData

# Channels below this share of the mean sensitivity are dead: dividing by them would blow their noise up.
DEAD = 0.05


def curve_of(spectrum: Spectrum, name: str) -> Curve:
    """A single spectrum as a curve to be kept in a step."""
    if spectrum.navigation:
        raise BadData("One spectrum is needed, not a series", where=name)
    return Curve(tuple(spectrum.x), tuple(spectrum.y), name)


def _channels(spectrum: Spectrum, curve: Curve, what: str) -> FloatArray:
    """The curve channel by channel: camera channels belong together, whatever their energies are called."""
    if len(curve.y) != spectrum.x.size:
        raise BadData(f"The {what} has {len(curve.y)} channels, the spectrum {spectrum.x.size}",
                      where=curve.name or spectrum.name, todo="Use one with the same read-out of the camera")
    return np.array(curve.y)


def dark(spectrum: Spectrum, step: Step) -> Spectrum:
    """The spectrum without the dark signal, `factor` times the dark spectrum that the step holds.

    What is left scatters as all that was counted: where the gain is known, the dark counts of the spectrum and those of
    the dark spectrum become a constant part of the noise. Intensities may go below zero.
    """
    curve, factor = step.curve(), step.number("factor", 1.0)
    if not factor > 0:
        raise BadData("The factor of the dark spectrum is above zero", where=f"{factor:g}")
    level = factor * _channels(spectrum, curve, "dark spectrum")
    noise, gain = spectrum.noise, spectrum.noise.gain
    told = "its own scatter is not in the noise: the gain is not known"
    if noise.kind == "poisson" and gain is not None:
        # Mean over the channels; the dark spectrum is counted with the same gain.
        extra = gain * float(np.mean(np.maximum(level, 0.0))) * (1.0 + factor)
        noise = replace(noise, read_noise=math.sqrt(noise.read_noise**2 + extra))
        told = "its scatter is a constant part of the noise"
    done = spectrum.with_(counts=spectrum.y - level, noise=noise)
    return noted(done, "dark signal", f"{factor:g} × {curve.name or 'dark spectrum'} subtracted; {told}")


def gain_reference(spectrum: Spectrum, step: Step) -> Spectrum:
    """The spectrum divided by the sensitivity of each channel, relative to the mean of all.

    Raises
    ------
    BadData
        If a channel is dead (below a twentieth of the mean).
    """
    curve = step.curve()
    level = _channels(spectrum, curve, "gain reference")
    mean = float(np.mean(level))
    if not mean > 0 or float(level.min()) < DEAD * mean:
        dead = int(np.count_nonzero(level < DEAD * mean)) if mean > 0 else level.size
        raise BadData(f"{dead} channels of the gain reference are dead", where=curve.name,
                      todo="Crop them, or take another reference")
    relative = level / mean
    noise: Noise = spectrum.noise
    # Variance gain * y / relative: on the average over channels the gain grows by <1/relative>.
    spread = float(np.mean(1.0 / relative))
    noise = replace(noise, gain=None if noise.gain is None else noise.gain * spread,
                    read_noise=noise.read_noise * math.sqrt(float(np.mean(1.0 / relative**2))))
    done = spectrum.with_(counts=spectrum.y / relative, noise=noise)
    text = f"divided by {curve.name or 'a reference'}, channels differ by {100 * float(np.std(relative)):.1f} % (rms)"
    return noted(done, "sensitivity of channels", text)
