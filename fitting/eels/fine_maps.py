"""Fine structure in every pixel of an image: the parts of the model of the sum, with amounts and shifts of their own.

    white lines: power law, every L3 line, L2 lines, double step, O K; one shift for the edge, one for O K
    carbon:      power law, pi*, all the rest; one shift, and the width of pi*

What is not fitted (widths, splittings, the low loss) is that of the sum. The onset of a pixel is read from its own
curve, as that of a single spectrum: where the profile changes, the edge does not move as a whole.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import Axis, FloatArray, Noise, Spectrum
from fitting.eels.edge_model import BackgroundOf, Curves
from fitting.eels.fine_setup import FineSetup
from fitting.eels.propagation import Quantities
from fitting.eels.shifted_templates import GOOD, LEGEND, WEAK, Template, TemplateFit, TemplateModel, margin_of
from fitting.eels.valence import Calibration, valence_of
from fitting.eels.white_line_quantities import POSITIONS, RELATIVE
from fitting.evaluate import Evaluator
from fitting.image.maps import Map
from fitting.model import FitModel
from fitting.result import FitResult
from libraries.errors import BadData, Cancelled, NotDetermined, SodaliteError

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]
_PIECE = 1 << 20  # numbers of the derivatives that are held at a time
_WIDTHS = np.linspace(0.5, 2.0, 13)  # of pi*, in parts of the width of the sum
_FIRM = 3.0
_GRID = 0.05  # eV, of the curves on which positions are read
_GROUPS = (("L2", "l2", 0), ("step", "s", 0), ("O K", "ok", 1))


def fine_maps(
    image: Spectrum, result: FitResult, setup: FineSetup, quantities: Quantities, *, measure: str = "l3_onset",
    calibration: Calibration | None = None, zero: tuple[FloatArray, FloatArray] | None = None, group: str = "",
    data_hash: str = "", progress: Progress | None = None, cancel: Cancel | None = None,
) -> tuple[Map, ...]:
    """Maps of positions, ratios and, with a calibration, of the valence; or of the shares and widths of pi*.

    Parameters
    ----------
    image : Spectrum
        After its recipe, with navigation.
    result : FitResult
        Of the sum over the image or a part of it.
    setup : FineSetup
    quantities : Quantities
        Of that sum, to which shifts and amounts refer.
    measure : str
        Position that is mapped, a key of `POSITIONS`.
    calibration : Calibration, optional
    zero : (position, error), each shape (pixels,), optional
        Zero loss of every pixel, for the internal reference "zero loss".
    group, data_hash : str
        As in `Map`.
    progress, cancel : callables, optional

    Raises
    ------
    Cancelled
    BadData
        If it is no image, or its axis is not even.
    """
    if not image.navigation:
        raise BadData("This is a single spectrum, not an image", where=image.name)
    part = image.part(*result.model.region)
    x = image.x[part]
    model = _carbon(result.model, x) if setup.carbon else _white(result.model, x)
    found = _all_pixels(image, part, model, progress, cancel)
    make = _carbon_maps if setup.carbon else _white_maps
    rows = make(found, result.model, setup, quantities, measure, calibration, zero)
    shape = tuple(len(axis) for axis in image.navigation)
    flags, legend = _flags(found, setup)
    maps = []
    for id, name, unit, values, errors, words in rows:
        bad = (flags != GOOD) & (id != "chi2")
        maps.append(Map(
            f"fine_{group}_{id}".replace(" ", "_"), f"{setup.edge}, {name}", unit,
            np.where(bad, np.nan, values).reshape(shape), np.where(bad, np.nan, errors).reshape(shape),
            flags.reshape(shape), legend, group, "fine structure", words, (), data_hash,
        ))
    return tuple(maps)


def _templates(
    model: FitModel, x: FloatArray, groups: list[tuple[str, list[str], int]], wide: str = ""
) -> list[Template]:
    """Background and groups of components as curves with a margin."""
    margin = margin_of(x)
    step = float(np.mean(np.diff(x)))
    if np.max(np.abs(np.diff(x) / step - 1.0)) > 1e-3:
        raise BadData("The energy axis is not evenly spaced", where=model.name, todo="Resample the image first")
    grid = x[0] + step * np.arange(-margin, x.size + margin)
    values = Evaluator.values_of(model)
    names = list(model.params)
    blank = Spectrum(Axis(x, "energy_loss"), np.ones_like(x), Noise("unknown"))
    background = np.pad(BackgroundOf(blank, model).of(values), margin, mode="edge")
    curves = Curves(model, grid, single=False)
    found = [Template("background", background[None], np.zeros(1))]
    for name, ids, shift in groups:
        if name == wide:
            at = names.index(f"{ids[0]}.fwhm")
            widths = values[at] * _WIDTHS
            rows = []
            for width in widths:
                changed = values.copy()
                changed[at] = width
                rows.append(sum(curves.of(changed)[id] for id in ids))
            found.append(Template(name, np.stack(rows), widths, shift))
            continue
        at_fit = curves.of(values)
        found.append(Template(name, sum(at_fit[id] for id in ids)[None], np.zeros(1), shift))
    return found


def _white(model: FitModel, x: FloatArray) -> TemplateModel:
    ids = [c.id for c in model.components]
    groups = [(id, [id], 0) for id in ids if id.startswith("l3")]
    groups += [(name, [id for id in ids if id.startswith(prefix)], shift) for name, prefix, shift in _GROUPS]
    groups = [g for g in groups if g[1]]
    oxygen = any(g[0] == "O K" for g in groups)
    return TemplateModel(_templates(model, x, groups), x, 2 if oxygen else 1)


def _carbon(model: FitModel, x: FloatArray) -> TemplateModel:
    ids = [c.id for c in model.components]
    groups = [("pi", ["pi"], 0), ("rest", [id for id in ids if id != "pi"], 0)]
    return TemplateModel(_templates(model, x, groups, wide="pi"), x, 1)


def _all_pixels(
    image: Spectrum, part: slice, model: TemplateModel, progress: Progress | None, cancel: Cancel | None
) -> TemplateFit:
    gain = image.noise.gain or 1.0
    n, k = model.x.size, len(model.names)
    batch = max(_PIECE // (n * k), 8)
    pieces: list[TemplateFit] = []
    total = image.pixels
    for start, stop, rows in image.pieces(max(batch * 16, 64) * len(image.axis)):
        for low in range(0, stop - start, batch):
            if cancel is not None and cancel():
                raise Cancelled("The map was stopped", where=image.name)
            pieces.append(model.fit(np.ascontiguousarray(rows[low : low + batch, part]), gain))
            if progress is not None:
                done = min(start + low + batch, total)
                progress(done / total, f"{done} of {total} pixels")
    known = image.noise.kind == "poisson" and image.noise.gain is not None
    covariance = np.concatenate([one.covariance for one in pieces])
    chi2 = np.concatenate([one.chi2 for one in pieces])
    # Of unknown gain, the scatter about the fit tells it, pixel by pixel; known noise is enlarged where it is exceeded.
    exceeded = chi2 > 1.0 + 3.1 * math.sqrt(2.0 / max(n - k, 1))
    grown = np.where(exceeded, chi2, 1.0) if known else chi2
    return TemplateFit(model.names, np.concatenate([one.values for one in pieces]), covariance * grown[:, None, None],
                       chi2, np.concatenate([one.flags for one in pieces]))


def _flags(found: TemplateFit, setup: FineSetup) -> tuple[NDArray[np.uint8], tuple[tuple[int, str], ...]]:
    name = "pi" if setup.carbon else "l3"
    weak = found.column(name) < _FIRM * np.sqrt(np.maximum(found.variance(name), 0.0))
    flags = np.where((found.flags == GOOD) & weak, WEAK, found.flags)
    return flags.astype(np.uint8), LEGEND


Row = tuple[str, str, str, FloatArray, FloatArray, str]


def _error(variance: FloatArray) -> FloatArray:
    return np.sqrt(np.where(variance > 0, variance, np.nan))


def _shares(found: TemplateFit, model: FitModel) -> FloatArray:
    """Weights of the parameters that add up to the amount of all L3 lines, in parts of that of the sum."""
    areas = {name: model.component(name).value("area") for name in found.names if name.startswith("l3")}
    total = sum(areas.values())
    return np.array([areas.get(name, 0.0) / total if total > 0 else 0.0 for name in found.names])


def _divided(found: TemplateFit, a: FloatArray, b: str, factor: float) -> tuple[FloatArray, FloatArray]:
    """factor times (weighted sum of parameters)/b with its error."""
    top, bottom = found.values @ a, found.column(b)
    safe = np.where(bottom > 0, bottom, np.nan)
    ratio = top / safe
    slopes = a[None, :] - ratio[:, None] * (np.array(found.names) == b)
    return factor * ratio, abs(factor) * _error(np.einsum("pi,pij,pj->p", slopes, found.covariance, slopes) / safe**2)


def _moved(
    found: TemplateFit, model: FitModel, measure: str, window: float
) -> tuple[FloatArray, FloatArray]:
    """How far a position of every pixel's curve lies from that of the sum, and its derivatives by the parameters."""
    e3, e2 = (model.component(id).value("position") for id in ("l3", "l2"))
    grid = np.arange(e3 - 10.0, max(e2, e3 + window + 1.0), _GRID)
    curves = Curves(model, grid, single=True)
    parts = curves.of(Evaluator.values_of(model))
    names = [name for name in found.names if name.startswith("l3") or name in ("L2", "step")]
    prefix = {"L2": "l2", "step": "s"}
    basis = np.stack([sum(c for id, c in parts.items() if (id == n if n.startswith("l3") else id.startswith(prefix[n])))
                      for n in names])
    places = [found.names.index(n) for n in names]
    lines = np.array([n.startswith("l3") or n == "L2" for n in names])
    amounts = np.maximum(found.values[:, places], 0.0)
    x = curves.x
    l3 = sum(c for id, c in parts.items() if id.startswith("l3"))
    top = min(int(np.argmax(l3)) + round(1.5 / _GRID), x.size)  # L2 may be the higher one

    def read(a: FloatArray) -> FloatArray:
        return _positions(x, a @ basis, (a * lines) @ basis, top, measure, window)

    start = read(np.ones((1, len(names))))[0]
    value = read(amounts)
    slopes = np.zeros(found.values.shape)
    for k, place in enumerate(places):
        step = 0.02 * np.maximum(np.abs(amounts[:, k]), 0.05 * np.max(amounts, axis=1))
        ends = []
        for sign in (1.0, -1.0):
            changed = amounts.copy()
            changed[:, k] = np.maximum(changed[:, k] + sign * step, 0.0)
            ends.append((read(changed), changed[:, k]))
        width = ends[0][1] - ends[1][1]
        slopes[:, place] = (ends[0][0] - ends[1][0]) / np.where(width > 0, width, np.nan)
    at = found.names.index("shift 0")
    slopes[:, at] = 1.0
    return value - start + found.values[:, at], slopes


