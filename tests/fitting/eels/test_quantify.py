"""Quantification of simulated core losses with known numbers of atoms."""

import numpy as np
import pytest

from fitting.eels import quantify as lib
from fitting.eels.core_background import EdgeSignal, edge_signal, maximum_likelihood
from fitting.eels.cross_sections import differential, partial
from fitting.eels.kinematics import Beam
from libraries.edges import edge
from libraries.errors import BadData, NotDetermined

BEAM = Beam(200, 5, 10)
ENERGY = 150.0 + 0.25 * np.arange(2400)
I0 = 2e8
# atoms per nm^2 of boron nitride; windows start at the model's thresholds
ATOMS = {"B K": 300.0, "N K": 300.0}
FIT = {"B K": (155.0, 186.0), "N K": (340.0, 400.0)}
WIDTH = 40.0


def spectrum(atoms=ATOMS, level=2e4):
    """Expected counts: a power law and the edges, no plural scattering."""
    counts = level * (ENERGY / 200.0) ** -3.0
    for name, number in atoms.items():
        counts += I0 * number * 1e-10 * 0.25 * differential(edge(name), ENERGY, BEAM)
    return counts


def measure(counts, name, gain=1.0):
    """Signal of one edge in the window of its cross-section."""
    start = edge(name).energy
    law = maximum_likelihood(ENERGY, counts, FIT[name], gain=gain)
    signal = edge_signal(ENERGY, counts, law, (start, start + WIDTH), gain=gain)
    return lib.Measured(signal, partial(edge(name), WIDTH, BEAM))


def test_boron_alone_without_noise():
    counts = spectrum({"B K": 300.0})
    found = lib.areal_density(measure(counts, "B K"), I0)
    assert found.value == pytest.approx(300.0, rel=0.01)
    assert found.determined
    assert found.error > found.statistical
    assert found.budget.cross_section == 0.10
    assert found.error == pytest.approx(found.value * found.budget.total, rel=1e-9)


def test_atoms_and_their_error(measured):
    generator = np.random.default_rng(11)
    truth, pulls, errors = spectrum({"B K": 300.0}), [], []
    centre = lib.areal_density(measure(truth, "B K"), I0).value
    for _ in range(300):
        found = lib.areal_density(measure(2.0 * generator.poisson(truth / 2.0), "B K", gain=2.0), I0, gain=2.0)
        pulls.append((found.value - centre) / found.statistical)
        errors.append(found.statistical / found.value)
    assert abs(np.mean(pulls)) < 0.2
    assert np.std(pulls) == pytest.approx(1.0, abs=0.12)
    measured("atoms/nm2 of boron, pulls", np.std(pulls), "", "0.88 to 1.12")


def test_composition_of_boron_nitride(measured):
    # The nitrogen background is fitted on the boron edge's own power-law tail: 2 % of systematic error.
    truth = spectrum()
    found = lib.composition([measure(truth, name) for name in ATOMS])
    assert [share.element for share in found.shares] == ["B", "N"]
    assert sum(share.at_percent for share in found.shares) == pytest.approx(100.0)
    ratio, error = found.ratio("B", "N")
    assert ratio == pytest.approx(1.0, abs=0.05)
    # A ratio takes all causes of both: counting, extrapolation, and 10 % for each K shell.
    assert error == pytest.approx(ratio * np.hypot(*(share.budget.total for share in found.shares)), rel=1e-9)
    assert error > 0.141 * ratio
    measured("B/N of simulated boron nitride", ratio, "", "0.95 to 1.05")


def signal(counts, error, background=1e4, width=50.0, background_err=None):
    return EdgeSignal(counts, error, background, 0.5 * error if background_err is None else background_err,
                      (500.0, 500.0 + width))


def test_composition_written_out():
    # Amounts x = I/sigma, fraction f = x_a/(x_a + x_b): df = f (1 - f) (dx_a/x_a - dx_b/x_b).
    a, b = partial(edge("Ti L2,3"), 50, BEAM), partial(edge("O K"), 50, BEAM)
    edges = [lib.Measured(signal(4e4, 400.0), a), lib.Measured(signal(3e4, 600.0), b)]
    found = lib.composition(edges)
    xa, xb = 4e4 / a.value, 3e4 / b.value
    f = xa / (xa + xb)
    assert found.shares[0].at_percent == pytest.approx(100 * f)
    assert found.shares[0].statistical == pytest.approx(100 * f * (1 - f) * np.hypot(0.01, 0.02))
    assert found.shares[0].error == pytest.approx(100 * f * (1 - f) * np.sqrt(0.01**2 + 0.02**2 + 0.2**2 + 0.1**2))
    assert found.shares[1].budget.extrapolation == pytest.approx(0.01)
    assert found.shares[1].budget.statistical == pytest.approx(0.02)
    # Fully correlated counting errors of equal relative size cancel.
    together = np.array([[4e2, 3e2]]).T @ np.array([[4e2, 3e2]])
    assert lib.composition(edges, together).shares[0].statistical == pytest.approx(0.0, abs=1e-6)
    assert any("white lines" in text for text in found.warnings)


def test_faint_signals_have_limits():
    sigma = partial(edge("O K"), 50, BEAM)
    faint = lib.areal_density(lib.Measured(signal(100.0, 100.0), sigma), 1e8)
    assert not faint.determined
    below = lib.areal_density(lib.Measured(signal(-50.0, 100.0), sigma), 1e8)
    assert below.value < 0
    assert below.upper == pytest.approx(1.644854 * below.statistical)
    nothing = lib.areal_density(lib.Measured(signal(0.0, 100.0), sigma), 1e8)
    assert nothing.budget.counting == np.inf
    assert np.isfinite(nothing.error)
    carbon = lib.Measured(signal(4e4, 400.0), partial(edge("C K"), 50, BEAM))
    found = lib.composition([carbon, lib.Measured(signal(100.0, 100.0), sigma)])
    assert [share.determined for share in found.shares] == [True, False]
    with pytest.raises(NotDetermined, match="not significantly above zero"):
        found.ratio("C", "O")


def test_refuses():
    carbon = lib.Measured(signal(4e4, 400.0), partial(edge("C K"), 50, BEAM))
    for low in (0.0, -1.0, float("nan")):
        with pytest.raises(NotDetermined, match="low loss"):
            lib.areal_density(carbon, low)
    with pytest.raises(BadData, match="same window"):
        lib.areal_density(lib.Measured(signal(1.0, 1.0, width=40.0), carbon.cross_section), 1e6)
    with pytest.raises(BadData, match="two edges"):
        lib.composition([carbon, carbon])
    with pytest.raises(BadData, match="No edge"):
        lib.composition([])
    with pytest.raises(BadData, match="covariance"):
        lib.composition([carbon], np.eye(2))
    with pytest.raises(NotDetermined, match="no signal"):
        lib.composition([lib.Measured(signal(-5.0, 1.0), carbon.cross_section)])
    with pytest.raises(NotDetermined, match="N was not measured"):
        lib.composition([carbon]).ratio("C", "N")
    with pytest.raises(BadData, match="no error"):
        lib.areal_density(lib.Measured(signal(5.0, 0.0), carbon.cross_section), 1e6)
