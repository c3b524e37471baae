"""What other pages put over the depth profile: ranges that are dragged, vertical marks with errors, fitted curves.

    plot = window.centre.profile
    plot.ranges.put("depth", [Range("depth/i1", "NaF → bulk", 20.0, 60.0, 2)])   # replaces those "depth" put before
    plot.ranges.moved.connect(...)       # (name, low, high) at every step of a drag
    plot.ranges.released.connect(...)    # (name, low, high) when the hand lets go: compute, end the undo step
    plot.marks.put("depth", [Mark(41.2, 0.6, "41.2 ± 0.6 s")])
    plot.curves.put("depth", [Curve(x, y, "erf")])
    plot.ranges.take("depth")

All numbers are in the quantity and the unit of the shown axis, `plot.x_quantity` and `plot.x_unit`; the signal
`plot.axis_changed` says that it is another one. Heights of curves are those of the shown traces, before the logarithm.
Names of ranges are shared by all pages: give them a prefix of your own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.gui.plot.band_painter import Band
from fitting.dataset import FloatArray

Range = Band
"""A range of the axis: name, label, low, high, colour (number of the theme's series or a colour), movable, words."""


@dataclass(frozen=True)
class Mark:
    """A place along the profile.

    Attributes
    ----------
    position : float
    error : float
        One standard error, drawn as a band to both sides; 0 or NaN for none.
    label : str
        What stands at its top.
    colour : int or str
        Number of the theme's series, or a colour.
    words : str
        Tooltip.
    """

    position: float
    error: float = 0.0
    label: str = ""
    colour: int | str = 0
    words: str = ""


@dataclass(frozen=True, eq=False)
class Curve:
    """A fitted curve over the traces.

    Attributes
    ----------
    x, y : array, shape (n,)
    label : str
    colour : int or str
    """

    x: FloatArray
    y: FloatArray
    label: str = ""
    colour: int | str = "envelope"


class Owned(QObject):
    """Things of several owners: each puts and takes its own.

    Signals
    -------
    changed()
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._owned: dict[str, tuple[Any, ...]] = {}

    def put(self, owner: str, things: Iterable[Any]) -> None:
        """Show these things; those that the owner put before are gone."""
        new = tuple(things)
        if not new:
            self.take(owner)
            return
        if self._owned.get(owner) != new:
            self._owned[owner] = new
            self.changed.emit()

    def take(self, owner: str) -> None:
        """Take the owner's things off."""
        if self._owned.pop(owner, None) is not None:
            self.changed.emit()

    @property
    def shown(self) -> tuple[Any, ...]:
        """All of them in the order in which they were put."""
        return tuple(thing for things in self._owned.values() for thing in things)


class Ranges(Owned):
    """Ranges of the axis that the hand moves.

    Signals
    -------
    moved(str, float, float)
        Name, low and high while a range is dragged. The range moves by itself; who listens need not put it again.
    released(str, float, float)
        The hand let go of it.
    """

    moved = Signal(str, float, float)
    released = Signal(str, float, float)

    def find(self, name: str) -> Range | None:
        """The range of that name."""
        return next((one for one in self.shown if one.name == name), None)

    def move(self, name: str, low: float, high: float) -> None:
        """Move a range as the hand does."""
        for owner, things in self._owned.items():
            if any(one.name == name for one in things):
                self._owned[owner] = tuple(replace(one, low=min(low, high), high=max(low, high))
                                           if one.name == name else one for one in things)
                self.changed.emit()
                self.moved.emit(name, min(low, high), max(low, high))
                return
