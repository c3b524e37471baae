"""Pictures of a volume of a million voxels at 512 x 512 pixels, turned from picture to picture: frames a second."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks import Row
from benchmarks._peers import Peers
from fitting.sims.raycast import Mode, Scene, Volume, limits_of, render

SHAPE = (61, 128, 128)  # scans, rows, columns: 999 424 voxels
SIDE = 512
WANTED = 20.0  # frames a second


def run(*, quick: bool, peers: Peers) -> list[Row]:
    """Frames a second of every kind of picture; no peer draws without a graphics card in the same way."""
    rows = []
    title = f"volume {SHAPE[2]}x{SHAPE[1]}x{SHAPE[0]}, {SIDE}x{SIDE} pixels"
    modes: tuple[Mode, ...] = ("maximum", "surface", "sections")
    for mode in modes:
        wall, processor = frame_seconds(scene(mode), 8 if quick else 40)
        note = (f"every ray of every pixel, another direction each; {os.cpu_count()} cores, {1000 * processor:.0f} ms "
                f"of processor time a picture; load {os.getloadavg()[0]:.1f}; wanted: {WANTED:g}")
        rows.append(Row(f"{title}, {mode}", 1.0 / wall, "frames/s", note=note))
    return rows


def scene(mode: Mode) -> Scene:
    """A layer with a rough surface in Poisson counts, as the window draws it (surfaces smoothed by a voxel)."""
    rng = np.random.default_rng(0)
    z, y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1], 0 : SHAPE[2]]
    depth = 30 + 5 * np.sin(x / 15) * np.cos(y / 19)
    counts = rng.poisson(3 * np.exp(-(((z - depth) / 8.0) ** 2))).astype(np.float32)
    values = gaussian_filter(counts, 1.0) if mode == "surface" else counts
    volume = Volume(values, *limits_of(values), (200.0, 120.0, 20.0), 0.5)
    return Scene((volume,), (1.2, 1.0, 1.0), mode, cuts=(30, 64, 64))


def frame_seconds(first: Scene, count: int) -> tuple[float, float]:
    """Median seconds of a picture on all cores, and the processor time of one."""
    render(first, SIDE, SIDE)
    times, begin = [], time.process_time()
    for number in range(count):
        one = replace(first, camera=first.camera.turned(360.0 / count * number, 0.0))
        start = time.perf_counter()
        render(one, SIDE, SIDE)
        times.append(time.perf_counter() - start)
    return statistics.median(times), (time.process_time() - begin) / count
