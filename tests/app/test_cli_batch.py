"""`sodalite batch`: images, plain arrays and files; resume; what it prints and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from app import __main__ as program
from app.files.nexus_writer import write_nexus
from app.files.vamas_writer import write_vamas
from fitting.dataset import Axis, Meta, Noise, Spectrum
from tests.fitting.problems import background, component, envelope, grid, model

ROOT = Path(__file__).resolve().parents[2]
GRID = grid(81)
ONE = model(component("p1", position=287.0, area=3000.0, fwhm=1.4), back=background("constant", level=100.0))


def counts(dead=False):
    scale = np.linspace(0.5, 2.0, 12)[:, None]
    found = np.random.default_rng(1).poisson(scale * envelope(GRID, ONE)).reshape(3, 4, -1).astype(np.int32)
    if dead:
        found[1, 1] = 0
    return found


def image(dead=False):
    navigation = (Axis(np.arange(3.0), "distance", "nm"), Axis(np.arange(4.0), "distance", "nm"))
    return Spectrum(GRID.axis, counts(dead), GRID.noise, Meta(title="Film", region="C 1s"), None, navigation)


@pytest.fixture
def folder(tmp_path):
    write_nexus(tmp_path / "image.h5", [image()])
    (tmp_path / "model.json").write_text(ONE.to_json(), encoding="utf-8")
    return tmp_path


def batch(folder, *arguments, model_=True):
    words = [str(folder / word) if isinstance(word, str) and word.endswith((".h5", ".npy", ".csv", ".vms")) else
             str(word) for word in arguments]
    return program.main(["batch", *words, *(["--model", str(folder / "model.json")] if model_ else [])])


def test_an_image_as_json_and_table(folder, capsys):
    assert batch(folder, "image.h5", "-o", "out.h5", "--csv", "out.csv", "--json", "--workers", 1) == 0
    out, err = capsys.readouterr()
    assert err == ""
    answer = json.loads(out)
    assert (answer["spectra"], answer["statuses"], answer["failed"]) == (12, {"converged": 12}, 0)
    assert answer["output"] == str(folder / "out.h5")
    with h5py.File(folder / "out.h5", "r") as file:
        area, error = file["values/p1.area"][()], file["errors/p1.area"][()]
    truth = 3000 * np.linspace(0.5, 2.0, 12).reshape(3, 4)
    assert np.max(np.abs(area - truth) / error) < 4
    assert len((folder / "out.csv").read_text("utf-8").splitlines()) == 13


def test_spectra_that_fail_are_counted_and_are_status_1(folder, capsys):
    write_nexus(folder / "image.h5", [image(dead=True)])
    assert batch(folder, "image.h5", "-o", "out.h5") == 1
    out, err = capsys.readouterr()
    assert "bad data" in out
    assert err == "sodalite: 1 of 12 spectra have no proper minimum: 1 bad data.\n"


def test_an_existing_file_is_never_overwritten(folder, capsys):
    assert batch(folder, "image.h5", "-o", "out.h5") == 0
    before = (folder / "out.h5").read_bytes()
    capsys.readouterr()
    assert batch(folder, "image.h5", "-o", "out.h5") == 1
    assert "--resume" in capsys.readouterr().err
    assert batch(folder, "image.h5", "-o", "image.h5", "--resume") == 1
    assert "never overwritten" in capsys.readouterr().err
    assert batch(folder, "image.h5", "-o", "out.h5", "--resume", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["spectra"], answer["fitted_now"]) == (12, 0)
    assert batch(folder, "image.h5", "-o", "out.h5", "--resume", "--chunk", 5) == 1
    assert "other options" in capsys.readouterr().err
    assert (folder / "out.h5").read_bytes() == before


@pytest.mark.parametrize("kind", ["npy", "hdf5"])
def test_plain_arrays_with_a_descending_axis(kind, folder, capsys):
    assert batch(folder, "image.h5", "-o", "own.h5") == 0
    turned = counts()[..., ::-1]
    if kind == "npy":
        np.save(folder / "plain.npy", turned)
        words = ["plain.npy", "--axis", "295", f"{-15 / 80!r}", "eV/binding_energy"]
    else:
        with h5py.File(folder / "plain.h5", "w") as file:
            file["data/counts"], file["data/energy"] = turned, GRID.x[::-1]
        words = ["plain.h5", "--dataset", "/data/counts", "--energies", "/data/energy", "--quantity", "binding_energy"]
    assert batch(folder, *words, "--noise", "poisson", "-o", "out.h5") == 0
    with h5py.File(folder / "own.h5", "r") as own, h5py.File(folder / "out.h5", "r") as out:
        np.testing.assert_allclose(out["values/p1.area"][()], own["values/p1.area"][()], rtol=1e-6)
        assert out["values/p1.area"].attrs["units"] == "counts eV"
    assert batch(folder, *words, "--noise", "unknown", "-o", "two.h5", "--errors-only", "--cold") == 0
    with h5py.File(folder / "two.h5", "r") as file:
        assert "covariance" not in file
        assert file["values/p1.area"].attrs["units"] == "arbitrary eV"
        assert np.all(file["reduced_chi2"][()] == 1)


def test_all_blocks_of_one_name(folder, capsys):
    flat = counts().reshape(-1, 81)
    blocks = [Spectrum(GRID.axis, row, GRID.noise, Meta(title="C 1s", region="C 1s", technique="xps",
                       photon_energy=1486.6, index=i)) for i, row in enumerate(flat)]
    other = Spectrum(Axis(GRID.x + 100, "binding_energy"), flat[0], GRID.noise, blocks[0].meta)
    other = other.with_(meta=Meta(title="K 2p", region="K 2p", technique="xps", photon_energy=1486.6))
    write_vamas(folder / "series.vms", [other, *blocks])
    assert batch(folder, "series.vms", "-o", "out.h5", "--csv", "out.csv", "--spectrum", "C 1s") == 0
    rows = (folder / "out.csv").read_text("utf-8").splitlines()
    assert len(rows) == 13
    assert "series.vms, C 1s" in rows[1]
    capsys.readouterr()
    assert batch(folder, "series.vms", "-o", "all.h5") == 1
    assert "series.vms" in capsys.readouterr().err
    assert batch(folder, "series.vms", "-o", "all.h5", "--spectrum", "Na 1s") == 1
    assert "Na 1s" in capsys.readouterr().err
    assert not (folder / "all.h5").exists()


def test_several_files_on_one_axis(folder, capsys):
    for name, row in (("a.h5", counts()[0, 0]), ("b.h5", counts()[0, 1])):
        write_nexus(folder / name, [Spectrum(GRID.axis, row, GRID.noise, Meta(title="C 1s"))])
    assert batch(folder, "a.h5", "b.h5", "-o", "out.h5") == 0
    shifted = Spectrum(Axis(GRID.x + 0.05, "binding_energy"), counts()[0, 0], GRID.noise, Meta(title="C 1s"))
    write_nexus(folder / "b.h5", [shifted])
    capsys.readouterr()
    assert batch(folder, "a.h5", "b.h5", "-o", "two.h5") == 1
    assert "b.h5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plain.npy", "-o", "out.h5"], "--axis"),
        (["foreign.h5", "-o", "out.h5"], "--dataset"),
        (["foreign.h5", "--dataset", "/nothing", "-o", "out.h5"], "no such array"),
        (["foreign.h5", "--dataset", "/x", "-o", "out.h5"], "--energies"),
        (["plain.npy", "--axis", "1", "two", "eV/energy_loss", "-o", "out.h5"], "no axis"),
        (["plain.npy", "--axis", "1", "2", "eV/colour", "-o", "out.h5"], "no axis"),
        (["plain.npy", "--axis", "500", "1", "eV/binding_energy", "-o", "out.h5"], "No data between"),
        (["image.h5", "-o", "out.txt"], "ending in .h5"),
        (["several.h5", "-o", "out.h5"], "--dataset"),
        (["image.h5", "foreign.h5", "--dataset", "/x", "-o", "out.h5"], "one file"),
        (["image.h5", "--scheduler", "nonsense", "-o", "out.h5"], "cannot be reached"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_left(arguments, words, folder, capsys, monkeypatch):
    if "--scheduler" in arguments:  # a failed connection would leave a thread of Dask behind
        monkeypatch.setitem(sys.modules, "distributed", None)
        words = "sodalite[cluster]"
    np.save(folder / "plain.npy", counts())
    write_nexus(folder / "several.h5", [image(), image()])
    with h5py.File(folder / "foreign.h5", "w") as file:
        file["x"] = counts()
    assert batch(folder, *arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.count("\n") == 1
    assert not (folder / "out.h5").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["image.h5", "-o", "x.h5", "--noise", "pink"], ["image.h5", "-o", "x.h5", "--workers", "0"],
        ["image.h5", "-o", "x.h5", "--noise", "gaussian"], ["image.h5"], ["image.h5", "-o", "x.h5", "--axis", "1", "2"],
        ["image.h5", "-o", "x.h5", "--quantity", "eV/colour"],
    ],
)
def test_wrong_usage(arguments, folder, capsys):
    assert batch(folder, *arguments) == 2
    assert "usage: sodalite batch" in capsys.readouterr().err


def test_noise_of_the_user_counts(folder):
    for noise, kind, gain, read in (
        ("poisson:2.5", "poisson", 2.5, 0), ("proportional", "poisson", None, 0), ("gaussian:20", "gaussian", None, 20),
    ):  # fmt: skip
        target = folder / f"{kind}{gain}.h5"
        assert batch(folder, "image.h5", "-o", target, "--noise", noise) == 0
        with h5py.File(target, "r") as file:
            found = json.loads(file["job"][()])["noise"]["fields"]
        assert Noise(**found) == Noise(kind, gain, read, origin="user")


@pytest.mark.skipif(os.name != "posix", reason="Ctrl+C of another process needs POSIX signals")
def test_ctrl_c_keeps_what_is_finished(folder):
    big = np.random.default_rng(1).poisson(envelope(GRID, ONE), (20000, 81)).astype(np.uint16)
    np.save(folder / "big.npy", big)
    words = ["big.npy", "--axis", "280", f"{15 / 80!r}", "eV/binding_energy", "--noise", "poisson", "--chunk", "8"]
    command = [sys.executable, "-m", "app", "batch", *words, "--model", "model.json", "-o", "out.h5"]
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "SODALITE_KERNELS": "off"},
        # A shell's background job hands down that Ctrl+C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while process.poll() is None and not _begun(folder / "out.h5"):
        pass
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "--resume goes on" in err
    with h5py.File(folder / "out.h5", "r") as file:
        assert 0 < np.sum(file["done"][()]) < 2500


def _begun(path: Path) -> bool:
    """Whether some fits are written, looked at without HDF5, since the file is being written."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            return bool(np.any(file["status"][:8] != 255))
    except OSError:
        return False
