"""`sodalite mass` prints what the window shows."""

import json

import numpy as np
import pytest

from app.__main__ import main
from app.files.peak_list import read_peaks
from app.project import store
from app.project.project import Project, add_spectra
from tests.app.project.test_masses import SLOPE, channel_of, spectrum


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("mass") / "toy.sodalite"
    store.save(add_spectra(Project(), [spectrum()]), path)
    return str(path)


def named(*ions):
    return [f"{ion}={channel_of(ion) + 3:.0f}" for ion in ions]


def test_calibrated_found_and_written(file, tmp_path, capsys):
    out = tmp_path / "peaks.csv"
    assert main(["mass", file, "--calibrate", *named("Na2OH+", "Na2F+", "Na2CO3+"), "--peaks", str(out)]) == 0
    text = capsys.readouterr().out
    assert "Na2OH+" in text
    assert "Na3F2+ or Na2HCO3+" in text or "Na2HCO3+ or Na3F2+" in text
    assert any(one.name == "Na4F3+" for one in read_peaks(out))
    assert main(["mass", file, "--calibrate", *named("Na2OH+", "Na2CO3+"), "--list", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["slope"] == pytest.approx(SLOPE, rel=1e-5)
    line = next(one for one in found["peaks"] if one["name"] == "Na2OH+")
    assert line["counts"] == pytest.approx(60_000, abs=5 * np.sqrt(60_000) + 300)


@pytest.mark.parametrize(("arguments", "words"), [
    ([], "no mass scale"), (["--calibrate", "Na2OH+=71674"], "two ions"), (["--calibrate", "Na2OH+=x"], "no channel"),
])  # fmt: skip
def test_what_cannot_be_is_said(file, capsys, arguments, words):
    assert main(["mass", file, *arguments]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.realdata
def test_polarity_is_asked_for(realdata, capsys):
    assert main(["mass", str(realdata / "sims/spectrum_neg.txt")]) == 0
    seen = capsys.readouterr()
    assert "--polarity" in seen.err
    assert "Cl-" not in seen.out
