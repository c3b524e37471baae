"""From chemical states to a model that can be fitted: links, bounds, and amounts to start from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import nnls

from fitting.dataset import Spectrum
from fitting.evaluate import Evaluator
from fitting.model import Background, Component, FitModel, Param
from fitting.shapes import axis_direction, shape
from fitting.xps.candidates.grammar import Grammar, Keys, Part, Profile, State
from libraries.errors import BadModel

# A component that begins without any area would rest on its bound: it begins with this share of the whole.
_LEAST_SHARE = 0.01


def build(
    grammar: Grammar, keys: Keys, base: FitModel, positions: Sequence[float] | None = None,
    widths: Mapping[str, float] | None = None, *, direction: int = 1,
) -> tuple[FitModel, tuple[str, ...]]:
    """A model of some states in the region of `base`, on its background.

    Parameters
    ----------
    grammar : Grammar
    keys : tuple of str
    base : FitModel
        Region, background, and components of other lines, which stay as they are.
    positions : sequence of float, optional
        Where the main peaks begin, in eV; by default the centres of their ranges.
    widths : mapping of str to float, optional
        Where widths begin, by profile.
    direction : int
        +1 on a binding-energy axis, -1 on a kinetic one (`fitting.shapes.axis_direction`).

    Returns
    -------
    model : FitModel
        With areas of 1.
    ids : tuple of str
        The main component of each state.
    """
    components: list[Component] = []
    owners: dict[str, str] = {}
    ids = []
    first = first_number(base)
    for number, key in enumerate(keys):
        state = grammar.state(key)
        start = state.centre if positions is None else positions[number]
        low, high = _limits(state, base)
        id = f"p{first + len(components)}"
        place = Param(min(max(start, low), high), low, high)
        main = Component(
            id, state.name, grammar.profiles[state.profile].shape,
            _params(grammar, state.profile, id, owners, widths, Param(1.0, 0.0), place),
            line=state.line, source=state.source, quantify=state.quantify,
        )
        components.append(main)
        ids.append(main.id)
        components.extend(_parts(grammar, state, main, first + len(components), owners, widths, direction))
    return replace(base, components=(*base.components, *components)), tuple(ids)


def first_number(base: FitModel) -> int:
    """From this number on, "p<number>" is the id of no component yet."""
    taken = [int(c.id[1:]) for c in base.components if c.id[0] == "p" and c.id[1:].isdigit()]
    return 1 + max(taken, default=0)


def _limits(state: State, base: FitModel) -> tuple[float, float]:
    low, high = max(state.window[0], base.region[0]), min(state.window[1], base.region[1])
    if low > high:
        raise BadModel(f"{state.name} lies outside the region", where=base.name)
    return low, high


def _params(
    grammar: Grammar, key: str, id: str, owners: dict[str, str], widths: Mapping[str, float] | None, area: Param,
    position: Param,
) -> tuple[tuple[str, Param], ...]:
    """Area and position as given; everything else follows the first component of the same form."""
    profile = grammar.profiles[key]
    given = dict(profile.params)
    owner = owners.setdefault(key, id)
    rows = []
    for p in shape(profile.shape).parameters:
        if p.kind in ("area", "position"):
            rows.append((p.name, area if p.kind == "area" else position))
            continue
        param = given[p.name]
        if p.name.startswith("fwhm") and param.vary:
            begin = (widths or {}).get(key, param.value + (profile.excess if p.name == "fwhm" else 0.0))
            if p.name == "fwhm":
                param = param.at(min(max(begin, param.minimum), param.maximum))
        if owner != id:
            param = Param(param.value, link=f"{owner}.{p.name}") if param.vary else param
        rows.append((p.name, param))
    return tuple(rows)


def _parts(
    grammar: Grammar, state: State, main: Component, first: int, owners: dict[str, str],
    widths: Mapping[str, float] | None, direction: int,
) -> list[Component]:
    made: list[Component] = []
    major = main
    for part in state.parts:
        id = f"p{first + len(made)}"
        offset = direction * part.offset
        area = Param(part.ratio, link=f"{main.id}.area * {part.ratio:.6g}")
        position = Param(main.value("position") + offset, link=f"{main.id}.position {offset:+.5g}")
        params = _params(grammar, part.profile, id, owners, widths, area, position)
        made.append(_part(part, state, id, grammar.profiles[part.profile], params, major))
        if not part.doublet:
            major = made[-1]
    return made


def _part(
    part: Part, state: State, id: str, profile: Profile, params: tuple[tuple[str, Param], ...], major: Component
) -> Component:
    return Component(
        id, part.name, profile.shape, params, line=part.line, source=part.source or state.source,
        doublet=major.id if part.doublet else "", quantify=state.quantify,
    )


def amounts(spectrum: Spectrum, model: FitModel, ids: Sequence[str]) -> FitModel:
    """The model with areas from non-negative least squares on a straight background.

    Parameters
    ----------
    spectrum : Spectrum
    model : FitModel
        With areas of 1.
    ids : sequence of str
        Main components; parts follow by their links. Components before them stay as they are.
    """
    bare = replace(model, background=Background("none"))
    evaluator = Evaluator(spectrum, bare)
    parts = evaluator.parts(evaluator.values_of(bare))
    owner, columns = _owners(model, ids), dict.fromkeys(ids)
    y = evaluator.y
    for id, curve in zip(evaluator.component_ids, parts.components, strict=True):
        if id not in owner:
            y = y - curve
            continue
        before = columns[owner[id]]
        columns[owner[id]] = curve if before is None else before + curve
    rise = np.linspace(0.0, 1.0, y.size)
    scale = max(float(np.mean(np.abs(y))), 1e-300)
    flat = [scale * np.ones_like(y), scale * rise, scale * rise[::-1]]
    weight = 1.0 / np.sqrt(np.maximum(np.abs(y), 1e-3 * scale))
    matrix = np.column_stack([*columns.values(), *flat]) * weight[:, None]
    found = nnls(matrix, y * weight)[0][: len(ids)]
    least = _LEAST_SHARE * max(float(np.sum(found)), spectrum.axis.step * float(np.ptp(y)))
    return model.with_values({f"{id}.area": max(float(a), least) for id, a in zip(ids, found, strict=True)})


def _owners(model: FitModel, ids: Sequence[str]) -> dict[str, str]:
    """Main component of every component: the last one before it; those of other lines have none."""
    table, current = {}, ""
    for component in model.components:
        current = component.id if component.id in ids else current
        if current:
            table[component.id] = current
    return table


def named(model: FitModel, ids: Sequence[str], grammar: Grammar) -> FitModel:
    """Plain peaks numbered along the axis, so that two of them have different names."""
    if not grammar.repeat:
        return model
    order = sorted(ids, key=lambda id: model.component(id).value("position"))
    names = {id: f"{grammar.states[0].name} {i + 1}" if len(ids) > 1 else grammar.states[0].name
             for i, id in enumerate(order)}
    return replace(model, components=tuple(replace(c, name=names.get(c.id, c.name)) for c in model.components))


def direction_of(spectrum: Spectrum) -> int:
    """+1 where binding energy rises along the axis, -1 on a kinetic-energy axis."""
    return axis_direction(spectrum.axis.quantity)


def width_of(model: FitModel, id: str) -> float:
    """Full width of a component in eV, a Voigt's by Olivero & Longbothum (JQSRT 17 (1977) 233)."""
    values = model.component(id).values
    if "fwhm" in values:
        return values["fwhm"]
    lorentz, gauss = values.get("fwhm_l", 0.0), values.get("fwhm_g", 0.0)
    return 0.5346 * lorentz + math.sqrt(0.2166 * lorentz**2 + gauss**2)
