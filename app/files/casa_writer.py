"""Regions, components, links and calibrations of a project's spectrum as CasaXPS keeps them in VAMAS comments.

Decisions
---------
A spectrum that came with calibrations of CasaXPS's is written on the measured axis, with its energy shift as
calibrations; any other is written after its recipe, without any. CasaXPS thus shows the energies that this program
shows, and no shift is applied twice. A line that came from a file keeps its text but for the numbers that were edited.
Lines that could not be taken over stay, moved with the energy scale where that was changed; links are counted anew
where components were added or deleted. Without fits and shift the comments stay as they are.

A shape, background or link that CasaXPS does not have is left out with a warning, never written as something similar. A
component without a factor of CasaXPS's gets Scofield's cross-section (the scale of CasaXPS's own library, C 1s = 1)
where `fill` says so, else 0, with which CasaXPS leaves it out of its quantification.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.files.casa import CasaComponent, CasaRegion, casa_info
from app.files.casa_backgrounds import casa_background, parameters_of, width_of
from app.files.casa_lines import Layout, component_text, layout, region_text
from app.files.casa_models import LINE, CasaModels, casa_rsf, models_of
from app.files.casa_scale import DECIMALS, CasaScale, casa_shift, scale_of
from app.files.casa_shapes import shape_text
from fitting.backgrounds import kind as background_kind
from fitting.constraints import Dual, parse
from fitting.dataset import Axis
from fitting.evaluate import Evaluator
from fitting.model import Component, FitModel, Param
from libraries.elements import atomic_mass, parse_line
from libraries.errors import BadModel, SodaliteError
from libraries.sensitivity import scofield

if TYPE_CHECKING:
    from app.project.project import Entry, Tie
    from fitting.dataset import Spectrum

_LEAST_AREA, _MOST_AREA = 1e-20, 1e20
_PARENTS = ("area", "fwhm", "position")


@dataclass(frozen=True)
class CasaComments:
    """Comment lines to write with a spectrum, and what could not be written."""

    lines: tuple[str, ...]
    warnings: tuple[str, ...] = ()


def vamas_spectrum(
    entry: Entry, ties: Sequence[Tie] = (), *, fill: bool = False
) -> tuple[Spectrum, tuple[str, ...]]:
    """A spectrum as a VAMAS block takes it, with CasaXPS's lines; and warnings.

    Parameters
    ----------
    ties : sequence of Tie
        The project's links between regions.
    fill : bool
        Whether components without a factor of CasaXPS's get Scofield's cross-section.
    """
    comments = casa_comments(entry, ties, fill=fill)
    spectrum = measured(entry)
    return spectrum.with_(meta=replace(spectrum.meta, comments=comments.lines)), comments.warnings


def measured(entry: Entry) -> Spectrum:
    """The spectrum after its recipe, with the energy shift taken off again where CasaXPS's lines will tell it."""
    shift = entry.recipe.energy_shift
    if not casa_info(entry.spectrum).calibrations:
        return entry.processed()
    if all(step.kind == "energy_shift" for step in entry.recipe.steps):
        return entry.spectrum
    after = entry.processed()
    if not shift or after.axis.quantity not in ("binding_energy", "kinetic_energy"):
        return after
    back = -shift if after.axis.quantity == "binding_energy" else shift
    values = np.round(after.x + back, DECIMALS)
    return after.with_(axis=Axis(values, after.axis.quantity, after.axis.unit))


def casa_comments(entry: Entry, ties: Sequence[Tie] = (), *, fill: bool = False) -> CasaComments:
    """The comment lines of a spectrum with what the project knows of it in CasaXPS's form."""
    spectrum, comments = entry.spectrum, entry.spectrum.meta.comments
    if spectrum.navigation or not (entry.fits or entry.recipe.energy_shift):
        return CasaComments(comments)
    found = layout(comments)
    if found is None:
        return CasaComments(
            comments, ("CasaXPS's lines stand in an order that is not known: they are left as they are.",)
        )
    try:
        scale, assumed = scale_of(entry.processed())
        old = models_of(spectrum)
    except SodaliteError as error:
        return CasaComments(comments, (str(error),))
    return _Writer(entry, found, scale, old, ties, fill, list(assumed)).comments()


@dataclass
class _Row:
    """A component on its way: what is written, and what it is here (None for a line that was never taken over)."""

    casa: CasaComponent
    number: int | None = None
    region: str = ""
    component: Component | None = None


