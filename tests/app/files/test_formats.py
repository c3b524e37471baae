"""What holds for all formats: who reads what, encodings, line ends, titles that are numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.files import read, readers
from fitting.identity import same
from libraries.errors import BadFile
from tests.app.files import made
from tests.app.files.test_mutated import BINARIES, BOOKS, TEXTS

GOOD = {**{n: f[0] for n, f in TEXTS.items()}, **{n: f[0] for n, f in BINARIES.items()}, "xlsx": made.xlsx(BOOKS[0])}
SURE = 0.9


@pytest.mark.parametrize("name", GOOD)
def test_one_reader_alone_is_sure(write, name):
    path = write(GOOD[name], "data.xyz")
    marks = {reader.name: reader.sniff(GOOD[name][:65536], path) for reader in readers()}
    assert [n for n, mark in marks.items() if mark >= SURE] == ([] if name == "columns" else [name])
    # Only column text looks like something else: tables of instruments are columns too.
    assert {n for n, mark in marks.items() if mark >= 0.5} <= {name, "columns"}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("suffix", [".vms", ".csv", ".xlsx", ".h5", ""])
def test_the_name_of_the_file_does_not_matter(write, name, suffix):
    path = write(GOOD[name], f"data{suffix}")
    other = write(GOOD[name], "data.other")
    for a, b in zip(read(path), read(other), strict=True):
        assert same((a.axis, a.counts, a.noise, a.navigation), (b.axis, b.counts, b.noise, b.navigation))


@pytest.mark.parametrize("name", [n for n in TEXTS if n != "columns"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le-mark", "utf-16-be-mark"])
def test_marks_of_encodings_change_nothing(write, name, encoding):
    plain = write(GOOD[name])
    spectra = read(plain)
    text = GOOD[name].decode()
    if encoding.endswith("-mark"):
        data = ("\ufeff" + text).encode(encoding.removesuffix("-mark"))
    else:
        data = text.encode(encoding)
    assert same(read(write(data)), spectra)


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_change_nothing(write, name, end):
    data = GOOD[name] if name == "columns" else GOOD[name].replace(b"\r\n", b"\n")
    spectra = read(write(data))
    assert same(read(write(data.replace(b"\n", end.encode()))), spectra)


@pytest.mark.parametrize("name", [*TEXTS, "xlsx"])
def test_zero_bytes_in_a_text_are_refused(write, name):
    data = GOOD[name]
    middle = len(data) // 2
    with pytest.raises(BadFile):
        read(write(data[:middle] + bytes(50) + data[middle + 50 :]))


# First title, other titles, mark between cells -> names.
TITLES = [
    ("Binding Energy (eV)", ("0", "30.5", "60"), ","),
    ("BE", ("0", "1e2"), "\t"),
    ("# BE (eV)", ("0", "30"), ";"),
]


@pytest.mark.parametrize(("first", "others", "mark"), TITLES)
def test_titles_behind_the_energies_may_be_numbers(write, first, others, mark):
    rows = [[300 - i, *(10 * i + k for k in range(len(others)))] for i in range(4)]
    lines = [mark.join([first, *others]), *(mark.join(map(str, row)) for row in rows)]
    spectra = read(write("\n".join(lines)))
    assert [s.name for s in spectra] == list(others)
    assert spectra[0].axis.quantity == "binding_energy"
    assert "axis" not in dict(spectra[0].meta.extra)
    np.testing.assert_array_equal(spectra[1].y, [31, 21, 11, 1])


# Energies in hundredths of an eV, falling or rising; intensities as instruments count them.
COUNTS = st.lists(st.integers(0, 2**31 - 1), min_size=2, max_size=40)
START, STEP = st.integers(-500, 140_000), st.integers(1, 200)


def _made(name, energies, counts):
    rows = tuple(zip(energies, counts, strict=True))
    if name == "specs_xy":
        return made.xy((((0, 0, 0), rows),), rate="Counts", label="counts")
    if name == "scienta":
        return made.ses(energies, tuple((c,) for c in counts), mode="Pulse Counting")
    if name == "phi":
        step = energies[1] - energies[0]
        return made.phi((("C1s", 6, step, energies[0], counts),), unit="c", form="f8")
    if name == "igor":
        return made.ibw(counts, (energies[0], 0.0), (energies[1] - energies[0], 1.0))
    if name == "xlsx":
        return made.xlsx((("C 1s", (("BE (eV)", "Counts"), *rows)),))
    return "BE (eV),Counts\n" + "".join(f"{x},{y}\n" for x, y in rows)


@pytest.mark.parametrize("name", ["specs_xy", "scienta", "phi", "igor", "xlsx", "columns"])
@pytest.mark.parametrize("falling", [True, False])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counts=COUNTS, start=START, step=STEP)
def test_what_was_written_is_read(write, name, falling, counts, start, step):
    hundredths = start + step * np.arange(len(counts))
    energies = (hundredths[::-1] if falling else hundredths) / 100
    (s,) = read(write(_made(name, tuple(energies.tolist()), tuple(counts))))
    np.testing.assert_array_equal(s.x, hundredths / 100)
    np.testing.assert_array_equal(s.y, counts[::-1] if falling else counts)
    assert s.axis.quantity == "binding_energy"
