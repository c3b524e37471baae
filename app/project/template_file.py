"""Templates as files: JSON that is checked before it is believed, and the folders in which they lie.

A template holds numbers, names and formulas of our own grammar; no code, no paths. A plain model (what `fit --model`
takes) is a template of one region too.
"""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.files.atomic import write_text
from app.files.contents import read_bytes
from app.project.template import Reference, Template, TemplateRegion, TemplateTie
from fitting.backgrounds import kind as background_kind
from fitting.model import FitModel, from_dict, to_dict
from fitting.shapes import shape
from libraries.errors import BadFile, BadModel, CannotWrite, SodaliteError, UnknownName

KIND, VERSION = "sodalite template", 1
SUFFIX = ".json"
# Far more than any analyst writes, far less than would stop the program.
_MAX_BYTES, _MAX_REGIONS, _MAX_COMPONENTS, _MAX_TEXT, _MAX_TIES = 4 << 20, 100, 200, 20_000, 1000
_FIELDS = {"format", "version", "name", "note", "material", "factors", "regions", "reference", "ties"}


def folders() -> tuple[Path, ...]:
    """Where templates are looked for, the user's own folder first."""
    import platformdirs

    chosen = os.environ.get("SODALITE_CONFIG_DIR")
    own = Path(chosen) if chosen else Path(platformdirs.user_config_dir("sodalite", appauthor=False))
    return own / "templates", Path(__file__).resolve().parents[1] / "resources" / "templates"


def names() -> tuple[str, ...]:
    """Names of all templates, sorted; the user's own take the place of the program's of the same name."""
    found = {file.stem for folder in folders() if folder.is_dir() for file in folder.glob(f"*{SUFFIX}")}
    return tuple(sorted(found, key=str.casefold))


def find(name: str) -> Path:
    """The file of a name.

    Raises
    ------
    UnknownName
        If there is none; the message lists those there are.
    """
    known = names()
    for folder in folders():
        file = folder / f"{name}{SUFFIX}"
        if name in known and file.is_file():
            return file
    listed = ", ".join(known)
    raise UnknownName(
        f"There is no template '{name}'",
        todo=f"There are: {listed}" if listed else f"There are none yet: put models as JSON into {folders()[0]}",
    )


def is_own(name: str) -> bool:
    """Whether a template lies in the user's own folder."""
    return (folders()[0] / f"{name}{SUFFIX}").is_file()


def get(name: str) -> Template:
    """The template of a name.

    Raises
    ------
    UnknownName, BadFile, BadModel
    """
    return load(find(name))


