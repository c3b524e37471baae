"""Error intervals of a fit as rows of texts: by profile likelihood, by bootstrap, or not computed yet."""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.files.export import parameter_unit
from app.gui.plot.edits import WORDS
from app.gui.table_view import Cell, Column
from app.numerals import decimals_of, grouped, signed
from app.project.project import Entry, RegionFit
from fitting.backgrounds import kind
from fitting.bootstrap import Bootstrap
from fitting.peaks import error_factor
from fitting.profile import LEVELS, Profiles
from fitting.result import FitResult

Ends = tuple[float, float, str, str]

# Half an interval may be so much longer than the other before it is called asymmetric.
ASYMMETRIC = 1.2
FOR_INTERVALS = 2000
_LEVELS = tuple(f"{100 * level:.0f} %" for level in LEVELS)
_HEAD = (
    Column("Component"), Column("Parameter"), Column("Value", True),
    Column("Error", True, "Standard error from the covariance of the fit"),
)
_BOOTSTRAP = (
    Column("Bootstrap", True, "Standard deviation over the simulated spectra"),
    Column("Bias", True, "Mean over the simulated spectra less the value"),
)
_ENDS = tuple(Column(text, True) for level in _LEVELS for text in (f"{level} from", f"{level} to"))


@dataclass(frozen=True)
class Numbers:
    """What one row shows besides its name; an empty tuple of ends is not computed yet."""

    value: float
    error: float
    ends: tuple[Ends, ...] = ()
    spread: tuple[float, float] | None = None


def columns(bootstrap: bool) -> tuple[Column, ...]:
    """Columns for a method."""
    return (*_HEAD, *_BOOTSTRAP, *_ENDS) if bootstrap else (*_HEAD, *_ENDS, Column("Remark"))


def interval_rows(
    entry: Entry, fit: RegionFit, result: FitResult, found: Profiles | Bootstrap | None, bootstrap: bool
) -> list[list[Cell]]:
    """One row a free parameter."""
    return [_row(entry, fit, result, name, _numbers(result, name, found), bootstrap) for name in result.free]


def _numbers(result: FitResult, name: str, found: Profiles | Bootstrap | None) -> Numbers:
    value, error = result.value(name), result.error(name)
    if isinstance(found, Bootstrap):
        ends = tuple((*found.interval(name, level), "crossing", "crossing") for level in LEVELS)
        return Numbers(value, error, ends, (found.error(name), found.bias(name)))
    if isinstance(found, Profiles) and found.better is None:
        ends = tuple((i.low, i.high, i.low_end, i.high_end) for i in found[name].intervals)
        return Numbers(value, error, ends)
    return Numbers(value, error)


def _row(entry: Entry, fit: RegionFit, result: FitResult, name: str, numbers: Numbers, bootstrap: bool) -> list[Cell]:
    owner, _, parameter = name.partition(".")
    label = next((c.name or c.id for c in fit.model.components if c.id == owner), "Background")
    words, unit = WORDS.get(parameter, parameter.replace("_", " ")), parameter_unit(fit, name, entry.processed())
    places = _places(numbers)
    cells = [
        Cell(label), Cell(words[:1].upper() + words[1:] + (f" / {unit}" if unit else "")),
        Cell(_text(numbers.value, places), f"{numbers.value:.8g}"), _error(result, name, numbers, places),
    ]
    if bootstrap:
        spread = numbers.spread
        cells += [Cell(""), Cell("")] if spread is None else [Cell(_text(one, places), f"{one:.4g}") for one in spread]
    for low, high, low_end, high_end in numbers.ends:
        cells += [_end(low, low_end, places), _end(high, high_end, places)]
    if not numbers.ends:
        cells += [Cell("") for _ in _ENDS]
    return cells if bootstrap else [*cells, Cell(_remark(numbers), role="muted")]


def _places(numbers: Numbers) -> int:
    """Decimals for all of a row: one more than its error has, so that both halves of an interval can be told apart."""
    widths = [numbers.error, *(0.5 * (high - low) for low, high, *_ in numbers.ends)]
    known = [width for width in widths if math.isfinite(width) and width > 0]
    return decimals_of(min(known)) + 1 if known else 3


def _text(value: float, places: int) -> str:
    return grouped(value, places) if math.isfinite(value) else "–"


def _error(result: FitResult, name: str, numbers: Numbers, places: int) -> Cell:
    if math.isfinite(numbers.error):
        return Cell(_text(numbers.error, places), f"{numbers.error:.6g}, from the noise alone")
    reason = "on its bound" if name in result.at_bound else "not determined"
    return Cell("?", f"No symmetric error: {reason}", "warning")


def _end(value: float, end: str, places: int) -> Cell:
    if end == "infinite":
        return Cell("open", "The statistic never rises so far, and no bound ends the interval", "warning")
    if end == "not found":
        return Cell("not found", "No fit with this parameter held converged there", "warning")
    if end == "bound":
        return Cell(f"{signed(f'{value:.6g}')} at bound", "The parameter's bound ends the interval, not the data",
                    "warning")
    return Cell(_text(value, places), f"{value:.8g}")


def _remark(numbers: Numbers) -> str:
    """Where the symmetric error says too little: both halves of the 68 % interval."""
    if not numbers.ends:
        return ""
    low, high, *ends = numbers.ends[0]
    if ends != ["crossing", "crossing"]:
        return ""
    below, above = numbers.value - low, high - numbers.value
    if not (below > 0 and above > 0) or max(below, above) < ASYMMETRIC * min(below, above):
        return ""
    places = decimals_of(min(below, above))
    return f"asymmetric: −{grouped(below, places)} +{grouped(above, places)}"


def note(fit: RegionFit, result: FitResult, found: Profiles | Bootstrap | None, bootstrap: bool) -> str:
    """What must be known of the intervals, in a line or two."""
    parts = []
    if isinstance(found, Bootstrap):
        failed = f", {found.failed} of them not fitted" if found.failed else ""
        parts.append(f"BCa intervals from {len(found.statuses)} simulated spectra{failed} (seed {found.seed}).")
        if len(found.statuses) < FOR_INTERVALS:
            parts.append(f"For 95 % take {FOR_INTERVALS}.")
    elif bootstrap:
        parts.append("Not computed yet: spectra are simulated after the fit, each with background and fit done anew.")
    elif found is None:
        parts.append("Not computed yet: each parameter is moved while all others are fitted again.")
    if not bootstrap and kind(fit.model.background.kind).static:
        parts.append("The background counts as exact here; the bootstrap does it anew.")
    if result.exceeds_noise:
        parts.append(f"For the noise alone: elsewhere errors are multiplied by {error_factor(result):.2f} (√χ²ᵣ).")
    return " ".join(parts)
