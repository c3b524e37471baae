"""Dead-time correction against simulated pulses; signs of saturation."""

import math

import numpy as np
import pytest

from fitting.sims.dead_time import (
    correct_dead_time,
    ions_per_pulse,
    isotope_check,
    saturated_lines,
    state_of,
)
from libraries.errors import BadData
from libraries.ions import natural_fraction, parse_ion


def detector(rates, pulses, dead, rng):
    """Counts of a detector that is blind for `dead` channels after each counted ion, pulse by pulse."""
    counts = np.zeros(len(rates), dtype=int)
    for _ in range(0, pulses, 50_000):
        block = min(50_000, pulses)
        blind_until = np.full(block, -1)
        for channel, rate in enumerate(rates):
            counted = (rng.random(block) < -np.expm1(-rate)) & (blind_until < channel)
            counts[channel] += np.count_nonzero(counted)
            blind_until[counted] = channel + dead
    return counts


def line(ions, width=2.5, n=48):
    c = np.arange(n)
    shape = np.exp(-0.5 * ((c - 16) / width) ** 2) + 0.3 * np.exp(-0.5 * ((c - 36) / width) ** 2)
    return ions * shape / shape.sum()


@pytest.mark.parametrize(("ions", "dead"), [(0.3, 5), (1.0, 5), (1.0, 40), (2.0, 20), (2.0, 0)])
def test_simulated_pulses_are_corrected_within_one_per_cent(ions, dead, measured):
    pulses = 400_000
    rates = line(ions)
    raw = detector(rates, pulses, dead, np.random.default_rng(7 + dead))
    found = correct_dead_time(raw, pulses, dead, recorded="off")
    truth = rates * pulses
    lines = np.array([slice(0, 26), slice(26, 48)])
    off = max(abs(found.counts[part].sum() / truth[part].sum() - 1) for part in lines)
    measured(f"Dead-time correction, {ions} ions a pulse, {dead} dead channels: furthest line", 100 * off, "%", "<= 1")
    assert off <= 0.01
    assert not found.saturated.any()
    seen = truth > 100
    pulls = (found.counts[seen] - truth[seen]) / np.sqrt(found.variance[seen])
    assert np.abs(pulls).max() < 5
    assert 0.6 < np.std(pulls) < 1.5
    if ions > 0.5 and dead:
        assert abs(raw[lines[0]].sum() / truth[lines[0]].sum() - 1) > 0.1  # there was something to correct


def test_weak_spectra_stay_as_they_are():
    raw = np.array([0, 3, 1, 0, 2])
    found = correct_dead_time(raw, 1e9, 3)
    np.testing.assert_allclose(found.counts, raw, rtol=1e-8)
    np.testing.assert_allclose(found.variance, raw, rtol=1e-7)


def test_a_single_channel_follows_the_logarithm():
    found = correct_dead_time(np.array([0, 50_000, 0]), 100_000, 1)
    assert found.counts[1] == pytest.approx(100_000 * math.log(2))
    # The channel itself is not in the sum of the dead ones; the next one is behind it.
    behind = correct_dead_time(np.array([0, 50_000, 1000]), 100_000, 1)
    assert behind.counts[2] == pytest.approx(-100_000 * math.log(1 - 1000 / 50_000))
    assert correct_dead_time(np.array([0, 50_000, 1000]), 100_000, 0).counts[2] == pytest.approx(1005.03, abs=0.01)


def test_navigation_axes_and_pulses_of_each():
    raw = np.array([[0, 300, 20], [0, 300, 20]])
    found = correct_dead_time(raw, np.array([1000.0, 2000.0]), 1)
    for i, pulses in enumerate((1000.0, 2000.0)):
        np.testing.assert_allclose(found.counts[i], correct_dead_time(raw[i], pulses, 1).counts)


def test_saturation_is_reported_and_not_corrected():
    found = correct_dead_time(np.array([0, 99_950, 10, 0]), 100_000, 1)
    assert found.saturated.tolist() == [False, True, False, False]
    assert found.counts[1] == 99_950
    assert math.isnan(found.variance[1])
    # A weak channel with few pulses is not saturated.
    assert not correct_dead_time(np.array([1, 2, 0]), 50, 1).saturated.any()


