"""Fit models to and from JSON. What is at its default is left out; what is not understood is refused."""

from __future__ import annotations

import json
import math
from typing import Any

from fitting.model import Background, Component, Curve, FitModel, Notes, Param
from libraries.errors import BadModel


def to_json(model: FitModel) -> str:
    """The model as JSON text."""
    return json.dumps(to_dict(model), indent=2, ensure_ascii=False)


def _param_to_dict(param: Param) -> dict[str, Any]:
    """Only what differs from the defaults; JSON knows no infinity, so an absent bound means none."""
    row: dict[str, Any] = {"value": param.value}
    if math.isfinite(param.minimum):
        row["minimum"] = param.minimum
    if math.isfinite(param.maximum):
        row["maximum"] = param.maximum
    if not param.vary:
        row["vary"] = False
    if param.link:
        row["link"] = param.link
    return row


def to_dict(model: FitModel) -> dict[str, Any]:
    """The model as plain lists, dicts, numbers and texts."""
    return {
        "name": model.name,
        "region": list(model.region),
        "background": _background_to_dict(model.background),
        "components": [_component_to_dict(component) for component in model.components],
        **({"extra": dict(model.extra)} if model.extra else {}),
        **({"response": _curve_to_dict(model.response)} if model.response is not None else {}),
    }


def _curve_to_dict(curve: Curve) -> dict[str, Any]:
    return {"x": list(curve.x), "y": list(curve.y), "name": curve.name}


def _background_to_dict(background: Background) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": background.kind,
        "average": background.average,
        "quadrature": background.quadrature,
        "params": {name: _param_to_dict(param) for name, param in background.params},
    }
    if background.anchors:
        row["anchors"] = [list(pair) for pair in background.anchors]
    if background.settings:
        row["settings"] = dict(background.settings)
    return row


def _component_to_dict(component: Component) -> dict[str, Any]:
    row: dict[str, Any] = {
        key: getattr(component, key)
        for key in ("id", "name", "shape", "line", "compound", "source", "doublet", "quantify")
    }
    row["params"] = {name: _param_to_dict(param) for name, param in component.params}
    if component.tag:
        row["tag"] = component.tag
    if component.curve is not None:
        row["curve"] = _curve_to_dict(component.curve)
    if component.extra:
        row["extra"] = dict(component.extra)
    if component.broadened:
        row["broadened"] = True
    return row


def _param_from_dict(row: Any, where: str) -> Param:
    if isinstance(row, (int, float)) and not isinstance(row, bool):
        return Param(row)
    if not isinstance(row, dict) or "value" not in row:
        raise BadModel("A parameter needs a value", where=where)
    known = {"value", "minimum", "maximum", "vary", "link"}
    unknown = set(row) - known
    if unknown:
        raise BadModel(f"A parameter has no {sorted(unknown)[0]}", where=where, todo=f"Use {', '.join(sorted(known))}")
    for key, value in row.items():
        kind = str if key == "link" else bool if key == "vary" else (int, float)
        if not isinstance(value, kind) or isinstance(value, bool) != (key == "vary"):
            raise BadModel(f"The {key} of a parameter is of the wrong kind", where=f"{where}: {value!r}")
    return Param(**row)


def _notes(row: Any) -> Notes:
    return tuple((str(name), str(text)) for name, text in row.items())


def _background_from_dict(row: Any) -> Background:
    return Background(
        kind=str(row.get("kind", "shirley_active")),
        average=int(row.get("average", 2)),
        quadrature=row.get("quadrature", "casa"),
        params=tuple((n, _param_from_dict(p, f"background.{n}")) for n, p in row.get("params", {}).items()),
        anchors=tuple((x, y) for x, y in row.get("anchors", [])),
        settings=tuple(row.get("settings", {}).items()),
    )


def _component_from_dict(row: Any) -> Component:
    return Component(
        id=str(row["id"]),
        name=str(row.get("name", row["id"])),
        shape=str(row["shape"]),
        params=tuple((n, _param_from_dict(p, f"{row['id']}.{n}")) for n, p in row["params"].items()),
        line=str(row.get("line", "")),
        compound=str(row.get("compound", "")),
        source=str(row.get("source", "")),
        doublet=str(row.get("doublet", "")),
        quantify=bool(row.get("quantify", True)),
        tag=str(row.get("tag", "")),
        curve=_curve_from_dict(row.get("curve")),
        extra=_notes(row.get("extra", {})),
        broadened=bool(row.get("broadened", False)),
    )


def _curve_from_dict(row: Any) -> Curve | None:
    return None if row is None else Curve(tuple(row["x"]), tuple(row["y"]), str(row.get("name", "")))


def from_dict(data: Any) -> FitModel:
    """The model from plain data.

    Raises
    ------
    BadModel
        If something is missing or of the wrong kind; the message names it.
    """
    try:
        return FitModel(
            name=str(data.get("name", "")),
            region=(float(data["region"][0]), float(data["region"][1])),
            background=_background_from_dict(data.get("background", {})),
            components=tuple(map(_component_from_dict, data.get("components", []))),
            extra=_notes(data.get("extra", {})),
            response=_curve_from_dict(data.get("response")),
        )
    except KeyError as error:
        raise BadModel(f"The model lacks {error.args[0]!r}") from None
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise BadModel(f"The model is not of the expected form ({error})") from None


def from_json(text: str) -> FitModel:
    """The model from JSON text.

    Raises
    ------
    BadModel
        If the text is no JSON or no model.
    """
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise BadModel(f"The model is not valid JSON ({error})") from None
    return from_dict(data)
