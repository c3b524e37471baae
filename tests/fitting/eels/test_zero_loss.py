"""Zero-loss position, width and alignment on simulated peaks; separation by every method against known truth."""

import time

import numpy as np
import pytest

from fitting.eels import separation, zero_loss
from libraries.errors import BadData, NotDetermined

ENERGY = np.arange(-60, 240) * 0.1
SIGMA = 0.8 / 2.3548


def image(n, counts, seed=1, fwhm=0.8):
    """Peaks of `fwhm` eV at random places with a plasmon, 100 meV/channel; position, Poisson counts."""
    generator = np.random.default_rng(seed)
    place = generator.uniform(-0.5, 0.5, n)
    x = ENERGY - place[:, None]
    sigma = fwhm / 2.3548
    peak = 0.1 / (sigma * np.sqrt(2 * np.pi)) * np.exp(-0.5 * (x / sigma) ** 2)
    loss = 0.02 * 4.0 / ((x - 15.0) ** 2 + 4.0) * (x > 2)
    return place, generator.poisson(counts * (peak + loss)).astype(float)


@pytest.mark.parametrize(("fwhm", "counts"), [(0.3, 2e4), (0.8, 1e5), (1.2, 5e5)])
def test_position_and_width(fwhm, counts, measured):
    place, data = image(1000, counts, fwhm=fwhm)
    found = zero_loss.locate(ENERGY, data)
    off = found.position - place
    rms = 1e3 * np.sqrt(np.mean(off**2))
    assert rms < 3.0
    assert np.std(off / found.position_err) == pytest.approx(1.0, abs=0.08)
    assert abs(np.mean(off / found.position_err)) < 0.12
    assert np.mean(found.fwhm) == pytest.approx(fwhm, rel=0.01)
    measured(f"zero-loss position, {fwhm} eV wide, {counts:g} counts, 100 meV/channel", rms, "meV", "< 3")


def test_alignment_under_3_mev(measured):
    place, data = image(4096, 1e5)
    cube = data.reshape(64, 64, -1)
    started = time.perf_counter()
    found = zero_loss.locate(ENERGY, cube)
    seconds = time.perf_counter() - started
    aligned = zero_loss.align(ENERGY, cube, found.position)
    error = found.position - place.reshape(64, 64)
    rms = 1e3 * np.sqrt(np.mean(error**2))
    assert rms < 3.0
    # What is left after moving, measured on the sum, lies at zero; and moving keeps the counts of the peak.
    total = zero_loss.locate(aligned.energy, aligned.counts.sum(axis=(0, 1)))
    assert abs(float(total.position)) < 1e-3
    near = np.abs(aligned.energy) < 1.95  # losses start at 2 eV
    assert np.mean(np.sum(aligned.counts[..., near], axis=-1)) == pytest.approx(1e5, rel=1e-3)
    assert aligned.counts.shape == (64, 64, aligned.energy.size)
    assert aligned.counts.min() >= 0
    measured("zero-loss alignment, 64x64 spectra, 1e5 counts", rms, "meV", "< 3")
    measured("zero-loss positions of 4096 spectra of 300 channels", 1e3 * seconds, "ms", "")


def test_alignment_by_whole_channels_changes_no_number():
    data = np.random.default_rng(2).poisson(50.0, (3, ENERGY.size)).astype(float)
    moved = zero_loss.align(ENERGY, data, np.array([-0.2, 0.0, 0.3]))
    start = np.searchsorted(ENERGY, moved.energy[0] - 1e-6)
    for row, shift in zip(range(3), (-2, 0, 3), strict=True):
        expected = data[row, start + shift : start + shift + moved.energy.size]
        assert moved.counts[row] == pytest.approx(expected, abs=1e-9)
    assert moved.correlation == pytest.approx(0.0, abs=1e-9)


def test_alignment_reports_its_correlation():
    data = np.random.default_rng(2).poisson(100.0, (1, 200_000)).astype(float)
    energy = 0.1 * np.arange(data.size)
    moved = zero_loss.align(energy, data, np.array([0.03]))
    y = moved.counts[0] - 100.0
    assert np.mean(y[1:] * y[:-1]) / np.var(y) == pytest.approx(moved.correlation[0], abs=0.01)


def one(counts=1e6, seed=3):
    return image(1, counts, seed)[1][0]


@pytest.mark.parametrize(("spoil", "options", "words"), [
    (lambda y: np.zeros_like(y), {}, "no counts"),
    (lambda y: -y, {}, "no counts"),
    (lambda y: np.minimum(y, 0.6 * y.max()), {}, "saturated"),
    (lambda y: y, {"saturation": 1000.0}, "saturated"),
])
def test_bad_peaks(spoil, options, words):
    with pytest.raises(BadData, match=words):
        zero_loss.locate(ENERGY, spoil(one()), **options)


@pytest.mark.parametrize("first", [58, 60, 62])
def test_cropped_peak(first):
    with pytest.raises(BadData, match="cropped"):
        zero_loss.locate(ENERGY[first:], one()[first:])


