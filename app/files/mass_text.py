"""Mass spectra as tables of text (csv, tsv): m/z, with or without channels, and one column of intensities.

The first line names the columns: "m/z" or "Mass (u)", perhaps "Channel", and "Intensity" with its unit in brackets
where it has one. Channels and m/z together are read as in SurfaceLab's spectra. Whole numbers without a unit are taken
for counts, which is said. Lines with a # above it may tell dead time and mass scale (see `mass_notes`).
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np

from app.files import instrument, surfacelab_spectrum
from app.files.columns_text import split_lines
from app.files.contents import read_bytes, read_text
from app.files.format import Reader, ReadOptions
from app.files.instrument import DAMAGED, Pairs, Unit
from app.files.mass_notes import DEAD_TIME, notes_in
from app.files.surfacelab_spectrum import axis_of, columns_of, negative_note
from app.files.surfacelab_text import stated_dead_time, whole_numbers
from fitting.dataset import FloatArray, Meta, Noise, Spectrum
from fitting.processing.mass_scale import LAW
from libraries.errors import BadData, BadFile

FORMAT = "mass spectrum text"
_TITLE = re.compile(r"^(?P<name>[^()\[\]]*?)\s*(?:[(\[](?P<unit>[^()\[\]]*)[)\]])?$")
_KEYS = {"m/z": "mass", "mz": "mass", "mass": "mass", "channel": "channel", "intensity": "intensity",
         "counts": "intensity"}
_MASS_UNITS = ("", "u", "amu", "da", "th", "u/e")
_UNITS: dict[str, Unit] = {"counts": "counts", "cts": "counts", "counts/s": "counts/s", "cps": "counts/s"}
_SURE = 0.95


def sniff(head: bytes, path: Path) -> float:
    """0.95 for a table whose first line names m/z and intensities, perhaps channels, and nothing else."""
    if surfacelab_spectrum.sniff(head, path) > 0:
        return 0.0
    for line in split_lines(instrument.text_of(head))[:20]:
        if line.strip() and not line.lstrip().startswith(("#", "%")):
            return _SURE if _heads(line)[0] else 0.0
    return 0.0


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """The spectrum of a table.

    Raises
    ------
    BadFile
        With the line, where a number is missing; if m/z does not ascend.
    """
    del options
    where = str(path)
    lines = split_lines(read_text(path, read_bytes(path)).lstrip("\ufeff"))
    at = next((i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith(("#", "%"))), 0)
    keys, stated, mark = _heads(lines[at])
    if not keys:
        raise BadFile("The first line does not name m/z and intensities", where=where, todo="Name the columns")
    columns = columns_of(lines, at, keys, mark, where)
    counts = columns["intensity"]
    axis, part, notes = axis_of(columns, where)
    unit, said = _unit(stated, counts)
    counted = unit == "counts" and counts.min() >= 0
    told, comments = notes_in([line.strip() for line in lines[:at] if line.strip()])
    dead = stated_dead_time(counts) if counted and not any(key == DEAD_TIME for key, _ in told) else []
    # The law itself follows from channel and m/z in full digits; its line says whence it is.
    told = [(f"{LAW} when it was exported" if key == LAW else key, value) for key, value in told]
    meta = Meta(
        title=path.stem, region=path.stem, sample=path.stem, technique="sims", intensity_unit=unit, file=where,
        file_format=FORMAT, comments=comments,
        extra=instrument.notes([*said, *told, *dead, *notes, *negative_note(counts)]),
    )
    noise = Noise("poisson", 1.0) if counted else Noise("unknown")
    try:
        return [Spectrum(axis, whole_numbers(counts)[part], noise, meta)]
    except BadData as error:
        raise BadFile(error.what, where=where, todo=DAMAGED) from error


def _heads(line: str) -> tuple[list[str], str, str]:
    """What the columns hold, the unit of the intensities, the mark between cells; nothing for another line."""
    for mark in "\t;,":
        if mark not in line or len(line) > 500:
            continue
        found = [_TITLE.match(cell) for cell in _cells(line.lstrip("\ufeff"), mark)]
        names = [_KEYS.get(one["name"].strip().lower(), "") if one else "" for one in found]
        units = [(one["unit"] or "").strip().lower() if one else "" for one in found]
        by_name = dict(zip(names, units, strict=True))
        known = len(set(names)) == len(names) > 1 and "" not in by_name and {"mass", "intensity"} <= set(names)
        # "Mass" alone may be a weight; channels alone may be those of any instrument.
        bare = any(one and one["name"].strip().lower() == "mass" for one in found) and not by_name.get("mass")
        if known and not bare and by_name["mass"] in _MASS_UNITS and not by_name.get("channel"):
            return names, by_name["intensity"], mark
    return [], "", ""


def _cells(line: str, mark: str) -> list[str]:
    try:
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=mark))]
    except (csv.Error, StopIteration):
        return []
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _unit(stated: str, counts: FloatArray) -> tuple[Unit, Pairs]:
    if stated in _UNITS:
        return _UNITS[stated], []
    if stated:
        return "arbitrary", [("intensity unit", stated)]
    whole = bool(counts.min() >= 0 and np.all(counts == np.rint(counts)))
    words = "the file does not say" + ": whole numbers, taken for counts" * whole
    return "counts" if whole else "arbitrary", [("intensity unit", words)]


READER = Reader(
    name="mass_text",
    title="Table of a mass spectrum",
    suffixes=(".csv", ".txt", ".tsv"),
    description="Text with columns of m/z, perhaps channels, and intensities",
    sniff=sniff,
    read=read,
)
