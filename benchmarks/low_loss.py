"""The full low-loss model, 15 free parameters with bounds and links, on 64 x 64 x 1024, beside HyperSpy's multifit.

Power-law tail of the zero loss, pi-pi*, sodium's bulk, double and surface plasmon, pi + sigma, Na L2,3: the same model
to the last parameter. HyperSpy gets a corner of the image, since all of it would take it many minutes; its speed is
given a spectrum, as ours is.
"""

from __future__ import annotations

import os
import time

import numpy as np

from benchmarks import Row
from benchmarks._low_loss_problem import NAMES, LowLoss, low_loss_problem
from benchmarks._own import evaluation_seconds, steady
from benchmarks._peers import Answer, PeerMissing, Peers
from benchmarks.image import OFF, Method, Quality
from fitting.batch import STATUSES, ArrayData, BatchJob, MemoryResults, fit_many

ROWS, QUICK_ROWS = 64, 16
METHODS = (
    Method("HyperSpy multifit, default (no bounds)", "hyperspy default", "hyperspy", 20, 6),
    Method("HyperSpy multifit, bounded=True", "hyperspy bounded", "hyperspy", 14, 5),
    Method("HyperSpy multifit, trf, bounded=True, analytical gradient", "hyperspy trf", "hyperspy", 12, 4),
)


def run(*, quick: bool, peers: Peers) -> list[Row]:
    """Spectra per second and share of failures; of ours for counts of known and of unknown gain."""
    image = low_loss_problem(QUICK_ROWS if quick else ROWS)
    title = f"low loss {image.counts.shape[0]}x{image.counts.shape[1]}x{image.x.size}, {len(NAMES)} parameters"
    repeats = 1 if quick else 3
    rate, quality, note, floor = measure(image, 1.0, repeats)
    free_rate, free_quality, free_note, _ = measure(image, None, repeats)
    rows = [
        Row(title, rate, "spectra/s", floor=floor, note=f"{note}; {_words(quality)}"),
        Row(f"{title}, unknown gain", free_rate, "spectra/s", note=f"{free_note}; {_words(free_quality)}"),
    ]
    for method in METHODS:
        try:
            rows += _beside(title, image, rate, quality, method, peers, quick=quick)
        except PeerMissing as missing:
            rows.append(Row(f"{title} / {method.name}", rate, "spectra/s", note=f"no peer: {missing}"))
    return rows


def measure(image: LowLoss, gain: float | None, repeats: int) -> tuple[float, Quality, str, float | None]:
    """Fit the image by `fit_many` as a user calls it: spectra per second (median), quality, note, and the floor."""
    spectrum = image.spectrum(gain)
    job = BatchJob(spectrum.axis, spectrum.noise, image.model())
    source = ArrayData(spectrum.counts)
    fit_many(ArrayData(spectrum.counts[:2, :2]), job, MemoryResults(job, (2, 2, image.x.size)))
    path, seconds = steady(), []
    for _ in range(repeats):
        sink = MemoryResults(job, spectrum.counts.shape)
        begin = time.perf_counter()
        fit_many(source, job, sink)
        seconds.append(time.perf_counter() - begin)
    values = np.stack([sink.value(name) for name in NAMES], axis=-1)
    quality = Quality.of(image, values, sink.arrays["status"] < STATUSES.index("at bound") + 1)
    calls, cores = int(sink.arrays["evaluations"].sum()), os.cpu_count() or 1
    once = evaluation_seconds(spectrum.at(*(size // 2 for size in image.counts.shape[:2])), image.model(), _start(job))
    floor = None if once is None else image.spectra * cores / (calls * once)
    note = (
        f"fit_many ({path}) on {cores} cores, Poisson deviance, bounds, errors; {calls / image.spectra:.1f} "
        "evaluations a spectrum; floor: these evaluations alone on all cores"
    )
    return image.spectra / float(np.median(seconds)), quality, note, floor


def _start(job: BatchJob) -> np.ndarray:
    params = job.model.params
    return np.array([params[name].value for name in job.free])


def _words(quality: Quality) -> str:
    return (
        f"{100 * quality.failed:.2g} % failed (no convergence or more than {OFF:g} standard errors off the truth), "
        f"median error {quality.median:.2f} standard errors (0.67 is the best)"
    )


def _beside(
    title: str, image: LowLoss, rate: float, ours: Quality, method: Method, peers: Peers, *, quick: bool
) -> list[Row]:
    part = image.corner(method.quick if quick else method.rows)
    settings, arrays = part.files()
    answer = peers.ask("peer_low_loss", settings | {"method": method.key}, arrays)
    quality = Quality.of(part, answer.arrays["values"], answer.arrays["converged"])
    case = f"{title} / {method.name}"
    version = f"{method.package} {peers.versions()[method.package]}, one process"
    return [
        Row(
            case, rate, "spectra/s", part.spectra / answer.figures["seconds"], note=f"{version}; {_told(part, answer)}"
        ),
        Row(f"{case}, failures", 100 * ours.failed, "%", 100 * quality.failed, note=f"peer: {_words(quality)}"),
    ]


def _told(part: LowLoss, answer: Answer) -> str:
    return (
        f"{answer.figures['statistic']}, {answer.figures['evaluations'] / part.spectra:.0f} evaluations a spectrum, "
        f"a corner of {part.spectra} spectra (rate taken for all)"
    )
