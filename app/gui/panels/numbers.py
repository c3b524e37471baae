"""Numbers as tables show them and as people type them."""

from __future__ import annotations

import math
import re

from app.numerals import decimals_of, grouped
from libraries.errors import BadModel

_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]")


def plain(value: float, decimals: int = 3) -> str:
    """A number for an edit field: no grouping, no trailing zeros; "" for an infinite bound."""
    if not math.isfinite(value):
        return ""
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".")
    if value and float(text) == 0:
        text = f"{value:.4g}"
    return text if text != "-0" else "0"


def parse_number(text: str, what: str = "The value") -> float:
    """A typed number: comma or point, spaces between thousands, anything behind "±" left out.

    Raises
    ------
    BadModel
        If it is no finite number.
    """
    core = _SPACES.sub("", text.split("±")[0].split("(")[0]).replace("−", "-")
    core = re.sub(r"(eV|%)$", "", core)
    if core.count(",") == 1 and "." not in core:
        core = core.replace(",", ".")
    try:
        value = float(core)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadModel(f"{what} must be a number, not “{text.strip() or 'nothing'}”")
    return value


def parse_bound(text: str, lower: bool) -> float:
    """A typed bound; nothing means none."""
    if not _SPACES.sub("", text) or text.strip() in ("-", "–", "none"):
        return -math.inf if lower else math.inf
    return parse_number(text, "The bound")


def spread(low: float, high: float) -> str:
    """The range of cited energies; one number where all agree."""
    return f"{low:.2f}" if high - low < 0.005 else f"{low:.2f}–{high:.2f}"


def marked(text: str, error: float | None, factor: float) -> str:
    """A value with its error, with an asterisk where the error was multiplied."""
    return f"{text}*" if _multiplied(error, factor) else text


def enlarged(error: float | None, factor: float) -> str:
    """Both errors of a number whose error was multiplied; "" where it was not."""
    if error is None or not _multiplied(error, factor):
        return ""
    both = [grouped(number, decimals_of(number)) for number in (error, error / factor)]
    return f"* ± {both[0]} is ± {both[1]} from the noise × {factor:.2f} (√χ²ᵣ)"


def _multiplied(error: float | None, factor: float) -> bool:
    return factor > 1 and error is not None and math.isfinite(error) and error > 0
