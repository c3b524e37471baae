"""Lines are found as often as stated in pure noise, and measured with errors that hold."""

import math

import numpy as np
import pytest

from fitting.sims.lines import Line, measure
from fitting.sims.peaks import find_lines, line_at, width_law
from libraries.errors import BadData, Cancelled, NotDetermined
from tests.fitting.sims.mass_spectra import axis_of, expected


@pytest.mark.parametrize("level", [0.02, 0.5, 30.0])
@pytest.mark.parametrize("repeats", [40, pytest.param(1500, marks=pytest.mark.full)])
def test_pure_noise_gives_no_more_lines_than_stated(level, repeats, measured):
    """`find_lines` states a bound (Bonferroni), so that fewer are found, but not none at all where many are allowed."""
    rng = np.random.default_rng(int(level * 100))
    mz, _ = axis_of(8000, 300.0)
    stated = 5.0
    found = sum(len(find_lines(mz, rng.poisson(level, mz.size), false_lines=stated, resolution=900).lines)
                for _ in range(repeats)) / repeats
    measured(f"false lines in noise of {level:g} counts a channel, {stated:g} stated", found, "", f"<= {stated:g}")
    assert found <= stated
    assert found > 0.0


def test_default_leaves_noise_empty():
    rng = np.random.default_rng(0)
    mz, _ = axis_of(8000, 300.0)
    assert sum(len(find_lines(mz, rng.poisson(2.0, mz.size)).lines) for _ in range(20)) <= 3


@pytest.mark.parametrize("repeats", [6, pytest.param(120, marks=pytest.mark.full)])
def test_counts_centroid_and_width_have_true_errors(repeats, measured):
    rng = np.random.default_rng(1)
    mz, slope = axis_of()
    masses = np.arange(8.0, 160.0, 1.73)
    pulls = {"mass": [], "counts": [], "m/dm": []}
    for _ in range(repeats):
        amounts = 10 ** rng.uniform(1.8, 5.0, masses.size)
        lines = list(zip(masses, amounts, strict=True))
        found = find_lines(mz, rng.poisson(expected(mz, slope, lines))).lines
        for mass, amount in lines:
            line = min(found, key=lambda one: abs(one.mass - mass))
            assert abs(line.mass - mass) < mass / 7000
            pulls["mass"].append((line.mass - mass) / line.mass_error)
            pulls["counts"].append((line.counts - amount) / line.counts_error)
            if line.width > 0 and not line.coarse:
                pulls["m/dm"].append((line.resolution - 7000) / line.resolution_error)
    for name, values in pulls.items():
        spread, mean = float(np.std(values)), float(np.mean(values))
        measured(f"pulls of found lines: {name}, spread", spread, "", "0.8 to 1.25")
        assert 0.8 < spread < 1.25, name
        assert abs(mean) < 0.3, name
    assert len(pulls["m/dm"]) > 0.5 * len(pulls["mass"])


def test_close_lines_are_parted_and_tails_are_no_lines():
    rng = np.random.default_rng(2)
    mz, slope = axis_of()
    lines = [(62.98173, 80_000.0), (62.92905, 3_000.0), (64.97739, 9_000.0), (64.94648, 800.0)]  # Na2OH, Cu, Na2F, VN
    found = find_lines(mz, rng.poisson(expected(mz, slope, lines))).lines
    assert len(found) == 4
    for mass, counts in lines:
        line = min(found, key=lambda one: abs(one.mass - mass))
        assert line.mass == pytest.approx(mass, rel=2e-5)
        assert line.counts == pytest.approx(counts, abs=5 * math.sqrt(counts) + 0.02 * counts)


def test_width_follows_mass():
    rng = np.random.default_rng(3)
    mz, slope = axis_of()
    lines = [(m, 20_000.0) for m in np.arange(10.0, 160.0, 5.0)]
    law = width_law(mz, rng.poisson(expected(mz, slope, lines)))
    assert law.lines > 20
    for mass in (15.0, 60.0, 150.0):
        assert mass / law.at(mz, mass) == pytest.approx(7000, rel=0.1)


