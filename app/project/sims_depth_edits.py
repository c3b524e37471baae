"""Edits of an entry's depth scale, interfaces and layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.project.project import Entry, Project, fresh_id
from app.project.sims_depth import depth_along
from fitting.sims.setup import DepthScale, Interface, LayerSetup
from libraries.errors import BadData, SodaliteError, UnknownName


def with_depth(project: Project, entry_id: str, scale: DepthScale) -> Project:
    """The project with another depth scale of an entry.

    The first scale that can be used turns the axis of its profile to depth; without any it is the file's own again.
    """
    entry = project.entry(entry_id)
    new = replace(entry, depth=scale)
    before, after = _usable(entry), _usable(new)
    if after and not before:
        new = replace(new, profile=replace(new.profile, axis="depth"))
    elif before and scale.kind == "none" and new.profile.axis == "depth":
        new = replace(new, profile=replace(new.profile, axis=""))
    return project.with_entry(new)


def _usable(entry: Entry) -> bool:
    try:
        return depth_along(entry) is not None
    except SodaliteError:
        return False


def with_layering(project: Project, entry_id: str, setup: LayerSetup) -> Project:
    """The project with other sources of layers."""
    return project.with_entry(replace(project.entry(entry_id), layering=setup))


def add_interface(project: Project, entry_id: str, interface: Interface) -> tuple[Project, str]:
    """The project with one more interface, and its id."""
    entry = project.entry(entry_id)
    if not interface.high > interface.low:
        raise BadData("The range of an interface is empty", where=interface.name)
    id = fresh_id("interface", {one.id for one in entry.interfaces})
    new = replace(interface, id=id)
    return project.with_entry(replace(entry, interfaces=(*entry.interfaces, new))), id


def edit_interface(project: Project, entry_id: str, id: str, change: Callable[[Interface], Interface]) -> Project:
    """The project with one interface changed."""
    entry = project.entry(entry_id)
    if all(one.id != id for one in entry.interfaces):
        raise UnknownName("There is no such interface", where=entry.title)
    changed = tuple(change(one) if one.id == id else one for one in entry.interfaces)
    return project.with_entry(replace(entry, interfaces=changed))


def without_interface(project: Project, entry_id: str, id: str) -> Project:
    """The project without an interface."""
    entry = project.entry(entry_id)
    return project.with_entry(replace(entry, interfaces=tuple(one for one in entry.interfaces if one.id != id)))
