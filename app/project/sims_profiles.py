"""Depth profiles of a project as they are looked at: traces of the shown entry and of others beside it, and edits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from app.project.project import Entry, Project, fresh_id
from app.project.sims_depth import FACTORS_OF_ALL, depth_along, uses_factors
from fitting.dataset import FloatArray, Spectrum
from fitting.sims.channel_terms import channel_names, described, term_words
from fitting.sims.factor_traces import amounts_of, factor_of, is_factor
from fitting.sims.ion_names import RESOLUTION, polarity_of, words_of
from fitting.sims.kinds import kind_of
from fitting.sims.setup import ProfileLook
from fitting.sims.traces import Along, Trace, along, axes_of, choice, traces
from libraries.errors import BadData, SodaliteError

_SIGN = {"positive": "positive ions", "negative": "negative ions"}


@dataclass(frozen=True, eq=False)
class Drawn:
    """A trace with what tells it from others.

    Attributes
    ----------
    key : str
        Unique on the plot.
    trace : Trace
    words : str
        In the legend.
    colour : int
        Number of its colour.
    other : bool
        Whether it belongs to another entry.
    """

    key: str
    trace: Trace
    words: str
    colour: int
    other: bool = False


@dataclass(frozen=True, eq=False)
class ShownProfile:
    """All traces of a look.

    Attributes
    ----------
    along : Along
        Numbers of the axis.
    drawn : tuple of Drawn
    left : str
        Title of the other axis.
    notes : tuple of str
        What could not be drawn, and why.
    depths : array or None
        nm at the points, where a depth scale is given.
    """

    along: Along
    drawn: tuple[Drawn, ...]
    left: str
    notes: tuple[str, ...] = ()
    depths: FloatArray | None = None


def resolution_of(entry: Entry) -> float:
    """m/dm as the analyst says, else the program's default."""
    return entry.masses.resolution or RESOLUTION


def chosen_ions(entry: Entry, profile: Spectrum) -> tuple[str, ...]:
    """The traces that are drawn: as chosen, else the program's choice."""
    return entry.profile.ions or choice(profile)


def depths_of(entry: Entry, profile: Spectrum) -> FloatArray | None:
    """Depths in nm at the points of an entry's profile; None without a depth scale.

    Raises
    ------
    SodaliteError
        If the scale that is given cannot be used.
    """
    found = depth_along(entry, profile)
    return None if found is None else found.depth


def show_profile(
    entry: Entry, profile: Spectrum, others: Mapping[str, tuple[Entry, Spectrum]] | None = None, *, part: bool = False
) -> ShownProfile:
    """The traces of an entry's look.

    Parameters
    ----------
    entry : Entry
    profile : Spectrum
        Its profile (points, ions): of a cube that of the chosen pixels.
    others : mapping of id to (entry, profile), optional
        The entries that are drawn beside.
    part : bool
        The profile is that of some pixels only: factors are those of all, which is noted.

    Returns
    -------
    ShownProfile
        What cannot be drawn is left out and named in the notes.
    """
    look, notes = entry.profile, []
    depths = _depths(entry, profile, notes)
    place = _along(profile, look, depths, notes)
    look = replace(look, axis=place.quantity)
    wanted = chosen_ions(entry, profile)
    drawn = _drawn(entry, profile, look, depths, wanted, notes)
    if part and uses_factors(entry, wanted):
        notes.append(FACTORS_OF_ALL)
    own = polarity_of(profile.axis.labels)
    for other, theirs in (others or {}).values():
        beside: list[str] = []
        their_depths = _depths(other, theirs, beside)
        sign = polarity_of(theirs.axis.labels)
        tail = f" · {other.title}" + (f", {_SIGN[sign]}" if sign != own and sign in _SIGN else "")
        there: list[str] = []
        rows = _drawn(other, theirs, look, their_depths, wanted, there)
        if not rows and drawn:  # of the other polarity: no ion is in both
            rows = _drawn(other, theirs, look, their_depths, chosen_ions(other, theirs), beside)
            there = ["it holds none of these ions; its own traces are drawn"] if rows else there
        beside += there
        drawn += [Drawn(f"{other.id}/{row.key}", row.trace, row.words + tail, row.colour, True) for row in rows]
        notes += [f"{other.title}: {note}" for note in beside]
    return ShownProfile(place, tuple(drawn), _left(look, drawn), tuple(dict.fromkeys(notes)), depths)


def _depths(entry: Entry, profile: Spectrum, notes: list[str]) -> FloatArray | None:
    try:
        return depths_of(entry, profile)
    except SodaliteError as error:
        notes.append(str(error))
        return None


def _along(profile: Spectrum, look: ProfileLook, depths: FloatArray | None, notes: list[str]) -> Along:
    try:
        return along(profile, look.axis, depths)
    except BadData as error:
        notes.append(str(error))
        return next(iter(axes_of(profile, depths).values()))


