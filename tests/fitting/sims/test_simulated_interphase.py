"""The simulated interphase: its counts are what its truth says, and its truth is what its layers say."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.sims.cube import profile_of
from fitting.sims.mass_calibration import SODIUM_CLUSTERS, Calibrant, calibrate, pick
from fitting.simulate.sims import interphase as interphase_
from fitting.simulate.sims import mass_spectrum as spectrum_
from fitting.simulate.sims.interphase import interphase, merged, relief, shares, total_time
from fitting.simulate.sims.phases import PHASES, yields
from libraries.ions import parse_ion


@pytest.fixture(scope="module")
def small():
    """Both cubes of 24 x 24 pixels with their truth."""
    return interphase(3, size=24, scans=40)


def test_layers_are_as_thick_as_the_table_says() -> None:
    """Even layers: shares cross half at the times at which each layer of its rate is gone; depth follows the rates."""
    edges = np.linspace(0.0, total_time(), 401)
    x, depth = shares(1.0, edges)
    time = edges[:-1] + np.diff(edges) / 2
    assert np.allclose(x.sum(axis=1), 1.0)
    bound = 0.0
    for layer, phase in enumerate(PHASES[:-1]):
        bound += phase.thickness
        below = x[:, layer + 1 :].sum(axis=1)
        at = np.interp(0.5, below, depth)
        # MRI moves the half by less than its mixing length.
        assert at == pytest.approx(bound, abs=interphase_.MIXING)
    assert depth[-1] == pytest.approx(sum(phase.thickness for phase in PHASES), rel=0.01)
    assert np.all(np.diff(np.interp(time, time, depth)) > 0)


def test_counts_follow_the_expected_ions(small) -> None:
    """Sums over all pixels against the binomial mean of the truth's shares: pulls near 1, saturation included."""
    positive, _, truth = small
    profile = profile_of(positive)
    mean = interphase_.expected(truth.fractions, "positive", truth.positive)
    pulses = interphase_.PULSES * 24 * 24
    plain = pulses * -np.expm1(-mean)
    # Pixels differ, so that the mean of what is counted is not quite what is counted at the mean.
    rare = mean.max(axis=0) < 0.05
    pulls = (profile.y - plain)[:, rare] / np.sqrt(plain[:, rare])
    assert abs(pulls.mean()) < 0.1
    assert 0.9 < pulls.std() < 1.15
    sodium = positive.axis.labels.index("Na+")
    assert profile.y[:, sodium].max() < 0.75 * pulses * mean[:, sodium].max()


def test_heavier_chlorine_follows_its_abundance() -> None:
    """IUPAC 1997: 24.22 % of 37Cl over 75.78 %."""
    table = yields("negative")
    light, heavy = table.ions.index("ClO-"), table.ions.index("^37ClO-")
    assert table.yields[:, heavy] == pytest.approx(table.yields[:, light] * 0.3196, rel=2e-3)
    two, one = table.ions.index("Cl-"), table.ions.index("^37Cl-")
    assert table.yields[0, one] == pytest.approx(table.yields[0, two] * 0.3196, rel=2e-3)


def test_relief_is_level_on_average() -> None:
    """Mean 1, so that the mean thickness is that of the table."""
    surface = relief(1, 64)
    assert surface.mean() == pytest.approx(1.0, abs=1e-12)
    assert surface.std() == pytest.approx(interphase_.UNEVEN, rel=1e-9)


def test_unresolved_ions_are_one_channel(small) -> None:
    """At m/dm 6000: the pairs of the project's ion list; counts are kept."""
    positive, negative, _ = small
    joined = merged(positive)
    said = [text for name, text in joined.meta.extra if name == "unresolved"]
    assert len(said) == 2
    assert {"Na3F2+", "Na2HCO3+"} == set(said[0].split(" or "))
    assert len(joined.axis) == len(positive.axis) - 2
    assert joined.counts.sum(dtype=np.int64) == positive.counts.sum(dtype=np.int64)
    labels = merged(negative).axis.labels
    assert "CHO3-" not in labels
    assert {"NaF2-", "Cl-", "^37Cl-"} <= set(labels)


def test_mass_spectrum_has_its_lines_where_the_law_says(small) -> None:
    """The preset's calibrants give back the law; a line that shadows itself lies early."""
    truth = small[2]
    spectrum = spectrum_.mass_spectrum(truth, "positive", size=24)
    picks = []
    for ion in map(parse_ion, SODIUM_CLUSTERS):
        at = spectrum_.SLOPE * np.sqrt(ion.mz) + spectrum_.OFFSET
        found = pick(spectrum.x, spectrum.y, at, 30)
        assert found.channel == pytest.approx(at, abs=5 * found.error + 0.05)
        picks.append(Calibrant(ion, found.channel, found.error))
    law = calibrate(picks)
    assert law.slope == pytest.approx(spectrum_.SLOPE, rel=1e-4)
    sodium = spectrum_.SLOPE * np.sqrt(22.98922) + spectrum_.OFFSET
    assert pick(spectrum.x, spectrum.y, sodium, 20).channel < sodium - 0.2


def test_dead_time_leaves_one_ion_of_a_pulse(small) -> None:
    """All counts of Na+ together are those pulses that had at least one: N (1 - exp(-ions a pulse))."""
    truth = small[2]
    spectrum = spectrum_.mass_spectrum(truth, "positive", size=24)
    place = truth.positive.ions.index("Na+")
    mean = interphase_.expected(truth.fractions, "positive", truth.positive)[:, place]
    pulses = interphase_.PULSES * 24 * 24
    centre = spectrum_.SLOPE * np.sqrt(truth.positive.masses[place]) + spectrum_.OFFSET
    near = np.abs(spectrum.x - centre) < 15
    assert spectrum.y[near].sum() == pytest.approx(np.sum(pulses * -np.expm1(-mean)), rel=0.01)
