"""The ions of a profile or cube: what each channel holds, how sure its name is, isotopes, saturation, dead time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from app.project.project import Entry, Project
from app.project.sims_profiles import resolution_of
from fitting.dataset import Spectrum
from fitting.processing.dead_time_step import recorded_of
from fitting.processing.ion_steps import ion_dead_time_step, ion_names_step
from fitting.sims.channel_terms import channel_names, described, term_words
from fitting.sims.dead_time import State, saturated_lines, state_of
from fitting.sims.ion_names import RESOLUTION, alternatives
from fitting.sims.isotope_checks import PairCheck, isotope_checks, saturated_ions
from fitting.sims.setup import MassPeak
from fitting.sims.traces import variance_of
from libraries.errors import BadData
from libraries.ions import written

_STATES: dict[State, str] = {
    "corrected": "The counts are corrected for dead time already: low values are no whole numbers.",
    "counts": "The counts look raw: all low values are whole numbers (corrected ones that were rounded look so too).",
    "unknown": "Whether dead time is corrected cannot be told from the numbers.",
}
_NEAR_MASS = 0.5  # u: a line of a peak list further away is another ion


@dataclass(frozen=True)
class IonRow:
    """One channel.

    Attributes
    ----------
    name, words : str
        As the file writes it, and chemically.
    kind : str
        "ion", "sum", "total" or "double".
    mass, exact : float
        m/z of the file and of the formula; NaN where there is none.
    counts, error : float
        Along the whole profile; the error NaN where the noise is not known.
    also : tuple of str
        Ions that the mass resolution cannot exclude, written.
    saturated : str
        Why the line is held to be saturated; "" where it is not.
    """

    name: str
    words: str
    kind: str
    mass: float
    exact: float
    counts: float
    error: float
    also: tuple[str, ...] = ()
    saturated: str = ""

    @property
    def difference(self) -> float:
        """m/z of the file less exact m/z, in mu (thousandths of u)."""
        return 1e3 * (self.mass - self.exact)


@dataclass(frozen=True)
class IonTable:
    """What the Ions page shows.

    Attributes
    ----------
    rows : tuple of IonRow
    checks : tuple of PairCheck
    state : str
        Whether the counts are corrected for dead time, in words.
    raw : bool
        Whether they can be corrected here.
    resolution : float
    given : bool
        Whether the resolution was given, and is not the program's default.
    """

    rows: tuple[IonRow, ...]
    checks: tuple[PairCheck, ...]
    state: str
    raw: bool
    resolution: float
    given: bool


def ion_table(entry: Entry, profile: Spectrum) -> IonTable:
    """Everything that is known of the channels of an entry's profile (points, ions)."""
    axis, resolution = profile.axis, resolution_of(entry)
    names, data = channel_names(axis), profile.y
    checks = isotope_checks(profile)
    saturated = {name: f"minor isotope {check.minor} {100 * check.excess:+.0f} % too strong, the more the stronger"
                 for name, check in saturated_ions(checks).items()}
    rows = []
    for column in described(axis):
        name, counts = names[column.place], data[:, column.place]
        ion = column.label.ions[0] if column.label.kind == "single" and column.label.ions else None
        kind = "double" if column.double >= 0 else {"single": "ion"}.get(column.label.kind, column.label.kind)
        why = saturated.get(name, "")
        if not why and ion is not None and entry.masses.pulses > 0 and _too_many(counts, entry.masses.pulses):
            why = "almost every pulse counted an ion"
        rows.append(IonRow(
            name, term_words(axis, name, resolution), kind, column.mass or math.nan, ion.mz if ion else math.nan,
            float(counts.sum()), float(np.sqrt(variance_of(profile.noise, counts).sum())),
            tuple(written(one.ion) for one in alternatives(ion, resolution)) if ion else (), why,
        ))
    words, raw = dead_time_words(entry, profile)
    return IonTable(tuple(rows), checks, words, raw, resolution, bool(entry.masses.resolution))


