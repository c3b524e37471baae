"""The step that makes an interface of a cube flat: every pixel's depth profile is moved by whole scans."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import Spectrum
from fitting.gathered import Gathered
from fitting.processing.noise import noted
from fitting.processing.step import Step
from fitting.sims.topography import Topography
from fitting.stored import Stored
from libraries.errors import BadData, BadModel

# Share of the pixels at either end whose moves are limited: a few wrong depths would crop the whole cube.
LIMIT = 0.01
_FARTHEST = 100_000


def topography(cube: Spectrum, step: Step) -> Spectrum:
    """Every pixel moved along the scans by its own whole number; scans that some pixel lacks are cropped.

    Parameters of the step: `scans`, a text with one whole number for each pixel, row by row: by how many scans later it
    meets the interface. The axis of the scans (and dose, fluence) is that of pixels with the number 0.

    Raises
    ------
    BadData
        If it is no cube, or no scan is left that all pixels have.
    BadModel
        If there is not one number for each pixel.
    """
    if len(cube.navigation) != 3:
        raise BadData("Only a cube has depths that can be moved", where=cube.name)
    scans, high, wide = (len(axis) for axis in cube.navigation)
    given = np.array(step.numbers("scans"))
    if given.size != high * wide:
        raise BadModel(f"{given.size} moves do not fit {high} × {wide} pixels", where=cube.name,
                       todo="Take the correction out of the recipe and find the topography anew")
    if np.any(given != np.round(given)) or np.any(np.abs(given) > _FARTHEST):
        raise BadModel("Pixels are moved by whole scans", where=cube.name)
    depth = given.astype(np.int64).reshape(high, wide)
    first = max(0, -int(depth.min()))
    left = scans - first - max(0, int(depth.max()))
    if left < 1:
        raise BadData("The topography leaves no scan that all pixels have", where=cube.name,
                      todo="Crop the part of the field that lies much higher or lower first")
    counts: NDArray[np.generic] | Stored
    if isinstance(cube.counts, Stored):
        counts = Gathered(cube.counts, (left, high, wide, len(cube.axis)), (first, 0, 0), depth=depth)
    else:
        counts = np.empty((left, high, wide, len(cube.axis)), cube.counts.dtype)
        rows, columns = np.mgrid[0:high, 0:wide]
        for scan in range(left):
            counts[scan] = cube.counts[first + scan + depth, rows, columns]
    part = slice(first, first + left)
    done = cube.with_(counts=counts, navigation=(cube.navigation[0].part(part), *cube.navigation[1:]),
                      scales=tuple(scale.part(part) for scale in cube.scales))
    gone = f"{first} scans at the start and {scans - first - left} at the end are gone"
    words = f"each pixel moved by whole scans; {gone}"
    return noted(done, "topography corrected", words + (f"; {step.note}" if step.note else ""))


def topography_step(found: Topography, note: str = "") -> Step:
    """The step that makes the interface flat, with its moves limited to those of 98 % of the pixels."""
    low, high = np.quantile(found.depth, (LIMIT, 1 - LIMIT))
    moves = np.round(np.clip(found.depth, low, high)).astype(int)
    limited = int(np.count_nonzero((found.depth < low - 0.5) | (found.depth > high + 0.5)))
    if not note:
        note = f"roughness {found.roughness:.2f} ± {found.roughness_error:.2f} scans"
        note += f"; moves of {limited} pixels limited" if limited else ""
    return Step("topography", (("scans", " ".join(map(str, moves.ravel().tolist()))),), note)