def _positions(
    x: FloatArray, rows: FloatArray, white: FloatArray, stop: int, measure: str, window: float
) -> FloatArray:
    """Onset, inflexion, maximum or centroid of many curves (rows: lines and steps, white: lines alone)."""
    step = x[1] - x[0]
    index = np.arange(rows.shape[0])
    top = np.argmax(rows[:, :stop], axis=1)
    height = rows[index, top]
    if measure == "l3_maximum":
        return _vertices(x, rows, top)
    before = np.arange(rows.shape[1])[None, :] < top[:, None]
    if measure == "l3_inflexion":
        slope = np.where(before[:, 1:], np.diff(rows, axis=1), -np.inf)
        return _vertices(x[:-1] + 0.5 * step, np.where(np.isfinite(slope), slope, 0.0), np.argmax(slope, axis=1))
    low = before & (rows < 0.5 * height[:, None])
    last = rows.shape[1] - 1 - np.argmax(low[:, ::-1], axis=1)
    last = np.clip(np.where(np.any(low, axis=1), last, 0), 0, rows.shape[1] - 2)
    rise = rows[index, last + 1] - rows[index, last]
    share = (0.5 * height - rows[index, last]) / np.where(rise > 0, rise, np.nan)
    onset = x[last] + share * step
    if measure == "l3_onset":
        return onset
    start = np.where(np.isfinite(onset), onset, x[0])[:, None]
    inside = np.clip((np.minimum(x + 0.5 * step, start + window) - np.maximum(x - 0.5 * step, start)) / step, 0.0, 1.0)
    total = np.sum(inside * white, axis=1)
    return np.sum(inside * white * x, axis=1) / np.where(total > 0, total, np.nan)