def _too_many(counts: np.ndarray, pulses: float) -> bool:
    return bool(np.any(saturated_lines(counts, pulses)))


def dead_time_words(entry: Entry, profile: Spectrum) -> tuple[str, bool]:
    """Whether counts are corrected for dead time, in words, and whether they can be corrected here."""
    if any(step.kind == "ion_dead_time" for step in entry.recipe.active):
        return "Corrected for dead time by a step of the recipe, each ion as one line.", False
    recorded = recorded_of(entry.spectrum)
    if recorded is not None:
        return ("The file says that dead time is corrected.", False) if recorded == "on" else \
            ("The file says that dead time is not corrected.", len(profile.navigation) == 1)
    singles = [column.place for column in described(profile.axis) if column.counted]
    state = state_of(profile.y[:, singles]) if singles else "unknown"
    return _STATES[state], state == "counts"


# -- edits --------------------------------------------------------------------------------------------------------


def with_masses(project: Project, entry_id: str, **changes: float) -> Project:
    """The project in which mass resolution or pulses of an entry are others.

    Raises
    ------
    BadData
        If a number is negative.
    """
    entry = project.entry(entry_id)
    if any(value < 0 or not math.isfinite(value) for value in changes.values()):
        raise BadData("Mass resolution and pulses are numbers above zero", where=entry.title)
    masses = replace(entry.masses, **changes)  # type: ignore[arg-type]
    return project if masses == entry.masses else project.with_entry(replace(entry, masses=masses))


def correct_dead_time(project: Project, entry_id: str) -> Project:
    """The project in which a profile is corrected for dead time, each ion as one line.

    Raises
    ------
    BadData
        If the number of pulses is missing, or the counts are corrected already.
    """
    entry = project.entry(entry_id)
    if not entry.masses.pulses > 0:
        raise BadData("The number of primary pulses behind each point is not known", where=entry.title,
                      todo="Give it: pixels of the region times shots a pixel times scans a point")
    recipe = entry.recipe.without_kind("ion_dead_time").with_step(ion_dead_time_step(entry.masses.pulses))
    recipe.apply(entry.spectrum)
    return project.with_entry(replace(entry, recipe=recipe))


def rename_by_peaks(project: Project, entry_id: str, peaks: tuple[MassPeak, ...]) -> tuple[Project, int]:
    """The project in which channels take the names of a peak list's lines at their m/z; and how many did.

    The line whose limits hold the channel's m/z, else the one of the same exact name, is taken; nothing is renamed
    without an m/z of the file.

    Raises
    ------
    BadData
        If no channel lies in any line.
    """
    entry = project.entry(entry_id)
    axis = entry.processed().axis
    found: dict[int, str] = {}
    for column in described(axis):
        near = [peak for peak in peaks if column.mass and column.label.kind == "single"
                and min(peak.low, peak.mass) <= column.mass <= max(peak.high, peak.mass)]
        if near:
            best = min(near, key=lambda peak: abs(peak.mass - column.mass))
            if best.name != column.label.text.strip() and abs(best.mass - column.mass) < _NEAR_MASS:
                found[column.place] = best.name
    if not found:
        raise BadData("No line of the list names a channel anew", where=entry.title,
                      todo="The list needs the m/z at which these ions were integrated")
    recipe = entry.recipe.with_step(ion_names_step(found))
    recipe.apply(entry.spectrum)
    return project.with_entry(replace(entry, recipe=recipe)), len(found)


def rename_channel(project: Project, entry_id: str, place: int, name: str) -> Project:
    """The project in which one channel has another name; the file's stays in the raw data."""
    plain = " ".join(name.split())
    entry = project.entry(entry_id)
    if not plain:
        raise BadData("A channel needs a name", where=entry.title)
    recipe = entry.recipe.with_step(ion_names_step({place: plain}))
    recipe.apply(entry.spectrum)
    return project.with_entry(replace(entry, recipe=recipe))


DEFAULT_RESOLUTION = RESOLUTION
