"""What can be seen of a cube or an image of ions: its total, its ions, and amounts that were computed from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.project.project import Entry
from app.project.sims_depth import depth_along
from fitting.dataset import Axis, FloatArray, Spectrum
from fitting.image.classes import is_classes
from fitting.image.maps import Map
from fitting.sims.columns import columns, counted
from fitting.sims.cube_maps import voxels_of
from fitting.sims.ion_names import words_of
from libraries.errors import SodaliteError, UnknownName

TOTAL, ION, MAP = "total", "ion:", "map:"
MOST_OVERLAP = 0.6  # of the depth profiles of ions that are chosen together


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

    @property
    def words(self) -> str:
        """The name as people write it: "Na₂OH⁺"."""
        return words_of(self.name) if self.key.startswith(ION) else self.name


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


def depth_axis(entry: Entry, cube: Spectrum) -> Axis:
    """The axis along the scans as it is shown: depth in nm where the entry has a scale for it, else the cube's own."""
    own = cube.navigation[0]
    try:
        found = depth_along(entry)
    except SodaliteError:
        return own  # the Depth page says why
    if found is None or len(found.depth) != len(own) or not (np.diff(found.depth) > 0).all():
        return own
    return Axis(found.depth, "depth", "nm")


def first_choice(entry: Entry, cube: Spectrum) -> tuple[str, ...]:
    """What a volume shows when nothing was chosen: components, else ions that lie at different depths."""
    found = sources(entry, cube, volumes=True)
    maps = [one.key for one in found if one.key.startswith(MAP)]
    if maps:
        return tuple(maps[:4])
    if not counted(cube.axis):
        return (TOTAL,)
    return tuple(ion_key(place, cube.axis.labels[place]) for place in _spread(cube))


def _spread(cube: Spectrum) -> list[int]:
    """Places of up to four single ions whose depth profiles overlap least, from the surface down."""
    scans, rows = len(cube.navigation[0]), len(cube.navigation[1])
    plane = cube.pixels // scans
    part = plane // rows * min(rows, 4)  # some rows of some scans tell enough
    look = np.array([cube.rows(s * plane, s * plane + part).sum(axis=0)
                     for s in np.unique(np.linspace(0, scans - 1, min(scans, 16)).astype(int))], dtype=float)
    index = np.array(counted(cube.axis))
    counts = look[:, index]
    contrast = counts.std(axis=0) / np.sqrt(np.maximum(counts.mean(axis=0), 1.0))
    best = np.argsort(-contrast, kind="stable")[:16]
    shares = counts[:, best] / np.maximum(counts[:, best].sum(axis=0), 1.0)
    chosen = [0]
    while len(chosen) < min(4, len(best)):
        overlap = np.max([np.minimum(shares, shares[:, [one]]).sum(axis=0) for one in chosen], axis=0)
        least = int(np.argmin(overlap))
        if overlap[least] > MOST_OVERLAP:
            break
        chosen.append(least)
    depth = np.arange(len(shares)) @ shares
    return [int(index[best[one]]) for one in sorted(chosen, key=lambda one: depth[one])]
