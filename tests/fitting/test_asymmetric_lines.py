"""Powers of Lorentzians, exponential tails, steps, measured lines: against closed forms, quadrature and CasaXPS."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import exponnorm

from fitting.engine import fit
from fitting.lineshapes import (
    emg,
    fermi_edge,
    gelius,
    gl_product,
    gl_sum,
    gl_t,
    la,
    lf,
    measured_gradient,
    sgl_t,
    step_arctan,
    step_erf,
    voigt,
)
from fitting.lineshapes.lorentz_power import shares
from fitting.model import Curve, Param, from_json
from fitting.shapes import SHAPES
from libraries.errors import BadModel
from tests.fitting.problems import background, component, counted, grid, model

SIGMA = 1 / math.sqrt(8 * math.log(2))
X = np.linspace(-8.0, 12.0, 401)


def brute(form, sigma, x):
    """A line convolved with a Gaussian by adaptive quadrature, split where the line bends: no code in common."""

    def at(place):
        def integrand(u):
            return form(u) * math.exp(-0.5 * ((place - u) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))

        ends = [place - 9 * sigma, place + 9 * sigma]
        points = [p for p in (0.0, place) if ends[0] < p < ends[1]]
        return quad(integrand, *ends, points=points or None, epsabs=1e-12, epsrel=1e-11, limit=400)[0]

    return np.array([at(float(place)) for place in x])


def power(alpha, beta, width, w=math.inf):
    def form(u):
        t = u / width
        e = alpha if u >= 0 else beta
        e = 3.0 - (3.0 - e) / (1.0 + 4.0 * (t / w) ** 2)
        return (1.0 + 4.0 * t * t) ** -e

    return form


# ------------------------------------------------------------------------------------------------------- LA and LF
def test_la_without_gaussian_has_the_width_it_says():
    # science: F of the Lorentzian is 2F/[sqrt(2^(1/a)-1) + sqrt(2^(1/b)-1)], and the width is then F.
    for alpha, beta in ((1.0, 1.0), (0.6, 3.0), (2.5, 2.8), (1.53, 1.53)):
        values = {"area": 1.0, "position": 0.0, "fwhm": 1.7, "alpha": alpha, "beta": beta, "n": 0.0}
        assert SHAPES["la"].derived(values).fwhm == pytest.approx(1.7, rel=1e-9)
    lorentz = 5.0 * 2 / (math.pi * 1.2) / (1 + 4 * (X / 1.2) ** 2)
    np.testing.assert_allclose(la(X, 5.0, 0.0, 1.2, 1.0, 1.0, 0.0), lorentz, rtol=1e-12)


@pytest.mark.parametrize("n", [0.5, 11.0, 100.0, 243.0, 499.0])
def test_la_of_a_plain_lorentzian_is_a_voigt(n):
    share = shares(n)
    exact = voigt(X, 3.0, 0.4, share.gauss * 1.3, share.powers * 1.3)
    np.testing.assert_allclose(la(X, 3.0, 0.4, 1.3, 1.0, 1.0, n), exact, atol=1e-9 * exact.max())


@pytest.mark.parametrize(("alpha", "beta", "n"), [(0.55, 0.7, 100.0), (1.3, 2.5, 11.0), (0.9, 40.0, 300.0)])
def test_la_against_quadrature(alpha, beta, n):
    share, fwhm = shares(n), 1.1
    both = math.sqrt(2 ** (1 / alpha) - 1) + math.sqrt(2 ** (1 / beta) - 1)
    width, sigma = 2 * fwhm * share.powers / both, SIGMA * fwhm * share.gauss
    x = np.linspace(-4.0, 9.0, 53)
    form = power(alpha, beta, width)
    whole = sum(quad(form, *ends, limit=500, epsabs=1e-13)[0] for ends in ((-np.inf, 0), (0, np.inf)))
    expected = brute(form, sigma, x) / whole
    np.testing.assert_allclose(la(x, 1.0, 0.0, fwhm, alpha, beta, n), expected, atol=3e-8 * expected.max())


@pytest.mark.parametrize(("alpha", "beta", "w", "n"), [(0.54, 10.0, 80.0, 100.0), (0.3, 0.4, 8.0, 250.0)])
def test_lf_against_quadrature(alpha, beta, w, n):
    share, fwhm = shares(n), 1.4
    both = math.sqrt(2 ** (1 / alpha) - 1) + math.sqrt(2 ** (1 / beta) - 1)
    width, sigma = 2 * fwhm * share.powers / both, SIGMA * fwhm * share.gauss
    x = np.linspace(-5.0, 12.0, 43)
    form = power(alpha, beta, width, w)
    edges = width * np.array([0, 1, 3, 10, 30, 100, 300, 1e3, 3e3, 1e4, 1e5])
    whole = sum(
        abs(quad(form, sign * a, sign * b, epsabs=1e-13)[0])
        for sign in (-1, 1)
        for a, b in pairwise(edges)
    )
    expected = brute(form, sigma, x) / whole
    np.testing.assert_allclose(lf(x, 1.0, 0.0, fwhm, alpha, beta, w, n), expected, atol=1e-7 * expected.max())


def test_lf_of_wide_tails_is_la():
    close = lf(X, 1.0, 0.0, 1.0, 1.2, 1.6, 1e6, 60.0)
    np.testing.assert_allclose(close, la(X, 1.0, 0.0, 1.0, 1.2, 1.6, 60.0), rtol=2e-3)


def test_the_share_of_the_gaussian_grows_with_its_index():
    at = [shares(n) for n in np.linspace(0, 499, 100)]
    assert (at[0].powers, at[0].gauss) == (pytest.approx(1.0, rel=1e-14), 0.0)
    assert all(b.gauss > a.gauss and b.powers < a.powers for a, b in pairwise(at))


def test_exponents_without_area_are_refused():
    with pytest.raises(BadModel, match=r"above 0\.5"):
        la(X, 1.0, 0.0, 1.0, 0.5, 1.0, 0.0)
    assert np.all(np.isfinite(lf(X, 1.0, 0.0, 1.0, 0.3, 1.0, 30.0, 0.0)))


@pytest.mark.realdata
def test_lf_against_a_casaxps_export(realdata, measured):
    """Components that CasaXPS drew, less its background column; areas, widths, positions from the CASA comments."""
    path = realdata / "xps" / "FeO_analyzed_lineshapes_cols.txt"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if len(row) == 17 and row[0][:1].isdigit()]
    # Outside its region CasaXPS draws no components.
    table = np.array([[float(c) if c.strip() else math.nan for c in row] for row in rows])
    energy, under = table[:, 9], table[:, 15]
    inside = (energy > 1486.61 - 786.7632) & (energy < 1486.61 - 737.52081)
    for column, area, fwhm, kinetic in ((11, 63507.374, 3.8576238, 777.56313), (13, 49042.126, 4.8730051, 764.48234)):
        theirs = (table[:, column] - under)[inside]
        ours = lf(energy[inside], area, 1486.61 - kinetic, fwhm, 0.54, 10.0, 80.0, 100.0)
        rms = float(np.sqrt(np.mean((ours - theirs) ** 2)))
        measured(f"LF(0.54,10,80,100,6) of CasaXPS, rms of {theirs.max():.0f} cps", rms, "cps", "<= 1.5")
        assert rms <= 1.5


# ------------------------------------------------------------------------------------------------ exponential tails
@pytest.mark.parametrize(("name", "core"), [("gl_t", gl_product), ("sgl_t", gl_sum)])
@pytest.mark.parametrize(("mix", "decay"), [(0.3, 1.5), (0.0, 0.1), (0.9, 20.0)])
def test_exponential_tail_is_the_blend_it_says(name, core, mix, decay):
    line = {"gl_t": gl_t, "sgl_t": sgl_t}[name]
    x = np.linspace(-6.0, 60.0, 2001)
    base = core(x, 1.0, 0.0, 1.3, mix) / core(np.zeros(1), 1.0, 0.0, 1.3, mix)
    tail = np.where(x > 0, np.exp(-decay * np.maximum(x, 0) / 1.3), 0.0)
    expected = base + (1 - base) * tail
    found = line(x, 7.0, 0.0, 1.3, mix, decay)
    np.testing.assert_allclose(found / found.max(), expected / expected.max(), rtol=1e-9, atol=1e-15)


def test_gelius_without_tail_is_a_product():
    plain = gl_product(X, 1.0, 0.3, 1.2, 0.2)
    np.testing.assert_allclose(gelius(X, plain.max(), 0.3, 1.2, 0.2, 0.3, 0.0), plain, rtol=2e-2)
    tailed = gelius(X, 1.0, 0.3, 1.2, 0.2, 0.3, 0.7)
    below = X <= 0.3
    np.testing.assert_allclose(tailed[below], gelius(X, 1.0, 0.3, 1.2, 0.2, 0.3, 0.0)[below])
    # Far away it ends on a plateau: w exp(-1/a²), w = b (0.7 + 0.3/(a + 0.01)).
    far = gelius(np.array([1e9]), 1.0, 0.3, 1.2, 0.0, 0.3, 0.7)[0]
    assert far == pytest.approx(0.7 * (0.7 + 0.3 / 0.31) * math.exp(-1 / 0.09), rel=1e-6)


def test_emg_against_scipy():
    sigma = SIGMA * 1.2
    expected = 9.0 * exponnorm(0.8 / sigma, loc=0.5, scale=sigma).pdf(X)
    np.testing.assert_allclose(emg(X, 9.0, 0.5, 1.2, 0.8), expected, rtol=1e-9, atol=1e-14)


# ------------------------------------------------------------------------------------------------------------ steps
@pytest.mark.parametrize(("kt", "fwhm_g"), [(0.0257, 0.4), (0.0257, 0.05), (0.2, 0.3), (0.005, 1.0), (0.05, 0.392)])
def test_fermi_edge_against_quadrature(kt, fwhm_g):
    x = np.linspace(-1.5, 1.5, 41)
    expected = brute(lambda u: float(expit(u / kt)), SIGMA * fwhm_g, x)
    np.testing.assert_allclose(fermi_edge(x, 1.0, 0.0, kt, fwhm_g), expected, atol=3e-9)


def test_narrow_fermi_edge_is_an_error_function():
    np.testing.assert_allclose(fermi_edge(X, 2.0, 0.1, 1e-4, 0.8), step_erf(X, 2.0, 0.1, 0.8), atol=1e-6)


def test_arctangent_step():
    np.testing.assert_allclose(step_arctan(np.array([-0.5, 0.0, 0.5]), 4.0, 0.0, 1.0), [1.0, 2.0, 3.0])


# --------------------------------------------------------------------------------------------------- measured lines
def test_measured_line_is_scaled_moved_and_broadened():
    at = np.linspace(-3.0, 6.0, 91)
    y = gl_sum(at, 1.0, 0.0, 1.0, 0.0) + 0.02
    whole = np.trapezoid(y, at)
    plain, _ = measured_gradient(X, 50.0, 1.5, 0.0, at, y)
    np.testing.assert_allclose(plain, 50.0 * np.interp(X - 1.5, at, y, left=0, right=0) / whole, rtol=1e-12)

    places = np.linspace(-5.0, 9.0, 29)
    fine = np.linspace(-3.0, 6.0, 90_001)
    sigma = SIGMA * 0.7
    kernel = np.exp(-0.5 * ((places[:, None] - 1.5 - fine) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    expected = np.trapezoid(kernel * np.interp(fine, at, y), fine, axis=1) / whole
    broad, _ = measured_gradient(places, 1.0, 1.5, 0.7, at, y)
    np.testing.assert_allclose(broad, expected, atol=1e-8)
    with pytest.raises(BadModel, match="area above zero"):
        measured_gradient(X, 1.0, 0.0, 0.0, at, np.zeros(91))


# --------------------------------------------------------------------------------------- recovery from Poisson noise
@pytest.mark.parametrize("name", ["la", "lf", "gl_t", "sgl_t", "emg"])
def test_recovery_from_noise(name):
    """Area, position and width: pulls near N(0, 1) over 30 noisy spectra, other parameters held at the truth."""
    truth = model(component("p1", name, position=287.0, area=20000.0, fwhm=1.2), back=background("constant"))
    if name == "emg":
        held = truth.component("p1").param("tail_length")
        truth = truth.with_params({"p1.tail_length": held.__class__(held.value, vary=False)})
    pulls = []
    for seed in range(30):
        result = fit(counted(grid(), truth, seed), truth)
        assert result.success
        pulls.append([
            (result.value(f"p1.{key}") - truth.params[f"p1.{key}"].value) / result.error(f"p1.{key}")
            for key in ("area", "position", "fwhm")
        ])
    pulls = np.array(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 4.0 / math.sqrt(30))
    assert np.all(np.abs(pulls.std(axis=0) - 1.0) < 4.0 / math.sqrt(60))


def test_a_measured_line_in_a_fit():
    """Two places of one measured line: areas and distance come back, by the path that is not compiled."""
    at = np.linspace(-4.0, 8.0, 121)
    line = Curve(tuple(at), tuple(gl_sum(at, 1.0, 0.0, 1.1, 0.2) + gl_sum(at, 0.4, 2.0, 1.5, 0.0)), "reference")

    def truth(first, second):
        rows = ((first, 285.0), (second, 288.3))
        parts = tuple(
            replace(component(f"p{i}", "measured", area=area, position=place, fwhm_g=0.4), curve=line)
            for i, (area, place) in enumerate(rows, 1)
        )
        held = {f"p{i}.fwhm_g": Param(0.4, 0.0, 6.0, vary=False) for i in (1, 2)}
        return model(*parts, back=background("constant")).with_params(held)

    data = counted(grid(), truth(9000.0, 4000.0), 5)
    result = fit(data, from_json(truth(6000.0, 6000.0).to_json()))
    for name, value in {"p1.area": 9000.0, "p2.area": 4000.0, "p1.position": 285.0, "p2.position": 288.3}.items():
        assert abs(result.value(name) - value) < 4 * result.error(name)
    assert result.error("p1.area") < 300
