"""Energy-loss spectra, images and maps as .msa, .hspy, TIFF, CSV and HDF5: what is written is read back the same."""

from __future__ import annotations

import csv
from dataclasses import replace

import h5py
import numpy as np
import pytest
from PIL import Image

from app.__main__ import main
from app.files import read
from app.files.export import write_csv_folder, write_hdf5
from app.files.hspy_writer import write_hspy
from app.files.map_tables import write_maps_csv
from app.files.map_writer import write_maps, write_tiff
from app.files.msa_writer import write_msa
from app.files.nexus_writer import write_nexus
from app.project import store
from app.project.project import Entry, Project, Sample
from fitting import stored
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.image.maps import Map
from libraries.errors import BadData, Cancelled, CannotWrite

E = Axis(-3.7 + 0.1 * np.arange(300), "energy_loss")
NAVIGATION = (Axis(10 + 2.5 * np.arange(4), "distance", "nm"), Axis(2.5 * np.arange(5), "distance", "nm"))
COUNTS = np.random.default_rng(1).normal(100, 30, (4, 5, 300))
META = Meta(title="Shell: low/1", region="Shell: low/1", technique="eels", beam_energy=200.0, collection_angle=15.25,
            convergence_angle=8.0, dwell_time=0.02, sample="hollow carbon")  # fmt: skip
IMAGE = Spectrum(E, COUNTS, Noise("poisson", None), META, navigation=NAVIGATION)
ONE = IMAGE.at(1, 2)
VALUES = np.random.default_rng(2).normal(size=(4, 5))
VALUES[0, 0] = np.nan
FLAGS = np.zeros((4, 5), np.uint8)
FLAGS[0, 0] = 2
MAP = Map("t", "t/λ of π", "eV", VALUES, np.full((4, 5), 0.25), FLAGS, ((0, "good"), (2, "no zero loss")), "run",
          "thickness", "log-ratio, window -2 to 3 eV", (), "abcdef")  # fmt: skip


def test_msa_comes_back_digit_for_digit_with_its_conditions(tmp_path):
    write_msa(tmp_path / "a.msa", ONE)
    (back,) = read(tmp_path / "a.msa")
    np.testing.assert_array_equal(back.y, ONE.y)
    np.testing.assert_allclose(back.x, ONE.x, atol=1e-12)
    for name in ("beam_energy", "collection_angle", "convergence_angle", "technique"):
        assert getattr(back.meta, name) == getattr(META, name)
    assert back.meta.dwell_time == pytest.approx(0.02, rel=1e-15)
    assert back.name == "Shell - low/1"  # ": " ends the name of a field in this format
    text = (tmp_path / "a.msa").read_text()
    assert all(len(line) <= 80 for line in text.splitlines())
    assert text.splitlines()[0] == "#FORMAT      : EMSA/MAS Spectral Data File"


def test_the_exposure_of_all_frames_is_kept(tmp_path):
    summed = replace(ONE, meta=replace(META, sweeps=100.0))
    write_hspy(tmp_path / "a.hspy", summed)
    (back,) = read(tmp_path / "a.hspy")
    assert (back.meta.dwell_time, back.meta.sweeps) == (0.02, 100.0)
    write_msa(tmp_path / "a.msa", summed)
    (back,) = read(tmp_path / "a.msa")  # the format knows no number of frames
    assert (back.meta.live_time or back.meta.dwell_time) == pytest.approx(2.0)


def test_msa_says_nothing_that_is_not_known(tmp_path):
    write_msa(tmp_path / "a.msa", replace(ONE, meta=Meta(title="a", technique="eels")))
    (back,) = read(tmp_path / "a.msa")
    assert (back.meta.beam_energy, back.meta.collection_angle, back.meta.dwell_time) == (None, None, None)


