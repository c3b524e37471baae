"""A project <-> the plain tree of its file.

/                       NXroot; schema, schema_version, program, sha256 (of all that is read back)
  project               JSON: name, note, samples, history
  entry_1_c1s           NXentry, one for each entry, in order
    title               copy for viewers (these are listed in `store_view`)
    about               JSON: id, sample, name, recipe; of the spectrum: hash, noise, meta, axes
    data                NXdata: counts, one array an axis, transmission; without counts where they stay in their file,
                        which `about` then names (`app.files.references`)
    fit_1_main          NXfit, one for each region, in order
      about             JSON: id
      model             JSON of `fitting.model.to_dict`
      result            NXcollection: about (JSON), model and start (JSON), covariance
    map_1_thickness     NXdata, one for each map, in order: about (JSON), values, error, flags
    factors_1_mcr       NXcollection, one for each factor analysis: about (JSON), energy, spectra, singular; of ions
                        also amounts, errors and bands (`fitting.factors.kept.FURTHER`)
      label, peak_p1, parameters, curves      copies for viewers
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app import __version__
from app.files.arrays import FileArray
from app.files.references import Witness, described, restored, witness_of, witness_row
from app.project.migrations import SCHEMA, SCHEMA_VERSION
from app.project.project import Entry, HistoryItem, Project, RegionFit, Sample
from app.project.store_plain import fields_from, from_row, from_text, row_of, to_text
from app.project.store_tree import Tree
from app.project.store_view import all_axes, axis_names, data_group, fit_copies, processed_or_none, words
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.factors.kept import FURTHER, KeptFactors
from fitting.image.maps import Map
from fitting.model import FitModel, from_json, to_dict
from fitting.recipe import Recipe
from fitting.result import FitResult
from fitting.stored import Stored
from libraries.errors import BadData, SodaliteError

_RESULT_PARTS = ("model", "start", "covariance")
_MAP_PARTS = ("values", "error", "flags")
_FACTOR_PARTS = ("energy", "spectra", "singular")
_NUMBERED = re.compile(r"(entry|fit|map|factors)_([0-9]{1,9})(?:_.*)?\Z")
_WRONG = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


Seen = Callable[[FileArray], Witness]
Find = Callable[[FileArray, Witness], FileArray]


def _unseen(stored: FileArray) -> Witness:
    return Witness("", -1, 0)


def _as_told(stored: FileArray, seen: Witness) -> FileArray:
    return stored


def tree_of(
    project: Project, *, without: Collection[str] = (), copies: bool = True, seen: Seen = _unseen
) -> Tree:
    """The tree of a project.

    Parameters
    ----------
    without : collection of str
        Content hashes of spectra whose raw data are left out (a recovery file refers to the saved project).
    copies : bool
        Whether viewers get their copies of fits.
    seen : callable
        Looks at the files of images that are not written into the project.

    Raises
    ------
    BadData
        If a field holds something else than it declares.
    """
    tree: Tree = {"@NX_class": "NXroot", "@schema": SCHEMA, "@schema_version": SCHEMA_VERSION}
    tree["@program"] = f"Sodalite {__version__}"
    about = row_of(project, skip=("entries", "samples", "history"))
    about["samples"] = [row_of(sample) for sample in project.samples]
    about["history"] = [row_of(item) for item in project.history]
    tree["project"] = to_text(about)
    for number, entry in enumerate(project.entries, 1):
        name = f"entry_{number}_{_slug(entry.id)}"
        tree.setdefault("@default", name)
        tree[name] = _entry_tree(entry, without, copies, seen)
    return tree


def _slug(id: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", id).strip("_")[:40]


def _entry_tree(entry: Entry, without: Collection[str], copies: bool, seen: Seen) -> Tree:
    spectrum = entry.spectrum
    identity = spectrum.hash
    about = row_of(entry, skip=("spectrum", "recipe", "fits", "maps", "factors"))
    about |= {"recipe": row_of(entry.recipe), "hash": identity}
    tree: Tree = {"@NX_class": "NXentry"}
    if identity not in without or spectrum.stored:
        about["spectrum"] = {
            "noise": row_of(spectrum.noise),
            "meta": row_of(spectrum.meta),
            "axes": [
                {"name": name, **row_of(axis, skip=("values",))}
                for name, axis in zip(axis_names(spectrum), all_axes(spectrum), strict=True)
            ],
        }
        if spectrum.scales:
            about["spectrum"]["scales"] = len(spectrum.scales)
        tree["data"] = data_group(spectrum)
        tree["@default"] = "data"
        if isinstance(spectrum.counts, Stored):
            about["spectrum"]["stored"] = described(spectrum.counts)
            about["spectrum"]["witness"] = witness_row(seen(spectrum.counts))  # type: ignore[arg-type]
    tree |= {"about": to_text(about), "title": words(entry.title)}
    processed = processed_or_none(entry) if copies and any(fit.result for fit in entry.fits) else None
    for number, fit in enumerate(entry.fits, 1):
        tree[f"fit_{number}_{_slug(fit.id)}"] = _fit_tree(fit, processed, copies)
    for number, one in enumerate(entry.maps, 1):
        tree[f"map_{number}_{_slug(one.id)}"] = _map_tree(one)
    for number, about in enumerate(entry.factors, 1):
        arrays = {name: getattr(about, name) for name in (*_FACTOR_PARTS, *FURTHER) if getattr(about, name).size}
        text = to_text(row_of(about, skip=(*_FACTOR_PARTS, *FURTHER)))
        tree[f"factors_{number}_{_slug(about.id)}"] = {"@NX_class": "NXcollection", "about": text, **arrays}
    return tree


def _map_tree(one: Map) -> Tree:
    tree: Tree = {"@NX_class": "NXdata", "@signal": "values", "@title": words(one.label)[:200]}
    tree["about"] = to_text(row_of(one, skip=_MAP_PARTS))
    for name in _MAP_PARTS:
        array = getattr(one, name)
        if array is not None:
            tree[name] = array
    return tree


def _fit_tree(fit: RegionFit, processed: Spectrum | None, copies: bool) -> Tree:
    tree = fit_copies(fit, processed) if copies else {}
    tree["about"] = to_text({"id": fit.id, "place": fit.place})
    tree["model"] = to_text(to_dict(fit.model))
    if fit.result is not None:
        tree["result"] = {
            "@NX_class": "NXcollection",
            "about": to_text(row_of(fit.result, skip=_RESULT_PARTS)),
            "model": to_text(to_dict(fit.result.model)),
            "start": to_text(to_dict(fit.result.start)),
            "covariance": fit.result.covariance,
        }
    return tree


def project_of(
    tree: Tree, where: str, raw: Mapping[str, Spectrum] | None = None, find: Find = _as_told
) -> Project:
    """The project in a tree of the present schema version.

    Parameters
    ----------
    tree : Tree
    where : str
        What messages call the file.
    raw : mapping, optional
        Spectra by content hash, for entries that were written without their raw data.
    find : callable
        Finds the files of images that are not in the project, and checks them.

    Raises
    ------
    BadData, BadModel
        If something is missing, of the wrong type, or breaks the rules of what it stands for.
    """
    here = f"{where}, project"
    about = _row(tree, "project", here)
    samples = tuple(from_row(Sample, row, f"{here}, sample") for row in _list(about.pop("samples", []), here))
    history = tuple(from_row(HistoryItem, row, f"{here}, history") for row in _list(about.pop("history", []), here))
    head = fields_from(Project, about, here, skip=("samples", "entries", "history"))
    names = _numbered(tree, "entry")
    entries = tuple(_entry(_group(tree, name, where), f"{where}, {name}", raw or {}, find) for name in names)
    return Project(samples=samples, entries=entries, history=history, **head)


def spectrum_hashes(tree: Tree, where: str) -> tuple[tuple[str, bool], ...]:
    """For each entry the content hash of its spectrum and whether its raw data are in the tree."""
    rows = (_row(_group(tree, name, where), "about", f"{where}, {name}") for name in _numbered(tree, "entry"))
    return tuple((str(row.get("hash", "")), "spectrum" in row) for row in rows)


def _entry(tree: Tree, where: str, raw: Mapping[str, Spectrum], find: Find) -> Entry:
    about = _row(tree, "about", where)
    identity, described_ = about.pop("hash", ""), about.pop("spectrum", None)
    recipe = from_row(Recipe, about.pop("recipe", {}), f"{where}, recipe")
    head = fields_from(Entry, about, where, skip=("spectrum", "recipe", "fits", "maps", "factors"))
    if described_ is not None:
        spectrum = _spectrum(_group(tree, "data", where), described_, where, find)
    elif identity in raw:
        spectrum = raw[identity]
    else:
        raise BadData("The raw data of this spectrum are not here", where=where)
    fits = tuple(_fit(_group(tree, name, where), f"{where}, {name}") for name in _numbered(tree, "fit"))
    maps = tuple(_map(_group(tree, name, where), f"{where}, {name}") for name in _numbered(tree, "map"))
    factors = tuple(_factors(_group(tree, name, where), f"{where}, {name}") for name in _numbered(tree, "factors"))
    return Entry(spectrum=spectrum, recipe=recipe, fits=fits, maps=maps, factors=factors, **head)


def _factors(tree: Tree, where: str) -> KeptFactors:
    about = fields_from(KeptFactors, _row(tree, "about", where), where, skip=(*_FACTOR_PARTS, *FURTHER))
    further = [name for name in FURTHER if name in tree]
    return KeptFactors(**about, **{name: _array(tree, name, "f", where) for name in (*_FACTOR_PARTS, *further)})


def _map(tree: Tree, where: str) -> Map:
    about = fields_from(Map, _row(tree, "about", where), where, skip=_MAP_PARTS)
    arrays = {name: _array(tree, name, "u" if name == "flags" else "f", where) for name in _MAP_PARTS if name in tree}
    if "values" not in arrays:
        raise BadData("The numbers of a map are missing", where=where)
    return Map(**about, **arrays)


def _spectrum(data: Tree, told: Any, where: str, find: Find) -> Spectrum:
    if not isinstance(told, dict):
        raise BadData("The spectrum is not described", where=where)
    axes: list[Axis] = []
    for row in _list(told.get("axes"), where):
        if not isinstance(row, dict):
            raise BadData("An axis is not described", where=where)
        values = _array(data, str(row.pop("name", "")), "f", where)
        axes.append(Axis(values, **fields_from(Axis, row, f"{where}, axis", skip=("values",))))
    further = told.get("scales", 0)
    if not isinstance(further, int) or isinstance(further, bool) or not 0 <= further < len(axes):
        raise BadData("The spectrum has no axis", where=where)
    axes, scales = axes[: len(axes) - further], axes[len(axes) - further :]
    counts: Any
    if "stored" in told:
        counts = find(restored(told["stored"], where), witness_of(told.get("witness"), where))
    else:
        counts = _array(data, "counts", "iuf", where)
    return Spectrum(
        axis=axes[-1],
        counts=counts,
        noise=from_row(Noise, told.get("noise"), f"{where}, noise"),
        meta=from_row(Meta, told.get("meta"), f"{where}, meta"),
        transmission=_array(data, "transmission", "f", where) if "transmission" in data else None,
        navigation=tuple(axes[:-1]),
        scales=tuple(scales),
    )


def _fit(tree: Tree, where: str) -> RegionFit:
    about = fields_from(RegionFit, _row(tree, "about", where), where, skip=("model", "result"))
    result = _result(_group(tree, "result", where), f"{where}, result") if "result" in tree else None
    return RegionFit(model=_model(tree, "model", where), result=result, **about)


# A result's model mostly is the model of its region.
_parsed = lru_cache(maxsize=8)(from_json)


def _model(tree: Tree, name: str, where: str) -> FitModel:
    text = _text(tree, name, where)
    try:
        return _parsed(text)
    except SodaliteError as error:
        raise BadData(error.what, where=f"{where}, {name}, {error.where}") from error
    except _WRONG as error:
        raise BadData(f"The model is not of the expected form ({error})", where=f"{where}, {name}") from error


def _result(tree: Tree, where: str) -> FitResult:
    row = fields_from(FitResult, _row(tree, "about", where), where, skip=_RESULT_PARTS)
    covariance = _array(tree, "covariance", "f", where)
    if covariance.shape != (len(row["names"]),) * 2:
        raise BadData(f"A covariance of shape {covariance.shape} does not fit {len(row['names'])} names", where=where)
    return FitResult(
        model=_model(tree, "model", where), start=_model(tree, "start", where), covariance=covariance, **row
    )


def _numbered(tree: Tree, kind: str) -> list[str]:
    """The names of the entries or fits in a group, in their order."""
    found = ((_NUMBERED.match(name), name) for name in tree)
    return [name for _, name in sorted((int(m[2]), name) for m, name in found if m and m[1] == kind)]


def _group(tree: Tree, name: str, where: str) -> Tree:
    item = tree.get(name)
    if not isinstance(item, dict):
        raise BadData(f"The group {name} is missing", where=where)
    return item


def _text(tree: Tree, name: str, where: str) -> str:
    item = tree.get(name)
    if not isinstance(item, str):
        raise BadData(f"The text {name} is missing", where=where)
    return item


def _array(tree: Tree, name: str, kinds: str, where: str) -> NDArray[Any]:
    item = tree.get(name)
    if not isinstance(item, np.ndarray) or item.dtype.kind not in kinds:
        raise BadData(f"The numbers {name[:60]!r} are missing", where=where)
    return item


def _row(tree: Tree, name: str, where: str) -> dict[str, Any]:
    row = from_text(_text(tree, name, where), f"{where}, {name}")
    if not isinstance(row, dict):
        raise BadData(f"The text {name} does not describe anything", where=where)
    return row


def _list(data: Any, where: str) -> list[Any]:
    if not isinstance(data, list):
        raise BadData("A list is missing", where=where)
    return data
