"""`sodalite factors --xps` prints and writes compositions of factors."""

import json
from dataclasses import replace

import pytest

from app.__main__ import main
from app.project import store
from fitting.sims.by_xps_setup import ByXps
from fitting.sims.setup import DepthScale
from tests.app.project import calibrated


@pytest.fixture
def files(tmp_path):
    project = calibrated.project()
    entry = project.entries[0]
    calibrated.write_xps(tmp_path / "xps.csv", entry.by_xps)
    bare = replace(entry, by_xps=ByXps(), depth=DepthScale())
    store.save(project.with_entry(bare), tmp_path / "made.sodalite")
    return tmp_path


def test_closed_factors_of_a_project_are_calibrated(files, capsys):
    assert main(["factors", str(files / "made.sodalite"), "--xps", str(files / "xps.csv"), "--crater", "30",
                 "--csv", str(files / "out"), "-o", str(files / "b.sodalite")]) == 0
    out = capsys.readouterr().out
    assert "semi-quantitative" in out
    assert "F / at.%" in out
    assert "Factor 3" in out
    assert (files / "out" / "by_xps_profile.csv").exists()
    kept = store.load(files / "b.sodalite").entries[0]
    assert kept.by_xps.depths == calibrated.xps()
    assert kept.depth.crater == 30.0


def test_new_factors_as_json(files, capsys):
    assert main(["factors", str(files / "made.sodalite"), "-k", "3", "--closure", "--no-bands", "--xps",
                 str(files / "xps.csv"), "--crater", "30", "--attenuation", "0.5", "--angle", "60", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    values = [[row["at_percent"][name]["value"] for name in "COF"] for row in found["factors"]]
    assert values == [pytest.approx(row, abs=6.0) for row in calibrated.COMPOSITIONS]
    assert found["attenuation_nm"] == 0.5
    assert len(found["depth_nm"]) == calibrated.POINTS


def test_what_is_missing_is_one_line(files, capsys):
    assert main(["factors", str(files / "made.sodalite"), "--xps", str(files / "xps.csv")]) != 0
    assert "no depth scale" in capsys.readouterr().err
    assert main(["factors", str(files / "made.sodalite"), "-k", "3", "--no-bands", "--crater", "30", "--xps",
                 str(files / "xps.csv")]) != 0
    assert "Add --closure" in capsys.readouterr().err
