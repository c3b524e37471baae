"""Fine structure in a project: series with unknown slope, references, tables, reopening, maps, export."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from app.project.fine_map import map_edge
from app.project.fine_series import fit_series, series_csv, series_rows
from app.project.fine_structure import (
    CITED,
    calibrate,
    cited_table,
    fit_edge,
    made_setup,
    mixture_of,
    oxygen_curve,
    quantities_of,
    region_of,
    setup_of,
    valence_by_line,
    with_setup,
)
from app.project.project import Project, RegionFit, add_spectra
from app.project.store import load, save
from app.project.valence_study import KnownValence
from fitting.dataset import Axis
from fitting.simulate.eels.vanadium import vanadium_series
from libraries.errors import NotDetermined
from tests.fitting.eels.fine_made import carbon, core_loss, low_loss, vanadium

EDGE = "V L2,3"


def series(seed):
    """The sample series in a project, every core loss with its low loss; ids of the core losses."""
    made, project, ids = vanadium_series(seed), Project("Series"), []
    for one in made.measurements:
        project = add_spectra(project, [one.low_loss, one.core_loss])
        low, core = project.entries[-2:]
        project = project.with_entry(replace(core, name=one.name, low_loss=low.id))
        ids.append(core.id)
    return made, project, tuple(ids)


def fitted(seed):
    made, project, ids = series(seed)
    project, problems = fit_series(project, ids, setup_of(project.entry(ids[0]), EDGE))
    assert problems == ()
    study = project.valence
    for id, one in zip(ids, made.measurements, strict=True):
        if one.reference:
            study = study.with_reference(KnownValence(id, one.valence))
    return made, replace(project, valence=study), ids


@pytest.fixture(scope="module")
def known():
    return fitted(3)


@pytest.mark.parametrize("seeds", [(11,), pytest.param(tuple(range(20, 40)), marks=pytest.mark.full)])
def test_valence_with_a_slope_that_nobody_knows(seeds, measured):
    """The issue: within 0.15 through the user's references, for slopes drawn from 0.4 to 1.0 eV; intervals cover."""
    off, inside = [], []
    for seed in seeds:
        made, project, ids = fitted(seed)
        project = calibrate(project, EDGE)
        for row, one in zip(series_rows(project, ids, EDGE), made.measurements, strict=True):
            if not one.reference:
                for found in (row.valence, row.mixed):
                    off.append(found.value - one.valence)
                    inside.append(found.low <= one.valence <= found.high)
    assert np.max(np.abs(off)) < 0.15
    assert np.mean(inside) > (0.9 if len(inside) > 20 else 0.6)
    measured("V valence through own references, largest deviation", float(np.max(np.abs(off))), "", "<= 0.15")
    measured("V valence through own references, 95 % intervals that cover", float(np.mean(inside)), "", ">= 0.9")


def test_without_references_only_shifts(known):
    made, project, ids = known
    project = replace(project, valence=type(project.valence)())
    rows = series_rows(project, ids[:3], EDGE)
    assert all(row.valence is None and row.mixed is None for row in rows)
    assert "only shifts" in rows[0].problem
    assert rows[0].shift.value == 0.0
    assert rows[1].shift.value > 0.2  # desodiation moves the edge up
    assert rows[1].shift.error == pytest.approx(np.hypot(rows[0].position.error, rows[1].position.error))
    # The zero loss takes the offset of every axis out.
    assert abs(rows[2].shift.value - 0.08 * rows[1].shift.value) < 0.03
    assert made.measurements[0].offset != made.measurements[1].offset


def test_own_references_calibrate(known):
    _, project, ids = known
    with pytest.raises(NotDetermined, match="No calibration"):
        valence_by_line(project, project.entry(ids[1]), made_setup(project.entry(ids[1]), EDGE))
    project = calibrate(project, EDGE)
    table = project.valence.table()
    assert [s.valence for s in table.states] == [3.0, 4.0, 5.0]
    assert table.reference == "zero loss"
    entry = project.entry(ids[1])
    found = valence_by_line(project, entry, made_setup(entry, EDGE))
    assert any("slope" in note for note in found.notes)
    mix = mixture_of(project, entry, made_setup(entry, EDGE))
    assert mix.names == ("V3+ reference", "V4+ reference", "V5+ reference")
    assert mix.shares[1] > 0.9
    other = replace(made_setup(entry, EDGE), reference="O K")
    with pytest.raises(NotDetermined, match="counts from"):
        valence_by_line(project, entry, other)
    one = replace(project, valence=replace(project.valence, references=project.valence.references[:1]))
    with pytest.raises(NotDetermined, match="two references"):
        calibrate(one, EDGE)