def load(path: Path) -> Template:
    """A template, or a plain model as a template of one region.

    Raises
    ------
    BadFile
        If the file cannot be read, is too large or is no template.
    BadModel
        If a model in it makes no sense.
    """
    try:
        text = read_bytes(path, _MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile("The template is not text in UTF-8", where=str(path), todo="Save it again as UTF-8") from error
    try:
        template = from_json(text)
    except (BadFile, BadModel) as error:
        where = ", ".join(filter(None, (str(path), error.where)))
        raise type(error)(error.what, where=where, todo=error.todo or "Ask its author for another copy") from error
    return template if template.name else replace(template, name=path.stem)


def save(template: Template, path: Path) -> None:
    """Write a template.

    Raises
    ------
    CannotWrite
    """
    write_text(path, to_json(template))


def keep(template: Template) -> Path:
    """Save a template in the user's own folder under its name.

    Raises
    ------
    CannotWrite
        If another template of that name is there.
    """
    folder = folders()[0]
    path = folder / f"{file_name(template.name)}{SUFFIX}"
    if path.exists() and read_bytes(path, _MAX_BYTES) != to_json(template).encode():
        raise CannotWrite(f"You have another template '{path.stem}'", where=str(path),
                          todo="Give one of them another name first")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(f"The folder of templates cannot be made ({error})", where=str(folder)) from error
    save(template, path)
    return path


def remove(name: str) -> None:
    """Take a template out of the user's own folder.

    Raises
    ------
    UnknownName
        If there is none of the user's.
    """
    if not is_own(name) or name not in names():
        raise UnknownName(f"You have no template '{name}'", todo="Templates of the program itself stay")
    (folders()[0] / f"{name}{SUFFIX}").unlink()


def file_name(name: str) -> str:
    """A name as every system takes it for a file.

    Raises
    ------
    CannotWrite
        If nothing is left of it.
    """
    plain = re.sub(r'[\\/:*?"<>|\x00-\x1f]+', " ", name)
    plain = re.sub(r"\s+", " ", plain).strip(" .")[:100].strip(" .")
    if not plain:
        raise CannotWrite("A template needs a name", where=repr(name), todo="Give it a name of letters and digits")
    return plain


def to_json(template: Template) -> str:
    """A template as JSON text."""
    row: dict[str, Any] = {"format": KIND, "version": VERSION, "name": template.name}
    if template.note:
        row["note"] = template.note
    if template.material:
        row["material"] = template.material
    if template.factors:
        row["factors"] = template.factors
    if template.reference is not None:
        rule = template.reference
        row["reference"] = {
            "region": rule.region, "component": rule.component, "energy": rule.energy, "note": rule.note
        }
    row["regions"] = [
        {"key": r.key, "spectrum": r.spectrum, "quantity": r.quantity, "model": to_dict(r.model)}
        for r in template.regions
    ]
    if template.ties:
        row["ties"] = [{"target": t.target, "formula": t.formula, "note": t.note} for t in template.ties]
    return json.dumps(row, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def from_json(text: str) -> Template:
    """A template from JSON text.

    Raises
    ------
    BadFile
        If it is no template, of a newer version, or out of all proportion.
    BadModel
        If a model in it makes no sense.
    """
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadFile(f"This is not valid JSON ({_short(error)})") from None
    if isinstance(data, dict) and "region" in data and "format" not in data:
        model = _model(data)
        return Template(str(data.get("name", "")), (TemplateRegion("r1", model.name, model),))
    if not isinstance(data, dict) or data.get("format") != KIND:
        raise BadFile("This is not a template of Sodalite", todo="Save one with Fit > Save as template")
    version = data.get("version")
    if type(version) is not int or version < 1:
        raise BadFile("The template does not say its version")
    if version > VERSION:
        raise BadFile(f"The template is of version {version}, newer than this program knows", todo="Update Sodalite")
    unknown = sorted(set(data) - _FIELDS)
    if unknown:
        raise BadFile(f"A template has no '{_short(unknown[0])}'")
    try:
        return _template(data)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise BadFile(f"The template is not of the expected form ({_short(error)})") from None


def _template(data: dict[str, Any]) -> Template:
    rows = _list(data, "regions", _MAX_REGIONS)
    regions = tuple(
        TemplateRegion(
            _text(row, "key"), _text(row, "spectrum"), _model(row["model"]), _text(row, "quantity", "binding_energy")
        )
        for row in rows
    )
    rule = data.get("reference")
    reference = None
    if rule is not None:
        energy = rule["energy"]
        if isinstance(energy, bool) or not isinstance(energy, (int, float)) or not math.isfinite(energy):
            raise BadFile("The energy of the charge reference must be a finite number")
        reference = Reference(_text(rule, "region"), _text(rule, "component"), float(energy), _text(rule, "note"))
    ties = tuple(
        TemplateTie(_text(row, "target"), _text(row, "formula"), _text(row, "note"))
        for row in _list(data, "ties", _MAX_TIES)
    )
    return Template(
        _text(data, "name"), regions, reference, _text(data, "material"), _text(data, "factors"), ties,
        _text(data, "note"),
    )


def _model(data: Any) -> FitModel:
    """A model whose shapes and background exist and have the parameters that they must have."""
    try:
        count = len(data.get("components", []))
        if count > _MAX_COMPONENTS:
            raise BadFile(f"A region with {count} components is no fit model")
        model = from_dict(data)
        for component in model.components:
            wanted = shape(component.shape).names
            if tuple(name for name, _ in component.params) != tuple(wanted):
                raise BadModel(
                    f"{_short(component.name or component.id)} needs the parameters {', '.join(wanted)}",
                    where=_short(model.name),
                )
        wanted_background = {p.name for p in background_kind(model.background.kind).parameters}
        if {name for name, _ in model.background.params} != wanted_background:
            raise BadModel("The background has not the parameters of its kind", where=_short(model.name))
    except (SodaliteError, RecursionError) as error:
        if isinstance(error, (BadFile, BadModel)):
            raise
        raise BadModel(_short(error)) from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise BadModel(f"The model is not of the expected form ({_short(error)})") from None
    return model


def _text(row: Any, name: str, default: str = "") -> str:
    value = row.get(name, default)
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise BadFile(f"'{name}' of a template must be a text of sensible length")
    return value


def _list(row: Any, name: str, most: int) -> list[Any]:
    value = row.get(name, [])
    if not isinstance(value, list):
        raise BadFile(f"'{name}' of a template must be a list")
    if len(value) > most:
        raise BadFile(f"A template with {len(value)} {name} is more than any sample needs")
    return value


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _short(value: object) -> str:
    """Words of a stranger in a message: one line, not too long."""
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return text if len(text) <= 120 else text[:117] + "…"
