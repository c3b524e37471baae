"""A 4 GB image of DigitalMicrograph (energy first, as the program writes it): opened, and fitted with little memory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks import Row
from benchmarks._large_image import TILE
from benchmarks._peers import Peers
from benchmarks._problems import low_loss_image

ROOT = Path(__file__).resolve().parents[1]
CHANNELS = 1024
SIDE, QUICK_SIDE = 1024, 256
OPEN_S, PEAK_MB = 2.0, 1500.0


def run(*, quick: bool, peers: Peers) -> list[Row]:
    """Seconds to open the file, peak of memory of a fit of all pixels with maps, spectra per second; no peer."""
    side = QUICK_SIDE if quick else SIDE
    size = 4 * CHANNELS * side**2
    title = f"DM4 image {side}x{side}x{CHANNELS}, {size / 2**30:.2g} GB"
    with tempfile.TemporaryDirectory() as folder:
        free = shutil.disk_usage(folder).free
        if free < 2 * size:
            return [Row(title, None, "s", note=f"only {free / 1e9:.1f} GB are free for the file")]
        path = Path(folder) / "image.dm4"
        write_image(path, side)
        found = measure(path)
    note = f"asked for: below {PEAK_MB:.0f} MB; {found['before']:.0f} MB before the fit; {found['path']}"
    return [
        Row(f"{title}: opened", found["open"], "s", note=f"asked for: below {OPEN_S:g} s; read in the child process"),
        Row(f"{title}: first look at the whole image", found["look"], "s", note="24 of the channels"),
        Row(f"{title}: peak of memory of a fit of all pixels", found["peak"], "MB", note=note),
        Row(f"{title}: fit of all pixels", found["spectra"] / found["fit"], "spectra/s",
            note=f"7 parameters, maps with errors; {100 * found['failed']:.2g} % more than 6 standard errors off"),
    ]  # fmt: skip


def write_image(path: Path, side: int) -> None:
    """The image of the benchmark "image" side by side until it is as large as wanted."""
    from tests.app.files.made_dm import Hole, file, image

    counts = low_loss_image(TILE, CHANNELS).counts.astype("<f4")
    repeats = (side // TILE, side // TILE)
    axes = [(0.0, 0.05, "eV"), (0.0, 2.0, "nm"), (0.0, 2.0, "nm")]
    before, _, after = file(image(Hole((CHANNELS, side, side), np.dtype("<f4")), axes))
    with path.open("wb") as out:
        out.write(before)
        for channel in range(CHANNELS):
            out.write(np.tile(counts[..., channel], repeats).tobytes())
        out.write(after)


def measure(path: Path, keep: int = 0) -> dict[str, float]:
    """What a fresh process tells about a file; images above `keep` bytes stay on the disk, by default as always."""
    command = [sys.executable, "-m", "benchmarks._large_image", str(path), str(keep)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    return json.loads(done.stdout.splitlines()[-1])
