"""Drift between scans against known paths, its errors, and what cannot be compared."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.processing.scan_drift import scan_drift_step
from fitting.recipe import Recipe, Step
from fitting.sims.drift import scan_drift, scan_images
from fitting.sims.path import smooth_path
from libraries.errors import BadData, BadModel, Cancelled

LABELS = ("total", "Na+", "Na_2F+", "I+ / ( Pb+ )")


def moving(side, scans, counts, path, seed, change=0.0):
    """Counts of a textured sample that moves along a path (scans, 2); with `change` its texture becomes another one."""
    rng = np.random.default_rng(seed)
    fields = [gaussian_filter(rng.standard_normal((3 * side, 3 * side)), 3.0) for _ in range(2)]
    fields = [np.exp(0.6 * field / field.std()) for field in fields]
    y, x = np.mgrid[0:side, 0:side].astype(float)
    out = np.empty((scans, side, side))
    for s in range(scans):
        part = change * s / (scans - 1)
        field = (1 - part) * fields[0] + part * fields[1]
        out[s] = map_coordinates(field, [y + side - path[s, 0], x + side - path[s, 1]], order=3) / field.mean()
    return rng.poisson(counts * out)


def bent(scans):
    t = np.linspace(0, 1, scans)
    return np.stack([5 * t**2, -3 * t + np.sin(4 * t)], axis=1)


def cube_of(counts):
    """Every ion but the second empty; the total in front."""
    scans, rows, columns = counts.shape
    values = np.zeros((*counts.shape, 4), np.uint16)
    values[..., 0] = values[..., 1] = counts
    lateral = [Axis((np.arange(n) + 0.5) * 0.5, "distance", "µm") for n in (rows, columns)]
    time = Axis(np.arange(1.0, scans + 1), "time", "s")
    return Spectrum(Axis(np.arange(4.0), "ion", "", LABELS), values, Noise("poisson", 1.0), Meta(technique="sims"),
                    navigation=(time, *lateral), scales=(Axis(2 * time.values, "dose", "ions"),))


@pytest.mark.parametrize(("counts", "seeds"), [(1.0, (0, 1, 2)), (5.0, (3, 4, 5))])
def test_known_drift_is_found_to_a_third_of_a_pixel(counts, seeds, measured):
    scans, truth = 40, bent(40) - bent(40).mean(axis=0)
    off, pulls, path_pulls = 0.0, [], []
    for seed in seeds:
        found = scan_drift(moving(64, scans, counts, truth, seed))
        assert found.found
        assert found.unsure == 0
        assert found.group == 1
        path = np.stack([found.path_rows, found.path_columns], axis=1) - truth
        off = max(off, float(np.abs(path).max()))
        single = np.stack([found.rows, found.columns], axis=1) - truth
        pulls.append(single / np.stack([found.row_errors, found.column_errors], axis=1))
        path_pulls.append(path / np.stack([found.path_row_errors, found.path_column_errors], axis=1))
    measured(f"Drift of 64 × 64 pixels, {counts:g} counts a pixel and scan: furthest scan", off, "pixels", "<= 0.3")
    assert off <= 0.3
    width = float(np.std(pulls))
    measured(f"Drift, {counts:g} counts a pixel: standard deviation of pulls of single scans", width, "", "0.8 to 1.3")
    assert 0.8 < width < 1.3
    assert 0.4 < float(np.sqrt(np.mean(np.square(path_pulls)))) < 1.6


def test_a_field_at_rest_has_no_drift():
    volume = moving(64, 30, 2.0, np.zeros((30, 2)), 7)
    found = scan_drift(volume)
    assert not found.found
    assert max(found.reach) < 0.5
    assert np.abs(found.rows / found.row_errors).max() < 5


def test_few_counts_are_added_up_before_they_are_compared():
    truth = bent(60) - bent(60).mean(axis=0)
    found = scan_drift(moving(64, 60, 0.1, truth, 1))
    assert found.group == 3
    assert found.path_rows.size == 60
    assert np.abs(np.stack([found.path_rows, found.path_columns], axis=1) - truth).max() < 0.6


def test_where_the_image_changes_with_depth_neighbours_are_the_reference():
    truth = bent(40) - bent(40).mean(axis=0)
    volume = moving(64, 40, 5.0, truth, 2, change=1.0)
    found = scan_drift(volume, reference="near")
    path = np.stack([found.path_rows, found.path_columns], axis=1)
    assert np.abs(path - truth).max() < 1.0


def test_jumps_are_followed_without_smoothing():
    truth = np.zeros((20, 2))
    truth[10:, 0] = 3.0
    volume = moving(64, 20, 5.0, truth, 3)
    found = scan_drift(volume, smooth=False)
    assert np.diff(found.path_rows)[9] == pytest.approx(3.0, abs=0.3)
    assert np.abs(np.delete(np.diff(found.path_rows), 9)).max() < 0.4


@pytest.mark.parametrize(("volume", "words"), [
    (np.ones((5, 64, 64)), "no structure"),
    (np.zeros((5, 64, 64)), "not all zero"),
    (-np.ones((5, 64, 64)), "zero or above"),
    (np.ones((5, 64, 4)), "too small"),
    (np.ones((1, 64, 64)), "fewer than two groups"),
])
def test_what_cannot_be_compared_is_refused(volume, words):
    with pytest.raises(BadData, match=words):
        scan_drift(volume)


def test_noise_without_structure_is_no_drift():
    volume = np.random.default_rng(4).poisson(2.0, (20, 64, 64))
    with pytest.raises(BadData, match="no structure"):
        scan_drift(volume)


def test_it_stops_when_asked_to():
    with pytest.raises(Cancelled):
        scan_drift(moving(32, 5, 5.0, np.zeros((5, 2)), 5), cancel=lambda: True)


def test_images_of_scans_add_up_single_ions():
    counts = np.random.default_rng(6).poisson(3.0, (4, 9, 10))
    cube = cube_of(counts)
    np.testing.assert_array_equal(scan_images(cube), counts)  # neither total nor ratio
    np.testing.assert_array_equal(scan_images(cube, (2,)), 0)
    with pytest.raises(BadData, match="no such ion"):
        scan_images(cube, (9,))


# -- the correction -----------------------------------------------------------------------------------------------


def test_correction_brings_the_scans_together():
    truth = bent(40) - bent(40).mean(axis=0)
    volume = moving(64, 40, 5.0, truth, 8)
    cube = cube_of(volume)
    step = scan_drift_step(scan_drift(volume))
    done = Recipe((step,)).apply(cube)
    assert done.counts.dtype == cube.counts.dtype
    assert done.noise == cube.noise
    assert "±" in step.note
    assert "rows" in dict(done.meta.extra)["drift corrected"]
    down, across = np.round(step.numbers("rows")).astype(int), np.round(step.numbers("columns")).astype(int)
    top, left = max(0, -down.min()), max(0, -across.min())
    _, rows, columns, _ = done.counts.shape
    assert (rows, columns) == (64 - top - max(0, down.max()), 64 - left - max(0, across.max()))
    for s in (0, 20, 39):  # every number is one of the raw ones, in its place
        raw = cube.counts[s, top + down[s] : top + down[s] + rows, left + across[s] : left + across[s] + columns]
        np.testing.assert_array_equal(done.counts[s], raw)
    np.testing.assert_allclose(done.navigation[1].values, cube.navigation[1].values[top : top + rows])
    assert done.scales == cube.scales
    # What is left is what whole pixels leave.
    rest = scan_drift(done.counts[..., 1])
    assert max(np.abs(rest.path_rows).max(), np.abs(rest.path_columns).max()) < 0.8


def test_shifts_that_do_not_fit_are_refused():
    cube = cube_of(np.ones((4, 9, 10), int))

    def step(rows, columns):
        return Step("scan_drift", (("rows", rows), ("columns", columns)))

    with pytest.raises(BadModel, match="do not fit 4 scans"):
        Recipe((step("0 0 0", "0 0 0"),)).apply(cube)
    with pytest.raises(BadModel, match="numbers separated by spaces"):
        Recipe((step("0 0 0 x", "0 0 0 0"),)).apply(cube)
    with pytest.raises(BadData, match="leaves nothing"):
        Recipe((step("0 0 0 9", "0 0 0 0"),)).apply(cube)
    with pytest.raises(BadData, match="Only a cube"):
        Recipe((step("0", "0"),)).apply(cube.at(0, 0, 0))


# -- the path -----------------------------------------------------------------------------------------------------


def test_a_straight_path_stays_straight_and_an_outlier_does_not_bend_it():
    at, rng = np.arange(40.0), np.random.default_rng(9)
    values = 0.1 * at + rng.normal(0, 0.2, 40)
    values[17] += 4.0
    path, errors = smooth_path(at, values, np.full(40, 0.2), at)
    assert np.abs(path - 0.1 * at).max() < 0.25
    assert errors.max() < 0.2


def test_errors_of_the_path_are_right():
    at, rng = np.arange(60.0), np.random.default_rng(10)
    truth = np.sin(at / 12)
    pulls = []
    for _ in range(60):
        path, errors = smooth_path(at, truth + rng.normal(0, 0.3, 60), np.full(60, 0.3), at)
        pulls.append((path - truth) / errors)
    assert abs(float(np.mean(pulls))) < 0.2
    assert 0.8 < float(np.std(pulls)) < 1.4


@pytest.mark.parametrize(("first", "end"), [(20, 35), (45, 60), (0, 15)])
@pytest.mark.parametrize("smooth", [True, False])
def test_errors_hold_where_nothing_was_measured(first, end, smooth, measured):
    """A quarter of the positions left out, in the middle and at the ends."""
    at, rng, pulls = np.arange(60.0), np.random.default_rng(12), []
    kept = (at < first) | (at >= end)
    for _ in range(15):
        truth = 3.0 * np.sin(at / 7.4 + rng.uniform(0, 6)) if smooth else 0.1 * at
        values = truth + rng.normal(0, 0.2, 60)
        path, errors = smooth_path(at[kept], values[kept], np.full(kept.sum(), 0.2), at, smooth=smooth)
        pulls.append(((path - truth) / errors)[~kept])
    size = float(np.sqrt(np.mean(np.square(pulls))))
    measured(f"Path of drift where scans {first} to {end} of 60 could not be compared (smooth: {smooth}): pulls", size,
             "", "<= 1.5")
    assert size <= 1.5


def test_a_path_with_a_wide_gap_is_found_in_seconds():
    at = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 2000.0])
    path, errors = smooth_path(at, 0.5 * at, np.full(6, 0.1), np.arange(2001.0))
    assert path == pytest.approx(0.5 * np.arange(2001.0), abs=1e-3)
    assert errors[1000] > errors[2]
    assert smooth_path(at, at, np.full(6, 0.1), at[:0])[0].size == 0


def test_one_and_two_positions_give_a_path():
    path, errors = smooth_path(np.array([3.0]), np.array([1.0]), np.array([0.1]), np.arange(5.0))
    assert (path.tolist(), errors.tolist()) == ([1.0] * 5, [0.1] * 5)
    path, errors = smooth_path(np.array([0.0, 10.0]), np.array([0.0, 1.0]), np.array([0.1, 0.1]), np.array([5.0, 80.0]))
    assert path == pytest.approx([0.5, 8.0])
    assert errors == pytest.approx([0.1, 0.1 * np.hypot(8, 7)])  # z = 8 b - 7 a


@pytest.mark.parametrize("groups", [10, 30])
@pytest.mark.parametrize("course", ["straight", "bent", "wavy"])
def test_few_positions_give_a_path_with_honest_errors(groups, course, measured):
    """As of 0.05 counts a pixel: ten groups of six scans, each known to a quarter of a pixel."""
    truth = {"straight": lambda t: 3 * t, "bent": lambda t: 5 * t**2, "wavy": lambda t: -3 * t + np.sin(4 * t)}[course]
    at, rng = 6.0 * np.arange(groups) + 2.5, np.random.default_rng(11)
    wanted = np.arange(6.0 * groups)
    pulls = []
    for _ in range(40):
        values = truth(at / wanted[-1]) + rng.normal(0, 0.25, groups)
        path, errors = smooth_path(at, values, np.full(groups, 0.25), wanted)
        pulls.append((path - truth(wanted / wanted[-1])) / errors)
    size, inside = float(np.sqrt(np.mean(np.square(pulls)))), float(np.mean(np.abs(pulls) < 2))
    measured(f"Path of drift, {course}, {groups} groups: root mean square pull", size, "", "0.8 to 1.2")
    assert 0.8 < size < 1.2
    assert inside > 0.92
    assert np.mean(np.square(pulls), axis=0).max() < 1.5**2  # nowhere along the path much worse
