"""`sodalite lowloss`: thickness, plasmon model, sodium or carbon of a low-loss spectrum."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.inputs import everything_in
from app.cli.output import Progress, print_json, table
from app.cli.status import DONE, one_line, say
from app.numerals import with_error
from libraries.errors import NotDetermined, SodaliteError

if TYPE_CHECKING:
    from app.project.low_loss import Thickness
    from app.project.project import Entry, Project
    from fitting.eels.hypotheses import SodiumTest
    from fitting.result import FitResult

MODELS = {
    "metal": ("vol", "vol2", "sur", "con"),
    "sodium": ("pi", "na", "na2", "na_s", "ps", "na_l"),
}


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "lowloss",
        help="thickness and plasmons of an energy-loss spectrum",
        description="t/lambda with the spread among the ways to take the zero loss, absolute thickness by each formula "
        "where material and beam are known, and on request a plasmon fit and the test of sodium against carbon. Of an "
        "image the sum of all pixels is taken.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="spectra or a project")
    parser.add_argument("--spectrum", metavar="NAME", help="which spectrum (default: the first with a zero loss)")
    parser.add_argument("--formula", metavar="FORMULA", help="material, for example Na2CO3")
    parser.add_argument("--density", type=float, metavar="G_CM3", help="its density in g/cm3")
    parser.add_argument("--beam", type=float, metavar="KEV", help="beam energy, where the file records none")
    parser.add_argument("--convergence", type=float, metavar="MRAD", help="convergence semi-angle, likewise")
    parser.add_argument("--collection", type=float, metavar="MRAD", help="collection semi-angle, likewise")
    parser.add_argument("--model", choices=sorted(MODELS), help="also fit this plasmon model")
    parser.add_argument("--sodium", action="store_true", help="also test sodium metal against carbon")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Analyse and print.

    Raises
    ------
    NotDetermined
        If the file holds no low loss.
    UnknownName
        If there is no spectrum of that name, or the formula is none.
    """
    from app.project import low_loss

    project = everything_in(arguments.file)
    entry = _entry(project, arguments)
    project = _told(project, entry, arguments)
    changes = {name: getattr(arguments, name) for name in ("formula", "density")
               if getattr(arguments, name) is not None}
    project = low_loss.with_settings(project, entry.id, **changes)
    found = low_loss.thickness_of(project, entry.id)
    fitted = _fitted(project, entry, arguments.model) if arguments.model else None
    test = None
    if arguments.sodium:
        with Progress() as progress:
            test = low_loss.sodium_of(project, entry.id, progress=progress)
    if arguments.json:
        print_json(_object(entry, found, fitted, test))
        return DONE
    print(_text(entry, found, fitted, test))
    for warning in found.ratio.warnings:
        say(one_line(warning))
    return DONE


def _entry(project: Project, arguments: argparse.Namespace) -> Entry:
    from app.project.low_loss import low_loss_entry

    if arguments.spectrum:
        return low_loss_entry(project, project.find(arguments.spectrum).id)
    for entry in project.entries:
        try:
            return low_loss_entry(project, entry.id)
        except NotDetermined:
            continue
    raise NotDetermined("The file holds no spectrum with a zero-loss peak", where=str(arguments.file))


def _told(project: Project, entry: Entry, arguments: argparse.Namespace) -> Project:
    """The project with beam and angles from the command line in the recipe."""
    from dataclasses import replace

    from fitting.eels.conditions import microscope_step
    from fitting.recipe import Recipe

    given = (arguments.beam, arguments.convergence, arguments.collection)
    if all(value is None for value in given):
        return project
    step = microscope_step(*given, "command line")
    return project.with_entry(replace(entry, recipe=Recipe((*entry.recipe.steps, step))))


def _fitted(project: Project, entry: Entry, model: str) -> FitResult | str:
    """The fitted plasmon model, or why there is none."""
    from app.project import low_loss, work

    try:
        project, where, region, words = low_loss.add_model(project, entry.id, MODELS[model])
        if words:
            say(one_line(words))
        result = work.fit_region(project, where, region).entry(where).fit(region).result
    except SodaliteError as error:
        return str(error)
    return result if result is not None else "There is no result"


