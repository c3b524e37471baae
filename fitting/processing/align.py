"""Alignment of many energy-loss spectra: each is moved by a shift of its own onto one common axis."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray, Spectrum
from fitting.eels.zero_loss import FAULTS, OK, common_range, locate, move
from fitting.processing.energy_axis import loss_scale_step
from fitting.processing.noise import correlation_of, noted
from fitting.processing.smoothing import is_even
from fitting.processing.step import Step
from fitting.processing.sweeps import Cancel, Progress
from fitting.statistics import correlation_factor
from libraries.errors import BadData, BadModel, Cancelled

METHODS = ("linear", "whole")
# Beyond this distance from 0 eV (or from where the search is told to look) a peak is doubted.
FAR = 20.0


@dataclass(frozen=True, eq=False)
class Positions:
    """Zero-loss peaks of all spectra of an image, series or single spectrum.

    Attributes
    ----------
    position, position_err, fwhm, fwhm_err : array, shape of the navigation
        In eV; NaN where `fault` is not 0. Errors are NaN where the size of the noise is not known.
    fault : int array
        A key of `fitting.eels.zero_loss.FAULTS`, or 0.
    """

    position: FloatArray
    position_err: FloatArray
    fwhm: FloatArray
    fwhm_err: FloatArray
    fault: NDArray[np.int8]

    @property
    def missing(self) -> int:
        """How many spectra have no measurable peak."""
        return int(np.count_nonzero(self.fault != OK))

    def faults(self) -> str:
        """What is wrong with how many, in words; "" for nothing."""
        parts = []
        for code, words in FAULTS.items():
            count = int(np.count_nonzero(self.fault == code))
            if count:
                parts.append(words if self.fault.size == 1 else f"in {count} spectra {words}")
        return "; ".join(parts)

    def filled(self) -> FloatArray:
        """Positions with gaps closed by straight lines along the order of the scan; flat array.

        Raises
        ------
        BadData
            If there is no position at all.
        """
        flat = self.position.reshape(-1)
        known = np.isfinite(flat)
        if not known.any():
            raise BadData(f"No spectrum has a measurable zero-loss peak ({self.faults()})", where="alignment")
        at = np.arange(flat.size, dtype=float)
        return np.interp(at, at[known], flat[known])


def search_window(spectrum: Spectrum, window: tuple[float, float] | None = None) -> slice:
    """Part of the axis in which the zero-loss peak is looked for: the given one, else all of an axis that holds 0 eV.

    Raises
    ------
    BadData
        If the spectrum is no energy-loss spectrum with equal steps, or 0 eV is not on its axis.
    """
    if spectrum.axis.quantity != "energy_loss":
        raise BadData("Only energy-loss spectra have a zero-loss peak", where=spectrum.name)
    if not is_even(spectrum.axis):
        raise BadData("The energy axis has unequal steps", where=spectrum.name, todo="Resample it first")
    if window is not None:
        return spectrum.part(*window)
    if not spectrum.x[0] <= 0.0 <= spectrum.x[-1]:
        raise BadData(
            f"There is no zero loss on this axis ({spectrum.x[0]:g} to {spectrum.x[-1]:g} eV)", where=spectrum.name,
            todo="Use the low loss of the same scan, or say where to search if the axis is not calibrated",
        )
    return slice(0, spectrum.x.size)


def positions(
    spectrum: Spectrum, window: tuple[float, float] | None = None, *, progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Positions:
    """Zero-loss peaks of every spectrum, piece by piece.

    Errors are those of the counting; with correlated channels they are enlarged as for smooth quantities.

    Raises
    ------
    BadData
        As `search_window`.
    Cancelled
    """
    part = search_window(spectrum, window)
    noise, x = spectrum.noise, spectrum.x[part]
    known = noise.kind == "poisson" and noise.gain is not None
    gain = (noise.gain or 1.0) * correlation_factor(max(noise.correlation, 0.0))
    columns = [np.empty(spectrum.pixels) for _ in range(4)]
    fault = np.empty(spectrum.pixels, np.int8)
    for start, stop, rows in spectrum.pieces():
        if cancel is not None and cancel():
            raise Cancelled("The search for the zero-loss peaks was stopped", where=spectrum.name)
        found = locate(x, rows[:, part], gain=gain, strict=False)
        fault[start:stop] = found.fault
        for column, values in zip(columns, (found.position, found.position_err, found.fwhm, found.fwhm_err),
                                  strict=True):
            column[start:stop] = values
        if progress is not None:
            progress(stop / spectrum.pixels, f"Zero loss of {stop} spectra")
    if not known:
        columns[1][:], columns[3][:] = np.nan, np.nan
    shape = tuple(len(axis) for axis in spectrum.navigation)
    shaped = [column.reshape(shape) for column in columns]
    return Positions(*shaped, fault.reshape(shape))


def align_step(spectrum: Spectrum, shifts: FloatArray, *, method: str = "linear", note: str = "") -> Step:
    """The step that subtracts a shift from each spectrum's energies.

    Parameters
    ----------
    spectrum : Spectrum
        What the step will act on.
    shifts : array, shape (pixels,)
        In eV.
    method : str
        "linear" between channels or "whole" channels.

    Raises
    ------
    BadData
        If the shifts do not fit the spectra, or leave no common range.
    """
    shifts = np.round(np.asarray(shifts, float).reshape(-1), 5)
    if shifts.size != spectrum.pixels or not np.all(np.isfinite(shifts)):
        raise BadData(f"{shifts.size} shifts do not fit {spectrum.pixels} spectra", where=spectrum.name)
    # The commonest shift moves nothing between channels; a single spectrum only gets another axis.
    origin = float(spectrum.x[0] - np.median(shifts))
    first, last = common_range(spectrum.x, shifts, origin)
    start = origin + first * _step_of(spectrum)
    place = (start + shifts - spectrum.x[0]) / _step_of(spectrum)
    part = place - np.floor(place)
    # Kept in the step, since of an image on disk it sees only pieces.
    blur = float(np.mean(part * (1.0 - part))) if method == "linear" else 0.0
    params = (("shifts", " ".join(f"{shift:.5f}" for shift in shifts)), ("start", start),
              ("channels", float(last - first + 1)), ("method", method), ("blur", round(blur, 6)))
    return Step("align", params, note)


def _step_of(spectrum: Spectrum) -> float:
    return float(spectrum.x[-1] - spectrum.x[0]) / (spectrum.x.size - 1)


def align(spectrum: Spectrum, step: Step) -> Spectrum:
    """Every spectrum moved by its shift, onto the axis that the step says.

    Straight lines between channels keep counts and sign; they make lines wider (a variance of f (1 - f) channels**2 at
    the fraction f) and correlate neighbours, which the noise says. Channels that not all spectra reach are gone.
    """
    method = step.word("method", METHODS)
    shifts = np.array(step.numbers("shifts"))
    if shifts.size != spectrum.pixels:
        raise BadModel(f"{shifts.size} shifts do not fit {spectrum.pixels} spectra", where=spectrum.name,
                       todo="Take the alignment out of the recipe and align anew")
    if spectrum.axis.quantity != "energy_loss" or not is_even(spectrum.axis) or spectrum.x.size < 3:
        raise BadData("Alignment needs energy losses with equal steps", where=spectrum.name)
    channels, start = step.whole("channels", 3, spectrum.x.size), step.number("start")
    rows = spectrum.rows(0, spectrum.pixels)
    moved, part = move(spectrum.x, rows, shifts, start, channels, whole=method == "whole")
    noise, r = spectrum.noise, spectrum.noise.correlation
    # Variance that is left of single channels, for the mean of all spectra; sums over many channels keep theirs.
    share = 1.0 - 2.0 * step.number("blur", float(np.mean(part * (1.0 - part)))) * (1.0 - r)
    if share < 1.0:
        noise = replace(noise, gain=None if noise.gain is None else noise.gain * share,
                        read_noise=noise.read_noise * float(np.sqrt(share)),
                        correlation=correlation_of(correlation_factor(r) / share))
    width = _step_of(spectrum)
    done = spectrum.with_(
        axis=replace(spectrum.axis, values=start + width * np.arange(channels)),
        counts=moved.reshape(*spectrum.counts.shape[:-1], channels), noise=noise, transmission=None,
    )
    if spectrum.pixels == 1:
        return noted(done, "aligned", f"zero loss moved from {shifts[0]:.4f} eV to 0")
    how = "between channels; neighbours correlate" if method == "linear" else "by whole channels"
    return noted(done, "aligned", f"every spectrum moved {how}" + (f"; {step.note}" if step.note else ""))


def axis_step(step: Step) -> Step:
    """What an alignment does to the energies of a typical spectrum, as a calibration; other steps as they are."""
    if step.kind != "align":
        return step
    return loss_scale_step((float(np.median(step.numbers("shifts"))),), (0.0,))
