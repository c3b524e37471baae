"""Traces of a depth profile: ions, sums and ratios over time, dose, fluence or depth, normalised, with their errors.

Counts of different ions are independent; an ion is part of the total, of a sum that holds it, and of the sum of all
ions. Of a fraction f = A/B with A within B the variance is f^2 (var A/A^2 + var B/B^2 - 2 cov/(A B)) with cov = var A,
which for counts is the binomial f (1 - f)/B (G. Bohm, G. Zech, Introduction to Statistics and Data Analysis for
Physicists, DESY 2010, chapter 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fitting.dataset import AXIS_LABELS, FloatArray, Noise, Spectrum
from fitting.sims.channel_terms import Term, channel_names, described, overlap, read_term, term_words
from fitting.sims.columns import Column
from fitting.sims.ion_names import RESOLUTION
from fitting.sims.setup import ProfileLook
from libraries.errors import BadData

AXES = ("time", "dose", "fluence", "depth", "scan")
FLUENCE = 1e12  # ions/cm²: the unit of "counts a fluence"
_CHOSEN = 8
_DECADES, _LEAST = 3.5, 2.0  # below the strongest ion; logarithm of counts


@dataclass(frozen=True, eq=False)
class Along:
    """The numbers along a profile.

    Attributes
    ----------
    values : array, shape (n,)
    quantity, unit : str
        "time", "s".
    """

    values: FloatArray
    quantity: str
    unit: str

    @property
    def label(self) -> str:
        """Title of a plot's axis."""
        name = {"time": "Sputter time"}.get(self.quantity, AXIS_LABELS.get(self.quantity, self.quantity))
        return f"{name} ({self.unit})" if self.unit else name


@dataclass(frozen=True, eq=False)
class Trace:
    """One trace.

    Attributes
    ----------
    name : str
        As it was asked for.
    label : str
        Chemically written, with alternatives.
    x, y : array, shape (n,)
        NaN in `y` where a denominator is zero.
    error : array, shape (n,)
        One standard error of counting; NaN where it is not determined.
    unit : str
        "counts", "counts per 10¹² ions/cm²", or "" for a plain number.
    ratio : bool
    """

    name: str
    label: str
    x: FloatArray
    y: FloatArray
    error: FloatArray
    unit: str
    ratio: bool = False


def axes_of(spectrum: Spectrum, depth: FloatArray | None = None) -> dict[str, Along]:
    """All numbers that a profile can be drawn over, the file's own first."""
    own = spectrum.navigation[0]
    found = {axis.quantity: Along(axis.values, axis.quantity, axis.unit) for axis in (own, *spectrum.scales)}
    if depth is not None:
        found["depth"] = Along(np.asarray(depth, dtype=float), "depth", "nm")
    found.setdefault("scan", Along(np.arange(1.0, len(own) + 1), "scan", ""))
    return found


def along(spectrum: Spectrum, wanted: str = "", depth: FloatArray | None = None) -> Along:
    """The numbers that a profile is drawn over.

    Raises
    ------
    BadData
        If the file does not tell them.
    """
    found = axes_of(spectrum, depth)
    if not wanted:
        return next(iter(found.values()))
    if wanted not in found:
        todo = "Give a sputter rate or the crater's depth on the Depth page" if wanted == "depth" else \
            f"There are: {', '.join(found)}"
        raise BadData(f"There is no {AXIS_LABELS.get(wanted, wanted).lower()} axis", where=spectrum.name, todo=todo)
    return found[wanted]


def traces(spectrum: Spectrum, look: ProfileLook, depth: FloatArray | None = None, *,
           resolution: float = RESOLUTION) -> list[Trace]:
    """The traces of a look at a profile.

    Parameters
    ----------
    spectrum : Spectrum
        Shape (points, ions).
    look : ProfileLook
        Without ions: those of `choice`.
    depth : array, shape (points,), optional
        nm, for the axis "depth".
    resolution : float
        m/dm, for alternatives in labels.

    Raises
    ------
    UnknownName, BadData
        If an ion, a column or an axis does not exist.
    """
    if len(spectrum.navigation) != 1 or not spectrum.axis.labels:
        raise BadData("This is no depth profile of ions", where=spectrum.name)
    place = along(spectrum, look.axis, depth)
    below = _below(spectrum, look)
    found = []
    for text in look.ions or choice(spectrum):
        term = read_term(spectrum.axis, text)
        y, error, unit = _values(spectrum, term, look, below)
        label = term_words(spectrum.axis, text, resolution)
        found.append(Trace(text, label, place.values, y, error, unit, term.ratio))
    return found


