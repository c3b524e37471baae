"""Depth scales against closed forms and simulated repeats."""

import math

import numpy as np
import pytest
from scipy.special import expit

from fitting.dataset import Axis, Meta, Spectrum
from fitting.sims.depth import clock_of, depth_of, depth_scale, sputter_rate
from fitting.sims.setup import DepthScale, PhaseRate
from libraries.errors import BadData, BadModel, NotDetermined

T = np.linspace(1.5, 240.0, 160)


def shares(edges=(80.0, 160.0), width=3.0, t=T):
    step = [expit((t - edge) / width) for edge in edges]
    return np.column_stack([1 - step[0], np.maximum(step[0] - step[1], 0.0), step[1]])


def phases(*rates, errors=(0.0, 0.0, 0.0), **more):
    return DepthScale("phases", phases=tuple(PhaseRate(f"p{i}", r, e)
                                             for i, (r, e) in enumerate(zip(rates, errors, strict=True))), **more)


def test_one_rate_is_a_straight_line_with_a_correlated_error():
    found = depth_scale(T, DepthScale("rate", rate=0.25, rate_error=0.01))
    np.testing.assert_allclose(found.depth, 0.25 * T)
    np.testing.assert_allclose(found.error, 0.01 * T)
    # A thickness has the error of the difference: 0.01/0.25 of it, however deep it lies.
    assert found.error_between(20.0, 30.0) == pytest.approx(0.4)
    assert found.error_between(40.0, 50.0) == pytest.approx(0.4)
    assert found.time_at(30.0) == pytest.approx(120.0)


def test_the_crater_gives_the_rate():
    found = depth_scale(T, DepthScale("crater", crater=120.0, crater_error=6.0))
    assert found.depth[-1] == pytest.approx(120.0)
    assert found.error[-1] == pytest.approx(6.0)
    assert found.rate[0] == pytest.approx(0.5)
    # Of a part of the profile the crater's time stays that of the whole.
    part = depth_scale(T[:80], DepthScale("crater", crater=120.0), end=240.0)
    np.testing.assert_allclose(part.depth, 0.5 * T[:80])
    assert math.isnan(part.error[0])
    assert part.error_at(20.0) == 0.0


def test_equal_rates_of_phases_are_one_rate():
    found = depth_scale(T, phases(0.3, 0.3, 0.3), shares())
    np.testing.assert_allclose(found.depth, 0.3 * T, rtol=1e-12)


def test_sharp_phases_add_their_rates_times_their_times(measured):
    fine = np.linspace(0.0, 240.0, 24001)
    found = depth_scale(fine, phases(0.2, 0.5, 0.1), shares(width=0.01, t=fine))
    truth = 80 * 0.2 + 80 * 0.5 + 80 * 0.1
    measured("Depth by phase rates against the sum of layers", abs(found.depth[-1] / truth - 1), "relative", "<= 1e-4")
    assert found.depth[-1] == pytest.approx(truth, rel=1e-4)
    assert found.time_at(16.0) == pytest.approx(80.0, abs=0.05)


def test_amounts_need_no_scale_of_their_own():
    one = depth_scale(T, phases(0.2, 0.5, 0.1), shares())
    other = depth_scale(T, phases(0.2, 0.5, 0.1), shares() * np.linspace(1, 50, T.size)[:, None])
    np.testing.assert_allclose(one.depth, other.depth)


