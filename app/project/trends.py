"""Quantities along a series, over samples or over files: compositions, and numbers of components.

A point is one sample, or one level of its series; a quantity is what is read off each point; a reading is the number
with its error, or the reason why there is none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from app.project.compose import composition
from app.project.project import Entry, Project, RegionFit
from fitting.peaks import PeakNumbers, error_factor, peak_numbers
from fitting.result import FitResult
from fitting.shapes import shape
from fitting.solver import Cancel, Progress
from fitting.xps.quantify import Composition
from libraries.errors import BadModel, Cancelled, SodaliteError

NUMBERS = {"position": "position", "fwhm": "FWHM", "area": "area", "share": "share of the region's area"}
ATOMS, CHI2, RATIO = "at.%", "reduced χ²", "ratio"
ABSENT = "not here"
TWICE = "several regions of that name, the first is shown"


@dataclass(frozen=True)
class Point:
    """A sample, or one level of its series.

    Attributes
    ----------
    number : int
        Place in the list, from 1.
    sample, name : str
        Id and name of the sample.
    variable, value, unit : str, float or None, str
        What was varied; None where the sample is no series.
    file : str
        Name of the file it came from, "" where its spectra came from several.
    entries : tuple of str
        Ids of its spectra.
    """

    number: int
    sample: str
    name: str
    variable: str
    value: float | None
    unit: str
    file: str
    entries: tuple[str, ...]

    @property
    def title(self) -> str:
        """In lists: "Cycled, 12 s"."""
        if self.value is None or f"{self.value:.6g}" in self.name.split():
            return self.name
        return f"{self.name}, {self.value:.6g} {self.unit}".rstrip()


@dataclass(frozen=True, order=True)
class Quantity:
    """What is read off each point.

    Attributes
    ----------
    kind : str
        "at.%", "position", "fwhm", "area", "share", "reduced χ²" or "ratio".
    region, component : str
        Names; for at.% the component is the element.
    unit : str
    of : tuple of two Quantity
        What a ratio is made of; () for all others.
    """

    kind: str
    region: str = ""
    component: str = ""
    unit: str = ""
    of: tuple[Quantity, ...] = ()

    @property
    def title(self) -> str:
        """In lists and legends."""
        if self.kind == ATOMS:
            return f"{self.component} at.%"
        if self.kind == CHI2:
            return f"{self.region}: {CHI2}"
        if self.kind == RATIO:
            return f"{self.of[0].title} / {self.of[1].title}"
        return f"{self.region}, {self.component}: {NUMBERS[self.kind]}"

    @property
    def heading(self) -> str:
        """With its unit in brackets, as a column of a table; "" for what is not there."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title


@dataclass(frozen=True)
class Reading:
    """A number with its standard error; `flag` says what is wrong with it, "" for nothing.

    `error` is None where it was not fitted and NaN where it is not determined; `value` is NaN where there is none.
    """

    value: float = math.nan
    error: float | None = None
    flag: str = ""

    @property
    def there(self) -> bool:
        """Whether there is a number."""
        return math.isfinite(self.value)

    @property
    def absent(self) -> bool:
        """Whether nothing was looked for: no such element, region or component at this point."""
        return self.flag.startswith(ABSENT)


@dataclass(frozen=True, eq=False)
class Trend:
    """Quantities at points; `readings[i][j]` is quantity j at point i."""

    points: tuple[Point, ...]
    quantities: tuple[Quantity, ...]
    readings: tuple[tuple[Reading, ...], ...]