def test_background_from_both_sides_is_subtracted_with_its_error():
    rng = np.random.default_rng(4)
    mz, slope = axis_of(20_000, 170.0)
    slanted = np.linspace(40.0, 10.0, mz.size)
    limits = [(99.9, 100.1)]
    channels = np.count_nonzero((mz >= 99.9) & (mz <= 100.1))
    pulls, plain = [], []
    for _ in range(300):
        y = rng.poisson(slanted + expected(mz, slope, [(100.0, 400.0)], resolution=3000, background=0.0))
        line, = measure(mz, y, limits)
        gross, = measure(mz, y, limits, ground="none")
        pulls.append((line.counts - 400.0) / line.counts_error)
        plain.append(gross.counts - line.counts - line.background)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.15)
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.2)
    assert np.ptp(plain) < 1e-6
    assert line.background == pytest.approx(channels * slanted[np.searchsorted(mz, 100.0)], rel=0.15)


def test_critical_level_is_curries():
    line = Line(100.0, math.nan, 99.9, 100.1, 20.0, 12.0, 100.0, 5.0)
    assert not Line(100.0, math.nan, 99.9, 100.1, 18.3, 12.0, 100.0, 5.0).significant  # 1.645 sqrt(125) = 18.39
    assert line.significant


def test_coarse_channels_are_told():
    rng = np.random.default_rng(5)
    mz, slope = axis_of(3000, 170.0)
    line = find_lines(mz, rng.poisson(expected(mz, slope, [(63.0, 5000.0)], background=0.1))).lines[0]
    assert line.coarse
    step = mz[1850] - mz[1849]
    assert line.mass_error == pytest.approx(step / math.sqrt(12), rel=0.4)
    assert line.mass == pytest.approx(63.0, abs=step)


def test_a_clicked_line():
    rng = np.random.default_rng(6)
    mz, slope = axis_of()
    y = rng.poisson(expected(mz, slope, [(62.98173, 900.0), (64.97739, 60.0)]))
    line = line_at(mz, y, 62.975, 0.02)
    assert abs(line.mass - 62.98173) < 4 * line.mass_error
    weak = line_at(mz, y, 64.98, 0.02)
    assert abs(weak.mass - 64.97739) < 4 * weak.mass_error
    with pytest.raises(NotDetermined):
        line_at(mz, np.zeros(mz.size), 50.0, 0.1)
    with pytest.raises(NotDetermined):
        line_at(mz, y, 50.0, 0.02)


def test_bad_input_is_refused_and_work_can_be_stopped():
    mz, _ = axis_of(2000, 100.0)
    with pytest.raises(BadData, match="zero or above"):
        find_lines(mz, np.full(2000, -1.0))
    with pytest.raises(BadData, match="ten channels"):
        find_lines(mz[:5], np.ones(5))
    with pytest.raises(BadData, match="No channel"):
        measure(mz, np.ones(2000), [(400.0, 401.0)])
    with pytest.raises(Cancelled):
        find_lines(mz, np.ones(2000), cancel=lambda: True)


@pytest.mark.realdata
def test_measured_spectra(realdata):
    """H- at 1.008, Cl- at 34.969: the strongest lines of the negative spectrum, as coarse as its channels."""
    mz, counts = np.loadtxt(realdata / "sims/spectrum_neg.txt", skiprows=3, usecols=(1, 2)).T
    rising = np.diff(mz, prepend=-1.0) > 0
    found = find_lines(mz[rising], counts[rising]).lines
    for mass in (1.00837, 15.99546, 34.96940, 48.00055):
        assert min(abs(one.mass - mass) / one.mass_error for one in found) < 3
    assert sum(one.coarse for one in found if one.mass < 100) > 50
