"""Damaged files never raise anything but our own errors, and never take long or much."""

from __future__ import annotations

import contextlib
import random

import pytest

from app.files import read
from app.files.casa import parse_comments
from app.files.nexus_writer import write_nexus
from app.files.vamas_writer import write_vamas
from libraries.errors import SodaliteError

TEXTS = [
    "",
    "-1",
    "0",
    "1e308",
    "-1e308",
    "1E37",
    "nan",
    "inf",
    "999999999",
    "2.5",
    "x",
    "\0",
    "\ufeff",
    "9" * 400,
    "é",
]
CSV = "# Region: A\nBE (eV),Counts,Background\n" + "".join(f"{300 - i / 10:.1f},{i},{i / 2}\n" for i in range(30))
CASA = (
    "CASA comp (*a*) (*GL(30)*) Area 1 0 9 -1 1 MFWHM 1 0 2 -1 1 Position 1200 1199 1201 -1 1 RSF 1 MASS 1 INDEX -1 "
    "(*a*) CONST (**) UNCORRECTEDRSF 9.5"
)


def _mutate_lines(rng, text, end):
    """Change, delete, repeat or swap some lines, or cut the text."""
    lines = text.split(end)
    for _ in range(rng.randint(1, 4)):
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        action = rng.randrange(5)
        if action == 0:
            lines[i] = rng.choice(TEXTS)
        elif action == 1 and len(lines) > 2:
            del lines[i]
        elif action == 2:
            lines.insert(i, lines[j])
        elif action == 3:
            lines[i], lines[j] = lines[j], lines[i]
        else:
            lines = lines[: max(1, i)]
    return end.join(lines).encode("utf-8", "replace")


def _mutate_bytes(rng, data):
    mutated = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(mutated))
        if rng.random() < 0.8:
            mutated[at] = rng.randrange(256)
        else:
            del mutated[at:]
            break
        mutated = mutated or bytearray(b"x")
    return bytes(mutated) or b"x"


def _survives(path, data):
    """Read damaged data; anything but our own error fails the test."""
    path.write_bytes(data)
    refused, spectra = None, []
    try:
        spectra = read(path)
    except SodaliteError as error:
        refused = error
    if refused is not None:
        assert refused.what
        assert str(path) in refused.where
        assert refused.todo
    for spectrum in spectra:
        assert spectrum.counts.shape[-1] == len(spectrum.axis)


def _fuzz(vamas, tmp_path, cases, seed):
    rng = random.Random(seed)
    good = [
        vamas.text(*vamas.header(comments=("a",)), *vamas.block(comments=(CASA, "Calib M = 1 A = 2 BE ADD"))),
        vamas.text(
            *vamas.header(scan="IRREGULAR", mode="MAPDP", variables=(("Angle", "degree"),), blocks=2),
            *vamas.block(
                mode="MAPDP",
                scan="IRREGULAR",
                variables=("45",),
                ordinates=(("Kinetic Energy", "eV"), ("Counts", "d"), ("T", "d")),
                data=((1, 2, 3), (5, 6, 7), (1, 1, 1)),
            )
            * 2,
        ),
        CSV.replace("\n", "\r\n"),
    ]
    for number in range(cases):
        text = good[number % len(good)]
        data = _mutate_lines(rng, text, "\r\n") if rng.random() < 0.7 else _mutate_bytes(rng, text.encode())
        _survives(tmp_path / "fuzz.vms", data)


def test_damaged_text(vamas, tmp_path):
    _fuzz(vamas, tmp_path, 600, seed=1)


@pytest.mark.full
def test_damaged_text_long(vamas, tmp_path):
    _fuzz(vamas, tmp_path, 30_000, seed=2)


def _fuzz_casa(cases, seed):
    rng = random.Random(seed)
    words = CASA.split()
    for _ in range(cases):
        changed = list(words)
        for _ in range(rng.randint(1, 3)):
            changed[rng.randrange(2, len(changed))] = rng.choice([*TEXTS, "(*", "*)", "CONST", "Area"])
        line = " ".join(changed)
        info = parse_comments([line])
        # Each line is either understood or kept.
        assert len(info.components) + len([text for text in info.unparsed if text == line]) == 1


def test_damaged_casaxps_lines():
    _fuzz_casa(500, seed=3)


@pytest.mark.full
def test_damaged_casaxps_lines_long():
    _fuzz_casa(50_000, seed=4)


@pytest.mark.realdata
@pytest.mark.full
def test_damaged_real_files(realdata, tmp_path):
    rng = random.Random(5)
    names = ["FeO_analyzed.vms", "NiW_0-150W.vms", "PET_C1s.csv", "MgFe2O4_small.xy", "ARXPS.vms"]
    good = [(realdata / "xps" / name).read_bytes() for name in names]
    for number in range(1500):
        data = good[number % len(good)]
        if rng.random() < 0.5:
            text = data.decode("cp1252")
            data = _mutate_lines(rng, text, "\r\n" if "\r\n" in text else "\n")
        else:
            data = _mutate_bytes(rng, data)
        _survives(tmp_path / "fuzz", data)


def test_a_truncated_export_is_never_read_as_whole(vamas, tmp_path):
    path = vamas.one(comments=("a",))
    spectra = read(path)
    write_vamas(tmp_path / "a.vms", spectra)
    data = (tmp_path / "a.vms").read_bytes().removesuffix(b"end of experiment\r\n")
    for end in range(1, len(data) - 3):
        _survives(tmp_path / "cut.vms", data[:end])


def test_damaged_hdf5_in_the_child(vamas, tmp_path, reader_child):
    """HDF5 is the one format whose library may hang or crash on damage: only the child may meet it."""
    from app.files.child import read_in_child

    rng = random.Random(6)
    write_nexus(tmp_path / "good.h5", read(vamas.one()))
    good = (tmp_path / "good.h5").read_bytes()
    path = tmp_path / "bad.h5"
    for _ in range(40):
        path.write_bytes(_mutate_bytes(rng, good))
        with contextlib.suppress(SodaliteError):
            read_in_child(path)
