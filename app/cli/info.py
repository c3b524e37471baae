"""`sodalite info`: what is in a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.inputs import is_project, project_in, spectra_in
from app.cli.output import print_json, table
from app.cli.status import DONE, NOT_DONE, one_line, say
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from fitting.dataset import Axis, Spectrum

_HEADS = ("#", "Title", "Technique", "Axis", "From", "To", "Points", "Total", "Sample")


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "info",
        help="what is in a file",
        description="List every spectrum of data files and projects.",
        parents=[common],
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="data file or project")
    parser.add_argument("--json", action="store_true", help="one JSON list, one object a spectrum")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """List the spectra of all files; files that cannot be read do not keep the others from being listed."""
    status, objects = DONE, []
    for number, path in enumerate(arguments.files):
        try:
            rows = list(described(path))
        except SodaliteError as error:
            say(one_line(str(error)))
            status = NOT_DONE
            continue
        objects += rows
        if not arguments.json:
            print("\n" * (number > 0) + _text(path, rows))
    if arguments.json:
        print_json(objects)
    return status


def described(path: Path) -> list[dict[str, Any]]:
    """One plain object a spectrum of a file.

    Returns
    -------
    list of dict
        With `file, index, title, technique, shape, axis, total, meta`; `index` counts from 0.
    """
    if is_project(path):
        project = project_in(path)
        names = {sample.id: sample.name for sample in project.samples}
        return [
            _object(path, i, entry.title, _of_sample(entry.spectrum, names.get(entry.sample, "")))
            for i, entry in enumerate(project.entries)
        ]
    return [_object(path, i, spectrum.name, spectrum) for i, spectrum in enumerate(spectra_in(path))]


def _of_sample(spectrum: Spectrum, sample: str) -> Spectrum:
    from dataclasses import replace

    return replace(spectrum, meta=replace(spectrum.meta, sample=sample or spectrum.meta.sample))


def _object(path: Path, index: int, title: str, spectrum: Spectrum) -> dict[str, Any]:
    from dataclasses import fields

    axis, counts = spectrum.axis, spectrum.counts
    meta = {field.name: getattr(spectrum.meta, field.name) for field in fields(spectrum.meta)}
    meta["comments"] = list(meta["comments"])
    meta["extra"] = _notes(spectrum.meta.extra)
    navigation = {
        "navigation": [_plain(one) for one in spectrum.navigation],
        "scales": [_plain(one) for one in spectrum.scales],
    }
    return {
        "file": str(path),
        "index": index,
        "title": title,
        "technique": spectrum.meta.technique,
        "shape": list(counts.shape),
        "axis": _plain(axis) | ({"labels": list(axis.labels)} if axis.labels else {})
        | ({"masses": list(axis.masses)} if axis.masses else {}),
        **(navigation if spectrum.navigation else {}),
        "total": _total(spectrum),
        "meta": meta,
    }


def _plain(axis: Axis) -> dict[str, Any]:
    first, last = float(axis.values[0]), float(axis.values[-1])
    return {"name": axis.quantity, "unit": axis.unit, "first": first, "last": last, "n": len(axis)}


def _notes(extra: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Further notes by their names; those of one name become a list."""
    found: dict[str, list[str]] = {}
    for name, value in extra:
        found.setdefault(name, []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _total(spectrum: Spectrum) -> int | float | None:
    """All intensities together, of ions those that stand in no other column; None for what stays in its file."""
    from fitting.sims.columns import counted

    if spectrum.stored:  # an image that stays in its file is not read through for this
        return None
    counts = spectrum.counts[..., list(counted(spectrum.axis))] if spectrum.axis.labels else spectrum.counts
    # Python's whole numbers have no end, NumPy's overflow.
    return int(counts.sum(dtype="int64")) if counts.dtype.kind in "iu" else float(counts.sum())


def _text(path: Path, rows: list[dict[str, Any]]) -> str:
    """The same for people."""
    lines = [
        (
            str(row["index"]),
            one_line(row["title"]),
            row["technique"],
            f"{row['axis']['name'].replace('_', ' ')}{' / ' * bool(row['axis']['unit'])}{row['axis']['unit']}",
            *_ends(row["axis"]),
            " x ".join(map(str, row["shape"])),
            "in the file" if row["total"] is None else f"{row['total']:.6g}",
            one_line(row["meta"]["sample"]),
        )
        for row in rows
    ]
    count = f"{len(rows)} spectr{'um' if len(rows) == 1 else 'a'}"
    return f"{one_line(str(path))}: {count}\n" + table(_HEADS, lines, right=(0, 4, 5, 6, 7))


def _ends(axis: dict[str, Any]) -> tuple[str, str]:
    """First and last number of an axis, or the names of its first and last ion."""
    if "labels" in axis:
        return one_line(axis["labels"][0]), one_line(axis["labels"][-1])
    return f"{axis['first']:.6g}", f"{axis['last']:.6g}"
