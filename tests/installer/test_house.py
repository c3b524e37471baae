"""The house as a whole: what the rooms import is declared, and the declaration holds together."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from installer.environment import PROOF

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app", "fitting", "libraries")
PACKAGE_OF = {
    "rsciio": "rosettasciio", "PIL": "pillow", "PySide6": "PySide6-Essentials", "shiboken6": "PySide6-Essentials",
}  # fmt: skip
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def imports(folder: Path) -> set[str]:
    """Return the names of the top-level packages imported anywhere below a folder, also inside functions."""
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"__future__"}


def names(requirements: list[str]) -> set[str]:
    """Return the bare lower-case names of requirement strings."""
    return {re.split(r"[<>=!~;\[ ]", requirement)[0].lower() for requirement in requirements}


def test_libraries_stand_on_numpy_and_xraylib_alone():
    assert imports(ROOT / "libraries") <= {"libraries", "numpy", "xraylib"}


@pytest.mark.parametrize("room", ROOMS)
def test_everything_imported_is_declared(room):
    extras = PROJECT["optional-dependencies"]
    declared = names(PROJECT["dependencies"] + extras["gui"] + extras["cluster"])
    wanted = {PACKAGE_OF.get(name, name).lower() for name in imports(ROOT / room) - set(ROOMS)}
    assert wanted <= declared


def test_the_installer_needs_nothing_but_the_standard_library():
    assert imports(ROOT / "installer") <= {"installer"}


def test_requirements_have_a_lower_bound_and_no_upper_cap():
    for requirement in chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        assert re.fullmatch(r"[A-Za-z0-9_.-]+>=[0-9.]+(,!=[0-9.]+)*", requirement), requirement


def test_the_health_check_looks_for_what_is_declared():
    assert set(PROOF) == {"", *PROJECT["optional-dependencies"]}
    gui = {PACKAGE_OF.get(name, name).lower() for name in PROOF["gui"]}
    assert gui == names(PROJECT["optional-dependencies"]["gui"])
    assert {PACKAGE_OF.get(name, name).lower() for name in PROOF[""]} - set(ROOMS) == names(PROJECT["dependencies"])


def test_ci_runs_the_readmes_test_command():
    command = "python3 -m installer test"
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("room", [*ROOMS, "installer", "benchmarks"])
def test_no_file_of_the_source_runs_text_as_code_or_opens_a_shell(room):
    calls = re.compile(r"(?<![\w.])(eval|exec)\(|shell=True|pickle\.loads?\(|os\.system\(")
    for file in (ROOT / room).rglob("*.py"):
        assert not calls.search(file.read_text(encoding="utf-8")), file
