"""Steps on the scans and pixels of cubes and profiles, in memory and read piece by piece from a file."""

import h5py
import numpy as np
import pytest

from app.files.arrays import file_array
from fitting import stored
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.processing.image_steps import frame
from fitting.recipe import Recipe, Step
from libraries.errors import BadData

SHAPE = (6, 9, 7, 5)
LABELS = ("total", "a", "b", "c", "d")


def cube_of(counts, unit="counts"):
    lateral = [Axis(0.5 * np.arange(n), "distance", "µm") for n in counts.shape[1:3]]
    time = Axis(2.0 * np.arange(1, counts.shape[0] + 1), "time", "s")
    return Spectrum(Axis(np.arange(5.0), "ion", "", LABELS), counts, Noise("poisson", 1.0),
                    Meta(technique="sims", intensity_unit=unit), navigation=(time, *lateral),
                    scales=(Axis(10 * time.values, "dose", "ions"), Axis(time.values**2, "fluence", "ions/cm²")))


@pytest.fixture
def counts():
    return np.random.default_rng(1).poisson(3.0, SHAPE).astype(np.uint8)


@pytest.fixture
def pair(counts, tmp_path):
    """The same cube in memory and in a file."""
    path = tmp_path / "cube.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("counts", data=counts, chunks=(2, 4, 4, 5))
    here = cube_of(counts)
    return here, here.with_(counts=file_array(path, "counts"))


CROP = Step("crop_image", (("scans_from", 2.0), ("scans_to", 5.0), ("rows_from", 3.0), ("columns_to", 6.0)))
JOIN = Step("bin_image", (("scans", 2.0), ("rows", 3.0), ("columns", 2.0)))
DRIFT = Step("scan_drift", (("rows", "-1 0 0 1 1.4 2"), ("columns", "0 0 -1 -1 0 0")))
DEPTH = Step("topography", (("scans", " ".join(str(i % 3 - 1) for i in range(63))),))
FOUR = Step("scan_drift", (("rows", "-1 0 0 1"), ("columns", "0 0 2 0")))  # behind DEPTH, which leaves 4 scans
SHORT = Step("topography", (("scans", " ".join(str(i % 2) for i in range(42))),))  # behind CROP: 7 x 6 pixels


@pytest.mark.parametrize("steps", [(CROP,), (JOIN,), (DRIFT,), (DEPTH,), (CROP, JOIN), (DEPTH, FOUR), (DRIFT, JOIN),
                                   (CROP, SHORT), (JOIN, Step("crop_image", (("scans_to", 2.0),)))])
def test_cubes_in_files_become_what_cubes_in_memory_become(pair, steps):
    here, there = (Recipe(steps).apply(cube) for cube in pair)
    assert there.stored
    assert not here.stored
    assert here.navigation == there.navigation or all(
        np.array_equal(a.values, b.values) for a, b in zip(here.navigation, there.navigation, strict=True))
    assert [scale.quantity for scale in there.scales] == ["dose", "fluence"]
    assert there.counts.dtype == here.counts.dtype
    np.testing.assert_array_equal(there.counts.read(0, there.pixels).reshape(here.counts.shape), here.counts)
    start, stop = 5, there.pixels - 3
    np.testing.assert_array_equal(there.rows(start, stop), here.rows(start, stop))
    np.testing.assert_array_equal(there.counts.channel(2), here.counts[..., 2].ravel())
    assert there.noise == here.noise
    assert there.counts.readable()


def test_fingerprints_follow_the_steps(pair):
    _, there = pair
    marks = {Recipe(steps).apply(there).counts.fingerprint for steps in ((CROP,), (JOIN,), (DRIFT,), (DEPTH,))}
    assert len(marks | {there.counts.fingerprint}) == 5
    assert Recipe((CROP,)).apply(there.with_()).counts.fingerprint in marks


def test_cropped_scans_take_their_scales_along(counts):
    cube = cube_of(counts)
    done = Recipe((CROP,)).apply(cube)
    np.testing.assert_array_equal(done.counts, counts[1:5, 2:, :6])
    np.testing.assert_array_equal(done.navigation[0].values, [4, 6, 8, 10])
    np.testing.assert_array_equal(done.scales[0].values, [40, 60, 80, 100])
    with pytest.raises(BadData, match="no scans 2 to 7 among 6"):
        Recipe((Step("crop_image", (("scans_from", 2.0), ("scans_to", 7.0))),)).apply(cube)


def test_joined_voxels_add_their_counts(counts):
    done = Recipe((JOIN,)).apply(cube_of(counts))
    wanted = counts[:6, :9, :6].astype(int).reshape(3, 2, 3, 3, 3, 2, 5).sum(axis=(1, 3, 5))
    np.testing.assert_array_equal(done.counts, wanted)
    assert done.counts.dtype == np.uint16  # the smallest that holds the sums
    assert done.noise == Noise("poisson", 1.0)
    np.testing.assert_array_equal(done.navigation[0].values, [3, 7, 11])
    np.testing.assert_array_equal(done.scales[1].values, [10, 50, 122])
    rates = Recipe((JOIN,)).apply(cube_of(counts, "arbitrary"))
    np.testing.assert_allclose(rates.counts, wanted / 12)
    assert rates.noise.gain == pytest.approx(1 / 12)


def test_points_of_a_profile_are_cropped_and_joined(counts):
    cube = cube_of(counts)
    profile = cube.with_(counts=counts.sum(axis=(1, 2), dtype=int), navigation=cube.navigation[:1])
    some = Recipe((Step("crop_image", (("scans_from", 2.0),)),)).apply(profile)
    assert some.counts.shape == (5, 5)
    np.testing.assert_array_equal(some.scales[0].values, [40, 60, 80, 100, 120])
    joined = Recipe((Step("bin_image", (("scans", 4.0),)),)).apply(profile)
    np.testing.assert_array_equal(joined.counts[0], profile.counts[:4].sum(axis=0))
    assert joined.counts.shape == (1, 5)
    assert len(joined.scales[0]) == 1
    with pytest.raises(BadData, match="fewer pixels"):
        Recipe((Step("bin_image", (("scans", 7.0),)),)).apply(profile)


def test_drawn_regions_stay_on_the_sample():
    assert frame((CROP,)) == (0.0, 2.0, 1.0, 1.0)
    assert frame((DRIFT,)) == (1.0, 1.0, 1.0, 1.0)
    assert frame((JOIN, DRIFT)) == (2.0, 3.0, 2.0, 3.0)


def test_steps_that_need_all_spectra_follow_on_a_part_that_fits_into_memory(pair, monkeypatch):
    _, there = pair
    level = Step("normalise", (("mode", "maximum"),))
    assert not Recipe((CROP, level)).apply(there).stored
    monkeypatch.setattr(stored, "IN_MEMORY", 1000)
    with pytest.raises(BadData, match="needs all spectra at once"):
        Recipe((CROP, level)).apply(there.with_())
