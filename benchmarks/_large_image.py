"""An image on the disk is opened, looked at and fitted in a fresh process: python -m benchmarks._large_image FILE.

Prints times, the peak of resident memory and how far the fitted values are off the truth, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks._own import steady
from benchmarks._problems import NAMES, low_loss_image

TILE = 64


def memory(what: str) -> float:
    """Resident memory of this process in MB: "VmRSS" now, "VmHWM" at most so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def main(path: Path, keep: int) -> None:
    """Open, look, add up, fit, compare."""
    from app.files import read
    from app.files.child import read_in_child
    from app.project.image_fit import image_maps
    from app.project.project import Entry, RegionFit
    from fitting import stored
    from fitting.image.overview import first_look

    figures: dict[str, object] = {"path": steady()}
    stored.IN_MEMORY = keep or stored.IN_MEMORY
    _other_file(path.with_name("first.msa"))
    begin = time.perf_counter()
    (spectrum,) = read(path) if keep else read_in_child(path)
    figures["open"] = time.perf_counter() - begin
    begin = time.perf_counter()
    first_look(spectrum)
    figures["look"] = time.perf_counter() - begin
    image = low_loss_image(TILE)
    entry = Entry("a", spectrum, fits=(RegionFit("r1", image.model(), place="0,0"),))
    figures |= {"stored": spectrum.stored, "bytes": spectrum.counts.nbytes, "spectra": spectrum.pixels}
    figures["before"] = memory("VmRSS")
    begin = time.perf_counter()
    maps = image_maps(entry, "r1")
    figures["fit"] = time.perf_counter() - begin
    figures["peak"] = memory("VmHWM")
    repeats = [n // TILE for n in spectrum.counts.shape[:2]]
    wrong = np.zeros(spectrum.counts.shape[:2], bool)
    for place, name in enumerate(NAMES):
        found = next(one for one in maps if one.param("parameter") == name)
        truth, error = (np.tile(array[..., place], repeats) for array in (image.truth, image.error))
        wrong |= ~(np.abs(found.values - truth) <= 6 * error)
    figures["failed"] = float(wrong.mean())
    print(json.dumps(figures))


def _other_file(path: Path) -> None:
    """One small file, so that the reading process runs, as it does in a window from its start on."""
    from app.files.child import read_in_child
    from app.files.msa_writer import write_msa
    from fitting.dataset import Axis, Meta, Spectrum

    write_msa(path, Spectrum(Axis(np.arange(4.0), "energy_loss"), np.ones(4), meta=Meta("a", technique="eels")))
    read_in_child(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
