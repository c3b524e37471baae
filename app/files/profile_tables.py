"""Depth profiles as tables for spreadsheets and plotting programs: raw, and as they are shown.

Four lines stand above the numbers: names, units, m/z, and the ions that a line may hold as well ("Also possible"); each
ion is followed by its standard error. `app.files.profile_text` reads raw tables back as they were.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.files.atomic import write_text
from app.files.csv_table import cell, write_table
from app.files.profile_text import ERROR_OF, LABELS, MASSES
from fitting.dataset import AXIS_LABELS, FloatArray, Spectrum
from fitting.sims.columns import columns
from fitting.sims.ion_names import RESOLUTION, usual_alternatives
from fitting.sims.kinds import kind_of
from fitting.sims.traces import variance_of
from libraries.errors import BadData, UnknownName
from libraries.ions import Label, parse_ion, parse_label

if TYPE_CHECKING:
    from app.project.project import Entry
    from fitting.sims.setup import MassSetup, ProfileLook

OR = " or "
_NORMAL = {
    "total": "share of the total", "sum": "share of all single ions", "maximum": "share of the maximum",
}


@dataclass(frozen=True, eq=False)
class ProfileColumn:
    """One column.

    Attributes
    ----------
    name, unit : str
    values : array, shape (points,)
        NaN where not determined.
    error : array, shape (points,), optional
        One standard error; None for places (time, depth) and where it is not known at all.
    mass : float
        m/z, 0 where not known.
    others : tuple of str
        Ions that the line may hold as well.
    """

    name: str
    unit: str
    values: FloatArray
    error: FloatArray | None = None
    mass: float = 0.0
    others: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ProfileTable:
    """Places along the profile, and what was counted there."""

    title: str
    places: tuple[ProfileColumn, ...]
    ions: tuple[ProfileColumn, ...]

    def heads(self) -> list[list[Any]]:
        """The lines above the numbers; None for an empty cell."""
        lines: list[list[Any]] = [[], [], [], []]
        for column in self.places:
            _add(lines, column.name, column.unit, None, None)
        for column in self.ions:
            _add(lines, column.name, column.unit, column.mass or None, OR.join(column.others) or None)
            if column.error is not None:
                _add(lines, f"{ERROR_OF}{column.name}", column.unit, None, None)
        lines[2][0], lines[3][0] = MASSES, LABELS
        return lines

    def rows(self) -> Iterator[Sequence[Any]]:
        """Numbers, NaN where not determined."""
        arrays = [column.values for column in self.places]
        for column in self.ions:
            arrays += [column.values] if column.error is None else [column.values, column.error]
        yield from zip(*(array.tolist() for array in arrays), strict=True)


def _add(lines: list[list[Any]], *cells: Any) -> None:
    for line, one in zip(lines, cells, strict=True):
        line.append(one)


def raw_table(profile: Spectrum, masses: MassSetup | None = None) -> ProfileTable:
    """All channels of a profile as counted, over all that the file says of its points.

    Raises
    ------
    BadData
        If it is no depth profile.
    """
    if kind_of(profile) != "profile":
        raise BadData("This is no depth profile of ions", where=profile.name,
                      todo="Choose a profile, or a region of a cube")
    places = tuple(_place(axis.quantity, axis.unit, axis.values) for axis in (*profile.navigation, *profile.scales))
    counts = profile.y
    errors = np.sqrt(variance_of(profile.noise, counts))
    known = bool(np.any(np.isfinite(errors)))
    ions = tuple(
        ProfileColumn(column.name.strip(), profile.meta.intensity_unit, counts[:, column.place],
                      errors[:, column.place] if known else None, column.mass, possible(column.label, masses))
        for column in columns(profile.axis)
    )
    return ProfileTable(profile.name, places, ions)


def shown_table(entry: Entry, profile: Spectrum) -> ProfileTable:
    """The chosen traces of a profile on the chosen axis, normalised as they are looked at.

    Parameters
    ----------
    entry : Entry
    profile : Spectrum
        Its processed profile, of a cube that of some pixels (`app.project.sims_profiles_at.profile_at`).

    Raises
    ------
    BadData
        If nothing can be shown; with the reason.
    """
    from app.project.sims_profiles import show_profile

    shown = show_profile(entry, profile)
    if not shown.drawn:
        raise BadData("Nothing of this profile is shown", where=entry.title,
                      todo="; ".join(shown.notes) or "Choose ions on the Profiles page")
    known = {column.name.strip(): column for column in columns(profile.axis)}
    ions = []
    for one in shown.drawn:
        column = known.get(one.trace.name.strip())
        error = one.trace.error if np.any(np.isfinite(one.trace.error)) else None
        unit = one.trace.unit or ("ratio" if one.trace.ratio else _normal(entry.profile))
        ions.append(ProfileColumn(
            one.trace.name.strip() if column is not None else one.words, unit, one.trace.y, error,
            column.mass if column is not None else 0.0,
            possible(column.label, entry.masses) if column is not None else (),
        ))
    place = _place(shown.along.quantity, shown.along.unit, shown.along.values)
    return ProfileTable(f"{entry.title} as shown", (place,), tuple(ions))


def is_changed(look: ProfileLook) -> bool:
    """Whether a profile is shown in another way than as it was read."""
    return bool(look.ions or look.axis or look.normal)


def possible(label: Label, masses: MassSetup | None = None) -> tuple[str, ...]:
    """Further ions that a line of this label may hold: of the peak list, and of the ion list at the mass resolution."""
    if label.kind != "single" or not label.ions:
        return ()
    ion = label.ions[0]
    resolution = masses.resolution if masses is not None and masses.resolution else RESOLUTION
    found = {one.text: one for one in usual_alternatives(ion, resolution)}
    for peak in masses.peaks if masses is not None else ():
        for text in peak.alternatives if _same(peak.name, label) else ():
            try:
                found.setdefault(parse_ion(text).text, parse_ion(text))
            except UnknownName:  # a free name stays in the label as it is
                found.setdefault(text, ion)
    return tuple(found)


def _same(name: str, label: Label) -> bool:
    other = parse_label(name)
    return other.text.strip() == label.text.strip() or (
        other.kind == "single" and bool(other.ions) and other.ions[0].same_atoms(label.ions[0])
    )


def write_profile_csv(path: str | Path, table: ProfileTable) -> Path:
    """A table as CSV; the path.

    Raises
    ------
    CannotWrite
    """
    lines = [",".join(map(cell, line)) for line in (*table.heads(), *table.rows())]
    write_text(path, "\n".join(lines) + "\n")
    return Path(path)


def write_ions_csv(path: str | Path, spectrum: Spectrum) -> None:
    """A depth profile, or the counts of ions, as CSV.

    Raises
    ------
    BadData
        If it is an image or a cube, which is no table.
    CannotWrite
    """
    if len(spectrum.navigation) > 1 or spectrum.stored:
        raise BadData("An image or cube of ions is no table", where=spectrum.name,
                      todo="Export HDF5, or the profile of one of its regions")
    if spectrum.navigation:
        write_profile_csv(path, raw_table(spectrum))
    else:
        write_table(path, ION_COLUMNS, ion_rows(spectrum))


def write_profile_xlsx(path: str | Path, tables: Sequence[ProfileTable]) -> Path:
    """Tables as sheets of an Excel workbook; the path.

    Raises
    ------
    CannotWrite
    """
    from app.files.xlsx_writer import write_sheets

    return write_sheets(path, [(table.title, table.heads(), table.rows()) for table in tables])


def _place(quantity: str, unit: str, values: FloatArray) -> ProfileColumn:
    name = {"time": "Sputter time", "scan": "Point"}.get(quantity, AXIS_LABELS.get(quantity, quantity))
    return ProfileColumn(name, unit, values)


def _normal(look: ProfileLook) -> str:
    return _NORMAL.get(look.normal) or (f"ratio to {look.reference}" if look.normal == "ion" else "")


def tables_of(entry: Entry) -> list[ProfileTable]:
    """The profile of an entry (of a cube that of all pixels and of each region): raw, and as shown where that differs.

    Raises
    ------
    SodaliteError
        If a profile cannot be computed. Regions without a pixel are left out.
    """
    from app.project.sims_profiles_at import profile_at
    from fitting.image.place import ALL, Place

    cube = kind_of(entry.spectrum) == "cube"
    places = [(entry.title, ALL), *((f"{entry.title} {roi.name}", Place(roi=roi.id)) for roi in entry.rois)]
    found = []
    shape = tuple(len(axis) for axis in entry.processed().navigation)
    for title, place in places if cube else places[:1]:
        if place.roi and not next(roi for roi in entry.rois if roi.id == place.roi).mask(shape).any():
            continue  # a crop may have left a region without pixels; the others must not wait for it
        profile = profile_at(entry, place)
        found.append(replace(raw_table(profile, entry.masses), title=title))
        if is_changed(entry.profile):
            found.append(replace(shown_table(entry, profile), title=f"{title} as shown"))
    return found


def ion_rows(spectrum: Spectrum, masses: MassSetup | None = None) -> list[tuple[Any, ...]]:
    """(ion, m/z, counts, error, also possible) of all channels together over all points and pixels."""
    total = np.zeros(len(spectrum.axis))
    for _, _, rows in spectrum.pieces():
        total += rows.sum(axis=0)
    errors = np.sqrt(variance_of(spectrum.noise, total))
    return [
        (c.name.strip(), c.mass or None, float(total[c.place]),
         float(errors[c.place]) if math.isfinite(errors[c.place]) else None, OR.join(possible(c.label, masses)))
        for c in columns(spectrum.axis)
    ]


ION_COLUMNS = ("Ion", "m/z", "Counts", "Error", LABELS)
