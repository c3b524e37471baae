"""Figures of maps, colour overlays and line profiles at journal width, as PNG, SVG or PDF (`figures.save_figure`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from app.files.figures import COLUMN, PAGE, PALETTES, Palette, Theme, _axes, _drawable, _empty, _scale
from app.numerals import with_error
from fitting.dataset import Axis
from fitting.image.classes import MapClass, classes, is_classes
from fitting.image.maps import Map
from fitting.image.overlay import Overlay
from fitting.image.profiles import Front, Line, Profile, scale_of
from libraries.errors import BadData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARGIN, _GAP, _TITLE, _BAR, _BELOW = 2.0, 5.0, 5.0, 2.6, 8.0  # mm
_LINE, _WORD = 2.9, 42.0  # mm: a line of the legend of classes, the widest word
_ACROSS = 4  # maps side by side on a page


def map_figure(
    maps: Sequence[Map], navigation: tuple[Axis, ...] = (), theme: Theme = "light", *, width: float | None = None,
    colours: str = "viridis", lines: Sequence[Line] = (),
) -> Figure:
    """Maps side by side, each with its name, a colour bar with unit, and a scale bar on the first.

    Parameters
    ----------
    maps : sequence of Map
        Two-dimensional.
    navigation : tuple of Axis
        Of their image, for the scale bar and the shape of the pixels.
    width : float, optional
        In mm; one column for one or two maps, else a page.
    colours : str
        A colour map of matplotlib.
    lines : sequence of Line
        Drawn on every map.

    Raises
    ------
    BadData
        If there is no map of two dimensions.
    """
    flat = [one for one in maps if len(one.shape) == 2]
    if not flat:
        raise BadData("There is no map of an image to draw", todo="Choose a map; of a series export the table")
    across = min(len(flat), _ACROSS if len(flat) > 4 else max(len(flat), 1))
    width = width or (COLUMN if len(flat) < 3 else PAGE)
    down = math.ceil(len(flat) / across)
    scale = scale_of(navigation)
    side = (width - 2 * _MARGIN - (across - 1) * _GAP) / across
    tall = side * max(one.shape[0] * scale.row / (one.shape[1] * scale.column) for one in flat)
    below = max(_BAR + _BELOW, *(_legend_room(one, side) for one in flat))
    one_high = _TITLE + tall + 1.5 + below
    height = down * one_high + _MARGIN
    palette = PALETTES[theme]
    figure = _empty(width, height, palette)
    for number, one in enumerate(flat):
        column, line = number % across, number // across
        left = _MARGIN + column * (side + _GAP)
        bottom = height - _MARGIN / 2 - (line + 1) * one_high + below + 1.5
        axes = _panel(figure, (left, bottom, side, tall), (width, height), palette)
        _draw_map(figure, axes, one, (left, bottom, side), (width, height), palette, colours, scale)
        _draw_lines(axes, lines, palette)
        if number == 0:
            _scale_bar(axes, one.shape, scale, tall)
    return figure


def overlay_figure(
    found: Overlay, navigation: tuple[Axis, ...] = (), theme: Theme = "light", *, width: float = COLUMN
) -> Figure:
    """A colour overlay with scale bar and a legend with the range of each map."""
    scale, palette = scale_of(navigation), PALETTES[theme]
    rows, columns = found.pixels.shape[:2]
    side = width - 2 * _MARGIN
    tall = side * rows * scale.row / (columns * scale.column)
    legend = 4.2 * len(found.names) + 2.0
    height = tall + legend + 2 * _MARGIN
    figure = _empty(width, height, palette)
    axes = _panel(figure, (_MARGIN, legend + _MARGIN, side, tall), (width, height), palette)
    axes.imshow(found.pixels, extent=(0, columns, rows, 0), aspect="auto", interpolation="nearest")
    _scale_bar(axes, (rows, columns), scale, tall)
    for number, (name, colour, (low, high)) in enumerate(zip(found.names, found.colours, found.ranges, strict=True)):
        y = (legend + _MARGIN - 4.2 * (number + 1) + 0.8) / height
        figure.patches.append(_square(figure, _MARGIN / width, y, 2.6 / width, 2.6 / height, colour))
        words = f"{name}: {low:.4g} (black) to {high:.4g}".replace("-", "−")
        figure.text((_MARGIN + 4.0) / width, y + 1.3 / height, _drawable(words), fontsize=6.8, color=palette.ink,
                    va="center", parse_math=False)
    return figure


def _square(figure: Figure, x: float, y: float, w: float, h: float, colour: tuple[float, float, float]) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), w, h, transform=figure.transFigure, facecolor=colour, edgecolor="none")


def profile_figure(
    found: Sequence[Profile], fronts: Sequence[Front | None] = (), theme: Theme = "light", *, width: float = COLUMN,
    title: str = "",
) -> Figure:
    """Profiles with error bars (the larger of both errors), one panel for each, and their fitted fronts.

    Raises
    ------
    BadData
        If there is none.
    """
    if not found:
        raise BadData("There is no profile to draw", todo="Draw a line over the image first")
    palette = PALETTES[theme]
    each = 0.3 * width + 6.0
    height = each * len(found) + 14.5
    figure = _empty(width, height, palette)
    fits = [*fronts, *([None] * (len(found) - len(fronts)))]
    for number, (one, fit) in enumerate(zip(found, fits, strict=True)):
        top = height - 5.5 - number * each
        last = number == len(found) - 1
        axes = _axes(figure, width, height, top - each + 4.5, palette, top=top)
        factor, prefix = _scale(one.value)
        ink = palette.series[number % len(palette.series)]
        errors = np.nan_to_num(one.best_error)
        axes.errorbar(one.position, one.value * factor, errors * factor, fmt="o", markersize=2.2, color=ink,
                      elinewidth=0.6, markeredgewidth=0)
        if fit is not None:
            x = np.linspace(one.position[0], one.position[-1], 400)
            axes.plot(x, fit.curve(x) * factor, color=palette.ink, linewidth=0.8)
            words = f"{with_error(fit.position, fit.position_error)} {fit.unit}"
            words += "" if fit.unresolved else f", 16–84 %: {with_error(fit.width, fit.width_error)} {fit.unit}"
            axes.text(1.0, 1.02, _drawable(words), transform=axes.transAxes, fontsize=6.0, color=palette.muted,
                      ha="right", va="bottom", parse_math=False)
        axes.margins(0.02, 0.08)
        unit = f"{prefix}{one.quantity_unit}".strip()
        axes.set_ylabel(_drawable(f"{one.name} ({unit})" if unit else one.name), fontsize=6.8)
        axes.tick_params(labelbottom=last)
        if last:
            axes.set_xlabel(f"Distance ({one.unit})", fontsize=7.5)
        if number == 0 and title:
            axes.text(0.0, 1.02, _drawable(title), transform=axes.transAxes, fontsize=8, fontweight="bold",
                      color=palette.ink, va="bottom", parse_math=False)
    return figure


def _panel(
    figure: Figure, box: tuple[float, float, float, float], whole: tuple[float, float], palette: Palette
) -> Axes:
    left, bottom, wide, tall = box
    axes = figure.add_axes((left / whole[0], bottom / whole[1], wide / whole[0], tall / whole[1]))
    axes.set_facecolor(palette.band)  # where there is no value
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color(palette.muted)
        side.set_linewidth(0.5)
    return axes


def _draw_map(
    figure: Figure, axes: Axes, one: Map, place: tuple[float, float, float], whole: tuple[float, float],
    palette: Palette, colours: str, scale: Any,
) -> None:
    if is_classes(one):
        _draw_classes(figure, axes, one, place, whole, palette)
        return
    values = np.ma.masked_invalid(one.values)
    found = one.values[np.isfinite(one.values)]
    low, high = (float(v) for v in np.percentile(found, (1, 99))) if found.size else (0.0, 1.0)
    if high <= low:
        low, high = low - 0.5, low + 0.5
    rows, columns = one.shape
    image = axes.imshow(values, cmap=colours, vmin=low, vmax=high, extent=(0, columns, rows, 0), aspect="auto",
                        interpolation="nearest")
    axes.set_title(_drawable(one.name), fontsize=7.5, color=palette.ink, pad=2.5, parse_math=False)
    left, bottom, side = place
    bar = figure.add_axes((left / whole[0], (bottom - 1.5 - _BAR) / whole[1], side / whole[0], _BAR / whole[1]))
    found_bar = figure.colorbar(image, cax=bar, orientation="horizontal")
    found_bar.outline.set_linewidth(0.4)
    found_bar.outline.set_edgecolor(palette.muted)
    from matplotlib.ticker import MaxNLocator

    found_bar.locator = MaxNLocator(3)
    found_bar.update_ticks()
    bar.tick_params(labelsize=6.0, width=0.5, length=1.8, color=palette.muted, labelcolor=palette.ink, pad=1.5)
    bar.xaxis.get_offset_text().set_size(5.5)
    bar.xaxis.get_offset_text().set_color(palette.ink)
    if one.unit:
        bar.set_xlabel(_drawable(one.unit), fontsize=6.4, color=palette.muted, labelpad=0.8)


def _legend_lines(one: Map, side: float) -> list[list[MapClass]]:
    """Classes of a map in the lines of its legend."""
    across = max(int(side // _WORD), 1)
    found = classes(one)
    return [list(found[start : start + across]) for start in range(0, len(found), across)]


def _legend_room(one: Map, side: float) -> float:
    return _LINE * len(_legend_lines(one, side)) + 1.5 if is_classes(one) else 0.0


def _draw_classes(
    figure: Figure, axes: Axes, one: Map, place: tuple[float, float, float], whole: tuple[float, float],
    palette: Palette,
) -> None:
    """Each class in its colour, and a legend of words under the picture."""
    from matplotlib.colors import to_rgb

    rows, columns = one.shape
    pixels = np.zeros((rows, columns, 4))
    for each in classes(one):
        pixels[np.isfinite(one.values) & (np.round(one.values) == each.code)] = (*to_rgb(each.colour), 1.0)
    axes.imshow(pixels, extent=(0, columns, rows, 0), aspect="auto", interpolation="nearest")
    axes.set_title(_drawable(one.name), fontsize=7.5, color=palette.ink, pad=2.5, parse_math=False)
    left, bottom, side = place
    for number, line in enumerate(_legend_lines(one, side)):
        y = bottom - 1.0 - (number + 1) * _LINE
        for turn, each in enumerate(line):
            x = left + turn * side / max(int(side // _WORD), 1)
            figure.patches.append(_square(figure, x / whole[0], y / whole[1], 2.0 / whole[0], 2.0 / whole[1],
                                          to_rgb(each.colour)))
            figure.text((x + 3.0) / whole[0], (y + 1.0) / whole[1], _drawable(each.words), fontsize=6.0,
                        color=palette.ink, va="center", parse_math=False)


def _scale_bar(axes: Axes, shape: tuple[int, ...], scale: Any, tall: float) -> None:
    """A bar of a round length in the lower left corner of a picture `tall` mm high; none for pixels without a size."""
    if scale.unit == "px":
        return
    rows, columns = shape
    most = 0.35 * columns * scale.column
    power = 10.0 ** math.floor(math.log10(most))
    length = next(f * power for f in (5, 2, 1) if f * power <= most)
    wide = length / scale.column
    from matplotlib.patches import Rectangle

    mm = rows / tall  # rows of the image
    across = mm * scale.row / scale.column
    x, y = 2.0 * across, rows - 1.6 * mm
    axes.add_patch(Rectangle((x - 0.8 * across, y - 3.6 * mm), wide + 1.6 * across, 4.6 * mm, facecolor="black",
                             alpha=0.5, linewidth=0))
    axes.add_patch(Rectangle((x, y - 0.4 * mm), wide, 0.7 * mm, facecolor="white", linewidth=0))
    axes.text(x + wide / 2, y - 0.8 * mm, f"{length:g} {scale.unit}", color="white", fontsize=6.0, ha="center",
              va="bottom", parse_math=False)


def _draw_lines(axes: Axes, lines: Sequence[Line], palette: Palette) -> None:
    for line in lines:
        (x0, y0), (x1, y1) = line.start, line.end
        axes.plot((x0, x1), (y0, y1), color="white", linewidth=1.0, solid_capstyle="round")
        for x, y, letter in ((x0, y0, "A"), (x1, y1, "B")):
            axes.text(x, y, letter, color="white", fontsize=5.5, ha="center", va="bottom", fontweight="bold")


