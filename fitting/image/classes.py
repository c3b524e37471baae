"""Maps of classes: whole numbers that stand for words, like "vacuum" or "carbon"; how often each comes, its colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.image.maps import Map

KIND = "classes"
# M. Okabe, K. Ito, "Color Universal Design" (2008): told apart with every common colour vision, on white and on black.
COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
# What is no finding has no colour.
PLAIN = {"not determined": "#9a9a9a", "vacuum": "#4a5060", "good": "#d9d9d9"}


@dataclass(frozen=True)
class MapClass:
    """One class of a map.

    Attributes
    ----------
    code : int
    words : str
    colour : str
        "#rrggbb", the same wherever the map is shown.
    pixels : int
    share : float
        Of the pixels that have a class, 0 to 1.
    """

    code: int
    words: str
    colour: str
    pixels: int
    share: float


def is_classes(one: Map) -> bool:
    """Whether the values of a map are codes that its legend names."""
    return one.kind == KIND


def class_word(one: Map, value: float) -> str:
    """What a value stands for; "" for none."""
    if not np.isfinite(value):
        return ""
    return dict(one.legend).get(round(value), f"class {round(value)}")


def classes(one: Map, mask: NDArray[np.bool_] | None = None) -> tuple[MapClass, ...]:
    """The classes that come in a map, or in a part of it, by their codes."""
    used = one.good if mask is None else one.good & mask
    codes, counts = np.unique(np.round(one.values[used]).astype(int), return_counts=True)
    colours = _colours(one)
    return tuple(
        MapClass(code, class_word(one, code), colours[code], count, count / int(counts.sum()))
        for code, count in zip(codes.tolist(), counts.tolist(), strict=True)
    )


def _colours(one: Map) -> dict[int, str]:
    """By the order of the legend, so that a class keeps its colour whichever others come."""
    words = dict(one.legend)
    present = np.unique(np.round(one.values[np.isfinite(one.values)]).astype(int)).tolist()
    found: dict[int, str] = {}
    for code in sorted({*words, *present}):
        plain = PLAIN.get(words.get(code, ""))
        number = sum(1 for colour in found.values() if colour not in PLAIN.values())
        found[code] = plain or COLOURS[number % len(COLOURS)]
    return found


def shares_in_words(one: Map) -> str:
    """"carbon 40 %, vacuum 35 %", the most frequent first."""
    found = sorted(classes(one), key=lambda each: -each.pixels)
    return ", ".join(f"{each.words} {100 * each.share:.3g} %" for each in found)
