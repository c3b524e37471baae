"""The first fit of a fresh process: python -m benchmarks._first_fit FOLDER; prints the time when the result is there.

Nothing is waited for: where compiled kernels are not ready yet, the NumPy path serves.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks._scripts import exchange


def main(folder: Path) -> None:
    """Read the spectrum and the model, fit once."""
    from fitting.dataset import Axis, Noise, Spectrum
    from fitting.engine import fit
    from fitting.model import from_json

    settings, arrays = exchange.read(folder, exchange.PROBLEM)
    spectrum = Spectrum(Axis(arrays["x"], "binding_energy"), arrays["y"], Noise("poisson", 1.0))
    result = fit(spectrum, from_json(settings["model"]))
    print(time.time(), result.status, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
