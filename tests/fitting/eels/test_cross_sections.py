"""Cross-sections against SIGMAK3 and SIGMAL3, the models against one another, and limits."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from fitting.eels import cross_sections as lib
from fitting.eels import hydrogenic
from fitting.eels.kinematics import Beam, Constants
from libraries.edges import edge
from libraries.errors import BadData, NotDetermined, UnknownName

# Egerton's programs: R = 13.606 eV and 3.5166e8 barn for 4 pi a0^2.
EGERTON = Constants(13.606, np.sqrt(3.5166e8 / (4 * np.pi * 1e10)), 511060.0, "Egerton 2011, appendix B")
SIGMAK = "Sigmak3 (Egerton 2011, appendix B; science notes E2)"
SIGMAL = "Sigmal3 (Egerton 2011, appendix B; science notes E2)"

# edge, threshold of the call, window, E0, beta, white lines, barn, relative tolerance, source
ANCHORS = [
    ("C K", 284, 100, 100, 10, False, 6148.51, 5e-5, SIGMAK),
    ("B K", 188, 50, 300, 4.12, False, 5167.47, 5e-5, SIGMAK),
    ("N K", 401, 50, 300, 4.12, False, 936.33, 5e-5, SIGMAK),
    ("O K", 532, 50, 300, 4.12, False, 470.75, 5e-5, SIGMAK),
    ("Na K", 1072, 50, 200, 10, False, 133.18, 5e-5, SIGMAK),
    ("Ti L2,3", 455, 100, 80, 10, True, 7924.49, 5e-5, SIGMAL),
    ("Ti L2,3", 455, 50, 300, 4.12, True, 2638.06, 5e-5, SIGMAL),
    ("V L2,3", 513, 50, 200, 10, True, 3161.76, 5e-5, SIGMAL),
    ("Fe L2,3", 710, 50, 200, 10, True, 1271.51, 5e-5, SIGMAL),
    ("Ti L2,3", 455, 50, 300, 4.12, False, 1892.3, 5e-4, "Sigmal3 without white lines (science notes E2)"),
    ("V L2,3", 513, 50, 200, 10, False, 2266.5, 5e-4, "Sigmal3 without white lines (science notes E2)"),
]


def at(name, threshold):
    """The edge with the threshold that Egerton's call was given."""
    return replace(edge(name), energy=float(threshold))


def ten_steps(ionised, threshold, window, beam, white_lines):
    """Egerton's own integration: ten steps, a power law in each."""
    energy = threshold + 0.1 * window * np.arange(11)
    curve = lib.differential(ionised, energy, beam, white_lines=white_lines, convergent=False)
    slope = np.log(curve[:-1] / curve[1:]) / np.log(energy[1:] / energy[:-1])
    return np.sum((energy[1:] * curve[1:] - energy[:-1] * curve[:-1]) / (1.0 - slope))


@pytest.mark.parametrize(("name", "threshold", "window", "e0", "beta", "lines", "barn", "accuracy", "source"), ANCHORS)
def test_check_values(name, threshold, window, e0, beta, lines, barn, accuracy, source):
    ionised = at(name, threshold)
    found = ten_steps(ionised, threshold, window, Beam(e0, 0, beta, EGERTON), lines)
    assert found == pytest.approx(barn, rel=accuracy), source
    # CODATA constants: 4 pi a0^2 alone is 6.5e-4 larger than Egerton's.
    scale = 3.518895e8 / 3.5166e8
    codata = ten_steps(ionised, threshold, window, Beam(e0, 0, beta), lines)
    assert codata == pytest.approx(scale * barn, rel=accuracy + 5e-4)


@pytest.mark.parametrize(("name", "threshold", "window", "e0", "beta", "barn"),
                         [(row[0], *row[1:5], row[6]) for row in ANCHORS if row[0].endswith(" K")])
