"""The grammar of links between fit parameters, parsed by a whitelist and differentiated exactly.

A link is a formula over other parameters of the same model, for example::

    p1.area * 0.5              half the area of component p1
    p1.position + 7.4          7.4 eV above p1 (on the axis of the model)
    p1.fwhm                    the same width
    p1.position + 1.18 +- 0.05     that offset, free within a tolerance
    0.5 * p1.area +- 10 %          that ratio, free within a relative tolerance

Numbers, parameter names (`component.parameter`), `+ - * / **`, parentheses and `sqrt exp log abs` are all there is:
nothing else parses, so a formula from a file can compute and do nothing more.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from libraries.errors import BadModel

MAX_LENGTH = 200
MAX_NODES = 60
_TOLERANCE = re.compile(r"(?:±|\+-|\+/-)\s*([0-9.eE+-]+)\s*(%?)\s*$")
_SIGN_OF_TOLERANCE = re.compile(r"±|\+-|\+/-")
# What a formula is written with: no quotes, comments or letters that Python would fold to others.
_CHARACTERS = re.compile(r"[A-Za-z0-9_.+\-*/() \t]+\Z")
_Gradient = dict[str, float]


@dataclass(frozen=True)
class Dual:
    """A value and its derivatives with respect to named parameters (forward-mode differentiation)."""

    value: float
    gradient: Mapping[str, float]


def _scaled(gradient: Mapping[str, float], factor: float) -> _Gradient:
    return {name: factor * slope for name, slope in gradient.items()}


def _summed(a: Mapping[str, float], b: Mapping[str, float]) -> _Gradient:
    return {name: a.get(name, 0.0) + b.get(name, 0.0) for name in (*a, *(n for n in b if n not in a))}


def _power(base: Dual, exponent: Dual) -> Dual:
    value = base.value**exponent.value
    if isinstance(value, complex):
        raise ValueError("a negative number to a broken power")
    gradient: _Gradient = {}
    if base.gradient and exponent.value != 0:
        gradient = _scaled(base.gradient, exponent.value * base.value ** (exponent.value - 1))
    if any(exponent.gradient.values()):
        gradient = _summed(gradient, _scaled(exponent.gradient, value * math.log(base.value)))
    return Dual(value, gradient)


_BINARY: dict[type[ast.operator], Callable[[Dual, Dual], Dual]] = {
    ast.Add: lambda a, b: Dual(a.value + b.value, _summed(a.gradient, b.gradient)),
    ast.Sub: lambda a, b: Dual(a.value - b.value, _summed(a.gradient, _scaled(b.gradient, -1.0))),
    ast.Mult: lambda a, b: Dual(
        a.value * b.value, _summed(_scaled(a.gradient, b.value), _scaled(b.gradient, a.value))
    ),
    ast.Div: lambda a, b: Dual(
        a.value / b.value,
        _summed(_scaled(a.gradient, 1 / b.value), _scaled(b.gradient, -a.value / b.value**2)),
    ),
    ast.Pow: _power,
}
_FUNCTIONS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "sqrt": (math.sqrt, lambda v: 0.5 / math.sqrt(v)),
    "exp": (math.exp, math.exp),
    "log": (math.log, lambda v: 1 / v),
    "abs": (abs, lambda v: math.copysign(1.0, v)),
}


@dataclass(frozen=True)
class Link:
    """A parsed link.

    Attributes
    ----------
    text : str
        As the user wrote it.
    names : tuple of str
        The parameters it depends on, "component.parameter", in order of appearance.
    tolerance : float
        Half-width of the free range around the formula's value; 0 for a strict link.
    relative : bool
        Whether `tolerance` is a fraction of the formula's value.
    tree : ast.expr
        The formula, of whitelisted nodes only.
    """

    text: str
    names: tuple[str, ...]
    tolerance: float
    relative: bool
    tree: ast.expr

    def evaluate(self, lookup: Mapping[str, Dual]) -> Dual:
        """Value and gradient of the formula, given those of the parameters it names.

        Raises
        ------
        BadModel
            If the formula has no finite value there.
        """
        try:
            result = _evaluate(self.tree, lookup)
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise BadModel(f"The link has no value here ({error})", where=self.text) from None
        if not all(map(math.isfinite, (result.value, *result.gradient.values()))):
            raise BadModel("The link has no finite value here", where=self.text)
        return result

    def half_width(self, value: float) -> float:
        """Half-width of the free range when the formula gives `value`."""
        return self.tolerance * abs(value) if self.relative else self.tolerance

    def renamed(self, names: Mapping[str, str]) -> str:
        """The text of the link with component ids replaced (unknown ids stay)."""
        return re.sub(
            r"\b([A-Za-z_]\w*)(?=\s*\.\s*[A-Za-z_])", lambda match: names.get(match[1], match[1]), self.text
        )


def _evaluate(node: ast.expr, lookup: Mapping[str, Dual]) -> Dual:
    match node:
        case ast.Constant(value=value):
            return Dual(float(value), {})  # type: ignore[arg-type]
        case ast.Attribute(value=ast.Name(id=component), attr=parameter):
            return lookup[f"{component}.{parameter}"]
        case ast.UnaryOp(op=op, operand=operand):
            inner = _evaluate(operand, lookup)
            return inner if isinstance(op, ast.UAdd) else Dual(-inner.value, _scaled(inner.gradient, -1.0))
        case ast.BinOp(left=left, op=op, right=right):
            return _BINARY[type(op)](_evaluate(left, lookup), _evaluate(right, lookup))
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            function, slope = _FUNCTIONS[name]
            inner = _evaluate(argument, lookup)
            value = function(inner.value)
            return Dual(value, _scaled(inner.gradient, slope(inner.value)) if inner.gradient else {})
    raise BadModel("The link holds something that is not arithmetic", where=ast.dump(node)[:80])


def _check(node: ast.expr, text: str, names: list[str]) -> None:
    """Refuse everything that is not on the whitelist; collect the parameter names."""
    match node:
        case ast.Constant(value=value) if isinstance(value, (int, float)) and not isinstance(value, bool):
            if not math.isfinite(value):
                raise BadModel("A number in the link is not finite", where=text)
        case ast.Attribute(value=ast.Name(id=component), attr=parameter) if "__" not in component + parameter:
            names.append(f"{component}.{parameter}")
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            _check(operand, text, names)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            _check(left, text, names)
            _check(right, text, names)
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in _FUNCTIONS:
            _check(argument, text, names)
        case _:
            raise BadModel(
                "The link is not understood",
                where=text,
                todo="Use numbers, names such as p1.area, + - * / **, brackets, sqrt exp log abs and +- tolerance",
            )


@lru_cache(maxsize=4096)
def parse(text: str) -> Link:
    """Parse a link.

    Raises
    ------
    BadModel
        If the text is longer or other than the grammar allows.
    """
    source = text.strip().removeprefix("=").strip()
    if not source or len(source) > MAX_LENGTH:
        raise BadModel(f"A link has 1 to {MAX_LENGTH} characters", where=source[:40])
    tolerance, relative = 0.0, False
    found = _TOLERANCE.search(source)
    formula = source
    if found:
        formula = source[: found.start()]
        relative = bool(found[2])
        try:
            tolerance = float(found[1]) / (100 if relative else 1)
        except ValueError:
            raise BadModel("The tolerance is not a number", where=source) from None
        if not (math.isfinite(tolerance) and tolerance > 0):
            raise BadModel("A tolerance must be above zero", where=source)
    if _SIGN_OF_TOLERANCE.search(formula):
        raise BadModel(
            "The tolerance of a link is one number at its end", where=source, todo="Write, for example, p1.fwhm +- 0.1"
        )
    formula = formula.replace("×", "*").replace("^", "**").strip()
    try:
        if not _CHARACTERS.match(formula):
            raise ValueError("other characters")
        tree = ast.parse(formula, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise BadModel("The link is not a formula", where=source, todo="Write, for example, p1.area * 0.5") from None
    if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
        raise BadModel("The link is too long", where=source)
    names: list[str] = []
    _check(tree, source, names)
    return Link(source, tuple(dict.fromkeys(names)), tolerance, relative, tree)


def evaluation_order(links: Mapping[str, Link], known: Iterable[str]) -> tuple[str, ...]:
    """The order in which linked parameters can be computed.

    Parameters
    ----------
    links : mapping of parameter name to its link
    known : names of all parameters of the model

    Raises
    ------
    BadModel
        If a link names an unknown parameter, or links run in a circle.
    """
    every = set(known)
    for name, link in links.items():
        missing = [n for n in link.names if n not in every]
        if missing:
            raise BadModel(f"The link of {name} names {missing[0]}, which does not exist", where=link.text)
    order: list[str] = []
    waiting = dict(links)
    while waiting:
        ready = [name for name, link in waiting.items() if not any(n in waiting for n in link.names)]
        if not ready:
            circle = ", ".join(sorted(waiting))
            raise BadModel("Links run in a circle", where=circle, todo="Let one of these parameters free")
        order.extend(ready)
        for name in ready:
            del waiting[name]
    return tuple(order)
