"""The benchmarks' cases in their smallest form: problems, files, scripts, our own side, peers that are missing."""

from __future__ import annotations

import ast
import json
import math
import py_compile
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import _peers, fit, image
from benchmarks.__main__ import main
from benchmarks._peers import SCRIPTS, PeerMissing, Peers
from benchmarks._problems import NAMES, low_loss_image, six_peaks, ten_voigts, two_gaussians
from benchmarks._scripts import exchange
from fitting.engine import fit as fit_one
from fitting.evaluate import Evaluator


@pytest.fixture(autouse=True)
def numpy_path(monkeypatch):
    """No test waits for a compiler."""
    monkeypatch.setenv("SODALITE_KERNELS", "off")


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """An environment whose Python is ours: lmfit and SciPy are here as well, so that scripts really run."""
    monkeypatch.setattr(Peers, "python", Path(sys.executable))
    (tmp_path / "ready.json").write_text(json.dumps({"lmfit": "L", "scipy": "S"}))
    return Peers(folder=tmp_path)


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """An environment that cannot be installed."""
    answer = subprocess.CompletedProcess([], 1, "", "ERROR: no network\n")
    monkeypatch.setattr(_peers, "_run", lambda *_, **__: answer)
    return Peers(folder=tmp_path / "peers")


PROBLEMS = [six_peaks(), ten_voigts(), low_loss_image(2, channels=64)]


@pytest.mark.parametrize("problem", PROBLEMS, ids=["six peaks", "ten Voigts", "image"])
def test_a_problem_comes_back_from_its_files_as_it_was(problem, tmp_path):
    settings, arrays = problem.files()
    exchange.write(tmp_path, exchange.PROBLEM, settings, arrays)
    back, numbers = exchange.read(tmp_path, exchange.PROBLEM)
    assert back == settings
    assert set(numbers) == set(arrays)
    for name, array in arrays.items():
        assert numbers[name].dtype == array.dtype
        np.testing.assert_array_equal(numbers[name], array)


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.stem)
def test_scripts_compile_and_import_nothing_of_ours(script, tmp_path):
    py_compile.compile(str(script), cfile=str(tmp_path / "out.pyc"), doraise=True)
    nodes = list(ast.walk(ast.parse(script.read_text(encoding="utf-8"))))
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert not {name.split(".")[0] for name in found} & {"app", "fitting", "libraries", "benchmarks"}


@pytest.mark.parametrize("problem", PROBLEMS[:2], ids=["six peaks", "ten Voigts"])
def test_single_problems_can_be_fitted(problem):
    assert fit_one(problem.spectrum, problem.start).status == "converged"


def test_the_image_is_what_its_truth_says():
    picture = low_loss_image(3, channels=128)
    for at in ((0, 0), (2, 1)):
        curve, rows = two_gaussians(picture.x, picture.truth[at])
        evaluator = Evaluator(picture.spectrum().at(*at), picture.model())
        model = picture.model().with_values(dict(zip(NAMES, picture.truth[at], strict=True)))
        np.testing.assert_allclose(evaluator.parts(evaluator.values_of(model)).envelope, curve, rtol=1e-12)
        for k, step in enumerate(1e-5 * picture.truth[at]):
            shift = np.eye(7)[k] * step
            up, down = (two_gaussians(picture.x, picture.truth[at] + sign * shift)[0] for sign in (1, -1))
            np.testing.assert_allclose(rows[k], (up - down) / (2 * step), rtol=1e-5, atol=1e-6 * np.abs(rows[k]).max())
    assert np.all((picture.lower < picture.truth) & (picture.truth < picture.upper))


def test_quality_counts_what_is_off_and_what_did_not_converge():
    picture = low_loss_image(2, channels=64)
    values, converged = picture.truth + 0.5 * picture.error, np.ones((2, 2), dtype=bool)
    assert image.Quality.of(picture, values, converged).failed == 0
    values[0, 0, 3] += 10 * picture.error[0, 0, 3]
    values[0, 1, 2] = np.nan
    converged[1, 1] = False
    quality = image.Quality.of(picture, values, converged)
    assert (quality.failed, quality.unconverged) == (0.75, 0.25)
    assert quality.median == pytest.approx(0.5)


def test_our_side_of_an_image():
    ours = image.measure(low_loss_image(4, channels=256), repeats=1)
    assert ours.rate > 0
    assert ours.quality.failed == 0
    assert ours.quality.median < 2


@pytest.mark.parametrize("problem", PROBLEMS[:2], ids=["six peaks", "ten Voigts"])
def test_our_side_of_single_fits_without_peers(problem):
    rows = fit.beside(problem, ("curve_fit",), often=1, repeats=1, peers=Peers(wanted=False))
    assert all(row.ours and math.isfinite(row.ours) and row.peer is None for row in rows)
    assert "not asked for" in rows[-1].note


def test_the_first_fit_of_a_process():
    rows = fit.first_fits(six_peaks(), repeats=0, peers=Peers(wanted=False))
    assert all(0 < row.ours < 60 and row.peer is None for row in rows)


def test_scipy_is_held_to_the_same_minimum(stand_in):
    row = fit.beside(ten_voigts(), ("least_squares",), often=1, repeats=1, peers=stand_in)[-1]
    assert "(same minimum)" in row.note, row.note
    assert row.note.startswith("scipy S:")
    assert row.faster > 0
    assert not stand_in.failed


def test_lmfit_is_held_to_the_same_minimum(stand_in):
    row = fit.beside(six_peaks(), ("lmfit Model",), often=1, repeats=1, peers=stand_in)[-1]
    assert "(same minimum)" in row.note, row.note


def test_a_peer_on_a_corner_of_an_image(stand_in):
    picture = low_loss_image(6, channels=256)
    ours = image.Ours(1000.0, image.Quality(0.0, 0.0, 0.67), None, "")
    method = image.Method("lmfit", "lmfit", "lmfit", 3, 2)
    speed, failures = image._beside("image", picture, ours, method, stand_in, quick=True)
    assert speed.faster == pytest.approx(1000.0 / speed.peer)
    assert "a corner of 4 spectra" in speed.note
    assert failures.peer == 0
    assert failures.faster is None


def test_a_script_that_fails_is_a_peer_that_is_missing(stand_in):
    with pytest.raises(PeerMissing, match="KeyError"):
        stand_in.ask("peer_fit", {}, {"x": np.zeros(1), "y": np.zeros(1), "grid": np.zeros(1)})
    assert stand_in.failed


def test_without_an_environment_ours_is_still_measured_and_the_status_says_so(broken, monkeypatch, capsys):
    with pytest.raises(PeerMissing, match="no network"):
        broken.ask("peer_fit", {}, {})
    assert "installing peers" in capsys.readouterr().err
    monkeypatch.setattr("benchmarks._peers.Peers", lambda **_: broken)
    monkeypatch.setattr("benchmarks.__main__.cases", lambda: {"fit": lambda *, quick, peers: fit.beside(
        six_peaks(), ("least_squares",), often=1, repeats=1, peers=peers)})
    assert main(["--quick", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert all(row["ours"] > 0 and row["peer"] is None for row in rows)
    assert "no network" in rows[-1]["note"]


def test_peers_that_are_not_wanted_are_no_failure():
    peers = Peers(wanted=False)
    with pytest.raises(PeerMissing, match="not asked for"):
        peers.ask("peer_fit", {}, {})
    assert not peers.failed