def _vertices(x: FloatArray, rows: FloatArray, at: NDArray[np.intp]) -> FloatArray:
    """Vertices of the parabolas through three neighbours."""
    at = np.clip(at, 1, rows.shape[1] - 2)
    index = np.arange(rows.shape[0])
    left, middle, right = (rows[index, at + k] for k in (-1, 0, 1))
    bend = left - 2.0 * middle + right
    return x[at] + 0.5 * (left - right) / np.where(bend < 0, bend, np.nan) * (x[1] - x[0])


def _white_maps(
    found: TemplateFit, model: FitModel, setup: FineSetup, quantities: Quantities, measure: str,
    calibration: Calibration | None, zero: tuple[FloatArray, FloatArray] | None,
) -> list[Row]:
    relative = setup.reference != "none"
    base = quantities.get(measure + (RELATIVE if relative else ""))
    if base is None or not base.known:
        raise NotDetermined(f"{POSITIONS[measure]} of the sum is not determined", where=setup.edge)
    shift, slopes = _moved(found, model, measure, setup.centroid)
    if setup.reference == "O K" and "shift 1" in found.names:
        shift = shift - found.column("shift 1")
        slopes[:, found.names.index("shift 1")] -= 1.0
    variance = np.einsum("pi,pij,pj->p", slopes, found.covariance, slopes)
    if setup.reference == "zero loss" and zero is not None:
        shift = shift - (zero[0] - setup.reference_energy)
        variance = variance + zero[1] ** 2
    position, error = base.value + shift, _error(variance)
    counted = f", counted from {setup.reference}" if relative else ""
    note = "; the low loss has other pixels, its zero loss is that of the sum" if (
        setup.reference == "zero loss" and zero is None) else ""
    words = f"{POSITIONS[measure]} of the pixel's own curve{counted}{note}"
    name = POSITIONS[measure] + (f" − {setup.reference}" if relative else "")
    rows: list[Row] = [("position", name, "eV", position, error, words)]
    ratio = quantities.get("ratio_pearson")
    if ratio is not None and ratio.known and "L2" in found.names:
        values, errors = _divided(found, _shares(found, model), "L2", ratio.value)
        rows.append(("ratio", "L3/L2", "", values, errors, f"L3/L2 of the sum times that of the amounts; {ratio.how}"))
    total = _shares(found, model)
    amount = found.values @ total
    mean = float(np.mean(amount[found.flags == GOOD])) if np.any(found.flags == GOOD) else 1.0
    mean = mean if mean > 0 else 1.0
    rows.append(("amount", "L3 intensity, relative to the mean", "", amount / mean,
                 _error(np.einsum("i,pij,j->p", total, found.covariance, total)) / mean,
                 "intensity of the L3 lines in parts of its mean over the good pixels"))
    if calibration is not None:
        values, errors = _valences(position, error, calibration)
        rows.append(("valence", "valence", "", values, errors, f"from {name} by the calibration {calibration.name}"))
    rows.append(("chi2", "reduced χ²", "", found.chi2, np.full(found.chi2.size, np.nan), "misfit of every pixel"))
    return rows


