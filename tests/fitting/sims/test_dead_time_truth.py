"""Dead-time correction against ions that arrive one by one: another simulation than that of test_dead_time.py.

Each pulse has a Poisson number of ions, each with a time of flight of its own; in the order of their arrival an ion is
counted when the detector is not blind from the last counted one. No probability of a channel enters.
"""

import numpy as np
import pytest

from fitting.sims.dead_time import correct_dead_time


def arrivals(lines, pulses, rng, n):
    """Channels of all ions of all pulses, in the order of arrival; shape (pulses, most ions), n where there is none."""
    numbers = [rng.poisson(ions, pulses) for ions, _, _ in lines]
    most = int(np.max(np.sum(numbers, axis=0)))
    times = np.full((pulses, most), float(n))
    begin = np.zeros(pulses, int)
    for (_, at, width), number in zip(lines, numbers, strict=True):
        for k in range(int(number.max())):
            there = number > k
            times[there, begin[there] + k] = rng.normal(at, width, there.sum())
        begin += number
    channels = np.clip(np.floor(times), 0, n).astype(int)
    channels.sort(axis=1)
    return channels


def counted(channels, dead, n):
    """Counts of a detector that is blind for `dead` channels behind the channel of each counted ion."""
    blind_to = np.full(len(channels), -1)
    counts = np.zeros(n + 1, int)
    for column in channels.T:
        hit = (column > blind_to) & (column < n)
        np.add.at(counts, column[hit], 1)
        blind_to[hit] = column[hit] + dead
    return counts[:n]


def arrived(channels, n):
    """All ions that reached the detector, channel by channel."""
    return np.bincount(channels.ravel(), minlength=n + 1)[:n]


LINES = ((1.2, 30.0, 3.0), (0.4, 60.0, 3.0), (0.05, 85.0, 3.0))  # ions a pulse, channel, width
PARTS = (slice(15, 45), slice(45, 75), slice(75, 100))


@pytest.mark.parametrize("dead", [0, 8, 25, 60])
def test_ions_that_arrive_one_by_one(dead, measured):
    n, pulses, rng = 100, 60_000, np.random.default_rng(11 + dead)
    raw = np.zeros(n, int)
    for _ in range(5):
        raw += counted(arrivals(LINES, pulses, rng, n), dead, n)
    found = correct_dead_time(raw, 5 * pulses, dead, recorded="off")
    truth = [ions * 5 * pulses for ions, _, _ in LINES]
    off = [abs(found.counts[part].sum() / true - 1) for part, true in zip(PARTS, truth, strict=True)]
    if dead:
        assert raw[PARTS[0]].sum() < 0.9 * truth[0]  # there was something to correct
    # The weak line has 15000 ions: one per cent is 1.2 of their standard deviations.
    strong = 100 * max(off[:2])
    measured(f"Dead time of {dead} channels, ions one by one: furthest strong line from the truth", strong, "%", "<= 1")
    assert strong <= 1
    assert off[2] < 0.04


def test_the_variance_is_that_of_repeated_measurements(measured):
    """150 measurements of one line: variance of the single channels over that of the formula."""
    n, pulses, dead, rng = 40, 3000, 12, np.random.default_rng(5)
    lines = ((0.9, 18.0, 3.0),)
    answers, told = [], []
    for _ in range(150):
        found = correct_dead_time(counted(arrivals(lines, pulses, rng, n), dead, n), pulses, dead, recorded="off")
        assert not found.saturated.any()
        answers.append(found.counts)
        told.append(found.variance)
    strong = np.mean(answers, axis=0) > 100
    ratio = np.var(answers, axis=0, ddof=1)[strong] / np.mean(told, axis=0)[strong]
    assert strong.sum() >= 10
    measured("Dead-time correction: variance of channels in repeats over the formula, mean", float(ratio.mean()), "",
             "0.9 to 1.1")
    assert ratio.mean() == pytest.approx(1.0, abs=0.1)
    # 150 repeats know a variance to 12 %.
    assert 0.6 < ratio.min() < ratio.max() < 1.5


@pytest.mark.parametrize("ions", [0.3, 1.5, 3.0])
def test_a_line_within_one_dead_time_is_one_channel(ions, measured):
    """Only its first ion of each pulse is counted: I_corr = -N ln(1 - I/N) of the whole line."""
    n, pulses, rng = 60, 50_000, np.random.default_rng(int(10 * ions))
    raw = counted(arrivals(((ions, 30.0, 3.0),), pulses, rng, n), 60, n)
    found = correct_dead_time(np.array([raw.sum()]), pulses, 0, recorded="off")
    off = 100 * abs(found.counts[0] / (ions * pulses) - 1)
    measured(f"Dead-time correction of a whole line as one channel, {ions:g} ions a pulse: off the truth by", off, "%",
             "<= 2")
    # At 3 ions a pulse 5 % of the pulses are empty: the error of their number is 2 %, of its logarithm 0.65 %.
    error = 100 * float(np.sqrt(found.variance[0])) / (ions * pulses)
    assert off < 4 * error
    assert off <= 2
    # Channel by channel gives the same sum.
    single = correct_dead_time(raw, pulses, 60, recorded="off")
    assert single.counts.sum() == pytest.approx(found.counts[0], rel=0.02)


def test_the_variance_of_a_line_as_one_channel(measured):
    pulses, ions, rng = 2000, 2.0, np.random.default_rng(8)
    first = [pulses - np.count_nonzero(rng.poisson(ions, pulses) == 0) for _ in range(2000)]
    found = correct_dead_time(np.array(first)[:, None], np.full(2000, float(pulses)), 0, recorded="off")
    ratio = float(np.var(found.counts, ddof=1) / np.mean(found.variance))
    measured("Dead-time correction of a line as one channel: variance in repeats over the formula", ratio, "",
             "0.9 to 1.1")
    assert ratio == pytest.approx(1.0, abs=0.1)


def test_nothing_is_lost_or_invented_by_the_simulation():
    rng = np.random.default_rng(2)
    channels = arrivals(LINES, 5000, rng, 100)
    truth = arrived(channels, 100)
    assert truth.sum() == pytest.approx(5000 * 1.65, rel=0.03)
    assert np.all(counted(channels, 0, 100) <= truth)
    assert counted(np.array([[3, 3, 5, 9, 20], [7, 20, 20, 20, 20]]), 5, 20).tolist()[3:10] == [1, 0, 0, 0, 1, 0, 1]