class _Writer:
    """One spectrum on its way into CasaXPS's lines."""

    def __init__(
        self, entry: Entry, found: Layout, scale: CasaScale, old: CasaModels, ties: Sequence[Tie], fill: bool,
        warnings: list[str],
    ) -> None:
        self.entry, self.found, self.scale, self.old = entry, found, scale, old
        self.fill, self.warnings = fill, warnings
        self.info = casa_info(entry.spectrum)
        self.move = round(entry.recipe.energy_shift - casa_shift(entry.spectrum, self.info), DECIMALS)
        self.taken = any(LINE in dict(c.extra) for fit in entry.fits for c in fit.model.components) or any(
            LINE in dict(fit.model.extra) for fit in entry.fits
        )
        self.before = {dict(m.extra)[LINE]: m for m in old.models}
        self.parts = {dict(c.extra)[LINE]: c for m in old.models for c in m.components}
        # What the formulas of the links give for them before any edit, which files hold rounded.
        self.worth = {
            (dict(c.extra)[LINE], name): value
            for m in old.models for c in m.components for name, value in _values(m, c).items()
        }  # fmt: skip
        self.ties = {tie.target: tie.formula for tie in ties if tie.target.startswith(f"{entry.id}/")}

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def comments(self) -> CasaComments:
        regions = [self._moved_region(r) for r in self.info.regions if not (self.taken and r.line in self.before)]
        rows = [_Row(c, at) for at, c in enumerate(self.info.components) if not (self.taken and c.line in self.parts)]
        for row in rows:
            row.casa = self._moved_component(row.casa)
        if not self.taken and (regions or rows) and self.entry.fits:
            self.warn("CasaXPS's own regions and components of the file stay beside those of the project.")
        for fit in self.entry.fits:
            region = self._region(fit.model)
            if region is not None:
                regions.append(region)
                rows += self._rows(fit.id, fit.model)
        place = {r.line: at for at, r in enumerate(self.info.regions)}
        regions.sort(key=lambda r: place.get(r.line, len(place)))
        rows.sort(key=lambda row: len(self.info.components) if row.number is None else row.number)
        texts = [component_text(self._linked(row, rows)) for row in rows]
        calibrations = self.found.calibrations
        if self.move and calibrations:
            # One line more, whose difference is what was changed here.
            if not self.entry.recipe.energy_shift:
                self.warn("CasaXPS's calibration is not used in the project: one line more takes it back.")
            calibrations = (*calibrations, f"Calib M = 0 A = {self.move:.10g} BE ADD")
        done = replace(
            self.found, calibrations=calibrations, regions=tuple(map(region_text, regions)), components=tuple(texts)
        )
        return CasaComments(done.lines(), tuple(dict.fromkeys(self.warnings)))

    # -- what was never taken over ------------------------------------------------------------------------------

    def _moved_region(self, region: CasaRegion) -> CasaRegion:
        if not self.move:
            return region
        return replace(region, start_ke=self._moved(region.start_ke), end_ke=self._moved(region.end_ke))

    def _moved_component(self, casa: CasaComponent) -> CasaComponent:
        if not self.move:
            return casa
        bounded = casa.position_link is None
        return replace(
            casa,
            position_ke=self._moved(casa.position_ke),
            position_min=self._moved(casa.position_min) if bounded else casa.position_min,
            position_max=self._moved(casa.position_max) if bounded else casa.position_max,
        )

    def _moved(self, kinetic: float) -> float:
        return round(kinetic - self.move, DECIMALS)

    # -- regions ------------------------------------------------------------------------------------------------

    def _region(self, model: FitModel) -> CasaRegion | None:
        notes = dict(model.extra)
        line = notes.get(LINE, "")
        casa = next((r for r in self.info.regions if r.line == line), None)
        old = self.before.get(line)
        same = casa is not None and old is not None and old.background == model.background
        background = casa.background if same and casa is not None else casa_background(model.background)
        if background is None:
            title = background_kind(model.background.kind).title
            self.warn(
                f"Region '{model.name}' is left out with its components: CasaXPS has no background "
                f"'{title}'."
            )
            return None
        low, high = sorted(map(self.scale.kinetic, model.region))
        if casa is None:
            return self._new_region(model, background, low, high)
        wanted = {"name": model.name, "background": background}
        if old is None or old.region != model.region:
            wanted |= dict(zip(("start_ke", "end_ke"), (low, high), strict=True))
        if not same:
            wanted["average_width"] = width_of(model.background.average)
            wanted["parameters"] = (*parameters_of(model.background), *casa.parameters[4:])
        return replace(casa, **wanted)

    def _new_region(self, model: FitModel, background: str, low: float, high: float) -> CasaRegion:
        lines = {c.line for c in model.components if c.line and not c.doublet}
        factors = {self._factor(c) for c in model.components}
        tag = model.name
        mass = 0.0
        if lines:
            line = parse_line(min(lines))
            mass, tag = atomic_mass(line.element), f"{line.element} {line.shell}"
        rsf = factors.pop() if len(factors) == 1 else 0.0
        numbers = (low, high, rsf, width_of(model.background.average), 0.0, 0.0)
        return CasaRegion(model.name or tag, background, *numbers, parameters_of(model.background), tag, mass, rsf)

    # -- components ---------------------------------------------------------------------------------------------

    def _rows(self, fit_id: str, model: FitModel) -> list[_Row]:
        values = dict(zip(model.params, Evaluator.values_of(model).tolist(), strict=True))
        rows, used = [], set()
        for component in model.components:
            line = dict(component.extra).get(LINE, "")
            number = next((at for at, c in enumerate(self.info.components) if c.line == line and at not in used), None)
            used |= {number} if number is not None else set()
            casa = self._casa(model, component, None if number is None else self.info.components[number], values)
            if casa is not None:
                rows.append(_Row(casa, number, fit_id, component))
        return rows

    def _casa(
        self, model: FitModel, component: Component, casa: CasaComponent | None, values: dict[str, float]
    ) -> CasaComponent | None:
        """A component in CasaXPS's numbers; links are set later."""
        shape = shape_text(component, casa.shape if casa else "")
        if shape is None:
            self.warn(f"'{component.name}' is left out: CasaXPS has no shape '{component.shape}' of these parameters.")
            return None
        old = self.parts.get(casa.line) if casa is not None else None
        numbers = {
            **self._numbers(component, old, casa, values, "area", ("area", "area_min", "area_max")),
            **self._numbers(component, old, casa, values, "fwhm", ("fwhm", "fwhm_min", "fwhm_max")),
            **self._numbers(component, old, casa, values, "position", ("position_ke", "position_min", "position_max"),
                            model.region),
        }
        if casa is not None:
            tag = casa.tag if old is None or component.tag == old.tag else component.tag or casa.tag
            return replace(casa, name=component.name, shape=shape, tag=tag, **numbers)
        rsf = self._factor(component)
        notes = dict(model.extra)
        line = parse_line(component.line) if component.line else None
        tag = component.tag or notes.get("casa tag") or (f"{line.element} {line.shell}" if line else model.name)
        free: dict[str, float | None] = {}
        for name, neutral in (("area", "factor"), ("fwhm", "factor"), ("position", "offset")):
            free |= {f"{name}_link": None, f"{name}_{neutral}": 0.0 if neutral == "offset" else 1.0}
        return CasaComponent(
            name=component.name, shape=shape, **numbers, **free,  # type: ignore[arg-type]
            rsf=rsf, mass=atomic_mass(line.element) if line else 0.0, tag=tag, uncorrected_rsf=rsf,
        )  # fmt: skip

    def _numbers(
        self, component: Component, old: Component | None, casa: CasaComponent | None, values: dict[str, float],
        name: str, keys: tuple[str, str, str], region: tuple[float, float] = (0.0, 0.0),
    ) -> dict[str, float]:
        """Value and limits; those of the file where they are what it says."""
        param, value = component.param(name), values[f"{component.id}.{name}"]
        before = old.param(name) if old is not None else None
        kept = casa is not None and before is not None
        limits = {key: getattr(casa, key) for key in keys[1:]} if kept else {}
        numbers = {}
        if casa is not None and kept and self.worth[casa.line, name] == value:
            numbers[keys[0]] = getattr(casa, keys[0])
        else:
            numbers[keys[0]] = self._own(name, value)
        if before is not None and kept:
            held = not (param.vary or param.link)
            same = (param.link and before.link) or (
                _limits(before) == _limits(param) and not (held and numbers[keys[0]] != getattr(casa, keys[0]))
            )
            if same:
                return numbers | limits
        return numbers | dict(zip(keys[1:], self._written_limits(name, param, value, region), strict=True))

    def _own(self, name: str, value: float) -> float:
        if name == "position":
            return self.scale.kinetic(value)
        return value / self.scale.area if name == "area" else value

    def _written_limits(
        self, name: str, param: Param, value: float, region: tuple[float, float]
    ) -> tuple[float, float]:
        """Limits that CasaXPS can hold: a held number has two equal ones, an open end gets the widest sensible."""
        low, high = (value, value) if not param.vary and not param.link else (param.minimum, param.maximum)
        open_ends = {"area": (0.0, math.inf), "fwhm": (1e-3, 100.0), "position": region}[name]
        low = open_ends[0] if math.isinf(low) else low
        high = open_ends[1] if math.isinf(high) else high
        if name == "area":
            return max(low / self.scale.area, _LEAST_AREA), min(high / self.scale.area, _MOST_AREA)
        ends = sorted((self._own(name, low), self._own(name, high)))
        return ends[0], ends[1]

    def _factor(self, component: Component) -> float:
        own = casa_rsf(component)
        if own is not None:
            return own
        energy = self.entry.spectrum.meta.photon_energy
        if self.fill and component.line and energy is not None and component.quantify:
            line = parse_line(component.line)
            try:
                # CasaXPS gives both lines of a doublet the factor of the whole level.
                return scofield(f"{line.element} {line.shell}", energy).value
            except SodaliteError:
                pass
        self.warn(f"'{component.name}' has no factor of CasaXPS's: RSF 0 was written, which is not quantified.")
        return 0.0

    # -- links --------------------------------------------------------------------------------------------------

    def _tied(self, component: Component, name: str) -> bool:
        return any(target.endswith(f"/{component.id}.{name}") for target in self.ties)

    def _linked(self, row: _Row, rows: Sequence[_Row]) -> CasaComponent:
        """The component with its links counted in the list as it is written."""
        casa = row.casa
        for name in _PARENTS:
            link, second = f"{name}_link", f"{name}_offset" if name == "position" else f"{name}_factor"
            if row.component is None or self._dropped(row, name, link):
                wanted = getattr(casa, link)
                # A link to nothing in the file stays what it was; that to a deleted component ends.
                if wanted is not None and wanted < len(self.info.components):
                    parent = next((at for at, r in enumerate(rows) if r.number == wanted), None)
                    casa = replace(casa, **{link: parent})
                continue
            place, number = self._parent(row, rows, name)
            changes: dict[str, float | int | None] = {link: place}
            if place is not None and not math.isclose(number, getattr(casa, second), rel_tol=1e-9, abs_tol=1e-9):
                changes[second] = number
            casa = replace(casa, **changes)  # type: ignore[arg-type]
        return casa

    def _dropped(self, row: _Row, name: str, link: str) -> bool:
        """Whether a link of the file was not taken over and the number is still what it says."""
        old = self.parts.get(row.casa.line)
        if row.component is None or row.number is None or old is None or self._tied(row.component, name):
            return False
        key = "position_ke" if name == "position" else name
        untouched = getattr(self.info.components[row.number], key) == getattr(row.casa, key)
        linked = old.param(name).link or row.component.param(name).link
        return untouched and not linked and getattr(row.casa, link) is not None

    def _parent(self, row: _Row, rows: Sequence[_Row], name: str) -> tuple[int | None, float]:
        """Place of the parent among the rows, and factor or offset of kinetic energy; (None, 0) for a free one."""
        component = row.component
        assert component is not None
        region, text = row.region, component.param(name).link
        tie = self.ties.get(f"{self.entry.id}/{region}/{component.id}.{name}", "")
        if tie:
            found = re.search(r"\{([^{}/]*)/([^{}/]*)/([^{}]*)\}", tie)
            if found is None or found[1] != self.entry.id:
                self.warn(f"The link of {name} of '{component.name}' to another spectrum is left out.")
                return None, 0.0
            region, text = found[2], tie.replace(found[0], found[3])
        if not text:
            return None, 0.0
        known = _line_of_link(text, name)
        parent = known and next(
            (at for at, r in enumerate(rows) if r.region == region and r.component and r.component.id == known[0]), None
        )
        if known is None or parent is None:
            self.warn(f"The link '{text}' of {name} of '{component.name}' is left out: CasaXPS has none like it.")
            return None, 0.0
        return parent, self.scale.sign * known[1] if name == "position" else known[1]


