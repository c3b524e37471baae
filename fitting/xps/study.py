"""What a study of a composition's uncertainty found, as plain data that a project keeps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fitting.xps.quantify import Composition

StudyKind = Literal["bootstrap", "model spread"]


@dataclass(frozen=True)
class Range:
    """How far an amount reaches.

    Attributes
    ----------
    key : str
        "row 0", "element Na" or "tag CO3": see `row_key`, `element_key`, `tag_key`.
    value : float
        at.% of the composition itself.
    error : float
        Standard deviation of the bootstrap in at.%; NaN for a model spread, which is no error.
    low, high : float
        In at.%: the 95 % interval of a bootstrap; the smallest and largest value of a model spread.
    note : str
        Which model gave the smallest and the largest value.
    """

    key: str
    value: float
    error: float
    low: float
    high: float
    note: str = ""


@dataclass(frozen=True)
class Study:
    """One study of one composition.

    Attributes
    ----------
    kind : "bootstrap" or "model spread"
    at : float or None
        Level of a series; None for the sample as a whole.
    basis : str
        Fingerprint of the composition that it belongs to (`fingerprint`); another composition makes it outdated.
    number : int
        Simulated sets of spectra, or models tried.
    failed : int
        Of these, how many gave no proper minimum; they are left out.
    seed : int
    ranges : tuple of Range
    notes : tuple of str
        What was varied, and what must be known.
    """

    kind: StudyKind
    at: float | None
    basis: str
    number: int
    failed: int
    seed: int
    ranges: tuple[Range, ...]
    notes: tuple[str, ...] = ()

    def of(self, key: str) -> Range | None:
        """The range of a key, None where there is none."""
        return next((found for found in self.ranges if found.key == key), None)


def row_key(index: int) -> str:
    """Key of a row of a composition."""
    return f"row {index}"


def element_key(element: str) -> str:
    """Key of an element."""
    return f"element {element}"


def tag_key(tag: str) -> str:
    """Key of a tag."""
    return f"tag {tag}"


def members_of(composition: Composition) -> dict[str, list[int]]:
    """The rows that each quantity of a composition sums, by its key."""
    table = {row_key(i): [i] for i in range(len(composition.rows))}
    for element in composition.elements:
        table[element_key(element.element)] = [
            i for i, row in enumerate(composition.rows) if row.element == element.element
        ]
    for tag in composition.tags:
        table[tag_key(tag.tag)] = [i for i, row in enumerate(composition.rows) if row.tag == tag.tag]
    return table


def fingerprint(composition: Composition) -> str:
    """Fingerprint of what a composition was computed from: lines, areas, errors and factors, to nine figures."""
    words = [
        "|".join((
            row.region, row.name, row.line, row.tag, row.area_kind,
            *(f"{value:.9g}" for value in (
                row.area, row.area_err, row.factor, row.angular, row.transmission, row.imfp, row.at_percent
            )),
        ))
        for row in composition.rows
    ]
    return hashlib.sha256("\n".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:32]
