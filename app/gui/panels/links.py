"""Links in the words of the user: stored by id ("p1.area * 0.5"), shown and typed by name ("V 2p3/2 × 0.5").

A component's name alone stands for the same parameter of that component; "name.fwhm" names another one.
"""

from __future__ import annotations

import re
from dataclasses import replace

from app.gui.plot.edits import WORDS, title
from fitting.constraint_words import Constraint, read
from fitting.constraints import Dual, Link, parse
from fitting.model import BACKGROUND, FitModel
from libraries.errors import BadModel, SodaliteError

_REFERENCE = re.compile(r"\b([A-Za-z_]\w*)\s*\.\s*([A-Za-z_]\w*)")
SHORT = {"position": "BE", "fwhm": "FWHM", "area": "area", "height": "height"}


def names_of(model: FitModel) -> dict[str, str]:
    """Names by id; a name that two components share gets the id behind it."""
    titles = [title(c) for c in model.components]
    return {c.id: t if titles.count(t) == 1 else f"{t} ({c.id})" for c, t in zip(model.components, titles, strict=True)}


def to_words(model: FitModel, full_name: str) -> str:
    """The link of a parameter as the user reads and types it; "" for none."""
    link = model.params[full_name].link
    own = full_name.partition(".")[2]
    names = names_of(model)

    def named(match: re.Match[str]) -> str:
        owner, parameter = match[1], match[2]
        if owner not in names:
            return match[0]
        return names[owner] if parameter == own else f"{names[owner]}.{parameter}"

    text = _REFERENCE.sub(named, link)
    return re.sub(r"\s*\*\s*(?!\*)", " × ", re.sub(r"\s*(\+-|\+/-)\s*", " ± ", text)).strip()


def from_words(model: FitModel, full_name: str, text: str) -> str:
    """The link that a typed text means, with ids; "" for an empty text.

    Raises
    ------
    BadModel
        If the formula is not understood, names no component of this region, or is no link but a bound or a hold.
    """
    found = read(text, full_name.partition(".")[2], {id: id for id in names_of(model)} | _ids(model))
    if found.link is None or replace(found, link="") != Constraint(link=""):
        raise BadModel(
            "This is a bound or a hold and no link", where=text.strip(), todo="Type it below, in the column Follows"
        )
    unknown = [name for name in parse(found.link).names if name not in model.params] if found.link else []
    if unknown:
        raise BadModel(
            f"There is no {unknown[0]}", where=text.strip(), todo="Use the name of a component of this region"
        )
    return found.link


def _ids(model: FitModel) -> dict[str, str]:
    return {name: id for id, name in names_of(model).items()}


def explained(model: FitModel, full_name: str) -> str:
    """What a link means, as a sentence part: "same width as C–O", "3.1 eV above C–O", "area = 0.5 × V 2p3/2"."""
    param = model.params[full_name]
    own = full_name.partition(".")[2]
    word = WORDS.get(own, own)
    if not param.link:
        if not param.vary:
            return f"{word} is held"
        return ""
    link = parse(param.link)
    tail = within(link)
    if len(link.names) == 1:
        parent, _, parameter = link.names[0].partition(".")
        line = _straight(model, param.link, link.names[0])
        name = "the background" if parent == BACKGROUND else names_of(model).get(parent, parent)
        if parameter == own and line is not None:
            return simple(word, own, name, *line) + tail
    return f"{word} = {to_words(model, full_name)}"


def within(link: Link) -> str:
    """The tolerance of a link in words; "" for none."""
    if not link.tolerance:
        return ""
    return f", within ±{link.tolerance * 100:g} %" if link.relative else f", within ±{link.tolerance:g}"


def _straight(model: FitModel, text: str, parent: str) -> tuple[float, float] | None:
    return straight(parse(text), parent, model.params[parent].value)


def straight(link: Link, parent: str, value: float) -> tuple[float, float] | None:
    """Slope and offset of a link that is a straight line in its parent, which has a value; else None."""
    try:
        here, there = (link.evaluate({parent: Dual(v, {parent: 1.0})}) for v in (value, value + 1.0))
    except SodaliteError:
        return None
    slope = here.gradient.get(parent, 0.0)
    if abs(there.value - here.value - slope) > 1e-9 * max(1.0, abs(there.value)):
        return None
    return slope, here.value - slope * value


def simple(word: str, own: str, name: str, slope: float, offset: float) -> str:
    """A straight line in words: "3.1 eV above C–O"."""
    offset = 0.0 if abs(offset) < 1e-9 else offset
    if slope == 1.0 and offset == 0.0:
        return f"same {word} as {name}"
    if slope == 1.0 and own == "position":
        return f"{abs(offset):g} eV {'above' if offset > 0 else 'below'} {name}"
    if slope == 1.0:
        return f"{word} = {name} {'+' if offset > 0 else '−'} {abs(offset):g}"
    if offset == 0.0:
        return f"{word} = {slope:.6g} × {name}"
    return f"{word} = {slope:.6g} × {name} {'+' if offset > 0 else '−'} {abs(offset):g}"


def summary(model: FitModel, id: str) -> str:
    """All links and holds of a component, for the table: "BE = C–O + 3.1; FWHM held"."""
    component = model.component(id)
    parts = []
    for name, param in component.params:
        word = SHORT.get(name, WORDS.get(name, name))
        if param.link:
            parts.append(f"{word} = {to_words(model, f'{id}.{name}')}")
        elif not param.vary and name in SHORT:
            parts.append(f"{word} held")
    return "; ".join(parts)


def parse_summary(model: FitModel, id: str, text: str) -> dict[str, str]:
    """Links by parameter from a typed summary; parameters not named lose their link.

    Raises
    ------
    BadModel
        If a part is not "parameter = formula".
    """
    component = model.component(id)
    words = {SHORT.get(n, WORDS.get(n, n)).casefold(): n for n, _ in component.params}
    words |= {WORDS.get(n, n).casefold(): n for n, _ in component.params} | {
        n.casefold(): n for n, _ in component.params
    }
    links = {name: "" for name, _ in component.params}
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        left, sign, right = part.partition("=")
        name = words.get(left.strip().removesuffix(" held").casefold())
        if name is None or (not sign and not part.endswith("held")):
            raise BadModel(
                "A link is written as “FWHM = name” or “BE = name + 3.1”",
                where=part,
                todo=f"Parameters here: {', '.join(SHORT.get(n, n) for n in component.values)}",
            )
        if sign:
            links[name] = from_words(model, f"{id}.{name}", right)
    return links
