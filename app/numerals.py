"""Numbers as people read them: grouped thousands, a true minus sign, errors with their leading figures.

Window, report and command line write the same number the same way.
"""

from __future__ import annotations

import math

THIN_SPACE = "\u202f"
# From this leading figure on an error is given with one figure only, as in the rule of the Particle Data Group
# (Review of Particle Physics, introduction, section 5.3).
TWO_FIGURES_BELOW = 3.55
UNDETERMINED = "not determined"


def grouped(value: float, decimals: int) -> str:
    """A number rounded to so many decimals (below zero: to tens, hundreds ...), thousands set apart, true minus."""
    text = f"{round(value, decimals):,.{max(decimals, 0)}f}".replace(",", THIN_SPACE)
    return text.lstrip("-") if not text.strip("-0.") else signed(text)


def signed(text: str) -> str:
    """A number with a true minus sign."""
    return text.replace("-", "−")


def decimals_of(error: float) -> int:
    """Decimals at which an error has one or two figures; below zero where they stand before the point."""
    if not math.isfinite(error) or error <= 0:
        return 2
    exponent = math.floor(math.log10(error))
    leading = round(error / 10.0**exponent, 1)
    if leading > 9.5:  # written with one figure it would be 10: the next decade's first of two figures
        return -exponent
    return -exponent + (1 if leading < TWO_FIGURES_BELOW else 0)


def with_error(value: float, error: float | None, decimals: int | None = None) -> str:
    """A value with its standard error, both to the leading figures of the error: "284.564 ± 0.010".

    Parameters
    ----------
    value : float
    error : float or None
        None or 0: the value alone. NaN: the error is not determined, and that is said.
    decimals : int, optional
        Of a value without an error; five figures by default.
    """
    if not math.isfinite(value):
        return UNDETERMINED
    if error is None or error == 0 or not math.isfinite(error):
        text = grouped(value, decimals) if decimals is not None else signed(f"{value:.5g}")
        return text if error is None or error == 0 else f"{text} ± ?"
    places = decimals_of(error)
    return f"{grouped(value, places)} ± {grouped(error, places)}"


def limit_or_amount(value: float, error: float, high: float, *, determined: bool) -> str:
    """An amount with its error, or the 95 % limit below which it lies."""
    if not determined:
        return f"< {high:.2g}" if math.isfinite(high) else UNDETERMINED
    return with_error(value, error)


def interval(low: float, high: float) -> str:
    """An interval to the figures that its width gives; empty where an end is not known."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    places = decimals_of((high - low) / 4)
    return f"{grouped(low, places)} – {grouped(high, places)}"


def with_power(value: float, error: float | None = None) -> str:
    """A large or small number with its error and a common power of ten: "(1.02 ± 0.05)·10¹⁵", "2.1·10²²".

    Parameters
    ----------
    value : float
    error : float or None
        None: a number without an error, with two figures. NaN: the error is not determined, and that is said.
    """
    if not math.isfinite(value):
        return UNDETERMINED
    size = max(abs(value), error if error is not None and math.isfinite(error) else 0.0)
    if size == 0:
        return "0" if error is None else "0 ± ?"
    exponent = math.floor(math.log10(size))
    unit = 10.0**exponent
    power = "10" + str(exponent).translate(_RAISED)
    if error is None:
        text = grouped(value / unit, 1)
        return f"{text}·{power}" if text != "10.0" else f"1.0·10{str(exponent + 1).translate(_RAISED)}"
    told = grouped(value / unit, 2) + " ± ?" if not error > 0 or not math.isfinite(error) else with_error(
        value / unit, error / unit)
    return f"({told})·{power}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
