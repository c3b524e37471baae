"""Series: single spectra that differ in one number become one series, a series becomes single spectra.

Decisions
---------
A series has one noise, one dwell time and one transmission function for all its levels, so that spectra whose gain or
counting time differs are refused with the reason. What differs between the levels besides the variable (comments,
dates) is not kept with the series; it says which blocks of which files it was made of. The single spectra give way to
their series unless one of them has fits, which a series cannot carry.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.project.project import Entry, Project, fresh_id
from fitting.dataset import AXIS_LABELS, NO_DATA, Axis, Meta, Quantity, Spectrum
from fitting.identity import same
from libraries.errors import BadData

EMISSION = "emission angle"
VARIABLE = "variable:"
MADE_OF = "made of"
MOST = 2000
# Instruments print counting times with rounding of their clocks (0.298507004 and 0.298507988 s in one Kratos file).
_SAME_TIME = 1e-4
_UNITS = {"degree": "deg", "degrees": "deg", "°": "deg", "d": "", "n": "", "none": ""}
_QUANTITIES: tuple[tuple[str, Quantity], ...] = (
    ("angle", "angle"), ("tilt", "angle"), ("theta", "angle"), ("depth", "depth"), ("thickness", "depth"),
    ("time", "time"), ("position", "distance"), ("distance", "distance"),
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a spectrum stands in a series: what was varied, how far, in which unit."""

    variable: str
    value: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.value:g}°" if self.unit == "deg" else f"{self.value:g} {self.unit}".strip()


def places(entry: Entry) -> dict[str, Place]:
    """All numbers of an entry that a series may run along, by name; the entry's own place first."""
    found: dict[str, Place] = {}
    if entry.variable and entry.value is not None:
        found[entry.variable] = Place(entry.variable, entry.value, entry.unit)
    meta = entry.spectrum.meta
    if meta.emission_angle is not None:
        found.setdefault(EMISSION, Place(EMISSION, meta.emission_angle, "deg"))
    for name, text in meta.extra:
        if not name.startswith(VARIABLE):
            continue
        number, _, unit = text.strip().partition(" ")
        try:
            value = float(number)
        except ValueError:
            continue
        label = name[len(VARIABLE) :].strip()
        if math.isfinite(value) and label:
            found.setdefault(label, Place(label, value, _UNITS.get(unit.strip().lower(), unit.strip())))
    return found


def differing(entries: Sequence[Entry]) -> dict[str, list[Place]]:
    """The numbers in which entries differ. One that has the values of another (angle and emission angle) is that."""
    tables = [places(entry) for entry in entries]
    shared = [name for name in (tables[0] if tables else {}) if all(name in table for table in tables)]
    found: dict[str, list[Place]] = {}
    for name in shared:
        column = [table[name] for table in tables]
        values = [place.value for place in column]
        if len(set(values)) > 1 and not any(values == [p.value for p in other] for other in found.values()):
            found[name] = column
    return found


def with_variables(project: Project, entries: Sequence[str]) -> Project:
    """The project with variable, value and unit filled for the named entries of a file that differ in exactly one.

    Every spectrum of a region of a sample must then have a value of its own; regions that are there once stay as they
    are.
    """
    files: dict[str, list[Entry]] = {}
    for id in entries:
        entry = project.entry(id)
        if not entry.spectrum.navigation and not entry.variable and entry.spectrum.meta.technique == "xps":
            files.setdefault(entry.spectrum.meta.file, []).append(entry)
    for members in files.values():
        found = differing(members)
        if len(found) != 1:
            continue
        (column,) = found.values()
        keys = [(*_kind(entry), place.value) for entry, place in zip(members, column, strict=True)]
        if len(set(keys)) < len(keys):
            continue
        kinds = [_kind(entry) for entry in members]
        for entry, place in zip(members, column, strict=True):
            if kinds.count(_kind(entry)) < 2:
                continue  # a running number of the regions of a file is no series
            # Else a list shows the same name for every level.
            name = entry.name or f"{entry.spectrum.name} {place}"
            at = replace(entry, name=name, variable=place.variable, value=place.value, unit=place.unit)
            project = project.with_entry(at)
    return project


def _kind(entry: Entry) -> tuple[str, str]:
    return entry.sample, entry.spectrum.name


