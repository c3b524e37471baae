"""Run by test_batch_results.py and killed by it: a batch that tells of every chunk that is marked as done."""

from __future__ import annotations

import sys
from pathlib import Path

from app.files import batch_results
from app.files.stored_series import series_in
from fitting.batch import BatchJob, fit_many
from fitting.model import from_json


class Telling(batch_results.BatchResults):
    """Says so after every commit."""

    def commit(self) -> None:
        super().commit()
        print("committed", flush=True)


def main(folder: Path) -> None:
    batch_results._COMMIT_EVERY = 0.0
    series = series_in(folder / "image.h5", "/spectrum_0001/data/intensity")
    job = BatchJob(series.axis, series.noise, from_json((folder / "model.json").read_text("utf-8")), rows=4)
    fit_many(series.source, job, Telling.create(folder / "killed.h5", series, job), workers=1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
