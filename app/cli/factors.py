"""`sodalite factors`: how many different spectra a profile, cube or image is made of, which, and how much of each."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli import by_xps
from app.cli.inputs import everything_in
from app.cli.output import Progress, print_json, table
from app.cli.status import DONE, one_line, say
from libraries.errors import BadData

if TYPE_CHECKING:
    from app.project.factor_analysis import Wish
    from app.project.project import Entry, Project
    from fitting.factors.kept import KeptFactors


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "factors",
        help="PCA, NMF and curve resolution of a depth profile or cube of ions",
        description="Find the factors of a ToF-SIMS depth profile or cube: their amounts along the depth, their "
        "spectra, how well they fit beside the best that is possible, how many there may be, and how far they can be "
        "turned into one another without a worse fit.",
        epilog="Single ions are analysed, each once: sums, ratios and the total count ions twice.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a profile, a cube or a project")
    parser.add_argument("--spectrum", metavar="NAME", help="which profile or cube (default: the only one)")
    parser.add_argument("-k", "--factors", type=int, metavar="K", help="how many; without it only the tests are made")
    parser.add_argument("--method", choices=("mcr", "nmf", "pca"), default="mcr", help="default: mcr")
    parser.add_argument("--ions", metavar="ION,ION", help="analyse only these channels")
    parser.add_argument("--no-scaling", action="store_true", help="do not scale counts for even noise")
    parser.add_argument("--closure", action="store_true", help="the phases add up to 1 at every depth")
    parser.add_argument("--unimodal", action="store_true", help="every profile has one maximum")
    parser.add_argument("--without", metavar="K:ION", action="append", default=[],
                        help="factor K has no such ion; may be repeated")
    parser.add_argument("--start", metavar="DEPTH", nargs="+", type=float,
                        help="depths (on the file's own axis) whose spectra the factors begin with, one for each")
    parser.add_argument("--no-bands", action="store_true", help="leave out the bands of ambiguity")
    parser.add_argument("--csv", type=Path, metavar="FOLDER", help="write profiles, spectra and figures as tables")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT.sodalite", help="write a project with the factors")
    parser.add_argument("--json", action="store_true", help="everything as JSON")
    by_xps.add_options(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Read, find, write, print.

    Raises
    ------
    BadData, NotDetermined, UnknownName
        What cannot be analysed so, before anything is written.
    """
    from app.project.factor_analysis import analysis_of, keep_factors, solve
    from fitting.factors.analysis import number_of_factors

    project = everything_in(arguments.file)
    entry = _entry(project, arguments.spectrum)
    if arguments.xps is not None:
        by_xps.check(arguments)
        if arguments.factors is None:
            return by_xps.run(arguments, project, entry)
    spectrum, wish = entry.processed(), _wish(arguments, entry)
    with Progress() as bar:
        if arguments.factors is None:
            tests = number_of_factors(spectrum, channels=wish.channels, poisson=wish.poisson, progress=bar)
        else:
            found = solve(spectrum, wish, bar)
    if arguments.factors is None:
        if arguments.json:
            print_json({"tests": dict(tests.rows()), "singular_values": tests.singular.tolist()})
        else:
            print(table(("Test", "Factors"), tests.rows(), right=(1,)))
        return DONE
    project, id = keep_factors(project, entry.id, found, spectrum.hash)
    about = analysis_of(project.entry(entry.id), id)
    if arguments.xps is not None:
        return by_xps.run(arguments, project, project.entry(entry.id), id)
    _print(about, as_json=arguments.json)
    for path in _write(arguments, project, project.entry(entry.id), about):
        say(one_line(str(path)))
    return DONE


def _entry(project: Project, name: str | None) -> Entry:
    if name is not None:
        return project.find(name)
    found = [entry for entry in project.entries if entry.spectrum.navigation]
    if len(found) != 1:
        there = ", ".join(entry.title for entry in found)
        raise BadData("There is no profile and no cube" if not found else "There are several profiles",
                      where=project.name, todo=f"Choose one with --spectrum: {there}" if found else "Give another file")
    return found[0]


