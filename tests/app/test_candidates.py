"""Candidates of a region of a project, and the command."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from app.__main__ import main
from app.files.vamas_writer import write_vamas
from app.project.candidates import FORM, PEAKS, base_of, find_candidates, grammar, lines_of, references_for, use
from app.project.project import Project, RegionFit, add_spectra
from app.project.work import fit_region
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.model import Background, Component, FitModel, Param
from fitting.xps.candidates.decide import expected
from libraries.errors import BadModel, NotDetermined


def component(id, position, area, line="C 1s"):
    """A peak of 1.2 eV."""
    params = {"area": Param(area, 0.0), "position": Param(position), "fwhm": Param(1.2, 0.2, 5.0),
              "mix": Param(0.3, 0.0, 1.0, vary=False)}
    return Component(id, id, "gl_sum", params, line=line)


TRUTH = FitModel((281.0, 291.0), Background("constant", {"level": Param(200.0)}),
                 (component("p1", 284.9, 5000.0), component("p2", 286.6, 2000.0)), "C 1s")


def spectrum(truth=TRUTH, name="C 1s", seed=1):
    """Counts of a model, with half an electronvolt beyond its region."""
    x = np.round(np.arange(truth.region[0] - 0.5, truth.region[1] + 0.55, 0.1), 3)
    meta = Meta(technique="xps", region=name, sample="A", photon_energy=1486.6, dwell_time=0.1, sweeps=10.0)
    blank = Spectrum(Axis(x, "binding_energy"), np.ones_like(x), Noise("poisson", 1.0), meta)
    mean = expected(blank, replace(truth, region=(float(x[0]), float(x[-1]))))
    return blank.with_(counts=np.random.default_rng(seed).poisson(mean.y).astype(float))


@pytest.fixture
def project():
    """One region without components."""
    made = add_spectra(Project("P"), [spectrum()])
    return made.with_entry(made.entries[0].with_fit(RegionFit("r1", replace(TRUTH, components=()))))


def test_one_is_found_and_used(project):
    """The supported candidate becomes model and result of the region; the region's name stays."""
    entry = project.entries[0]
    found = find_candidates(project, entry.id, "r1", PEAKS, starts=3)
    assert found.size == 2
    after = use(project, entry.id, "r1", found.supported)
    fit = after.entry(entry.id).fit("r1")
    assert fit.result is not None
    assert fit.result.model == fit.model
    assert fit.model.name == "C 1s"
    assert sorted(c.value("position") for c in fit.model.components) == pytest.approx([284.9, 286.6], abs=0.1)
    again = fit_region(after, entry.id, "r1").entry(entry.id).fit("r1").result
    assert again.deviance == pytest.approx(fit.result.deviance, abs=1e-3)


def test_a_stale_candidate_is_refused(project):
    """Nothing is used on a region that is another one now."""
    entry = project.entries[0]
    found = find_candidates(project, entry.id, "r1", PEAKS, starts=2)
    moved = project.with_entry(entry.with_fit(RegionFit("r1", replace(TRUTH, region=(282.0, 290.0), components=()))))
    with pytest.raises(NotDetermined, match="changed"):
        use(moved, entry.id, "r1", found.supported)


def test_lines_come_from_the_name_or_the_energy():
    """"V 2p + O 1s" names two; without a name the region's energies tell."""
    named = spectrum(replace(TRUTH, region=(510.0, 535.0), components=()), "V 2p + O 1s")
    assert set(lines_of(named, (510.0, 535.0))) == {"V 2p", "O 1s"}
    assert lines_of(named, (525.0, 535.0)) == ("O 1s",)
    unnamed = spectrum(TRUTH, "scan 7")
    assert lines_of(unnamed, (281.0, 291.0)) == ("C 1s",)
    with pytest.raises(BadModel, match="no core level"):
        grammar(spectrum(replace(TRUTH, region=(100.0, 110.0), components=()), "x"), replace(TRUTH, region=(100, 110)))


def test_other_lines_stay_and_own_ones_go():
    """K 2p in a C 1s region stays in every candidate; the old C 1s peaks do not."""
    model = replace(TRUTH, components=(*TRUTH.components, component("p3", 290.0, 100.0, "K 2p3/2")))
    data = spectrum(model)
    base = base_of(data, model, grammar(data, model))
    assert [c.id for c in base.components] == ["p3"]


def test_a_fitted_region_may_give_the_form(project):
    """Another fitted C 1s region is offered as the form of the line, and is used."""
    entry = project.entries[0]
    single = replace(TRUTH, components=TRUTH.components[:1])
    both = add_spectra(project, [spectrum(single, seed=2)])
    other = both.entries[1]
    both = fit_region(both.with_entry(other.with_fit(RegionFit("r1", single))), other.id, "r1")
    offered = references_for(both, both.entry(entry.id), both.entry(entry.id).fit("r1"))
    assert [e.id for e, _ in offered] == [other.id]
    found = find_candidates(both, entry.id, "r1", FORM, reference=offered[0][1].model, starts=2)
    assert found.size == 2
    with pytest.raises(BadModel, match="No reference"):
        find_candidates(both, entry.id, "r1", FORM)


def test_command(tmp_path, capsys):
    """`sodalite candidates` as text and as JSON; a file with one spectrum needs no name."""
    path = tmp_path / "c.vms"
    write_vamas(path, [spectrum()])
    call = ["candidates", str(path), "--region", "281", "291", "--background", "constant", "--starts", "2", "--peaks"]
    assert main([*call, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["states_needed"] == 2
    assert answer["candidates"][0]["delta_aicc"] == 0
    assert {"tests", "spread", "remarks", "summary"} <= set(answer)
    assert main([*call, "--line", "C 1s"]) == 0
    text = capsys.readouterr().out
    assert "The data need 2 states" in text
    assert "supported" in text


def test_command_says_what_is_wrong(tmp_path, capsys):
    """One clear line, status 1."""
    path = tmp_path / "c.vms"
    write_vamas(path, [spectrum(), spectrum(seed=3)])
    assert main(["candidates", str(path), "--region", "281", "291"]) == 1
    assert "--spectrum" in capsys.readouterr().err
    assert main(["candidates", str(path), "--spectrum", "0", "--region", "281", "291", "--line", "Si 2p"]) == 1
    assert "no chemical states" in capsys.readouterr().err
