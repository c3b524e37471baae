"""`sodalite compounds` on a project and on a file of spectra."""

import json
from dataclasses import replace

import numpy as np
import pytest

from app.__main__ import main
from app.files.vamas_writer import write_vamas
from app.project import work
from app.project.presets import compounds, regions_of, with_preset
from app.project.project import Project, add_spectra
from app.project.store import save
from fitting.presets import preset
from fitting.simulate.samples import xps_sample
from fitting.simulate.xps import expectation, noisy
from libraries.errors import NotDetermined


@pytest.fixture(scope="module")
def spectra():
    simulation = noisy(expectation(xps_sample("Cycled hard carbon")), 2)
    return [simulation.spectrum(name) for name in ("F 1s", "Na 1s", "Cl 2p")]


def test_a_project(spectra, tmp_path, capsys):
    project = work.charge_reference(add_spectra(Project("P"), spectra), "cycled_hard_carbon", 285.45, 284.6, "C 1s")
    for entry, window in zip(project.entries, ((677.5, 696.5), (1063.5, 1082.0), (200.0, 216.5)), strict=True):
        project, _ = work.add_region(project, entry.id, *window, "shirley_active")
    path = tmp_path / "p.sodalite"
    save(project, path)
    status = main(["compounds", str(path), "--compound", "NaF", "--compound", "NaClO4", "--material", "hard carbon",
                   "--json"])
    found = json.loads(capsys.readouterr().out)
    assert status == 0
    assert [row["name"] for row in found["compounds"]] == ["NaF", "NaClO4"]
    assert found["compounds"][0]["mol_fraction"] == pytest.approx(8 / 8.8, abs=0.05)
    assert found["material"] == "hard carbon"
    assert found["notes"]


def test_a_file_without_regions_as_a_table(spectra, tmp_path, capsys):
    path = tmp_path / "s.vms"
    write_vamas(path, spectra)
    assert main(["compounds", str(path), "--compound", "NaF"]) in (0, 1)
    out = capsys.readouterr().out
    assert "mol fraction" in out
    assert "F 1s in F 1s" in out


def test_an_unknown_compound_is_one_clear_line(spectra, tmp_path, capsys):
    path = tmp_path / "s.vms"
    write_vamas(path, spectra)
    assert main(["compounds", str(path), "--compound", "unobtainium"]) == 1
    assert "no compound 'unobtainium'" in capsys.readouterr().err


def test_a_preset_added_to_a_project(spectra):
    project = add_spectra(Project("P"), spectra)
    sample = project.samples[0].id
    with pytest.raises(NotDetermined, match="no region"):
        with_preset(project, sample, preset("fluoride"))
    for entry, window in zip(project.entries[:2], ((677.5, 697.0), (1063.5, 1082.0)), strict=True):
        project, _ = work.add_region(project, entry.id, *window)
    after, notes = with_preset(project, sample, preset("fluoride"))
    assert {tie.target.rpartition(".")[2] for tie in after.ties} == {"position", "area"}
    assert all("Sodium fluoride" in tie.note for tie in after.ties)
    assert notes == ()
    fitted = work.fit_all(after)
    areas = [e.fits[0].model.params["p1.area"].value for e in fitted.entries[:2]]
    ratio = next(tie.formula for tie in after.ties if ".area" in tie.target).rpartition("*")[2]
    assert areas[1] / areas[0] == pytest.approx(float(ratio), rel=1e-6)


def test_the_user_s_transmission_takes_part_as_in_a_composition(spectra):
    project = work.charge_reference(add_spectra(Project("P"), spectra), "cycled_hard_carbon", 285.45, 284.6, "C 1s")
    for entry, window in zip(project.entries, ((677.5, 696.5), (1063.5, 1082.0), (200.0, 216.5)), strict=True):
        project, _ = work.add_region(project, entry.id, *window, "shirley_active")
    sample = project.samples[0]
    table = ((300.0, 2.0), (1500.0, 0.5))
    for region in regions_of(project.with_sample(replace(sample, transmission=table)), sample.id):
        kinetic = 1486.6 - (region.spectrum.x - region.energy_shift)
        wanted = np.interp(kinetic, *np.array(table).T)
        np.testing.assert_allclose(region.spectrum.transmission, wanted, rtol=1e-3)
    with pytest.raises(NotDetermined, match="transmission table ends"):
        regions_of(project.with_sample(replace(sample, transmission=((700.0, 1.0), (1500.0, 1.0)))), sample.id)


def test_a_series_has_no_common_amounts(spectra):
    project = add_spectra(Project("P"), spectra)
    project = project.map_entries(lambda e: replace(e, variable="depth", value=float(len(e.id)), unit="nm"))
    with pytest.raises(NotDetermined, match="series of"):
        compounds(project, project.samples[0].id, ["NaF"])
