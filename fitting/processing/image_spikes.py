"""Spikes in images and series (cosmic rays): channels that stand out in one spectrum and not in the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray, Spectrum
from fitting.processing.noise import noted
from fitting.processing.spikes import Spike
from fitting.processing.step import Step
from fitting.processing.sweeps import Cancel, Progress
from libraries.errors import BadData, BadModel, Cancelled

THRESHOLD = 8.0  # standard errors; a large image has a million channels
_SAMPLE = 1024  # spectra from which the usual scatter is taken
_REACH = 20  # a drift of more than this part of the axis is none
_MOST = 0.02  # share of the channels of a spectrum that may be spikes
_NONE = "-"
# Cubic through the four neighbours of a channel, as for single spectra (`fitting.processing.spikes`).
_NEAR, _FAR, _VARIANCE = 4.0 / 6.0, -1.0 / 6.0, 70.0 / 36.0


def _bend(rows: FloatArray) -> FloatArray:
    """How far every channel stands above the cubic through its neighbours; 0 for two channels at either end."""
    result = np.zeros(rows.shape)
    result[:, 2:-2] = rows[:, 2:-2] - (
        _NEAR * (rows[:, 1:-3] + rows[:, 3:-1]) + _FAR * (rows[:, :-4] + rows[:, 4:]))
    return result


def find_image_spikes(
    spectrum: Spectrum, threshold: float = THRESHOLD, *, progress: Progress | None = None, cancel: Cancel | None = None
) -> tuple[tuple[int, Spike], ...]:
    """Spikes of all spectra, as (number of the spectrum in the flattened navigation, spike).

    A channel's height above its neighbours is compared with what the mean spectrum has there, scaled to the intensity
    around it (a zero-loss peak is no spike), and with the scatter of that difference over all spectra: its median
    absolute deviation in each channel, of counts proportional to the root of the intensity.

    Parameters
    ----------
    spectrum : Spectrum
        An image or series, as measured.
    threshold : float
        In standard errors.

    Raises
    ------
    BadData
        If there are fewer than eight spectra or 20 channels.
    Cancelled
    """
    if spectrum.pixels < 8 or spectrum.x.size < 20:
        raise BadData("Spikes are told by comparing at least eight spectra of 20 channels", where=spectrum.name)
    if not threshold > 0:
        raise BadModel("The threshold of spikes is above zero", where=f"{threshold:g}")
    every = max(1, spectrum.pixels // _SAMPLE)
    sample = np.concatenate([rows[(-start) % every :: every] for start, _, rows in spectrum.pieces()])
    # Zero-loss peaks that wander by whole channels are laid over each other, or each would stand out of the others.
    centre = int(np.median(np.argmax(sample, axis=1)))
    sample = _laid(sample, _offsets(sample, centre))
    # The median of scaled spectra: a cosmic ray in one of them does not show.
    size = np.maximum(sample.sum(axis=1), 1e-300)
    usual = np.median(sample / size[:, None], axis=0)
    if not usual.sum() > 0:
        usual = np.maximum(sample.mean(axis=0), 0.0)
    usual = usual / max(float(usual.sum()), 1e-300)
    counted = spectrum.noise.kind == "poisson"
    excess, level = _excess(sample, usual)
    root = np.sqrt(level) if counted else np.ones(level.shape)
    scatter = 1.4826 * np.median(np.abs(excess) / root, axis=0)
    # Channels that are empty nearly everywhere scatter by nothing: the usual scatter of the others is the least.
    if not scatter.max() > 0:
        return ()
    floor = float(np.median(scatter[2:-2])) or float(np.median(scatter[scatter > 0]))  # most channels may be empty
    scatter = np.maximum(scatter, floor)
    # One event more than expected is no spike where hardly any are: variance gain * (level + gain).
    least = float(np.median(scatter[2:-2])) ** 2 / _VARIANCE if counted else 0.0
    found: list[tuple[int, Spike]] = []
    for start, stop, rows in spectrum.pieces():
        if cancel is not None and cancel():
            raise Cancelled("The search for spikes was stopped", where=spectrum.name)
        offsets = _offsets(rows, centre)
        for row, channel, value, expected, strength in _of_piece(
            _laid(rows, offsets), usual, scatter, threshold, least, counted
        ):
            at = channel + int(offsets[row])
            if 0 <= at < spectrum.x.size:
                found.append((start + row, Spike(at, float(spectrum.x[at]), value, expected, strength)))
        if progress is not None:
            progress(stop / spectrum.pixels, f"{len(found)} spikes in {stop} spectra")
    return tuple(found)


def _excess(rows: FloatArray, usual: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Height above the neighbours beyond the usual, and the intensity that is expected from the neighbours."""
    bend = _bend(rows)
    around = np.maximum(rows - bend, 0.0)
    base = np.maximum(usual - _bend(usual[None, :])[0], 1e-3 * float(usual.max()) + 1e-300)
    scale = around / base
    # Where the usual spectrum is curved its own height above the neighbours is no news.
    expected = around + np.clip(scale * _bend(usual[None, :])[0], -around, 10.0 * around)
    # Few counts scatter, and so would what is expected from them: the usual spectrum says how many there should be.
    floor = np.maximum(rows.sum(axis=1, keepdims=True), 0.0) * usual + 1e-300
    return rows - expected, np.maximum(expected, floor)


