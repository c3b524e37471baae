"""Factors of simulated images with known spectra and amounts."""

from itertools import pairwise

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.factors.analysis import analyse, number_of_factors
from fitting.factors.kept import kept, maps_of
from fitting.factors.nmf import deviance, factorise
from fitting.factors.ranks import noise_edge
from fitting.factors.scaled import marchenko_pastur_median, noise_of, scaled_image
from libraries.errors import BadData, Cancelled, NotDetermined

X = np.arange(120.0)
TRUE_S = np.array([np.exp(-0.5 * ((X - 30) / 6) ** 2) + 0.05, np.exp(-0.5 * ((X - 70) / 9) ** 2) + 0.02,
                   np.exp(-X / 40.0)])
TRUE_S /= TRUE_S.sum(axis=1, keepdims=True)


def amounts(rng):
    """(20, 18, 3): pixels of each kind alone, and mixtures."""
    found = rng.dirichlet([0.35, 0.35, 0.35], (20, 18)) * rng.uniform(4e3, 2e4, (20, 18, 1))
    for kind in range(3):
        found[kind, :3] = 0.0
        found[kind, :3, kind] = 1.5e4
    return found


def image(seed=1, gain=1.0, known=True, noise=True):
    rng = np.random.default_rng(seed)
    truth = amounts(rng)
    mean = truth @ TRUE_S
    counts = gain * rng.poisson(mean / gain) if noise else mean
    axes = (Axis(np.arange(20.0), "distance", "nm"), Axis(np.arange(18.0), "distance", "nm"))
    spectrum = Spectrum(Axis(X, "energy_loss"), counts, Noise("poisson", gain if known else None),
                        Meta(title="made", technique="eels"), navigation=axes)
    return spectrum, truth


def matched(found, truth):
    """The order of the found factors by their correlation with the true ones."""
    table = np.corrcoef(truth.reshape(-1, 3).T, found.reshape(3, -1))[:3, 3:]
    return np.argmax(table, axis=1), table.max(axis=1)


@pytest.mark.parametrize("method", ["mcr", "nmf"])
def test_non_negative_factors_are_found(method):
    spectrum, truth = image()
    found = analyse(spectrum, method, 3)
    order, best = matched(found.amounts, truth)
    assert sorted(order) == [0, 1, 2]
    assert best.min() > 0.99
    assert found.spectra.min() >= 0
    assert found.spectra.sum(axis=1) == pytest.approx(np.ones(3))
    assert found.amounts.sum() == pytest.approx(float(spectrum.counts.sum()), rel=0.01)
    assert found.chi2 == pytest.approx(1.0, abs=0.05)
    assert found.lof_bound <= found.lof * 1.0001


def test_errors_of_amounts_are_the_scatter_of_repeats(measured):
    truth = amounts(np.random.default_rng(5))[8:12, 8:12]
    pulls = []
    from fitting.factors.amounts import amounts as solved

    for seed in range(60):
        rng = np.random.default_rng(seed)
        axes = tuple(Axis(np.arange(4.0), "distance", "nm") for _ in range(2))
        spectrum = Spectrum(Axis(X, "energy_loss"), rng.poisson(truth @ TRUE_S), Noise("poisson", 1.0), Meta(),
                            navigation=axes)
        passed = solved(spectrum, scaled_image(spectrum), TRUE_S, None, None)
        inside = truth.reshape(-1, 3) > 1500
        pulls.append(((passed.amounts - truth.reshape(-1, 3)) / passed.errors)[inside])
    spread = float(np.std(np.concatenate(pulls)))
    measured("factor amounts, spread of pulls for known spectra", spread, "", "0.9 to 1.1")
    assert spread == pytest.approx(1.0, abs=0.1)
    assert abs(float(np.mean(np.concatenate(pulls)))) < 0.1


