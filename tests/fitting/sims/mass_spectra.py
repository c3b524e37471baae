"""Mass spectra of known truth for tests: Gaussian lines on a flat background, Poisson counts, t = SF sqrt(m) + K0."""

import numpy as np
from scipy.special import ndtr

from libraries.ions import envelope, parse_ion

FWHM = 2.3548200450309493


def axis_of(n=120_000, largest=170.0, offset=0.0):
    """m/z of n channels that reach to `largest`."""
    slope = (n - offset) / np.sqrt(largest)
    channels = np.arange(n)
    return ((np.maximum(channels - offset, 0.0) + 1e-3) / slope) ** 2, slope


def expected(mz, slope, lines, *, resolution=7000.0, background=0.02):
    """Mean counts: lines are (m/z, counts), integrated over channels."""
    mean = np.full(mz.size, float(background))
    for mass, counts in lines:
        centre = slope * np.sqrt(mass)
        sigma = centre / (2 * resolution) / FWHM
        first, last = max(int(centre - 8 * sigma), 0), min(int(centre + 8 * sigma) + 2, mz.size)
        edges = np.arange(first, last + 1) - 0.5 - centre
        mean[first:last] += counts * np.diff(ndtr(edges / sigma))
    return mean


def of_ions(ions):
    """Lines of ions with all their isotopes: (formula, counts of all isotopologues)."""
    lines = []
    for text, counts in ions:
        pattern = envelope(parse_ion(text), 1e-5)
        lines += [(float(m), counts * float(f)) for m, f in zip(pattern.mz, pattern.fractions, strict=True)]
    return lines
