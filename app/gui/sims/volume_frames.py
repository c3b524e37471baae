"""Pictures of volumes, drawn off the window's thread: always the last one that was wished for."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal, Slot

from fitting.sims.raycast import Camera, Colour, Frame, Pixels, Scene, Volume, limits_of, render, softened, thinned
from fitting.sims.raycast_prepare import prepare, prepared
from fitting.sims.setup import VolumeLook

_MOMENT = 0.3  # seconds before anything is said


@dataclass(frozen=True, eq=False)
class Wish:
    """A picture that is wanted.

    Attributes
    ----------
    arrays : tuple of arrays, shape (scans, rows, columns)
        One for each volume; the same array is prepared once.
    look : VolumeLook
    camera : Camera
    size : (z, y, x)
        Of a voxel as it is drawn.
    colours : tuple of (red, green, blue)
    ground : (red, green, blue)
    width, height : int
        Pixels of the picture.
    table : array, shape (256, 3), or None
        Colours of the sections of a single volume.
    """

    arrays: tuple[NDArray[Any], ...]
    look: VolumeLook
    camera: Camera
    size: tuple[float, float, float]
    colours: tuple[Colour, ...]
    ground: Colour
    width: int
    height: int
    table: Pixels | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Scans, rows, columns of the volumes."""
        scans, rows, columns = self.arrays[0].shape
        return scans, rows, columns

    @property
    def part(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """What of the volumes is drawn."""
        scans, rows, columns = self.shape
        first, last = self.look.scans if len(self.look.scans) == 2 else (0, scans - 1)
        last = min(last, scans - 1)
        return (min(first, last), last), (0, rows - 1), (0, columns - 1)

    @property
    def cuts(self) -> tuple[int, int, int]:
        """Scan, row and column of the sections."""
        kept = self.look.cuts if len(self.look.cuts) == 3 else tuple((a + b) // 2 for a, b in self.part)
        scan, row, column = (min(max(at, a), b) for at, (a, b) in zip(kept, self.part, strict=True))
        return scan, row, column


@dataclass(frozen=True, eq=False)
class Drawn:
    """A wish come true: the picture, the values of full colour, and how long it took in seconds."""

    wish: Wish
    frame: Frame
    limits: tuple[tuple[float, float], ...]
    thinned: tuple[int, ...]
    seconds: float


class Preparation:
    """Volumes as they are drawn, kept from picture to picture; used by one thread at a time."""

    def __init__(self) -> None:
        self._kept: list[tuple[NDArray[Any], float, Volume, tuple[int, ...]]] = []

    def volume(self, array: NDArray[Any], smooth: float) -> tuple[Volume, tuple[int, ...]]:
        """Smoothed, thinned out where it is too large, with its limits."""
        for known, width, volume, factors in self._kept:
            if known is array and width == smooth:
                return volume, factors
        part, factors = thinned(array)
        values = softened(part, smooth)
        low, high = limits_of(values)
        volume = Volume(values, low, high)
        self._kept = [(array, smooth, volume, tuple(factors)), *self._kept][:6]
        return volume, tuple(factors)

    def draw(self, wish: Wish) -> Drawn:
        """The picture."""
        prepare()
        begin = time.perf_counter()
        look, volumes, factors = wish.look, [], (1, 1, 1)
        for number, (array, colour) in enumerate(zip(wish.arrays, wish.colours, strict=True)):
            volume, factors = self.volume(array, look.smooth)
            level = look.levels[number] if number < len(look.levels) else 0.5
            volumes.append(volume.dressed(0.0, volume.high / max(look.bright, 1e-3), colour, level))
        sizes = tuple(size * factor for size, factor in zip(wish.size, factors, strict=True))
        part = tuple((a // f, b // f) for (a, b), f in zip(wish.part, factors, strict=True))
        cuts = tuple(at // f for at, f in zip(wish.cuts, factors, strict=True))
        scene = Scene(tuple(volumes), sizes, look.mode, wish.camera, part, cuts, wish.ground,  # type: ignore[arg-type]
                      look.opacity, wish.table if look.mode == "sections" else None)
        frame = render(scene, wish.width, wish.height)
        limits = tuple((one.low, one.high) for one in volumes)
        return Drawn(wish, frame, limits, factors, time.perf_counter() - begin)


class _Runner(QRunnable):
    def __init__(self, frames: Frames, wish: Wish) -> None:
        super().__init__()
        self._frames, self._wish = frames, wish

    def run(self) -> None:
        try:
            drawn: object = self._frames.preparation.draw(self._wish)
        except Exception as error:  # whatever it is, it is handed to the window, which shows it
            drawn = error
        with contextlib.suppress(RuntimeError):  # the window was closed meanwhile
            self._frames._made.emit(drawn)


class Frames(QObject):
    """Draws what is wished for; wishes that come while one is drawn replace each other.

    Signals
    -------
    drawn(Drawn)
    failed(object)
        The error.
    """

    drawn = Signal(object)
    failed = Signal(object)
    _made = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.preparation = Preparation()
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._busy, self._since = False, 0.0
        self._next: Wish | None = None
        self._made.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self.destroyed.connect(self._pool.waitForDone)

    @property
    def busy(self) -> bool:
        """Whether a picture is under way."""
        return self._busy

    @property
    def words(self) -> str:
        """What takes so long: "" for a picture that is made in a moment."""
        seconds = time.perf_counter() - self._since
        if not self._busy or seconds < _MOMENT:
            return ""
        told = f" {seconds:.0f} s" if seconds >= 2 else ""
        if not prepared():
            return f"Preparing the drawing, once on a computer: about 10 s…{told}"
        return f"Drawing…{told}"

    def want(self, wish: Wish) -> None:
        """Draw this, as soon as the picture under way is done."""
        if self._busy:
            self._next = wish
            return
        self._busy, self._since = True, time.perf_counter()
        self._pool.start(_Runner(self, wish))

    def wait(self) -> None:
        """Until nothing is under way."""
        self._next = None
        self._pool.waitForDone()

    @Slot(object)
    def _take(self, made: object) -> None:
        self._busy = False
        wish, self._next = self._next, None
        if wish is not None:
            self.want(wish)
        if isinstance(made, Drawn):
            self.drawn.emit(made)
        else:
            self.failed.emit(made)


def enlarged(wish: Wish, factor: float) -> Wish:
    """The same picture with so many times more pixels."""
    return replace(wish, width=max(round(wish.width * factor), 1), height=max(round(wish.height * factor), 1))


def voxel_size(shape: tuple[int, ...], height: float, row_over_column: float) -> tuple[float, float, float]:
    """Size of a voxel (z, y, x) of which the columns are 1 wide, and all scans together `height` times the width."""
    return max(height, 1e-3) * shape[2] / shape[0], row_over_column, 1.0


def sections_table(name: str) -> Pixels:
    """Colours of a colour map as red, green and blue."""
    from app.gui.image.colouring import lookup

    return np.ascontiguousarray(lookup(name)[:, 2::-1])
