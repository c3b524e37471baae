"""Equality and content hashes of Sodalite's frozen data.

Data classes with arrays are declared `eq=False`; `same` compares them field by field (arrays bitwise, NaN equal to
NaN), and `content_hash` names their content, so that a result can say exactly which data and model it came from.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Protocol

import numpy as np

from fitting.stored import Stored


class _Sink(Protocol):
    def update(self, data: bytes, /) -> None: ...


def _same_float(a: float, b: float) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return bool(a == b)


def _canonical(array: np.ndarray) -> np.ndarray:
    """The array, contiguous, with one and the same NaN for every NaN."""
    if array.dtype.kind in "fc" and np.any(np.isnan(array)):
        array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
    return np.ascontiguousarray(array)


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal in every field, arrays included.

    Parameters
    ----------
    a, b : object
        Frozen dataclasses, arrays, stored images (equal by their fingerprints), tuples, mappings, numbers, strings or
        None, nested as they like.
        Fields declared with `metadata={"identity": False}` (timings, say) are passed over.
    """
    if a is b:
        return True
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
            return False
        if a.dtype != b.dtype or a.shape != b.shape:
            return False
        return _canonical(a).tobytes() == _canonical(b).tobytes()
    if isinstance(a, Stored) or isinstance(b, Stored):
        return isinstance(a, Stored) and isinstance(b, Stored) and (a.shape, a.fingerprint) == (b.shape, b.fingerprint)
    if is_dataclass(a) and not isinstance(a, type):
        if type(a) is not type(b):
            return False
        return all(
            same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a) if f.metadata.get("identity", True)
        )
    if isinstance(a, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, Mapping):
        return isinstance(b, Mapping) and a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    if isinstance(a, (bool, np.bool_)) or isinstance(b, (bool, np.bool_)):
        return isinstance(a, (bool, np.bool_)) and isinstance(b, (bool, np.bool_)) and bool(a == b)
    if isinstance(a, float) and isinstance(b, float):
        return _same_float(a, float(b))
    return bool(a == b)


def _at_default(field: Field[Any], content: Any) -> bool:
    if field.default_factory is not MISSING:
        return same(content, field.default_factory())
    return field.default is not MISSING and same(content, field.default)


def _feed(sink: _Sink, value: Any) -> None:
    if isinstance(value, np.ndarray):
        sink.update(f"array{value.dtype.str}{value.shape}".encode())
        sink.update(_canonical(value).tobytes())
    elif isinstance(value, Stored):
        sink.update(f"stored{value.shape}{value.fingerprint}".encode())
    elif is_dataclass(value) and not isinstance(value, type):
        sink.update(f"{type(value).__name__}(".encode())
        for field in fields(value):
            content = getattr(value, field.name)
            # A field at its default says nothing: those that later versions add leave older hashes as they are.
            if field.metadata.get("identity", True) and not _at_default(field, content):
                sink.update(field.name.encode())
                _feed(sink, content)
    elif isinstance(value, (tuple, list)):
        sink.update(f"{type(value).__name__}{len(value)}:".encode())
        for item in value:
            _feed(sink, item)
    elif isinstance(value, Mapping):
        sink.update(f"mapping{len(value)}:".encode())
        for key in sorted(value, key=str):
            _feed(sink, key)
            _feed(sink, value[key])
    elif isinstance(value, (bool, np.bool_)):
        sink.update(b"true" if value else b"false")
    elif isinstance(value, (int, float, np.integer, np.floating)):
        # 1 and 1.0 are the same, so are 0.0 and -0.0; the comma keeps (1.0, 12.0) apart from (1.01, 2.0).
        whole = isinstance(value, (int, np.integer)) or float(value).is_integer()
        sink.update(f"{int(value) if whole else float(value)!r},".encode())
    else:
        sink.update(f"{value!r},".encode())


def content_hash(*values: Any) -> str:
    """Hexadecimal SHA-256 (first 32 digits) of the content of `values`; equal content gives equal hashes."""
    digest = hashlib.sha256()
    for value in values:
        _feed(digest, value)
    return digest.hexdigest()[:32]
