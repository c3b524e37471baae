"""`sodalite identify`: which elements a survey shows, with the evidence line by line."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.inputs import everything_in
from app.cli.output import Progress, print_json, table
from app.cli.status import DONE, one_line, say
from libraries.errors import NotDetermined

if TYPE_CHECKING:
    from app.project.project import Entry
    from fitting.xps.identify.candidates import Identification
    from fitting.xps.identify.limits import DetectionLimit


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "identify",
        help="elements of a survey, with evidence",
        description="Find the peaks of a survey and the elements that explain them. Each element is found, possible or "
        "not determined, with the lines that speak for and against it; what nothing explains is listed.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="spectra or a project")
    parser.add_argument("--spectrum", metavar="NAME", help="which spectrum (default: the widest)")
    parser.add_argument("--shift", type=float, metavar="EV",
                        help="measured minus true binding energy (default: found from the data)")
    parser.add_argument("--limit", action="append", default=[], metavar="ELEMENT",
                        help="also print the detection limit of an element; may be given several times")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Identify and print.

    Raises
    ------
    NotDetermined
        If the file holds no survey, or its photon energy is not known.
    UnknownName
        If there is no spectrum of that name.
    """
    from app.project.identification import surveys
    from fitting.xps.identify.candidates import identify
    from fitting.xps.identify.limits import detection_limit

    project = everything_in(arguments.file)
    if arguments.spectrum:
        entry = project.find(arguments.spectrum)
    else:
        wide = surveys(project)
        if not wide:
            raise NotDetermined("The file holds no survey", where=str(arguments.file),
                                todo="Name a spectrum with --spectrum")
        entry = wide[0]
    spectrum = entry.processed()
    with Progress() as progress:
        found = identify(spectrum, shift=arguments.shift, progress=progress)
    limits = []
    for symbol in arguments.limit:
        limits.append(detection_limit(spectrum, found, symbol))
    if arguments.json:
        print_json(_object(entry, found, limits))
    else:
        print(_text(entry, found, limits))
        for warning in found.warnings:
            say(one_line(warning))
    return DONE


def _object(entry: Entry, found: Identification, limits: list[DetectionLimit]) -> dict[str, Any]:
    """The result for programs; energies in eV, areas in intensity unit times eV."""
    from dataclasses import asdict

    return {
        "spectrum": entry.title,
        "photon_energy": found.photon_energy,
        "shift": found.shift,
        "shift_source": found.shift_source,
        "noise": found.search.noise,
        "elements": [
            {
                "element": item.element, "verdict": item.verdict, "reason": item.reason, "main": item.main,
                "at_percent": item.at_percent, "at_percent_err": item.at_percent_err, "score": item.score,
                "alternatives": list(item.alternatives),
                "lines": [{**asdict(line), "ratio": line.ratio} for line in item.lines],
            }
            for item in found.elements
        ],
        "peaks": [
            {**asdict(peak), "lines": list(owners)}
            for peak, owners in zip(found.search.peaks, found.owners, strict=True)
        ],
        "others": [{"position": item.peak.position, "kind": item.kind, "words": item.words} for item in found.others],
        "limits": [asdict(item) for item in limits],
        "warnings": list(found.warnings),
    }


def _text(entry: Entry, found: Identification, limits: list[DetectionLimit]) -> str:
    """Tables for people."""
    parts = [f"{one_line(entry.title)}: {len(found.search.peaks)} peaks, photon energy {found.photon_energy:g} eV, "
             f"shift {found.shift:+.1f} eV ({found.shift_source})"]
    shown = [item for item in found.elements if item.verdict != "not determined"]
    rows = [[item.element, item.verdict, "" if item.at_percent is None else f"{item.at_percent:.1f}",
             item.strongest.line if item.strongest else item.main, item.reason] for item in shown]
    parts.append(table(["Element", "Verdict", "about at.%", "Main line", "Why"], rows, right=(2,)))
    refused = [f"{item.element} ({item.reason})" for item in found.elements if item.verdict == "not determined"][:8]
    if refused:
        parts.append("Not determined: " + "; ".join(refused))
    if found.others:
        parts.append(table(["Other peaks / eV", "Width / eV", "What they may be"],
                           [[f"{item.peak.position:.1f}", f"{item.peak.fwhm:.1f}", item.words]
                            for item in found.others],
                           right=(0, 1)))
    if limits:
        parts.append(table(["Element", "Detection limit / at.%", "Line", "Below"],
                           [[item.element, f"{item.at_percent:.2f}", item.line, item.below] for item in limits],
                           right=(1,)))
    return "\n\n".join(parts)
