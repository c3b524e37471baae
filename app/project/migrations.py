"""From the layout of an older project file to that of today, one version at a time.

A migration takes the plain tree of version n and returns that of version n + 1. It works on texts and arrays, never on
the classes of today, so that it still works when those have changed. Each one stays here for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.project.store_tree import Tree
from libraries.errors import BadProject

SCHEMA = "sodalite-project"
SCHEMA_VERSION = 3
Migration = Callable[[Tree], Tree]


def _more_fields(tree: Tree) -> Tree:
    """1 to 2 and 2 to 3: new fields and groups, all with defaults; nothing is to be moved."""
    return tree


# From version (key) to the next one. Version 1 is the first.
MIGRATIONS: dict[int, Migration] = {1: _more_fields, 2: _more_fields}


def version_of(tree: Tree, where: str) -> int:
    """The schema version that a tree declares.

    Raises
    ------
    BadProject
        If it is no project, or declares no version.
    """
    version = tree.get("@schema_version")
    if tree.get("@schema") != SCHEMA or not isinstance(version, int) or version < 0:
        raise BadProject(
            "This HDF5 file is not a project of Sodalite", where=where, todo="Choose a file ending in .sodalite"
        )
    return version


def migrate(
    tree: Tree, where: str, *, migrations: Mapping[int, Migration] | None = None, target: int = SCHEMA_VERSION
) -> Tree:
    """The tree in the layout of version `target`.

    Parameters
    ----------
    migrations : mapping, optional
        From version n to the function that makes version n + 1; by default `MIGRATIONS`.

    Raises
    ------
    BadProject
        If the tree is newer than `target`, or so old that no migration is left.
    """
    steps = MIGRATIONS if migrations is None else migrations
    version = version_of(tree, where)
    if version > target:
        program = str(tree.get("@program", "a newer Sodalite"))[:60]
        raise BadProject(
            f"The project has version {version} (written by {program}), this program reads up to version {target}",
            where=where,
            todo="Update Sodalite, then open it again",
        )
    while version < target:
        if version not in steps:
            raise BadProject(
                f"The project has version {version}, which this program cannot read any more",
                where=where,
                todo="Open and save it with an older Sodalite first",
            )
        tree = steps[version](tree)
        version += 1
        tree["@schema_version"] = version
    return tree
