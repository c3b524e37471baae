"""Shift of mass spectra over the field against known planes and pixels, and its correction."""

import h5py
import numpy as np
import pytest

from app.files.arrays import file_array
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.processing.mass_scale import mass_scale_step
from fitting.processing.mass_shift import mass_shift_step
from fitting.recipe import Recipe, Step
from fitting.sims.mass_shift import has_even_times, mass_shift
from libraries.errors import BadData, BadModel, Cancelled

PLANE = (0.3, -0.15)  # channels a row and column
WINDOW = (90.0, 150.0)


def image(counts, rough=0.0, seed=1, side=32, plane=PLANE, background=0.02, n=400):
    """Two lines of sigma = 4 channels at 120 and 300; brightness differs by pixel."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] - (side - 1) / 2
    shift = plane[0] * y + plane[1] * x + rough * rng.standard_normal((side, side))
    channel, bright = np.arange(float(n)), 0.5 + rng.random((side, side, 1))
    mean = background + counts * bright * sum(
        np.exp(-0.5 * ((channel - at - shift[..., None]) / 4.0) ** 2) / 10.03 for at in (120, 300))
    lateral = Axis(np.arange(float(side)), "distance", "µm")
    made = Spectrum(Axis(channel, "channel", ""), rng.poisson(mean), Noise("poisson", 1.0), Meta(technique="sims"),
                    navigation=(lateral, lateral))
    return made, shift


def test_planes_are_found_with_the_right_error(measured):
    """A background that fills a third of the window must not flatten them."""
    pulls = []
    for seed in range(25):
        found = mass_shift(image(3.0, seed=seed)[0], WINDOW)
        pulls.append(((found.down - PLANE[0]) / found.down_error, (found.across - PLANE[1]) / found.across_error))
    width = float(np.std(pulls))
    measured("Mass shift over the field, plane: standard deviation of pulls", width, "", "0.7 to 1.3")
    assert 0.7 < width < 1.3
    assert abs(np.mean(pulls)) < 0.5


def test_single_pixels_beside_the_plane():
    made, truth = image(30.0, rough=3.0)
    found = mass_shift(made, WINDOW, "pixels")
    truth = truth - np.median(truth)
    assert 0.85 < np.std((found.shift - truth) / found.error) < 1.15
    assert found.spread == pytest.approx(3.0, rel=0.1)
    assert np.std(found.shift - truth) < 1.0


def test_lines_become_as_sharp_as_they_are():
    made, _ = image(30.0)
    found = mass_shift(made, WINDOW)
    whole = Recipe((mass_shift_step(made, found),)).apply(made)
    linear = Recipe((mass_shift_step(made, found, method="linear"),)).apply(made)

    def sigma(spectrum):
        y, x = spectrum.summed().window(265, 335).y, spectrum.summed().window(265, 335).x
        y = np.maximum(y - np.median(np.r_[y[:8], y[-8:]]), 0)
        middle = (y * x).sum() / y.sum()
        return float(np.sqrt((y * (x - middle) ** 2).sum() / y.sum()))

    assert sigma(made) > 4.7
    assert sigma(whole) == pytest.approx(4.0, abs=0.2)  # the line that was not used
    assert sigma(linear) == pytest.approx(4.0, abs=0.2)
    assert whole.noise == made.noise
    assert whole.counts.dtype == made.counts.dtype
    assert linear.noise.correlation > 0.1
    assert "neighbours correlate" in dict(linear.meta.extra)["masses aligned"]
    # Every count is where its own channel says.
    step = mass_shift_step(made, found)
    shifts = np.round(step.numbers("shifts")).astype(int).reshape(32, 32)
    first, channels = int(step.number("first")), int(step.number("channels"))
    begin = first + shifts[3, 29]
    np.testing.assert_array_equal(whole.counts[3, 29], made.counts[3, 29, begin : begin + channels])
    np.testing.assert_array_equal(whole.x, made.x[first : first + channels])


def test_images_in_files_are_moved_piece_by_piece(tmp_path):
    made, _ = image(30.0, side=8, n=200)
    with h5py.File(tmp_path / "image.h5", "w") as file:
        file["counts"] = made.counts
    away = made.with_(counts=file_array(tmp_path / "image.h5", "counts"))
    found = mass_shift(away, WINDOW)
    assert found.down == pytest.approx(mass_shift(made, WINDOW).down)
    for method in ("whole", "linear"):
        step = mass_shift_step(away, found, method=method)
        here, there = Recipe((step,)).apply(made), Recipe((step,)).apply(away)
        assert there.stored
        np.testing.assert_allclose(there.rows(3, 40), here.rows(3, 40))
        assert there.noise == here.noise
        np.testing.assert_array_equal(there.x, here.x)


def test_on_a_mass_scale_with_equal_steps_of_time():
    made, _ = image(10.0)
    scaled = Recipe((mass_scale_step(50.0, -200.0),)).apply(made)
    assert has_even_times(scaled.axis)
    low, high = np.interp(WINDOW, made.x, scaled.x)
    assert mass_shift(scaled, (low, high)).down == pytest.approx(mass_shift(made, WINDOW).down)
    even = made.with_(axis=Axis(np.linspace(10, 60, 400), "mass", ""))
    assert not has_even_times(even.axis)
    with pytest.raises(BadData, match="equal steps of flight time"):
        mass_shift(even, (20, 30))


def test_what_cannot_be_found_or_moved_is_refused():
    made, _ = image(30.0, side=8, n=200)
    with pytest.raises(BadData, match="fewer than five channels"):
        mass_shift(made, (100, 102))
    with pytest.raises(BadData, match="fewer than 300 counts"):
        mass_shift(made, (0, 40))
    with pytest.raises(BadData, match="cannot be joined"):
        mass_shift(made, WINDOW, "pixels", joined=2)
    with pytest.raises(BadData, match="Only an image"):
        mass_shift(made.at(0, 0), WINDOW)
    with pytest.raises(Cancelled):
        mass_shift(made, WINDOW, cancel=lambda: True)
    step = mass_shift_step(made, mass_shift(made, WINDOW))
    with pytest.raises(BadModel, match="do not fit 63"):
        Recipe((step,)).apply(made.with_(counts=made.counts[:, :7], navigation=(made.navigation[0], Axis(
            np.arange(7.0), "distance", "µm"))).with_(counts=made.counts.reshape(64, 200)[:63], navigation=(Axis(
                np.arange(63.0), "index", ""),)))
    far = Step("mass_shift", (*(p for p in step.params if p[0] != "channels"), ("channels", 200.0)))
    with pytest.raises(BadModel, match="beyond the spectra"):
        Recipe((far,)).apply(made)
