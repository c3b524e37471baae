"""Opens damaged copies of a project file, one after another: `python -m tests.app.project.fuzz_load FILE FIRST LAST`.

Run as a process of its own, since a damaged HDF5 file may hang or crash the library. Prints a line for each case:
its number before, the outcome after.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np

from app.project import store
from libraries.errors import BadProject

WORDS = (0, 1, 0xFF, 0xFFFF, 2**31 - 1, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)


def mutated(data: bytes, number: int) -> bytes:
    """Case `number`: bytes, words or blocks changed, or the end cut off; the signature stays."""
    rng = np.random.default_rng(number)
    new = bytearray(data)
    kind = number % 5
    if kind == 0:
        for at in rng.integers(8, len(new), rng.integers(1, 9)):
            new[at] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        for at in rng.integers(8, len(new) - 8, rng.integers(1, 4)):
            new[at : at + 8] = WORDS[int(rng.integers(len(WORDS)))].to_bytes(8, "little")
    elif kind == 2:
        start, other, size = (int(n) for n in (*rng.integers(8, len(new) - 64, 2), rng.integers(1, 64)))
        new[start : start + size] = new[other : other + size]
    elif kind == 3:
        start = int(rng.integers(8, len(new)))
        new[start : start + int(rng.integers(1, 512))] = b""
    else:
        # The structure lies at the front and in small blocks; most of the rest is compressed numbers.
        for at in rng.integers(8, min(len(new), 2048), rng.integers(1, 5)):
            new[at] = int(rng.integers(256))
    return bytes(new)


def main(file: Path, first: int, last: int) -> None:
    """Print the outcome of each case: same, refused, changed, or the name of another error."""
    warnings.simplefilter("error")
    data = file.read_bytes()
    project = store.load(file)
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case.sodalite"
        for number in range(first, last):
            print(number, end=" ", flush=True)
            case.write_bytes(mutated(data, number))
            try:
                outcome = "same" if store.load(case).equals(project) else "changed"
            except BadProject as error:
                outcome = "refused" if error.todo and str(case) in error.where else "unclear"
            except Exception as error:
                outcome = f"{type(error).__name__}:{error}".replace("\n", " ")
            print(outcome, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
