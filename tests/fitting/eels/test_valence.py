"""Valence: from a line through known states and from mixtures of references; intervals that cover, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fitting.eels.reference_mix import Edge, mix_of
from fitting.eels.valence import Calibration, State, line_of, valence_of
from libraries.errors import NotDetermined
from libraries.white_lines import cited_positions
from tests.fitting.eels.fine_made import vanadium

ENERGY = np.arange(508.0, 528.0, 0.1)


def table(slope=0.7, error=0.02, valences=(3.0, 4.0, 5.0), rng=None):
    energies = [510.0 + slope * (v - 3.0) + (0.0 if rng is None else rng.normal(0, error)) for v in valences]
    states = tuple(State(f"V{v:g}+", v, e, error) for v, e in zip(valences, energies, strict=True))
    return Calibration("made", "V L2,3", "l3_onset", "O K", states)


def test_exact_positions_give_exact_valences():
    for truth in (3.0, 3.5, 4.2, 5.0):
        found = valence_of(510.0 + 0.7 * (truth - 3.0), 0.005, table())
        assert found.value == pytest.approx(truth, abs=1e-9)
        assert found.low < truth < found.high
    line = line_of(table())
    assert (line.slope, line.level) == (pytest.approx(0.7), pytest.approx(510.7))
    # Two energies with error s, two units apart: the slope's error is s / sqrt(2).
    assert line.slope_error == pytest.approx(0.02 / np.sqrt(2), rel=1e-6)


def test_intervals_cover_for_any_slope(measured):
    """Slopes from 0.4 to 1.0 eV a unit, references and sample with errors of their own."""
    rng = np.random.default_rng(8)
    inside, off, count = 0, [], 1500
    for _ in range(count):
        slope, truth = rng.uniform(0.4, 1.0), rng.uniform(3.0, 5.0)
        calibration = table(slope, 0.02, rng=rng)
        found = valence_of(510.0 + slope * (truth - 3.0) + rng.normal(0, 0.01), 0.01, calibration)
        inside += found.low <= truth <= found.high
        off.append(abs(found.value - truth))
    assert 0.93 < inside / count < 0.995
    measured("valence by calibration: 95 % intervals that cover", inside / count, "", "0.93-0.995")
    measured("valence by calibration: 95 % of deviations below", float(np.quantile(off, 0.95)), "", "<= 0.15")
    assert np.quantile(off, 0.95) < 0.15


def test_a_bend_of_the_states_widens_the_error():
    straight, bent = table(), table()
    states = (*bent.states[:2], replace(bent.states[2], energy=512.6))
    bent = replace(bent, states=states)
    # At a state nothing has to be bridged.
    assert valence_of(510.7, 0.01, bent).error == pytest.approx(valence_of(510.7, 0.01, straight).error, rel=0.05)
    assert valence_of(510.35, 0.01, bent).error > 1.5 * valence_of(510.35, 0.01, straight).error


def test_what_calibrates_nothing_is_refused():
    with pytest.raises(NotDetermined, match="two valences"):
        line_of(table(valences=(3.0,)))
    with pytest.raises(NotDetermined, match="cannot be told from zero"):
        valence_of(510.1, 0.01, table(slope=0.01))
    with pytest.raises(NotDetermined, match="not determined"):
        valence_of(np.nan, 0.01, table())
    bare = replace(table(valences=(3.0, 4.0)), states=tuple(
        replace(s, error=np.nan) for s in table(valences=(3.0, 4.0)).states))
    with pytest.raises(NotDetermined, match="no errors"):
        line_of(bare)
    assert "beyond all references" in valence_of(513.0, 0.01, table()).notes[-1]


def test_shipped_numbers_say_that_nobody_read_them():
    assert {row.confidence for row in cited_positions()} == {"unverified"}
    assert all("memory" in row.source for row in cited_positions())


def edge(valence, rng, *, known=True, height=3000.0, below=20000.0, wrong=0.0):
    """An edge above a subtracted background that was `wrong` parts too small."""
    expected = height * vanadium(ENERGY, valence) * (ENERGY < 560)
    background = np.full(ENERGY.size, below)
    counts = rng.poisson(expected + background) - background * (1.0 - wrong)
    return Edge(f"V{valence:g}", ENERGY, counts, expected + background, background, valence if known else np.nan)


def mixture(share, rng, **changes):
    parts = [vanadium(ENERGY, v) for v in (3.0, 4.0)]
    norms = [p.sum() for p in parts]
    mean = sum(norms) / 2
    expected = 3000.0 * mean * ((1 - share) * parts[0] / norms[0] + share * parts[1] / norms[1])
    one = edge(3.0, rng, known=False, **changes)
    background = one.background
    wrong = changes.get("wrong", 0.0)
    counts = rng.poisson(expected + background) - background * (1.0 - wrong)
    return replace(one, counts=counts, variance=expected + background)


@pytest.mark.parametrize("share", [0.0, 0.08, 0.5, 1.0])
def test_shares_of_mixtures_cover(share, measured):
    """95 % intervals of the mean valence, also where a share is zero; a wrong background does not count."""
    rng, inside, off = np.random.default_rng(int(100 * share) + 1), 0, []
    for number in range(120):
        references = (edge(3.0, rng), edge(4.0, rng))
        sample = mixture(share, rng, wrong=0.02 if number % 2 else 0.0)
        found = mix_of(sample, references, (509.0, 527.0), (509.0, 527.0))
        assert np.sum(found.shares) == pytest.approx(1.0)
        assert np.all(found.shares >= 0)
        inside += found.valence.low <= 3.0 + share <= found.valence.high
        off.append(found.valence.value - 3.0 - share)
    assert inside / 120 > 0.88
    assert np.max(np.abs(off)) < 0.15
    measured(f"valence by mixture, share {share:g}: intervals that cover", inside / 120, "", ">= 0.88")


def test_a_common_shift_is_found_and_taken_out():
    rng = np.random.default_rng(4)
    references = (edge(3.0, rng, height=30000.0), edge(4.0, rng, height=30000.0))
    sample = mixture(0.5, rng)
    moved = replace(sample, energy=sample.energy + 0.25)
    found = mix_of(moved, references, (509.5, 527.0), (509.5, 527.0), shift=True)
    assert found.shift == pytest.approx(0.25, abs=4 * found.shift_error + 0.02)
    assert found.valence.value == pytest.approx(3.5, abs=0.12)


def test_mixtures_that_cannot_be():
    rng = np.random.default_rng(5)
    one = edge(3.0, rng)
    with pytest.raises(NotDetermined, match="two references"):
        mix_of(one, (one,), (509.0, 527.0), (509.0, 527.0))
    with pytest.raises(NotDetermined, match="told apart"):
        mix_of(one, (one, replace(one, valence=4.0)), (509.0, 527.0), (509.0, 527.0))
    with pytest.raises(NotDetermined, match="does not reach"):
        mix_of(
            replace(one, energy=one.energy - 3.0), (one, edge(4.0, rng)), (505.5, 520.0), (509.0, 520.0))
