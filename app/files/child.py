"""Reading files in a process of its own, with limits of memory and time.

A damaged or hostile file can make a library hang, crash or ask for all memory; no thread survives that, a process of
its own does. One warm process serves all files, one at a time, and is replaced when it dies. It speaks over its
standard input and output: a line of JSON in, a frame of JSON and raw arrays out (`app.files.wire`), never pickle.

It is started as `python -m app.files.child`, so nothing is forked from a program with threads. A frozen program has no
`python -m`: its main function must call `child.main()` when its first argument is `CHILD_FLAG`.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import struct
import subprocess
import sys
import threading
import time
import traceback
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from app.files.arrays import FileArray
from app.files.contents import check
from app.files.format import AxisUnknown, ReadOptions
from app.files.wire import encode, revive
from fitting.dataset import Spectrum
from libraries import errors
from libraries.errors import BadFile, Cancelled, SodaliteError

CHILD_FLAG = "--read-files-child"
BASE_MEMORY = 2 << 30
MEMORY_PER_BYTE = 20
BASE_SECONDS = 2.0
SECONDS_PER_BYTE = 1.0 / 50e6
# Text of many small blocks (depth profiles in VAMAS) takes about 0.2 s a megabyte; up to this size it gets twice that.
SMALL_PIECES = 100_000_000
SECONDS_PER_SMALL_BYTE = 0.4e-6
# Workbooks that unpack to more are refused by their reader.
MOST_UNPACKED = 512 << 20
# The limit holds for the time that the child computes; waiting for a slow disk or a busy machine may take so much more.
WALL_FACTOR = 4.0
# Starting Python and importing the readers, on a slow disk with a busy virus scanner.
START_SECONDS = 60.0

_FRAME = struct.Struct("<4sQI")  # mark, bytes of the text, number of buffers; then the size of each buffer
_SIZE = struct.Struct("<Q")
_MARK = b"SODA"
_ERRORS: dict[str, type[SodaliteError]] = {
    name: cls
    for name, cls in vars(errors).items()
    if isinstance(cls, type) and issubclass(cls, SodaliteError) and cls is not Cancelled
} | {"AxisUnknown": AxisUnknown}


def read_in_child(
    path: str | Path, cancel: Callable[[], bool] | None = None, options: ReadOptions | None = None
) -> list[Spectrum]:
    """All spectra of a file, read in the child process (see `app.files.read`).

    Parameters
    ----------
    path : path
    cancel : callable, optional
        Asked about 20 times a second; True stops the reading.
    options : ReadOptions, optional
        What the user says about a file that does not say it itself.

    Raises
    ------
    BadFile
        As `app.files.read`, or if the file makes the reader crash, hang, or ask for too much memory.
    Cancelled
        If `cancel` said so.
    """
    size = check(Path(path))
    with _lock:
        return _child().read(Path(path), size, cancel or (lambda: False), options or ReadOptions())


def warm_up() -> None:
    """Start the process, so that the first file does not wait for it."""
    with _lock:
        _child()


def shutdown() -> None:
    """End the process; the next file starts a new one."""
    global _current
    with _lock:
        if _current is not None:
            _current.end()
        _current = None


def command() -> list[str]:
    """How the child is started."""
    if getattr(sys, "frozen", False):
        return [sys.executable, CHILD_FLAG]
    # -P: a folder of data files must not be able to bring its own json.py.
    return [sys.executable, "-P", "-m", "app.files.child"]


class ReaderProcess:
    """The process as its parent sees it."""

    def __init__(self, arguments: list[str] | None = None, time_factor: float = 1.0) -> None:
        root = str(Path(__file__).resolve().parents[2])
        known = os.environ.get("PYTHONPATH")
        self.time_factor = time_factor
        self.ready = False
        self.process = subprocess.Popen(
            arguments or command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": root + (os.pathsep + known if known else "")},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def read(self, path: Path, size: int, cancel: Callable[[], bool], options: ReadOptions) -> list[Spectrum]:
        """Have a file read; on any trouble the process is ended."""
        if not self.ready:
            self._exchange(None, START_SECONDS, cancel, path)
            self.ready = True
        request = {"path": str(path.absolute()), "options": asdict(options)}
        seconds = allowed_seconds(max(size, unpacked_size(path))) * self.time_factor
        text, buffers = self._exchange(request, seconds, cancel, path)
        try:
            answer = json.loads(text)
            if "error" in answer:
                raise _error(answer["error"], path)
            return _of_that_file(revive(answer["spectra"], buffers), path)
        except (errors.BadData, KeyError, TypeError, ValueError) as error:
            self.end()
            raise BadFile(f"The reader gave a wrong answer ({error})", where=str(path), todo=_REPORT) from error

    def _exchange(
        self, request: dict[str, Any] | None, seconds: float, cancel: Callable[[], bool], path: Path
    ) -> tuple[bytes, list[bytes]]:
        """Send a request (None: only wait for the greeting) and receive a frame, in time and unless cancelled."""
        result: list[tuple[bytes, list[bytes]]] = []

        def work() -> None:
            # Ends with nothing when the process dies or is killed below.
            with contextlib.suppress(OSError, EOFError, ValueError, MemoryError):
                if request is not None:
                    _pipe(self.process.stdin).write(json.dumps(request).encode() + b"\n")
                    _pipe(self.process.stdin).flush()
                result.append(receive(_pipe(self.process.stdout)))

        worker = threading.Thread(target=work, name="file reader", daemon=True)
        worker.start()
        start, computed = time.monotonic(), _cpu_seconds(self.process.pid)
        while worker.is_alive():
            worker.join(0.05)
            if cancel():
                self._end_with(worker)
                raise Cancelled(where=str(path))
            elapsed = time.monotonic() - start
            busy = _cpu_seconds(self.process.pid) - computed
            if (busy > seconds or elapsed > WALL_FACTOR * seconds) and worker.is_alive():
                self._end_with(worker)
                raise BadFile(f"Reading was stopped after {elapsed:.1f} s", where=str(path), todo=_DAMAGED)
        if not result:
            self.end()
            raise BadFile("The file made its reader crash", where=str(path), todo=_DAMAGED)
        return result[0]

    def _end_with(self, worker: threading.Thread) -> None:
        self.process.kill()
        worker.join()
        self.end()

    def end(self) -> None:
        """End the process and close its pipes."""
        if self.alive:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            # Closing flushes what a dead process never read.
            with contextlib.suppress(OSError):
                _pipe(pipe).close()


_DAMAGED = "The file is probably damaged; export or copy it again"
_REPORT = "Report this with the file"
_current: ReaderProcess | None = None
_lock = threading.Lock()


def allowed_seconds(size: int) -> float:
    """Computing time that reading a file of `size` bytes may take."""
    return BASE_SECONDS + SECONDS_PER_BYTE * size + SECONDS_PER_SMALL_BYTE * min(size, SMALL_PIECES)


def unpacked_size(path: Path) -> int:
    """Bytes that a ZIP archive (a spreadsheet) says to hold, as far as a workbook is read; 0 for any other file."""
    # The list of an archive is no longer than the archive; its claims are believed up to what the reader takes.
    with contextlib.suppress(OSError, ValueError, RuntimeError, NotImplementedError, struct.error, zipfile.BadZipFile):
        with path.open("rb") as file:
            if file.read(4) != b"PK\x03\x04":
                return 0
        with zipfile.ZipFile(path) as archive:
            return min(sum(part.file_size for part in archive.infolist()), MOST_UNPACKED)
    return 0


def _child() -> ReaderProcess:
    global _current
    if _current is None or not _current.alive:
        if _current is not None:
            _current.end()
        _current = ReaderProcess()
    return _current


def _cpu_seconds(process: int) -> float:
    """Computing time of a process so far; 0 where the system does not tell it (then only the wall clock counts)."""
    try:
        # The name of the program, in brackets, may hold blanks; user and system time are the 12th and 13th behind it.
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


def _of_that_file(spectra: list[Spectrum], path: Path) -> list[Spectrum]:
    """What stays on the disk must be in the file that was asked for, whatever the reader says."""
    for spectrum in spectra:
        if isinstance(spectrum.counts, FileArray) and spectrum.counts.path != path.absolute():
            raise errors.BadData("it refers to another file", where=str(path))
    return spectra


def _pipe(pipe: Any) -> BinaryIO:
    return pipe


def _error(answer: Any, path: Path) -> SodaliteError:
    name, what, where, todo = (str(answer[key]) for key in ("class", "what", "where", "todo"))
    return _ERRORS.get(name, BadFile)(what, where=where or str(path), todo=todo)


def send(pipe: BinaryIO, text: bytes, buffers: list[bytes]) -> None:
    """Write one frame."""
    pipe.write(_FRAME.pack(_MARK, len(text), len(buffers)))
    for buffer in buffers:
        pipe.write(_SIZE.pack(len(buffer)))
    pipe.write(text)
    for buffer in buffers:
        pipe.write(buffer)
    pipe.flush()


def receive(pipe: BinaryIO) -> tuple[bytes, list[bytes]]:
    """Read one frame; EOFError where the other end is gone, ValueError for nonsense."""
    mark, size, count = _FRAME.unpack(_exactly(pipe, _FRAME.size))
    if mark != _MARK:
        raise ValueError("no frame")
    sizes = [_SIZE.unpack(_exactly(pipe, _SIZE.size))[0] for _ in range(count)]
    return _exactly(pipe, size), [_exactly(pipe, n) for n in sizes]


def _exactly(pipe: BinaryIO, count: int) -> bytes:
    data = pipe.read(count)
    if len(data) != count:
        raise EOFError
    return data


# ------------------------------------------------------------------------------------------------ inside the child


def main() -> None:
    """Serve requests from standard input until it closes."""
    # Whatever a library prints must not get between the frames.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from app.files.registry import readers

    readers()
    send(output, b"{}", [])
    for line in sys.stdin.buffer:
        text, buffers = _serve(json.loads(line))
        send(output, text, buffers)


def _serve(request: dict[str, Any]) -> tuple[bytes, list[bytes]]:
    from app.files.registry import read

    path = Path(request["path"])
    try:
        _limit_memory(path)
        text, buffers = encode(read(path, ReadOptions(**request["options"])))
        return b'{"spectra": ' + text + b"}", buffers
    except SodaliteError as error:
        return _failure(type(error).__name__, error.what, error.where, error.todo), []
    except MemoryError:
        return _failure("BadFile", "Reading it needs too much memory", str(path), _DAMAGED), []
    except Exception as error:
        # A defect of a reader: the process survives, and the user can report what happened.
        last = traceback.extract_tb(error.__traceback__)[-1]
        what = f"The reader failed ({type(error).__name__}: {error}, {Path(last.filename).name} line {last.lineno})"
        return _failure("BadFile", what, str(path), _REPORT), []


def _failure(name: str, what: str, where: str, todo: str) -> bytes:
    return json.dumps({"error": {"class": name, "what": what, "where": where, "todo": todo}}).encode()


def _limit_memory(path: Path) -> None:
    """Allow 2 GB and 20 times the file beyond what the process has now, where the system can limit it."""
    try:
        import resource
    except ImportError:  # Windows
        return
    pages = Path("/proc/self/statm")
    now = int(pages.read_text().split()[0]) * resource.getpagesize() if pages.exists() else 0
    size = path.stat().st_size if path.is_file() else 0
    wanted = now + BASE_MEMORY + MEMORY_PER_BYTE * size
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    # macOS refuses some values; the limit of time still holds there.
    with contextlib.suppress(OSError, ValueError):
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


atexit.register(shutdown)

if __name__ == "__main__":
    main()
