"""Bringing the outcome of work that took a while into a project that went on meanwhile."""

from __future__ import annotations

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
            if here is not None and same_data and fits_here.get(fit.id) is fits_was.get(fit.id):
                here = here.with_fit(fit)
            else:
                lost += 1
        if here is not None and here is not present[entry.id]:
            now = now.with_entry(here)
    return now, lost
