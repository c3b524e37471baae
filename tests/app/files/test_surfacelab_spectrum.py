"""Mass spectra of SurfaceLab: the law behind channel and m/z, and its step in a project."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import read, sniff
from app.project.project import Project, add_spectra
from fitting.sims.kinds import kind_of
from libraries.errors import BadFile
from tests.app.files.made_surfacelab import OFFSET, SLOPE, spectrum

COUNTS = tuple(i % 7 for i in range(200))


def test_channels_counts_and_law(write):
    (s,) = read(write(spectrum(), "neg 1.txt"))
    assert kind_of(s) == "spectrum"
    assert (s.axis.quantity, s.meta.technique, s.name) == ("channel", "sims", "neg 1")
    np.testing.assert_array_equal(s.x, 100 + 200 * np.arange(200))
    np.testing.assert_array_equal(s.counts, COUNTS)
    assert s.counts.dtype.kind == "i"
    assert (s.noise.kind, s.noise.gain) == ("poisson", 1.0)
    extra = dict(s.meta.extra)
    slope, offset = map(float, extra["mass scale"].split())
    # Rounding of m/z to 1e-6 u at up to 1.5 u spreads over 200 points.
    assert slope == pytest.approx(SLOPE, rel=1e-6)
    assert offset == pytest.approx(OFFSET, abs=0.02)
    assert extra["dead time"] == "corrected by the instrument's software (the file says so)"
    assert extra["binning"] == "200 channels"


def test_a_project_opens_it_on_its_mass_scale(write):
    spectra = read(write(spectrum()))
    (entry,) = add_spectra(Project("p"), spectra).entries
    (step,) = entry.recipe.steps
    assert (step.kind, step.note) == ("mass_scale", "from the file")
    processed = entry.processed()
    assert processed.axis.quantity == "mass"
    np.testing.assert_allclose(processed.x, ((spectra[0].x - OFFSET) / SLOPE) ** 2, atol=1e-6)
    np.testing.assert_array_equal(processed.counts, COUNTS)


def test_channels_before_k0_hold_no_mass(write):
    (s,) = read(write(spectrum(law=(SLOPE, 1000.0))))
    (entry,) = add_spectra(Project("p"), [s]).entries
    assert len(entry.processed().axis) == int(np.sum(s.x > 1000))


def test_columns_that_obey_no_law_keep_their_m_z(write):
    (s,) = read(write(spectrum(shift=1e-3)))
    assert s.axis.quantity == "mass"
    assert s.x[-1] == pytest.approx(((100 + 200 * 199 - OFFSET) / SLOPE) ** 2 + 1e-3, abs=1e-6)
    assert "do not obey" in dict(s.meta.extra)["mass scale of the file"]
    assert add_spectra(Project("p"), [s]).entries[0].recipe.steps == ()


def test_what_is_said_of_dead_time(write):
    for said, words in (("off", "not corrected (the file says so)"),
                        ("", None)):  # whole counts do not tell
        (s,) = read(write(spectrum(dead=said)))
        assert dict(s.meta.extra).get("dead time") == words


def test_spectra_of_m_z_alone_or_channels_alone(write):
    rows = [line.split("\t") for line in spectrum().split("\r\n")[2:] if line]
    for keep, quantity in (((1, 2), "mass"), ((0, 2), "channel")):
        text = "# Deadtime Correction: off\n" + "\n".join("\t".join(row[i] for i in keep) for row in rows)
        (s,) = read(write(text))
        assert s.axis.quantity == quantity
        assert add_spectra(Project("p"), [s]).entries[0].recipe.steps == ()


BAD = [
    ("300\t", "abc\t", "'abc' is not a number"),
    ("\r\n300\t", "\r\n100\t", "do not ascend"),
    ("Channel\tm/z\tIntensity", "a\tb\tc", "line that names"),
    ("\t1\r\n", "\r\n", "2 numbers for 3 columns"),
    ("\t6\r\n", "\t\r\n", "2 numbers for 3 columns"),
    ("\t6\r\n", "\tinf\r\n", "'inf' is not a number"),
]


@pytest.mark.parametrize(("old", "new", "words"), BAD)
def test_damaged_spectra_are_refused(write, old, new, words):
    text = spectrum()
    assert old in text
    path = write(text.replace(old, new, 1))
    with pytest.raises(BadFile, match=words) as caught:
        read(path)
    assert str(path) in caught.value.where
    assert caught.value.todo


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["spectrum_pos", "spectrum_neg"])
def test_measured_spectra_obey_the_law(realdata, name, measured):
    """Issue 6: channel to m/z law to 1e-6 u; the law that is kept gives the m/z column again."""
    path = realdata / "sims" / f"{name}.txt"
    assert sniff(path).name == "surfacelab_spectrum"
    (s,) = read(path)
    table = np.loadtxt(path, skiprows=3)
    np.testing.assert_array_equal(s.x, table[:, 0])
    np.testing.assert_array_equal(s.counts, table[:, 2])
    (entry,) = add_spectra(Project("p"), [s]).entries
    processed = entry.processed()
    off = float(np.max(np.abs(processed.x - table[-len(processed.axis):, 1])))
    measured(f"{name}: channel to m/z law against the file's m/z", off, "u", "<= 1e-6")
    assert off <= 1e-6
