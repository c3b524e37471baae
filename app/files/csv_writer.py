"""CSV: UTF-8, comma, decimal point, LF, one header row with units in brackets.

Mass spectra have lines with a # above it, which say dead time and mass scale (see `mass_notes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from app.files.csv_table import write_table
from app.files.mass_notes import channels_of, notes_of
from app.files.profile_tables import write_ions_csv
from fitting.dataset import AXIS_LABELS, Spectrum
from fitting.processing.mass_scale import law_step
from fitting.recipe import Recipe
from fitting.stored import Stored
from libraries.errors import BadData


def write_csv(path: str | Path, spectrum: Spectrum, curves: Mapping[str, ArrayLike] | None = None,
              recipe: Recipe | None = None) -> None:
    """Write one spectrum as a table: axis, intensity, transmission where there is one, and curves.

    Parameters
    ----------
    path : path
        The file to make or replace.
    spectrum : Spectrum
        A single spectrum; a series is written with one intensity column for each member.
    curves : mapping of str to array, optional
        Background, envelope, components, residual ... on the same axis and in the unit of the intensities. A name that
        ends with a unit in brackets keeps it.
    recipe : Recipe, optional
        What was done to a mass spectrum; told above the columns.

    Raises
    ------
    BadData
        If a curve does not fit the axis or two columns have the same name; if it is an image or cube of ions.
    CannotWrite
        If the file cannot be written.
    """
    if spectrum.axis.labels:
        write_ions_csv(path, spectrum)
        return
    unit = spectrum.meta.intensity_unit
    axis = spectrum.axis
    columns = [_titled(AXIS_LABELS[axis.quantity], axis.unit)]
    values: list[np.ndarray] = [axis.values]
    if isinstance(spectrum.counts, Stored):
        raise BadData("An image of this size is no table", where=spectrum.name, todo="Export HDF5, or one region of it")
    channels = channels_of(spectrum, recipe)
    if channels is not None:
        columns.insert(0, AXIS_LABELS["channel"])
        values.insert(0, channels)
    law = law_step(spectrum)
    if law is not None:  # channels of a time-of-flight spectrum with the m/z that their file gives
        columns.append(AXIS_LABELS["mass"])
        values.append(((axis.values - law.number("offset")) / law.number("slope")) ** 2)
    flat = spectrum.counts.reshape(-1, len(axis))
    for number, row in enumerate(flat, start=1):
        columns.append(_titled("Intensity" if len(flat) == 1 else f"Intensity {number}", unit))
        values.append(row)
    if spectrum.transmission is not None:
        columns.append(_titled("Transmission", "relative"))
        values.append(spectrum.transmission)
    for name, curve in (curves or {}).items():
        array = np.asarray(curve)
        if array.shape != (len(axis),):
            raise BadData(f"The curve '{name}' of shape {array.shape} does not fit the axis", where=spectrum.name)
        columns.append(name if name.endswith("]") else _titled(name, unit))
        values.append(array)
    rows = zip(*(array.tolist() for array in values), strict=True)
    write_table(path, columns, rows, notes=notes_of(spectrum, recipe))


def _titled(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit else name
