"""The ToF-SIMS sample, worked through by what users can reach: what it must show of its truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.project.project import Entry, Project
from app.project.sims_by_xps import compositions_of
from app.project.sims_depth import answer, shares_of
from app.samples import sample_project, worked_through
from fitting.sims.ion_names import words_of
from fitting.sims.setup import PhaseRate
from fitting.simulate.sims.compositions import ELEMENTS, composition
from fitting.simulate.sims.interphase import InterphaseTruth, interphase
from fitting.simulate.sims.mass_spectrum import OFFSET, SLOPE
from fitting.simulate.sims.phases import PHASES

SEED = 2026
POLARITIES = ("positive", "negative")
pytestmark = pytest.mark.full  # half a minute; the simulator and the methods have short tests of their own


@pytest.fixture(scope="module")
def worked() -> Project:
    """The sample project as `sodalite demo` leaves it."""
    return worked_through(sample_project("sims", SEED), "sims")


@pytest.fixture(scope="module")
def truth() -> InterphaseTruth:
    """Layers, rates and shares that were put in."""
    return interphase(SEED)[2]


def _true_rates(entry: Entry) -> Entry:
    rates = {phase.name: phase.rate for phase in PHASES}
    phases = tuple(PhaseRate(one.phase, rates[one.phase]) for one in entry.depth.phases)
    return replace(entry, depth=replace(entry.depth, phases=phases, crater=0.0, crater_error=0.0))


@pytest.mark.parametrize("polarity", POLARITIES)
def test_five_layers_in_order_and_as_thick_as_they_are(worked, truth, polarity, measured) -> None:
    """With the true rates of the phases: order, and thickness within 5 %; the last layer has no lower end."""
    found = answer(_true_rates(worked.entry(f"{polarity}_ions"))).layers
    assert found is not None
    assert tuple(row.name for row in found.rows) == truth.names
    for row, thickness in zip(found.rows[:-1], truth.thickness[:-1], strict=True):
        off = 100.0 * (row.thickness / thickness - 1.0)
        measured(f"{polarity}: {row.name}, thickness off by", off, "%", "within 5")
        assert abs(off) < 5.0
    assert all(row.below > 0.95 for row in found.rows[1:])


@pytest.mark.parametrize("polarity", POLARITIES)
def test_layers_hold_the_truth_with_measured_rates(worked, truth, polarity) -> None:
    """With rates that are some per cent off, the stated errors of the layers hold the truth (3 errors)."""
    found = answer(worked.entry(f"{polarity}_ions")).layers
    assert found is not None
    for row, thickness in zip(found.rows[:-1], truth.thickness[:-1], strict=True):
        assert abs(row.thickness - thickness) < 3.0 * row.error + 0.05 * thickness


@pytest.mark.parametrize("polarity", POLARITIES)
def test_factors_are_the_phases(worked, truth, polarity, measured) -> None:
    """Profiles correlate with the true shares; where the band is wider than 0.01 it holds the truth."""
    entry = worked.entry(f"{polarity}_ions")
    about = entry.factors[-1]
    names, shares = shares_of(entry, about.id)
    for index, name in enumerate(names):
        true = truth.fractions[:, truth.names.index(name)]
        correlation = float(np.corrcoef(shares[:, index], true)[0, 1])
        measured(f"{polarity}: {name}, correlation with the truth", correlation, "", "> 0.995")
        assert correlation > 0.995
        # The band is given in counts of the factor; the truth's share has the factor's own size (least squares).
        amounts = np.asarray(about.amounts[index])
        size = float(amounts @ true / (true @ true))
        low, high = about.low[index] / size, about.high[index] / size
        wide = high - low > 0.01
        inside = (true >= low - 0.005) & (true <= high + 0.005)
        measured(f"{polarity}: {name}, points of the wide band that hold the truth",
                 100.0 * float(np.mean(inside[wide])), "%", ">= 95")
        assert np.mean(inside[wide]) >= 0.95


@pytest.mark.parametrize("polarity", POLARITIES)
def test_two_tests_or_more_find_five(worked, polarity, measured) -> None:
    """All tests are shown; at least two say five."""
    tests = dict(worked.entry(f"{polarity}_ions").factors[-1].tests)
    assert len(tests) >= 5
    right = sum(answer_ == "5" for answer_ in tests.values())
    measured(f"{polarity}: rank tests that give 5, of {len(tests)}", right, "", ">= 2")
    assert right >= 2


@pytest.mark.parametrize("polarity", POLARITIES)
def test_compositions_by_xps_are_those_of_the_phases(worked, polarity, measured) -> None:
    """Errors hold neither matrix effects nor a bias of the shares: the truth lies within three errors and 2 at.%."""
    found = compositions_of(worked.entry(f"{polarity}_ions"))
    true = np.array([composition(name) for name in found.names])
    off = found.values - true
    assert found.quantities == ELEMENTS
    assert found.determined.all()
    measured(f"{polarity}: composition of factors by XPS, root mean square error",
             float(np.sqrt(np.mean(off**2))), "at.%", "< 2")
    measured(f"{polarity}: composition of factors by XPS, truth within two errors",
             float(np.mean(np.abs(off) < 2.0 * found.errors)), "", ">= 0.75")
    assert np.sqrt(np.mean(off**2)) < 2.0
    assert np.mean(np.abs(off) < 2.0 * found.errors) >= 0.75
    assert np.all(np.abs(off) < 3.0 * found.errors + 2.0)


def test_pairs_that_cannot_be_resolved_carry_both_names(worked) -> None:
    """In the labels of channels and in the peak list."""
    labels = {name for polarity in POLARITIES for name in worked.entry(f"{polarity}_ions").spectrum.axis.labels}
    for one, other in (("Na3F4-", "PF₆⁻"), ("Na3F2+", "Na₂HCO₃⁺"), ("NaF2-", "CHO₃⁻")):
        assert one in labels
        assert words_of(one) == f"{words_of(one, np.inf)} or {other}"
    peaks = {peak.name: peak for peak in worked.entry("negative_spectrum").masses.peaks}
    assert {"PF6-", "Na3F4-"} == {peaks["Na3F4-"].name, *peaks["Na3F4-"].alternatives}


def test_mass_scale_is_found(worked, measured) -> None:
    """By clicking the ions of the preset: the law that was put in, to a few ppm at m/z 106."""
    step = worked.entry("positive_spectrum").recipe.steps[0]
    mass = ((SLOPE * np.sqrt(105.96373) + OFFSET - step.number("offset")) / step.number("slope")) ** 2
    off = 1e6 * (mass / 105.96373 - 1.0)
    measured("mass scale of the sample at m/z 106, off by", off, "ppm", "within 5")
    assert abs(off) < 5.0
