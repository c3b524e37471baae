"""HyperSpy fits a low-loss image: python peer_low_loss.py FOLDER. Runs in the peers' environment.

The model is the same as ours to the last parameter: a power law, four plasmons of Drude's form with their area, a
double plasmon that follows the single one, and an edge. Plasmons and edge are HyperSpy's own Expression components
(eXSpy's VolumePlasmonDrude has no area, and its derivative by the width is wrong for plasmon energies other than 1 eV).
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import exchange
import numpy as np

DRUDE = (
    "area * fwhm**2 * q / (2 * atan(q)) * x / ((x**2 - centre**2)**2 + (x * fwhm)**2); "
    "q = sqrt(4 * centre**2 / fwhm**2 - 1)"
)
EDGE = "height * (1 + erf((x - centre) / (width * sqrt(2)))) / 2 * (x / centre)**(-exponent)"
POWER = "amplitude * (x / middle)**(-exponent)"
SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))

METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "hyperspy default": ("chi2, variance max(counts, 1), no bounds", {}),
    "hyperspy bounded": ("chi2, variance max(counts, 1), bounds", {"bounded": True}),
    "hyperspy trf": (
        "chi2, variance max(counts, 1), bounds, analytical gradient",
        {"bounded": True, "optimizer": "trf", "grad": "analytical"},
    ),
}  # fmt: skip


def expression(text: str, name: str, values: dict[str, float]) -> Any:
    """A component of a formula with its start values ("position" has a meaning of its own to HyperSpy)."""
    import hyperspy.api as hs

    named = {own(key): value for key, value in values.items()}
    return hs.model.components1D.Expression(text, name, compute_gradients=True, module="scipy", **named)


def own(key: str) -> str:
    """HyperSpy's name of a parameter."""
    return "centre" if key == "position" else key


def build(signal: Any, settings: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[Any, list[Any]]:
    """The model, and its parameters in the order of the names."""
    start = dict(zip(settings["names"], map(float, arrays["start"]), strict=True))

    def of(owner: str) -> dict[str, float]:
        return {key.split(".")[1]: value for key, value in start.items() if key.startswith(f"{owner}.")}

    parts = {"background": expression(POWER, "background", of("background") | {"middle": settings["middle"]})}
    parts["background"].middle.free = False
    parts |= {name: expression(DRUDE, name, of(name)) for name in ("pi", "na", "sigma")}
    single = of("na")
    parts["double"] = expression(DRUDE, "double", {
        "area": single["area"] * settings["double_share"], "position": 2.0 * single["position"],
        "fwhm": single["fwhm"] * settings["double_width"],
    })  # fmt: skip
    parts["surface"] = expression(
        DRUDE, "surface", of("surface") | {"position": single["position"] * settings["root_half"]}
    )
    held = {"width": settings["edge_width"] / SIGMA, "exponent": settings["edge_exponent"]}
    parts["edge"] = expression(EDGE, "edge", of("edge") | held)
    parts["edge"].width.free = parts["edge"].exponent.free = False
    model = signal.create_model()
    model.extend(list(parts.values()))
    for owner, key, factor in (
        ("double", "area", settings["double_share"]), ("double", "position", 2.0),
        ("double", "fwhm", settings["double_width"]), ("surface", "position", settings["root_half"]),
    ):  # fmt: skip
        param = getattr(parts[owner], own(key))
        param.twin_function_expr = f"x * {factor}"
        param.twin = getattr(parts["na"], own(key))
    params = [getattr(parts[owner], own(key)) for owner, key in (name.split(".") for name in settings["names"])]
    for param, low, high in zip(params, arrays["lower"], arrays["upper"], strict=True):
        param.bmin, param.bmax = float(low), float(high)
    return model, params


def fitted(
    settings: dict[str, Any], arrays: dict[str, np.ndarray], options: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray, int, float]:
    """Values (rows, columns, 15), whether each fit converged by its own account, evaluations of all, seconds."""
    import hyperspy.api as hs

    x, counts = arrays["x"], arrays["counts"]
    signal = hs.signals.Signal1D(counts.astype(float))
    axis = signal.axes_manager[-1]
    axis.offset, axis.scale, axis.is_binned = float(x[0]), float(x[1] - x[0]), False
    signal.set_noise_variance(hs.signals.Signal1D(np.maximum(counts, 1).astype(float)))
    model, params = build(signal, settings, arrays)
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
    good = np.ones(counts.shape[:2], dtype=bool)
    for (column, row), success, _ in outcomes:
        good[row, column] = success
    return values, good, sum(calls for *_, calls in outcomes), seconds


def main(folder: Path) -> None:
    """Run one method once, after a first run on a corner of two by two pixels."""
    settings, arrays = exchange.read(folder, exchange.PROBLEM)
    statistic, options = METHODS[settings["method"]]
    fitted(settings, arrays | {"counts": arrays["counts"][:2, :2]}, options)
    values, good, calls, seconds = fitted(settings, arrays, options)
    figures = {"statistic": statistic, "seconds": seconds, "evaluations": calls, "reports": True}
    exchange.write(folder, exchange.ANSWER, figures, {"values": values, "converged": good})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
