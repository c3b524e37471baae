"""The simulated energy-loss measurements hold what their truth says, found by means of their own."""

import numpy as np
import pytest

from fitting.eels import cross_sections
from fitting.simulate.eels import spheres, vanadium
from fitting.simulate.eels.materials import CARBON, FLUORIDE, SODIUM
from fitting.simulate.eels.microscope import Optics, Spectrometer
from libraries.edges import edge


@pytest.fixture(scope="module")
def expected():
    """Both images without noise."""
    return spheres.sphere_image(noise=False)


def test_one_spectrum_is_what_direct_convolution_of_all_orders_gives():
    camera = Spectrometer(first=-5.0, dispersion=0.1, channels=700, resolution=0.5)
    optics = Optics(camera, 200.0)
    single = 0.9 * np.exp(-0.5 * ((optics.energy - 15.0) / 1.5) ** 2)
    single /= single.sum() * optics.step / 0.9
    line = optics.zero_loss(optics.step * (np.arange(401) - 200)) * optics.step
    order, total, factor = np.zeros(optics.size), np.zeros(optics.size), np.exp(-0.9)
    order[0] = 1.0
    for n in range(1, 9):
        total += factor * order
        order = np.convolve(order, single)[: optics.size] * optics.step
        factor /= n
    wanted = np.convolve(total, line / line.sum())
    grid = optics.step * (np.arange(wanted.size) - 200)
    got = optics.spectra(single[None], np.zeros(1))[0]
    for low, high in ((-1.0, 0.0), (-0.2, 0.3), (13.0, 14.5), (15.0, 16.0), (28.0, 32.0), (43.0, 47.0)):
        channels = (camera.energy > low) & (camera.energy < high)
        ends = camera.energy[channels][[0, -1]] + [-0.05, 0.05]
        inside = (grid > ends[0] + 1e-9) & (grid < ends[1] - 1e-9)
        edges = np.isclose(grid, ends[0]) | np.isclose(grid, ends[1])
        expected = wanted[inside].sum() + 0.5 * wanted[edges].sum()
        assert got[channels].sum() == pytest.approx(expected, rel=2e-3), (low, high)


def test_a_shift_moves_the_spectrum_by_exactly_so_much():
    camera = Spectrometer(first=-5.0, dispersion=0.1, channels=300, resolution=0.5)
    optics = Optics(camera, 60.0)
    rows = optics.spectra(np.zeros((2, optics.size)), np.array([0.0, 0.237]))
    centres = rows @ camera.energy / rows.sum(axis=1)
    assert rows.sum(axis=1) == pytest.approx([1.0, 1.0], abs=1e-9)
    assert centres[1] - centres[0] == pytest.approx(0.237, abs=1e-4)


def test_relative_thickness_is_that_of_the_counts(expected):
    low, truth = expected.low_loss, expected.truth
    x = low.x
    for row, column in ((19, 18), (47, 31), (47, 42), (21, 46)):
        counts = low.counts[row, column]
        zero = counts[x < truth.shift[row, column] + 0.9].sum()
        assert np.log(spheres.LOW_DOSE / zero) == pytest.approx(truth.relative_thickness[row, column], rel=0.02)


def test_zero_loss_stands_where_the_truth_says(expected):
    low, truth = expected.low_loss, expected.truth
    zero = np.abs(low.x) < 1.2
    counts = low.counts[..., zero]
    centres = counts @ low.x[zero] / counts.sum(axis=-1)
    vacuum = truth.classes == 0
    away = centres[vacuum] - truth.shift[vacuum]
    assert np.ptp(away) < 0.01  # the tail moves the centre, by the same in every pixel


def test_maxima_of_the_loss_functions():
    energy = np.arange(1.0, 60.0, 0.01)
    for material, low, high, wanted in ((CARBON, 3, 8, 5.4), (CARBON, 15, 30, 23.0), (SODIUM, 3, 8, 5.7)):
        inside = (energy > low) & (energy < high)
        loss = np.imag(-1.0 / material.permittivity(energy[inside]))
        assert energy[inside][np.argmax(loss)] == pytest.approx(wanted, abs=0.25), material.name
    assert spheres.plasmon_energy() == pytest.approx(5.7, abs=0.05)


def test_density_of_atoms_in_sodium_fluoride():
    # 2.558 g/cm3, 41.988 g/mol (table of the attenuation lengths).
    assert FLUORIDE.atoms_per_nm3("F") == pytest.approx(2.558 / 41.988 * 602.214, rel=1e-6)


def test_edge_far_above_the_onset_is_the_tabulated_cross_section():
    energy = np.arange(600.0, 900.0, 1.0)
    part = next(e for e in FLUORIDE.edges if e.name == "F K")
    losses = spheres.edge_losses(FLUORIDE, part, energy, spheres.beam())
    table = cross_sections.differential(edge("F K"), energy, spheres.beam(), onset=part.onset - 4 * part.step)
    far = energy > part.onset + 40
    wanted = table[far] * FLUORIDE.atoms_per_nm3("F") * 1e-10
    assert losses[far] == pytest.approx(wanted, rel=1e-6)


def test_image_and_noise(expected):
    drawn = spheres.sphere_image(seed=3)
    again = spheres.sphere_image(seed=3)
    assert np.array_equal(drawn.low_loss.counts, again.low_loss.counts)
    assert drawn.low_loss.counts.shape == drawn.core_loss.counts.shape == (64, 64, 1024)
    assert set(np.unique(drawn.truth.classes)) == set(range(len(spheres.CLASSES)))
    rim = drawn.truth.classes == spheres.CLASSES.index("Na2CO3 only")
    assert drawn.truth.thickness[3][rim].min() >= spheres.LEAST
    assert drawn.truth.thickness[0][rim].max() < spheres.LEAST
    assert drawn.truth.thickness[0][drawn.truth.classes == 1].min() >= spheres.LEAST
    assert drawn.truth.atoms["F"][expected.truth.classes == 3].min() > 0
    # The drift differs with the seed; counts of one pixel agree in their sum.
    pixel = (47, 31)
    wanted, got = expected.core_loss.counts[pixel].sum(), float(drawn.core_loss.counts[pixel].sum())
    assert got == pytest.approx(wanted, abs=5 * np.sqrt(wanted) + 0.01 * wanted)


def test_vanadium_moves_by_the_slope_and_offsets_show_in_the_zero_loss():
    series = vanadium.vanadium_series(seed=7, noise=False)
    assert vanadium.SLOPES[0] <= series.slope <= vanadium.SLOPES[1]
    by_name = {m.name: m for m in series.measurements}
    tops = {}
    for name, m in by_name.items():
        zero = m.low_loss.x[np.argmax(m.low_loss.counts)]
        assert zero == pytest.approx(m.offset, abs=0.11)
        near = np.abs(m.core_loss.x - 516 - m.offset) < 4
        tops[name] = m.core_loss.x[near][np.argmax(m.core_loss.counts[near])] - m.offset
    moved = tops["V5+ reference"] - tops["V3+ reference"]
    assert moved == pytest.approx(2 * series.slope, abs=0.25)


def test_slopes_of_many_seeds_fill_their_range():
    slopes = [np.random.default_rng(seed).uniform(*vanadium.SLOPES) for seed in range(50)]
    assert min(slopes) < 0.5
    assert max(slopes) > 0.9
