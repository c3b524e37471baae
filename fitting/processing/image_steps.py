"""Steps on the pixels of an image or series: a part of it, and neighbours added up."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from fitting.dataset import Axis, Spectrum
from fitting.processing.noise import noted
from fitting.processing.step import Step
from libraries.errors import BadData

_MOST = 1_000_000
Frame = tuple[float, float, float, float]  # column and row of the corner, pixels joined along columns and rows


def crop_image(spectrum: Spectrum, step: Step) -> Spectrum:
    """The pixels of some columns and rows, counted from 1, both ends included; of a series its spectra ("columns")."""
    navigation = list(spectrum.navigation)
    if not navigation:
        raise BadData("A single spectrum has no pixels to crop", where=spectrum.name)
    names = ("columns",) if len(navigation) == 1 else ("rows", "columns")
    cuts = []
    for number, name in enumerate(names):
        size = len(navigation[number])
        first = step.whole(f"{name}_from", 1, _MOST) if step.has(f"{name}_from") else 1
        last = step.whole(f"{name}_to", 1, _MOST) if step.has(f"{name}_to") else size
        if not first <= last <= size:
            raise BadData(f"There are no {name} {first} to {last} among {size}", where=spectrum.name)
        cuts.append(slice(first - 1, last))
        navigation[number] = replace(navigation[number], values=navigation[number].values[cuts[-1]])
    done = spectrum.with_(counts=np.asarray(spectrum.counts[tuple(cuts)]), navigation=tuple(navigation))
    return noted(done, "cropped", ", ".join(f"{n} {c.start + 1} to {c.stop}" for n, c in zip(names, cuts, strict=True)))


def bin_image(spectrum: Spectrum, step: Step) -> Spectrum:
    """Neighbouring pixels added up; pixels at the far ends that fill no group are left out.

    Counts stay counts of one event each; of rates and other intensities the mean is taken.
    """
    if not spectrum.navigation:
        raise BadData("A single spectrum has no pixels to join", where=spectrum.name)
    names = ("columns",) if len(spectrum.navigation) == 1 else ("rows", "columns")
    factors = [step.whole(name, 1, 1000) if step.has(name) else 1 for name in names]
    sizes = [len(axis) // factor for axis, factor in zip(spectrum.navigation, factors, strict=True)]
    if min(sizes) < 1:
        raise BadData("The image has fewer pixels than are to be joined", where=spectrum.name)
    together = math.prod(factors)
    used = tuple(slice(0, size * factor) for size, factor in zip(sizes, factors, strict=True))
    shape = [n for size, factor in zip(sizes, factors, strict=True) for n in (size, factor)]
    y = np.asarray(spectrum.counts[used]).reshape(*shape, spectrum.x.size)
    groups = tuple(range(1, 2 * len(sizes), 2))
    added = spectrum.meta.intensity_unit == "counts"
    noise = spectrum.noise
    if added:
        counts = y.sum(axis=groups)
        noise = replace(noise, read_noise=noise.read_noise * math.sqrt(together))
    else:
        counts = y.mean(axis=groups)
        noise = replace(noise, gain=None if noise.gain is None else noise.gain / together,
                        read_noise=noise.read_noise / math.sqrt(together))
    navigation = tuple(
        Axis(axis.values[part].reshape(size, factor).mean(axis=1), axis.quantity, axis.unit)
        for axis, part, size, factor in zip(spectrum.navigation, used, sizes, factors, strict=True)
    )
    done = spectrum.with_(counts=counts, navigation=navigation, noise=noise)
    return noted(done, "pixels joined", " × ".join(str(factor) for factor in factors))


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
    return column, row, wide, high
