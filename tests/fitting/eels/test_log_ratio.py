"""t/lambda of spectra and images by several ways to take the zero loss."""

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.eels.log_ratio import WAYS, absolute_map, gain_of, log_ratio, separated, thickness_map
from libraries.errors import BadData, NotDetermined

STEP = 0.1
ENERGY = STEP * np.arange(-60, 600)
ZERO = np.exp(-4 * np.log(2) * (ENERGY / 0.4) ** 2) + 2e-4 / (1 + (ENERGY / 0.5) ** 2)
ZERO = ZERO / ZERO.sum()


def expected(ratio, i0=2e5, shift=0):
    """Zero loss and all orders of scattering by a plasmon at 15 eV, 3 eV wide."""
    single = np.where(ENERGY > 5, 1 / ((ENERGY - 15) ** 2 + 2.25), 0)
    single = ratio * single / single.sum()
    n = ENERGY.size
    at_zero = int(np.argmax(ZERO))
    z = np.fft.rfft(np.roll(ZERO, -at_zero), 4 * n)
    losses = np.zeros(4 * n)
    losses[: n - at_zero] = single[at_zero:]
    left = np.zeros(4 * n)
    left[: n - at_zero], left[-at_zero:] = ZERO[at_zero:], ZERO[:at_zero]
    z = np.fft.rfft(left)
    full = np.fft.irfft(z * np.exp(np.fft.rfft(losses)))
    spectrum = np.concatenate((full[-at_zero:], full[: n - at_zero]))
    return np.roll(i0 * np.maximum(spectrum, 0), shift)


def spectrum(counts, gain=1.0):
    navigation = tuple(Axis(np.arange(n, dtype=float), "distance", "nm") for n in counts.shape[:-1])
    return Spectrum(Axis(ENERGY, "energy_loss"), counts, Noise("poisson", gain), Meta(technique="eels"),
                    navigation=navigation)


@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.9])
def test_every_way_on_known_thickness(ratio, measured):
    counts = np.random.default_rng(3).poisson(expected(ratio)).astype(float)
    found = log_ratio(spectrum(counts))
    ways = {found.chosen.way, *(one.way for one in found.others)}
    assert ways == {"minimum", "minimum of J/E", "inflexion", "mirrored tail", "fitted"}
    for one in (found.chosen, *found.others):
        assert one.value == pytest.approx(ratio, abs=0.025), one.way
    low, high = found.spread
    assert low <= found.chosen.value <= high
    assert found.chosen.error == pytest.approx(np.sqrt(1 / 2e5 - 1 / counts.sum()), rel=0.1)
    measured(f"t/lambda of simulated {ratio}", found.chosen.value, "", f"{ratio - 0.02:g} to {ratio + 0.02:g}")


def test_by_hand_and_vacuum_reference():
    counts = expected(0.5)
    reference = spectrum(3e5 * ZERO)
    assert log_ratio(spectrum(counts), "by hand", limit=3.0).chosen.limit == pytest.approx(3.0, abs=0.01)
    found = log_ratio(spectrum(counts), "vacuum reference", reference=reference)
    assert found.chosen.value == pytest.approx(0.5, abs=0.003)
    with pytest.raises(NotDetermined, match="vacuum"):
        log_ratio(spectrum(counts), "vacuum reference")
    with pytest.raises(NotDetermined, match="not chosen"):
        log_ratio(spectrum(counts), "by hand")
    parts = separated(spectrum(counts), "vacuum reference", reference=reference)
    assert parts.zero_loss + parts.inelastic == pytest.approx(counts)


def test_gain_that_is_not_known_is_estimated():
    counts = 3.0 * np.random.default_rng(5).poisson(expected(0.5))
    assert gain_of(spectrum(counts, None)) == pytest.approx(3.0, rel=0.2)
    assert gain_of(spectrum(counts, 3.0)) == 3.0
    errors = [log_ratio(spectrum(counts, gain)).chosen.error for gain in (3.0, None)]
    assert errors[0] == pytest.approx(errors[1], rel=0.1)


def test_losses_beyond_the_axis_are_spoken_of():
    short = spectrum(expected(0.5)).window(-6, 16)
    found = log_ratio(short)
    assert found.beyond > 0.05
    assert "not counted" in found.warnings[0]
    assert log_ratio(spectrum(expected(0.5))).beyond < 0.02


