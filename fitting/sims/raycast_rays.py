"""Parallel rays through a box of voxels: where each pixel of a picture looks, for every direction of sight.

Directions: x goes along the columns, y along the rows, z down with the scans. A volume has the axes (z, y, x); points
are counted in voxels with whole numbers at their middles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import FloatArray
from libraries.errors import BadData

BLOCK = 8  # voxels on the edge of a block
STEEPEST = 90.0


@dataclass(frozen=True)
class Camera:
    """From where the volume is seen, without perspective.

    Attributes
    ----------
    azimuth : float
        Degrees about the depth axis; 0 looks along the rows, columns go to the right.
    elevation : float
        Degrees above the surface; 90 looks down on it as the image of the navigator does.
    zoom : float
        1 for a box that just fits the picture at every direction.
    pan : tuple of float
        Shift of the picture to the right and up, as a part of its smaller side.
    """

    azimuth: float = 30.0
    elevation: float = 25.0
    zoom: float = 1.0
    pan: tuple[float, float] = (0.0, 0.0)

    def turned(self, right: float, up: float) -> Camera:
        """Turned by degrees; never over the top."""
        azimuth = (self.azimuth + right + 180.0) % 360.0 - 180.0
        return replace(self, azimuth=azimuth, elevation=min(max(self.elevation + up, -STEEPEST), STEEPEST))

    @property
    def directions(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Unit vectors (z, y, x) to the right, up and along the sight."""
        a, e = math.radians(self.azimuth), math.radians(self.elevation)
        right = np.array([0.0, -math.sin(a), math.cos(a)])
        to_eye = np.array([-math.sin(e), math.cos(a) * math.cos(e), math.sin(a) * math.cos(e)])
        # The cross product in x, y, z; components are kept in the order z, y, x.
        up = np.cross(to_eye[::-1], right[::-1])[::-1]
        return right, np.ascontiguousarray(up), -to_eye


@dataclass(frozen=True, eq=False)
class Rays:
    """The rays of a picture.

    Attributes
    ----------
    at, across, down, sight : arrays, shape (3,)
        Point of pixel (0, 0) in the plane through the middle of the box, its steps a column and a row, and the
        direction of sight: in voxels (z, y, x).
    pixel : float
        Size of a pixel in the unit of the voxels' sizes.
    view : array, shape (3,)
        Direction of sight in units of length, a unit vector.
    """

    at: FloatArray
    across: FloatArray
    down: FloatArray
    sight: FloatArray
    pixel: float
    view: FloatArray

    @property
    def axis(self) -> int:
        """The axis of the volume that the rays follow most closely, in voxels."""
        return int(np.argmax(np.abs(self.sight)))

    def along(self) -> tuple[FloatArray, int]:
        """The rays as the compiled functions take them (see `raycast_kernels.largest`), and their sense, 1 or -1."""
        p = self.axis
        slope = self.sight / self.sight[p]
        numbers = []
        for other in (a for a in range(3) if a != p):
            # Moved along the ray to the plane where the p-coordinate is 0.
            numbers += [step[other] - step[p] * slope[other] for step in (self.at, self.across, self.down)]
        rest = [slope[a] for a in range(3) if a != p]
        return np.array([*numbers, *rest]), (1 if self.sight[p] > 0 else -1)


def rays_of(
    camera: Camera, shape: tuple[int, int, int], size: tuple[float, float, float], width: int, height: int
) -> Rays:
    """Rays of a picture of a volume.

    Parameters
    ----------
    shape : (scans, rows, columns)
    size : of a voxel (z, y, x), in one unit of length
    width, height : int
        Pixels.
    """
    if min(width, height) < 1 or min(shape) < 1 or min(size) <= 0 or camera.zoom <= 0:
        raise BadData("A picture needs voxels, pixels and a size of each", where=f"{shape}, {size}")
    sizes = np.array(size, dtype=float)
    extent = np.array(shape) * sizes
    pixel = pixel_size(extent, width, height, camera.zoom)
    right, up, sight = camera.directions
    shift = min(width, height)
    a0 = (0.5 - width / 2 - camera.pan[0] * shift) * pixel
    b0 = (height / 2 - 0.5 - camera.pan[1] * shift) * pixel
    corner = extent / 2 + a0 * right + b0 * up
    return Rays(corner / sizes - 0.5, right * pixel / sizes, -up * pixel / sizes, sight / sizes, pixel, sight)


def pixel_size(extent: FloatArray, width: int, height: int, zoom: float) -> float:
    """Size of a pixel at which the diagonal of a box fits the picture, over the zoom."""
    return float(np.linalg.norm(extent)) / min(width, height) / zoom


def projected(
    camera: Camera, shape: tuple[int, int, int], size: tuple[float, float, float], width: int, height: int,
    points: FloatArray,
) -> FloatArray:
    """Places on the picture of points (z, y, x; voxels with whole numbers at their middles).

    Parameters
    ----------
    points : array, shape (..., 3)

    Returns
    -------
    array, shape (..., 3)
        Pixels to the right and down from the upper left corner, and the depth in units of length.
    """
    sizes = np.array(size, dtype=float)
    extent = np.array(shape) * sizes
    pixel = pixel_size(extent, width, height, camera.zoom)
    away = (np.asarray(points) + 0.5) * sizes - extent / 2
    right, up, sight = camera.directions
    shift = min(width, height)
    x = away @ right / pixel + width / 2 + camera.pan[0] * shift
    y = height / 2 - away @ up / pixel - camera.pan[1] * shift
    return np.stack([x, y, away @ sight], axis=-1)
