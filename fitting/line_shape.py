"""A line shape as the program knows it: parameters with units and limits, starting values, true outline, area."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from fitting import lineshapes
from fitting.outline import Derived, FloatArray, Profile, Window, crossing_of, maximum_of, windowed_area
from libraries.errors import BadModel

if TYPE_CHECKING:
    from fitting.model import Curve

Kind = Literal["area", "height", "position", "width", "shape", "level", "slope", "step"]

# Where energies run against the binding energy. Shapes and backgrounds take their direction from here and nowhere else.
_DIRECTIONS = {"kinetic_energy": -1}


def axis_direction(quantity: str) -> int:
    """+1 where losses lie at high values of an axis (binding energy, energy loss), -1 where at low ones (kinetic)."""
    return _DIRECTIONS.get(quantity, 1)


@dataclass(frozen=True)
class ShapeParameter:
    """One parameter of a shape or background: its unit ("" for plain numbers), start, limits and what it is.

    The unit "I" stands for the unit of the intensities.
    """

    name: str
    unit: str
    default: float
    minimum: float
    maximum: float
    description: str
    kind: Kind



@dataclass(frozen=True)
class Shape:
    """A line shape as the program knows it.

    Attributes
    ----------
    name, title : str
        Key of the registry, and the name that people read.
    parameters : tuple of ShapeParameter
        In the order of the arguments; the first is the amplitude (area or height), the second the position.
    function : callable
        (x, *parameters) -> (values (n,), gradient (k, n)) on a binding-energy axis in any order.
    formula, reference : str
    finite_area : bool
        Whether the integral over the whole axis exists.
    total : callable or None
        (*parameters) -> (area of everything, its derivatives); None: the first parameter is the area.
    step : bool
        Whether it is a step, which is no peak and has no place in a composition.
    takes_curve : bool
        Whether it is drawn after a measured line (see `with_curve`).
    size : float
        A width in eV that it has beside its parameters.
    quantity : str
        The only quantity of an axis that it stands on: its formula counts from that axis's zero. "" for any.
    maximum : callable or None
        (*parameters) -> place of the maximum, of a shape that changes when it is moved.
    """

    name: str
    title: str
    parameters: tuple[ShapeParameter, ...]
    function: Profile
    formula: str
    reference: str
    finite_area: bool = True
    total: Callable[..., tuple[float, FloatArray]] | None = None
    step: bool = False
    takes_curve: bool = False
    size: float = 0.0
    quantity: str = ""
    maximum: Callable[..., float] | None = None

    def stands_on(self, quantity: str) -> bool:
        """Whether it can be used on an axis of this quantity."""
        return self.quantity in ("", quantity)

    def with_curve(self, curve: Curve | None) -> Shape:
        """The shape drawn after a measured line; itself where it takes none.

        Raises
        ------
        BadModel
            If it takes one and there is none.
        """
        if not self.takes_curve:
            return self
        if curve is None:
            raise BadModel(
                "This shape is drawn after a measured line, and there is none",
                where=self.name,
                todo="Take one from a spectrum of the project",
            )
        x, y = np.array(curve.x), np.array(curve.y)

        def function(at: FloatArray, *params: float) -> tuple[FloatArray, FloatArray]:
            return lineshapes.measured_gradient(at, *params, x, y)

        above = np.flatnonzero(y >= 0.5 * float(np.max(y)))
        size = max(float(x[above[-1]] - x[above[0]]), float(np.min(np.diff(x))))
        return replace(self, function=function, size=size)

    @property
    def names(self) -> tuple[str, ...]:
        """Parameter names in the order of the arguments."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def defaults(self) -> dict[str, float]:
        """Default values by name."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def arguments(self, values: Mapping[str, float]) -> tuple[float, ...]:
        """The parameter values in the order of the function.

        Raises
        ------
        BadModel
            If a value is missing.
        """
        missing = [name for name in self.names if name not in values]
        if missing:
            raise BadModel(f"The shape {self.title} needs a value for {', '.join(missing)}", where=self.name)
        return tuple(float(values[name]) for name in self.names)

    def evaluate(self, x: FloatArray, *params: float, direction: int = 1) -> tuple[FloatArray, FloatArray]:
        """Values and gradient on an axis of either direction.

        Parameters
        ----------
        x : ndarray, shape (n,)
            Axis values; `params` gives the position on the same axis.
        direction : +1 or -1
            +1 for binding energy and energy loss, -1 for kinetic energy (see `axis_direction`).
        """
        if direction > 0:
            return self.function(x, *params)
        amplitude, position, *others = params
        value, gradient = self.function(-np.asarray(x), amplitude, -position, *others)
        gradient[1] *= -1
        return value, gradient

    def derived(self, values: Mapping[str, float], window: Window | None = None) -> Derived:
        """True maximum, width, height and area of the profile, refined numerically to about 1e-9.

        Parameters
        ----------
        values : mapping
            Parameter values by name, on a binding-energy axis.
        window : (low, high), optional
            Where the area of a shape of infinite area is taken; not used for the others.
        """
        amplitude, *others = self.arguments(values)
        unit = (1.0, *others)
        scale = self._scale(unit)
        function = self._rise if self.step else self.function
        maximum = self._maximum(unit, scale)
        top = float(function(np.array([maximum]), *unit)[0][0])
        fwhm = crossing_of(function, unit, maximum, top, scale) + crossing_of(function, unit, maximum, top, -scale)
        if self.step:
            top = 1.0
            # Of a step that changes when it is moved, the derivative by the position is not its slope.
            fwhm = fwhm if not self.quantity else float(values["fwhm"])
        if self.finite_area:
            return Derived(maximum, fwhm, amplitude * top, self.area(values))
        area = None if window is None else self.area(values, window)
        return Derived(maximum, fwhm, amplitude * top, area, window)

    def _maximum(self, unit: tuple[float, ...], scale: float) -> float:
        if self.step:
            return unit[1]
        return maximum_of(self.function, unit, scale) if self.maximum is None else self.maximum(*unit)

    def area(self, values: Mapping[str, float], window: Window | None = None) -> float:
        """Area of the whole profile, or, where that is infinite, inside `window`."""
        return self._area(values, window)[0]

    def area_gradient(self, values: Mapping[str, float], window: Window | None = None) -> dict[str, float]:
        """Derivatives of the area with respect to every parameter, for the propagation of errors.

        Raises
        ------
        BadModel
            If the area is infinite and no window is given.
        """
        return dict(zip(self.names, map(float, self._area(values, window)[1]), strict=True))

    def start(self, position: float, height: float, fwhm: float) -> dict[str, float]:
        """Parameters of a profile with its maximum, height and width as guessed, all else at the defaults."""
        values = self.defaults | {"position": position}
        for _ in range(6):  # spacings and the like do not scale with the width, so that one pass may not be enough
            unit = self.derived(values)
            factor = fwhm / unit.fwhm
            if abs(factor - 1.0) < 1e-6:
                break
            for parameter in self.parameters:
                if parameter.kind == "width":
                    values[parameter.name] = max(values[parameter.name] * factor, parameter.minimum)
            values["position"] += position - unit.maximum_position
        unit = self.derived(values)
        values["position"] += position - unit.maximum_position
        values[self.names[0]] *= height / unit.height
        return values

    def _scale(self, params: tuple[float, ...]) -> float:
        widths = sum(abs(v) for v, p in zip(params, self.parameters, strict=True) if p.kind == "width")
        return widths + self.size

    def _rise(self, x: FloatArray, *params: float) -> tuple[FloatArray, FloatArray]:
        """Slope of a step: a peak in its middle."""
        _, gradient = self.function(x, *params)
        return -gradient[1], gradient

    def _area(self, values: Mapping[str, float], window: Window | None) -> tuple[float, FloatArray]:
        params = self.arguments(values)
        if not self.finite_area:
            if window is None:
                raise BadModel(
                    f"The area of {self.title} is infinite", where=self.name, todo="Name the window it is taken in"
                )
            return windowed_area(self.function, params, self._scale(params), window)
        if self.total is not None:
            return self.total(*params)
        gradient = np.zeros(len(params))
        gradient[0] = 1.0
        return params[0], gradient
