"""`sodalite profile`: ions, interfaces and layers of a ToF-SIMS depth profile."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.inputs import check_target, everything_in
from app.cli.output import Progress, print_json, table
from app.cli.status import DONE, one_line, say
from app.numerals import grouped, with_error
from libraries.errors import BadData, NotDetermined

if TYPE_CHECKING:
    from app.project.project import Entry, Project
    from app.project.sims_depth import DepthAnswer
    from fitting.dataset import Spectrum
    from fitting.sims.setup import Interface

AXES = ("time", "dose", "fluence", "depth", "scan")
RESPONSES = ("crossing", "erf", "mri", "dowsett")


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "profile",
        help="ions, interfaces and layers of a depth profile",
        description="Ions and their counts, interfaces and layers of a ToF-SIMS depth profile. Of a cube the sum of "
        "all pixels is taken. What a project says of depth scale, interfaces and layers is used, and replaced by what "
        "is given here.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a profile, a cube or a project")
    parser.add_argument("--spectrum", metavar="NAME", help="which profile (default: the first one)")
    parser.add_argument("--axis", choices=AXES, help="of the exported table and of ranges (default: the file's own)")
    parser.add_argument("--rate", type=float, metavar="NM_S", help="one sputter rate in nm/s")
    parser.add_argument("--rate-error", type=float, default=0.0, metavar="NM_S", help="its standard error")
    parser.add_argument("--crater", type=float, metavar="NM", help="depth of the crater at the last point in nm")
    parser.add_argument("--crater-error", type=float, default=0.0, metavar="NM", help="its standard error")
    parser.add_argument(
        "--interface", action="append", default=[], metavar="'ION LOW HIGH [RESPONSE]'",
        help=f"evaluate a step between two places of the axis; responses: {', '.join(RESPONSES)} (default: erf)",
    )
    parser.add_argument("--layer", action="append", default=[], metavar="[NAME=]ION",
                        help="a trace that stands for a layer; give two or more, the bulk included")
    parser.add_argument(
        "--rsf", nargs=3, action="append", default=[], metavar=("ION", "MATRIX", "VALUE"),
        help="relative sensitivity factor of an ion in a matrix in atoms/cm3, with its error as in 2.1e22+-1e21",
    )
    parser.add_argument("--matrix-atoms", type=float, metavar="N", help="atoms of the matrix in atoms/cm3")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write all traces over the axis as a table")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Work out and print.

    Raises
    ------
    BadData
        If the file holds no depth profile, or a range makes no sense.
    """
    from app.cli.concentrations import amounts_of, rows_of, words_of
    from app.project.sims_depth import answer

    project = everything_in(arguments.file)
    entry = _told(_entry(project, arguments), arguments)
    with Progress() as progress:
        found = answer(entry, progress=progress)
    concentrations = amounts_of(project, entry, found, arguments)
    if arguments.csv is not None:
        check_target(arguments.csv, arguments.file)
        _write(arguments.csv, found, arguments.axis)
    if arguments.json:
        print_json({**_object(entry, found), "concentrations": rows_of(concentrations)})
    else:
        print("\n\n".join(filter(None, (_text(entry, found), words_of(concentrations)))))
    for failed in (found.depth_failed, found.layers_failed, *(one.failed for one in found.interfaces),
                   *(one.failed for one in concentrations)):
        if failed:
            say(one_line(failed))
    return DONE


def _entry(project: Project, arguments: argparse.Namespace) -> Entry:
    from fitting.sims.kinds import kind_of

    def fits(entry: Entry) -> bool:
        return entry.spectrum.meta.technique == "sims" and kind_of(entry.spectrum) in ("profile", "cube")

    if arguments.spectrum:
        entry = project.find(arguments.spectrum)
        if not fits(entry):
            raise BadData("This is no depth profile of ions", where=entry.title)
        return entry
    entry = next((one for one in project.entries if fits(one)), None)
    if entry is None:
        raise NotDetermined("The file holds no depth profile of ions", where=str(arguments.file),
                            todo="See what it holds with `sodalite info`")
    return entry