@pytest.mark.parametrize("crater", [0.0, 80.0])
def test_errors_of_rates_and_crater_are_the_scatter_of_repeats(crater):
    rng = np.random.default_rng(4)
    rates, errors, crater_error = np.array([0.2, 0.5, 0.1]), (0.02, 0.03, 0.01), 4.0 if crater else 0.0
    found = depth_scale(T, phases(*rates, errors=errors, crater=crater, crater_error=crater_error), shares())
    drawn = []
    for _ in range(2000):
        deep = crater + crater_error * rng.standard_normal()
        again = rates + errors * rng.standard_normal(3)
        drawn.append(depth_scale(T, phases(*again, crater=deep), shares()).depth)
    scatter = np.std(drawn, axis=0)
    np.testing.assert_allclose(found.error[5:], scatter[5:], rtol=0.08)
    i, j = 70, 130
    between = np.std([z[j] - z[i] for z in drawn])
    assert found.error_between(found.depth[i], found.depth[j]) == pytest.approx(between, rel=0.08)
    if crater:
        assert found.depth[-1] == pytest.approx(80.0)
        assert found.scale == pytest.approx(80.0 / (shares() @ rates * np.gradient(T)).sum(), rel=0.01)


def profile(clock=None):
    axis = Axis(np.arange(2.0), "ion", "", ("A+", "B+"))
    clock = clock or Axis(T, "time", "s")
    return Spectrum(axis, np.ones((len(clock), 2)), meta=Meta(technique="sims"), navigation=(clock,))


def test_profiles_and_cubes_tell_their_clock():
    assert depth_of(profile(), DepthScale()) is None
    assert depth_of(profile(), DepthScale("rate", rate=1.0)).depth[-1] == pytest.approx(240.0)
    scans = Axis(np.arange(1.0, 11.0), "scan", "")
    cube = Spectrum(profile().axis, np.ones((10, 2, 2, 2)),
                    navigation=(scans, Axis(np.arange(2.0), "distance", "um"), Axis(np.arange(2.0), "distance", "um")))
    assert clock_of(cube) is scans
    assert depth_of(cube, DepthScale("crater", crater=50.0)).depth[0] == pytest.approx(5.0)
    with pytest.raises(BadData, match="scans"):
        depth_of(cube, DepthScale("rate", rate=1.0))
    timed = cube.with_(scales=(Axis(np.arange(1.0, 11.0) * 3, "time", "s"),))
    assert depth_of(timed, DepthScale("rate", rate=1.0)).depth[-1] == pytest.approx(30.0)
    with pytest.raises(BadData):
        clock_of(profile().with_(navigation=(Axis(T, "distance", "um"),)))


def test_rate_from_current_area_and_yield():
    # 1e6 ions/s of yield 2 on 1 um2 of 50 atoms/nm3: 2e6/(1e6 * 50) nm/s, worked out by hand.
    assert sputter_rate(1.602176634e-4, 1.0, 2.0, 50.0) == pytest.approx(0.04)
    with pytest.raises(BadModel):
        sputter_rate(0.0, 1.0, 2.0, 50.0)


@pytest.mark.parametrize(("scale", "given", "error"), [
    (DepthScale("rate"), None, BadModel),
    (DepthScale("rate", rate=1.0, rate_error=-1.0), None, BadModel),
    (DepthScale("rate", rate=math.nan), None, BadModel),
    (DepthScale("crater"), None, BadModel),
    (DepthScale("phases"), shares(), BadModel),
    (phases(0.2, 0.5, 0.1), None, BadModel),
    (phases(0.2, 0.0, 0.1), shares(), BadModel),
    (phases(0.2, 0.5, 0.1), shares()[:, :2], BadData),
    (phases(0.2, 0.5, 0.1), -shares(), BadData),
    (phases(0.2, 0.5, 0.1), 0 * shares(), NotDetermined),
    (DepthScale(), None, BadModel),
])
def test_what_makes_no_sense_is_refused(scale, given, error):
    with pytest.raises(error):
        depth_scale(T, scale, given)


def test_times_must_ascend_from_zero_and_hold_the_crater():
    with pytest.raises(BadData):
        depth_scale(T[::-1], DepthScale("rate", rate=1.0))
    with pytest.raises(BadData):
        depth_scale(T - 10, DepthScale("rate", rate=1.0))
    with pytest.raises(BadData, match="crater"):
        depth_scale(T, phases(0.2, 0.5, 0.1, crater=50.0), shares(), end=400.0)
