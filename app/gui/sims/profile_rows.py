"""Rows of the Profiles page: what can be drawn of a profile, and beside it."""

from __future__ import annotations

from app.gui.panels.tables import Cell, Row
from app.gui.theme import Theme
from app.numerals import grouped
from app.project.project import Entry, Project
from app.project.sims_profiles import (
    channel_kinds,
    chosen_ions,
    other_profiles,
    ratio_columns,
    resolution_of,
    total_counts,
)
from fitting.dataset import Spectrum
from fitting.sims.channel_terms import term_words
from fitting.sims.factor_traces import factor_traces
from fitting.sims.ion_names import polarity_of

_KINDS = {
    "ion": "A single ion: independent counts",
    "sum": "A sum of the file: its ions stand in other columns as well",
    "total": "The file's total: holds all ions",
    "double": "The same ion and mass as an earlier column",
    "ratio": "Computed from the ions' own counts; a gap where the divisor is zero",
    "factor": "Amount of a factor along the depth",
    "own": "Written by you",
}


def trace_rows(entry: Entry, profile: Spectrum, colours: Theme, wanted: str) -> list[Row]:
    """Everything that can be drawn of a profile: channels, ratios of the file, factors, traces written by hand.

    Parameters
    ----------
    wanted : str
        Text that a name must hold, as it is written or as the file has it; "" for all.
    """
    chosen = chosen_ions(entry, profile)
    totals = total_counts(profile)
    rows = []
    for place, (name, kind, mass) in enumerate(channel_kinds(profile)):
        rows.append(_row(entry, profile, colours, chosen, name, kind, f"{mass:.4f}" if mass else "",
                         grouped(float(totals[place]), 0)))
    known = {row.key for row in rows}
    for name in ratio_columns(profile):
        rows.append(_row(entry, profile, colours, chosen, name, "ratio"))
        known.add(name)
    for name, words in factor_traces(entry):
        rows.append(_row(entry, profile, colours, chosen, name, "factor", words=words))
        known.add(name)
    hand = [_row(entry, profile, colours, chosen, name, "own") for name in chosen if name not in known]
    return [row for row in (*hand, *rows) if _holds(row, wanted)]


def _row(
    entry: Entry, profile: Spectrum, colours: Theme, chosen: tuple[str, ...], name: str, kind: str, mass: str = "",
    counts: str = "", words: str = "",
) -> Row:
    drawn = name in chosen
    words = words or term_words(profile.axis, name, resolution_of(entry))
    swatch = colours.of(chosen.index(name)).name() if drawn else ""
    tip = f"{name}\n{_KINDS[kind]}"
    return Row(name, (Cell(words, checked=drawn, swatch=swatch, tooltip=tip), Cell(kind, tooltip=_KINDS[kind]),
                      Cell(mass), Cell(counts)))


def _holds(row: Row, wanted: str) -> bool:
    plain = wanted.strip().lower()
    return not plain or plain in row.key.replace("_", "").lower() or plain in row.key.lower() \
        or plain in row.cells[0].text.lower()


def beside_rows(project: Project, entry: Entry) -> list[Row]:
    """Other profiles of the project that can be drawn beside."""
    rows = []
    for other in other_profiles(project, entry.id):
        sign = polarity_of(other.spectrum.axis.labels)
        sample = next((s.name for s in project.samples if s.id == other.sample), "")
        rows.append(Row(other.id, (
            Cell(other.title, checked=other.id in entry.profile.overlaid, tooltip="Drawn dashed in the same colours"),
            Cell(sample), Cell(sign),
        )))
    return rows
