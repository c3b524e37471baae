"""Constraints of curve resolution: one maximum, zeros, known spectra, the start, closure."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import isotonic_regression

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.factors.alternate import masked_nnls
from fitting.factors.analysis import analyse, number_of_factors
from fitting.factors.closing import yields_of
from fitting.factors.constraints import Constraints
from fitting.factors.mcr import resolve, singular_values
from fitting.factors.nnls import nnls
from fitting.factors.unimodal import unimodal
from libraries.errors import BadData, NotDetermined

M, N, K = 120, 40, 3
IONS = tuple(f"X{number}" for number in range(N))


def truth(width=0.05):
    """Shares (m, k) of layers that add up to 1, spectra (k, n) of sum 1 that overlap, yields of the layers."""
    z = np.linspace(0, 1, M)
    edges = [np.ones(M), *[1 / (1 + np.exp(-(z - e) / width)) for e in (0.35, 0.7)], np.zeros(M)]
    shares = np.array([a * (1 - b) for a, b in pairwise(edges)]).T
    shares /= shares.sum(axis=1, keepdims=True)
    rng = np.random.default_rng(3)
    spectra = rng.exponential(1.0, (K, N)) + 0.1
    spectra[0, 0] = spectra[2, 1] = 0.0
    spectra[1, :2] = 4.0
    return shares, spectra / spectra.sum(axis=1, keepdims=True), np.array([2e4, 6e3, 1.2e4])


SHARES, SPECTRA, YIELDS = truth()
MEAN = (SHARES * YIELDS) @ SPECTRA


def profile(counts, labels=IONS):
    axis = Axis(np.arange(float(counts.shape[1])), "ion", "", labels)
    return Spectrum(axis, counts, Noise("poisson", 1.0), Meta(title="made", technique="sims"),
                    navigation=(Axis(np.arange(1.0, len(counts) + 1), "time", "s"),))


@pytest.mark.parametrize("seed", range(20))
def test_the_nearest_profile_with_one_maximum_is_found(seed):
    rng = np.random.default_rng(seed)
    y, w = rng.normal(1.0, 1.0, rng.integers(1, 25)), None
    w = rng.uniform(0.2, 3.0, y.size)
    # Every split into a rising and a falling part, by SciPy's isotonic regression.
    best = np.inf
    for split in range(y.size + 1):
        parts = [isotonic_regression(y[:split], weights=w[:split]).x if split else [],
                 isotonic_regression(y[split:], weights=w[split:], increasing=False).x if split < y.size else []]
        best = min(best, float(np.sum(w * (np.maximum(np.concatenate(parts), 0.0) - y) ** 2)))
    found = unimodal(y, w)
    assert float(np.sum(w * (found - y) ** 2)) == pytest.approx(best)
    top = int(np.argmax(found))
    assert np.all(np.diff(found[: top + 1]) >= 0)
    assert np.all(np.diff(found[top:]) <= 0)


def test_unimodal_profiles_have_one_maximum_and_fit_as_well():
    counts = np.random.default_rng(0).poisson(MEAN)
    free, found = resolve(counts, K), resolve(counts, K, unimodal=True)
    for column in found.profiles.T:
        top = int(np.argmax(column))
        assert np.all(np.diff(column[: top + 1]) >= -1e-9 * column.max())
        assert np.all(np.diff(column[top:]) <= 1e-9 * column.max())
    assert found.lof < 1.05 * free.lof
    assert not all(np.all(np.diff(c[: np.argmax(c) + 1]) >= 0) for c in free.profiles.T)


def test_masked_unknowns_are_zero_and_the_rest_is_the_least():
    rng = np.random.default_rng(1)
    a, b = rng.random((30, 4)), rng.random((30, 50))
    may = rng.random((4, 50)) < 0.6
    found = masked_nnls(a, b, may)
    assert np.all(found[~may] == 0)
    for column in range(50):
        some = may[:, column]
        if some.any():
            assert found[some, column] == pytest.approx(nnls(a[:, some], b[:, column]), abs=1e-12)


def test_zeros_of_ions_and_depths_hold_and_bring_the_truth_nearer():
    """Ions that layers do not have: without that the factors are mixed."""
    counts = np.random.default_rng(2).poisson((truth(0.12)[0] * YIELDS) @ SPECTRA)
    data = profile(counts)
    first = analyse(data, "mcr", K)
    rules = Constraints(absent=((0, 0), (2, 1)), outside=((0, 100, 119), (2, 0, 10)), start=first.spectra)
    found = analyse(data, "mcr", K, constraints=rules)
    assert found.spectra[0, 0] == 0
    assert found.spectra[2, 1] == 0
    assert np.all(found.depth[0, 100:] == 0)
    assert np.all(found.depth[2, :11] == 0)
    off = [float(np.abs(one.spectra - SPECTRA).sum()) for one in (first, found)]
    assert off[1] < off[0]


def test_known_spectra_stay_and_come_first():
    data = profile(np.random.default_rng(3).poisson(MEAN))
    found = analyse(data, "mcr", K, constraints=Constraints(fixed=SPECTRA[[2]]))
    assert found.spectra[0] == pytest.approx(SPECTRA[2])
    assert np.corrcoef(found.depth[0], SHARES[:, 2])[0, 1] > 0.995


def test_chosen_points_are_the_start_and_keep_their_order():
    data = profile(np.random.default_rng(4).poisson(MEAN))
    found = analyse(data, "mcr", K, constraints=Constraints(points=(115, 60, 5)))
    centres = found.depth @ np.arange(M) / found.depth.sum(axis=1)
    assert list(np.argsort(centres)) == [2, 1, 0]
    by_depth = analyse(data, "mcr", K)
    assert list(np.argsort(by_depth.depth @ np.arange(M) / by_depth.depth.sum(axis=1))) == [0, 1, 2]


def test_closure_gives_the_yields(measured):
    pulls, off = [], []
    for seed in range(12):
        counts = np.random.default_rng(seed).poisson(MEAN)
        # For known spectra the yields are unbiased; their errors follow from the scatter of the sum.
        amounts = nnls(SPECTRA.T, counts.T)
        yields, errors = yields_of(amounts)
        pulls += list((yields - YIELDS) / errors)
        off.append(np.abs(yields / YIELDS - 1).max())
    spread = float(np.std(pulls))
    measured("closure: largest error of a total yield", 100 * max(off), "%", "<= 2")
    measured("closure: spread of the pulls of yields", spread, "", "0.6 to 1.5")
    assert max(off) < 0.02
    assert 0.6 < spread < 1.5
    found = analyse(profile(counts), "mcr", K, constraints=Constraints(closure=True))
    closed = (found.depth / found.yields[:, None]).sum(axis=0)
    assert np.abs(closed - 1).mean() < 0.03


def test_closure_is_refused_where_it_would_remove_a_factor():
    rows = np.random.default_rng(5).poisson(MEAN).astype(float)
    rows[:, :] *= np.linspace(1, 50, M)[:, None]  # a sensitivity that drifts: no set of yields closes
    amounts = np.array([np.ones(M), np.linspace(1, 50, M)])
    with pytest.raises(NotDetermined, match="Closure"):
        yields_of(np.vstack((amounts[1], amounts[0] * 1.0, amounts[1] ** 2)))


def test_what_cannot_be_constrained_so_is_said():
    data = profile(np.random.default_rng(6).poisson(MEAN))
    with pytest.raises(BadData, match="curve resolution"):
        analyse(data, "nmf", K, constraints=Constraints(unimodal=True))
    with pytest.raises(BadData, match="no factor 9"):
        analyse(data, "mcr", K, constraints=Constraints(absent=((8, 0),)))
    with pytest.raises(BadData, match="every factor"):
        analyse(data, "mcr", K, constraints=Constraints(outside=tuple((k, 3, 4) for k in range(K))))
    with pytest.raises(BadData, match="not analysed"):
        analyse(data, "mcr", K, channels=tuple(range(5, 30)), constraints=Constraints(absent=((0, 0),)))
    with pytest.raises(NotDetermined, match="rank"):
        analyse(profile(MEAN), "mcr", K + 1)
    with pytest.raises(BadData, match="died out"):
        analyse(data, "mcr", 2, constraints=Constraints(absent=tuple((0, i) for i in range(N))))
    spectra = np.full((3, N), 1.0 / N)
    with pytest.raises(BadData, match="3 spectra are known, and 2 factors"):
        analyse(data, "mcr", 2, constraints=Constraints(fixed=spectra))
    with pytest.raises(BadData, match="said to lack"):
        analyse(data, "mcr", K, constraints=Constraints(fixed=spectra[:1], absent=((0, 4),)))


def test_independent_ions_of_one_polarity_are_taken():
    counts = np.random.default_rng(7).poisson(MEAN).astype(float)
    names = ["total", "NaF2-, Na2F3-", "Na+ / ( Cl- )", *[f"C{i}H-" for i in range(2, N - 1)]]
    found = analyse(profile(counts, tuple(names)), "mcr", 2)
    assert found.labels == tuple(names[3:])
    assert found.energy[0] == 3
    with pytest.raises(BadData, match="Positive and negative"):
        number_of_factors(profile(counts, ("Na+", *names[1:])))
    with pytest.raises(BadData, match="two single ions"):
        number_of_factors(profile(counts[:, :3], ("total", "Na+", "Na+ / ( Cl- )")))
    with pytest.raises(BadData, match="no counts"):
        analyse(profile(np.zeros((20, 5)), IONS[:5]), "mcr", 2)


def test_an_ion_without_counts_has_no_share():
    counts = np.random.default_rng(8).poisson(MEAN).astype(float)
    counts[:, 7] = 0
    counts[-1] = 0  # the last point of some exports
    found = analyse(profile(counts), "mcr", K)
    assert np.all(found.spectra[:, 7] == 0)
    assert np.all(found.depth[:, -1] == 0)


def test_singular_values_are_those_of_numpy():
    d = np.random.default_rng(9).normal(size=(70, 30))
    assert singular_values(d, 5) == pytest.approx(np.linalg.svd(d, compute_uv=False), rel=1e-9)
    low = np.outer(d[:, 0], d[0]) + 1e-9 * np.outer(d[:, 1], d[1])
    assert singular_values(low, 2)[1] == pytest.approx(np.linalg.svd(low, compute_uv=False)[1], rel=1e-3)
