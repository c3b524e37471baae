"""`sodalite profile`: ions, depth, interfaces and layers without a window."""

import json

import numpy as np
import pytest

from app.__main__ import main
from app.project import store
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.sims.response import gauss_step

T = np.arange(1.0, 201.0)


@pytest.fixture
def file(tmp_path):
    """A project of three layers, edges at 60 and 130 s."""
    steps = [np.ones_like(T), gauss_step(T - 60, 4.0), gauss_step(T - 130, 4.0), np.zeros_like(T)]
    data = np.random.default_rng(1).poisson(3000 * np.maximum(-np.diff(steps, axis=0), 0.0).T + 5)
    data = np.column_stack([data.sum(axis=1), data])
    axis = Axis(np.arange(4.0), "ion", "", ("total", "C2H-", "NaO-", "C2-"))
    spectrum = Spectrum(axis, data, Noise("poisson", 1.0), Meta(title="p", region="Profile", technique="sims"),
                        navigation=(Axis(T, "time", "s"),))
    path = tmp_path / "p.sodalite"
    store.save(add_spectra(Project("p"), [spectrum]), path)
    return path


def run(capsys, *words):
    status = main([*words])
    shown = capsys.readouterr()
    return status, shown.out, shown.err


def test_ions_interfaces_and_layers(file, capsys, tmp_path):
    status, out, _ = run(
        capsys, "profile", str(file), "--rate", "0.2", "--rate-error", "0.01", "--interface", "NaO- 6 18 erf",
        "--interface", "C2- 20 32 crossing", "--layer", "Organic=C2H-", "--layer", "NaO-", "--layer", "C2-",
        "--csv", str(tmp_path / "t.csv"), "--axis", "depth")
    assert status == 0
    assert "Single ions add up to 100 %" in out
    assert "last point 40.0 ± 2.0 nm" in out
    assert "NaO⁻" in out
    assert "Organic" in out
    assert "to the end" in out
    rows = (tmp_path / "t.csv").read_text("utf-8").splitlines()
    assert rows[0].startswith("depth [nm],total [counts],C2H- [counts]")
    assert len(rows) == 201


def test_numbers_for_machines(file, capsys):
    status, out, _ = run(capsys, "profile", str(file), "--interface", "NaO- 30 90", "--layer", "C2H-", "--layer",
                         "NaO-", "--layer", "C2-", "--json")
    told = json.loads(out)
    assert status == 0
    assert told["depth"] is None
    assert told["interfaces"][0]["position"] == pytest.approx(60.0, abs=0.5)
    assert told["interfaces"][0]["width"] == pytest.approx(8.0, rel=0.05)
    assert [row["thickness"] for row in told["layers"]["rows"]][:2] == pytest.approx([60.0, 70.0], rel=0.02)
    assert told["layers"]["rows"][2]["thickness"] is None
    assert [row["kind"] for row in told["ions"]] == ["total", "ion", "ion", "ion"]


@pytest.mark.parametrize(("words", "told"), [
    (["--rate", "1", "--crater", "3"], "not both"),
    (["--interface", "NaO-"], "two places"),
    (["--spectrum", "nothing"], "nothing"),
    (["--axis", "dose", "--interface", "NaO- 1 2"], "no dose axis"),
])
def test_what_makes_no_sense_is_said(file, capsys, words, told):
    status, _, err = run(capsys, "profile", str(file), *words)
    assert status == 1
    assert told in err


def test_what_is_wrong_with_a_part_does_not_keep_the_rest(file, capsys):
    status, out, err = run(capsys, "profile", str(file), "--interface", "XeF- 1 200", "--layer", "C2H-")
    assert status == 0
    assert "C₂H⁻" in out
    assert "XeF-" in err
    assert "two traces" in err


@pytest.mark.realdata
def test_a_measured_profile(realdata, capsys):
    status, out, _ = run(capsys, "profile", str(realdata / "sims" / "profile_MAPI_neg.txt"), "--interface",
                         "InO- 150 235 mri")
    assert status == 0
    assert "Single ions add up to" in out
    assert "InO⁻" in out
    assert "MRI, λ = 0 held" in out
