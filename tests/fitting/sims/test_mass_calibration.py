"""The law between channel and m/z: fit, errors, warnings, choice of calibrants, real spectra."""

import math

import numpy as np
import pytest

from fitting.sims.mass_calibration import (
    SODIUM_CLUSTERS,
    SODIUM_CLUSTERS_FURTHER,
    Calibrant,
    MassCalibration,
    calibrate,
    centroid_error,
    further_calibrants,
    law_of_columns,
    pick,
)
from libraries.errors import BadData, NotDetermined
from libraries.ion_list import candidates, listed_ions
from libraries.ions import parse_ion

SLOPE, OFFSET = 33391.57, -414.31  # about those of spectrum_pos.txt
LAW = MassCalibration(SLOPE, OFFSET, np.zeros((2, 2)))


def calibrants(names, error=1.0, shifts=None):
    ions = [parse_ion(name) for name in names]
    shifts = np.zeros(len(ions)) if shifts is None else shifts
    return [Calibrant(ion, LAW.channel(ion.mz) + shift, error) for ion, shift in zip(ions, shifts, strict=True)]


def test_exact_lines_give_the_law_back():
    found = calibrate(calibrants(["Na2OH+", "Na2F+", "Na2CO3+"]))
    assert found.slope == pytest.approx(SLOPE, rel=1e-10)
    assert found.offset == pytest.approx(OFFSET, abs=1e-5)
    np.testing.assert_allclose(found.residuals_ppm, 0, atol=1e-6)
    assert found.bracket == pytest.approx((62.98173, 105.96373), abs=1e-5)
    masses = np.array([1.0, 63.0, 300.0])
    np.testing.assert_allclose(found.mz(found.channel(masses)), masses, rtol=1e-12)
    assert math.isnan(found.mz(OFFSET - 100))


@pytest.mark.parametrize("repeats", [400, pytest.param(20000, marks=pytest.mark.full)])
def test_errors_are_the_scatter_of_repeats(repeats):
    rng = np.random.default_rng(6)
    names = ["CH3+", "C3H5+", "Na2OH+", "Na2CO3+"]
    pulls = []
    for _ in range(repeats):
        found = calibrate(calibrants(names, 2.0, rng.normal(0, 2.0, len(names))))
        free = calibrate([Calibrant(one.ion, one.channel, 2.0) for one in found.calibrants])
        # The covariance of this repeat without the widening by chi2.
        widening = max(1.0, np.sum((pulls_of(free) / 2.0) ** 2) / 2)
        pulls.append([(free.mz(LAW.channel(m)) - m) / free.error(m) * math.sqrt(widening) for m in (30.0, 80.0, 200.0)])
    spread = np.std(pulls, axis=0)
    np.testing.assert_allclose(spread, 1.0, atol=4.5 / math.sqrt(2 * repeats))
    np.testing.assert_allclose(np.mean(pulls, axis=0), 0.0, atol=4.5 / math.sqrt(repeats))


def pulls_of(law):
    return np.array([one.channel - law.channel(one.ion.mz) for one in law.calibrants])


def test_the_error_grows_with_the_mass_outside_the_bracket():
    law = calibrate(calibrants(["Na2OH+", "Na2F+", "Na2CO3+"], 2.0))
    inside, far, farther = (law.error(m) for m in (85.0, 400.0, 1600.0))
    assert inside < far < farther
    assert 4.0 < farther / far < 6.5  # towards m, where m is large
    wider = calibrate(calibrants(["Na2OH+", "Na2F+", "Na2CO3+", "Na3CO3+", "Na4F3+"], 2.0))
    assert wider.error(400.0) < 0.6 * far


def test_large_residuals_widen_the_errors():
    names = ["CH3+", "C3H5+", "Na2OH+", "Na2CO3+"]
    exact = calibrate(calibrants(names, 1.0))
    bad = calibrate(calibrants(names, 1.0, np.array([8.0, -8.0, 8.0, -8.0])))
    assert bad.error(100.0) > 5 * exact.error(100.0)