def points(project: Project, sample: str | None = None) -> tuple[Point, ...]:
    """All samples, or the levels of their series, in order: levels ascending within a sample."""
    found: list[Point] = []
    for item in project.samples:
        if sample is not None and item.id != sample:
            continue
        levels: dict[tuple[str, float | None, str], list[Entry]] = {}
        for entry in project.entries_of(item.id):
            if not entry.spectrum.navigation:
                levels.setdefault((entry.variable, entry.value, entry.unit), []).append(entry)
        # Spectra without a level (a survey beside a profile) are no point of the profile.
        keys = [key for key in levels if key[1] is not None] or list(levels)
        for key in sorted(keys, key=lambda k: (k[0], -math.inf if k[1] is None else k[1], k[2])):
            members = levels[key]
            files = {entry.spectrum.meta.file for entry in members}
            found.append(
                Point(len(found) + 1, item.id, item.name, *key, files.pop() if len(files) == 1 else "",
                      tuple(entry.id for entry in members))
            )
    return tuple(found)


def quantities(project: Project, places: Sequence[Point]) -> tuple[Quantity, ...]:
    """All that can be read off the points: elements first, then region by region."""
    elements: dict[str, None] = {}
    regions: dict[str, dict[Quantity, None]] = {}
    table = {entry.id: entry for entry in project.entries}
    for point in places:
        for id in point.entries:
            entry = table[id]
            unit = entry.spectrum.axis.unit
            intensity = entry.spectrum.meta.intensity_unit
            for fit in entry.fits:
                if not fit.model.components:
                    continue
                here = regions.setdefault(region_name(fit), {})
                for component in fit.model.components:
                    name = component.name or component.id
                    if component.quantify and component.line:
                        elements.setdefault(component.line.split()[0])
                    for kind, measure in (
                        ("position", unit), ("fwhm", unit), ("area", f"{intensity} {unit}"), ("share", "%")
                    ):
                        here.setdefault(Quantity(kind, region_name(fit), name, measure))
                here.setdefault(Quantity(CHI2, region_name(fit)))
    # Chi2 stands behind the components of its region.
    rows = [q for table in regions.values() for q in sorted(table, key=lambda q: q.kind == CHI2)]
    return (*(Quantity(ATOMS, "", element, ATOMS) for element in elements), *rows)


def region_name(fit: RegionFit) -> str:
    """Name by which the regions of different spectra are one column."""
    return fit.name