def _above_both_sides(rows: FloatArray) -> FloatArray:
    """How far every channel stands above what lies on its higher side: little for the first channel of a step.

    Of the two channels on a side the lower one counts, so that a spike may be two channels wide.
    """
    result = np.zeros(rows.shape)
    left, right = np.minimum(rows[:, :-4], rows[:, 1:-3]), np.minimum(rows[:, 3:-1], rows[:, 4:])
    result[:, 2:-2] = rows[:, 2:-2] - np.maximum(left, right)
    return result


def _offsets(rows: FloatArray, centre: int) -> NDArray[np.intp]:
    """By how many channels the maximum of each row lies off `centre`; 0 where that is far, which is no drift."""
    offsets = np.argmax(rows, axis=1) - centre
    return np.where(np.abs(offsets) <= rows.shape[1] // _REACH, offsets, 0)


def _laid(rows: FloatArray, offsets: NDArray[np.intp]) -> FloatArray:
    """Rows moved back by whole channels; at the ends the last channel goes on."""
    at = np.clip(np.arange(rows.shape[1]) + offsets[:, None], 0, rows.shape[1] - 1)
    return np.take_along_axis(rows, at, axis=1)


def _of_piece(
    rows: FloatArray, usual: FloatArray, scatter: FloatArray, threshold: float, least: float, counted: bool
) -> list[tuple[int, int, float, float, float]]:
    """Row, channel, value, expected value and significance of every spike."""
    found: dict[tuple[int, int], tuple[float, float, float]] = {}
    rows, most = rows.copy(), max(int(_MOST * rows.shape[1]), 1)
    at = np.arange(len(rows))
    for _ in range(most):
        # One channel of each spectrum at a time: what stands beside a spike must not be taken for one.
        excess, level = _excess(rows[at], usual)
        above = _above_both_sides(rows[at])
        size = np.sqrt(np.maximum(level, rows[at] - above) + least) if counted else 1.0
        significance = np.minimum(excess, above) / (scatter * size)
        significance[:, :2], significance[:, -2:] = 0.0, 0.0
        channel = np.argmax(significance, axis=1)
        strength = significance[np.arange(at.size), channel]
        hit = np.flatnonzero(strength > threshold)
        if not hit.size:
            break
        for k in hit:
            row, c = int(at[k]), int(channel[k])
            value, expected = float(rows[row, c]), float(rows[row, c] - excess[k, c])
            found.setdefault((row, c), (value, expected, float(strength[k])))
            rows[row, c] = expected
        at = at[hit]
    return [(row, c, *told) for (row, c), told in sorted(found.items())]


def image_spikes_step(spectrum: Spectrum, spikes: tuple[tuple[int, Spike], ...], threshold: float) -> Step:
    """The step that takes these spikes out: a list of channels for every spectrum, "-" for none."""
    words = [_NONE] * spectrum.pixels
    for number, spike in spikes:
        words[number] = str(spike.channel) if words[number] == _NONE else f"{words[number]},{spike.channel}"
    params = (("places", " ".join(words)), ("threshold", float(threshold)), ("count", float(len(spikes))))
    return Step("image_spikes", params, "cosmic rays or sparks")


def image_spikes(spectrum: Spectrum, step: Step) -> Spectrum:
    """Replace the listed channels of every spectrum by the line between the nearest channels that are not listed.

    The noise stays as it is; the few replaced channels scatter less than it says.
    """
    words, n = step.text("places").split(), spectrum.x.size
    if len(words) != spectrum.pixels:
        raise BadModel(f"Spikes of {len(words)} spectra do not fit {spectrum.pixels}", where=spectrum.name,
                       todo="Take the step out and look for spikes anew")
    y = spectrum.rows(0, spectrum.pixels).copy()
    for row, word in zip(y, words, strict=True):
        if word == _NONE:
            continue
        parts = word.split(",")
        if not all(part.isdigit() and int(part) < n for part in parts) or len(parts) > n // 2:
            raise BadModel("The listed spikes are no channels of this spectrum", where=word[:40])
        channels = np.array(sorted({int(part) for part in parts}))
        good = np.setdiff1d(np.arange(n), channels)
        row[channels] = np.interp(spectrum.x[channels], spectrum.x[good], row[good])
    if spectrum.counts.dtype.kind in "iu":
        y = np.round(y).astype(spectrum.counts.dtype)
    done = spectrum.with_(counts=y.reshape(spectrum.counts.shape))
    count = int(step.number("count", 0.0))
    return noted(done, "spikes", f"{count} channels of {sum(w != _NONE for w in words)} spectra replaced")
