"""Peers fit an image: python peer_image.py FOLDER. Runs in the peers' environment; knows nothing of ours.

Every method gets the same counts, start and bounds and is used as its manual says; which statistic it minimises stands
beside it in METHODS. Answers are areas (counts eV), centres, widths (fwhm, eV) and an offset for every pixel.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import exchange
import numpy as np

SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
ROOT = np.sqrt(2.0 * np.pi)
Arrays = dict[str, np.ndarray]
# Values (rows, columns, 7); whether each fit converged by its own account, or None; evaluations of all, or None; s.
Found = tuple[np.ndarray, np.ndarray | None, int | None, float]


def scaled(numbers: np.ndarray) -> np.ndarray:
    """Start or bounds with standard deviations in the place of widths."""
    out = numbers.copy()
    out[[2, 5]] /= SIGMA
    return out


def by_hyperspy(arrays: Arrays, signal: Any, create: Callable[[Any], Any], **options: Any) -> Found:
    """multifit of two Gaussians and an Offset; the variance of the noise is given as max(counts, 1)."""
    import hyperspy.api as hs

    x, counts = arrays["x"], arrays["counts"]
    axis = signal.axes_manager[-1]
    axis.offset, axis.scale, axis.is_binned = float(x[0]), float(x[1] - x[0]), False
    signal.set_noise_variance(hs.signals.Signal1D(np.maximum(counts, 1).astype(float)))
    model = create(signal)
    start, lower, upper = (scaled(arrays[key]) for key in ("start", "lower", "upper"))
    parts = hs.model.components1D
    params: list[Any] = []
    for at in (0, 3):
        gauss = parts.Gaussian(A=start[at], centre=start[at + 1], sigma=start[at + 2])
        model.append(gauss)
        params += [gauss.A, gauss.centre, gauss.sigma]
    offset = parts.Offset(offset=start[6])
    model.append(offset)
    params.append(offset.offset)
    for param, low, high in zip(params, lower, upper, strict=True):
        param.bmin, param.bmax = low, high
    fit, outcomes = model.fit, []

    def noting(*args: Any, **kwargs: Any) -> Any:
        output = fit(*args, **kwargs)
        outcomes.append((model.axes_manager.indices, bool(output.get("success", True)), int(output.get("nfev", 0))))
        return output

    model.fit = noting  # multifit keeps nothing of how single fits ended
    begin = time.perf_counter()
    model.multifit(show_progressbar=False, **options)
    seconds = time.perf_counter() - begin
    values = np.stack([param.map["values"] for param in params], axis=-1)
    values[..., [2, 5]] *= SIGMA
    good = np.ones(counts.shape[:2], dtype=bool)
    for (column, row), success, _ in outcomes:
        good[row, column] = success
    return values, good, sum(calls for *_, calls in outcomes), seconds


def hyperspy(arrays: Arrays, **options: Any) -> Found:
    """HyperSpy's own signal and model."""
    import hyperspy.api as hs

    signal = hs.signals.Signal1D(arrays["counts"].astype(float))
    return by_hyperspy(arrays, signal, lambda s: s.create_model(), **options)


def exspy(arrays: Arrays, **options: Any) -> Found:
    """eXSpy's EELSSpectrum and EELSModel without edges."""
    from exspy.signals import EELSSpectrum

    signal = EELSSpectrum(arrays["counts"].astype(float))
    signal.set_microscope_parameters(beam_energy=200.0, convergence_angle=10.0, collection_angle=20.0)

    def create(s: Any) -> Any:
        return s.create_model(auto_background=False, auto_add_edges=False)

    return by_hyperspy(arrays, signal, create, **options)


