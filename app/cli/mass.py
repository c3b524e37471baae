"""`sodalite mass`: the lines of a time-of-flight mass spectrum with everything they may be."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.inputs import everything_in
from app.cli.output import Progress, print_json, table
from app.cli.status import DONE, one_line, say
from libraries.errors import BadData, NotDetermined

if TYPE_CHECKING:
    from app.project.masses import MassView
    from app.project.project import Entry, Project
    from fitting.sims.lines import Line
    from fitting.sims.mass_calibration import MassCalibration


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "mass",
        help="find and name the lines of a mass spectrum",
        description="Calibrate a time-of-flight mass spectrum by named lines, find its lines, measure and name them. "
        "Ions that mass, width and isotopes cannot tell apart are all named.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="data file or project")
    parser.add_argument("--spectrum", metavar="NAME", help="which one (see `sodalite info`); by default the first")
    parser.add_argument("--polarity", choices=("positive", "negative"), help="where the file does not say")
    parser.add_argument(
        "--calibrate", nargs="+", default=[], metavar="ION[=CHANNEL]",
        help="named lines: Na2OH+=104081, or Na2OH+ alone to look near the present scale",
    )
    parser.add_argument("--list", type=Path, metavar="CSV", help="measure the peaks of this list, find none")
    parser.add_argument("--peaks", type=Path, metavar="CSV", help="write the peak list here")
    parser.add_argument("--tolerance", type=float, metavar="PPM", help="how far an ion may lie off (default 100)")
    parser.add_argument("--resolution", type=float, metavar="R", help="m/dm of weak lines (default: from strong ones)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Calibrate, find, print.

    Raises
    ------
    NotDetermined
        If the file holds no mass spectrum, or it has no mass scale.
    """
    from app.project import masses
    from fitting.sims.assignment import plain_label

    project = everything_in(arguments.file)
    entry = _entry(project, arguments)
    changes = {name: getattr(arguments, name) for name in ("polarity", "tolerance", "resolution")
               if getattr(arguments, name) is not None}
    for name in ("tolerance", "resolution"):
        if not changes.get(name, 1.0) > 0:
            raise BadData(f"The {name} must be above zero")
    project = masses.with_setup(project, entry.id, **changes)
    law = None
    if arguments.calibrate:
        project, law = _calibrated(project, entry.id, arguments.calibrate)
    entry = project.entry(entry.id)
    view = masses.view_of(entry, entry.single())
    if arguments.list is not None:
        from app.files.peak_list import read_peaks

        read = read_peaks(arguments.list, masses.resolution_of(entry))
        peaks = masses.listed(entry, view, read, str(arguments.list))
    else:
        with Progress() as progress:
            peaks = masses.find_peaks(entry, view, progress)
    entry = masses.with_peaks(project, entry.id, peaks).entry(entry.id)
    lines = masses.measured(entry, view)
    if arguments.peaks is not None:
        from app.files.peak_list import write_peaks

        write_peaks(arguments.peaks, entry.masses.peaks)
        say(f"{len(entry.masses.peaks)} peaks written to {arguments.peaks}")
    names = [plain_label(one) if one.name else "" for one in entry.masses.peaks]
    if arguments.json:
        print_json(_object(entry, law, lines))
    else:
        print(_text(entry, view, law, lines, names))
    if masses.polarity_of(entry) is None:
        say("The file does not state the polarity, so that no line is named: give --polarity")
    for warning in law.warnings if law is not None else ():
        say(one_line(warning))
    return DONE


def _entry(project: Project, arguments: argparse.Namespace) -> Entry:
    from fitting.sims.kinds import kind_of

    if arguments.spectrum:
        return project.find(arguments.spectrum)
    for entry in project.entries:
        if entry.spectrum.meta.technique == "sims" and kind_of(entry.spectrum) == "spectrum":
            return entry
    raise NotDetermined("The file holds no mass spectrum", where=str(arguments.file))