def _told(entry: Entry, arguments: argparse.Namespace) -> Entry:
    """The entry with what the command line says of it."""
    from dataclasses import replace

    from fitting.sims.setup import DepthScale, LayerMarker, LayerSetup

    if arguments.rate is not None and arguments.crater is not None:
        raise BadData("Give the rate or the depth of the crater, not both")
    if arguments.rate is not None:
        entry = replace(entry, depth=DepthScale("rate", rate=arguments.rate, rate_error=arguments.rate_error))
    elif arguments.crater is not None:
        scale = DepthScale("crater", crater=arguments.crater, crater_error=arguments.crater_error)
        entry = replace(entry, depth=scale)
    if arguments.interface:
        made = tuple(_interface(entry, text, number, arguments.axis)
                     for number, text in enumerate(arguments.interface, start=1))
        entry = replace(entry, interfaces=made)
    if arguments.layer:
        pairs = [text.rpartition("=") for text in arguments.layer]
        markers = tuple(LayerMarker(name.strip(), trace.strip()) for name, _, trace in pairs)
        entry = replace(entry, layering=LayerSetup(markers=markers))
    return entry


def _interface(entry: Entry, text: str, number: int, axis: str | None) -> Interface:
    """ "NaF2- 20 60 erf": the range is kept in the profile's own time or scan."""
    import numpy as np

    from app.project.sims_depth import depth_along
    from fitting.sims.depth import clock_of
    from fitting.sims.interface import HELD_AT_FIRST
    from fitting.sims.setup import Interface
    from fitting.sims.traces import along

    words = text.split()
    response = words.pop() if words and words[-1] in RESPONSES else "erf"
    try:
        low, high = float(words[-2]), float(words[-1])
    except (ValueError, IndexError):
        raise BadData("An interface is an ion, two places and a response", where=text,
                      todo="Write it as in 'NaF2- 20 60 erf'") from None
    trace = " ".join(words[:-2])
    spectrum = entry.processed()
    clock, depth = clock_of(spectrum), depth_along(entry)
    shown = along(spectrum, axis or ("depth" if depth is not None else clock.quantity),
                  None if depth is None else depth.depth)
    ends = np.interp([min(low, high), max(low, high)], shown.values, clock.values)
    return Interface(f"i{number}", f"Interface {number}", trace, float(ends[0]), float(ends[1]), clock.quantity,
                     response, held=HELD_AT_FIRST.get(response, ()))  # type: ignore[arg-type]


def _ions(profile: Spectrum) -> list[dict[str, Any]]:
    """What the channels hold, and how much."""
    from app.project.sims_profiles import channel_kinds
    from fitting.sims.channel_terms import term_words
    from fitting.sims.traces import variance_of

    data = profile.y
    errors = variance_of(profile.noise, data).sum(axis=0) ** 0.5
    return [
        {"ion": name, "words": term_words(profile.axis, name), "kind": kind, "mz": mass or None,
         "total": float(data[:, i].sum()), "error": float(errors[i]),
         "maximum_at": float(profile.navigation[0].values[int(data[:, i].argmax())])}
        for i, (name, kind, mass) in enumerate(channel_kinds(profile))
    ]


def _object(entry: Entry, found: DepthAnswer) -> dict[str, Any]:
    """Everything for JSON."""
    from dataclasses import asdict

    from fitting.sims.traces import share_of_total

    depth, layers = found.depth, found.layers
    share = share_of_total(found.profile)
    return {
        "profile": entry.title,
        "ions": _ions(found.profile),
        "share_of_total": None if share is None else {"value": share[0], "error": share[1]},
        "depth": None if depth is None else {
            "words": depth.words, "last_nm": float(depth.depth[-1]), "error_nm": float(depth.error[-1])},
        "interfaces": [
            {"trace": one.interface.trace, "response": one.interface.response, "unit": one.unit,
             "position": one.position, "position_error": one.position_error, "width": one.width,
             "width_error": one.width_error, "reduced_chi2": one.chi2, "error_factor": one.factor,
             "lengths": {name: [value, error] for name, value, error in one.lengths},
             "status": one.failed or one.status} for one in found.interfaces],
        "layers": None if layers is None else {
            "unit": layers.unit, "words": layers.words, "misfit": layers.misfit,
            "rows": [asdict(layer) for layer in layers.rows]},
    }


