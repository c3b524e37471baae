"""References to data in files: what is believed of a description, and when a file counts as the same."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.files.arrays import file_array
from app.files.references import (
    ChangedFile,
    MissingFile,
    Witness,
    described,
    found_again,
    restored,
    sha256_of,
    witness,
    witness_of,
    witness_row,
)  # fmt: skip
from fitting.identity import same
from libraries.errors import BadData, BadFile, Cancelled

COUNTS = np.random.default_rng(3).integers(0, 900, (40, 30, 20)).astype(np.int16)


@pytest.fixture
def array(tmp_path):
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "image.npy"
    np.save(path, COUNTS)
    return file_array(path, timed=False)


def test_a_description_makes_the_same_array(array):
    row = json.loads(json.dumps(described(array)))
    back = restored(row)
    assert same(back, array)
    assert back == replace(array) or back.path == array.path
    np.testing.assert_array_equal(back.read(5, 17), COUNTS.reshape(-1, 20)[5:17])
    with pytest.raises(BadData, match="referred to"):
        described(file_array(array.path))  # of a batch, which counts on the time of change


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("path", ""), ("path", 3), ("path", "a\0b"), ("dataset", None), ("shape", [40, 30]), ("shape", [40, -1, 20]),
        ("shape", [1 << 30, 1 << 30, 20]), ("shape", [2.0, 3.0]), ("shape", [True, 3, 20]), ("shape", []),
        ("dtype", "O"), ("dtype", "S9"), ("dtype", "c16"), ("dtype", "i2, i4"), ("dtype", "<x"), ("fingerprint", "no"),
        ("reverse", 1), ("order", [0, 0, 1]), ("order", [0]), ("flips", [0, 0, 0]), ("flips", [True]), ("offset", -2),
        ("offset", "7"), ("offset", 12), ("form", "V4"), ("inside", [40] * 9), ("other", 1),
    ],
)  # fmt: skip
def test_a_damaged_description_is_refused(key, value, array):
    row = described(array)
    if key == "shape" and value == [40, 30]:
        row["flips"] = [False, False, False]
    with pytest.raises(BadData):
        restored({**row, key: value})


def test_what_a_description_lacks_is_refused(array):
    for key in described(array):
        row = described(array)
        del row[key]
        with pytest.raises(BadData):
            restored(row)
    with pytest.raises(BadData):
        restored(None)


@pytest.mark.parametrize("row", [None, {}, {"near": "a", "size": -2, "changed": 0, "sha256": ""},
                                 {"near": "a", "size": 1, "changed": 0, "sha256": "xyz"},
                                 {"near": 1, "size": 1, "changed": 0, "sha256": ""},
                                 {"near": "a\0", "size": 1, "changed": 0, "sha256": ""}])  # fmt: skip
def test_a_damaged_witness_is_refused(row):
    with pytest.raises(BadData):
        witness_of(row, "here")


def test_a_witness_comes_back(array, tmp_path):
    seen = witness(array, tmp_path, whole=True)
    assert (seen.near, seen.size) == ("data/image.npy", array.path.stat().st_size)
    assert len(seen.sha256) == 64
    assert witness_of(json.loads(json.dumps(witness_row(seen))), "") == seen
    assert witness(array, tmp_path, whole=False).sha256 == ""


def test_a_file_is_found_beside_the_project_first(array, tmp_path):
    seen = witness(array, tmp_path, whole=True)
    assert found_again(array, seen, tmp_path).path == array.path
    moved = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "data", moved / "data")
    assert found_again(array, seen, moved).path == moved / "data" / "image.npy"
    shutil.rmtree(tmp_path / "data")
    found = found_again(array, seen, moved)
    np.testing.assert_array_equal(found.read(0, 9), COUNTS.reshape(-1, 20)[:9])


def test_a_missing_file_is_asked_for_and_given(array, tmp_path):
    seen = witness(array, tmp_path, whole=True)
    there = tmp_path / "renamed.npy"
    old = array.path
    old.rename(there)
    with pytest.raises(MissingFile, match="not where it was") as told:
        found_again(array, seen, tmp_path)
    assert told.value.path == old
    assert found_again(array, seen, tmp_path, {str(old): there}).path == there
    # What was found in one folder brings its neighbours along.
    there.rename(tmp_path / "image.npy")
    assert found_again(array, seen, tmp_path / "none", {"/other/a.npy": tmp_path / "a.npy"}).path.name == "image.npy"


def test_another_file_of_that_name_is_refused(array, tmp_path):
    seen = witness(array, tmp_path, whole=True)
    np.save(array.path, COUNTS[:20])
    with pytest.raises(ChangedFile, match="bytes instead of"):
        found_again(array, seen, tmp_path)
    np.save(array.path, COUNTS + 1)
    with pytest.raises(ChangedFile, match="its numbers are others"):
        found_again(array, seen, tmp_path)
    array.path.write_bytes(b"x" * seen.size)
    with pytest.raises(ChangedFile):
        found_again(array, seen, tmp_path)


def test_one_number_that_no_sample_sees_is_found_by_the_whole_file(array, tmp_path):
    seen = witness(array, tmp_path, whole=True)
    changed = COUNTS.copy()
    changed.reshape(-1, 20)[1, 4] += 1  # samples are 80 spectra apart
    np.save(array.path, changed)
    assert array.content() == array.fingerprint
    with pytest.raises(ChangedFile, match="its numbers are others"):
        found_again(array, seen, tmp_path)
    # Touched, but the same: that is no change.
    np.save(array.path, COUNTS)
    os.utime(array.path, ns=(5, 5))
    assert found_again(array, seen, tmp_path).path == array.path


def test_shares_of_the_network_are_not_asked_for(array, tmp_path):
    """Windows tells its user to whoever owns the share; a project from outside must not make it do so."""
    for name in ("\\\\server\\share\\image.npy", "//server/share/image.npy"):
        far = replace(array, path=Path(name))
        with pytest.raises(MissingFile):
            found_again(far, Witness("", -1, 0), tmp_path)


def test_the_sum_over_a_file_is_worked_out_once_and_can_be_stopped(array, monkeypatch):
    with pytest.raises(Cancelled):
        sha256_of(array.path, lambda: True)
    first = sha256_of(array.path)
    monkeypatch.setattr("app.files.references.hashlib.sha256", None)
    assert sha256_of(array.path) == first
    with pytest.raises(BadFile):
        sha256_of(array.path.with_name("none"))
