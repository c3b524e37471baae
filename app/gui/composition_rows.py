"""The composition as rows of texts."""

from __future__ import annotations

import math
from typing import Any

from app.gui.table_view import Cell, Column

COLUMNS = (
    Column("Line"), Column("Compound"), Column("Area / cps eV", True, "Fitted area with its standard error"),
    Column("s", True, "Relative sensitivity factor"), Column("L", True, "Angular correction"),
    Column("T", True, "Transmission of the analyser at this line"),
    Column("λ / nm", True, "Attenuation length of the electrons"),
    Column("at.%", True, "Amount with its standard error"), Column("95 % interval", True),
)


def composition_rows(composition: Any) -> list[list[Cell]]:
    """Rows of the table."""
    return []


def totals_text(composition: Any) -> str:
    """Element totals in one line."""
    return ""


def with_error(value: float, error: float) -> str:
    """A value with its standard error, both to the error's two leading figures (one from 3.55 on)."""
    if not math.isfinite(value):
        return "not determined"
    if not math.isfinite(error) or error <= 0:
        return f"{value:.4g}"
    exponent = math.floor(math.log10(error))
    lead = error / 10.0**exponent
    decimals = -exponent + (1 if lead < 3.55 else 0)
    if decimals < 0:
        scale = 10.0**-decimals
        return f"{_grouped(round(value / scale) * scale, 0)} ± {_grouped(round(error / scale) * scale, 0)}"
    return f"{_grouped(value, decimals)} ± {_grouped(error, decimals)}"


def _grouped(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}".replace(",", "\u202f").replace("-", "−")
