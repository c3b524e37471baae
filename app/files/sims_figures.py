"""Figures of ToF-SIMS data at journal width: mass spectra, depth profiles, factors, layers (`figures.save_figure`)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.files.figures import (
    COLUMN,
    PAGE,
    PALETTES,
    Palette,
    Theme,
    _axes,
    _drawable,
    _empty,
    _heading,
    _key,
    save_figure,
)
from fitting.factors.kept import KeptFactors
from fitting.sims.ion_names import RESOLUTION, words_of
from fitting.sims.kinds import kind_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from app.project.project import Entry
    from app.project.sims_depth import DepthAnswer
    from app.project.sims_profiles import ShownProfile
    from fitting.dataset import Axis, Spectrum

_DECADES = 5.0
_MOST_BARS = 6


def save_all(entry: Entry, folder: Path) -> list[Path]:
    """Spectrum, or profile and factors, of an entry as PNG and SVG in a folder; the paths."""
    from app.project.sims_depth import answer
    from app.project.sims_profiles import resolution_of, show_profile
    from app.project.sims_profiles_at import profile_at

    stem = f"{entry.sample}-{entry.id}"
    figures: dict[str, Figure] = {}
    if kind_of(entry.spectrum) == "spectrum":
        figures[stem] = mass_figure(entry.single(), width=PAGE, title=entry.title)
    elif kind_of(entry.spectrum) in ("profile", "cube"):
        profile = profile_at(entry)
        found = answer(entry, profile)
        figures[stem] = traces_figure(show_profile(entry, profile), logarithmic=entry.profile.logarithmic, width=PAGE,
                                      title=entry.title, answer=found)
        for about in entry.factors:
            if about.amounts.size and about.amounts.shape[1] == len(found.along):
                figures[f"{stem}-{about.id}"] = factor_figure(about, found.along, width=PAGE,
                                                              resolution=resolution_of(entry))
    return [save_figure(figure, folder / f"{name}{suffix}")
            for name, figure in figures.items() for suffix in (".png", ".svg")]


def mass_figure(spectrum: Spectrum, theme: Theme = "light", *, width: float = COLUMN, title: str = "") -> Figure:
    """A mass spectrum on a logarithmic scale; channels without a count are left out."""
    colours = PALETTES[theme]
    height = 0.3 * width + 24.0
    figure = _empty(width, height, colours)
    axes = _axes(figure, width, height, 8.5, colours)
    x, y = _highest(spectrum.x, spectrum.y, 4000)
    axes.vlines(x, 0.5, np.maximum(y, 0.5), color=colours.envelope, linewidth=0.35)
    axes.set_yscale("log")
    axes.set_ylim(0.5, 2.0 * max(float(y.max(initial=1.0)), 1.0))
    axes.set_xlim(float(spectrum.x[0]), float(spectrum.x[-1]))
    axes.set_xlabel(spectrum.axis.label, fontsize=7.5)
    axes.set_ylabel(f"Intensity ({spectrum.meta.intensity_unit})", fontsize=7.5)
    _heading(axes, title or spectrum.name, "", colours)
    return figure


def traces_figure(
    shown: ShownProfile, theme: Theme = "light", *, logarithmic: bool = True, width: float = COLUMN, title: str = "",
    answer: DepthAnswer | None = None,
) -> Figure:
    """Traces of a depth profile as they are looked at; interfaces as lines where they lie on the same axis."""
    colours = PALETTES[theme]
    height = 0.5 * width + 24.0
    figure = _empty(width, height, colours)
    axes = _axes(figure, width, height, 8.5, colours)
    series = colours.series
    for drawn in shown.drawn:
        y = np.array(drawn.trace.y)
        if logarithmic:
            y[~(y > 0)] = np.nan
        axes.plot(drawn.trace.x, y, color=series[drawn.colour % len(series)], linewidth=0.8,
                  linestyle="--" if drawn.other else "-")
    axes.margins(0.0, 0.05)
    if logarithmic and any(np.any(drawn.trace.y > 0) for drawn in shown.drawn):
        axes.set_yscale("log")
        _decades(axes, shown)
    axes.set_xlabel(shown.along.label, fontsize=7.5)
    axes.set_ylabel(_drawable(shown.left), fontsize=7.5)
    for one in answer.interfaces if answer is not None else ():
        if one.quantity == shown.along.quantity and math.isfinite(one.position):
            axes.axvline(one.position, color=colours.muted, linewidth=0.6, linestyle=":")
    words = [_drawable(drawn.words) for drawn in shown.drawn]
    _beside(axes, words, [series[drawn.colour % len(series)] for drawn in shown.drawn], width)
    _heading(axes, title, "", colours)
    return figure


def factor_figure(
    about: KeptFactors, along: Axis, theme: Theme = "light", *, width: float = COLUMN, resolution: float = RESOLUTION
) -> Figure:
    """Amounts of the factors along the depth with their bands of ambiguity, and below the strongest ions of each."""
    colours = PALETTES[theme]
    rows = len(about.names)
    above, each = 0.42 * width, 9.0
    height = above + 22.0 + rows * each
    figure = _empty(width, height, colours)
    axes = _axes(figure, width, height, height - above - 5.5, colours)
    divisor = about.yields if about.yields.size else np.ones(rows)
    for number, name in enumerate(about.names):
        ink = colours.series[number % len(colours.series)]
        axes.plot(along.values, about.amounts[number] / divisor[number], color=ink, linewidth=0.9, label=name)
        if about.low.size:
            axes.fill_between(along.values, about.low[number] / divisor[number], about.high[number] / divisor[number],
                              color=ink, alpha=0.2, linewidth=0)
    axes.margins(0.0, 0.05)
    axes.set_xlabel(along.label, fontsize=7.5)
    axes.set_ylabel("Share of the phases" if about.yields.size else "Amount (counts)", fontsize=7.5)
    _key(axes, [(_drawable(name), colours.series[i % len(colours.series)]) for i, name in enumerate(about.names)],
         colours)
    _heading(axes, about.title, "", colours)
    for number in range(rows):
        _bars(figure, about, number, (height - above - 18.0 - (number + 1) * each) / height, each / height, colours,
              resolution)
    return figure


def _bars(
    figure: Figure, about: KeptFactors, number: int, bottom: float, tall: float, colours: Palette, resolution: float
) -> None:
    """The strongest ions of one factor in words, with bars behind them."""
    spectrum = np.asarray(about.spectra[number])
    total = float(spectrum.sum()) or 1.0
    order = np.argsort(spectrum)[::-1][:_MOST_BARS]
    ink = colours.series[number % len(colours.series)]
    axes = figure.add_axes((0.02, bottom, 0.96, tall))
    axes.set_axis_off()
    axes.set_xlim(0, _MOST_BARS)
    axes.set_ylim(0, 1)
    axes.text(0.0, 0.72, _drawable(about.names[number]), fontsize=6.4, color=ink, fontweight="bold", va="center",
              parse_math=False)
    for place, ion in enumerate(order):
        share = spectrum[ion] / total
        axes.barh(0.16, 0.9 * share / (spectrum.max() / total), height=0.12, left=place, color=ink, alpha=0.35)
        words = f"{words_of(about.labels[ion], resolution)} {100 * share:.2g} %"
        axes.text(place, 0.42, _drawable(words), fontsize=4.6, color=colours.ink, va="center", parse_math=False)


def _beside(axes: Axes, words: list[str], inks: list[str], width: float) -> None:
    """Names right of the axes, which give way: inside they would hide traces."""
    room = min(2.0 + 1.15 * max((len(word) for word in words), default=0), 0.4 * width) / width
    box = axes.get_position()
    axes.set_position((box.x0, box.y0, box.width - room, box.height))
    for number, (word, ink) in enumerate(zip(words, inks, strict=True)):
        axes.annotate(word, (1.0, 1.0), (4.0, -4.0 - 9.0 * number), xycoords="axes fraction",
                      textcoords="offset points", fontsize=6.0, color=ink, va="top", parse_math=False)


def _decades(axes: Axes, shown: ShownProfile) -> None:
    """Not further down than a few decades below the top: single counts of rare ions would take all the room."""
    values = np.concatenate([drawn.trace.y[drawn.trace.y > 0] for drawn in shown.drawn])
    top = float(values.max())
    axes.set_ylim(max(float(values.min()) * 0.7, top * 10.0**-_DECADES), 2.0 * top)


def _highest(x: np.ndarray, y: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The highest of neighbouring channels where there are more than can be seen; those without counts left out."""
    step = -(-x.size // most)
    size = x.size // step * step
    if step > 1:
        blocks = y[:size].reshape(-1, step)
        top = blocks.argmax(axis=1)
        x, y = x[:size].reshape(-1, step)[np.arange(top.size), top], blocks.max(axis=1)
    return x[y > 0], y[y > 0]
