"""VAMAS text written line by line, independently of the grammar that the reader uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.files import child

MAGIC = "VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4"
NONE = "1E+37"


def header(
    mode="NORM", scan="REGULAR", comments=(), variables=(), included=(0, ()), manual=(), future=(), n_future=0, blocks=1
):
    lines = [MAGIC, "Institute", "Instrument", "Operator", "Experiment", str(len(comments)), *comments, mode, scan]
    if mode in ("MAP", "MAPDP", "NORM", "SDP"):
        lines.append("1")
    if mode in ("MAP", "MAPDP"):
        lines += ["1", "1", "1"]
    lines += [str(len(variables)), *(text for pair in variables for text in pair)]
    lines += [str(included[0]), *map(str, included[1]), str(len(manual)), *manual]
    lines += [str(len(future)), str(n_future), *future, str(blocks)]
    return lines


def block(
    name="C 1s",
    sample="Sample",
    mode="NORM",
    scan="REGULAR",
    technique="XPS",
    comments=(),
    variables=(),
    photon="1486.6",
    axis=("Kinetic Energy", "eV", "1190", "0.5"),
    ordinates=(("Intensity", "d"),),
    data=((10, 12, 14, 11),),
    date=("2024", "5", "6", "7", "8", "9", "2"),
    source=("54.7", "0"),
    analyser=("FAT", "20"),
    take_off=("0", "0"),
    tilt=("0", "0"),
    work_function="4.5",
    signal="pulse counting",
    time="0.1",
    scans="5",
    species=("C", "1s"),
    parameters=(),
    future=(),
    label="Al (mono)",
):
    lines = [name, sample, *date, str(len(comments)), *comments, technique]
    if mode in ("MAP", "MAPDP"):
        lines += ["3", "4"]
    lines += [*variables, label]
    sputtered = mode in ("MAPDP", "MAPSVDP", "SDP", "SDPSV")
    ions = technique in ("FABMS", "FABMS energy spec", "ISS", "SIMS", "SIMS energy spec", "SNMS", "SNMS energy spec")
    if sputtered or ions:
        lines += ["18", "1", "1"]
    lines += [photon, "225", NONE, NONE]
    if mode in ("MAP", "MAPDP", "MAPSV", "MAPSVDP", "SEM"):
        lines += ["100", "200"]
    if mode in ("MAPSV", "MAPSVDP", "SEM"):
        lines += ["1", "1", "9", "1", "9", "9"]
    lines += [*source, *analyser]
    if technique == "AES diff":
        lines.append("2")
    lines += ["1", work_function, NONE, NONE, NONE, *take_off, *species, "-1"]
    if scan == "REGULAR":
        lines += list(axis)
    lines += [str(len(ordinates)), *(text for pair in ordinates for text in pair)]
    lines += [signal, time, scans, "0"]
    if sputtered and not ions:
        lines += ["2000", "100", "1", "1", "45", "0", "cyclic"]
    lines += [*tilt, "0", str(len(parameters)), *(text for triple in parameters for text in triple), *future]
    lines.append(str(len(data) * len(data[0])))
    for column in data:
        lines += [str(min(column)), str(max(column))]
    return lines + [str(value) for row in zip(*data, strict=True) for value in row]


class Vamas:
    """Makes VAMAS files in a folder."""

    header = staticmethod(header)
    block = staticmethod(block)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def text(self, *lines: str, end: str = "\r\n") -> str:
        return end.join([*lines, "end of experiment"]) + end

    def write(self, *lines: str, end: str = "\r\n", encoding: str = "utf-8") -> Path:
        path = self.folder / "made.vms"
        path.write_bytes(self.text(*lines, end=end).encode(encoding))
        return path

    def one(self, head=None, **changes) -> Path:
        """A file with one block; `head` changes the header, the rest the block."""
        head = head or {}
        both = {key: head[key] for key in ("mode", "scan") if key in head}
        return self.write(*header(**head), *block(**both, **changes))


@pytest.fixture
def vamas(tmp_path: Path) -> Vamas:
    return Vamas(tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write text to a file and return its path."""

    def make(text: str | bytes, name: str = "made.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


@pytest.fixture
def reader_child() -> Iterator[None]:
    """The reader process is gone after the test."""
    yield
    child.shutdown()
