"""Ties between the regions of a project: naming, fitting together, following edits, saving."""

from dataclasses import replace

import numpy as np
import pytest

from app.gui.fit_merge import merged
from app.project import joint, work
from app.project.project import Entry, Project, RegionFit, Sample, Tie
from app.project.store import load, save
from libraries.errors import BadModel
from tests.fitting.test_joint import NA_ABOVE_C, O_ABOVE_C, RATIO_O, carbonate, measured_once


@pytest.fixture
def project():
    rng = np.random.default_rng(11)
    entries = []
    for (key, model), title in zip(carbonate().items(), ("C 1s", "O 1s", "Na 1s"), strict=True):
        spectrum = measured_once(model, rng)
        names = {"c/r1": {"p1": "C–C", "p2": "C–O", "p3": "CO3"}, "o/r1": {"p1": "CO3", "p2": "C–O"},
                 "na/r1": {"p1": "Na"}}[key]
        named = replace(model, components=tuple(replace(c, name=names[c.id]) for c in model.components))
        entries.append(Entry(key.split("/")[0], spectrum, "s", title, fits=(RegionFit("r1", named),)))
    return Project("P", (Sample("s", "Cycled"), Sample("t", "Fresh")), tuple(entries))


def tied(project):
    project = joint.with_tie(project, "o/r1/p1.position", f"{{c/r1/p3.position}} + {O_ABOVE_C}", "Hammond 1981")
    return joint.with_tie(project, "o/r1/p1.area", f"{{c/r1/p3.area}} * {RATIO_O}")


def test_a_tie_typed_in_words(project):
    found = joint.understood(project, "o", "r1", "p1.area", "C 1s: CO3 × 8,1")
    assert found.link == "{c/r1/p3.area} * 8.1"
    assert joint.understood(project, "o", "r1", "p1.fwhm", "same width as C–O").link == "p2.fwhm"
    assert joint.understood(project, "o", "r1", "p1.position", "between 531 and 532").maximum == 532
    with pytest.raises(BadModel, match="has no spacing"):
        joint.understood(project, "o", "r1", "p1.area", "C 1s: CO3.spacing")


def test_a_tie_read_back(project):
    project = tied(project)
    first, second = project.ties
    assert joint.in_words(project, first) == "C 1s: CO3 + 242.1"
    assert joint.in_words(project, second) == "C 1s: CO3 × 8.1"
    for tie in project.ties:
        name = tie.target.rpartition("/")[2]
        assert joint.understood(project, "o", "r1", name, joint.in_words(project, tie)).link == tie.formula


def test_regions_of_another_sample_are_named_with_it(project):
    project = project.with_entry(replace(project.entry("c"), sample="t"))
    names = joint.owners(project, "o/r1")
    assert names["Fresh / C 1s: CO3"] == "c/r1/p3"
    assert names["Na 1s: Na"] == "na/r1/p1"
    assert names["CO3"] == "p1"


def test_tying_settles_the_value_and_leaves_old_results_out(project):
    project = work.fit_all(project)
    after = tied(project)
    assert after.entry("o").fit("r1").model.params["p1.position"].value == pytest.approx(
        after.entry("c").fit("r1").model.params["p3.position"].value + O_ABOVE_C)
    assert after.entry("o").fit("r1").result is None
    assert after.entry("c").fit("r1").result is None
    assert after.entry("na").fit("r1").result is project.entry("na").fit("r1").result


def test_tied_regions_are_fitted_together(project):
    project = work.fit_region(tied(project), "c", "r1")
    c, o, na = (project.entry(id).fit("r1") for id in ("c", "o", "na"))
    assert na.result is None
    assert o.result.model == o.model
    assert o.model.params["p1.area"].value == pytest.approx(RATIO_O * c.model.params["p3.area"].value)
    assert o.result.error("p1.area") == pytest.approx(RATIO_O * c.result.error("p3.area"))
    assert "together with O 1s" in c.result.message
    assert work.fit_region(project, "o", "r1").entry("c").fit("r1").result.deviance == pytest.approx(c.result.deviance)


