"""Bringing the outcome of work that took a while into a project that went on meanwhile."""

from __future__ import annotations

from app.project import joint
from app.project.project import Project


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
    return _entries_merged(now, before, after, _torn(now, before, after))


def _touched(now: Project, before: Project, after: Project) -> tuple[set[str], set[str]]:
    """Keys of the regions that the work fitted, and of those among them that were changed meanwhile."""
    fitted: set[str] = set()
    changed: set[str] = set()
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
            if fits_was.get(fit.id) is fit:
                continue
            fitted.add(joint.key_of(entry.id, fit.id))
            if not same_data or fits_here.get(fit.id) is not fits_was.get(fit.id):
                changed.add(joint.key_of(entry.id, fit.id))
    return fitted, changed


def _torn(now: Project, before: Project, after: Project) -> set[str]:
    """Fitted regions that must be left out: what was fitted together is carried over together or not at all."""
    if not before.ties and not now.ties:
        return set()
    fitted, changed = _touched(now, before, after)
    torn: set[str] = set()
    ties_before, ties_now = set(before.ties), set(now.ties)
    for group in joint.all_groups(before):
        if len(group) < 2 or not fitted & set(group):
            continue
        ties = {tie for tie in ties_before ^ ties_now if any(tie.target.startswith(f"{key}/") for key in group)}
        if ties or changed & set(group):
            torn |= fitted & set(group)
    return torn


def _entries_merged(now: Project, before: Project, after: Project, torn: set[str]) -> tuple[Project, int]:
    """`now` with the fits of `after` that were not touched meanwhile and are not torn; how many were left out."""
    old = {entry.id: entry for entry in before.entries}
    present = {entry.id: entry for entry in now.entries}
    lost = 0
    for entry in after.entries:
        was, here = old.get(entry.id), present.get(entry.id)
        if was is None or was is entry:
            continue
        same_data = here is not None and here.spectrum is was.spectrum and here.recipe == was.recipe
        fits_was = {fit.id: fit for fit in was.fits}
        fits_here = {fit.id: fit for fit in here.fits} if here is not None else {}
        for fit in entry.fits:
            if fits_was.get(fit.id) is fit:
                continue
            whole = joint.key_of(entry.id, fit.id) not in torn
            if whole and here is not None and same_data and fits_here.get(fit.id) is fits_was.get(fit.id):
                here = here.with_fit(fit)
            else:
                lost += 1
        if here is not None and here is not present[entry.id]:
            now = now.with_entry(here)
    return now, lost
