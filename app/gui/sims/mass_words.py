"""Where the pointer is on a mass spectrum, in words."""

from __future__ import annotations

from app.numerals import grouped
from app.project.masses import scale_step
from app.project.project import Entry


def flight_words(entry: Entry, x: float) -> str:
    """m/z with four decimals, and the channel where the file has channels; the name of an ion on an axis of ions."""
    axis = entry.spectrum.axis
    if axis.labels:
        place = round(x)
        return axis.labels[place] if 0 <= place < len(axis.labels) else ""
    step = scale_step(entry)
    if axis.quantity == "channel" and step is None:
        return f"Channel {grouped(x, 0)}"
    if x < 0:
        return ""
    channel = ""
    if axis.quantity == "channel" and step is not None:
        channel = f"   channel {grouped(step.number('slope') * x**0.5 + step.number('offset'), 0)}"
    return f"m/z {x:.4f}{channel}"
