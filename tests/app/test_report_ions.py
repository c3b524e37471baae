"""Report, tables and terminal output of ToF-SIMS data, on a small copy of the sample."""

from __future__ import annotations

import csv
import re

import h5py
import numpy as np
import pytest

from app.cli.ions import ion_objects, ion_text
from app.files.export import write_csv_folder, write_hdf5
from app.files.peak_list import read_peaks
from app.files.report import write_report
from app.files.sims_figures import save_all
from app.project.project import Project
from app.samples.sims import interphase_project
from app.samples.sims_work import work_interphase


@pytest.fixture(scope="module")
def worked() -> Project:
    """32 x 32 pixels, 40 scans."""
    return work_interphase(interphase_project(5, size=32, scans=40))


def test_report_says_what_was_found(worked, tmp_path) -> None:
    """Conditions, mass scale, peaks with both names, isotopes, layers with their rates, factors with all tests."""
    path = tmp_path / "report.html"
    write_report(worked, path)
    text = re.sub(r"<[^>]+>", " ", re.sub(r"<img[^>]*>|<style.*?</style>", "", path.read_text("utf-8"), flags=re.S))
    text = re.sub(r"\s+", " ", text)
    for words in ("Mass scale", "calibrated on Na2OH+", "Na₃F₂⁺ or Na₂HCO₃⁺", "Isotopes", "Rate (nm/s)", "Layers",
                  "Chlorine oxides", "MCR, 5 factors", "Horn", "Dead time not corrected", "ISO 13084"):
        assert words in text, words
    assert "Na₃F₂⁺ or Na₂HCO₃⁺ or" not in text  # each name once
    assert "factor:" not in text


def test_tables_hold_profiles_factors_and_peaks(worked, tmp_path) -> None:
    """Read again: closed shares add up to about 1, spectra to 1; the peak list comes back as it was."""
    folder = write_csv_folder(worked, tmp_path / "csv")
    names = {path.name for path in folder.iterdir()}
    profile = next(path for path in folder.iterdir() if path.name.endswith("factor_profiles.csv"))
    with profile.open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    shares = np.array([[float(row[name]) for name in row if name.endswith(", share")] for row in rows])
    assert shares.shape == (40, 5)
    assert shares.sum(axis=1) == pytest.approx(1.0, abs=0.25)
    peaks = next(path for path in folder.iterdir() if path.name.endswith("Positive spectrum peaks.csv"))
    known = worked.entry("positive_spectrum").masses.peaks
    assert [one.name for one in read_peaks(peaks)] == [one.name for one in known]
    assert "depth.csv" in names
    assert not any("map Bulk.csv" in name for name in names)  # voxels are in HDF5
    target = tmp_path / "out.h5"
    write_hdf5(worked, target)
    with h5py.File(target) as file:
        group = file["spectrum_0002/factors_1"]
        about = worked.entry("positive_ions").factors[0]
        assert group["spectra/values"].shape[0] == len(about.labels)
        columns = [name.decode() for name in group["amounts/column"][:]]
        place = columns.index(f"{about.names[0]} [counts]")
        assert group["amounts/values"][:, place] == pytest.approx(about.amounts[0])


def test_terminal_and_figures(worked, tmp_path) -> None:
    """Five layers in order; one figure a spectrum, a profile and a factor analysis, as PNG and SVG."""
    answers = ion_objects(worked)
    layers = [row for row in answers[0]["layers"] if row["spectrum"] == "Negative cube"]
    assert [row["number"] for row in layers] == [1, 2, 3, 4, 5]
    assert [row["layer"] for row in layers][0::4] == ["Organic", "Bulk"]
    assert layers[-1]["thickness"] is None
    assert "layer 5 Bulk: not determined" in ion_text(answers)
    made = save_all(worked.entry("negative_ions"), tmp_path) + save_all(worked.entry("negative_spectrum"), tmp_path)
    assert len(made) == 6
    assert all(path.stat().st_size > 5000 for path in made)
