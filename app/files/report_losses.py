"""Report sections of energy-loss spectra: conditions, thickness, composition, fine structure, factors, maps.

Items follow ISO 22029 (EMSA/MAS) and what it takes to repeat each number; what is not there prints "not recorded".
"""

from __future__ import annotations

import math
from collections.abc import Callable

from app.files.report_html import Html, facts, joined, table, tag
from app.numerals import with_error
from app.project.project import Entry, Project
from fitting.eels.conditions import beam_of
from fitting.image.classes import is_classes, shares_in_words
from fitting.image.maps import Map
from fitting.image.place import Place
from libraries.errors import SodaliteError

MISSING = "not recorded"
_MOST_MAPS = 6  # in one figure
Picture = Callable[[Callable[[], object], str], Html]


def loss_sections(project: Project, entry: Entry, picture: Picture) -> list[Html]:
    """All that an energy-loss entry holds besides its spectrum and regions.

    Parameters
    ----------
    picture : callable
        (draw a figure, what it shows) -> HTML.
    """
    parts: list[Html] = [facts(_conditions(entry))]
    for title, section in (
        ("Thickness", _thickness), ("Composition by edges", _core), ("Fine structure", _fine),
    ):
        try:
            found = section(project, entry)
        except SodaliteError as error:
            found = [tag("p", str(error), class_="warn")]
        if found:
            parts += [tag("h4", title), *found]
    parts += _factors(entry)
    return [*parts, *_maps(entry, picture)]


def place_of(entry: Entry, text: str) -> Place:
    """The place that a region was fitted to."""
    return Place.parse(text) if entry.spectrum.navigation else Place()


def _conditions(entry: Entry) -> list[tuple[str, object]]:
    spectrum = entry.processed()
    beam, axis, meta = beam_of(spectrum), spectrum.axis, spectrum.meta

    def told(value: float | None, unit: str) -> str:
        return MISSING if value is None else f"{value:g} {unit}"

    rows: list[tuple[str, object]] = [
        ("Beam energy", told(beam.energy, "keV")),
        ("Convergence and collection half angles",
         f"{told(beam.convergence, 'mrad')}, {told(beam.collection, 'mrad')}"),
        ("Energy losses", f"{axis.values[0]:.2f} to {axis.values[-1]:.2f} eV, {axis.step:.4g} eV a channel"),
        ("Exposure a spectrum", told(meta.live_time if meta.live_time is not None else meta.dwell_time, "s")),
    ]
    if spectrum.navigation:
        size = " × ".join(str(len(one)) for one in spectrum.navigation)
        steps = {f"{one.step:g} {one.unit}".strip() for one in spectrum.navigation if one.quantity == "distance"}
        rows.append(("Pixels", f"{size}, {' and '.join(sorted(steps))} apart" if steps else size))
    return rows


def _thickness(project: Project, entry: Entry) -> list[Html]:
    """t/lambda and the thicknesses, for a spectrum that holds its zero loss."""
    from app.project.low_loss import low_loss_entry, thickness_of

    try:
        if low_loss_entry(project, entry.id).id != entry.id:
            return []
    except SodaliteError:
        return []
    found = thickness_of(project, entry.id)
    chosen = found.ratio.chosen
    rows = [("t/λ", with_error(chosen.value, found.ratio.error), f"ln(Iₜ/I₀), zero loss by {chosen.way}; error: half "
             "the range of all ways, and counting")]
    for path in found.paths:
        value = f"{with_error(path.thickness, path.error)} nm" if path.path is not None else "not determined"
        rows.append((path.name, value, path.path.source if path.path is not None else path.reason))
    parts = [table(("Quantity", "Value", "Source"), rows, numbers=(1,))]
    low, high = found.ratio.spread
    if high > low:
        parts.append(tag("p", f"By all ways to take the zero-loss area: t/λ from {low:.4f} to {high:.4f}.",
                         class_="note"))
    return parts + [tag("p", text, class_="warn") for text in found.ratio.warnings]


