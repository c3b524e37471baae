"""Whole core-loss analysis: composition with its budget, areal density, windows, images, refusals, measured files."""

from dataclasses import replace

import numpy as np
import pytest

from fitting.dataset import Axis, Noise, Spectrum
from fitting.eels.core_analysis import analyse, fitted_range, prepare
from fitting.eels.core_edges import continued
from fitting.eels.core_image import map_amounts
from fitting.eels.core_maps import composition_maps
from fitting.eels.core_model import fit_core, with_shapes
from fitting.eels.core_setup import METHODS, CoreEdge, CoreSetup
from libraries.errors import BadData, NotDetermined
from tests.fitting.eels.core_made import (
    CORE,
    LOSS,
    META,
    background,
    core_spectrum,
    edge_counts,
    low_loss,
    low_spectrum,
)

ATOMS = {"B K": 60.0, "N K": 45.0}
LOW = low_loss()
SETUP = CoreSetup((CoreEdge("B K", fit_onset=False, width=30.0), CoreEdge("N K", fit_onset=False, width=30.0)),
                  exposure=1.0)


@pytest.fixture(scope="module")
def expected():
    return background(3e4) + sum(edge_counts(name, number, LOW) for name, number in ATOMS.items())


@pytest.fixture(scope="module")
def result(expected):
    counts = np.random.default_rng(12).poisson(expected).astype(float)
    return analyse(core_spectrum(counts), low_spectrum(LOW), SETUP)


def test_atoms_and_shares(result):
    for row in result.rows:
        assert row.areal == pytest.approx(ATOMS[row.edge], abs=4 * ATOMS[row.edge] * np.hypot(row.counting,
                                                                                              row.background))
        assert row.cross_section == 0.10
        parts = (row.counting, row.background, row.fine, row.cross_section, row.angles, row.low_loss)
        assert row.areal_error == pytest.approx(row.areal * np.sqrt(sum(part**2 for part in parts)), rel=1e-6)
    assert sum(row.at_percent for row in result.rows) == pytest.approx(100.0)
    ratio, error = result.ratio("B", "N")
    assert ratio == pytest.approx(60 / 45, rel=0.03)
    # Two cross-sections of 10 % each; angles move both the same way and nearly cancel.
    assert error / ratio == pytest.approx(np.hypot(0.1, 0.1), rel=0.15)
    assert result.row("B K").angles > 0.01


def test_windows_agree_with_the_joint_fit(expected):
    """Without noise, fine structure or other edges in the windows both give the truth."""
    for method in METHODS[:3]:
        found = analyse(core_spectrum(expected), low_spectrum(LOW), replace(SETUP, method=method))
        for row in found.rows:
            assert row.window_at_percent == pytest.approx(100 * ATOMS[row.edge] / 105.0, abs=6.0)
            assert row.snr > 5
            assert row.h > 1


def test_unknown_exposures_give_shares_only(expected):
    core, low = core_spectrum(expected), low_spectrum(LOW)
    core = core.with_(meta=replace(core.meta, dwell_time=None))
    found = analyse(core, low, replace(SETUP, exposure=None))
    assert all(np.isnan(row.areal) for row in found.rows)
    assert any("exposures" in text for text in found.warnings)
    assert found.rows[0].at_percent == pytest.approx(100 * 60 / 105, abs=1.0)


@pytest.mark.parametrize(("change", "words", "error"), [
    ({"convergence_angle": None}, "convergence angle is not known", NotDetermined),
    ({"collection_angle": None}, "collection angle is not known", NotDetermined),
    ({"beam_energy": None}, "beam energy is not known", NotDetermined),
])
def test_missing_conditions_are_said(expected, change, words, error):
    core = core_spectrum(expected)
    with pytest.raises(error, match=words):
        analyse(core.with_(meta=replace(META, **change)), low_spectrum(LOW), SETUP)


