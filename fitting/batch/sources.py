"""Where many spectra come from: an array that is read piece by piece, with its axis and noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import NO_DATA, Axis, Noise, Spectrum
from fitting.identity import content_hash
from fitting.stored import check_array, read_slabs, sampled, slabs
from libraries.errors import BadData

__all__ = [
    "ArrayData", "ArraySource", "Series", "check_array", "read_slabs", "sampled", "slabs", "spectra_of_files",
]  # fmt: skip

# Up to here the whole content of an array goes into its fingerprint; of larger ones evenly spaced spectra do.
_ALL_BYTES = 64 << 20
_SAMPLES = 32


class ArraySource(Protocol):
    """Many spectra that need not be in memory.

    Attributes
    ----------
    shape : tuple of int
        (*navigation, n).
    dtype : dtype
        Integers or floats.
    fingerprint : str
        Changes when the data change; cheap also for data larger than memory.
    portable : bool
        Whether a copy of the object in another process can read the data (it holds a path, not the data).
    """

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def portable(self) -> bool: ...

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Spectra start to stop of the flattened navigation, shape (stop - start, n)."""
        ...

    def readable(self) -> bool:
        """Whether the data can be read from here and are those of the fingerprint."""
        ...


@dataclass(frozen=True, eq=False)
class Series:
    """Many spectra as a job needs them.

    Attributes
    ----------
    source : ArraySource
    axis : Axis
    noise : Noise
        That of every spectrum.
    navigation : tuple of Axis
        One for each leading dimension, or empty where they are not known.
    labels : tuple of str
        Names of the spectra, or empty.
    intensity_unit : str
    """

    source: ArraySource
    axis: Axis
    noise: Noise
    navigation: tuple[Axis, ...] = ()
    labels: tuple[str, ...] = ()
    intensity_unit: str = "counts"

    def __post_init__(self) -> None:
        if self.source.shape[-1] != len(self.axis):
            raise BadData(
                f"The spectra have {self.source.shape[-1]} channels, their axis {len(self.axis)}",
                todo="Give the axis that belongs to them",
            )


@dataclass(frozen=True, eq=False)
class ArrayData:
    """Spectra in memory, or a lazy array (Dask, Zarr) that gives its pieces when they are sliced.

    Parameters
    ----------
    array : array-like with shape, dtype and slicing, shape (*navigation, n)
    fingerprint : str
        Of the content; found from it where it is not given.
    """

    array: Any
    fingerprint: str = ""
    portable = False

    def __post_init__(self) -> None:
        if not hasattr(self.array, "shape"):
            object.__setattr__(self, "array", np.asarray(self.array))
        check_array(self.shape, self.dtype)
        if not self.fingerprint:
            object.__setattr__(self, "fingerprint", self._content())

    def _content(self) -> str:
        if isinstance(self.array, np.ndarray) and self.array.nbytes <= _ALL_BYTES:
            return content_hash(self.array)
        rows = [self.read(place, place + 1) for place in sampled(self.shape, _SAMPLES)]
        return content_hash(self.shape, str(self.dtype), rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """(*navigation, n)."""
        return tuple(self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""
        return np.dtype(self.array.dtype)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Spectra start to stop, shape (stop - start, n)."""
        return read_slabs(self.array, start, stop)

    def readable(self) -> bool:
        """True: the data are here."""
        return True


def spectra_of_files(spectra: Sequence[Spectrum], region: tuple[float, float] | None = None) -> Series:
    """Single spectra on one common axis, stacked in their order.

    Parameters
    ----------
    spectra : sequence of Spectrum
    region : (low, high), optional
        Where axes differ, the part of them that matters; it must hold the same points in all of them, and the stack is
        then cut to it.

    Raises
    ------
    BadData
        If there is none, or one is a series, lies on another axis, or has another noise or unit; the message names it.
    """
    if not spectra:
        raise BadData("There is no spectrum to fit")
    series = [spectrum for spectrum in spectra if spectrum.navigation]
    if series:
        raise BadData("This is a series, not a single spectrum", where=_place(series[0]), todo="Fit it on its own")
    curve = next((spectrum for spectrum in spectra if spectrum.curve), None)
    if curve is not None:
        raise BadData(NO_DATA.format(curve.curve), where=_place(curve), todo="Leave it out")
    first = spectra[0]
    if region is not None and not all(_same_axis(first.axis, s.axis) for s in spectra):
        spectra = [_cut(spectrum, region) for spectrum in spectra]
        first = spectra[0]
    for spectrum in spectra:
        if not _same_axis(first.axis, spectrum.axis):
            raise BadData(
                f"Its axis ({_span(spectrum.axis)}) is not that of {_place(first)} ({_span(first.axis)})",
                where=_place(spectrum),
                todo="Fit spectra of one axis together" if region is None else "Choose a region of equal points",
            )
        if spectrum.noise != first.noise or spectrum.meta.intensity_unit != first.meta.intensity_unit:
            raise BadData(
                f"Its noise or intensity unit is not that of {_place(first)}",
                where=_place(spectrum),
                todo="Say the noise of all of them, or fit them apart",
            )
    labels = tuple(_place(spectrum) for spectrum in spectra)
    counts = np.stack([spectrum.counts for spectrum in spectra])
    return Series(ArrayData(counts), first.axis, first.noise, (), labels, first.meta.intensity_unit)


def _cut(spectrum: Spectrum, region: tuple[float, float]) -> Spectrum:
    try:
        return spectrum.window(*region)
    except BadData as error:
        raise BadData(error.what, where=_place(spectrum), todo="Leave this spectrum out") from error


def _same_axis(a: Axis, b: Axis) -> bool:
    if len(a) != len(b) or (a.quantity, a.unit) != (b.quantity, b.unit):
        return False
    # Files write their energies rounded.
    return bool(np.all(np.abs(a.values - b.values) <= 1e-6 * max(a.step, 1e-30)))


def _span(axis: Axis) -> str:
    return f"{len(axis)} points from {axis.values[0]:g} to {axis.values[-1]:g} {axis.unit} {axis.quantity}"


def _place(spectrum: Spectrum) -> str:
    meta = spectrum.meta
    return f"{meta.file}, {spectrum.name} ({meta.index})" if meta.file else spectrum.name