def groups(project: Project, entries: Sequence[str] | None = None) -> tuple[tuple[str, ...], ...]:
    """Ids of spectra that belong together: same sample and region, at least two of them with a place in a series."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for entry in project.entries:
        if (entries is None or entry.id in entries) and not entry.spectrum.navigation and not entry.spectrum.curve:
            found.setdefault((*_kind(entry), entry.variable), []).append(entry.id)
    return tuple(tuple(ids) for (*_, variable), ids in found.items() if len(ids) > 1 and (variable or entries))


# ------------------------------------------------------------------------------------------------------------ combine


def combine(project: Project, entries: Sequence[str]) -> tuple[Project, str]:
    """One series of several single spectra; returns the project and the id of the series.

    Raises
    ------
    BadData
        If they are not of one sample, region, axis, unit, photon and pass energy, gain and counting time, do not differ
        in exactly one number, or two have the same.
    """
    members = [project.entry(id) for id in dict.fromkeys(entries)]
    column = _checked(members)
    order = np.argsort([place.value for place in column], kind="stable")
    members, column = [members[i] for i in order], [column[i] for i in order]
    first = members[0]
    variable, unit = column[0].variable, column[0].unit
    navigation = Axis(np.array([place.value for place in column]), _quantity(variable), unit)
    spectrum = first.spectrum.with_(
        counts=np.stack([entry.spectrum.counts for entry in members]),
        meta=_joint_meta([entry.spectrum for entry in members], variable),
        navigation=(navigation,),
    )
    id = fresh_id(f"{spectrum.name} series", {entry.id for entry in project.entries})
    name = f"{first.spectrum.name} by {variable}"
    series = Entry(id, spectrum, first.sample, name, first.recipe, (), variable, None, unit)
    keep = any(entry.fits for entry in members)
    return _replaced(project, members[-1].id if keep else first.id, (series,), () if keep else members), id


def _replaced(project: Project, at: str, new: Sequence[Entry], gone: Sequence[Entry]) -> Project:
    """The project with new entries behind the entry `at`, and some taken out."""
    ids = {entry.id for entry in gone}
    entries: list[Entry] = []
    for entry in project.entries:
        entries += [] if entry.id in ids else [entry]
        entries += new if entry.id == at else ()
    return replace(project, entries=tuple(entries))


def _checked(members: Sequence[Entry]) -> list[Place]:
    """Places of the members of a series; an error that says why they make none."""
    if len(members) < 2:
        raise BadData("A series needs at least two spectra", todo="Choose several spectra of one region")
    first, where = members[0], members[0].spectrum.name
    for entry in members:
        if entry.spectrum.navigation:
            raise BadData("This is a series already", where=entry.title, todo="Choose single spectra")
        if entry.spectrum.curve:
            raise BadData(NO_DATA.format(entry.spectrum.curve), where=entry.title, todo="Leave it out")
        reason = _difference(first, entry)
        if reason:
            raise BadData(f"The spectra make no series: {reason}", where=where, todo="Choose spectra that agree in it")
    found = differing(members)
    own = {entry.variable for entry in members}
    if len(own) == 1 and first.variable in found:
        found = {first.variable: found[first.variable]}
    if not found:
        raise BadData("The spectra differ in no number that is recorded", where=where,
                      todo="Only spectra with an angle, depth, time or other value each make a series")
    if len(found) > 1:
        raise BadData(f"The spectra differ in several numbers: {', '.join(found)}", where=where,
                      todo="Choose spectra that differ in one of them")
    (column,) = found.values()
    if len({place.unit for place in column}) > 1:
        raise BadData(f"The unit of {column[0].variable} is not the same everywhere", where=where)
    values = [place.value for place in column]
    double = next((place for place in column if values.count(place.value) > 1), None)
    if double is not None:
        what = f"Two spectra have the same {double.variable}, {double}"
        raise BadData(what, where=where, todo="Leave one of them out")
    return column


def _difference(one: Entry, other: Entry) -> str:
    """In words, why two spectra cannot be levels of one series; "" if they can."""
    a, b = one.spectrum, other.spectrum
    metas: list[tuple[str, object, object]] = [
        ("sample", one.sample, other.sample),
        ("region", a.name, b.name),
        ("kind of axis", (a.axis.quantity, a.axis.unit), (b.axis.quantity, b.axis.unit)),
        ("unit of the intensities", a.meta.intensity_unit, b.meta.intensity_unit),
        ("photon energy", a.meta.photon_energy, b.meta.photon_energy),
        ("pass energy", a.meta.pass_energy, b.meta.pass_energy),
    ]
    for words, left, right in metas:
        if left != right:
            return f"the {words} differs ({_words(left)} and {_words(right)})"
    if a.x.shape != b.x.shape or not np.array_equal(a.x, b.x):
        return "their energies are not the same"
    if not same(a.noise, b.noise):
        return f"their noise differs (gain {_words(a.noise.gain)} and {_words(b.noise.gain)})"
    times = a.meta.live_time, b.meta.live_time
    if a.meta.intensity_unit == "counts" and (
        (times[0] is None) != (times[1] is None)
        or (times[0] and times[1] and abs(times[0] / times[1] - 1) > _SAME_TIME)
    ):
        return f"their counting time differs ({_words(times[0])} and {_words(times[1])} s)"
    if not same(a.transmission, b.transmission):
        return "their transmission functions differ"
    if not same(one.recipe, other.recipe):
        return "they are processed in different ways"
    return ""


def _words(value: object) -> str:
    if value is None:
        return "not recorded"
    if isinstance(value, tuple):
        return " ".join(map(str, value)).replace("_", " ")
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _quantity(variable: str) -> Quantity:
    return next((quantity for word, quantity in _QUANTITIES if word in variable.lower()), "index")


def _joint_meta(spectra: Sequence[Spectrum], variable: str) -> Meta:
    """What all levels agree in, and which blocks of which files they were."""
    first = spectra[0].meta
    shared = set(first.extra).intersection(*(set(s.meta.extra) for s in spectra[1:]))
    extra = [pair for pair in first.extra if pair in shared]
    told = "; ".join(f"{s.meta.file} block {s.meta.index + 1}" for s in spectra)
    angles = {s.meta.emission_angle for s in spectra}
    comments = first.comments if all(s.meta.comments == first.comments for s in spectra) else ()
    return replace(
        first,
        emission_angle=first.emission_angle if len(angles) == 1 else None,
        comments=comments,
        date=first.date if all(s.meta.date == first.date for s in spectra) else "",
        extra=(*extra, ("series", variable), (MADE_OF, told)),
    )


def combine_all(project: Project, entries: Sequence[str]) -> tuple[Project, tuple[str, ...], tuple[str, ...]]:
    """Every group of spectra that makes a series combined; the project, ids of the series, reasons of the others."""
    made, refused = [], []
    for ids in groups(project, entries):
        try:
            project, id = combine(project, ids)
            made.append(id)
        except BadData as error:
            refused.append(str(error))
    return project, tuple(made), tuple(refused)


# -------------------------------------------------------------------------------------------------------------- split


def split(project: Project, entry_id: str) -> tuple[Project, tuple[str, ...]]:
    """A series as single spectra in its place, one a level; returns the project and their ids.

    Raises
    ------
    BadData
        If the entry is no series along one axis, or has more than 2000 levels.
    """
    entry = project.entry(entry_id)
    spectrum = entry.spectrum
    if len(spectrum.navigation) != 1:
        what = "This is a map of spectra" if spectrum.navigation else "This is a single spectrum"
        raise BadData(f"{what}, not a series", where=entry.title, todo="Choose a series along one axis")
    axis = spectrum.navigation[0]
    if len(axis) > MOST:
        raise BadData(f"The series has {len(axis)} levels", where=entry.title, todo="Fit it as a batch instead")
    variable = entry.variable or dict(spectrum.meta.extra).get("series", "") or AXIS_LABELS[axis.quantity].lower()
    taken = {e.id for e in project.entries}
    levels = []
    for number, value in enumerate(axis.values.tolist()):
        place = Place(variable, value, axis.unit)
        name = f"{spectrum.name} {place}"
        id = fresh_id(name, taken)
        taken.add(id)
        level = spectrum.at(number)
        level = level.with_(meta=_level_meta(level.meta, place))
        levels.append(Entry(id, level, entry.sample, name, entry.recipe, (), variable, value, axis.unit))
    return _replaced(project, entry.id, levels, (entry,)), tuple(level.id for level in levels)


def _level_meta(meta: Meta, place: Place) -> Meta:
    """Circumstances of one level; its value stands with them as an experimental variable does."""
    extra = tuple(pair for pair in meta.extra if pair[0] not in ("series", MADE_OF, f"{VARIABLE}{place.variable}"))
    extra = (*extra, (f"{VARIABLE}{place.variable}", f"{place.value!r} {place.unit}".strip()))
    if place.variable == EMISSION and place.unit == "deg":
        return replace(meta, emission_angle=place.value, extra=extra)
    return replace(meta, extra=extra)
