"""`sodalite lowloss`: thickness, plasmon model and the sodium test from the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.cli import parser
from app.project import low_loss
from app.project.loss_settings import LossSettings
from app.project.project import Project, add_spectra
from app.project.store import load, save
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.eels.drude import loss_function
from libraries.errors import BadData, CannotWrite, NotDetermined, UnknownName

STEP = 0.05
ENERGY = STEP * np.arange(-80, 900)


def metal(position=5.7, width=0.45, probability=0.2, angles=(200.0, 5.0, 10.0)):
    """Zero loss 0.2 eV wide and a Drude plasmon with its double on a broad loss at 22 eV."""
    e = np.maximum(ENERGY, 1e-3)

    def line(ep, g):
        q = np.sqrt(4 * ep**2 / g**2 - 1)
        return np.where(ENERGY > 0, loss_function(e, ep, g)[0] / (ep**2 * 2 / g * np.arctan(q) / q), 0) * STEP

    zero = np.exp(-4 * np.log(2) * (ENERGY / 0.2) ** 2)
    zero = zero / zero.sum()
    losses = probability * line(position, width) + 0.25 * line(22.0, 10.0)
    losses = losses + probability**2 / 2 * line(2 * position, 2 * width)
    total = zero + np.convolve(losses, zero)[80 : 80 + ENERGY.size]
    counts = np.random.default_rng(3).poisson(1e6 * total + 0.2).astype(float)
    meta = Meta(title="Low loss", region="Low loss", technique="eels", beam_energy=angles[0],
                convergence_angle=angles[1], collection_angle=angles[2])
    return Spectrum(Axis(ENERGY, "energy_loss"), counts, Noise("poisson", 1.0), meta)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "sodium.sodalite"
    save(add_spectra(Project("Sodium"), [metal()]), path)
    return path


def run(*words):
    arguments = parser.parse([str(word) for word in words])
    return arguments.run(arguments)


def test_json(file, capsys):
    assert run("lowloss", file, "--formula", "Na", "--density", "0.97", "--model", "sodium", "--sodium", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    ratio = told["t_lambda"]
    assert ratio["spread"][0] <= ratio["value"] <= ratio["spread"][1]
    assert ratio["value"] == pytest.approx(np.log(1 + 0.2 + 0.25 + 0.02), abs=0.03)
    by = {row["formula"]: row for row in told["thickness"]}
    assert by["Iakoubovskii"]["lambda"] == pytest.approx(213.345, abs=0.1)  # Egerton 2011, appendix B (IMFP)
    assert by["Malis"]["lambda"] == pytest.approx(136.227, rel=1e-3)
    assert by["Malis"]["relative_error"] == 0.2
    assert told["model"]["parameters"]["na.position"]["value"] == pytest.approx(5.7, abs=0.02)
    assert told["sodium"]["verdict"].startswith("sodium")
    assert len(told["sodium"]["hypotheses"]) == 4


def test_text_and_what_is_missing(file, capsys):
    assert run("lowloss", file) == 0
    out, _ = capsys.readouterr()
    assert "t/λ" in out
    assert "The density is not given" in out
    with pytest.raises(UnknownName):
        run("lowloss", file, "--formula", "Nq")
    with pytest.raises(BadData, match="density"):
        run("lowloss", file, "--formula", "Na", "--density", "-1")


def test_angles_from_the_command_line(tmp_path, capsys):
    path = tmp_path / "bare.sodalite"
    save(add_spectra(Project("Bare"), [metal(angles=(None, None, None))]), path)
    assert run("lowloss", path, "--formula", "Na", "--density", "0.97", "--json") == 0
    without = json.loads(capsys.readouterr().out)
    assert without["thickness"][0]["lambda"] is None
    assert "not known" in without["thickness"][0]["reason"]
    assert run("lowloss", path, "--formula", "Na", "--density", "0.97", "--beam", "200", "--convergence", "5",
               "--collection", "10", "--json") == 0
    assert json.loads(capsys.readouterr().out)["thickness"][0]["lambda"] == pytest.approx(213.345, abs=0.1)


def test_settings_are_kept_in_the_project(tmp_path):
    project = add_spectra(Project("Sodium"), [metal()])
    id = project.entries[0].id
    project = low_loss.with_settings(project, id, formula="Na", density=0.97, gap_low=3.0, gap_high=5.0, surface=True)
    save(project, tmp_path / "one.sodalite")
    again = load(tmp_path / "one.sodalite").entry(id)
    assert again.loss == LossSettings("Na", 0.97, gap_low=3.0, gap_high=5.0, surface=True)


def test_core_loss_takes_the_low_loss_of_its_scan():
    from dataclasses import replace

    low = metal()
    core = low.with_(axis=Axis(ENERGY + 500, "energy_loss"))
    project = add_spectra(Project("Dual"), [low, core])
    first, second = project.entries
    with pytest.raises(NotDetermined, match="no zero-loss peak"):
        low_loss.thickness_of(project, second.id)
    project = project.with_entry(replace(second, low_loss=first.id))
    assert low_loss.thickness_of(project, second.id).ratio == low_loss.thickness_of(project, first.id).ratio
    assert low_loss.with_settings(project, second.id, formula="Na").entry(first.id).loss.formula == "Na"


def test_the_printed_error_holds_the_counting(file, capsys):
    assert run("lowloss", file, "--json") == 0
    told = json.loads(capsys.readouterr().out)["t_lambda"]
    assert told["total_error"] == pytest.approx(np.hypot(told["systematic"], told["error"]))


def test_eels_writes_over_none_of_its_sources(file, tmp_path):
    low = tmp_path / "low.sodalite"
    low.write_bytes(file.read_bytes())
    before = low.read_bytes()
    with pytest.raises(CannotWrite, match="never overwritten"):
        run("eels", file, "--low", low, "--edges", "O_K", "--csv", low)
    assert low.read_bytes() == before
