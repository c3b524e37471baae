"""Area of data minus background: derivative, error and coverage against independent computations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.engine import fit
from fitting.model import Background, FitModel
from fitting.xps import region_areas
from fitting.xps.areas import area_of_region
from fitting.xps.region_areas import area_kind, net_area, region_area, region_line, with_area_kind
from libraries.errors import BadModel, NotDetermined, UnknownName
from tests.fitting.problems import background, component, counted, envelope, grid, model

META = Meta(technique="xps", photon_energy=1486.6, dwell_time=0.5, sweeps=4.0, region="O 1s")
PEAK = component("p1", position=287.0, area=20000.0, fwhm=1.4, line="O 1s")
TRUTH = model(PEAK, back=background("shirley_active", level=800.0, step=0.03, loss_slope=0.0))


def numeric_slope(spectrum, form):
    """dA/dy of every channel by central differences of the whole computation."""
    base, slope = spectrum.y, np.zeros(len(spectrum.axis))
    for i in range(base.size):
        up, down = base.copy(), base.copy()
        up[i] += 1e-3 * base.max()
        down[i] -= 1e-3 * base.max()
        slope[i] = net_area(spectrum.with_(counts=up), form) - net_area(spectrum.with_(counts=down), form)
    return slope / (2e-3 * base.max())


@pytest.mark.parametrize("quantity", ["binding_energy", "kinetic_energy"])
@pytest.mark.parametrize(
    "back",
    [Background("linear", average=0), Background("linear", average=3), Background("shirley", average=0),
     Background("shirley", average=4), Background("shirley", average=2, quadrature="trapezoid")],
)
def test_the_error_is_that_of_the_whole_expression(back, quantity):
    spectrum = counted(grid(), TRUTH).with_(meta=META)
    if quantity == "kinetic_energy":
        spectrum = Spectrum(Axis(1486.6 - spectrum.x[::-1], quantity), spectrum.counts[::-1], spectrum.noise, META)
        form = FitModel((1486.6 - 293.5, 1486.6 - 282.0), back)
    else:
        form = FitModel((282.0, 293.5), back)
    slope = numeric_slope(spectrum, form)
    found = region_area(spectrum, form)
    assert found.error == pytest.approx(np.sqrt(np.sum(slope**2 * spectrum.y)), rel=1e-4)
    assert found.area == pytest.approx(net_area(spectrum, form), rel=1e-12)
    window = spectrum.axis.window(*form.region)
    weights = region_areas._weights(spectrum.x[window])
    by_steps = region_areas._by_differences(spectrum, form, weights, window)
    by_steps[window] += weights
    np.testing.assert_allclose(by_steps, slope, atol=2e-4 * np.abs(slope).max())


@pytest.mark.parametrize(
    ("kind", "number"),
    [("linear", 300), ("shirley", 300), ("fitted", 100), pytest.param("fitted", 1500, marks=pytest.mark.full)],
)
def test_scatter_is_the_error(kind, number, measured):
    """Over many noisy spectra the areas scatter as their error says, about the area without noise."""
    quiet = FitModel((282.0, 293.5), Background("shirley" if kind == "fitted" else kind, average=2))
    form = replace(TRUTH, region=quiet.region) if kind == "fitted" else quiet
    expected = envelope(grid(), TRUTH)
    truth = 0.0
    if kind != "fitted":
        truth = net_area(grid().with_(counts=expected), quiet)
    pulls, areas = [], []
    for seed in range(number):
        spectrum = grid().with_(counts=np.random.default_rng(seed).poisson(expected))
        if kind == "fitted":
            result = fit(spectrum, form)
            found = region_area(spectrum, result.model, result)
        else:
            found = region_area(spectrum, form)
        areas.append(found.area)
        pulls.append(found.error)
    ratio = float(np.std(areas, ddof=1) / np.mean(pulls))
    measured(f"scatter of region areas over their error, {kind} background", ratio, "", "0.85 to 1.15")
    assert 0.85 < ratio < 1.15 if number >= 300 else 0.8 < ratio < 1.2
    if truth:
        assert abs(np.mean(areas) - truth) < 4 * np.mean(pulls) / np.sqrt(number)


def test_ends_matter_more_than_counting():
    """A line between two single channels: the ends make most of the error."""
    found = region_area(counted(grid(), TRUTH), FitModel((282.0, 293.5), Background("linear", average=0)))
    averaged = region_area(counted(grid(), TRUTH), FitModel((282.0, 293.5), Background("linear", average=5)))
    assert found.background_error > 0.6 * found.error
    assert averaged.background_error < 0.5 * found.background_error


def test_what_a_region_stands_for():
    spectrum = grid().with_(meta=replace(META, region=""))
    plain = FitModel((282.0, 293.5), Background("shirley"))
    assert area_kind(plain) == "components"
    by_region = with_area_kind(plain, "region", "V 2p")
    assert (area_kind(by_region), region_line(spectrum, by_region).name) == ("region", "V 2p")
    assert with_area_kind(by_region, "components", "").extra == ()
    assert region_line(spectrum, replace(plain, name="O1s Scan")).name == "O 1s"
    assert region_line(spectrum.with_(meta=META), plain).name == "O 1s"
    assert region_line(spectrum, model(component("p1", line="V 2p3/2"))).name == "V 2p"
    with pytest.raises(NotDetermined, match="several lines"):
        region_line(spectrum, model(component("p1", line="V 2p3/2"), component("p2", line="O 1s")))
    with pytest.raises(NotDetermined, match="No core level"):
        region_line(spectrum, plain)
    with pytest.raises(BadModel, match="cannot count"):
        with_area_kind(plain, "heights")
    with pytest.raises(UnknownName):
        with_area_kind(plain, "region", "Na KLL")


def test_a_fitted_background_needs_its_fit():
    with pytest.raises(NotDetermined, match="before the fit"):
        region_area(counted(grid(), TRUTH), TRUTH)


def test_noise_of_unknown_size_gives_no_error():
    spectrum = counted(grid(noise=Noise("poisson", None)), TRUTH)
    assert np.isnan(region_area(spectrum, FitModel((282.0, 293.5), Background("shirley"))).error)


def test_as_a_line_of_a_composition():
    spectrum = counted(grid(), TRUTH).with_(meta=META, transmission=np.linspace(1.0, 2.5, 151))
    found = area_of_region(spectrum, FitModel((282.0, 293.5), Background("shirley"), name="O 1s"), energy_shift=0.5)
    (line,) = found.lines
    assert (line.kind, line.line.name, line.live_time) == ("region", "O 1s", 2.0)
    assert line.kinetic_energy == pytest.approx(1486.6 - (287.0 - 0.5), abs=0.4)
    assert line.transmission == pytest.approx(1.7, abs=0.05)
    error = region_area(spectrum, FitModel((282.0, 293.5), Background("shirley"))).error
    assert found.covariance[0, 0] == pytest.approx(error**2)
