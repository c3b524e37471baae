"""`sodalite candidates`: models of a region that chemistry allows, ranked by what the data say."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.inputs import everything_in
from app.cli.output import Progress, print_json, table
from app.cli.status import DONE, NOT_DONE, one_line, say
from libraries.errors import UnknownName

if TYPE_CHECKING:
    from app.project.project import Entry, Project
    from fitting.xps.candidates.rank import Candidate, Candidates


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "candidates",
        help="rank the models that a region allows",
        description="Fit models of one to several chemical states (or plain peaks) to a region, rank them by AICc and "
        "BIC, and say how many states the data need. They are candidates: you decide.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="data file or project")
    parser.add_argument("--spectrum", metavar="NAME", help="name or number of the spectrum (sodalite info)")
    parser.add_argument(
        "--region", type=float, nargs=2, required=True, metavar=("LOW", "HIGH"), help="window on the axis in eV"
    )
    parser.add_argument(
        "--line", action="append", default=[], metavar="LINE",
        help='core level, "C 1s"; may be given more than once; by default as the spectrum names it',
    )
    parser.add_argument("--peaks", action="store_true", help="plain peaks of equal width instead of chemical states")
    parser.add_argument("--background", default="shirley_active", metavar="KIND", help="default: shirley_active")
    parser.add_argument("--starts", type=_count, default=8, metavar="N", help="random starts a model (default 8)")
    parser.add_argument("--seed", type=_seed, default=0, metavar="S", help="of starts and simulated spectra")
    parser.add_argument("--json", action="store_true", help="print candidates, tests and spread as JSON")
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of starts")
    return int(text)


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is no seed; give a whole number of 0 or more")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Search and print."""
    from app.project.candidates import PEAKS, STATES, find_candidates
    from app.project.work import add_region

    project = everything_in(arguments.file)
    entry = _chosen(project, arguments.spectrum, arguments.file)
    low, high = sorted(arguments.region)
    project, region = add_region(project, entry.id, low, high, arguments.background)
    with Progress() as progress:
        found = find_candidates(
            project, entry.id, region, PEAKS if arguments.peaks else STATES, lines=arguments.line,
            starts=arguments.starts, seed=arguments.seed, progress=progress,
        )
    if arguments.json:
        print_json({"file": str(arguments.file), "spectrum": entry.title, "region": [low, high]} | _object(found))
    else:
        _print(found)
    if found.supported.structure.left:
        say(f"{one_line(entry.title)}: the best candidates still miss structure in the data.")
        return NOT_DONE
    return DONE


def _chosen(project: Project, name: str | None, path: Path) -> Entry:
    """The spectrum of that name or number, or the only one.

    Raises
    ------
    UnknownName
    """
    single = [(i, e) for i, e in enumerate(project.entries) if not e.spectrum.navigation]
    found = [e for i, e in single if name is None or name in (e.title, e.id)]
    found = found or [e for i, e in single if name == str(i)]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{i} {one_line(e.title)}" for i, e in single)
    raise UnknownName(
        f"The file holds {len(project.entries)} spectra; name one", where=str(path),
        todo=f"Give --spectrum NAME or NUMBER: {listed or 'there is no single spectrum'}",
    )


def _print(found: Candidates) -> None:
    print(found.summary() + "\n")
    rows = []
    for c in found.found:
        chi = f"{c.result.reduced_chi2:.2f}" if c.result.noise.known else "-"
        rows.append((
            c.label, str(c.size), f"{c.delta:.1f}", f"{100 * c.weight:.0f} %", f"{c.bic:.1f}", chi,
            "left" if c.structure.left else "none", f"{c.hits}/{c.starts}", c.verdict,
        ))
    heads = ("Candidate", "States", "dAICc", "Weight", "BIC", "chi2_r", "Structure", "Starts", "Verdict")
    print(table(heads, rows, right=(1, 2, 3, 4, 5, 7)))
    for step in found.steps:
        print(f"\n{step}", end="")
    print("\n\nShares over the candidates within 10 of the lowest AICc:")
    from fitting.xps.candidates.rank import spread

    shares = [
        (s.name, *(f"{100 * v:.1f}" for v in (s.share_low, s.share_high, s.share_mean)), str(s.candidates))
        for s in spread(found)
    ]
    print(table(("State", "from / %", "to / %", "mean / %", "in"), shares, right=(1, 2, 3, 4)))
    for c in found.found[:3]:
        for remark in c.remarks:
            print(f"{c.label}: {remark}.")
    for remark in found.remarks:
        print(f"Remark: {remark}")


def _object(found: Candidates) -> dict[str, Any]:
    from dataclasses import asdict

    from fitting.xps.candidates.rank import spread

    return {
        "grammar": found.grammar, "states_needed": found.size, "summary": found.summary(),
        "candidates": [_candidate(c) for c in found.found],
        "tests": [asdict(step) | {"needed": step.needed} for step in found.steps],
        "spread": [asdict(row) for row in spread(found)],
        "remarks": list(found.remarks), "seed": found.seed,
    }


def _candidate(c: Candidate) -> dict[str, Any]:
    return {
        "states": [
            {"name": s.name, "position": s.position, "position_err": s.position_error, "fwhm": s.fwhm, "area": s.area,
             "area_err": s.area_error, "outside_cited": None if math.isnan(s.outside) else s.outside,
             "compounds": s.compounds}
            for s in c.states
        ],
        "number": c.size, "delta_aicc": c.delta, "aicc": c.aicc, "bic": c.bic, "weight": c.weight,
        "reduced_chi2": c.result.reduced_chi2, "durbin_watson": c.structure.durbin_watson,
        "structure_p": c.structure.p, "starts": c.starts, "starts_at_minimum": c.hits, "verdict": c.verdict,
        "remarks": list(c.remarks), "also": list(c.also),
    }