def _core(project: Project, entry: Entry) -> list[Html]:
    from app.project.core_loss import state_of

    result = entry.core.result
    if result is None:
        return []
    rows = []
    for row in result.rows:
        share = with_error(row.at_percent, row.at_error) if math.isfinite(row.at_percent) else ""
        if not row.seen and math.isfinite(row.limit):
            share = f"< {row.limit:.2f}"
        areal = with_error(row.areal, row.areal_error) if math.isfinite(row.areal) else "not determined"
        budget = ", ".join(
            f"{name} {100 * value:.1f} %" for name, value in (
                ("counting", row.counting), ("background", row.background), ("fine structure", row.fine),
                ("cross-section", row.cross_section), ("angles", row.angles), ("low loss", row.low_loss),
            ) if math.isfinite(value)
        )  # fmt: skip
        rows.append((row.edge, share, areal, budget, row.source))
    parts = [table(("Edge", "at.%", "Atoms / nm²", "Error of the amount by cause", "Cross-section"), rows,
                   numbers=(1, 2))]
    low, high = result.fitted
    parts.append(tag("p", f"Joint fit from {low:g} to {high:g} eV of {_words(entry, result.place)}; reduced χ² "
                     f"{result.chi2:.3g}; background exponent {with_error(result.exponent, result.exponent_err)}.",
                     class_="note"))
    old = state_of(project, entry, Place.parse(result.place))
    parts += [tag("p", text, class_="warn") for text in ((old,) if old else ()) + result.warnings]
    return parts


def _words(entry: Entry, place: str) -> str:
    """The place in words of the window: "NaF, 164 pixels"."""
    from app.project.place_words import place_words

    if not entry.spectrum.navigation:
        return "the spectrum"
    return place_words(entry.spectrum, Place.parse(place), entry.rois)


def _fine(project: Project, entry: Entry) -> list[Html]:
    from app.project.fine_structure import quantities_of

    parts: list[Html] = []
    for setup in entry.fine:
        found = quantities_of(entry, setup)
        if found is None:
            continue
        rows = [
            (row.name, with_error(row.value, row.error) + (f" {row.unit}" if row.unit else "")
             if row.known else "not determined", row.how)
            for row in found.rows
        ]
        parts += [tag("h4", setup.edge), table(("Quantity", "Value", "Definition"), rows, numbers=(1,))]
    return parts


def _factors(entry: Entry) -> list[Html]:
    parts: list[Html] = []
    for about in entry.factors:
        parts += [
            tag("h4", f"{about.title}, {about.window[0]:.6g} to {about.window[1]:.6g} eV"),
            tag("p", f"Lack of fit {about.lof:.2f} % (least possible {about.lof_bound:.2f} %), explained "
                f"{about.explained:.2f} %, χ²/dof {about.chi2:.3g}; {', '.join(about.names)}."),
            table(("Test", "Factors"), about.tests, numbers=(1,), narrow=True),
        ]
    return parts


def _maps(entry: Entry, picture: Picture) -> list[Html]:
    """Figures of the maps, run by run, each with where it comes from."""
    from app.files.map_figures import map_figure
    from app.project.maps import groups, out_of_date

    old, parts = out_of_date(entry), []
    for maps in groups(entry).values():
        flat = [one for one in maps if len(one.shape) == 2]
        for start in range(0, len(flat), _MOST_MAPS):
            some = flat[start : start + _MOST_MAPS]
            names = ", ".join(one.name for one in some)
            parts.append(picture(lambda s=some: map_figure(s, entry.spectrum.navigation), f"Maps: {names}"))  # type: ignore[misc]
        rows = [_map_row(one, one.id in old) for one in maps]
        parts.append(table(("Map", "Median or shares", "Origin"), rows, numbers=(1,)))
    return [tag("h4", "Maps"), *parts] if parts else []


def _map_row(one: Map, old: bool) -> tuple[object, ...]:
    import numpy as np

    values = one.values[one.good]
    middle = f"{float(np.median(values)):.5g} {one.unit}".strip() if values.size else "no value"
    if is_classes(one) and values.size:
        middle = shares_in_words(one)
    flagged = one.values.size - values.size
    note = f"{one.origin}. {flagged} pixels without a value or with a flag." if flagged else one.origin
    return one.name, middle, joined([note, tag("div", "Out of date: the data have changed since.", class_="warn")
                                     if old else ""])
