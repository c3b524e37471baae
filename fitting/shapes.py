"""Registry of line shapes: parameters with units and limits, starting values, true position, width, height, area."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from fitting import lineshapes
from libraries.errors import BadModel, UnknownName

FloatArray = NDArray[np.float64]
Window = tuple[float, float]
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
class Derived:
    """What a profile truly looks like, whatever its parameters are called.

    Attributes
    ----------
    maximum_position, fwhm, height : float
        Place of the maximum, full width at half maximum, value at the maximum.
    area : float or None
        Integral: of the whole axis where that is finite (`window` None), else inside `window`. None for a shape of
        infinite area when no window was given.
    window : tuple or None
        The window that `area` belongs to.
    """

    maximum_position: float
    fwhm: float
    height: float
    area: float | None
    window: Window | None = None


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
    """

    name: str
    title: str
    parameters: tuple[ShapeParameter, ...]
    function: Callable[..., tuple[FloatArray, FloatArray]]
    formula: str
    reference: str
    finite_area: bool = True
    total: Callable[..., tuple[float, FloatArray]] | None = None

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
        maximum = _maximum(self.function, unit, scale)
        top = float(self.function(np.array([maximum]), *unit)[0][0])
        fwhm = _crossing(self.function, unit, maximum, top, scale) + _crossing(
            self.function, unit, maximum, top, -scale
        )
        if self.finite_area:
            return Derived(maximum, fwhm, amplitude * top, self.area(values))
        area = None if window is None else self.area(values, window)
        return Derived(maximum, fwhm, amplitude * top, area, window)

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
        for _ in range(3):  # spacings and the like do not scale with the width, so that one pass may not be enough
            unit = self.derived(values)
            factor = fwhm / unit.fwhm
            for parameter in self.parameters:
                if parameter.kind == "width":
                    values[parameter.name] = max(values[parameter.name] * factor, parameter.minimum)
            values["position"] += position - unit.maximum_position
        unit = self.derived(values)
        values["position"] += position - unit.maximum_position
        values[self.names[0]] *= height / unit.height
        return values

    def _scale(self, params: tuple[float, ...]) -> float:
        return sum(abs(v) for v, p in zip(params, self.parameters, strict=True) if p.kind == "width")

    def _area(self, values: Mapping[str, float], window: Window | None) -> tuple[float, FloatArray]:
        params = self.arguments(values)
        if not self.finite_area:
            if window is None:
                raise BadModel(
                    f"The area of {self.title} is infinite", where=self.name, todo="Name the window it is taken in"
                )
            return _windowed_area(self.function, params, self._scale(params), window)
        if self.total is not None:
            return self.total(*params)
        gradient = np.zeros(len(params))
        gradient[0] = 1.0
        return params[0], gradient


def _maximum(function: Callable[..., tuple[FloatArray, FloatArray]], params: tuple[float, ...], scale: float) -> float:
    """Place of the maximum: the highest point of a grid about the position that follows it uphill, refined."""
    grid = params[1] + scale * np.linspace(-1.5, 1.5, 301)
    at = int(np.argmax(function(grid, *params)[0]))
    for _ in range(50):
        if 0 < at < grid.size - 1:
            break
        grid = grid + (grid[at] - grid[150])
        at = int(np.argmax(function(grid, *params)[0]))
    low, high = grid[max(at - 1, 0)], grid[min(at + 1, grid.size - 1)]

    def slope(place: float) -> float:
        return -float(function(np.array([place]), *params)[1][1, 0])

    if slope(low) <= 0 or slope(high) >= 0:
        return float(grid[at])
    return float(brentq(slope, low, high, xtol=1e-12, rtol=1e-15))


def _crossing(
    function: Callable[..., tuple[FloatArray, FloatArray]],
    params: tuple[float, ...],
    maximum: float,
    top: float,
    scale: float,
) -> float:
    """Distance from the maximum to the nearest place of half height, on the side that the sign of `scale` says."""
    distances = scale * np.concatenate([np.linspace(0, 2, 81), 2 * 1.1 ** np.arange(1, 100)])
    below = function(maximum + distances, *params)[0] < 0.5 * top
    if not below.any():
        return float("nan")
    at = int(np.argmax(below))

    def excess(distance: float) -> float:
        return float(function(np.array([maximum + distance]), *params)[0][0]) - 0.5 * top

    return abs(float(brentq(excess, distances[at - 1], distances[at], xtol=1e-13 * abs(scale) + 1e-300)))


def _windowed_area(
    function: Callable[..., tuple[FloatArray, FloatArray]], params: tuple[float, ...], scale: float, window: Window
) -> tuple[float, FloatArray]:
    """Integral over a window and its derivatives: Gauss-Legendre on pieces that grow away from the line."""
    low, high = min(window), max(window)
    steps = scale * 0.0625 * 2.0 ** np.arange(30)
    edges = np.concatenate([[low, high, params[1]], params[1] + steps, params[1] - steps])
    edges = np.unique(edges[(edges >= low) & (edges <= high)])
    nodes, weights = np.polynomial.legendre.leggauss(16)
    half = 0.5 * np.diff(edges)[:, None]
    x = (edges[:-1, None] + half * (1 + nodes)).ravel()
    w = (half * weights).ravel()
    value, gradient = function(x, *params)
    return float(value @ w), gradient @ w


def _train_total(
    area: float, position: float, fwhm: float, mix: float, spacing: float, decay: float, *_: float
) -> tuple[float, FloatArray]:
    ratio, slope = lineshapes.plasmon_total(decay)
    return area * ratio, np.array([ratio, 0.0, 0.0, 0.0, 0.0, area * slope, 0.0])


