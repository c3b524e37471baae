"""What energy-loss spectra gave, in CSV and HDF5."""

import csv
from dataclasses import replace

import h5py
import numpy as np
import pytest

from app.files.export import write_csv_folder, write_hdf5
from app.files.loss_tables import loss_tables
from app.project import core_loss
from app.project.factor_analysis import find_factors
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum


@pytest.fixture(scope="module")
def project():
    """A small low-loss image with its thickness and factors."""
    rng = np.random.default_rng(1)
    x = np.arange(-5.0, 60.0, 0.2)
    line, losses = np.exp(-0.5 * (x / 0.4) ** 2), np.exp(-0.5 * ((x - 22) / 4) ** 2)
    counts = rng.poisson(4000 * line + rng.uniform(200, 600, (6, 5, 1)) * losses)
    axes = tuple(Axis(3.0 * np.arange(float(n)), "distance", "nm") for n in (6, 5))
    meta = Meta(title="Low loss", technique="eels", beam_energy=200.0, convergence_angle=4.0, collection_angle=9.0)
    image = Spectrum(Axis(x, "energy_loss"), counts, Noise("poisson", 1.0), meta, navigation=axes)
    made = add_spectra(Project("Losses"), [image], "Film")
    made, _ = find_factors(made, made.entries[0].id, "mcr", 2)
    entry = made.entries[0]
    return made.with_entry(replace(entry, loss=replace(entry.loss, formula="Al", density=2.7)))


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_thickness_and_factors_as_csv(project, tmp_path):
    folder = write_csv_folder(project, tmp_path / "out")
    rows = {row["quantity"]: row for row in rows_of(folder / "thickness.csv")}
    spectrum = project.entries[0].single()
    expected = np.log(spectrum.y.sum() / spectrum.y[np.abs(spectrum.x) < 2.0].sum())
    assert float(rows["t/lambda"]["value"]) == pytest.approx(expected, rel=0.02)
    assert float(rows["t/lambda"]["error"]) > 0
    assert rows["thickness, Iakoubovskii"]["unit"] == "nm"
    factors = rows_of(folder / "factors.csv")
    about = project.entries[0].factors[0]
    assert len(factors) == about.spectra.size
    assert float(factors[7]["share_of_counts"]) == pytest.approx(about.spectra[0, 7])
    assert not (folder / "composition.csv").exists()
    assert not (folder / "core_loss.csv").exists()


def test_the_same_in_hdf5(project, tmp_path):
    write_hdf5(project, tmp_path / "out.h5")
    columns, rows = loss_tables(project)["thickness"]
    with h5py.File(tmp_path / "out.h5") as file:
        group = file["thickness"]
        assert set(group) == set(columns)
        assert group["value"][0] == pytest.approx(rows[0][columns.index("value")])
        assert group["unit"][1].decode() == "nm"
        assert file["factors"].attrs["NX_class"] == "NXcollection"


def test_a_joint_fit_has_its_row_for_each_edge(tmp_path):
    x = np.arange(150.0, 320.0, 0.5)
    counts = 4e8 * x**-2.5 * 1e2 + np.where(x > 190.0, 4e3 * (x / 190.0) ** -4, 0.0)
    meta = Meta(title="Core", technique="eels", beam_energy=200.0, convergence_angle=4.0, collection_angle=9.0)
    spectrum = Spectrum(Axis(x, "energy_loss"), np.random.default_rng(2).poisson(counts), Noise("poisson", 1.0), meta)
    project = add_spectra(Project(), [spectrum], "Film")
    id = project.entries[0].id
    setup = replace(core_loss.setup_for(spectrum, ["B K"]), convolve=False)
    project = core_loss.with_setup(project, id, setup)
    project = core_loss.with_result(project, id, core_loss.compute(project, id))
    (row,) = rows_of(write_csv_folder(project, tmp_path / "c") / "core_loss.csv")
    assert (row["edge"], row["element"], row["spectrum"]) == ("B K", "B", "Core")
    assert float(row["at_percent [at.%]"]) == pytest.approx(100.0)
    assert float(row["reduced_chi2"]) < 3