def pyeelsmodel(arrays: Arrays) -> Found:
    """LSQFitter (SciPy trf, differences) with bounds and weights; every pixel starts from the model's start."""
    from pyEELSMODEL.components.gaussian import Gaussian
    from pyEELSMODEL.components.offset import Offset
    from pyEELSMODEL.core.model import Model
    from pyEELSMODEL.core.multispectrum import MultiSpectrum
    from pyEELSMODEL.fitters.lsqfitter import LSQFitter

    image = MultiSpectrum.from_numpy(arrays["counts"].astype(float), arrays["x"])
    start, lower, upper = arrays["start"], arrays["lower"], arrays["upper"]
    shape = image.get_spectrumshape()
    parts: list[Any] = []
    for at in (0, 3):
        # Its amplitude is a height: the bounds are those that no area within its bounds can leave.
        gauss = Gaussian(shape, start[at] * SIGMA / (ROOT * start[at + 2]), start[at + 1], start[at + 2])
        top = upper[at] * SIGMA / (ROOT * lower[at + 2])
        limits = ((0.0, top), (lower[at + 1], upper[at + 1]), (lower[at + 2], upper[at + 2]))
        for param, (low, high) in zip(gauss.parameters, limits, strict=True):
            param.setboundaries(low, high)
        parts.append(gauss)
    offset = Offset(shape, start[6])
    offset.parameters[0].setboundaries(lower[6], upper[6])
    fitter = LSQFitter(image, Model(shape, [*parts, offset]), use_bounds=True, method="trf")
    fitter.use_weights = True
    begin = time.perf_counter()
    fitter.multi_fit()
    seconds = time.perf_counter() - begin
    values = np.array(fitter.coeff_matrix)
    values[..., [0, 3]] *= ROOT / SIGMA * values[..., [2, 5]]
    return values, None, None, seconds


def lmfit(arrays: Arrays) -> Found:
    """A loop over a composite Model with weights 1/sqrt(max(counts, 1)); each fit starts where the one before ended."""
    from lmfit.models import ConstantModel, GaussianModel

    counts, x = arrays["counts"].astype(float), arrays["x"]
    model = GaussianModel(prefix="a_") + GaussianModel(prefix="b_") + ConstantModel(prefix="o_")
    names = [f"{p}_{key}" for p in "ab" for key in ("amplitude", "center", "sigma")] + ["o_c"]
    table = model.make_params()
    start, lower, upper = (scaled(arrays[key]) for key in ("start", "lower", "upper"))
    for name, value, low, high in zip(names, start, lower, upper, strict=True):
        table[name].set(value=value, min=low, max=high)
    values, good, calls = np.empty((*counts.shape[:2], 7)), np.empty(counts.shape[:2], dtype=bool), 0
    begin = time.perf_counter()
    for row in range(counts.shape[0]):
        for step in range(counts.shape[1]):
            at = row, step if row % 2 == 0 else counts.shape[1] - 1 - step
            result = model.fit(counts[at], table, x=x, weights=1.0 / np.sqrt(np.maximum(counts[at], 1.0)))
            table, calls = result.params.copy(), calls + result.nfev
            values[at], good[at] = [result.best_values[name] for name in names], result.success
    seconds = time.perf_counter() - begin
    values[..., [2, 5]] *= SIGMA
    return values, good, calls, seconds


METHODS: dict[str, tuple[str, Callable[[Arrays], Found]]] = {
    "hyperspy default": ("chi2, variance max(counts, 1), no bounds", lambda a: hyperspy(a)),
    "hyperspy bounded": ("chi2, variance max(counts, 1), bounds", lambda a: hyperspy(a, bounded=True)),
    "hyperspy trf": (
        "chi2, variance max(counts, 1), bounds, analytical gradient",
        lambda a: hyperspy(a, bounded=True, optimizer="trf", grad="analytical"),
    ),
    "hyperspy ML": (
        "Poisson likelihood, no bounds",
        lambda a: hyperspy(a, optimizer="Nelder-Mead", loss_function="ML-poisson"),
    ),
    "exspy default": ("chi2, variance max(counts, 1), no bounds", lambda a: exspy(a)),
    "exspy bounded": ("chi2, variance max(counts, 1), bounds", lambda a: exspy(a, bounded=True)),
    "pyeelsmodel": ("chi2, variance max(counts, 1), bounds", pyeelsmodel),
    "lmfit": ("chi2, variance max(counts, 1), bounds", lmfit),
}


def main(folder: Path) -> None:
    """Run one method once, after a first run on a corner of two by two pixels."""
    settings, arrays = exchange.read(folder, exchange.PROBLEM)
    statistic, method = METHODS[settings["method"]]
    method(arrays | {"counts": arrays["counts"][:2, :2]})
    values, good, calls, seconds = method(arrays)
    figures = {"statistic": statistic, "seconds": seconds, "evaluations": calls, "reports": good is not None}
    found = {"values": values, "converged": np.ones(values.shape[:2], dtype=bool) if good is None else good}
    exchange.write(folder, exchange.ANSWER, figures, found)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