def test_fit_all_fits_each_group_once(project):
    project = tied(project)
    seen = []
    after = work.fit_all(project, "s", lambda fraction, text: seen.append(text))
    assert all(e.fit("r1").result is not None for e in after.entries)
    assert after.entry("c").fit("r1").result.evaluations == after.entry("o").fit("r1").result.evaluations


def test_ties_follow_renames_and_end_with_what_they_name(project):
    project = tied(project)
    entry = replace(project.entry("c"), name="carbon")
    region = entry.fit("r1")
    model = replace(region.model, name="first", components=tuple(
        replace(c, name="carbonate") if c.id == "p3" else c for c in region.model.components))
    renamed = project.with_entry(entry.with_fit(RegionFit("r1", model)))
    assert joint.tidied(renamed) == (renamed, ())
    assert joint.in_words(renamed, renamed.ties[0]) == "first: carbonate + 242.1"
    removed = project.with_entry(entry.with_fit(RegionFit("r1", region.model.without("p3"))))
    clean, notes = joint.tidied(removed)
    assert clean.ties == ()
    assert len(notes) == 2
    assert "O 1s: CO3" in notes[0]
    for gone in (project.without_entry("c"), project.with_entry(project.entry("c").without_fit("r1"))):
        assert joint.tidied(gone)[0].ties == ()
        assert work.fit_all(gone).entry("o").fit("r1").result.success


def test_a_removed_tie_frees_the_parameter_inside_its_bounds(project):
    project = joint.with_tie(project, "o/r1/p1.position", "{c/r1/p3.position} + 250")
    assert project.entry("o").fit("r1").model.params["p1.position"].value > 538
    free = joint.without_tie(project, "o/r1/p1.position")
    param = free.entry("o").fit("r1").model.params["p1.position"]
    assert param.minimum <= param.value <= param.maximum
    assert free.ties == ()


@pytest.mark.parametrize(("target", "formula", "words"), [
    ("o/r1/p1.area", "{c/r1/p9.area}", "no such parameter"),
    ("o/r9/p1.area", "{c/r1/p3.area}", "no such parameter"),
    ("o/r1/p1.area", "{o/r1/p1.area} * 2", "follow itself"),
    ("c/r1/p3.area", "{o/r1/p1.area} / 8.1", "circle"),
])
def test_bad_ties_are_refused(project, target, formula, words):
    with pytest.raises(BadModel, match=words):
        joint.with_tie(tied(project), target, formula)


def test_stale_ties_of_a_file_do_not_stop_a_fit(project):
    project = replace(project, ties=(Tie("gone/r1/p1.area", "{c/r1/p3.area}"), Tie("nonsense", "x")))
    assert work.fit_region(project, "c", "r1").entry("c").fit("r1").result.success
    assert joint.tidied(project)[0].ties == ()


def test_many_starts_of_a_tied_region_are_refused(project):
    with pytest.raises(BadModel, match="tied to others"):
        work.fit_from_many_starts(tied(project), "c", "r1")


def test_ties_are_saved(project, tmp_path):
    project = work.fit_region(tied(project), "c", "r1")
    save(project, tmp_path / "p.sodalite")
    again = load(tmp_path / "p.sodalite")
    assert again.ties == project.ties
    assert joint.ties_of(again) == joint.ties_of(project)


def test_cross_covariance_of_regions_fitted_together(project):
    project = tied(project)
    assert joint.cross_covariance(work.fit_region(joint.without_tie(joint.without_tie(
        project, "o/r1/p1.area"), "o/r1/p1.position"), "c", "r1"), ["c/r1", "o/r1"]) == {}
    project = work.fit_all(project)
    blocks = joint.cross_covariance(project, ["c/r1", "o/r1", "na/r1"])
    assert set(blocks) == {("c/r1", "o/r1"), ("o/r1", "c/r1")}
    c, o = (project.entry(id).fit("r1").result for id in ("c", "o"))
    at = c.names.index("p3.area"), o.names.index("p1.area")
    assert blocks["c/r1", "o/r1"][at] == pytest.approx(c.error("p3.area") * o.error("p1.area"))
    assert np.allclose(blocks["c/r1", "o/r1"], blocks["o/r1", "c/r1"].T, equal_nan=True)


