"""Time-of-flight spectra of the simulated interphase: all isotopologues, a dead time that shadows what comes after."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from fitting.dataset import Axis, FloatArray, Meta, Noise, Spectrum
from fitting.simulate.sims.interphase import PULSES, SIZE, InterphaseTruth, expected
from fitting.simulate.sims.phases import Yields
from libraries.ions import isotopologues, parse_ion
from libraries.units import SIGMA_TO_FWHM

# The instrument, chosen: law t = SF sqrt(m) + K0 in channels, m/dm, dead time in channels, highest m/z.
SLOPE, OFFSET, RESOLUTION, DEAD, LARGEST = 13100.0, 118.4, 6500.0, 40, 212.0
_BACKGROUND = 3.0e-8  # stray ions in a channel and a pulse
_LEAST = 0.003  # of an ion's isotopologues


def lines(table: Yields) -> tuple[FloatArray, FloatArray]:
    """All lines of the ions: m/z, shape (l,), and what share of each ion's yield they have, shape (l, n).

    The yields of the table are those of the most abundant isotopologue; heavier ones that the table names are left
    out, since they are among the isotopologues of the lighter.
    """
    masses: list[float] = []
    rows: list[tuple[int, float]] = []
    for place, name in enumerate(table.ions):
        if "^" in name:
            continue
        found = isotopologues(parse_ion(name), _LEAST)
        main = max(share for _, share in found)
        for ion, share in found:
            masses.append(ion.mz)
            rows.append((place, share / main))
    weights = np.zeros((len(masses), len(table.ions)))
    for line, (place, share) in enumerate(rows):
        weights[line, place] = share
    return np.array(masses), weights


def mass_spectrum(truth: InterphaseTruth, polarity: str, seed: int = 1, *, size: int = SIZE) -> Spectrum:
    """Counts of all scans and pixels together in every channel, not calibrated and not corrected for dead time.

    A pulse that was counted in a channel keeps the next `DEAD` channels blind (Stephan, Zehnpfenning, Benninghoven,
    J. Vac. Sci. Technol. A 12, 405 (1994)): the mean of channel c is N exp(-sum of those before) (1 - exp(-mean(c))).
    """
    table = truth.positive if polarity == "positive" else truth.negative
    masses, weights = lines(table)
    channels = np.arange(int(SLOPE * np.sqrt(LARGEST) + OFFSET) + 1)
    shape = np.zeros((len(masses), 2), int)
    profiles = []
    for line, mass in enumerate(masses):
        centre = SLOPE * np.sqrt(mass) + OFFSET
        sigma = max((centre - OFFSET) / (2.0 * RESOLUTION * SIGMA_TO_FWHM), 0.6)
        first, last = max(int(centre - 6 * sigma), 0), min(int(centre + 6 * sigma) + 2, channels.size)
        edges = (np.arange(first, last + 1) - 0.5 - centre) / sigma
        shape[line] = first, last
        profiles.append(np.diff(ndtr(edges)))
    mean = np.zeros(channels.size)
    rng = np.random.default_rng((seed, 7 if polarity == "positive" else 8))
    pulses = size * size * PULSES
    counts = np.zeros(channels.size, np.int64)
    for share in truth.fractions:
        ions = weights @ expected(share, polarity, table)
        mean[:] = _BACKGROUND
        for (first, last), profile, strength in zip(shape, profiles, ions, strict=True):
            mean[first:last] += strength * profile
        before = np.concatenate(([0.0], np.cumsum(mean)))
        blind = before[:-1] - before[np.maximum(np.arange(channels.size) - DEAD, 0)]
        counts += rng.binomial(pulses, np.exp(-blind) * -np.expm1(-mean))
    title = f"Interphase, {polarity} mass spectrum"
    meta = Meta(
        title=title, region=title, technique="sims", sample="Sodium interphase on hard carbon", instrument="simulated",
        extra=(("polarity", polarity), ("dead time", "not corrected"),
               ("pulses", str(pulses * len(truth.fractions))), ("dead time in channels", str(DEAD))),
    )  # fmt: skip
    return Spectrum(Axis(channels.astype(float), "channel", ""), counts.astype(np.uint32), Noise("poisson", 1.0), meta)
