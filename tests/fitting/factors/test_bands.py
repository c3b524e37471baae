"""Bands of rotational ambiguity hold the truth, and are as wide as they can be worked out by hand."""

import numpy as np
import pytest

from benchmarks._factor_problems import shares
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.factors.analysis import analyse
from fitting.factors.banded import with_bands
from fitting.factors.bands import Limits, ambiguity, lowest_of
from fitting.factors.constraints import Constraints
from libraries.errors import Cancelled, NotDetermined


def profile(counts):
    axis = Axis(np.arange(float(counts.shape[1])), "ion", "", tuple(f"X{i}" for i in range(counts.shape[1])))
    return Spectrum(axis, counts, Noise("poisson", 1.0), Meta(title="made", technique="sims"),
                    navigation=(Axis(np.arange(1.0, len(counts) + 1), "time", "s"),))


def made(seed, width, k=4, m=80, n=30):
    rng = np.random.default_rng(seed)
    profiles = shares(m, k, width) * np.array([2e4, 5e3, 1e4, 8e3])[:k]
    spectra = rng.exponential(1.0, (k, n)) ** 2 + 0.05
    spectra /= spectra.sum(axis=1, keepdims=True)
    return rng.poisson(profiles @ spectra).astype(float), profiles, spectra


def test_two_factors_have_the_limits_of_lawton_and_sylvestre():
    """W. H. Lawton, E. A. Sylvestre, Technometrics 13, 617 (1971): of two factors the limits follow from ratios.

    With T = [[1, a], [b, 1]] spectra s1 + a s2 and profiles c2 - a c1 stay at zero or above for -min(s1/s2) <= a <=
    min(c2/c1), and so for b; without noise these are the ends.
    """
    z = np.linspace(0, 1, 50)
    c = np.stack((1 - 0.7 * z, 0.2 + 0.8 * z), axis=1)
    s = np.array([[4.0, 1.0, 1.0, 0.5], [0.5, 1.0, 2.0, 3.0]])
    s /= np.linalg.norm(s, axis=1, keepdims=True)
    bands = ambiguity(c, s, 1e-12)
    total = np.linalg.norm(c @ s)

    def share(a, b):
        # The profile of the first factor follows from the inverse of T: (c1 - b c2) / (1 - a b).
        return np.linalg.norm((c[:, 0] - b * c[:, 1]) / (1 - a * b)) * np.linalg.norm(s[0] + a * s[1]) / total

    a_ends = (-np.min(s[0] / s[1]), np.min(c[:, 1] / c[:, 0]))
    b_ends = (-np.min(s[1] / s[0]), np.min(c[:, 0] / c[:, 1]))
    values = [share(a, b) for a in np.linspace(*a_ends, 60) for b in np.linspace(*b_ends, 60)]
    assert bands.shares[0] == pytest.approx([min(values), max(values)], rel=5e-3)


@pytest.mark.parametrize("width", [0.03, 0.08])
def test_bands_hold_the_truth(width, measured):
    worst, narrow = 1.0, 1.0
    for seed in range(2):
        counts, profiles, _ = made(seed, width)
        found = with_bands(analyse(profile(counts), "mcr", 4))
        assert np.all(found.low <= found.depth + 1e-9)
        assert np.all(found.depth <= found.high + 1e-9)
        for factor, true in enumerate(profiles.T):
            correlation = np.corrcoef(true, found.depth[factor])[0, 1]
            inside = np.mean((found.low[factor] <= true) & (true <= found.high[factor]))
            wide = np.mean(found.high[factor] - found.low[factor]) / true.max()
            worst = min(worst, float(inside))
            if wide < 0.01:
                narrow = min(narrow, float(correlation))
    measured(f"ambiguity bands, transitions of {width:g} of the depth: least share inside", worst, "", ">= 0.97")
    assert worst >= 0.97
    assert narrow > 0.995


def test_bands_of_well_separated_factors_are_narrower():
    width = []
    for transition in (0.02, 0.08):
        found = with_bands(analyse(profile(made(0, transition)[0]), "mcr", 4))
        width.append(float(np.mean(found.shares[:, 1] - found.shares[:, 0])))
    assert width[0] < 0.5 * width[1]


def test_what_is_known_narrows_the_bands():
    counts, _, spectra = made(1, 0.08)
    free = with_bands(analyse(profile(counts), "mcr", 4))
    fixed = with_bands(analyse(profile(counts), "mcr", 4, constraints=Constraints(fixed=spectra[:2])))
    assert np.sum(fixed.shares[:, 1] - fixed.shares[:, 0]) < np.sum(free.shares[:, 1] - free.shares[:, 0])
    assert fixed.high_spectra[0] == pytest.approx(fixed.low_spectra[0], abs=1e-9)


def test_zeros_and_one_maximum_hold_at_the_ends():
    counts, _, _ = made(2, 0.05)
    first = analyse(profile(counts), "mcr", 4)
    rules = Constraints(outside=((3, 0, 20),), start=first.spectra, unimodal=True)
    found = with_bands(analyse(profile(counts), "mcr", 4, constraints=rules))
    assert np.all(found.high[3, :21] == 0)
    assert found.high[3, 21:].max() > 0
    assert np.all(found.low <= found.depth + 1e-9)


def test_the_same_bands_come_twice_and_can_be_stopped():
    counts, _, _ = made(3, 0.05)
    found = analyse(profile(counts), "mcr", 4)
    assert np.array_equal(with_bands(found).high, with_bands(found).high)
    with pytest.raises(Cancelled):
        with_bands(found, cancel=lambda: True)
    with pytest.raises(NotDetermined, match="ambiguity"):
        with_bands(analyse(profile(counts), "pca", 3))


def test_the_lowest_of_many_numbers():
    rng = np.random.default_rng(0)
    lowest = np.median([-rng.standard_normal(500).min() for _ in range(400)])
    assert lowest_of(500) == pytest.approx(lowest, abs=0.1)
    assert lowest_of(3) == 2.0
    assert Limits().known == 0
