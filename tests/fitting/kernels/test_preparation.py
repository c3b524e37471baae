"""When compiled functions are used, where they are kept, and that fits go on without them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fitting import kernels
from fitting.engine import fit
from fitting.kernels import __main__ as command
from tests.fitting.problems import counted, grid, six_peaks


@pytest.fixture
def fresh(monkeypatch):
    """A preparation that has not begun."""
    preparation = kernels._Preparation()
    monkeypatch.setattr(kernels, "_preparation", preparation)
    return preparation


def test_off(fresh, monkeypatch):
    monkeypatch.setenv(kernels.MODE, "off")
    kernels.prepare()
    assert not kernels.wait(0)
    assert [kernels.loaded() for _ in range(9)] == [None] * 9
    assert fresh.thread is None
    assert fit(counted(grid(), six_peaks()), six_peaks()).success


def test_the_first_fit_does_not_wait(fresh, monkeypatch):
    monkeypatch.setenv(kernels.MODE, "auto")
    begun = []
    monkeypatch.setattr(fresh, "work", lambda: begun.append(1))
    assert kernels.loaded() is None
    assert fresh.thread is None
    assert kernels.loaded() is None
    fresh.thread.join()
    assert begun == [1]


def test_fits_go_on_where_compilation_fails(fresh, monkeypatch, tmp_path):
    monkeypatch.setenv(kernels.MODE, "auto")
    monkeypatch.setattr(kernels, "cache_folder", lambda: tmp_path)

    def broken():
        raise OSError("no room")

    monkeypatch.setattr(kernels, "_compile_in_child", broken)
    assert not kernels.wait(10)
    assert kernels.failure() == "OSError: no room"
    assert fit(counted(grid(), six_peaks()), six_peaks()).success


def test_the_cache_folder_follows_the_sources(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    here = kernels.cache_folder()
    assert here.parent == tmp_path
    assert here == kernels.cache_folder()
    source = tmp_path / "shapes.py"
    source.write_text("x = 1", "utf-8")
    monkeypatch.setattr(kernels, "_sources", lambda: [source])
    other = kernels.cache_folder()
    source.write_text("x = 2", "utf-8")
    assert len({here, other, kernels.cache_folder()}) == 3


def test_importing_the_engine_loads_no_compiler():
    code = "import sys, fitting.engine, fitting.batch; assert 'numba' not in sys.modules, 'numba'"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_one_process_compiles_and_others_wait_for_it(monkeypatch, tmp_path):
    claim = tmp_path / "compiling"
    assert command._claimed(claim)
    assert not command._claimed(claim)
    claim.write_text("4194304", "utf-8")  # above the largest process number: one that was stopped
    assert not command._claimed(claim)
    assert command._claimed(claim)


def test_compiling_marks_the_folder_and_forgets_old_ones(monkeypatch, tmp_path):
    folder = tmp_path / "kernels-new"
    for old in range(6):
        (tmp_path / f"kernels-{old}").mkdir()
    monkeypatch.setattr(command, "cache_folder", lambda: folder)
    loads = []
    monkeypatch.setattr(command, "_load", lambda: loads.append(folder))
    monkeypatch.setattr(command.os, "nice", lambda more: 0, raising=False)
    assert command.main() == command.main() == 0
    assert loads == [folder]
    assert (folder / "complete").exists()
    assert not (folder / "compiling").exists()
    assert len(list(tmp_path.glob("kernels-*"))) <= 4


def test_machine_code_is_kept_in_the_folder_whoever_imports_first():
    code = (
        "import numba; from fitting.kernels import cache_folder; from fitting.kernels.rows import fit_rows;"
        "assert str(cache_folder()) in str(fit_rows._cache.cache_path); assert not numba.config.CACHE_DIR"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, env=environment)
