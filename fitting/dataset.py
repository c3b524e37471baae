"""The one data type: a spectrum (or a series of spectra) on an axis, with its noise and its circumstances.

Everything here is frozen and every array is owned and read-only: an edit makes a new object. Axes are strictly
ascending; readers flip their data on load, and only the plot turns binding energy round.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitting import stored as stored_
from fitting.identity import content_hash
from fitting.stored import Channels, Stored
from libraries.errors import BadData

FloatArray = NDArray[np.float64]
Quantity = Literal[
    "binding_energy", "kinetic_energy", "energy_loss", "channel", "depth", "time", "angle", "distance", "index",
    "mass", "ion", "scan", "dose", "fluence",
]  # fmt: skip
Technique = Literal["xps", "eels", "sims", "other"]
NoiseKind = Literal["poisson", "gaussian", "unknown"]
Origin = Literal["file", "estimated", "user"]

AXIS_LABELS: dict[str, str] = {
    "binding_energy": "Binding energy",
    "kinetic_energy": "Kinetic energy",
    "energy_loss": "Energy loss",
    "channel": "Channel",
    "depth": "Depth",
    "time": "Time",
    "angle": "Angle",
    "distance": "Distance",
    "index": "Index",
    "mass": "m/z",
    "ion": "Ion",
    "scan": "Scan",
    "dose": "Dose",
    "fluence": "Fluence",
}


PIECE = 4 << 20  # numbers that are worked on at a time

# What is said of a spectrum that is a curve of another program's fit ({}: which one).
NO_DATA = "This is no measurement but a fitted curve: {}"


def frozen_array(values: ArrayLike, dtype: Any = np.float64) -> NDArray[Any]:
    """An own, contiguous, read-only copy of `values`."""
    array = np.array(values, dtype=dtype, order="C", copy=True)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Axis:
    """Numbers along which a spectrum is measured.

    Parameters
    ----------
    values : array, shape (n,)
        Finite and strictly ascending.
    quantity : str
        What the numbers are, one of `Quantity`.
    unit : str
        "eV", "nm", "s", "deg" or "" for plain numbers.
    labels : tuple of str
        Names of the channels, in the order of the file and as it writes them (ions of a depth profile, doubles
        included); empty where channels have none. Then `values` are 0, 1, 2 ...
    masses : tuple of float
        m/z of named channels as the file states them, 0 where it does not; empty where it states none.

    Raises
    ------
    BadData
        If the values are not finite, not ascending or not one-dimensional, or names and values disagree in number.
    """

    values: FloatArray
    quantity: Quantity
    unit: str = "eV"
    labels: tuple[str, ...] = ()
    masses: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        values = frozen_array(self.values)
        if values.ndim != 1 or values.size == 0:
            raise BadData("An axis needs at least one number in one dimension", where=self.quantity)
        if not np.all(np.isfinite(values)):
            raise BadData("An axis holds numbers that are not finite", where=self.quantity)
        if np.any(np.diff(values) <= 0):
            raise BadData("An axis must ascend strictly", where=self.quantity)
        if any(len(given) not in (0, values.size) for given in (self.labels, self.masses)):
            raise BadData("An axis needs one name and one mass for each channel, or none", where=self.quantity)
        if not all(math.isfinite(mass) and mass >= 0 for mass in self.masses):
            raise BadData("A mass of a channel must not be negative", where=self.quantity)
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "masses", tuple(map(float, self.masses)))

    def __len__(self) -> int:
        return int(self.values.size)

    def part(self, index: slice | NDArray[Any]) -> Axis:
        """Some of its points, with their names."""
        values = self.values[index]
        if not self.labels and not self.masses:
            return Axis(values, self.quantity, self.unit)
        places = np.arange(len(self))[index]
        labels = tuple(self.labels[i] for i in places) if self.labels else ()
        masses = tuple(self.masses[i] for i in places) if self.masses else ()
        return Axis(values, self.quantity, self.unit, labels, masses)

    @property
    def label(self) -> str:
        """Name and unit as a plot shows them."""
        name = AXIS_LABELS[self.quantity]
        return f"{name} ({self.unit})" if self.unit else name

    @property
    def step(self) -> float:
        """Median distance of neighbours (0 for a single number)."""
        return float(np.median(np.diff(self.values))) if len(self) > 1 else 0.0

    def window(self, low: float, high: float) -> slice:
        """The slice of all points with low <= value <= high (limits in either order)."""
        low, high = min(low, high), max(low, high)
        # Half a part in 1e9 of the step keeps points whose value was rounded in a file.
        slack = 1e-9 * max(self.step, abs(low), abs(high), 1e-30)
        return slice(
            int(np.searchsorted(self.values, low - slack, "left")),
            int(np.searchsorted(self.values, high + slack, "right")),
        )


@dataclass(frozen=True)
class Noise:
    """What is known of the noise of the intensities.

    Attributes
    ----------
    kind : "poisson", "gaussian" or "unknown"
        Poisson: variance = gain * mean (+ read_noise**2). Gaussian: variance = read_noise**2. Unknown: one variance
        for all channels that only the residuals can tell.
    gain : float or None
        Intensity units per counted event: 1 for plain counts, 1/(dwell time * sweeps) for counts per second.
        None: proportional to the mean, but the factor is not known and comes from the residuals.
    read_noise : float
        Standard deviation, in intensity units, that is there without any signal.
    correlation : float
        Correlation of neighbouring channels, 0 for independent ones.
    origin : "file", "estimated" or "user"
    """

    kind: NoiseKind = "unknown"
    gain: float | None = None
    read_noise: float = 0.0
    correlation: float = 0.0
    origin: Origin = "file"

    def __post_init__(self) -> None:
        if self.gain is not None and not (np.isfinite(self.gain) and self.gain > 0):
            raise BadData("The gain of a noise must be above zero", where=f"gain {self.gain}")
        if not (np.isfinite(self.read_noise) and self.read_noise >= 0):
            raise BadData("The read noise must not be negative", where=f"read noise {self.read_noise}")
        if not -1 < self.correlation < 1:
            raise BadData("A correlation lies between -1 and 1", where=f"correlation {self.correlation}")

    @property
    def known(self) -> bool:
        """Whether the size of the noise is known beforehand, so that chi2 is a test and covariance is unscaled."""
        if self.kind == "poisson":
            return self.gain is not None
        return self.kind == "gaussian" and self.read_noise > 0


@dataclass(frozen=True)
class Meta:
    """The circumstances of a measurement; None or "" where they are not recorded.

    Energies in eV, times in s, angles in degrees. `emission_angle` counts from the surface normal. Of electron
    microscopes: `beam_energy` in keV, `convergence_angle` and `collection_angle` as half angles in mrad.
    `comments` are the file's comment lines as they stand; `extra` are further (name, value) pairs of the format.
    """

    title: str = ""
    technique: Technique = "other"
    sample: str = ""
    region: str = ""
    element: str = ""
    transition: str = ""
    photon_energy: float | None = None
    source: str = ""
    work_function: float | None = None
    pass_energy: float | None = None
    dwell_time: float | None = None
    sweeps: float | None = None
    emission_angle: float | None = None
    source_analyser_angle: float | None = None
    beam_energy: float | None = None
    convergence_angle: float | None = None
    collection_angle: float | None = None
    analyser_mode: str = ""
    signal_mode: str = ""
    intensity_unit: Literal["counts", "counts/s", "arbitrary"] = "counts"
    charge_state: str = ""
    instrument: str = ""
    institution: str = ""
    operator: str = ""
    experiment: str = ""
    date: str = ""
    file: str = ""
    file_format: str = ""
    index: int = 0
    comments: tuple[str, ...] = ()
    extra: tuple[tuple[str, str], ...] = ()

    @property
    def live_time(self) -> float | None:
        """Counting time of one channel in s (dwell time times sweeps), None where either is not recorded."""
        if self.dwell_time is None or self.sweeps is None:
            return None
        return self.dwell_time * self.sweeps


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Intensities on an axis: a spectrum (n,), or a series, profile or image (*navigation, n).

    Parameters
    ----------
    axis : Axis
        The signal axis, ascending, n points.
    counts : array, shape (*navigation, n)
        Intensities in `meta.intensity_unit`, finite. Integers keep their type, everything else becomes float64.
        Images larger than memory are a `Stored` instead: work on them goes through `pieces`.
    noise, meta : Noise, Meta
    transmission : array, shape (n,), optional
        Transmission function of the analyser on the axis, relative numbers above zero.
    navigation : tuple of Axis
        One axis for each leading dimension of `counts`.
    scales : tuple of Axis
        Other numbers for the points of the first navigation axis: of a depth profile dose and fluence beside time.

    Raises
    ------
    BadData
        If shapes disagree or numbers are not finite.
    """

    axis: Axis
    counts: NDArray[Any] | Stored
    noise: Noise = field(default_factory=Noise)
    meta: Meta = field(default_factory=Meta)
    transmission: FloatArray | None = None
    navigation: tuple[Axis, ...] = ()
    scales: tuple[Axis, ...] = ()

    def __post_init__(self) -> None:
        counts: NDArray[Any] | Stored
        if isinstance(self.counts, Stored):
            counts = self.counts
        else:
            raw = np.asarray(self.counts)
            counts = frozen_array(raw, raw.dtype if raw.dtype.kind in "iu" else np.float64)
        shape = (*(len(axis) for axis in self.navigation), len(self.axis))
        if tuple(counts.shape) != shape:
            raise BadData(f"Intensities of shape {counts.shape} do not fit axes of shape {shape}", where=self.name)
        if any(not self.navigation or len(scale) != len(self.navigation[0]) for scale in self.scales):
            raise BadData("A further scale does not fit the first navigation axis", where=self.name)
        if isinstance(counts, np.ndarray) and not np.all(np.isfinite(counts)):
            raise BadData("Intensities hold numbers that are not finite", where=self.name)
        object.__setattr__(self, "counts", counts)
        if self.transmission is not None:
            transmission = frozen_array(self.transmission)
            if transmission.shape != (len(self.axis),):
                raise BadData("The transmission function does not fit the axis", where=self.name)
            if not np.all(np.isfinite(transmission)) or np.any(transmission <= 0):
                raise BadData("The transmission function holds numbers that are not above zero", where=self.name)
            object.__setattr__(self, "transmission", transmission)

    @property
    def name(self) -> str:
        """What lists call it: region, else title."""
        return self.meta.region or self.meta.title or "spectrum"

    @property
    def curve(self) -> str:
        """What curve of another program's fit this is (a component, a background), "" for measured data."""
        return dict(self.meta.extra).get("curve", "")

    @property
    def x(self) -> FloatArray:
        """Signal axis values, shape (n,)."""
        return self.axis.values

    @property
    def y(self) -> FloatArray:
        """Intensities as float64, shape (*navigation, n).

        Raises
        ------
        BadData
            If they stay in their file because they are larger than memory should hold (`IN_MEMORY`).
        """
        if not isinstance(self.counts, Stored):
            return np.asarray(self.counts, dtype=np.float64)
        if 8 * self.counts.size > stored_.IN_MEMORY:
            raise BadData(
                f"The image ({8 * self.counts.size / 1e9:.2g} GB) is too large to be worked on as a whole",
                where=self.name, todo="Crop or bin it first, or choose a part of its pixels",
            )  # fmt: skip
        return self.rows(0, self.pixels).reshape(self.counts.shape)

    @property
    def stored(self) -> bool:
        """Whether the intensities stay in their file and are read piece by piece."""
        return isinstance(self.counts, Stored)

    @property
    def hash(self) -> str:
        """Content hash of numbers, noise and circumstances."""
        known = self.__dict__.get("_hash")
        if known is None:
            # Nothing of a spectrum can change, so that its hash is worked out once.
            known = content_hash(self)
            object.__setattr__(self, "_hash", known)
        return known

    def with_(self, **changes: Any) -> Spectrum:
        """A copy with some fields replaced."""
        return replace(self, **changes)

    def part(self, low: float, high: float) -> slice:
        """The slice of the points with low <= axis <= high.

        Raises
        ------
        BadData
            If no point lies inside.
        """
        part = self.axis.window(low, high)
        if part.stop <= part.start:
            first, last = self.x[0], self.x[-1]
            raise BadData(
                f"No data between {low:g} and {high:g} {self.axis.unit}",
                where=self.name,
                todo=f"Choose a region inside {first:g} to {last:g} {self.axis.unit}",
            )
        return part

    def window(self, low: float, high: float) -> Spectrum:
        """The part with low <= axis <= high; an error if no point lies inside."""
        part = self.part(low, high)
        return replace(
            self,
            axis=self.axis.part(part),
            counts=_channels(self.counts, part),
            transmission=None if self.transmission is None else self.transmission[part],
        )

    @property
    def pixels(self) -> int:
        """How many spectra there are: 1, or the product of the navigation's lengths."""
        return math.prod(len(axis) for axis in self.navigation)

    def rows(self, start: int, stop: int) -> FloatArray:
        """Spectra start to stop of the flattened navigation, shape (stop - start, n), float64."""
        if isinstance(self.counts, Stored):
            with np.errstate(invalid="ignore"):  # signalling NaN of damaged files
                read = np.asarray(self.counts.read(start, stop), dtype=np.float64)
            bad = ~np.isfinite(read).all(axis=1)
            if bad.any():
                raise BadData(
                    f"Spectrum {start + int(np.argmax(bad)) + 1} holds numbers that are not finite",
                    where=self.name, todo="Export the data again",
                )  # fmt: skip
            return read
        flat = self.counts.reshape(-1, len(self.axis))
        return np.asarray(flat[start:stop], dtype=np.float64)

    def pieces(self, size: int = PIECE) -> Iterator[tuple[int, int, FloatArray]]:
        """All spectra piece by piece: (start, stop, rows of shape (stop - start, n)), about `size` numbers a piece.

        Whoever works on an image goes through it so: the image may lie on disk and be larger than memory.
        """
        step = max(size // max(len(self.axis), 1), 1)
        for start in range(0, self.pixels, step):
            stop = min(start + step, self.pixels)
            yield start, stop, self.rows(start, stop)

    def summed(self, mask: NDArray[np.bool_] | None = None) -> Spectrum:
        """One spectrum: the sum over all pixels, or over those where `mask` (navigation's shape) is true."""
        if not self.navigation:
            return self
        chosen = np.ones(self.pixels, bool) if mask is None else np.asarray(mask, bool).reshape(-1)
        places = np.flatnonzero(chosen)
        if places.size == 0:
            raise BadData("There is no pixel to add", where=self.name)
        total = np.zeros(len(self.axis))
        if places.size == 1:
            total = self.rows(int(places[0]), int(places[0]) + 1)[0]
        else:
            step = max(PIECE // len(self.axis), 1)
            first, last = int(places[0]), int(places[-1]) + 1
            for start in range(first, last, step):
                stop = min(start + step, last)
                part = chosen[start:stop]
                if part.any():
                    rows = self.rows(start, stop)
                    total += rows.sum(axis=0) if part.all() else rows[part].sum(axis=0)
        read = self.noise.read_noise * math.sqrt(places.size)
        return replace(self, counts=total, navigation=(), scales=(), noise=replace(self.noise, read_noise=read))

    def at(self, *indices: int) -> Spectrum:
        """The single spectrum at one position of the navigation axes."""
        if len(indices) != len(self.navigation):
            raise BadData(f"{len(self.navigation)} navigation indices are needed", where=self.name)
        if isinstance(self.counts, Stored):
            try:
                place = int(np.ravel_multi_index(indices, self.counts.shape[:-1]))
            except ValueError as error:
                raise BadData(f"There is no spectrum {indices}", where=self.name) from error
            return replace(self, counts=self.counts.read(place, place + 1)[0], navigation=(), scales=())
        return replace(self, counts=self.counts[indices], navigation=(), scales=())


def _channels(counts: NDArray[Any] | Stored, part: slice) -> NDArray[Any] | Stored:
    if isinstance(counts, Stored):
        return Channels(counts, part.start, part.stop)
    return counts[..., part]
