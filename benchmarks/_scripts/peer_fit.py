"""lmfit and SciPy fit one spectrum: python peer_fit.py FOLDER. Runs in the peers' environment; knows nothing of ours.

Methods, each timed on its own after one run to warm up:
- "lmfit Model": composite lmfit.Model as a user writes it, default leastsq, weights 1/sqrt(max(y, 1))
- "lmfit minimize": lmfit.minimize (default leastsq) of the Poisson deviance
- "least_squares": scipy.optimize.least_squares (trf, differences, x_scale="jac") of the Poisson deviance
- "curve_fit": scipy.optimize.curve_fit with bounds and sigma sqrt(max(y, 1))
"""

from __future__ import annotations

import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exchange
import lmfit
import numpy as np
from scipy.optimize import curve_fit, least_squares
from scipy.special import wofz, xlogy

LN2 = np.log(2.0)
SIGMA = 2.0 * np.sqrt(2.0 * LN2)


class Problem:
    """The model written with NumPy: peaks in one array expression, background, links as one matrix."""

    def __init__(self, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.settings, self.arrays = settings, arrays
        self.x, self.y, self.grid = arrays["x"], arrays["y"], arrays["grid"]
        self.inside = slice(self.grid.size - self.x.size, None)
        self.peaks = sum(name.endswith(".position") for name in settings["params"])
        self.start, self.bounds = arrays["start"], (arrays["lower"], arrays["upper"])
        self.sigma = np.sqrt(np.maximum(self.y, 1.0))

    def values(self, free: np.ndarray) -> np.ndarray:
        """All parameters from the free ones."""
        return self.arrays["origin"] + self.arrays["chain"] @ free

    def curve(self, values: np.ndarray) -> np.ndarray:
        """The envelope for all parameters."""
        shape = gl_sum if self.settings["shape"] == "gl_sum" else voigt
        peaks = shape(self.grid, *values[: 4 * self.peaks].reshape(-1, 4).T[:, :, None]).sum(axis=0)
        d, rest = self.x - self.settings["centre"], values[4 * self.peaks :]
        if self.settings["background"] == "linear_active":
            return peaks + rest[0] + rest[1] * d
        level, tilt, step, loss_slope = rest
        once = self.running(peaks)
        return (peaks + step * once + loss_slope * self.running(once))[self.inside] + level + tilt * d

    def running(self, f: np.ndarray) -> np.ndarray:
        """Running integral with the quadrature of the problem."""
        pieces = np.einsum("ij,ij->i", self.arrays["weights"], f[self.arrays["columns"]])
        return np.concatenate([[0.0], np.cumsum(pieces)])

    def deviance(self, values: np.ndarray) -> np.ndarray:
        """Signed roots of the Poisson deviance."""
        m = np.maximum(self.curve(values), 1e-3)
        part = xlogy(self.y, np.where(self.y > 0, self.y / m, 1.0)) - (self.y - m)
        return np.sign(self.y - m) * np.sqrt(2.0 * np.maximum(part, 0.0))


def gl_sum(x: np.ndarray, area: Any, position: Any, fwhm: Any, mix: Any) -> np.ndarray:
    """Sum of Gaussian and Lorentzian of one height and width, shape (peaks, n)."""
    t = (x - position) / fwhm
    norm = fwhm * ((1 - mix) * np.sqrt(np.pi / (4 * LN2)) + mix * np.pi / 2)
    return area / norm * ((1 - mix) * np.exp(-4 * LN2 * t * t) + mix / (1 + 4 * t * t))


def voigt(x: np.ndarray, area: Any, position: Any, fwhm_g: Any, fwhm_l: Any) -> np.ndarray:
    """Voigt profile, shape (peaks, n)."""
    sigma = fwhm_g / SIGMA
    z = (x - position + 0.5j * fwhm_l) / (sigma * np.sqrt(2))
    return area * wofz(z).real / (sigma * np.sqrt(2 * np.pi))


def parameters(problem: Problem) -> lmfit.Parameters:
    """lmfit's parameters with bounds and links as expressions."""
    table = lmfit.Parameters()
    for name, p in problem.settings["params"].items():
        table.add(lmfit_name(name), value=p["value"], vary=p["vary"], min=p["minimum"], max=p["maximum"])
    for name, p in problem.settings["params"].items():
        if p["link"]:
            table[lmfit_name(name)].set(expr=re.sub(r"\b([A-Za-z]\w*)\.(\w+)", r"\1_\2", p["link"]))
    return table


def lmfit_name(name: str) -> str:
    return name.replace(".", "_")


def by_minimize(problem: Problem) -> tuple[np.ndarray, int, bool]:
    """lmfit.minimize of the deviance."""
    table = parameters(problem)
    names = list(table)

    def residual(trial: lmfit.Parameters) -> np.ndarray:
        return problem.deviance(np.array([trial[name].value for name in names]))

    result = lmfit.minimize(residual, table)
    return np.array([result.params[name].value for name in names]), result.nfev, result.success


def by_model(problem: Problem) -> tuple[np.ndarray, int, bool]:
    """A composite Model of PseudoVoigt peaks and a line.

    lmfit's sigma is half the width; its fraction is the Lorentzian's share of the area, ours of the height (both are
    held here, so that the curves are the same); its line starts at zero.
    """
    given, centre = problem.settings["params"], problem.settings["centre"]
    model: Any = lmfit.models.LinearModel(prefix="background_")
    for i in range(problem.peaks):
        model = model + lmfit.models.PseudoVoigtModel(prefix=f"p{i}_")
    table = model.make_params()
    for i in range(problem.peaks):
        for ours, theirs, factor in KEYS:
            p = given[f"p{i}.{ours}"]
            table[f"p{i}_{theirs}"].set(value=factor * p["value"], min=factor * p["minimum"], max=factor * p["maximum"])
        table[f"p{i}_fraction"].set(value=area_share(given[f"p{i}.mix"]["value"]), vary=False)
    level, slope = given["background.level"]["value"], given["background.slope"]["value"]
    table["background_slope"].set(value=slope)
    table["background_intercept"].set(value=level - slope * centre)
    result = model.fit(problem.y, table, x=problem.x, weights=1.0 / problem.sigma)
    best, values = result.best_values, []
    for i in range(problem.peaks):
        values += [best[f"p{i}_{theirs}"] / factor for _, theirs, factor in KEYS] + [given[f"p{i}.mix"]["value"]]
    slope = best["background_slope"]
    return np.array([*values, best["background_intercept"] + slope * centre, slope]), result.nfev, result.success


KEYS = (("area", "amplitude", 1.0), ("position", "center", 1.0), ("fwhm", "sigma", 0.5))


def area_share(mix: float) -> float:
    """The Lorentzian's share of the area, from its share of the height."""
    gauss, lorentz = (1 - mix) * np.sqrt(np.pi / (4 * LN2)), mix * np.pi / 2
    return lorentz / (gauss + lorentz)


def by_least_squares(problem: Problem) -> tuple[np.ndarray, int, bool]:
    """SciPy's trust region with bounds; nfev counts steps, each with one more evaluation a free parameter."""
    calls = 0

    def residual(free: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        return problem.deviance(problem.values(free))

    result = least_squares(residual, problem.start, bounds=problem.bounds, x_scale="jac")
    np.linalg.inv(result.jac.T @ result.jac)  # the covariance, which the others compute too
    return problem.values(result.x), calls, result.success


def by_curve_fit(problem: Problem) -> tuple[np.ndarray, int, bool]:
    """SciPy's curve_fit of chi2 with the weights of the counts."""
    calls = 0

    def model(x: np.ndarray, *free: float) -> np.ndarray:
        nonlocal calls
        calls += 1
        return problem.curve(problem.values(np.array(free)))

    best, _ = curve_fit(
        model, problem.x, problem.y, problem.start, sigma=problem.sigma, absolute_sigma=True, bounds=problem.bounds
    )
    return problem.values(best), calls, True


METHODS: dict[str, Callable[[Problem], tuple[np.ndarray, int, bool]]] = {
    "lmfit Model": by_model,
    "lmfit minimize": by_minimize,
    "least_squares": by_least_squares,
    "curve_fit": by_curve_fit,
}


def main(folder: Path) -> None:
    """Run the methods asked for."""
    settings, arrays = exchange.read(folder, exchange.PROBLEM)
    problem = Problem(settings, arrays)
    figures, found = {}, {}
    for method in settings["methods"]:
        fit = METHODS[method]
        values, evaluations, success = fit(problem)
        times = []
        for _ in range(settings["repeats"]):
            begin = time.perf_counter()
            fit(problem)
            times.append(time.perf_counter() - begin)
        figures[method] = {
            "seconds": statistics.median(times), "evaluations": int(evaluations), "success": bool(success)
        }
        found[method] = values
    found["start curve"] = problem.curve(problem.values(problem.start))
    exchange.write(folder, exchange.ANSWER, figures, found)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
