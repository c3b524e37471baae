"""Factors of whole cubes: sums of neighbours, one exact pass, profile and image."""

import math

import numpy as np
import pytest

from benchmarks._factor_problems import cube, layers
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.factors.analysis import analyse, number_of_factors, ordered
from fitting.factors.bins import MOST_ROWS, block_of, sums_of
from fitting.factors.constraints import Constraints
from fitting.factors.kept import kept, maps_of
from fitting.factors.nnls import nnls
from fitting.sims.cube import profile_of
from libraries.errors import BadData, Cancelled

SHAPE = (12, 24, 20)


@pytest.fixture(scope="module")
def made():
    return cube(SHAPE)


@pytest.fixture(scope="module")
def found(made):
    return analyse(made, "mcr", 5)


def test_sums_are_those_of_numpy(made):
    sums = sums_of(made, slice(3, 40))
    counts = np.asarray(made.counts, float)[..., 3:40]
    assert sums.profile == pytest.approx(counts.sum(axis=(1, 2)))
    assert sums.image == pytest.approx(counts.sum(axis=0).reshape(-1, 37))
    _, rows, columns = block_of(SHAPE[0], SHAPE[1:])
    first = counts[0, :rows, :columns].sum(axis=(0, 1))
    assert sums.rows.counts[0] == pytest.approx(first)
    assert sums.rows.counts.sum() == counts.sum()
    with pytest.raises(Cancelled):
        sums_of(made, slice(0, 60), cancel=lambda: True)


@pytest.mark.parametrize(("scans", "plane"), [(1, (500, 700)), (100, (128, 128)), (9000, (4, 4)), (60, (1, 300))])
def test_blocks_are_few_and_cover_all(scans, plane):
    steps = block_of(scans, plane)
    assert math.prod(math.ceil(n / s) for n, s in zip((scans, *plane), steps, strict=True)) <= MOST_ROWS
    assert all(1 <= s <= n for n, s in zip((scans, *plane), steps, strict=True))


def test_amounts_of_all_voxels_are_the_exact_minima(made, found):
    counts = np.asarray(made.counts, float).reshape(-1, 60)
    weight = np.sqrt(counts.sum(axis=0) / counts.sum())
    some = np.random.default_rng(0).choice(len(counts), 40, replace=False)
    wanted = nnls((found.spectra / weight).T, (counts[some] / weight).T)
    assert found.amounts.reshape(5, -1)[:, some] == pytest.approx(wanted, rel=1e-5, abs=1e-3)
    assert found.amounts.dtype == np.float32
    assert found.amounts.shape == (5, *SHAPE)


def test_profile_and_image_are_solved_on_their_sums(made, found):
    assert found.depth.shape == (5, SHAPE[0])
    assert found.image.shape == (5, *SHAPE[1:])
    total = float(np.asarray(made.counts, float).sum())
    assert found.depth.sum() == pytest.approx(total, rel=0.01)
    assert found.image.sum() == pytest.approx(total, rel=0.01)
    centres = found.depth @ np.arange(SHAPE[0]) / found.depth.sum(axis=1)
    assert np.all(np.diff(centres) > 0)
    assert np.all(found.depth_errors > 0)
    assert "whole scans" in found.words
    assert number_of_factors(made).rows() == found.tests.rows()


def test_what_a_project_keeps_of_a_cube(found):
    about = kept(ordered(found), "mcr", "hash")
    maps = maps_of(found, about, "counts")
    assert [one.shape for one in maps] == [SHAPE, SHAPE[1:]] * 5
    assert about.amounts.shape == (5, SHAPE[0])
    assert about.constraints[0].startswith("solved on sums over whole scans")
    assert about.range_words == "60 ions"


def test_scores_of_a_cube_are_linear(made):
    pca = analyse(made, "pca", 3)
    assert pca.amounts.shape == (3, *SHAPE)
    counts = np.asarray(made.counts, float).reshape(-1, 60)
    sums = sums_of(made, slice(0, 60))
    again = analyse(sums.rows, "pca", 3)
    assert np.abs(again.spectra) == pytest.approx(np.abs(pca.spectra), abs=1e-9)
    weight = sums.profile.sum(axis=0) / counts.sum()
    lever = (pca.spectra / weight) / np.sum(pca.spectra**2 / weight, axis=1, keepdims=True)
    assert pca.amounts.reshape(3, -1) == pytest.approx((counts @ lever.T).T, rel=1e-3, abs=1e-4)


def test_scans_that_tell_the_factors_apart_are_solved_alone(made, found):
    """The same spectra as from the profile of all pixels, and constraints along the depth hold."""
    alone = analyse(profile_of(made), "mcr", 5)
    assert found.spectra == pytest.approx(alone.spectra, abs=1e-9)
    assert found.depth == pytest.approx(alone.amounts, rel=1e-6, abs=1e-6)
    once = analyse(made, "mcr", 5, constraints=Constraints(unimodal=True)).depth
    tops = once.argmax(axis=1)
    for row, top in zip(once, tops, strict=True):
        assert np.all(np.diff(row[: top + 1]) >= -1e-9 * row.max())
        assert np.all(np.diff(row[top:]) <= 1e-9 * row.max())


def test_what_differs_over_the_image_is_solved_on_blocks(made):
    """Layers that stand upright: the scans are alike, the blocks are not."""
    counts = np.asarray(made.counts)
    turned = np.ascontiguousarray(np.swapaxes(counts, 0, 1))[:, :12]
    axes = tuple(Axis(np.arange(float(n)), "distance", "µm") for n in turned.shape[1:3])
    lying = made.with_(counts=turned, navigation=(Axis(np.arange(float(len(turned))), "scan", ""), *axes), scales=())
    found = analyse(lying, "mcr", 5)
    assert "blocks" in found.words
    with pytest.raises(BadData, match="depth profile"):
        analyse(lying, "mcr", 5, constraints=Constraints(unimodal=True))


@pytest.mark.parametrize(("m", "n"), [(200, 80), pytest.param(500, 300, marks=pytest.mark.full)])
def test_rank_tests_of_a_wide_dynamic_range(m, n, measured):
    """Five true factors in 500 x 300 counts: IND of raw counts goes astray, after scaling the tests agree."""
    counts = layers(m, n, seed=2).counts
    axis = Axis(np.arange(float(n)), "ion", "", tuple(f"X{i}" for i in range(n)))
    data = Spectrum(axis, counts, Noise("poisson", 1.0), Meta(technique="sims"),
                    navigation=(Axis(np.arange(float(m)), "time", "s"),))
    scaled, raw = number_of_factors(data), number_of_factors(data, poisson=False)
    five = sum(answer == "5" for _, answer in scaled.rows())
    measured(f"tests that give 5 for five factors in {m} x {n} counts, of six", five, "", ">= 4")
    assert scaled.indicator == 5
    assert scaled.parallel == 5
    assert five >= 4
    assert raw.indicator > 5
