"""Single fits beside lmfit and SciPy: six GL peaks on a line, ten linked Voigt peaks on an active Shirley."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import Row
from benchmarks._own import evaluation_seconds, steady, timed
from benchmarks._peers import Answer, PeerMissing, Peers
from benchmarks._problems import Single, six_peaks, ten_voigts
from benchmarks._scripts import exchange
from fitting.dataset import FloatArray
from fitting.engine import fit
from fitting.evaluate import Evaluator
from fitting.result import FitResult
from fitting.solver import minimise
from fitting.statistics import poisson_deviance

ROOT = Path(__file__).resolve().parents[1]
DEVIANCE, CHI2 = "Poisson deviance", "chi2 with 1/max(y, 1)"
# What each method of `_scripts/peer_fit.py` is called in the table, and the statistic it minimises.
METHODS = {
    "lmfit Model": ("lmfit Model (its default)", CHI2),
    "lmfit minimize": ("lmfit.minimize of our statistic", DEVIANCE),
    "least_squares": ("scipy least_squares of our statistic", DEVIANCE),
    "curve_fit": ("scipy curve_fit", CHI2),
}
SAME = 1e-6  # relative difference of a statistic up to which two minima count as the same


def run(*, quick: bool, peers: Peers) -> list[Row]:
    """Median wall times of whole fits, result and covariance included."""
    often, repeats = (20, 2) if quick else (100, 9)
    rows = beside(six_peaks(), tuple(METHODS), often=often, repeats=repeats, peers=peers)
    rows += beside(ten_voigts(), tuple(METHODS)[1:], often=often, repeats=repeats, peers=peers)
    return rows + first_fits(six_peaks(), repeats=1 if quick else 5, peers=peers)


def beside(problem: Single, methods: tuple[str, ...], *, often: int, repeats: int, peers: Peers) -> list[Row]:
    """Our fit of a problem, `often` repeated because it is short, and those of some peers, repeated `repeats` times."""
    fit(problem.spectrum, problem.start)
    path = steady()
    ours, result = timed(lambda: fit(problem.spectrum, problem.start), often)
    free, _, _ = Evaluator(problem.spectrum, problem.start).parameters.start(result.model)
    once = evaluation_seconds(problem.spectrum, result.model, free)
    floor = None if once is None else once * result.evaluations
    title = f"fit, {problem.title}"
    note = (
        f"public fit() with result and covariance; {path}, {DEVIANCE}, {result.status} after {result.evaluations} "
        "evaluations; floor: these evaluations alone"
    )
    rows = [Row(title, ours, "s", floor=floor, note=note)]
    settings, arrays = problem.files()
    asked = {"methods": list(methods), "repeats": repeats}
    try:
        answer = peers.ask("peer_fit", settings | asked, arrays)
        versions = peers.versions()
    except PeerMissing as missing:
        return [*rows, *(Row(f"{title} / {METHODS[key][0]}", ours, "s", note=f"no peer: {missing}") for key in methods)]
    for key in methods:
        name, statistic = METHODS[key]
        package = key.split()[0] if key.startswith("lmfit") else "scipy"
        said = f"{package} {versions[package]}: {_judged(problem, result, answer, key, statistic)}"
        rows.append(Row(f"{title} / {name}", ours, "s", answer.figures[key]["seconds"], note=said))
    return rows


def _judged(problem: Single, result: FitResult, answer: Answer, method: str, statistic: str) -> str:
    """Where a peer ended, by our arithmetic: its statistic against the lowest that we find for the same statistic."""
    evaluator = Evaluator(problem.spectrum, problem.start)
    y = evaluator.y
    start = evaluator.parts(evaluator.values_of(problem.start)).envelope
    if np.max(np.abs(answer.arrays["start curve"] / start - 1)) > 1e-9:
        return "its model is NOT ours"
    reached = evaluator.parts(answer.arrays[method]).envelope
    if statistic == DEVIANCE:
        lowest, theirs = result.deviance, poisson_deviance(y, reached)
    else:
        variance = np.maximum(y, 1.0)
        lowest, theirs = _lowest_chi2(evaluator, result, variance), float(np.sum((y - reached) ** 2 / variance))
    above = theirs / lowest - 1
    verdict = "same minimum" if abs(above) <= SAME else "NOT the same minimum"
    ended = answer.figures[method]
    claims = "" if ended["success"] else ", which it says itself"
    return (
        f"minimises {statistic}, {ended['evaluations']} evaluations, ends {above:+.0e} of it from our minimum of the "
        f"same statistic ({verdict}{claims})"
    )


def _lowest_chi2(evaluator: Evaluator, result: FitResult, variance: FloatArray) -> float:
    """The minimum of chi2 with fixed variances near our fit, by our solver; not timed."""
    sigma = np.sqrt(variance)
    start, lower, upper = evaluator.parameters.start(result.model)
    return minimise(
        lambda free: (evaluator.y - evaluator.free(free)[0]) / sigma,
        lambda free: -(evaluator.free(free)[1] / sigma).T,
        start,
        lower,
        upper,
    ).cost


def first_fits(problem: Single, *, repeats: int, peers: Peers) -> list[Row]:
    """From the start of a process to the result of its first fit."""
    settings, arrays = problem.files()
    settings["model"] = problem.start.to_json()
    theirs, note = None, "interpreter, imports and fit; kernels not waited for"
    try:
        times = []
        for _ in range(repeats + 1):
            begin = time.time()
            times.append(peers.ask("peer_first", settings, arrays).figures["time"] - begin)
        theirs = statistics.median(times[1:] or times)
    except PeerMissing as missing:
        note += f"; no peer: {missing}"
    rows = []
    with tempfile.TemporaryDirectory(prefix="sodalite-first-") as name:
        folder = Path(name)
        exchange.write(folder, exchange.PROBLEM, settings, arrays)
        for state, environment in (("kernels in the cache", {}), ("empty cache", {"NUMBA_CACHE_DIR": str(folder)})):
            times = [_first_fit(folder, os.environ | environment) for _ in range(repeats + 1)]
            case = f"first fit in a fresh process, {state} / lmfit Model"
            rows.append(Row(case, statistics.median(times[1:] or times), "s", theirs, note=note))
    return rows


def _first_fit(folder: Path, environment: dict[str, str]) -> float:
    """Seconds until a new process has its result; it is ended then, whatever it still prepares."""
    command = [sys.executable, "-m", "benchmarks._first_fit", str(folder)]
    begin = time.time()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as child:
        said = child.stdout.readline().split() if child.stdout else []
        child.kill()
    if len(said) < 2:
        raise RuntimeError("the first fit of a fresh process gave no result")
    return float(said[0]) - begin
