"""Sensitivity factors in a project: typed, from an implant, from a standard; saved, exported, on the command line."""

import csv
import json
import re
from argparse import Namespace
from dataclasses import replace

import h5py
import numpy as np
import pytest

from app.__main__ import main
from app.cli.concentrations import amounts_of
from app.files.concentration_tables import COLUMNS, write_concentrations
from app.files.export import write_csv_folder, write_hdf5
from app.files.registry import read
from app.files.report import write_report
from app.numerals import with_power
from app.project import store
from app.project.project import Project, add_spectra
from app.project.sims_depth import answer
from app.project.sims_sensitivity import (
    add_factor,
    amounts,
    as_number,
    edit_factor,
    element_of,
    fraction_words,
    limit_words,
    standards,
    with_setup,
    without_factor,
)
from app.samples.sims import interphase_project
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.sims.setup import DepthScale
from libraries.errors import BadData, BadModel, NotDetermined, UnknownName
from tests.fitting.sims.implants import DOSE, RSF, TIMES, implant, rho

RATE = DepthScale("rate", rate=1.0, rate_error=0.02)


@pytest.fixture
def project():
    """A standard, and a sample with a tenth of its phosphorus."""
    made = add_spectra(Project("p"), [
        implant(1), implant(2, ions=lambda z: rho(z, 0.1 * DOSE)).with_(
            meta=Meta(title="sample", region="sample", technique="sims"))])
    for entry in made.entries:
        made = made.with_entry(replace(entry, depth=RATE))
    standard, sample = made.entries
    made, id = add_factor(made, standard.id, "P-", "Si-", origin="implant", dose=DOSE, dose_error=0.03 * DOSE)
    made, _ = add_factor(made, sample.id, "P-", "Si-", origin="standard", standard=f"{standard.id}/{id}")
    return with_setup(made, sample.id, replace(made.entry(sample.id).sensitivity, density=4.99e22))


def told(project, which=1):
    entry = project.entries[which]
    return amounts(project, entry)


def test_a_sample_is_evaluated_with_the_standard_of_the_project(project):
    (one,) = told(project)
    assert one.failed == ""
    assert one.factor.value == pytest.approx(RSF, abs=3 * one.factor.error)
    assert one.factor.error / RSF == pytest.approx(np.sqrt(0.03**2 + 0.02**2 + 0.0074**2), rel=0.05)
    assert one.found.areal == pytest.approx(0.1 * DOSE, abs=3 * one.found.areal_error)
    assert one.label == "P⁻ in Si⁻"
    assert "P in Si" in one.factor.words
    assert [words for _, words, _ in standards(project, project.entries[1])] == ["P⁻ in Si⁻, P in Si"]


def test_the_factor_follows_its_standard_until_it_is_kept_as_a_number(project):
    (before,) = told(project)
    sample, standard = project.entries[1], project.entries[0]
    kept = as_number(project, sample.id, before)
    moved = [made.with_entry(replace(made.entries[0], depth=replace(RATE, rate=2.0))) for made in (project, kept)]
    assert told(moved[0])[0].factor.value == pytest.approx(before.factor.value / 2)  # twice as deep: half as dense
    (number,) = told(moved[1])
    assert number.factor.value == pytest.approx(before.factor.value, rel=1e-5)
    assert number.factor.error == pytest.approx(before.factor.error, rel=1e-2)
    assert number.factor.words.startswith("implant of 1e15 atoms/cm²")
    double = edit_factor(project, standard.id, standard.sensitivity.factors[0].id, dose=2 * DOSE)
    assert told(double)[0].factor.value == pytest.approx(2 * before.factor.value)
    gone = project.without_entry(standard.id)
    assert "is gone" in told(gone, 0)[0].failed
    other = edit_factor(project, standard.id, standard.sensitivity.factors[0].id, ion="Si-", matrix="P-")
    assert "not of P⁻ in Si⁻" in told(other)[0].failed


def test_what_is_missing_is_said_in_one_sentence(project):
    standard, sample = project.entries
    none = project.with_entry(replace(sample, depth=DepthScale()))
    assert "need a depth scale" in told(none)[0].failed
    assert "Depth page" in told(none)[0].failed
    none = project.with_entry(replace(standard, depth=DepthScale()))
    assert "standard has no depth scale" in told(none)[0].failed
    id = sample.sensitivity.factors[0].id
    assert "not given yet" in told(edit_factor(project, sample.id, id, origin="typed"))[0].failed
    assert "dose of the implant" in told(edit_factor(project, sample.id, id, origin="implant"))[0].failed
    assert "No standard is chosen" in told(edit_factor(project, sample.id, id, standard=""))[0].failed
    assert "another axis" in told(edit_factor(project, sample.id, id, scale="scan"))[0].failed
    with pytest.raises(BadModel, match="same"):
        add_factor(project, sample.id, "P-", "P-")
    with pytest.raises(UnknownName):
        add_factor(project, sample.id, "Xe-", "Si-")
    with pytest.raises(UnknownName):
        edit_factor(project, sample.id, "nothing", dose=1.0)
    with pytest.raises(NotDetermined):
        as_number(project, sample.id, replace(told(project)[0], factor=None))
    assert told(without_factor(project, sample.id, id)) == ()


