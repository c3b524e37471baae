"""Ratios, weight percents and tags of a composition, against Monte Carlo and by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fitting.engine import fit
from fitting.xps.areas import Areas, LineArea, line_areas
from fitting.xps.quantify import quantify
from fitting.xps.ratios import quantities, ratio
from libraries.elements import atomic_mass, parse_line
from libraries.errors import NotDetermined
from tests.fitting.problems import component, counted, grid, model
from tests.fitting.xps.test_areas import META

AL = 1486.6


def line(name, area, tag="", region="", label=""):
    where = region or name
    return LineArea(label or name, where, parse_line(name), "", area, 1000.0, AL, 1.0, transmission=1.0, tag=tag)


def composed(*lines, covariance=None, rel=0.02):
    own = np.diag([(rel * one.area) ** 2 for one in lines])
    return quantify(Areas(lines, own if covariance is None else covariance))


def test_a_ratio_with_its_error_by_monte_carlo():
    lines = (line("Na 1s", 5000.0), line("F 1s", 2000.0), line("C 1s", 300.0))
    sigma = np.array([100.0, 80.0, 10.0])
    rho = np.array([[1.0, 0.6, 0.0], [0.6, 1.0, -0.3], [0.0, -0.3, 1.0]])
    covariance = rho * np.outer(sigma, sigma)
    table = composed(*lines, covariance=covariance)
    weights = np.array([row.normalised / row.area for row in table.rows])
    draws = np.random.default_rng(4).multivariate_normal([one.area for one in lines], covariance, 200_000) * weights
    found = ratio(table, "Na / F")
    assert found.value == pytest.approx(table.rows[0].normalised / table.rows[1].normalised, rel=1e-12)
    ratios = draws[:, 0] / draws[:, 1]
    assert found.error == pytest.approx(ratios.std(), rel=0.02)
    np.testing.assert_allclose([found.low, found.high], np.quantile(ratios, [0.025, 0.975]), rtol=2e-3)
    assert (found.name, found.determined) == ("Na/F", True)


def test_fiellers_interval_covers_where_the_denominator_is_noisy(measured):
    rng, inside, number = np.random.default_rng(0), 0, 3000
    weights = np.array([row.normalised / row.area for row in composed(line("Na 1s", 1.0), line("F 1s", 1.0)).rows])
    truth = 1000.0 * weights[0] / (400.0 * weights[1])
    for _ in range(number):
        areas = np.maximum(rng.normal([1000.0, 400.0], [50.0, 80.0]), 1.0)
        table = composed(line("Na 1s", areas[0]), line("F 1s", areas[1]), covariance=np.diag([2500.0, 6400.0]))
        found = ratio(table, "Na/F")
        inside += found.low <= truth <= found.high
    name = "coverage of 95 % intervals of a ratio, 20 % error of the denominator"
    measured(name, 100 * inside / number, "%", "94 to 96")
    assert 0.94 <= inside / number <= 0.96


def test_names_with_strokes_and_what_is_not_there():
    table = composed(line("V 2p3/2", 900.0), line("O 1s", 400.0, label="V-O/P-O"), line("C 1s", 100.0))
    assert ratio(table, "v 2p3/2/O 1s").value == ratio(table, "V/O").value
    assert ratio(table, "V-O/P-O / C").numerator == "V-O/P-O"
    assert ratio(table, "C 1s: C 1s/O").denominator == "O"
    for text in ("Na/F", "V", "", "V/O/C"):
        with pytest.raises(NotDetermined, match="does not hold"):
            ratio(table, text)
    assert "V 2p3/2" in quantities(table)


def test_a_ratio_that_is_not_determined():
    table = composed(line("Na 1s", 500.0), line("F 1s", 5.0), covariance=np.diag([100.0, 100.0]))
    found = ratio(table, "Na/F")
    assert (found.high, found.determined) == (math.inf, False)
    unknown = ratio(composed(line("Na 1s", 5.0), line("F 1s", 5.0), covariance=np.full((2, 2), np.nan)), "Na/F")
    assert math.isnan(unknown.error)
    assert unknown.value > 0


def test_weight_percent_by_hand():
    """NaF: 54.75 wt.% Na and 45.25 wt.% F (22.990 and 18.998 g/mol)."""
    plain = composed(line("Na 1s", 1.0), line("F 1s", 1.0))
    weights = [row.normalised for row in plain.rows]
    table = composed(line("Na 1s", 1.0 / weights[0]), line("F 1s", 1.0 / weights[1]))
    assert [row.at_percent for row in table.elements] == pytest.approx([50.0, 50.0])
    assert [row.weight_percent for row in table.elements] == pytest.approx([54.75, 45.25], abs=0.01)
    assert sum(row.weight_percent for row in table.rows) == pytest.approx(100.0)
    x, m = 0.5, np.array([atomic_mass("Na"), atomic_mass("F")])
    slope = 100.0 * m[0] * m[1] / (x * m.sum()) ** 2 * x  # of w_Na by the relative area of Na
    assert table.elements[0].weight_percent_err == pytest.approx(slope * x * 0.02 * math.sqrt(2.0), rel=1e-6)


def test_components_of_one_tag_are_one_line():
    """The area is the sum, its error that of the sum: overlapping peaks cancel."""
    parts = (component("p1", position=284.6, area=8000.0), component("p2", position=285.4, area=6000.0),
             component("p3", position=289.0, area=3000.0))
    tagged = (replace(parts[0], tag="CHx"), replace(parts[1], tag="CHx"), parts[2])
    spectrum = counted(grid(), model(*parts)).with_(meta=META)
    result = fit(spectrum, model(*tagged))
    found = line_areas(spectrum, result)
    assert [one.name for one in found.lines] == ["CHx", "p3"]
    assert found.lines[0].area == pytest.approx(result.value("p1.area") + result.value("p2.area"))
    assert found.covariance[0, 0] == pytest.approx(
        max(1.0, result.reduced_chi2) * result.covariance_of(["p1.area", "p2.area"]).sum())
    mean = np.average([result.value("p1.position"), result.value("p2.position")],
                      weights=[result.value("p1.area"), result.value("p2.area")])
    assert found.lines[0].kinetic_energy == pytest.approx(AL - mean)


def test_a_tag_over_several_lines_is_a_quantity_of_its_own():
    salt = (line("Na 1s", 4000.0, "Na2CO3"), line("C 1s", 500.0, "Na2CO3"))
    lines = (*salt, line("F 1s", 900.0), line("O 1s", 2000.0, "O"))
    table = composed(*lines)
    (tag,) = table.tags
    assert (tag.tag, tag.members) == ("Na2CO3", ("Na 1s", "C 1s"))
    assert tag.at_percent == pytest.approx(table.rows[0].at_percent + table.rows[1].at_percent)
    assert tag.at_percent_err == pytest.approx(math.sqrt(table.covariance[:2, :2].sum()))
    assert ratio(table, "Na2CO3/F").value == pytest.approx(tag.at_percent / table.rows[2].at_percent)
