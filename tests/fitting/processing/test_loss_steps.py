"""Recipe steps of energy-loss spectra and images: alignment, calibration, spikes, pixels, camera, zero loss."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.eels.zero_loss import locate
from fitting.model import Curve
from fitting.processing.align import align_step, positions
from fitting.processing.energy_axis import loss_scale_step
from fitting.processing.image_spikes import find_image_spikes, image_spikes_step
from fitting.processing.image_steps import frame
from fitting.recipe import Recipe, Step, sliced
from fitting.stored import Stored
from libraries.errors import BadData, BadModel

ENERGY = np.arange(-60, 240) * 0.1
NM = "nm"


def spectrum(counts, energy=ENERGY, gain=1.0, **changes):
    counts = np.asarray(counts, float)
    navigation = tuple(Axis(np.arange(float(n)), "distance", NM) for n in counts.shape[:-1])
    noise = Noise("poisson", gain)
    meta = Meta(title="scan", technique="eels")
    return Spectrum(Axis(energy, "energy_loss", "eV"), counts, noise, meta, navigation=navigation).with_(**changes)


def scan(shape=(16, 16), counts=1e5, fwhm=0.8, seed=1, skew=0.0):
    """Zero-loss peaks at random places with a plasmon, 100 meV a channel; true places and the image."""
    generator = np.random.default_rng(seed)
    place = generator.uniform(-0.5, 0.5, shape)
    x = ENERGY - place[..., None]
    sigma = fwhm / 2.3548 * (1 + skew * (x > 0))
    peak = 0.1 / (fwhm / 2.3548 * np.sqrt(2 * np.pi)) * np.exp(-0.5 * (x / sigma) ** 2)
    loss = 0.02 * 4.0 / ((x - 15.0) ** 2 + 4.0) * (x > 3)
    return place, spectrum(generator.poisson(counts * (peak + loss)))


def apply(data, *steps):
    return Recipe(tuple(steps)).apply(data)


# -- alignment ------------------------------------------------------------------------------------------------------


def test_alignment_of_an_image(measured):
    place, image = scan((32, 32))
    found = positions(image)
    assert not found.missing
    step = align_step(image, found.filled())
    started = time.perf_counter()
    done = apply(image, step)
    seconds = time.perf_counter() - started
    assert done.counts.shape[:2] == (32, 32)
    after = positions(done)
    # Found on the single aligned spectra, the rest is counting and what straight lines between channels do.
    error = found.position - place
    rms = 1e3 * float(np.sqrt(np.mean(error**2)))
    assert rms < 3.0
    assert abs(float(positions(done.summed()).position)) < 1e-3
    assert np.std(after.position) < 3e-3
    near = np.abs(done.x) < 2.4
    assert done.y[..., near].sum(axis=-1).mean() == pytest.approx(1e5, rel=2e-3)
    assert 0 < done.noise.correlation < 0.35
    assert done.noise.gain < 1
    assert dict(done.meta.extra)["aligned"].startswith("every spectrum moved between channels")
    measured("alignment step, zero-loss position of single pixels, 1e5 counts, 100 meV/channel", rms, "meV", "< 3")
    measured("alignment step on 1024 spectra of 300 channels", 1e3 * seconds, "ms", "")


@pytest.mark.parametrize(("skew", "most"), [(0.3, 3.0), (0.8, 5.0)])
def test_asymmetric_peaks_are_aligned_as_well(skew, most, measured):
    """The place of a skewed peak is a matter of definition; that all spectra get the same one is not."""
    place, image = scan((32, 32), counts=1e6, skew=skew)
    off = positions(image).position - place
    spread = 1e3 * float(np.std(off))
    assert spread < most
    # It lies between the maximum and the middle of the half-height points.
    assert 0 < float(np.mean(off)) < 0.5 * 0.8 * 0.5 * skew
    measured(f"alignment of zero-loss peaks {1 + skew:g} times wider on one side, spread", spread, "meV", f"< {most:g}")


def test_noise_that_alignment_leaves_is_the_noise_it_says():
    """Sums over many channels scatter as before, single channels by the gain that is left."""
    generator = np.random.default_rng(4)
    flat = spectrum(generator.poisson(400.0, (900, ENERGY.size)))
    done = apply(flat, align_step(flat, generator.uniform(-0.5, 0.5, 900)))
    y = done.y
    assert np.var(y) / np.mean(y) == pytest.approx(done.noise.gain, rel=0.03)
    sums = y[:, :280].reshape(-1, 40).sum(axis=1)
    factor = (1 + done.noise.correlation) / (1 - done.noise.correlation)
    assert np.var(sums) / np.mean(sums) == pytest.approx(done.noise.gain * factor, rel=0.05)


def test_whole_channels_keep_counts():
    _, image = scan((4, 4))
    done = apply(image, align_step(image, positions(image).filled(), method="whole"))
    assert np.array_equal(done.y, np.round(done.y))
    assert done.noise == image.noise
    assert np.max(np.abs(positions(done).position)) < 0.06


def test_a_single_spectrum_only_gets_another_axis():
    _, image = scan((2, 2))
    one = image.at(0, 1)
    found = positions(one)
    done = apply(one, align_step(one, found.filled()))
    assert np.array_equal(done.y, one.y)
    assert done.noise == one.noise
    assert float(positions(done).position) == pytest.approx(0.0, abs=1e-5)


def test_pixels_without_a_peak_take_their_neighbours_place():
    place, image = scan((1, 9))
    y = image.y.copy()
    y[0, 4] = 0.0
    found = positions(image.with_(counts=y))
    assert found.missing == 1
    assert "in 1 spectra there are no counts" in found.faults()
    assert found.filled()[4] == pytest.approx(0.5 * (place[0, 3] + place[0, 5]), abs=0.01)
    with pytest.raises(BadData, match="No spectrum has a measurable"):
        positions(image.with_(counts=np.zeros_like(y))).filled()


def test_alignment_of_pieces_is_that_of_the_whole():
    """Images on disk see the step piece by piece: shifts are cut along, axis and noise stay."""
    _, image = scan((6, 5))
    step = align_step(image, positions(image).filled())
    whole = apply(image, step)
    (part,) = sliced((step,), 7, 12, 30)
    piece = spectrum(image.rows(7, 12))
    done = apply(piece, part)
    assert np.array_equal(done.x, whole.x)
    assert done.noise == whole.noise
    assert done.y == pytest.approx(whole.rows(7, 12), abs=1e-9)


def test_alignment_refuses():
    _, image = scan((2, 3))
    with pytest.raises(BadData, match="do not fit"):
        align_step(image, np.zeros(5))
    step = align_step(image, np.zeros(6))
    with pytest.raises(BadModel, match="do not fit"):
        apply(image.at(0, 0), step)
    with pytest.raises(BadData, match="no zero loss on this axis"):
        positions(spectrum(np.ones(300), energy=ENERGY + 400))
    with pytest.raises(BadData, match="unequal steps"):
        positions(spectrum(np.ones(300), energy=ENERGY + 0.05 * (ENERGY > 3)))
    assert "cropped" in positions(image.at(0, 0).window(0.0, 20.0)).faults()


def test_errors_are_nan_where_the_gain_is_unknown():
    _, image = scan((2, 2))
    found = positions(image.with_(noise=Noise("poisson", None)))
    assert np.isnan(found.position_err).all()
    assert np.isfinite(found.position).all()


def test_errors_of_position_and_width_are_the_scatter():
    generator = np.random.default_rng(3)
    x = ENERGY - 0.03
    mean = 4e4 * 0.1 / 0.34 / 2.5066 * np.exp(-0.5 * (x / 0.34) ** 2)
    found = locate(ENERGY, 2.0 * generator.poisson(mean, (3000, ENERGY.size)), gain=2.0)
    for values, errors, truth in ((found.position, found.position_err, 0.03),
                                  (found.fwhm, found.fwhm_err, 0.34 * 2.3548)):
        assert np.mean(values) == pytest.approx(truth, abs=4 * np.std(values) / np.sqrt(3000) + 1e-3)
        assert np.std(values) / np.mean(errors) == pytest.approx(1.0, abs=0.15)


# -- energies -------------------------------------------------------------------------------------------------------


def test_calibration_by_one_and_by_two_energies():
    _, image = scan((1, 2))
    moved = apply(image, loss_scale_step((15.3,), (15.0,)))
    assert moved.x == pytest.approx(ENERGY - 0.3)
    both = apply(image, loss_scale_step((0.1, 15.3), (0.0, 15.0)))
    assert np.interp((0.1, 15.3), ENERGY, both.x) == pytest.approx((0.0, 15.0))
    assert both.y is not None
    assert np.array_equal(both.y, image.y)
    with pytest.raises(BadModel, match="factor of"):
        loss_scale_step((0.0, 10.0), (0.0, 15.0))
    with pytest.raises(BadModel, match="the same"):
        loss_scale_step((1.0, 1.0), (0.0, 15.0))


# -- spikes ---------------------------------------------------------------------------------------------------------


def test_cosmic_rays_are_found_and_no_peak_is(measured):
    _, image = scan((20, 20), counts=2e4, fwhm=0.35)
    generator = np.random.default_rng(5)
    y, hit = image.y.copy(), set()
    for number in generator.choice(400, 25, replace=False):
        channel = int(generator.integers(5, 290))
        level = max(float(y.reshape(400, -1)[number, channel - 3 : channel + 4].max()), 30.0)
        y.reshape(400, -1)[number, channel] += level + 12 * np.sqrt(level)
        hit.add((int(number), channel))
    dirty = image.with_(counts=y)
    found = find_image_spikes(dirty)
    places = {(number, spike.channel) for number, spike in found}
    assert len(hit - places) <= 2
    assert len(places - hit) <= 1
    clean = apply(dirty, image_spikes_step(dirty, found, 8.0))
    # What replaces a spike is what its neighbours say.
    for number, channel in hit & places:
        near = image.rows(number, number + 1)[0, channel - 1 : channel + 2]
        assert near.min() - 1 <= clean.rows(number, number + 1)[0, channel] + 5 * np.sqrt(near.max() + 1)
        assert clean.rows(number, number + 1)[0, channel] <= near.max() + 5 * np.sqrt(near.max() + 1)
    untouched = np.ones(400, bool)
    untouched[[number for number, _ in places]] = False
    assert np.array_equal(clean.y.reshape(400, -1)[untouched], image.y.reshape(400, -1)[untouched])
    measured("cosmic rays found of 25, with moving zero-loss peaks", len(hit & places), "", ">= 23")


def test_spike_steps_are_cut_along_and_refused():
    _, image = scan((3, 4))
    dirty = image.y.copy()
    dirty[1, 1, 200] += 4000
    data = image.with_(counts=dirty)
    step = image_spikes_step(data, find_image_spikes(data), 8.0)
    assert step.text("places").split()[5] == "200"
    (part,) = sliced((step,), 4, 8, 12)
    done = apply(spectrum(data.rows(4, 8)), part)
    assert done.rows(1, 2)[0, 200] == pytest.approx(image.y[1, 1, 200], rel=0.15)
    with pytest.raises(BadModel, match="do not fit"):
        apply(image, Step("image_spikes", (("places", "- -"),)))
    with pytest.raises(BadModel, match="no channels"):
        apply(image, Step("image_spikes", (("places", "x " * 12),)))
    with pytest.raises(BadData, match="at least eight"):
        find_image_spikes(spectrum(np.ones((2, 300))))


# -- pixels ---------------------------------------------------------------------------------------------------------


def test_crop_and_bin_of_an_image():
    _, image = scan((6, 9))
    image = image.with_(noise=Noise("poisson", 2.0, 3.0))
    crop = Step("crop_image", (("columns_from", 2.0), ("columns_to", 9.0), ("rows_from", 3.0)))
    done = apply(image, crop)
    assert np.array_equal(done.y, image.y[2:, 1:])
    assert done.navigation[1].values[0] == 1.0
    join = Step("bin_image", (("columns", 3.0), ("rows", 2.0)))
    both = apply(image, crop, join)
    assert both.counts.shape[:2] == (2, 2)
    assert both.y[1, 1] == pytest.approx(image.y[4:6, 4:7].sum(axis=(0, 1)))
    assert both.noise.gain == 2.0
    assert both.noise.read_noise == pytest.approx(3.0 * np.sqrt(6))
    assert frame((crop, join)) == (1.0, 2.0, 3.0, 2.0)
    series = spectrum(image.y[0])
    assert apply(series, Step("bin_image", (("columns", 2.0),))).counts.shape == (4, 300)
    with pytest.raises(BadData, match="no rows 3 to 8"):
        apply(image, Step("crop_image", (("rows_from", 3.0), ("rows_to", 8.0))))
    with pytest.raises(BadData, match="single spectrum"):
        apply(image.at(0, 0), join)


# -- the camera -----------------------------------------------------------------------------------------------------


def test_dark_signal_and_its_noise():
    generator = np.random.default_rng(2)
    level, signal = 50.0 + 10 * np.sin(ENERGY), 30.0
    pulls = []
    for _ in range(300):
        dark = Curve(tuple(ENERGY), tuple(generator.poisson(level).astype(float)), "dark")
        data = spectrum(generator.poisson(level + signal))
        done = apply(data, Step("dark", (("factor", 1.0),), curves=(dark,)))
        sigma = np.sqrt(done.noise.gain * signal + done.noise.read_noise**2)
        pulls.append((done.y - signal) / sigma)
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.02)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.02)
    with pytest.raises(BadData, match="4 channels, the spectrum 300"):
        apply(spectrum(np.ones(300)), Step("dark", curves=(Curve((0, 1, 2, 3), (1, 1, 1, 1)),)))
    with pytest.raises(BadModel, match="needs one measured curve"):
        apply(spectrum(np.ones(300)), Step("dark"))


def test_sensitivity_of_channels():
    sensitivity = 1.0 + 0.2 * np.sin(3 * ENERGY)
    curve = Curve(tuple(ENERGY), tuple(700 * sensitivity), "flat")
    done = apply(spectrum(500.0 * sensitivity), Step("gain_reference", curves=(curve,)))
    assert done.y == pytest.approx(np.full(300, 500.0 * sensitivity.mean()), rel=1e-9)
    dead = Curve(tuple(ENERGY), tuple(np.where(np.arange(300) < 2, 0.0, 1.0)), "flat")
    with pytest.raises(BadData, match="2 channels of the gain reference are dead"):
        apply(spectrum(np.ones(300)), Step("gain_reference", curves=(dead,)))


# -- images that stay in their file ---------------------------------------------------------------------------------


class Elsewhere(Stored):
    """Spectra that are handed out in pieces only."""

    def __init__(self, values):
        self.shape, self.dtype, self.values = values.shape, values.dtype, values
        self.fingerprint, self.portable = "made here", False

    def read(self, start, stop):
        return self.values.reshape(-1, self.shape[-1])[start:stop]

    def readable(self):
        return True


def test_steps_on_images_that_stay_in_their_file():
    _, image = scan((6, 7), counts=5e4)
    y = image.y.copy()
    y[3, 3, 200] += 5000.0
    image = image.with_(counts=y)
    away = image.with_(counts=Elsewhere(y))
    found = positions(away)
    assert found.position == pytest.approx(positions(image).position)
    spikes = find_image_spikes(away)
    assert [(n, s.channel) for n, s in spikes] == [(n, s.channel) for n, s in find_image_spikes(image)] == [(24, 200)]
    steps = (
        image_spikes_step(away, spikes, 8.0), align_step(away, found.filled()),
        Step("fourier_log", (("method", "mirrored tail"), ("limit", 3.0))),
    )
    for count in (1, 2, 3):
        here, there = apply(image, *steps[:count]), apply(away, *steps[:count])
        assert there.stored
        assert np.array_equal(here.x, there.x)
        assert here.noise == there.noise
        assert there.rows(5, 30) == pytest.approx(here.rows(5, 30), abs=1e-6)
    join, peak = Step("bin_image", (("columns", 2.0),)), Step("normalise", (("mode", "maximum"),))
    assert apply(away, join).rows(0, 3) == pytest.approx(apply(image, join).rows(0, 3))
    with pytest.raises(BadData, match="needs all spectra at once"):
        apply(away, peak)
    assert apply(away, join, peak).y == pytest.approx(apply(image, join, peak).y)  # small enough by now


def test_spikes_where_most_channels_are_empty():
    """Vacuum: the scatter of empty channels is nothing, which divided by zero and hid or invented spikes."""
    x = 0.1 * np.arange(-100, 500)
    mean = 1000.0 * np.exp(-0.5 * (x / 0.3) ** 2)
    counts = np.random.default_rng(2).poisson(np.broadcast_to(mean, (4, 4, x.size))).astype(float)
    clean = scan((4, 4))[1].with_(axis=Axis(x, "energy_loss"), counts=counts)
    with np.errstate(all="raise"):
        assert find_image_spikes(clean) == ()
        dirty = counts.copy()
        dirty[1, 2, 400] += 500
        ((row, spike),) = find_image_spikes(clean.with_(counts=dirty))
    assert (row, spike.channel) == (6, 400)
