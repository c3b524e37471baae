"""Band gaps of onsets with known truth."""

import numpy as np
import pytest
from scipy.integrate import quad

from fitting.eels.band_gap import EXPONENTS, band_gap, cerenkov
from fitting.eels.kinematics import Beam
from libraries.errors import BadData, NotDetermined

STEP = 0.05
ENERGY = STEP * np.arange(20, 300)
LINE_X = STEP * np.arange(-20, 21)
LINE = np.exp(-4 * np.log(2) * (LINE_X / 0.3) ** 2)


def onset(gap, exponent, height=400.0):
    """c (E - Eg)^p broadened by the Gaussian line of 0.3 eV, by direct integration."""
    sigma = 0.3 / np.sqrt(8 * np.log(2))

    def at(energy):
        top = energy - gap
        if top < -6 * sigma:
            return 0.0
        weight = lambda u: np.exp(-0.5 * (u / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))  # noqa: E731
        return quad(lambda u: max(top - u, 0.0) ** exponent * weight(u), -6 * sigma, min(6 * sigma, top))[0]

    return height * np.array([at(e) for e in ENERGY])


@pytest.mark.parametrize("kind", ["direct", "indirect"])
@pytest.mark.parametrize("gap", [3.31, 4.5])
def test_gap_is_found_without_noise(kind, gap):
    truth = onset(gap, EXPONENTS[kind])
    found = band_gap(ENERGY, truth, np.maximum(truth, 1.0), (gap - 1.5, gap + 2.0), kind, line=(LINE_X, LINE))
    assert found.gap == pytest.approx(gap, abs=0.01)
    assert found.window_error < 0.02
    assert found.curve == pytest.approx(np.interp(found.energy, ENERGY, truth), abs=4.0)


def test_pulls_and_coverage(measured):
    generator = np.random.default_rng(4)
    truth, background = onset(4.5, 0.5), 30.0  # a removed tail leaves its noise behind
    pulls, covered = [], 0
    for _ in range(60):
        losses = generator.poisson(truth + background) - background
        found = band_gap(ENERGY, losses, truth + background, (2.5, 6.5), "direct", line=(LINE_X, LINE))
        pulls.append((found.gap - 4.5) / found.fit.error)
        covered += abs(found.gap - 4.5) < 1.96 * found.error
    assert abs(np.mean(pulls)) < 0.3
    assert 0.85 < np.std(pulls) < 1.2
    assert covered / 60 > 0.9
    measured("band gap, width of the pulls", np.std(pulls), "", "0.85 to 1.2")
    measured("band gap, coverage of 95 % intervals", covered / 60, "", "> 0.9")


def test_window_sensitivity_sees_a_wrong_exponent():
    truth = onset(4.5, 0.5)
    variance = np.maximum(truth, 1.0)
    right, wrong = (band_gap(ENERGY, truth, variance, (3.0, 7.0), kind, line=(LINE_X, LINE))
                    for kind in ("direct", "indirect"))
    assert wrong.window_error > 5 * right.window_error
    assert wrong.fit.reduced_chi2 > 2
    assert any("shorter window" in text for text in wrong.warnings)


def test_cerenkov_threshold():
    # v/c of 200 kV electrons is 0.6953 (Egerton 2011, appendix), so the limit is n = 1.438
    beam = Beam(200, 5, 10)
    assert any("are possible" in text for text in cerenkov(beam, 1.9))
    assert not cerenkov(beam, 1.43)
    assert "1.44" in cerenkov(beam, None)[0]
    assert "not known" in cerenkov(Beam(), 2.0)[0]


def test_refuses():
    flat = np.zeros_like(ENERGY)
    ones = np.ones_like(ENERGY)
    with pytest.raises(NotDetermined, match="No onset"):
        band_gap(ENERGY, flat, ones, (3, 6), "direct")
    with pytest.raises(NotDetermined, match="too few"):
        band_gap(ENERGY, ENERGY, ones, (3, 3.2), "direct")
    with pytest.raises(BadData, match="direct or indirect"):
        band_gap(ENERGY, ENERGY, ones, (3, 6), "optical")
    with pytest.raises(BadData, match="shape"):
        band_gap(ENERGY, ENERGY[1:], ones, (3, 6), "direct")
    with pytest.raises(BadData, match="evenly"):
        band_gap(ENERGY**2, ENERGY, ones, (3, 6), "direct")
