"""Depth profiles in the exported HDF5 file, beside the data: of a cube's regions, and as they are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from app.files.composition_tables import plain_text
from app.files.ion_factor_tables import figure_rows, profile_table, spectra_table
from app.files.profile_tables import ProfileTable, tables_of
from fitting.sims.kinds import kind_of

if TYPE_CHECKING:
    from app.project.project import Entry


def add_profiles(group: Any, entry: Entry) -> None:
    """One NXdata a profile that the data themselves do not hold: "profile_1" and so on.

    Parameters
    ----------
    group : h5py.Group
        Of the entry.
    entry : Entry
        With a depth profile, or a cube: then the profile of all its pixels and of each region as well.
    """
    own = kind_of(entry.spectrum) == "profile"
    for number, table in enumerate(tables_of(entry)[1 if own else 0 :], start=1):
        _write(group.create_group(f"profile_{number}"), table)


def add_factors(group: Any, entry: Entry) -> None:
    """One NXdata a factor analysis along the depth: "factors_1" and so on, with the same columns as its tables."""
    for number, about in enumerate(entry.factors, start=1):
        (heads, rows), (ion_heads, ion_rows) = profile_table(entry, about), spectra_table(about)
        data = group.create_group(f"factors_{number}")
        data.attrs["NX_class"] = "NXdata"
        data.attrs["title"] = plain_text(about.title)
        for name, value in figure_rows(about):
            data.attrs[plain_text(str(name))[:200]] = plain_text(str(value))
        for part, columns, table, words in (("amounts", heads, rows, 0), ("spectra", ion_heads, ion_rows, 2)):
            if table:
                made = data.create_group(part)
                made["column"] = [plain_text(head) for head in columns[words:]]
                made["values"] = np.array([row[words:] for row in table], dtype=float)
                if words:
                    made["ion"] = [plain_text(row[1]) for row in table]


def _write(data: Any, table: ProfileTable) -> None:
    """Values of shape (points, ions) with errors; names, units, m/z and further possible ions beside them."""
    data.attrs["NX_class"] = "NXdata"
    data.attrs["signal"] = "values"
    data.attrs["title"] = plain_text(table.title)
    places = [_plain(column.name) for column in table.places]
    data.attrs["axes"] = [places[0], "ion"]
    for name, column in zip(places, table.places, strict=True):
        data[name] = column.values
        data[name].attrs["units"] = plain_text(column.unit)
    data["ion"] = [plain_text(column.name) for column in table.ions]
    data["unit"] = [plain_text(column.unit) for column in table.ions]
    data["mz"] = [column.mass for column in table.ions]
    data["also_possible"] = [plain_text(" or ".join(column.others)) for column in table.ions]
    data["values"] = np.stack([column.values for column in table.ions], axis=1)
    errors = [np.full_like(c.values, np.nan) if c.error is None else c.error for c in table.ions]
    data["values_errors"] = np.stack(errors, axis=1)


def _plain(name: str) -> str:
    return name.lower().replace(" ", "_")