def test_without_errors_the_residuals_decide():
    names = ["CH3+", "C3H5+", "Na2OH+", "Na2CO3+"]
    shifts = np.array([1.0, -2.0, 1.5, -0.5])
    free = calibrate(calibrants(names, None, shifts))
    roots = np.sqrt([parse_ion(name).mz for name in names])
    channels = np.array([LAW.channel(parse_ion(name).mz) for name in names]) + shifts
    truth, covariance = np.polyfit(roots, channels, 1, cov=True)  # NumPy's, scaled by the residuals too
    assert (free.slope, free.offset) == pytest.approx(tuple(truth), rel=1e-9)
    np.testing.assert_allclose(free.covariance, covariance, rtol=1e-6)
    two = calibrate(calibrants(names[:2], None))
    assert math.isnan(two.error(50.0))


def test_ppm_residuals_have_the_sign_measured_less_exact():
    shift = 3.0
    law = calibrate(calibrants(["CH3+", "Na2OH+", "Na2CO3+"], 1.0))
    moved = MassCalibration(law.slope, law.offset, law.covariance, tuple(
        Calibrant(one.ion, one.channel + shift, 1.0) for one in law.calibrants))
    expected = [2 * shift / (SLOPE * math.sqrt(one.ion.mz)) * 1e6 for one in law.calibrants]
    np.testing.assert_allclose(moved.residuals_ppm, expected, rtol=1e-3)


def test_warnings():
    law = calibrate(calibrants(["H+", "Na+", "Na2F+", "Na2CO3+"], 1.0, np.array([0, 60.0, 0, 0])))
    text = " ".join(law.warnings)
    assert "hydrogen" in text
    assert "saturated" in text
    assert "Na+ lies +" in text
    assert "third" in " ".join(calibrate(calibrants(["Na2OH+", "Na2CO3+"])).warnings)
    assert calibrate(calibrants(["Na2OH+", "Na2F+", "Na2CO3+"])).warnings == ()
    assert calibrate(calibrants(["Na2OH+", "Na2CO3+"])).outside(80.0) == ""
    assert "outside" in calibrate(calibrants(["Na2OH+", "Na2CO3+"])).outside(144.96)
    assert LAW.outside(80.0) == ""


def test_impossible_calibrations_are_refused():
    for wrong in (
        [], calibrants(["Na2F+"]), calibrants(["Na2F+", "Na2F+"]), calibrants(["Na2F+", "Na2OH+"], 0.0),
        calibrants(["Na2F+", "Cl-"]), calibrants(["Na2F+", "Na2CO3+"], 1.0, [math.nan, 0]),
        calibrants(["Na2F+", "Na2CO3+"], 1.0, [9e5, 0]),  # the heavier ion comes first
    ):
        with pytest.raises(BadData):
            calibrate(wrong)
    with pytest.raises(BadData):
        LAW.channel(-1.0)


def test_the_sodium_preset():
    assert SODIUM_CLUSTERS == ("Na2OH+", "Na2F+", "Na2CO3+")
    assert SODIUM_CLUSTERS_FURTHER == ("Na3CO3+", "Na4F3+")
    masses = [parse_ion(text).mz for text in SODIUM_CLUSTERS + SODIUM_CLUSTERS_FURTHER]
    assert masses == sorted(masses)


def test_centroid_error_is_the_scatter_of_gaussian_lines():
    rng = np.random.default_rng(3)
    means = [rng.normal(0, 10.0, 500).mean() for _ in range(2000)]
    assert centroid_error(10 * math.sqrt(8 * math.log(2)), 500) == pytest.approx(np.std(means), rel=0.06)
    assert centroid_error(5.545**0.5, 1.0, 2.0) == pytest.approx(5**0.5, rel=1e-3)
    with pytest.raises(BadData):
        centroid_error(0.0, 10.0)