def test_what_cannot_be_is_said(expected):
    core = core_spectrum(expected)
    with pytest.raises(NotDetermined, match="no low loss"):
        analyse(core, None, SETUP)
    with pytest.raises(BadData, match="outside the axis"):
        analyse(core, low_spectrum(LOW), CoreSetup((CoreEdge("F K"),)))
    with pytest.raises(BadData, match="too near the start"):
        analyse(core.window(187.0, 500.0), low_spectrum(LOW), SETUP)
    with pytest.raises(BadData, match="No edge"):
        fitted_range(core, CoreSetup())
    cropped = low_spectrum(LOW).window(5.0, 150.0)
    with pytest.raises(BadData):
        analyse(core, cropped, SETUP)


def test_negative_counts_are_said(expected):
    counts = expected.copy()
    counts[700:710] = -50.0
    found = analyse(core_spectrum(counts), low_spectrum(LOW), SETUP)
    assert any("negative counts" in text for text in found.warnings)


def test_another_dispersion_of_the_low_loss(expected):
    """0.25 eV channels of the low loss are added to those of the core loss; counts are kept."""
    fine = np.interp(np.arange(LOSS[0] - 0.125, LOSS[-1] + 0.3, 0.25), LOSS, LOW) / 2
    energy = LOSS[0] - 0.125 + 0.25 * np.arange(fine.size)
    low = Spectrum(Axis(energy, "energy_loss"), fine, Noise("poisson", 1.0), META)
    found = analyse(core_spectrum(expected), low, SETUP)
    assert found.row("B K").areal == pytest.approx(60.0, rel=0.01)


def _image(own_low, seed=3):
    """8 x 10 pixels with ramps of boron and nitrogen, and of thickness; truth of the areal densities."""
    generator = np.random.default_rng(seed)
    rows, columns = 8, 10
    boron = np.repeat(np.linspace(10.0, 60.0, rows)[:, None], columns, axis=1)
    nitrogen = np.repeat(np.linspace(0.0, 45.0, columns)[None], rows, axis=0)
    axes = (Axis(np.arange(rows), "distance", "nm"), Axis(np.arange(columns), "distance", "nm"))
    lows = [low_loss(t) for t in np.linspace(0.2, 1.0, rows)] if own_low else [LOW] * rows
    counts = np.empty((rows, columns, CORE.size))
    low = np.empty((rows, columns, LOSS.size))
    for i in range(rows):
        units = [edge_counts(name, 1.0, lows[i]) for name in ATOMS]
        for j in range(columns):
            exponent = 2.8 + 0.05 * j
            expected = background(3e4, exponent) + boron[i, j] * units[0] + nitrogen[i, j] * units[1]
            counts[i, j] = generator.poisson(expected / 30)
            low[i, j] = lows[i]
    core = Spectrum(Axis(CORE, "energy_loss"), counts, Noise("poisson", 1.0), META, navigation=axes)
    image = Spectrum(Axis(LOSS, "energy_loss"), low, Noise("poisson", 1.0), META, navigation=axes)
    return core, image, boron / 30, nitrogen / 30


@pytest.mark.parametrize("own_low", [False, True])
def test_every_pixel(own_low, measured):
    core, low, boron, nitrogen = _image(own_low)
    setup = replace(SETUP, edges=tuple(replace(one, fine="none") for one in SETUP.edges))
    whole, sum_low = core.summed(), low.summed()
    ready = prepare(whole, sum_low, setup)
    fit = fit_core(ready.energy, ready.counts, ready.terms, response=ready.response, noise=core.noise)
    found = map_amounts(core, low if own_low else LOW_ONLY, (float(ready.energy[0]), float(ready.energy[-1])),
                        with_shapes(ready.terms, fit), prepare(whole, low_spectrum(LOW), setup).response,
                        fit.exponent, scale=1.0)
    errors = np.sqrt(np.einsum("...ii->...i", found.covariance))
    pulls = (found.values - np.stack((boron, nitrogen), axis=-1)) / errors
    inside = float(np.mean(np.abs(pulls[nitrogen > 0.2]) < 1.96))
    measured(f"amounts in pixels, {'own' if own_low else 'common'} low loss: inside 1.96 errors", inside, "",
             ">= 0.9")
    assert inside > 0.9
    assert not found.flags.any()
    maps = composition_maps(found, ready.terms, absolute=True)
    assert [one.name for one in maps] == ["B, at.%", "N, at.%", "B, areal density", "N, areal density"]
    total = maps[0].values + maps[1].values
    assert np.all(np.abs(total[np.isfinite(total)] - 100) < 1e-9)


