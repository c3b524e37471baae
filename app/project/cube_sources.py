"""What can be seen of a cube or an image of ions: its total, its ions, and amounts that were computed from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.project.project import Entry
from fitting.dataset import Axis, FloatArray, Spectrum
from fitting.image.classes import is_classes
from fitting.image.maps import Map
from fitting.sims.columns import columns, counted
from fitting.sims.cube_maps import voxels_of
from libraries.errors import UnknownName

TOTAL, ION, MAP = "total", "ion:", "map:"


@dataclass(frozen=True)
class Source:
    """Something that is shown as an image or a volume.

    Attributes
    ----------
    key : str
        "total", "ion:PLACE:NAME" or "map:ID".
    name, unit : str
    """

    key: str
    name: str
    unit: str = "counts"


def ion_key(place: int, name: str) -> str:
    """Key of a channel."""
    return f"{ION}{place}:{name}"


def sources(entry: Entry, cube: Spectrum, *, volumes: bool = False) -> tuple[Source, ...]:
    """Total, ions (each once), and of a cube the amounts of components in every voxel.

    Parameters
    ----------
    cube : Spectrum
        The processed data of the entry.
    volumes : bool
        Only what there is for every voxel.
    """
    unit = cube.meta.intensity_unit
    found = [Source(TOTAL, "Total counts", unit)]
    found += [Source(ion_key(one.place, one.name), one.name, unit) for one in columns(cube.axis)
              if one.double < 0 and one.label.kind in ("single", "sum")]
    shape = tuple(len(axis) for axis in cube.navigation)
    if volumes:
        found += [Source(MAP + one.id, one.name, one.unit) for one in entry.maps
                  if one.shape == shape and len(shape) == 3 and not is_classes(one)]
    return tuple(found)


def places(axis: Axis, key: str) -> tuple[int, ...]:
    """Places on the axis that a key of the total or of an ion stands for.

    Raises
    ------
    UnknownName
        If there is no such ion: a step of the recipe may have taken it away.
    """
    if key == TOTAL:
        whole = [one.place for one in columns(axis) if one.label.kind == "total"]
        return (whole[0],) if whole else counted(axis)
    number, _, name = key.removeprefix(ION).partition(":")
    if number.isdecimal() and int(number) < len(axis) and axis.labels[int(number)] == name:
        return (int(number),)
    if name in axis.labels:
        return (axis.labels.index(name),)
    raise UnknownName(f"There is no ion {name or key}", todo="Choose one of the list")


def voxels(entry: Entry, cube: Spectrum, key: str) -> FloatArray:
    """Numbers of a source in every voxel, shape (scans, rows, columns); an image is a cube of one scan.

    Raises
    ------
    UnknownName
    """
    if key.startswith(MAP):
        return map_of(entry, key).values
    return voxels_of(cube, places(cube.axis, key))


def map_of(entry: Entry, key: str) -> Map:
    """The map of a key.

    Raises
    ------
    UnknownName
        If it is gone.
    """
    found = next((one for one in entry.maps if one.id == key.removeprefix(MAP)), None)
    if found is None:
        raise UnknownName("This map is not there any more", todo="Choose another one")
    return found


def first_choice(entry: Entry, cube: Spectrum) -> tuple[str, ...]:
    """What a volume shows when nothing was chosen: components, else up to three ions that lie at different depths."""
    found = sources(entry, cube, volumes=True)
    maps = [one.key for one in found if one.key.startswith(MAP)]
    if maps:
        return tuple(maps[:4])
    ions = [one.key for one in found if one.key.startswith(ION)]
    return tuple(_spread(cube, ions)) or (TOTAL,)


def _spread(cube: Spectrum, keys: list[str]) -> list[str]:
    """Three strong ions whose counts lie as far apart in depth as can be."""
    if len(keys) < 2:
        return keys
    scans, rows = len(cube.navigation[0]), len(cube.navigation[1])
    plane = cube.pixels // scans
    look = np.array([cube.rows(s * plane, s * plane + plane // rows * min(rows, 4)).sum(axis=0)
                     for s in np.unique(np.linspace(0, scans - 1, min(scans, 16)).astype(int))], dtype=float)
    index = [int(key.removeprefix(ION).partition(":")[0]) for key in keys]
    counts = look[:, index]
    total = counts.sum(axis=0)
    contrast = counts.std(axis=0) / np.sqrt(np.maximum(counts.mean(axis=0), 1.0))
    best = sorted(range(len(keys)), key=lambda i: -contrast[i])[:8]
    middle = {i: float((counts[:, i] * np.arange(len(counts))).sum() / max(total[i], 1.0)) for i in best}
    ordered = sorted(best, key=lambda i: middle[i])
    chosen = dict.fromkeys((ordered[0], ordered[len(ordered) // 2], ordered[-1]))
    return [keys[i] for i in chosen]
