"""Edges made for the tests of fine structures, by formulas that share nothing with the program's own line shapes."""

from __future__ import annotations

import math

import numpy as np

from fitting.dataset import Axis, Meta, Noise, Spectrum

STEP = 0.1
SLOPE_FREE = 515.5  # eV, V L3 of valence 3 in these tests: chosen, no reference value
RESOLUTION = 0.7


def gauss(x, at, fwhm):
    """Unit height."""
    return np.exp(-4.0 * math.log(2.0) * ((x - at) / fwhm) ** 2)


def vanadium(x, valence=3.0, slope=0.7):
    """V L2,3 and O K before any broadening: skewed white lines on arctangent steps; heights relative to a unit step."""
    e3 = SLOPE_FREE + slope * (valence - 3.0)
    curve = np.zeros_like(x)
    for at, weight, width in ((e3, 1.0, 1.0), (e3 + 7.2, 0.42, 1.25)):
        curve += weight * (3.0 * gauss(x, at, 1.8 * width) + 1.2 * gauss(x, at + 1.5, 2.4 * width)
                           + 0.5 * gauss(x, at - 1.4, 1.6 * width))
    for at, weight in ((e3, 2 / 3), (e3 + 7.2, 1 / 3)):
        curve += weight * (0.5 + np.arctan((x - at) / 0.8) / math.pi)
    curve += 0.6 * gauss(x, 530.8, 1.8) + 1.4 * gauss(x, 538.0, 6.0)
    return curve + 1.1 * (0.5 + np.arctan((x - 536.0) / 1.5) / math.pi)


def carbon(x, pi=1.0, width=1.4, sp3=0.0):
    """C K: pi*, sigma* and a step; `pi` scales pi*, `width` is its FWHM."""
    curve = pi * gauss(x, 285.2, width) + 0.9 * gauss(x, 292.3, 2.6) + 0.7 * gauss(x, 298.0, 7.0)
    return curve + 0.8 * (0.5 + np.arctan((x - 291.5) / 1.0) / math.pi) + sp3 * gauss(x, 289.0, 2.0)


def low_loss(thickness=0.5, shift=0.0, counts=2.0e6, rng=None):
    """Zero loss and the plural scattering of a plasmon at 24 eV, by the Poisson law of single losses."""
    x = np.arange(-10.0, 100.0, STEP)
    line = gauss(x, shift, RESOLUTION)
    line /= line.sum()
    plasmon = np.where(x > 0, 1.0 / ((x**2 - 24.0**2) ** 2 + (x * 12.0) ** 2) * np.maximum(x, 0.0), 0.0)
    plasmon /= plasmon.sum()
    zero = int(np.argmin(np.abs(x)))
    total, term = line.copy(), line.copy()
    for order in range(1, 8):
        term = np.convolve(term, plasmon)[zero : zero + x.size]
        total += term * thickness**order / math.factorial(order)
    expected = counts * total * math.exp(-thickness)
    return Spectrum(Axis(x, "energy_loss"), expected if rng is None else rng.poisson(expected), Noise("poisson", 1.0),
                    Meta(technique="eels", region="low loss"))


def core_loss(edge, background, region, low=None, first=470.0, last=575.0, shift=0.0, rng=None, gain=1.0):
    """A core loss: `background` counts at `first` falling as E^-3.3, an edge in counts, convolved with a low loss."""
    wide = np.arange(first - 130.0, last + 30.0, STEP)
    curve = edge(wide - shift)
    if low is not None:
        kernel = low.y / low.y.sum()
        zero = int(np.argmin(np.abs(low.x)))
        curve = np.convolve(curve, kernel)[zero : zero + wide.size]
    keep = (wide >= first - 1e-9) & (wide <= last + 1e-9)
    x = wide[keep]
    expected = background * (x / first) ** -3.3 + curve[keep]
    counts = expected if rng is None else gain * rng.poisson(expected / gain)
    noise = Noise("poisson", gain)
    return Spectrum(Axis(x, "energy_loss"), np.asarray(counts, float), noise, Meta(technique="eels", region=region))
