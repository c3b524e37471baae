"""One region's model fitted to every pixel of an image or series; the answers are maps of the entry."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from app.project.project import Entry, Project, RegionFit, fresh_id
from app.project.region_at import KIND, is_image, model_at, pixels_at, runs, scaled
from fitting.backgrounds import kind as background_kind
from fitting.batch import NOT_FITTED, STATUSES, BatchJob, MemoryResults, fit_many
from fitting.constraints import parse
from fitting.dataset import Spectrum
from fitting.image.maps import Map, Param
from fitting.image.place import Place
from fitting.model import BACKGROUND, FitModel
from fitting.shapes import shape
from fitting.solver import Cancel, Progress
from libraries.errors import BadData, BadModel, Cancelled

__all__ = ["AMOUNT_ZERO", "LEGEND", "fit_image", "image_maps", "model_at", "runs", "without_run"]

# Flags: the batch's statuses, and one of our own: where there is no amount, position and width say nothing.
AMOUNT_ZERO = 100
LEGEND: tuple[tuple[int, str], ...] = (
    (0, "good"),
    *((code, name) for code, name in enumerate(STATUSES) if code),
    (AMOUNT_ZERO, "not determined: the amount is no larger than its error"),
    (NOT_FITTED, "not fitted"),
)
_BOUND = STATUSES.index("at bound")
_NOTHING = 1e-9  # of the largest amount of the image: as good as at its bound
_NOISE = {"gaussian": "Gaussian noise", "unknown": "noise from the residuals"}


def fit_image(
    project: Project, entry_id: str, fit_id: str, progress: Progress | None = None, cancel: Cancel | None = None
) -> Project:
    """Fit a region's model to every pixel of its image; the project with the maps.

    Raises
    ------
    BadData, BadModel, FitFailed
        If no pixel can be fitted.
    Cancelled
    """
    entry = project.entry(entry_id)
    return project.with_entry(entry.with_maps(image_maps(entry, fit_id, progress, cancel)))


def without_run(entry: Entry, group: str) -> Entry:
    """The entry without the maps of one run."""
    return entry.without_maps(*(m.id for m in entry.maps if m.group == group))


@dataclass(frozen=True, eq=False)
class _Pixels:
    """The spectra of an image as the batch reads them, from several threads."""

    spectrum: Spectrum
    lock: threading.Lock
    portable = False

    @property
    def shape(self) -> tuple[int, ...]:
        return (*(len(axis) for axis in self.spectrum.navigation), len(self.spectrum.axis))

    @property
    def dtype(self) -> np.dtype[np.float64]:
        return np.dtype(np.float64)

    @property
    def fingerprint(self) -> str:
        return self.spectrum.hash

    def read(self, start: int, stop: int) -> NDArray[np.float64]:
        with self.lock:
            return self.spectrum.rows(start, stop)

    def readable(self) -> bool:
        return True


def image_maps(
    entry: Entry, fit_id: str, progress: Progress | None = None, cancel: Cancel | None = None
) -> tuple[Map, ...]:
    """Maps of every parameter that a fit changes, of the reduced chi2 and of the status.

    The start is the region's model scaled to one pixel and improved by a fit to the mean of pixels
    (`fitting.batch.refined`). Every pixel is fitted from there and once more from where its neighbour ended; the lower
    minimum counts. One start alone leaves whole rows of pixels in a wrong minimum where two materials meet.

    Raises
    ------
    BadData, BadModel, FitFailed
        If this is no image, the region has no components, or no pixel can be fitted.
    Cancelled
    """
    region = entry.fit(fit_id)
    if not is_image(entry):
        raise BadData("This is no image or series of energy-loss spectra", where=entry.title)
    if not region.model.components:
        raise BadModel("The region has no components to fit", where=region.name, todo="Add a peak first")
    spectrum = entry.processed()
    start = scaled(region.model, 1 / pixels_at(entry, Place.parse(region.place)))
    job = BatchJob(spectrum.axis, spectrum.noise, start, covariance=False)
    source = _Pixels(spectrum, threading.Lock())
    passes = []
    for number, warm in enumerate((False, True)):
        def told(fraction: float, text: str, number: int = number) -> None:
            if progress is not None:
                words = "from the mean" if number == 0 else "from the neighbour"
                progress((number + fraction) / 2, f"{text.replace('spectra', 'pixels')}, {words}")

        passes.append(MemoryResults(job, source.shape))
        summary = fit_many(source, replace(job, warm=warm), passes[-1], progress=told, cancel=cancel)
        if summary.cancelled:
            raise Cancelled("The fit of every pixel was stopped", where=region.name)
    return _maps(entry, region, job, _Best(job, *passes), spectrum)


class _Best:
    """Of two fits of every pixel the better one."""

    def __init__(self, job: BatchJob, one: MemoryResults, other: MemoryResults) -> None:
        self._job = job
        better = _badness(other) < _badness(one)
        self.arrays = {
            name: np.where(better.reshape(better.shape + (1,) * (array.ndim - better.ndim)), other.arrays[name], array)
            for name, array in one.arrays.items()
        }

    def value(self, name: str) -> NDArray[np.float64]:
        """A parameter, shape of the navigation."""
        return np.asarray(self.arrays["values"][..., self._job.names.index(name)])

    def error(self, name: str) -> NDArray[np.float64]:
        """Its error."""
        return np.asarray(self.arrays["errors"][..., self._job.names.index(name)])


def _badness(found: MemoryResults) -> NDArray[np.float64]:
    """The statistic where there is a proper minimum; infinite elsewhere."""
    deviance = np.array(found.arrays["deviance"], dtype=np.float64)
    deviance[(found.arrays["status"] > _BOUND) | ~np.isfinite(deviance)] = np.inf
    return deviance


def _maps(
    entry: Entry, region: RegionFit, job: BatchJob, found: _Best, spectrum: Spectrum
) -> tuple[Map, ...]:
    from app.files.batch_results import parameter_units

    when = datetime.now(UTC).isoformat(timespec="seconds").removesuffix("+00:00")
    group = f"Fit {region.name} {when}"
    while group in runs(entry):
        group += "+"
    origin, about = _origin(region, job.model, spectrum), (("region", region.id),)
    units = parameter_units(job, spectrum.meta.intensity_unit)
    taken = {m.id for m in entry.maps}
    status = found.arrays["status"]
    maps: list[Map] = []

    def add(key: str, name: str, unit: str, values: NDArray[np.float64], error: NDArray[np.float64] | None,
            flags: NDArray[np.uint8], params: tuple[Param, ...]) -> None:
        id = fresh_id(f"{region.id} {key}", taken)
        taken.add(id)
        maps.append(Map(id, name, unit, values, error, flags, LEGEND, group, KIND, origin, (*about, *params),
                        spectrum.hash))

    params = job.model.params
    for name in job.names:
        if not (params[name].free or params[name].link):
            continue
        flags = _flags(job, found, name)
        error = np.where(found.error(name) > 0, found.error(name), np.nan)
        add(name, title_of(job.model, name), units[name], found.value(name), error, flags, (("parameter", name),))
    plain = _failures(status)
    add("reduced_chi2", "χ²ᵣ", "", found.arrays["reduced_chi2"], None, plain, (("quantity", "reduced_chi2"),))
    add("status", "Fit status", "", status.astype(np.float64), None, status,
        (("quantity", "status"), ("model", job.model.to_json())))
    return tuple(maps)


def _failures(status: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Flags of what belongs to the whole fit: a bound that one parameter met does not spoil it."""
    return np.where(status == _BOUND, 0, status).astype(np.uint8)


