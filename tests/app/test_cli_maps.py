"""`sodalite maps` on projects with an image."""

from __future__ import annotations

import csv
import json

import h5py
import numpy as np
import pytest

from app.__main__ import main
from app.project.project import Entry, Project, Sample
from app.project.store import save
from fitting.dataset import Axis, Meta, Noise, Spectrum


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A project with one image from -2 to 40 eV, and its counts."""
    x = np.round(-2.0 + 0.1 * np.arange(420), 6)
    counts = np.random.default_rng(6).poisson(30.0, (6, 8, x.size))
    navigation = tuple(Axis(2.0 * np.arange(n), "distance", "nm") for n in (6, 8))
    image = Spectrum(Axis(x, "energy_loss"), counts, Noise("poisson", 1.0), Meta(title="Image", technique="eels"),
                     navigation=navigation)
    path = tmp_path_factory.mktemp("maps") / "image.sodalite"
    save(Project("P", (Sample("s", "S"),), (Entry("i", image, "s", "Image"),)), path)
    return path, image


def run(*words):
    return main(["maps", *map(str, words)])


def test_presets_by_default_into_hdf5(source, tmp_path, capsys):
    path, image = source
    assert run(path, "-o", tmp_path / "o.h5") == 0
    out, err = capsys.readouterr()
    assert "4–6 eV" in out
    assert "30–34 eV" in out
    assert "1 count per event" in err
    with h5py.File(tmp_path / "o.h5") as file:
        group = file["entry/map_0002"]
        inside = (image.x > 4.05) & (image.x < 5.95)
        ends = np.isclose(image.x, 4.0) | np.isclose(image.x, 6.0)
        wanted = image.y[..., inside].sum(axis=-1) + 0.5 * image.y[..., ends].sum(axis=-1)
        assert group["values"][...] == pytest.approx(wanted)
        variance = image.y[..., inside].sum(axis=-1) + 0.25 * image.y[..., ends].sum(axis=-1)
        assert group["values_errors"][...] == pytest.approx(np.sqrt(variance))
        assert list(group["x"][...]) == list(2.0 * np.arange(8))
        assert group.attrs["NX_class"] == "NXdata"
        assert "4 to 6 eV" in group.attrs["origin"]


def test_windows_and_quantities_into_a_table(source, tmp_path, capsys):
    path, _image = source
    assert run(path, "--quantity", "ratio", "--window", 10, 15, "--window", "20", "30", "-o", tmp_path / "o.csv",
               "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in told] == ["10–15 eV / 20–30 eV"]
    assert told[0]["mean"] == pytest.approx(0.5, abs=0.01)
    assert told[0]["mean_err"] == pytest.approx(0.5 * np.sqrt(1 / 1500 + 1 / 3000) / np.sqrt(48), rel=0.1)
    with (tmp_path / "o.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 48
    assert rows[9]["Row"] == "1"
    assert rows[9]["x [nm]"] == "2"
    mean = np.mean([float(row["10–15 eV / 20–30 eV"]) for row in rows])
    assert mean == pytest.approx(told[0]["mean"])


def test_figures_and_tiffs(source, tmp_path):
    path, _ = source
    assert run(path, "--preset", "4-6", "-o", tmp_path / "o.png") == 0
    assert (tmp_path / "o.png").read_bytes().startswith(b"\x89PNG")
    assert run(path, "--preset", "all", "-o", tmp_path / "folder") == 0
    assert len(list((tmp_path / "folder").glob("*.tif"))) == 4


@pytest.mark.parametrize(("words", "told"), [
    (("--preset", "272-294"), "does not lie on the axis"),
    (("--preset", "nonsense"), "There is no preset"),
    (("--window", "30", "90"), "beyond the axis"),
    (("--quantity", "three", "--window", "4", "6"), "takes 3 windows"),
    (("--spectrum", "none"), "There is no spectrum"),
])
def test_what_cannot_be_done_is_said(source, tmp_path, capsys, words, told):
    assert run(source[0], *words, "-o", tmp_path / "o.csv") == 1
    assert told in capsys.readouterr().err
    assert not (tmp_path / "o.csv").exists()


def test_other_endings_are_refused(source, tmp_path, capsys):
    assert run(source[0], "-o", tmp_path / "o.xyz") == 1
    assert "cannot be written" in capsys.readouterr().err