def _valences(position: FloatArray, error: FloatArray, calibration: Calibration) -> tuple[FloatArray, FloatArray]:
    values, errors = np.full(position.size, np.nan), np.full(position.size, np.nan)
    for i, (e, s) in enumerate(zip(position, error, strict=True)):
        if math.isfinite(e) and math.isfinite(s):
            try:
                one = valence_of(float(e), float(s), calibration)
            except SodaliteError:
                continue
            values[i], errors[i] = one.value, one.error
    return values, errors


def _carbon_maps(
    found: TemplateFit, model: FitModel, setup: FineSetup, quantities: Quantities, measure: str,
    calibration: Calibration | None, zero: tuple[FloatArray, FloatArray] | None,
) -> list[Row]:
    base = quantities.get("pi_position")
    rows: list[Row] = []
    if base is not None:
        rows.append(("position", "π* position", "eV", base.value + found.column("shift 0"),
                     _error(found.variance("shift 0")), "π* of the sum, moved by the shift of the pixel's edge"))
    rows.append(("width", "π* width (FWHM)", "eV", found.column("width pi"), _error(found.variance("width pi")),
                 "sharpness: width of the π* line of every pixel"))
    ratio = quantities.get("ratio")
    if ratio is not None and ratio.known and 0 < ratio.value < 1:
        # With the amounts a of pi* and b of the rest: R = r a/(r a + (1 - r) b).
        a, b, r = found.column("pi"), found.column("rest"), ratio.value
        bottom = r * a + (1 - r) * b
        bottom = np.where(bottom > 0, bottom, np.nan)
        da, db = r * (1 - r) * b / bottom**2, -r * (1 - r) * a / bottom**2
        variance = (da**2 * found.variance("pi") + 2 * da * db * found.variance("pi", "rest")
                    + db**2 * found.variance("rest"))
        rows.append(("ratio", "π*/(π* + σ*)", "", r * a / bottom, _error(variance), ratio.how))
    rows.append(("chi2", "reduced χ²", "", found.chi2, np.full(found.chi2.size, np.nan), "misfit of every pixel"))
    return rows