def _wish(arguments: argparse.Namespace, entry: Entry) -> Wish:
    import numpy as np

    from app.project.factor_analysis import Wish
    from fitting.factors.constraints import Constraints
    from fitting.sims.columns import place_of

    axis = entry.spectrum.axis
    channels = None
    if arguments.ions:
        channels = tuple(place_of(axis, name) for name in arguments.ions.split(",") if name.strip())
    absent = []
    for text in arguments.without:
        number, _, ion = text.partition(":")
        if not (number.isascii() and number.isdecimal()) or int(number) < 1:
            raise BadData(f"--without {text}", todo="Write the number of a factor and an ion, as in 2:NaF2-")
        absent.append((int(number) - 1, place_of(axis, ion)))
    points: tuple[int, ...] = ()
    if arguments.start:
        depth = entry.spectrum.navigation[0].values
        points = tuple(int(np.argmin(np.abs(depth - value))) for value in arguments.start)
    rules = Constraints(arguments.closure, arguments.unimodal, tuple(absent), points=points)
    return Wish(arguments.method, arguments.factors or 1, channels=channels, poisson=not arguments.no_scaling,
                constraints=rules, bands=not arguments.no_bands and arguments.method != "pca")  # fmt: skip


def _print(about: KeptFactors, *, as_json: bool) -> None:
    if as_json:
        print_json({
            "analysis": about.title, "analysed": list(about.labels), "constraints": list(about.constraints),
            "lack_of_fit": about.lof, "least_lack_of_fit": about.lof_bound, "explained": about.explained,
            "chi2": about.chi2, "iterations": about.iterations, "status": about.status, "tests": dict(about.tests),
            "factors": [_row(about, index) for index in range(len(about.names))],
        })  # fmt: skip
        return
    print(table(("Test", "Factors"), about.tests, right=(1,)))
    print(f"\n{about.title}, {about.range_words}: lack of fit {about.lof:.3f} % (at least "
          f"{about.lof_bound:.3f} %), chi2/dof {about.chi2:.3g}, {about.status}")
    if about.constraints:
        print(f"With {', '.join(about.constraints)}")
    heads = ["Factor", "Share / %", "Largest ions"]
    rows = []
    for index in range(len(about.names)):
        one = _row(about, index)
        ions = ", ".join(f"{ion} {100 * share:.3g} %" for ion, share in one["largest_ions"])
        cells = [one["name"], "" if one["share"] is None else f"{100 * one['share']:.1f}", ions]
        if about.closed:
            cells.insert(2, f"{one['yield']:.4g} ± {one['yield_error']:.2g}")
        if about.shares.size:
            cells.insert(2, f"{100 * one['signal'][0]:.1f} to {100 * one['signal'][1]:.1f}")
        rows.append(cells)
    heads[2:2] = [*(["Signal / %"] if about.shares.size else []), *(["Yield / counts"] if about.closed else [])]
    print("\n" + table(heads, rows, right=tuple(range(1, len(heads) - 1))))


def _row(about: KeptFactors, index: int) -> dict[str, Any]:
    import numpy as np

    total = float(about.amounts.sum()) if about.amounts.size and about.method != "pca" else 0.0
    order = np.argsort(np.abs(about.spectra[index]))[::-1][:5]
    return {
        "name": about.names[index], "share": float(about.amounts[index].sum()) / total if total else None,
        "signal": about.shares[index].tolist() if about.shares.size else None,
        "yield": float(about.yields[index]) if about.closed else None,
        "yield_error": float(about.yield_errors[index]) if about.closed else None,
        "largest_ions": [(about.labels[place] if about.labels else f"{about.energy[place]:g}",
                          float(about.spectra[index, place])) for place in order],
    }  # fmt: skip


def _write(arguments: argparse.Namespace, project: Project, entry: Entry, about: KeptFactors) -> list[Path]:
    made: list[Path] = []
    if arguments.csv is not None:
        from app.files.ion_factor_tables import write_ion_factors

        made += write_ion_factors(arguments.csv, entry, about)
    if arguments.output is not None:
        from app.project.store import save

        save(project, arguments.output)
        made.append(arguments.output)
    return made
