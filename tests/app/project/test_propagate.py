"""Regions, components and calibration carried to other spectra."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.project import work
from app.project.project import RegionFit, Tie
from app.project.propagate import offset_between, propagate, source_of
from app.project.work import shifted_entry
from fitting.recipe import Step
from libraries.errors import BadData
from tests.app.project import simulated

BINDING = "C 1s at 284.8 eV"


def two(charge_a=0.0, charge_b=0.0):
    project = simulated.with_models(simulated.sample("A", 1, charge_a), 1.0)
    return simulated.sample("B", 2, charge_b, scale=0.4, share=0.2, project=project)


def ids(project, sample):
    return {e.spectrum.name: e.id for e in project.entries if project.sample(e.sample).name == sample}


def test_regions_and_components_start_from_the_data():
    project = two()
    a, b = ids(project, "A"), ids(project, "B")
    done = propagate(project, source_of(project.entry(a["O 1s"])), (b["O 1s"],))
    assert done.done == (b["O 1s"],)
    assert done.notes == ()
    fit = done.project.entry(b["O 1s"]).fits[0]
    assert [c.name for c in fit.model.components] == ["oxide", "OH"]
    assert sum(c.value("area") for c in fit.model.components) == pytest.approx(3200, rel=0.1)
    fitted = work.fit_region(done.project, b["O 1s"], fit.id).entry(b["O 1s"]).fits[0].result
    share = fitted.value("p1.area") / (fitted.value("p1.area") + fitted.value("p2.area"))
    assert share == pytest.approx(0.2, abs=0.03)
    # The project that went in is as it was.
    assert project.entry(b["O 1s"]).fits == ()


def test_window_elsewhere_is_left_out_and_said():
    project = two()
    a, b = ids(project, "A"), ids(project, "B")
    done = propagate(project, source_of(project.entry(a["O 1s"])), tuple(b.values()))
    assert done.done == (b["O 1s"],)
    assert [note.split(":")[0] for note in done.notes] == ["C 1s", "Na 1s"]


def test_only_one_charge_reference_moves_the_energies():
    """A stands charged by 2 eV and is referenced; B was charged alike and is not: lines stand 2 eV higher there."""
    project = two(2.0, 2.0)
    for entry in project.entries_of(project.samples[0].id):
        project = project.with_entry(shifted_entry(replace(entry, fits=()), -2.0, BINDING))
    project = simulated.with_models(project)
    project = project.with_entry(replace(project.entry(ids(project, "B")["C 1s"]), fits=()))
    a, b = ids(project, "A"), ids(project, "B")
    source = source_of(project.entry(a["C 1s"]))
    assert offset_between(source, project.entry(b["C 1s"])) == pytest.approx(2.0)
    done = propagate(project, source, (b["C 1s"],))
    assert done.project.entry(b["C 1s"]).fits[0].model.component("p1").value("position") == pytest.approx(286.8)
    # With the calibration both have one scale, and the numbers are those of A.
    both = propagate(project, source, (b["C 1s"],), calibration=True)
    entry = both.project.entry(b["C 1s"])
    assert entry.recipe.energy_shift == pytest.approx(-2.0)
    assert entry.fits[0].model.component("p1").value("position") == pytest.approx(284.8)
    assert "from C 1s" in entry.recipe.charge_reference() or BINDING in entry.recipe.charge_reference()


def test_calibration_alone_moves_models_and_results():
    project = simulated.with_models(two(0.0, 0.0))
    a, b = ids(project, "A"), ids(project, "B")
    project = project.with_entry(shifted_entry(project.entry(a["C 1s"]), -1.5, BINDING))
    project = work.fit_region(project, b["C 1s"], "r1")
    before = project.entry(b["C 1s"]).fits[0].result
    done = propagate(project, source_of(project.entry(a["C 1s"])), (b["C 1s"],), regions=False, components=False,
                     calibration=True)
    entry = done.project.entry(b["C 1s"])
    assert entry.recipe.energy_shift == -1.5
    assert entry.fits[0].result.value("p1.position") == pytest.approx(before.value("p1.position") - 1.5)
    assert entry.fits[0].result.data_hash == entry.processed().hash


def test_components_go_into_the_region_that_is_there():
    project = two()
    a, b = ids(project, "A"), ids(project, "B")
    target = project.entry(b["C 1s"])
    bare = replace(simulated.models()[0], region=(282.0, 289.0), components=(), name="mine")
    project = project.with_entry(target.with_fit(RegionFit("r7", bare)))
    source = source_of(project.entry(a["C 1s"]))
    done = propagate(project, source, (b["C 1s"], b["O 1s"]), regions=False)
    fit = done.project.entry(b["C 1s"]).fit("r7")
    assert (fit.model.region, fit.name) == ((282.0, 289.0), "mine")
    assert len(fit.model.components) == 2
    assert "no region there" in done.notes[0]
    # Windows alone keep the components that are there.
    again = propagate(done.project, source, (b["C 1s"],), components=False).project.entry(b["C 1s"]).fit("r7")
    assert again.model.region == (281.0, 290.0)
    assert len(again.model.components) == 2


def test_replaced_region_is_said_and_loses_its_result():
    project = simulated.with_models(two())
    a, b = ids(project, "A"), ids(project, "B")
    project = work.fit_region(project, b["C 1s"], "r1")
    done = propagate(project, source_of(project.entry(a["C 1s"])), (b["C 1s"],))
    fits = done.project.entry(b["C 1s"]).fits
    assert [(f.id, f.result) for f in fits] == [("r1", None)]
    assert "was replaced" in done.notes[0]


def test_other_axis_and_nothing_to_carry():
    project = two()
    a, b = ids(project, "A"), ids(project, "B")
    entry = project.entry(b["C 1s"])
    spectrum = entry.spectrum
    kinetic = spectrum.with_(axis=replace(spectrum.axis, quantity="kinetic_energy"))
    project = project.with_entry(replace(entry, spectrum=kinetic))
    done = propagate(project, source_of(project.entry(a["C 1s"])), (b["C 1s"],))
    assert done.done == ()
    assert "kinetic energy" in done.notes[0]
    with pytest.raises(BadData, match="neither a region nor a charge reference"):
        source_of(project.entry(b["O 1s"]))
    # A recipe that cannot be applied is told, not raised.
    broken = replace(project.entry(b["O 1s"]), recipe=project.entry(b["O 1s"]).recipe.with_step(Step("nonsense")))
    done = propagate(project.with_entry(broken), source_of(project.entry(a["O 1s"])), (b["O 1s"],))
    assert "nonsense" in done.notes[0]


def test_a_tie_to_a_replaced_component_ends():
    """p1 of the new model is another line than p1 of the old one: the tie must not pass to it."""
    project = simulated.with_models(simulated.sample("A", 1), 1.0)
    project = simulated.with_models(simulated.sample("B", 2, project=project), 1.0)
    a, b = ids(project, "A"), ids(project, "B")
    tie = Tie(f"{b['C 1s']}/r1/p1.fwhm", "{" + f"{b['O 1s']}/r1/p1.fwhm" + "}")
    project = replace(project, ties=(tie,))
    same = propagate(project, source_of(project.entry(a["O 1s"])), (b["O 1s"],))
    assert same.project.ties == (tie,)
    source = project.entry(a["O 1s"])
    fit = source.fits[0]
    other = replace(fit.model.components[0], name="another", line="")
    source = source.with_fit(RegionFit(fit.id, replace(fit.model, components=(other, *fit.model.components[1:]))))
    done = propagate(project, source_of(source), (b["O 1s"],))
    assert done.project.ties == ()
    assert any("the tie of fwhm" in note and "ended" in note for note in done.notes)
