"""Line profiles of the maps of an entry: lines that are drawn, profiles along them, fronts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.project.project import Entry, fresh_id
from fitting.image.maps import Map
from fitting.image.profiles import Front, Line, Profile, along_series, front, profile, scale_of
from fitting.sims.cube_maps import lateral
from libraries.errors import SodaliteError

WIDTH = 5.0  # pixels of a new line


@dataclass(frozen=True, eq=False)
class MapProfile:
    """A profile with the front fitted to it, or why there is none."""

    profile: Profile
    front: Front | None
    why: str = ""


def new_line(entry: Entry, start: tuple[float, float], end: tuple[float, float]) -> tuple[Entry, Line]:
    """The entry with one more line, as wide as its last one."""
    taken = {line.id for line in entry.lines}
    width = entry.lines[-1].width if entry.lines else WIDTH
    names = {line.name for line in entry.lines}
    number = next(n for n in range(1, len(names) + 2) if f"Line {n}" not in names)
    line = Line(fresh_id("line", taken), f"Line {number}", start, end, width)
    return replace(entry, lines=(*entry.lines, line)), line


def with_line(entry: Entry, line: Line) -> Entry:
    """The entry with one line replaced."""
    return replace(entry, lines=tuple(line if one.id == line.id else one for one in entry.lines))


def without_line(entry: Entry, id: str) -> Entry:
    """The entry without a line."""
    return replace(entry, lines=tuple(one for one in entry.lines if one.id != id))


def profiles_of(
    entry: Entry, maps: Sequence[Map], line: Line | None, *, fronts: bool = True
) -> tuple[tuple[MapProfile, ...], str]:
    """Profiles of maps along a line (of a series: along its axis), and what could not be done.

    Parameters
    ----------
    line : Line or None
        None for a series.
    fronts : bool
        Whether an error-function step is fitted to each.
    """
    navigation = lateral(entry.spectrum.navigation)
    found, why = [], ""
    for one in maps:
        try:
            if len(navigation) == 1:
                along = along_series(one, navigation[0])
            elif line is not None:
                along = profile(one, line, scale_of(navigation))
            else:
                continue
        except SodaliteError as error:
            why = str(error)
            continue
        step, reason = None, ""
        if fronts:
            try:
                step = front(along)
            except SodaliteError as error:
                reason = str(error)
        found.append(MapProfile(along, step, reason))
    return tuple(found), why