def _object(
    entry: Entry, found: Thickness, fitted: FitResult | str | None, test: SodiumTest | None
) -> dict[str, Any]:
    """The result for programs; energies in eV, lengths in nm."""
    from dataclasses import asdict

    ratio = found.ratio
    out: dict[str, Any] = {
        "spectrum": entry.title,
        "t_lambda": {**asdict(ratio.chosen), "systematic": ratio.systematic, "total_error": ratio.error,
                     "spread": list(ratio.spread)},
        "others": [asdict(one) for one in ratio.others],
        "beyond_axis": ratio.beyond,
        "thickness": [
            {"formula": one.name, "lambda": one.path.value if one.path else None, "thickness": one.thickness,
             "error": one.error, "relative_error": one.path.relative_error if one.path else None,
             "source": one.path.source if one.path else None, "reason": one.reason}
            for one in found.paths
        ],
        "warnings": list(ratio.warnings),
    }
    if isinstance(fitted, str):
        out["model"] = {"status": "not done", "message": fitted}
    elif fitted is not None:
        out["model"] = {"status": fitted.status, "message": fitted.message, "parameters": {
            name: {"value": fitted.value(name), "error": fitted.error(name)} for name in fitted.names}}
    if test is not None:
        out["sodium"] = {
            "verdict": test.verdict, "reasons": list(test.reasons), "region": test.region,
            "na_plasmon": test.probability, "na_plasmon_err": test.probability_err, "interval": list(test.interval),
            "upper_limit": test.is_limit, "evidence": [asdict(one) for one in test.evidence],
            "hypotheses": [{"hypothesis": one.key, "weight": one.weight, "delta_bic": one.bic,
                            "reduced_chi2": one.reduced_chi2, "status": one.result.status} for one in test.candidates],
        }
    return out


def _text(entry: Entry, found: Thickness, fitted: FitResult | str | None, test: SodiumTest | None) -> str:
    """Tables for people."""
    ratio = found.ratio
    low, high = ratio.spread
    parts = [f"{one_line(entry.title)}: t/λ = {with_error(ratio.chosen.value, ratio.error)} "
             f"({low:.3f} to {high:.3f} among the ways to take the zero loss)"]
    parts.append(table(["Zero loss by", "t/λ", "ends at / eV"], [
        [one.way, with_error(one.value, one.error), f"{one.limit:.2f}"] for one in (ratio.chosen, *ratio.others)
    ], right=(1, 2)))
    parts.append(table(["Formula", "λ / nm", "t / nm", "Note"], [
        [one.name, f"{one.path.value:.1f}" if one.path else "-",
         with_error(one.thickness, one.error) if one.path else "-",
         one.reason if not one.path else "" if one.path.relative_error is None else
         f"λ ± {100 * one.path.relative_error:.0f} %"] for one in found.paths
    ], right=(1, 2)))
    if isinstance(fitted, str):
        parts.append(f"Model: {one_line(fitted)}")
    elif fitted is not None:
        shown = [name for name in fitted.names if name in fitted.free or fitted.model.params[name].link]
        parts.append(table(["Parameter", "Value"], [
            [name, with_error(fitted.value(name), fitted.error(name))] for name in shown], right=(1,)))
        parts.append(fitted.message)
    if test is not None:
        parts.append(f"Sodium or carbon: {test.verdict}. Proposed: {test.region}.")
        parts.append(table(["Hypothesis", "Weight", "ΔBIC", "χ²ᵣ"], [
            [one.title, f"{one.weight:.3f}", f"{one.bic:.1f}", f"{one.reduced_chi2:.2f}"] for one in test.candidates
        ], right=(1, 2, 3)))
        parts += [f"Open: {one_line(reason)}" for reason in test.reasons]
    return "\n\n".join(parts)
