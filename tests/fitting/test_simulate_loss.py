"""Inelastic losses and line shapes of the simulator against brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import voigt_profile

from fitting.simulate.lines import Line, maximum, primary
from fitting.simulate.loss import CARBON, NA_FILM, NA_PLASMON, UNDER_NA, UNIVERSAL, Loss, Term, background
from fitting.simulate.samples import xps_samples
from libraries.errors import BadModel

STEP = 0.05
LOSSES = (UNIVERSAL, CARBON, NA_FILM, UNDER_NA)
SIGMA = 1 / math.sqrt(8 * math.log(2))


def spike(size: int = 4000) -> np.ndarray:
    """A Gaussian line of area 1, 20 eV from the start."""
    x = STEP * np.arange(size)
    return np.exp(-0.5 * ((x - 20.0) / 0.4) ** 2) / (0.4 * math.sqrt(2 * math.pi))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda item: item.name)
def test_no_electron_is_lost_twice_or_made(loss):
    assert 0.0 < loss.probability <= 1.0
    # 0 to 5000 eV; the tail of 1/T^3 beyond holds 1e-4.
    assert loss.kernel(100_000, STEP).sum() == pytest.approx(loss.probability, rel=1e-3)
    assert np.all(loss.kernel(1000, STEP) >= 0.0)


def test_cross_sections_are_those_of_tougaard():
    # U2 integrates to B / 2C; its maximum lies at sqrt(C/3) = 23.4 eV.
    assert UNIVERSAL.probability == pytest.approx(2866.0 / (2 * 1643.0), rel=1e-6)
    T = np.arange(0.0, 100.0, 0.01)
    assert T[np.argmax(UNIVERSAL.terms[0].shape(T))] == pytest.approx(math.sqrt(1643.0 / 3), abs=0.02)
    silica = Term(325.0, 542.0, 275.0, 9.3)
    assert silica.shape(np.array([5.0, 9.2]))[1] == 0.0
    assert silica.shape(np.array([9.4]))[0] > 0.0


def test_too_much_loss_is_refused():
    with pytest.raises(BadModel, match="above 1"):
        Loss("polymer as published", (Term(434.0, 551.0, 436.0),), "Tougaard 1997")


@pytest.mark.parametrize("loss", LOSSES, ids=lambda item: item.name)
def test_multiple_scattering_is_the_series_of_single_scatterings(loss):
    # Each scattering moves intensity by at least one channel, so 400 channels need at most 400 orders.
    line, kernel = spike(1200), loss.kernel(1200, STEP)
    total, order = line.copy(), line
    for _ in range(60):
        order = np.convolve(order, kernel)[:1200]
        total += order
    assert loss.spectrum(line, STEP) == pytest.approx(total, rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda item: item.name)
def test_tougaards_formula_takes_the_losses_off_again(loss):
    line = spike(6_000)
    flux = loss.spectrum(line, STEP)
    left = flux - background(flux, loss, STEP)
    assert left == pytest.approx(line, abs=1e-9)
    assert np.max(np.abs(left[700:])) < 1e-9  # nothing beyond the peak, 15 eV from it on
    assert np.max(flux[700:]) > 1e-3


def test_all_electrons_come_out_in_the_end():
    # Sum over all orders: 1 / (1 - p). Losses add up to thousands of eV only in a vanishing share.
    short = Loss("short", (Term(1.0, 25.0, 25.0, probability=0.5),), "test")
    assert short.spectrum(spike(40_000), STEP).sum() * STEP == pytest.approx(2.0, rel=1e-3)


def test_plasmons_of_sodium_stand_at_equal_distance_and_decay():
    flux = NA_FILM.spectrum(spike(), STEP)
    x = STEP * np.arange(flux.size) - 20.0
    tops, heights = [], []
    for n in (1, 2, 3):
        near = np.abs(x - n * NA_PLASMON) < 1.5
        tops.append(x[near][np.argmax(flux[near])])
        heights.append(flux[near].max())
    assert tops == pytest.approx([5.8, 11.6, 17.4], abs=0.25)
    assert np.diff([0.0, *tops]) == pytest.approx(5.8, abs=0.2)
    assert heights[0] > 2 * heights[1] > 4 * heights[2]


@pytest.mark.parametrize("position", [800.0, 800.013, 811.987])
def test_symmetric_line_is_a_voigt_of_its_area(position):
    y = primary([Line(position, 7.0, 0.9, 0.28)], 0.0, STEP, 2**15)
    x = STEP * np.arange(2**15)
    # The Lorentzian tail of the neighbouring period is 1e-6 high.
    assert y == pytest.approx(7.0 * voigt_profile(x - position, 0.9 * SIGMA, 0.14), abs=3e-6)
    assert y.sum() * STEP == pytest.approx(7.0, rel=1e-9)


def test_asymmetric_line_has_its_area_its_maximum_and_its_tail():
    line = Line(100.0, 3.0, 0.5, 0.1, asymmetry=0.12, cutoff=4.0)
    y = primary([line], 0.0, STEP, 8192)
    x = STEP * np.arange(8192)
    assert y.sum() * STEP == pytest.approx(3.0, rel=1e-9)
    # The mean of the gamma distribution of electron-hole pairs is asymmetry * cutoff.
    near = np.abs(x - 100.0) < 90.0
    start = 100.0 - maximum(0.5, 0.1, 0.12, 4.0)
    assert ((x - start) * y)[near].sum() / y[near].sum() == pytest.approx(0.12 * 4.0, abs=0.02)
    top = np.argmax(y)
    parabola = 0.5 * (y[top - 1] - y[top + 1]) / (y[top - 1] - 2 * y[top] + y[top + 1])
    assert x[top] + STEP * parabola == pytest.approx(100.0, abs=0.005)
    assert y[x > 102.0].sum() > 3 * y[x < 98.0].sum()  # the tail lies at high binding energy


def test_asymmetric_line_follows_doniach_and_sunjic_near_its_threshold():
    # With a narrow Gaussian and far inside the cut-off the line is the Doniach-Sunjic formula.
    a, gamma = 0.15, 0.8
    y = primary([Line(400.0, 1.0, 0.2, 2 * gamma, asymmetry=a, cutoff=200.0)], 0.0, STEP, 2**15)
    x = STEP * np.arange(2**15) - (400.0 - maximum(0.2, 2 * gamma, a, 200.0))
    near = (x > -3.0) & (x < 5.0)
    shape = np.cos(np.pi * a / 2 - (1 - a) * np.arctan(x / gamma)) / (x**2 + gamma**2) ** ((1 - a) / 2)
    ratio = y[near] / shape[near]
    assert ratio / ratio.mean() == pytest.approx(1.0, abs=0.05)


def test_lines_of_the_samples_are_wide_enough_for_the_grid():
    for sample in xps_samples():
        assert min(state.gauss for state in sample.states) >= 0.25
