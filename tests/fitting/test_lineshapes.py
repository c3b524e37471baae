"""The line shapes against independent formulas and brute force; what holds for all shapes is in test_shapes.py."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import voigt_profile, wofz

from fitting.lineshapes import (
    doniach_sunjic,
    doniach_sunjic_gradient,
    gl_product,
    gl_product_gradient,
    gl_sum,
    gl_tail,
    plasmon_total,
    plasmon_train,
    voigt,
    voigt_gradient,
)
from fitting.lineshapes.damped_power import damped_power
from fitting.lineshapes.gauss_lorentz import gl_product_integral
from libraries.errors import BadModel

SIGMA = 1 / math.sqrt(8 * math.log(2))


def brute_doniach(x, position, fwhm_l, a, fwhm_g):
    """The line without height, convolved by a plain dense sum: no code in common with the program."""
    g, sigma = fwhm_l / 2, SIGMA * fwhm_g
    nodes, weights = np.polynomial.legendre.leggauss(40)
    edges = np.linspace(-9 * sigma, 9 * sigma, max(60, int(18 * sigma / g)) + 1)
    half = 0.5 * np.diff(edges)[:, None]
    shift = (edges[:-1, None] + half * (1 + nodes)).ravel()
    weight = (half * weights).ravel() * np.exp(-0.5 * (shift / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    u = position - (x[:, None] - shift)  # kinetic energies run against binding energies
    raw = np.cos(np.pi * a / 2 + (1 - a) * np.arctan(u / g)) / (g * g + u * u) ** ((1 - a) / 2)
    return raw @ weight


# Integral over t = (x - x0)/F; a number per mix as CasaXPS users know them, to the digits given.
@pytest.mark.parametrize(
    ("mix", "integral"), [(0.0, 1.0645), (0.3, 1.0420), (0.5, 1.0620), (0.7, 1.1139), (1.0, 1.5708)]
)
def test_gl_product_integral_known(mix, integral):
    assert gl_product_integral(mix)[0] == pytest.approx(integral, abs=5e-5)


@pytest.mark.parametrize("mix", [0.0, 1e-12, 1e-6, 5e-3, 0.00999, 0.01001, 0.02, 0.1, 0.3, 0.77, 0.99, 0.9999, 1.0])
def test_gl_product_integral_by_quadrature(mix):
    def form(t):
        return math.exp(-4 * math.log(2) * (1 - mix) * t * t) / (1 + 4 * mix * t * t)

    def by_mix(t):
        return form(t) * t * t * (4 * math.log(2) - 4 / (1 + 4 * mix * t * t))

    integral, slope = gl_product_integral(mix)
    assert integral == pytest.approx(2 * quad(form, 0, np.inf, epsabs=1e-12, limit=500)[0], rel=1e-9)
    if mix < 0.9999:
        assert slope == pytest.approx(2 * quad(by_mix, 0, np.inf, epsabs=1e-12, limit=500)[0], rel=1e-7, abs=1e-9)


def test_gl_product_is_finite_at_the_lorentzian_end():
    value, gradient = gl_product_gradient(np.linspace(-5, 5, 11), 100.0, 0.0, 1.0, 1.0)
    assert np.all(np.isfinite(gradient))
    lorentz = 100 * 2 / math.pi / (1 + 4 * np.linspace(-5, 5, 11) ** 2)
    np.testing.assert_allclose(value, lorentz, rtol=1e-12)


def test_gl_sum_height():
    # science: area F [(1-m) 1.064467 + m pi/2]
    value = gl_sum(np.array([10.0]), 2.0 * (0.7 * 1.064467 + 0.3 * math.pi / 2), 10.0, 2.0, 0.3)
    assert value[0] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("fwhm_g", "fwhm_l"), [(1.0, 0.5), (0.05, 1.0), (1.0, 0.001), (0.3, 3.0), (1.0, 0.0)])
def test_voigt_against_scipy(fwhm_g, fwhm_l):
    x = np.linspace(-30, 30, 2001)
    ours = voigt(x, 1.0, 0.0, fwhm_g, fwhm_l)
    theirs = voigt_profile(x, SIGMA * fwhm_g, fwhm_l / 2)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12 * theirs.max())


def test_voigt_without_gaussian_is_a_lorentzian():
    x = np.linspace(-10, 10, 201)
    lorentz = 1 / math.pi * 0.4 / (0.16 + x * x)
    for fwhm_g in (0.0, 1e-9, 1e-4):
        value, gradient = voigt_gradient(x, 1.0, 0.0, fwhm_g, 0.8)
        np.testing.assert_allclose(value, lorentz, rtol=1e-6)
        assert np.all(np.isfinite(gradient))


def test_no_width_at_all_is_refused():
    x = np.linspace(-1, 1, 5)
    with pytest.raises(BadModel, match="width"):
        voigt(x, 1.0, 0.0, 0.0, 0.0)
    with pytest.raises(BadModel, match="width"):
        doniach_sunjic(x, 1.0, 0.0, 0.0, 0.1, 0.0)


@pytest.mark.parametrize("s", [1.0, 0.75, 0.51])
def test_damped_power_series_meets_quadrature(s):
    d = np.linspace(7.9, 8.1, 41)
    for g in (1e-3, 0.3, 1.0):
        power = damped_power(g, d, 1.0, s)
        for row in (power.value, power.by_q, power.by_s):
            smooth = np.polynomial.Polynomial.fit(d, row.real, 6)(d)
            np.testing.assert_allclose(row.real, smooth, atol=1e-9 * np.abs(row).max())


def test_damped_power_against_faddeeva():
    d = np.linspace(-20, 20, 401)
    q = 0.2 + 1j * d
    exact = math.sqrt(math.pi / 2) / 0.7 * wofz(1j * q / (0.7 * math.sqrt(2)))
    np.testing.assert_allclose(damped_power(0.2, d, 0.7, 1.0).value, exact, rtol=1e-10)


@pytest.mark.parametrize(
    ("fwhm_l", "a", "fwhm_g"),
    [(0.3, 0.1, 0.8), (0.02, 0.2, 0.6), (1.0, 0.35, 0.05), (0.5, 0.49, 1.5), (0.2, 0.0, 0.4), (0.005, 0.1, 1.0)],
)
def test_doniach_against_brute_force(fwhm_l, a, fwhm_g, measured):
    x = np.sort(np.concatenate([np.linspace(-15, 15, 31), np.array([0.013, 0.41, 3.333, 60.0])]))
    expected = brute_doniach(x, 0.37, fwhm_l, a, fwhm_g)
    near = np.linspace(-0.5, 2.5, 101)
    top = np.max(brute_doniach(near, 0.37, fwhm_l, a, fwhm_g))
    ours = doniach_sunjic(x, 1.0, 0.37, fwhm_l, a, fwhm_g)
    # The proportions are exact, whatever the height is.
    np.testing.assert_allclose(ours / ours.max(), expected / expected.max(), atol=1e-9)
    assert ours.max() * top / expected.max() == pytest.approx(1.0, abs=2e-3)  # `top` is from a grid
    measured(
        f"Doniach-Sunjic convolution, L {fwhm_l} G {fwhm_g} a {a}: worst error of maximum",
        np.max(np.abs(ours / ours.max() - expected / expected.max())),
        limit="<= 1e-9",
    )


def test_doniach_without_gaussian_is_the_published_formula():
    x = np.linspace(-20, 20, 401)
    g, a = 0.25, 0.15
    u = -x
    raw = np.cos(np.pi * a / 2 + (1 - a) * np.arctan(u / g)) / (g * g + u * u) ** ((1 - a) / 2)
    place = g / math.tan(math.pi / (2 - a))  # Doniach & Sunjic: maximum at x0 + g cot(pi/(2-a)) in kinetic energy
    top = math.cos(math.pi * a / 2 + (1 - a) * math.atan(place / g)) / (g * g + place**2) ** ((1 - a) / 2)
    np.testing.assert_allclose(doniach_sunjic(x, 3.0, 0.0, 2 * g, a, 0.0), 3 * raw / top, rtol=1e-10)


def test_doniach_height_is_the_maximum():
    for a in (0.0, 0.1, 0.3, 0.49):
        x = np.linspace(-1, 2, 30001)
        value, gradient = doniach_sunjic_gradient(x, 50.0, 0.0, 0.3, a, 0.7)
        assert value.max() == pytest.approx(50.0, rel=1e-7)
        # At the maximum nothing but the height changes the value.
        np.testing.assert_allclose(gradient[1:, value.argmax()], 0.0, atol=0.02)


def test_doniach_tail_lies_at_high_binding_energy():
    low, high = doniach_sunjic(np.array([-8.0, 8.0]), 1.0, 0.0, 0.4, 0.15, 0.5)
    assert high > 3 * low


def test_doniach_symmetric_is_a_voigt():
    x = np.linspace(-10, 10, 301)
    ours = doniach_sunjic(x, 1.0, 0.0, 0.4, 0.0, 0.8)
    other = voigt(x, 1.0, 0.0, 0.8, 0.4)
    np.testing.assert_allclose(ours, other / voigt(np.zeros(1), 1.0, 0.0, 0.8, 0.4), rtol=1e-9)


def test_plasmon_train_is_a_sum_of_lines():
    x = np.linspace(1065, 1120, 300)
    train = plasmon_train(x, 1000.0, 1071.8, 1.2, 0.3, 5.8, 0.4, 0.6)
    lines = sum(gl_sum(x, 1000 * 0.4**n, 1071.8 + 5.8 * n, 1.2 + 0.6 * n, 0.3) for n in range(7))
    np.testing.assert_allclose(train, lines, rtol=1e-12)
    assert plasmon_total(0.4)[0] == pytest.approx((1 - 0.4**7) / 0.6)
    assert plasmon_total(0.0) == (1.0, 1.0)


def test_plasmon_losses_lie_at_high_binding_energy():
    low, high = plasmon_train(np.array([1066.0, 1077.6]), 1.0, 1071.8, 1.0, 0.0, 5.8, 0.3, 0.5)
    assert high > 100 * low


def _casa_columns(path: Path) -> tuple[list[list[str]], np.ndarray]:
    with path.open(encoding="utf-8", newline="") as file:
        table = list(csv.reader(file, delimiter="\t"))
    head = next(i for i, row in enumerate(table) if row and row[0] == "K.E.")
    rows = [[float(cell) if cell.strip() else math.nan for cell in row] for row in table[head + 1 :] if len(row) > 10]
    return table[:head], np.array(rows)


@pytest.mark.realdata
def test_gl_sum_against_a_casaxps_export(realdata, measured):
    """Right half of the export: binding energy, counts/s, four components on the background, background, envelope.

    Positions, widths and areas to all digits are those of the CASA comments in the VAMAS file beside it.
    """
    path = realdata / "xps" / "FeO_analyzed_lineshapes_cols.txt"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    head, columns = _casa_columns(path)
    shapes = next(row for row in head if row and row[0] == "Lineshape")[2:6]
    assert [shape for shape in shapes if shape.startswith("SGL")] == ["SGL(30)", "SGL(30)"]
    energy, background = columns[:, 9], columns[:, 15]
    photon_energy = 1486.61
    for component, area, fwhm, kinetic in ((1, 35837.064, 8.0, 770.61), (3, 17705.155, 7.8295407, 756.72212)):
        exported = columns[:, 11 + component] - background
        ours = gl_sum(energy, area, photon_energy - kinetic, fwhm, 0.3)
        rms = float(np.sqrt(np.mean((exported - ours) ** 2)))
        measured(f"SGL(30) component {component} of CasaXPS, rms of {exported.max():.0f} cps", rms, "cps", "<= 1.5")
        assert rms <= 1.5


def test_gl_product_true_width_differs_from_its_parameter():
    half = gl_product(np.array([0.5]), 1.0, 0.0, 1.0, 0.5) / gl_product(np.array([0.0]), 1.0, 0.0, 1.0, 0.5)
    assert half[0] == pytest.approx(2**-0.5 / 1.5)  # 0.4714, not 0.5


def test_tail_of_two_exponentials_against_a_plain_convolution():
    step, fwhm, length, tail = 0.005, 0.8, 2.4, 0.3
    x = np.arange(-20.0, 60.0, step)
    sigma = SIGMA * fwhm
    gauss = np.exp(-0.5 * (x / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    d = step * (np.arange(x.size) + 0.5)
    decay = 0.5 * np.exp(-d / length) / length + 1.5 * np.exp(-3.0 * d / length) / length
    smeared = np.convolve(gauss, decay)[: x.size] * step
    expected = (1 - tail) * gl_sum(x, 1.0, 0.0, fwhm, 0.2) + tail * np.interp(x, x + 0.5 * step, smeared)
    np.testing.assert_allclose(gl_tail(x, 1.0, 0.0, fwhm, 0.2, tail, length), expected, atol=2e-6)
