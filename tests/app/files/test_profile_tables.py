"""Exports of depth profiles and cubes of ions: every way out keeps names, masses, units, errors and alternatives."""

from __future__ import annotations

from dataclasses import replace

import h5py
import numpy as np
import openpyxl
import pytest

from app.files import export, read
from app.files.csv_writer import write_csv
from app.files.nexus_writer import write_nexus
from app.files.profile_tables import raw_table, write_profile_csv, write_profile_xlsx
from app.files.xlsx_writer import write_xlsx
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.identity import same
from fitting.image.place import Roi
from fitting.sims.setup import MassPeak, MassSetup, ProfileLook
from libraries.errors import BadData
from tests.app.files.made_surfacelab import profile, spectrum

LABELS = ("total", "PF_6-", "Cl-", "my ion")
MASSES = (0.0, 144.9647, 34.9694, 43.5)


def cube(scans=4, rows=5, columns=6):
    rng = np.random.default_rng(3)
    axes = (Axis(np.arange(scans) * 1.5, "time", "s"), Axis(np.arange(float(rows)), "distance", "µm"),
            Axis(np.arange(float(columns)), "distance", "µm"))
    counts = rng.poisson(7.0, (scans, rows, columns, 4)).astype(np.uint8)
    counts[..., 0] = counts[..., 1:].sum(axis=-1)
    axis = Axis(np.arange(4.0), "ion", "", LABELS, MASSES)
    fluence = Axis(1e12 * np.arange(1.0, scans + 1), "fluence", "ions/cm²")
    return Spectrum(axis, counts, Noise("poisson", 1.0), Meta(title="Cube", region="Cube", technique="sims"),
                    navigation=axes, scales=(fluence,))


def numbers(s):
    return s.axis, s.counts, s.noise, s.navigation, s.scales


@pytest.fixture
def measured_profile(write):
    return read(write(profile(), "pos.txt"))[0]


def test_a_raw_table_comes_back_as_it_was(measured_profile, tmp_path):
    s = measured_profile
    write_csv(tmp_path / "out.csv", s)
    (t,) = read(tmp_path / "out.csv")
    assert same(numbers(t), numbers(s))


def test_heads_units_masses_alternatives_and_errors(tmp_path):
    s = cube().with_(counts=cube().y.sum(axis=(1, 2)), navigation=cube().navigation[:1])
    masses = MassSetup(peaks=(MassPeak("PF6-", 144.96, 144, 145, ("x",)),))
    table = raw_table(s, masses)
    heads = table.heads()
    assert heads[0] == ["Sputter time", "Fluence", "total", "Error of total", "PF_6-", "Error of PF_6-", "Cl-",
                        "Error of Cl-", "my ion", "Error of my ion"]
    assert heads[1] == ["s", "ions/cm²", *["counts"] * 8]
    assert heads[2] == ["m/z", None, None, None, 144.9647, None, 34.9694, None, 43.5, None]
    # 1.3 mu apart, which no time-of-flight instrument separates (science-sims.md); "x" is a free name of the peak list.
    assert heads[3][4] == "Na3F4- or x"
    assert heads[3][0] == "Also possible"
    rows = list(table.rows())
    np.testing.assert_allclose(rows[2][5], np.sqrt(rows[2][4]))
    np.testing.assert_array_equal([row[4] for row in rows], s.y[:, 1])


def test_workbooks_hold_the_same_numbers(measured_profile, tmp_path):
    table = raw_table(measured_profile)
    book = openpyxl.load_workbook(write_profile_xlsx(tmp_path / "a.xlsx", [table]), read_only=True)
    found = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    book.close()
    width = len(table.heads()[0])
    assert [line + [None] * (width - len(line)) for line in found[:4]] == table.heads()
    np.testing.assert_allclose(np.array(found[4:], float), np.array(list(table.rows()), float), rtol=1e-14)
    (back,) = read(tmp_path / "a.xlsx")  # errors are left out, and places, names, masses and counts are as they were
    assert same(numbers(back), numbers(measured_profile))
    assert back.meta.file_format == "Excel workbook"


def shown_project(s):
    project = add_spectra(Project("p"), [s])
    entry = project.entries[0]
    look = ProfileLook(ions=("PF_6-", "PF_6- / Cl-"), axis="fluence", normal="total")
    return project.with_entry(replace(entry, profile=look, rois=(Roi("a", "Left", "rectangle", ((0, 0), (2, 4))),)))


