"""The depth profile of an entry's pixels, and traces along it: ions, sums, ratios, amounts of factors."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from app.project.project import Entry
from fitting.dataset import FloatArray, Noise, Spectrum
from fitting.image.place import ALL, Place
from fitting.sims.channel_terms import channel_names, described, read_term, term_words
from fitting.sims.cube import is_cube, profile_of
from fitting.sims.factor_traces import amounts_of, factor_of, factor_traces, is_factor
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, NotDetermined, SodaliteError

_KEPT = 4  # profiles of places that are remembered


def profile_at(entry: Entry, place: Place = ALL, *, progress: Progress | None = None,
               cancel: Cancel | None = None) -> Spectrum:
    """The processed depth profile; of a cube that of the pixels of a place (all scans), remembered.

    Raises
    ------
    BadData, UnknownName, Cancelled
        If it is no depth profile, or there is no such place.
    """
    spectrum = entry.processed()
    if not is_cube(spectrum):
        if len(spectrum.navigation) != 1 or not spectrum.axis.labels:
            raise BadData("This is no depth profile of ions", where=entry.title, todo="Open a profile or a cube")
        return spectrum
    place = replace(place, scans=())
    key = (str(place), next((roi for roi in entry.rois if roi.id == place.roi), None))
    known: dict[object, Spectrum] = spectrum.__dict__.setdefault("_depth_profiles", {})
    if key not in known:
        shape = tuple(len(axis) for axis in spectrum.navigation)
        mask = None if place == ALL else place.mask(shape[1:], entry.rois)
        name = place_name(entry, place) if is_part(entry, place) else ""
        found = profile_of(spectrum, mask, name=name, progress=progress, cancel=cancel)
        if len(known) >= _KEPT:
            known.pop(next(iter(known)))
        known[key] = found
    return known[key]


def is_part(entry: Entry, place: Place) -> bool:
    """Whether the profile at a place is that of some pixels of a cube only."""
    return len(entry.spectrum.navigation) == 3 and bool(place.roi or place.index)


def place_name(entry: Entry, place: Place) -> str:
    """The profile at a place of a cube in words."""
    if not is_part(entry, place):
        return f"Profile of {entry.title}"
    roi = next((one for one in entry.rois if one.id == place.roi), None)
    words = roi.name if roi is not None else f"Pixel ({', '.join(map(str, reversed(place.index)))})"
    return f"{entry.title}, all but {words}" if place.outside and roi is not None else f"{entry.title}, {words}"


def trace_choices(entry: Entry) -> tuple[tuple[str, str], ...]:
    """(trace, words) of what interfaces and layers can be told from: factors, then single ions, sums, the rest."""
    axis = entry.spectrum.axis
    names, known = channel_names(axis), described(axis)
    rank = {"single": 0, "sum": 1, "ratio": 2, "total": 3}
    places = sorted(range(len(names)), key=lambda i: rank.get(known[i].label.kind, 4))
    ions = tuple((names[i], term_words(axis, names[i])) for i in places)
    return (*factor_traces(entry), *ions)


def trace_words(entry: Entry, trace: str) -> str:
    """A trace as people write it; as it stands where it does not exist."""
    try:
        if is_factor(trace):
            about, index = factor_of(entry, trace)
            return about.names[index]
        return term_words(entry.spectrum.axis, trace)
    except SodaliteError:
        return trace


def trace_values(entry: Entry, profile: Spectrum, trace: str) -> tuple[FloatArray, FloatArray, Noise]:
    """A trace along a profile.

    Returns
    -------
    values, errors : array, shape (points,)
        Errors are NaN where the noise is not known.
    noise : Noise
        Of the values, as fits take it.

    Raises
    ------
    UnknownName, NotDetermined, BadData
        If there is no such trace.
    """
    if is_factor(trace):
        values, errors = amounts_of(entry, trace)
        if values.shape != (len(profile.navigation[0]),):
            raise BadData("The factor analysis belongs to other points of this profile",
                          where=trace_words(entry, trace), todo="Repeat the factor analysis")
        # Amounts are counts shared among factors: variance grows with the amount, its size comes from the residuals.
        return values, errors, Noise("poisson", None)
    term = read_term(profile.axis, trace)
    data = profile.y
    values = term.factor * data[:, list(term.upper)].sum(axis=1)
    noise = profile.noise
    if term.ratio:
        below = data[:, list(term.lower)].sum(axis=1)
        if not np.all(below > 0):
            raise NotDetermined("A ratio with zero counts below its line is no trace of an interface", where=trace,
                                todo="Choose the ion itself")
        return values / below, np.full(values.shape, math.nan), Noise("unknown")
    if noise.kind == "poisson":
        noise = replace(noise, gain=None if noise.gain is None else term.factor * noise.gain)
        spread = np.sqrt(noise.gain * values) if noise.gain is not None else np.full(values.shape, math.nan)
        return values, spread, noise
    if noise.kind == "gaussian" and noise.known:
        read = noise.read_noise * term.factor * math.sqrt(len(term.upper))
        return values, np.full(values.shape, read), replace(noise, read_noise=read)
    return values, np.full(values.shape, math.nan), Noise("unknown")
