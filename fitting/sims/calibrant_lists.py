"""Lists of ions by which mass scales are calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fitting.sims.mass_calibration import SODIUM_CLUSTERS, SODIUM_CLUSTERS_FURTHER


@dataclass(frozen=True)
class CalibrantList:
    """Ions to choose from, by ascending m/z, and where the choice comes from."""

    key: str
    title: str
    polarity: Literal["positive", "negative"]
    ions: tuple[str, ...]
    source: str


LISTS: tuple[CalibrantList, ...] = (
    CalibrantList(
        "sodium", "Sodium clusters, positive", "positive", (*SODIUM_CLUSTERS, *SODIUM_CLUSTERS_FURTHER),
        "Schaefer et al., Adv. Energy Mater. (2024): Na2OH+, Na2F+, Na2CO3+; the two heavier ones widen the range "
        "(the program's choice)"),
    CalibrantList(
        "hydrocarbons", "Hydrocarbons, positive", "positive", ("CH3+", "C2H3+", "C2H5+", "C3H5+", "C3H7+", "C4H7+"),
        "The program's choice: fragments of every organic surface, free of other ions at m/dm 2000"),
    CalibrantList(
        "carbon", "Carbon clusters, negative", "negative", ("CH-", "C2H-", "C3H-", "C4H-", "C5H-", "C6H-"),
        "The program's choice: CnH- of every organic surface; C3H- needs m/dm 900 against 37Cl-"),
    CalibrantList(
        "halides", "Fluoride and chloride, negative", "negative",
        ("C2H-", "Cl-", "ClO-", "NaF2-", "ClO3-", "ClO4-", "Na2F3-"),
        "The program's choice for fluoride and perchlorate electrolytes; NaF2- is not separated from CHO3- below "
        "m/dm 10 000, and F- and Cl- are often saturated"),
)  # fmt: skip
