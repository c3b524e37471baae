"""Lateral drift of the field between the scans of a cube.

The image of each scan is compared with the sum of all other scans, moved back by what is known of their drift so far.
The scan itself is left out of that sum: it would correlate with its own noise, which has not moved, and pull the
result to zero. The maximum of the cross-correlation is found between pixels from its Fourier series (as M.
Guizar-Sicairos, S. T. Thurman, J. R. Fienup, Opt. Lett. 33, 156 (2008) refine it); its error follows from the counting
noise of the scan, the slope of the reference and the curvature of the maximum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from fitting.dataset import FloatArray, Spectrum
from fitting.sims.columns import counted
from fitting.sims.cube import is_cube
from fitting.sims.path import smooth_path
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, Cancelled

Reference = Literal["all", "near"]

# Pixels: structure finer than this is mostly noise of single counts, coarser than this share of the field illumination.
_FINE, _COARSE = 1.2, 0.2
_EDGE = 0.1  # share of the field over which the image fades out at each side
_ROUNDS, _NEWTON = 4, 6
_FEWEST_COUNTS = 0.3  # a pixel and group of scans
_SMALLEST = 8  # pixels of a field
_ENOUGH = 5  # errors by which the correlation must stand above nothing


@dataclass(frozen=True, eq=False)
class ScanDrift:
    """Where the sample lies in each scan: pixels to higher rows and columns than on average.

    Attributes
    ----------
    centres : array, shape (groups,)
        Mean scan (from 0) of each group of scans that was compared.
    rows, columns : array, shape (groups,)
        Measured positions; NaN where a group shows too little.
    row_errors, column_errors : array, shape (groups,)
        One standard error, from the counts.
    path_rows, path_columns : array, shape (scans,)
        Smooth path through them: what a correction uses.
    path_row_errors, path_column_errors : array, shape (scans,)
    group : int
        Scans in a group.
    unsure : int
        Groups that could not be compared.
    """

    centres: FloatArray
    rows: FloatArray
    columns: FloatArray
    row_errors: FloatArray
    column_errors: FloatArray
    path_rows: FloatArray
    path_columns: FloatArray
    path_row_errors: FloatArray
    path_column_errors: FloatArray
    group: int
    unsure: int

    @property
    def reach(self) -> tuple[float, float]:
        """How far the path goes along rows and columns, pixels."""
        return float(np.ptp(self.path_rows)), float(np.ptp(self.path_columns))

    @property
    def reach_errors(self) -> tuple[float, float]:
        """One standard error of the reach."""
        def of(path: FloatArray, errors: FloatArray) -> float:
            return float(np.hypot(errors[int(np.argmax(path))], errors[int(np.argmin(path))]))

        return of(self.path_rows, self.path_row_errors), of(self.path_columns, self.path_column_errors)

    @property
    def guessed(self) -> bool:
        """Whether most groups could not be compared, so that the path between the others is unknown: our own limit."""
        return 2 * self.unsure > self.rows.size

    @property
    def found(self) -> bool:
        """Whether there is a drift: more than three errors and more than half a pixel, and no guess."""
        sizes = zip(self.reach, self.reach_errors, strict=True)
        return not self.guessed and any(size > 3 * error and size > 0.5 for size, error in sizes)


def scan_images(
    cube: Spectrum, ions: Sequence[int] = (), *, progress: Progress | None = None, cancel: Cancel | None = None
) -> FloatArray:
    """Counts of some ions together (by default of all single ones) in every voxel, shape (scans, rows, columns).

    Raises
    ------
    BadData
        If it is no cube, or an ion does not exist.
    Cancelled
    """
    if not is_cube(cube):
        raise BadData("Only a cube of ions has scans, rows and columns", where=cube.name, todo="Open a cube of ions")
    index = np.asarray(list(ions) or counted(cube.axis) or range(len(cube.axis)), dtype=int)
    if index.min() < 0 or index.max() >= len(cube.axis):
        raise BadData("There is no such ion in the cube", where=cube.name)
    scans, rows, columns = (len(axis) for axis in cube.navigation)
    volume = np.empty((scans, rows, columns))
    plane = rows * columns
    for scan in range(scans):
        if cancel is not None and cancel():
            raise Cancelled("Reading the images was stopped", where=cube.name)
        volume[scan] = cube.rows(scan * plane, (scan + 1) * plane)[:, index].sum(axis=1).reshape(rows, columns)
        if progress is not None:
            progress((scan + 1) / scans, f"Image of scan {scan + 1}")
    return volume


def scan_drift(
    volume: FloatArray, *, group: int = 0, reference: Reference = "all", smooth: bool = True,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> ScanDrift:
    """Drift of the images of a cube.

    Parameters
    ----------
    volume : array, shape (scans, rows, columns)
        Counts (`scan_images`), zero or above.
    group : int
        Scans that are added before they are compared; 0: as few as give 0.3 counts a pixel.
    reference : "all" or "near"
        Compare with all other scans, or mostly with neighbouring ones where the image changes with depth; errors of the
        path then grow along it.
    smooth : bool
        A smooth path through the positions (`fitting.sims.path`), else straight lines.

    Returns
    -------
    ScanDrift

    Raises
    ------
    BadData
        If there are fewer than two groups, the field is smaller than 8 pixels, or no structure can be compared.
    Cancelled

    Notes
    -----
    Drift within a group blurs its image and is not seen. A pattern that does not move with the sample (illumination,
    a worn detector) pulls the result to zero: structure coarser than a fifth of the field is left out for that.
    """
    scans, high, wide = volume.shape
    if min(high, wide) < _SMALLEST:
        raise BadData(f"A field of {high} × {wide} pixels is too small to see a drift")
    mean = float(volume.mean())
    if not np.all(np.isfinite(volume)) or volume.min() < 0 or mean <= 0:
        raise BadData("Drift is found from counts, zero or above, that are not all zero")
    size = group if group > 0 else max(1, int(np.ceil(_FEWEST_COUNTS / mean)))
    groups = scans // size
    if groups < 2:
        raise BadData(f"{scans} scans make fewer than two groups of {size}",
                      todo="Choose stronger ions or smaller groups of scans")
    # What fills no group belongs to the last one.
    edges = [size * i for i in range(groups)] + [scans]
    images = np.array([volume[a:b].sum(axis=0) for a, b in pairwise(edges)])
    centres = np.array([0.5 * (a + b - 1) for a, b in pairwise(edges)])
    places, errors, sure = _positions(images, reference, progress, cancel)
    if sure.sum() < 2:
        raise BadData("The images of the scans show no structure that could be compared",
                      todo="Choose an ion with contrast, or add up more scans")
    paths, path_errors = [], []
    for axis in range(2):
        path, error = smooth_path(centres[sure], places[sure, axis], errors[sure, axis], np.arange(scans, dtype=float),
                                  smooth=smooth)
        middle = float(path.mean())
        places[:, axis] -= middle
        paths.append(path - middle)
        path_errors.append(error)
    places[~sure], errors[~sure] = np.nan, np.nan
    return ScanDrift(centres, places[:, 0], places[:, 1], errors[:, 0], errors[:, 1], paths[0], paths[1],
                     path_errors[0], path_errors[1], size, int(np.count_nonzero(~sure)))


class _Field:
    """Band-passed Fourier transforms of images, faded out at the edges."""

    def __init__(self, images: FloatArray) -> None:
        self.images = images
        self.high, self.wide = images.shape[1:]
        self.down = 2 * np.pi * np.fft.fftfreq(self.high)[:, None]
        self.across = 2 * np.pi * np.fft.rfftfreq(self.wide)[None, :]
        squared = self.down**2 + self.across**2
        coarse = _COARSE * min(self.high, self.wide)
        self.band = np.exp(-0.5 * _FINE**2 * squared) * -np.expm1(-0.5 * coarse**2 * squared)
        # rfft holds half of the frequencies: the others count with them.
        self.twice = np.full(self.band.shape, 2.0)
        self.twice[:, 0] = 1.0
        if self.wide % 2 == 0:
            self.twice[:, -1] = 1.0

    def window(self, margin: int) -> FloatArray:
        """1 in the middle, fading to 0 `margin` pixels before the edges."""
        sides = []
        for n in (self.high, self.wide):
            at = np.minimum(np.arange(n), np.arange(n)[::-1]) - margin + 0.5
            sides.append(np.sin(0.5 * np.pi * np.clip(at / max(_EDGE * n, 1.0), 0.0, 1.0)) ** 2)
        return sides[0][:, None] * sides[1][None, :]

    def transform(self, image: FloatArray, window: FloatArray) -> NDArray[np.complex128]:
        """Of an image without its mean."""
        inside = window.sum()
        return np.asarray(np.fft.rfft2((image - (image * window).sum() / inside) * window))

    def moved(self, transform: NDArray[np.complex128], place: FloatArray) -> NDArray[np.complex128]:
        """The transform of the image moved back by `place` pixels."""
        return np.asarray(transform * np.exp(1j * (self.down * place[0] + self.across * place[1])))

    def maximum(self, cross: NDArray[np.complex128], around: float) -> tuple[FloatArray, FloatArray, float]:
        """Place and second derivatives of the highest point of a correlation within `around` pixels, and its height."""
        map = np.fft.irfft2(cross, s=(self.high, self.wide))
        rows, columns = np.fft.fftfreq(self.high, 1 / self.high), np.fft.fftfreq(self.wide, 1 / self.wide)
        far = (np.abs(rows)[:, None] > around) | (np.abs(columns)[None, :] > around)
        top = np.unravel_index(int(np.argmax(np.where(far, -np.inf, map))), map.shape)
        place = np.array([rows[top[0]], columns[top[1]]])
        second = np.eye(2)
        height = float(map[top])
        weighted, area = cross * self.twice, self.high * self.wide
        for _ in range(_NEWTON):
            wave = weighted * np.exp(1j * (self.down * place[0] + self.across * place[1])) / area
            slope = -np.array([np.sum(self.down * wave.imag), np.sum(self.across * wave.imag)])
            mixed = -np.sum(self.down * self.across * wave.real)
            second = -np.array([[np.sum(self.down**2 * wave.real), -mixed],
                                [-mixed, np.sum(self.across**2 * wave.real)]])
            if np.linalg.det(second) <= 0 or second[0, 0] >= 0:
                return place, -np.eye(2), height  # no maximum: the pixel will do
            move = -np.linalg.solve(second, slope)
            place = place + np.clip(move, -0.5, 0.5)
            if np.abs(move).max() < 1e-4:
                break
        return place, second, height


def _positions(
    images: FloatArray, reference: Reference, progress: Progress | None, cancel: Cancel | None
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Positions (groups, 2), their errors, and which groups could be compared."""
    field, count = _Field(images), len(images)
    far = min(field.high, field.wide) / 3
    places, errors, sure = _first_guess(field, far, cancel), np.zeros((count, 2)), np.ones(count, bool)
    weights, totals = _weights(count, reference), images.sum(axis=(1, 2))
    for turn in range(_ROUNDS):
        whole = np.round(places - np.median(places, axis=0)).astype(int)
        margin = min(int(np.abs(whole).max()), min(field.high, field.wide) // 4)
        window = field.window(margin)
        origin = np.median(places, axis=0)
        flat = [np.roll(image, tuple(-w), (0, 1)) for image, w in zip(images, whole, strict=True)]
        waves = np.array([field.transform(image, window) for image in flat])
        rest = places - origin - whole
        back = np.array([field.moved(wave, place) for wave, place in zip(waves, rest, strict=True)])
        back[~sure] = 0.0
        found = np.empty((count, 2))
        mean = np.average(np.array(flat), axis=0, weights=np.where(sure, 1.0, 0.0) + 1e-12)
        mean = gaussian_filter(mean, 2.0) * window
        shares = weights * sure
        others = (shares @ back.reshape(count, -1)).reshape(back.shape)
        for i in range(count):
            if cancel is not None and cancel():
                raise Cancelled("The search for drift was stopped")
            around = far if turn == 0 else 4.0
            noise = mean * _noise_share(totals, shares[i], i)
            found[i], errors[i], sure[i] = _compared(field, waves[i], others[i], noise, around)
            if progress is not None:
                progress((turn + (i + 1) / count) / _ROUNDS, "Drift between scans")
        places = np.where(sure[:, None], found + whole + origin, places)
    return places, errors, sure


def _noise_share(totals: FloatArray, share: FloatArray, i: int) -> float:
    """Counts of one image over those of the mean image, more by what its reference brings along."""
    theirs = float(np.sum(share * totals))
    more = totals[i] * float(np.sum(share**2 * totals)) / max(theirs, 1e-12) ** 2
    return float(totals[i] / max(totals.mean(), 1e-12) * (1.0 + more))


def _compared(
    field: _Field, wave: NDArray[np.complex128], others: NDArray[np.complex128], noise: FloatArray, around: float
) -> tuple[FloatArray, FloatArray, bool]:
    """Place of one image against the others, its errors, and whether it stands above the noise."""
    reference = others * field.band**2
    # conj(wave) * others has its maximum at minus the place of the image.
    place, second, height = field.maximum(np.conj(wave) * reference, around)
    size = (field.high, field.wide)
    slopes = np.array([np.fft.irfft2(1j * k * reference, s=size).ravel() for k in (field.down, field.across)])
    variance = (slopes * noise.ravel()) @ slopes.T
    try:
        inverse = np.linalg.inv(second)
    except np.linalg.LinAlgError:
        return -place, np.full(2, np.nan), False
    errors = np.sqrt(np.maximum(np.diag(inverse @ variance @ inverse), 0.0))
    level = np.sqrt(max(float(np.sum(np.fft.irfft2(reference, s=size) ** 2 * noise)), 1e-300))
    return -place, errors, bool(height > _ENOUGH * level and np.all(np.isfinite(errors)) and np.all(errors < around))


def _first_guess(field: _Field, far: float, cancel: Cancel | None) -> FloatArray:
    """Places against the sum of all images before, moved back: a drift shows step by step."""
    window = field.window(0)
    places = np.zeros((len(field.images), 2))
    total = field.transform(field.images[0], window)
    for i in range(1, len(places)):
        if cancel is not None and cancel():
            raise Cancelled("The search for drift was stopped")
        wave = field.transform(field.images[i], window)
        known = field.moved(wave, places[i - 1])
        place, _, _ = field.maximum(np.conj(known) * total * field.band**2, min(far, 8.0))
        places[i] = places[i - 1] - place
        # Older images fade: content changes with depth.
        total = 0.9 * total + field.moved(wave, places[i])
    return places


def _weights(count: int, reference: Reference) -> FloatArray:
    """Of the other images in each image's reference, shape (count, count), 0 on the diagonal."""
    apart = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    weights = np.ones((count, count)) if reference == "all" else np.exp(-0.5 * (apart / max(3.0, count / 8)) ** 2)
    np.fill_diagonal(weights, 0.0)
    return weights
