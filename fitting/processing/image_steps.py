"""Steps on the pixels of an image, series or cube: a part of it, and neighbours added up.

Both leave an image that lies in its file there: it is read piece by piece.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import Axis, Spectrum
from fitting.gathered import Gathered, Joined, sum_type
from fitting.processing.noise import noted
from fitting.processing.step import Step
from fitting.stored import Stored
from libraries.errors import BadData

_MOST = 1_000_000
Frame = tuple[float, float, float, float]  # column and row of the corner, pixels joined along columns and rows


def names_of(spectrum: Spectrum) -> tuple[str, ...]:
    """What the navigation axes are called in the steps: a cube has scans, and so has a depth profile."""
    if len(spectrum.navigation) == 1:
        return ("scans",) if spectrum.axis.labels else ("columns",)
    return ("scans", "rows", "columns")[-len(spectrum.navigation) :]


def crop_image(spectrum: Spectrum, step: Step) -> Spectrum:
    """The pixels of some columns and rows, counted from 1, both ends included; of a series its spectra ("columns").

    Of a cube and a depth profile also some scans (points); further scales of the scans are cut along.
    """
    if not 1 <= len(spectrum.navigation) <= 3:
        raise BadData("A single spectrum has no pixels to crop", where=spectrum.name)
    names = names_of(spectrum)
    cuts = []
    for axis, name in zip(spectrum.navigation, names, strict=True):
        size = len(axis)
        first = step.whole(f"{name}_from", 1, _MOST) if step.has(f"{name}_from") else 1
        last = step.whole(f"{name}_to", 1, _MOST) if step.has(f"{name}_to") else size
        if not first <= last <= size:
            raise BadData(f"There are no {name} {first} to {last} among {size}", where=spectrum.name)
        cuts.append(slice(first - 1, last))
    done = cut(spectrum, tuple(cuts))
    return noted(done, "cropped", ", ".join(f"{n} {c.start + 1} to {c.stop}" for n, c in zip(names, cuts, strict=True)))


def cut(spectrum: Spectrum, cuts: tuple[slice, ...]) -> Spectrum:
    """The part of an image inside slices with a start and a stop, one for each navigation axis."""
    counts: NDArray[np.generic] | Stored
    if isinstance(spectrum.counts, Stored):
        corner = (0,) * (3 - len(cuts)) + tuple(part.start for part in cuts)
        shape = (*(part.stop - part.start for part in cuts), len(spectrum.axis))
        counts = Gathered(spectrum.counts, shape, corner)  # type: ignore[arg-type]
    else:
        counts = np.asarray(spectrum.counts[cuts])
    navigation = tuple(axis.part(part) for axis, part in zip(spectrum.navigation, cuts, strict=True))
    return spectrum.with_(counts=counts, navigation=navigation,
                          scales=tuple(scale.part(cuts[0]) for scale in spectrum.scales))


def bin_image(spectrum: Spectrum, step: Step) -> Spectrum:
    """Neighbouring pixels (of a cube also scans) added up; those at the far ends that fill no group are left out.

    Counts stay counts of one event each; of rates and other intensities the mean is taken. Scales are averaged.
    """
    if not 1 <= len(spectrum.navigation) <= 3:
        raise BadData("A single spectrum has no pixels to join", where=spectrum.name)
    names = names_of(spectrum)
    factors = [step.whole(name, 1, 1000) if step.has(name) else 1 for name in names]
    sizes = [len(axis) // factor for axis, factor in zip(spectrum.navigation, factors, strict=True)]
    if min(sizes) < 1:
        raise BadData("The image has fewer pixels than are to be joined", where=spectrum.name)
    together = math.prod(factors)
    added = spectrum.meta.intensity_unit == "counts"
    noise = spectrum.noise
    if added:
        noise = replace(noise, read_noise=noise.read_noise * math.sqrt(together))
    else:
        noise = replace(noise, gain=None if noise.gain is None else noise.gain / together,
                        read_noise=noise.read_noise / math.sqrt(together))
    navigation = tuple(_joined(*each) for each in zip(spectrum.navigation, sizes, factors, strict=True))
    scales = tuple(_joined(scale, sizes[0], factors[0]) for scale in spectrum.scales)
    done = spectrum.with_(counts=_blocks(spectrum, sizes, factors, added), navigation=navigation, noise=noise,
                          scales=scales)
    return noted(done, "pixels joined", " × ".join(str(factor) for factor in factors))


def _blocks(spectrum: Spectrum, sizes: list[int], factors: list[int], added: bool) -> NDArray[np.generic] | Stored:
    counts, n, together = spectrum.counts, len(spectrum.axis), math.prod(factors)
    if isinstance(counts, Stored):
        deep, down, across = (1,) * (3 - len(factors)) + tuple(factors)
        return Joined(counts, (*sizes, n), (deep, down, across), added)
    used = counts[tuple(slice(0, size * factor) for size, factor in zip(sizes, factors, strict=True))]
    y = used.reshape(*(k for size, factor in zip(sizes, factors, strict=True) for k in (size, factor)), n)
    groups = tuple(range(1, 2 * len(sizes), 2))
    if not added:
        return np.asarray(y.mean(axis=groups))
    return np.asarray(y.sum(axis=groups, dtype=sum_type(counts.dtype, together, True)))


def _joined(axis: Axis, size: int, factor: int) -> Axis:
    values = axis.values[: size * factor].reshape(size, factor).mean(axis=1)
    return Axis(values, axis.quantity, axis.unit)


def frame(steps: tuple[Step, ...]) -> Frame:
    """Where the pixels of the processed image lie in the raw one: raw = corner + factor * processed."""
    column, row, wide, high = 0.0, 0.0, 1.0, 1.0
    for step in steps:
        if not step.enabled:
            continue
        if step.kind == "crop_image":
            column += wide * (step.number("columns_from", 1.0) - 1.0)
            row += high * (step.number("rows_from", 1.0) - 1.0)
        elif step.kind == "bin_image":
            wide *= step.number("columns", 1.0)
            high *= step.number("rows", 1.0)
        elif step.kind == "scan_drift":
            # What leaves the field in some scan is cropped; the sample stays where it is on average.
            column += wide * corner(step.numbers("columns"))
            row += high * corner(step.numbers("rows"))
    return column, row, wide, high


def corner(shifts: tuple[float, ...]) -> int:
    """First row or column that lies inside the field in every scan, for shifts in pixels of each scan."""
    return max(0, -min((round(shift) for shift in shifts), default=0))
