"""Spectra: frozen arrays, what is refused, windows."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from libraries.errors import BadData


def spectrum(counts=None, **more) -> Spectrum:
    counts = np.arange(11) if counts is None else counts
    return Spectrum(Axis(np.linspace(280.0, 281.0, 11), "binding_energy"), counts, **more)


def test_arrays_are_own_and_read_only():
    x, y = np.linspace(0, 1, 3), np.ones(3)
    made = Spectrum(Axis(x, "channel"), y, transmission=y)
    x[0], y[0] = 9.0, 9.0
    assert (made.x[0], made.y[0], made.transmission[0]) == (0.0, 1.0, 1.0)
    for array in (made.x, made.counts, made.transmission, made.window(0, 1).counts):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


@pytest.mark.parametrize("values", [[], [1, 1], [2, 1], [1, np.nan], [1, np.inf], [[1, 2]]])
def test_bad_axes(values):
    with pytest.raises(BadData):
        Axis(np.array(values, dtype=float), "channel")


@pytest.mark.parametrize("counts", [np.ones(10), np.ones((2, 11)), np.full(11, np.nan)])
def test_bad_counts(counts):
    with pytest.raises(BadData):
        spectrum(counts)


@pytest.mark.parametrize("transmission", [np.ones(3), np.zeros(11), np.full(11, np.nan), -np.ones(11)])
def test_bad_transmission(transmission):
    with pytest.raises(BadData):
        spectrum(transmission=transmission)


@pytest.mark.parametrize(
    ("given", "kept"), [("u1", "u1"), ("u2", "u2"), ("i4", "i4"), ("f4", "f8"), ("f8", "f8"), ("?", "f8")]
)
def test_integers_keep_their_type(given, kept):
    made = spectrum(np.ones(11, dtype=given))
    assert made.counts.dtype == made.window(280.2, 280.4).counts.dtype == np.dtype(kept)
    assert made.y.dtype == np.float64


@pytest.mark.parametrize(
    ("low", "high", "points"),
    [(280.0, 281.0, 11), (281.0, 280.0, 11), (280.3, 280.3, 1), (280.3 - 1e-8, 280.3 + 1e-8, 1), (0, 999, 11),
     (280.29999999, 280.4, 2), (280.31, 280.39, 0), (281.1, 282.0, 0), (-np.inf, np.inf, 11)],
)  # fmt: skip
def test_window(low, high, points):
    if not points:
        with pytest.raises(BadData, match="No data"):
            spectrum().window(low, high)
        return
    part = spectrum(transmission=np.ones(11)).window(low, high)
    assert len(part.axis) == part.counts.size == part.transmission.size == points


def test_navigation():
    series = Spectrum(
        Axis([1, 2, 3], "channel"), np.arange(6).reshape(2, 3), navigation=(Axis([0, 1], "depth", "nm"),)
    )
    assert series.at(1).counts.tolist() == [3, 4, 5]
    assert series.window(2, 3).counts.shape == (2, 2)
    with pytest.raises(BadData, match="navigation"):
        series.at()


def test_noise():
    assert Noise("poisson", 1.0).known
    assert not Noise("poisson").known
    assert not Noise("gaussian").known
    assert Noise("gaussian", read_noise=1.0).known
    for bad in ({"gain": 0.0}, {"gain": np.inf}, {"read_noise": -1.0}, {"correlation": 1.0}):
        with pytest.raises(BadData):
            Noise("poisson", **bad)


def test_hash_follows_content():
    assert spectrum().hash == spectrum().hash
    others = [spectrum(np.arange(11.0)), spectrum(noise=Noise("poisson")), spectrum(meta=Meta("x"))]
    assert len({s.hash for s in [spectrum(), *others]}) == 4


def test_names_and_times():
    assert spectrum(meta=Meta("t", region="r")).name == "r"
    assert spectrum().name == "spectrum"
    assert Meta(dwell_time=0.1, sweeps=5).live_time == 0.5
    assert Meta(dwell_time=0.1).live_time is None
    assert Axis([1.0], "binding_energy").label == "Binding energy (eV)"
    assert Axis([1.0], "index", "").label == "Index"
    assert Axis([1.0], "index", "").step == 0.0