@pytest.mark.parametrize(("counts", "pulses", "dead", "recorded", "words"), [
    ([1, 2, 3], 100, 1, "on", "already"),
    ([1.0, 2.3, 3.1], 100, 1, None, "no raw counts"),
    ([1.0, 2.3, 3.1], 100, 1, "off", "no raw counts"),
    ([1, -2, 3], 100, 1, None, "zero or above"),
    ([1, math.nan, 3], 100, 1, None, "zero or above"),
    ([], 100, 1, None, "zero or above"),
    ([1, 2], 0, 1, None, "pulses"),
    ([60, 60], 100, 1, None, "allow"),
    ([101, 0], 100, 1, None, "allow"),
    ([1, 2], 100, -1, None, "whole number"),
    ([1, 2], 100, 0.5, None, "whole number"),
])
def test_what_cannot_be_corrected_is_refused(counts, pulses, dead, recorded, words):
    with pytest.raises(BadData, match=words):
        correct_dead_time(np.array(counts), pulses, dead, recorded=recorded)


def test_corrected_data_are_recognised():
    rng = np.random.default_rng(2)
    raw = rng.poisson(5.0, (40, 30))
    assert state_of(raw) == "counts"
    corrected = correct_dead_time(raw, 5000, 3).counts
    assert state_of(corrected) == "corrected"
    assert state_of(np.zeros(1000)) == "unknown"
    assert state_of([1e6, 2e6]) == "unknown"
    mixed = raw.astype(float).ravel()
    mixed[:100] += 0.3
    assert state_of(mixed) == "unknown"
    with pytest.raises(BadData):
        correct_dead_time(corrected, 5000, 3)


def test_too_strong_lines_of_corrected_data_are_flagged():
    pulses = 16384.0
    limit = pulses * math.log(pulses / 100)
    assert saturated_lines([0.99 * limit, 1.01 * limit, 0.0], pulses).tolist() == [False, True, False]
    np.testing.assert_allclose(ions_per_pulse([100.0], 1000.0), [0.1])
    with pytest.raises(BadData):
        ions_per_pulse([1.0], 0.0)


def test_isotope_ratio_of_a_saturated_line():
    natural = natural_fraction(parse_ion("^37Cl-")) / natural_fraction(parse_ion("Cl-"))
    rng = np.random.default_rng(4)
    pulses, truth = 200_000, 3.0 * 200_000
    major = pulses - rng.binomial(pulses, math.exp(-3.0))  # one ion a pulse at most, uncorrected
    minor = rng.poisson(truth * natural)
    found = isotope_check(major, minor, natural)
    assert found.saturated
    assert found.estimate == pytest.approx(truth, rel=0.01)
    clean = isotope_check(rng.poisson(truth), minor, natural)
    assert not clean.saturated
    assert abs(clean.pull) < 4
    with pytest.raises(BadData):
        isotope_check(0.0, 10.0, natural)


def test_pulls_of_clean_lines_are_normal():
    rng = np.random.default_rng(8)
    pulls = [isotope_check(rng.poisson(5000), rng.poisson(1600), 0.32).pull for _ in range(2000)]
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.1)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.06)


@pytest.mark.realdata
def test_real_profiles_are_corrected_already(realdata):
    for path in sorted((realdata / "sims").glob("profile_MAPI_???.txt")):
        rows = [line.rstrip("\t").split("\t")[4:] for line in path.read_text(encoding="latin-1").splitlines()[4:]]
        values = np.array([[float(field) for field in row] for row in rows if len(row) == len(rows[0])])
        assert state_of(values) == "corrected"
        with pytest.raises(BadData, match="no raw counts"):
            correct_dead_time(np.where(np.isfinite(values), values, 0.0), 1e7, 5)


@pytest.mark.realdata
def test_real_isotopes_of_lead_keep_their_ratio(realdata, measured):
    path = realdata / "sims" / "profile_MAPI_pos.txt"
    lines = path.read_text(encoding="latin-1").splitlines()
    names = lines[1].rstrip("\t").split("\t")
    rows = [line.rstrip("\t").split("\t") for line in lines[4:]]
    table = np.array([[float(field) for field in row] for row in rows if len(row) == len(names)])
    sums = {name: table[:, names.index(name)].sum() for name in ("Pb+", "^206Pb+", "^207Pb+")}
    natural = natural_fraction(parse_ion("^207Pb+")) / natural_fraction(parse_ion("^206Pb+"))
    found = isotope_check(sums["^206Pb+"], sums["^207Pb+"], natural)
    measured("207Pb/206Pb of a real profile over natural", found.ratio / natural, "", "0.8 to 1.3")
    assert 0.8 < found.ratio / natural < 1.3
