"""Tables of mass spectra: which tables they are, the scale behind them, the way back from our own."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import read, sniff
from app.files.csv_writer import write_csv
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.processing.dead_time_step import dead_time_step
from fitting.processing.mass_scale import mass_scale_step
from fitting.recipe import Recipe
from libraries.errors import BadData, BadFile
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


def counted(channels=4000, law=(120.5, -30.25), **extra):
    """Raw counts on single channels with the law of their file."""
    axis = Axis(np.arange(1.0, channels + 1), "channel", "")
    notes = (("polarity", "positive"), ("mass scale", f"{law[0]!r} {law[1]!r}"), *extra.items())
    meta = Meta(title="made", region="made", technique="sims", extra=notes)
    return Spectrum(axis, np.random.default_rng(4).poisson(3.0, channels), Noise("poisson", 1.0), meta)


def test_dead_time_and_mass_scale_of_a_processed_spectrum_come_back(tmp_path):
    slope, offset = 119.75, -28.5  # not the law of the file
    recipe = Recipe((dead_time_step(5000.0, 3), mass_scale_step(slope, offset, "calibrated on C+, Na+")))
    done = recipe.apply(counted(**{"dead time": "not corrected"}))
    write_csv(tmp_path / "out.csv", done, recipe=recipe)
    head = (tmp_path / "out.csv").read_text("utf-8").splitlines()[:5]
    assert head[:4] == [
        "# polarity: positive", "# dead time: corrected by Sodalite: 3 channels, 5000 pulses",
        "# mass scale: t = 119.75 sqrt(m/z) -28.5 channels, calibrated on C+, Na+", "# recipe: dead_time, mass_scale"]
    assert head[4] == "Channel,m/z,Intensity [counts]"
    (again,) = read(tmp_path / "out.csv")
    np.testing.assert_array_equal(again.x, np.arange(1.0, 4001))
    np.testing.assert_array_equal(again.counts, done.counts)
    extra = dict(again.meta.extra)
    np.testing.assert_allclose([float(word) for word in extra["mass scale"].split()], [slope, offset], rtol=1e-9)
    assert "calibrated on C+, Na+" in extra["mass scale when it was exported"]
    assert extra["polarity"] == "positive"
    assert (again.meta.comments, again.noise.kind) == ((), "poisson")
    # It cannot be corrected twice.
    with pytest.raises(BadData, match="corrected for dead time already"):
        Recipe((dead_time_step(5000.0, 3),)).apply(again)


@pytest.mark.parametrize("words", ["corrected by the instrument's software (the file says so)", "not corrected"])
def test_what_the_file_said_of_dead_time_is_kept(tmp_path, words):
    write_csv(tmp_path / "out.csv", counted(**{"dead time": words}))
    (again,) = read(tmp_path / "out.csv")
    assert dict(again.meta.extra)["dead time"] == words
    assert dict(again.meta.extra)["polarity"] == "positive"


def test_channels_are_not_made_up_where_the_axis_was_moved(tmp_path):
    recipe = Recipe((mass_scale_step(119.75, -28.5),))
    done = recipe.apply(counted())
    moved = done.with_(axis=Axis(done.x * (1 + 2e-5), "mass", ""))
    write_csv(tmp_path / "out.csv", moved, recipe=recipe)
    (again,) = read(tmp_path / "out.csv")
    assert again.axis.quantity == "mass"
    np.testing.assert_array_equal(again.x, moved.x)
    assert "119.75" in dict(again.meta.extra)["mass scale when it was exported"]


def test_other_comments_and_other_spectra_are_left_alone(write, tmp_path):
    (s,) = read(write("# made by hand\n# polarity: negative\nm/z,Intensity\n1.5,5\n2.25,0\n"))
    assert s.meta.comments == ("# made by hand",)
    xps = Spectrum(Axis(np.arange(5.0), "binding_energy", "eV"), np.arange(5), Noise("poisson", 1.0), Meta())
    write_csv(tmp_path / "xps.csv", xps, recipe=Recipe(()))
    assert (tmp_path / "xps.csv").read_text("utf-8").startswith("Binding energy [eV],")
