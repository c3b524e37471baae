"""Composition: by hand, with errors by Monte Carlo, and what the reader is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.files import read
from app.project.work import casa_composition
from fitting.xps.areas import Areas, LineArea
from fitting.xps.quantify import quantify
from libraries.attenuation import average_matrix_imfp
from libraries.elements import parse_line
from libraries.errors import BadModel, NotDetermined, UnknownName
from libraries.sensitivity import Factor, scofield

AL = 1486.6


def line(name: str, area: float, kinetic: float = 1000.0, **more) -> LineArea:
    fields = {"live_time": 1.0, "transmission": 1.0, "region": name} | more
    region = fields.pop("region")
    return LineArea(name, region, parse_line(name), "", area, kinetic, AL, **fields)


def areas(*lines: LineArea, covariance=None) -> Areas:
    return Areas(lines, np.diag([(0.02 * one.area) ** 2 for one in lines]) if covariance is None else covariance)


def test_by_hand():
    lines = (
        line("C 1s", 1000.0, 1202.0, live_time=2.0, transmission=0.8),
        line("O 1s", 3000.0, 954.4, live_time=1.0, transmission=1.1),
        line("V 2p", 500.0, 970.0, unit="counts/s", live_time=None),
    )
    found = quantify(areas(*lines))
    amounts = [
        1000.0 / 2.0 / (1.0 * 0.8 * average_matrix_imfp(1202.0).value),
        3000.0 / (scofield("O 1s", AL).value * 1.1 * average_matrix_imfp(954.4).value),
        500.0 / (scofield("V 2p", AL).value * 1.0 * average_matrix_imfp(970.0).value),
    ]
    expected = 100 * np.array(amounts) / sum(amounts)
    np.testing.assert_allclose([row.at_percent for row in found.rows], expected, rtol=1e-12)
    np.testing.assert_allclose([row.normalised for row in found.rows], amounts, rtol=1e-12)
    assert sum(row.at_percent for row in found.elements) == pytest.approx(100.0, abs=1e-12)
    assert {row.area_unit for row in found.rows} == {"counts eV/s"}
    assert scofield("V 2p", AL).value == pytest.approx(6.38 + 3.29, abs=0.02)
    assert all(row.angular_source.startswith("not applied") for row in found.rows)
    assert found.material == "average matrix"
    assert found.element("C").at_percent == pytest.approx(expected[0])
    with pytest.raises(NotDetermined):
        found.element("Na")


def test_errors_agree_with_monte_carlo():
    lines = (line("C 1s", 1000.0), line("O 1s", 3000.0), line("F 1s", 800.0), line("C 1s", 400.0))
    sigma = np.array([10.0, 40.0, 15.0, 12.0])
    rho = np.eye(4)
    rho[0, 3] = rho[3, 0] = -0.8
    rho[1, 2] = rho[2, 1] = 0.5
    covariance = rho * np.outer(sigma, sigma)
    found = quantify(areas(*lines, covariance=covariance))
    weights = np.array([row.normalised / row.area for row in found.rows])
    draws = np.random.default_rng(1).multivariate_normal([one.area for one in lines], covariance, 200_000) * weights
    shares = 100 * draws / draws.sum(axis=1, keepdims=True)
    np.testing.assert_allclose([row.at_percent_err for row in found.rows], shares.std(axis=0), rtol=0.02)
    carbon = shares[:, 0] + shares[:, 3]
    assert found.element("C").at_percent_err == pytest.approx(carbon.std(), rel=0.02)
    low, high = np.percentile(carbon, [2.5, 97.5])
    row = found.element("C")
    assert (row.low, row.high) == (pytest.approx(low, rel=0.01), pytest.approx(high, rel=0.01))
    np.testing.assert_allclose(found.covariance, np.cov(shares.T), atol=0.02 * np.max(found.covariance))
    np.testing.assert_allclose(found.covariance.sum(axis=0), 0.0, atol=1e-9)


def warned(found, words: str) -> bool:
    return any(words in text for text in found.warnings)


def test_an_area_without_error_has_no_interval():
    covariance = np.diag([100.0, np.nan, 50.0])
    found = quantify(areas(line("C 1s", 1000.0), line("O 1s", 500.0), line("F 1s", 1.0), covariance=covariance))
    oxygen = found.rows[1]
    assert all(np.isnan(v) for v in (oxygen.at_percent_err, oxygen.low, oxygen.high, found.element("O").at_percent_err))
    assert warned(found, "has no error")
    assert not found.rows[2].determined
    assert not found.element("F").determined
    assert found.rows[2].high > found.rows[2].at_percent
    assert found.rows[0].determined


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((line("Na 1s", 1.0), line("Na 2s", 1.0)), "Na is counted twice, by 1s and 2s"),
        ((line("V 2p3/2", 2.0), line("V 2p1/2", 1.0)), "V is counted twice, by 2p1/2 and 2p3/2"),
        ((line("C 1s", 1.0, region="Survey"), line("C 1s", 1.0)), "C 1s is counted in Survey and C 1s"),
        ((line("C 1s", 1.0, transmission=None), line("O 1s", 1.0)), "T = 1 assumed for C 1s"),
        (
            (line("C 1s", 1.0, transmission=None, pass_energy=20.0), line("O 1s", 1.0, pass_energy=160.0)),
            "different pass energies",
        ),
        ((line("C 1s", 1.0, live_time=None), line("O 1s", 1.0, live_time=None)), "no counting time"),
    ],
)
def test_warnings(lines, words):
    assert warned(quantify(areas(*lines)), words)


def test_no_false_warnings():
    found = quantify(areas(line("V 2p3/2", 2.0, region="V"), line("V 2p", 1.0, region="V"), line("C 1s", 1.0)))
    assert not warned(found, "counted")


def test_what_a_factor_contains_is_not_applied_again():
    given = Factor(parse_line("C 1s"), 2.0, "mine", ("sigma", "L", "T", "lambda"))
    found = quantify(areas(line("C 1s", 10.0, transmission=5.0, factor=given), line("O 1s", 10.0)))
    assert found.rows[0].normalised == pytest.approx(5.0)
    assert found.material == "average matrix"
    assert quantify(areas(line("C 1s", 1.0)), "NaF").material == "NaF"
    assert quantify(areas(line("C 1s", 1.0)), use_imfp=False).material == "not applied"


def test_refused():
    for lines in ((), (line("C 1s", 0.0),), (line("C 1s", 1.0), line("O 1s", 1.0, live_time=None))):
        with pytest.raises(NotDetermined):
            quantify(areas(*lines))
    with pytest.raises(BadModel, match="not a number"):
        quantify(areas(line("C 1s", float("nan"))))
    with pytest.raises(UnknownName):
        quantify(areas(line("C 1s", 1.0)), "unobtainium")


@pytest.mark.realdata
def test_casaxps_components_in_the_file(realdata):
    (spectrum,) = read(realdata / "xps" / "FeO_analyzed.vms")
    found = casa_composition(spectrum)
    np.testing.assert_allclose([row.at_percent for row in found.rows], [38.43, 21.59, 29.42, 10.57], atol=0.01)
    assert np.isnan(found.element("Fe").at_percent_err)


@pytest.mark.realdata
def test_casaxps_result_table(realdata):
    """Area/(RSF T MFP) and at.% of CasaXPS's own export, MFP exponent 0."""
    (spectrum,) = read(realdata / "xps" / "FeO_analyzed.vms")
    text = (realdata / "xps" / "FeO_analyzed_results.csv").read_text(encoding="latin-1").splitlines()
    rows = [[float(v) for v in one.split("\t")[1:6]] for one in text if one.startswith("Fe 2p\t") and "#IND" in one]
    lines = [
        LineArea(
            "Fe 2p", "Fe 2p", parse_line("Fe 2p"), "", area, spectrum.meta.photon_energy - position,
            spectrum.meta.photon_energy, unit="counts/s",
            transmission=float(np.interp(position, spectrum.x, spectrum.transmission)),
            factor=Factor(parse_line("Fe 2p"), 16.42, "CasaXPS", ("sigma", "L", "lambda")),
        )
        for position, _, area, _, _ in rows
    ]  # fmt: skip
    found = quantify(Areas(tuple(lines), np.full((4, 4), np.nan)), use_imfp=False)
    np.testing.assert_allclose([row.normalised for row in found.rows], [row[3] for row in rows], rtol=0, atol=0.01)
    np.testing.assert_allclose([row.at_percent for row in found.rows], [41.89, 19.65, 28.06, 10.40], atol=0.01)


def test_unit_rows_keep_names():
    row = quantify(areas(replace(line("C 1s", 1.0), compound="Na2CO3"))).rows[0]
    assert (row.element, row.line, row.compound, row.region) == ("C", "C 1s", "Na2CO3", "C 1s")
