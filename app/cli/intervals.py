"""Intervals of a fit's parameters as `sodalite fit` gives them: profile likelihood (also calibrated) and bootstrap."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.output import Progress
from app.cli.status import one_line, say
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.project.project import Entry, RegionFit
    from fitting.bootstrap import Bootstrap
    from fitting.calibration import Thresholds
    from fitting.profile import Interval, Profiles

# One standard deviation of the normal law, and what reports quote.
LEVELS = (0.6826895, 0.95)
FEWEST = 20
CALIBRATION = 400  # spectra: what `fitting.calibration` asks for a level of 95 %, and its default
COLUMNS = (
    "Component", "Parameter", "Unit", "Value", "Method", "Level [%]", "Low", "High", "Low end", "High end",
    "Standard error", "Bias", "Replicas", "Failed replicas", "Seed",
)  # fmt: skip
_AT_END = {"bound": " (bound)", "infinite": "", "not found": " (not found)", "crossing": ""}


@dataclass(frozen=True, eq=False)
class Uncertainties:
    """What was asked for; None where it was not, or could not be had."""

    profiles: Profiles | None = None
    bootstrap: Bootstrap | None = None
    thresholds: Thresholds | None = None  # of the profiles, where they are calibrated


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--intervals", action="store_true", help="also 68 %% and 95 %% intervals by profile likelihood"
    )
    parser.add_argument(
        "--calibrate", type=_calibration, nargs="?", const=CALIBRATION, metavar="N",
        help="profile-likelihood intervals whose limits of the statistic come from N spectra simulated after the fit "
        f"(default and least: {CALIBRATION}) instead of chi2; for peaks below 5 times the error of their area",
    )
    parser.add_argument(
        "--bootstrap", type=_replicas, metavar="N",
        help="also errors and 68 %% and 95 %% intervals (BCa) from N spectra simulated after the fit, each with its "
        "background and fit done anew; 200 for errors, 2000 for intervals",
    )
    parser.add_argument("--seed", type=_seed, default=0, metavar="S", help="of the simulated spectra (default 0)")


def _replicas(text: str, fewest: int = FEWEST) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < fewest:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of spectra; {fewest} are the least")
    return int(text)


def _calibration(text: str) -> int:
    return _replicas(text, CALIBRATION)


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is no seed; give a whole number of 0 or more")
    return int(text)


def uncertainties(arguments: argparse.Namespace, entry: Entry, fit: RegionFit) -> Uncertainties:
    """What the options ask for, with a line on the error stream where something is amiss."""
    if fit.result is None or not fit.result.success:
        return Uncertainties()
    likelihood = arguments.intervals or arguments.calibrate
    if fit.result.exceeds_noise and (likelihood or arguments.bootstrap):
        say(f"{one_line(fit.name)}: intervals are for the noise alone; they do not count what the model misses.")
    if likelihood and not arguments.calibrate and _static(fit):
        say(
            f"{one_line(fit.name)}: the background is taken from the data; only --bootstrap and --calibrate count its "
            "noise."
        )
    thresholds = _thresholds(entry, fit, arguments.calibrate, arguments.seed) if arguments.calibrate else None
    # Intervals with other limits than those that were asked for would pass for what they are not.
    wanted = thresholds is not None if arguments.calibrate else arguments.intervals
    profiles = _profiles(entry, fit, thresholds) if wanted else None
    drawn = _bootstrap(entry, fit, arguments.bootstrap, arguments.seed) if arguments.bootstrap else None
    return Uncertainties(profiles, drawn, thresholds)


def _static(fit: RegionFit) -> bool:
    """Whether the background is drawn through the data before the fit, which then knows nothing of its noise."""
    from fitting.backgrounds import kind

    return kind(fit.model.background.kind).static


def _thresholds(entry: Entry, fit: RegionFit, replicas: int, seed: int) -> Thresholds | None:
    from fitting.calibration import calibrated_thresholds

    try:
        with Progress() as progress:
            found = calibrated_thresholds(
                entry.processed(), fit.result, levels=LEVELS, replicas=replicas, seed=seed, progress=progress
            )
    except SodaliteError as error:
        say(f"No intervals: {one_line(str(error))}")
        return None
    if found.failed:
        say(f"Of {replicas} simulated spectra {found.failed} could not be fitted; calibration rests on the others.")
    return found


def _profiles(entry: Entry, fit: RegionFit, thresholds: Thresholds | None) -> Profiles | None:
    from fitting.profile import profile

    try:
        with Progress() as progress:
            found = profile(
                entry.processed(), fit.result, levels=LEVELS, thresholds=thresholds, progress=progress
            )
    except SodaliteError as error:
        say(f"No intervals: {one_line(str(error))}")
        return None
    if found.better is not None:
        say(
            f"No intervals: the fit is not the lowest minimum ({fit.result.deviance:.6g}); on the way lies one of "
            f"{found.better_deviance:.6g}. Start from there: {_values(found)}"
        )
    return found


def _values(profiles: Profiles) -> str:
    params = profiles.better.params
    return ", ".join(f"{name} {param.value:.6g}" for name, param in params.items() if param.vary or param.link)


def _bootstrap(entry: Entry, fit: RegionFit, replicas: int, seed: int) -> Bootstrap | None:
    from fitting.bootstrap import bootstrap

    try:
        with Progress() as progress:
            found = bootstrap(entry.processed(), fit.result, replicas, seed=seed, progress=progress)
        found.of(found.names[0])
    except SodaliteError as error:
        say(f"No bootstrap: {one_line(str(error))}")
        return None
    if found.failed:
        say(f"Of {replicas} simulated spectra {found.failed} could not be fitted; errors rest on the others.")
    return found


def _shown(found: Bootstrap, fit: RegionFit) -> list[str]:
    """Parameters that the fit changed, by themselves or by a link."""
    params = fit.model.params
    return [name for name in found.names if params[name].vary or params[name].link]


def text(found: Uncertainties, fit: RegionFit) -> str:
    """Lines for people; empty without intervals."""
    lines = []
    if found.profiles is not None:
        for entry in found.profiles.profiles:
            parts = [f"{100 * i.level:.0f} % {_end(i.low, i.low_end)} to {_end(i.high, i.high_end)}"
                     for i in entry.intervals]
            lines.append(f"{entry.name}: {', '.join(parts)}")
    if found.thresholds is not None:
        limits = found.thresholds
        lines.append(
            f"Intervals calibrated by {limits.replicas} simulated spectra (seed {limits.seed}), {limits.failed} not "
            f"fitted; the statistic may rise by"
        )
        for name in limits:
            parts = [f"{100 * level:.0f} % {t:.3g}" for level, t in zip(limits.levels, limits[name], strict=True)]
            lines.append(f"{name}: {', '.join(parts)}")
    if found.bootstrap is not None:
        drawn = found.bootstrap
        lines.append(
            f"\nBootstrap, {len(drawn.statuses)} simulated spectra (seed {drawn.seed}), {drawn.failed} not fitted:"
        )
        for name in _shown(drawn, fit):
            parts = [f"{100 * level:.0f} % {low:.6g} to {high:.6g}" for level, low, high in _bca(drawn, name)]
            lines.append(f"{name}: error {drawn.error(name):.3g}, bias {drawn.bias(name):.2g}, {', '.join(parts)}")
    return "\n".join(lines)


def _end(value: float, end: str) -> str:
    return ("infinity" if math.isinf(value) else f"{value:.6g}") + _AT_END[end]


def _bca(drawn: Bootstrap, name: str) -> list[tuple[float, float, float]]:
    return [(level, *drawn.interval(name, level)) for level in LEVELS]


def objects(found: Uncertainties, fit: RegionFit) -> dict[str, Any]:
    """The same for programs: "intervals" with "interval_ends" and "calibration", "better_minimum", "bootstrap"."""
    answer: dict[str, Any] = {}
    if found.profiles is not None:
        profiles = found.profiles
        answer["intervals"] = {p.name: [[i.low, i.high] for i in p.intervals] for p in profiles.profiles}
        answer["interval_ends"] = {p.name: [[i.low_end, i.high_end] for i in p.intervals] for p in profiles.profiles}
        if profiles.better is not None:
            values = {name: param.value for name, param in profiles.better.params.items()}
            answer["better_minimum"] = {"deviance": profiles.better_deviance, "values": values}
    if found.thresholds is not None:
        limits = found.thresholds
        answer["calibration"] = {
            "replicas": limits.replicas, "failed": limits.failed, "seed": limits.seed, "levels": limits.levels,
            "thresholds": dict(limits),
        }  # fmt: skip
    if found.bootstrap is not None:
        drawn = found.bootstrap
        answer["bootstrap"] = {
            "replicas": len(drawn.statuses), "failed": drawn.failed, "seed": drawn.seed, "intervals": "BCa",
            "parameters": {
                name: {
                    "error": drawn.error(name), "bias": drawn.bias(name),
                    "intervals": [[low, high] for _, low, high in _bca(drawn, name)],
                }
                for name in _shown(drawn, fit)
            },
        }  # fmt: skip
    return answer


def csv_name(components: Path) -> Path:
    """Where the intervals lie beside a table of components: peaks.csv, peaks-intervals.csv."""
    return components.with_name(f"{components.stem}-intervals{components.suffix}")


def write(path: Path, found: Uncertainties, entry: Entry, fit: RegionFit) -> None:
    """All intervals as a table.

    Raises
    ------
    CannotWrite
    """
    from app.files.csv_table import write_table

    write_table(path, COLUMNS, _rows(found, entry, fit))


def _rows(found: Uncertainties, entry: Entry, fit: RegionFit) -> Iterator[tuple[Any, ...]]:
    from app.files.export import parameter_unit

    spectrum, params = entry.processed(), fit.model.params
    labels = {component.id: component.name or component.id for component in fit.model.components}

    def head(name: str) -> tuple[Any, ...]:
        owner, _, parameter = name.partition(".")
        return labels.get(owner, "background"), parameter, parameter_unit(fit, name, spectrum), params[name].value

    limits = found.thresholds
    method = "profile likelihood" if limits is None else "profile likelihood (calibrated)"
    simulated = (None, None, None) if limits is None else (limits.replicas, limits.failed, limits.seed)
    for profile in found.profiles.profiles if found.profiles is not None else ():
        for i in profile.intervals:
            yield (*head(profile.name), method, round(100 * i.level, 3), *_ends(i), None, None, *simulated)
    drawn = found.bootstrap
    for name in _shown(drawn, fit) if drawn is not None else ():
        for level, low, high in _bca(drawn, name):
            yield (
                *head(name), "bootstrap (BCa)", round(100 * level, 3), low, high, "quantile", "quantile",
                drawn.error(name), drawn.bias(name), len(drawn.statuses), drawn.failed, drawn.seed,
            )


def _ends(interval: Interval) -> tuple[Any, ...]:
    """Ends that are no numbers stay empty; their column says why."""
    low, high = (value if math.isfinite(value) else None for value in (interval.low, interval.high))
    return low, high, interval.low_end, interval.high_end
