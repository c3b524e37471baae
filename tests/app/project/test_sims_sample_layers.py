"""Simulated interphase on hard carbon: its layers in order and thickness, from closed factors and from ions."""

from dataclasses import replace

import numpy as np
import pytest

from app.project.factor_analysis import Wish, keep_factors, solve
from app.project.project import Project, add_spectra
from app.project.sims_depth import answer
from fitting.factors.constraints import Constraints
from fitting.sims.cube import profile_of
from fitting.sims.setup import DepthScale, LayerMarker, LayerSetup, PhaseRate
from fitting.simulate.sims.interphase import interphase

SIZE = 48
MARKERS = {"positive": ("C2H3+", "Na2ClO+", "Na3OH+", "Na3F2+", "Na2C2H+"),
           "negative": ("C2HO-", "ClO-", "NaO-", "NaF-", "C4-")}


@pytest.fixture(scope="module")
def sample():
    positive, negative, truth = interphase(1, size=SIZE)
    return {"positive": positive, "negative": negative}, truth


def entry_of(cube, *, bands=False):
    """The profile of all pixels with five closed factors."""
    project = add_spectra(Project("p"), [profile_of(cube, name="Profile")])
    entry = project.entries[0]
    wish = Wish("mcr", 5, constraints=Constraints(closure=True), bands=bands)
    found = solve(entry.spectrum, wish)
    project, id = keep_factors(project, entry.id, found, entry.spectrum.hash)
    return project.entries[0], id


def with_rates(entry, id, truth):
    """Depth by the true rates; which factor is which phase is told by its order in depth."""
    about = next(one for one in entry.factors if one.id == id)
    first = answer(replace(entry, layering=LayerSetup(factors=id))).layers
    rates = np.empty(5)
    for row, rate in zip(first.rows, truth.rates, strict=True):
        rates[row.trace] = rate
    phases = tuple(PhaseRate(name, float(rate)) for name, rate in zip(about.names, rates, strict=True))
    return replace(entry, depth=DepthScale("phases", factors=id, phases=phases), layering=LayerSetup(factors=id))


@pytest.mark.parametrize("polarity", MARKERS)
def test_five_layers_in_order_within_five_percent(sample, polarity, measured):
    cubes, truth = sample
    entry = with_rates(*entry_of(cubes[polarity]), truth)
    found = answer(entry)
    layers = found.layers
    # The order: each factor's share follows that of the phase at the same place.
    alike = [np.corrcoef(layers.shares[:, i], truth.fractions[:, i])[0, 1] for i in range(5)]
    assert min(alike) > 0.995
    assert all(row.below > 0.99 for row in layers.rows[1:])
    worst = max(abs(row.thickness / t - 1) for row, t in zip(layers.rows[:-1], truth.thickness, strict=False))
    measured(f"Sample interphase, {polarity} ions, thickness of layers from closed factors: worst error", 100 * worst,
             "%", "<= 5")
    assert worst <= 0.05


def test_marker_ions_give_the_order_and_a_worse_thickness(sample, measured):
    """One ion a layer: other phases give it too, which shifts boundaries; the errors must hold it."""
    cubes, truth = sample
    for polarity, ions in MARKERS.items():
        entry, id = entry_of(cubes[polarity])
        markers = tuple(LayerMarker(name, ion) for name, ion in zip(truth.names, ions, strict=True))
        entry = replace(with_rates(entry, id, truth), layering=LayerSetup(markers=markers))
        layers = answer(entry).layers
        assert tuple(row.name for row in layers.rows) == truth.names
        off = [abs(row.thickness / t - 1) for row, t in zip(layers.rows[:-1], truth.thickness, strict=False)]
        measured(f"Sample interphase, {polarity} ions, thickness from one ion a layer: worst error", 100 * max(off),
                 "%", "<= 25")
        assert max(off) < 0.25
        for row, t in zip(layers.rows[:-1], truth.thickness, strict=False):
            assert abs(row.thickness - t) < 3 * row.error
