"""Tables of mass spectra: which tables they are, the scale behind them, the way back from our own."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import read, sniff
from app.files.csv_writer import write_csv
from libraries.errors import BadFile
from tests.app.files.made_surfacelab import spectrum


@pytest.mark.parametrize("head", ["m/z,Intensity", "Mass (u),Counts", "m/z [u],Intensity [counts]"])
def test_m_z_and_counts(write, head):
    (s,) = read(write(f"# made\n{head}\n1.5,5\n2.25,0\n3,7\n", "pos 1.csv"))
    assert (s.axis.quantity, s.meta.technique, s.meta.intensity_unit, s.name) == ("mass", "sims", "counts", "pos 1")
    np.testing.assert_array_equal(s.x, [1.5, 2.25, 3])
    np.testing.assert_array_equal(s.counts, [5, 0, 7])
    assert (s.noise.kind, s.noise.gain) == ("poisson", 1.0)


def test_intensities_that_are_no_counts(write):
    (s,) = read(write("m/z;Intensity\n1,5;5,5\n2,25;0,25\n"))
    assert (s.meta.intensity_unit, s.noise.kind) == ("arbitrary", "unknown")
    np.testing.assert_array_equal(s.x, [1.5, 2.25])


def test_negative_intensities_are_no_counts(write):
    (s,) = read(write("m/z,Intensity\n1,5\n2,-1\n"))
    assert (s.meta.intensity_unit, s.noise.kind) == ("arbitrary", "unknown")
    assert dict(s.meta.extra)["negative intensities"]


def test_a_spectrum_that_was_exported_comes_back_with_its_scale(write, tmp_path):
    (s,) = read(write(spectrum()))
    write_csv(tmp_path / "out.csv", s)
    (t,) = read(tmp_path / "out.csv")
    np.testing.assert_array_equal(t.x, s.x)
    np.testing.assert_array_equal(t.counts, s.counts)
    assert t.axis.quantity == "channel"
    slope, offset = (np.array(dict(one.meta.extra)["mass scale"].split(), float) for one in (s, t))
    np.testing.assert_allclose(slope, offset, rtol=1e-9)


@pytest.mark.parametrize("text", ["Channel,Intensity\n1,2\n2,3\n", "Mass,Counts\n1,2\n2,3\n", "m/z,a,b\n1,2,3\n2,3,4\n",
                                  "Mass (kg),Counts\n1,2\n2,3\n"])
def test_tables_that_may_be_something_else_are_not_taken(write, text):
    assert sniff(write(text)).name == "columns"


@pytest.mark.parametrize(("rows", "words"), [
    ("1,2\n2,x\n", "line 3"), ("1,2\n1,3\n", "does not ascend"), ("1,2\n2\n", "2 columns"), ("", "no rows"),
    ("-1,2\n2,3\n", "negative"),
])
def test_bad_tables_are_refused(write, rows, words):
    path = write("m/z,Intensity\n" + rows)
    with pytest.raises(BadFile, match=words) as caught:
        read(path)
    assert caught.value.todo
