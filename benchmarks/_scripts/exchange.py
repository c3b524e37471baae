"""Problems and answers as files: numbers in an .npz, the rest in a .json. Used on both sides; needs NumPy alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

PROBLEM, ANSWER = "problem", "answer"


def write(folder: Path, name: str, settings: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write settings (anything JSON knows) and arrays under one name."""
    np.savez(folder / f"{name}.npz", **arrays)
    (folder / f"{name}.json").write_text(json.dumps(dict(settings)), encoding="utf-8")


def read(folder: Path, name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return settings and arrays; nothing that could run is ever loaded."""
    with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8")), arrays
