"""Bands of ambiguity against independent global methods: all of T for two factors, Borgen's regions for three.

W. H. Lawton, E. A. Sylvestre, Technometrics 13, 617 (1971). O. S. Borgen, B. R. Kowalski, Anal. Chim. Acta 174, 1
(1985): a spectrum is feasible where a triangle with this corner, inside of all that is zero or above, holds all data.
"""

import numpy as np
import pytest

from fitting.factors.bands import ambiguity


def two(seed):
    rng = np.random.default_rng(seed)
    c, s = rng.random((20, 2)) ** 2 + 0.02, rng.random((2, 6)) + 0.05
    if seed % 2:
        z = np.linspace(0, 1, 20)
        c = np.stack((1 - 0.8 * z, 0.1 + 0.9 * z), axis=1)
    return c, s / np.linalg.norm(s, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(i, marks=pytest.mark.full) for i in range(2, 30))])
def test_bands_of_two_factors_are_the_exact_ones(seed):
    """Shares, spectra and amounts over the whole rectangle of (a, b), to 0.2 % of their largest."""
    c, s = two(seed)
    a = np.linspace(-np.min(s[0] / s[1]), np.min(c[:, 1] / c[:, 0]), 41)
    b = np.linspace(-np.min(s[1] / s[0]), np.min(c[:, 0] / c[:, 1]), 41)
    a, b = (x.ravel()[:, None] for x in np.meshgrid(a, b))
    spectra = [s[0] + a * s[1], s[1] + b * s[0]]
    profiles = [(c[:, 0] - b * c[:, 1]) / (1 - a * b), (c[:, 1] - a * c[:, 0]) / (1 - a * b)]
    bands, total = ambiguity(c, s, 1e-14), np.linalg.norm(c @ s)
    for factor, (spectrum, profile) in enumerate(zip(spectra, profiles, strict=True)):
        shares = np.linalg.norm(spectrum, axis=1) * np.linalg.norm(profile, axis=1) / total
        assert bands.shares[factor] == pytest.approx([shares.min(), shares.max()], abs=2e-3)
        size, found = spectrum.sum(axis=1)[:, None], bands.spectra[:, factor].sum(axis=1)[:, None]
        for mine, exact in ((bands.spectra[:, factor] / found, spectrum / size),
                            (bands.profiles[:, :, factor] * found, profile * size)):
            near = 2e-3 * exact.max()
            assert mine.min(axis=0) == pytest.approx(exact.min(axis=0), abs=near)
            assert mine.max(axis=0) == pytest.approx(exact.max(axis=0), abs=near)


def _corners(v):
    """Corners of all (x1, x2) with v0 + x1 v1 + x2 v2 >= 0."""
    found = []
    for i in range(v.shape[1]):
        for j in range(i):
            matrix = v[1:, [i, j]].T
            if abs(np.linalg.det(matrix)) > 1e-12:
                place = np.linalg.solve(matrix, -v[0, [i, j]])
                if np.all(v[0] + place @ v[1:] >= -1e-9):
                    found.append(place)
    return np.array(found)


def _is_corner(x, rows, v):
    """Whether a triangle with corner x, inside of what is zero or above, holds all rows."""
    d = rows - x
    away = np.hypot(*d.T) > 1e-9
    mean = d[away].mean(axis=0)
    angle = np.angle((d[away] @ [1, 1j]) / complex(*mean))
    if angle.max() - angle.min() >= np.pi - 1e-9:
        return False
    ends = []
    for i in (angle.argmin(), angle.argmax()):
        way = d[away][i]
        slope, value = way @ v[1:], v[0] + x @ v[1:]
        down = slope < -1e-12
        ends.append(x + way * np.min(np.maximum(value[down], 0.0) / -slope[down]))
    across = ends[1] - ends[0]

    def side(p):
        return across[0] * (p[..., 1] - ends[0][1]) - across[1] * (p[..., 0] - ends[0][0])

    return abs(side(x)) > 1e-15 and bool(np.all(side(rows) * np.sign(side(x)) >= -1e-9))


def feasible(data, points):
    """Spectra of sum 1 that a factor of exact data of rank three can have, on a grid: a subset, near to all."""
    v = np.linalg.svd(data, full_matrices=False)[2][:3]
    v[0] *= np.sign(v[0].sum())
    rows = data @ v.T
    rows = rows[:, 1:] / rows[:, :1]
    corners = _corners(v)
    sides = [np.linspace(a, b, points) for a, b in zip(corners.min(axis=0), corners.max(axis=0), strict=True)]
    places = np.concatenate([np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2), corners])
    places = places[np.all(v[0] + places @ v[1:] >= -1e-9, axis=1)]
    good = np.array([_is_corner(x, rows, v) for x in places])
    spectra = v[0] + places[good] @ v[1:]
    return spectra / spectra.sum(axis=1, keepdims=True)


# Of twelve cases drawn by chance: parts of their regions (6, 5 and 24 %) that no way from the solution reaches.
MISSED = pytest.mark.xfail(strict=True, reason="the search in steps does not reach all of the region (docs/notes.md)")
CASES = [0, *(pytest.param(i, marks=[pytest.mark.full, *([MISSED] if i in (1, 7, 9) else [])]) for i in range(1, 12))]


@pytest.mark.parametrize("seed", CASES)
def test_bands_of_three_factors_hold_the_feasible_regions(seed, measured):
    """Spectra, and by exchange of rows and columns profiles; what the search misses of the largest number."""
    rng = np.random.default_rng(seed)
    c, s = rng.dirichlet([0.5] * 3, 14) + 0.03 * (1 + seed % 3), rng.random((3, 8)) ** 1.5 + 0.03
    bands = ambiguity(c, s, 1e-14)
    missed = 0.0
    for exact, found in ((feasible(c @ s, 60), bands.spectra), (feasible((c @ s).T, 60),
                                                               bands.profiles.transpose(0, 2, 1))):
        assert len(exact) > 200
        found = found / found.sum(axis=2, keepdims=True)
        # Regions of two factors may meet, so that only all factors together can be compared.
        low, high = found.min(axis=(0, 1)) - exact.min(axis=0), exact.max(axis=0) - found.max(axis=(0, 1))
        missed = max(missed, float(low.max() / exact.max()), float(high.max() / exact.max()))
        # None of the ends lies outside of what is feasible (half a standard error of 1e-7 is allowed, and the grid's).
        assert min(low.min(), high.min()) > -0.02 * exact.max()
    measured(f"Bands of three factors (case {seed}): part of the exact region missed", 100 * missed, "%", "<= 5")
    assert missed <= 0.05
