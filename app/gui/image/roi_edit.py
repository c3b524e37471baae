"""What the hand does to a shape on an image: its handles, moving it, pulling a handle. In pixel coordinates."""

from __future__ import annotations

from dataclasses import replace

from app.project.project import fresh_id
from fitting.image.place import Roi, ShapeKind

Point = tuple[float, float]
LEAST = 1.0  # pixels: a shape is never narrower
NAMES = {"rectangle": "Rectangle", "ellipse": "Ellipse", "polygon": "Polygon"}


def handles(roi: Roi) -> tuple[Point, ...]:
    """Where it can be pulled: four corners, then the middles of four sides; of a polygon its corners."""
    if roi.kind == "polygon":
        return roi.points
    x0, x1, y0, y1 = box(roi)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x, y0), (x1, y), (x, y1), (x0, y))


def box(roi: Roi) -> tuple[float, float, float, float]:
    """Left, right, top and bottom."""
    columns, rows = [x for x, _ in roi.points], [y for _, y in roi.points]
    return min(columns), max(columns), min(rows), max(rows)


def moved(roi: Roi, dx: float, dy: float, shape: tuple[int, int]) -> Roi:
    """The shape moved by so many pixels, as far as the image of (rows, columns) reaches."""
    x0, x1, y0, y1 = box(roi)
    dx = min(max(dx, -x0), max(shape[1] - x1, -x0))
    dy = min(max(dy, -y0), max(shape[0] - y1, -y0))
    return replace(roi, points=tuple((x + dx, y + dy) for x, y in roi.points))


def pulled(roi: Roi, handle: int, to: Point, shape: tuple[int, int]) -> Roi:
    """The shape with a handle at another place inside the image."""
    x, y = min(max(to[0], 0.0), float(shape[1])), min(max(to[1], 0.0), float(shape[0]))
    if roi.kind == "polygon":
        points = list(roi.points)
        points[handle] = (x, y)
        return replace(roi, points=tuple(points))
    x0, x1, y0, y1 = box(roi)
    if handle in (0, 3, 7):
        x0 = min(x, x1 - min(LEAST, x1 - x0))
    if handle in (1, 2, 5):
        x1 = max(x, x0 + min(LEAST, x1 - x0))
    if handle in (0, 1, 4):
        y0 = min(y, y1 - min(LEAST, y1 - y0))
    if handle in (2, 3, 6):
        y1 = max(y, y0 + min(LEAST, y1 - y0))
    return replace(roi, points=((x0, y0), (x1, y1)))


def grown(roi: Roi, dx: float, dy: float, shape: tuple[int, int]) -> Roi:
    """The shape wider by dx and higher by dy pixels, its upper left corner where it is; a polygon stretched."""
    x0, x1, y0, y1 = box(roi)
    wide, high = min(max(x1 + dx, x0 + LEAST), shape[1]) - x0, min(max(y1 + dy, y0 + LEAST), shape[0]) - y0
    fx, fy = wide / max(x1 - x0, 1e-9), high / max(y1 - y0, 1e-9)
    return replace(roi, points=tuple((x0 + (x - x0) * fx, y0 + (y - y0) * fy) for x, y in roi.points))


def between(a: Point, b: Point, shape: tuple[int, int], series: bool = False) -> tuple[Point, Point]:
    """Corners of a box drawn from one point to another, on whole pixels, inside the image; a series over its height."""
    (x0, x1), (y0, y1) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    left, right = max(int(x0), 0), min(int(x1) + 1, shape[1])
    top, bottom = (0, shape[0]) if series else (max(int(y0), 0), min(int(y1) + 1, shape[0]))
    return (float(left), float(top)), (float(max(right, left + 1)), float(max(bottom, top + 1)))


def new_roi(rois: tuple[Roi, ...], kind: ShapeKind, points: tuple[Point, ...], series: bool = False) -> Roi:
    """A shape with an id and a name that no other has."""
    id = fresh_id("roi", {roi.id for roi in rois})
    stem, taken = ("Range" if series else NAMES[kind]), {roi.name for roi in rois}
    number = 1
    while f"{stem} {number}" in taken:
        number += 1
    return Roi(id, f"{stem} {number}", kind, points)