def test_remembered_numbers_are_a_choice_that_says_so(known):
    _, project, ids = known
    assert project.valence.table() is None
    study = replace(project.valence.with_table(cited_table(EDGE)), measure="l3_maximum")
    project = replace(project, valence=study)
    entry = project.entry(ids[0])
    found = valence_by_line(project, entry, made_setup(entry, EDGE))
    assert study.used == CITED
    assert any("unverified" in note for note in found.notes)
    with pytest.raises(NotDetermined):
        cited_table("Mn L2,3")


def test_everything_survives_saving(known, tmp_path):
    _, project, ids = known
    project = calibrate(project, EDGE)
    path = tmp_path / "series.sodalite"
    save(project, path)
    again = load(path)
    assert again.valence == project.valence
    for id in ids:
        before, after = project.entry(id), again.entry(id)
        assert after.fine == before.fine
        one, two = (quantities_of(e, made_setup(e, EDGE)) for e in (before, after))
        assert [q.value for q in one.rows if q.known] == pytest.approx([q.value for q in two.rows if q.known])
        assert [q.error for q in one.rows if q.known] == pytest.approx([q.error for q in two.rows if q.known])


def test_edits_make_a_result_old(known):
    _, project, ids = known
    entry = project.entry(ids[0])
    setup = made_setup(entry, EDGE)
    narrow = with_setup(entry, replace(setup, window=(490.0, 558.0)))
    assert region_of(narrow, setup).result is None
    assert quantities_of(narrow, made_setup(narrow, EDGE)) is None
    region = region_of(entry, setup)
    moved = entry.with_fit(RegionFit(region.id, replace(region.model, region=(488.0, 560.0))))
    assert made_setup(moved, EDGE).window == (488.0, 560.0)
    assert quantities_of(entry.without_fit(region.id), setup) is None


def test_table_of_the_series(known):
    _, project, ids = known
    rows = list(csv.DictReader(io.StringIO(series_csv(calibrate(project, EDGE), ids, EDGE))))
    assert [row["spectrum"] for row in rows][:2] == ["Pristine", "Desodiated"]
    assert float(rows[0]["L3 onset [eV]"]) > 500
    assert float(rows[1]["valence by calibration value"]) == pytest.approx(4.0, abs=0.15)
    assert float(rows[1]["valence by mixture low"]) < 4.0 + 1e-9
    assert rows[0]["L3/L2, straight line"] == ""


def test_other_internal_references(known):
    _, project, ids = known
    setup = made_setup(project.entry(ids[0]), EDGE)
    oxygen = fit_edge(project, ids[0], replace(setup, reference="O K"))
    found = quantities_of(oxygen.entry(ids[0]), made_setup(oxygen.entry(ids[0]), EDGE))
    assert found.get("l3_onset.rel").value < 0
    with pytest.raises(NotDetermined, match="C K of this spectrum is not fitted"):
        fit_edge(project, ids[0], replace(setup, reference="C K"))
    alone = project.with_entry(replace(project.entry(ids[0]), low_loss=""))
    with pytest.raises(NotDetermined, match="no low loss"):
        fit_edge(alone, ids[0], setup)
    # A measured O K in place of lines.
    curve = oxygen_curve(project.entry(ids[4]), 528.0)
    taken = fit_edge(project, ids[1], replace(setup, oxygen="reference"), oxygen=curve)
    model = region_of(taken.entry(ids[1]), made_setup(taken.entry(ids[1]), EDGE)).model
    assert model.component("ok").shape == "measured"