def test_k_shells_integrated_exactly(name, threshold, window, e0, beta, barn):
    found = lib.partial(at(name, threshold), window, Beam(e0, 0, beta, EGERTON))
    assert found.value == pytest.approx(barn, rel=2e-4)
    assert (found.model, found.relative_error) == ("hydrogenic", 0.10)


def test_carbon_at_384_ev():
    # dsigma/dE at 384 eV 32.0497 barn/eV, Sigmak3(6,284,100,100,10)
    found = lib.differential(at("C K", 284), np.array([283.0, 384.0]), Beam(100, 0, 10, EGERTON))
    assert found[0] == 0.0
    assert found[1] == pytest.approx(32.0497, rel=5e-5)


def test_parametrised_boron():
    # Sigpar(5,50,K,100,5): 6.57e-21 cm^2, 15 % accurate (Egerton 2011, appendix B)
    found = lib.partial(edge("B K"), 50, Beam(100, 0, 5))
    assert found.nm2 * 1e-14 == pytest.approx(6.57e-21, rel=0.15)


@pytest.mark.parametrize("name", ["C K", "Na K", "V L2,3", "Fe L2,3"])
def test_integration_is_good_to_1e_4(name, measured):
    ionised, beam = edge(name), Beam(200, 3, 10)
    start = lib.threshold(ionised, lib.default_model(ionised))
    cuts = [start, start + 0.01, start + 0.2, start + 2.0, start + 50.0]
    edges = sorted({*cuts, *(c for c in lib._cuts(ionised, lib.default_model(ionised), start, start + 50.0))})
    fine = sum(
        quad(lambda e: lib.differential(ionised, np.array([e]), beam)[0], a, b, epsrel=1e-6, limit=100)[0]
        for a, b in pairwise(edges)
    )
    off = abs(lib.partial(ionised, 50.0, beam).value / fine - 1)
    assert off < 1e-4
    measured(f"integration error of the cross-section of {name}", off, "", "<= 1e-4")


@pytest.mark.parametrize("name", ["Na L2,3", "Zr L2,3", "La M4,5"])
def test_dipole_integration(name):
    # xraylib interpolates a table, so a fine trapezoidal sum is the judge.
    ionised, beam = edge(name), Beam(200, 3, 10)
    energy = lib.threshold(ionised, "dipole") + np.linspace(0.0, 50.0, 5001)
    fine = np.trapezoid(lib.differential(ionised, energy, beam), energy)
    assert lib.partial(ionised, 50.0, beam).value == pytest.approx(fine, rel=1e-3)


# ratio dipole / hydrogenic: 0.90-0.96 for K edges; 1.04 P, 1.00 Ti, 1.02 V, 1.20 Fe L2,3 without white lines; science
# notes E0. Conditions are not given there, so a few per cent are left; ten-step integration moves L by 2 %.
@pytest.mark.parametrize(("name", "low", "high"), [
    ("B K", 0.88, 0.98), ("C K", 0.88, 0.98), ("N K", 0.88, 0.98), ("O K", 0.88, 0.98), ("F K", 0.88, 0.98),
    ("Na K", 0.88, 0.98), ("P L2,3", 0.98, 1.10), ("Ti L2,3", 0.96, 1.04), ("V L2,3", 0.96, 1.05),
    ("Fe L2,3", 1.12, 1.24),
])
def test_dipole_against_hydrogenic(name, low, high):
    beam = Beam(200, 0, 5)
    ratio = lib.partial(edge(name), 50, beam, model="dipole").value / lib.partial(edge(name), 50, beam).value
    assert low <= ratio <= high


def test_k_strength_sums_to_the_electrons_of_a_free_hydrogen_atom():
    # Z = 1 is exact: continuum oscillator strength of hydrogen 0.4350 (Bethe & Salpeter 1957).
    rydberg = 13.605693
    def optical(e):
        return float(hydrogenic.k_shell(1, np.array([e]), np.array([1e-9]), rydberg)[0])
    total = quad(optical, rydberg, 200.0, limit=200)[0] + quad(optical, 200.0, 1e5, limit=200)[0]
    assert total == pytest.approx(0.4350, abs=2e-4)


