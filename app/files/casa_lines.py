"""CasaXPS's lines as text: a region or component written out, and the order of lines in a block's comments.

    Casa Info Follows
    2                       calibrations, one a line
    0                       annotations, one or more lines each
    1                       regions, one a line
    10                      components, one a line

A line that came from a file keeps every character but those of the numbers and texts that differ.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.files.casa import CasaComponent, CasaRegion, parse_comments

HEADER = "Casa Info Follows"
_TOKEN = re.compile(r"\(\*(?P<text>.*?)\*\)|(?P<word>\S+)")
# Five numbers of a component: value, limits, link, factor or offset.
_GROUPS = {
    "Area": ("area", "area_min", "area_max", "area_link", "area_factor"),
    "MFWHM": ("fwhm", "fwhm_min", "fwhm_max", "fwhm_link", "fwhm_factor"),
    "FWHM": ("fwhm", "fwhm_min", "fwhm_max", "fwhm_link", "fwhm_factor"),
    "Position": ("position_ke", "position_min", "position_max", "position_link", "position_offset"),
    "RSF": ("rsf",),
    "MASS": ("mass",),
    "INDEX": ("index",),
    "UNCORRECTEDRSF": ("uncorrected_rsf",),
}
_REGION = ("start_ke", "end_ke", "rsf", "average_width", "start_offset", "end_offset")


def number_text(value: float | int | None) -> str:
    """A number as CasaXPS writes it (eight digits); -1 for no link."""
    return "-1" if value is None else f"{value:.8g}"


def region_text(region: CasaRegion) -> str:
    """The line of a region."""
    old = next(iter(parse_comments([region.line]).regions), None) if region.line else None
    if old is None:
        numbers = [getattr(region, name) for name in _REGION] + list(region.parameters)
        mass, rsf = region.mass or 0.0, region.rsf if region.effective_rsf is None else region.effective_rsf
        return (
            f"CASA region (*{_plain(region.name)}*) (*{region.background}*) {' '.join(map(number_text, numbers))} "
            f"(*{_plain(region.tag)}*) {number_text(mass)} 0 {number_text(rsf)}"
        )
    tokens = list(_TOKEN.finditer(region.line))
    values: dict[int, str] = {}
    for place, name in ((2, "name"), (3, "background")):
        if getattr(region, name) != getattr(old, name):
            values[place] = f"(*{_plain(getattr(region, name))}*)"
    numbers_old = [*(getattr(old, name) for name in _REGION), *old.parameters]
    numbers_new = [*(getattr(region, name) for name in _REGION), *region.parameters]
    for place, (before, after) in enumerate(zip(numbers_old, numbers_new, strict=True), start=4):
        if before != after:
            values[place] = number_text(after)
    return _substituted(region.line, tokens, values)


def component_text(component: CasaComponent) -> str:
    """The line of a component."""
    # The parent of a link does not matter here: a lone line is parsed, and what is said of its links is not used.
    old = next(iter(parse_comments([component.line]).components), None) if component.line else None
    if old is None:
        return _new_component(component)
    tokens = list(_TOKEN.finditer(component.line))
    values: dict[int, str] = {}
    for place, name in ((2, "name"), (3, "shape")):
        if getattr(component, name) != getattr(old, name):
            values[place] = f"(*{_plain(getattr(component, name))}*)"
    last = ""
    for place, token in enumerate(tokens[4:], start=4):
        word = token["word"]
        if word is None:
            if last != "CONST" and component.tag != old.tag:
                values[place] = f"(*{_plain(component.tag)}*)"
            last = ""
        elif word in _GROUPS:
            for offset, name in enumerate(_GROUPS[word], start=1):
                if getattr(component, name) != getattr(old, name):
                    values[place + offset] = number_text(getattr(component, name))
            last = word
        else:
            last = word
    return _substituted(component.line, tokens, values)


def _new_component(component: CasaComponent) -> str:
    parts = [f"CASA comp (*{_plain(component.name)}*) (*{component.shape}*)"]
    for word in ("Area", "MFWHM", "Position"):
        parts.append(f"{word} " + " ".join(number_text(getattr(component, name)) for name in _GROUPS[word]))
    parts.append(f"RSF {number_text(component.rsf or 0.0)} MASS {number_text(component.mass or 0.0)}")
    parts.append(f"INDEX {component.index} (*{_plain(component.tag)}*) CONST (*{_plain(component.constraint)}*)")
    uncorrected = component.rsf if component.uncorrected_rsf is None else component.uncorrected_rsf
    return " ".join((*parts, f"UNCORRECTEDRSF {number_text(uncorrected or 0.0)}"))


def _plain(text: str) -> str:
    """A text that (* *) can hold."""
    return text.replace("*)", ")").replace("\n", " ").replace("\r", " ")


def _substituted(line: str, tokens: Sequence[re.Match[str]], values: dict[int, str]) -> str:
    for place in sorted(values, reverse=True):
        start, end = tokens[place].span()
        line = line[:start] + values[place] + line[end:]
    return line


@dataclass(frozen=True)
class Layout:
    """The comments of a block, taken apart where CasaXPS's lists stand in them."""

    before: tuple[str, ...] = ()
    calibrations: tuple[str, ...] = ()
    annotations: tuple[str, ...] = ("0",)
    regions: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def lines(self) -> tuple[str, ...]:
        """The comments put together again."""
        return (
            *self.before, HEADER,
            str(len(self.calibrations)), *self.calibrations, *self.annotations,
            str(len(self.regions)), *self.regions, str(len(self.components)), *self.components, *self.after,
        )  # fmt: skip


def layout(comments: Sequence[str]) -> Layout | None:
    """The comments taken apart; None where CasaXPS's lines are there in an order that is not known.

    Comments without any of its lines get an empty section at their beginning.
    """
    at = next((i for i, line in enumerate(comments) if line.strip().lower() == HEADER.lower()), None)
    if at is None:
        info = parse_comments(comments)
        known = info.regions or info.components or info.calibrations or info.unparsed
        return None if known else Layout(after=tuple(comments))
    calibrations = _listed(comments, at + 1, "calib")
    if calibrations is None:
        return None
    start = at + 2 + len(calibrations)
    for place in range(start + 1, len(comments)):
        regions = _listed(comments, place, "casa region")
        if regions is None:
            continue
        components = _listed(comments, place + 1 + len(regions), "casa comp")
        if components is None:
            continue
        known = parse_comments((*calibrations, *regions, *components))
        if (len(known.calibrations), len(known.regions), len(known.components)) != (
            len(calibrations), len(regions), len(components)
        ):  # fmt: skip
            return None  # a line that is not understood could not be written again
        end = place + 2 + len(regions) + len(components)
        # A CasaXPS line anywhere else would be lost or doubled.
        rest = parse_comments((*comments[:at], *comments[start:place], *comments[end:]))
        if rest.regions or rest.components or rest.calibrations:
            return None
        return Layout(
            tuple(comments[:at]), calibrations, tuple(comments[start:place]), regions, components, tuple(comments[end:])
        )
    return None


def _listed(comments: Sequence[str], at: int, begin: str) -> tuple[str, ...] | None:
    """The lines behind a count at `at`, if there are so many and all begin as they should."""
    if at >= len(comments) or not comments[at].strip().isdecimal():
        return None
    count = int(comments[at].strip())
    lines = tuple(comments[at + 1 : at + 1 + count])
    right = len(lines) == count and all(line.strip().lower().startswith(begin) for line in lines)
    return lines if right else None
