"""The part of `sodalite factors` that calibrates factors by XPS compositions at common depths."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.output import Progress, print_json, table
from app.cli.status import DONE, one_line, say
from libraries.errors import BadData

if TYPE_CHECKING:
    from app.project.project import Entry, Project
    from fitting.sims.by_xps import FactorCompositions


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("calibration by XPS", "atomic compositions of factors with closure")
    group.add_argument("--xps", type=Path, metavar="TABLE.csv", help="XPS at depths: columns depth (nm), C, C error, "
                       "O, ...; with -k of the factors found now, else of those in the project")
    group.add_argument("--attenuation", type=float, metavar="NM", help="effective attenuation length of photoelectrons")
    group.add_argument("--angle", type=float, metavar="DEGREES", help="emission angle from the surface normal")
    group.add_argument("--crater", type=float, metavar="NM", help="depth of the crater at the last point, where the "
                       "project has no depth scale")
    group.add_argument("--rate", type=float, metavar="NM_S", help="one sputter rate instead")


def check(arguments: argparse.Namespace) -> None:
    """Before anything is computed: factors that are found now need closure.

    Raises
    ------
    BadData
    """
    if arguments.factors is not None and not arguments.closure:
        raise BadData("--xps needs shares of phases, and factors without closure are counts", todo="Add --closure")


def run(arguments: argparse.Namespace, project: Project, entry: Entry, id: str | None = None) -> int:
    """Calibrate, write, print.

    Parameters
    ----------
    id : str, optional
        Of the factor analysis; by default the one that the project calibrates, else the only one with closure.

    Raises
    ------
    BadFile, BadData, BadModel, NotDetermined, UnknownName
    """
    from app.project.sims_by_xps import compositions_of

    entry = _told(arguments, entry, id)
    with Progress() as bar:
        found = compositions_of(entry, progress=bar)
    if arguments.json:
        print_json(object_of(entry, found))
    else:
        print(text_of(found))
    for path in _write(arguments, project.with_entry(entry), entry, found):
        say(one_line(str(path)))
    return DONE


def _told(arguments: argparse.Namespace, entry: Entry, id: str | None) -> Entry:
    """The entry with what the command says."""
    from app.files.by_xps_tables import read_xps
    from app.project.sims_by_xps import added, usable
    from fitting.sims.by_xps_setup import ByXps
    from fitting.sims.setup import DepthScale

    old = entry.by_xps
    id = id or old.factors
    if not id:
        closed = usable(entry)
        if len(closed) > 1:
            raise BadData("There are several factor analyses with closure", where=entry.title,
                          todo="Give -k and --closure to find factors anew")
        id = closed[0].id if closed else ""
    given = added(ByXps(), *read_xps(arguments.xps))
    setup = replace(given, factors=id, attenuation=_or(arguments.attenuation, old.attenuation),
                    angle=_or(arguments.angle, old.angle), densities=old.densities if id == old.factors else ())
    depth = entry.depth
    if arguments.crater is not None:
        depth = DepthScale("crater", crater=arguments.crater)
    elif arguments.rate is not None:
        depth = DepthScale("rate", rate=arguments.rate)
    return replace(entry, by_xps=setup, depth=depth)


def _or(value: float | None, other: float) -> float:
    return other if value is None else value


def text_of(found: FactorCompositions) -> str:
    """Compositions of factors as a table in words."""
    from app.files.by_xps_tables import report_rows

    heads, rows = report_rows(found)
    chi2 = f"reduced chi2 {found.chi2:.3g} of {found.degrees}" if math.isfinite(found.chi2) else ""
    told = (table(heads, rows, right=tuple(range(1, len(heads)))), f"\n{found.label}", chi2, *found.notes)
    return "\n".join(filter(None, told))


def object_of(entry: Entry, found: FactorCompositions) -> dict[str, Any]:
    """The same as a plain object."""
    from app.files.by_xps_tables import unlike

    factors = []
    for k, name in enumerate(unlike(found.names)):
        amounts = {quantity: {"value": float(found.values[k, m]), "error": float(found.errors[k, m]),
                              "below_95": float(found.limits[k, m])} for m, quantity in enumerate(found.quantities)}
        factors.append({"name": name, "determined": bool(found.determined[k]), "at_percent": amounts,
                        "growth_of_errors": float(found.gains[k])})  # fmt: skip
    return {
        "label": found.label, "factors": factors, "reduced_chi2": found.chi2, "degrees_of_freedom": found.degrees,
        "condition": found.condition, "misfit": found.misfits.tolist(), "notes": list(found.notes),
        "attenuation_nm": entry.by_xps.attenuation, "angle_deg": entry.by_xps.angle,
        "depth_nm": found.depth.tolist(), "profile_at_percent": found.profile.tolist(),
        "profile_errors": found.profile_errors.tolist(), "quantities": list(found.quantities),
    }  # fmt: skip


def _write(arguments: argparse.Namespace, project: Project, entry: Entry, found: FactorCompositions) -> list[Path]:
    made: list[Path] = []
    if arguments.csv is not None:
        from app.files.by_xps_tables import write_calibrated

        made += write_calibrated(arguments.csv, entry.by_xps, found)
    if arguments.output is not None:
        from app.project.store import save

        save(project, arguments.output)
        made.append(arguments.output)
    return made