def test_principal_components_are_those_of_numpy():
    spectrum, _ = image()
    found = analyse(spectrum, "pca", 3, poisson=False)
    left, s, right = np.linalg.svd(spectrum.y.reshape(-1, X.size), full_matrices=False)
    rebuilt = (left[:, :3] * s[:3]) @ right[:3]
    mine = found.amounts.reshape(3, -1).T @ found.spectra
    assert mine == pytest.approx(rebuilt, abs=1e-6 * rebuilt.max())
    assert found.tests.singular[:5] == pytest.approx(s[:5], rel=1e-9)
    assert found.lof == pytest.approx(100 * np.sqrt((s[3:] ** 2).sum() / (s**2).sum()), rel=1e-6)


@pytest.mark.parametrize("gain", [1.0, 3.7])
def test_every_rank_test_gives_three(gain):
    tests = number_of_factors(image(gain=gain)[0])
    assert [answer for _, answer in tests.rows()] == ["3"] * 5


def test_an_unknown_gain_is_no_chi2_test_but_the_rest_stands():
    tests = number_of_factors(image(gain=2.5, known=False)[0])
    assert tests.chi2 is None
    assert tests.noise_edge == 3


def test_noise_from_the_median_singular_value():
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 1.7, (600, 200))
    assert noise_of(np.linalg.svd(noise, compute_uv=False), noise.shape) == pytest.approx(1.7**2, rel=0.02)
    # Square matrices: the median of the quarter-circle's square, 4 sin^2 theta with theta + sin(2 theta)/2 = pi/4.
    assert marchenko_pastur_median(1.0) == pytest.approx(0.6528, abs=2e-4)


def test_the_edge_is_passed_in_about_one_of_a_hundred_cases():
    rng = np.random.default_rng(4)
    above = sum(np.linalg.norm(rng.normal(size=(120, 40)), 2) > noise_edge(120, 40, 1.0) for _ in range(400))
    assert above <= 14  # 4 expected


def test_deviance_never_rises_and_is_that_of_its_definition():
    rng = np.random.default_rng(5)
    mean = amounts(rng).reshape(-1, 3)[:60] @ TRUE_S
    counts = rng.poisson(mean).astype(float)
    values = [factorise(counts, 3, max_iterations=n, tolerance=0.0).deviance for n in (1, 5, 20, 60)]
    assert all(b <= a * (1 + 1e-12) for a, b in pairwise(values))
    positive = counts > 0
    direct = 2 * (np.sum(counts[positive] * np.log(counts[positive] / mean[positive])) - counts.sum() + mean.sum())
    assert deviance(counts, mean) == pytest.approx(direct)
    assert values[-1] < direct  # the fit is nearer to the counts than the truth is


def test_the_same_numbers_come_twice():
    spectrum, _ = image()
    first, second = analyse(spectrum, "mcr", 3), analyse(spectrum, "mcr", 3)
    assert np.array_equal(first.spectra, second.spectra)
    assert np.array_equal(first.amounts, second.amounts)


def test_a_window_takes_only_its_channels():
    spectrum, _ = image()
    found = analyse(spectrum, "pca", 2, (20.0, 60.0))
    assert found.energy[[0, -1]] == pytest.approx([20.0, 60.0])
    assert found.spectra.shape == (2, 41)


def test_what_cannot_be_analysed_is_said():
    spectrum, _ = image()
    with pytest.raises(BadData, match="this is one"):
        analyse(spectrum.summed(), "mcr", 2)
    with pytest.raises(NotDetermined, match="rank"):
        analyse(image(noise=False)[0], "mcr", 5)
    below = spectrum.with_(counts=spectrum.y - 100.0)
    with pytest.raises(BadData, match="below zero"):
        analyse(below, "mcr", 2)
    assert analyse(below, "pca", 2, poisson=False).k == 2
    with pytest.raises(Cancelled):
        analyse(spectrum, "nmf", 3, cancel=lambda: True)


def test_what_is_kept():
    spectrum, _ = image()
    found = analyse(spectrum, "mcr", 3)
    about = kept(found, "mcr", spectrum.hash)
    maps = maps_of(found, about, "counts")
    assert [one.group for one in maps] == ["mcr"] * 3
    assert maps[0].shape == (20, 18)
    assert maps[0].error is not None
    one = about.spectrum(1, spectrum)
    assert one.noise.kind == "unknown"
    assert one.y == pytest.approx(found.spectra[1])
    assert number_of_factors(spectrum).rows() == about.tests
