"""The work of the Zero loss page: conditions, peak, alignment with the core loss, calibration, removal, noise."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from app.files import read
from app.project import loss_process, process
from app.project.project import Project, add_spectra
from app.project.store import load, save
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.eels.separation import Rule
from fitting.image.maps import Map
from fitting.image.place import Place, Roi
from fitting.processing.zero_loss_removal import rule_step, separated
from fitting.recipe import Step
from libraries.errors import BadData

ENERGY = np.round(np.arange(-6, 24, 0.1), 6)
CORE = np.round(np.arange(250.0, 310.0, 0.1), 6)


def dual(shape=(8, 8), seed=1):
    """A low loss with wandering zero loss and the core loss of the same scan, moved along; true places."""
    generator = np.random.default_rng(seed)
    place = generator.uniform(-0.4, 0.4, shape)
    x = ENERGY - place[..., None]
    low = 2e4 * np.exp(-0.5 * (x / 0.3) ** 2) + 300.0 / (1 + ((x - 15) / 1.5) ** 2)
    xc = CORE - place[..., None]
    core = 3000 * (xc / 250) ** -3.0 + 800.0 * np.exp(-0.5 * ((xc - 285.0) / 0.6) ** 2)
    navigation = tuple(Axis(np.arange(float(n)), "distance", "nm") for n in shape)
    made = []
    for name, energy, mean in (("low", ENERGY, low), ("core", CORE, core)):
        meta = Meta(title=name, technique="eels", sample="S")
        made.append(Spectrum(Axis(energy, "energy_loss", "eV"), generator.poisson(mean).astype(float),
                             Noise("poisson", 1.0), meta, navigation=navigation))
    project = add_spectra(Project(), made)
    first, second = project.entries
    return place, project.with_entry(replace(second, low_loss=first.id))


def test_alignment_takes_the_core_loss_along(measured):
    place, project = dual()
    low, core = project.entries
    done = loss_process.align(project, low.id)
    rms = 1e3 * float(np.sqrt(np.mean((done.found.position - place) ** 2)))
    assert rms < 3.0
    assert "core moved along" in done.words
    before, after = core.processed(), done.project.entry(core.id).processed()
    # The line of the core loss is sharp again: its width is the true one, before it was smeared by the shifts.
    def width(s):
        y = s.summed().y
        inside = (s.x > 281) & (s.x < 289)
        line = y[inside] - np.interp(s.x[inside], [281, 289], np.interp([281, 289], s.x, y))
        mean = np.sum(line * s.x[inside]) / line.sum()
        return float(np.sqrt(np.sum(line * (s.x[inside] - mean) ** 2) / line.sum()))

    assert width(after) == pytest.approx(0.61, abs=0.03)
    assert width(before) > width(after) + 0.02
    assert loss_process.measured_peak(done.project.entry(low.id).single()).position == pytest.approx(0.0, abs=1e-3)
    alone = loss_process.align(project, low.id, partners=False).project
    assert not alone.entry(core.id).recipe.steps
    # Aligning again replaces the step: nothing is interpolated twice.
    twice = loss_process.align(done.project, low.id).project
    assert [s.kind for s in twice.entry(low.id).recipe.steps] == ["align"]
    assert np.array_equal(twice.entry(low.id).processed().y, done.project.entry(low.id).processed().y)
    measured("alignment of a dual-EELS image, zero-loss position", rms, "meV", "< 3")


def test_alignment_refuses_what_came_too_late():
    _, project = dual((3, 3))
    low, core = project.entries
    gone = loss_process.with_analysis(project, low.id, rule_step("zero_loss", Rule("mirrored tail", 3.0)))
    with pytest.raises(BadData, match="taken away or deconvolved already"):
        loss_process.align(gone, low.id)
    with pytest.raises(BadData, match="taken away or deconvolved already"):
        loss_process.with_analysis(gone, low.id, rule_step("fourier_log", Rule("mirrored tail", 3.0)))
    with pytest.raises(BadData, match="no zero loss on this axis"):
        loss_process.align(project, core.id)


def test_maps_of_position_and_width():
    place, project = dual()
    low = project.entries[0]
    y = low.spectrum.y.copy()
    y[2, 3] = 0.0
    project = project.with_entry(replace(low, spectrum=low.spectrum.with_(counts=y)))
    done = loss_process.zero_loss_maps(project, low.id).entries[0]
    position, width = done.map("zlp_position"), done.map("zlp_fwhm")
    assert position.good.sum() == 63
    assert np.isnan(position.values[2, 3])
    assert dict(position.legend)[int(position.flags[2, 3])] == "there are no counts"
    pulls = ((position.values - place) / position.error)[position.good]
    assert np.std(pulls) == pytest.approx(1.0, abs=0.3)
    assert np.nanmean(width.values) == pytest.approx(0.3 * 2.3548, rel=0.01)
    assert position.data_hash == done.processed().hash
    single = add_spectra(Project(), [low.spectrum.at(0, 0)])
    with pytest.raises(BadData, match="needs an image"):
        loss_process.zero_loss_maps(single, single.entries[0].id)


def test_conditions_are_asked_once_and_keep_results():
    _, project = dual((2, 2))
    low, core = project.entries
    ids = loss_process.entries_of_sample(project, low.id)
    assert ids == (low.id, core.id)
    done = loss_process.set_microscope(project, ids, 200.0, None, 15.0)
    assert done.entry(core.id).processed().meta.collection_angle == 15.0
    assert done.entry(core.id).processed().meta.convergence_angle is None
    assert loss_process.told_conditions(done.entry(low.id)) == (200.0, None, 15.0)
    again = loss_process.set_microscope(done, ids, 300.0, 0.0, None)
    assert loss_process.told_conditions(again.entry(low.id)) == (300.0, 0.0, None)
    assert [s.kind for s in again.entry(low.id).recipe.steps] == ["microscope"]
    cleared = loss_process.set_microscope(again, ids, None, None, None)
    assert not cleared.entry(low.id).recipe.steps
    with pytest.raises(BadData, match="above zero"):
        loss_process.set_microscope(project, ids, 0.0, None, None)


def test_calibration_and_its_reset():
    _, project = dual((2, 2))
    ids = tuple(e.id for e in project.entries)
    done = loss_process.calibrate(project, ids, (0.2,), (0.0,))
    assert done.entries[1].processed().x == pytest.approx(CORE - 0.2)
    assert loss_process.reset_scale(done, ids).entries[1].recipe.steps == ()


def test_noise_of_an_image_is_estimated_and_carried_along():
    generator = np.random.default_rng(4)
    _, project = dual((6, 6))
    core = project.entries[1]
    mean = 3000 * (CORE / 250) ** -3.0 * generator.uniform(0.5, 1.5, (6, 6, 1))
    blind = core.spectrum.with_(counts=3.0 * generator.poisson(mean / 3.0), noise=Noise("poisson", None))
    project = project.with_entry(replace(core, spectrum=blind))
    done, gain = process.estimate_noise(project, core.id)
    assert gain.value == pytest.approx(3.0, rel=0.15)
    noise = done.entry(core.id).processed().noise
    assert noise.origin == "estimated"
    assert noise.gain == pytest.approx(gain.value)
    assert done.entry(core.id).single().noise.gain == pytest.approx(gain.value)


def test_spikes_are_listed_in_the_recipe():
    _, project = dual((6, 6))
    low = project.entries[0]
    y = low.spectrum.y.copy()
    y[1, 2, 250] += 3000.0
    project = project.with_entry(replace(low, spectrum=low.spectrum.with_(counts=y)))
    done, count = loss_process.remove_spikes(project, low.id, 8.0)
    assert count == 1
    assert done.entry(low.id).processed().y[1, 2, 250] < 300
    with pytest.raises(BadData, match="No channel stands out"):
        loss_process.remove_spikes(done, low.id, 1e6)


def test_cropping_and_binning_keep_what_is_drawn_in_place():
    _, project = dual()
    low = project.entries[0]
    roi = Roi("r", "shell", "rectangle", ((2.0, 4.0), (6.0, 8.0)))
    project = project.with_entry(replace(low, rois=(roi,), maps=(Map("m", "m", "", np.zeros((8, 8))),)))
    before = project.entry(low.id).single(Place(roi="r")).y
    crop = Step("crop_image", (("columns_from", 3.0), ("rows_from", 3.0)))
    done = process.with_step(project, low.id, crop)
    assert done.entry(low.id).rois[0].points == ((0.0, 2.0), (4.0, 6.0))
    assert done.entry(low.id).maps == ()
    assert done.entry(low.id).single(Place(roi="r")).y == pytest.approx(before)
    joined = process.with_step(done, low.id, Step("bin_image", (("columns", 2.0), ("rows", 2.0))))
    assert joined.entry(low.id).rois[0].points == ((0.0, 1.0), (2.0, 3.0))
    assert joined.entry(low.id).single(Place(roi="r")).y == pytest.approx(before)
    back = process.with_recipe(joined, low.id, low.recipe)
    assert back.entry(low.id).rois[0].points == roi.points


def test_a_project_keeps_the_steps_with_their_curves(tmp_path):
    _, project = dual((3, 3))
    low, core = project.entries
    project = loss_process.align(project, low.id).project
    step = loss_process.fourier_ratio_step(project, low.id, 3.0, (252.0, 280.0), None)
    project = loss_process.with_analysis(project, core.id, step)
    sharp = loss_process.richardson_lucy_step(project, low.id, 5, 2.0, "zero")
    project = loss_process.with_analysis(project, low.id, sharp)
    assert max(np.abs(project.entry(low.id).recipe.steps[-1].curves[0].x)) <= 2.0
    path = tmp_path / "p.sodalite"
    save(project, path)
    again = load(path)
    for entry in project.entries:
        assert again.entry(entry.id).recipe == entry.recipe
        assert np.array_equal(again.entry(entry.id).processed().y, entry.processed().y)


def test_suspicious_peaks_are_told():
    _, project = dual((2, 2))
    one = project.entries[0].spectrum.at(0, 0)
    assert loss_process.measured_peak(one).warnings == ()
    dark = one.with_(counts=one.y - 5.0)
    assert "negative counts" in loss_process.measured_peak(dark).warnings[0]
    moved = one.with_(axis=Axis(one.x + 23, "energy_loss", "eV"))
    with pytest.raises(BadData, match="no zero loss on this axis"):
        loss_process.measured_peak(moved)
    assert loss_process.measured_peak(moved, (20.0, 30.0)).position == pytest.approx(23.0, abs=0.5)
    clipped = one.with_(counts=np.minimum(one.y, 0.5 * one.y.max()))
    assert "saturated" in loss_process.measured_peak(clipped).fault


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "low", "high"), [
    ("Al_low_loss.dm3", 0.155, 0.160), ("SrTiO3_low_loss.msa", 0.5, 3.0), ("Mn_O_low_loss.msa", 0.3, 4.0),
    ("BN_low_loss.msa", 0.5, 4.0), ("Cr_low_loss.hspy", 0.2, 3.0),
])
def test_measured_zero_losses(realdata, name, low, high, measured):
    project = add_spectra(Project(), read(realdata / "eels" / name))
    entry = project.entries[0]
    peak = loss_process.measured_peak(entry.single())
    assert not peak.fault
    assert low < peak.fwhm < high
    assert math.isnan(peak.fwhm_err)  # the gain is not known
    done = loss_process.align(project, entry.id).project.entries[0].processed()
    assert abs(loss_process.measured_peak(done).position) < 1e-4
    assert np.array_equal(done.y, entry.spectrum.y)
    measured(f"{name}, energy resolution", peak.fwhm, "eV", "")


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "method", "limit", "low", "high"), [
    ("Al_low_loss.dm3", "mirrored tail", 3.0, 0.165, 0.185), ("SrTiO3_low_loss.msa", "fitted", 5.0, 0.4465, 0.4935),
    ("BN_low_loss.msa", "mirrored tail", 4.5, 0.779, 0.861),
])
def test_fourier_log_of_measured_spectra(realdata, name, method, limit, low, high):
    """The integral of J1 over I0 is the t/lambda that the README of the data tells."""
    project = add_spectra(Project(), read(realdata / "eels" / name))
    entry = loss_process.align(project, project.entries[0].id).project.entries[0]
    rule = Rule(method, limit)
    found = separated(entry.single(), rule)
    done = loss_process.with_analysis(Project().with_entry(entry), entry.id, rule_step("fourier_log", rule))
    told = dict(done.entries[0].processed().meta.extra)["Fourier-log"]
    ratio = float(told.split("t/λ = ")[1].split(",")[0])
    assert low < ratio < high
    single = done.entries[0].processed().y.sum() / found.area
    assert single == pytest.approx(ratio, rel=0.05)