def test_an_isotope_becomes_the_element_only_where_that_is_said():
    """Natural abundance of 11B 0.801 (Berglund and Wieser 2011)."""
    made = add_spectra(Project("b"), [implant(1, names=("^11B+", "Si+"))])
    entry = replace(made.entries[0], depth=RATE)
    made, id = add_factor(made.with_entry(entry), entry.id, "^11B+", "Si+", value=RSF, error=1e21)
    (isotope,) = told(made, 0)
    (element,) = told(edit_factor(made, entry.id, id, element=True), 0)
    assert (isotope.species, element.species) == ("¹¹B⁺", "B")
    assert element.found.areal / isotope.found.areal == pytest.approx(1 / 0.801, rel=2e-3)
    assert element_of("Cl- from ^37Cl-") == "Cl"
    for bad in ("NaF2-", "O2-", "total"):
        with pytest.raises(BadModel, match="not the ion of one atom"):
            element_of(bad)


def test_in_the_interphase_the_factor_holds_nowhere_for_all_depths():
    """Every layer is another matrix, and salts are no traces: both must be told."""
    made = interphase_project(5, size=16, scans=40)
    entry = next(one for one in made.entries if "NaF2-" in one.spectrum.axis.labels)
    made = made.with_entry(replace(entry, depth=DepthScale("crater", crater=50.0, crater_error=2.0)))
    made, _ = add_factor(made, entry.id, "NaF2-", "C2H-", value=3e21)
    (one,) = amounts(made, made.entry(entry.id))
    words = " ".join(one.found.remarks)
    assert "another matrix at" in words
    assert "more than 1 % of the atoms" in words
    assert one.found.valid.mean() < 0.5


def test_what_is_wrong_with_the_standard_is_said_in_the_sample(project):
    standard = project.entries[0]
    counts = np.array(standard.spectrum.counts)
    counts[150:] //= 3
    bad = project.with_entry(replace(standard, spectrum=standard.spectrum.with_(counts=counts)))
    words = told(bad)[0].found.remarks
    assert any(text.startswith("standard: another matrix at") for text in words)
    assert not any(text.startswith("another matrix") for text in words)
    assert not told(project)[0].found.remarks


def test_it_comes_back_from_the_file(project, tmp_path):
    store.save(project, tmp_path / "p.sodalite")
    loaded = store.load(tmp_path / "p.sodalite")
    assert loaded.equals(project)
    assert told(loaded)[0].found.areal == told(project)[0].found.areal


