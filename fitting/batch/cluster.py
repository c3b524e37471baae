"""A batch on a Dask cluster (extra `sodalite[cluster]`): the same chunks, the same function, the caller's sink.

A worker that dies takes nothing with it but time: the scheduler gives its chunks to others, and since a chunk's result
depends on nothing but job and data, the numbers are the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from fitting.batch import rows
from fitting.batch.jobs import BatchJob, ChunkResult, Chunks
from fitting.batch.sources import ArraySource
from fitting.solver import Cancel
from libraries.errors import BadData, SodaliteError

if TYPE_CHECKING:
    from collections.abc import Iterator

# In s: for the connection, for the first worker to appear, between two looks at `cancel`, for fetching one result.
_CONNECT, _FIRST_WORKER, _POLL, _FETCH = 10.0, 30.0, 0.05, 5.0
# How often a chunk may fail on a worker (out of memory, a file server that is away), and how often it may be given to
# the cluster again after the scheduler gave it up because its workers died.
_RETRIES, _AGAIN = 2, 3


class NoCluster(SodaliteError):
    """The cluster cannot be used: not installed, not reachable, lost."""


def required() -> tuple[Any, Any]:
    """The packages dask and distributed.

    Raises
    ------
    NoCluster
        If they are not installed.
    """
    try:
        import dask
        import distributed
    except ImportError as error:
        raise NoCluster(
            f"A cluster needs {error.name}, which is not installed", todo="Run: pip install 'sodalite[cluster]'"
        ) from error
    return dask, distributed


def run(
    source: ArraySource, job: BatchJob, chunks: Chunks, todo: Sequence[int], address: str, stop: Cancel
) -> Iterator[tuple[int, ChunkResult]]:
    """Finished chunks as they come, in any order.

    Sources that all workers can read are read by them; other data are sent chunk by chunk, cut to the region.

    Raises
    ------
    NoCluster
        If the scheduler cannot be reached, has no workers, or is lost; what is finished by then was given out.
    """
    dask, distributed = required()
    # Chunks travel inside their tasks, so that the scheduler can start a lost one again; that is meant.
    with (
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "4 GB"}),
        _connected(distributed, address) as client,
    ):
        work = _Work(distributed, client, source, job, chunks, address)
        try:
            yield from work.results(iter(todo), stop)
        finally:
            work.give_up()


def _connected(distributed: Any, address: str) -> Any:
    try:
        client = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise NoCluster(
            f"The scheduler cannot be reached ({error or type(error).__name__})",
            where=address,
            todo="Start it with `dask scheduler` and give the address that it prints",
        ) from error
    try:
        client.wait_for_workers(1, timeout=_FIRST_WORKER)
    except TimeoutError as error:
        client.close()
        raise NoCluster(
            "The scheduler has no workers", where=address, todo=f"Start some with `dask worker {address}`"
        ) from error
    return client


class _Work:
    """The chunks that are on the cluster."""

    def __init__(
        self, distributed: Any, client: Any, source: ArraySource, job: BatchJob, chunks: Chunks, address: str
    ) -> None:
        self._distributed, self._client, self._address = distributed, client, address
        self._source, self._job, self._chunks = source, job, chunks
        self._shared = source.portable and self._all_can_read()
        self._running: dict[Any, int] = {}
        self._again: dict[int, int] = {}

    def _all_can_read(self) -> bool:
        try:
            return all(self._client.run(_readable, self._source).values())
        except ImportError as error:
            raise self._not_installed(error) from error

    def _not_installed(self, error: ImportError) -> NoCluster:
        return NoCluster(
            f"The workers lack this program ({error})", where=self._address, todo="Install Sodalite on every worker"
        )

    def results(self, waiting: Iterator[int], stop: Cancel) -> Iterator[tuple[int, ChunkResult]]:
        """Give out work, never much more than the workers can hold, and take in results."""
        room = 0
        while True:
            if len(self._running) <= room:
                # Workers come and go; so many tasks keep them all busy while results travel.
                room = 2 * sum(self._client.nthreads().values()) + 2
            while len(self._running) < room and (index := next(waiting, None)) is not None:
                self._submit(index)
            if not self._running or stop():
                return
            for future in self._finished():
                index = self._running.pop(future)
                result = self._taken(future, index, stop)
                if result is not None:
                    yield index, result

    def _submit(self, index: int) -> None:
        start, stop = self._chunks[index]
        if self._shared:
            payload: tuple[Any, ...] = (_fit_read, self._job, self._source, start, stop)
        else:
            payload = (rows.fit_window, self._job, self._source.read(start, stop)[:, self._job.window])
        # A key of its own: the scheduler must not take two batches for one.
        future = self._client.submit(*payload, key=f"sodalite-{index}-{uuid.uuid4().hex}", retries=_RETRIES)
        self._running[future] = index

    def _finished(self) -> list[Any]:
        try:
            with self._client.as_current():
                done, _ = self._distributed.wait(list(self._running), timeout=_POLL, return_when="FIRST_COMPLETED")
        except TimeoutError:
            return []
        return list(done)

    def _taken(self, future: Any, index: int, stop: Cancel) -> ChunkResult | None:
        """The result of a chunk; None if it had to be given out again."""
        while not stop():
            try:
                return future.result(timeout=_FETCH)
            except TimeoutError:
                continue  # its worker has died since, and it is computed once more
            except self._distributed.KilledWorker as error:
                self._again[index] = self._again.get(index, 0) + 1
                if self._again[index] > _AGAIN:
                    raise NoCluster(
                        f"Chunk {index} made its workers die again and again", where=self._address,
                        todo="Give the workers more memory or make chunks smaller",
                    ) from error
            except (SodaliteError, OSError) as error:
                # A worker that came later may not see the file.
                if not self._shared:
                    raise NoCluster(f"A worker failed ({error})", where=self._address) from error
                self._shared = False
            except ImportError as error:
                raise self._not_installed(error) from error
            except self._distributed.client.FutureCancelledError as error:
                raise NoCluster(
                    "The scheduler was lost", where=self._address, todo="Start it again and resume the batch"
                ) from error
            self._submit(index)
            return None
        return None

    def give_up(self) -> None:
        """Take back what is not finished."""
        if self._running and self._client.status == "running":
            self._client.cancel(list(self._running))


def _readable(source: ArraySource) -> bool:
    return source.readable()


def _fit_read(job: BatchJob, source: ArraySource, start: int, stop: int) -> ChunkResult:
    """Read and fit a chunk, on a worker."""
    counts: NDArray[Any] = source.read(start, stop)
    if counts.shape[0] != stop - start:
        raise BadData(f"{counts.shape[0]} spectra were read instead of {stop - start}")
    return rows.fit_chunk(job, counts)
