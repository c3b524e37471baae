"""`sodalite eels`: composition from core-loss edges by the joint model, with the error budget."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.inputs import check_target, everything_in
from app.cli.output import Progress, print_json, table
from app.cli.status import DONE, one_line, say
from libraries.errors import BadData

if TYPE_CHECKING:
    from app.project.project import Entry, Project
    from fitting.eels.core_setup import CoreResult

_BUDGET = ("counting", "background", "fine", "cross_section", "angles", "low_loss")


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "eels",
        help="composition from core-loss edges",
        description="Fit a power law and the edges' cross-sections, convolved with the low loss, to a core-loss "
        "spectrum (of an image the sum of its pixels), and print at.% and atoms/nm² with the parts of their errors.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="core loss, or a project")
    parser.add_argument("--spectrum", metavar="NAME", help="which spectrum (default: the only one without 0 eV)")
    parser.add_argument("--low", type=Path, metavar="FILE", help="low loss of the same place")
    parser.add_argument("--thin", action="store_true", help="fit without low loss: no plural scattering")
    parser.add_argument("--edges", required=True, metavar="B_K,N_K",
                        help="edges or elements; B_K=191 sets an onset in eV, B_K~191 has it found near there")
    parser.add_argument("--e0", type=float, metavar="KEV", help="beam energy")
    parser.add_argument("--alpha", type=float, metavar="MRAD", help="convergence semi-angle (0: parallel)")
    parser.add_argument("--beta", type=float, metavar="MRAD", help="collection semi-angle")
    parser.add_argument("--range", nargs=2, type=float, metavar=("LOW", "HIGH"), help="fitted range in eV")
    parser.add_argument("--exposure", type=float, metavar="RATIO",
                        help="exposure of core loss over low loss, for atoms/nm²; default: as the files say")
    parser.add_argument("--cross-sections", type=Path, metavar="FILE",
                        help="oscillator strengths in GOSH format for all edges")
    parser.add_argument("--csv", type=Path, metavar="OUT.csv", help="also write the table")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Analyse and print.

    Raises
    ------
    BadData, NotDetermined, UnknownName
        What is missing or does not fit, before anything is computed.
    """
    from app.project.core_loss import compute, export_csv

    if arguments.csv is not None:
        for source in (arguments.file, arguments.low, arguments.cross_sections):
            if source is not None:
                check_target(arguments.csv, source)
    project, entry = _project(arguments)
    gosh = None
    if arguments.cross_sections is not None:
        from app.files.gosh import GoshFile

        gosh = GoshFile(arguments.cross_sections).curve
    with Progress() as progress:
        result = compute(project, entry.id, gosh=gosh, progress=progress)
    if arguments.csv is not None:
        export_csv(result, arguments.csv)
    if arguments.json:
        print_json(_object(entry, result))
    else:
        print(_text(entry, result))
    for warning in result.warnings:
        say(one_line(warning))
    return DONE


def _project(arguments: argparse.Namespace) -> tuple[Project, Entry]:
    """The project with the analysis asked of its core loss."""
    from app.project.core_loss import low_loss_entry, with_setup
    from app.project.project import add_spectra
    from fitting.eels.conditions import microscope_step

    project = everything_in(arguments.file)
    entry = _core(project, arguments)
    if arguments.low is not None:
        known = {one.id for one in project.entries}
        lows = everything_in(arguments.low)
        project = add_spectra(project, [one.spectrum for one in lows.entries])
        low = next(one for one in project.entries if one.id not in known)
        entry = replace(entry, low_loss=low.id)
    told = (arguments.e0, arguments.alpha, arguments.beta)
    if any(value is not None for value in told):
        step = microscope_step(*told, note="command line")
        recipe = replace(entry.recipe, steps=(*entry.recipe.steps, step))
        entry = replace(entry, recipe=recipe)
    project = project.with_entry(entry)
    setup = _setup(entry, arguments)
    project = with_setup(project, entry.id, setup)
    entry = project.entry(entry.id)
    if low_loss_entry(project, entry) is None and not arguments.thin:
        raise BadData("There is no low loss to convolve the edges with", where=entry.title,
                      todo="Give it with --low, or fit without it with --thin")
    return project, entry


