"""Tables of depth profiles: which tables are profiles, their places and units, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import read, sniff
from fitting.sims.kinds import kind_of
from libraries.errors import BadFile


def table(head, rows, mark=","):
    return "\n".join([head, *(mark.join(map(str, row)) for row in rows)]) + "\n"


ROWS = [(0, 5, 7, 12), (2, 4, 9, 13), (4, 1, 9, 10)]


def test_a_table_of_ions_over_time(write):
    (s,) = read(write(table("Sputter time (s),Na2F+,Na_2OH+,total", ROWS), "a b.csv"))
    assert kind_of(s) == "profile"
    assert (s.name, s.meta.technique, s.noise.kind, s.noise.gain) == ("a b", "sims", "poisson", 1.0)
    assert s.axis.labels == ("Na2F+", "Na_2OH+", "total")
    assert (s.navigation[0].quantity, s.navigation[0].unit) == ("time", "s")
    np.testing.assert_array_equal(s.counts, [row[1:] for row in ROWS])
    extra = dict(s.meta.extra)
    assert extra["polarity"] == "positive"
    assert extra["intensity unit"] == "the file does not say: whole numbers, taken for counts"


HEADS = [  # head, mark, quantity, unit, factor
    ("Time (s),Na+,F+", ",", "time", "s", 1.0),
    ("Sputter Time [min];Na+;F+", ";", "time", "s", 60.0),
    ("Depth (nm)\tNa+\tF+", "\t", "depth", "nm", 1.0),
    ("depth [µm],Na+ [counts],F+ [counts]", ",", "depth", "nm", 1000.0),
    ("Fluence (ions/cm^2),Na+,F+", ",", "fluence", "ions/cm²", 1.0),
    ("Dose (ions),Na+,F+", ",", "dose", "ions", 1.0),
    ("Point,Na+,F+", ",", "scan", "", 1.0),
    ('Scan,"^206PbI-, ^207PbI-PbI-",I-', ",", "scan", "", 1.0),
]


@pytest.mark.parametrize(("head", "mark", "quantity", "unit", "factor"), HEADS)
def test_places_and_their_units(write, head, mark, quantity, unit, factor):
    (s,) = read(write(table(head, [(1, 5, 7), (3, 4, 9)], mark)))
    axis = s.navigation[0]
    assert (axis.quantity, axis.unit) == (quantity, unit)
    np.testing.assert_allclose(axis.values, [factor, 3 * factor])
    assert len(s.axis) == 2


def test_further_places_are_scales_and_errors_are_left_out(write):
    text = table("Point,Time (s),Dose (ions),Na+,Error of Na+,F+,Error of F+",
                 [(1, 0, 10, 4, 2, 9, 3), (2, 1, 20, 16, 4, 25, 5)])
    (s,) = read(write(text))
    assert s.navigation[0].quantity == "time"
    assert [a.quantity for a in s.scales] == ["dose"]
    assert s.axis.labels == ("Na+", "F+")
    left_out = [text for name, text in s.meta.extra if name == "column left out"]
    assert left_out == ["Error of Na+ and 1 more like it: errors follow from the counts"]  # one remark for all ions


def test_lines_of_units_masses_and_names(write):
    text = "Time;PF6-;I-\ns;counts;counts\nm/z;144,96;\nAlso possible;Na3F4-;\n0,5;4,5;1\n1,5;3,5;2\n"
    (s,) = read(write(text))
    assert s.axis.masses == (144.96, 0.0)
    np.testing.assert_array_equal(s.navigation[0].values, [0.5, 1.5])
    np.testing.assert_array_equal(s.counts, [[4.5, 1], [3.5, 2]])
    assert s.meta.intensity_unit == "counts"


def test_units_other_than_counts_have_no_known_noise(write):
    (s,) = read(write(table("Time (s),Na+ [per total],F+ [per total]", [(1, 0.5, 0.25), (3, 0.4, 0.5)])))
    assert (s.meta.intensity_unit, s.noise.kind) == ("arbitrary", "unknown")
    (s,) = read(write(table("Time (s),Na+,F+", [(1, 0.5, 0.25), (3, 0.4, 0.5)])))
    assert (s.meta.intensity_unit, s.noise.kind, s.noise.gain) == ("arbitrary", "poisson", None)


def test_negative_intensities_are_no_counts(write):
    (s,) = read(write("Time (s),Na+,F+\n1,5,3\n2,-1,3\n"))
    assert (s.meta.intensity_unit, s.noise.kind) == ("arbitrary", "unknown")


NOT_OURS = [
    "BE (eV),Counts\n1,2\n3,4\n",
    "Energy loss (eV),Na+,F+\n1,2,3\n2,3,4\n",
    "Time (s),Intensity,Background\n1,2,3\n2,3,4\n",
    "Time (s),Na+,background\n1,2,3\n2,3,4\n",  # one ion alone
    "Time (s),Na,F\n1,2,3\n2,3,4\n",  # elements without a charge
    "m/z,Na+,F+\n1,2,3\n2,3,4\n",
    "1,2,3\n2,3,4\n",
]


@pytest.mark.parametrize("text", NOT_OURS)
def test_other_tables_stay_with_the_reader_of_columns(write, text):
    assert sniff(write(text)).name == "columns"


BAD = [
    ("Time,Na+,F+\n1,2,3\n2,3,4\n", "no unit"),
    ("Time (h),Na+,F+\n1,2,3\n2,3,4\n", "unit 'h'"),
    ("Time (s),Na+,F-\n1,2,3\n2,3,4\n", "mixed"),
    ("Time (s),Na+,F+\n1,2,3\n1,3,4\n", "does not ascend"),
    ("Time (s),Na+,F+\n1,2,3\n2,3\n", "3 columns"),
    ("Time (s),Na+,F+\n1,2,3\n2,nan,4\n", "not a number"),
    ("Time (s),Na+,F+\nnan,2,3\n2,1,4\n", "not a number"),
    ("Time (s),Na+,F+\n1,,3\n2,1,4\n", "empty"),
    ("Time (s),Na+,F+\n", "no points"),
    ("Time (s),Depth (nm),time (s),Na+,F+\n1,2,3,4,5\n", "Two columns"),
    ("Time (s);Na+;F+\n1,5;2;3\n2.5;3;4\n", "comma"),
]


@pytest.mark.parametrize(("text", "words"), BAD)
def test_bad_tables_are_refused(write, text, words):
    path = write(text)
    assert sniff(path).name == "profile_text"
    with pytest.raises(BadFile, match=words) as caught:
        read(path)
    assert str(path) in caught.value.where
    assert caught.value.todo