_INFINITY = float("inf")
_AREA = ShapeParameter("area", "I eV", 1.0, 0.0, _INFINITY, "Integral over the whole axis", "area")
_HEIGHT = ShapeParameter("height", "I", 1.0, 0.0, _INFINITY, "Maximum of the line", "height")
_POSITION = ShapeParameter("position", "eV", 0.0, -_INFINITY, _INFINITY, "Energy of the line", "position")
# Widths have no physical limits here; these keep a fit away from lines without width and as wide as a survey.
_FWHM = ShapeParameter("fwhm", "eV", 1.5, 1e-3, 100.0, "Full width at half maximum", "width")
_FWHM_G = ShapeParameter("fwhm_g", "eV", 1.0, 0.0, 100.0, "Full width at half maximum of the Gaussian", "width")
_FWHM_L = ShapeParameter("fwhm_l", "eV", 0.5, 1e-3, 100.0, "Full width at half maximum of the Lorentzian", "width")
_MIX = ShapeParameter("mix", "", 0.3, 0.0, 1.0, "Lorentzian part: 0 Gaussian, 1 Lorentzian", "shape")

SHAPES: dict[str, Shape] = {
    entry.name: entry
    for entry in (
        Shape(
            "gl_product",
            "Gaussian-Lorentzian product GL(m)",
            (_AREA, _POSITION, _FWHM, _MIX),
            lineshapes.gl_product_gradient,
            "area/N exp(-4 ln2 (1-m) t²)/(1 + 4 m t²), t = (x - position)/fwhm",
            "G. H. Major et al., Surf. Interface Anal. 54 (3), 2022, doi 10.1002/sia.7050",
        ),
        Shape(
            "gl_sum",
            "Gaussian-Lorentzian sum SGL(m)",
            (_AREA, _POSITION, _FWHM, _MIX),
            lineshapes.gl_sum_gradient,
            "area/N [(1-m) exp(-4 ln2 t²) + m/(1 + 4 t²)], t = (x - position)/fwhm",
            "G. K. Wertheim et al., Rev. Sci. Instrum. 45, 1369 (1974)",
        ),
        Shape(
            "voigt",
            "Voigt",
            (_AREA, _POSITION, _FWHM_G, _FWHM_L),
            lineshapes.voigt_gradient,
            "area Re w(z)/(σ √(2π)), z = (x - position + i fwhm_l/2)/(σ √2), σ = fwhm_g/2.3548",
            "W. Voigt, Sitzungsber. Bayer. Akad. Wiss. 42, 603 (1912)",
        ),
        Shape(
            "gl_tail",
            "Gaussian-Lorentzian sum with exponential tail",
            (
                _AREA,
                _POSITION,
                _FWHM,
                _MIX,
                ShapeParameter("tail", "", 0.2, 0.0, 0.9, "Share of the area in the tail", "shape"),
                ShapeParameter("tail_length", "eV", 1.5, 0.2, 20.0, "Decay length of the tail", "shape"),
            ),
            lineshapes.gl_tail_gradient,
            "area {(1-tail) SGL(m) + tail Gauss(fwhm) ⊗ h(d)}, h half exp(-d/L)/L, half 3 exp(-3 d/L)/L, d > 0, "
            "L = tail_length",
            "E. Grushka, Anal. Chem. 44, 1733 (1972), for the exponentially modified Gaussian",
        ),
        Shape(
            "doniach_sunjic",
            "Doniach-Šunjić",
            (
                _HEIGHT,
                _POSITION,
                _FWHM_L,
                ShapeParameter("asymmetry", "", 0.1, 0.0, 0.49, "Singularity index, 0 symmetric", "shape"),
                _FWHM_G,
            ),
            lineshapes.doniach_sunjic_gradient,
            "height/M Gauss(fwhm_g) ⊗ cos[πa/2 - (1-a) atan(d/g)]/(g² + d²)^((1-a)/2), d = x - position, g = fwhm_l/2",
            "S. Doniach, M. Šunjić, J. Phys. C 3, 285 (1970)",
            finite_area=False,
        ),
        Shape(
            "plasmon_train",
            "Line with plasmon losses",
            (
                ShapeParameter("area", "I eV", 1.0, 0.0, _INFINITY, "Area of the line without its losses", "area"),
                _POSITION,
                _FWHM,
                _MIX,
                ShapeParameter("spacing", "eV", 5.8, 0.1, 100.0, "Plasmon energy (sodium metal 5.7 to 5.9)", "shape"),
                ShapeParameter("decay", "", 0.3, 0.0, 0.95, "Area of a loss relative to the one before", "shape"),
                ShapeParameter("broadening", "eV", 0.5, 0.0, 20.0, "Width that each loss adds", "shape"),
            ),
            lineshapes.plasmon_train_gradient,
            "area Σ decayⁿ SGL(m; position + n spacing, fwhm + n broadening), n = 0 ... 6",
            "P. Steiner, H. Höchst, S. Hüfner, Z. Phys. B 30, 129 (1978)",
            total=_train_total,
        ),
    )
}


def shape(name: str) -> Shape:
    """The shape of a name.

    Raises
    ------
    UnknownName
        If there is none; the message lists those there are.
    """
    try:
        return SHAPES[name]
    except KeyError:
        raise UnknownName(f"No shape is called {name}", todo=f"Known shapes: {', '.join(SHAPES)}") from None
