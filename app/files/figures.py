"""Figures for paper: a fitted region or a spectrum at journal width, as PNG, SVG or PDF.

They are drawn with matplotlib's object interface on canvases of their own, so that no display and no global state is
needed and any thread may draw. Sizes are in mm and points; binding energy runs from right to left.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from app.files.atomic import atomic_path
from libraries.errors import CannotWrite

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from fitting.curves import Curves
    from fitting.dataset import FloatArray, Spectrum
    from fitting.model import Component, FitModel
    from fitting.result import FitResult

Theme = Literal["light", "dark"]
COLUMN, PAGE = 85.0, 170.0  # mm: one column and the full width of a journal page
_MM = 1 / 25.4
_SUFFIXES = (".png", ".svg", ".pdf")
# From this many counts on the axis is labelled in thousands.
_THOUSANDS = 5_000.0
_LINE = 3.1  # mm: height of a line of type
# Names may reach so far above the upper edge that the data alone would give, in parts of the height.
_MOST_ROOM = 1.12
# matplotlib's settings for writing belong to the whole program.
_writing = threading.Lock()


@dataclass(frozen=True)
class Palette:
    """Colours of a figure. The series are those of M. Okabe and K. Ito, "Color Universal Design" (2008), darkened for
    white and lightened for slate; neighbours differ in lightness, so that grey prints can be read."""

    paper: str
    ink: str
    muted: str
    faint: str
    band: str
    envelope: str
    series: tuple[str, ...]


PALETTES: dict[str, Palette] = {
    "light": Palette(
        "#ffffff", "#1a2130", "#5c6678", "#c3cad5", "#eef1f5", "#1d3f94",
        ("#0072b2", "#d98200", "#00875f", "#b84a8f", "#c2410c", "#3a9fd6", "#7a6a00", "#5b4a9e"),
    ),
    "dark": Palette(
        "#1b1f27", "#e6e9ef", "#a0a9b9", "#4a5260", "#252b35", "#9dbcff",
        ("#5aa9e6", "#f0a73a", "#3cc79a", "#e08bc0", "#f27a4b", "#9bd3f7", "#cdbb4a", "#a99be8"),
    ),
}


def fit_figure(
    spectrum: Spectrum,
    model: FitModel,
    result: FitResult | None = None,
    theme: Theme = "light",
    *,
    width: float = COLUMN,
    title: str = "",
) -> Figure:
    """A fitted region: points, background, filled components with their names, envelope, and residuals below.

    Parameters
    ----------
    spectrum : Spectrum
        A single spectrum, after its recipe.
    model : FitModel
    result : FitResult, optional
        Of the fit that `model` came from; its status and reduced chi2 are printed.
    theme : "light" or "dark"
    width : float
        In mm, `COLUMN` or `PAGE`.
    title : str

    Raises
    ------
    BadData, BadModel
        If the model does not fit the spectrum.
    """
    from fitting.curves import curves

    colours, drawn = PALETTES[theme], curves(spectrum, model)
    height = 0.45 * width + 36.0
    figure = _empty(width, height, colours)
    upper = _axes(figure, width, height, 22.0, colours)
    lower = _axes(figure, width, height, 8.5, colours, top=21.0)
    scale, prefix = _scale(drawn.y)
    _draw_region(upper, drawn, model, scale, colours)
    upper.set_ylabel(f"Intensity ({prefix}{spectrum.meta.intensity_unit})", fontsize=7.5)
    upper.tick_params(labelbottom=False)
    _draw_residual(lower, drawn, colours, known=spectrum.noise.known)
    lower.set_xlabel(spectrum.axis.label, fontsize=7.5)
    for axes in (upper, lower):
        _span(axes, drawn.x, spectrum.axis.quantity)
    # Named last: where a name fits depends on the scales.
    _name_components(upper, drawn, model, scale, colours, width - 15.5)
    _heading(upper, title or model.name or spectrum.name, _verdict(result), colours)
    return figure


def spectrum_figure(
    spectrum: Spectrum, theme: Theme = "light", *, width: float = COLUMN, title: str = ""
) -> Figure:
    """A single spectrum as a line, a survey for example."""
    colours = PALETTES[theme]
    height = 0.3 * width + 24.0
    figure = _empty(width, height, colours)
    axes = _axes(figure, width, height, 8.5, colours)
    scale, prefix = _scale(spectrum.y)
    axes.plot(spectrum.x, spectrum.y * scale, color=colours.envelope, linewidth=0.6)
    axes.set_xlabel(spectrum.axis.label, fontsize=7.5)
    axes.set_ylabel(f"Intensity ({prefix}{spectrum.meta.intensity_unit})", fontsize=7.5)
    axes.set_ylim(min(0.0, float(spectrum.y.min()) * scale), 1.06 * float(spectrum.y.max()) * scale or 1.0)
    _span(axes, spectrum.x, spectrum.axis.quantity)
    _heading(axes, title or spectrum.name, "", colours)
    return figure


def save_figure(figure: Figure, path: str | Path, *, dpi: float = 600.0) -> Path:
    """Write a figure as PNG, SVG or PDF, as the ending of the file says; its path.

    Raises
    ------
    CannotWrite
        If the ending is another one or the file cannot be written.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in _SUFFIXES:
        raise CannotWrite(
            f"A figure cannot be written as '{suffix}'", where=str(target), todo="Use .png, .svg or .pdf"
        )
    with atomic_path(target) as temporary:
        _print(figure, temporary, suffix, dpi)
    return target


