"""Numbers along a series: what can be read off, with which error, and what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from app.project import trends, work
from app.project.compose import composition
from app.project.project import RegionFit
from app.project.trends import ATOMS, Quantity, ratio_of
from libraries.errors import BadModel, Cancelled
from tests.app.project import simulated


@pytest.fixture(scope="module")
def fitted():
    """Five levels, fitted, and the true share of the oxide in each."""
    project, shares = simulated.profile(5)
    return work.fit_all(simulated.with_models(project)), shares


def column(project, quantity):
    found = trends.trend(project, trends.points(project), (quantity,))
    return [row[0] for row in found.readings]


def test_points_are_levels_in_their_order(fitted):
    project, _ = fitted
    places = trends.points(replace(project, entries=tuple(reversed(project.entries))))
    assert [(p.number, p.variable, p.value, p.unit) for p in places] == [
        (i + 1, "depth", 2.0 * i, "nm") for i in range(5)
    ]
    assert all(len(p.entries) == 3 for p in places)
    assert places[1].title == "Cathode, 2 nm"


def test_samples_without_a_series_are_points_and_a_survey_is_none(fitted):
    project, _ = fitted
    both = simulated.sample("Second", 50, project=project)
    assert [p.name for p in trends.points(both)] == ["Cathode"] * 5 + ["Second"]
    survey = replace(both.entries[0], id="survey", variable="", value=None)
    assert len(trends.points(both.with_entry(survey))) == 6


def test_shares_of_a_depth_profile_are_within_their_errors(fitted):
    project, shares = fitted
    readings = column(project, Quantity("share", "O 1s", "oxide", "%"))
    pulls = [(r.value - 100 * s) / r.error for r, s in zip(readings, shares, strict=True)]
    assert np.max(np.abs(pulls)) < 4
    assert all(r.flag == "" for r in readings)


def test_errors_of_shares_and_ratios_are_right(measured):
    """300 spectra of known truth: pulls of share and ratio are standard normal."""
    from fitting.engine import fit
    from tests.app.project.simulated import models, spectrum

    model = models(1.0, 0.4)[1]
    share, ratio = [], []
    oxide, water = Quantity("area", "O 1s", "oxide"), Quantity("area", "O 1s", "OH")
    wanted = (Quantity("share", "O 1s", "oxide", "%"), ratio_of(oxide, water))
    project = simulated.sample("S")
    entry = next(e for e in project.entries if e.spectrum.name == "O 1s")
    for seed in range(300):
        data = spectrum(model, "S", 1000 + seed)
        result = fit(data, model)
        one = replace(entry, spectrum=data, fits=(RegionFit("r1", result.model, result),))
        here = replace(project, entries=(one,))
        row = trends.trend(here, trends.points(here), wanted).readings[0]
        share.append((row[0].value - 40.0) / row[0].error)
        ratio.append((row[1].value - 2 / 3) / row[1].error)
    for name, pulls in (("share", share), ("ratio", ratio)):
        measured(f"trends: spread of pulls of the {name}", float(np.std(pulls)), "", "0.85 to 1.15")
        assert 0.85 < np.std(pulls) < 1.15
        assert abs(np.mean(pulls)) < 0.25


def test_atoms_are_those_of_the_composition(fitted):
    project, _ = fitted
    quantity = Quantity(ATOMS, "", "Na", ATOMS)
    for reading, point in zip(column(project, quantity), trends.points(project), strict=True):
        row = composition(project, "cathode", point.value).element("Na")
        assert (reading.value, reading.error) == (row.at_percent, row.at_percent_err)


def test_ratio_of_atoms_uses_their_covariance(fitted):
    project, _ = fitted
    na, o = Quantity(ATOMS, "", "Na", ATOMS), Quantity(ATOMS, "", "O", ATOMS)
    reading = column(project, ratio_of(na, o))[0]
    table = composition(project, "cathode", 0.0)
    pick = {s: np.array([r.element == s for r in table.rows], float) for s in ("Na", "O")}
    values = {s: float(pick[s] @ [r.at_percent for r in table.rows]) for s in pick}
    slope = pick["Na"] / values["O"] - values["Na"] / values["O"] ** 2 * pick["O"]
    assert reading.value == pytest.approx(values["Na"] / values["O"])
    assert reading.error == pytest.approx(math.sqrt(slope @ table.covariance @ slope), rel=1e-6)
    with pytest.raises(BadModel):
        ratio_of(ratio_of(na, o), o)


def test_failures_are_flagged(fitted):
    project, _ = fitted
    entry = next(e for e in project.entries if e.value == 4.0 and e.spectrum.name == "O 1s")
    fit = entry.fits[0]
    lost = project.with_entry(entry.with_fit(RegionFit("r1", fit.model)))
    readings = column(lost, Quantity("area", "O 1s", "oxide"))
    assert [r.flag for r in readings] == ["", "", "not fitted", "", ""]
    assert not readings[2].there
    assert "O 1s not fitted" in column(lost, Quantity(ATOMS, "", "C", ATOMS))[2].flag
    bad = replace(fit.result, status="iteration limit")
    bad = project.with_entry(entry.with_fit(RegionFit("r1", fit.model, bad)))
    assert column(bad, Quantity("position", "O 1s", "oxide"))[2].flag == "iteration limit"
    assert column(bad, Quantity("reduced χ²", "O 1s"))[2].flag == "iteration limit"
    gone = project.without_entry(entry.id)
    assert "not here: no such region" in column(gone, Quantity("fwhm", "O 1s", "OH"))[2].flag
    assert "no such component" in column(project, Quantity("fwhm", "O 1s", "nobody"))[2].flag


def test_what_can_be_read_off(fitted):
    project, _ = fitted
    found = trends.quantities(project, trends.points(project))
    titles = [q.title for q in found]
    assert titles[:3] == ["C at.%", "O at.%", "Na at.%"]
    assert "O 1s, oxide: FWHM" in titles
    assert "Na 1s: reduced χ²" in titles
    assert len(titles) == len(set(titles)) == 3 + 5 * 4 + 3
    assert next(q for q in found if q.kind == "area").unit == "counts eV"


def test_table_and_cancel(fitted):
    project, _ = fitted
    places = trends.points(project)
    wanted = trends.quantities(project, places)[:4]
    heads, rows = trends.table(trends.trend(project, places, wanted))
    assert heads[:4] == ["number", "sample", "file", "depth [nm]"]
    assert len(set(heads)) == len(heads)
    assert [row[3] for row in rows] == [0.0, 2.0, 4.0, 6.0, 8.0]
    with pytest.raises(Cancelled):
        trends.trend(project, places, wanted, cancel=lambda: True)


def test_a_second_spectrum_of_the_same_name_is_told(fitted):
    project, _ = fitted
    assert all(r.flag == "" for r in column(project, Quantity("share", "O 1s", "oxide", "%")))
    entry = next(e for e in project.entries if e.fits[0].name == "O 1s")
    double = project.with_entry(replace(entry, id="again"))
    flags = [r.flag for r in column(double, Quantity("share", "O 1s", "oxide", "%"))]
    assert flags == [trends.TWICE, "", "", "", ""]
