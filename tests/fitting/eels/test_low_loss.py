"""The low-loss model: its parts, links and starts, and fits of simulated and measured plasmons."""

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.eels.drude import loss_function
from fitting.eels.kinematics import Beam
from fitting.eels.low_loss import METAL, PARTS, SOURCES, angular_shift, low_loss_model, zero_of
from fitting.engine import fit
from fitting.model_json import from_json, to_json
from libraries.errors import BadData, NotDetermined

STEP = 0.05
ENERGY = STEP * np.arange(-80, 1000)
PROBABILITY = 0.25


def metal(dose=2e6, noise=True, shift=0):
    """Zero loss 0.3 eV wide and a Drude plasmon 15/1 eV with all its orders, by Fourier transform."""
    fine = np.zeros(4096)
    above = STEP * np.arange(1, 2048)
    line = loss_function(above, 15.0, 1.0)[0]
    q = np.sqrt(4 * 15.0**2 - 1)
    fine[1:2048] = PROBABILITY * STEP * line / (15.0**2 * 2 * np.arctan(q) / q)
    zero = np.exp(-4 * np.log(2) * ((STEP * (np.arange(4096) - 80)) / 0.3) ** 2)
    zero = zero / zero.sum()
    total = np.fft.ifft(np.fft.fft(zero) * np.exp(np.fft.fft(fine))).real[: ENERGY.size]
    counts = dose * np.maximum(np.roll(total, shift), 0) + 0.5
    if noise:
        counts = np.random.default_rng(3).poisson(counts).astype(float)
    return Spectrum(Axis(ENERGY, "energy_loss"), counts, Noise("poisson", 1.0), Meta(technique="eels"))


def test_metal_is_recovered_with_its_double():
    seen = metal()
    # Below the triple plasmon at 45 eV, which the model does not hold.
    model = low_loss_model(seen, ("vol", "vol2"), region=(2.0, 37.0))
    found = fit(seen, model)
    assert found.success
    assert found.reduced_chi2 == pytest.approx(1.0, abs=0.15)
    zero = zero_of(seen)
    assert zero.area == pytest.approx(STEP * 2e6, rel=2e-3)
    for name, truth in (("vol.position", 15.0), ("vol.fwhm", 1.0), ("vol.area", PROBABILITY * STEP * 2e6)):
        assert abs(found.value(name) - truth) < 4 * found.error(name) + 2e-3 * truth, name
    assert found.value("vol2.area") == pytest.approx(found.value("vol.area") ** 2 / (2 * found.value("zl.area")))
    assert found.value("vol2.position") == pytest.approx(2 * found.value("vol.position"))


def test_pulls_of_the_energy(measured):
    exact = metal(noise=False)
    generator = np.random.default_rng(5)
    pulls = []
    for _ in range(12):
        counts = generator.poisson(exact.y).astype(float)
        seen = exact.with_(counts=counts)
        found = fit(seen, low_loss_model(seen, ("vol", "vol2"), region=(2.0, 37.0)))
        pulls.append((found.value("vol.position") - 15.0) / found.error("vol.position"))
    assert abs(np.mean(pulls)) < 1.2
    assert 0.4 < np.std(pulls) < 1.8
    measured("plasmon energy of a metal, mean of the pulls", np.mean(pulls), "", "-1.2 to 1.2")


def test_every_part_has_a_source_and_a_start_inside_its_bounds():
    seen = metal()
    for parts in (PARTS, METAL):
        model = low_loss_model(seen, [part.key for part in parts])
        assert {part.key for part in parts} <= {c.id for c in model.components}
        for component in model.components:
            assert component.source or component.id == "zl"
        for name, param in model.params.items():
            assert param.minimum <= param.value <= param.maximum or param.link, name
        again = from_json(to_json(model))
        assert again == model
    assert all(SOURCES.values())


def test_parts_outside_the_axis_are_left_out():
    short = metal().window(-4, 20)
    ids = {c.id for c in low_loss_model(short, ("pi", "na_l", "v_m")).components}
    assert ids == {"pi"}
    with pytest.raises(NotDetermined, match="None of the chosen"):
        low_loss_model(short, ("v_m",))


def test_refuses():
    with pytest.raises(BadData, match=r"lies at 0\.2"):
        low_loss_model(metal(shift=4), ("vol",))
    with pytest.raises(BadData, match="needs Na bulk"):
        low_loss_model(metal(), ("na2",))
    with pytest.raises(BadData, match="no part"):
        low_loss_model(metal(), ("helium",))


def test_angular_shift_against_a_direct_fit():
    # A Drude line times ln(1 + beta^2/theta_E^2), fitted by a Drude line on a tenth of its height as background.
    from scipy.optimize import curve_fit

    beam = Beam(200, 0, 15)
    energy = np.linspace(3.7, 7.7, 801)
    line = loss_function(energy, 5.7, 0.4)[0]
    factor = np.log1p((beam.beta / beam.characteristic_angle(energy)) ** 2)
    sigma = np.sqrt(line + 0.1 * line.max())
    best, _ = curve_fit(lambda e, a, p, g: a * loss_function(e, p, g)[0], energy, line * factor,
                        (factor.mean(), 5.7, 0.4), sigma=sigma)
    assert angular_shift(5.7, 0.4, beam) == pytest.approx(best[1] - 5.7, rel=0.05)
    with pytest.raises(NotDetermined):
        angular_shift(5.7, 0.4, Beam(200, 5))


@pytest.mark.realdata
def test_aluminium(realdata, measured):
    """At the angles of the data README: plasmon 15.03-15.05 eV, double 30.1, surface about 6.5 eV."""
    from app.files import read
    from app.project import low_loss, work
    from app.project.project import Project, add_spectra

    project = add_spectra(Project(), read(realdata / "eels" / "Al_low_loss.dm3"))
    project, entry, region, words = low_loss.add_model(project, project.entries[0].id, [part.key for part in METAL])
    assert "moved from -0.135" in words
    found = work.fit_region(project, entry, region).entry(entry).fit(region).result
    assert found.success
    for name, low, high in (("vol.position", 15.03, 15.05), ("vol2.position", 30.05, 30.15), ("sur.position", 6.3, 6.7),
                            ("vol.fwhm", 0.55, 0.75)):
        measured(f"Al_low_loss.dm3, {name}", found.value(name), "eV", f"{low} to {high}")
        assert low <= found.value(name) <= high, name