def _flags(job: BatchJob, found: _Best, name: str) -> NDArray[np.uint8]:
    """Flags of one parameter: its own bound (or that of what it follows), and places of what is not there."""
    flags, bounds = _failures(found.arrays["status"]), found.arrays["at_bound"]
    params = job.model.params

    def at_bound(full: str, depth: int = 0) -> NDArray[np.bool_]:
        if full in job.free:
            return bounds[..., job.free.index(full)]
        hit = np.zeros(flags.shape, dtype=bool)
        if params[full].link and depth < len(params):
            for parent in parse(params[full].link).names:
                hit |= at_bound(parent, depth + 1)
        return hit

    flags[(flags == 0) & at_bound(name)] = _BOUND
    owner, _, short = name.partition(".")
    if owner != BACKGROUND:
        amount = shape(job.model.component(owner).shape).parameters[0].name
        full = f"{owner}.{amount}"
        above = found.value(full) - params[full].minimum
        with np.errstate(invalid="ignore"):
            none = above <= _NOTHING * np.nanmax(np.abs(above), initial=0.0)
            if short == amount:
                flags[(flags == 0) & none] = _BOUND
            else:
                flags[(flags <= _BOUND) & (none | (above <= found.error(full)))] = AMOUNT_ZERO
    return flags


def title_of(model: FitModel, name: str) -> str:
    """A parameter in words: "Na plasmon, position"."""
    owner, _, short = name.partition(".")
    label = "Background" if owner == BACKGROUND else model.component(owner).name or owner
    return f"{label}, {_SHORT.get(short, short.replace('_', ' '))}"


_SHORT = {"fwhm": "FWHM", "fwhm_g": "Gaussian FWHM", "fwhm_l": "Lorentzian FWHM"}


def _origin(region: RegionFit, model: FitModel, spectrum: Spectrum) -> str:
    low, high = region.model.region
    noise = spectrum.noise
    if noise.kind == "poisson":
        gain = "gain from the residuals" if noise.gain is None else f"gain {noise.gain:g}"
        words = f"Poisson noise, {gain}"
    else:
        words = _NOISE[noise.kind]
    parts = ", ".join(f"{c.name or c.id} ({shape(c.shape).title})" for c in model.components)
    return (
        f"Region {region.name}, {low:g} to {high:g} {spectrum.axis.unit}, fitted to every pixel: {parts}; "
        f"background {background_kind(model.background.kind).title}; {words}"
    )
