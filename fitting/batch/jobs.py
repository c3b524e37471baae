"""What is asked of a batch and what it gives: the job, its chunks, their results, and where these are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import Axis, FloatArray, Noise, Spectrum
from fitting.evaluate import Parameters
from fitting.model import FitModel
from fitting.result import FitStatus
from libraries.errors import BadModel

# The code of a status is its place here. The first two are proper minima, as in FitResult.success.
STATUSES: tuple[str, ...] = (*get_args(FitStatus), "bad data")
NOT_FITTED = 255
_GOOD = 2
# A chunk holds at most so many numbers (4 MB as float64) and so many spectra.
_CHUNK_NUMBERS = 1 << 19
_CHUNK_SPECTRA = 512
# Above so many free parameters the covariances outweigh everything else and are kept on demand only.
_COVARIANCE_UP_TO = 12


@dataclass(frozen=True, eq=False)
class BatchJob:
    """One model for many spectra on one axis.

    Attributes
    ----------
    axis : Axis
        Of every spectrum, n points.
    noise : Noise
        Of every spectrum.
    model : FitModel
        With the values that fits start from.
    covariance : bool or None
        Whether covariances are kept beside the errors; None: with up to 12 free parameters.
    warm : bool
        Whether a fit starts where that of the preceding spectrum ended.
    refine : bool
        Whether the start is first improved by a fit to the mean of evenly spaced spectra.
    max_evaluations : int
        For one spectrum.
    rows : int or None
        Spectra in a chunk; None: by the number of channels.
    compiled : bool or None
        Whether fits run as machine code, which differs from the NumPy path in the last digits; None: as this machine
        can (`fitting.batch.settled`).
    """

    axis: Axis
    noise: Noise
    model: FitModel
    covariance: bool | None = None
    warm: bool = True
    refine: bool = True
    max_evaluations: int = 2000
    rows: int | None = None
    compiled: bool | None = None

    def __post_init__(self) -> None:
        if self.max_evaluations < 1:
            raise BadModel("A fit needs at least one evaluation", where=f"max_evaluations {self.max_evaluations}")
        if self.rows is not None and self.rows < 1:
            raise BadModel("A chunk holds at least one spectrum", where=f"rows {self.rows}")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All parameters, in the order of a result's values and errors."""
        return Parameters(self.model).names

    @cached_property
    def free(self) -> tuple[str, ...]:
        """What a fit changes, in the order of covariance and bounds."""
        return Parameters(self.model).free

    @property
    def keeps_covariance(self) -> bool:
        """Whether results hold covariances."""
        return len(self.free) <= _COVARIANCE_UP_TO if self.covariance is None else self.covariance

    @cached_property
    def window(self) -> slice:
        """The channels that matter: the region and what the averages at its ends reach over.

        Raises
        ------
        BadData
            If the region holds no point of the axis.
        """
        part = self.axis.window(*self.model.region)
        if part.stop <= part.start:  # the message of a single spectrum
            Spectrum(self.axis, np.ones(len(self.axis))).window(*self.model.region)
        reach = self.model.background.average
        return slice(max(part.start - reach, 0), min(part.stop + reach, len(self.axis)))


