"""Spectra as plain JSON and raw arrays, for pipes and files: no pickle, nothing that could run.

Only the classes named here are made again, and only from fields that they declare.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from app.files.references import described, restored
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.stored import Stored
from libraries.errors import BadData

_CLASSES: dict[str, type] = {cls.__name__: cls for cls in (Spectrum, Axis, Noise, Meta)}
_MAX_DEPTH = 16


def plain(value: Any, store: Callable[[np.ndarray], dict[str, Any]] | None = None) -> Any:
    """`value` as JSON can hold it; arrays go through `store`, which returns what stands for them."""
    name = type(value).__name__
    if _CLASSES.get(name) is type(value):
        return {"class": name, "fields": {f.name: plain(getattr(value, f.name), store) for f in fields(value)}}
    if isinstance(value, Stored):
        return {"stored": described(value)}
    if isinstance(value, np.ndarray):
        if store is None:
            raise BadData("An array has no place here")
        return store(value)
    if isinstance(value, (tuple, list)):
        return [plain(item, store) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise BadData(f"A {name} cannot be handed over")


def restore(value: Any, load: Callable[[dict[str, Any]], np.ndarray] | None = None, depth: int = 0) -> Any:
    """The reverse of `plain`; lists become tuples.

    Raises
    ------
    BadData
        If the text names an unknown class or field, or its values do not make one.
    """
    if depth > _MAX_DEPTH:
        raise BadData("The description of a spectrum is nested too deeply")
    if isinstance(value, list):
        return tuple(restore(item, load, depth + 1) for item in value)
    if not isinstance(value, dict):
        return value
    if "array" in value and load is not None:
        return load(value)
    if "stored" in value and load is not None:
        return restored(value["stored"])
    cls = _CLASSES.get(str(value.get("class")))
    given = value.get("fields")
    if cls is None or not isinstance(given, dict) or not given.keys() <= {f.name for f in fields(cls)}:
        raise BadData("The description of a spectrum names something unknown")
    values = {name: restore(item, load, depth + 1) for name, item in given.items()}
    if cls is Meta:
        _check_meta(values)
    try:
        return cls(**values)
    except (TypeError, ValueError, AttributeError) as error:
        raise BadData(f"The description of a spectrum is damaged ({error})") from error


def _check_meta(values: dict[str, Any]) -> None:
    """Meta does not check its types itself, since readers are trusted; what comes from outside is not."""
    defaults = Meta()
    for name, value in values.items():
        default = getattr(defaults, name)
        if name == "comments":
            good = isinstance(value, tuple) and all(isinstance(line, str) for line in value)
        elif name == "extra":
            good = isinstance(value, tuple) and all(_is_pair(pair) for pair in value)
        elif default is None:
            good = value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))
        else:
            good = type(value) is type(default)
        if not good:
            raise BadData(f"The description of a spectrum is damaged (field '{name}')")


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(text, str) for text in pair)


def encode(spectra: Sequence[Spectrum]) -> tuple[bytes, list[bytes]]:
    """JSON text and the bytes of the arrays that it refers to, in their order."""
    buffers: list[bytes] = []

    def store(array: np.ndarray) -> dict[str, Any]:
        contiguous = np.ascontiguousarray(array)
        little = contiguous.astype(contiguous.dtype.newbyteorder("<"), copy=False)
        buffers.append(little.tobytes())
        return {"array": len(buffers) - 1, "dtype": little.dtype.str, "shape": list(array.shape)}

    return json.dumps([plain(spectrum, store) for spectrum in spectra]).encode(), buffers


def decode(text: bytes, buffers: Sequence[bytes | memoryview]) -> list[Spectrum]:
    """The reverse of `encode`.

    Raises
    ------
    BadData
        If text and buffers do not make spectra.
    """

    try:
        described = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadData(f"The description of the spectra is damaged ({error})") from error
    return revive(described, buffers)


def revive(described: Any, buffers: Sequence[bytes | memoryview]) -> list[Spectrum]:
    """`decode` for a description that is already parsed."""

    def load(value: dict[str, Any]) -> np.ndarray:
        try:
            dtype = np.dtype(value["dtype"])
            if dtype.kind not in "iuf":
                raise BadData("An array holds something that is no number")
            array = np.frombuffer(buffers[int(value["array"])], dtype=dtype)
            # Arrays of this machine's own byte order, so that equal data have equal hashes.
            return array.reshape([int(n) for n in value["shape"]]).astype(dtype.newbyteorder("="), copy=False)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise BadData(f"An array of a spectrum is damaged ({error})") from error

    spectra = restore(described, load)
    if not isinstance(spectra, tuple) or not all(isinstance(spectrum, Spectrum) for spectrum in spectra):
        raise BadData("The description holds something else than spectra")
    return list(spectra)
