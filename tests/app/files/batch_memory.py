"""Run by test_batch_results.py: a batch over an image larger than memory; prints its peak of memory as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from app.files.arrays import file_array
from app.files.batch_results import BatchResults, status_counts
from fitting.batch import BatchJob, Series, fit_chunk, fit_many, settled
from fitting.dataset import Axis, Noise
from fitting.model import Background, FitModel, Param


def peak() -> float:
    """Largest resident memory of this process so far, in MB; `ru_maxrss` would count that of the parent before exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main(image: Path, output: Path) -> None:
    source = file_array(image, "image")
    axis = Axis(np.arange(float(source.shape[-1])), "energy_loss")
    model = FitModel((100.0, 163.0), Background("constant", {"level": Param(50.0, 0.0)}))
    series = Series(source, axis, Noise("poisson", 1.0))
    job = settled(BatchJob(axis, series.noise, model, refine=False))
    fit_chunk(job, np.full((2, len(axis)), 30.0))  # everything is imported and compiled
    before = peak()
    summary = fit_many(source, job, BatchResults.create(output, series, job), workers=2)
    bytes_ = float(np.prod(source.shape, dtype=float)) * source.dtype.itemsize
    print(json.dumps({
        "gigabytes": bytes_ / 1e9, "before": before, "peak": peak(), "spectra": summary.spectra,
        "seconds": summary.seconds, "statuses": status_counts(output),
    }))  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
