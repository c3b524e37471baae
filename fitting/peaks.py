"""Peaks in numbers, with errors: what tables, figures and reports print of a fitted region."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import Spectrum
from fitting.model import Component, FitModel
from fitting.result import FitResult
from fitting.shapes import axis_direction, shape_of

Window = tuple[float, float]
Gradient = dict[str, float]


@dataclass(frozen=True)
class PeakNumbers:
    """A component in numbers; errors are None without a result, 0 where held, NaN where not determined.

    Attributes
    ----------
    position, maximum : float
        Position parameter, and where the profile truly has its maximum, on the spectrum's axis.
    fwhm, height : float
        True full width at half maximum and height of the profile.
    area : float
        In intensity unit times eV; of a shape of infinite area inside the region.
    rate : float or None
        Area per second of counting time; None where the time is not recorded.
    share : float
        Of all components of the region, 0 to 1.
    """

    id: str
    name: str
    line: str
    compound: str
    shape: str
    position: float
    position_err: float | None
    maximum: float
    fwhm: float
    fwhm_err: float | None
    height: float
    area: float
    area_err: float | None
    rate: float | None
    rate_err: float | None
    share: float


def peak_numbers(spectrum: Spectrum, model: FitModel, result: FitResult | None = None) -> tuple[PeakNumbers, ...]:
    """The numbers of every component of a region.

    Parameters
    ----------
    spectrum : Spectrum
        After its recipe.
    model : FitModel
    result : FitResult, optional
        The fit that `model` came from. Where the model misses structure in the data, errors are multiplied by the root
        of reduced chi2.
    """
    areas = [_area(spectrum, model, component) for component in model.components]
    total = sum(area for area, _ in areas)
    time = _seconds(spectrum)
    rows = []
    for component, (area, slopes) in zip(model.components, areas, strict=True):
        maximum, fwhm, height = _outline(spectrum, component)
        error = _propagated(result, slopes)
        rows.append(
            PeakNumbers(
                id=component.id,
                name=component.name or component.id,
                line=component.line,
                compound=component.compound,
                shape=component.shape,
                position=component.value("position"),
                position_err=_propagated(result, {f"{component.id}.position": 1.0}),
                maximum=maximum,
                fwhm=fwhm,
                fwhm_err=None if result is None else _propagated(result, _width_slopes(spectrum, component, fwhm)),
                height=height,
                area=area,
                area_err=error,
                rate=None if time is None else area / time,
                rate_err=None if time is None or error is None else error / time,
                share=area / total if total > 0 else math.nan,
            )
        )
    return tuple(rows)


def error_factor(result: FitResult) -> float:
    """By what the errors of a fit are multiplied because its model misses structure in the data; else 1."""
    return math.sqrt(result.reduced_chi2) if result.exceeds_noise else 1.0


def parameter_error(result: FitResult | None, name: str) -> float | None:
    """Error of a parameter as printed: None without a result, 0 where held, NaN where not determined."""
    if result is None or name not in result.names:
        return None
    return result.scaled_error(name)


def _seconds(spectrum: Spectrum) -> float | None:
    """Counting time that turns an area into a rate."""
    unit = spectrum.meta.intensity_unit
    return 1.0 if unit == "counts/s" else spectrum.meta.live_time if unit == "counts" else None


def _direction(spectrum: Spectrum) -> int:
    return axis_direction(spectrum.axis.quantity)


def _values(spectrum: Spectrum, component: Component) -> dict[str, float]:
    """The parameters on an axis along which losses lie at high values, as shapes want them."""
    return component.values | {"position": _direction(spectrum) * component.value("position")}


def _area(spectrum: Spectrum, model: FitModel, component: Component) -> tuple[float, Gradient]:
    direction, entry = _direction(spectrum), shape_of(component)
    window = model.region if direction > 0 else (-model.region[1], -model.region[0])
    values = _values(spectrum, component)
    slopes = entry.area_gradient(values, window)
    slopes["position"] *= direction
    return entry.area(values, window), {f"{component.id}.{name}": slope for name, slope in slopes.items()}


def _outline(spectrum: Spectrum, component: Component) -> tuple[float, float, float]:
    """Place of the maximum, true width and height."""
    drawn = shape_of(component).derived(_values(spectrum, component))
    return _direction(spectrum) * drawn.maximum_position, drawn.fwhm, drawn.height


def _width_slopes(spectrum: Spectrum, component: Component, width: float) -> Gradient:
    """Derivatives of the true width with respect to the parameters that shape it."""
    slopes: Gradient = {}
    for parameter in shape_of(component).parameters:
        if parameter.kind not in ("width", "shape"):
            continue
        param = component.param(parameter.name)
        step = 1e-4 * max(abs(param.value), 0.1)
        inside = min(param.value + step, parameter.maximum)
        if inside <= param.value:
            inside = param.value - step
        moved = component.with_(**{parameter.name: replace(param, value=inside, minimum=-math.inf, maximum=math.inf)})
        slopes[f"{component.id}.{parameter.name}"] = (_outline(spectrum, moved)[1] - width) / (inside - param.value)
    return slopes


def _propagated(result: FitResult | None, slopes: Gradient) -> float | None:
    """Error of a quantity with that gradient."""
    if result is None:
        return None
    names = [name for name, slope in slopes.items() if slope != 0 and name in result.names]
    if not all(math.isfinite(slope) for slope in slopes.values()):
        return math.nan
    if not names:
        return 0.0
    gradient = np.array([slopes[name] for name in names])
    variance = float(gradient @ result.covariance_of(names) @ gradient)
    return error_factor(result) * math.sqrt(variance) if variance >= 0 else math.nan
