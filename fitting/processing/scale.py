"""Steps that change the scale of intensities or energies: normalise, units, sign, transmission, two-point energies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fitting.dataset import FloatArray, Meta, Spectrum
from fitting.processing.noise import channel_variance, noted, scaled, with_variance
from fitting.processing.step import Step
from libraries.errors import BadData, BadModel

NORMALISATIONS = ("maximum", "area", "live_time", "factor")
# An energy scale that is off by more is no miscalibration but a mistake.
_MOST_SLOPE, _MOST_SHIFT = 0.02, 20.0


def divided(spectrum: Spectrum, by: float, unit: str) -> Spectrum:
    """All intensities divided by a number above zero; the noise goes along exactly."""
    if not (np.isfinite(by) and by > 0):
        raise BadData(f"Intensities cannot be divided by {by:g}", where=spectrum.name)
    meta = replace(spectrum.meta, intensity_unit=unit)  # type: ignore[arg-type]
    return spectrum.with_(counts=spectrum.y / by, noise=scaled(spectrum.noise, 1.0 / by), meta=meta)


def integral(spectrum: Spectrum, low: float | None = None, high: float | None = None) -> float:
    """Area below a spectrum (trapezoid rule) in intensity unit times axis unit; of a series, of its sum."""
    part = slice(None) if low is None or high is None else spectrum.part(low, high)
    y = spectrum.y[..., part].reshape(-1, spectrum.x[part].size).sum(axis=0)
    if y.size < 2:
        raise BadData("An area needs two points", where=spectrum.name)
    return float(np.trapezoid(y, spectrum.x[part]))


def normalise(spectrum: Spectrum, step: Step) -> Spectrum:
    """Divide by the maximum, the area of a window, the live time or a given factor.

    Counts stay counted: the gain is divided by the same number. That the divisor was itself measured, with an error of
    its own that all channels share, is not in the noise.
    """
    mode = step.word("mode", NORMALISATIONS)
    if mode == "live_time":
        return rate(spectrum, step)
    if mode == "factor":
        by = step.number("factor")
    elif mode == "maximum":
        by = float(spectrum.y.max())
    else:
        low = step.number("low") if step.has("low") else None
        high = step.number("high") if step.has("high") else None
        by = integral(spectrum, low, high)
    done = divided(spectrum, by, "arbitrary")
    return noted(done, "normalised", f"divided by {by:.8g} {spectrum.meta.intensity_unit} ({mode.replace('_', ' ')})")


def _live_time(meta: Meta, step: Step, name: str) -> tuple[Meta, float]:
    """Circumstances with the step's own dwell time and sweeps, and the live time in s."""
    if step.has("dwell_time"):
        meta = replace(meta, dwell_time=step.number("dwell_time"))
    if step.has("sweeps"):
        meta = replace(meta, sweeps=step.number("sweeps"))
    live = meta.live_time
    if live is None or not live > 0:
        todo = "Give the dwell time in s and the number of sweeps"
        raise BadData("Dwell time or sweeps are not recorded", where=name, todo=todo)
    return meta, live


def rate(spectrum: Spectrum, step: Step) -> Spectrum:
    """Counts into counts per second."""
    meta, live = _live_time(spectrum.meta, step, spectrum.name)
    if meta.intensity_unit != "counts":
        raise BadData(f"The intensities are {meta.intensity_unit}, not counts", where=spectrum.name)
    return divided(spectrum.with_(meta=meta), live, "counts/s")


def unit(spectrum: Spectrum, step: Step) -> Spectrum:
    """Counts into counts/s or back; with `dwell_time` and `sweeps` where the file does not record them.

    Rates that were counted without any other processing become whole numbers again, up to rounding in the file.
    """
    if step.word("to", ("counts", "counts/s")) == "counts/s":
        return rate(spectrum, step)
    meta, live = _live_time(spectrum.meta, step, spectrum.name)
    if meta.intensity_unit != "counts/s":
        raise BadData(f"The intensities are {meta.intensity_unit}, not counts/s", where=spectrum.name)
    done = divided(spectrum.with_(meta=meta), 1.0 / live, "counts")
    whole = np.round(done.y)
    # A file prints some six digits; what is whole to 1e-4 of itself was counted.
    counted = bool(np.all(np.abs(done.y - whole) <= np.maximum(0.02, 1e-5 * whole)))
    return done.with_(counts=whole) if counted else done