def _text(entry: Entry, found: DepthAnswer) -> str:
    """Tables for people."""
    from app.project.sims_depth import response_words
    from fitting.sims.traces import share_of_total

    clock = found.profile.navigation[0]
    parts = [f"{one_line(entry.title)}: {len(clock)} points, {len(found.profile.axis)} channels, {clock.quantity} "
             f"{clock.values[0]:.5g} to {clock.values[-1]:.5g} {clock.unit}".rstrip()]
    parts.append(table(("Ion", "Kind", "m/z", "Counts", f"Maximum at / {clock.unit or clock.quantity}"), [
        (one_line(one["words"]), one["kind"], "" if one["mz"] is None else f"{one['mz']:.4f}",
         with_error(one["total"], one["error"]) if one["total"] else "0", f"{one['maximum_at']:.5g}")
        for one in _ions(found.profile)], right=(2, 3, 4)))
    share = share_of_total(found.profile)
    if share is not None:
        parts.append(f"Single ions add up to {with_error(100 * share[0], 100 * share[1])} % of the total column.")
    if found.depth is not None:
        end, error = float(found.depth.depth[-1]), float(found.depth.error[-1])
        told = with_error(end, error) if found.depth.stated else f"{grouped(end, 2)} (no error given)"
        parts.append(f"Depth: {one_line(found.depth.words)}; last point {told} nm")
    if found.interfaces:
        unit = next((one.unit for one in found.interfaces if one.unit), "")
        parts.append(table(("Trace", "Response", f"Position / {unit}", f"16-84 % width / {unit}", "χ²ᵣ", "Remarks"), [
            (one_line(one.label), response_words(one.interface), with_error(one.position, one.position_error),
             with_error(one.width, one.width_error), "" if math.isnan(one.chi2) else f"{one.chi2:.2f}",
             one_line(one.failed or one.status)) for one in found.interfaces], right=(2, 3, 4)))
    if found.layers is not None:
        unit = found.layers.unit
        parts.append(table(
            ("#", "Layer", f"Thickness / {unit}", f"By amount / {unit}", f"Top / {unit}", f"Edge / {unit}", "Order",
             "Remarks"),
            [(str(one.number), one_line(one.name), "to the end" if math.isnan(one.thickness) else with_error(
                one.thickness, one.error), with_error(one.amount, one.amount_error),
              "surface" if one.number == 1 else with_error(one.top, one.top_error),
              "" if math.isnan(one.width) else with_error(one.width, one.width_error),
              "" if math.isnan(one.below) else f"{one.below:.2f}", "; ".join(one.remarks))
             for one in found.layers.rows], right=(2, 3, 4, 5, 6)))
        parts.append(f"Layers: {one_line(found.layers.words)}; shares add up to one within "
                     f"{100 * found.layers.misfit:.2g} %.")
    return "\n\n".join(parts)


def _write(path: Path, found: DepthAnswer, axis: str | None) -> None:
    """All channels over the axis."""
    from app.files.csv_table import write_table
    from fitting.sims.channel_terms import channel_names
    from fitting.sims.traces import along

    shown = along(found.profile, axis or "", None if found.depth is None else found.depth.depth)
    head = [f"{shown.quantity} [{shown.unit}]" if shown.unit else shown.quantity]
    columns = [f"{name} [counts]" for name in channel_names(found.profile.axis)]
    rows = ([place, *values] for place, values in zip(shown.values.tolist(), found.profile.y.tolist(), strict=True))
    write_table(path, [*head, *columns], rows)
