"""A low-loss image of 64 x 64 spectra of 1024 channels, 7 bounded parameters, beside the programs of the field."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchmarks import Row
from benchmarks._own import evaluation_seconds, steady
from benchmarks._peers import Answer, PeerMissing, Peers
from benchmarks._problems import NAMES, Image, low_loss_image
from fitting.batch import STATUSES, ArrayData, BatchJob, MemoryResults, fit_many
from fitting.dataset import FloatArray

OFF = 6.0  # standard errors off the truth, in any parameter, from which on a fit counts as failed
ROWS, QUICK_ROWS = 64, 24


@dataclass(frozen=True)
class Method:
    """How a peer is asked: its name in the table, its key in `_scripts/peer_image.py`, its package, and how many rows
    (and columns) of the image it gets in a full and in a quick run; fewer where all would take over a minute.
    """

    name: str
    key: str
    package: str
    rows: int
    quick: int


METHODS = (
    Method("HyperSpy multifit, default (no bounds)", "hyperspy default", "hyperspy", 64, 16),
    Method("HyperSpy multifit, bounded=True", "hyperspy bounded", "hyperspy", 40, 10),
    Method("HyperSpy multifit, trf, bounded=True, analytical gradient", "hyperspy trf", "hyperspy", 64, 16),
    Method("HyperSpy multifit, Poisson likelihood, Nelder-Mead", "hyperspy ML", "hyperspy", 16, 4),
    Method("eXSpy multifit, default (no bounds)", "exspy default", "exspy", 64, 16),
    Method("eXSpy multifit, bounded=True", "exspy bounded", "exspy", 32, 8),
    Method("pyEELSMODEL LSQFitter, trf, use_bounds, use_weights", "pyeelsmodel", "pyeelsmodel", 64, 16),
    Method("lmfit Model, loop", "lmfit", "lmfit", 16, 6),
)


class Judged(Protocol):
    """An image of known truth, and the standard errors that its counts allow; shapes (rows, columns, k)."""

    @property
    def truth(self) -> FloatArray:
        """Parameters."""
        ...

    @property
    def error(self) -> FloatArray:
        """Their standard errors."""
        ...


@dataclass(frozen=True, eq=False)
class Quality:
    """How good fits of an image are: share of failures, and the median error in standard errors."""

    failed: float
    unconverged: float
    median: float

    @classmethod
    def of(cls, image: Judged, values: FloatArray, converged: np.ndarray) -> Quality:
        """Judge values (rows, columns, k) by the truth; the same for ours and every peer."""
        off = np.abs(values - image.truth) / image.error
        bad = ~converged | ~np.all(off <= OFF, axis=-1)
        return cls(float(np.mean(bad)), float(np.mean(~converged)), float(np.nanmedian(off)))


@dataclass(frozen=True, eq=False)
class Ours:
    """Our run: spectra per second, quality, the floor in spectra per second, and what to say of it."""

    rate: float
    quality: Quality
    floor: float | None
    note: str


def run(*, quick: bool, peers: Peers) -> list[Row]:
    """Spectra per second and share of failures."""
    image = low_loss_image(QUICK_ROWS if quick else ROWS)
    ours = measure(image, repeats=1 if quick else 3)
    title = f"image {image.counts.shape[0]}x{image.counts.shape[1]}x{image.x.size}, 7 parameters"
    rows = [Row(title, ours.rate, "spectra/s", floor=ours.floor, note=ours.note)]
    for method in METHODS:
        try:
            rows += _beside(title, image, ours, method, peers, quick=quick)
        except PeerMissing as missing:
            rows.append(Row(f"{title} / {method.name}", ours.rate, "spectra/s", note=f"no peer: {missing}"))
    return rows


def measure(image: Image, *, repeats: int) -> Ours:
    """Fit the image by `fit_many` as a user calls it, on all cores; the median of some runs after a warm-up."""
    spectrum = image.spectrum()
    source = ArrayData(spectrum.counts)
    job = BatchJob(spectrum.axis, spectrum.noise, image.model())
    fit_many(ArrayData(spectrum.counts[:2, :2]), job, MemoryResults(job, (2, 2, image.x.size)))
    path, seconds = steady(), []
    for _ in range(repeats):
        sink = MemoryResults(job, spectrum.counts.shape)
        begin = time.perf_counter()
        fit_many(source, job, sink)
        seconds.append(time.perf_counter() - begin)
    values = np.stack([sink.value(name) for name in NAMES], axis=-1)
    converged = sink.arrays["status"] < STATUSES.index("at bound") + 1
    calls = int(sink.arrays["evaluations"].sum())
    quality = Quality.of(image, values, converged)
    rate = image.spectra / float(np.median(seconds))
    floor = _floor(image, calls)
    note = (
        f"fit_many ({path}) on {os.cpu_count()} cores, Poisson deviance, bounds, errors and covariances; "
        f"{calls / image.spectra:.1f} evaluations a spectrum; floor: these evaluations alone on all cores"
    )
    return Ours(rate, quality, floor, note)


def _floor(image: Image, evaluations: int) -> float | None:
    """Spectra per second if nothing but value, Jacobian and J^T J were computed, on all cores; None without kernels."""
    middle = image.counts.shape[0] // 2, image.counts.shape[1] // 2
    once = evaluation_seconds(image.spectrum().at(*middle), image.model(), image.start)
    return None if once is None else image.spectra * (os.cpu_count() or 1) / (evaluations * once)


def _beside(
    title: str, image: Image, ours: Ours, method: Method, peers: Peers, *, quick: bool
) -> list[Row]:
    part = image.corner(method.quick if quick else method.rows)
    settings, arrays = part.files()
    answer = peers.ask("peer_image", settings | {"method": method.key}, arrays)
    quality = Quality.of(part, answer.arrays["values"], answer.arrays["converged"])
    case = f"{title} / {method.name}"
    version = f"{method.package} {peers.versions()[method.package]}, one process"
    return [
        Row(
            case,
            ours.rate,
            "spectra/s",
            part.spectra / answer.figures["seconds"],
            note=f"{version}; {_described(image, part, answer)}",
        ),
        Row(
            f"{case}, failures",
            100 * ours.quality.failed,
            "%",
            100 * quality.failed,
            note=(
                f"no convergence or more than {OFF:g} standard errors (Cramer-Rao) off the truth; not converged: ours "
                f"{100 * ours.quality.unconverged:.2g} %, peer {_unconverged(answer, quality)}; median error: ours "
                f"{ours.quality.median:.2f}, peer {quality.median:.2f} standard errors (0.67 is the best)"
            ),
        ),
    ]


def _described(image: Image, part: Image, answer: Answer) -> str:
    calls = answer.figures["evaluations"]
    counted = "evaluations not told" if calls is None else f"{calls / part.spectra:.1f} evaluations a spectrum"
    share = "" if part.spectra == image.spectra else f", a corner of {part.spectra} spectra (rate taken for all)"
    return f"{answer.figures['statistic']}, {counted}{share}"


def _unconverged(answer: Answer, quality: Quality) -> str:
    return f"{100 * quality.unconverged:.2g} %" if answer.figures["reports"] else "does not tell"
