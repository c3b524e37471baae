"""Topography of cubes against known depths; width of interfaces before and after; what self-alignment does."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.optimize import curve_fit
from scipy.special import ndtr

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.processing.topography import topography_step
from fitting.recipe import Recipe, Step
from fitting.sims.topography import topography
from libraries.errors import BadData, BadModel, Cancelled

SIGMA = 2.0  # scans, of the interface in every pixel


def rough_cube(counts, rough, seed, side=48, scans=60, smooth=5.0, sigma=SIGMA):
    """An interface between levels 1 : 10 at a known depth of every pixel, seen by two ions; yields differ by pixel."""
    rng = np.random.default_rng(seed)
    depth = gaussian_filter(rng.standard_normal((side, side)), smooth)
    depth *= rough / depth.std()
    depth -= np.median(depth)
    bright = 0.5 + rng.random((side, side))
    mean = counts * bright * (0.1 + 0.9 * ndtr((np.arange(scans)[:, None, None] - scans / 2 - depth) / sigma))
    values = np.stack([rng.poisson(mean), rng.poisson(mean)], axis=-1).astype(np.uint16)
    lateral = Axis(np.arange(side) + 0.5, "distance", "µm")
    time = Axis(2.0 * np.arange(1, scans + 1), "time", "s")
    cube = Spectrum(Axis(np.arange(2.0), "ion", "", ("C_2-", "C_4-")), values, Noise("poisson", 1.0),
                    Meta(technique="sims"), navigation=(time, lateral, lateral),
                    scales=(Axis(10 * time.values, "dose", "ions"),))
    return cube, depth


def width(profile):
    """Standard deviation of the error function that fits a rising profile."""
    k = np.arange(profile.size)
    start = (profile.min(), profile.max(), profile.size / 2, 3.0)
    found, _ = curve_fit(lambda k, a, b, z, s: a + (b - a) * ndtr((k - z) / s), k, profile, start)
    return abs(found[3])


@pytest.mark.parametrize(("counts", "rough"), [(1.0, 4.0), (5.0, 4.0), (5.0, 1.5)])
def test_depths_of_rough_samples(counts, rough, measured):
    cube, truth = rough_cube(counts, rough, 1)
    found = topography(cube.counts[..., 0])
    off = found.depth - truth
    off -= np.median(off)
    pull = off / found.error
    spread = float(np.std(pull[~found.missing]))
    measured(f"Topography, {counts:g} counts a voxel, roughness {rough:g} scans: standard deviation of pulls", spread,
             "", "0.7 to 1.4")
    assert 0.7 < spread < 1.4
    # A smooth relief has few independent places: its own standard deviation is the truth.
    assert found.roughness == pytest.approx(float(truth.std()), rel=0.15)
    assert abs(found.roughness - truth.std()) < 4 * found.roughness_error
    assert float(np.sqrt(np.mean(off**2))) < 1.3


def test_the_interface_becomes_as_sharp_as_it_is(measured):
    cube, _ = rough_cube(5.0, 4.0, 2)
    found = topography(cube.counts[..., 0], joined=3)
    done = Recipe((topography_step(found),)).apply(cube)
    before = width(cube.y.mean(axis=(1, 2))[:, 1])
    own, other = (width(done.y.mean(axis=(1, 2))[:, i]) for i in range(2))
    assert before > 1.8 * SIGMA
    measured("Width of an interface after topography correction over the true one (ion not used)", other / SIGMA, "",
             "0.9 to 1.15")
    assert 0.9 < other / SIGMA < 1.15
    # The ion that was used looks sharper, though little, since depths are no more than their counts say.
    assert own < other
    assert own > 0.85 * SIGMA


def test_a_flat_sample_stays_flat(measured):
    """Pixels alone with few counts: following their noise would make a false relief and a false sharp interface."""
    for counts, seed in ((0.3, 3), (2.0, 4)):
        cube, _ = rough_cube(counts, 1e-9, seed, sigma=3.0)
        found = topography(cube.counts[..., 0], joined=1)
        assert found.roughness <= 2.5 * found.roughness_error
        done = Recipe((topography_step(found),)).apply(cube)
        own = width(done.y.mean(axis=(1, 2))[:, 0]) / width(cube.y.mean(axis=(1, 2))[:, 0])
        measured(f"Width of a flat interface aligned on itself, {counts:g} counts a voxel, over before", own, "",
                 "0.95 to 1.02")
        assert 0.95 < own < 1.02


def test_self_alignment_is_bounded_where_the_relief_is_real(measured):
    """What the manual says: pixels alone, few counts, real relief: the ion used against the true width."""
    cube, _ = rough_cube(1.0, 4.0, 5)
    done = Recipe((topography_step(topography(cube.counts[..., 0], joined=1)),)).apply(cube)
    own, other = (width(done.y.mean(axis=(1, 2))[:, i]) / SIGMA for i in range(2))
    measured("Pixels alone at 1 count a voxel: width of the ion used over the true one", own, "", "0.75 to 1.1")
    measured("Pixels alone at 1 count a voxel: width of another ion over the true one", other, "", "1 to 1.8")
    assert 0.75 < own < 1.1
    assert 1.0 < other < 1.8


def test_moves_are_whole_and_axes_follow():
    cube, _ = rough_cube(2.0, 2.0, 6, side=16)
    found = topography(cube.counts[..., 0])
    step = topography_step(found)
    moves = np.array(step.numbers("scans")).reshape(16, 16).astype(int)
    done = Recipe((step,)).apply(cube)
    first = max(0, -moves.min())
    left = 60 - first - max(0, moves.max())
    assert done.counts.shape == (left, 16, 16, 2)
    assert done.counts.dtype == cube.counts.dtype
    for r, c in ((0, 0), (7, 3), (15, 15)):
        np.testing.assert_array_equal(done.counts[:, r, c], cube.counts[first + moves[r, c] :][:left, r, c])
    np.testing.assert_allclose(done.navigation[0].values, cube.navigation[0].values[first : first + left])
    np.testing.assert_allclose(done.scales[0].values, cube.scales[0].values[first : first + left])
    assert f"{first} scans at the start" in dict(done.meta.extra)["topography corrected"]


def test_wrong_depths_of_a_few_pixels_do_not_crop_the_cube():
    cube, _ = rough_cube(5.0, 1.0, 7)
    found = topography(cube.counts[..., 0])
    depth = found.depth.copy()
    depth[0, :5] = 25.0
    step = topography_step(type(found)(depth, found.error, found.missing, 1, 1.0, 0.1, found.profile))
    assert max(step.numbers("scans")) < 6
    assert "pixels limited" in step.note


@pytest.mark.parametrize(("volume", "options", "words"), [
    (np.zeros((20, 8, 8)), {}, "Too few counts"),
    (np.full((20, 8, 8), 50.0), {}, "flat"),
    (np.full((20, 8, 8), -1.0), {}, "zero or above"),
    (np.full((20, 8, 8), 50.0), {"scans": (3, 5)}, "too few"),
    (np.full((20, 8, 8), 50.0), {"scans": (3, 25)}, "too few"),
    (np.full((20, 8, 8), 50.0), {"joined": 2}, "odd"),
    (np.full((20, 8, 8), 50.0), {"joined": 9}, "odd"),
])
def test_what_shows_no_interface_is_refused(volume, options, words):
    with pytest.raises(BadData, match=words):
        topography(volume, **options)


def test_it_stops_when_asked_to():
    cube, _ = rough_cube(2.0, 2.0, 8, side=12)
    with pytest.raises(Cancelled):
        topography(cube.counts[..., 0], cancel=lambda: True)


def test_moves_that_do_not_fit_are_refused():
    cube, _ = rough_cube(2.0, 2.0, 9, side=8)
    with pytest.raises(BadModel, match="do not fit 8 × 8 pixels"):
        Recipe((Step("topography", (("scans", "0 1"),)),)).apply(cube)
    with pytest.raises(BadModel, match="whole scans"):
        Recipe((Step("topography", (("scans", " ".join(["0.5"] * 64)),)),)).apply(cube)
    with pytest.raises(BadData, match="no scan"):
        Recipe((Step("topography", (("scans", " ".join(["0"] * 63 + ["60"])),)),)).apply(cube)
    with pytest.raises(BadData, match="Only a cube"):
        Recipe((Step("topography", (("scans", "0"),)),)).apply(cube.at(0, 0, 0))
