"""The step that brings the mass spectra of an image together: each is moved by a number of channels of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fitting.dataset import Spectrum
from fitting.eels.zero_loss import move
from fitting.processing.noise import correlation_of, noted
from fitting.processing.step import Step
from fitting.sims.mass_shift import MassShift, has_even_times
from fitting.statistics import correlation_factor
from libraries.errors import BadData, BadModel

METHODS = ("whole", "linear")


def mass_shift(image: Spectrum, step: Step) -> Spectrum:
    """Every spectrum read at its shift; channels that not all of them reach are gone.

    Parameters of the step: `shifts`, a text with one number of channels for each pixel (to higher channels than the
    mean); `first` and `channels`, the channels that stay; `method` "whole" (counts stay counts) or "linear" between
    channels (neighbours correlate, which the noise says), with the mean of f (1 - f) of the fractions f as `blur`.

    Raises
    ------
    BadData
        If the spectra have no equal steps of flight time.
    BadModel
        If the shifts do not fit the pixels.
    """
    method = step.word("method", METHODS)
    shifts = np.array(step.numbers("shifts"))
    if shifts.size != image.pixels or not image.navigation:
        raise BadModel(f"{shifts.size} shifts do not fit {image.pixels} spectra", where=image.name,
                       todo="Take the alignment out of the recipe and align anew")
    if not has_even_times(image.axis):
        raise BadData("Only mass spectra with equal steps of flight time are moved by channels", where=image.name)
    n = len(image.axis)
    first, channels = step.whole("first", 0, n - 1), step.whole("channels", 1, n)
    ends = np.round(shifts) if method == "whole" else shifts
    if ends.min() + first < -0.5 or ends.max() + first + channels - 1 > n - 0.5:
        raise BadModel("The shifts reach beyond the spectra", where=image.name, todo="Align anew")
    axis = image.axis.part(slice(first, first + channels))
    if method == "whole":
        at = first + ends.astype(int)[:, None] + np.arange(channels)
        flat = np.asarray(image.counts).reshape(-1, n)
        counts = np.take_along_axis(flat, at, axis=1).reshape(*image.counts.shape[:-1], channels)
        done = image.with_(axis=axis, counts=counts, transmission=None)
        return noted(done, "masses aligned", "every spectrum moved by whole channels" + _note(step))
    rows = image.rows(0, image.pixels)
    moved, part = move(np.arange(n, dtype=float), rows, shifts, float(first), channels)
    noise, r = image.noise, image.noise.correlation
    share = 1.0 - 2.0 * step.number("blur", float(np.mean(part * (1.0 - part)))) * (1.0 - r)
    if share < 1.0:
        noise = replace(noise, gain=None if noise.gain is None else noise.gain * share,
                        read_noise=noise.read_noise * float(np.sqrt(share)),
                        correlation=correlation_of(correlation_factor(r) / share))
    done = image.with_(axis=axis, counts=moved.reshape(*image.counts.shape[:-1], channels), noise=noise,
                       transmission=None)
    return noted(done, "masses aligned", "every spectrum moved between channels; neighbours correlate" + _note(step))


def _note(step: Step) -> str:
    return f"; {step.note}" if step.note else ""


def mass_shift_step(image: Spectrum, found: MassShift, *, method: str = "whole", note: str = "") -> Step:
    """The step that takes shifts out of an image.

    Raises
    ------
    BadData
        If they leave no common channels.
    """
    shifts = np.round(found.shift.ravel(), 2)
    first = max(0, int(np.ceil(-shifts.min() - 1e-9)))
    channels = len(image.axis) - first - max(0, int(np.ceil(shifts.max() - 1e-9)))
    if channels < 1:
        raise BadData("The shifts leave no channel that all spectra have", where=image.name)
    part = shifts - np.floor(shifts)
    blur = float(np.mean(part * (1.0 - part))) if method == "linear" else 0.0
    if not note:
        (down, across), (down_error, across_error) = found.reach, found.reach_errors
        note = f"plane of {down:+.2f} ± {down_error:.2f} channels along rows, {across:+.2f} ± {across_error:.2f} "
        note += "along columns"
        if np.isfinite(found.spread):
            note += f"; single pixels {found.spread:.2f} ± {found.spread_error:.2f} channels beside it"
    params = (("shifts", " ".join(f"{shift:.2f}" for shift in shifts)), ("first", float(first)),
              ("channels", float(channels)), ("method", method), ("blur", round(blur, 6)))
    return Step("mass_shift", params, note.replace("-", "−"))
