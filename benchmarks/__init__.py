"""Every speed that the README claims, measured side by side with what it is compared to.

A case is one module of this package with `run(*, quick: bool, peers: Peers) -> list[Row]`; its name is the module's.
Adding a file adds the case. `python -m benchmarks [CASE ...] [--quick] [--json] [--no-peers]` runs them; the peers are
installed into an environment of their own (`benchmarks/_peers.py`) when they are first needed.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measured figure.

    Parameters
    ----------
    case : str
        What was done, and beside whom.
    ours : float or None
        Our figure, in `unit`; None if it could not be measured (`note` says why).
    unit : str
        The unit of all figures in the row. Of "s" less is better, of what ends in "/s" more.
    peer : float, optional
        The figure of the program compared to; `case` names it.
    floor : float, optional
        The best that this machine allows for work of this kind; `note` says which work that is.
    note : str
        What peer and floor are and did, or why a figure is missing.
    """

    case: str
    ours: float | None
    unit: str
    peer: float | None = None
    floor: float | None = None
    note: str = ""

    @property
    def faster(self) -> float | None:
        """How many times faster than the peer we are; None where the figures are no speeds."""
        return self._times(self.peer)

    @property
    def from_floor(self) -> float | None:
        """How many times longer than the floor we take."""
        slower = self._times(self.floor)
        return None if not slower else 1.0 / slower

    def _times(self, other: float | None) -> float | None:
        if not self.ours or not other:
            return None
        if self.unit.endswith("/s"):
            return self.ours / other
        return other / self.ours if self.unit == "s" else None


def cases() -> dict[str, Callable[..., list[Row]]]:
    """Return the cases by name: every public module of this package."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    return {name: importlib.import_module(f"{__name__}.{name}").run for name in sorted(names)}
