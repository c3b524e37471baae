"""What the navigator shows: total intensity, the intensity in an energy window, or a map of the entry."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.gui.tasks import Cancel, Progress, Task, Tasks
from fitting.dataset import Spectrum
from fitting.image.maps import Map
from fitting.image.overview import first_look, is_slow
from fitting.image.windows import Window, weighted_sums, weights, window_words
from fitting.recipe import before_steps
from libraries.errors import SodaliteError

Range = tuple[float, float] | None
AT_ONCE = 1 << 23  # numbers: what is added up faster than the eye sees is not left to another thread


def intensity_map(
    image: Spectrum, window: Range, progress: Progress | None = None, cancel: Cancel | None = None
) -> Map:
    """Sum of the channels of every spectrum, of all or of those in a window.

    Raises
    ------
    BadData
        If the window reaches beyond the axis.
    Cancelled
    """
    if window is None:
        name, weight = "Total intensity", np.ones(len(image.axis))
    else:
        name = window_words(*window, image.axis.unit)
        weight = weights(image.axis, Window("", "", *window))
    sums = weighted_sums(image, [weight], None, progress, cancel)
    shape = tuple(len(axis) for axis in image.navigation)
    return Map("", name, image.meta.intensity_unit, sums.values[:, 0].reshape(shape))


class IntensityMaps(QObject):
    """Works out intensity maps, large ones off the window's thread, and keeps them.

    Signals
    -------
    ready()
        A map that was asked for is there, or cannot be made (`error`).
    """

    ready = Signal()

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._known: WeakKeyDictionary[Spectrum, dict[Range, Map]] = WeakKeyDictionary()
        self._estimates: WeakKeyDictionary[Spectrum, Map] = WeakKeyDictionary()
        self._task: Task | None = None
        self._wanted: tuple[Spectrum, Range] | None = None
        self.error = ""

    def get(self, image: Spectrum, window: Range) -> Map | None:
        """The map, or an estimate or None: it is being made, and `ready` tells when it is there."""
        known = self._known.setdefault(image, {})
        if window in known:
            return known[window]
        if self._wanted is not None and self._wanted[0] is image and self._wanted[1] == window:
            return self._estimate(image, window)
        self.stop()
        self.error = ""
        if not image.stored and image.counts.size <= AT_ONCE:
            return self._now(image, window)
        self._wanted = (image, window)
        make: Callable[[Progress, Cancel], Map] = lambda progress, cancel: intensity_map(  # noqa: E731
            image, window, progress, cancel)
        task = self._task = self._tasks.run(
            make, lambda found: self._keep(image, window, found), self._failed, quiet=True, title="Navigator")
        task.ended.connect(lambda: self._ended(task))
        return self._estimate(image, window)

    def _estimate(self, image: Spectrum, window: Range) -> Map | None:
        """The total intensity of an image that stays in its file as a part of it lets expect, until it is read."""
        if window is not None or not is_slow(image):
            return None
        if image not in self._estimates:
            try:
                look = first_look(before_steps(image))
            except SodaliteError:
                return None  # what is wrong with the data is said by the work under way
            self._estimates[image] = Map("", "Total intensity (estimated)", image.meta.intensity_unit, look)
        return self._estimates[image]

    def _now(self, image: Spectrum, window: Range) -> Map | None:
        try:
            found = intensity_map(image, window)
        except SodaliteError as error:
            self.error = str(error)
            return None
        self._keep(image, window, found)
        return found

    def stop(self) -> None:
        """Leave what is under way."""
        if self._task is not None:
            self._task.cancel()
        self._task = self._wanted = None

    def _keep(self, image: Spectrum, window: Range, found: Map) -> None:
        known = self._known.setdefault(image, {})
        while len(known) >= 16:
            known.pop(next(iter(known)))
        known[window] = found

    def _failed(self, error: BaseException) -> None:
        self.error = str(error)
        if not isinstance(error, SodaliteError):
            raise error

    def _ended(self, task: Task) -> None:
        if task is self._task:
            self._task = None
            if not self.error:
                self._wanted = None
            self.ready.emit()
