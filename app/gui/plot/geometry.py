"""Where a component's curve stands: maximum, height and half-maximum points, without its background."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fitting.dataset import Quantity
from fitting.model import Component, Curve
from fitting.shapes import axis_direction, shape, shape_of


@dataclass(frozen=True)
class Peak:
    """The visible outline of a component.

    Attributes
    ----------
    position : float
        Axis value of the maximum (not the position parameter of an asymmetric shape).
    height : float
        Value at the maximum, above the background.
    left, right : float
        Axis values, left < right, where the curve has half its height.
    """

    position: float
    height: float
    left: float
    right: float

    @property
    def fwhm(self) -> float:
        """Full width at half maximum."""
        return self.right - self.left


@lru_cache(maxsize=512)
def _unit_peak(
    name: str, curve: Curve | None, others: tuple[tuple[str, float], ...], direction: int, place: float = 0.0
) -> Peak:
    """Outline of the shape with amplitude 1 at a position, counted from there."""
    kind = shape(name).with_curve(curve)
    amplitude, position = kind.names[:2]
    values = {amplitude: 1.0, position: place, **dict(others)}
    derived = kind.derived(values)
    top, width = (derived.maximum_position - place) * direction, derived.fwhm
    if not np.isfinite(width):
        width = 1.0
    grid = top + width * np.linspace(-1.2, 1.2, 481)
    curve = kind.evaluate(place + grid, *kind.arguments(values), direction=direction)[0]
    above = np.flatnonzero(curve >= 0.5 * derived.height)
    if above.size == 0:
        return Peak(top, derived.height, top - width / 2, top + width / 2)
    left, right = int(above[0]), int(above[-1])
    return Peak(
        top,
        derived.height,
        _crossing(grid, curve, left, left - 1, derived.height / 2),
        _crossing(grid, curve, right, right + 1, derived.height / 2),
    )


def _crossing(grid: np.ndarray, curve: np.ndarray, inside: int, outside: int, level: float) -> float:
    if not 0 <= outside < grid.size:
        return float(grid[inside])
    drop = curve[inside] - curve[outside]
    share = (curve[inside] - level) / drop if drop > 0 else 0.0
    return float(grid[inside] + share * (grid[outside] - grid[inside]))


def peak_of(component: Component, quantity: Quantity = "binding_energy") -> Peak:
    """Outline of a component on an axis of that quantity."""
    kind = shape_of(component)
    amplitude, position = kind.names[:2]
    values = component.values
    others = tuple((name, values[name]) for name in kind.names[2:])
    at = values[position]
    # What counts from the zero loss has another form at another place.
    place = at if kind.quantity else 0.0
    unit = _unit_peak(component.shape, component.curve, others, axis_direction(quantity), place)
    return Peak(at + unit.position, values[amplitude] * unit.height, at + unit.left, at + unit.right)


def amplitude_name(component: Component) -> str:
    """Name of the parameter that scales the component: its area or height."""
    return shape(component.shape).names[0]


def width_names(component: Component) -> tuple[str, ...]:
    """Names of the parameters that are widths."""
    return tuple(p.name for p in shape(component.shape).parameters if p.kind == "width")


# A zero loss so much higher than all losses leaves nothing of them to be seen.
_TALL, _FOOT = 8.0, 2e-3


def tall_zero_loss(x: np.ndarray, y: np.ndarray) -> tuple[float, float] | None:
    """From where to where a zero-loss line reaches that is much higher than all the rest; None where there is none.

    It ends where the counts fall below two thousandths of its maximum, or where they are lowest near it.
    """
    if x.size < 20 or not x[0] < 0 < x[-1]:
        return None
    top = int(np.argmax(y))
    height = float(y[top])
    if abs(x[top]) > 0.2 * (x[-1] - x[0]) or not height > 0:
        return None
    low, high = _foot(y[top::-1]), _foot(y[top:])
    low, high = top - low, top + high
    rest = np.concatenate((y[:low], y[high + 1 :]))
    if rest.size < y.size // 2 or float(rest.max()) * _TALL > height:
        return None
    return float(x[low]), float(x[high])


def _foot(y: np.ndarray) -> int:
    """How many channels from its maximum a line ends: at its foot, or at the lowest point within 8 half widths."""
    below = np.flatnonzero(y < _FOOT * y[0])
    half = int(np.argmax(y < 0.5 * y[0]))
    reach = min(y.size - 1, max(8 * max(half, 1), 3))
    lowest = int(np.argmin(y[: reach + 1]))
    return min(int(below[0]), lowest) if below.size else lowest
