"""Running a batch: chunks in, results out, on the cores of this machine or on a Dask cluster."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import replace

import numpy as np

from fitting.batch import rows
from fitting.batch.jobs import STATUSES, BatchJob, BatchSummary, ChunkResult, Chunks, ResultSink
from fitting.batch.sources import ArraySource
from fitting.solver import Cancel, Progress
from libraries.errors import BadData, BadModel, Cancelled

# How often the caller's `cancel` is asked, in s.
POLL = 0.03
# One batch at a time in a process: two pools would only take each other's cores.
_pool = threading.Lock()
Finished = Iterator[tuple[int, ChunkResult]]


def fit_many(
    source: ArraySource,
    job: BatchJob,
    sink: ResultSink,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> BatchSummary:
    """Fit one model to many spectra.

    Results do not depend on the number of workers, on the order in which chunks end, on earlier interruptions, or on
    whether the work was done here or on a cluster of like machines.

    Parameters
    ----------
    source : ArraySource
    job : BatchJob
    sink : ResultSink
        Chunks whose results it holds already are passed over, so that an interrupted batch goes on where it was.
    workers : int, optional
        Threads; all cores by default. At most two chunks more than threads are in memory.
    scheduler : str, optional
        Address of a Dask scheduler ("tcp://host:8786") whose workers then do the fits. They need this program
        installed, of the same version. Dask moves tasks and results between the processes of that cluster by pickle.
    progress : callable(fraction, text), optional
        Called in the caller's thread, with a fraction that never falls.
    cancel : callable() -> bool, optional
        Asked in the caller's thread every 30 ms. What is finished by then stays in the sink.

    Returns
    -------
    BatchSummary

    Raises
    ------
    BadData, BadModel, FitFailed
        If the job is impossible for every spectrum alike.
    NoCluster
        If the scheduler cannot be reached, or is lost.
    """
    begin = time.perf_counter()
    if source.shape[-1] != len(job.axis):
        raise BadData(f"The spectra have {source.shape[-1]} channels, their axis {len(job.axis)}")
    if workers is not None and workers < 1:
        raise BadModel("A batch needs at least one worker", where=f"workers {workers}")
    rows.check_job(job)
    chunks = Chunks.of(source.shape, job)
    todo = [index for index in range(len(chunks)) if not sink.done(index)]
    stop = _Stop(cancel)
    tally = _Tally(chunks, todo, progress)
    if todo:
        finished = _start(source, job, chunks, todo, workers, scheduler, stop)
        try:
            with closing(finished):
                for index, result in finished:
                    sink.write(index, result)
                    tally.add(index, result)
        except Cancelled:
            stop.stopped = True
        finally:
            sink.commit()
    return replace(tally.summary(), seconds=time.perf_counter() - begin, cancelled=stop.stopped)


class _Stop:
    """The caller's `cancel`, remembered."""

    def __init__(self, cancel: Cancel | None) -> None:
        self._cancel = cancel
        self.stopped = False

    def __call__(self) -> bool:
        self.stopped = self.stopped or (self._cancel is not None and self._cancel())
        return self.stopped


class _Tally:
    """Counts what is finished and tells the caller."""

    def __init__(self, chunks: Chunks, todo: Sequence[int], progress: Progress | None) -> None:
        self._chunks, self._progress = chunks, progress
        self._skipped = len(chunks) - len(todo)
        self._counts = np.zeros(len(STATUSES), dtype=np.int64)
        self._before = chunks.spectra - sum(chunks.size(index) for index in todo)
        self._tell()

    def add(self, index: int, result: ChunkResult) -> None:
        self._counts += np.bincount(result.status, minlength=len(STATUSES))
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            done, total = self._before + int(self._counts.sum()), self._chunks.spectra
            self._progress(done / total, f"{done} of {total} spectra")

    def summary(self) -> BatchSummary:
        found = {name: int(number) for name, number in zip(STATUSES, self._counts, strict=True) if number}
        return BatchSummary(found, int(self._counts.sum()), self._skipped, len(self._chunks))


def _start(
    source: ArraySource,
    job: BatchJob,
    chunks: Chunks,
    todo: Sequence[int],
    workers: int | None,
    scheduler: str | None,
    stop: Cancel,
) -> Finished:
    """Finished chunks as they come."""
    if scheduler is not None:
        from fitting.batch import cluster

        cluster.required()
    job = rows.settled(job, cancel=stop)
    if job.refine:
        job = rows.refined(source, job, cancel=stop)
    if scheduler is not None:
        yield from cluster.run(source, job, chunks, todo, scheduler, stop)
    else:
        yield from _here(source, job, chunks, todo, workers or os.cpu_count() or 1, stop)


def _here(
    source: ArraySource, job: BatchJob, chunks: Chunks, todo: Sequence[int], workers: int, stop: Cancel
) -> Finished:
    """On threads of this process."""
    ending = threading.Event()

    def work(index: int) -> ChunkResult:
        if ending.is_set():
            raise Cancelled
        counts = source.read(*chunks[index])
        return rows.fit_chunk(job, counts, cancel=ending.is_set)

    with _only_one(stop), ThreadPoolExecutor(workers, thread_name_prefix="batch") as pool:
        running: dict[Future[ChunkResult], int] = {}
        waiting = iter(todo)
        try:
            while True:
                # One more than there are threads, so that none waits for the results of another to be written.
                for index in waiting:
                    running[pool.submit(work, index)] = index
                    if len(running) > workers:
                        break
                if not running or stop():
                    return
                for future in wait(running, timeout=POLL, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        finally:
            ending.set()
            for future in running:
                future.cancel()


@contextmanager
def _only_one(stop: Cancel) -> Iterator[None]:
    """Holds the pool; gives up waiting for it when told to."""
    while not _pool.acquire(timeout=POLL):
        if stop():
            raise Cancelled
    try:
        yield
    finally:
        _pool.release()