def svg_text(figure: Figure, *, transparent: bool = False) -> str:
    """A figure as SVG, letters as outlines: it looks the same everywhere."""
    import io

    if transparent:
        for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
            patch.set_visible(False)
    buffer = io.BytesIO()
    _print(figure, buffer, ".svg", 72.0)
    return buffer.getvalue().decode("utf-8")


def _print(figure: Figure, target: Any, suffix: str, dpi: float) -> None:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    # No date and no random names: the same figure is the same file. Fonts in PDF stay text (type 42).
    with _writing, rc_context({"svg.hashsalt": "sodalite", "svg.fonttype": "path", "pdf.fonttype": 42}):
        if suffix == ".png":
            figure.set_dpi(dpi)
            FigureCanvasAgg(figure).print_png(target)
        elif suffix == ".svg":
            FigureCanvasSVG(figure).print_svg(target, metadata={"Date": None})
        else:
            FigureCanvasPdf(figure).print_pdf(target, metadata={"CreationDate": None})


# -------------------------------------------------------------------------------------------------------------- frame


def _empty(width: float, height: float, colours: Palette) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * _MM, height * _MM), dpi=200, facecolor=colours.paper)
    FigureCanvasAgg(figure)
    return figure


def _axes(
    figure: Figure, width: float, height: float, bottom: float, colours: Palette, top: float | None = None
) -> Axes:
    """Axes with fixed margins in mm, so that figures of one paper line up."""
    left, right, above = 13.0, 2.5, 5.5
    top = height - above if top is None else top
    axes = figure.add_axes((left / width, bottom / height, (width - left - right) / width, (top - bottom) / height))
    axes.set_facecolor(colours.paper)
    for side in axes.spines.values():
        side.set_color(colours.muted)
        side.set_linewidth(0.6)
    axes.tick_params(
        direction="in", top=True, right=True, width=0.6, length=2.4, labelsize=6.8, color=colours.muted,
        labelcolor=colours.ink, pad=2.5,
    )
    axes.xaxis.label.set_color(colours.ink)
    axes.yaxis.label.set_color(colours.ink)
    axes.margins(0)
    return axes


def _span(axes: Axes, x: FloatArray, quantity: str) -> None:
    low, high = float(x[0]), float(x[-1])
    if low == high:
        low, high = low - 0.5, high + 0.5
    axes.set_xlim((high, low) if quantity == "binding_energy" else (low, high))


def _scale(y: FloatArray) -> tuple[float, str]:
    """Factor on the intensities and what it is called in the label."""
    return (1e-3, "10³ ") if y.size and float(abs(y).max()) >= _THOUSANDS else (1.0, "")


def _verdict(result: FitResult | None) -> str:
    if result is None:
        return "not fitted"
    chi = f"χ²/ν = {result.reduced_chi2:.2f}" if result.noise.known else ""
    return chi if result.success else f"{chi}, {result.status}".lstrip(", ")


