"""Flat frozen dataclasses <-> plain JSON rows, field by field after their type hints, checked on both ways.

Only what is declared is written and only what is declared is read: text, numbers, true/false, None, tuples and
dataclasses of these. JSON knows no infinity and no NaN, so such a float stands as {"float": "nan"}.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from libraries.errors import BadData

T = TypeVar("T")
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_MAX_INTEGER = 2**63


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def row_of(item: Any, skip: Collection[str] = ()) -> dict[str, Any]:
    """The fields of a dataclass as plain data.

    Parameters
    ----------
    item : dataclass instance
    skip : names of fields to leave out

    Raises
    ------
    BadData
        If a field holds something else than it declares; the message names it.
    """
    hints = _hints(type(item))
    return {
        f.name: plain(getattr(item, f.name), hints[f.name], f"{type(item).__name__}.{f.name}")
        for f in fields(item)
        if f.name not in skip
    }


def fields_from(cls: type, row: Any, where: str, skip: Collection[str] = ()) -> dict[str, Any]:
    """The arguments for a dataclass from a row; fields with a default may be missing.

    Raises
    ------
    BadData
        If the row has unknown fields, lacks some, or holds something of the wrong type.
    """
    if not isinstance(row, Mapping):
        raise BadData(f"A {cls.__name__} should be here", where=where)
    wanted = {f.name: f for f in fields(cls) if f.name not in skip}
    unknown = sorted(set(row) - set(wanted))
    if unknown:
        raise BadData(f"A {cls.__name__} has no field {unknown[0][:40]!r}", where=where)
    for name, field in wanted.items():
        if name not in row and field.default is MISSING and field.default_factory is MISSING:
            raise BadData(f"The field {name} of a {cls.__name__} is missing", where=where)
    hints = _hints(cls)
    return {name: value(data, hints[name], f"{where}.{name}") for name, data in row.items()}


def from_row(cls: type[T], row: Any, where: str) -> T:
    """A dataclass from its row.

    Raises
    ------
    BadData
        As `fields_from`, or from the class itself.
    """
    return cls(**fields_from(cls, row, where))


def plain(item: Any, hint: Any, where: str) -> Any:
    """A value as JSON data, after the type that it is declared to have."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _plain_union(item, get_args(hint), where)
    if origin is Literal:
        if item in get_args(hint):
            return str(item)
    elif origin is tuple:
        if isinstance(item, (tuple, list)):
            pairs = enumerate(zip(item, _arms(hint, len(item), where), strict=True))
            return [plain(part, arm, f"{where}[{i}]") for i, (part, arm) in pairs]
    elif is_dataclass(hint):
        if type(item) is hint:
            return row_of(item)
    elif _fits(item, hint):
        return _plain_atom(item, hint)
    raise BadData(f"{str(item)[:60]!r} is not what this field may hold ({_name(hint)})", where=where)


def value(data: Any, hint: Any, where: str) -> Any:
    """A value of a declared type from JSON data."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        for arm in get_args(hint):
            if _readable(data, arm):
                return value(data, arm, where)
    elif origin is Literal:
        if isinstance(data, str) and data in get_args(hint):
            return data
    elif origin is tuple:
        if isinstance(data, list):
            pairs = enumerate(zip(data, _arms(hint, len(data), where), strict=True))
            return tuple(value(part, arm, f"{where}[{i}]") for i, (part, arm) in pairs)
    elif isinstance(hint, type) and is_dataclass(hint):
        return from_row(hint, data, where)
    elif _readable(data, hint):
        return _atom(data, hint)
    raise BadData(f"{str(data)[:60]!r} is not what this field may hold ({_name(hint)})", where=where)


def _arms(hint: Any, count: int, where: str) -> tuple[Any, ...]:
    arms = get_args(hint)
    if len(arms) == 2 and arms[1] is Ellipsis:
        return (arms[0],) * count
    if len(arms) != count:
        raise BadData(f"{len(arms)} items are needed, not {count}", where=where)
    return arms


def _plain_union(item: Any, arms: tuple[Any, ...], where: str) -> Any:
    for arm in arms:
        if get_origin(arm) is None and not is_dataclass(arm) and _fits(item, arm):
            return _plain_atom(item, arm)
    raise BadData(f"{str(item)[:60]!r} is not what this field may hold", where=where)


def _fits(item: Any, hint: Any) -> bool:
    """Whether an object in memory is an atom of the declared type; whole numbers count as floats."""
    if hint is type(None):
        return item is None
    if hint is bool:
        return isinstance(item, (bool, np.bool_))
    if hint is str:
        return isinstance(item, str)
    whole = isinstance(item, (int, np.integer)) and not isinstance(item, bool) and abs(int(item)) < _MAX_INTEGER
    return whole if hint is int else hint is float and (whole or isinstance(item, (float, np.floating)))


def _plain_atom(item: Any, hint: Any) -> Any:
    if hint is float:
        number = float(item)
        return number if math.isfinite(number) else {"float": repr(number)}
    return None if item is None else hint(item)


def _readable(data: Any, hint: Any) -> bool:
    """Whether JSON data are an atom of the declared type."""
    if hint is float and isinstance(data, dict):
        return set(data) == {"float"} and isinstance(data["float"], str) and data["float"] in _NOT_FINITE
    if isinstance(data, float) and not math.isfinite(data):
        return False
    return _fits(data, hint)


def _atom(data: Any, hint: Any) -> Any:
    if hint is float:
        return _NOT_FINITE[data["float"]] if isinstance(data, dict) else float(data)
    return data


def _name(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, get_args(hint)))
    return getattr(hint, "__name__", str(hint))


def to_text(data: Any) -> str:
    """JSON text of plain data, on one line (indented text takes Python ten times as long)."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False)


def from_text(text: str, where: str) -> Any:
    """Plain data from JSON text.

    Raises
    ------
    BadData
        If it is no JSON.
    """
    # ValueError covers JSONDecodeError and whole numbers with thousands of digits.
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadData(f"The text is no valid JSON ({error})", where=where) from None
