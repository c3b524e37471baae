"""What all tests share: strict numerics, the folder of measured files, the record of measured figures."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).resolve().parents[1]
GUI_TESTS = ROOT / "tests" / "gui"

# No test opens a window on the developer's desk; `-m xvfb` runs set the platform themselves.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "Agg")
# Fits take the compiled path from the first one on, so that a test always sees the same.
os.environ.setdefault("SODALITE_KERNELS", "wait")

# Settings, recent files and recovery files of the developer are out of reach of the tests. The cache folder stays:
# it holds only what can be made again (font lists), and making it takes seconds in every worker.
_HOME = Path(tempfile.mkdtemp(prefix="sodalite-tests-"))
for _name in ("CONFIG", "DATA", "STATE"):
    os.environ[f"XDG_{_name}_HOME"] = str(_HOME / _name.lower())

# Generated cases are the same in every run, so that a failure can be repeated; `--full` looks further.
hypothesis.settings.register_profile("short", max_examples=50, deadline=None, derandomize=True)
hypothesis.settings.register_profile("full", max_examples=1000, deadline=None)
hypothesis.settings.load_profile("full" if os.environ.get("SODALITE_FULL") else "short")

Measured = Callable[..., None]


def pytest_unconfigure() -> None:
    """Remove the settings folder of this run."""
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)  # before `-m gui` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in tests/gui."""
    for item in items:
        if GUI_TESTS in item.path.parents:
            item.add_marker(pytest.mark.gui)


@pytest.hookimpl(optionalhook=True)  # a hook of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Keep tests/gui in one worker (it has the one QApplication and the focus) and spread the others singly.

    `--dist loadgroup` is meant for this, but pytest-xdist 3.8 does not see its groups under pytest 9.2.
    """
    return GuiTogether(config, log)


class GuiTogether(LoadScopeScheduling):
    """Hands tests to the workers one by one, except that all of tests/gui is one piece of work."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/gui" if nodeid.startswith("tests/gui/") else nodeid


@pytest.fixture(autouse=True)
def strict_numerics() -> Iterator[None]:
    """Make NumPy raise on invalid values; underflow is harmless (every Gaussian has a tail)."""
    before = np.seterr(divide="raise", over="raise", invalid="raise", under="ignore")
    yield
    np.seterr(**before)


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Folder of measured files: `SODALITE_REALDATA`, else `shared/data` beside the source."""
    folder = Path(os.environ.get("SODALITE_REALDATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no measured files: {folder} is not there (set SODALITE_REALDATA to the folder that has them)")
    return folder


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Record a figure for docs/measured.md: `measured(name, value, unit="", limit="")`.

    `limit` is the demand as text ("<= 0.5", ">= 30"); the test itself asserts it. Without the environment variable
    `SODALITE_MEASURED` (a file, one JSON object a line) the figure is dropped.
    """
    target = os.environ.get("SODALITE_MEASURED")

    def record(name: str, value: float | int | str, unit: str = "", limit: str = "") -> None:
        if not target:
            return
        plain = value if isinstance(value, (str, int)) else float(value)
        row = {
            "file": request.node.path.relative_to(ROOT).as_posix(),
            "test": request.node.name,
            "name": name,
            "value": plain,
            "unit": unit,
            "limit": str(limit),
        }
        line = json.dumps(row, ensure_ascii=False) + "\n"
        # One write to a file opened for appending keeps the lines of several workers whole.
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(descriptor, line.encode("utf-8"))
        finally:
            os.close(descriptor)

    return record
