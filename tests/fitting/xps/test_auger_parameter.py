"""Auger parameter: maxima with errors, independence of charging, candidates from the library."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.xps.auger_parameter import (
    Maximum,
    apparent_window,
    candidates,
    combine,
    core_of,
    find_maximum,
    pair_of,
    wagner_points,
)
from libraries.compounds import auger_parameters
from libraries.errors import NotDetermined

PHOTON = 1486.6
LOW, HIGH = 484.0, 510.0


def auger(place, seed, height=4000.0, step=0.2):
    """A KLL line on a step with its weaker neighbour 4.75 eV behind, as Poisson counts."""
    x = np.arange(LOW, HIGH, step)

    def line(centre, width):
        return np.exp(-4 * np.log(2) * ((x - centre) / width) ** 2)

    mean = 800.0 + 400.0 / (1.0 + np.exp(-(x - place))) + height * (line(place, 2.0) + 0.16 * line(place + 4.75, 2.3))
    counts = np.random.default_rng(seed).poisson(mean)
    return Spectrum(Axis(x, "binding_energy"), counts, Noise("poisson", 1.0), Meta(photon_energy=PHOTON, region="KLL"))


def test_maximum_has_no_bias_and_honest_errors(measured):
    true = 497.23
    # The maximum of the noise-free curve, which the step moves a little.
    x = np.arange(LOW, HIGH, 1e-3)
    lines = [share * np.exp(-4 * np.log(2) * ((x - true - off) / width) ** 2)
             for share, off, width in ((1.0, 0.0, 2.0), (0.16, 4.75, 2.3))]
    curve = 400.0 / (1.0 + np.exp(-(x - true))) + 4000.0 * sum(lines)
    top = x[np.argmax(curve)]
    found = [find_maximum(auger(true, seed), LOW, HIGH) for seed in range(60)]
    misses = np.array([f.position - top for f in found])
    errors = np.array([f.error for f in found])
    pull = float(np.sqrt(np.mean((misses / errors) ** 2)))
    bias = abs(float(np.mean(misses)))
    measured("bias of an Auger maximum (2 eV wide, 0.2 eV steps, 4000 counts)", bias, "eV", "<= 0.03")
    measured("rms pull of an Auger maximum", pull, "", "0.5 to 1.5")
    assert abs(np.mean(misses)) <= 0.03
    assert 0.5 <= pull <= 1.5


def test_charging_cancels():
    core, line = Maximum(1071.5, 0.02, "fit"), Maximum(497.2, 0.05, "maximum")
    a = combine(core, line, PHOTON, "Na 1s", "Na KL23L23")
    b = combine(Maximum(1071.5 + 7.3, 0.02, ""), Maximum(497.2 + 7.3, 0.05, ""), PHOTON, "Na 1s", "Na KL23L23")
    assert a.value == pytest.approx(1486.6 - 497.2 + 1071.5)
    assert b.value == pytest.approx(a.value)
    assert a.error == pytest.approx(np.hypot(0.02, 0.05))


# Values of auger_parameters.csv: Na metal 2065.7 to 2066.1, a layer of sodium ions 2059.9 to 2061.4.
@pytest.mark.parametrize(("value", "error", "first", "fits"), [
    (2065.9, 0.1, "Na metal", True),
    (2060.5, 0.1, "Na+ layer from TFSI ionic liquid", True),
    (2063.0, 0.1, "Na+ layer from TFSI ionic liquid", False),
    (2066.4, 0.2, "Na metal", True),
])
def test_candidates_come_in_order_and_are_never_decided(value, error, first, fits):
    found = candidates(value, error, "Na 1s")
    assert len(found) == sum(item.core.name == "Na 1s" for item in auger_parameters())
    assert found[0].cited.compound == first
    assert found[0].fits is fits
    assert not candidates(value, error, "Cu 2p3/2")


def test_wagner_points_stand_on_their_lines():
    points = wagner_points("Na 1s")
    assert {p.compound for p in points} >= {"Na metal"}
    for point in points:
        assert point.binding_energy + point.kinetic_energy == pytest.approx(point.value)
        assert point.low <= point.value <= point.high
        assert point.binding_low <= point.binding_energy <= point.binding_high


def test_lines_and_windows():
    assert core_of(pair_of("Na")[0]).name == "Na 1s"
    assert core_of(pair_of("Cu")[0]).name == "Cu 2p3/2"
    low, high = apparent_window("Na", PHOTON)
    assert low < PHOTON - 994.5
    assert high > PHOTON - 988.0
    with pytest.raises(NotDetermined):
        pair_of("H")


def test_no_maximum_is_said():
    x = np.arange(LOW, HIGH, 0.2)
    flat = Spectrum(Axis(x, "binding_energy"), np.random.default_rng(0).poisson(np.full(x.size, 500.0)),
                    Noise("poisson", 1.0))
    with pytest.raises(NotDetermined, match="no clear maximum"):
        find_maximum(flat, LOW, HIGH)
    with pytest.raises(NotDetermined, match="too few"):
        find_maximum(auger(497.0, 1), 497.0, 498.0)
