"""The commands that fit, quantify, export and report, and the demo."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from app import __main__ as program
from app.files import read
from app.files.nexus_writer import write_nexus
from app.project import store, work
from app.project.project import Project, RegionFit, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.model import Background, Component, FitModel, Param

AREAS = (4000.0, 1500.0)


def model():
    def peak(id, name, position, area):
        params = {"area": Param(area, 0), "position": Param(position, position - 1, position + 1),
                  "fwhm": Param(1.3, 0.5, 2.5), "mix": Param(0.3, vary=False)}
        return Component(id, name, "gl_sum", params, line="C 1s")

    first, second = peak("p1", "C–C", 284.8, 3000.0), peak("p2", "<b>C–O</b>", 286.4, 1000.0)
    second = second.with_(fwhm=Param(1.3, link="p1.fwhm"))
    return FitModel((281.0, 291.0), Background("constant", {"level": Param(90.0)}), (first, second), "C 1s")


def spectrum(seed=1):
    from fitting.curves import curves

    x = np.arange(280.0, 292.05, 0.1)
    truth = model().with_values({"p1.area": AREAS[0], "p2.area": AREAS[1]})
    truth = FitModel((279.9, 292.2), truth.background, truth.components)
    flat = Spectrum(Axis(x, "binding_energy"), np.ones(len(x)), Noise("poisson", 1.0), Meta(technique="xps"))
    counts = np.random.default_rng(seed).poisson(curves(flat, truth).envelope)
    about = Meta(title="C 1s", region="C 1s", technique="xps", sample="Film", photon_energy=1486.6, dwell_time=0.1,
                 sweeps=5.0, source_analyser_angle=54.7)
    return Spectrum(Axis(x, "binding_energy"), counts, Noise("poisson", 1.0), about)


@pytest.fixture
def data(tmp_path):
    """A file with one spectrum, and a model of it."""
    write_nexus(tmp_path / "data.h5", [spectrum()])
    (tmp_path / "model.json").write_text(model().to_json(), encoding="utf-8")
    return tmp_path


def fit(folder, *more):
    arguments = ["fit", folder / "data.h5", "--model", folder / "model.json", "-o", folder / "out.sodalite", *more]
    return program.main([str(argument) for argument in arguments])


@pytest.fixture
def fitted(data, capsys):
    assert fit(data) == 0
    capsys.readouterr()
    return data / "out.sodalite"


# ---------------------------------------------------------------------------------------------------------------- fit


def test_fit_as_json(data, capsys):
    assert fit(data, "--json", "--csv", data / "peaks.csv") == 0
    answer = json.loads(capsys.readouterr().out)
    assert [c["name"] for c in answer["components"]] == ["C–C", "<b>C–O</b>"]
    for found, truth in zip(answer["components"], AREAS, strict=True):
        assert abs(found["area"] - truth) < 4 * found["area_err"]
        assert 0 < found["position_err"] < 0.05
        assert abs(found["fwhm"] - 1.3) < 4 * found["fwhm_err"]
    assert 0.7 < answer["reduced_chi2"] < 1.3
    assert answer["error_factor"] == 1
    assert answer["status"] == "converged"
    (carbon,) = answer["composition"]
    assert (carbon["element"], carbon["at_percent"]) == ("C", 100.0)
    assert "at_percent_err" in carbon
    with (data / "peaks.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[1]["Area [intensity unit eV]"]) == answer["components"][1]["area"]
    project = store.load(data / "out.sodalite")
    assert project.entries[0].fits[0].result.success
    assert project.history[-1].text.startswith("Fitted C 1s")


def test_fit_for_people(data, capsys):
    assert fit(data) == 0
    out = capsys.readouterr().out
    assert "C–C" in out
    assert "±" in out
    assert out.rstrip().endswith("out.sodalite")


def test_enlarged_errors_are_labelled(data, capsys):
    """One peak where the data have two."""
    (data / "model.json").write_text(model().without("p2").to_json(), encoding="utf-8")
    assert fit(data, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["error_factor"] == pytest.approx(answer["reduced_chi2"] ** 0.5)
    assert answer["error_factor"] > 1.5
    assert answer["aic"] < answer["aicc"] < answer["bic"]
    assert fit(data) == 0
    line = f"Errors are multiplied by {answer['error_factor']:.3g} = sqrt(reduced chi2)"
    assert line in capsys.readouterr().out


def test_fit_wants_a_name_among_several(data, capsys):
    write_nexus(data / "data.h5", [spectrum(1), spectrum(2)])
    assert fit(data) == 1
    assert "--spectrum NAME or NUMBER: 0 C 1s, 1 C 1s" in capsys.readouterr().err
    assert fit(data, "--spectrum", "C 1s") == 1
    assert "names 2 of them" in capsys.readouterr().err
    assert fit(data, "--spectrum", "1", "--json") == 0
    capsys.readouterr()
    assert store.load(data / "out.sodalite").entries[0].spectrum.hash == read(data / "data.h5")[1].hash


def test_fit_finds_the_only_spectrum_that_the_model_lies_on(data, capsys):
    far = spectrum()
    far = far.with_(axis=Axis(far.x + 100, "binding_energy"))
    write_nexus(data / "data.h5", [far, spectrum()])
    assert fit(data) == 0
    capsys.readouterr()
    assert store.load(data / "out.sodalite").entries[0].spectrum.x[0] == 280.0


def test_fit_into_a_project_keeps_it(fitted, capsys):
    arguments = ["fit", fitted, "--model", fitted.parent / "model.json", "-o", fitted]
    assert program.main([str(argument) for argument in arguments]) == 0
    capsys.readouterr()
    assert len(store.load(fitted).entries[0].fits) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not valid JSON"), ("{}", "lacks 'region'"), ('{"region": [1, 2, 3], "components": [{}]}', "lacks 'id'"),
        ("\xff", "not text in UTF-8"), (None, "no such file"),
    ],
)
def test_bad_models_are_one_line(data, text, words, capsys):
    path = data / "model.json"
    path.unlink() if text is None else path.write_bytes(text.encode("latin-1"))
    assert fit(data) == 1
    out, err = capsys.readouterr()
    assert words in err
    assert str(path) in err
    assert (out, err.count("\n")) == ("", 1)
    assert not (data / "out.sodalite").exists()


def test_a_fit_that_fails_is_status_1(data, capsys):
    far = model().moved(200.0)
    (data / "model.json").write_text(far.to_json(), encoding="utf-8")
    assert fit(data) == 1
    assert "No data between" in capsys.readouterr().err


def test_a_fit_that_does_not_converge_is_kept(data, monkeypatch, capsys):
    from dataclasses import replace

    from fitting import engine

    def limited(*args, **kwargs):
        return replace(engine.fit(*args, **kwargs), status="iteration limit", message="Not converged.")

    monkeypatch.setattr("app.project.work.run_fit", limited)
    assert fit(data, "--json") == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["status"] == "iteration limit"
    assert "Not converged. The project was saved" in err
    assert (data / "out.sodalite").exists()


def test_the_project_needs_its_ending(data, capsys):
    arguments = ["fit", data / "data.h5", "--model", data / "model.json", "-o", data / "x.h5"]
    assert program.main([str(argument) for argument in arguments]) == 1
    assert ".sodalite" in capsys.readouterr().err


def test_templates(data, monkeypatch, capsys):
    monkeypatch.setenv("SODALITE_CONFIG_DIR", str(data / "config"))
    arguments = ["fit", data / "data.h5", "--template", "carbon", "-o", data / "out.sodalite"]
    arguments = [str(argument) for argument in arguments]
    assert program.main(arguments) == 1
    assert "There is no template 'carbon'" in capsys.readouterr().err
    (data / "config" / "templates").mkdir(parents=True)
    (data / "model.json").rename(data / "config" / "templates" / "carbon.json")
    assert program.main(arguments) == 0
    arguments[3] = "../carbon"
    assert program.main(arguments) == 1


# ------------------------------------------------------------------------------------- quantify, export, report, info


def test_quantify(fitted, tmp_path, capsys):
    assert program.main(["quantify", str(fitted), "--json", "--csv", str(tmp_path / "q.csv")]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["sample"] == "Film"
    assert answer["composition"][0]["element"] == "C"
    assert {"factor_source", "imfp_source", "transmission_source", "angular_source"} <= set(answer["lines"][0])
    assert sum(row["at_percent"] for row in answer["lines"]) == pytest.approx(100)
    with (tmp_path / "q.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 2
    assert program.main(["quantify", str(fitted)]) == 0
    assert "95 % interval" in capsys.readouterr().out


def test_quantify_without_fits_says_so(data, capsys):
    assert program.main(["quantify", str(data / "data.h5")]) == 1
    assert "no component of CasaXPS" in capsys.readouterr().err
    store.save(add_spectra(Project(), [spectrum()]), data / "bare.sodalite")
    assert program.main(["quantify", str(data / "bare.sodalite")]) == 1
    assert "No sample has a composition" in capsys.readouterr().err


@pytest.mark.realdata
def test_quantify_what_casaxps_fitted(realdata, capsys):
    assert program.main(["quantify", "--json", str(realdata / "xps" / "FeO_analyzed.vms")]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert [row["element"] for row in answer["composition"]] == ["Fe"]
    assert all("CasaXPS" in row["factor_source"] for row in answer["lines"])
    assert answer["lines"][0]["at_percent_err"] is None


def test_export(fitted, tmp_path, capsys):
    assert program.main(["export", str(fitted)]) == 2
    assert "--csv DIR" in capsys.readouterr().err
    targets = {"--csv": tmp_path / "tables", "--hdf5": tmp_path / "o.h5", "--vamas": tmp_path / "o.vms"}
    assert program.main(["export", str(fitted), *(str(x) for pair in targets.items() for x in pair)]) == 0
    assert capsys.readouterr().out.splitlines() == [str(path) for path in targets.values()]
    assert {p.name for p in (tmp_path / "tables").iterdir()} == {
        "Film C 1s.csv", "components.csv", "parameters.csv", "composition.csv", "elements.csv"
    }
    for path in (targets["--hdf5"], targets["--vamas"]):
        np.testing.assert_array_equal(read(path)[0].y, spectrum().y)


def test_report(fitted, tmp_path, capsys):
    assert program.main(["report", str(fitted), "-o", str(tmp_path / "r.html")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'r.html'}\n"
    assert (tmp_path / "r.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert program.main(["report", str(fitted), "-o", str(tmp_path / "r.pdf")]) == 1
    assert "print it as PDF" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["quantify"], ["export", "--csv", "x"], ["report", "-o", "x.html"]])
def test_what_is_no_project_is_refused(command, tmp_path, capsys):
    path = tmp_path / "damaged.sodalite"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 100)
    assert program.main([command[0], str(path), *command[1:]]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert str(path) in err


def test_info_and_convert_of_a_project(fitted, tmp_path, capsys):
    assert program.main(["info", "--json", str(fitted)]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["title"], row["meta"]["sample"]) == ("C 1s", "Film")
    assert program.main(["convert", str(fitted), "-o", str(tmp_path / "c.csv")]) == 0
    assert (tmp_path / "c.csv").is_file()


# --------------------------------------------------------------------------------------------------------------- demo


@pytest.fixture
def small_sample(monkeypatch):
    """One quick region instead of the four simulated samples."""

    def project(technique):
        made = add_spectra(Project("Small"), [spectrum()])
        return made.with_entry(made.entries[0].with_fit(RegionFit("r1", model())))

    monkeypatch.setattr("app.samples.sample_project", project)
    monkeypatch.setattr(
        "app.samples.worked_through", lambda made, key, progress=None: work.fit_all(made, progress=progress)
    )


def test_demo_writes_everything(small_sample, tmp_path, capsys):
    folder = tmp_path / "new" / "out"
    assert program.main(["demo", "-o", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "Film" in out
    assert "95 % interval" in out
    named = [line for line in out.splitlines() if line.startswith(str(folder))]
    assert len(named) == 20
    assert {p.name for p in folder.iterdir()} == {
        f"{key}{end}" for key in ("xps", "eels", "eels-valence", "sims")
        for end in (".sodalite", ".h5", "-report.html", "-csv", "-figures")
    }
    assert {p.suffix for p in (folder / "xps-figures").iterdir()} == {".png", ".svg"}
    assert store.load(folder / "xps.sodalite").entries[0].fits[0].result.success


def test_demo_as_json(small_sample, tmp_path, capsys):
    assert program.main(["demo", "--technique", "xps", "-o", str(tmp_path), "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert (answer["technique"], answer["sample"]) == ("xps", "Film")
    assert {"name", "position", "position_err", "fwhm", "fwhm_err", "area", "area_err"} <= set(
        answer["regions"][0]["components"][0]
    )
    assert {"element", "at_percent", "at_percent_err"} <= set(answer["composition"][0])


def test_demo_where_nothing_can_be_written(small_sample, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    assert program.main(["demo", "--technique", "xps", "-o", str(tmp_path / "file")]) == 1
    assert "cannot be made" in capsys.readouterr().err
