"""The step that takes lateral drift between the scans of a cube out: every scan is moved by whole pixels.

Counts are moved, never divided between pixels: Poisson noise stays Poisson noise, and half a pixel of blur stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import Spectrum
from fitting.gathered import Gathered
from fitting.processing.image_steps import corner
from fitting.processing.noise import noted
from fitting.processing.step import Step
from fitting.sims.drift import ScanDrift
from fitting.stored import Stored
from libraries.errors import BadData, BadModel


def scan_drift(cube: Spectrum, step: Step) -> Spectrum:
    """Every scan moved back by its shift; rows and columns that leave the field in any scan are cropped.

    Parameters of the step: `rows`, `columns`, texts with one number in pixels for each scan: where the sample lies in
    it, against its mean position.

    Raises
    ------
    BadData
        If it is no cube, or nothing of the field stays.
    BadModel
        If there is not one shift for each scan.
    """
    if len(cube.navigation) != 3:
        raise BadData("Only a cube has scans that can drift", where=cube.name)
    scans, high, wide = (len(axis) for axis in cube.navigation)
    given = (step.numbers("rows"), step.numbers("columns"))
    if any(len(shifts) != scans for shifts in given):
        raise BadModel(f"{len(given[0])} and {len(given[1])} shifts do not fit {scans} scans", where=cube.name,
                       todo="Take the drift correction out of the recipe and look for the drift anew")
    down, across = (np.array([round(shift) for shift in shifts], dtype=np.int64) for shifts in given)
    top, left = corner(given[0]), corner(given[1])
    rows, columns = high - top - max(0, int(down.max())), wide - left - max(0, int(across.max()))
    if min(rows, columns) < 1:
        raise BadData("The drift leaves nothing of the field that is seen in all scans", where=cube.name,
                      todo="Crop the scans first")
    counts: NDArray[np.generic] | Stored
    if isinstance(cube.counts, Stored):
        shape = (scans, rows, columns, len(cube.axis))
        counts = Gathered(cube.counts, shape, (0, top, left), down, across)
    else:
        counts = np.empty((scans, rows, columns, len(cube.axis)), cube.counts.dtype)
        for scan, (r, c) in enumerate(zip(top + down, left + across, strict=True)):
            counts[scan] = cube.counts[scan, r : r + rows, c : c + columns]
    time, row_axis, column_axis = cube.navigation
    navigation = (time, row_axis.part(slice(top, top + rows)), column_axis.part(slice(left, left + columns)))
    done = cube.with_(counts=counts, navigation=navigation)
    words = f"each scan moved by whole pixels; {high - rows} rows and {wide - columns} columns left the field"
    return noted(done, "drift corrected", words + (f"; {step.note}" if step.note else ""))


def scan_drift_step(drift: ScanDrift, note: str = "") -> Step:
    """The step that takes a drift out, with its smooth path to a thousandth of a pixel."""
    rows, columns = (" ".join(f"{shift:.3f}" for shift in path) for path in (drift.path_rows, drift.path_columns))
    if not note:
        (down, across), (down_error, across_error) = drift.reach, drift.reach_errors
        note = f"drift of {down:.2f} ± {down_error:.2f} rows, {across:.2f} ± {across_error:.2f} columns"
    return Step("scan_drift", (("rows", rows), ("columns", columns)), note)
