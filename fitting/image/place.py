"""Which spectra of an image, series or cube are looked at: all of them, one pixel, or those inside a drawn shape.

A cube (scans, rows, columns) has the same shapes as an image, for some of its scans or all.

Coordinates count pixels, (column, row) with 0.5 in the middle of the first; a pixel belongs to a shape when its middle
lies inside. A series has one row.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from libraries.errors import BadData, UnknownName

ShapeKind = Literal["rectangle", "ellipse", "polygon"]
BoolArray = NDArray[np.bool_]
_PIXEL = re.compile(r"[0-9]{1,7}(,[0-9]{1,7}){0,3}\Z")
_SCANS = re.compile(r"@([0-9]{1,7})-([0-9]{1,7})\Z")
_MOST_POINTS = 1000


@dataclass(frozen=True)
class Roi:
    """A named shape on an image.

    Attributes
    ----------
    id, name : str
    kind : "rectangle", "ellipse" or "polygon"
    points : tuple of (column, row)
        Two opposite corners (of the ellipse: of the rectangle around it), or the corners of the polygon in order.

    Raises
    ------
    BadData
        If there are too few points, or one is not finite.
    """

    id: str
    name: str
    kind: ShapeKind
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        points = tuple((float(column), float(row)) for column, row in self.points)
        object.__setattr__(self, "points", points)
        if self.kind not in ("rectangle", "ellipse", "polygon"):
            raise BadData("A region of an image is a rectangle, an ellipse or a polygon", where=str(self.kind))
        enough = len(points) == 2 if self.kind != "polygon" else 3 <= len(points) <= _MOST_POINTS
        if not enough or not all(math.isfinite(value) for point in points for value in point):
            raise BadData(f"A {self.kind} needs its corners", where=self.name or self.id)

    def mask(self, shape: tuple[int, ...]) -> BoolArray:
        """The pixels inside, for an image of shape (rows, columns) or a series (n,); bool of that shape.

        Of a cube (scans, rows, columns) the same pixels in every scan.
        """
        if len(shape) == 3:
            return np.array(np.broadcast_to(self.mask(shape[1:]), shape))
        rows, columns = (1, shape[0]) if len(shape) == 1 else shape
        y, x = np.mgrid[0:rows, 0:columns] + 0.5
        (x0, y0), (x1, y1) = self.points[0], self.points[1]
        if self.kind == "polygon":
            inside = _in_polygon(x, y, self.points)
        elif self.kind == "rectangle":
            inside = (x >= min(x0, x1)) & (x <= max(x0, x1)) & (y >= min(y0, y1)) & (y <= max(y0, y1))
        else:
            a, b = max(abs(x1 - x0) / 2, 1e-9), max(abs(y1 - y0) / 2, 1e-9)
            inside = ((x - (x0 + x1) / 2) / a) ** 2 + ((y - (y0 + y1) / 2) / b) ** 2 <= 1
        return np.asarray(inside.reshape(shape), dtype=bool)


def _in_polygon(x: NDArray[np.float64], y: NDArray[np.float64], points: tuple[tuple[float, float], ...]) -> BoolArray:
    """Even-odd rule: how many edges a ray to the right crosses."""
    inside = np.zeros(x.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(points, (*points[1:], points[0]), strict=True):
        if y0 == y1:
            continue
        crosses = (y0 <= y) != (y1 <= y)
        inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside


@dataclass(frozen=True)
class Place:
    """What is looked at.

    Attributes
    ----------
    index : tuple of int
        Navigation indices of one pixel, (row, column), of a cube as well; empty for none.
    roi : str
        Id of a `Roi`; "" for none. Without either: all pixels.
    scans : tuple of int
        First and last scan of a cube, both included, from 0; empty for all.
    outside : bool
        All pixels but those of the shape.
    """

    index: tuple[int, ...] = ()
    roi: str = ""
    scans: tuple[int, ...] = ()
    outside: bool = False

    def __str__(self) -> str:
        shape = f"{'out' if self.outside else 'roi'}:{self.roi}"
        text = shape if self.roi else ",".join(map(str, self.index)) if self.index else "all"
        return f"{text}@{self.scans[0]}-{self.scans[1]}" if self.scans else text

    @classmethod
    def parse(cls, text: str) -> Place:
        """The place that `str` wrote; "" is all.

        Raises
        ------
        BadData
            If it is none.
        """
        scans = _SCANS.search(text)
        if scans:
            within = cls.parse(text[: scans.start()])
            return cls(within.index, within.roi, (int(scans[1]), int(scans[2])), within.outside)
        if text in ("", "all"):
            return ALL
        if text.startswith("roi:"):
            return cls(roi=text[4:])
        if text.startswith("out:"):
            return cls(roi=text[4:], outside=True)
        if not _PIXEL.match(text):
            raise BadData("This is no place on an image", where=text[:40], todo="Write all, roi:NAME or row,column")
        return cls(tuple(int(word) for word in text.split(",")))

    def mask(self, shape: tuple[int, ...], rois: tuple[Roi, ...] = ()) -> BoolArray:
        """The pixels of this place; bool of the navigation's shape.

        Raises
        ------
        BadData
            If the pixel lies outside, or the shape holds no pixel.
        UnknownName
            If there is no such shape.
        """
        if self.scans:
            first, last = self.scans
            if len(shape) != 3 or not 0 <= first <= last < shape[0]:
                raise BadData(f"There are no scans {first + 1} to {last + 1}", todo="Choose scans that were measured")
            inside = np.zeros(shape, dtype=bool)
            everywhere = Place(self.index, self.roi, outside=self.outside).mask(shape, rois)
            inside[first : last + 1] = everywhere[first : last + 1]
            return inside
        if self.index and len(shape) == 3:
            return np.array(np.broadcast_to(Place(self.index).mask(shape[1:]), shape))
        if self.roi:
            found = next((roi for roi in rois if roi.id == self.roi), None)
            if found is None:
                raise UnknownName(f"There is no region {self.roi} on the image")
            inside = found.mask(shape)
            if not inside.any():
                raise BadData("The region holds no pixel", where=found.name, todo="Draw it over the image")
            if self.outside and inside.all():
                raise BadData("There is no pixel outside the region", where=found.name, todo="Draw it smaller")
            return ~inside if self.outside else inside
        if not self.index:
            return np.ones(shape, dtype=bool)
        if len(self.index) != len(shape) or any(not 0 <= i < n for i, n in zip(self.index, shape, strict=True)):
            raise BadData(f"There is no pixel {self} on an image of {' x '.join(map(str, shape))} pixels")
        inside = np.zeros(shape, dtype=bool)
        inside[self.index] = True
        return inside


ALL = Place()
