"""Spectra that stay where they are: pieces, sums, windows, hashes and recipes agree with the same data in memory."""

from __future__ import annotations

import numpy as np
import pytest

from fitting import stored
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.eels.conditions import microscope_step
from fitting.identity import same
from fitting.image.overview import first_look, is_slow, known_overview, overview
from fitting.processing.align import align_step
from fitting.recipe import Recipe, Step
from fitting.stored import Stored, mark
from libraries.errors import BadData, Cancelled

ROWS, COLUMNS, N = 6, 7, 40
X = Axis(-2.0 + 0.5 * np.arange(N), "energy_loss")
NAVIGATION = (Axis(2.0 * np.arange(ROWS), "distance", "nm"), Axis(2.0 * np.arange(COLUMNS), "distance", "nm"))
COUNTS = np.random.default_rng(4).poisson(40.0, (ROWS, COLUMNS, N)).astype(np.uint16)


class There(Stored):
    """Stored spectra that count what is read of them."""

    portable = False

    def __init__(self, array=COUNTS, by_channel=False):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype
        self.fingerprint, self.numbers, self._by_channel = mark(array.tobytes()), 0, by_channel

    @property
    def by_channel(self):
        return self._by_channel

    def read(self, start, stop):
        self.numbers += (stop - start) * self.shape[-1]
        return self.array.reshape(-1, self.shape[-1])[start:stop].copy()

    def readable(self):
        return True


def image(counts):
    meta = Meta(title="map", technique="eels")
    return Spectrum(X, counts, Noise("poisson", 1.0, 2.0), meta, navigation=NAVIGATION)


@pytest.fixture
def pair():
    return image(There()), image(COUNTS)


def test_everything_that_is_read_is_that_of_memory(pair):
    lying, held = pair
    assert (lying.stored, held.stored, lying.pixels) == (True, False, ROWS * COLUMNS)
    np.testing.assert_array_equal(lying.rows(3, 17), held.rows(3, 17))
    np.testing.assert_array_equal(lying.y, held.y)
    pieces = [rows for _, _, rows in lying.pieces(5 * N)]
    np.testing.assert_array_equal(np.concatenate(pieces), held.rows(0, held.pixels))
    assert same(lying.summed(), held.summed())
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[1, 2] = mask[4, 5] = True
    assert same(lying.summed(mask), held.summed(mask))
    assert same(lying.at(2, 3), held.at(2, 3))
    assert same(lying.at(2, 3).window(1.0, 4.0), held.at(2, 3).window(1.0, 4.0))
    part = lying.window(0.0, 5.0)
    assert part.stored
    np.testing.assert_array_equal(part.rows(2, 9), held.window(0.0, 5.0).rows(2, 9))
    np.testing.assert_array_equal(part.counts.channel(3), held.window(0.0, 5.0).counts[..., 3].reshape(-1))
    with pytest.raises(BadData, match="no spectrum"):
        lying.at(2, COLUMNS)


def test_few_pixels_read_few_numbers(pair):
    lying, _ = pair
    mask = np.zeros((ROWS, COLUMNS), bool)
    mask[3, 3] = True
    lying.summed(mask)
    assert lying.counts.numbers == N


def test_equality_and_hash_are_those_of_the_content(pair):
    lying, held = pair
    again, other = image(There()), image(There(COUNTS + 1))
    assert same(lying, again)
    assert lying.hash == again.hash
    assert not same(lying, other)
    assert lying.hash != other.hash
    assert not same(lying, held)  # a file is not compared number by number
    assert lying.window(0.0, 5.0).hash != lying.window(0.0, 5.5).hash


def test_all_of_it_at_once_is_refused_where_memory_would_not_hold_it(pair, monkeypatch):
    monkeypatch.setattr(stored, "IN_MEMORY", 8 * COUNTS.size - 1)
    with pytest.raises(BadData, match=r"too large to be worked on as a whole.*Crop or bin"):
        _ = pair[0].y


def test_numbers_that_are_not_finite_are_found_when_they_are_read():
    broken = COUNTS.astype(float)
    broken[2, 1, 5] = np.nan
    lying = image(There(broken))
    lying.rows(0, 2 * COLUMNS)
    with pytest.raises(BadData, match=f"Spectrum {2 * COLUMNS + 2} holds numbers that are not finite"):
        lying.rows(2 * COLUMNS, 3 * COLUMNS)


STEPS = (
    Step("crop", (("low", -1.0), ("high", 12.0))),
    Step("rebin", (("channels", 2.0),)),
    Step("smooth", (("points", 5.0), ("order", 2.0))),
    microscope_step(200.0, 8.0, 15.0),
    Step("noise", (("kind", "poisson"), ("gain", 2.0))),
    Step("normalise", (("mode", "factor"), ("factor", 4.0))),
    Step("spikes", (("channels", "7 11"), ("threshold", 6.0))),
    Step("resample", (("step", 0.25),)),
)


