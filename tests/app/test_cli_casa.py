"""`sodalite fit --casa`, VAMAS files of projects, and curves of other programs that are no data."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.__main__ import main
from app.files import read
from app.files.casa import casa_info
from app.files.casa_models import models_of
from app.files.vamas_writer import write_vamas
from app.project import store, work
from app.project.project import Project, add_spectra
from fitting.batch import spectra_of_files
from fitting.curves import curves
from fitting.engine import fit
from fitting.model import Background, FitModel, Param
from libraries.errors import BadData
from tests.app.files.casa_text import CALIBRATION, component, region, section
from tests.app.files.test_casa_models import spectrum
from tests.app.files.test_casa_writer import own_model

COMMENTS = section(
    region(background="Linear"),
    component(shape="SGL(30)", area=2000.0, limits=(1200.0, 1204.0)),
    component(name="C 1s C-O", shape="SGL(40)", area=700.0, area_link=(0, 0.25), at=1200.5, fwhm_link=(0, 1.0),
              position_link=(0, -1.5)),
    calibrations=(CALIBRATION,),
)  # fmt: skip


@pytest.fixture
def file(tmp_path):
    """A simulated spectrum 0.8 eV below its reference whose components are known, with CasaXPS's lines."""
    flat = spectrum(COMMENTS)
    found = models_of(flat)
    counts = flat.y.copy()
    (model,) = (m.moved(-found.shift) for m in found.models)
    drawn = curves(flat, model)
    counts[flat.axis.window(*model.region)] += sum(curve for _, curve in drawn.components)
    write_vamas(tmp_path / "a.vms", [flat.with_(counts=np.random.default_rng(5).poisson(counts)), spectrum(())])
    return tmp_path / "a.vms"


def test_fit_takes_casaxps_models_and_keeps_links_and_shift(file, tmp_path, capsys):
    out = tmp_path / "o.sodalite"
    assert main(["fit", str(file), "--casa", "-o", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["regions"]) == 1
    assert next(iter(answer["compositions"].values()))[0]["element"] == "C"
    project = store.load(out)
    first, second = project.entries
    assert (first.recipe.energy_shift, second.recipe.energy_shift) == (pytest.approx(0.8), 0)
    result = first.fits[0].result
    # 2000 and 0.25 times 2000 counts eV/s at 2 s a channel; the second area follows its link, not its own number.
    assert abs(result.value("p1.area") - 4000) < 5 * result.error("p1.area") + 150
    assert result.value("p2.area") == pytest.approx(result.value("p1.area") / 4)
    assert result.value("p2.position") == pytest.approx(result.value("p1.position") + 1.5)
    assert result.value("p1.position") == pytest.approx(284.6, abs=0.05)


def test_a_fit_goes_back_into_casaxps_lines(file, tmp_path, capsys):
    out, back = tmp_path / "o.sodalite", tmp_path / "back.vms"
    main(["fit", str(file), "--casa", "--spectrum", "C 1s", "-o", str(out)])
    assert main(["export", str(out), "--vamas", str(back)]) == 0
    result = store.load(out).entries[0].fits[0].result
    written, other = read(back)
    info = casa_info(written)
    assert info.shift == pytest.approx(0.8)
    np.testing.assert_array_equal(written.x, read(file)[0].x)
    assert info.components[0].area == pytest.approx(result.value("p1.area") / 2, rel=1e-7)
    assert info.components[1].area_link == 0
    assert 1486.6 - info.components[0].position_ke == pytest.approx(result.value("p1.position"), abs=1e-4)
    assert casa_info(other).regions == ()
    again = tmp_path / "again.vms"
    assert main(["convert", str(out), "-o", str(again)]) == 0
    assert again.read_bytes() == back.read_bytes()
    capsys.readouterr()


def test_files_without_casaxps_say_so(tmp_path, capsys):
    write_vamas(tmp_path / "a.vms", [spectrum(())])
    assert main(["fit", str(tmp_path / "a.vms"), "--casa", "-o", str(tmp_path / "o.sodalite")]) != 0
    assert "CasaXPS stored no region" in capsys.readouterr().err
    command = ["fit", str(tmp_path / "a.vms"), "--casa", "--spectrum", "Xx", "-o", str(tmp_path / "o.sodalite")]
    assert main(command) != 0
    assert "No spectrum is called 'Xx'" in capsys.readouterr().err


def test_the_export_says_what_casaxps_does_not_know(tmp_path, capsys):
    project = add_spectra(Project(), [spectrum(())])
    model = FitModel((282.0, 290.0), Background("constant", {"level": Param(100.0)}), own_model().components, "own")
    from app.project.project import RegionFit

    store.save(project.with_entry(project.entries[0].with_fit(RegionFit("r1", model))), tmp_path / "p.sodalite")
    assert main(["export", str(tmp_path / "p.sodalite"), "--vamas", str(tmp_path / "o.vms")]) == 0
    assert "Region 'own' is left out with its components" in capsys.readouterr().err


# -------------------------------------------------------------------------- curves of other programs


def curve():
    from dataclasses import replace

    flat = spectrum(())
    return flat.with_(meta=replace(flat.meta, extra=(("curve", "background of CasaXPS"),)))


def test_fitted_curves_are_no_data():
    project = add_spectra(Project(), [curve(), spectrum(())])
    assert [e.spectrum.curve for e in project.entries] == ["background of CasaXPS", ""]
    with pytest.raises(BadData, match="no measurement but a fitted curve: background of CasaXPS"):
        work.add_region(project, project.entries[0].id, 280.0, 290.0)
    with pytest.raises(BadData, match="no measurement but a fitted curve"):
        fit(curve(), own_model())
    with pytest.raises(BadData, match="no measurement but a fitted curve"):
        spectra_of_files([spectrum(()), curve()])
    assert work.add_region(project, project.entries[1].id, 280.0, 290.0)[1] == "r1"