def trend(
    project: Project, places: Sequence[Point], wanted: Sequence[Quantity],
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Trend:
    """The readings of quantities at points.

    Raises
    ------
    Cancelled
        If the user stopped it.
    """
    table = {entry.id: entry for entry in project.entries}
    rows = []
    for number, point in enumerate(places):
        if cancel is not None and cancel():
            raise Cancelled("The table was not finished")
        if progress is not None:
            progress(number / len(places), point.title)
        rows.append(_row(project, table, point, wanted))
    return Trend(tuple(places), tuple(wanted), tuple(rows))


def _row(project: Project, table: dict[str, Entry], point: Point, wanted: Sequence[Quantity]) -> tuple[Reading, ...]:
    here = _Here(project, table, point)
    return tuple(here.ratio(*q.of) if q.kind == RATIO else here.reading(q) for q in wanted)


def ratio_of(one: Quantity, other: Quantity) -> Quantity:
    """The ratio of two quantities.

    Raises
    ------
    BadModel
        If one of them is a ratio itself.
    """
    if RATIO in (one.kind, other.kind):
        raise BadModel("A ratio is made of two quantities that are no ratios")
    return Quantity(RATIO, of=(one, other))


class _Here:
    """What can be read off one point."""

    def __init__(self, project: Project, table: dict[str, Entry], point: Point) -> None:
        self._project, self._table, self._point = project, table, point
        self._fits = {region_name(fit): (table[id], fit) for id in reversed(point.entries) for fit in table[id].fits}
        names = [region_name(fit) for id in point.entries for fit in table[id].fits]
        self._twice = {name for name in names if names.count(name) > 1}

    def reading(self, quantity: Quantity) -> Reading:
        if quantity.kind == ATOMS:
            return self._atoms(quantity.component)
        found = _peak(self._fits.get(quantity.region), quantity)
        if quantity.region in self._twice:
            # What is not in the table must be told: two spectra of one line in one sample.
            return replace(found, flag="; ".join(filter(None, (found.flag, TWICE))))
        return found

    def _atoms(self, element: str) -> Reading:
        try:
            table = _composition(self._project, self._table, self._point)
        except SodaliteError as error:
            return Reading(flag=error.what)
        bad = [f"{name} {state(fit)}" for name, (_, fit) in self._fits.items()
               if fit.model.components and (fit.result is None or not fit.result.success)]
        for row in table.elements:
            if row.element == element:
                flag = "" if row.determined else f"not above its detection limit, at most {row.high:.2g} at.%"
                return Reading(row.at_percent, row.at_percent_err, "; ".join(filter(None, (*bad, flag))))
        return Reading(flag=f"{ABSENT}: no {element} in the composition")

    def ratio(self, one: Quantity, other: Quantity) -> Reading:
        """A ratio with its error; numbers of one fit or one composition with their covariance."""
        a, b = self.reading(one), self.reading(other)
        flag = "; ".join(dict.fromkeys(filter(None, (a.flag, b.flag))))
        if not (a.there and b.there) or b.value == 0:
            return Reading(flag=flag or "the divisor is zero")
        value = a.value / b.value
        if a.error is None or b.error is None:
            return Reading(value, None, flag)
        variance = a.error**2 + (value * b.error) ** 2 - 2 * value * self._covariance(one, other)
        return Reading(value, math.sqrt(max(variance, 0.0)) / abs(b.value) if variance == variance else math.nan, flag)

    def _covariance(self, one: Quantity, other: Quantity) -> float:
        """Of two quantities, where both are areas of one fit or atoms of one composition; else 0."""
        if one.kind == other.kind == ATOMS:
            table = _composition(self._project, self._table, self._point)
            rows = [np.array([row.element == q.component for row in table.rows], float) for q in (one, other)]
            return float(rows[0] @ table.covariance @ rows[1])
        if one.kind == other.kind == "area" and one.region == other.region:
            entry, fit = self._fits[one.region]
            names = [row.id for row in _numbers(entry, fit)]
            titles = [row.name for row in _numbers(entry, fit)]
            places = [titles.index(one.component), titles.index(other.component)]
            if fit.result is not None:
                return float(_area_covariance(fit.result, [names[i] for i in places])[0, 1])
        return 0.0


def _area_covariance(result: FitResult, ids: Sequence[str]) -> np.ndarray:
    """Covariance of the areas of components, shape (n, n), with the enlargement that their errors carry."""
    names = [f"{id}.{shape(result.model.component(id).shape).names[0]}" for id in ids]
    return result.covariance_of(names) * error_factor(result) ** 2


def _peak(found: tuple[Entry, RegionFit] | None, quantity: Quantity) -> Reading:
    if found is None:
        return Reading(flag=f"{ABSENT}: no such region")
    entry, fit = found
    flag = state(fit)
    if quantity.kind == CHI2:
        if fit.result is None:
            return Reading(flag=flag)
        return Reading(fit.result.reduced_chi2, None, flag)
    if fit.result is None:
        return Reading(flag=flag)
    for row in _numbers(entry, fit):
        if row.name == quantity.component:
            if sum(other.name == row.name for other in _numbers(entry, fit)) > 1:
                flag = "; ".join(filter(None, (flag, f"several components are called {row.name}, the first is shown")))
            if quantity.kind == "share":
                return Reading(100 * row.share, _share_error(_numbers(entry, fit), row, fit.result), flag)
            return _number(row, fit.result, quantity.kind, flag)
    return Reading(flag=f"{ABSENT}: no such component")


def _number(row: PeakNumbers, result: FitResult, kind: str, flag: str) -> Reading:
    value, error = getattr(row, kind), getattr(row, f"{kind}_err")
    return Reading(value, error, "; ".join(filter(None, (flag, _bound_flag(row, result, kind)))))


def _share_error(rows: Sequence[PeakNumbers], row: PeakNumbers, result: FitResult) -> float:
    """Standard error of a share in %, from the joint covariance of the region's areas."""
    total = sum(other.area for other in rows)
    if not total > 0:
        return math.nan
    slopes = np.array([(other.id == row.id) - row.share for other in rows]) / total
    variance = float(slopes @ _area_covariance(result, [other.id for other in rows]) @ slopes)
    return 100 * math.sqrt(variance) if variance >= 0 else math.nan


def _bound_flag(row: PeakNumbers, result: FitResult, kind: str) -> str:
    return "at a bound" if f"{row.id}.{kind}" in result.at_bound else ""


def state(fit: RegionFit) -> str:
    """What is wrong with a region's fit, in a few words; "" for nothing."""
    if fit.result is None:
        return "not fitted"
    if not fit.result.success:
        return fit.result.status
    return "the model misses structure in the data" if fit.result.exceeds_noise else ""


_peaks: WeakKeyDictionary[RegionFit, tuple[Entry, tuple[PeakNumbers, ...]]] = WeakKeyDictionary()
_compositions: WeakKeyDictionary[Entry, tuple[tuple[Any, ...], Composition | SodaliteError]] = WeakKeyDictionary()


def _numbers(entry: Entry, fit: RegionFit) -> tuple[PeakNumbers, ...]:
    """The numbers of a region; nothing of a fit can change, so that they are worked out once."""
    known = _peaks.get(fit)
    if known is None or known[0].spectrum is not entry.spectrum or known[0].recipe != entry.recipe:
        result = fit.result
        model = result.model if result is not None else fit.model
        known = entry, peak_numbers(entry.processed(), model, result)
        _peaks[fit] = known
    return known[1]


def _composition(project: Project, table: dict[str, Entry], point: Point) -> Composition:
    members = [table[id] for id in point.entries]
    sample = project.sample(point.sample)
    # Entries compare by identity; the first is what the answer is kept with, and only as long as it lives.
    key = (sample, tuple(members[1:]), project.factor_sets, project.ties)
    known = _compositions.get(members[0])
    if known is None or known[0] != key:
        try:
            known = key, composition(project, point.sample, point.value)
        except SodaliteError as error:
            known = key, error
        _compositions[members[0]] = known
    if isinstance(known[1], SodaliteError):
        raise known[1]
    return known[1]


# ------------------------------------------------------------------------------------------------------------- tables


def table(found: Trend) -> tuple[list[str], list[list[Any]]]:
    """A trend as a table: one row a point; value, standard error and remark of every quantity."""
    series = dict.fromkeys(
        f"{p.variable or 'level'} [{p.unit}]" if p.unit else p.variable or "level"
        for p in found.points if p.value is not None
    )
    heads = ["number", "sample", "file", *series]
    for quantity in found.quantities:
        heads.append(quantity.heading)
        heads.append(f"{quantity.title} standard error" + (f" [{quantity.unit}]" if quantity.unit else ""))
    heads.append("flags")
    rows: list[list[Any]] = []
    for point, readings in zip(found.points, found.readings, strict=True):
        mine = f"{point.variable or 'level'} [{point.unit}]" if point.unit else point.variable or "level"
        row: list[Any] = [point.number, point.name, point.file, *(point.value if s == mine else None for s in series)]
        for reading in readings:
            row += [reading.value if reading.there else None, reading.error]
        flags: dict[str, list[str]] = {}
        for quantity, reading in zip(found.quantities, readings, strict=True):
            if reading.flag:
                flags.setdefault(reading.flag, []).append(quantity.region or quantity.title)
        row.append("; ".join(f"{', '.join(dict.fromkeys(names))}: {flag}" for flag, names in flags.items()))
        rows.append(row)
    return heads, rows
