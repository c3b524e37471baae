"""Start values on simulated spectra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fitting import guess
from fitting.dataset import Axis, Noise, Spectrum
from fitting.engine import fit
from fitting.guess import add_peak, new_model
from fitting.lineshapes import drude
from fitting.model import Background, Curve
from fitting.shapes import SHAPES
from fitting.simulate.samples import NAMES, xps_sample
from fitting.simulate.xps import expectation, noisy
from libraries.core_levels import doublet
from libraries.errors import BadData, BadModel, UnknownName

PAIR = doublet("V", "2p")


def spectrum(region: str, sample: str = NAMES[0]):
    return noisy(expectation(xps_sample(sample)), 1).spectrum(region)


LINES = [name for name, entry in SHAPES.items() if not (entry.step or entry.takes_curve)]


@pytest.mark.parametrize("name", [name for name in LINES if name != "plasmon_train"])
def test_a_peak_starts_on_the_data(name):
    data = spectrum("N 1s")
    top = float(data.x[np.argmax(data.y)])
    model = guess.add_peak(data, guess.new_model(data, 393.0, 403.0), top, shape=name)
    (peak,) = model.components
    assert (peak.line, peak.name) == ("N 1s", "N 1s")
    found = SHAPES[name].derived(peak.values)
    assert found.maximum_position == pytest.approx(top, abs=0.3)
    assert all(p.minimum <= p.value <= p.maximum for p in model.params.values())
    assert fit(data, model).value("p1.position") == pytest.approx(top, abs=1.0)


@pytest.mark.parametrize("name", ["gl_sum", "voigt"])
@pytest.mark.parametrize("kinetic", [False, True])
def test_a_doublet_is_tied_by_the_library(name, kinetic):
    data, position = spectrum("V 2p + O 1s"), 513.5
    if kinetic:
        axis = Axis(1486.6 - data.x[::-1], "kinetic_energy")
        data = data.with_(axis=axis, counts=data.counts[::-1], transmission=None)
        position = 1486.6 - position
    model = guess.new_model(data, *sorted((float(data.x[5]), float(data.x[-5]))))
    model = guess.add_doublet(data, model, "V 2p", position, name)
    major, minor = model.components
    assert (major.line, minor.line, minor.doublet) == ("V 2p3/2", "V 2p1/2", major.id)
    assert minor.value("area") == pytest.approx(major.value("area") * PAIR.ratio, rel=1e-5)
    gap = (minor.value("position") - major.value("position")) * (-1 if kinetic else 1)
    assert gap == pytest.approx(PAIR.splitting, abs=1e-3)
    assert not PAIR.same_width
    width = "fwhm" if name == "gl_sum" else "fwhm_l"
    assert minor.param(width).link == ""
    assert minor.value(width) == pytest.approx(major.value(width) + PAIR.width_excess)
    result = fit(data, model)
    assert result.value("p2.area") == pytest.approx(0.5 * result.value("p1.area"), rel=1e-5)


def test_a_broad_doublet_keeps_inside_its_bounds():
    data = spectrum("V 2p + O 1s")
    model = guess.add_doublet(data, guess.new_model(data, 508.0, 528.0), "V 2p", 513.5, fwhm=6.0)
    assert all(p.minimum <= p.value <= p.maximum for p in model.params.values())


def test_suggestions_are_cited_and_can_be_added():
    data = spectrum("F 1s", NAMES[1])
    data = data.with_(axis=Axis(data.x - xps_sample(NAMES[1]).charging, "binding_energy"))
    model = guess.new_model(data, 679.0, 693.0)
    offers = guess.suggestions(data, model)
    assert offers
    assert [o.significance for o in offers] == sorted((o.significance for o in offers), reverse=True)
    best = next(o for o in offers if o.compound == "NaF")
    added = guess.add_suggestion(data, model, best)
    position = added.components[-1].param("position")
    assert position.minimum == best.low - 0.5 <= position.value <= best.high + 0.5 == position.maximum
    assert all((o.compound, o.line) != ("NaF", "F 1s") for o in guess.suggestions(data, added))
    with pytest.raises(BadModel, match="binding-energy"):
        guess.suggestions(data.with_(axis=Axis(data.x, "kinetic_energy")), model)


@pytest.mark.parametrize("kind", ["none", "constant", "linear_active", "shirley_active", "tougaard_active", "shirley"])
def test_backgrounds_start_inside_their_bounds(kind):
    data = spectrum("C 1s")
    model = guess.change_background(data, guess.new_model(data, 280.0, 296.0, "linear"), kind)
    assert model.background.kind == kind
    assert all(p.minimum <= p.value <= p.maximum for _, p in model.background.params)


def test_names_and_errors():
    data = spectrum("C 1s")
    model = guess.new_model(data, 280.0, 296.0)
    twice = guess.add_peak(data, guess.add_peak(data, model, 284.7, fwhm=1.7), 286.0, height=10.0)
    assert [c.name for c in twice.components] == ["C 1s", "C 1s 2"]
    assert twice.components[1].value("fwhm") == pytest.approx(1.7)
    assert not guess.add_peak(data, model, 284.7, line="Na KLL").components[0].quantify
    assert [line.name for line in guess.region_lines(spectrum("V 2p + O 1s"))] == ["V 2p", "O 1s"]
    with pytest.raises(BadModel, match="outside"):
        guess.add_peak(data, model, 300.0)
    with pytest.raises(UnknownName):
        guess.add_doublet(data, model, "C 1s", 284.7)
    with pytest.raises(BadData):
        guess.new_model(data, 1.0, 2.0)
    unnamed = data.with_(meta=replace(data.meta, region="", element="", transition="", title=""))
    assert guess.add_peak(unnamed, model, 284.7).components[0].line == ""


def test_a_new_peak_is_convolved_as_those_beside_it():
    x = np.arange(0.0, 40.0, 0.1)
    spectrum = Spectrum(Axis(x, "energy_loss"), 50.0 + 400.0 * np.exp(-((x - 15.0) ** 2)))
    zero = Curve((-0.2, -0.1, 0.0, 0.1, 0.2), (0.1, 0.6, 1.0, 0.6, 0.1))
    model = replace(new_model(spectrum, 5.0, 30.0, "linear_active"), response=zero)
    model = add_peak(spectrum, model, 15.0, shape="drude")
    assert not model.components[0].broadened  # nothing says that it should be
    model = model.with_component(replace(model.components[0], broadened=True))
    assert add_peak(spectrum, model, 22.0).components[1].broadened


def test_a_plasmon_starts_at_what_the_data_show():
    x = np.arange(3.0, 40.0, 0.05)
    truth = 30.0 * (x / 15.0) ** -2.0 + drude(x, 5000.0, 15.0, 1.3)
    spectrum = Spectrum(Axis(x, "energy_loss"), np.random.default_rng(0).poisson(truth), Noise("poisson", 1.0))
    model = new_model(spectrum, 4.0, 38.0, "power_law")
    start = add_peak(spectrum, model, 15.0, shape="drude").components[0]
    assert start.value("position") == pytest.approx(15.0, abs=0.1)
    assert start.value("fwhm") == pytest.approx(1.3, rel=0.35)
    assert start.value("area") == pytest.approx(5000.0, rel=0.35)
    found = fit(spectrum, add_peak(spectrum, model, 15.0, shape="drude"))
    assert found.success
    assert abs(found.value("p1.position") - 15.0) < 4.0 * found.error("p1.position")
    assert abs(found.value("p1.fwhm") - 1.3) < 4.0 * found.error("p1.fwhm")
    # No position below the zero loss, wherever the region begins.
    wide = add_peak(spectrum, replace(model, region=(-3.0, 38.0), background=Background("none")), 15.0, shape="drude")
    assert wide.components[0].param("position").minimum > 0.0
