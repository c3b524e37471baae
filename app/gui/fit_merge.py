"""Bringing the outcome of work that took a while into a project that went on meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from app.project import joint
from app.project.project import Entry, Project, RegionFit


def merged(now: Project, before: Project, after: Project) -> tuple[Project, int]:
    """What the work changed, carried over to the project of now.

    Parameters
    ----------
    now : Project
        The project as it is.
    before, after : Project
        The one that the work was given and the one that it made.

    Returns
    -------
    Project
        `after` itself where nothing else happened; else `now` with those fits that were not touched meanwhile.
    int
        How many fits were left out because their model or spectrum was changed meanwhile.
    """
    if now is before:
        return after, 0
    torn, lost, whole = _torn(now, before, after), 0, now
    for entry, fit, untouched in _fitted(now, before, after):
        if untouched and joint.key_of(entry.id, fit.id) not in torn:
            whole = whole.with_entry(whole.entry(entry.id).with_fit(fit))
        else:
            lost += 1
    return whole, lost


def _fitted(now: Project, before: Project, after: Project) -> Iterator[tuple[Entry, RegionFit, bool]]:
    """What the work fitted: entry and region as it made them, and whether both were left alone meanwhile."""
    present = {entry.id: entry for entry in now.entries}
    old = {entry.id: entry for entry in before.entries}
    for entry in after.entries:
        was, here = old.get(entry.id), present.get(entry.id)
        if was is None or was is entry:
            continue
        same_data = here is not None and here.spectrum is was.spectrum and here.recipe == was.recipe
        fits_was = {fit.id: fit for fit in was.fits}
        fits_here = {fit.id: fit for fit in here.fits} if here is not None else {}
        for fit in entry.fits:
            if fits_was.get(fit.id) is not fit:
                yield entry, fit, same_data and fits_here.get(fit.id) is fits_was.get(fit.id)


def _torn(now: Project, before: Project, after: Project) -> set[str]:
    """Fitted regions that must be left out: what was fitted together is carried over together or not at all."""
    if not before.ties and not now.ties:
        return set()
    alone = {joint.key_of(entry.id, fit.id): untouched for entry, fit, untouched in _fitted(now, before, after)}
    torn: set[str] = set()
    for group in joint.all_groups(before):
        here = alone.keys() & set(group)
        if len(group) < 2 or not here:
            continue
        ties = {t for t in {*before.ties} ^ {*now.ties} if any(t.target.startswith(f"{key}/") for key in group)}
        if ties or not all(alone[key] for key in here):
            torn |= here
    return torn
