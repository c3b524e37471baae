"""What the Fine structure page says of an entry: rows of quantities, advice, what is out of date."""

from __future__ import annotations

from app.gui.document import Document
from app.gui.panels.tables import Cell, Row
from app.numerals import UNDETERMINED, with_error
from app.project.fine_structure import region_of
from app.project.project import Entry
from fitting.eels.fine_setup import OXYGEN, FineSetup, offered_edges
from fitting.eels.propagation import Quantities, Quantity
from fitting.eels.white_line_quantities import RELATIVE
from libraries.errors import BadData

ASK = "Choose an edge and press Fit. The model appears as a region that the Model page can edit."


def edges_of_entry(entry: Entry) -> tuple[str, ...]:
    """Edges on the axis of an energy-loss entry."""
    x = entry.spectrum.x
    return offered_edges(float(x[0]), float(x[-1])) if entry.spectrum.meta.technique == "eels" else ()


def reaches_oxygen(entry: Entry) -> bool:
    """Whether O K lies on its axis, with something before it."""
    return bool(entry.spectrum.x[0] < OXYGEN - 15.0 and entry.spectrum.x[-1] > OXYGEN + 8.0)


def no_edge(document: Document) -> str:
    """Why the page has nothing to offer."""
    spectrum = document.shown()
    if spectrum is None:
        return ""
    return (f"The axis, {spectrum.x[0]:.0f} to {spectrum.x[-1]:.0f} eV, holds none of the edges of this page: "
            "L2,3 of Sc to Ni, and C K.")


def checked(setup: FineSetup, entry: Entry) -> None:
    """Refuse a window that is too narrow or lies outside the axis."""
    low, high = setup.window
    x = entry.spectrum.x
    if not high - low >= 10.0:
        raise BadData("The window is narrower than 10 eV", where=setup.edge, todo="Widen it")
    if low < x[0] - 20.0 or high > x[-1] + 20.0 or low > x[-1] or high < x[0]:
        raise BadData(f"The window {low:g} to {high:g} eV lies outside the axis", where=setup.edge,
                      todo=f"Choose one inside {x[0]:.1f} to {x[-1]:.1f} eV")


def as_chosen(entry: Entry, setup: FineSetup) -> bool:
    """Whether the region still has the lines that are chosen."""
    region = region_of(entry, setup)
    if region is None:
        return True
    ids = [c.id for c in region.model.components]
    prefix = "sig" if setup.carbon else "l3"
    same_lines = sum(id.startswith(prefix) for id in ids) >= setup.lines
    return same_lines and (setup.carbon or ("ok" in ids) == (setup.oxygen != "none"))


def summary(entry: Entry, setup: FineSetup, found: Quantities | None) -> str:
    """What the fit is, or what to do."""
    region = region_of(entry, setup)
    if found is None:
        if region is not None and region.result is not None:
            return "The spectrum changed since the fit: press Fit."
        return ASK if region is None else "The model was edited: press Fit, here or on the Model page."
    assert region is not None
    response = region.model.response
    low = f"Convolved with {response.name or 'the low loss'}." if response is not None else "Without a low loss."
    return f"{low} The model is the region {region.name}; edit it on the Model page."


def quantity_rows(found: Quantities, setup: FineSetup) -> list[Row]:
    """Quantities as rows, positions beside their distance from the internal reference."""
    rows = []
    for one in found.rows:
        if one.key.endswith(RELATIVE) or (one.key == "oxygen" and not one.known):
            continue
        away = found.get(one.key + RELATIVE)
        beside = "" if away is None else value_text(away)
        rows.append(Row(one.key, (
            Cell(one.name, tooltip=one.how), Cell(value_text(one), tooltip=one.how, muted=not one.known),
            Cell(beside, tooltip=f"Counted from {setup.reference}" if beside else ""), Cell(one.unit),
        )))
    return rows


def value_text(one: Quantity | None) -> str:
    """A quantity with its error, or that it is not determined."""
    if one is None or not one.known:
        return UNDETERMINED
    return with_error(one.value, one.error)