def image(build, region, low, shape=(6, 10), counts=400.0, **axis):
    """An image whose columns differ, every pixel with its own noise."""
    rng = np.random.default_rng(2)
    first = build(0, low)
    rows = [[rng.poisson(build(c, low).y * counts / first.y.max()) for c in range(shape[1])] for _ in range(shape[0])]
    navigation = tuple(Axis(np.arange(float(n)), "distance", "nm") for n in shape)
    return first.with_(counts=np.array(rows), navigation=navigation)


def test_map_of_the_edge():
    low = low_loss(0.4)

    def build(column, low):
        return core_loss(lambda x: 4000.0 * vanadium(x, 3.0, 0.0), 2e4, "front", low, shift=0.1 * column)

    spectrum = image(build, "front", low)
    project = add_spectra(Project("Image"), [spectrum, low])
    core, partner = project.entries
    project = project.with_entry(replace(core, low_loss=partner.id))
    setup = replace(setup_of(project.entry(core.id), EDGE), reference="none")
    with pytest.raises(NotDetermined, match="not fitted"):
        map_edge(project, core.id, setup)
    project = fit_edge(project, core.id, setup)
    steps = []
    project = map_edge(project, core.id, made_setup(project.entry(core.id), EDGE), lambda f, t: steps.append(f))
    entry = project.entry(core.id)
    assert steps[-1] == pytest.approx(1.0)
    assert {one.kind for one in entry.maps} == {"fine structure"}
    position = entry.maps[0]
    assert position.unit == "eV"
    assert position.shape == (6, 10)
    assert np.all(position.flags == 0)
    assert position.data_hash == entry.processed().hash
    truth = 0.1 * np.arange(10)
    columns = np.mean(position.values, axis=0)
    assert np.polyfit(truth, columns, 1)[0] == pytest.approx(1.0, abs=0.08)
    scatter = position.values - np.mean(position.values) - (truth - truth.mean())
    assert np.std(scatter / position.error) == pytest.approx(1.0, abs=0.3)
    again = map_edge(project, core.id, made_setup(entry, EDGE)).entry(core.id)
    assert len(again.maps) == len(entry.maps)  # a former run is replaced


def test_pixels_without_an_edge_are_flagged():
    low = low_loss(0.4)

    def build(column, low):
        return core_loss(lambda x: (0.0 if column == 3 else 4000.0) * vanadium(x), 2e4, "front", low)

    spectrum = image(build, "front", low)
    counts = np.array(spectrum.counts)
    counts[0, 0] = 0
    project = add_spectra(Project("Image"), [spectrum.with_(counts=counts), low])
    core, partner = project.entries
    project = project.with_entry(replace(core, low_loss=partner.id))
    project = fit_edge(project, core.id, replace(setup_of(project.entry(core.id), EDGE), reference="O K"))
    project = map_edge(project, core.id, made_setup(project.entry(core.id), EDGE))
    found = project.entry(core.id).maps[0]
    said = dict(found.legend)
    assert said[found.flags[0, 0]] == "no counts"
    assert np.all(np.isin(found.flags[:, 3], [key for key, words in found.legend if words != "no counts"]))
    assert np.all(np.isnan(found.values[found.flags != 0]))
    assert np.mean(found.flags[:, 4:] == 0) > 0.9


def test_map_of_the_sharpness_of_carbon():
    low = low_loss(0.3)

    def build(column, low):
        width = 1.2 if column < 5 else 2.0
        return core_loss(lambda x: 6000.0 * carbon(x, 1.4 / width, width), 2e4, "C", low, first=262.0, last=320.0)

    project = add_spectra(Project("Image"), [image(build, "C", low, counts=1500.0), low])
    core, partner = project.entries
    project = project.with_entry(replace(core, low_loss=partner.id))
    project = fit_edge(project, core.id, setup_of(project.entry(core.id), "C K"))
    project = map_edge(project, core.id, made_setup(project.entry(core.id), "C K"))
    width = next(one for one in project.entry(core.id).maps if "width" in one.name)
    sharp, soft = np.nanmean(width.values[:, :5]), np.nanmean(width.values[:, 5:])
    assert sharp == pytest.approx(1.2, abs=0.15)
    assert soft == pytest.approx(2.0, abs=0.25)
    assert np.nanmedian(width.error) < 0.2
