"""`sodalite cube`: from files of ions to a cube, and errors with a reason."""

import numpy as np
import pytest

from app.__main__ import main
from app.files import read
from tests.app.files.made_sims import imzml, voxels

COUNTS = np.random.default_rng(4).poisson(2.0, (3, 4, 5))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "in"
    made.mkdir()
    for number, name in enumerate(("Na2F+", "Na3O+")):
        (made / f"film ({number}) - {name}.txt").write_bytes(voxels(COUNTS + number))
    return made


def run(*words):
    return main(["cube", *map(str, words)])


def test_a_folder_becomes_a_cube(folder, tmp_path, capsys):
    target = tmp_path / "cube.h5"
    assert run(folder, "-o", target, "--pixel", 0.4, "--scan-time", 2, "--sample", "A") == 0
    assert capsys.readouterr().out.strip() == str(target)
    (cube,) = read(target)
    np.testing.assert_array_equal(cube.counts[..., 1], COUNTS + 1)
    assert cube.axis.labels == ("Na2F+", "Na3O+")
    assert (cube.meta.title, cube.meta.sample) == ("film", "A")


def test_imzml_with_a_peak_list(tmp_path, capsys):
    source = imzml(tmp_path / "a.imzML", [((1, 1), (22.98, 30.0), (4, 5)), ((2, 1), (22.99,), (6,))])
    peaks = tmp_path / "peaks.csv"
    peaks.write_text("Name,m/z,Low,High\nNa+,22.98922,22.9,23.1\n")
    assert run(source, "-o", tmp_path / "c.h5", "--peaks", peaks) == 0
    (image,) = read(tmp_path / "c.h5")
    np.testing.assert_array_equal(image.counts, [[[4], [6]]])
    capsys.readouterr()
    assert run(source, "-o", tmp_path / "d.h5") == 1
    assert "peak list" in capsys.readouterr().err


def test_bad_sizes(folder, tmp_path, capsys):
    assert run(folder, "-o", tmp_path / "c.h5", "--size", 0, 4, 3) == 1
    assert "above zero" in capsys.readouterr().err
    assert run(folder, "-o", tmp_path / "c.h5", "--size", 4, 4, 3) == 1
    assert "line 5" in capsys.readouterr().err
    assert not (tmp_path / "c.h5").exists()