def _heading(axes: Axes, left: str, right: str, colours: Palette) -> None:
    common = {"transform": axes.transAxes, "va": "bottom", "parse_math": False}
    axes.text(0.0, 1.025, _drawable(left), fontsize=8, fontweight="bold", color=colours.ink, **common)
    if right:
        axes.text(1.0, 1.025, _drawable(right), fontsize=6.8, color=colours.muted, ha="right", **common)


def _drawable(text: str) -> str:
    """Text in characters that the font has; a box for the others."""
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont("DejaVu Sans")).get_charmap()
    return "".join(c if ord(c) in known and c.isprintable() else "□" for c in text)


# ------------------------------------------------------------------------------------------------------------- content


def _owner(model: FitModel, component: Component) -> str:
    """Id of the component whose colour and name it shares: the major line of its doublet."""
    known = {c.id for c in model.components}
    return component.doublet if component.doublet in known else component.id


def _colour_of(model: FitModel, component: Component, colours: Palette) -> str:
    owners = list(dict.fromkeys(_owner(model, c) for c in model.components))
    return colours.series[owners.index(_owner(model, component)) % len(colours.series)]


def _draw_region(axes: Axes, drawn: Curves, model: FitModel, scale: float, colours: Palette) -> None:
    import numpy as np

    base = drawn.background * scale
    for component in model.components:
        curve = base + drawn.component(component.id) * scale
        colour = _colour_of(model, component, colours)
        axes.fill_between(drawn.x, base, curve, color=colour, alpha=0.26, linewidth=0, zorder=1)
        # The outline ends where the component does, so that the background stays to be seen.
        above = abs(curve - base) > 0.004 * float(abs(curve - base).max(initial=0.0))
        axes.plot(drawn.x, np.where(above, curve, np.nan), color=colour, linewidth=0.8, zorder=2)
    axes.plot(drawn.x, base, color=colours.muted, linewidth=0.8, dashes=(3.5, 1.8), zorder=3)
    few = len(drawn.x) < 220
    axes.plot(
        drawn.x, drawn.y * scale, linestyle="none", marker="o", markersize=1.9 if few else 1.3, zorder=4,
        markerfacecolor=colours.paper, markeredgecolor=colours.ink, markeredgewidth=0.4 if few else 0.3,
    )
    if model.components:
        axes.plot(drawn.x, drawn.envelope * scale, color=colours.envelope, linewidth=1.0, zorder=5)
    low = min(float(drawn.y.min()), float(drawn.background.min())) * scale
    high = max(float(drawn.y.max()), float(drawn.envelope.max())) * scale
    room = (high - low) or 1.0
    axes.set_ylim(low - 0.05 * room if low - 0.05 * room > 0 or low < 0 else 0.0, high + 0.08 * room)


def _draw_residual(axes: Axes, drawn: Curves, colours: Palette, *, known: bool) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.axhspan(-2, 2, color=colours.band, linewidth=0, zorder=0)
    axes.axhline(0, color=colours.faint, linewidth=0.6, zorder=1)
    axes.plot(drawn.x, drawn.residual, color=colours.ink, linewidth=0.55, zorder=2)
    reach = max(4.0, 1.1 * float(abs(drawn.residual).max(initial=0.0)))
    axes.set_ylim(-reach, reach)
    axes.yaxis.set_major_locator(MaxNLocator(3, symmetric=True, integer=True))
    axes.set_ylabel("Res. (σ)" if known else "Res. (rms)", fontsize=7.5)


@dataclass(frozen=True)
class _Mark:
    """A name above a peak: its middle and foot in mm from the lower left corner, and the top of the peak."""

    centre: float
    foot: float
    x: float
    top: float
    text: str
    colour: str