@dataclass(frozen=True)
class Chunks:
    """The pieces in which spectra are fitted; `chunks[i]` is (start, stop) in the flattened navigation.

    Attributes
    ----------
    spectra, rows : int
        How many there are, and how many make up a chunk; the last one holds the rest.
    """

    spectra: int
    rows: int

    @classmethod
    def of(cls, shape: tuple[int, ...], job: BatchJob) -> Chunks:
        """By the shape of the data alone (unless the job says how many), never by the number of workers."""
        rows = job.rows or max(1, min(_CHUNK_SPECTRA, _CHUNK_NUMBERS // shape[-1]))
        return cls(math.prod(shape[:-1]), rows)

    def __len__(self) -> int:
        return -(-self.spectra // self.rows)

    def __getitem__(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return index * self.rows, min((index + 1) * self.rows, self.spectra)

    def size(self, index: int) -> int:
        """Spectra in a chunk."""
        start, stop = self[index]
        return stop - start


@dataclass(frozen=True, eq=False)
class ChunkResult:
    """Fits of m spectra with k parameters, f of them free.

    Attributes
    ----------
    values : array, shape (m, k)
        Of all parameters; NaN for a spectrum that cannot be fitted.
    errors : array, shape (m, k)
        Standard errors, linked parameters included; 0 for held ones, NaN where they are not determined.
    covariance : array, shape (m, f, f), or None
        Of the free parameters.
    deviance, reduced_chi2 : array, shape (m,)
        As in `fitting.result.FitResult`.
    status : array of uint8, shape (m,)
        Places in `STATUSES`.
    at_bound : array of bool, shape (m, f)
        Free parameters that ended on a bound.
    evaluations : array of int32, shape (m,)
        Of the model, a repeated fit included.
    """

    values: FloatArray
    errors: FloatArray
    covariance: FloatArray | None
    deviance: FloatArray
    reduced_chi2: FloatArray
    status: NDArray[np.uint8]
    at_bound: NDArray[np.bool_]
    evaluations: NDArray[np.int32]

    @classmethod
    def empty(cls, job: BatchJob, m: int) -> ChunkResult:
        """Of m spectra that are not fitted yet; to be filled in place."""
        found = {
            name: np.full((m, *tail), fill, dtype) for name, (tail, dtype, fill) in result_fields(job).items()
        }
        return cls(**({"covariance": None} | found))


Field = tuple[tuple[int, ...], np.dtype[Any], float]


def result_fields(job: BatchJob) -> dict[str, Field]:
    """The arrays of a job's results: for each the shape behind the spectra, the type, and what unfitted ones hold."""
    k, f = len(job.names), len(job.free)
    real, nan = np.dtype(np.float64), float("nan")
    fields: dict[str, Field] = {
        "values": ((k,), real, nan),
        "errors": ((k,), real, nan),
        "covariance": ((f, f), real, nan),
        "deviance": ((), real, nan),
        "reduced_chi2": ((), real, nan),
        "status": ((), np.dtype(np.uint8), NOT_FITTED),
        "at_bound": ((f,), np.dtype(np.bool_), False),
        "evaluations": ((), np.dtype(np.int32), 0),
    }
    if not job.keeps_covariance:
        del fields["covariance"]
    return fields


class ResultSink(Protocol):
    """Where results are kept."""

    def done(self, chunk: int) -> bool:
        """Whether the results of a chunk are there."""
        ...

    def write(self, chunk: int, result: ChunkResult) -> None:
        """Keep the results of a chunk."""
        ...

    def commit(self) -> None:
        """Make sure that what was written stays, whatever happens."""
        ...


class MemoryResults:
    """Results in memory.

    Attributes
    ----------
    arrays : mapping of str to array
        Those of `ChunkResult` with the navigation in front: values (*navigation, k), status (*navigation,).
    """

    def __init__(self, job: BatchJob, shape: tuple[int, ...]) -> None:
        self.job = job
        self._chunks = Chunks.of(shape, job)
        self._done: set[int] = set()
        self._flat = {
            name: np.full((self._chunks.spectra, *tail), fill, dtype)
            for name, (tail, dtype, fill) in result_fields(job).items()
        }
        self.arrays: Mapping[str, NDArray[Any]] = MappingProxyType(
            {name: array.reshape((*shape[:-1], *array.shape[1:])) for name, array in self._flat.items()}
        )

    def done(self, chunk: int) -> bool:
        """Whether the results of a chunk are there."""
        return chunk in self._done

    def write(self, chunk: int, result: ChunkResult) -> None:
        """Keep the results of a chunk."""
        part = slice(*self._chunks[chunk])
        for name, array in self._flat.items():
            array[part] = getattr(result, name)
        self._done.add(chunk)

    def commit(self) -> None:
        """Nothing to do."""

    def value(self, name: str) -> NDArray[Any]:
        """A parameter, shape (*navigation,)."""
        return self.arrays["values"][..., self.job.names.index(name)]

    def error(self, name: str) -> NDArray[Any]:
        """The error of a parameter, shape (*navigation,)."""
        return self.arrays["errors"][..., self.job.names.index(name)]


@dataclass(frozen=True)
class BatchSummary:
    """How a batch went.

    Attributes
    ----------
    statuses : mapping of str to int
        How many spectra of this run ended with each status.
    spectra : int
        Fitted in this run.
    skipped : int
        Chunks whose results were there already.
    chunks : int
        All chunks of the data.
    seconds : float
    cancelled : bool
        Whether the work was stopped before its end.
    """

    statuses: Mapping[str, int] = field(default_factory=dict)
    spectra: int = 0
    skipped: int = 0
    chunks: int = 0
    seconds: float = 0.0
    cancelled: bool = False

    @property
    def per_second(self) -> float:
        """Spectra fitted in a second."""
        return self.spectra / self.seconds if self.seconds > 0 else 0.0

    @property
    def failed(self) -> int:
        """Spectra of this run without a proper minimum."""
        return sum(number for name, number in self.statuses.items() if name not in STATUSES[:_GOOD])