def test_a_project_writes_profiles_raw_and_as_shown(tmp_path):
    project = shown_project(cube())
    export.write_csv_folder(project, tmp_path / "csv")
    names = sorted(path.name for path in (tmp_path / "csv").iterdir())
    # No tables of components or composition: depth profiles have none.
    assert set(names) == {f"Sample Cube{tail}.csv" for tail in ("", " as shown", " Left", " Left as shown")}
    lines = (tmp_path / "csv" / "Sample Cube as shown.csv").read_text().splitlines()
    assert lines[0] == "Fluence,PF_6-,Error of PF_6-,PF₆⁻ or Na₃F₄⁻ / Cl⁻,Error of PF₆⁻ or Na₃F₄⁻ / Cl⁻"
    assert lines[1] == "ions/cm²,share of the total,share of the total,ratio,ratio"
    assert lines[3].startswith("Also possible,Na3F4-,")
    y = cube().y.sum(axis=(1, 2))
    np.testing.assert_allclose([float(line.split(",")[1]) for line in lines[4:]], y[:, 1] / y[:, 0])
    np.testing.assert_allclose([float(line.split(",")[3]) for line in lines[4:]], y[:, 1] / y[:, 2])
    (left,) = read(tmp_path / "csv" / "Sample Cube Left.csv")
    assert 0 < left.y.sum() < y.sum()
    np.testing.assert_array_equal(left.y[:, 0], left.y[:, 1:].sum(axis=1))


def test_workbook_and_hdf5_of_a_project(tmp_path):
    project = shown_project(cube())
    book = openpyxl.load_workbook(write_xlsx(project, tmp_path / "a.xlsx"), read_only=True)
    assert book.sheetnames == ["Cube Sample", "Cube as shown Sample", "Cube Left Sample", "Cube Left as shown Sample"]
    book.close()
    (back,) = read(export.write_hdf5(project, tmp_path / "a.h5"))
    assert same((back.axis, back.counts, back.scales), (cube().axis, cube().counts, cube().scales))
    with h5py.File(tmp_path / "a.h5") as file:
        group = file["spectrum_0001/profile_2"]
        assert group.attrs["title"] == "Cube as shown"
        assert group["also_possible"][0].decode() == "Na3F4-"
        y = cube().y.sum(axis=(1, 2))
        np.testing.assert_allclose(group["values"][:, 0], y[:, 1] / y[:, 0])
        assert np.all(group["values_errors"][:, 0] > 0)


def test_images_of_ions_and_cubes_as_csv(tmp_path):
    with pytest.raises(BadData, match="no table") as caught:
        write_csv(tmp_path / "a.csv", cube())
    assert caught.value.todo
    image = cube().with_(counts=cube().counts.sum(axis=0), navigation=cube().navigation[1:], scales=())
    export.write_csv_folder(add_spectra(Project("p"), [image]), tmp_path / "csv")
    lines = (tmp_path / "csv" / "Sample Cube ions.csv").read_text().splitlines()
    assert lines[0] == "Ion,m/z,Counts,Error,Also possible"
    assert lines[2].startswith(f"PF_6-,144.9647,{int(cube().counts[..., 1].sum())},")
    assert lines[2].endswith("Na3F4-")


def test_vamas_leaves_tof_sims_out_and_says_so(write, tmp_path):
    sims = [*read(write(profile(), "p.txt")), *read(write(spectrum(), "s.txt"))]
    with pytest.raises(BadData, match="photoemission and energy loss"):
        export.write_vamas_file(add_spectra(Project("p"), sims), tmp_path / "a.vms")
    (xps,) = read(write("BE (eV),counts\n280,5\n281,6\n282,7\n", "x.csv"))
    said: list[str] = []
    export.write_vamas_file(add_spectra(Project("p"), [*sims, xps]), tmp_path / "a.vms", said.append)
    assert len(read(tmp_path / "a.vms")) == 1
    assert len([text for text in said if "ToF-SIMS" in text]) == 2


def test_hdf5_keeps_profiles_and_spectra(write, tmp_path):
    spectra = [*read(write(profile(), "p.txt")), *read(write(spectrum(), "s.txt"))]
    write_nexus(tmp_path / "a.h5", spectra)
    assert same(read(tmp_path / "a.h5"), spectra)


@pytest.mark.realdata
def test_a_measured_profile_comes_back_from_its_table(realdata, tmp_path):
    (s,) = read(realdata / "sims" / "profile_MAPI_neg.txt")
    (t,) = read(write_profile_csv(tmp_path / "a.csv", raw_table(s)))
    assert same(numbers(t), numbers(s))
