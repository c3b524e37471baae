"""Many spectra: the same numbers as one by one, however the work is divided, interrupted or repeated."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from fitting.batch import (
    NOT_FITTED,
    STATUSES,
    ArrayData,
    BatchJob,
    Chunks,
    MemoryResults,
    Series,
    check_job,
    fit_chunk,
    fit_many,
    refined,
    settled,
    slabs,
    spectra_of_files,
)
from fitting.batch.sources import sampled
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.engine import fit
from fitting.model import Background, FitModel, Param
from libraries.errors import BadData, BadModel, Cancelled, FitFailed
from tests.fitting.problems import background, component, envelope, grid, model, six_peaks

GRID = grid(101)
TWO = model(
    component("p1", position=285.0, area=3000.0, fwhm=1.2), component("p2", position=288.0, area=1500.0, fwhm=1.4)
)
ONE = model(component("p1", position=287.0, area=3000.0, fwhm=1.4), back=background("constant", level=100.0))


def image(truth=TWO, shape=(4, 12), seed=1):
    """Poisson counts of a model whose intensity runs from a half to the double."""
    scale = np.linspace(0.5, 2.0, int(np.prod(shape)))[:, None]
    return np.random.default_rng(seed).poisson(scale * envelope(GRID, truth)).reshape(*shape, -1).astype(np.uint16)


def job(truth=TWO, noise=GRID.noise, **options) -> BatchJob:
    return BatchJob(GRID.axis, noise, truth, **{"rows": 8} | options)


def run(work: BatchJob, counts, **options):
    sink = MemoryResults(work, counts.shape)
    return sink, fit_many(ArrayData(counts), work, sink, **options)


def equal(one: MemoryResults, other: MemoryResults) -> bool:
    return all(np.array_equal(one.arrays[name], other.arrays[name], equal_nan=True) for name in one.arrays)


def one_by_one(work: BatchJob, counts):
    rows = counts.reshape(-1, counts.shape[-1])
    return [fit(Spectrum(work.axis, row, work.noise), work.model) for row in rows]


@pytest.fixture(scope="module")
def counts():
    return image()


# ------------------------------------------------------------------------------------------------- the same numbers


@pytest.mark.parametrize("noise", [Noise("poisson", 1.0), Noise("gaussian", None, 20.0), Noise()])
@pytest.mark.parametrize("back", [background(), Background("shirley"), Background("linear")])
def test_without_warm_start_it_is_the_fit_of_one_spectrum(noise, back, counts):
    """The same minimum, also where a static background belongs to each spectrum."""
    work = job(FitModel((282.0, 292.0), back, TWO.components), noise, warm=False, refine=False)
    some = counts[:2, :3]
    sink, summary = run(work, some, workers=1)
    singles = one_by_one(work, some)
    flat = {name: array.reshape(6, *array.shape[2:]) for name, array in sink.arrays.items()}
    for row, single in enumerate(singles):
        errors = np.array([single.error(name) for name in work.names])
        differences = np.abs(flat["values"][row] - [single.value(name) for name in work.names])
        assert np.all(differences <= 2e-3 * errors)
        np.testing.assert_allclose(flat["errors"][row], errors, rtol=1e-3)
        scale = np.sqrt(np.outer(*2 * [np.diag(single.covariance_of(single.free))]))
        assert np.all(np.abs(flat["covariance"][row] - single.covariance_of(single.free)) <= 5e-3 * scale)
        assert flat["deviance"][row] == pytest.approx(single.deviance, rel=2e-9)
        assert flat["reduced_chi2"][row] == pytest.approx(single.reduced_chi2, rel=1e-5)
        assert STATUSES[flat["status"][row]] == single.status
        assert flat["evaluations"][row] <= single.evaluations
    assert sum(summary.statuses.values()) == summary.spectra == 6


def test_warm_starts_find_the_same_minima_sooner(counts):
    sink, summary = run(job(), counts)
    singles = one_by_one(job(), counts)
    ours = sink.arrays["deviance"].ravel()
    np.testing.assert_allclose(ours, [single.deviance for single in singles], rtol=2e-9)
    for name in ("p1.area", "p2.position", "background.level"):
        errors = np.array([single.error(name) for single in singles])
        difference = np.abs(sink.value(name).ravel() - [single.value(name) for single in singles])
        assert np.all(difference <= 2e-3 * errors)
        np.testing.assert_allclose(sink.error(name).ravel(), errors, rtol=1e-3)
    assert np.mean(sink.arrays["evaluations"]) < np.mean([single.evaluations for single in singles])
    assert summary.statuses == {"converged": 48}
    assert summary.failed == 0


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_any_number_of_workers_gives_the_same_bits(workers, counts):
    assert equal(run(job(), counts, workers=1)[0], run(job(), counts, workers=workers)[0])


def test_linked_and_held_parameters_have_values_and_errors(counts):
    tied = TWO.with_params({"p2.fwhm": Param(1.3, link="p1.fwhm * 1.2"), "p2.mix": Param(0.3, vary=False)})
    work = job(tied, warm=False, refine=False)
    sink, _ = run(work, counts[:1, :2])
    single = one_by_one(work, counts[:1, :2])[1]
    assert "p2.fwhm" not in work.free
    assert sink.error("p2.fwhm")[0, 1] == pytest.approx(single.error("p2.fwhm"), rel=1e-3)
    assert sink.value("p2.fwhm")[0, 1] == pytest.approx(1.2 * sink.value("p1.fwhm")[0, 1])
    assert sink.error("p2.mix")[0, 1] == 0
    assert sink.arrays["covariance"].shape == (1, 2, len(work.free), len(work.free))


def test_covariances_are_kept_on_demand(counts):
    assert "covariance" not in run(job(covariance=False), counts[:1, :2])[0].arrays
    many = model(*(component(f"p{i}", position=283.0 + 2 * i) for i in range(1, 6)))
    assert not job(many).keeps_covariance
    assert job(many, covariance=True).keeps_covariance


def test_a_single_spectrum_and_a_profile(counts):
    single, _ = run(job(), counts[0, 0])
    assert single.arrays["status"].shape == ()
    assert single.arrays["status"] == 0
    profile, _ = run(job(), counts[0])
    assert profile.arrays["values"].shape == (12, len(job().names))


# ------------------------------------------------------------------------------------------------------- bad spectra


def test_bad_spectra_are_flagged_and_the_others_are_not_touched(counts):
    good = counts[0, :8].astype(float)
    bad = good.copy()
    bad[1, 50], bad[2, 40], bad[4], bad[6, 30] = np.nan, -1.0, 0.0, np.inf
    result = fit_chunk(job(refine=False), bad)
    names = [STATUSES[code] for code in result.status]
    assert [i for i, name in enumerate(names) if name == "bad data"] == [1, 2, 4, 6]
    assert {names[i] for i in (0, 3, 5, 7)} == {"converged"}
    assert np.all(np.isnan(result.values[[1, 2, 4, 6]]))
    assert np.all(np.isnan(result.errors[[1, 2, 4, 6]]))
    assert np.all(np.isnan(result.covariance[[1, 2, 4, 6]]))
    assert not np.any(result.evaluations[[1, 2, 4, 6]])
    for row in (0, 3, 5, 7):
        single = fit(Spectrum(GRID.axis, good[row], GRID.noise), TWO)
        assert result.deviance[row] == pytest.approx(single.deviance, rel=1e-9)


def test_what_lies_outside_the_region_does_not_matter(counts):
    rows = counts[0, :3].astype(float)
    narrow = job(FitModel((282.0, 292.0), background(), TWO.components))
    broken = rows.copy()
    broken[:, :5] = np.nan
    np.testing.assert_array_equal(fit_chunk(narrow, rows).values, fit_chunk(narrow, broken).values)


def test_negative_intensities_are_bad_for_counts_only(counts):
    rows = counts[0, :2].astype(float)
    rows[1, 3] = -5.0
    assert STATUSES[fit_chunk(job(), rows).status[1]] == "bad data"
    for noise in (Noise(), Noise("gaussian", None, 20.0), Noise("poisson", 1.0, 4.0)):
        assert STATUSES[fit_chunk(job(noise=noise), rows).status[1]] == "converged"


def test_a_spectrum_that_does_not_converge_is_named(counts):
    sink, summary = run(job(max_evaluations=2, refine=False), counts[:1])
    assert set(summary.statuses) == {"iteration limit"}
    assert summary.failed == 12
    assert np.all(np.isfinite(sink.arrays["values"]))


def test_parameters_that_cannot_be_told_apart_are_named_as_by_a_single_fit(counts):
    """Two peaks at one place; compiled fits leave such spectra to the orthogonal factors of the engine."""
    held = {"p2.position": Param(285.0, vary=False), "p1.position": Param(285.0, vary=False)}
    held |= {"p1.fwhm": Param(1.2, vary=False), "p2.fwhm": Param(1.2, vary=False)}
    work = job(TWO.with_params(held), warm=False, refine=False)
    result = fit_chunk(work, counts[0, :3])
    for row, single in enumerate(one_by_one(work, counts[0, :3])):
        assert STATUSES[result.status[row]] == single.status == "singular"
        assert result.deviance[row] == pytest.approx(single.deviance, rel=1e-9)
        np.testing.assert_allclose(result.errors[row], [single.error(name) for name in work.names], rtol=1e-6)


def test_a_bad_neighbour_hands_nothing_on():
    """A spectrum whose fit from its neighbour's place goes wrong is fitted again from the job's start."""
    rng = np.random.default_rng(5)
    left, right = (envelope(GRID, ONE.with_values({"p1.position": p})) for p in (282.0, 293.0))
    rows = rng.poisson([left, right, left, right, right, left])
    start = ONE.with_values({"p1.position": 287.5, "p1.fwhm": 5.0})
    free = {"p1.position": replace(start.params["p1.position"], minimum=280, maximum=295)}
    work = job(start.with_params(free), refine=False)
    warm, cold = fit_chunk(work, rows), fit_chunk(replace(work, warm=False), rows)
    np.testing.assert_allclose(warm.deviance, cold.deviance, rtol=1e-8)
    np.testing.assert_allclose(warm.values[:, 1], [282, 293, 282, 293, 293, 282], atol=0.1)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"truth": FitModel((100.0, 110.0), background(), TWO.components)}, BadData),
        ({"truth": FitModel((285.0, 285.5), background(), TWO.components)}, FitFailed),
        ({"truth": TWO.with_params({"p1.area": Param(5.0, 10.0, 20.0)})}, BadModel),
    ],
)
def test_an_impossible_job_is_refused_before_anything_is_read(change, error, counts):
    class Unread(ArrayData):
        def read(self, start, stop):
            raise AssertionError

    work = job(**change)
    with pytest.raises(error):
        check_job(work)
    with pytest.raises(error):
        fit_many(Unread(counts, "x"), work, MemoryResults(job(), counts.shape))


def test_wrong_numbers_are_refused(counts):
    with pytest.raises(BadData, match="channels"):
        fit_many(ArrayData(counts[..., :50]), job(), MemoryResults(job(), counts.shape))
    with pytest.raises(BadData, match="fit an axis"):
        fit_chunk(job(), counts)
    with pytest.raises(BadModel, match="worker"):
        run(job(), counts, workers=0)
    with pytest.raises(BadModel, match="chunk"):
        job(rows=0)
    with pytest.raises(BadData, match="axis"):
        Series(ArrayData(counts), Axis(np.arange(5.0), "channel", ""), Noise())


# --------------------------------------------------------------------------------------------------- start and chunks


def test_the_refined_start_is_that_of_the_mean(counts):
    far = TWO.with_values({"p1.area": 500.0, "p1.position": 284.0, "p2.fwhm": 3.0})
    better = refined(ArrayData(counts), job(far))
    assert not better.refine
    assert better.model.params["p1.position"].value == pytest.approx(285.0, abs=0.02)
    rows = counts.reshape(-1, 101)
    mean = fit(Spectrum(GRID.axis, rows.mean(axis=0), Noise("poisson", 1.0 / len(rows))), far)
    for name in job().free:
        assert better.model.params[name].value == pytest.approx(mean.value(name), rel=1e-9)
    again = refined(ArrayData(counts), job(far))
    assert again.model == better.model
    hopeless = np.full_like(counts, 0)
    assert refined(ArrayData(hopeless), job(far)).model == far


def test_chunks_are_cut_by_the_shape_alone():
    assert Chunks.of((64, 64, 1024), job(rows=None)) == Chunks(4096, 512)
    assert Chunks.of((10, 40, 16384), job(rows=None)) == Chunks(400, 32)
    assert Chunks.of((3, 1 << 20), job(rows=None)) == Chunks(3, 1)
    chunks = Chunks(20, 8)
    assert [chunks[i] for i in range(len(chunks))] == [(0, 8), (8, 16), (16, 20)]
    with pytest.raises(IndexError):
        chunks[3]


def test_samples_reach_from_the_first_to_the_last():
    assert sampled((6, 8, 100), 64) == list(range(48))
    assert sampled((1000, 5), 3) == [0, 500, 999]
    assert sampled((5,), 4) == [0]


@pytest.mark.parametrize("navigation", [(), (7,), (3, 5), (2, 3, 4), (2, 1, 3, 2)])
def test_pieces_of_an_image_are_in_their_order(navigation):
    total = int(np.prod(navigation))
    array = np.arange(total * 3).reshape(*navigation, 3)
    flat, source = array.reshape(-1, 3), ArrayData(array)
    for start in range(total):
        for stop in range(start + 1, total + 1):
            np.testing.assert_array_equal(source.read(start, stop), flat[start:stop])
            assert len(list(slabs(navigation, start, stop))) <= max(1, 2 * len(navigation) - 1)


def test_a_lazy_array_is_read_in_pieces(counts):
    import dask.array

    lazy = dask.array.from_array(counts, chunks=(2, 5, -1))
    sink = MemoryResults(job(), counts.shape)
    fit_many(ArrayData(lazy), job(), sink)
    assert equal(sink, run(job(), counts)[0])
    other = counts.copy()
    other[0, 0, 0] += 1
    assert ArrayData(lazy).fingerprint != ArrayData(dask.array.from_array(other)).fingerprint
    assert ArrayData(counts).fingerprint != ArrayData(other).fingerprint
    assert ArrayData(counts).fingerprint == ArrayData(counts.copy()).fingerprint


def test_no_more_chunks_in_memory_than_promised():
    counts = image(shape=(80,))
    alive, most, lock = 0, 0, threading.Lock()

    class Counted(ArrayData):
        def read(self, start, stop):
            nonlocal alive, most
            with lock:
                alive += 1
                most = max(most, alive)
            return super().read(start, stop)

    class Sink(MemoryResults):
        def write(self, chunk, result):
            nonlocal alive
            super().write(chunk, result)
            with lock:
                alive -= 1

    work = job(rows=2, refine=False)
    fit_many(Counted(counts), work, Sink(work, counts.shape), workers=2)
    assert 2 <= most <= 4


# ------------------------------------------------------------------------------------- progress, cancel, interruption


def test_progress_never_falls(counts):
    seen = []
    run(job(), counts, workers=2, progress=lambda fraction, text: seen.append((fraction, text)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert seen[-1][1] == "48 of 48 spectra"


def test_cancel_returns_at_once_in_the_middle_of_a_chunk(measured):
    """Six peaks on 600 points, 500 spectra a chunk: one takes half a second or more."""
    wide = grid(600)
    rows = np.random.default_rng(1).poisson(envelope(wide, six_peaks()), (2000, 600)).astype(np.uint16)
    work = BatchJob(wide.axis, wide.noise, six_peaks(0.7, 0.1), rows=500, refine=False, warm=False)
    fit_chunk(settled(work), rows[:1])
    delays = []
    for _ in range(5):
        asked, sink = [], MemoryResults(work, rows.shape)

        def cancel(asked=asked):
            asked.append(time.perf_counter())
            return len(asked) > 1

        summary = fit_many(ArrayData(rows, "x"), work, sink, workers=2, cancel=cancel)
        delays.append(time.perf_counter() - asked[-1])
        assert (summary.cancelled, summary.spectra) == (True, 0)
    measured("cancel of a batch", float(np.median(delays)), "s", "<= 0.1")
    assert np.median(delays) <= 0.1


def test_a_cancelled_batch_goes_on_where_it_was():
    counts = image(shape=(120,))
    work = job(rows=20)
    whole, _ = run(work, counts)
    sink = MemoryResults(work, counts.shape)
    first = fit_many(ArrayData(counts), work, sink, workers=2, cancel=lambda: sink.done(0) or sink.done(1))
    assert first.cancelled
    assert 20 <= first.spectra < 120
    assert np.sum(sink.arrays["status"] != NOT_FITTED) == first.spectra
    second = fit_many(ArrayData(counts), work, sink, workers=1)
    assert not second.cancelled
    assert second.skipped == first.spectra // 20
    assert second.spectra == 120 - first.spectra
    assert equal(sink, whole)


def test_cancel_before_the_first_chunk(counts):
    sink, summary = run(job(), counts, cancel=lambda: True)
    assert (summary.cancelled, summary.spectra) == (True, 0)
    assert np.all(sink.arrays["status"] == NOT_FITTED)
    with pytest.raises(Cancelled):
        fit_chunk(job(), counts[0], cancel=lambda: True)


def test_an_error_of_source_or_sink_ends_the_work_and_keeps_what_is_finished(counts):
    class Broken(ArrayData):
        def read(self, start, stop):
            if start >= 32:
                raise BadData("The disk is gone")
            return super().read(start, stop)

    sink = MemoryResults(job(), counts.shape)
    before = threading.active_count()
    with pytest.raises(BadData, match="disk is gone"):
        fit_many(Broken(counts), job(refine=False), sink, workers=1)
    assert threading.active_count() == before
    assert sink.done(0)
    fit_many(ArrayData(counts), job(refine=False), sink)
    assert equal(sink, run(job(refine=False), counts)[0])


def test_one_batch_at_a_time(counts):
    """A second batch waits for the first, and gives up when it is told to."""
    inside, release = threading.Event(), threading.Event()

    class Slow(ArrayData):
        def read(self, start, stop):
            inside.set()
            assert release.wait(30)
            return super().read(start, stop)

    sink = MemoryResults(job(), counts.shape)
    first = threading.Thread(target=lambda: fit_many(Slow(counts), job(refine=False), sink))
    first.start()
    assert inside.wait(30)
    asked = []
    try:
        _, summary = run(job(refine=False), counts, cancel=lambda: asked.append(1) or len(asked) > 3)
    finally:
        release.set()
        first.join()
    assert (summary.cancelled, summary.spectra) == (True, 0)


# -------------------------------------------------------------------------------------------------------------- files


def spectra(number=3, shift=0.0, **changes):
    rows = image(shape=(number,))
    axis = Axis(GRID.x + shift, "binding_energy")
    return [Spectrum(axis, row, GRID.noise, Meta(title=f"C 1s {i}", file=f"f{i}.vms")) for i, row in enumerate(rows)]


def test_spectra_of_files_are_stacked():
    series = spectra_of_files(spectra())
    assert series.source.shape == (3, 101)
    assert series.labels[1] == "f1.vms, C 1s 1 (0)"
    assert (series.noise, series.axis.unit) == (GRID.noise, "eV")


def test_files_on_other_axes_are_refused_by_name():
    odd = spectra(shift=0.05)[1]
    with pytest.raises(BadData, match=r"f1\.vms.*280\.05"):
        spectra_of_files([*spectra(), odd])
    with pytest.raises(BadData, match="f1"):
        spectra_of_files([*spectra(), odd], region=(282.0, 290.0))
    with pytest.raises(BadData, match="no spectrum"):
        spectra_of_files([])
    with pytest.raises(BadData, match="noise"):
        spectra_of_files([*spectra(), odd.with_(axis=GRID.axis, noise=Noise())])
    with pytest.raises(BadData, match="series"):
        spectra_of_files([Spectrum(GRID.axis, image(), GRID.noise, navigation=(Axis([0, 1, 2, 3], "index", ""),
                                                                               Axis(np.arange(12), "index", "")))])


def test_axes_that_share_the_region_are_cut_to_it():
    longer = [spectrum.window(280.0, 293.0) if i else spectrum for i, spectrum in enumerate(spectra())]
    series = spectra_of_files(longer, region=(282.0, 292.0))
    assert series.axis.values[0] >= 282.0 - 1e-9
    assert series.source.shape == (3, len(series.axis))
