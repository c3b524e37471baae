"""Run by test_large_image.py: an image of 4 GB is opened, looked at and shown; prints times and memory as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks._large_image import memory


def main(path: Path) -> None:
    """Open it as a window does, twice: the first file of a process waits for imports."""
    from app.files.child import read_in_child
    from app.project.preview import is_slow, preview
    from app.project.project import Entry
    from fitting.image.overview import first_look

    times = []
    for _ in range(2):
        begin = time.perf_counter()
        (spectrum,) = read_in_child(path)
        times.append(time.perf_counter() - begin)
    entry = Entry("a", spectrum)
    assert is_slow(entry)
    preview(entry)
    first_look(spectrum)
    figures = {"first": times[0], "open": times[1], "peak": memory("VmHWM"), "bytes": spectrum.counts.nbytes}
    print(json.dumps(figures))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