def line(t, centre, fwhm, height):
    return height * np.exp(-4 * math.log(2) * ((t - centre) / fwhm) ** 2)


def test_a_click_finds_the_line():
    t = np.arange(0.0, 2000.0)
    y = line(t, 1003.3, 40.0, 5000.0) + line(t, 1500.0, 40.0, 50000.0) + 3.0
    found = pick(t, y, 985.0, 60.0)
    assert found.channel == pytest.approx(1003.3, abs=0.2)
    assert found.fwhm == pytest.approx(40.0, abs=0.1)
    with pytest.raises(NotDetermined, match="Nothing"):
        pick(t, np.zeros_like(t), 900.0, 50.0)
    with pytest.raises(NotDetermined, match="Nothing"):
        pick(t, y, -500.0, 50.0)
    with pytest.raises(NotDetermined, match="runs out"):
        pick(t, line(t, 0.0, 40.0, 100.0), 0.0, 10.0)


def test_the_error_of_a_click_is_its_scatter():
    rng = np.random.default_rng(5)
    t = np.arange(0.0, 400.0, 4.0)
    picked = [pick(t, rng.poisson(line(t, 200.0, 40.0, 300.0) + 0.5), 205.0, 50.0) for _ in range(1500)]
    scatter = np.std([one.channel for one in picked])
    assert np.median([one.error for one in picked]) == pytest.approx(scatter, rel=0.12)
    assert np.mean([one.channel for one in picked]) == pytest.approx(200.0, abs=4 * scatter / 1500**0.5)


def test_tails_hardly_move_a_click():
    t = np.arange(0.0, 2000.0)
    tail = np.where(t > 1000, 500 * np.exp(-(t - 1000) / 100.0), 0.0)
    assert abs(pick(t, line(t, 1000.0, 40.0, 5000.0) + tail, 1000.0, 50.0).channel - 1000.0) < 0.1 * 40
    binned = pick(np.arange(0.0, 100.0, 20.0), np.array([0, 0, 900, 100, 0]), 40.0, 25.0)
    assert binned.error >= 20 / 12**0.5


def test_clicks_on_a_simulated_spectrum_calibrate_it(measured):
    rng = np.random.default_rng(11)
    names = ["C3H5+", "Na2OH+", "Na2F+", "Na2CO3+", "Na4F3+"]
    t = np.arange(200_000.0, 420_000.0, 5.0)
    mean = np.full_like(t, 0.02)
    for name in names:
        mz = parse_ion(name).mz
        mean += line(t, LAW.channel(mz), LAW.channel(mz) / (2 * 7000), 400.0)
    counts = rng.poisson(mean)
    picked = [pick(t, counts, LAW.channel(parse_ion(name).mz) + 15, 60.0) for name in names]
    law = calibrate([Calibrant(parse_ion(n), p.channel, p.error) for n, p in zip(names, picked, strict=True)])
    off = abs(law.mz(LAW.channel(90.0)) / 90.0 - 1) * 1e6
    measured("Calibration by clicks on a simulated spectrum, error at m/z 90", off, "ppm", "<= 3")
    assert off <= 3
    pulls = law.residuals_ppm * 1e-6 * 0.5 * SLOPE * np.sqrt([parse_ion(n).mz for n in names])
    assert np.all(np.abs(pulls) < 4 * np.array([p.error for p in picked]))


