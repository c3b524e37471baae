"""The results of a batch in one HDF5 file, written chunk by chunk so that nothing that happens can damage it.

    /                       made_by, version, schema "sodalite-batch", layout, fingerprint, spectra
      job                   the model, noise and options as JSON;  axis  of the spectra;  navigation/0_distance, labels
      values/<parameter>    every parameter, shaped like the navigation;  errors/<parameter>  its standard error
      covariance            of the free parameters (attribute `parameters`), two more dimensions
      status                codes (attribute `names`; 255 is not fitted yet)
      deviance, reduced_chi2, evaluations, at_bound
      done                  1 for every chunk of `rows` spectra that is finished

All space is laid out when the file is made. From then on HDF5 is not asked again: numbers go straight to their places,
the file's structure is never touched, and a chunk is marked as done only after its numbers are on the disk.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app import __version__
from app.files.atomic import atomic_path, cannot_write
from app.files.contents import check
from app.files.csv_table import cell
from app.files.wire import plain
from fitting.backgrounds import kind as background_kind
from fitting.batch import STATUSES, BatchJob, ChunkResult, Chunks, Series, result_fields, settled, slabs
from fitting.model import BACKGROUND, to_dict
from fitting.shapes import shape
from libraries.errors import BadFile, CannotWrite

SCHEMA, LAYOUT = "sodalite-batch", 1
# Waiting for the disk after every chunk would take longer than some fits; a crash costs at most this many seconds.
_COMMIT_EVERY = 1.0
_SPLIT = ("values", "errors")  # one dataset for each parameter


@dataclass(frozen=True)
class _Place:
    """Where a dataset lies in the file: the array and column of a ChunkResult it takes, offset, type, items a row."""

    array: str
    column: int | None
    offset: int
    dtype: np.dtype[Any]
    items: int


class BatchResults:
    """A result file that is being filled, a `ResultSink`. Made by `create` or `resume`."""

    def __init__(self, path: Path, job: BatchJob, chunks: Chunks) -> None:
        self.path = path
        self._chunks = chunks
        self._places, self._marks, done = _laid_out(path, job, chunks)
        self._done = done
        self._pending: list[int] = []
        self._committed = time.monotonic()

    @classmethod
    def create(cls, path: str | Path, series: Series, job: BatchJob) -> BatchResults:
        """Make the file, with room for everything.

        Raises
        ------
        CannotWrite
            If it cannot be made.
        """
        chunks = Chunks.of(series.source.shape, job)
        target = Path(path)
        with atomic_path(target) as temporary:
            _lay_out(temporary, series, job, chunks)
        return cls(target, job, chunks)

    @classmethod
    def resume(cls, path: str | Path, series: Series, job: BatchJob) -> BatchResults:
        """Open a file that an interrupted batch has left.

        Raises
        ------
        BadFile
            If it is no such file, or is damaged.
        CannotWrite
            If it belongs to another model, noise, axis, option, data or version of the program; the message says which.
        """
        target = Path(path)
        _check_same(target, series, job)
        return cls(target, job, Chunks.of(series.source.shape, job))

    def done(self, chunk: int) -> bool:
        """Whether the results of a chunk are on the disk."""
        return bool(self._done[chunk])

    @property
    def empty(self) -> bool:
        """Whether no chunk is done yet."""
        return not np.any(self._done)

    def write(self, chunk: int, result: ChunkResult) -> None:
        """Put the numbers of a chunk in their places.

        Raises
        ------
        CannotWrite
        """
        start, _ = self._chunks[chunk]
        try:
            with self.path.open("r+b", buffering=0) as file:
                for place in self._places:
                    values = getattr(result, place.array)
                    part = values if place.column is None else values[:, place.column]
                    data = np.ascontiguousarray(part, dtype=place.dtype).tobytes()
                    _write_at(file, place.offset + start * place.items * place.dtype.itemsize, data)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self._pending.append(chunk)
        if time.monotonic() - self._committed > _COMMIT_EVERY:
            self.commit()

    def commit(self) -> None:
        """Wait until all numbers are on the disk, then mark their chunks as done.

        Raises
        ------
        CannotWrite
        """
        if self._pending:
            try:
                with self.path.open("r+b", buffering=0) as file:
                    os.fsync(file.fileno())
                    for chunk in self._pending:
                        _write_at(file, self._marks + chunk, b"\x01")
                    os.fsync(file.fileno())
            except OSError as error:
                raise cannot_write(self.path, error) from error
            self._done[self._pending] = True
            self._pending.clear()
        self._committed = time.monotonic()


def _write_at(file: Any, offset: int, data: bytes) -> None:
    file.seek(offset)
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


# --------------------------------------------------------------------------------------------------------- laying out


def _datasets(job: BatchJob) -> Iterator[tuple[str, str, int | None]]:
    """Name in the file, array of a ChunkResult, and its column."""
    for array in result_fields(job):
        if array in _SPLIT:
            yield from ((f"{array}/{name}", array, column) for column, name in enumerate(job.names))
        else:
            yield array, array, None


def _lay_out(path: Path, series: Series, job: BatchJob, chunks: Chunks) -> None:
    import h5py

    fields, units = result_fields(job), parameter_units(job, series.intensity_unit)
    navigation = series.source.shape[:-1]
    with h5py.File(path, "w", libver="earliest") as file:
        file.attrs.update({"made_by": "Sodalite", "version": __version__, "schema": SCHEMA, "layout": LAYOUT})
        file.attrs.update({"fingerprint": series.source.fingerprint, "spectra": chunks.spectra})
        file["job"] = json.dumps(_described(series, job), ensure_ascii=False)
        file["axis"] = job.axis.values
        file["axis"].attrs.update({"quantity": job.axis.quantity, "units": job.axis.unit})
        for place, axis in enumerate(series.navigation):
            name = f"navigation/{place}_{axis.quantity}"
            file[name] = axis.values
            file[name].attrs.update({"quantity": axis.quantity, "units": axis.unit})
        if series.labels:
            file["labels"] = list(series.labels)
        for name, array, column in _datasets(job):
            tail, dtype, fill = fields[array]
            tail = tail if column is None else ()
            dataset = file.create_dataset(
                name, (*navigation, *tail), dtype.newbyteorder("<"), fillvalue=fill, dcpl=_at_once()
            )
            if not dataset.shape:  # h5py takes no space for a single number before it is written
                dataset[()] = fill
            if column is not None:
                dataset.attrs["units"] = units[job.names[column]]
        file["status"].attrs["names"] = list(STATUSES)
        for name in {"covariance", "at_bound"} & set(fields):
            file[name].attrs["parameters"] = list(job.free)
        done = file.create_dataset("done", (len(chunks),), "u1", fillvalue=0, dcpl=_at_once())
        done.attrs["rows"] = chunks.rows


def _at_once() -> Any:
    """Space for a dataset is taken, and filled, when it is made."""
    import h5py

    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_ALLOC)
    return properties


def parameter_units(job: BatchJob, intensity_unit: str) -> dict[str, str]:
    """The unit of every parameter, in those of the axis and of the intensities."""
    owners = [(c.id, shape(c.shape).parameters) for c in job.model.components]
    owners.append((BACKGROUND, background_kind(job.model.background.kind).parameters))
    units = {f"{owner}.{p.name}": p.unit for owner, parameters in owners for p in parameters}
    return {
        name: units[name].replace("eV", job.axis.unit).replace("I", intensity_unit).strip() for name in job.names
    }


def _described(series: Series, job: BatchJob) -> dict[str, Any]:
    return {
        "model": to_dict(job.model),
        "noise": plain(job.noise),
        "options": {
            "covariance": job.keeps_covariance, "warm": job.warm, "refine": job.refine,
            "max_evaluations": job.max_evaluations, "rows": Chunks.of(series.source.shape, job).rows,
            "compiled": settled(job).compiled,
        },
    }  # fmt: skip


def _laid_out(path: Path, job: BatchJob, chunks: Chunks) -> tuple[list[_Place], int, NDArray[np.bool_]]:
    """Where the datasets lie, where the marks do, and which chunks are done."""
    fields, size = result_fields(job), path.stat().st_size
    places = []
    with _open(path) as file:
        for name, array, column in _datasets(job):
            tail, dtype, _ = fields[array]
            items = 1 if column is not None else math.prod(tail)
            little = dtype.newbyteorder("<")
            offset = _offset(file, name, chunks.spectra * items * little.itemsize, size)
            places.append(_Place(array, column, offset, little, items))
        marks = _offset(file, "done", len(chunks), size)
        done = np.asarray(file["done"][()]) == 1
    return places, marks, done


def _offset(file: Any, name: str, expected: int, size: int) -> int:
    dataset = file[name]
    offset = dataset.id.get_offset()
    if offset is None or dataset.id.get_storage_size() != expected or offset + expected > size:
        raise BadFile("The results are damaged", where=f"{file.filename}, {name}", todo="Fit the data again")
    return offset


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """A file of batch results, read only."""
    import h5py

    check(path)
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("schema", "") != SCHEMA:
                raise BadFile("The file holds no results of a batch", where=str(path), todo="Choose another name")
            if file.attrs.get("layout", 0) > LAYOUT:
                raise BadFile("The file is of a newer layout", where=str(path), todo="Update this program")
            yield file
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise BadFile(f"The results are damaged ({error})", where=str(path), todo="Fit the data again") from error


def _check_same(path: Path, series: Series, job: BatchJob) -> None:
    with _open(path) as file:
        axis = file["axis"]
        found = json.loads(file["job"][()])
        wanted = json.loads(json.dumps(_described(series, job)))
        differences = [
            ("by another version of the program", file.attrs["version"] != __version__),
            ("from other data", file.attrs["fingerprint"] != series.source.fingerprint),
            ("from data of another shape", file["status"].shape != series.source.shape[:-1]),
            (
                "on another axis",
                not np.array_equal(axis[()], job.axis.values)
                or (axis.attrs["quantity"], axis.attrs["units"]) != (job.axis.quantity, job.axis.unit),
            ),
            ("with another model", found["model"] != wanted["model"]),
            ("with another noise", found["noise"] != wanted["noise"]),
            ("with other options", found["options"] != wanted["options"]),
        ]
    for words, differ in differences:
        if differ:
            raise CannotWrite(
                f"The results in this file were made {words}, so they cannot be continued",
                where=str(path),
                todo="Give another output file, or the same data and model",
            )


# ------------------------------------------------------------------------------------------------------------ reading


def status_counts(path: str | Path) -> dict[str, int]:
    """How many spectra of a result file have each status; those not fitted yet are "not fitted"."""
    with _open(Path(path)) as file:
        status = file["status"]
        counts = np.zeros(256, dtype=np.int64)
        for first in range(0, max(len(status) if status.shape else 1, 1), 4096):
            part = status[first : first + 4096] if status.shape else status[()]
            counts += np.bincount(np.ravel(part), minlength=256)
    names = dict(enumerate(STATUSES))
    return {names.get(code, "not fitted"): int(counts[code]) for code in np.flatnonzero(counts)}


def write_results_csv(path: str | Path, results: str | Path) -> None:
    """A result file as a table, one row a spectrum; a part of it is in memory at any time.

    Columns: place along each dimension of the navigation (from 0), its label where there is one, status, reduced chi2,
    deviance, and value and error of every parameter. What is not determined is an empty cell.

    Raises
    ------
    BadFile, CannotWrite
    """
    with (
        _open(Path(results)) as file,
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as out,
    ):
        names, units = _columns(file)
        navigation = file["status"].shape
        heads = [f"index_{place}" for place in range(len(navigation))] + ["label"] * ("labels" in file)
        heads += ["status", "reduced_chi2", "deviance"]
        for name in names:
            unit = f" [{units[name]}]" if units[name] else ""
            heads += [f"{name}{unit}", f"{name}_error{unit}"]
        out.write(",".join(map(cell, heads)) + "\n")
        for row in _rows(file, names, navigation):
            out.write(",".join(map(cell, row)) + "\n")


def _columns(file: Any) -> tuple[list[str], dict[str, str]]:
    model = json.loads(file["job"][()])["model"]
    order = [f"{c['id']}.{name}" for c in model["components"] for name in c["params"]]
    order += [f"{BACKGROUND}.{name}" for name in model["background"]["params"]]
    return order, {name: str(file[f"values/{name}"].attrs["units"]) for name in order}


def _rows(file: Any, names: Sequence[str], navigation: tuple[int, ...]) -> Iterator[list[Any]]:
    labels = file.get("labels")
    codes = dict(enumerate(STATUSES))
    total, block = math.prod(navigation), 4096
    arrays = [file["reduced_chi2"], file["deviance"]]
    arrays += [file[f"{kind}/{name}"] for name in names for kind in _SPLIT]
    for start in range(0, total, block):
        stop = min(start + block, total)
        index = list(slabs(navigation, start, stop))
        columns = [np.concatenate([np.ravel(array[part]) for part in index]) for array in arrays]
        status = np.concatenate([np.ravel(file["status"][part]) for part in index])
        # A single spectrum has no place.
        places = np.transpose(np.unravel_index(np.arange(start, stop), navigation)) if navigation else [[]]
        texts = labels[start:stop] if labels is not None else None
        for i in range(stop - start):
            label = [] if texts is None else [texts[i].decode("utf-8")]
            yield [*places[i], *label, codes.get(int(status[i]), "not fitted"), *(column[i] for column in columns)]


