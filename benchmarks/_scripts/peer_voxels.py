"""pandas reads voxels: python peer_voxels.py FOLDER. Runs in the peers' environment.

The problem's setting "file" names a text of lines "x y z counts"; "shape" its scans, rows and columns.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import exchange
import numpy as np
import pandas


def read(file: str) -> pandas.DataFrame:
    """The columns as whole numbers, by the fastest of pandas' parsers that skips comments."""
    return pandas.read_csv(file, sep=" ", comment="#", header=None, names=["x", "y", "z", "counts"], dtype=np.int32)


def volume(table: pandas.DataFrame, shape: tuple[int, ...]) -> np.ndarray:
    """Counts at their places."""
    found = np.zeros(shape, np.uint32)
    found[table["z"].to_numpy(), table["y"].to_numpy(), table["x"].to_numpy()] = table["counts"].to_numpy()
    return found


def main(folder: Path) -> None:
    """Each a few times after a first run; medians."""
    settings, _ = exchange.read(folder, exchange.PROBLEM)
    file, shape = settings["file"], tuple(settings["shape"])
    found = volume(read(file), shape)
    reading, all_ = [], []
    for _ in range(settings["repeats"]):
        begin = time.perf_counter()
        table = read(file)
        middle = time.perf_counter()
        found = volume(table, shape)
        end = time.perf_counter()
        reading.append(middle - begin)
        all_.append(end - begin)
    figures = {"reading": float(np.median(reading)), "volume": float(np.median(all_))}
    exchange.write(folder, exchange.ANSWER, figures, {"volume": found})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
