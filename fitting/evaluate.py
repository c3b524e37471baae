"""A fit model on the points of a spectrum: values and analytic derivatives.

Three layers, chained exactly:

    free parameters  --links-->  all parameters  --shapes, background-->  intensities
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fitting.backgrounds import StaticBackground, active_background, anchor_levels, end_levels, static_background
from fitting.backgrounds import kind as background_kind
from fitting.constraints import Dual, Link, evaluation_order, parse
from fitting.dataset import FloatArray, Spectrum
from fitting.model import Component, Curve, FitModel
from fitting.response import Kernel, kernel_of
from fitting.shapes import Shape, axis_direction, shape_of
from libraries.errors import BadData, BadModel

# The running integrals of an in-fit background begin this far outside the window (eV), so that the tails of peaks
# near its low-binding-energy edge count; spaced wider and wider because tails are smooth.
_EXTENSION = -np.geomspace(40.0, 0.1, 25)


_START = ("value", "minimum", "maximum")
_INTEGRATING = ("shirley_active", "tougaard_active", "tougaard_plasmon")


@dataclass(frozen=True, eq=False)
class Parts:
    """Background, components and their sum on the points of the region; shapes (n,), (m, n), (n,)."""

    background: FloatArray
    components: tuple[FloatArray, ...]
    envelope: FloatArray


@dataclass(frozen=True, eq=False)
class Plan:
    """What a compiled evaluator needs to know of a model on an axis.

    Attributes
    ----------
    grid : array
        Points of the axis, and those outside that an integrating background needs.
    inside : slice
        The data's points on the grid.
    centre : float
        Axis value where a background has its level.
    shapes : tuple of str
        Names of the components' shapes.
    first : tuple of int
        Place of each component's first parameter; last that of the background's.
    background : str
    static : array or None
        Values of a background that is not fitted.
    kernel : Kernel or None
        The response, along the axis, that spreads some components; the grid is extended for it.
    spread : tuple of bool
        Which components it spreads.
    curves : tuple of Curve or None
        Measured lines of the components.
    """

    grid: FloatArray
    inside: slice
    centre: float
    shapes: tuple[str, ...]
    first: tuple[int, ...]
    background: str
    static: FloatArray | None
    kernel: Kernel | None
    spread: tuple[bool, ...]
    curves: tuple[Curve | None, ...]


class Parameters:
    """Order, links and bounds of a model's parameters.

    Attributes
    ----------
    names : tuple of str
        All parameters by full name.
    free : tuple of str
        What a fit changes: free parameters, and linked ones whose link has a tolerance (their departure from the
        formula is then the free number).
    index, free_index : dict
        Places by full name, among all parameters and among the free ones.
    links : dict
        Parsed links by the name of the parameter that has one.
    order : tuple of str
        The linked parameters in an order in which they can be computed.
    direct, direct_free : arrays of int
        Places of the free parameters without a link, among all and among the free ones.
    constants : array, shape (k,)
        All parameters as the model has them.
    """

    def __init__(self, model: FitModel) -> None:
        params = model.params
        self.names = tuple(params)
        self.index = {name: i for i, name in enumerate(self.names)}
        self.links: dict[str, Link] = {name: parse(p.link) for name, p in params.items() if p.link}
        self.order = evaluation_order(self.links, params)
        self.free = tuple(
            name
            for name, p in params.items()
            if p.free or (p.vary and name in self.links and self.links[name].tolerance > 0)
        )
        self.free_index = {name: i for i, name in enumerate(self.free)}
        direct = [name for name in self.free if name not in self.links]
        self.direct = np.array([self.index[name] for name in direct], dtype=int)
        self.direct_free = np.array([self.free_index[name] for name in direct], dtype=int)
        self.constants = np.array([p.value for p in params.values()])
        self._plain = np.zeros((len(self.names), len(self.free)))
        self._plain[self.direct, self.direct_free] = 1.0

    @classmethod
    def of(cls, model: FitModel) -> Parameters:
        """Those of a model, worked out once: nothing of a model can change."""
        known = model.__dict__.get("_parameters")
        if known is None:
            known = cls(model)
            object.__setattr__(model, "_parameters", known)
        return known

    def start(self, model: FitModel) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Start values and bounds of the free numbers, each of shape (n_free,).

        The free number of a link with a tolerance is its departure from the formula: in the parameter's unit, or as a
        share of the formula's value where the tolerance is one, so that the range follows the formula during the fit.
        """
        params = model.params
        values = {name: Dual(p.value, {}) for name, p in params.items()}
        start, low, high = (np.array([getattr(params[n], key) for n in self.free]) for key in _START)
        for name in self.order:
            link, formula = self.links[name], self.links[name].evaluate(values).value
            departure = 0.0
            if name in self.free_index:
                unit = formula if link.relative else 1.0
                at = self.free_index[name]
                if unit != 0.0:
                    departure = float(np.clip((params[name].value - formula) / unit, -link.tolerance, link.tolerance))
                start[at], low[at], high[at] = departure, -link.tolerance, link.tolerance
                departure *= unit
            values[name] = Dual(formula + departure, {})
        return start, low, high

    def reach(self, *parts: slice) -> np.ndarray:
        """Which free parameters act, themselves or by links, on one in these parts of all; bool (n_free,)."""
        acts = {name: {name} if name in self.free_index else set() for name in self.names}
        for name in self.order:
            for other in self.links[name].names:
                acts[name] |= acts[other]
        seen = set().union(*(acts[name] for part in parts for name in self.names[part]), set())
        return np.array([name in seen for name in self.free], dtype=bool)

    def expand(self, free: FloatArray) -> tuple[FloatArray, FloatArray]:
        """All parameter values (k,) from the free ones, and their derivatives (k, n_free)."""
        vector = self.constants.copy()
        vector[self.direct] = free[self.direct_free]
        matrix = self._plain.copy()
        for name in self.order:
            link, row = self.links[name], self.index[name]
            dual = link.evaluate({other: Dual(float(vector[self.index[other]]), {other: 1.0}) for other in link.names})
            slopes = np.zeros(len(self.free))
            for other, slope in dual.gradient.items():
                slopes += slope * matrix[self.index[other]]
            value = dual.value
            if name in self.free_index:
                at = self.free_index[name]
                if link.relative:
                    slopes *= 1.0 + free[at]
                    value *= 1.0 + float(free[at])
                    slopes[at] += dual.value
                else:
                    value += float(free[at])
                    slopes[at] += 1.0
            vector[row], matrix[row] = value, slopes
        return vector, matrix