def _drawn(
    entry: Entry, profile: Spectrum, look: ProfileLook, depths: FloatArray | None, wanted: tuple[str, ...],
    notes: list[str],
) -> list[Drawn]:
    """Traces of one entry; those that it does not have are noted."""
    found, missing = [], []
    for number, text in enumerate(wanted):
        try:
            if is_factor(text):
                trace = _factor(entry, profile, look, depths, text)
            else:
                trace = traces(profile, replace(look, ions=(text,)), depths, resolution=resolution_of(entry))[0]
        except SodaliteError as error:
            missing.append((text, error))
            continue
        found.append(Drawn(text, trace, trace.label, number))
    if missing and not found:
        notes.append(str(missing[0][1]))
    elif missing:
        words = ", ".join(_words(entry, profile, text) for text, _ in missing)
        notes.append(f"not drawn: {words} ({missing[0][1]})")
    return found


def _factor(entry: Entry, profile: Spectrum, look: ProfileLook, depths: FloatArray | None, text: str) -> Trace:
    """Amounts of a factor as a trace."""
    about, index = factor_of(entry, text)
    if look.normal not in ("", "maximum"):
        raise BadData("A factor is not normalised to counts", where=about.names[index],
                      todo="Draw it without normalisation, or to its maximum")
    y, error = amounts_of(entry, text)
    place = along(profile, look.axis, depths)
    if y.size != place.values.size:
        raise BadData("The factor was found in data of another length", where=about.names[index],
                      todo="Find the factors again")
    unit, top = "counts", float(y.max(initial=0.0))
    if look.normal == "maximum" and top > 0:
        y, error, unit = y / top, error / top, ""
    return Trace(text, about.names[index], place.values, y, error, unit)


def _words(entry: Entry, profile: Spectrum, text: str) -> str:
    return text if is_factor(text) else term_words(profile.axis, text, resolution_of(entry))


def _left(look: ProfileLook, drawn: list[Drawn]) -> str:
    ratios = [row for row in drawn if row.trace.ratio]
    if drawn and len(ratios) == len(drawn) and look.normal != "maximum":
        return "Ratio"
    units = next((row.trace.unit for row in drawn if not row.trace.ratio), "counts")
    title = {
        "": f"Intensity ({units})", "total": "Share of the total", "sum": "Share of all single ions",
        "fluence": f"Intensity ({units})", "maximum": "Share of the maximum",
    }.get(look.normal) or f"Ratio to {words_of(look.reference)}"
    return f"{title}, ratios as numbers" if ratios and look.normal == "" else title


# -- edits --------------------------------------------------------------------------------------------------------


def with_look(project: Project, entry_id: str, **changes: object) -> Project:
    """The project in which an entry is looked at in another way."""
    entry = project.entry(entry_id)
    look = replace(entry.profile, **changes)  # type: ignore[arg-type]
    return project if look == entry.profile else project.with_entry(replace(entry, profile=look))


def add_profile(project: Project, entry_id: str, profile: Spectrum, name: str) -> tuple[Project, str]:
    """The project with the profile of a region of a cube as an entry of its own; and its id.

    Depth scale, masses and look are those of the cube.
    """
    cube = project.entry(entry_id)
    id = fresh_id(name, {entry.id for entry in project.entries})
    entry = Entry(id, profile, cube.sample, name, profile=replace(cube.profile, overlaid=()), masses=cube.masses,
                  depth=cube.depth if cube.depth.kind != "phases" else type(cube.depth)())
    return project.with_entry(entry), id


def other_profiles(project: Project, entry_id: str) -> tuple[Entry, ...]:
    """Entries that can be drawn beside another: all with named ions along a depth."""
    return tuple(e for e in project.entries
                 if e.id != entry_id and e.spectrum.meta.technique == "sims"
                 and kind_of(e.spectrum) in ("profile", "cube"))


def ratio_columns(spectrum: Spectrum) -> tuple[str, ...]:
    """Ratios that the file holds as columns of their own; they are computed anew from the ions."""
    return tuple(dict.fromkeys(text.strip() for name, text in spectrum.meta.extra if name == "ratio column"))


def channel_kinds(spectrum: Spectrum) -> tuple[tuple[str, str, float], ...]:
    """(name, kind, m/z of the file or 0) of every channel: "ion", "sum", "total" or "double"."""
    names = channel_names(spectrum.axis)
    kinds = {"single": "ion"}
    return tuple((names[c.place], "double" if c.double >= 0 else kinds.get(c.label.kind, c.label.kind), c.mass)
                 for c in described(spectrum.axis))


def total_counts(spectrum: Spectrum) -> FloatArray:
    """Counts of every channel along the whole profile."""
    return np.asarray(spectrum.y.sum(axis=0))
