"""The first fit of a fresh process, lmfit's side: python peer_first.py FOLDER. Runs in the peers' environment."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import exchange
import peer_fit


def main(folder: Path) -> None:
    """Read the problem, fit a composite Model once; the answer holds the time when the result was there."""
    problem = peer_fit.Problem(*exchange.read(folder, exchange.PROBLEM))
    values, _, success = peer_fit.by_model(problem)
    figures = {"time": time.time(), "success": bool(success)}
    exchange.write(folder, exchange.ANSWER, figures, {"values": values})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
