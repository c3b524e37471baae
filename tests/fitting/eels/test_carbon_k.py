"""C K: positions, sharpness and shares with errors that cover; sp2 against a reference; the magic angle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from fitting.eels.carbon_k import carbon_quantities, fit_carbon, magic_angle, magic_warning, sp2_share
from fitting.eels.edge_model import response_of
from fitting.eels.fine_setup import default_setup
from fitting.eels.kinematics import Beam
from libraries.errors import NotDetermined
from tests.fitting.eels.fine_made import carbon, core_loss, low_loss

AXIS = {"first": 262.0, "last": 320.0}
BEAM = Beam(200.0, 0.0, 1.21)


def made(pi=1.0, width=1.4, low=None, rng=None, height=5000.0, **changes):
    return core_loss(lambda x: height * carbon(x, pi, width), 20000.0, "C", low, rng=rng, **AXIS, **changes)


def fitted(spectrum, low=None):
    setup = default_setup("C K", spectrum.x[0], spectrum.x[-1])
    result = fit_carbon(spectrum, setup, response_of(low)[0] if low is not None else None)
    return carbon_quantities(spectrum, result, setup)


def test_sharpness_without_the_resolution():
    """The width of pi* is that of the line itself where the low loss is known; else the resolution widens it."""
    low = low_loss(0.4)
    rng = np.random.default_rng(1)
    for width in (1.2, 2.2):
        found = fitted(made(width=width, low=low, rng=rng), low)
        assert found.get("pi_fwhm").value == pytest.approx(width, abs=4 * found.get("pi_fwhm").error + 0.08)
        assert found.get("pi_position").value == pytest.approx(285.2, abs=0.03)
    bare = fitted(made(width=1.2, low=low, rng=rng))
    assert bare.get("pi_fwhm").value == pytest.approx(np.hypot(1.2, 0.7), abs=0.1)
    assert any("No low loss" in note for note in bare.notes)


@pytest.mark.parametrize("count", [25, pytest.param(300, marks=pytest.mark.full)])
def test_errors_cover(count, measured):
    """Scatter over noise realisations stays within the stated errors; a few fits lose a weak line, which they say."""
    low, rng = low_loss(0.4), np.random.default_rng(2)
    all_values, all_errors = [], []
    for _ in range(count):
        found = fitted(made(low=low, rng=rng, height=1500.0), low)
        all_values.append([q.value for q in found.rows])
        all_errors.append([q.error for q in found.rows])
    low_end, high_end = np.percentile(all_values, (15.87, 84.13), axis=0)
    scatter, stated = 0.5 * (high_end - low_end), np.nanmedian(all_errors, axis=0)
    assert np.mean(np.isnan(all_errors)) < 0.03
    # The scatter between percentiles has a relative error of 1.2/sqrt(n); fits without the weak line add some.
    # Stated errors count parameters on a bound as free: amounts then scatter less than stated, never much more.
    assert np.all(scatter / stated < 1.0 + 3.5 * 1.2 / np.sqrt(2 * count) + 0.15), scatter / stated
    assert np.all(scatter / stated > 0.3), scatter / stated
    measured("C K: scatter over stated error of the width of pi*", scatter[1] / stated[1], "", "1")


def test_sp2_against_a_reference():
    """Half the pi* of graphite is half the share, to the change of the common window."""
    low, rng = low_loss(0.3), np.random.default_rng(3)
    graphite, sample = (fitted(made(pi=pi, low=low, rng=rng), low) for pi in (1.0, 0.5))
    x = np.arange(281.0, 301.0, 0.01)
    shares = [pi * 1.4 * np.sqrt(np.pi / 4 / np.log(2)) / (np.sum(carbon(x + 0.2, pi)) * 0.01) for pi in (1.0, 0.5)]
    found = sp2_share(sample, graphite, (BEAM, BEAM))
    assert found.value == pytest.approx(shares[1] / shares[0], abs=0.03)
    assert 0 < found.error < 0.12
    assert found.notes == ()
    with pytest.raises(NotDetermined, match="another collection angle"):
        sp2_share(sample, graphite, (BEAM, replace(BEAM, collection=5.0)))
    assert any("Not known for" in note for note in sp2_share(sample, graphite, (BEAM, Beam(200.0, None, None))).notes)
    wide = Beam(200.0, 0.0, 15.0)
    assert any("orientation" in note for note in sp2_share(sample, graphite, (wide, wide)).notes)


@pytest.mark.parametrize(("energy", "expected"), [(0.1, 3.97), (100.0, 2.25), (200.0, 1.46)])
def test_magic_angle_by_direct_integration(energy, expected):
    """There the transfers along and across the beam weigh alike; 3.97 theta_E without relativity."""
    beam = Beam(energy, 0.0, 5.0)
    angle, theta = magic_angle(beam), float(beam.characteristic_angle(285.0))
    assert angle / theta == pytest.approx(expected, abs=0.01)
    g = theta**2 * (1 - beam.speed**2)
    across = quad(lambda t: 0.5 * t**3 / (t * t + g) ** 2, 0, angle)[0]
    along = quad(lambda t: (theta * (1 - beam.speed**2)) ** 2 * t / (t * t + g) ** 2, 0, angle)[0]
    assert across == pytest.approx(along, rel=1e-6)


def test_warnings_of_the_angles():
    assert magic_warning(BEAM) == []
    assert "magic" in magic_warning(Beam(200.0, 5.0, 15.0))[0]
    assert "not known" in magic_warning(Beam())[0]


def test_nothing_there_is_said():
    empty = core_loss(lambda x: 0.0 * x, 20000.0, "C", rng=np.random.default_rng(5), **AXIS)
    with pytest.raises(NotDetermined, match="No carbon edge"):
        fitted(empty)
    short = made(rng=np.random.default_rng(6)).window(262.0, 298.0)
    setup = default_setup("C K", short.x[0], short.x[-1])
    found = carbon_quantities(short, fit_carbon(short, setup), setup)
    assert not found.get("ratio").known
    assert "refused" in found.get("ratio").how
