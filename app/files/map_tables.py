"""Several maps in one table (CSV), one HDF5 file or a folder of TIFF files, and profiles as a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.files.atomic import atomic_path, make_folder
from app.files.csv_table import write_table
from fitting.dataset import AXIS_LABELS, Axis
from fitting.image.classes import class_word, is_classes
from fitting.image.maps import Map
from fitting.image.profiles import Front, Profile
from libraries.errors import BadData

_WHERE = {1: ("index",), 2: ("row", "column")}


def table(maps: Sequence[Map], navigation: tuple[Axis, ...] = ()) -> tuple[list[str], Iterator[list[Any]]]:
    """One row a pixel: where it lies, and value, error and flag in words of every map; headings with units in brackets.

    Rows and columns count from 0, as in the navigator; values of classes have their words beside them.

    Raises
    ------
    BadData
        If there is no map, or they are of different shapes.
    """
    shape = _one_shape(maps)
    columns = [word.capitalize() for word in _WHERE.get(len(shape), tuple(f"index {i + 1}" for i in range(len(shape))))]
    places: list[np.ndarray] = [index.ravel() for index in np.indices(shape)]
    fitting_axes = tuple(navigation) if tuple(map(len, navigation)) == shape else ()
    for number, (axis, index) in enumerate(zip(fitting_axes, np.indices(shape), strict=False)):
        if axis.quantity != "index":
            name = ("y", "x")[number] if len(shape) == 2 else AXIS_LABELS[axis.quantity]
            columns.append(_titled(name, axis.unit))
            places.append(axis.values[index.ravel()])
    values: list[np.ndarray] = list(places)
    taken: set[str] = set(columns)
    for one in maps:
        plain = " ".join(one.name.split()) or "Value"
        name, number = plain, 2
        while _titled(name, one.unit) in taken:
            name, number = f"{plain} {number}", number + 1
        columns.append(_titled(name, one.unit))
        values.append(one.values.ravel())
        if is_classes(one):
            columns.append(f"{name}, in words")
            values.append(np.array([class_word(one, value) for value in one.values.ravel().tolist()], dtype=object))
        if one.error is not None:
            columns.append(_titled(f"{name} error", one.unit))
            values.append(one.error.ravel())
        if one.flags is not None and not (is_classes(one) and not one.flags.any()):
            columns.append(f"{name} flag")
            values.append(_flag_words(one))
        taken.update(columns)
    return columns, ([_plain(value) for value in row] for row in zip(*(v.tolist() for v in values), strict=True))


def _flag_words(one: Map) -> np.ndarray:
    """What the flags of a map mean; nothing for good pixels."""
    assert one.flags is not None
    words = dict(one.legend)
    return np.array([words.get(flag, str(flag)) if flag else "" for flag in one.flags.ravel().tolist()], dtype=object)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _titled(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit else name


def _one_shape(maps: Sequence[Map]) -> tuple[int, ...]:
    shapes = {one.shape for one in maps}
    if not shapes:
        raise BadData("There is no map to write", todo="Compute one first")
    if len(shapes) > 1:
        raise BadData("The maps are of different sizes and do not fit one table", todo="Write them one by one")
    return shapes.pop()


def write_maps_csv(path: str | Path, maps: Sequence[Map], navigation: tuple[Axis, ...] = ()) -> Path:
    """Maps as one table, one row a pixel; the path.

    Raises
    ------
    BadData
        If there is no map, or they are of different sizes.
    CannotWrite
        If the file cannot be written.
    """
    columns, rows = table(maps, navigation)
    write_table(path, columns, rows)
    return Path(path)


def write_maps_hdf5(path: str | Path, maps: Sequence[Map], navigation: tuple[Axis, ...] = ()) -> Path:
    """Maps in an HDF5 file shaped as NeXus: an NXdata group for each, with errors, flags, legend and origin; the path.

    Raises
    ------
    BadData
        If there is no map.
    CannotWrite
        If the file cannot be written.
    """
    import h5py

    if not maps:
        raise BadData("There is no map to write", todo="Compute one first")
    target = Path(path)
    with atomic_path(target) as temporary, h5py.File(temporary, "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        file.attrs["default"] = "entry"
        entry.attrs["default"] = "map_0001"
        for number, one in enumerate(maps, start=1):
            _add_map(entry.create_group(f"map_{number:04d}"), one, navigation)
    return target


def write_tiffs(folder: str | Path, maps: Sequence[Map], navigation: tuple[Axis, ...] = ()) -> list[Path]:
    """Each map as a TIFF named after it, in a folder that is made where it is missing; the files.

    Raises
    ------
    CannotWrite
        If the folder or a file in it cannot be written.
    """
    from app.files.map_writer import write_tiff

    target = Path(folder)
    make_folder(target)
    written: list[Path] = []
    for one in maps:
        stem = re.sub(r"[^\w\-+. ]+", "_", one.name).strip(" ._")[:80] or "map"
        names = {path.name.casefold() for path in written}
        path, number = target / f"{stem}.tif", 2
        while path.name.casefold() in names:
            path, number = target / f"{stem} {number}.tif", number + 1
        write_tiff(path, one, navigation)
        written.append(path)
    return written


def _add_map(group: Any, one: Map, navigation: tuple[Axis, ...]) -> None:
    group.attrs["NX_class"] = "NXdata"
    group.attrs["signal"] = "values"
    values = group.create_dataset("values", data=one.values)
    values.attrs["long_name"] = one.label
    values.attrs["units"] = one.unit
    if is_classes(one):
        values.attrs["legend"] = "; ".join(f"{code}: {words}" for code, words in one.legend)
    if one.error is not None:
        group.create_dataset("values_errors", data=one.error).attrs["units"] = one.unit
    if one.flags is not None:
        flags = group.create_dataset("flags", data=one.flags)
        flags.attrs["legend"] = "; ".join(f"{value}: {words}" for value, words in one.legend)
    if navigation and one.shape == tuple(len(axis) for axis in navigation):
        names = ["y", "x"] if len(navigation) == 2 else [f"axis_{i}" for i in range(len(navigation))]
        group.attrs["axes"] = names
        for name, axis in zip(names, navigation, strict=True):
            data = group.create_dataset(name, data=axis.values)
            data.attrs["units"] = axis.unit
            data.attrs["long_name"] = axis.label
    for name in ("id", "name", "unit", "group", "kind", "origin", "data_hash"):
        group.attrs[f"map_{name}" if name in ("id", "name", "unit") else name] = getattr(one, name)
    for name, value in one.params:
        group.attrs[f"param {name}"] = value


def write_profiles_csv(path: str | Path, found: Sequence[Profile], fronts: Sequence[Front | None] = ()) -> Path:
    """Profiles under each other in one table, with their fitted fronts; the path.

    Raises
    ------
    BadData
        If there is none.
    CannotWrite
        If the file cannot be written.
    """
    if not found:
        raise BadData("There is no profile to write", todo="Draw a line over the image first")
    columns = ["Map", "Unit", f"Distance [{found[0].unit}]", "Value", "Error from the pixels", "Error from the scatter",
               "Pixels", "Fitted front", f"Front position [{found[0].unit}]", "Position error",
               f"Front width 16-84 % [{found[0].unit}]", "Width error"]
    fits: list[Front | None] = [*fronts, *([None] * (len(found) - len(fronts)))]

    def rows() -> Iterator[list[Any]]:
        for one, fit in zip(found, fits, strict=True):
            curve = fit.curve(one.position) if fit is not None else None
            told = [None] * 4 if fit is None else [fit.position, fit.position_error, fit.width, fit.width_error]
            for i in range(one.position.size):
                numbers = (one.value[i], one.error[i], one.scatter[i])
                yield [one.name, one.quantity_unit, float(one.position[i]), *(_plain(float(v)) for v in numbers),
                       int(one.pixels[i]), None if curve is None else float(curve[i]), *(
                           None if v is None else _plain(float(v)) for v in told)]

    write_table(path, columns, rows())
    return Path(path)