def test_tables_hold_factors_and_concentrations(project, tmp_path):
    found = told(project)
    path = write_concentrations(tmp_path / "c.csv", "sample", found)
    with path.open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert tuple(row) == COLUMNS
    assert float(row["Areal density [atoms/cm2]"]) == found[0].found.areal
    assert "no error" not in row["Remarks"]
    with (tmp_path / "c 1 P-.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(one["Concentration [atoms/cm3]"]) for one in rows] == found[0].found.values.tolist()
    share = float(rows[119]["Share of the atoms of the matrix [at.%]"])
    assert share == pytest.approx(100 * found[0].found.values[119] / 4.99e22)
    folder = write_csv_folder(project, tmp_path / "all")
    names = {path.name for path in folder.iterdir()}
    assert {"concentrations.csv", "sample concentration P-.csv", "P in Si concentration P-.csv"} <= names
    with h5py.File(write_hdf5(project, tmp_path / "o.h5"), "r") as file:
        group = file["spectrum_0002/concentration_1"]
        assert group["values"][:] == pytest.approx(found[0].found.values)
        assert group["values"].attrs["units"] == "1/cm^3"
        assert group.attrs["Factor [atoms/cm3]"] == found[0].factor.value
        assert group.attrs["Ion"] == "P-"


def test_the_report_says_them(project, tmp_path):
    write_report(project, tmp_path / "r.html")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", (tmp_path / "r.html").read_text("utf-8")))
    assert "Concentrations in one matrix" in text
    assert "P⁻ in Si⁻" in text
    assert "implant of 1e15 atoms/cm²" in text
    assert "ISO 18114" in text


def test_command_line(project, tmp_path, capsys):
    path = tmp_path / "p.sodalite"
    store.save(project, path)
    assert main(["profile", str(path), "--spectrum", "sample", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["concentrations"]
    assert one["areal_cm2"] == pytest.approx(0.1 * DOSE, rel=0.15)
    assert one["detection_limit_cm3"] > 0
    assert main(["profile", str(path), "--spectrum", "sample", "--rsf", "P-", "Si-", "2e22+-1e21", "--matrix-atoms",
                 "4.99e22"]) == 0
    out = capsys.readouterr().out
    assert "(2.00 ± 0.10)·10²²" in out
    assert "Areal / cm⁻²" in out


@pytest.mark.parametrize(("told_", "kind"), [
    (("P-", "Si-", "much"), BadData), (("P-", "Si-", "-1e22"), BadData), (("P-", "Si-", "1e22+-1+-2"), BadData),
    (("Xe-", "Si-", "1e22"), UnknownName),
])
def test_bad_factors_on_the_command_line(project, told_, kind):
    entry = project.entries[1]
    with pytest.raises(kind):
        amounts_of(project, entry, answer(entry), Namespace(rsf=[list(told_)], matrix_atoms=None))


def test_a_cube_is_evaluated_as_the_profile_of_its_pixels():
    flat = implant(1, matrix=3200.0)
    counts = np.random.default_rng(3).poisson(np.broadcast_to(flat.counts[:, None, None, :] / 16, (300, 4, 4, 2)))
    lateral = Axis(np.arange(4.0), "distance", "um")
    cube = Spectrum(flat.axis, counts, Noise("poisson", 1.0), Meta(title="c", region="Cube", technique="sims"),
                    navigation=(Axis(TIMES, "time", "s"), lateral, lateral))
    made = add_spectra(Project(), [cube])
    made = made.with_entry(replace(made.entries[0], depth=RATE))
    made, _ = add_factor(made, made.entries[0].id, "P-", "Si-", value=RSF)
    (one,) = told(made, 0)
    assert one.found.areal == pytest.approx(DOSE, rel=0.1)


@pytest.mark.realdata
def test_concentrations_of_a_measured_profile_are_those_by_hand(realdata):
    (measured,) = read(realdata / "sims" / "profile_spiro_pos.txt")
    made = add_spectra(Project(), [measured])
    entry = made.entries[0]
    made = made.with_entry(replace(entry, depth=DepthScale("crater", crater=500.0, crater_error=20.0)))
    made, _ = add_factor(made, entry.id, "Au_4+", "CH_5O+", value=1e22, error=1e21)
    (one,) = told(made, 0)
    ion, matrix = (measured.y[:, measured.axis.labels.index(name)] for name in ("Au_4+", "CH_5O+"))
    flat = measured.navigation[0].values >= one.told.flat_low
    by_hand = 1e22 * (ion / (matrix + 1) - ion[flat].sum() / (matrix[flat].sum() + 1))
    assert one.found.values == pytest.approx(by_hand)
    middle = (one.found.depth[1:] + one.found.depth[:-1]) / 2
    widths = np.diff([0.0, *middle, 2 * one.found.depth[-1] - middle[-1]])
    assert one.found.areal == pytest.approx(np.sum(by_hand * widths) * 1e-7)
    assert one.found.areal_error > 0.1 * one.found.areal


@pytest.mark.parametrize(("value", "error", "words"), [
    (1.02e15, 5e13, "(1.02 ± 0.05)·10¹⁵"), (9.996e21, 2e20, "(9.996 ± 0.200)·10²¹"), (2.1e22, None, "2.1·10²²"),
    (9.99e22, None, "1.0·10²³"), (2e22, float("nan"), "(2.00 ± ?)·10²²"), (1e14, 4e15, "(0 ± 4)·10¹⁵"),
    (float("nan"), 1.0, "not determined"), (0.0, None, "0"),
])
def test_large_numbers_in_words(value, error, words):
    assert with_power(value, error).replace("\u202f", "") == words.replace("9.996 ± 0.200", "10.00 ± 0.20")


def test_shares_in_words():
    assert fraction_words(1.13e20, 4e18, 4.99e22) == "0.226 ± 0.008 at.%"
    assert fraction_words(1e18, 1e17, 5e22) == "20.0 ± 2.0 at. ppm"
    assert limit_words(1e18, 5e22) == "20 at. ppm"
    assert limit_words(1.3e15, 5e22) == "26 at. ppb"