def test_bethe_sum_at_large_momentum():
    # At large q all electrons are ejected: 2 of the K shell.
    z, rydberg = 6, 13.605693
    for q in (200.0, 800.0):
        ridge = q * rydberg
        def at_q(e, q=q):
            return float(hydrogenic.k_shell(z, np.array([e]), np.array([q]), rydberg)[0])
        total = quad(at_q, 412.0, 10 * ridge, points=[ridge], limit=400)[0]
        assert total == pytest.approx(2.0, rel=0.03)


def test_smooth_where_the_wave_number_vanishes():
    for z, strength, turn in ((6, hydrogenic.k_shell, 13.6 * 5.5**2), (23, hydrogenic.l_shell, 13.6 * 18.85**2 / 4)):
        energy = turn * (1 + np.array([-1e-3, -1e-5, -1e-8, 0.0, 1e-8, 1e-5, 1e-3]))
        found = strength(z, energy, np.full(7, 2.0), 13.6)
        # monotone course, no step at k = 0
        assert np.ptp(found) < 6e-3 * found[3]
        assert np.ptp(found[1:6]) < 6e-5 * found[3]


def test_white_lines_count_only_where_asked():
    beam = Beam(200, 0, 10)
    plain, lifted = (lib.partial(edge("V L2,3"), 50, beam, white_lines=w) for w in (False, True))
    assert 1.3 < lifted.value / plain.value < 1.4
    assert any("white lines" in text for text in plain.warnings)
    assert not lifted.warnings
    sodium = [lib.partial(edge("Cu L2,3"), 50, beam, white_lines=w).value for w in (False, True)]
    assert sodium[0] == sodium[1]


def test_onset_moves_the_curve():
    beam, ionised = Beam(200, 0, 10), edge("C K")
    energy = np.array([290.0, 300.0, 350.0])
    moved = lib.differential(ionised, energy + 4.0, beam, onset=ionised.energy + 4.0)
    # the same strength at a slightly larger loss: R^2/(T E) is taken at the model's own energy
    assert moved == pytest.approx(lib.differential(ionised, energy, beam), rel=1e-12)


def test_models_and_errors():
    assert lib.default_model(edge("V L2,3")) == "hydrogenic"
    assert lib.default_model(edge("Na L2,3")) == "dipole"
    assert lib.default_model(edge("La M4,5")) == "dipole"
    assert lib.partial(edge("La M4,5"), 40, Beam(200, 0, 10)).relative_error == 0.2
    with pytest.raises(NotDetermined, match="collection angle"):
        lib.partial(edge("C K"), 50, Beam(200, 0))
    with pytest.raises(NotDetermined, match="convergence angle"):
        lib.partial(edge("C K"), 50, Beam(200, None, 5))
    with pytest.raises(BadData, match="window"):
        lib.partial(edge("C K"), 0, Beam(200, 0, 5))
    with pytest.raises(NotDetermined, match="no hydrogenic model"):
        lib.partial(edge("La M4,5"), 40, Beam(200, 0, 10), model="hydrogenic")
    with pytest.raises(NotDetermined, match="13 to 36"):
        lib.partial(edge("Na L2,3"), 40, Beam(200, 0, 10), model="hydrogenic")
    with pytest.raises(BadData, match="larger than the beam energy"):
        lib.differential(edge("Na K"), np.array([1100.0, 3000.0]), Beam(2, 0, 10))


def test_edge_names():
    assert edge("VL23") == edge("V_L2,3") == edge("V L3")
    assert edge("V L2,3").name == "V L2,3"
    assert edge("C K").energy == pytest.approx(284, abs=1)
    for bad in ("V", "V L4", "V X", "Qq K", "C L5,6", "H L2,3"):
        with pytest.raises(UnknownName):
            edge(bad)