def _values(model: FitModel, component: Component) -> dict[str, float]:
    """Values of a component's parameters, linked ones as their formulas say."""
    known = dict(zip(model.params, Evaluator.values_of(model).tolist(), strict=True))
    return {name: known[f"{component.id}.{name}"] for name, _ in component.params}


def _limits(param: Param) -> tuple[float, float, bool]:
    return param.minimum, param.maximum, param.vary


def _line_of_link(text: str, name: str) -> tuple[str, float] | None:
    """Parent and factor (or offset, for a position) of a link that CasaXPS can hold; None for any other."""
    try:
        link = parse(text)
        if len(link.names) != 1 or link.tolerance:
            return None
        parent, _, other = link.names[0].partition(".")
        if other != name:
            return None
        at_one, at_two, at_five = (link.evaluate({link.names[0]: Dual(x, {})}).value for x in (1.0, 2.0, 5.0))
    except BadModel:
        return None
    slope, offset = at_two - at_one, 2 * at_one - at_two
    if abs(at_five - (offset + 5 * slope)) > 1e-9 * (1 + abs(at_five)):
        return None
    if name == "position":
        return (parent, round(offset, DECIMALS)) if abs(slope - 1) < 1e-9 else None
    return (parent, round(slope, 12)) if abs(offset) < 1e-9 and slope > 0 else None
