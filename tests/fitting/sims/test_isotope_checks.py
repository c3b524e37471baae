"""Isotope checks find saturation and overlap in simulated profiles, and speak of the measured ones."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.processing.ion_steps import ion_dead_time_step, ion_names_step
from fitting.recipe import Recipe
from fitting.sims.isotope_checks import isotope_checks, saturated_ions
from libraries.errors import BadData
from libraries.ions import natural_fraction, parse_ion

PULSES = 60_000.0


def profile(columns: dict[str, np.ndarray], extra: tuple[tuple[str, str], ...] = ()) -> Spectrum:
    data = np.stack(list(columns.values()), axis=1)
    return Spectrum(Axis(np.arange(float(len(columns))), "ion", "", tuple(columns)), data, Noise("poisson", 1.0),
                    Meta(title="p", technique="sims", extra=extra),
                    navigation=(Axis(np.arange(1.0, len(data) + 1), "time", "s"),))


def course(points: int = 150) -> np.ndarray:
    return np.clip(np.linspace(-0.2, 1.2, points), 0.02, 1.0)


def tin(rng, strength, detected):
    """Counts of the tin isotopes of one course; `detected` turns a mean into a count."""
    shares = {name: natural_fraction(parse_ion(f"{name}+")) for name in ("Sn", "^118Sn", "^117Sn", "^124Sn")}
    return {f"{name}+": detected(rng, strength * share) for name, share in shares.items()}


def poisson(rng, mean):
    return rng.poisson(mean).astype(float)


def one_a_pulse(rng, mean):
    """A detector that counts one ion of a line a pulse."""
    return rng.binomial(int(PULSES), -np.expm1(-mean / PULSES)).astype(float)


def test_natural_ratios_agree_and_pulls_are_normal():
    pulls, verdicts = [], []
    for seed in range(60):
        for check in isotope_checks(profile(tin(np.random.default_rng(seed), 3e3 * course(40), poisson))):
            pulls.append(check.pull)
            verdicts.append(check.verdict)
    # Three minors share a major: 180 pulls hold about 100 independent ones.
    assert np.std(pulls) == pytest.approx(1.0, abs=0.2)
    assert abs(np.mean(pulls)) < 0.35
    assert verdicts.count("agrees") >= len(verdicts) - 3  # 0.3 % lie beyond three errors


def test_saturation_is_told_and_the_minor_isotope_gives_the_truth_back():
    rng = np.random.default_rng(1)
    mean = 1.5 * PULSES * course()
    data = profile(tin(rng, mean, one_a_pulse))
    checks = isotope_checks(data)
    # ^118Sn saturates as well: the weaker isotopes are too strong, the more the stronger Sn is.
    assert {check.verdict for check in checks if check.minor != "^118Sn+"} == {"saturated"}
    found = saturated_ions(checks)
    assert list(found) == ["Sn+"]
    weakest = next(check for check in checks if check.minor == "^124Sn+")
    truth = mean.sum() * natural_fraction(parse_ion("Sn+"))
    assert weakest.counts[1] / weakest.natural == pytest.approx(truth, rel=0.06)
    assert data.y[:, 0].sum() < 0.85 * truth


def test_overlaps_and_few_counts():
    rng = np.random.default_rng(4)
    columns = tin(rng, 3e4 * course(), poisson)
    columns["^117Sn+"] += rng.poisson(4e3, 150)  # another ion, everywhere
    verdicts = {check.minor: check.verdict for check in isotope_checks(profile(columns))}
    assert verdicts == {"^118Sn+": "agrees", "^117Sn+": "minor overlapped", "^124Sn+": "agrees"}
    columns["^124Sn+"] = rng.poisson(0.05, 150).astype(float)
    assert isotope_checks(profile(columns))[-1].verdict == "not determined"
    columns = tin(rng, 3e4 * course(), poisson)
    columns["Sn+"] += rng.poisson(2e4, 150)
    assert {check.verdict for check in isotope_checks(profile(columns))} == {"major overlapped"}
    # One minor isotope alone, with an ion on it that does not follow: where the major is strong all is well.
    alone = {"Cl-": rng.poisson(1e5 * course() ** 3), "^37Cl-": rng.poisson(0.3198 * 1e5 * course() ** 3)}
    alone["^37Cl-"] = alone["^37Cl-"] + np.where(course() < 0.5, 6000, 0)
    assert [check.verdict for check in isotope_checks(profile(alone))] == ["minor overlapped"]


def test_lines_of_one_mass_number_are_no_pair():
    data = profile({"^118Sn^119SnI-": np.full(30, 100.0), "^117SnSnI-": np.full(30, 100.0), "SnI-": np.full(30, 9.0)})
    assert isotope_checks(data) == ()


def test_dead_time_of_whole_lines_is_corrected_once():
    rng = np.random.default_rng(2)
    mean = 0.8 * PULSES * course()
    columns = tin(rng, mean, one_a_pulse)
    rest = rng.poisson(500, 150).astype(float)
    columns["total"] = sum(columns.values()) + rest
    columns["^118Sn+Sn+"] = columns["Sn+"] + columns["^118Sn+"]
    data = profile(columns)
    recipe = Recipe((ion_dead_time_step(PULSES),))
    fixed = recipe.apply(data)
    truth = mean * natural_fraction(parse_ion("Sn+"))
    assert fixed.y[:, 0].sum() == pytest.approx(truth.sum(), rel=0.01)
    assert np.allclose(fixed.y[:, 4] - fixed.y[:, :4].sum(axis=1), rest)  # the total grew by what its ions grew
    assert np.allclose(fixed.y[:, 5], fixed.y[:, 0] + fixed.y[:, 1])
    with pytest.raises(BadData, match="already"):
        recipe.apply(fixed)
    with pytest.raises(BadData, match="already"):
        recipe.apply(profile(columns, (("dead time", "corrected by the instrument"),)))
    with pytest.raises(BadData, match="More ions"):
        Recipe((ion_dead_time_step(100.0),)).apply(data)


def test_names_of_channels():
    data = profile({"C_2-": np.ones(3), "u 25": np.ones(3)})
    named = Recipe((ion_names_step({1: "C_2H-"}),)).apply(data)
    assert named.axis.labels == ("C_2-", "C_2H-")
    assert data.axis.labels[1] == "u 25"
    with pytest.raises(BadData, match="no channel"):
        Recipe((ion_names_step({7: "F-"}),)).apply(data)


@pytest.mark.realdata
def test_measured_profiles(realdata, measured):
    from app.files import read

    found = {}
    for name in ("MAPI_neg", "MAPI_pos", "FACSPI_pos", "spiro_pos"):
        data = read(realdata / "sims" / f"profile_{name}.txt")[0]
        checks = isotope_checks(data)
        found[name] = {check.minor: check for check in checks}
        for family in ("13C", "Sn", "Pb"):
            pairs = [check for check in checks if family in check.minor and check.verdict != "not determined"]
            measured(f"isotope pairs with {family}, {name}", len(pairs), "", ">= 1")
            assert pairs
        assert saturated_ions(checks)
    # In+ of the oxide and PbI3- count an ion in a large share of the pulses: their minor isotopes are far too strong.
    assert "In+" in saturated_ions(found["MAPI_pos"].values())
    assert "PbI_3-" in saturated_ions(found["MAPI_neg"].values())
    # Weak lines have their natural ratio: ^206PbI2-/PbI2- and ^13CH3+/CH3+ within 4 %.
    assert abs(found["MAPI_neg"]["^206PbI_2-"].excess) < 0.04
    assert abs(found["MAPI_pos"]["^13CH_3+"].excess) < 0.04


def test_a_course_of_overlaps_is_no_saturation():
    """An ion on one minor line that comes and goes with the major one, others on the rest that do not."""
    rng = np.random.default_rng(6)
    columns = tin(rng, 300 * course(), poisson)
    columns["^117Sn+"] += rng.poisson(60, 150)
    columns["^124Sn+"] += rng.poisson(60, 150)
    columns["^118Sn+"] += rng.poisson(200, 150)
    shares = natural_fraction(parse_ion("^122Sn+"))
    columns["^122Sn+"] = rng.poisson(300 * shares * course() + 200 * course() ** 2).astype(float)
    checks = isotope_checks(profile(columns))
    assert max(check.growth for check in checks) > 3
    assert saturated_ions(checks) == {}
    assert {check.verdict for check in checks if check.minor == "^122Sn+"} == {"too strong"}


def test_an_ion_is_not_saturated_where_a_stronger_one_has_its_natural_ratio():
    """A hydride on the only minor line, which grows with the major one; another ion is stronger and agrees."""
    rng = np.random.default_rng(7)
    strong = rng.poisson(6e3 * course()).astype(float)
    hydride = {"CN-": rng.poisson(4e3 * course()).astype(float),
               "^13CN-": rng.poisson(0.0145 * 4e3 * course() + 200 * course() ** 2).astype(float)}
    assert [check.verdict for check in isotope_checks(profile(hydride))] == ["saturated"]  # nothing tells otherwise
    hydride |= {"Cl-": strong, "^37Cl-": rng.poisson(0.3198 * 6e3 * course()).astype(float)}
    assert {check.major: check.verdict for check in isotope_checks(profile(hydride))} == {
        "CN-": "too strong", "Cl-": "agrees"}
