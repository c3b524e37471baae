"""How long the command line takes to answer, beside an interpreter that does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import Row
from benchmarks._peers import Peers

ROOT = Path(__file__).resolve().parents[1]
FLOOR = "floor: python -c pass"


def run(*, quick: bool, peers: Peers) -> list[Row]:
    """Measure `sodalite --help` and `sodalite info FILE`: median wall time of several starts; no peer."""
    repeats = 3 if quick else 15
    floor, _ = wall_time([sys.executable, "-c", "pass"], repeats)
    rows = [_row("sodalite --help", ["--help"], repeats, floor)]
    with tempfile.TemporaryDirectory() as folder:
        sample = sample_file(Path(folder))
        return [*rows, _row(f"sodalite info {sample.name}", ["info", str(sample)], repeats, floor)]


def sample_file(folder: Path) -> Path:
    """A simulated VAMAS file of six regions, as an instrument would write it."""
    from app.files.vamas_writer import write_vamas
    from fitting.simulate.samples import xps_sample
    from fitting.simulate.xps import simulate

    path = folder / "hard_carbon.vms"
    write_vamas(path, list(simulate(xps_sample("Cycled hard carbon"), seed=1).spectra))
    return path


def wall_time(command: Sequence[str], repeats: int) -> tuple[float, int]:
    """Return the median wall time in s over `repeats` starts after one to warm up, and the last exit status."""
    times = []
    code = 0
    for _ in range(repeats + 1):
        started = time.perf_counter()
        code = subprocess.run(command, cwd=ROOT, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:]), code


def _row(case: str, arguments: Sequence[str], repeats: int, floor: float) -> Row:
    seconds, code = wall_time([sys.executable, "-m", "app", *arguments], repeats)
    if code != 0:
        return Row(case, None, "s", floor=floor, note=f"ended with status {code}")
    return Row(case, seconds, "s", floor=floor, note=f"{FLOOR}; median of {repeats}")
