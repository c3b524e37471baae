"""One step of a recipe: a kind and named numbers or texts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fitting.model import Curve
from libraries.errors import BadModel

Value = float | str


@dataclass(frozen=True)
class Step:
    """One step of a recipe.

    Attributes
    ----------
    kind : str
        Key of `fitting.recipe.STEPS`.
    params : tuple of (name, number or text)
    note : str
        Why, for people.
    enabled : bool
        A step that is switched off stays in the recipe and does nothing.
    curves : tuple of Curve
        Measured curves that the step needs (a dark frame, a low loss), kept in it so that a recipe needs no other data.
    """

    kind: str
    params: tuple[tuple[str, Value], ...] = ()
    note: str = ""
    enabled: bool = True
    curves: tuple[Curve, ...] = ()

    def has(self, name: str) -> bool:
        """Whether the step says anything of that name."""
        return any(key == name for key, _ in self.params)

    def get(self, name: str) -> Value:
        """A parameter of the step.

        Raises
        ------
        BadModel
            If it is missing.
        """
        for key, value in self.params:
            if key == name:
                return value
        raise BadModel(f"The step {self.kind} lacks {name}")

    def number(self, name: str, default: float | None = None) -> float:
        """A numeric parameter of the step; must be finite. With a default it may be missing."""
        if default is not None and not self.has(name):
            return default
        value = self.get(name)
        if isinstance(value, str) or not math.isfinite(value):
            raise BadModel(f"{name} of the step {self.kind} must be a finite number", where=str(value))
        return float(value)

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number between two limits."""
        value = self.number(name)
        if value != round(value) or not low <= value <= high:
            raise BadModel(
                f"{name} of the step {self.kind} must be a whole number from {low} to {high}", where=f"{value:g}"
            )
        return int(value)

    def word(self, name: str, choices: tuple[str, ...]) -> str:
        """A text out of a few."""
        value = self.get(name)
        if not isinstance(value, str) or value not in choices:
            raise BadModel(f"{name} of the step {self.kind} is one of {', '.join(choices)}", where=str(value))
        return value

    def text(self, name: str, default: str = "") -> str:
        """A text; `default` where the step does not say."""
        value = self.get(name) if self.has(name) else default
        if not isinstance(value, str):
            raise BadModel(f"{name} of the step {self.kind} must be a text", where=str(value))
        return value

    def curve(self) -> Curve:
        """The only measured curve of the step.

        Raises
        ------
        BadModel
            If it holds none, or several.
        """
        if len(self.curves) != 1:
            raise BadModel(f"The step {self.kind} needs one measured curve", where=f"it holds {len(self.curves)}")
        return self.curves[0]

    def numbers(self, name: str) -> tuple[float, ...]:
        """Numbers of a text, separated by spaces."""
        try:
            values = tuple(float(word) for word in self.text(name).split())
        except ValueError:
            values = (math.nan,)
        if not all(map(math.isfinite, values)):
            raise BadModel(f"{name} of the step {self.kind} must be numbers separated by spaces", where=self.text(name))
        return values