@pytest.mark.parametrize(
    ("spectrum", "words"),
    [
        (IMAGE, "single spectrum"),
        (replace(ONE, axis=Axis(E.values, "binding_energy")), "energy-loss"),
        (replace(ONE, axis=Axis(E.values**3 + 100 * E.values, "energy_loss")), "equal steps"),
    ],
)
def test_what_msa_cannot_hold_is_refused(spectrum, words, tmp_path):
    with pytest.raises(BadData, match=words):
        write_msa(tmp_path / "a.msa", spectrum)
    assert not (tmp_path / "a.msa").exists()


@pytest.mark.parametrize("spectrum", [ONE, IMAGE, replace(IMAGE, counts=np.round(COUNTS).astype(np.int32))])
def test_hspy_comes_back_bit_for_bit(spectrum, tmp_path):
    write_hspy(tmp_path / "a.hspy", spectrum)
    (back,) = read(tmp_path / "a.hspy")
    np.testing.assert_array_equal(back.counts, spectrum.counts)
    assert back.counts.dtype == spectrum.counts.dtype
    np.testing.assert_allclose(back.x, spectrum.x, atol=1e-12)
    for mine, theirs in zip(spectrum.navigation, back.navigation, strict=True):
        np.testing.assert_allclose(theirs.values, mine.values)
        assert (theirs.quantity, theirs.unit) == (mine.quantity, mine.unit)
    for name in ("beam_energy", "collection_angle", "convergence_angle", "dwell_time", "technique"):
        assert getattr(back.meta, name) == getattr(META, name)


def test_hspy_refuses_what_is_no_energy_loss(tmp_path):
    with pytest.raises(BadData, match="energy-loss"):
        write_hspy(tmp_path / "a.hspy", replace(ONE, axis=Axis(E.values, "kinetic_energy")))
    with pytest.raises(CannotWrite):
        write_hspy(tmp_path / "none" / "a.hspy", ONE)


def test_images_larger_than_memory_are_written_piece_by_piece(tmp_path, monkeypatch):
    write_nexus(tmp_path / "a.h5", [IMAGE])
    monkeypatch.setattr(stored, "IN_MEMORY", 1000)
    monkeypatch.setattr(Spectrum.pieces, "__defaults__", (2200,))  # seven spectra: pieces that cross rows
    (lying,) = read(tmp_path / "a.h5")
    assert lying.stored
    told = []
    write_hspy(tmp_path / "a.hspy", lying, lambda fraction, text: told.append(fraction))
    write_nexus(tmp_path / "b.h5", [lying])
    assert told[-1] == 1.0
    monkeypatch.setattr(stored, "IN_MEMORY", 1 << 28)
    for name in ("a.hspy", "b.h5"):
        np.testing.assert_array_equal(read(tmp_path / name)[0].y, COUNTS)
    with pytest.raises(Cancelled):
        write_hspy(tmp_path / "c.hspy", lying, cancel=lambda: True)
    assert not (tmp_path / "c.hspy").exists()


def test_tiff_holds_values_errors_and_flags(tmp_path):
    write_tiff(tmp_path / "a.tif", MAP, NAVIGATION)
    with Image.open(tmp_path / "a.tif") as image:
        assert (image.n_frames, image.mode, image.size) == (3, "F", (5, 4))
        about = image.tag_v2[270]
        # ImageJ: unit in the description, pixels in that unit.
        assert (float(image.tag_v2[282]), float(image.tag_v2[283]), image.tag_v2[296]) == (0.4, 0.4, 1)
        for page, array in enumerate((VALUES, MAP.error, FLAGS)):
            image.seek(page)
            np.testing.assert_array_equal(np.asarray(image), np.asarray(array, np.float32))
    lines = about.splitlines()
    assert lines[0] == "ImageJ=1.11a"
    for line in ("unit=nm", "images=3", "name=t/lambda of pi", "intensity unit=eV", "pages=values, errors, flags",
                 "flag 2=no zero loss", "origin=log-ratio, window -2 to 3 eV"):  # fmt: skip
        assert line in lines


