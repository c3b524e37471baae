"""Every speed that the README claims, measured side by side with what it is compared to.

A case is one module of this package with `run(*, quick: bool) -> list[Row]`; its name is the module's. Adding a file
adds the case. `python -m benchmarks [CASE ...] [--quick] [--json]` runs them.
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
        What was done.
    ours : float or None
        Our figure, in `unit`; None if it could not be measured (`note` says why).
    unit : str
        The unit of all figures in the row.
    peer : float, optional
        The figure of the program compared to; `note` names it.
    floor : float, optional
        The best that this machine allows for work of this kind; `note` says which work that is.
    note : str
        What peer and floor are, or why a figure is missing.
    """

    case: str
    ours: float | None
    unit: str
    peer: float | None = None
    floor: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over the peer's; below 1 we need less."""
        return self.ours / self.peer if self.ours is not None and self.peer else None


def cases() -> dict[str, Callable[..., list[Row]]]:
    """Return the cases by name: every public module of this package."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    return {name: importlib.import_module(f"{__name__}.{name}").run for name in sorted(names)}
