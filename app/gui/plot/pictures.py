"""From document to layers: computes the curves of the shown spectrum and hands them to the plot's items."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtGui import QColor

from app.gui.plot.anchors import anchor_points
from app.gui.plot.canvas import Canvas
from app.gui.plot.captions import intensity_label
from app.gui.plot.colours import faded
from app.gui.plot.comparison import Pile, flat
from app.gui.plot.drawn import curves_of
from app.gui.plot.edits import title
from app.gui.plot.envelope import Envelope, floor_of
from app.gui.plot.geometry import tall_zero_loss
from app.gui.plot.handles import handles_of
from app.gui.plot.layers import Curve, CurveSet, Dots, Span, Spans
from app.gui.plot.overlay import Scene
from app.gui.theme import Theme, current
from app.project.project import Entry, RegionFit
from fitting.curves import Curves
from fitting.dataset import Spectrum
from fitting.model import FitModel
from libraries.errors import SodaliteError

MANY_POINTS = 1200  # from here on a spectrum is drawn as a line; losses always are
DOT, SMALL_DOT = 2.6, 2.2


class Picture:
    """The layers of a spectrum plot. Nothing is made anew while numbers change."""

    def __init__(self, canvas: Canvas, scene: Scene) -> None:
        self._canvas, self._scene = canvas, scene
        self._shade = Spans(-20)
        self._others = CurveSet(2)
        self._pile, self._before, self._guide = CurveSet(3), CurveSet(3.5), CurveSet(8)
        self._curves = CurveSet(4)
        self._outside, self._dots, self._envelope = Dots(5, DOT), Dots(6, DOT), CurveSet(7)
        self._decades = Envelope(6)
        for item in (
            self._shade, self._others, self._pile, self._before, self._curves, self._outside, self._dots,
            self._decades, self._envelope, self._guide,
        ):
            canvas.main.addItem(item, ignoreBounds=True)
        self._band, self._residual = Spans(-20), Dots(5, SMALL_DOT)
        for item in (self._band, self._residual):
            canvas.rest.addItem(item, ignoreBounds=True)
        self._cache: dict[str, tuple[Spectrum, FitModel, Curves]] = {}
        self._colours = current()
        self._limit = 4.0
        self.error = ""
        self.logarithmic = False
        self.drawn: tuple[np.ndarray, np.ndarray] = (np.zeros(0), np.zeros(0))
        self.tall: tuple[float, float] | None = None

    # -- colours ------------------------------------------------------------------------------------------------

    def recolour(self, colours: Theme) -> None:
        """Use the colours of a theme; `show` draws with them."""
        self._colours = colours
        self._dots.set_colour(colours.data, DOT)
        self._outside.set_colour(colours.outside, DOT)
        self._decades.set_colour(colours.data)
        self._residual.set_colour(colours.data, SMALL_DOT)

    # -- what is drawn ------------------------------------------------------------------------------------------

    def show(self, entry: Entry | None, spectrum: Spectrum | None, fit: RegionFit | None, selected: str | None) -> None:
        """Draw a spectrum with its regions; `fit` is the one with handles."""
        self.error = ""
        scene = self._scene
        scene.model = scene.curves = None
        scene.handles, scene.tags, scene.selected = (), (), selected
        if entry is None or spectrum is None:
            self._clear()
            return
        self._pile.set_curves(())
        y = flat(spectrum)
        if self.logarithmic:
            y = np.log10(np.maximum(y, floor_of(y, spectrum.meta.intensity_unit == "counts")))
        self.drawn = (spectrum.x, y)
        drawn = self._drawn(entry, spectrum)
        active = drawn.get(fit.id) if fit is not None else None
        losses = spectrum.axis.quantity == "energy_loss"
        self._show_data(spectrum.x, y, fit if active is not None and len(entry.fits) == 1 else None, losses)
        self._show_others(entry, drawn, fit)
        self._show_model(spectrum, fit, active, selected)
        self._show_residual(active)
        self._shade.set_spans(self._regions(entry, fit))
        ys = [y]
        if active is not None:
            ys.append(np.interp(spectrum.x, active.x, active.envelope, left=y[0], right=y[-1]))
            ys.append(np.interp(spectrum.x, active.x, active.background, left=y[0], right=y[-1]))
        self.tall = tall_zero_loss(spectrum.x, y) if losses else None
        self._canvas.set_extent(spectrum.x, ys, spectrum.axis.step, self.tall)

    def show_pile(self, pile: Pile, difference: bool) -> None:
        """Draw several spectra over each other, without models; `difference` of two in the place of residuals."""
        self._clear()
        self._scene.model = self._scene.curves = None
        self._scene.handles, self._scene.tags, self._scene.selected = (), (), None
        self._pile.set_curves(pile.curves())
        x, ys = pile.extent()
        self._canvas.set_extent(x, ys, max((x[-1] - x[0]) / x.size, 1e-9))
        if difference and pile.difference is not None:
            at, values = pile.difference
            self._residual.set_data(at, values, joined=True)
            limit = 1.15 * (float(np.max(np.abs(values))) or 1.0)
            self._canvas.set_residual_limit(limit)
            zero = QColor(self._colours.axis)
            self._band.set_spans((Span(-0.004 * limit, 0.004 * limit, zero, across=True),))

    def show_guide(self, x: np.ndarray, y: np.ndarray) -> None:
        """A curve on top that is no part of a model: a fitted edge, say."""
        self._guide.set_curves((Curve(x, y, QColor(self._colours.envelope), 1.8),) if x.size else ())

    def show_before(self, raw: Spectrum | None, now: Spectrum | None) -> None:
        """The spectrum before its recipe as a line behind the data, scaled to their height where units differ."""
        if raw is None or now is None or raw.axis.quantity != now.axis.quantity or self.logarithmic:
            self._before.set_curves(())
            return
        y = flat(raw)
        if raw.meta.intensity_unit != now.meta.intensity_unit and float(np.max(y)) > 0:
            y = y * (float(np.max(flat(now))) / float(np.max(y)))
        self._before.set_curves((Curve(raw.x, y, QColor(self._colours.series[1]), 1.4),))

    def _clear(self) -> None:
        empty = np.zeros(0)
        self.drawn = (empty, empty)
        for dots in (self._dots, self._outside, self._residual):
            dots.set_data(empty, empty)
        self._decades.set_data(empty, empty)
        for lines in (self._others, self._curves, self._envelope, self._pile, self._before, self._guide):
            lines.set_curves(())
        self._shade.set_spans(())
        self._band.set_spans(())
        self._cache.clear()

    def _drawn(self, entry: Entry, spectrum: Spectrum) -> dict[str, Curves]:
        """Curves of every region of the entry, computed only where model or data changed."""
        if spectrum.navigation:
            return {}
        fresh: dict[str, tuple[Spectrum, FitModel, Curves]] = {}
        for fit in entry.fits:
            known = self._cache.get(fit.id)
            if known is not None and known[0] is spectrum and known[1] is fit.model:
                fresh[fit.id] = known
                continue
            try:
                fresh[fit.id] = (spectrum, fit.model, curves_of(spectrum, fit.model))
            except SodaliteError as error:
                self.error = str(error)
        self._cache = fresh
        return {id: item[2] for id, item in fresh.items()}

    def _show_data(self, x: np.ndarray, y: np.ndarray, only: RegionFit | None, losses: bool) -> None:
        joined = losses or x.size > MANY_POINTS
        nothing = np.zeros(0)
        if self.logarithmic and joined:
            self._decades.set_data(x, y)
            self._dots.set_data(nothing, nothing)
            self._outside.set_data(nothing, nothing)
            return
        self._decades.set_data(nothing, nothing)
        inside = np.ones(x.size, bool)
        if only is not None and not joined:
            low, high = only.model.region
            inside = (x >= low) & (x <= high)
        self._dots.set_data(x[inside], y[inside], joined=joined)
        self._outside.set_data(x[~inside], y[~inside])

    def _show_others(self, entry: Entry, drawn: dict[str, Curves], fit: RegionFit | None) -> None:
        """Regions that are not being edited: background and area, without handles."""
        lines, tags = [], []
        for other in entry.fits:
            if fit is not None and other.id == fit.id:
                continue
            low, high = other.model.region
            tags.append((low, high, other.name))
            part = drawn.get(other.id)
            if part is not None:
                tone = QColor(self._colours.background)
                lines.append(Curve(part.x, part.background, tone, 1.0))
                lines.append(Curve(part.x, part.envelope, tone, 1.0, part.background, 0.22))
        if fit is not None and tags:
            tags.append((*fit.model.region, fit.name))
        self._others.set_curves(lines)
        self._scene.tags = tuple(tags)

    def _show_model(
        self, spectrum: Spectrum, fit: RegionFit | None, drawn: Curves | None, selected: str | None
    ) -> None:
        if fit is None or drawn is None:
            self._curves.set_curves(())
            self._envelope.set_curves(())
            return
        colours, scene = self._colours, self._scene
        scene.model, scene.curves = fit.model, drawn
        scene.colour_of = {c.id: colours.of(i) for i, c in enumerate(fit.model.components)}
        scene.names = {c.id: title(c) for c in fit.model.components}
        lines = []
        for id, part in drawn.components:
            chosen = id == selected
            fill = (0.30 if chosen else 0.17) + (0.05 if colours.dark else 0.0)
            seen = visible_part(part, drawn)
            base = drawn.background[seen]
            lines.append(
                Curve(drawn.x[seen], base + part[seen], scene.colour_of[id], 2.0 if chosen else 1.4, base, fill)
            )
        lines.append(Curve(drawn.x, drawn.background, QColor(colours.background), 1.4))
        self._curves.set_curves(lines)
        envelope = [Curve(drawn.x, drawn.envelope, QColor(colours.envelope), 1.7)] if drawn.components else []
        self._envelope.set_curves(envelope)
        points = anchor_points(spectrum, fit.model)
        scene.handles = handles_of(fit.model, drawn, selected, spectrum.axis.quantity, points)

    def _show_residual(self, drawn: Curves | None) -> None:
        empty = np.zeros(0)
        if drawn is None or not drawn.components:
            self._residual.set_data(empty, empty)
            self._band.set_spans(())
            self._canvas.set_residual_limit(4.0)
            return
        self._residual.set_data(drawn.x, drawn.residual)
        if not self._canvas.frozen:
            self._limit = residual_limit(drawn.residual)
            self._canvas.set_residual_limit(self._limit)
        zero = QColor(self._colours.axis)
        self._band.set_spans(
            (
                Span(-2.0, 2.0, QColor(self._colours.band), across=True),
                Span(-0.004 * self._limit, 0.004 * self._limit, zero, across=True),
            )
        )

    def _regions(self, entry: Entry, fit: RegionFit | None) -> list[Span]:
        colours, spans = self._colours, []
        for other in entry.fits:
            active = fit is not None and other.id == fit.id
            low, high = other.model.region
            shade = faded(colours.shade, (0.055 if colours.dark else 0.035) if active else 0.03)
            spans.append(Span(low, high, shade, None if active else faded(colours.axis, 0.6)))
        return spans

    def axis_labels(self, spectrum: Spectrum) -> None:
        """Label and direction of the axes: binding energy runs right to left, and only here."""
        self._canvas.set_inverted(spectrum.axis.quantity == "binding_energy")
        self._canvas.main.getAxis("left").setLabel(intensity_label(spectrum))
        self._canvas.rest.getAxis("left").setLabel("Residual (σ)")
        for plot in (self._canvas.main, self._canvas.rest):
            plot.getAxis("bottom").setLabel(spectrum.axis.label)


def visible_part(part: np.ndarray, drawn: Curves) -> slice:
    """Where a component stands out of the background by more than a hair; its tails are not drawn."""
    high = np.flatnonzero(part > 0.0015 * float(np.ptp(drawn.y)))
    return slice(max(int(high[0]) - 1, 0), int(high[-1]) + 2) if high.size else slice(0, 0)


def residual_limit(residual: np.ndarray) -> float:
    """A calm symmetric range: 4, 6, 10, 20, 50 ... sigma, whatever holds nearly all points."""
    if residual.size == 0:
        return 4.0
    reach = float(np.percentile(np.abs(residual), 99.5))
    for limit in (4.0, 6.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0):
        if reach <= 0.97 * limit:
            return limit
    return 10.0 ** math.ceil(math.log10(reach))
