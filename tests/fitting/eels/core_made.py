"""Core losses with known truth for the tests: power law, edges convolved with a low loss of plural scattering."""

import numpy as np

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.eels.core_edges import edge_curve
from fitting.eels.kinematics import Beam
from libraries.edges import edge

BEAM = Beam(200, 5, 10)
STEP = 0.5
LOSS = -20.0 + STEP * np.arange(440)  # to 199.5 eV
CORE = 150.0 + STEP * np.arange(900)
META = Meta(technique="eels", beam_energy=200.0, convergence_angle=5.0, collection_angle=10.0, dwell_time=0.1)


def low_loss(thickness=0.6, counts=1e11, plasmon=24.0, width=10.0):
    """Expected low loss: zero-loss peak and plural plasmon losses, sum `counts`."""
    zero = np.exp(-4 * np.log(2) * (LOSS / 1.2) ** 2)
    zero /= zero.sum()
    e = np.maximum(LOSS, 0.0)
    single = e * width / ((e**2 - plasmon**2) ** 2 + (e * width) ** 2)
    single /= single.sum()
    n = 2048
    place = np.fft.rfft(np.roll(np.pad(single, (0, n - LOSS.size)), -40))
    peak = np.fft.rfft(np.pad(zero, (0, n - LOSS.size)))
    whole = np.fft.irfft(peak * np.exp(thickness * (place - 1.0)), n)[: LOSS.size]
    return np.maximum(whole, 0.0) * counts


def structure(above):
    """A fine structure: a peak, a dip, waves that die out."""
    return 1.0 + 1.2 * np.exp(-((above - 3.0) / 2.0) ** 2) - 0.4 * np.exp(-((above - 10.0) / 4.0) ** 2) * (above > 0)


def edge_counts(name, atoms, low, shape=None, onset=None):
    """Expected counts of an edge on `CORE`: a plain double sum over channels and losses, no library convolution."""
    known = edge(name)
    onset = known.energy if onset is None else onset
    curve = edge_curve(known, BEAM, 700.0)
    fine = 8
    # Losses beyond the last channel reach it through the width of the zero-loss peak.
    size = CORE.size + 40
    grid = CORE[0] + STEP / fine * (np.arange(size * fine) - (fine - 1) / 2)
    sigma = np.where(grid >= onset, np.interp(grid - onset, curve.above, curve.values), 0.0)
    if shape is not None:
        sigma = sigma * np.where(grid >= onset, shape(grid - onset), 1.0)
    channel = sigma.reshape(size, fine).mean(axis=1) * STEP * atoms
    zero = int(np.argmin(np.abs(LOSS)))
    result = np.zeros(size)
    for j, value in enumerate(channel):
        if value > 0:
            first = j - zero
            a, b = max(first, 0), min(first + low.size, size)
            result[a:b] += value * low[a - first : b - first]
    return result[: CORE.size]


def background(level, exponent=3.0):
    """Power law with `level` counts at 200 eV."""
    return level * (CORE / 200.0) ** -exponent


def core_spectrum(counts, noise=None):
    """As a spectrum."""
    return Spectrum(Axis(CORE, "energy_loss"), counts, noise or Noise("poisson", 1.0), META)


def low_spectrum(counts):
    """As a spectrum."""
    return Spectrum(Axis(LOSS, "energy_loss"), counts, Noise("poisson", 1.0), META)
