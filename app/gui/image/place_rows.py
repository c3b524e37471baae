"""The rows of the list of places, and the words under the picture."""

from __future__ import annotations

import math

from app.gui import theme
from app.gui.image.colouring import label
from app.gui.image.place_view import roi_colour
from app.gui.image.places_list import PlaceRow
from app.project.place_words import pixel_words
from app.project.project import Entry
from fitting.dataset import Spectrum
from fitting.image.classes import class_word, is_classes
from fitting.image.maps import Map
from fitting.image.place import ALL, Place
from fitting.sims.cube_maps import lateral


def place_rows(entry: Entry, image: Spectrum, place: Place, *, cursor: bool) -> tuple[PlaceRow, ...]:
    """All pixels, the pixel under the cursor (if there is one), the shapes of an entry."""
    shape = tuple(len(axis) for axis in lateral(image.navigation))
    word = "spectra" if len(shape) == 1 else "pixels"
    rows = [PlaceRow(ALL, f"All {word}", math.prod(shape))]
    if cursor:
        rows.append(PlaceRow(place, pixel_words(image, place), 1, theme.current().series[0]))
    for roi in entry.rois:
        outside = place.outside and place.roi == roi.id
        inside = int(roi.mask(shape).sum())
        rows.append(PlaceRow(Place(roi=roi.id, outside=outside), f"Outside {roi.name}" if outside else roi.name,
                             math.prod(shape) - inside if outside else inside, roi_colour(entry.rois, roi.id).name()))
    return tuple(rows)


def value_words(image: Spectrum, place: Place, one: Map | None, value: float, levels: tuple[float, float]) -> str:
    """A pixel with its value and what its flag means: "Pixel (30, 12):  4.2 eV  (saturated)"."""
    words = pixel_words(image, place)
    if one is None:
        return words
    number = label(value, *levels)
    if is_classes(one):
        number = class_word(one, value) or number
    words += f":  {number} {one.unit}".rstrip()
    if one.flags is not None and one.flags[place.index]:
        words += f"  ({dict(one.legend).get(int(one.flags[place.index]), 'flagged')})"
    return words
