"""eXSpy aligns zero-loss peaks: python peer_zero_loss.py FOLDER. Runs in the peers' environment.

Answers are the energies that it takes for the zero-loss peaks: by how much it moved each spectrum.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import exchange
import numpy as np


def image(arrays: dict[str, np.ndarray]) -> Any:
    """The counts as eXSpy's signal."""
    from exspy.signals import EELSSpectrum

    signal = EELSSpectrum(arrays["counts"].astype(float))
    axis = signal.axes_manager[-1]
    axis.offset, axis.scale = float(arrays["energy"][0]), float(arrays["energy"][1] - arrays["energy"][0])
    return signal


def aligned(arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, float]:
    """align_zero_loss_peak with its defaults (crop=False keeps the axis); a marker tells what became of each spectrum.

    It tells nobody its shifts, so that a second signal is moved along: a smooth slope, whose height says by how much.
    """
    signal = image(arrays)
    count = signal.axes_manager[-1].size
    marker = signal._deepcopy_with_new_data(np.broadcast_to(np.arange(float(count)), signal.data.shape).copy())
    begin = time.perf_counter()
    signal.align_zero_loss_peak(print_stats=False, show_progressbar=False, crop=False)
    seconds = time.perf_counter() - begin
    # Once more, not timed, with the marker.
    signal = image(arrays)
    offset = signal.axes_manager[-1].offset
    signal.align_zero_loss_peak(also_align=[marker], print_stats=False, show_progressbar=False, crop=False)
    axis = signal.axes_manager[-1]
    middle = round(-axis.offset / axis.scale)
    # What lies at `middle` now lay at channel `marker` before.
    before = offset + axis.scale * marker.data[..., middle]
    return before - (axis.offset + axis.scale * middle), seconds


def main(folder: Path) -> None:
    """Run once after a first run on a corner."""
    _, arrays = exchange.read(folder, exchange.PROBLEM)
    aligned(arrays | {"counts": arrays["counts"][:2, :2]})
    positions, seconds = aligned(arrays)
    exchange.write(folder, exchange.ANSWER, {"seconds": seconds}, {"positions": positions})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
