"""The Depth page: depth scale, interfaces, and from what layers are told."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel
from app.gui.sims.depth_answers import DepthAnswers
from app.gui.sims.depth_scale_part import DepthScalePart
from app.gui.sims.interfaces_part import InterfacesPart, told
from app.gui.sims.layer_source_part import LayerSourcePart
from app.gui.sims.profile_marks import Curve, Mark, Range
from app.gui.tasks import Tasks
from app.project import sims_depth_edits as edits
from app.project.clear_steps import clearest_step, proposed_range
from app.project.sims_depth import DepthAnswer, Evaluated
from app.project.sims_profiles_at import trace_choices, trace_values, trace_words
from fitting.dataset import FloatArray
from fitting.sims.depth import clock_of
from fitting.sims.interface import HELD_AT_FIRST
from fitting.sims.setup import DepthScale, Interface, LayerSetup
from fitting.sims.traces import axes_of
from libraries.errors import NotDetermined, SodaliteError

_OWNER = "depth"


class DepthPanel(Panel):
    """Settings of depth, interfaces and layers of the shown profile, with ranges and marks on its plot."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Depth", parent)
        self.tasks = tasks
        self.answers = DepthAnswers.of(document, tasks)
        self._window: Any = None
        self._plot: Any = None
        self._choices: tuple[object, tuple[tuple[str, str], ...]] = (None, ())
        self._steps: tuple[object, object, tuple[str, ...], str] = (None, None, (), "")
        self.scale = DepthScalePart()
        self.interfaces = InterfacesPart()
        self.layers = LayerSourcePart()
        self.table(self.scale.phases)
        for model in (self.interfaces.rows, self.interfaces.lengths, self.layers.markers):
            self.table(model)
        for part in (self.scale, self.interfaces, self.layers):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.scale.edited.connect(self.set_scale)
        self.interfaces.wanted.connect(self.add_interface)
        self.interfaces.edited.connect(self.edit_interface)
        self.interfaces.removed.connect(self.remove_interface)
        self.interfaces.chosen.connect(lambda _: self._draw())
        self.layers.edited.connect(self.set_layers)
        self.layers.page_wanted.connect(self.show_layers)
        for part in (self.scale, self.interfaces):
            part.refused.connect(self.say)
        self.answers.changed.connect(self.show_now)
        self.ready()

    def use_window(self, window: Any) -> None:
        """Ranges are dragged on the profile in the middle of the window."""
        self._window, self._plot = window, window.centre.profile
        self.answers.use_source(self._plot.source)
        self._plot.ranges.moved.connect(self._dragged)
        self._plot.ranges.released.connect(self._released)
        self._plot.axis_changed.connect(self._draw)
        self._plot.shown_changed.connect(self._draw)
        self._plot.shown_changed.connect(lambda: self.interfaces.offer(self._offered()))
        self._plot.highlight_changed.connect(
            lambda: self.interfaces.offer(self._offered(), chosen=bool(self._plot.highlighted)))

    # -- showing ------------------------------------------------------------------------------------------------

    def _answer(self) -> DepthAnswer | None:
        return self.answers.answer

    def refresh(self) -> None:
        """Show the settings at once, and results when they are worked out."""
        entry = self.document.entry
        if entry is not None and (entry.spectrum.meta.technique != "sims" or not entry.spectrum.axis.labels):
            entry = None
        answer = self._answer()
        self.scale.show_scale(entry, answer)
        traces: tuple[tuple[str, str], ...] = ()
        if entry is not None:
            key = (entry.spectrum.axis, entry.factors)
            if self._choices[0] is None or any(a is not b for a, b in zip(key, self._choices[0], strict=True)):
                self._choices = (key, trace_choices(entry))
            traces = self._choices[1]
        self.interfaces.show_interfaces(entry, answer, traces, self._offered())
        self.layers.show_source(entry, answer, traces)
        if self.answers.failed:
            self.say(self.answers.failed)
        self._draw()

    def _draw(self) -> None:
        """The range of the chosen interface, marks and fitted curves of all, on the profile."""
        plot, entry, answer = self._plot, self.document.entry, self._answer()
        if plot is None:
            return
        owners = (plot.ranges, plot.marks, plot.curves)
        profile = plot.profile
        if entry is None or profile is None or not profile.axis.labels:
            for owner in owners:
                owner.take(_OWNER)
            return
        axes = self._axes()
        shown = axes.get(plot.x_quantity)
        if shown is None:
            return
        ranges = []
        seen = self.isVisible()
        current = self.interfaces.current
        for number, one in enumerate(entry.interfaces if seen else ()):
            clock = axes.get(one.scale)
            if clock is not None and one.id == current:
                low, high = np.interp([one.low, one.high], clock, shown)
                ranges.append(Range(f"{_OWNER}/{one.id}", one.name, float(low), float(high), number + 2,
                                    words=f"{one.name}: {trace_words(entry, one.trace)}"))
        plot.ranges.put(_OWNER, ranges)
        found = answer.interfaces if answer is not None and answer.profile is profile else ()
        along = answer.along.values if answer is not None else shown
        marks = [mark for one in found if (mark := self._mark(one, along, shown)) is not None]
        plot.marks.put(_OWNER, marks)
        plot.curves.put(_OWNER, [curve for one in found if (curve := self._curve(one, shown)) is not None])

    def _offered(self) -> str:
        """The trace that is highlighted on the profile, else of those drawn the one with the clearest step."""
        plot, entry = self._plot, self.document.entry
        if plot is None or entry is None or plot.profile is None or plot.shown is None:
            return ""
        own = {one.key: one.trace.name for one in plot.shown.drawn if not one.other}
        if plot.highlighted in own:
            return own[plot.highlighted]
        names = tuple(own.values())
        profile, factors, known, found = self._steps
        if profile is not plot.profile or factors is not entry.factors or known != names:
            found = clearest_step(entry, plot.profile, names)
            self._steps = (plot.profile, entry.factors, names, found)
        return found

    def _axes(self) -> dict[str, FloatArray]:
        """All numbers along the drawn profile."""
        shown = self._plot.shown
        depths = shown.depths if shown is not None else None
        return {name: axis.values for name, axis in axes_of(self._plot.profile, depths).items()}

    def _mark(self, one: Evaluated, along: FloatArray, shown: FloatArray) -> Mark | None:
        if one.failed or not math.isfinite(one.position) or along.size != shown.size:
            return None
        place = float(np.interp(one.position, along, shown))
        error = one.own_error  # that of the depth scale moves curve and axis together
        if math.isfinite(error):
            ends = np.interp([one.position - error, one.position + error], along, shown)
            error = float(ends[1] - ends[0]) / 2
        entry = self.document.entry
        ids = [other.id for other in entry.interfaces] if entry is not None else []
        number = ids.index(one.interface.id) + 2 if one.interface.id in ids else 2
        label = f"{told(one.position, one.position_error)} {one.unit}".strip()
        return Mark(place, error, label, number, f"{one.interface.name}: {label}")

    def _curve(self, one: Evaluated, shown: FloatArray) -> Curve | None:
        """The fitted curve at the height at which its trace is drawn (normalised as it is)."""
        entry = self.document.entry
        if one.curve is None or entry is None:
            return None
        try:
            values = trace_values(entry, self._plot.profile, one.interface.trace)[0][one.part]
        except SodaliteError:  # the trace has just gone; the next answer says so
            return None
        drawn = next((d.trace for d in self._plot.shown.drawn if d.trace.name == one.interface.trace and not d.other),
                     None) if self._plot.shown is not None else None
        if drawn is None:  # alone it would look like another trace, of another size
            return None
        told = drawn.y[one.part]
        good = (values > 0) & np.isfinite(told)
        if not np.any(good):
            return None
        places = np.arange(values.size)
        height = np.interp(places, places[good], told[good] / values[good])
        return Curve(shown[one.part], one.curve * height)

    def showEvent(self, event: Any) -> None:
        """Ranges are there while the page is."""
        super().showEvent(event)
        self._draw()

    def hideEvent(self, event: Any) -> None:
        """Without the page no range can be dragged by mistake."""
        super().hideEvent(event)
        if self._plot is not None:
            self._plot.ranges.take(_OWNER)

    def show_layers(self) -> None:
        """The table and the picture of the layers."""
        if self._window is not None:
            self._window.results.show_page("Layers")

    # -- doing --------------------------------------------------------------------------------------------------

    def set_scale(self, scale: DepthScale) -> None:
        """Another depth scale; the first one that can be used turns the axis of the profile to depth."""
        entry = self.document.entry
        if entry is not None:
            self.attempt(lambda: self.document.apply(
                "Depth scale", edits.with_depth(self.document.project, entry.id, scale)))

    def set_layers(self, setup: LayerSetup) -> None:
        """Another source of the layers."""
        entry = self.document.entry
        if entry is None:
            return
        if setup == entry.layering:
            self.show_now()
            return
        self.attempt(lambda: self.document.apply(
            "Source of layers", edits.with_layering(self.document.project, entry.id, setup)))

    def add_interface(self, trace: str, shape: Any, response: Any) -> None:
        """A range at the clearest step of a trace."""
        entry = self.document.entry
        if entry is None:
            return

        def add() -> None:
            profile = self._plot.profile if self._plot is not None else None
            if profile is None:
                raise NotDetermined("The profile is still being added up", todo="Try again in a moment")
            clock = clock_of(profile)
            low, high = proposed_range(clock, trace_values(entry, profile, trace)[0])
            name = f"Interface {len(entry.interfaces) + 1}" if shape == "step" else f"Layer {len(entry.interfaces) + 1}"
            new = Interface("", name, trace, low, high, clock.quantity, response, shape,
                            HELD_AT_FIRST.get(response, ()))
            project, id = edits.add_interface(self.document.project, entry.id, new)
            self.document.apply(f"Add {name.lower()}", project)
            self.interfaces.view.show_current(id)

        self.attempt(add)

    def edit_interface(self, id: str, new: Interface) -> None:
        """Another name, response, shape or known length."""
        entry = self.document.entry
        if entry is not None:
            self.attempt(lambda: self.document.apply(
                f"Edit {new.name}", edits.edit_interface(self.document.project, entry.id, id, lambda _: new)))

    def remove_interface(self, id: str) -> None:
        """Take an interface away."""
        entry = self.document.entry
        if entry is not None:
            self.attempt(lambda: self.document.apply(
                "Remove interface", edits.without_interface(self.document.project, entry.id, id)))

    def _dragged(self, name: str, low: float, high: float) -> None:
        owner, _, id = name.partition("/")
        entry = self.document.entry
        if owner != _OWNER or entry is None or all(one.id != id for one in entry.interfaces):
            return
        axes = self._axes()
        one = next(one for one in entry.interfaces if one.id == id)
        shown, clock = axes.get(self._plot.x_quantity), axes.get(one.scale)
        if shown is None or clock is None:
            return
        ends = np.interp([low, high], shown, clock)
        project = edits.edit_interface(self.document.project, entry.id, id, lambda old: replace(
            old, low=float(ends[0]), high=float(ends[1])))
        self.document.apply(f"Move {one.name}", project, merge=f"sims interface {id}")

    def _released(self, name: str, low: float, high: float) -> None:
        if name.partition("/")[0] == _OWNER:
            self.document.close_merge()