def _name_components(
    axes: Axes, drawn: Curves, model: FitModel, scale: float, colours: Palette, width: float
) -> None:
    """Write each name above its peak; where that takes too much room, a letter there and a key."""
    tall = axes.get_position().height * axes.figure.get_figheight() / _MM
    named = [c for c in model.components if _owner(model, c) == c.id]
    named.sort(key=lambda c: -c.value("position"))
    names = {c.id: _drawable(c.name or c.id) for c in named}
    key = {c.id: chr(ord("a") + i % 26) * (1 + i // 26) for i, c in enumerate(named)}
    marks = _marks(axes, drawn, model, scale, colours, width, tall, names)
    lettered = max((mark.foot for mark in marks), default=0.0) > _MOST_ROOM * tall
    if lettered:
        marks = _marks(axes, drawn, model, scale, colours, width, tall, key)
    low, high = axes.get_ylim()
    room = max([tall, *(mark.foot + _LINE + 0.8 for mark in marks)])
    axes.set_ylim(low, low + (high - low) * room / tall)
    _write(axes, marks, room, width, colours)
    if lettered:
        _key(axes, [(f"{key[c.id]}  {names[c.id]}", _colour_of(model, c, colours)) for c in named], colours)


def _marks(
    axes: Axes, drawn: Curves, model: FitModel, scale: float, colours: Palette, width: float, tall: float,
    names: dict[str, str],
) -> list[_Mark]:
    """Where names go: above their peaks; those that would touch go higher."""
    low, high = axes.get_ylim()
    taken: list[tuple[float, float, float]] = []  # left, right, foot
    marks = []
    for id, text in names.items():
        curve = drawn.component(id)
        at = int(curve.argmax())
        half = 0.62 * len(text) + 0.8
        centre = min(max(_place(axes, float(drawn.x[at])) * width, half), max(width - half, half))
        foot = (_highest(axes, drawn, scale, centre, half, width) - low) / (high - low) * tall + 1.2
        for left, right, other in sorted(taken, key=lambda box: box[2]):
            if left < centre + half and centre - half < right and abs(foot - other) < _LINE:
                foot = other + _LINE
        taken.append((centre - half, centre + half, foot))
        top = float(drawn.background[at] + curve[at]) * scale
        colour = _colour_of(model, model.component(id), colours)
        marks.append(_Mark(centre, foot, float(drawn.x[at]), top, text, colour))
    return marks


def _write(axes: Axes, marks: list[_Mark], room: float, width: float, colours: Palette) -> None:
    """The names, each with a fine line down to its peak."""
    from matplotlib.patheffects import withStroke

    low, high = axes.get_ylim()
    halo = [withStroke(linewidth=1.6, foreground=colours.paper)]
    for mark in marks:
        y = low + (high - low) * mark.foot / room
        axes.plot([mark.x, mark.x], [mark.top, y], color=mark.colour, linewidth=0.45, alpha=0.7, zorder=1.5)
        axes.text(
            mark.centre / width, mark.foot / room, mark.text, transform=axes.transAxes, color=mark.colour,
            fontsize=6.6, ha="center", va="bottom", parse_math=False, zorder=6, path_effects=halo,
        )


def _key(axes: Axes, rows: list[tuple[str, str]], colours: Palette) -> None:
    """What the letters stand for, where there is most room."""
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], linestyle="none") for _ in rows]
    legend = axes.legend(
        handles, [""] * len(rows), loc="best", frameon=False, fontsize=5.8, handlelength=0, handletextpad=0,
        labelspacing=0.3, borderaxespad=0.6, ncols=1 if len(rows) < 9 else 2, columnspacing=1.2,
    )
    legend.set_zorder(7)
    for label, (text, colour) in zip(legend.get_texts(), rows, strict=True):
        label.set_parse_math(False)
        label.set_text(text)
        label.set_color(colour)


def _place(axes: Axes, x: float) -> float:
    """Where an axis value stands, 0 at the left edge to 1 at the right one."""
    left, right = axes.get_xlim()
    return (x - left) / (right - left)


def _highest(axes: Axes, drawn: Curves, scale: float, centre: float, half: float, width: float) -> float:
    """The highest point or curve under a name."""
    left, right = axes.get_xlim()
    ends = [left + (right - left) * (centre + side) / width for side in (-half, half)]
    inside: np.ndarray = (drawn.x >= min(ends)) & (drawn.x <= max(ends))
    if not inside.any():
        return math.nan
    return float(max(drawn.y[inside].max(), drawn.envelope[inside].max())) * scale
