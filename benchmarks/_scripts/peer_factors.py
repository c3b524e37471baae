"""pyMCR and scikit-learn resolve counts into factors: python peer_factors.py FOLDER. Runs in the peers' environment.

Settings tell which: "nnls" and "ols" of pyMCR, "nmf" of scikit-learn. Lack of fit in % is that of the numbers given.
"""

from __future__ import annotations

import resource
import sys
import time
import warnings
from pathlib import Path

import exchange
import numpy as np


def lack_of_fit(d: np.ndarray, c: np.ndarray, s: np.ndarray) -> float:
    """100 |D - CS| / |D|, from small products."""
    size = float(np.sum(d * d))
    square = size - 2 * float(np.sum(c * (d @ s.T))) + float(np.sum((c.T @ c) * (s @ s.T)))
    return 100.0 * float(np.sqrt(max(square, 0.0) / size))


def resolved(d: np.ndarray, start: np.ndarray, kind: str, limit: int) -> tuple[np.ndarray, np.ndarray, float, int]:
    """pyMCR from the same start; it ends where its error changes by less than 1e-6 of the mean square."""
    from pymcr.constraints import ConstraintNonneg
    from pymcr.mcr import McrAR

    model = McrAR(max_iter=limit, c_regr=kind.upper(), st_regr=kind.upper(), c_constraints=[ConstraintNonneg()],
                  st_constraints=[ConstraintNonneg()], tol_increase=1e3, tol_n_increase=limit, tol_n_above_min=limit,
                  tol_err_change=1e-6 * float(np.mean(d * d)) * 1e-2)
    begin = time.perf_counter()
    model.fit(d, ST=start)
    return model.C_opt_, model.ST_opt_, time.perf_counter() - begin, int(model.n_iter)


def factorised(d: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray, float, int]:
    """scikit-learn's NMF with its defaults, seeded."""
    from sklearn.decomposition import NMF

    model = NMF(n_components=k, random_state=0)
    begin = time.perf_counter()
    c = model.fit_transform(d)
    return c, model.components_, time.perf_counter() - begin, int(model.n_iter_)


def main(folder: Path) -> None:
    """Resolve once."""
    settings, arrays = exchange.read(folder, exchange.PROBLEM)
    d, k = arrays["data"].reshape(-1, arrays["data"].shape[-1]).astype(float), int(settings["k"])
    if settings["kind"] == "nmf":
        c, s, seconds, number = factorised(d, k)
    else:
        c, s, seconds, number = resolved(d, arrays["start"], settings["kind"], int(settings["limit"]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {"seconds": seconds, "lof": lack_of_fit(d, c, s), "iterations": number, "peak": peak}
    exchange.write(folder, exchange.ANSWER, figures, {})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