def _core(project: Project, arguments: argparse.Namespace) -> Entry:
    if arguments.spectrum:
        return project.find(arguments.spectrum)
    losses = [e for e in project.entries if e.spectrum.axis.quantity == "energy_loss"]
    cores = [e for e in losses if e.spectrum.x[0] > 0] or losses
    if len(cores) != 1:
        names = ", ".join(e.title for e in cores) or "none"
        raise BadData("It is not clear which spectrum is the core loss", where=str(arguments.file),
                      todo=f"Name it with --spectrum; there are: {names}")
    return cores[0]


def _setup(entry: Entry, arguments: argparse.Namespace) -> Any:
    from app.project.core_loss import setup_for
    from fitting.eels.core_setup import CoreSetup

    low, high = arguments.range or (None, None)
    setup = CoreSetup(low=low, high=high, convolve=not arguments.thin, exposure=arguments.exposure)
    for word in filter(None, (part.strip() for part in arguments.edges.split(","))):
        name, sign, onset = word.partition("~" if "~" in word else "=")
        before = {one.name for one in setup.edges}
        setup = setup_for(entry.spectrum, [name], setup)
        for one in setup.edges:
            if one.name not in before:
                model = "gosh" if arguments.cross_sections is not None else ""
                setup = setup.with_edge(replace(one, onset=_number(onset, word) if sign else None,
                                                fit_onset=sign != "=", model=model))
    return setup


def _number(text: str, word: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadData("This onset is no number", where=word, todo="Write for example B_K=191") from None


def _object(entry: Entry, result: CoreResult) -> dict[str, Any]:
    """The result for programs."""
    from app.project.core_loss import ratios

    return {
        "spectrum": entry.title, "beam_energy_keV": result.beam[0], "convergence_mrad": result.beam[1],
        "collection_mrad": result.beam[2], "range_eV": list(result.fitted), "exponent": result.exponent,
        "exponent_err": result.exponent_err, "gain": result.gain, "reduced_chi2": result.chi2,
        "edges": [{
            "edge": row.edge, "element": row.element, "at_percent": row.at_percent, "at_percent_err": row.at_error,
            "limit_95": row.limit, "seen": row.seen, "areal_density_nm2": row.areal,
            "areal_density_nm2_err": row.areal_error, "onset_eV": row.onset, "onset_err": row.onset_err,
            "cross_section": row.model, "source": row.source,
            "relative_errors": {name: getattr(row, name) for name in _BUDGET},
            "windows": {"at_percent": row.window_at_percent, "at_percent_err": row.window_error, "snr": row.snr,
                        "h": row.h, "words": row.window_words},
        } for row in result.rows],
        "ratios": [{"ratio": name, "value": value, "err": error} for name, value, error in ratios(result)],
        "warnings": list(result.warnings),
    }


def _text(entry: Entry, result: CoreResult) -> str:
    """Tables for people."""
    from app.numerals import UNDETERMINED, with_error
    from app.project.core_loss import ratios, share

    def areal(value: float, error: float) -> str:
        return with_error(value, error) if value == value else UNDETERMINED

    rows = [[row.edge, share(row.at_percent, row.at_error), areal(row.areal, row.areal_error),
             share(row.window_at_percent, row.window_error), f"{row.onset:.1f}", row.model] for row in result.rows]
    budget = [[row.edge, *(f"{100 * value:.1f}" if value == value else "–"
                           for value in (getattr(row, name) for name in _BUDGET))] for row in result.rows]
    head = (f"{one_line(entry.title)}: {result.fitted[0]:.0f} to {result.fitted[1]:.0f} eV, background exponent "
            f"{with_error(result.exponent, result.exponent_err)}")
    found = "; ".join(f"{name} = {with_error(value, error)}" for name, value, error in ratios(result))
    return "\n\n".join((
        head + (f"; {found}" if found else ""),
        table(["Edge", "at.%", "atoms/nm²", "at.% by windows", "Onset / eV", "Cross-section"], rows,
              right=(1, 2, 3, 4)),
        table(["Errors / %", "Counting", "Background", "Fine structure", "Cross-section", "Angles", "Low loss"], budget,
              right=(1, 2, 3, 4, 5, 6))))
