"""One parameter of a model, and what owns several of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from libraries.errors import BadModel

Pairs = tuple[tuple[str, "Param"], ...]


@dataclass(frozen=True)
class Param:
    """One parameter of a model.

    Attributes
    ----------
    value : float
        Start value, or the fitted value in a result's model.
    minimum, maximum : float
        Bounds; infinite where there is none.
    vary : bool
        False holds the value.
    link : str
        Formula over other parameters (see `fitting.constraints`); "" for none. A linked parameter follows its
        formula; `vary` then says whether it may use the link's tolerance, and its bounds are not used.
    """

    value: float
    minimum: float = -math.inf
    maximum: float = math.inf
    vary: bool = True
    link: str = ""

    def __post_init__(self) -> None:
        for name in ("value", "minimum", "maximum"):
            object.__setattr__(self, name, float(getattr(self, name)))
        if not math.isfinite(self.value):
            raise BadModel("A parameter's value must be a finite number", where=str(self.value))
        if math.isnan(self.minimum) or math.isnan(self.maximum) or self.minimum > self.maximum:
            raise BadModel("A parameter's lower bound lies above its upper bound", where=f"{self}")

    @property
    def free(self) -> bool:
        """Whether the fit may change it on its own."""
        return self.vary and not self.link

    def at(self, value: float) -> Param:
        """The parameter at another value."""
        value = float(value)
        if not math.isfinite(value):
            raise BadModel("A parameter's value must be a finite number", where=str(value))
        return copied(self, value=value)

    def moved(self, offset: float) -> Param:
        """The parameter with value and bounds moved by `offset`."""
        return replace(
            self, value=self.value + offset, minimum=self.minimum + offset, maximum=self.maximum + offset
        )


def as_pairs(params: Mapping[str, Param] | Iterable[tuple[str, Param]]) -> Pairs:
    items = params.items() if isinstance(params, Mapping) else params
    return tuple((str(name), param) for name, param in items)


T = TypeVar("T")


def copied(data: T, **changes: Any) -> T:
    """As `dataclasses.replace`, without the checks, in a tenth of the time: a fit does this for every parameter."""
    other = object.__new__(type(data))
    other.__dict__.update(data.__dict__, **changes)
    other.__dict__.pop("_parameters", None)  # what was worked out from other values
    return other


class HasParams:
    """Look-up and replacement of parameters, shared by components and backgrounds."""

    params: Pairs

    def param(self, name: str) -> Param:
        """The parameter of that name.

        Raises
        ------
        BadModel
            If there is none.
        """
        for key, value in self.params:
            if key == name:
                return value
        raise BadModel(f"There is no parameter {name}", where=getattr(self, "name", type(self).__name__))

    def value(self, name: str) -> float:
        """The value of a parameter."""
        return self.param(name).value

    @property
    def values(self) -> dict[str, float]:
        """All parameter values by name."""
        return {name: param.value for name, param in self.params}

    def _replaced(self, changes: Mapping[str, Param]) -> Pairs:
        for name in changes:
            self.param(name)
        return tuple((name, changes.get(name, param)) for name, param in self.params)