def _calibrated(project: Project, entry_id: str, texts: list[str]) -> tuple[Project, MassCalibration]:
    """The project with the law of named lines in its recipe."""
    from app.project import mass_calibration, masses

    for text in texts:
        entry = project.entry(entry_id)
        view = masses.view_of(entry, entry.single())
        ion, _, place = text.rpartition("=") if "=" in text else (text, "", "")
        if not place:
            found, missing = mass_calibration.find_calibrants(view, [ion])
            if missing:
                raise NotDetermined(f"No line of {ion} lies near the present scale",
                                    todo="Give its channel: ION=CHANNEL")
            channel = found[0][1]
        else:
            try:
                at = float(place)
            except ValueError:
                raise BadData(f"'{place}' is no channel", where=text, todo="Write it as Na2OH+=104081") from None
            x = at if view.law is None else float(view.law.mz(at))
            reach = 5e-4 * x if view.law is None else 1e-3 * x
            channel = mass_calibration.line_near(view, x, reach).channel
        project = mass_calibration.with_calibrant(project, entry_id, ion, channel)
    entry = project.entry(entry_id)
    law = mass_calibration.calibration_of(entry, masses.view_of(entry, entry.single()))
    if law is None:
        raise NotDetermined("A mass scale needs two ions of different m/z", todo="Name another line")
    return mass_calibration.apply_scale(project, entry_id, law), law


def _object(entry: Entry, law: MassCalibration | None, lines: tuple[Line | None, ...]) -> dict[str, Any]:
    """For programs."""
    from app.project import dead_time, masses

    step = masses.scale_step(entry)
    return {
        "spectrum": entry.title,
        "polarity": masses.polarity_of(entry),
        "slope": step.number("slope") if step is not None else None,
        "offset": step.number("offset") if step is not None else None,
        "calibrants": [] if law is None else [
            {"ion": one.ion.text, "mz": one.ion.mz, "channel": one.channel, "ppm": float(ppm)}
            for one, ppm in zip(law.calibrants, law.residuals_ppm, strict=True)],
        "peaks": [{
            "name": peak.name, "alternatives": list(peak.alternatives), "low": peak.low, "high": peak.high,
            "mz": None if line is None else line.mass, "mz_error": None if line is None else line.mass_error,
            "counts": None if line is None else line.counts, "error": None if line is None else line.counts_error,
            "resolution": None if line is None or not line.width > 0 else line.resolution,
            "limited_by_channels": line is not None and line.coarse, "flag": flag,
        } for peak, line, flag in zip(entry.masses.peaks, lines, dead_time.strength(entry, lines), strict=True)],
    }


def _text(
    entry: Entry, view: MassView, law: MassCalibration | None, lines: tuple[Line | None, ...], names: list[str]
) -> str:
    """Tables for people."""
    from app.numerals import with_error
    from app.project import dead_time, masses

    step = masses.scale_step(entry)
    parts = [one_line(entry.title)]
    if step is not None:
        note = f" ({step.note})" if step.note else ""
        unit = "channels" if view.times == "channel" else "roots of the file's m/z"
        parts[0] += f": t = {step.number('slope'):.3f} √(m/z) {step.number('offset'):+.3f} {unit}{note}"
    if law is not None:
        parts.append(table(["Calibrant", "m/z", "Channel", "Off / ppm"], [
            [one.ion.text, f"{one.ion.mz:.5f}", f"{one.channel:.2f}", f"{ppm:+.1f}"]
            for one, ppm in zip(law.calibrants, law.residuals_ppm, strict=True)], right=(1, 2, 3)))
    rows = []
    for peak, line, name, flag in zip(entry.masses.peaks, lines, names, dead_time.strength(entry, lines), strict=True):
        if line is None:
            rows.append([f"{peak.mass:.4f}", "outside", "-", one_line(name)])
            continue
        width = f"{'>= ' if line.coarse else ''}{line.resolution:.0f}" if line.width > 0 else "-"
        mass = with_error(line.mass, line.mass_error) if math.isfinite(line.mass_error) else f"{line.mass:.4f}"
        rows.append([mass, with_error(line.counts, line.counts_error), width,
                     one_line(f"{name}  ! {flag}" if flag else name)])
    parts.append(table(["m/z", "Counts", "m/dm", "Ion"], rows, right=(0, 1, 2)) if rows else "No line was found.")
    return "\n\n".join(parts)