def sign(spectrum: Spectrum, step: Step) -> Spectrum:
    """All intensities with the other sign; counts below zero are no counts, so that their noise becomes unknown."""
    del step
    done = spectrum.with_(counts=-spectrum.y)
    if spectrum.noise.kind == "poisson" and np.any(done.y < 0):
        return done.with_(noise=replace(spectrum.noise, kind="unknown", gain=None, read_noise=0.0))
    return done


def transmission(spectrum: Spectrum, step: Step) -> Spectrum:
    """Divide by the transmission function, relative to its mean.

    The spectrum then carries the mean as a constant function, so that quantification divides by it, and by no more:
    with a function of one, lines of different spectra would lose the ratio of their means. It says that it was divided.
    Counts divided by T have the variance gain y/T, no longer one gain for all: the nearest law takes its place.
    """
    del step
    t = spectrum.transmission
    if t is None:
        raise BadData("The file records no transmission function", where=spectrum.name)
    mean = float(np.mean(t))
    relative = t / mean
    variance = channel_variance(spectrum)
    done = spectrum.with_(counts=spectrum.y / relative, transmission=np.full_like(t, mean))
    done = noted(done, "transmission", "divided out, relative to its mean")
    if spectrum.noise.kind == "unknown":
        return done
    return with_variance(
        done, None if variance is None else variance / relative**2, spectrum.noise, "divided by the transmission"
    )


# -- energies -------------------------------------------------------------------------------------------------------


def two_points(measured: tuple[float, float], true: tuple[float, float]) -> tuple[float, float]:
    """Slope and offset of the line through two calibration lines: true = offset + slope * measured, in eV.

    Raises
    ------
    BadData
        If the lines lie less than 50 eV apart, or the scale would be off by more than 2 % or 20 eV.

    References
    ----------
    ISO 15472 corrects binding energies by a straight line through two reference lines (abstract read, not the text).
    """
    (m1, m2), (t1, t2) = measured, true
    if not (abs(m2 - m1) >= 50 and abs(t2 - t1) >= 50):
        raise BadData(
            "The two lines lie too near to each other to tell the slope of the scale",
            todo="Use lines at both ends of the scale, Au 4f7/2 and Cu 2p3/2",
        )
    slope = (t2 - t1) / (m2 - m1)
    offset = t1 - slope * m1
    if abs(slope - 1.0) > _MOST_SLOPE or max(abs(t1 - m1), abs(t2 - m2)) > _MOST_SHIFT:
        raise BadData(
            f"A scale with slope {slope:.5f} and shifts of {t1 - m1:.2f} and {t2 - m2:.2f} eV is not sensible",
            todo="Check measured and true energies",
        )
    return slope, offset


def scale_of(step: Step) -> tuple[float, float]:
    """Slope and offset of an energy-scale step."""
    return two_points(
        (step.number("measured_1"), step.number("measured_2")), (step.number("true_1"), step.number("true_2"))
    )


def energy_scale_step(measured: tuple[float, float], true: tuple[float, float], note: str) -> Step:
    """A two-point calibration of the energy scale, binding energies in eV; `note` names the lines."""
    two_points(measured, true)
    names = ("measured_1", "true_1", "measured_2", "true_2")
    values = (measured[0], true[0], measured[1], true[1])
    return Step("energy_scale", tuple(zip(names, map(float, values), strict=True)), note)


def energy_scale(spectrum: Spectrum, step: Step) -> Spectrum:
    """Binding energies on the line through two calibration lines; kinetic energies move with their photon energy."""
    slope, offset = scale_of(step)
    axis = spectrum.axis
    if axis.quantity == "binding_energy":
        return spectrum.with_(axis=replace(axis, values=offset + slope * spectrum.x))
    energy = spectrum.meta.photon_energy
    if axis.quantity != "kinetic_energy" or energy is None:
        raise BadData("Only an axis that binding energy can be told of can be calibrated", where=spectrum.name)
    binding = (energy - (spectrum.meta.work_function or 0.0)) - spectrum.x
    values: FloatArray = spectrum.x + binding - (offset + slope * binding)
    return spectrum.with_(axis=replace(axis, values=values))


def charge_state(spectrum: Spectrum, step: Step) -> Spectrum:
    """The user's word on the charge neutraliser."""
    state = step.text("state")
    if not state or len(state) > 100:
        raise BadModel("The charge state needs a name", where=state[:40])
    return spectrum.with_(meta=replace(spectrum.meta, charge_state=state))
