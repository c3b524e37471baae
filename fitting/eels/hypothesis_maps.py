"""The test of `fitting.eels.hypotheses` on every pixel of an image, by the batch engine.

Spectra are brought to one zero-loss area first, so that the double plasmon is tied to each pixel's own zero loss and
all pixels share their starting values; amounts are then per electron of the zero loss.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.batch import BatchJob, MemoryResults, fit_many
from fitting.dataset import Axis, FloatArray, Noise, Spectrum
from fitting.eels.conditions import beam_of
from fitting.eels.hypotheses import (
    CLEAR,
    HYPOTHESES,
    LIKE_SODIUM,
    ONE_SIDED,
    SOURCE,
    UNLIKE,
    VERDICTS,
    WORST,
    at_zero,
    criterion,
    decisions,
    limit_model,
    models,
    region_of,
    verdict_of,
    weights,
)
from fitting.eels.log_ratio import gain_of
from fitting.eels.low_loss import Zero, angular_shift
from fitting.eels.sodium_edge import SHARP, line_position, sodium_edge
from fitting.eels.zero_loss import locate
from fitting.image.maps import Map
from fitting.model import FitModel
from fitting.solver import Cancel, Progress
from libraries.errors import BadData, Cancelled, NotDetermined

THINNEST = 0.02  # t/lambda below which a pixel is called vacuum, where it is also below five standard errors
_SPREAD = 0.6  # channels: scatter of the zero-loss positions that the common peak shape allows
GROUP = "sodium or carbon"
VACUUM = len(VERDICTS)
REGIONS: tuple[str, ...] = (
    "not determined", "vacuum", "carbon", "Na metal", "Na compound like NaF", "neither sodium metal nor carbon",
)
FLAGS = ((0, "good"), (1, "no fit: vacuum"), (2, "no usable zero-loss peak"), (3, "a fit failed"),
         (4, "no model describes the data"), (5, "the models differ too little"), (6, "amount at its bound"))


@dataclass(frozen=True, eq=False)
class _Normalised:
    """Spectra of an image, each divided by its zero-loss area and multiplied by a common one; vacuum is NaN."""

    spectrum: Spectrum
    factor: FloatArray
    lock: threading.Lock
    portable = False

    @property
    def shape(self) -> tuple[int, ...]:
        return (*(len(axis) for axis in self.spectrum.navigation), len(self.spectrum.axis))

    @property
    def dtype(self) -> np.dtype[np.float64]:
        return np.dtype(np.float64)

    @property
    def fingerprint(self) -> str:
        return self.spectrum.hash

    def read(self, start: int, stop: int) -> NDArray[np.float64]:
        with self.lock:
            rows = self.spectrum.rows(start, stop)
        return rows * self.factor[start:stop, None]

    def readable(self) -> bool:
        return True


@dataclass(frozen=True, eq=False)
class _Survey:
    """What a first walk over the image finds of every pixel, flattened."""

    zero: FloatArray
    relative: FloatArray
    relative_err: FloatArray
    fault: NDArray[np.bool_]

    @property
    def vacuum(self) -> NDArray[np.bool_]:
        thin = (self.relative < THINNEST) & (self.relative < np.maximum(5.0 * self.relative_err, 0.01))
        return ~self.fault & (thin | (self.relative < 0.002))


def sodium_maps(
    image: Spectrum, *, progress: Progress | None = None, cancel: Cancel | None = None
) -> tuple[Map, ...]:
    """Maps of the verdict, the weights, the sodium plasmon and the Na L2,3 edge.

    Parameters
    ----------
    image : Spectrum
        An image or series of low-loss spectra, aligned to the zero loss.

    Returns
    -------
    tuple of Map
        "Sodium or carbon" (verdict), "Region" (proposal), probability of sodium, A/I0 with error, 95 % limit, energy
        and width of the plasmon with errors, A/I0 of pi-pi*, exciton at Na L2,3, reduced chi2.

    Raises
    ------
    BadData, NotDetermined
        If the image is not aligned, or the test cannot be carried out at all.
    """
    if not image.navigation:
        raise BadData("This is a single spectrum", where=image.name, todo="Choose an image or a series")
    step = image.axis.step
    overall, zero = at_zero(image.summed())
    moved = image.with_(axis=Axis(overall.x, image.axis.quantity, image.axis.unit))
    gain = image.noise.gain or gain_of(overall)
    survey = _survey(moved, zero, gain, cancel)
    used = ~survey.vacuum & ~survey.fault
    if not used.any():
        raise NotDetermined("No pixel holds losses", where=image.name)
    common = float(np.median(survey.zero[used]))
    factor = np.where(used, common / np.where(survey.zero > 0, survey.zero, 1.0), np.nan)
    start = _models(moved, used, factor, common * step)
    source = _Normalised(moved, factor, threading.Lock())
    fits = _Fits(source, moved, progress, cancel, len(start) + 1)
    found = {key: fits(model) for key, model in start.items()}
    limit = fits(limit_model(start["carbon"], common * step, start["both"]))
    return _Answer(moved, survey, used, factor, gain, common * step, found, limit, zero).maps(image.hash)


def _survey(image: Spectrum, zero: Zero, gain: float, cancel: Cancel | None) -> _Survey:
    n = image.pixels
    areas, totals, places = np.zeros(n), np.zeros(n), np.full(n, np.nan)
    fault = np.zeros(n, bool)
    below = image.x < zero.limit
    for start, stop, rows in image.pieces():
        if cancel is not None and cancel():
            raise Cancelled
        peak = locate(image.x, rows, strict=False)
        areas[start:stop], totals[start:stop] = rows[:, below].sum(axis=1), rows.sum(axis=1)
        places[start:stop], fault[start:stop] = peak.position, peak.fault > 0
    fault |= ~(areas > 0) | ~(totals > 0)
    spread = float(np.nanstd(places[~fault])) / image.axis.step if np.any(~fault) else 0.0
    if spread > _SPREAD:
        raise BadData(f"The zero-loss peaks lie {spread:.1f} channels (standard deviation) apart", where=image.name,
                      todo="Align the image on the Zero loss page first")
    safe, whole = np.where(fault, 1.0, areas), np.where(fault, 1.0, np.maximum(totals, areas))
    error = np.sqrt((gain if math.isfinite(gain) else 1.0) * np.maximum(1.0 / safe - 1.0 / whole, 0.0))
    return _Survey(areas, np.log(whole / safe), error, fault)


def _models(
    moved: Spectrum, used: NDArray[np.bool_], factor: FloatArray, area: float
) -> dict[str, FitModel]:
    """The four models, started from the mean of the pixels that hold losses."""
    shape = tuple(len(axis) for axis in moved.navigation)
    total = moved.summed(used.reshape(shape))
    mean = total.with_(counts=total.y * float(np.nanmean(factor[used])) / int(used.sum()))
    _, zero = at_zero(mean)
    found = models(mean, zero)
    changed = {}
    for key, model in found.items():
        ids = {c.id for c in model.components}
        changed[key] = model.with_values({"zl.area": area}) if "zl" in ids else model
    return changed


class _Fits:
    """One batch after another, with one progress for all."""

    def __init__(self, source: _Normalised, image: Spectrum, progress: Progress | None, cancel: Cancel | None,
                 number: int) -> None:
        self.source, self.image, self.number, self.turn = source, image, number, 0
        self.progress, self.cancel = progress, cancel

    def __call__(self, model: FitModel) -> MemoryResults:
        job = BatchJob(self.image.axis, Noise("poisson", 1.0), model, covariance=False, max_evaluations=400)
        results = MemoryResults(job, self.source.shape)
        turn = self.turn

        def told(fraction: float, text: str) -> None:
            if self.progress is not None:
                self.progress((turn + fraction) / self.number, f"{model.name}: {text.replace('spectra', 'pixels')}")

        summary = fit_many(self.source, job, results, progress=told, cancel=self.cancel)
        if summary.cancelled:
            raise Cancelled
        self.turn += 1
        return results


@dataclass(frozen=True, eq=False)
class _Answer:
    """From fits to maps; everything flattened over the navigation."""

    image: Spectrum
    survey: _Survey
    used: NDArray[np.bool_]
    factor: FloatArray
    gain: float
    area: float
    found: dict[str, MemoryResults]
    limit: MemoryResults
    zero: Zero

    def maps(self, data_hash: str) -> tuple[Map, ...]:
        keys = [key for key, _, _ in HYPOTHESES]
        noise = self.image.noise
        deviance = np.stack([self.found[k].arrays["deviance"].reshape(-1) for k in keys])
        number = np.array([len(self.found[k].job.free) for k in keys])[:, None] * np.ones(len(self.used))
        status = np.stack([self.found[k].arrays["status"].reshape(-1) for k in keys])
        fitted = self.used & np.all(np.isfinite(deviance), axis=0)
        part = self.image.axis.window(*region_of(self.image.summed(), self.zero))
        channels = part.stop - part.start
        gain = self.gain if math.isfinite(self.gain) else 1.0
        units = np.where(fitted, np.where(np.isfinite(self.factor), self.factor, 1.0) * gain, 1.0)
        bic, reduced = criterion(np.where(fitted, deviance, 1.0), number.astype(float), channels, units,
                                 noise.correlation)
        for row, key in enumerate(keys):
            if key in ("sodium", "both"):
                bic[row] += self._unlike(key)
        best = np.argmin(bic, axis=0)
        pick = (best, np.arange(best.size))
        good = status[pick] < 2
        sodium, carbon = decisions(bic)
        verdict = verdict_of(sodium, carbon)
        poor = reduced[pick] > WORST
        flags = np.where(self.survey.fault, 2, np.where(~self.used, 1, np.where(~(fitted & good), 3,
                         np.where(poor, 4, np.where(verdict == 0, 5, 0))))).astype(np.uint8)
        verdict = np.where(flags == 0, verdict, np.where(flags == 1, VACUUM, 0))
        scale = np.sqrt(units * np.maximum(reduced[pick], 1.0) * self._correlated())
        return self._maps(data_hash, bic, reduced[pick], best, verdict, flags, scale)

    def _unlike(self, key: str) -> FloatArray:
        """What is added to the BIC where a plasmon ran to the bounds of its energy or width: that is not sodium."""
        results = self.found[key]
        free, bound = results.job.free, results.arrays["at_bound"].reshape(len(self.used), -1)
        out = np.zeros(len(self.used))
        for name in LIKE_SODIUM:
            out += np.where(bound[:, free.index(name)], UNLIKE, 0.0)
        amount = bound[:, free.index("na.area")]
        return np.where(amount, 0.0, out)

    def _correlated(self) -> float:
        r = max(self.image.noise.correlation, 0.0)
        return (1.0 + r) / (1.0 - r)

    def _of(self, name: str, best: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """A parameter by the better model that has it: with both where that is best or carbon is."""
        out, error = np.full(best.size, np.nan), np.full(best.size, np.nan)
        for key, chosen in (("sodium", best == 1), ("carbon", best == 2), ("both", best == 3)):
            job = self.found[key].job
            if name in job.names and chosen.any():
                out[chosen] = self.found[key].value(name).reshape(-1)[chosen]
                error[chosen] = self.found[key].error(name).reshape(-1)[chosen]
        return out, error

    def _maps(
        self, data_hash: str, bic: FloatArray, reduced: FloatArray, best: NDArray[np.int64],
        verdict: NDArray[np.int64], flags: NDArray[np.uint8], scale: FloatArray,
    ) -> tuple[Map, ...]:
        shape = tuple(len(axis) for axis in self.image.navigation)
        share = weights(bic)
        fitted = flags >= 3
        fitted |= flags == 0
        origin = (f"neither, Na metal, carbon π–π*, both: fits convolved with the zero loss from "
                  f"{self.found['both'].job.model.region[0]:.2f} to {self.found['both'].job.model.region[1]:.2f} eV; "
                  f"BIC weights, open where they differ by less than {CLEAR:g} or χ²ᵣ is above {WORST:g}; {SOURCE}")
        made: list[Map] = []

        def add(id: str, name: str, unit: str, values: FloatArray, error: FloatArray | None = None,
                own: NDArray[np.uint8] | None = None, legend: tuple[tuple[int, str], ...] = FLAGS, kind: str = "sodium",
                words: str = origin) -> None:
            one = flags if own is None else own
            made.append(Map(f"na_{id}", name, unit, np.asarray(values, float).reshape(shape),
                            None if error is None else error.reshape(shape), one.reshape(shape), legend, GROUP, kind,
                            words, (), data_hash))

        legend = (*((code, title) for code, (_, title) in enumerate(VERDICTS)), (VACUUM, "vacuum"))
        add("verdict", "Sodium or carbon", "", verdict.astype(float), None, np.zeros(verdict.size, np.uint8), legend,
            "classes")
        line, line_err, region = self._regions(verdict, flags)
        add("region", "Region, proposed", "", region.astype(float), None, np.zeros(region.size, np.uint8),
            tuple(enumerate(REGIONS)), "classes",
            f"verdict and Na L2,3 exciton (above {SHARP:g} standard errors: a compound like NaF); {origin}")
        probability = np.where(fitted, share[1] + share[3], np.nan)
        add("weight", "Weight of Na metal", "", probability)
        area, error = self._of("na.area", best)
        error = np.where(error > 0, error, np.nan) * scale
        held = np.where((flags == 0) & ~(error > 0), 6, flags).astype(np.uint8)
        add("area", "Na plasmon, A/I₀", "", area / self.area, error / self.area, held)
        for parameter, words in (("position", "energy"), ("fwhm", "width")):
            value, err = self._of(f"na.{parameter}", best)
            err = np.where(err > 0, err, np.nan) * scale
            said = origin
            if parameter == "position":
                value, said = self._collected(value, origin)
            add(parameter, f"Na plasmon, {words}", "eV", value, err,
                np.where((flags == 0) & ~(err > 0), 6, flags).astype(np.uint8), words=said)
        upper, own = (f("na.area").reshape(-1) for f in (self.limit.value, self.limit.error))
        bound = (np.maximum(upper, 0.0) + ONE_SIDED * own * scale) / self.area
        without = fitted & np.isin(best, (0, 2))
        add("limit", "Na plasmon, 95 % upper limit of A/I₀", "", np.where(without, bound, np.nan))
        area, error = self._of("pi.area", best)
        add("pi", "π–π*, A/I₀", "", area / self.area, np.where(error > 0, error, np.nan) * scale / self.area)
        if line is not None:
            add("exciton", "Na L2,3 exciton, A/I₀", "", line, line_err)
        add("chi2", "χ²ᵣ of the best", "", np.where(fitted, reduced, np.nan))
        return tuple(made)

    def _collected(self, energy: FloatArray, origin: str) -> tuple[FloatArray, str]:
        """Energies of the plasmon without the shift by the angular factor, where the beam is known."""
        width, _ = self._of("na.fwhm", np.full(energy.size, 1))
        known = np.isfinite(energy)
        if not known.any():
            return energy, origin
        try:
            shift = angular_shift(float(np.median(energy[known])), float(np.nanmedian(width[known])),
                                  beam_of(self.image))
        except NotDetermined:
            return energy, f"{origin}; beam or angles unknown: not corrected for the angular factor"
        return energy - shift, f"{origin}; {1e3 * -shift:.1f} meV added for the angular factor ln(1 + β²/θ_E²)"

    def _regions(
        self, verdict: NDArray[np.int64], flags: NDArray[np.uint8]
    ) -> tuple[FloatArray | None, FloatArray | None, NDArray[np.int64]]:
        """Exciton of every pixel and the proposal."""
        metal = np.isin(verdict, (2, 4, 5))
        region = np.where(verdict == VACUUM, 1, np.where(metal, 3, np.where(verdict == 3, 2,
                          np.where(verdict == 1, 5, 0))))
        compound = self.used & ~metal
        if not compound.any():
            return None, None, region
        shape = tuple(len(axis) for axis in self.image.navigation)
        total = self.image.summed(compound.reshape(shape))
        try:
            place = line_position(total.x, total.y, self.gain, self.zero.fwhm)
        except NotDetermined:
            return None, None, region
        line, error = np.full(region.size, np.nan), np.full(region.size, np.nan)
        for start, stop, rows in self.image.pieces():
            part = self.used[start:stop]
            if not part.any():
                continue
            edge = sodium_edge(self.image.x, rows[part], self.gain, self.zero.fwhm, place)
            i0 = self.survey.zero[start:stop][part]
            factor = math.sqrt(self._correlated())
            line[start:stop][part], error[start:stop][part] = edge.line / i0, factor * edge.line_err / i0
        seen = compound & (line > SHARP * error)
        # Where plasmon and carbon are open, the exciton alone says that there is a compound.
        region = np.where(seen & (flags != 2), 4, region)
        return line, error, region
