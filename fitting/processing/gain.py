"""Gain (intensity units of one count) estimated from the data themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import Noise, Spectrum
from fitting.statistics import estimate_noise
from libraries.errors import BadData

# Standard deviation of the estimate from neighbouring channels, times the root of their number: measured on simulated
# Poisson spectra (tests/fitting/processing/test_gain.py), for medians of third differences, which overlap.
SCATTER = 2.9


@dataclass(frozen=True)
class Gain:
    """A gain with its standard error, and the noise that it makes."""

    value: float
    error: float
    noise: Noise
    how: str


def gain_from_scatter(spectrum: Spectrum) -> Gain:
    """From the scatter of neighbouring channels of one spectrum (`fitting.statistics.estimate_noise`).

    Right where the spectrum is smooth over four channels and its channels are independent; smoothed or resampled data
    scatter less and give too small a gain.
    """
    noise = estimate_noise(spectrum)
    assert noise.gain is not None
    seen = max(int(np.count_nonzero(spectrum.y > 0)), 1)
    return Gain(noise.gain, noise.gain * SCATTER / math.sqrt(seen), noise, "scatter of neighbouring channels")


def gain_from_repeats(spectrum: Spectrum) -> Gain:
    """From the scatter of sweeps about their common spectrum, each with an intensity of its own.

    gain = sum (y - m)**2/m / [(k - 1)(n - 1)], m = row sum * column sum / total: the chi2 of a table of counts, which
    needs no smoothness. A drift in energy adds to it: align first.

    Parameters
    ----------
    spectrum : Spectrum
        A series of k sweeps with n channels.

    Raises
    ------
    BadData
        If there are fewer than two sweeps, or intensities below zero.
    """
    y = spectrum.y.reshape(-1, spectrum.x.size)
    if len(y) < 2 or np.any(y < 0) or not np.any(y > 0):
        raise BadData("A gain needs two or more sweeps without negative intensities", where=spectrum.name)
    rows, columns = y.sum(axis=1), y.sum(axis=0)
    rows, columns, y = rows[rows > 0], columns[columns > 0], y[rows > 0][:, columns > 0]
    expected = np.outer(rows, columns) / columns.sum()
    dof = (len(rows) - 1) * (columns.size - 1)
    if dof < 10:
        raise BadData("The sweeps are too few to tell their noise", where=spectrum.name)
    value = float(np.sum((y - expected) ** 2 / expected)) / dof
    if not value > 0:
        raise BadData("The sweeps do not scatter", where=spectrum.name)
    noise = replace(spectrum.noise, kind="poisson", gain=value, read_noise=0.0, origin="estimated")
    return Gain(value, value * math.sqrt(2.0 / dof), noise, f"scatter of {len(rows)} sweeps")
