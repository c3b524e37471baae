"""A region of an image as it stands for the pixels that are looked at: its own model, that of the pixel, or scaled.

A region has one model, which belongs to the place where it was fitted or edited last (`RegionFit.place`). Elsewhere
on the image

- a pixel has the model that a fit of every pixel (`app.project.image_fit`) found for it, where there is one for this
  region as it is;
- all other places have the region's model with its amounts multiplied by the number of their pixels over that of the
  place it belongs to.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from app.project.project import Entry, RegionFit
from fitting.backgrounds import kind as background_kind
from fitting.image.maps import Map
from fitting.image.place import ALL, Place
from fitting.line_shape import ShapeParameter
from fitting.model import BACKGROUND, FitModel, from_json
from fitting.shapes import shape
from libraries.errors import SodaliteError

KIND = "fit"  # of maps that a fit of every pixel made
Source = Literal["own", "pixel", "scaled"]


@dataclass(frozen=True, eq=False)
class RegionAt:
    """A region at a place.

    Attributes
    ----------
    fit : RegionFit
        With the model for that place; the result only where it was fitted there.
    source : "own", "pixel" or "scaled"
        The region's own model; that of a fit of every pixel; the region's, scaled.
    reduced_chi2 : float
        Of the pixel; NaN for other sources.
    flag : str
        What the fit of the pixel says in words; "" where it is good.
    """

    fit: RegionFit
    source: Source = "own"
    reduced_chi2: float = math.nan
    flag: str = ""


def words(place: Place) -> str:
    """A place as `RegionFit.place` keeps it."""
    return "" if place == ALL else str(place)


def is_image(entry: Entry) -> bool:
    """Whether its regions are fitted to places of it: images and series of energy-loss spectra."""
    return bool(entry.spectrum.navigation) and entry.spectrum.meta.technique == "eels"


def region_at(entry: Entry, fit: RegionFit, place: Place) -> RegionAt:
    """The region as it stands for a place of the image; of a single spectrum as it is."""
    if not is_image(entry) or fit.place == words(place):
        return RegionAt(fit)
    if place.index:
        found = _of_pixel(entry, fit, place.index)
        if found is not None:
            return found
    try:
        factor = pixels_at(entry, place) / pixels_at(entry, Place.parse(fit.place))
    except SodaliteError:  # the shape that it was fitted to is gone
        factor = 1.0
    return RegionAt(RegionFit(fit.id, scaled(fit.model, factor), None, words(place)), "scaled")


def pixels_at(entry: Entry, place: Place) -> int:
    """How many pixels a place has.

    Raises
    ------
    BadData, UnknownName
        If there is no such place.
    """
    shape_ = tuple(len(axis) for axis in entry.processed().navigation)
    return math.prod(shape_) if place == ALL else int(np.count_nonzero(place.mask(shape_, entry.rois)))


def scaled(model: FitModel, factor: float) -> FitModel:
    """The model of a spectrum that is `factor` times as intense: amounts and their finite bounds multiplied."""
    if factor == 1:
        return model
    changes = {}
    for name, param in model.params.items():
        if _parameter(model, name).unit.startswith("I"):
            low, high = sorted((param.minimum * factor, param.maximum * factor))
            changes[name] = replace(param, value=param.value * factor, minimum=low, maximum=high)
    changed = model.with_params(changes)
    background = changed.background
    if background.anchors:
        anchors = tuple((x, y * factor) for x, y in background.anchors)
        changed = replace(changed, background=replace(background, anchors=anchors))
    return changed


def _parameter(model: FitModel, name: str) -> ShapeParameter:
    owner, _, short = name.partition(".")
    if owner == BACKGROUND:
        return background_kind(model.background.kind).parameter(short)
    return next(p for p in shape(model.component(owner).shape).parameters if p.name == short)


# ------------------------------------------------------------------------------------------- fits of every pixel


def runs(entry: Entry, fit_id: str = "") -> tuple[str, ...]:
    """Groups of maps that fits of every pixel made, oldest first: of all regions, or of one."""
    found = (m for m in entry.maps if m.kind == KIND and (not fit_id or m.param("region") == fit_id))
    return tuple(dict.fromkeys(m.group for m in found))


def model_at(entry: Entry, fit_id: str, index: tuple[int, ...]) -> FitModel | None:
    """The model that the last fit of every pixel found for a pixel; None where there is none.

    Parameters
    ----------
    entry : Entry
    fit_id : str
        The region.
    index : tuple of int
        Navigation indices of the pixel.
    """
    found = _of_pixel(entry, entry.fit(fit_id), index)
    return None if found is None else found.fit.model


def _of_pixel(entry: Entry, fit: RegionFit, index: tuple[int, ...]) -> RegionAt | None:
    groups = runs(entry, fit.id)
    if not groups:
        return None
    maps = [m for m in entry.maps if m.group == groups[-1] and m.kind == KIND]
    status = next((m for m in maps if m.param("model")), None)
    if status is None or status.data_hash != entry.processed().hash or len(index) != len(status.shape):
        return None
    model = _fitted_model(str(status.param("model")))
    inside = all(0 <= i < n for i, n in zip(index, status.shape, strict=True))
    if not inside or _skeleton(model) != _skeleton(fit.model):
        return None
    values = {str(m.param("parameter")): float(m.values[index]) for m in maps if m.param("parameter")}
    if not values or not all(map(math.isfinite, values.values())):
        return None
    chi = next((m for m in maps if m.param("quantity") == "reduced_chi2"), None)
    return RegionAt(
        RegionFit(fit.id, model.with_values(values), None, words(Place(index))), "pixel",
        float(chi.values[index]) if chi is not None else math.nan, flag_words(status, index),
    )


def flag_words(one: Map, index: tuple[int, ...]) -> str:
    """What the flag of a pixel says; "" where it is good."""
    code = int(one.flags[index]) if one.flags is not None else 0
    return dict(one.legend).get(code, f"flag {code}") if code else ""


@lru_cache(maxsize=8)
def _fitted_model(text: str) -> FitModel:
    return from_json(text)


def _skeleton(model: FitModel) -> tuple[object, ...]:
    """What must be the same for values of one model to be values of another."""
    parts = tuple((c.id, c.shape) for c in model.components)
    return model.region, model.background.kind, parts