def test_charge_reference_keeps_a_tie_of_positions(project):
    project = work.charge_reference(work.fit_all(tied(project)), "s", 284.8, 285.0, "C 1s")
    o, c = (project.entry(id).fit("r1").model.params for id in ("o", "c"))
    assert o["p1.position"].value == pytest.approx(c["p3.position"].value + O_ABOVE_C)


def test_a_joint_fit_is_carried_over_whole_or_not_at_all(project):
    before = joint.with_tie(tied(project), "na/r1/p1.position", f"{{c/r1/p3.position}} + {NA_ABOVE_C}")
    after = work.fit_region(before, "c", "r1")
    assert merged(before, before, after) == (after, 0)
    # O 1s was edited meanwhile: none of the three may be taken over.
    entry = before.entry("o")
    moved = entry.fit("r1").model.with_values({"p2.position": 533.0})
    now = before.with_entry(entry.with_fit(RegionFit("r1", moved)))
    assert merged(now, before, after) == (now, 3)
    # Something else was edited: all three are taken over.
    now = before.with_history("2026-01-01T00:00:00Z", "note")
    carried, lost = merged(now, before, after)
    assert lost == 0
    assert all(e.fit("r1").result is not None for e in carried.entries)
    # A tie was changed meanwhile.
    now = joint.without_tie(before, "o/r1/p1.area")
    assert merged(now, before, after)[1] == 3


def with_lines(project):
    """The project with core levels and a photon energy, so that it has a composition."""
    for entry in project.entries:
        meta = replace(entry.spectrum.meta, technique="xps", photon_energy=1486.6, dwell_time=0.1, sweeps=10.0)
        model = entry.fit("r1").model
        model = replace(model, components=tuple(replace(c, line=entry.title) for c in model.components))
        spectrum = entry.spectrum.with_(meta=meta)
        project = project.with_entry(replace(entry, spectrum=spectrum, fits=(RegionFit("r1", model),)))
    return project


def test_a_composition_knows_what_tied_areas_have_in_common(project):
    """The ratio of two areas that are tied strictly has no error, whatever the errors of each."""
    project = work.fit_all(joint.with_tie(with_lines(project), "o/r1/p1.area", f"{{c/r1/p3.area}} * {RATIO_O}"))
    table = work.composition(project, "s")
    rows = {(row.region, row.name): i for i, row in enumerate(table.rows)}
    at = [rows["C 1s", "CO3"], rows["O 1s", "CO3"]]
    x = np.array([table.rows[i].at_percent for i in at])
    covariance = table.covariance[np.ix_(at, at)]
    slope = np.array([1.0, -x[0] / x[1]]) / x[1]
    tied_error = np.sqrt(max(slope @ covariance @ slope, 0.0))
    apart = np.sqrt(slope @ np.diag(np.diag(covariance)) @ slope)
    assert tied_error < 0.2 * apart  # not quite zero: each region's errors are enlarged by its own misfit
    assert not any("left out" in warning for warning in table.warnings)


def test_a_tie_that_was_not_fitted_is_remarked(project):
    project = work.fit_all(with_lines(project))
    tied_later = replace(project, ties=(Tie("o/r1/p1.area", "{c/r1/p3.area} * 8.1"),))
    table = work.composition(tied_later, "s")
    assert any("tied" in warning for warning in table.warnings)


@pytest.mark.parametrize("formula", ["{c/r1/p3.area} / 0", "{c/r1/p3.area} ** 400", "log({c/r1/p3.area} - 1e9)"])
def test_a_formula_without_a_value_is_refused_in_its_own_words(project, formula):
    with pytest.raises(BadModel) as caught:
        joint.with_tie(project, "o/r1/p1.area", formula)
    assert caught.value.where == formula