def test_bad_spectra_of_an_image_are_named_or_flagged():
    data = image(6, 1e5)[1].reshape(2, 3, -1)
    data[1, 0] = 0.0
    data[1, 2] = np.minimum(data[1, 2], 5000.0)
    with pytest.raises(BadData, match=r"spectrum \(1, 0\) and 1 more"):
        zero_loss.locate(ENERGY, data)
    found = zero_loss.locate(ENERGY, data, strict=False)
    assert found.fault.tolist() == [[0, 0, 0], [zero_loss.EMPTY, 0, zero_loss.SATURATED]]
    assert np.isnan(found.position[1, 0])
    assert np.isfinite(found.position[0]).all()
    with pytest.raises(BadData, match="not known"):
        zero_loss.align(ENERGY, data, found.position)


def test_bad_axes():
    uneven = ENERGY + 0.05 * (np.arange(ENERGY.size) > 100)
    with pytest.raises(BadData, match="evenly"):
        zero_loss.locate(uneven, one())
    with pytest.raises(BadData, match="do not fit"):
        zero_loss.locate(ENERGY[:-1], one())
    with pytest.raises(BadData, match="no common energy range"):
        zero_loss.align(ENERGY, np.ones((2, 300)), np.array([-40.0, 40.0]))


# --------------------------------------------------------------------------------------------------- separation
AXIS = np.arange(-200, 600) * 0.05
RATIO = 0.5


def specimen(counts=2e6, seed=None, centre=0.013):
    """Symmetric peak with tails and a plasmon from 6 eV on; counts, the true zero loss."""
    x = AXIS - centre
    peak = 0.9 * np.exp(-4 * np.log(2) * (x / 0.7) ** 2) + 0.1 / (1 + (2 * x / 0.7) ** 2)
    peak *= counts / np.sum(peak)
    loss = 4.0 / ((x - 15.0) ** 2 + 4.0) * np.clip((x - 6.0) / 3.0, 0.0, 1.0)
    loss *= counts * np.expm1(RATIO) / np.sum(loss)
    total = peak + loss
    return (total if seed is None else np.random.default_rng(seed).poisson(total).astype(float)), peak


METHODS = {
    "cut": (lambda y, g: separation.cut(AXIS, y, 4.0, gain=g), 0.01),
    "mirrored tail": (lambda y, g: separation.mirrored_tail(AXIS, y, 4.0, gain=g), 2e-3),
    "power law": (lambda y, g: separation.power_law_tail(AXIS, y, (2.5, 5.8), gain=g), 3e-3),
    "vacuum reference": (
        lambda y, g: separation.vacuum_reference(AXIS, y, AXIS + 0.3, specimen(3e6)[1], 4.0, gain=g), 1e-3),
    "fitted": (lambda y, g: separation.fitted(AXIS, y, 4.0, gain=g), 1e-3),
}


@pytest.mark.parametrize("method", METHODS)
def test_separation(method, measured):
    run, accuracy = METHODS[method]
    counts, peak = specimen()
    found = run(counts, 1.0)
    assert found.method == method
    assert found.zero_loss + found.inelastic == pytest.approx(counts)
    off = found.area / np.sum(peak) - 1
    assert abs(off) < accuracy
    measured(f"zero-loss area by {method}, error", 100 * off, "%", f"<= {100 * accuracy}")


@pytest.mark.parametrize("method", ["mirrored tail", "power law", "fitted"])
def test_separation_error_is_the_scatter(method):
    run, _ = METHODS[method]
    areas, errors = [], []
    for seed in range(60):
        found = run(3.0 * specimen(2e4, seed)[0], 3.0)
        areas.append(found.area)
        errors.append(found.area_err)
    # 60 repeats tell a standard deviation to 9 %.
    assert np.std(areas) / np.mean(errors) == pytest.approx(1.0, abs=0.3)


def test_end_of_the_peak():
    counts, _ = specimen(2e6, 4)
    assert 3.0 < separation.split_energy(AXIS, counts) < 7.5
    assert 1.0 < separation.split_energy(AXIS, counts, "inflexion") < 7.5
    with pytest.raises(NotDetermined, match="No end"):
        separation.split_energy(AXIS[:260], counts[:260])


def test_separation_refuses():
    counts, _ = specimen()
    with pytest.raises(BadData, match="left tail"):
        separation.mirrored_tail(AXIS[180:], counts[180:], 4.0)
    with pytest.raises(BadData, match="right of the peak"):
        separation.cut(AXIS, counts, -1.0)
    with pytest.raises(BadData, match="right of the peak"):
        separation.cut(AXIS, counts, 100.0)
    with pytest.raises(BadData, match="no counts in all"):
        separation.cut(AXIS, counts - 2 * np.mean(counts), 4.0)
    wide = np.exp(-4 * np.log(2) * (AXIS / 1.4) ** 2) * 1e5
    with pytest.raises(NotDetermined, match="wide"):
        separation.vacuum_reference(AXIS, counts, AXIS, wide, 4.0)
    with pytest.raises(BadData, match="cropped"):
        separation.fitted(AXIS[200:], counts[200:], 4.0)
    with pytest.raises(BadData, match="One spectrum"):
        separation.cut(AXIS, np.stack((counts, counts)), 4.0)
