"""Maps of a cube of ions: amounts per voxel (scans, rows, columns) and images (rows, columns)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fitting.dataset import Axis, FloatArray, Spectrum
from fitting.image.classes import is_classes
from fitting.image.maps import Map, Param
from fitting.sims.cube import is_cube, volume_of
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, Cancelled

IMAGE = "ion image"  # kind of the maps that `slice_maps` makes


def lateral(navigation: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """The axes of the picture: of a cube rows and columns, else all."""
    return navigation[1:] if len(navigation) == 3 else navigation


def fits(one: Map, navigation: tuple[Axis, ...]) -> bool:
    """Whether a map belongs to an image, series or cube: has its shape, of a cube also that of its pictures."""
    shape = tuple(len(axis) for axis in navigation)
    return one.shape == shape or (len(shape) == 3 and one.shape == shape[1:])


def flat_map(one: Map, scans: tuple[int, int] | tuple[()] = ()) -> Map:
    """A map of a cube as a picture: amounts are added up over scans (first and last, both included), errors in squares.

    Other maps are given back as they are.

    Raises
    ------
    BadData
        If it holds classes, which have no sum, or there are no such scans.
    """
    if one.values.ndim != 3:
        return one
    if is_classes(one):
        raise BadData("Classes of voxels have no sum over scans", where=one.name, todo="Choose a map of numbers")
    first, last = scans or (0, one.shape[0] - 1)
    if not 0 <= first <= last < one.shape[0]:
        raise BadData(f"There are no scans {first + 1} to {last + 1} among {one.shape[0]}", where=one.name)
    part = slice(first, last + 1)
    found = np.isfinite(one.values[part])
    values = np.where(found, one.values[part], 0.0).sum(axis=0)
    values[~found.any(axis=0)] = np.nan
    error = None if one.error is None else np.sqrt((one.error[part] ** 2).sum(axis=0))
    origin = f"{one.origin}; " if one.origin else ""
    return replace(one, values=values, error=error, flags=None, legend=(),
                   origin=f"{origin}{scan_words((first, last), one.shape[0])} added up")


def scan_words(scans: tuple[int, int] | tuple[()], count: int) -> str:
    """"scans 11–20", "all 60 scans", "scan 4"; counted from 1."""
    if not scans or scans == (0, count - 1):
        return f"all {count} scans"
    first, last = scans
    return f"scan {first + 1}" if first == last else f"scans {first + 1}–{last + 1}"


def ion_maps(
    image: Spectrum, ions: Sequence[tuple[str, tuple[int, ...]]], thickness: int = 0,
    scans: tuple[int, int] | None = None, progress: Progress | None = None, cancel: Cancel | None = None,
) -> tuple[Map, ...]:
    """Images of ions, of a cube one for so many scans each, of one colour scale an ion.

    Parameters
    ----------
    image : Spectrum
        A cube or an image of ions.
    ions : sequence of (name, places)
        Places on the axis that are added up.
    thickness : int
        Scans in a slice; 0 for one slice of all.
    scans : (first, last), optional
        By default all.

    Raises
    ------
    BadData
        If it is no cube and no image, or there are no such ions or scans.
    Cancelled
    """
    if len(image.navigation) not in (2, 3) or not image.axis.labels:
        raise BadData("Only images and cubes of ions give images of ions", where=image.name)
    count = len(image.navigation[0]) if is_cube(image) else 1
    slices = slices_of(count, thickness, scans)
    made: list[Map] = []
    for number, (name, places) in enumerate(ions):
        if cancel is not None and cancel():
            raise Cancelled("The images were stopped", where=image.name)
        if progress is not None:
            progress(number / len(ions), name)
        made += _slices(image, voxels_of(image, places), name, places, slices)
    return tuple(made)


def voxels_of(image: Spectrum, places: Sequence[int]) -> FloatArray:
    """Counts of ions together, shape (scans, rows, columns); an image is a cube of one scan."""
    if is_cube(image):
        return volume_of(image, places)
    index = list(places)
    found = np.concatenate([rows[:, index].sum(axis=1, dtype=float) for _, _, rows in image.pieces()])
    return np.asarray(found.reshape(1, *(len(axis) for axis in image.navigation)))


def _slices(
    image: Spectrum, volume: FloatArray, name: str, places: tuple[int, ...], slices: Sequence[tuple[int, int]]
) -> list[Map]:
    """The images of one ion."""
    count, several = len(volume), len(slices) > 1
    thickness = slices[0][1] - slices[0][0] + 1
    group = f"{name}, {thickness} scans each" if several else f"Ions, {scan_words(slices[0], count)}"
    group = "Ions" if count == 1 else group
    counted = image.noise.kind == "poisson"
    how = "errors: square root of the counts, of 1 where there are none" if counted else "errors are not known"
    maps = []
    for first, last in slices:
        values = volume[first : last + 1].sum(axis=0)
        error = np.sqrt(np.maximum(values, image.noise.gain) * image.noise.gain) if counted else None
        words = scan_words((first, last), count)
        title = f"{name}, {words.removeprefix('scans ')}" if several else name
        origin = how if count == 1 else f"{words} added up; {how}"
        mark = "_".join(map(str, places)) if len(places) <= 4 else "all"
        params: tuple[Param, ...] = (("first scan", float(first + 1)), ("last scan", float(last + 1)))
        maps.append(Map(f"ion{mark}_{first}_{last}", title, image.meta.intensity_unit, values, error, group=group,
                        kind=IMAGE, origin=f"{origin[0].upper()}{origin[1:]}", params=params, data_hash=image.hash))
    low = min(float(np.percentile(one.values, 1)) for one in maps)
    high = max(float(np.percentile(one.values, 99)) for one in maps)
    if several and high > low:
        maps = [replace(one, params=(*one.params, ("scale low", low), ("scale high", high))) for one in maps]
    return maps


def slices_of(count: int, thickness: int, scans: tuple[int, int] | None = None) -> tuple[tuple[int, int], ...]:
    """First and last scan of slices of so many scans; the last may be thinner. 0: one of all."""
    first, last = scans or (0, count - 1)
    if not 0 <= first <= last < count:
        raise BadData(f"There are no scans {first + 1} to {last + 1} among {count}")
    step = thickness if thickness > 0 else last - first + 1
    return tuple((a, min(a + step - 1, last)) for a in range(first, last + 1, step))
