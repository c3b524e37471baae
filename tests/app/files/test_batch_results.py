"""The result file of a batch: complete, the same after every interruption, and bounded memory."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from app.files.batch_results import BatchResults, status_counts, write_results_csv
from app.files.nexus_writer import write_nexus
from app.files.stored_series import series_in
from fitting.batch import STATUSES, ArrayData, BatchJob, MemoryResults, Series, fit_many
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.model import from_json
from libraries.errors import BadFile, CannotWrite
from tests.fitting.problems import background, component, envelope, grid, model

ROOT = Path(__file__).resolve().parents[3]
GRID = grid(81)
ONE = model(component("p1", position=287.0, area=3000.0, fwhm=1.4), back=background("constant", level=100.0))
NAME = "/spectrum_0001/data/intensity"


@pytest.fixture
def folder(tmp_path):
    """An image with one dead and one negative spectrum, and a model of it."""
    scale = np.linspace(0.5, 2.0, 48)[:, None]
    counts = np.random.default_rng(1).poisson(scale * envelope(GRID, ONE)).reshape(6, 8, -1).astype(np.int32)
    counts[1, 2], counts[4, 0, 40] = 0, -1
    navigation = (Axis(np.arange(6.0), "distance", "nm"), Axis(2.0 * np.arange(8), "distance", "nm"))
    write_nexus(tmp_path / "image.h5", [Spectrum(GRID.axis, counts, GRID.noise, Meta(title="C"), None, navigation)])
    (tmp_path / "model.json").write_text(ONE.to_json(), encoding="utf-8")
    return tmp_path


def given(folder: Path, **changes) -> tuple[Series, BatchJob]:
    series = series_in(folder / "image.h5", NAME)
    return series, BatchJob(series.axis, series.noise, ONE, **{"rows": 4} | changes)


def arrays(path: Path) -> dict[str, bytes]:
    """Everything in a file but what the names of files and the clock make."""
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(
            lambda name, item: found.update({name: np.asarray(item[()]).tobytes()})
            if isinstance(item, h5py.Dataset) and name not in ("job", "labels") else None
        )  # fmt: skip
        found["job"] = file["job"][()]
    return found


@pytest.fixture
def whole(folder):
    """The results of a batch that nothing interrupted."""
    series, job = given(folder)
    fit_many(series.source, job, BatchResults.create(folder / "whole.h5", series, job), workers=2)
    return folder / "whole.h5"


def test_the_file_holds_every_number_and_says_what_it_is(folder, whole):
    series, job = given(folder)
    memory = MemoryResults(job, series.source.shape)
    fit_many(series.source, job, memory, workers=1)
    with h5py.File(whole, "r") as file:
        for place, name in enumerate(job.names):
            np.testing.assert_array_equal(file[f"values/{name}"][()], memory.arrays["values"][..., place])
            np.testing.assert_array_equal(file[f"errors/{name}"][()], memory.arrays["errors"][..., place])
        for name in ("status", "deviance", "reduced_chi2", "covariance", "at_bound", "evaluations"):
            np.testing.assert_array_equal(file[name][()], memory.arrays[name])
        assert file["status"].shape == (6, 8)
        assert list(file["status"].attrs["names"]) == list(STATUSES)
        assert list(file["covariance"].attrs["parameters"]) == list(job.free)
        units = {name: file[f"values/{name}"].attrs["units"] for name in job.names}
        assert units == {
            "p1.area": "counts eV", "p1.position": "eV", "p1.fwhm": "eV", "p1.mix": "", "background.level": "counts",
        }  # fmt: skip
        assert (file.attrs["made_by"], file.attrs["fingerprint"]) == ("Sodalite", series.source.fingerprint)
        assert from_json(json.dumps(json.loads(file["job"][()])["model"])) == ONE
        np.testing.assert_array_equal(file["navigation/1_distance"][()], 2.0 * np.arange(8))
        np.testing.assert_array_equal(file["axis"][()], GRID.x)
        assert np.all(file["done"][()] == 1)
    assert status_counts(whole) == {"converged": 46, "bad data": 2}


def test_a_cancelled_batch_goes_on_to_the_same_file(folder, whole):
    series, job = given(folder)
    sink = BatchResults.create(folder / "cut.h5", series, job)
    fractions = []
    first = fit_many(
        series.source, job, sink, workers=2, progress=lambda f, text: fractions.append(f),
        cancel=lambda: fractions[-1] > 0.3,
    )  # fmt: skip
    assert first.cancelled
    assert 0 < status_counts(folder / "cut.h5")["not fitted"] < 48
    again = BatchResults.resume(folder / "cut.h5", series, job)
    second = fit_many(series.source, job, again, workers=1)
    assert second.skipped == first.spectra // 4 > 0
    assert arrays(folder / "cut.h5") == arrays(whole)


@pytest.mark.skipif(sys.platform == "win32", reason="killed by a POSIX signal")
def test_a_killed_process_leaves_a_file_that_goes_on(folder, whole):
    child = subprocess.Popen(
        # Unbuffered: lines that a buffer had read ahead would be lost to `communicate`.
        [sys.executable, "-m", "tests.app.files.batch_child", str(folder)], cwd=ROOT, stdout=subprocess.PIPE, bufsize=0
    )
    for _ in range(5):
        assert child.stdout.readline() == b"committed\n"
    child.kill()
    rest = child.communicate(timeout=60)[0]
    assert child.returncode == -9
    series, job = given(folder)
    sink = BatchResults.resume(folder / "killed.h5", series, job)
    done = sum(sink.done(chunk) for chunk in range(12))
    assert 5 <= done <= 6 + rest.count(b"committed")
    summary = fit_many(series.source, job, sink)
    assert (summary.skipped, summary.spectra) == (done, 48 - 4 * done)
    assert arrays(folder / "killed.h5") == arrays(whole)


def test_numbers_without_a_mark_are_fitted_again(folder, whole):
    """A machine that loses power between the numbers of a chunk and its mark."""
    series, job = given(folder)
    with h5py.File(whole, "r+") as file:
        file["done"][3] = 0
        file["values/p1.area"][1, 4:] = 1e99
    sink = BatchResults.resume(whole, series, job)
    assert [chunk for chunk in range(12) if not sink.done(chunk)] == [3]
    fit_many(series.source, job, sink)
    with h5py.File(whole, "r") as file:
        assert np.all(file["values/p1.area"][1, 4:] < 1e4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": ONE.with_values({"p1.area": 2999.0})}, "another model"),
        ({"noise": Noise("poisson", 1.5)}, "another noise"),
        ({"axis": Axis(GRID.x + 1e-9, "binding_energy")}, "another axis"),
        ({"axis": Axis(GRID.x, "kinetic_energy")}, "another axis"),
        ({"rows": 5}, "other options"), ({"warm": False}, "other options"), ({"covariance": False}, "other options"),
    ],
)  # fmt: skip
def test_other_jobs_are_not_mixed_in(changes, words, folder, whole):
    series, job = given(folder)
    before = whole.read_bytes()
    with pytest.raises(CannotWrite, match=words):
        BatchResults.resume(whole, series, replace(job, **changes))
    assert whole.read_bytes() == before


def test_other_data_are_not_mixed_in(folder, whole):
    series, job = given(folder)
    counts = series.source.read(0, 48).reshape(6, 8, -1)
    with pytest.raises(CannotWrite, match="other data"):
        BatchResults.resume(whole, replace(series, source=ArrayData(counts)), job)
    with h5py.File(whole, "r+") as file:
        file.attrs["version"] = "0.0.1"
    with pytest.raises(CannotWrite, match="version"):
        BatchResults.resume(whole, series, job)


def test_damaged_and_foreign_files_are_refused(folder, whole):
    series, job = given(folder)
    with pytest.raises(BadFile, match="no results"):
        BatchResults.resume(folder / "image.h5", series, job)
    with pytest.raises(BadFile):
        BatchResults.resume(folder / "model.json", series, job)
    with pytest.raises(BadFile, match="no such file"):
        BatchResults.resume(folder / "absent.h5", series, job)
    cut = folder / "cut.h5"
    cut.write_bytes(whole.read_bytes()[:-2000])
    with pytest.raises(BadFile, match="damaged"):
        BatchResults.resume(cut, series, job)
    with h5py.File(whole, "r+") as file:
        del file["covariance"]
    with pytest.raises(BadFile, match="damaged"):
        BatchResults.resume(whole, series, job)
    with pytest.raises(CannotWrite, match="does not exist"):
        BatchResults.create(folder / "none" / "x.h5", series, job)


def test_a_table_of_the_results(folder, whole):
    write_results_csv(folder / "out.csv", whole)
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 48
    assert (rows[10]["index_0"], rows[10]["index_1"], rows[10]["status"]) == ("1", "2", "bad data")
    assert rows[10]["p1.area [counts eV]"] == rows[10]["reduced_chi2"] == ""
    with h5py.File(whole, "r") as file:
        assert float(rows[47]["p1.area [counts eV]"]) == file["values/p1.area"][5, 7]
        assert float(rows[47]["p1.position_error [eV]"]) == file["errors/p1.position"][5, 7]
        assert rows[3]["p1.mix_error"] == "0"


def test_a_single_spectrum_has_a_result_too(folder):
    row = np.random.default_rng(1).poisson(envelope(GRID, ONE))
    series = Series(ArrayData(row), GRID.axis, GRID.noise)
    job = BatchJob(series.axis, series.noise, ONE)
    fit_many(series.source, job, BatchResults.create(folder / "one.h5", series, job))
    assert status_counts(folder / "one.h5") == {"converged": 1}
    write_results_csv(folder / "one.csv", folder / "one.h5")
    assert (folder / "one.csv").read_text("utf-8").splitlines()[1].startswith("converged,")


# ------------------------------------------------------------------------------------------------------------- memory


def large_image(path: Path, rows: int, every: int) -> None:
    """An image of `rows` times 1,024 spectra of 2,048 channels, 4 MB a row.

    Of every so many rows the first 64 spectra hold counts in channels 80 to 180; the rest was never written and reads
    as zeros, which makes the file small but not the data that go through memory.
    """
    rng = np.random.default_rng(4)
    block = np.zeros((1, 64, 2048), dtype=np.uint16)
    block[..., 80:180] = rng.poisson(40.0, (1, 64, 100))
    with h5py.File(path, "w") as file:
        image = file.create_dataset(
            "image", (rows, 1024, 2048), "u2", chunks=(1, 64, 2048), compression="gzip", compression_opts=1
        )
        for row in range(0, rows, every):
            image[row, :64] = block[0]


def traversed(tmp_path: Path, rows: int, every: int) -> dict:
    large_image(tmp_path / "large.h5", rows, every)
    done = subprocess.run(
        [sys.executable, "-m", "tests.app.files.batch_memory", str(tmp_path / "large.h5"), str(tmp_path / "out.h5")],
        cwd=ROOT, capture_output=True, text=True, timeout=3000, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    fitted = -(-rows // every) * 64
    assert seen["statuses"] == {"converged": fitted, "bad data": rows * 1024 - fitted}
    return seen


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_memory_is_bounded_by_chunks(tmp_path, measured):
    seen = traversed(tmp_path, 100, 10)
    assert seen["gigabytes"] == pytest.approx(0.42, abs=0.01)
    measured("memory that a batch over 0.42 GB takes", seen["peak"] - seen["before"], "MB", "<= 150")
    assert seen["peak"] - seen["before"] <= 150


@pytest.mark.full
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")
def test_an_image_of_20_gb_in_less_than_1_gb(tmp_path, measured):
    """Every one of its 5 million spectra goes through memory; 16,000 hold counts and are fitted."""
    seen = traversed(tmp_path, 5000, 20)
    assert seen["gigabytes"] > 20
    measured("image that a batch goes through", seen["gigabytes"], "GB", ">= 20")
    measured("peak memory of the process", seen["peak"], "MB", "<= 1000")
    measured("time of going through it", seen["seconds"], "s")
    assert seen["peak"] <= 1000
