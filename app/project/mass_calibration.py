"""The mass scale of a spectrum in a project: calibrants, the law through them, the step to m/z."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.project.masses import MassView, of_polarity, polarity_of, resolution_of, scale_step, tolerance_of, with_setup
from app.project.process import with_recipe
from app.project.project import Entry, Project
from fitting.processing.mass_scale import flight_times, mass_scale_step
from fitting.recipe import Recipe
from fitting.sims import assignment, peaks
from fitting.sims.ion_names import usual_alternatives
from fitting.sims.lines import Line
from fitting.sims.mass_calibration import Calibrant, MassCalibration, Pick, Suggestion, calibrate, further_calibrants
from libraries.errors import BadData, NotDetermined, SodaliteError
from libraries.ions import parse_ion

REACH = 400e-6  # how far from its m/z by the present scale an ion's line is looked for; ours
_APART, _CLEAR = 3.0, 10.0  # a line's own widths that are left out; standard errors of the floor; both ours
_SAME_LINE = 2e-5  # relative difference of channels below which two names mean one line; ours
PRESENT = "This law is the present mass scale"
_OTHER_LINE = 0.5  # u: half way to the next nominal mass


def line_near(view: MassView, x: float, reach: float) -> Pick:
    """The line at a place of the shown axis: centroid, width and error in channels.

    Raises
    ------
    NotDetermined
        If there is no line.
    """
    place = view.place(x)
    wide = reach if view.scaled else max(2.0 * x * reach, 0.0)
    try:
        line = peaks.line_at(view.mz, view.counts, place, wide, view.widths)
    except NotDetermined as error:
        if view.scaled:
            raise
        raise NotDetermined(f"No line stands out at channel {x:.0f}", todo=error.todo) from error
    return pick_of(view, line)


def crowded(view: MassView, x: float, reach: float, pick: Pick) -> bool:
    """Whether another clear line lies within reach of a place, so that a click may have meant that one."""
    place = view.place(x)
    wide = reach if view.scaled else max(2.0 * x * reach, 0.0)
    first, stop = np.searchsorted(view.mz, [place - wide, place + wide])
    if stop - first < 3:
        return False
    roots = view.mz[first:stop]
    times = np.asarray(view.law.channel(roots)) if view.law is not None else np.sqrt(roots)
    rest = view.counts[first:stop][np.abs(times - pick.channel) > _APART * pick.fwhm]
    if not rest.size:
        return False
    floor = float(np.median(rest))
    return float(rest.max()) > floor + _CLEAR * math.sqrt(floor + 1.0)


def pick_of(view: MassView, line: Line) -> Pick:
    """A measured line in channels."""
    root = math.sqrt(line.mass)
    slope = view.law.slope if view.law is not None else 1.0
    channel = float(view.law.channel(line.mass)) if view.law is not None else root
    scale = slope / (2.0 * root)  # dt/dm
    error = line.mass_error * scale
    width = (line.width if line.told else (line.high - line.low) / 3.0) * scale
    return Pick(channel, width, line.counts, error)


def calibration_of(entry: Entry, view: MassView) -> MassCalibration | None:
    """The law of the kept calibrants that are used; None for fewer than two.

    Raises
    ------
    BadData
        If the calibrants contradict (two polarities, one m/z twice).
    """
    used = [one for one in calibrants_of(entry, view) if one.ion.text not in entry.masses.unused]
    return calibrate(used) if len(used) > 1 else None


def objection(law: MassCalibration | None, view: MassView) -> str:
    """Why a law is not to become the mass scale; "" where nothing speaks against it.

    A law that puts one of its own ions nearer to another nominal mass cannot hold for all of them, whatever its errors.
    """
    if law is None:
        return "Name and tick two lines at least: the law has two numbers"
    for one, ppm in zip(law.calibrants, law.residuals_ppm, strict=True):
        off = ppm * 1e-6 * one.ion.mz
        if not abs(off) <= _OTHER_LINE:
            told = f"{abs(off):.2g} u off" if math.isfinite(off) else "before m/z 0"
            return f"The law puts {one.ion} {told}: check which ion belongs to which line, or take its tick away"
    if view.law is not None and math.isclose(law.slope, view.law.slope, rel_tol=1e-12) and math.isclose(
            law.offset, view.law.offset, rel_tol=1e-9, abs_tol=1e-9):
        return PRESENT
    return ""


def calibrants_of(entry: Entry, view: MassView) -> tuple[Calibrant, ...]:
    """All kept calibrants by ascending m/z, with the errors of their centroids."""
    found = []
    for text, channel in entry.masses.calibrants:
        error: float | None = None
        x = float(view.law.mz(channel)) if view.law is not None else channel * channel if view.scaled else channel
        if math.isfinite(x):
            try:
                error = line_near(view, x, _fine(view, x)).error
            except SodaliteError:
                error = None
        found.append(Calibrant(parse_ion(text), channel, error if error and math.isfinite(error) else None))
    return tuple(sorted(found, key=lambda one: one.ion.mz))


def _fine(view: MassView, x: float) -> float:
    """One channel and a half at a place of the shown axis."""
    place = view.place(x)
    i = int(np.clip(np.searchsorted(view.mz, place), 1, view.mz.size - 1))
    step = float(view.mz[i] - view.mz[i - 1])
    return 1.5 * (step if view.scaled else step / max(2.0 * x, 1e-9))


def with_calibrant(project: Project, entry_id: str, ion: str, channel: float) -> Project:
    """The project with a named line as a calibrant; an ion has one line."""
    entry = project.entry(entry_id)
    text = parse_ion(ion).text
    kept = [one for one in entry.masses.calibrants if not parse_ion(one[0]).same_atoms(parse_ion(text))]
    polarity, known = parse_ion(text).polarity, polarity_of(entry)
    if kept and parse_ion(kept[0][0]).polarity != polarity:
        raise BadData("Positive and negative calibrants are mixed", todo="Calibrate each polarity with its own ions")
    of_polarity(text, known)
    twin = next((name for name, at in kept if abs(at - channel) < _SAME_LINE * abs(channel)), "")
    if twin:
        raise BadData(f"This line is that of {twin} already",
                      todo=f"Enlarge the plot and click the line of {text}, or take {twin} out first")
    unused = tuple(one for one in entry.masses.unused if one != text)
    return with_setup(project, entry_id, calibrants=(*kept, (text, float(channel))), unused=unused)


def without_calibrant(project: Project, entry_id: str, ion: str) -> Project:
    """The project without that calibrant."""
    masses = project.entry(entry_id).masses
    kept = tuple(one for one in masses.calibrants if one[0] != ion)
    return with_setup(project, entry_id, calibrants=kept, unused=tuple(one for one in masses.unused if one != ion))


def find_calibrants(view: MassView, ions: Sequence[str]) -> tuple[tuple[tuple[str, float], ...], tuple[str, ...]]:
    """Lines of ions near where the present scale expects them: (ion, channel) each, and the ions without a line.

    Raises
    ------
    NotDetermined
        If there is no scale yet.
    """
    if not view.scaled:
        raise NotDetermined("Ions are looked for near their m/z, and this spectrum has no mass scale yet",
                            todo="Click two ions first, and apply")
    found, missing = [], []
    for text in ions:
        exact = parse_ion(text).mz
        try:
            pick = line_near(view, exact, max(REACH * exact, 0.5 * view.widths.at(view.mz, exact)))
        except SodaliteError:
            missing.append(text)
        else:
            found.append((parse_ion(text).text, pick.channel))
    return tuple(found), tuple(missing)


def shared_lines(view: MassView, ions: Sequence[str]) -> dict[str, str]:
    """Ions whose line another listed ion moves: each with the nearest one within two line widths."""
    found = {}
    for text in ions:
        ion = parse_ion(text)
        others = usual_alternatives(ion, 0.5 * ion.mz / view.widths.at(view.mz, ion.mz))
        if others:
            found[ion.text] = others[0].text
    return found


def suggestions(
    entry: Entry, view: MassView, law: MassCalibration, lines: Sequence[Line], target: float
) -> tuple[Suggestion, ...]:
    """Lines worth naming next for the scale at an m/z; empty without a polarity or a present scale."""
    polarity = polarity_of(entry)
    if polarity is None or view.law is None:
        return ()
    picks = [pick_of(view, line) for line in lines if line.counts > 100 and math.isfinite(line.mass_error)]
    among = assignment.known_ions(polarity, entry.masses.ions)
    return further_calibrants(law, picks, among, target, tolerance=tolerance_of(entry),
                              resolution=resolution_of(entry, lines))


def apply_scale(project: Project, entry_id: str, law: MassCalibration) -> Project:
    """The project with this law as the step to m/z, in the place of the present one; the peak list moves along."""
    entry = project.entry(entry_id)
    names = ", ".join(one.ion.text for one in law.calibrants)
    step = mass_scale_step(law.slope, law.offset, f"calibrated on {names}" if names else "")
    steps = entry.recipe.steps
    at = next((i for i, one in enumerate(steps) if one.kind == "mass_scale"), None)
    if at is None:
        recipe = entry.recipe.with_front(step)
    else:
        others = tuple(one for one in steps[at + 1 :] if one.kind != "mass_scale")
        recipe = Recipe((*steps[:at], step, *others))
    before = scale_step(entry)
    flight_times(entry.spectrum)
    project = with_recipe(project, entry_id, recipe)
    if before is None:
        return project
    old = MassCalibration(before.number("slope"), before.number("offset"), np.full((2, 2), np.nan))

    def moved(mass: float) -> float:
        return float(law.mz(old.channel(mass)))

    kept = tuple(replace(one, mass=moved(one.mass), low=moved(one.low), high=moved(one.high))
                 for one in entry.masses.peaks)
    return with_setup(project, entry_id, peaks=kept)
