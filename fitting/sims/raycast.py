"""Pictures of volumes by rays on the processor: the largest value, surfaces, sections; several volumes in colours.

No graphics card is asked: remote and headless screens have none. The compiled part (`raycast_kernels`) is imported when
the first picture is drawn and compiled once a machine, in some seconds: draw off the window's thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitting.dataset import FloatArray
from fitting.sims.raycast_rays import BLOCK, Camera, Rays, rays_of
from libraries.errors import BadData

Mode = Literal["maximum", "surface", "sections"]
Colour = tuple[float, float, float]
Pixels = NDArray[np.uint8]
MOST_VOLUMES = 4
_BAND = 16  # rows of the picture that a thread takes at a time


@dataclass(frozen=True, eq=False)
class Volume:
    """Numbers that are drawn.

    Attributes
    ----------
    values : array of float32 or uint8, shape (scans, rows, columns)
    low, high : float
        Values that are drawn without and with full colour.
    colour : (red, green, blue)
        0 to 255.
    level : float
        Where its surface lies, as a part of the way from `low` to `high`.
    """

    values: NDArray[Any]
    low: float = 0.0
    high: float = 1.0
    colour: Colour = (255.0, 255.0, 255.0)
    level: float = 0.5
    _turned: dict[int, tuple[NDArray[Any], NDArray[Any]]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        values = np.asarray(self.values)
        if values.ndim != 3 or 0 in values.shape:
            raise BadData("A volume has scans, rows and columns", where=str(values.shape))
        if values.dtype not in (np.uint8, np.float32):
            values = values.astype(np.float32)
        if not self.high > self.low:
            raise BadData("The colours of a volume need two different values", where=f"{self.low:g} to {self.high:g}")
        object.__setattr__(self, "values", np.ascontiguousarray(values))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Scans, rows, columns."""
        scans, rows, columns = self.values.shape
        return scans, rows, columns

    def along(self, axis: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """The values with that axis in front, and the largest values of their blocks; kept for the next picture."""
        if axis not in self._turned:
            from fitting.sims.raycast_kernels import block_maxima

            turned = np.moveaxis(self.values, axis, 0)
            turned = np.repeat(turned, 2, axis=0) if len(turned) == 1 else turned  # for the slope along this axis
            blocks = np.empty([-(-n // BLOCK) for n in turned.shape], dtype=turned.dtype)
            # A margin, so that no sample must be held back at the border: there the values go on as they are.
            turned = np.ascontiguousarray(np.pad(turned, ((0, 0), (1, 2), (1, 2)), mode="edge"))
            block_maxima(turned, blocks)
            if len(self._turned) >= 2:
                self._turned.pop(next(iter(self._turned)))
            self._turned[axis] = (turned, blocks)
        return self._turned[axis]

    def dressed(self, low: float, high: float, colour: Colour, level: float) -> Volume:
        """The same numbers in other colours."""
        return replace(self, low=low, high=high, colour=colour, level=level)


@dataclass(frozen=True, eq=False)
class Scene:
    """All of a picture.

    Attributes
    ----------
    volumes : tuple of Volume
        One to four of one shape.
    size : (z, y, x)
        Of a voxel as it is drawn, in one unit of length.
    mode : "maximum", "surface" or "sections"
    camera : Camera
    part : ((first, last), ...) for scans, rows, columns, or None
        What of the volume is drawn, both included.
    cuts : (z, y, x)
        Voxels of the section planes; -1 for none.
    ground : (red, green, blue)
    opacity : float
        Of surfaces.
    table : array of uint8, shape (256, 3), or None
        Colours of sections of a single volume.
    """

    volumes: tuple[Volume, ...]
    size: tuple[float, float, float] = (1.0, 1.0, 1.0)
    mode: Mode = "maximum"
    camera: Camera = field(default_factory=Camera)
    part: tuple[tuple[int, int], tuple[int, int], tuple[int, int]] | None = None
    cuts: tuple[int, int, int] = (-1, -1, -1)
    ground: Colour = (0.0, 0.0, 0.0)
    opacity: float = 1.0
    table: Pixels | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.volumes) <= MOST_VOLUMES:
            raise BadData(f"A picture takes one to {MOST_VOLUMES} volumes", todo="Choose fewer")
        if len({one.shape for one in self.volumes}) > 1:
            raise BadData("Volumes of different sizes do not fit one picture")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Scans, rows, columns."""
        return self.volumes[0].shape

    def box(self) -> FloatArray:
        """Limits of what is drawn, shape (3, 2), with whole numbers at the middles of voxels."""
        part = self.part or tuple((0, n - 1) for n in self.shape)
        for (first, last), n in zip(part, self.shape, strict=True):
            if not 0 <= first <= last < n:
                raise BadData(f"There are no voxels {first} to {last} of {n}")
        return np.array([[first - 0.5, last + 0.5] for first, last in part])


@dataclass(frozen=True, eq=False)
class Frame:
    """A drawn picture.

    Attributes
    ----------
    pixels : array of uint8, shape (height, width, 4)
        Red, green, blue, 255.
    planes : array of int8, shape (height, width), or None
        Of sections: the axis of the plane that is seen, -1 for none.
    """

    pixels: Pixels
    planes: NDArray[np.int8] | None = None


def render(scene: Scene, width: int, height: int, *, threads: int | None = None) -> Frame:
    """Draw a scene.

    Parameters
    ----------
    width, height : int
        Pixels.
    threads : int, optional
        As many as the machine has cores by default.

    Raises
    ------
    BadData
        If something does not fit together.
    """
    from fitting.sims import raycast_kernels as kernels

    rays = rays_of(scene.camera, scene.shape, scene.size, width, height)
    run = _Bands(height, threads or os.cpu_count() or 1)
    ground, colours = np.array(scene.ground), np.array([one.colour for one in scene.volumes])
    pixels = np.empty((height, width, 4), dtype=np.uint8)
    if scene.mode == "surface":
        shades, depths = _surfaces(scene, rays, run, width, height)
        run(lambda a, b: kernels.cover(shades, depths, colours, ground, pixels, scene.opacity, a, b))
        return Frame(pixels)
    planes = None
    if scene.mode == "maximum":
        values = np.stack([_largest(one, rays, scene.box(), run, width, height) for one in scene.volumes])
    else:
        values, planes = _sections(scene, rays, run, width, height)
    for share, one in zip(values, scene.volumes, strict=True):
        np.subtract(share, one.low, out=share)
        np.multiply(share, 1.0 / (one.high - one.low), out=share)
    if scene.table is not None and len(values) == 1:
        table, first = scene.table, values[0]
        run(lambda a, b: kernels.painted(first, table, ground, pixels, a, b))
    else:
        run(lambda a, b: kernels.blend(values, colours, ground, pixels, a, b))
    return Frame(pixels, planes)


def largest(
    volume: Volume, rays: Rays, width: int, height: int, *, box: FloatArray | None = None, threads: int = 1
) -> NDArray[np.float32]:
    """The largest value on every ray, shape (height, width); NaN where it misses the box."""
    limits = np.array([[-0.5, n - 0.5] for n in volume.shape]) if box is None else box
    return _largest(volume, rays, limits, _Bands(height, threads), width, height)


def _largest(
    volume: Volume, rays: Rays, box: FloatArray, run: _Bands, width: int, height: int
) -> NDArray[np.float32]:
    from fitting.sims import raycast_kernels as kernels

    values, blocks = volume.along(rays.axis)
    numbers, sense = rays.along()
    limits = _turned(box, rays.axis)
    out = np.empty((height, width), dtype=np.float32)
    most = np.float32(min(float(blocks.max()), volume.high))
    run(lambda a, b: kernels.largest(values, blocks, out, a, b, numbers, limits, sense, most))
    return out


def _surfaces(
    scene: Scene, rays: Rays, run: _Bands, width: int, height: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Brightness and depth of the surface of every volume."""
    from fitting.sims import raycast_kernels as kernels

    shades = np.empty((len(scene.volumes), height, width), dtype=np.float32)
    depths = np.empty_like(shades)
    numbers, sense = rays.along()
    box, view = _turned(scene.box(), rays.axis), _turned(rays.view, rays.axis)
    size = _turned(np.array(scene.size, dtype=float), rays.axis)
    for number, one in enumerate(scene.volumes):
        values, blocks = one.along(rays.axis)
        level = np.float32(one.low + one.level * (one.high - one.low))
        shade, depth = shades[number], depths[number]
        run(lambda a, b, v=values, m=blocks, s=shade, d=depth, at=level: kernels.surface(
            v, m, s, d, a, b, numbers, box, sense, at, view, size))
    return shades, depths


def _sections(
    scene: Scene, rays: Rays, run: _Bands, width: int, height: int
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    from fitting.sims import raycast_kernels as kernels

    box, shape = scene.box(), scene.shape
    cuts = np.array([np.nan if at < 0 else float(min(at, n - 1)) for at, n in zip(scene.cuts, shape, strict=True)])
    values = np.empty((len(scene.volumes), height, width), dtype=np.float32)
    planes = np.empty((height, width), dtype=np.int8)
    for number, one in enumerate(scene.volumes):
        part, stack = values[number : number + 1], one.values[None]
        run(lambda a, b, v=stack, o=part: kernels.sections(
            v, o, planes, a, b, rays.at, rays.across, rays.down, rays.sight, box, cuts))
    return values, planes


def _turned(array: FloatArray, axis: int) -> FloatArray:
    """Rows of an array in the order of a volume with that axis in front."""
    return np.ascontiguousarray(array[[axis, *(a for a in range(3) if a != axis)]])


class _Bands:
    """Bands of rows of a picture, taken by threads as each gets done."""

    def __init__(self, height: int, threads: int) -> None:
        self._bands = [(a, min(a + _BAND, height)) for a in range(0, height, _BAND)]
        self._threads = max(min(threads, len(self._bands)), 1)

    def __call__(self, work: Callable[[int, int], object]) -> None:
        waiting, errors = iter(self._bands), []
        lock = threading.Lock()

        def take() -> None:
            while not errors:
                with lock:
                    band = next(waiting, None)
                if band is None:
                    return
                try:
                    work(*band)
                except Exception as error:  # handed to the caller, whichever thread it came up in
                    errors.append(error)

        others = [threading.Thread(target=take, daemon=True) for _ in range(self._threads - 1)]
        for thread in others:
            thread.start()
        take()
        for thread in others:
            thread.join()
        if errors:
            raise errors[0]


def limits_of(values: ArrayLike, share: float = 99.5) -> tuple[float, float]:
    """0 and a percentile of the positive values, for colours that show counts from none to many."""
    positive = np.asarray(values, dtype=float)
    positive = positive[np.isfinite(positive) & (positive > 0)]
    high = float(np.percentile(positive, share)) if positive.size else 1.0
    return 0.0, high


def softened(values: ArrayLike, voxels: float) -> NDArray[np.float32]:
    """Values smoothed by a Gaussian of so many voxels (standard deviation), for drawing only; 0 leaves them."""
    from scipy.ndimage import gaussian_filter

    array = np.nan_to_num(np.asarray(values, dtype=np.float32))
    return array if voxels <= 0 else np.asarray(gaussian_filter(array, voxels, mode="nearest"), dtype=np.float32)


def thinned(values: ArrayLike, most: int = 6_000_000) -> tuple[FloatArray, Sequence[int]]:
    """Volume with neighbours added up, so that no more than `most` voxels are drawn, and how many along each axis."""
    array = np.asarray(values)
    factors = [1, 1, 1]
    while np.prod([-(-n // f) for n, f in zip(array.shape, factors, strict=True)]) > most:
        sizes = [n / f for n, f in zip(array.shape, factors, strict=True)]
        factors[int(np.argmax(sizes))] += 1
    if factors == [1, 1, 1]:
        return array, factors
    for axis, factor in enumerate(factors):
        if factor > 1:
            array = np.add.reduceat(array, np.arange(0, array.shape[axis], factor), axis=axis)
    return np.asarray(array, dtype=float), factors
