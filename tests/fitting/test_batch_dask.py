"""The batch on a real Dask cluster of two processes that loses one of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fitting.batch import ArrayData, BatchJob, MemoryResults, fit_many
from fitting.batch.cluster import NoCluster
from tests.fitting.problems import background, component, grid, model

ROOT = Path(__file__).resolve().parents[2]
ONE = model(component("p1", position=287.0, area=3000.0, fwhm=1.4), back=background("constant", level=100.0))


@pytest.mark.skipif(os.name != "posix", reason="a worker is killed by a POSIX signal")
@pytest.mark.parametrize("kernels", ["off", pytest.param("wait", marks=pytest.mark.full)])
def test_a_cluster_that_loses_a_worker_gives_the_same_bits(kernels, tmp_path, measured):
    # Compiled fits are left to the long run: on a new machine they take minutes to make.
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.fitting.batch_cluster", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=1200 if kernels == "wait" else 200, check=False,
        env=os.environ | {"SODALITE_KERNELS": kernels},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert len(seen["killed"]) == 1
    assert seen["identical"]
    assert sum(seen["statuses"].values()) == 240
    assert set(seen["statuses"]) <= {"converged", "at bound"}
    assert seen["stopped"]
    assert seen["resumed_identical"]
    assert seen["skipped"] * 8 == seen["before"] >= 16
    assert seen["rest"] == 240 - seen["before"]
    assert not seen["alive"]
    assert "cannot be reached" in seen["nobody"]
    measured("240 spectra on a cluster of two processes that lost one", seen["seconds"], "s")
    measured("cancel of a batch on a cluster", seen["cancel_seconds"], "s")


def test_missing_dask_is_named(monkeypatch):
    job = BatchJob(grid(40).axis, grid().noise, ONE)
    counts = np.full((3, 40), 100)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(NoCluster, match=r"sodalite\[cluster\]"):
        fit_many(ArrayData(counts), job, MemoryResults(job, counts.shape), scheduler="tcp://127.0.0.1:1")
