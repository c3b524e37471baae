"""Five factors of a whole cube in a fresh process: python -m benchmarks._factors_cube SCANS ROWS COLUMNS.

Prints seconds, the lack of fit and the peak of resident memory as JSON; the cube lies in memory in its 8 bits.
"""

from __future__ import annotations

import json
import sys
import time

from benchmarks._factor_problems import K, cube
from benchmarks._large_image import memory


def main(shape: tuple[int, int, int]) -> None:
    """Make, analyse, print."""
    from fitting.factors.analysis import analyse

    spectrum = cube(shape)
    analyse(cube((4, 16, 16)), "mcr", 2)  # compiled loops are loaded
    before = memory("VmHWM")
    begin = time.perf_counter()
    found = analyse(spectrum, "mcr", K)
    seconds = time.perf_counter() - begin
    figures = {"seconds": seconds, "lof": found.lof, "bound": found.lof_bound, "chi2": found.chi2,
               "peak": memory("VmHWM"), "before": before, "status": found.status}  # fmt: skip
    print(json.dumps(figures))


if __name__ == "__main__":
    main(tuple(int(text) for text in sys.argv[1:4]))  # type: ignore[arg-type]