class Evaluator:
    """A model compiled for one spectrum.

    Parameters
    ----------
    spectrum : Spectrum
        A single spectrum, after its recipe.
    model : FitModel

    Raises
    ------
    BadData
        If the spectrum is a series, or its region holds no data.
    BadModel
        If a shape or background does not exist or a parameter is missing.
    """

    def __init__(self, spectrum: Spectrum, model: FitModel) -> None:
        if spectrum.navigation:
            raise BadData("A fit takes one spectrum, not a series", where=spectrum.name)
        part = spectrum.part(*model.region)
        self.x, self.y = spectrum.x[part], np.asarray(spectrum.counts[part], dtype=np.float64)
        self.parameters = Parameters.of(model)
        self.direction = axis_direction(spectrum.axis.quantity)
        self.component_ids = tuple(c.id for c in model.components)
        self._shapes = [self._shape(component) for component in model.components]
        self._curves = tuple(c.curve if entry.takes_curve else None for c, entry in zip(
            model.components, self._shapes, strict=True
        ))
        self._check_energies(model)
        self._slices: list[slice] = []
        first = 0
        for entry in self._shapes:
            self._slices.append(slice(first, first + len(entry.names)))
            first += len(entry.names)
        self._background = model.background.kind
        self._background_slice = slice(first, first + len(model.background.params))
        taken = self._static_background(spectrum, model)
        self._static = taken.values if taken is not None else None
        # What the analyst ought to know of a background that is taken from the data.
        self.warnings = taken.warnings if taken is not None else ()
        low, high = float(self.x[0]), float(self.x[-1])
        self._centre = 0.5 * (low + high)
        self._grid, self._inside = self._extended_grid()
        self._spread = tuple(component.broadened for component in model.components)
        self._kernel = self._response(model) if any(self._spread) else None
        self._wide = self.x if self._kernel is None else self._kernel.extended(self.x)

    def _check_energies(self, model: FitModel) -> None:
        """Refuse formulas that count from the zero loss where there is none, or powers of nothing."""
        below = background_kind(model.background.kind)
        for entry in (*self._shapes, below):
            if entry.quantity and self.direction < 0:
                raise BadModel(f"{entry.title} counts energy losses, not kinetic energies", where=model.name)
        if below.quantity and self.x.size and self.x[0] <= 0.0:
            raise BadModel(
                f"The background {below.title} needs energy losses above 0", where=model.name,
                todo="Let the region begin above the zero-loss peak",
            )

    def _response(self, model: FitModel) -> Kernel:
        if model.response is None:
            names = [c.name or c.id for c in model.components if c.broadened]
            raise BadModel(
                f"{', '.join(names)}: to be convolved, but the model has no response", where=model.name,
                todo="Take a zero loss or low loss as response",
            )
        if self._background in _INTEGRATING:
            raise BadModel(
                f"The background {background_kind(self._background).title} cannot lie under convolved components",
                where=model.name, todo="Choose a power law, a line or none",
            )
        kernel = kernel_of(model.response, self.x)
        return kernel if self.direction > 0 else kernel.turned()

    @staticmethod
    def _shape(component: Component) -> Shape:
        entry = shape_of(component)
        if tuple(name for name, _ in component.params) != entry.names:
            raise BadModel(
                f"The shape {entry.title} has the parameters {', '.join(entry.names)}", where=component.name
            )
        return entry

    def _static_background(self, spectrum: Spectrum, model: FitModel) -> StaticBackground | None:
        entry = background_kind(model.background.kind)
        names = tuple(name for name, _ in model.background.params)
        if names != tuple(p.name for p in entry.parameters):
            raise BadModel(f"The background {entry.title} has other parameters than {', '.join(names) or 'none'}")
        if not entry.static:
            return None
        if self.x.size < 3:
            raise BadData("A region needs at least three points for its background", where=spectrum.name)
        window = spectrum.axis.window(*model.region)
        # The whole spectrum is passed so that the averages at the ends are full 2n+1 means, as CasaXPS takes them.
        levels = end_levels(spectrum.y, model.background.average, window.start, window.stop - 1)
        options: dict[str, object] = {"levels": levels, **dict(model.background.settings)}
        if "quadrature" in entry.options:
            options["quadrature"] = model.background.quadrature
        if entry.anchored:
            background = model.background
            options["anchors"] = anchor_levels(spectrum.x, spectrum.y, background.anchors, background.average)
        return static_background(model.background.kind, self.x, self.y, options, direction=self.direction)

    def _extended_grid(self) -> tuple[FloatArray, slice]:
        """The data's points, and for integrating backgrounds some outside on the low-binding-energy side."""
        if self._background not in _INTEGRATING or not self.component_ids:
            return self.x, slice(0, self.x.size)
        if self.direction > 0:
            return np.concatenate([self.x[0] + _EXTENSION, self.x]), slice(_EXTENSION.size, None)
        return np.concatenate([self.x, self.x[-1] - _EXTENSION[::-1]]), slice(0, self.x.size)

    @property
    def plan(self) -> Plan:
        """The evaluator as data."""
        first = (*(part.start for part in self._slices), self._background_slice.start)
        names = tuple(entry.name for entry in self._shapes)
        grid, inside = self._grid, self._inside
        if self._kernel is not None:
            grid, inside = self._wide, slice(self._kernel.after, self._kernel.after + self.x.size)
        return Plan(
            grid, inside, self._centre, names, first, self._background, self._static, self._kernel, self._spread,
            self._curves,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """All parameters by full name, in the order of `values_of`."""
        return self.parameters.names

    @staticmethod
    def values_of(model: FitModel) -> FloatArray:
        """Parameter values of a model, shape (k,); linked ones as their formulas say."""
        parameters = Parameters.of(model)
        return parameters.expand(parameters.start(model)[0])[0]

    def _components(self, values: FloatArray) -> tuple[list[FloatArray], FloatArray]:
        curves, rows = [], []
        for entry, part, spread in zip(self._shapes, self._slices, self._spread, strict=True):
            grid = self._wide if spread else self._grid
            value, gradient = entry.evaluate(grid, *values[part], direction=self.direction)
            if spread and self._kernel is not None:
                both = self._kernel.spread(np.concatenate([value[None, :], gradient]))
                value, gradient = both[0], both[1:]
            curves.append(value)
            rows.append(gradient)
        return curves, np.concatenate(rows) if rows else np.empty((0, self._grid.size))

    def _background_terms(
        self, values: FloatArray, peaks: FloatArray, rows: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        if self._static is not None:
            return self._static, np.empty((0, self.x.size)), np.zeros((rows.shape[0], self.x.size))
        terms = active_background(
            self._background,
            self._grid,
            tuple(values[self._background_slice]),
            peaks,
            rows,
            direction=self.direction,
            centre=self._centre,
        )
        value, gradient, peak_part = (term[..., self._inside] for term in terms)
        return value, gradient, peak_part

    def parts(self, values: FloatArray) -> Parts:
        """Background, components and envelope for all parameter values, shape (k,)."""
        curves, rows = self._components(values)
        peaks = np.sum(curves, axis=0) if curves else np.zeros_like(self._grid)
        background = self._background_terms(values, peaks, rows[:0])[0]
        inside = tuple(curve[self._inside] for curve in curves)
        return Parts(background, inside, background + peaks[self._inside])

    def full(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Envelope (n,) and its derivatives (k, n) with respect to all parameters."""
        curves, rows = self._components(values)
        peaks = np.sum(curves, axis=0) if curves else np.zeros_like(self._grid)
        background, gradient, peak_part = self._background_terms(values, peaks, rows)
        jacobian = np.concatenate([rows[:, self._inside] + peak_part, gradient])
        return background + peaks[self._inside], jacobian

    def free(self, free: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Envelope (n,) and its derivatives (n_free, n) with respect to the free parameters."""
        values, chain = self.parameters.expand(free)
        envelope, jacobian = self.full(values)
        return envelope, chain.T @ jacobian


def as_values(names: tuple[str, ...], values: FloatArray) -> Mapping[str, float]:
    """Values by full name."""
    return dict(zip(names, map(float, values), strict=True))
