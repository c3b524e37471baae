"""What is drawn on an image whose recipe crops it or joins its pixels: it stays where it is on the sample."""

from __future__ import annotations

from dataclasses import replace

from app.project.project import Entry
from fitting.image.profiles import Line
from fitting.processing.image_steps import Frame, frame
from fitting.recipe import Recipe

Point = tuple[float, float]


def reframed(entry: Entry, recipe: Recipe) -> Entry:
    """The entry with what is drawn on its image carried to the pixels that another recipe makes.

    Maps that were computed for other pixels no longer fit and are left out; they can be computed again, and undo
    brings them back.
    """
    before, after = frame(entry.recipe.steps), frame(recipe.steps)
    if before == after or not entry.spectrum.navigation:
        return entry

    def moved(point: Point) -> Point:
        return _between(point, before, after)

    rois = tuple(replace(roi, points=tuple(map(moved, roi.points))) for roi in entry.rois)
    lines = tuple(
        Line(line.id, line.name, moved(line.start), moved(line.end), line.width * before[2] / after[2])
        for line in entry.lines
    )
    return replace(entry, rois=rois, lines=lines, maps=())


def _between(point: Point, before: Frame, after: Frame) -> Point:
    raw = (before[0] + before[2] * point[0], before[1] + before[3] * point[1])
    return (raw[0] - after[0]) / after[2], (raw[1] - after[1]) / after[3]
