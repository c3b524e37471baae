"""Dead time of mass spectra in a project: the correction as a step, and lines too strong for the detector."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from app.project.masses import with_setup
from app.project.process import with_recipe
from app.project.project import Entry, Project
from fitting.processing.dead_time_step import dead_time_step, recorded_of
from fitting.recipe import Recipe, Step
from fitting.sims.dead_time import FEWEST_FREE, saturated_lines, state_of
from fitting.sims.lines import Line
from libraries.errors import BadData

LOST = 0.03  # part of a raw line's ions lost in the dead time from which the table says so; ours


def dead_time_of(entry: Entry) -> Step | None:
    """The active dead-time correction."""
    return next((step for step in entry.recipe.active if step.kind == "dead_time"), None)


def may_correct(entry: Entry) -> str:
    """Why the dead time cannot be corrected here, "" where it can."""
    spectrum = entry.spectrum
    recorded = recorded_of(spectrum)
    if recorded == "on":
        return "Corrected already, as the file says."
    if spectrum.axis.quantity != "channel":
        return "A correction needs the channels of the recorder, which this file does not hold."
    if spectrum.x.size > 1 and spectrum.axis.step != 1.0:
        return f"Channels are joined by {spectrum.axis.step:g} in the file: a correction needs single ones."
    if not spectrum.navigation and recorded is None and state_of(spectrum.counts) == "corrected":
        return "The counts are no whole numbers: they are corrected, smoothed or scaled already."
    return ""


def correct(project: Project, entry_id: str, pulses: float, channels: int) -> Project:
    """The project with the dead-time correction as the first step of a spectrum's recipe.

    Raises
    ------
    BadData
        See `fitting.processing.dead_time_step`.
    """
    entry = project.entry(entry_id)
    reason = may_correct(entry)
    if reason:
        raise BadData(reason.rstrip("."), where=entry.title)
    others = tuple(step for step in entry.recipe.steps if step.kind != "dead_time")
    step = dead_time_step(pulses, channels)
    project = with_recipe(project, entry_id, Recipe((step, *others)))
    return with_setup(project, entry_id, pulses=float(pulses))


def uncorrected(project: Project, entry_id: str) -> Project:
    """The project without the correction."""
    return with_recipe(project, entry_id, project.entry(entry_id).recipe.without_kind("dead_time"))


def pulses_of(entry: Entry) -> float:
    """Primary pulses: as the analyst or the file says, 0 where neither does."""
    try:
        return entry.masses.pulses or float(dict(entry.spectrum.meta.extra).get("pulses", "0"))
    except ValueError:
        return 0.0


def strength(entry: Entry, lines: Sequence[Line | None]) -> tuple[str, ...]:
    """What is wrong with lines that are too strong for the detector, "" for all others, and where pulses are not known.

    Raw lines lose counts: of N pulses with lambda ions each, N (1 - exp(-lambda)) are counted. Corrected ones are
    extrapolated where fewer than 100 pulses stayed without an ion (`saturated_lines`).
    """
    pulses = pulses_of(entry)
    if pulses <= 0:
        return tuple("" for _ in lines)
    counts = np.array([0.0 if one is None else max(one.counts, 0.0) for one in lines])
    if dead_time_of(entry) is not None or recorded_of(entry.spectrum) == "on":
        return tuple("saturated" if one else "" for one in saturated_lines(counts, pulses))
    words = []
    for one in counts:
        if pulses - one < FEWEST_FREE:
            words.append("saturated")
            continue
        share = float(one / pulses)
        lost = 1.0 + share / math.log1p(-share) if share > 0 else 0.0
        words.append(f"about {100 * lost:.0f} % of its ions lost in the dead time" if lost > LOST else "")
    return tuple(words)