@pytest.mark.parametrize("steps", [*((step,) for step in STEPS), STEPS[:2], (STEPS[0], STEPS[3], STEPS[7])])
def test_a_recipe_acts_on_pieces_as_on_the_whole(steps, pair):
    lying, held = (Recipe(steps).apply(one) for one in pair)
    assert lying.stored
    assert same(lying.axis, held.axis)
    assert (lying.noise, lying.meta) == (held.noise, held.meta)
    np.testing.assert_allclose(lying.rows(4, 20), held.rows(4, 20), rtol=1e-13)
    np.testing.assert_allclose(lying.summed().y, held.summed().y, rtol=1e-12)


def test_one_number_for_each_spectrum_is_cut_to_the_piece(pair):
    shifts = np.linspace(-0.4, 0.4, ROWS * COLUMNS)
    recipe = Recipe((align_step(pair[1], shifts),))
    lying, held = (recipe.apply(one) for one in pair)
    assert same(lying.axis, held.axis)
    for start, stop in ((0, 1), (5, 23), (0, held.pixels)):
        np.testing.assert_allclose(lying.rows(start, stop), held.rows(start, stop), rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("mode", ["maximum", "area"])
def test_a_step_that_needs_all_spectra_is_refused_in_words(mode, pair):
    with pytest.raises(BadData, match="needs all spectra at once"):
        Recipe((Step("normalise", (("mode", mode),)),)).apply(pair[0])
    with pytest.raises(BadData, match="needs all spectra at once"):
        Recipe((Step("sum_sweeps"),)).apply(pair[0])


def test_applying_a_recipe_reads_one_spectrum(pair):
    done = Recipe(STEPS[:3]).apply(pair[0])
    assert pair[0].counts.numbers <= N
    assert Recipe(STEPS[:3]).apply(pair[0]) is done
    assert done.hash != Recipe(STEPS[:2]).apply(pair[0]).hash


def test_large_answers_in_memory_are_kept_once(pair, monkeypatch):
    monkeypatch.setattr("fitting.recipe._KEPT_BYTES", 100)
    first, second = Recipe(STEPS[:1]), Recipe(STEPS[:2])
    first.apply(pair[1])
    second.apply(pair[1])
    assert [recipe for recipe, _ in pair[1].__dict__["_processed"]] == [second]


# -- pictures -------------------------------------------------------------------------------------------------------


def test_the_picture_is_the_sum_over_all_channels(pair):
    lying, held = pair
    told = []
    assert known_overview(lying) is None
    picture = overview(lying, lambda fraction, text: told.append(fraction))
    np.testing.assert_array_equal(picture, COUNTS.sum(axis=-1))
    assert (told[-1], overview(lying) is picture) == (1.0, True)
    np.testing.assert_array_equal(overview(held), picture)
    with pytest.raises(Cancelled):
        overview(image(There()), cancel=lambda: True)
    with pytest.raises(BadData, match="not an image"):
        overview(held.at(0, 0))


@pytest.mark.parametrize("by_channel", [False, True])
def test_a_first_look_reads_little_and_comes_near(by_channel, monkeypatch):
    gradient = np.linspace(50, 500, 200)[:, None, None] * np.ones((1, 30, 64))
    counts = np.random.default_rng(1).poisson(gradient).astype(np.uint16)
    there = There(counts, by_channel)
    navigation = (Axis(np.arange(200.0), "index", ""), Axis(np.arange(30.0), "index", ""))
    lying = Spectrum(Axis(np.arange(64.0), "energy_loss"), there, navigation=navigation)
    monkeypatch.setattr("fitting.image.overview._LOOK", 64 * 30 * 40)
    monkeypatch.setattr(stored, "IN_MEMORY", 1000)
    assert is_slow(lying)
    look = first_look(lying)
    exact = counts.sum(axis=-1)
    assert look.shape == (200, 30)
    if not by_channel:
        assert there.numbers <= 64 * 30 * 40
    # Rows that were not read repeat a neighbour up to three rows away, channels that were not read scatter.
    assert np.max(np.abs(look - exact) / exact) < 0.25
    assert np.corrcoef(look.ravel(), exact.ravel())[0, 1] > 0.99
    overview(lying)
    assert not is_slow(lying)


def test_a_series_has_a_picture_of_one_row():
    counts = COUNTS.reshape(-1, N)
    series = Spectrum(X, There(counts), navigation=(Axis(np.arange(len(counts)), "index", ""),))
    assert first_look(series).shape == overview(series).shape == (len(counts),)