def test_further_calibrants_are_named_safely_and_ranked_by_what_they_gain():
    law = calibrate(calibrants(["Na2OH+", "Na2F+", "Na2CO3+"], 2.0))
    among = candidates(listed_ions("positive"))

    def seen(name, error):
        return pick_of(LAW.channel(parse_ion(name).mz), error)

    lines = [seen("Na4F3+", 2.0), seen("C3H5+", 2.0), seen("Na3F2+", 0.1), seen("H+", 0.1), seen("Na2F+", 0.1),
             seen("Na3ClO4+", 2.0), pick_of(LAW.channel(77.5), 0.1)]
    found = further_calibrants(law, lines, among, 200.0, tolerance=40, resolution=6000)
    names = [one.calibrant.ion.text for one in found]
    assert names[0] == "Na3ClO4+"  # nearest to the target
    assert set(names) == {"Na3ClO4+", "Na4F3+", "C3H5+"}  # Na3F2+ is ambiguous, Na2F+ used, H+ unsuited, 77.5 nothing
    for one in found:
        new = calibrate([*law.calibrants, one.calibrant])
        assert new.error(200.0) / 200.0 * 1e6 == pytest.approx(one.error_ppm, rel=1e-3)
        assert one.error_ppm < law.error(200.0) / 200.0 * 1e6


def pick_of(channel, error):
    from fitting.sims.mass_calibration import Pick
    return Pick(channel, 40.0, 1000.0, error)


def test_the_law_behind_columns():
    t = np.arange(100.0, 1e6, 200.0)
    m = np.round(((t - OFFSET) / SLOPE) ** 2, 6)
    law, furthest = law_of_columns(t, m)
    assert (law.slope, law.offset) == pytest.approx((SLOPE, OFFSET), rel=1e-6)
    assert furthest <= 6e-7
    assert math.isnan(law.error(100.0))
    before = np.arange(-2000.0, 1e6, 200.0)  # the square falls before K0
    assert law_of_columns(before, np.round(((before - OFFSET) / SLOPE) ** 2, 6))[1] <= 6e-7
    assert law_of_columns(t, m + 1e-3 * np.sin(t / 1e4))[1] > 1e-4
    for wrong in ((t, m[:-1]), (t[::-1], m), (t[:2], m[:2]), (t, np.zeros_like(t))):
        with pytest.raises(BadData):
            law_of_columns(*wrong)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["spectrum_pos.txt", "spectrum_neg.txt"])
def test_real_spectra_obey_the_law(realdata, name, measured):
    table = np.loadtxt(realdata / "sims" / name, skiprows=3)
    law, furthest = law_of_columns(table[:, 0], table[:, 1])
    measured(f"Law m = ((t - K0)/SF)^2 on {name}, furthest", furthest, "u", "<= 1e-6")
    assert furthest <= 1e-6
    np.testing.assert_allclose(law.mz(table[:, 0]), table[:, 1], atol=1e-6)


# Lines that the spectra certainly hold, by their position in the pattern of a clean organic spectrum.
@pytest.mark.realdata
def test_real_lines_calibrate_a_real_spectrum(realdata):
    table = np.loadtxt(realdata / "sims" / "spectrum_pos.txt", skiprows=3)
    law, _ = law_of_columns(table[:, 0], table[:, 1])
    names = ["CH3+", "C2H3+", "C2H5+", "C3H5+", "C3H7+", "C4H7+"]
    found = []
    for name in names:
        ion = parse_ion(name)
        seen = pick(table[:, 0], table[:, 2], law.channel(ion.mz), 0.05 / (2 * math.sqrt(ion.mz)) * law.slope)
        found.append(Calibrant(ion, seen.channel, math.hypot(seen.error, 60.0)))  # channels are binned by 200
    again = calibrate(found)
    assert again.slope == pytest.approx(law.slope, rel=3e-3)
    bin_width = 2 * 200 / law.slope / np.sqrt([one.ion.mz for one in found]) * 1e6  # ppm
    assert np.all(np.abs(again.residuals_ppm) < bin_width)


def test_an_ion_is_named_once() -> None:
    """Two lines cannot both be the same ion."""
    ion, other = parse_ion("Na2F+"), parse_ion("Na2CO3+")
    with pytest.raises(BadData, match="twice"):
        calibrate([Calibrant(ion, 1000.0), Calibrant(ion, 1200.0), Calibrant(other, 1500.0)])
