"""One ion of a 3D ASCII export, 128 x 128 x 100 voxels as text, read into a volume beside pandas.read_csv."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from app.files.cube_ascii import IonFile, read_volume
from benchmarks import Row
from benchmarks._own import timed
from benchmarks._peers import PeerMissing, Peers

SHAPE, QUICK = (100, 128, 128), (12, 64, 64)  # scans, rows, columns
_LINES = 1 << 16


def write(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """Every voxel as a line "x y z counts" behind one comment; Poisson counts of mean 2."""
    counts = np.random.default_rng(0).poisson(2.0, shape)
    z, y, x = (axis.reshape(-1) for axis in np.indices(shape))
    table = np.column_stack([x, y, z, counts.reshape(-1)])
    with path.open("w", encoding="ascii") as file:
        file.write("# x y z counts\n")
        for start in range(0, len(table), _LINES):
            file.writelines(f"{a} {b} {c} {n}\n" for a, b, c, n in table[start : start + _LINES].tolist())
    return counts


def run(*, quick: bool, peers: Peers) -> list[Row]:
    """Seconds from text to a volume with every line checked, beside pandas reading alone and reading and placing."""
    shape, repeats = (QUICK, 3) if quick else (SHAPE, 7)
    with tempfile.TemporaryDirectory(prefix="sodalite-voxels-") as folder:
        path = Path(folder) / "film (1) - Na2F+.txt"
        truth = write(path, shape)
        size = path.stat().st_size
        seconds, (volume, _) = timed(lambda: read_volume(IonFile(path, "Na2F+")), repeats)
        title = f"3D ASCII, {shape[2]}x{shape[1]}x{shape[0]} voxels, {size / 1e6:.1f} MB of text"
        if not np.array_equal(volume, truth):
            return [Row(title, None, "s", note="the volume is not the one that was written")]
        ours = f"text to volume, every line checked, no voxel twice; {size / seconds / 1e6:.0f} MB/s, one thread"
        try:
            settings = {"file": str(path), "shape": list(shape), "repeats": repeats}
            answer = peers.ask("peer_voxels", settings, {})
            version = peers.versions()["pandas"]
        except PeerMissing as missing:
            return [Row(title, seconds, "s", note=f"{ours}; no peer: {missing}")]
    if not np.array_equal(answer.arrays["volume"], truth):
        return [Row(title, seconds, "s", note=f"{ours}; pandas read another volume")]
    return [
        Row(f"{title} / pandas read_csv alone", seconds, "s", answer.figures["reading"],
            note=f"{ours}; pandas {version}, C parser, sep=' ', 32-bit whole numbers, into columns only"),
        Row(f"{title} / pandas read_csv and placing", seconds, "s", answer.figures["volume"],
            note=f"the same; pandas {version} and NumPy put the counts into a volume"),
    ]  # fmt: skip
