"""Numbers as tables show them and as people type them."""

from __future__ import annotations

import math
import re

from app.gui.plot.axes import grouped
from libraries.errors import BadModel

UNDETERMINED = "not determined"
_SPACES = re.compile(r"[\s\u00a0\u2009\u202f]")


def with_error(value: float, error: float | None, decimals: int = 2) -> str:
    """A value with its standard error to two significant digits: "284.52 ± 0.013".

    Parameters
    ----------
    value : float
    error : float or None
        None or 0: the value alone, with `decimals`. NaN: the error is not determined, and that is said.
    """
    if error is None or error == 0:
        return grouped(value, decimals)
    if not math.isfinite(error):
        return f"{grouped(value, decimals)} ± n.d."
    places = 1 - math.floor(math.log10(abs(error)))
    # 0.0996 rounds up to a third digit (0.100), which one place less makes 0.10 again.
    if round(abs(error), places) >= 10 ** (2 - places):
        places -= 1
    if places < 0:
        return f"{grouped(round(value, places), 0)} ± {grouped(round(error, places), 0)}"
    return f"{grouped(value, min(places, 6))} ± {grouped(error, min(places, 6))}"


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