def test_map_agrees_with_single_spectra_and_its_errors_hold(measured):
    generator = np.random.default_rng(9)
    truth = np.linspace(0.1, 1.0, 12).reshape(3, 4)
    mean = np.stack([expected(float(r), i0=2e4, shift=k % 3 - 1) for k, r in enumerate(truth.ravel())])
    image = spectrum(generator.poisson(mean).astype(float).reshape(3, 4, -1))
    found = thickness_map(image)
    assert found.flags is not None
    assert not found.flags.any()
    assert found.values == pytest.approx(truth, abs=0.04)
    limit = found.param("limit")
    assert found.values[1, 2] == pytest.approx(
        log_ratio(image.at(1, 2), "by hand", limit=limit).chosen.value, abs=0.01)
    # Pulls about the map of the expected counts, which has the same bias of the separation.
    exact = thickness_map(spectrum(mean.reshape(3, 4, -1)), "by hand", limit=limit)
    pulls = []
    for _ in range(12):
        one = thickness_map(spectrum(generator.poisson(mean).astype(float).reshape(3, 4, -1)), "by hand", limit=limit)
        pulls.append((one.values - exact.values) / one.error)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.12)
    measured("t/lambda map, width of the pulls", np.std(pulls), "", "0.88 to 1.12")


@pytest.mark.parametrize("way", [way for way, _ in WAYS if way not in ("by hand", "vacuum reference")])
def test_map_by_every_way(way):
    mean = np.stack([expected(0.4), expected(0.8)])
    found = thickness_map(spectrum(mean), way)
    assert found.values == pytest.approx([0.4, 0.8], abs=0.02)


def test_bad_pixels_are_flagged_and_absolute_maps_scale():
    mean = np.stack([expected(0.4), 0 * ENERGY, np.where(ENERGY < 0.5, expected(0.4), 0)])
    found = thickness_map(spectrum(mean), "by hand", limit=3.0)
    assert list(found.flags) == [0, 1, 5]
    assert np.isnan(found.values[1:]).all()
    assert dict(found.legend)[1] == "there are no counts"
    nm = absolute_map(found, 120.0, "Malis", 0.2, "t")
    assert nm.values[0] == pytest.approx(120 * found.values[0])
    assert nm.error[0] == pytest.approx(120 * found.error[0])
    assert "20 %" in nm.origin
    with pytest.raises(BadData, match="single"):
        thickness_map(spectrum(expected(0.4)))


# Science notes, data README: (file, t/lambda, tolerance)
REAL = [("Al_low_loss.dm3", 0.175, 0.005), ("BN_low_loss.msa", 0.82, 0.041), ("SrTiO3_low_loss.msa", 0.47, 0.0235),
        ("Mn_O_low_loss.msa", 0.48, 0.024)]


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "ratio", "tolerance"), REAL)
def test_measured_files(realdata, name, ratio, tolerance, measured):
    from app.files import read

    found = log_ratio(read(realdata / "eels" / name)[0])
    assert found.chosen.value == pytest.approx(ratio, abs=tolerance)
    measured(f"t/lambda of {name}", found.chosen.value, "", f"{ratio - tolerance:.3f} to {ratio + tolerance:.3f}")


def test_an_axis_without_the_zero_loss_is_refused():
    # The plasmon is then the highest peak, and would pass for the zero loss.
    whole = spectrum(np.random.default_rng(7).poisson(expected(0.5)).astype(float))
    with pytest.raises(NotDetermined, match="does not hold 0 eV"):
        log_ratio(whole.window(2.0, 60.0))


def test_a_peak_far_from_zero_and_negative_counts_are_said():
    counts = np.random.default_rng(8).poisson(expected(0.5)).astype(float)
    assert not any("highest peak" in text or "negative" in text for text in log_ratio(spectrum(counts)).warnings)
    moved = log_ratio(spectrum(np.roll(counts, 45)))
    assert any("highest peak lies at 4.5 eV" in text for text in moved.warnings)
    deep = log_ratio(spectrum(counts - 50.0))
    assert any("channels hold negative counts" in text for text in deep.warnings)


def test_the_error_holds_the_choice_and_the_counting():
    found = log_ratio(spectrum(np.random.default_rng(9).poisson(expected(0.5, i0=500.0)).astype(float)))
    assert found.error == pytest.approx(np.hypot(found.systematic, found.chosen.error))
    assert found.error > found.chosen.error
