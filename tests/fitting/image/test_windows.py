"""Window maps against direct sums, direct integrals and repeats of known truth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq

from fitting.dataset import Axis, Noise, Spectrum
from fitting.image.noise import noise_of
from fitting.image.window_maps import (
    LivePreview,
    centre_of_gravity,
    position_of_maximum,
    ratio,
    signal_to_noise,
    three_windows,
    window_sum,
)
from fitting.image.windows import Window, correlated, edges, preset_windows, weighted_sums, weights
from libraries.errors import BadData, Cancelled

COUNTED = Noise("poisson", 1.0)


def image(counts, x, noise=COUNTED):
    counts = np.asarray(counts)
    navigation = tuple(Axis(np.arange(float(n)), "distance", "nm") for n in counts.shape[:-1])
    return Spectrum(Axis(x, "energy_loss"), counts, noise, navigation=navigation)


def window(low, high, name="w"):
    return Window("w", name, low, high)


def pulls(found, truth):
    return (found.values - truth) / found.error


def stands(pull, mean=0.15, spread=0.08):
    """Pulls of about 2000 repeats: mean 0 within 6 of its errors, standard deviation 1 within 5."""
    assert abs(np.mean(pull)) < mean
    assert abs(np.std(pull) - 1.0) < spread


# -- weights and sums -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("low", "high"), [(2.0, 3.0), (2.07, 2.09), (2.03, 5.31), (0.0, 9.95)])
def test_weights_are_the_parts_inside(low, high):
    x = np.arange(0.0, 10.0, 0.1)
    axis = Axis(x, "energy_loss")
    limits = edges(axis)
    direct = [max(0.0, min(b, high) - max(a, low)) / (b - a) for a, b in itertools.pairwise(limits)]
    assert weights(axis, window(low, high)) == pytest.approx(np.array(direct), abs=1e-12)
    assert weights(axis, window(low, high)).sum() * 0.1 == pytest.approx(high - low, abs=1e-9)


def test_sum_of_a_flat_spectrum_is_width_over_channel_wherever_the_window_lies():
    x = np.arange(0.0, 20.0, 0.25)
    data = image(np.full((3, 4, x.size), 8.0), x)
    for shift in np.linspace(0.0, 0.5, 7):
        assert window_sum(data, window(4.0 + shift, 6.0 + shift), COUNTED).values == pytest.approx(8.0 * 2.0 / 0.25)


def test_sums_in_pieces_are_the_direct_sums(monkeypatch):
    rng = np.random.default_rng(3)
    x = np.arange(-5.0, 60.0, 0.13)
    data = image(rng.poisson(20.0, (9, 7, x.size)), x)
    w = weights(data.axis, window(3.123, 41.77))
    direct = data.y.reshape(-1, x.size) @ w
    asked = []
    whole = Spectrum.pieces
    monkeypatch.setattr(Spectrum, "pieces", lambda self: whole(self, 1000))
    in_pieces = weighted_sums(data, [w, w * w], COUNTED, lambda fraction, text: asked.append(fraction))
    assert len(asked) == 32
    assert asked[-1] == 1.0
    assert in_pieces.values[:, 0] == pytest.approx(direct, rel=1e-13)
    variance = data.y.reshape(-1, x.size) @ w**2
    assert in_pieces.covariance[:, 0, 0] == pytest.approx(variance, rel=1e-12)
    assert in_pieces.covariance[:, 0, 1] == pytest.approx(data.y.reshape(-1, x.size) @ w**3, rel=1e-12)


def test_a_window_beyond_the_axis_is_refused():
    data = image(np.ones((2, 2, 100)), np.arange(100.0))
    with pytest.raises(BadData, match="beyond the axis"):
        window_sum(data, window(90.0, 120.0), COUNTED)
    with pytest.raises(BadData, match="beyond the axis"):
        window_sum(data, window(-3.0, 5.0), COUNTED)
    with pytest.raises(BadData, match="end above"):
        window(5.0, 5.0)
    with pytest.raises(BadData, match="finite"):
        window(5.0, np.inf)


def test_it_stops_when_asked():
    data = image(np.ones((2, 2, 100)), np.arange(100.0))
    with pytest.raises(Cancelled):
        window_sum(data, window(5.0, 9.0), COUNTED, cancel=lambda: True)


def test_presets_are_those_that_lie_on_the_axis():
    low = Axis(np.arange(-3.0, 60.0, 0.1), "energy_loss")
    assert [w.title for w in preset_windows(low)][1:] == ["4–6 eV", "28–32 eV", "30–34 eV"]
    cut = preset_windows(low)[0]
    assert "cut" in cut.name
    assert cut.high == 6.0
    assert cut.low == pytest.approx(-3.05)
    assert [(w.low, w.high) for w in preset_windows(Axis(np.arange(250.0, 600.0), "energy_loss"))] == [(272.0, 294.0)]
    whole = preset_windows(Axis(np.arange(-10.0, 300.0, 0.5), "energy_loss"))
    assert [(w.low, w.high) for w in whole] == [(-6, 6), (4, 6), (28, 32), (30, 34), (272, 294)]


def test_the_preview_gives_the_same_sums():
    rng = np.random.default_rng(5)
    x = np.arange(0.0, 50.0, 0.1)
    data = image(rng.poisson(30.0, (6, 5, x.size)), x)
    live = LivePreview(data)
    limits = [(3.0, 7.0), (3.04, 7.11), (-0.05, 49.95)]
    for (low, high), found in zip(limits, live.sums(limits), strict=True):
        assert found.ravel() == pytest.approx(window_sum(data, window(low, high), None).values, rel=1e-11)


# -- errors by repeats ------------------------------------------------------------------------------------------


def test_errors_of_sum_ratio_and_centre():
    rng = np.random.default_rng(11)
    x = np.arange(0.0, 40.0, 0.2)
    mean = 40.0 + 60.0 * np.exp(-0.5 * ((x - 15.0) / 2.0) ** 2)
    data = image(rng.poisson(mean, (40, 50, x.size)), x)
    a, b = window(10.03, 20.0), window(18.0, 30.07)  # they share channels
    wa, wb = weights(data.axis, a), weights(data.axis, b)
    stands(pulls(window_sum(data, a, COUNTED), wa @ mean))
    stands(pulls(ratio(data, a, b, COUNTED), (wa @ mean) / (wb @ mean)))
    lows, highs = np.maximum(edges(data.axis)[:-1], a.low), np.minimum(edges(data.axis)[1:], a.high)
    centre = (wa * mean) @ (0.5 * (lows + highs)) / (wa @ mean)
    stands(pulls(centre_of_gravity(data, a, COUNTED), centre))


def test_errors_with_gain_read_noise_and_correlation():
    rng = np.random.default_rng(12)
    x = np.arange(0.0, 40.0, 0.2)
    counts = 2.5 * rng.poisson(300.0, (40, 50, x.size)) + 6.0 * rng.standard_normal((40, 50, x.size))
    noise = Noise("poisson", 2.5, 6.0)
    found = window_sum(image(counts, x, noise), window(4.1, 9.0), noise)
    stands(pulls(found, weights(Axis(x, "energy_loss"), window(4.1, 9.0)).sum() * 750.0))

    r = 0.6
    e = rng.standard_normal((2000, 300))
    for i in range(1, 300):
        e[:, i] = r * e[:, i - 1] + np.sqrt(1 - r * r) * e[:, i]
    noise = Noise("gaussian", None, 5.0, r)
    data = image((100.0 + 5.0 * e[:, 100:]).reshape(40, 50, 200), x, noise)
    stands(pulls(window_sum(data, window(4.0, 9.0), noise), 100.0 * 25))
    dense = np.power(r, np.abs(np.subtract.outer(np.arange(25), np.arange(25))))
    assert correlated(np.ones(25), r) == pytest.approx(dense.sum() / 25, rel=2e-3)


def test_error_of_the_maximum():
    rng = np.random.default_rng(13)
    x = np.arange(0.0, 40.0, 0.2)
    mean = 50.0 + 4000.0 * np.exp(-0.5 * ((x - 15.07) / 3.0) ** 2)
    data = image(rng.poisson(mean, (40, 50, x.size)), x)
    found = position_of_maximum(data, window(8.0, 22.0), COUNTED, half=6)
    assert not found.flags.any()
    stands(pulls(found, 15.07))


def test_the_maximum_at_an_end_or_upside_down_is_flagged():
    x = np.arange(0.0, 40.0, 0.2)
    rising, flat = np.tile(x, (2, 3, 1)), np.ones((2, 3, x.size))
    found = position_of_maximum(image(rising, x), window(8.0, 22.0), None)
    assert (found.flags == 1).all()
    assert np.isnan(found.values).all()
    assert found.error is None
    assert position_of_maximum(image(flat, x), window(8.0, 22.0), None).flags.all()
    with pytest.raises(BadData, match="too few channels"):
        position_of_maximum(image(flat, x), window(8.0, 8.9), None)


# -- three windows ----------------------------------------------------------------------------------------------

FIRST, SECOND, EDGE = window(230.0, 250.0), window(255.0, 280.0), window(285.0, 325.0)


def power_law(x, level=200.0, r=3.2):
    return level * (x / 280.0) ** -r


def test_the_exponent_is_that_of_direct_integrals():
    i1, i2 = 5000.0, 4100.0

    def wanted(r):
        a, b = (quad(lambda e: (e / 250.0) ** -r, w.low, w.high)[0] for w in (FIRST, SECOND))
        return a / b - i1 / i2

    r = brentq(wanted, 0.1, 12.0, xtol=1e-12)
    background = i1 * quad(lambda e: e**-r, EDGE.low, EDGE.high)[0] / quad(lambda e: e**-r, FIRST.low, FIRST.high)[0]
    x = np.arange(200.5, 400.0)
    counts = np.zeros((1, 2, x.size))
    for w, total in ((FIRST, i1), (SECOND, i2), (EDGE, 9000.0)):
        inside = weights(Axis(x, "energy_loss"), w)
        counts[...] += total * inside / inside.sum()
    found = three_windows(image(counts, x), FIRST, SECOND, EDGE, COUNTED)
    assert found.exponent.values == pytest.approx(r, abs=1e-9)
    assert found.background.values == pytest.approx(background, rel=1e-9)
    assert found.signal.values == pytest.approx(9000.0 - background, rel=1e-9)


def test_egertons_two_halves_are_its_limit():
    """Egerton 4.51 for narrow adjoining halves, r = 2 ln(I1/I2) / ln(E2/E1)."""
    x = np.arange(200.05, 400.0, 0.1)
    data = image(power_law(x)[None, None], x)
    a, b = window(270.0, 275.0), window(275.0, 280.0)
    i1, i2 = (float(window_sum(data, w, None).values[0]) for w in (a, b))
    egerton = 2.0 * np.log(i1 / i2) / np.log(280.0 / 270.0)
    assert three_windows(data, a, b, EDGE, None).exponent.values[0] == pytest.approx(egerton, rel=5e-4)


def test_a_power_law_leaves_nothing():
    x = np.arange(200.05, 400.0, 0.1)
    data = image(np.tile(power_law(x), (2, 2, 1)), x)
    found = three_windows(data, FIRST, SECOND, EDGE, COUNTED)
    assert found.exponent.values == pytest.approx(3.2, abs=1e-5)  # channels are sampled, not integrated
    assert np.abs(found.signal.values).max() < 1e-4 * found.background.values.max()


def test_errors_of_three_windows_and_signal_to_noise():
    rng = np.random.default_rng(17)
    x = np.arange(200.5, 400.0, 1.0)
    edge = np.where(x > 285.0, 90.0 * (x / 285.0) ** -4.0, 0.0)
    mean = power_law(x) + edge
    data = image(rng.poisson(mean, (40, 50, x.size)), x)
    found = three_windows(data, FIRST, SECOND, EDGE, COUNTED)
    truth = float(weights(data.axis, EDGE) @ edge)
    stands(pulls(found.signal, truth))
    stands(pulls(found.exponent, 3.2))
    exact = three_windows(image(mean[None, None], x), FIRST, SECOND, EDGE, COUNTED)
    ib, error = float(exact.background.values[0]), float(exact.background.error[0])
    h = (ib + error**2) / ib
    assert float(exact.snr.values[0]) == pytest.approx(truth / np.sqrt(truth + h * ib), rel=1e-3)
    assert np.std(found.signal.values) == pytest.approx(float(exact.signal.error[0]), rel=0.08)


def test_three_windows_say_what_they_cannot_do():
    x = np.arange(200.5, 400.0, 1.0)
    counts = np.tile(power_law(x), (1, 3, 1))
    counts[0, 0, x < 252] = 0.0
    counts[0, 1] = power_law(x, r=-2.0)
    found = three_windows(image(counts, x), FIRST, SECOND, EDGE, COUNTED)
    assert list(found.signal.flags) == [1, 2, 0]
    assert np.isnan(found.signal.values[0])
    assert np.isfinite(found.signal.values[1:]).all()
    data = image(counts, x)
    with pytest.raises(BadData, match="without overlap"):
        three_windows(data, FIRST, SECOND, window(270.0, 300.0), None)
    with pytest.raises(BadData, match="above 0 eV"):
        three_windows(data, window(-3.0, 5.0), SECOND, EDGE, None)
    assert three_windows(data, FIRST, SECOND, EDGE, None).signal.error is None


def test_quotients_of_nothing_are_flagged():
    x = np.arange(0.0, 40.0, 0.2)
    counts = np.ones((1, 2, x.size))
    counts[0, 0] = 0.0
    data = image(counts, x)
    for found in (ratio(data, window(4, 6), window(8, 10), COUNTED), centre_of_gravity(data, window(4, 6), COUNTED),
                  signal_to_noise(data, window(4, 6), COUNTED)):
        assert list(found.flags) == [1, 0]
        assert np.isnan(found.values[0])
        assert np.isfinite(found.values[1])
        assert dict(found.legend)[1]


# -- unknown noise ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gain", "r"), [(1.0, 0.0), (2.5, 0.0), (3.0, 0.57)])
def test_unknown_gain_and_correlation_are_estimated(gain, r):
    rng = np.random.default_rng(23)
    x = np.arange(300.0, 400.0, 0.1)
    mean = 4000.0 * (x / 300.0) ** -3 + 3000.0 * np.exp(-0.5 * ((x - 340.0) / 0.2) ** 2)  # with a sharp line
    if r:
        e = rng.standard_normal((400, x.size + 50))
        for i in range(1, e.shape[1]):
            e[:, i] = r * e[:, i - 1] + np.sqrt(1 - r * r) * e[:, i]
        counts = mean + np.sqrt(gain * mean) * e[:, 50:]
    else:
        counts = gain * rng.poisson(mean / gain, (400, x.size))
    found = noise_of(image(counts.reshape(20, 20, -1), x, Noise("poisson", None)))
    assert found.noise.gain == pytest.approx(gain, rel=0.06)
    assert found.noise.correlation == pytest.approx(r, abs=0.03)
    assert found.noise.origin == "estimated"
    assert "estimated" in found.words


def test_noise_about_zero_is_constant():
    rng = np.random.default_rng(24)
    x = np.arange(300.0, 400.0, 0.2)
    found = noise_of(image(7.0 * rng.standard_normal((20, 20, x.size)), x, Noise("unknown")))
    assert found.noise.kind == "gaussian"
    assert found.noise.read_noise == pytest.approx(7.0, rel=0.03)


def test_where_the_noise_cannot_be_told_it_is_not_determined():
    short = image(np.ones((3, 3, 20)), np.arange(20.0), Noise("poisson", None))
    assert noise_of(short).noise is None
    assert "not determined" in noise_of(short).words
    still = image(np.ones((3, 3, 200)), np.arange(200.0), Noise("poisson", None))
    assert noise_of(still).noise is None
    assert noise_of(image(np.ones((3, 3, 20)), np.arange(20.0))).noise == COUNTED


@pytest.mark.realdata
def test_boron_nitride(realdata):
    """200 core-loss spectra of h-BN: the data README says variance/mean 2.9, correlation of neighbours 0.57."""
    from app.files import read

    found = noise_of(read(realdata / "eels" / "BN_core_loss_200.dm3")[0]).noise
    assert found.gain == pytest.approx(2.9, rel=0.25)
    assert found.correlation == pytest.approx(0.57, abs=0.08)
