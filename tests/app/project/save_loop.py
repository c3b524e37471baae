"""Saves two projects in turn over the same file until it is killed: `python -m tests.app.project.save_loop FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from app.project import store
from app.project.project import Entry, Project
from fitting.dataset import Axis, Spectrum


def project(number: int) -> Project:
    """A project of some megabytes that cannot be compressed."""
    counts = np.random.default_rng(number).integers(0, 2**32, (4, 100_000), dtype=np.uint32)
    axis, series = Axis(np.arange(100_000.0), "channel", ""), Axis(np.arange(4.0), "index", "")
    return Project(f"number {number}", entries=(Entry("a", Spectrum(axis, counts, navigation=(series,))),))


def main(path: Path) -> None:
    """Save for ever; every other time only the writing, so that a kill meets it more often."""
    images = [store.image_of(store.tree_of_checked(project(n), path), path) for n in (1, 2)]
    print("ready", flush=True)
    while True:
        store.save(project(1), path)
        for _ in range(10):
            for image in images:
                store.write_image(image, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
