"""New spectra from several: numbers, noise against simulations, where they come from, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.processing import combine
from libraries.errors import BadData

X = np.round(np.arange(280.0, 300.0, 0.1), 6)
A = 500.0 + 4000.0 * np.exp(-0.5 * ((X - 288.0) / 0.7) ** 2)
B = 300.0 + 1500.0 * np.exp(-0.5 * ((X - 292.0) / 0.9) ** 2)


def counted(mean, seed, sweeps=10.0, title="A", x=X):
    meta = Meta(title=title, region=title, technique="xps", photon_energy=1486.6, dwell_time=0.1, sweeps=sweeps,
                file=f"{title}.vms", sample="S")
    counts = np.random.default_rng(seed).poisson(mean * sweeps / 10)
    return Spectrum(Axis(x, "binding_energy"), counts, Noise("poisson", 1.0), meta)


def rates(spectrum):
    live = spectrum.meta.live_time
    meta = replace(spectrum.meta, intensity_unit="counts/s")
    return spectrum.with_(counts=spectrum.y / live, noise=Noise("poisson", 1 / live), meta=meta)


def test_sum_of_counts_is_counted():
    a, b = counted(A, 1), counted(A, 2, 30.0, "B")
    done = combine.add([a, b])
    assert done.counts.tolist() == (a.counts + b.counts).tolist()
    assert done.counts.dtype.kind == "i"
    assert (done.noise.kind, done.noise.gain, done.meta.live_time) == ("poisson", 1.0, pytest.approx(4.0))
    assert done.meta.title == "Sum of A, B"
    made = [text for name, text in done.meta.extra if name == "made from"]
    assert made[0].startswith("A, A.vms #0")
    assert made[1].startswith("B, B.vms #0")


@pytest.mark.parametrize("change", [lambda s: s, rates])
def test_average_is_weighted_by_live_time(change):
    """All counts over all time, whether counts or rates are given."""
    a, b = counted(A, 1), counted(A, 2, 30.0, "B")
    done = combine.average([change(a), change(b)])
    np.testing.assert_allclose(done.y, (a.y + b.y) / 4.0, rtol=1e-12)
    assert done.noise.gain == pytest.approx(1 / 4.0)
    assert done.meta.intensity_unit == "counts/s"
    assert done.meta.live_time == pytest.approx(4.0)


def test_average_without_live_times():
    a, b = (counted(A, k).with_(meta=Meta(title="A"), noise=Noise()) for k in (1, 2))
    done = combine.average([a, b])
    np.testing.assert_allclose(done.y, (a.y + b.y) / 2)
    assert (done.noise.kind, done.meta.intensity_unit) == ("unknown", "counts")


@pytest.mark.parametrize(("kind", "make"), [
    ("difference", lambda a, b: combine.subtract(a, b, 0.7)),
    ("ratio", combine.ratio),
    ("sum of two gains", lambda a, b: combine.add([a, b.with_(counts=b.y * 3, noise=Noise("poisson", 3.0))])),
])
def test_noise_against_simulations(kind, make, measured):
    """Variance of the result over 300 simulations against what its noise says: right on the average over channels, and
    for single channels as wrong as the remark says."""
    done = [make(counted(A, k), counted(B, 1000 + k, title="B")) for k in range(300)]
    y = np.array([d.y for d in done])
    told = []
    for d in done[:20]:
        mean = np.maximum(y.mean(axis=0), 0.0)
        told.append((d.noise.gain or 0.0) * mean + d.noise.read_noise**2)
    share = y.var(axis=0, ddof=1) / np.mean(told, axis=0)
    measured(f"variance of a {kind} over what its noise says, mean of channels", float(share.mean()), "", "0.9..1.1")
    measured(f"the same, scatter over channels ({kind})", float(np.std(share)), "", "as its remark says")
    assert 0.9 < share.mean() < 1.1
    said = next(text for name, text in done[0].meta.extra if name == "noise")
    percent = float(said.split("depart by ")[1].split(" %")[0])
    assert np.std(share) == pytest.approx(percent / 100, abs=0.1 + 0.1 * percent / 100)
    assert all(d.noise.known for d in done)


def test_difference_says_what_it_is():
    done = combine.subtract(counted(A, 1), counted(B, 2, title="B"), 0.5)
    assert done.meta.title == "A − 0.5 × B"
    assert any(name == "noise" and "single channels depart" in text for name, text in done.meta.extra)
    assert combine.subtract(counted(A, 1).with_(noise=Noise()), counted(B, 2)).noise.kind == "unknown"


def test_axes_must_agree_or_be_resampled():
    a, b = counted(A, 1), counted(A, 2, title="B", x=X + 0.05)
    with pytest.raises(BadData, match="energies are not those") as caught:
        combine.add([a, b])
    assert "B" in str(caught.value)
    done = combine.add([a, b], resample=True)
    assert done.noise.correlation > 0.1
    assert any(name == "resampled" for name, _ in done.meta.extra)
    assert set(done.x) <= set(a.x)
    # Axes that only end elsewhere are cut, not resampled.
    cut = combine.add([a, counted(A, 2).window(284.0, 296.0)])
    assert (cut.x[0], cut.x[-1], cut.noise.correlation) == (284.0, 296.0, 0.0)


def test_what_differs_is_left_out():
    a, b = counted(A, 1), counted(A, 2)
    b = b.with_(meta=replace(b.meta, pass_energy=20.0, sample="T"))
    meta = combine.add([a, b]).meta
    assert (meta.pass_energy, meta.sample, meta.photon_energy) == (None, "S", 1486.6)


def test_transmission_goes_along_only_where_shared():
    curve = np.linspace(1, 2, X.size)
    a = counted(A, 1).with_(transmission=curve)
    assert combine.add([a, a]).transmission.tolist() == curve.tolist()
    assert combine.add([a, a.with_(transmission=curve * 2)]).transmission is None


REFUSED = [
    (lambda a: combine.add([a]), "two"),
    (lambda a: combine.add([a, a.with_(axis=Axis(X, "kinetic_energy"))]), "axis"),
    (lambda a: combine.add([a, rates(a)]), "units"),
    (lambda a: combine.add([a, a.with_(axis=Axis(X + 100, "binding_energy"))]), "common"),
    (lambda a: combine.ratio(a, a.with_(counts=a.counts * 0)), "divisor"),
    (lambda a: combine.subtract(a, a, float("nan")), "factor"),
    (lambda a: combine.stack([a, a.with_(noise=Noise("poisson", 2.0))]), "noise"),
]


@pytest.mark.parametrize(("make", "words"), REFUSED)
def test_refused(make, words):
    with pytest.raises(BadData, match=words):
        make(counted(A, 1))


def test_stack_is_a_series_of_repeats():
    series = combine.stack([counted(A, k) for k in range(4)])
    assert series.counts.shape == (4, X.size)
    assert series.navigation[0].values.tolist() == [1, 2, 3, 4]


def test_counting_times_that_are_not_common_are_left_out():
    known = counted(A, 1)
    unknown = known.with_(meta=replace(known.meta, dwell_time=None, sweeps=None))
    assert combine.add([known, known]).meta.live_time == pytest.approx(2 * known.meta.live_time)
    # With the first one's time alone, the rate of the sum would be twice too high.
    assert combine.add([known, unknown]).meta.live_time is None
    assert combine.subtract(known, known).meta.live_time == known.meta.live_time
    assert combine.subtract(known, counted(A, 2, sweeps=30.0)).meta.live_time is None
