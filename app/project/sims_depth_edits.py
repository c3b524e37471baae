"""Edits of an entry's depth scale, interfaces and layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.project.project import Project, fresh_id
from fitting.sims.setup import DepthScale, Interface, LayerSetup
from libraries.errors import BadData, UnknownName


def with_depth(project: Project, entry_id: str, scale: DepthScale) -> Project:
    """The project with another depth scale of an entry."""
    return project.with_entry(replace(project.entry(entry_id), depth=scale))


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
