"""Static backgrounds by name: ends, offsets, slope and direction, the same for all kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.backgrounds.kinds import BackgroundKind
from fitting.backgrounds.kinds import kind as kind_of
from fitting.backgrounds.spline import spline
from fitting.backgrounds.static import StaticBackground, constant, end_levels, linear, shirley
from fitting.backgrounds.tougaard import tougaard
from libraries.errors import BadModel

FloatArray = NDArray[np.float64]
_STATIC: Mapping[str, Callable[..., StaticBackground]] = {
    "linear": linear,
    "shirley": shirley,
    "shirley_smart": partial(shirley, smart=True),
    "tougaard": tougaard,
    "level": constant,
    "spline": spline,
}


def static_background(
    name: str, x: FloatArray, y: FloatArray, options: Mapping[str, Any] | None = None, *, direction: int = 1
) -> StaticBackground:
    """A static background by name.

    Parameters
    ----------
    name : str
        An entry of `KINDS` that is static.
    x, y : ndarray, shape (n,)
        Axis values, ascending, and intensity.
    options : mapping, optional
        Options and settings of the kind (see `KINDS[name]`), and `levels`. Where a kind has the settings `low_offset`
        and `high_offset`, its end levels are raised by so many percent; where it has `slope`, a line of that slope (per
        eV of binding energy, zero at the low end) is taken off before and put back after. Anchors are (energy, level).
    direction : +1 or -1
        +1 for binding energy and energy loss, -1 for kinetic energy.

    Raises
    ------
    BadModel
        If the kind is not static, an option is unknown, or the background cannot be computed.
    """
    entry = kind_of(name)
    if not entry.static:
        raise BadModel(f"The background {entry.title} is fitted, not taken from the data", where=name)
    options = dict(options or {})
    _check_options(entry, options)
    if direction > 0:
        return _with_ends(entry, x, y, options)
    if options.get("levels") is not None:
        options["levels"] = options["levels"][::-1]
    if "anchors" in options:
        options["anchors"] = tuple((-energy, level) for energy, level in options["anchors"])
    turned = _with_ends(entry, -x[::-1], y[::-1], options)
    return StaticBackground(turned.values[::-1], turned.warnings, turned.iterations)


def _check_options(entry: BackgroundKind, options: Mapping[str, Any]) -> None:
    settings = {setting.name: setting for setting in entry.settings}
    unknown = sorted(set(options) - {*entry.options, *settings, "levels"})
    if unknown:
        raise BadModel(f"The background {entry.title} has no option {', '.join(unknown)}", where=entry.name)
    for name, value in options.items():
        if name in settings and not settings[name].minimum <= value <= settings[name].maximum:
            low, high = settings[name].minimum, settings[name].maximum
            raise BadModel(
                f"{name} of the background {entry.title} is outside {low:g} to {high:g}", where=f"{name} = {value:g}"
            )


def _with_ends(entry: BackgroundKind, x: FloatArray, y: FloatArray, options: dict[str, Any]) -> StaticBackground:
    """The background with its ends raised and a slope taken off and put back."""
    function = _STATIC[entry.name]
    if entry.anchored:
        options.pop("levels", None)
        return function(x, y, **options)
    offsets = [1.0 + 0.01 * float(options.pop(name, 0.0)) for name in ("low_offset", "high_offset")]
    slope = float(options.pop("slope", 0.0))
    levels = options.pop("levels", None) or end_levels(y, int(options.get("average", 0)))
    line = slope * (x - x[0])
    low, high = levels[0] * offsets[0], levels[1] * offsets[1] - line[-1]
    found = function(x, y - line if slope else y, **options, levels=(low, high))
    return StaticBackground(found.values + line, found.warnings, found.iterations) if slope else found
