"""Edits by hand on a model: what a drag, a key or a typed number does to parameters with bounds, holds and links.

A linked parameter is moved by moving the one it follows, so that the link stays true; a bound stops the hand; both
are said in words (`Edit.note`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.gui.plot.geometry import amplitude_name, peak_of, width_names
from fitting.constraints import Dual, Link, evaluation_order, parse
from fitting.dataset import Quantity
from fitting.model import BACKGROUND, Component, FitModel, Param
from libraries.errors import BadModel

WORDS = {
    "position": "position",
    "fwhm": "width",
    "fwhm_g": "Gaussian width",
    "fwhm_l": "Lorentzian width",
    "area": "area",
    "height": "height",
    "mix": "Lorentzian part",
    "asymmetry": "asymmetry",
    "spacing": "plasmon energy",
    "decay": "loss ratio",
    "broadening": "loss broadening",
    "alpha": "exponent at high energy",
    "beta": "exponent at low energy",
    "n": "Gaussian index",
    "k": "tail decay",
    "kt": "thermal energy",
}
# Values count as equal within this part of their size: a drag that ends on its bound is not "stopped" by rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Edit:
    """A model after an edit, what to tell the user ("" for nothing), and whether something stopped the hand."""

    model: FitModel
    note: str = ""
    stopped: bool = False


def label(model: FitModel, name: str) -> str:
    """A full parameter name in words: "width of C–O"."""
    owner, _, parameter = name.partition(".")
    word = WORDS.get(parameter, parameter.replace("_", " "))
    return f"{word} of {'the background' if owner == BACKGROUND else title(model.component(owner))}"


def title(component: Component) -> str:
    """What the user calls a component."""
    return component.name or component.id


def number(value: float) -> str:
    """A number for a sentence."""
    return f"{value:.6g}"


def settled(model: FitModel) -> FitModel:
    """The model with every linked value as its formula says (inside its tolerance where it has one)."""
    params = model.params
    links = {name: parse(param.link) for name, param in params.items() if param.link}
    if not links:
        return model
    values = {name: param.value for name, param in params.items()}
    for name in evaluation_order(links, params):
        centre = _evaluated(links[name], values).value
        half = links[name].half_width(centre)
        values[name] = min(max(values[name], centre - half), centre + half) if half else centre
    changed = {name: values[name] for name in links if values[name] != params[name].value}
    return model.with_values(changed) if changed else model


def _evaluated(link: Link, values: Mapping[str, float], towards: str = "") -> Dual:
    return link.evaluate({n: Dual(values[n], {n: 1.0} if n == towards else {}) for n in link.names})


def set_value(model: FitModel, name: str, value: float, *, held_too: bool = False) -> Edit:
    """Brings a parameter to a value, as far as bounds and links let it.

    Parameters
    ----------
    model : FitModel
    name : str
        Full name, "p1.position".
    value : float
    held_too : bool
        Whether a held parameter may be changed (typed numbers may, the mouse may not).
    """
    param = model.params[name]
    if param.link:
        return _set_linked(model, name, param, value, held_too)
    if not param.vary and not held_too:
        return Edit(model, f"The {label(model, name)} is held: free it in the table to move it", True)
    stopped = min(max(value, param.minimum), param.maximum)
    note = ""
    if abs(stopped - value) > ROUNDING * max(1.0, abs(value)):
        side = "lower" if stopped > value else "upper"
        note = f"The {label(model, name)} stops at its {side} bound {number(stopped)}"
    return Edit(settled(model.with_values({name: stopped})), note, bool(note))


def _set_linked(model: FitModel, name: str, param: Param, value: float, held_too: bool) -> Edit:
    """Moves what a linked parameter follows."""
    link = parse(param.link)
    if len(link.names) != 1:
        return Edit(model, f"The {label(model, name)} follows {len(link.names)} others: change those", True)
    parent = link.names[0]
    values = {key: p.value for key, p in model.params.items()}
    centre = _evaluated(link, values, parent)
    half = link.half_width(centre.value)
    if half and abs(value - centre.value) <= half:
        return Edit(settled(model.with_values({name: value})))
    slope = centre.gradient.get(parent, 0.0)
    if slope == 0.0:
        return Edit(model, f"The {label(model, name)} does not depend on the {label(model, parent)} here", True)
    wanted = value - half if value > centre.value else value + half
    # Formulas are nearly always straight lines, for which one step is exact; the loop serves the others.
    target = values[parent]
    for _ in range(8):
        dual = _evaluated(link, values | {parent: target}, parent)
        step = wanted - dual.value
        if abs(step) <= 1e-12 * max(1.0, abs(wanted)) or not dual.gradient.get(parent):
            break
        target += step / dual.gradient[parent]
    start = model.with_values({name: value}) if half else model
    edit = set_value(start, parent, target, held_too=held_too)
    if edit.note or edit.model is model:
        return edit
    return Edit(
        edit.model,
        f"The {label(model, parent)} moves along: {title(model.component(name.split('.')[0]))} is linked to it",
    )


def move_peak(
    model: FitModel,
    id: str,
    *,
    position: float | None = None,
    height: float | None = None,
    quantity: Quantity = "binding_energy",
) -> Edit:
    """Brings the maximum of a component to a place and a height above the background."""
    done: list[Edit] = []
    if position is not None:
        component = model.component(id)
        offset = position - peak_of(component, quantity).position
        edit = set_value(model, f"{id}.position", component.value("position") + offset)
        model = edit.model
        done.append(edit)
    if height is not None:
        component = model.component(id)
        name = amplitude_name(component)
        now, amplitude = peak_of(component, quantity).height, component.value(name)
        if now <= 0 or amplitude <= 0:
            now, amplitude = peak_of(component.with_(**{name: Param(1.0)}), quantity).height, 1.0
        edit = set_value(model, f"{id}.{name}", max(height, 0.0) * amplitude / now)
        model = edit.model
        done.append(edit)
    return together(model, done)


def together(model: FitModel, done: list[Edit]) -> Edit:
    """One edit out of several: the first that was stopped speaks, else the first that says anything."""
    said = [e for e in done if e.stopped] or [e for e in done if e.note]
    return Edit(model, said[0].note, said[0].stopped) if said else Edit(model)


def set_fwhm(model: FitModel, id: str, fwhm: float, *, held_too: bool = False) -> Edit:
    """Gives a component that full width at half maximum, the widths it is made of scaled together; area is kept."""
    component = model.component(id)
    names = width_names(component)
    if fwhm <= 0:
        return Edit(model, "A width is above zero")
    if names == ("fwhm",):
        return set_value(model, f"{id}.fwhm", fwhm, held_too=held_too)
    done: list[Edit] = []
    movable = [n for n in names if held_too or component.param(n).vary]
    if not movable:
        return Edit(model, f"The width of {title(component)} is held: free it in the table to move it", True)
    for _ in range(6):  # a held part makes the total width grow slower than its parts
        now = peak_of(model.component(id)).fwhm
        if abs(now - fwhm) < 1e-6 * fwhm:
            break
        for parameter in movable:
            full = f"{id}.{parameter}"
            edit = set_value(model, full, model.params[full].value * fwhm / now, held_too=held_too)
            model = edit.model
            done.append(edit)
    return together(model, done)


def move_edge(model: FitModel, which: int, value: float, low: float, high: float, least: float) -> Edit:
    """Moves a region edge (0 low, 1 high); stops at the ends of the data and `least` before the other edge."""
    edges = list(model.region)
    if which == 0:
        edges[0] = min(max(value, low), edges[1] - least)
    else:
        edges[1] = max(min(value, high), edges[0] + least)
    note = ""
    if edges[which] != value:
        end = value < low or value > high
        note = "The region ends where the data end" if end else "A region needs a few points between its edges"
    return Edit(replace(model, region=(edges[0], edges[1])), note, bool(note))


def with_link(model: FitModel, name: str, link: str) -> FitModel:
    """The model with a link set ("" removes it) and all linked values settled.

    Raises
    ------
    BadModel
        If the formula is not understood, names what does not exist, or runs in a circle.
    """
    param = model.params[name]
    if link and name in parse(link).names:
        raise BadModel("A parameter cannot follow itself", where=label(model, name))
    return settled(model.with_params({name: replace(param, link=link)}))