LOW_ONLY = low_spectrum(LOW)


def test_empty_pixels_are_flagged():
    core = _image(False)[0]
    counts = core.y.copy()
    counts[2, 3] = 0.0
    core = core.with_(counts=counts)
    ready = prepare(core.summed(), LOW_ONLY, SETUP)
    fit = fit_core(ready.energy, ready.counts, ready.terms, response=ready.response, noise=core.noise)
    found = map_amounts(core, None, (160.0, 590.0), with_shapes(ready.terms, fit), ready.response, fit.exponent)
    assert found.flags[2, 3] == 1
    assert np.isnan(found.values[2, 3]).all()
    assert np.count_nonzero(found.flags) == 1


def test_a_short_low_loss_is_continued_and_that_is_said(expected):
    """A low loss cut at 60 eV gives the same amounts within some per cent; without a continuation boron would rise."""
    loss = 0.5 * np.arange(100, 301)
    rows = np.stack((loss**-3.0, 2 * loss**-3.0))
    long, ended = continued(loss[:121], rows[:, :121], 0.5)  # 50 to 110 eV
    assert ended == 110.0
    assert long.shape[1] == 201
    assert long[:, 121:] == pytest.approx(rows[:, 121:], rel=0.03)
    assert continued(loss, rows, 0.5)[1] == 0.0
    short = low_spectrum(LOW).window(-20.0, 60.0)
    found = analyse(core_spectrum(expected), short, SETUP)
    assert any("continued by a power law" in text for text in found.warnings)
    for row in found.rows:
        assert row.areal == pytest.approx(ATOMS[row.edge], rel=0.06)


def test_drift_of_low_and_core_together_changes_nothing():
    """Pixels whose axes stand 2 eV off in both: the low loss of a pixel moves its edges along."""
    axes = (Axis(np.arange(3.0), "index", ""),)
    whole = background(3e4) + sum(edge_counts(name, number, LOW) for name, number in ATOMS.items())
    counts, lows = np.tile(whole, (3, 1)), np.tile(LOW, (3, 1))
    counts[2], lows[2] = np.interp(CORE - 2.0, CORE, whole), np.interp(LOSS - 2.0, LOSS, LOW)
    core = Spectrum(Axis(CORE, "energy_loss"), counts, Noise("poisson", 1.0), META, navigation=axes)
    low = Spectrum(Axis(LOSS, "energy_loss"), lows, Noise("poisson", 1.0), META, navigation=axes)
    setup = replace(SETUP, edges=tuple(replace(one, fine="none") for one in SETUP.edges))
    ready = prepare(core.at(0), low_spectrum(LOW), setup)
    found = map_amounts(core, low, (162.0, 590.0), ready.terms, ready.response, 3.0, scale=1.0)
    assert found.values[2] == pytest.approx(found.values[0], rel=0.02)
    assert found.values[0] == pytest.approx([60.0, 45.0], rel=0.02)


# -- measured files ---------------------------------------------------------------------------------------------------


def _measured(folder, core, low, e0, alpha, beta):
    from app.files import read

    told = {"beam_energy": e0, "convergence_angle": alpha, "collection_angle": beta}
    spectra = [read(folder / "eels" / name)[0] for name in (core, low)]
    return [one.with_(meta=replace(one.meta, **told)) for one in spectra]