def choice(spectrum: Spectrum, most: int = _CHOSEN) -> tuple[str, ...]:
    """Strong ions of different course: what is drawn before anybody chose.

    One after the other, the ion whose course is least like those that are chosen already, weighted by the logarithm of
    its counts.
    """
    places = list(single_places(spectrum))
    if not places:
        return channel_names(spectrum.axis)[:most]
    data = np.sqrt(np.maximum(spectrum.y[:, places], 0.0))
    strength = np.log10(1.0 + (data**2).sum(axis=0))
    unit = data / np.maximum(np.sqrt((data**2).sum(axis=0)), 1e-300)
    alike = unit.T @ unit
    # Not those that are mostly zero beside strong ones: their courses differ by noise alone.
    strength[strength < max(float(strength.max()) - _DECADES, _LEAST)] = 0.0
    chosen = [int(np.argmax(strength))]
    while len(chosen) < min(most, max(int(np.count_nonzero(strength)), 1)):
        score = strength * (1.0 - alike[:, chosen].max(axis=1) + 1e-6)
        score[chosen] = -1.0
        chosen.append(int(np.argmax(score)))
    names = channel_names(spectrum.axis)
    return tuple(names[places[i]] for i in sorted(chosen, key=lambda i: places[i]))


def moving_mean(y: FloatArray, points: int) -> FloatArray:
    """Mean over `points` neighbours, fewer at the ends and beside gaps: for drawing, nothing is computed from it."""
    if points < 2:
        return y
    there = np.isfinite(y)
    kernel = np.ones(2 * (points // 2) + 1)
    total = np.convolve(np.where(there, y, 0.0), kernel)[points // 2 : points // 2 + y.size]
    number = np.convolve(there.astype(float), kernel)[points // 2 : points // 2 + y.size]
    return np.where(there, total / np.maximum(number, 1.0), np.nan)


def share_of_total(spectrum: Spectrum) -> tuple[float, float] | None:
    """Which share of the file's total column the single ions add up to, with its error; None without such a column.

    The error is that of a binomial share; NaN where the noise is not known.
    """
    total = total_place(spectrum)
    if total is None:
        return None
    data = spectrum.y
    whole, part = float(data[:, total].sum()), float(data[:, list(single_places(spectrum))].sum())
    if not whole > 0:
        return None
    share = part / whole
    gain = _gain(spectrum.noise)
    inside = max(share * (1.0 - share), 0.0)
    error = np.sqrt(inside * gain / whole) if gain is not None else np.nan
    return share, float(error)


def single_places(spectrum: Spectrum) -> tuple[int, ...]:
    """Places of the independent channels: single ions, each once."""
    return tuple(column.place for column in described(spectrum.axis) if column.counted)


def total_place(spectrum: Spectrum) -> int | None:
    """Place of the file's total column."""
    return next((c.place for c in described(spectrum.axis) if c.label.text.strip().lower() == "total"), None)


def variance_of(noise: Noise, counts: FloatArray) -> FloatArray:
    """Variance of intensities as their noise says, NaN where it is not known."""
    gain = _gain(noise)
    if noise.kind == "gaussian" and noise.known:
        return np.full(counts.shape, noise.read_noise**2)
    if gain is None:
        return np.full(counts.shape, np.nan)
    return gain * np.maximum(counts, 0.0) + noise.read_noise**2


def _gain(noise: Noise) -> float | None:
    return noise.gain if noise.kind == "poisson" else None


@dataclass(frozen=True, eq=False)
class _Below:
    """A denominator: its counts, their variance, and the channels it is made of."""

    counts: FloatArray
    variance: FloatArray
    places: tuple[int, ...]


def _below(spectrum: Spectrum, look: ProfileLook) -> _Below | None:
    """What all traces are divided by."""
    if look.normal in ("", "maximum"):
        return None
    if look.normal == "fluence":
        dose = fluence_a_point(spectrum) / FLUENCE
        return _Below(dose, np.zeros_like(dose), ())
    if look.normal == "total":
        place = total_place(spectrum)
        if place is None:
            raise BadData("The file holds no total column", where=spectrum.name, todo="Normalise to the sum of ions")
        return _group(spectrum, (place,))
    if look.normal == "sum":
        places = single_places(spectrum)
        if not places:
            raise BadData("The file holds no single ions to be added up", where=spectrum.name)
        return _group(spectrum, places)
    if not look.reference:
        raise BadData("No reference ion is chosen", where=spectrum.name, todo="Choose the ion to normalise to")
    term = read_term(spectrum.axis, look.reference)
    if term.ratio:
        raise BadData("A ratio is no reference ion", where=look.reference)
    return _group(spectrum, term.upper)


def fluence_a_point(spectrum: Spectrum) -> FloatArray:
    """Primary ions an area of each point, ions/cm²: steps of the fluence column (of both beams, as the file counts).

    The first point takes the step that follows it: the column's first number is no step of the same kind. In dual-beam
    profiles the first point comes before any sputtering, so that it counts the analysis beam alone (a hundredth of a
    step in measured files); where points were left out it counts these as well.

    Raises
    ------
    BadData
        If the file tells no fluence.
    """
    axis = next((a for a in (*spectrum.navigation[:1], *spectrum.scales) if a.quantity == "fluence"), None)
    if axis is None or len(axis) < 2:
        raise BadData("The file tells no primary fluence", where=spectrum.name, todo="Normalise to the total instead")
    steps = np.diff(axis.values)
    return np.concatenate([steps[:1], steps])


def _group(spectrum: Spectrum, places: tuple[int, ...]) -> _Below:
    counts = spectrum.y[:, list(places)]
    return _Below(counts.sum(axis=1), variance_of(spectrum.noise, counts).sum(axis=1), places)


def _values(
    spectrum: Spectrum, term: Term, look: ProfileLook, below: _Below | None
) -> tuple[FloatArray, FloatArray, str]:
    """Heights, errors and unit of a trace."""
    above = _group(spectrum, term.upper)
    unit = {"counts/s": "counts/s"}.get(spectrum.meta.intensity_unit, "counts")
    if term.ratio:
        y, variance = _fraction(spectrum, above, _group(spectrum, term.lower))
        unit = ""
    elif below is None:
        y, variance = above.counts, above.variance
    else:
        y, variance = _fraction(spectrum, above, below)
        unit = "counts per 10¹² ions/cm²" if look.normal == "fluence" else ""
    y, error = term.factor * y, term.factor * np.sqrt(variance)
    if look.normal == "maximum":
        top = float(np.nanmax(y)) if np.isfinite(y).any() else 0.0
        if top > 0:
            y, error, unit = y / top, error / top, ""
    return y, error, unit


def _fraction(spectrum: Spectrum, above: _Below, below: _Below) -> tuple[FloatArray, FloatArray]:
    """A/B and its variance, with what A and B have in common; NaN where B is zero."""
    there = below.counts > 0
    bottom = np.where(there, below.counts, np.nan)
    f = above.counts / bottom
    covariance = common_variance(spectrum, above.places, below.places)
    variance = (above.variance + f**2 * below.variance - 2.0 * f * covariance) / bottom**2
    # An ion that is all of its denominator has no error, but for rounding.
    small = 1e-9 * (above.variance + f**2 * below.variance) / bottom**2
    return f, np.where(np.abs(variance) <= small, 0.0, np.maximum(variance, 0.0))


def common_variance(spectrum: Spectrum, first: Sequence[int], second: Sequence[int]) -> FloatArray:
    """Covariance of two sums of channels at each point; NaN where channels share ions that have no own channel."""
    known = described(spectrum.axis)
    counts = spectrum.y
    found = np.zeros(counts.shape[0])
    for a in first:
        for b in second:
            kind = overlap(known[a], known[b])
            if kind in (1, 2):
                # A member that a total or a sum of all ions holds: its whole variance is shared.
                found += variance_of(spectrum.noise, counts[:, a if kind == 1 else b])
            elif kind == 3:
                found += _shared(spectrum, known, known[a], known[b])
    return found


def _shared(spectrum: Spectrum, known: tuple[Column, ...], a: Column, b: Column) -> FloatArray:
    """Variance of the ions that two overlapping sums share, from their own channels."""
    keys = {(ion.isotopes, ion.charge) for ion in a.label.ions} & {(ion.isotopes, ion.charge) for ion in b.label.ions}
    found = np.zeros(spectrum.pixels)
    for key in keys:
        place = next((c.place for c in known if c.counted and c.label.ions
                      and (c.label.ions[0].isotopes, c.label.ions[0].charge) == key), None)
        if place is None:
            return np.full(spectrum.pixels, np.nan)
        found += variance_of(spectrum.noise, spectrum.y[:, place])
    return found
