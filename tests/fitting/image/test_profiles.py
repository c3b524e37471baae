"""Line profiles against direct means, and fronts of known place and width."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from fitting.dataset import Axis
from fitting.image.maps import Map
from fitting.image.profiles import Line, Scale, front, profile, scale_of
from libraries.errors import BadData, NotDetermined

NM = Scale(2.0, 2.0, "nm")


def line(start, end, width=5.0):
    return Line("l", "Line", start, end, width)


def test_a_straight_strip_is_the_mean_of_its_rows():
    rng = np.random.default_rng(1)
    values = rng.standard_normal((20, 30))
    errors = 0.5 + rng.random((20, 30))
    found = profile(Map("m", "M", "eV", values, errors), line((0, 10.5), (30, 10.5), 5), NM)
    part = slice(8, 13)  # rows whose middles, 8.5 to 12.5, lie within 2.5 of the line
    assert set(found.pixels) == {5}
    assert found.position == pytest.approx(2.0 * (np.arange(30) + 0.5))
    assert found.value == pytest.approx(values[part].mean(axis=0))
    count = 5
    assert found.error == pytest.approx(np.sqrt((errors[part] ** 2).sum(axis=0)) / count)
    assert found.scatter == pytest.approx(values[part].std(axis=0, ddof=1) / np.sqrt(count))
    assert found.unit == "nm"
    assert found.quantity_unit == "eV"


def test_every_pixel_counts_once_on_a_slanted_strip():
    values = np.arange(600.0).reshape(20, 30)
    found = profile(Map("m", "M", "", values), line((3, 2), (25, 17), 6), NM)
    y, x = np.mgrid[0:20, 0:30] + 0.5
    dx, dy = 22.0, 15.0
    length = np.hypot(dx, dy)
    along = ((x - 3) * dx + (y - 2) * dy) / length
    across = ((y - 2) * dx - (x - 3) * dy) / length
    inside = (along >= 0) & (along <= length) & (np.abs(across) <= 3)
    assert found.pixels.sum() == inside.sum()
    assert (found.pixels * found.value).sum() == pytest.approx(values[inside].sum())
    assert np.all(np.diff(found.position) > 0)
    assert found.position[-1] <= 2 * length
    assert np.isnan(found.error).all()


def test_pixels_that_are_not_square():
    """Rows of 3 nm, columns of 1 nm: positions are in nm."""
    found = profile(Map("m", "M", "", np.ones((10, 10))), line((5, 0), (5, 10), 4), Scale(1.0, 3.0, "nm"), step=3.0)
    assert found.position == pytest.approx(3.0 * (np.arange(10) + 0.5))


def test_pixels_without_a_value_are_left_out_and_counted():
    values = np.ones((9, 9))
    values[4, 3] = np.nan
    flags = np.zeros((9, 9), np.uint8)
    flags[4, 5] = 2
    found = profile(Map("m", "M", "", values, flags=flags), line((0, 4.5), (9, 4.5), 1), Scale())
    assert found.left_out == 2
    assert found.pixels.sum() == 7
    assert found.unit == "px"
    with pytest.raises(BadData, match="No pixel"):
        profile(Map("m", "M", "", np.full((9, 9), np.nan)), line((0, 4.5), (9, 4.5), 1), Scale())
    with pytest.raises(BadData, match="No pixel"):
        profile(Map("m", "M", "", values), line((20, 20), (30, 30), 1), Scale())


def test_weighting_by_errors():
    values = np.array([[1.0, 1.0], [4.0, 4.0]])
    errors = np.array([[1.0, 1.0], [2.0, 2.0]])
    one = Map("m", "M", "", values, errors)
    found = profile(one, line((0, 1), (2, 1), 4), Scale(), weighting="errors")
    assert found.value == pytest.approx((1.0 + 4.0 / 4) / 1.25)
    assert found.error == pytest.approx(1 / np.sqrt(1.25))
    with pytest.raises(NotDetermined, match="without errors"):
        profile(Map("m", "M", "", values), line((0, 1), (2, 1), 4), Scale(), weighting="errors")


def test_the_scale_of_an_image():
    nm = Axis(np.arange(5) * 0.5, "distance", "nm")
    assert scale_of((nm, nm)) == Scale(0.5, 0.5, "nm")
    assert scale_of((Axis(np.arange(5.0), "index", ""), nm)) == Scale()
    assert scale_of((Axis(np.arange(5.0), "distance", "um"), nm)) == Scale()


@pytest.mark.parametrize("bad", [{"end": (1.0, 2.0)}, {"width": 0.0}, {"end": (np.nan, 2.0)}])
def test_a_line_must_be_one(bad):
    with pytest.raises(BadData):
        Line("l", "L", **({"start": (1.0, 2.0), "end": (5.0, 5.0), "width": 3.0} | bad))


# -- fronts -----------------------------------------------------------------------------------------------------


def front_map(rng, sigma=4.0, at=31.3, noise=0.3, shape=(24, 64)):
    x = np.arange(shape[1]) + 0.5
    mean = 2.0 + 5.0 * 0.5 * (1 + erf((x - at) / (sigma * np.sqrt(2))))
    values = mean + noise * rng.standard_normal(shape)
    return Map("m", "V valence", "", values, np.full(shape, noise))


def test_fronts_of_known_place_and_width():
    """Errors cover the truth as they should over 150 repeats."""
    rng = np.random.default_rng(2)
    pulls = []
    for _ in range(150):
        found = front(profile(front_map(rng), line((0, 12), (64, 12), 10), Scale(1.5, 1.5, "nm")))
        pulls.append(((found.position - 31.3 * 1.5) / found.position_error,
                      (found.width - 2 * 4.0 * 1.5) / found.width_error,
                      (found.after - 7.0) / found.after_error))
    pulls = np.array(pulls)
    assert np.abs(pulls.mean(axis=0)).max() < 0.3
    assert pulls.std(axis=0) == pytest.approx(1.0, abs=0.25)  # errors are the larger of two, so a little below


def test_a_falling_front():
    one = front_map(np.random.default_rng(3))
    flipped = Map("m", "M", "", one.values[:, ::-1], one.error[:, ::-1])
    found = front(profile(flipped, line((0, 12), (64, 12), 10), Scale()))
    assert found.position == pytest.approx(64 - 31.3, abs=5 * found.position_error)
    assert found.before > found.after
    assert found.width == pytest.approx(8.0, abs=5 * found.width_error)


def test_a_step_sharper_than_a_pixel_lies_between_two_and_has_no_width():
    values = np.where(np.arange(40) < 17, 1.0, 3.0) * np.ones((10, 1))
    values = values + 0.01 * np.random.default_rng(5).standard_normal(values.shape)
    found = front(profile(Map("m", "M", "", values, np.full(values.shape, 0.01)), line((0, 5), (40, 5), 6), Scale()))
    assert found.unresolved
    assert found.position == pytest.approx(17.0)
    assert found.position_error == pytest.approx(1 / np.sqrt(12))
    assert np.isnan(found.width_error)
    assert found.after == pytest.approx(3.0, abs=5 * found.after_error)


def test_no_front_is_said():
    with pytest.raises(NotDetermined, match="No step"):
        front(profile(Map("m", "M", "", np.ones((9, 30))), line((0, 4), (30, 4), 3), Scale()))
    with pytest.raises(NotDetermined, match="too few"):
        front(profile(Map("m", "M", "", np.eye(9)), line((0, 4), (4, 4), 3), Scale()))


def test_without_errors_the_residuals_tell():
    one = front_map(np.random.default_rng(8))
    thin = Map("m", "M", "", one.values)
    found = front(profile(thin, line((0, 12.5), (64, 12.5), 1), Scale()))
    assert np.isnan(found.reduced_chi2)
    assert found.position_error > 0
    assert found.position == pytest.approx(31.3, abs=5 * found.position_error)
