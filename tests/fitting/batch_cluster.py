"""Run by test_batch_dask.py: a Dask cluster of two processes, one of which is killed half-way.

In a process of its own, because Dask leaves threads behind. Prints what it saw as one line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import h5py
import numpy as np

from app.files.arrays import file_array
from fitting.batch import ArrayData, BatchJob, MemoryResults, fit_many
from fitting.batch import cluster as on_cluster
from fitting.batch.cluster import NoCluster
from tests.fitting.problems import background, component, envelope, grid, model

GRID = grid(101)
TRUTH = model(
    component("p1", position=285.0, area=3000.0, fwhm=1.2), component("p2", position=288.0, area=1500.0, fwhm=1.4),
    back=background("shirley_active"),
)


def main(folder: Path) -> dict:
    from distributed import LocalCluster

    scale = np.linspace(0.5, 2.0, 240)[:, None]
    counts = np.random.default_rng(3).poisson(scale * envelope(GRID, TRUTH)).reshape(12, 20, -1)
    with h5py.File(folder / "image.h5", "w") as file:
        file.create_dataset("image", data=counts, chunks=(3, 5, 101), compression="gzip")
    job = BatchJob(GRID.axis, GRID.noise, TRUTH, rows=8)
    here = MemoryResults(job, counts.shape)
    fit_many(ArrayData(counts), job, here, workers=2)
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        killed: list[int] = []
        survivors: list[int] = []

        def kill_one(fraction: float, text: str) -> None:
            if fraction >= 0.4 and not killed:
                first, second = (worker.pid for worker in cluster.workers.values())
                killed.append(first)
                survivors.append(second)
                os.kill(first, signal.SIGKILL)

        address = cluster.scheduler_address
        there = MemoryResults(job, counts.shape)
        summary = fit_many(file_array(folder / "image.h5", "image"), job, there, scheduler=address, progress=kill_one)
        # In memory only: the chunks are sent. Stopped half-way, then resumed on threads.
        mixed = MemoryResults(job, counts.shape)
        begin: list[float] = []

        def cancel() -> bool:
            begin[:] = begin or [time.perf_counter()] * bool(mixed.done(0) and mixed.done(1))
            return bool(begin)

        stopped = fit_many(ArrayData(counts), job, mixed, scheduler=address, cancel=cancel)
        delay = time.perf_counter() - begin[0]
        rest = fit_many(ArrayData(counts), job, mixed, workers=1)
    return {
        "killed": killed, "alive": [pid for pid in (*killed, *survivors) if Path(f"/proc/{pid}").exists()],
        "identical": same(here, there), "statuses": dict(summary.statuses), "chunks": summary.chunks,
        "resumed_identical": same(here, mixed), "stopped": stopped.cancelled, "cancel_seconds": delay,
        "skipped": rest.skipped, "rest": rest.spectra, "before": stopped.spectra, "seconds": summary.seconds,
        "nobody": nobody(job, counts),
    }  # fmt: skip


def nobody(job: BatchJob, counts: np.ndarray) -> str:
    """What is said where no scheduler answers: port 1 of this machine is nobody's."""
    on_cluster._CONNECT = 0.5
    try:
        fit_many(ArrayData(counts), job, MemoryResults(job, counts.shape), scheduler="tcp://127.0.0.1:1")
    except NoCluster as error:
        return str(error)
    return ""


def same(one: MemoryResults, other: MemoryResults) -> bool:
    """Bit for bit."""
    return all(one.arrays[name].tobytes() == other.arrays[name].tobytes() for name in one.arrays)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
