"""Line shapes between CasaXPS's names, "LA(1.53,243)", and ours.

    GL(m)             gl_product, mix m/100       SGL(m)           gl_sum, mix m/100
    LA(a,b,n)         la, alpha a, beta b, n      LA(a,n)          LA(a,a,n)
    LA(m)             LA(1,1,1401 - 14.01 m)      LF(a,b,w,n,m)    lf, alpha a, beta b, w, n, m
    GL(m)T(k)         gl_t, mix m/100, tail k     SGL(m)T(k)       sgl_t

Source of the forms: N. Fairley et al., J. Vac. Sci. Technol. A 41 (2023), and CasaXPS's own files. LA(m) is taken only
where its index n lies in the allowed 0 to 499. A shape that is none of these, or that the registry of shapes does not
hold, is not replaced by a similar one: its component is refused by whoever asks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from fitting.model import Component
from fitting.shapes import SHAPES

Numbers = tuple[tuple[str, float], ...]

_TAILED = re.compile(r"\s*(?P<name>S?GL)\s*\((?P<mix>[^()]*)\)\s*T\s*\((?P<decay>[^()]*)\)\s*\Z", re.IGNORECASE)
_TEXT = re.compile(r"\s*(?P<name>[A-Za-z]+)\s*\((?P<numbers>[^()]*)\)\s*\Z")
_MIXED = {"GL": "gl_product", "SGL": "gl_sum"}
_TAILS = {"GL": "gl_t", "SGL": "sgl_t"}
# Shapes whose form is known from others' descriptions of CasaXPS only.
UNVERIFIED = frozenset(_TAILS.values())
_OURS = {shape: name for name, shape in _MIXED.items()}
_LA = ("alpha", "beta", "n")
_LF = ("alpha", "beta", "w", "n", "m")
# Index n of the Gaussian that LA and LF are convolved with.
_MOST = 499.0
# Exponents of half and less have no finite area: neither they nor LA's area can be meant.
_LEAST = 0.5


def shape_of(text: str) -> tuple[str, Numbers] | None:
    """Our shape and its held parameters (those besides area, position and width) for CasaXPS's text.

    Returns
    -------
    (name, ((parameter, value), ...)) or None
        None where the text is no shape that is known here.
    """
    tailed = _TAILED.match(text)
    found = tailed or _TEXT.match(text)
    if found is None:
        return None
    words = [tailed["mix"], tailed["decay"]] if tailed else found["numbers"].split(",")
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return None
    if not all(map(math.isfinite, numbers)):
        return None
    taken = _with_tail(found["name"].upper(), *numbers) if tailed else _named(found["name"].upper(), numbers)
    return taken if taken is not None and taken[0] in SHAPES else None


def _named(name: str, numbers: list[float]) -> tuple[str, Numbers] | None:
    if name in _MIXED and len(numbers) == 1 and 0 <= numbers[0] <= 100:
        return _MIXED[name], (("mix", numbers[0] / 100),)
    if name == "LA" and len(numbers) in (1, 2, 3):
        alpha, beta, n = _la(numbers)
        if min(alpha, beta) > _LEAST and 0 <= n <= _MOST:
            return "la", tuple(zip(_LA, (alpha, beta, n), strict=True))
    # LF's exponents return to 3 far out, so that its area is finite whatever they are near the line.
    if name == "LF" and len(numbers) == 5 and min(numbers[:3]) > 0 and 0 <= numbers[3] <= _MOST:
        return "lf", tuple(zip(_LF, numbers, strict=True))
    return None


def _with_tail(name: str, mix: float, decay: float) -> tuple[str, Numbers] | None:
    shape = _TAILS[name]
    limits = next((p for p in SHAPES[shape].parameters if p.name == "k"), None) if shape in SHAPES else None
    if limits is None or not (0 <= mix <= 100 and limits.minimum <= decay <= limits.maximum):
        return None
    return shape, (("mix", mix / 100), ("k", decay))


def _la(numbers: list[float]) -> tuple[float, float, float]:
    if len(numbers) == 1:
        return 1.0, 1.0, round(1401 - 14.01 * numbers[0], 9)
    if len(numbers) == 2:
        return numbers[0], numbers[0], numbers[1]
    return numbers[0], numbers[1], numbers[2]


def text_of(shape: str, values: Mapping[str, float], original: str = "") -> str | None:
    """CasaXPS's text for one of our shapes; `original` where that already says the same.

    Returns
    -------
    str or None
        None for a shape that CasaXPS does not have.
    """
    if original and _says(original, shape, values):
        return original
    if shape in _OURS:
        text = f"{_OURS[shape]}({_short(100 * values['mix'])})"
    elif shape in UNVERIFIED:
        name = next(casa for casa, ours in _TAILS.items() if ours == shape)
        text = f"{name}({_short(100 * values['mix'])})T({_short(values['k'])})"
    elif shape == "la" and values["alpha"] == values["beta"]:
        text = f"LA({_short(values['alpha'])},{_short(values['n'])})"
    elif shape in ("la", "lf"):
        text = f"{shape.upper()}({','.join(_short(values[name]) for name in (_LA if shape == 'la' else _LF))})"
    else:
        return None
    # What would be read back differently (a parameter outside CasaXPS's range) must not be written.
    return text if _says(text, shape, values) else None


def _says(text: str, shape: str, values: Mapping[str, float]) -> bool:
    known = shape_of(text)
    return (
        known is not None
        and known[0] == shape
        and all(math.isclose(values.get(name, math.nan), value, rel_tol=1e-7, abs_tol=1e-9) for name, value in known[1])
    )


def shape_text(component: Component, original: str = "") -> str | None:
    """CasaXPS's text for the shape of a component; None where it has none."""
    return text_of(component.shape, component.values, original)


def _short(value: float) -> str:
    return f"{value:.8g}"
