"""Areas, widths and shares of a region's components with their errors, from the result while it is current."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.gui.plot.geometry import peak_of
from app.project.project import RegionFit
from fitting.model import Component
from fitting.peaks import error_factor
from fitting.result import FitResult
from fitting.shapes import shape


@dataclass(frozen=True)
class Measured:
    """A component's numbers; an error is None where there is no current result, NaN where it is not determined.

    Errors are multiplied by `factor` already, because the model misses structure in the data where it is above 1.
    """

    position: float
    position_error: float | None
    fwhm: float
    fwhm_error: float | None
    area: float
    area_error: float | None
    share: float
    share_error: float | None
    factor: float = 1.0


def measured(fit: RegionFit) -> dict[str, Measured]:
    """The numbers of every component by id."""
    components, result = fit.model.components, fit.result
    window = fit.model.region
    areas = np.array([shape(c.shape).area(c.values, window) for c in components])
    total = float(areas.sum())
    # Without a result (under the hand, that is) there are no errors, and derivatives would only cost time.
    gradients = [_area_gradient(c, window) if result is not None else {} for c in components]
    shares = areas / total if total > 0 else np.zeros_like(areas)
    table = {}
    for index, component in enumerate(components):
        share_error = None
        if result is not None and total > 0:
            # d(a_i / sum a) = (da_i - share_i * sum da) / sum a
            combined = {name: slope / total for name, slope in gradients[index].items()}
            for other in gradients:
                for name, slope in other.items():
                    combined[name] = combined.get(name, 0.0) - shares[index] * slope / total
            share_error = _propagated(result, combined)
        fwhm, slope = _fwhm(component, slopes=result is not None)
        table[component.id] = Measured(
            component.value("position"),
            _propagated(result, {f"{component.id}.position": 1.0}),
            fwhm,
            _propagated(result, slope),
            float(areas[index]),
            _propagated(result, gradients[index]),
            float(shares[index]),
            share_error,
            1.0 if result is None else error_factor(result),
        )
    return table


def _area_gradient(component: Component, window: tuple[float, float]) -> dict[str, float]:
    slopes = shape(component.shape).area_gradient(component.values, window)
    return {f"{component.id}.{name}": slope for name, slope in slopes.items()}


def _fwhm(component: Component, *, slopes: bool) -> tuple[float, dict[str, float]]:
    """Width at half maximum and, if wanted, its derivatives; the parameter itself where it is one."""
    if any(name == "fwhm" for name, _ in component.params):
        return component.value("fwhm"), {f"{component.id}.fwhm": 1.0}
    width, found = peak_of(component).fwhm, {}
    for parameter in shape(component.shape).parameters:
        if not slopes or parameter.kind not in ("width", "shape"):
            continue
        param = component.param(parameter.name)
        step = 1e-4 * max(abs(param.value), 0.1)
        inside = min(max(param.value + step, parameter.minimum), parameter.maximum)
        if inside == param.value:
            inside = param.value - step
        moved = peak_of(component.with_(**{parameter.name: type(param)(inside)})).fwhm
        found[f"{component.id}.{parameter.name}"] = (moved - width) / (inside - param.value)
    return width, found


def _propagated(result: FitResult | None, gradient: dict[str, float]) -> float | None:
    if result is None:
        return None
    names = [name for name in gradient if name in result.names]
    if not names:
        return 0.0
    slopes = np.array([gradient[name] for name in names])
    covariance = result.covariance_of(names)
    # Parameters without influence may be undetermined without harm.
    used = np.abs(slopes) > 0
    variance = float(slopes[used] @ covariance[np.ix_(used, used)] @ slopes[used]) if used.any() else 0.0
    return error_factor(result) * math.sqrt(variance) if variance >= 0 else math.nan
