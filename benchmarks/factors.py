"""Factors of a depth profile and of a whole cube of ions, beside pyMCR and scikit-learn; NNLS beside SciPy."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from scipy.optimize import nnls as single_nnls

from benchmarks import Row
from benchmarks._factor_problems import QUICK_SHAPE, SHAPE, K, cube, layers
from benchmarks._own import timed
from benchmarks._peers import PeerMissing, Peers
from fitting.factors.mcr import poisson_scaling, purest_rows, resolve
from fitting.factors.nnls import nnls

ROOT = Path(__file__).resolve().parents[1]
_LIMIT = 3600.0  # s for a peer with a whole cube
_ROUNDS = 50  # iterations that pyMCR makes by default


def run(*, quick: bool, peers: Peers) -> list[Row]:
    """Seconds of a profile, of a cube and of non-negative least squares alone."""
    return [*_profile(quick, peers), *_cube(quick, peers), _squares(quick)]


def _profile(quick: bool, peers: Peers) -> list[Row]:
    made = layers()
    seconds, found = timed(lambda: resolve(made.counts, K), 3 if quick else 7)
    title = "MCR of a profile 500x300, 5 factors"
    scaling = poisson_scaling(made.counts)
    start = scaling.data[list(purest_rows(scaling.data, K))]
    ours = f"ours {found.iterations} iterations to a lack of fit of {found.lof:.4f} % (least {found.lof_bound:.4f} %)"
    try:
        answer = peers.ask("peer_factors", {"kind": "nnls", "k": K, "limit": 500},
                           {"data": scaling.data, "start": start}).figures  # fmt: skip
        note = f"{ours}, peer {answer['iterations']} to {answer['lof']:.4f} %; same scaled numbers and start"
        return [Row(f"{title} / pyMCR NNLS", seconds, "s", answer["seconds"], note=note)]
    except PeerMissing as missing:
        return [Row(title, seconds, "s", note=f"{ours}; no peer: {missing}")]


def _cube(quick: bool, peers: Peers) -> list[Row]:
    shape = QUICK_SHAPE if quick else SHAPE
    command = [sys.executable, "-m", "benchmarks._factors_cube", *map(str, shape)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    found = json.loads(done.stdout.splitlines()[-1])
    title = f"5 factors of a cube of {np.prod(shape) / 1e6:.3g} M voxels x 60 ions"
    rows = [Row(f"{title}: peak of memory", found["peak"], "MB", note="asked for: below 1000 MB")]
    counts = np.asarray(cube(shape).counts).reshape(-1, 60)
    rng = np.random.default_rng(0)
    start = np.array([counts[at : at + 500].mean(axis=0) for at in np.linspace(0, len(counts) - 500, K).astype(int)])
    note = f"χ²/dof {found['chi2']:.3f} of the summed blocks; amounts in every voxel included"
    for kind, name in (("ols", "pyMCR OLS"), ("nmf", "scikit-learn NMF")):
        case = f"{title} / {name}"
        try:
            answer = peers.ask("peer_factors", {"kind": kind, "k": K, "limit": _ROUNDS},
                               {"data": counts, "start": start + 1e-3 * rng.random(start.shape)},
                               limit=_LIMIT).figures  # fmt: skip
            theirs = f"peer {answer['iterations']} iterations, {answer['peak']:.0f} MB"
            rows.append(Row(case, found["seconds"], "s", answer["seconds"], note=f"{note}; {theirs}"))
        except PeerMissing as missing:
            rows.append(Row(case, found["seconds"], "s", note=f"{note}; no peer: {missing}"))
    return rows


def _squares(quick: bool) -> Row:
    made = layers()
    matrix, targets = made.spectra.T, made.counts[: 100 if quick else 500]
    seconds, found = timed(lambda: nnls(matrix, targets.T), 5)
    begin = time.perf_counter()
    theirs = np.array([single_nnls(matrix, row)[0] for row in targets])
    peer = time.perf_counter() - begin
    off = float(np.abs(found.T - theirs).max() / np.abs(theirs).max())
    return Row(f"NNLS of {len(targets)} spectra of 300 channels, 5 unknowns / scipy.optimize.nnls", seconds, "s", peer,
               note=f"largest difference {off:.1e} of the largest")  # fmt: skip
