"""One model fitted to many spectra: images, profiles, files.

    ArraySource --read(start, stop)--> fit_chunk(job, counts) --ChunkResult--> ResultSink

`fit_many` runs that over all chunks, on the cores of this machine or on a Dask cluster. Chunks are cut by the shape of
the data alone and every chunk begins from the job's own start, so that the numbers are the same, bit by bit, however
many workers there are, in whatever order they end, and however often the work is interrupted and resumed.
"""

from fitting.batch.jobs import (
    NOT_FITTED,
    STATUSES,
    BatchJob,
    BatchSummary,
    ChunkResult,
    Chunks,
    MemoryResults,
    ResultSink,
    result_fields,
)
from fitting.batch.rows import check_job, fit_chunk, refined, settled
from fitting.batch.run import fit_many
from fitting.batch.sources import ArrayData, ArraySource, Series, slabs, spectra_of_files

__all__ = [
    "NOT_FITTED",
    "STATUSES",
    "ArrayData",
    "ArraySource",
    "BatchJob",
    "BatchSummary",
    "ChunkResult",
    "Chunks",
    "MemoryResults",
    "ResultSink",
    "Series",
    "check_job",
    "fit_chunk",
    "fit_many",
    "refined",
    "result_fields",
    "settled",
    "slabs",
    "spectra_of_files",
]