@pytest.mark.realdata
@pytest.mark.filterwarnings("ignore")
def test_boron_nitride(realdata, measured):
    core, low = _measured(realdata, "BN_core_loss_200.dm3", "BN_low_loss.msa", 300.0, 0.0, 2.55)
    found = analyse(core.summed(), low, CoreSetup((CoreEdge("B K"), CoreEdge("N K"))))
    ratio, error = found.ratio("B", "N")
    measured("B/N of boron nitride, 200 spectra added", ratio, f"± {error:.2f}", "1 ± 5 %")
    assert ratio == pytest.approx(1.0, rel=0.05)
    setup = CoreSetup((CoreEdge("B K"), CoreEdge("N K")))
    ready = prepare(core.summed(), low, setup)
    fit = fit_core(ready.energy, ready.counts, ready.terms, response=ready.response)
    every = map_amounts(core, low, (float(ready.energy[0]), float(ready.energy[-1])), with_shapes(ready.terms, fit),
                        ready.response, fit.exponent)
    ratios = every.values[:, 0] / every.values[:, 1]
    maps = composition_maps(every, ready.terms, absolute=False)
    scatter, stated = float(np.std(maps[0].values)), float(np.median(maps[0].error))
    measured("B/N in single spectra, mean of 200", float(ratios.mean()), "", "1 ± 5 %")
    measured("B at.% in single spectra, scatter over stated error", scatter / stated, "", "0.6 to 1.4")
    assert ratios.mean() == pytest.approx(1.0, rel=0.05)
    assert 0.6 < scatter / stated < 1.4


@pytest.mark.realdata
@pytest.mark.filterwarnings("ignore")
def test_strontium_titanate(realdata, measured):
    core, low = _measured(realdata, "SrTiO3_core_loss.msa", "SrTiO3_low_loss.msa", 300.0, 0.9, 2.675)
    found = analyse(core, low, CoreSetup((CoreEdge("Ti L2,3"), CoreEdge("O K"))))
    ratio, error = found.ratio("Ti", "O")
    measured("Ti/O of strontium titanate", ratio, f"± {error:.2f}", "0.333 ± 10 %")
    assert ratio == pytest.approx(1 / 3, rel=0.10)
    assert abs(ratio - 1 / 3) < error


@pytest.mark.realdata
@pytest.mark.filterwarnings("ignore")
def test_manganese_oxide_and_chromium(realdata, measured):
    core, low = _measured(realdata, "Mn_O_core_loss.msa", "Mn_O_low_loss.msa", 300.0, 24.6, 13.6)
    found = analyse(core, low, CoreSetup((CoreEdge("Mn L2,3"), CoreEdge("O K"))))
    ratio, error = found.ratio("Mn", "O")
    measured("Mn/O of the manganese oxide", ratio, f"± {error:.2f}", "> 0")
    assert 0.2 < ratio < 1.1  # Mn2O7 to MnO
    core, low = _measured(realdata, "Cr_core_loss.hspy", "Cr_low_loss.hspy", 200.0, 21.0, 50.0)
    found = analyse(core, low, CoreSetup((CoreEdge("Cr L2,3"),)))
    row = found.row("Cr L2,3")
    measured("Cr L2,3 onset", row.onset, "eV", "570 to 576")
    assert 570 < row.onset < 576
    assert row.counts > 0


def test_refuses_an_uneven_axis(expected):
    core = core_spectrum(expected)
    bent = core.with_(axis=Axis(core.x + 2e-5 * (core.x - core.x[0]) ** 2, "energy_loss"))
    with pytest.raises(BadData, match="not evenly spaced"):
        analyse(bent, None, replace(SETUP, convolve=False))


def test_a_low_loss_subtracted_too_deep_is_said(expected):
    counts = LOW - 4e-4 * LOW.sum()
    assert np.sum(counts[counts < 0]) < -0.01 * counts.sum()
    found = analyse(core_spectrum(expected), low_spectrum(counts), SETUP)
    assert any("low loss holds negative counts" in text for text in found.warnings)
