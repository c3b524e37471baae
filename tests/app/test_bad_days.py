"""What goes wrong in a laboratory: one clear line each, and nothing is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.__main__ import main
from app.files.vamas_writer import write_vamas
from app.project import store, work
from app.project.project import Project, add_spectra
from fitting import guess
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.model import FitModel, Param
from libraries.errors import BadData, CannotWrite


def spectrum() -> Spectrum:
    """A C 1s region with one peak."""
    x = np.linspace(280.0, 292.0, 121)
    y = 200.0 + 4000.0 * np.exp(-4 * np.log(2) * ((x - 285.0) / 1.2) ** 2)
    meta = Meta(technique="xps", region="C 1s", sample="Electrode", photon_energy=1486.6, dwell_time=0.1, sweeps=10.0)
    return Spectrum(Axis(x, "binding_energy"), np.random.default_rng(1).poisson(y), Noise("poisson", 1.0), meta)


@pytest.fixture
def vamas(tmp_path: Path) -> Path:
    """The spectrum as a file."""
    path = tmp_path / "measured.vms"
    write_vamas(path, [spectrum()])
    return path


def model_file(folder: Path, model: FitModel) -> Path:
    path = folder / "model.json"
    path.write_text(model.to_json(), encoding="utf-8")
    return path


def one_line(capsys: pytest.CaptureFixture[str], status: int, *words: str) -> None:
    """Exit status 1, nothing on the output, one line that says what and where."""
    out, err = capsys.readouterr()
    assert status == 1
    assert not out
    lines = [line for line in err.splitlines() if line.strip()]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    for word in words:
        assert word in lines[0]


def test_truncated_file(vamas, capsys):
    text = vamas.read_text(encoding="utf-8")
    vamas.write_text(text[: len(text) // 2], encoding="utf-8")
    one_line(capsys, main(["info", str(vamas)]), "measured.vms")


def test_text_of_another_kind(tmp_path, capsys):
    path = tmp_path / "letter.txt"
    path.write_text("Dear colleague,\n\nplease find the spectra enclosed.\n", encoding="utf-8")
    one_line(capsys, main(["info", str(path)]), "letter.txt")


def test_region_without_data(vamas, tmp_path, capsys):
    model = replace(guess.add_peak(spectrum(), guess.new_model(spectrum(), 281.0, 291.0), 285.0), region=(400.0, 410.0))
    out = tmp_path / "out.sodalite"
    status = main(["fit", str(vamas), "--model", str(model_file(tmp_path, model)), "-o", str(out)])
    one_line(capsys, status, "400", "410")
    assert not out.exists()
    with pytest.raises(BadData, match="No data between"):
        work.add_region(add_spectra(Project(), [spectrum()]), "c_1s", 400.0, 410.0)


def test_fit_that_cannot_converge(vamas, tmp_path, capsys):
    model = guess.new_model(spectrum(), 281.0, 291.0)
    for _ in range(2):  # the same peak twice: no data can tell the two areas apart
        model = guess.add_peak(spectrum(), model, 285.0, height=2000.0, fwhm=1.2)
    ties = {f"p2.{name}": Param(1.0, link=f"p1.{name}") for name in ("position", "fwhm")}
    model = model.with_params(ties)
    out = tmp_path / "out.sodalite"
    status = main(["fit", str(vamas), "--model", str(model_file(tmp_path, model)), "-o", str(out), "--json"])
    printed, err = capsys.readouterr()
    assert status == 1
    assert "told apart" in err
    assert json.loads(printed)["status"] == "singular"
    # The work is kept, with its status.
    result = store.load(out).entries[0].fits[0].result
    assert result.status == "singular"
    assert not result.success


def test_read_only_folder(tmp_path, monkeypatch, capsys):
    project = add_spectra(Project("kept"), [spectrum()])
    target = tmp_path / "work.sodalite"
    store.save(project, target)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    # The tests may run as root, whom no mode of a folder stops.
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(CannotWrite, match=r"work\.sodalite"):
        store.save(replace(project, name="changed"), target)
    assert store.load(target).equals(project)
    one_line(capsys, main(["export", str(target), "--hdf5", str(tmp_path / "out.h5")]), "out.h5")
    assert not (tmp_path / "out.h5").exists()
