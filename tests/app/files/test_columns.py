"""Column text: marks, decimals, names, units, the question which energy it is, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import AxisUnknown, ReadOptions, read, sniff
from fitting.dataset import Noise
from libraries.errors import BadFile

X = [284.5, 285.3, 286.0]
Y = [1203.5, 1500.0, 980.25]


def _rows(delimiter, decimal, x=X, y=Y):
    return "\n".join(f"{a}{delimiter}{b}".replace(".", decimal) for a, b in zip(x, y, strict=True))


# Every delimiter with every decimal mark, with and without blanks around.
@pytest.mark.parametrize("delimiter", ["\t", ";", " ", "   ", " ; ", "\t "])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_decimals(write, delimiter, decimal, end):
    text = ("BE;CPS\n" if ";" in delimiter else "BE CPS\n") + _rows(delimiter, decimal) + "\n"
    (spectrum,) = read(write(text.replace("\n", end)))
    assert spectrum.axis.quantity == "binding_energy"
    np.testing.assert_array_equal(spectrum.x, X)
    np.testing.assert_array_equal(spectrum.y, Y)


def test_commas_between_cells(write):
    for text in ("BE,CPS\n284.5,1203.5\n285.3,1500\n", '"BE","CPS"\n"284,5","1203,5"\n"285,3","1500"\n'):
        (spectrum,) = read(write(text))
        np.testing.assert_array_equal(spectrum.x, [284.5, 285.3])
        np.testing.assert_array_equal(spectrum.y, [1203.5, 1500])


def test_decimal_commas_beside_commas_between_cells_are_refused(write):
    with pytest.raises(BadFile, match="Two rows have the energy 285"):
        read(write("285,3,1203\n285,4,1204\n285,5,1205\n"), ReadOptions(axis="binding_energy"))


# Title of the first column -> quantity.
TITLES = [
    ("Binding Energy (eV)", "binding_energy"),
    ("Binding energy [eV]", "binding_energy"),
    ("binding_energy", "binding_energy"),
    ("BE", "binding_energy"),
    ("BE/eV", "binding_energy"),
    ("B.E. (eV)", "binding_energy"),
    ("# Binding Energy / eV", "binding_energy"),
    ("Bindungsenergie (eV)", "binding_energy"),
    ("Kinetic Energy (eV)", "kinetic_energy"),
    ("KE", "kinetic_energy"),
    ("K.E.", "kinetic_energy"),
    ("Ekin", "kinetic_energy"),
    ("Energy loss (eV)", "energy_loss"),
]


@pytest.mark.parametrize(("title", "quantity"), TITLES)
@pytest.mark.parametrize("delimiter", ["\t", ";", ","])
def test_the_title_says_which_energy_it_is(write, title, quantity, delimiter):
    (spectrum,) = read(write(f"{title}{delimiter}Counts\n1{delimiter}5\n2{delimiter}6\n"))
    assert spectrum.axis.quantity == quantity
    assert spectrum.meta.technique == ("eels" if quantity == "energy_loss" else "xps")
    assert spectrum.meta.intensity_unit == "counts"
    assert "axis" not in dict(spectrum.meta.extra)


def test_falling_energies_without_a_name_are_assumed_binding_and_it_is_said(write):
    for head in ("", "x,y\n", "Energy (eV),Intensity\n"):
        (spectrum,) = read(write(head + "300,5\n299,6\n298,7\n"))
        assert spectrum.axis.quantity == "binding_energy"
        np.testing.assert_array_equal(spectrum.y, [7, 6, 5])
        assert dict(spectrum.meta.extra)["axis"] == "assumed: binding energy; the file does not say"


def test_rising_energies_without_a_name_are_refused_until_the_user_says(write):
    path = write("280 5\n281 6\n282 7\n")
    with pytest.raises(AxisUnknown, match="does not say whether its energies are binding or kinetic"):
        read(path)
    (spectrum,) = read(path, ReadOptions(axis="kinetic_energy"))
    assert spectrum.axis.quantity == "kinetic_energy"
    assert dict(spectrum.meta.extra)["axis"] == "kinetic energy, chosen when opening"
    (spectrum,) = read(path, ReadOptions(axis="kinetic_energy", photon_energy=1486.6))
    assert spectrum.axis.quantity == "binding_energy"
    assert spectrum.meta.photon_energy == 1486.6
    np.testing.assert_array_equal(spectrum.x, [1204.6, 1205.6, 1206.6])
    assert read(path, ReadOptions(axis="binding_energy"))[0].x[0] == 280


def test_a_first_column_of_something_else_is_refused(write):
    with pytest.raises(AxisUnknown, match="'Retention time', which is no energy"):
        read(write("Retention time\tIntensity\n1\t5\n2\t6\n"))


def test_the_photon_energy_of_the_file_turns_kinetic_into_binding(write):
    (spectrum,) = read(write("# Photon energy: 1486.6 eV\n# KE\tcounts/s\n1200\t5\n1201\t6\n"))
    np.testing.assert_array_equal(spectrum.x, [285.6, 286.6])
    assert (spectrum.meta.photon_energy, spectrum.meta.intensity_unit) == (1486.6, "counts/s")


def test_several_intensities_become_several_spectra(write):
    spectra = read(write("BE (eV),raw (counts),Background,Transmission\n2,10,4,1.5\n1,12,5,1.4\n"))
    assert [s.name for s in spectra] == ["raw", "Background"]
    assert [s.meta.index for s in spectra] == [0, 1]
    np.testing.assert_array_equal(spectra[1].y, [5, 4])
    np.testing.assert_array_equal(spectra[0].transmission, [1.4, 1.5])


def test_two_pairs_of_columns_have_their_own_axes(write):
    spectra = read(write("K.E.\tCounts\t\tB.E.\tCPS\n10\t1\t\t90\t4\n11\t2\t\t89\t5\n"))
    assert [s.axis.quantity for s in spectra] == ["kinetic_energy", "binding_energy"]
    np.testing.assert_array_equal(spectra[1].y, [5, 4])


def test_point_numbers_before_the_energies_are_passed_over(write):
    (spectrum,) = read(write("Index,BE,Counts\n1,300,5\n2,299,6\n"))
    np.testing.assert_array_equal(spectrum.x, [299, 300])


def test_units_may_stand_in_a_row_of_their_own(write):
    (spectrum,) = read(write("Binding Energy\tC 1s\neV\tcounts/s\n300\t5\n299\t6\n"))
    assert (spectrum.name, spectrum.meta.intensity_unit) == ("C 1s", "counts/s")


@pytest.mark.parametrize("mark", "#%!;")
def test_comments_are_kept_and_read(write, mark):
    lines = (
        f"{mark} Region: Na 1s",
        f"{mark} Sample: anode",
        f"{mark} Pass Energy: 20 eV",
        f"{mark} Dwell Time: 0.5",
        f"{mark} Number of Scans = 4",
        f"{mark} Date: 2024-01-02",
        f"{mark} BE\tcounts/s",
    )
    (spectrum,) = read(write("\n".join([*lines, "300\t5", "299\t6"])))
    meta = spectrum.meta
    assert (meta.region, meta.sample, meta.pass_energy, meta.date) == ("Na 1s", "anode", 20, "2024-01-02")
    assert (meta.dwell_time, meta.sweeps) == (0.5, 4)
    assert meta.comments == lines
    assert spectrum.noise == Noise("poisson", 0.5)  # 5 and 6 per s in 2 s are 10 and 12 events


def test_an_ambiguous_date_is_kept_as_text(write):
    (spectrum,) = read(write("# Date: 08/09/23\nBE\tI\n300\t5\n299\t6\n"))
    assert spectrum.meta.date == ""
    assert ("date", "08/09/23") in spectrum.meta.extra


def test_several_tables_in_one_file(write):
    text = "# Energy Axis: Binding Energy\n# Region: A\n3 1\n2 2\n\n# Region: B\n6 3\n5 4\n4 5\n# the end\n"
    first, second = read(write(text))
    assert (first.name, second.name) == ("A", "B")
    assert (len(first.axis), len(second.axis)) == (2, 3)
    assert second.meta.comments == ("# Region: B", "# the end")


def test_rows_out_of_order_are_sorted_and_it_is_said(write):
    (spectrum,) = read(write("BE I\n1 10\n3 30\n2 20\n"))
    np.testing.assert_array_equal(spectrum.y, [10, 20, 30])
    assert "axis order" in dict(spectrum.meta.extra)


# Title and values -> unit and noise.
NOISES = [
    ("Counts", (1, 2), "counts", Noise("poisson", 1.0)),
    ("Counts", (1.5, 2), "counts", Noise("poisson", None)),
    ("Counts", (-1, 2), "counts", Noise("unknown")),
    ("CPS", (1, 2), "counts/s", Noise("poisson", None)),
    ("Intensity (counts / s)", (1, 2), "counts/s", Noise("poisson", None)),
    ("Intensity", (1, 2), "arbitrary", Noise("poisson", None, origin="estimated")),
    ("Intensity (a.u.)", (1, 2), "arbitrary", Noise("unknown")),
    ("Normalised", (1, 2), "arbitrary", Noise("unknown")),
]


@pytest.mark.parametrize(("title", "values", "unit", "noise"), NOISES)
def test_unit_and_noise(write, title, values, unit, noise):
    (spectrum,) = read(write(f"BE,{title}\n1,{values[0]}\n2,{values[1]}\n"))
    assert (spectrum.meta.intensity_unit, spectrum.noise) == (unit, noise)


# A row that breaks the table: line, what is said.
BROKEN = [
    ("BE,I\n1,2\n3,\n5,6\n", 3, "Column 2: the cell is empty"),
    ("BE,I\n1,2\n3,nan\n5,6\n", 3, "Column 2: 'nan' is not a number"),
    ("BE,I\n1,2\n3,inf\n5,6\n", 3, "Column 2: 'inf' is not a number"),
    ("BE,I\n1,2\n,4\n5,6\n", 3, "Column 1: the cell is empty"),
    ("BE;I\n1;2\n;4\n5;6\n", 3, "Column 1: the cell is empty"),
    ("BE,I\n1,2\n3,1_000\n5,6\n", 3, "Column 2: '1_000' is not a number"),
    ("BE,I\n1,2\n3,#N/A\n5,6\n", 3, "Column 2: '#N/A' is not a number"),
    ("BE\tI\n1\t2\n3\n5\t6\n", 3, "The row holds a single number"),
    ("BE,A,B\n1,2,3\n2,3,4\n3,4\n4,5,6\n", 4, "Column 3: the cell is empty"),
    ("BE,I\n1,2\n3,0x10\n5,6\n", 3, "Column 2: '0x10' is not a number"),
    ("BE I\n1 2\n2 3\n2 4\n", 4, "Two rows have the energy 2"),
    ("BE I\n3 2\n2 3\n2 4\n", 4, "Two rows have the energy 2"),
]


@pytest.mark.parametrize(("text", "line", "what"), BROKEN)
def test_a_broken_row_is_refused_with_its_line(write, text, line, what):
    with pytest.raises(BadFile) as caught:
        read(write(text))
    assert caught.value.what == what
    assert caught.value.where.endswith(f"line {line}")
    assert caught.value.todo


# Text of another kind, and what it is called.
OTHERS = [
    ("<!DOCTYPE html><html><body>1 2\n3 4\n</body></html>", "a web page"),
    ("<?xml version='1.0'?>\n<a>1 2\n3 4</a>", "an XML file"),
    ('{"x": [1, 2],\n "y": [3, 4]}', "JSON text"),
    ("[[1, 2],\n[3, 4]]", "JSON text"),
    ("It was a dark and stormy night.\nThe rain fell in torrents.\n", "text without columns of numbers"),
    ("1\n2\n3\n", "text without columns of numbers"),
    (b"%PDF-1.4\n1 2\n3 4\n", "a PDF document"),
    (b"PK\x03\x04\x00\x01", "a ZIP archive or an office document"),
    (bytes(range(256)), "a binary file"),
]


@pytest.mark.parametrize(("content", "kind"), OTHERS)
def test_other_files_are_refused_by_name(write, content, kind):
    with pytest.raises(BadFile, match=f"This is {kind}, not a file of spectra") as caught:
        read(write(content, "spectrum.csv"))
    assert "Column text" in caught.value.todo


def test_a_text_that_merely_contains_rows_is_no_table(write):
    text = "Some words about numbers\n1 2\nand more words\nand more words\n3 4\nand even more words\n"
    with pytest.raises(BadFile, match="text without columns"):
        read(write(text))


def test_the_suffix_does_not_matter(write):
    path = write("BE,I\n1,2\n2,3\n", "spectrum.vms")
    assert sniff(path).name == "columns"


def test_utf_16_of_spreadsheets(write):
    text = "BE\tCounts\n2\t5\n1\t6\n"
    (spectrum,) = read(write(text.encode("utf-16"), "a.txt"))
    np.testing.assert_array_equal(spectrum.y, [6, 5])


def test_fast_and_careful_parsing_agree(write):
    rows = "\n".join(f"{300 - 0.1 * i:.1f},{i * i}" for i in range(2000))
    (fast,) = read(write("BE,I\n" + rows))
    (careful,) = read(write("BE,I\n" + rows + "\n# end\n"))
    np.testing.assert_array_equal(fast.x, careful.x)
    np.testing.assert_array_equal(fast.y, careful.y)


def test_losses_of_two_columns_by_name_or_by_the_users_word(tmp_path):
    rows = "".join(f"{100 + 0.5 * i} {500 - i}\n" for i in range(20))
    path = tmp_path / "a.txt"
    path.write_text(rows)
    (told,) = read(path, ReadOptions(axis="energy_loss"))
    path.write_text("Energy loss (eV)\tCounts\n" + rows.replace(" ", "\t"))
    (named,) = read(path)
    for spectrum in (told, named):
        assert (spectrum.axis.quantity, spectrum.meta.technique) == ("energy_loss", "eels")
        assert spectrum.y[:2].tolist() == [500, 499]
