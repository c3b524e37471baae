"""Edits of the shapes of the shown image, each an undo step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.gui.document import Document
from app.gui.image.roi_edit import new_roi
from app.project.project import Entry
from fitting.image.place import ALL, Place, Roi, ShapeKind


class RoiEdits:
    """What the hand does to shapes.

    Parameters
    ----------
    document : Document
    shape : callable
        Rows and columns (or the length) of the picture of an entry.
    go : callable
        Looks at a place.
    say : callable
        Shows a message.
    """

    def __init__(
        self, document: Document, shape: Callable[[Entry], tuple[int, ...]], go: Callable[[Place], None],
        say: Callable[[str], None],
    ) -> None:
        self._document, self._shape, self._go, self._say = document, shape, go, say

    def draw(self, kind: ShapeKind, points: tuple[tuple[float, float], ...], series: bool) -> None:
        """A new shape; its pixels are looked at."""
        entry = self._document.entry
        if entry is None:
            return
        roi = new_roi(entry.rois, kind, points, series)
        if not roi.mask(self._shape(entry)).any():
            self._say("The shape holds the middle of no pixel: draw it larger")
            return
        self._say("")
        self._apply(f"Draw {roi.name}", entry, (*entry.rois, roi))
        self._go(Place(roi=roi.id))

    def change(self, changed: Roi) -> None:
        """A shape that was moved or pulled."""
        entry = self._document.entry
        if entry is not None and changed.mask(self._shape(entry)).any():
            rois = tuple(changed if roi.id == changed.id else roi for roi in entry.rois)
            self._apply(f"Change {changed.name}", entry, rois, merge=f"roi {entry.id} {changed.id}")

    def rename(self, id: str, name: str) -> None:
        """A shape of another name."""
        entry = self._document.entry
        if entry is not None and any(roi.id == id and roi.name != name for roi in entry.rois):
            rois = tuple(replace(roi, name=name) if roi.id == id else roi for roi in entry.rois)
            self._apply(f"Rename region of the image to {name}", entry, rois)

    def remove(self, id: str) -> None:
        """Take a shape away."""
        entry = self._document.entry
        gone = next((roi for roi in entry.rois if roi.id == id), None) if entry is not None else None
        if entry is not None and gone is not None:
            if self._document.place.roi == id:
                self._go(ALL)
            self._apply(f"Remove {gone.name}", entry, tuple(roi for roi in entry.rois if roi.id != id))

    def _apply(self, text: str, entry: Entry, rois: tuple[Roi, ...], merge: str = "") -> None:
        self._document.apply(text, self._document.project.with_entry(replace(entry, rois=rois)), merge=merge)
