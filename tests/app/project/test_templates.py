"""Templates: made from a sample, kept as files, refused where they are hostile, put on other samples."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from app.project import template_file
from app.project.project import Entry, Project, Tie, add_spectra
from app.project.template import (
    Reference,
    Template,
    TemplateRegion,
    guessed_reference,
    reference_words,
    shells,
    template_of,
)
from app.project.template_apply import analyse, apply_template, matches
from app.project.work import shifted_entry
from fitting.model import to_dict
from libraries.compounds import lines_of
from libraries.elements import parse_line
from libraries.errors import BadData, BadFile, BadModel, CannotWrite, SodaliteError, UnknownName
from tests.app.project import simulated


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SODALITE_CONFIG_DIR", str(tmp_path / "config"))


@pytest.fixture
def made():
    """A template of three regions with a charge reference and a link between regions."""
    project = simulated.with_models(simulated.sample("Source"))
    ids = tuple(e.id for e in project.entries)
    c, o, _ = ids
    project = replace(project, ties=(Tie(f"{o}/r1/p2.fwhm", "{" + f"{c}/r1/p2.fwhm" + "} * 1.2", "alike"),))
    project = project.with_sample(replace(project.samples[0], material="Na2CO3"))
    return template_of(project, ids, "Cathodes", Reference("C 1s", "C–C", 284.8), "Three lines")


def new_sample(charge=0.0, **options):
    project = simulated.sample("New", 9, charge, **options)
    return project, tuple(e.id for e in project.entries)


# -- as data --------------------------------------------------------------------------------------------------------


def test_template_holds_regions_ties_and_material(made):
    assert [r.key for r in made.regions] == ["C 1s", "O 1s", "Na 1s"]
    assert [r.lines for r in made.regions] == [("C 1s",), ("O 1s",), ("Na 1s",)]
    assert made.material == "Na2CO3"
    assert made.ties[0].target == "O 1s/p2.fwhm"
    assert made.ties[0].formula == "{C 1s/p2.fwhm} * 1.2"
    assert reference_words(made) == "C 1s C–C at 284.8 eV"


def test_json_round_trip(made, tmp_path):
    text = template_file.to_json(made)
    again = template_file.from_json(text)
    assert template_file.to_json(again) == text
    assert again.regions[0].model == made.regions[0].model
    path = template_file.keep(made)
    assert path == tmp_path / "config" / "templates" / "Cathodes.json"
    assert "Cathodes" in template_file.names()
    assert template_file.is_own("Cathodes")
    assert template_file.get("Cathodes").reference == made.reference
    template_file.remove("Cathodes")
    assert "Cathodes" not in template_file.names()


def test_plain_model_is_a_template_of_one_region():
    model = simulated.models()[0]
    found = template_file.from_json(json.dumps(to_dict(model)))
    assert [r.model for r in found.regions] == [model]


@pytest.mark.parametrize(
    ("text", "lines"),
    [("C 1s", ("C 1s",)), ("V 2p3/2 + O 1s", ("V 2p", "O 1s")), ("V2p, O1s", ("V 2p", "O 1s")),
     ("C1s Scan A", ("C 1s",)), ("C 1s (2)", ("C 1s",)), ("Survey", ()), ("", ())],
)
def test_lines_in_the_name_of_a_spectrum(text, lines):
    assert shells(text) == lines


def test_template_of_several_samples_or_nothing_is_refused():
    project = simulated.with_models(simulated.sample("B", project=simulated.sample("A")))
    with pytest.raises(BadData, match="one sample"):
        template_of(project, tuple(e.id for e in project.entries), "x")
    with pytest.raises(BadData, match="no region"):
        template_of(simulated.sample("A"), ("c_1s",), "x")


def test_charge_reference_is_read_from_the_recipe():
    project = simulated.with_models(simulated.sample("A"))
    ids = tuple(e.id for e in project.entries)
    assert guessed_reference(project, ids) is None
    for entry in project.entries:
        project = project.with_entry(shifted_entry(entry, 0.01, "C 1s of hydrocarbon at 284.8 eV"))
    found = guessed_reference(project, ids)
    assert (found.region, found.component, found.energy) == ("C 1s", "p1", 284.8)


# -- hostile files --------------------------------------------------------------------------------------------------


def changed(made, change):
    data = json.loads(template_file.to_json(made))
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(version=2), "newer"),
        (lambda d: d.update(version="1"), "version"),
        (lambda d: d.update(version=True), "version"),
        (lambda d: d.update(format="other"), "not a template"),
        (lambda d: d.update(code="import os"), "no 'code'"),
        (lambda d: d.update(regions={}), "list"),
        (lambda d: d.update(regions=[]), "needs a region"),
        (lambda d: d.update(regions=d["regions"] * 40), "more than any sample"),
        (lambda d: d.update(regions=d["regions"] * 2), "different names"),
        (lambda d: d.update(name=["x"]), "'name'"),
        (lambda d: d.update(name="x" * 30_000), "sensible length"),
        (lambda d: d["reference"].update(energy="284.8"), "finite"),
        (lambda d: d["reference"].update(component="nobody"), "not there"),
        (lambda d: d["ties"][0].update(target="C 1s/p9.area"), "not there"),
        (lambda d: d["ties"][0].update(formula="__import__('os')"), ""),
        (lambda d: d["regions"][0].pop("model"), "expected form"),
        (lambda d: d["regions"][0]["model"].update(components=[{}] * 500), "500 components"),
        (lambda d: d["regions"][0]["model"]["components"][0].update(shape="evil"), "evil"),
        (lambda d: d["regions"][0]["model"]["components"][0]["params"].pop("fwhm"), "needs the parameters"),
        (lambda d: d["regions"][0]["model"]["background"].update(kind="evil"), "evil"),
        (lambda d: d["regions"][0]["model"]["background"].update(params={}), "parameters of its kind"),
        (lambda d: d["regions"][0]["model"]["components"][0]["params"]["fwhm"].update(value=10**400), ""),
        (lambda d: d["regions"][0]["model"].update(region=[1, "x"]), ""),
    ],
)
def test_hostile_templates_are_refused_clearly(made, change, words):
    with pytest.raises((BadFile, BadModel)) as caught:
        template_file.from_json(changed(made, change))
    assert words in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("text", ["", "nonsense", "[" * 100_000, "NaN", '{"region": [NaN, 1]}', "[]", "1", "null"])
def test_what_is_no_template_is_refused(text):
    with pytest.raises((BadFile, BadModel)):
        template_file.from_json(text)


def test_files_that_cannot_be_templates(tmp_path, made):
    big = tmp_path / "big.json"
    big.write_bytes(b" " * (5 << 20))
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (big, binary, tmp_path, tmp_path / "missing.json"):
        with pytest.raises(BadFile):
            template_file.load(path)
    with pytest.raises(UnknownName, match="Na2CO3 and NaF"):
        template_file.find("../../etc/passwd")
    with pytest.raises(CannotWrite):
        template_file.file_name("///")
    assert template_file.file_name("../a:b*c") == "a b c"
    with pytest.raises(UnknownName, match="You have no template"):
        template_file.remove("Na2CO3 and NaF")


# -- matching and applying ------------------------------------------------------------------------------------------


def test_regions_find_their_spectra_by_name_line_and_energy(made):
    project, _ = new_sample()
    entries = {e.spectrum.name: e for e in project.entries}
    # A region by its line, one that has no name but the energies, one that is another line.
    c = replace(entries["C 1s"], name="C1s Scan A")
    o = entries["O 1s"]
    o = replace(o, spectrum=o.spectrum.with_(meta=replace(o.spectrum.meta, region="Region 2")))
    na = entries["Na 1s"]
    na = replace(na, spectrum=na.spectrum.with_(meta=replace(na.spectrum.meta, region="F 1s")))
    chosen, notes = matches(made, [c, o, na])
    assert [(region.key, id) for region, id in chosen] == [("C 1s", c.id), ("O 1s", o.id)]
    assert notes == ["Na 1s: no spectrum of that name, line or energy",
                     "Without a region in the template: F 1s"]


def test_survey_takes_no_region_by_its_energies(made):


    project, _ = new_sample()
    survey = project.entries[0].spectrum
    x = np.arange(0.0, 1100.0, 1.0)
    survey = survey.with_(axis=replace(survey.axis, values=x), counts=np.full(x.shape, 50.0),
                          meta=replace(survey.meta, region="Survey"))

    chosen, _ = matches(made, [Entry("s", survey)])
    assert chosen == []


@pytest.mark.parametrize("charge", [0.0, 2.7, -5.1])
def test_charge_shift_is_found_and_settled(made, charge):
    """Fitted after the template, the reference line stands at its energy and all windows moved with it."""
    project, ids = new_sample(charge, scale=0.5, share=0.2)
    done = analyse(project, made, ids)
    assert done.notes == ()
    assert len(done.placed) == 3
    entries = {e.spectrum.name: e for e in done.project.entries}
    c = entries["C 1s"].fits[0].result
    assert c.success
    assert c.value("p1.position") == pytest.approx(284.8, abs=1e-9)
    assert entries["Na 1s"].recipe.energy_shift == pytest.approx(-charge, abs=0.03)
    assert entries["Na 1s"].recipe.charge_reference() == "C 1s C–C at 284.8 eV"
    o = entries["O 1s"].fits[0].result
    assert o.value("p1.area") == pytest.approx(0.2 * 4000, abs=5 * o.error("p1.area"))
    assert o.data_hash == entries["O 1s"].processed().hash


def test_charge_reference_of_the_analyst_is_not_touched(made):
    project, ids = new_sample(1.0)
    for entry in project.entries:
        project = project.with_entry(shifted_entry(entry, -0.9, "mine"))
    done = analyse(project, made, ids)
    assert {e.recipe.energy_shift for e in done.project.entries} == {-0.9}
    assert {e.recipe.charge_reference() for e in done.project.entries} == {"mine"}


def test_links_between_regions_come_along_where_both_are_there(made):
    project, ids = new_sample()
    done = apply_template(project, made, ids)
    places = {key: f"{entry}/{region}" for entry, region, key in done.placed}
    assert done.project.ties == (
        Tie(f"{places['O 1s']}/p2.fwhm", "{" + f"{places['C 1s']}/p2.fwhm" + "} * 1.2", "alike"),
    )
    alone = apply_template(project, made, ids[1:])
    assert alone.project.ties == ()
    assert any("link" in note for note in alone.notes)
    assert any(note.startswith("C 1s: no spectrum") for note in alone.notes)


def test_material_is_taken_where_the_sample_has_none(made):
    project, ids = new_sample()
    assert apply_template(project, made, ids).project.samples[0].material == "Na2CO3"
    own = project.with_sample(replace(project.samples[0], material="graphite"))
    assert apply_template(own, made, ids).project.samples[0].material == "graphite"
    strange = replace(made, material="unobtainium", factors="their factors")
    notes = apply_template(project, strange, ids).notes
    assert any("unobtainium" in note for note in notes)
    assert any("their factors" in note for note in notes)


def test_levels_of_a_series_each_take_the_template(made):
    project, shares = simulated.profile(4)
    done = analyse(project, replace(made, ties=()), tuple(e.id for e in project.entries))
    assert len(done.placed) == 12
    oxides = [e for e in done.project.entries if e.spectrum.name == "O 1s"]
    for entry, share in zip(oxides, shares, strict=True):
        result = entry.fits[0].result
        found = result.value("p1.area") / (result.value("p1.area") + result.value("p2.area"))
        assert found == pytest.approx(share, abs=0.03)


def test_applying_again_replaces_and_says_so(made):
    project, ids = new_sample()
    once = apply_template(project, made, ids)
    twice = apply_template(once.project, made, ids)
    assert [len(e.fits) for e in twice.project.entries] == [1, 1, 1]
    assert sum("was replaced" in note for note in twice.notes) == 3


# -- those that come with the program -------------------------------------------------------------------------------

SHIPPED = ("C 1s of hard carbon", "Na2CO3 and NaF", "V 2p and O 1s on one background")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_templates_name_their_sources(name):
    template = template_file.get(name)
    assert template.name == name
    assert template.reference is not None
    for region in template.regions:
        for component in region.model.components:
            assert component.source, component.name
            if component.compound and not component.doublet:
                cited = [row for row in lines_of(component.compound) if row.line == parse_line(component.line)]
                low, high = min(r.low for r in cited), max(r.high for r in cited)
                assert low <= component.value("position") <= high, component.name


def test_hard_carbon_template_on_simulated_hard_carbon():
    from fitting.simulate.samples import xps_sample
    from fitting.simulate.xps import expectation, noisy

    simulation = noisy(expectation(xps_sample("Na on hard carbon")), 4)
    project = add_spectra(Project("x"), [simulation.spectrum("C 1s")], "HC")
    done = analyse(project, template_file.get("C 1s of hard carbon"), ("c_1s",))
    entry = done.project.entries[0]
    result = entry.fits[0].result
    assert result is not None
    main = max(result.model.components, key=lambda c: c.value("area"))
    assert main.name == "sp² C–C"
    assert result.success
    assert main.value("position") == pytest.approx(284.5, abs=1e-6)


def test_vanadium_template_parts_the_states():
    """Simulated V(V) and V(IV) at the distances of the library from O 1s: amounts within their errors."""
    template = template_file.get("V 2p and O 1s on one background")
    model = template.regions[0].model
    truth = model.with_values({"background.level": 500.0, "background.step": 0.001, "background.loss_slope": 0.0})
    areas = {"oxide": 30_000.0, "C–O, OH": 6000.0, "V(V)": 16_000.0, "V(IV)": 8000.0, "V(III)": 3000.0}
    values = {f"{c.id}.area": areas[c.name] for c in truth.components if c.name in areas}
    truth = truth.with_values(values)
    spectrum = simulated.spectrum(truth, "V", 4, charge=1.8, margin=3.0)

    project = add_spectra(Project("x"), [spectrum], "V")
    done = analyse(project, template, tuple(e.id for e in project.entries))
    result = done.project.entries[0].fits[0].result
    assert result.success, result.message
    for component in result.model.components:
        if component.name in areas:
            error = result.error(f"{component.id}.area")
            assert abs(component.value("area") - areas[component.name]) < max(5 * error, 0.08 * areas[component.name])


def test_template_never_changes_the_project_it_was_given(made):
    project, ids = new_sample()
    before = project
    apply_template(project, made, ids)
    assert project is before
    assert all(not e.fits for e in project.entries)
    assert isinstance(Template("x", (TemplateRegion("a", "C 1s", simulated.models()[0]),)), Template)
    with pytest.raises(SodaliteError):
        Template("x", ())


def test_kinetic_energies_move_against_binding_energies(made):
    """A template 1 eV off its reference: 1 eV up in binding energy is 1 eV down in kinetic energy."""
    region = next(r for r in made.regions if r.key == "C 1s")
    turned = replace(made, regions=(
        replace(region, model=region.model.moved(-1.0)),
        TemplateRegion("KLL", "Na KLL", replace(region.model.moved(1.0), name="KLL"), "kinetic_energy"),
    ), ties=())
    project = simulated.sample("New", 9)
    entry = next(e for e in project.entries if e.title == "C 1s")
    spectrum = entry.spectrum
    axis = replace(spectrum.axis, quantity="kinetic_energy")
    kinetic = spectrum.with_(axis=axis, meta=replace(spectrum.meta, region="Na KLL", title="Na KLL", element="Na",
                                                    transition="KLL"))
    project = add_spectra(project, [kinetic], "New")
    applied = apply_template(project, turned, (entry.id, project.entries[-1].id))
    places = {key: applied.project.entry(id).fit(fit).model.components[0].value("position")
              for id, fit, key in applied.placed}
    truth = region.model.components[0].value("position")
    assert places == pytest.approx({"C 1s": truth, "KLL": truth})


def test_ties_that_run_in_a_circle_are_refused(made):
    text = json.loads(template_file.to_json(made))
    text["ties"] = [{"target": "C 1s/p1.fwhm", "formula": "{C 1s/p1.fwhm} * 2"}]
    with pytest.raises(BadModel, match="follow itself"):
        template_file.from_json(json.dumps(text))
    text["ties"] = [{"target": "C 1s/p1.fwhm", "formula": "{O 1s/p1.fwhm}"},
                    {"target": "O 1s/p1.fwhm", "formula": "{C 1s/p1.fwhm}"}]
    with pytest.raises(BadModel, match="circle"):
        template_file.from_json(json.dumps(text))


def test_a_window_of_any_width_takes_no_memory(made):
    wide = replace(made, regions=tuple(
        replace(r, model=replace(r.model, region=(-1e12, r.model.region[1]))) for r in made.regions
    ))
    project, ids = new_sample()
    applied = apply_template(project, wide, ids)
    assert applied.placed == ()
    assert sum("holds 0 %" in note for note in applied.notes) == 3


def test_regions_of_any_names_get_keys_of_their_own():
    project = simulated.with_models(simulated.sample("Source"))
    named = iter(("A", "A 3", "A"))
    project = project.map_entries(lambda e: replace(e, fits=tuple(
        replace(f, model=replace(f.model, name=next(named)), result=None) for f in e.fits)))
    made = template_of(project, tuple(e.id for e in project.entries), "T")
    assert [r.key for r in made.regions] == ["A", "A 3", "A 2"]
    assert made.name == "T"
