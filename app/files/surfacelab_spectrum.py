"""Mass spectra of SurfaceLab (IONTOF) as text: channel, m/z and intensity.

    # Binning: 200 channels
    # Deadtime Correction: on
    Channel    m/z         Intensity
    100        0.000237    0

Decisions
---------
Where channel and m/z obey t = SF sqrt(m) + K0 to 1e-6 u, the spectrum keeps its channels, and the law behind the
columns is kept in `Meta.extra`: a project opens it with that law as the first step of its recipe, and a better
calibration replaces it. Where they do not, or the file has no channels, m/z is kept as it stands. m/z falls before K0;
channels there hold no ions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.files import instrument
from app.files.columns_text import split_lines
from app.files.contents import read_bytes, read_text
from app.files.format import Reader, ReadOptions
from app.files.instrument import DAMAGED, Pairs
from app.files.surfacelab_text import cells_of, column_of, decimal_mark, fast_table, stated_dead_time, whole_numbers
from fitting.dataset import Axis, FloatArray, Meta, Noise, Spectrum
from fitting.processing.mass_scale import LAW
from fitting.sims.mass_calibration import law_of_columns
from libraries.errors import BadData, BadFile

FORMAT = "SurfaceLab spectrum"
# The columns print m/z to 1e-6 u; what obeys the law is off by half of that at most, and by the digits of the fit.
OBEYS = 1e-6
_NOTE = re.compile(r"#\s*(?P<key>[A-Za-z][\w /-]*?)\s*:\s*(?P<value>.*)$")
_HEADS = {"channel": "channel", "m/z": "mass", "mass": "mass", "mass (u)": "mass", "intensity": "intensity",
          "counts": "intensity"}
_KNOWN = ("binning", "deadtime correction", "dead time correction")
_TODO = "Export it again as ASCII from SurfaceLab with channel, m/z and intensity"


def sniff(head: bytes, path: Path) -> float:
    """1 for a text that names channels or m/z and intensities as SurfaceLab does."""
    del path
    lines = split_lines(instrument.text_of(head[:8192]).lstrip("\ufeff \t\r\n"))[:40]
    notes = [found["key"].lower() for line in lines if (found := _NOTE.match(line))]
    if not any(key in _KNOWN for key in notes):
        return 0.0
    return 1.0 if any(_titles(line) for line in lines) or lines[0].startswith("# Binning:") else 0.0


@dataclass(frozen=True, eq=False)
class _Text:
    notes: Pairs
    comments: tuple[str, ...]
    columns: dict[str, FloatArray]


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """The spectrum of a file (which says everything itself, so that no option is needed).

    Raises
    ------
    BadFile
        With the line, where a number is missing or channels do not ascend.
    """
    del options
    where = str(path)
    text = _parsed(read_text(path, read_bytes(path)), where)
    counts = text.columns["intensity"]
    axis, part, more = axis_of(text.columns, where)
    notes = [(key, value) for key, value in text.notes if key not in _KNOWN[1:]]
    stated = next((value for key, value in text.notes if key in _KNOWN[1:]), "")
    meta = Meta(
        title=path.stem, region=path.stem, sample=path.stem, technique="sims", instrument="IONTOF (SurfaceLab export)",
        file=where, file_format=FORMAT, comments=text.comments,
        extra=instrument.notes([*notes, *stated_dead_time(counts, stated), *more, *negative_note(counts)]),
    )
    noise = Noise("unknown") if counts.min() < 0 else Noise("poisson", 1.0)
    try:
        return [Spectrum(axis, whole_numbers(counts)[part], noise, meta)]
    except BadData as error:
        raise BadFile(error.what, where=where, todo=DAMAGED) from error


def _titles(line: str) -> list[str]:
    """What the columns hold, [] for a line that does not name them all."""
    cells = [cell.lower() for cell in cells_of(line)]
    keys = [_HEADS.get(cell, "") for cell in cells]
    named = len(keys) > 1 and all(keys) and len(set(keys)) == len(keys) and "intensity" in keys
    return keys if named else []


def _parsed(text: str, where: str) -> _Text:
    lines = split_lines(text.lstrip("\ufeff"))
    at = next((i for i, line in enumerate(lines[:60]) if _titles(line)), None)
    if at is None:
        raise BadFile("The line that names channel, m/z and intensity is missing", where=where, todo=_TODO)
    keys = _titles(lines[at])
    notes = [(found["key"].lower(), found["value"].strip()) for line in lines[:at] if (found := _NOTE.match(line))]
    columns = columns_of(lines, at, keys, "\t", where)
    comments = tuple(line.strip() for line in lines[:at] if line.strip())
    return _Text(notes, comments, columns)


def columns_of(lines: Sequence[str], at: int, keys: Sequence[str], mark: str, where: str) -> dict[str, FloatArray]:
    """The columns below the line `at`, by what they hold.

    Raises
    ------
    BadFile
        With the line, where a number is missing.
    """
    body = [(i, line.rstrip("\t ")) for i, line in enumerate(lines[at + 1 :], start=at + 2) if line.strip()]
    if not body:
        raise BadFile("The spectrum holds no rows", where=where, todo=_TODO)
    values = fast_table([line for _, line in body], len(keys), mark)
    if values is not None and np.all(np.isfinite(values)):
        return {key: values[:, i] for i, key in enumerate(keys)}
    rows = [[cell.strip() for cell in line.split(mark)] for _, line in body]
    for (line, _), cells in zip(body, rows, strict=True):
        if len(cells) != len(keys):
            raise BadFile(f"A row has {len(cells)} numbers for {len(keys)} columns", where=f"{where}, line {line}",
                          todo=DAMAGED)
    decimal, numbers = decimal_mark((cell for row in rows for cell in row), where), [line for line, _ in body]
    return {key: column_of([row[i] for row in rows], decimal, key, where, numbers) for i, key in enumerate(keys)}


def axis_of(columns: Mapping[str, FloatArray], where: str) -> tuple[Axis, slice, Pairs]:
    """Channels ("channel") with the law of the m/z column ("mass"), or m/z as it stands; which points; notes.

    Raises
    ------
    BadFile
        If they do not ascend.
    """
    channels, masses = columns.get("channel"), columns.get("mass")
    if channels is not None and (np.any(np.diff(channels) <= 0) or channels[0] < 0):
        place = int(np.argmax(np.diff(channels) <= 0)) + 1 if len(channels) > 1 else 0
        raise BadFile(f"The channels do not ascend at row {place + 1} ({channels[place]:g})", where=where, todo=DAMAGED)
    if channels is not None and masses is None:
        return Axis(channels, "channel", ""), slice(None), [(LAW + " of the file", "none: it has no m/z")]
    assert masses is not None  # a head names one of the two beside the intensity
    if masses.min() < 0:
        raise BadFile(f"An m/z is negative ({masses.min():g})", where=where, todo=DAMAGED)
    if channels is None:
        return _by_mass(masses, where, [])
    try:
        law, off = law_of_columns(channels, masses)
    except (BadData, ValueError) as error:
        return _by_mass(masses, where, [(LAW + " of the file", f"none: {error}")])
    if off > OBEYS:
        words = (f"channel and m/z do not obey t = SF √m + K0 (off by up to {off:.2g} u): m/z is used as it stands")
        return _by_mass(masses, where, [(LAW + " of the file", words)])
    notes = [(LAW, f"{law.slope!r} {law.offset!r}"), (f"{LAW} of the file", f"channel and m/z obey it to {off:.2g} u")]
    return Axis(channels, "channel", ""), slice(None), notes


def _by_mass(masses: FloatArray, where: str, notes: Pairs) -> tuple[Axis, slice, Pairs]:
    """m/z as the file writes it, from its smallest on."""
    first = int(np.argmin(masses))
    if np.any(np.diff(masses[first:]) <= 0):
        place = first + int(np.argmax(np.diff(masses[first:]) <= 0)) + 1
        raise BadFile(f"m/z does not ascend at row {place + 1} ({masses[place]:g})", where=where, todo=DAMAGED)
    if first:
        notes = [*notes, ("points left out", f"the first {first}, in which m/z falls")]
    return Axis(masses[first:], "mass", ""), slice(first, None), notes


def negative_note(counts: FloatArray) -> Pairs:
    """What negative intensities tell."""
    return [("negative intensities", "something was subtracted: these are no plain counts")] * int(counts.min() < 0)


READER = Reader(
    name="surfacelab_spectrum",
    title="SurfaceLab mass spectrum (ASCII)",
    suffixes=(".txt", ".asc"),
    description="Mass spectra of IONTOF's SurfaceLab: channel, m/z and counts, with the mass scale behind them",
    sniff=sniff,
    read=read,
)