def test_a_bare_map_of_a_series_is_a_picture_of_one_row(tmp_path):
    write_tiff(tmp_path / "a.tif", Map("a", "a", "", np.arange(6.0)))
    with Image.open(tmp_path / "a.tif") as image:
        assert (getattr(image, "n_frames", 1), image.size) == (1, (6, 1))


def test_map_table(tmp_path):
    write_maps_csv(tmp_path / "a.csv", [MAP], NAVIGATION)
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = ["Row", "Column", "y [nm]", "x [nm]", "t/λ of π [eV]", "t/λ of π error [eV]"]
    assert list(rows[0]) == [*names, "t/λ of π flag"]
    assert len(rows) == 20
    assert (rows[0]["t/λ of π [eV]"], rows[0]["t/λ of π flag"]) == ("", "no zero loss")
    assert [float(rows[7][name]) for name in names] == [  # rows and columns count from 0, as in the navigator
        1, 2, 12.5, 5.0, VALUES[1, 2], 0.25
    ]  # fmt: skip


@pytest.fixture
def project():
    other = replace(MAP, id="u", name="t/λ of π")
    entry = Entry("map", IMAGE, "s", "Shell", maps=(MAP, other))
    return Project("P", (Sample("s", "S"),), (entry, Entry("one", ONE, "s", "One")))


def test_all_maps_in_a_folder(project, tmp_path):
    folder = write_maps(project.entries, tmp_path / "maps")
    assert sorted(path.name for path in folder.iterdir()) == [
        "Shell t_λ of π 2.csv", "Shell t_λ of π 2.tif", "Shell t_λ of π.csv", "Shell t_λ of π.tif"
    ]  # fmt: skip
    with pytest.raises(BadData, match="no maps"):
        write_maps(project.entries[1:], tmp_path / "none")


def test_hdf5_and_tables_of_a_project_hold_its_maps(project, tmp_path):
    with h5py.File(write_hdf5(project, tmp_path / "a.h5")) as file:
        group = file["spectrum_0001/map_001"]
        np.testing.assert_array_equal(group["values"][()], VALUES)
        np.testing.assert_array_equal(group["flags"][()], FLAGS)
        np.testing.assert_array_equal(group[group.attrs["axes"][1]][()], NAVIGATION[1].values)
        assert group["values"].attrs["units"] == "eV"
    assert len(read(tmp_path / "a.h5")) == 2  # maps do not disturb the reader
    folder = write_csv_folder(project, tmp_path / "tables")
    names = {path.name for path in folder.iterdir()}
    assert {"S Shell sum.csv", "S Shell map t_λ of π.csv", "S One.csv"} <= names
    (summed,) = read(folder / "S Shell sum.csv")
    np.testing.assert_allclose(summed.y, COUNTS.sum(axis=(0, 1)), rtol=1e-12)


def test_commands(project, tmp_path, capsys):
    store.save(project, tmp_path / "a.sodalite")
    assert main(["export", str(tmp_path / "a.sodalite"), "--maps", str(tmp_path / "maps")]) == 0
    assert len(list((tmp_path / "maps").glob("*.tif"))) == 2
    write_nexus(tmp_path / "image.h5", [IMAGE])
    assert main(["convert", str(tmp_path / "image.h5"), "-o", str(tmp_path / "out.hspy")]) == 0
    np.testing.assert_array_equal(read(tmp_path / "out.hspy")[0].y, COUNTS)
    capsys.readouterr()
    assert main(["convert", str(tmp_path / "image.h5"), "-o", str(tmp_path / "out.msa")]) == 1
    assert "EMSA/MAS holds a single spectrum" in capsys.readouterr().err
    write_nexus(tmp_path / "two.h5", [ONE, ONE])
    assert main(["convert", str(tmp_path / "two.h5"), "-o", str(tmp_path / "out.msa")]) == 0
    assert len(list(tmp_path.glob("out-*.msa"))) == 2
