"""Peak lists: what was written is read, lists of others are read, bad ones are refused with the line."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.files.peak_list import read_peaks, write_peaks
from fitting.sims.setup import MassPeak
from libraries.errors import BadFile

PEAKS = (
    MassPeak("PF6-", 144.9647, 144.9, 145.05, ("Na3F4-",)),
    MassPeak("^37Cl-", 36.96645, 36.95, 36.98),
    MassPeak('unknown, "broad"', 43.02, 43.0, 43.1, ()),
    MassPeak("+extra", 50.0, 49.9, 50.1),
    MassPeak("#1", 51.0, 50.9, 51.1),
)


def test_a_list_comes_back_as_it_was_written(tmp_path):
    assert read_peaks(write_peaks(tmp_path / "peaks.csv", PEAKS)) == PEAKS


LETTERS = st.characters(codec="utf-8", categories=("L", "N", "P", "S"))
NAMES = st.text(LETTERS, min_size=1, max_size=12).filter(lambda name: name[0] != "'")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(name=NAMES, mass=st.floats(1.0, 2000.0), low=st.floats(0, 1), high=st.floats(1e-6, 1))
def test_any_name_and_number_comes_back(tmp_path, name, mass, low, high):
    peaks = (MassPeak(name, mass, mass - low, mass + high),)
    assert read_peaks(write_peaks(tmp_path / "peaks.csv", peaks)) == peaks


TABLES = [  # text, resolution -> what is read
    ("Name,m/z,Low,High\nNa+,22.99,22.9,23.1\n", 0, MassPeak("Na+", 22.99, 22.9, 23.1)),
    ("Assignment;Center Mass (u);Lower Mass (u);Upper Mass (u)\nNa+;22,99;22,9;23,1\n", 0,
     MassPeak("Na+", 22.99, 22.9, 23.1)),
    ("# from: x\r\nIon\tMass\tfrom\tto\r\nNa+\t22.99\t22.9\t23.1\r\n", 0, MassPeak("Na+", 22.99, 22.9, 23.1)),
    ("Ion,m/z\nNa+,20\n", 100, MassPeak("Na+", 20.0, 19.8, 20.2)),
    ("m/z,low,high\n43.5,43,44\n", 0, MassPeak("m/z 43.5000", 43.5, 43.0, 44.0)),
]


@pytest.mark.parametrize(("text", "resolution", "peak"), TABLES)
def test_lists_of_other_programs(write, text, resolution, peak):
    (found,) = read_peaks(write(text), resolution)
    assert (found.name, found.alternatives) == (peak.name, peak.alternatives)
    for name in ("mass", "low", "high"):
        assert math.isclose(getattr(found, name), getattr(peak, name), rel_tol=1e-12)


def test_an_ion_without_m_z_gets_its_exact_one(write):
    (found,) = read_peaks(write("Ion,low,high\nNa+,22.9,23.1\n"))
    assert found.mass == pytest.approx(22.98922, abs=1e-5)  # science-sims.md, list of ions


BAD = [
    ("Name,m/z,Low,High\n", "no peak"),
    ("1,2,3\n4,5,6\n", "names the columns"),
    ("Name,m/z,Low,High\nNa+,22.99,23.1,23.2\n", "do not hold"),
    ("Name,m/z,Low,High\nNa+,22.99,23.1,22.2\n", "do not hold"),
    ("Name,m/z,Low,High\nNa+,abc,22.9,23.1\n", "not a number"),
    ("Name,m/z,Low,High\nNa+,nan,22.9,23.1\n", "not a number"),
    ("Name,m/z\nNa+,22.99\n", "no limits"),
    ("Name,m/z,Low,High\nxyz,,22.9,23.1\n", "no m/z"),
    ("Name,m/z,Low,High\nNa+,22.99,22.9,23.1\nF-,18.998,18.9,19.1\n", "mixes positive and negative"),
    ("ITStrF01\0\0\0name,m/z\n", "binary"),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_bad_lists_are_refused(write, text, words):
    path = write(text)
    with pytest.raises(BadFile, match=words) as caught:
        read_peaks(path)
    assert str(path) in caught.value.where
    assert caught.value.todo
