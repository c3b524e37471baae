"""Line areas of a fit: doublets, transmission, energies, covariance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fitting.dataset import Meta
from fitting.engine import fit
from fitting.xps.areas import joined, line_areas
from libraries.errors import NotDetermined
from tests.fitting.problems import component, counted, grid, model

META = Meta(technique="xps", photon_energy=1486.6, dwell_time=0.5, sweeps=4.0, region="V 2p", pass_energy=20.0)


def fitted(*components, **meta):
    truth = model(*components)
    spectrum = counted(grid(), truth).with_(meta=replace(META, **meta), transmission=np.linspace(1.0, 2.5, 151))
    return spectrum, fit(spectrum, truth)


MAJOR = component("p1", line="V 2p3/2", position=284.0, area=4000.0)
MINOR = replace(component("p2", line="V 2p1/2", position=291.0, area=2000.0), doublet="p1")


def test_a_doublet_is_summed():
    spectrum, result = fitted(MAJOR, MINOR)
    found = line_areas(spectrum, result, 0.5)
    (line,) = found.lines
    assert line.line.name == "V 2p"
    assert line.area == pytest.approx(result.value("p1.area") + result.value("p2.area"))
    cov = result.covariance_of(["p1.area", "p2.area"])
    assert found.covariance[0, 0] == pytest.approx(max(1.0, result.reduced_chi2) * cov.sum())
    assert line.kinetic_energy == pytest.approx(1486.6 - (result.value("p1.position") - 0.5))
    assert line.transmission == pytest.approx(1.0 + (result.value("p1.position") - 280.0) / 10.0)
    assert (line.live_time, line.unit, line.pass_energy) == (2.0, "counts", 20.0)


def test_lone_lines_stand_for_themselves():
    for parts in ((MAJOR,), (MAJOR, replace(MINOR, quantify=False))):
        spectrum, result = fitted(*parts)
        assert [one.line.name for one in line_areas(spectrum, result).lines] == ["V 2p3/2"]
    spectrum, result = fitted(replace(MAJOR, quantify=False), MINOR)
    assert [one.line.name for one in line_areas(spectrum, result).lines] == ["V 2p1/2"]
    spectrum, result = fitted(replace(MAJOR, line="Na KLL"), replace(MINOR, doublet="", line=""))
    assert line_areas(spectrum, result).lines == ()


def test_infinite_areas_are_taken_in_the_window():
    peak = component("p1", "doniach_sunjic", line="C 1s", position=285.0, height=2000.0)
    spectrum, result = fitted(peak)
    found = line_areas(spectrum, result)
    assert found.lines[0].area > 0
    assert found.covariance[0, 0] > 0


def test_a_misfit_enlarges_errors_and_is_told():
    truth = model(MAJOR, component("p3", position=288.0, area=3000.0))
    spectrum = counted(grid(), truth).with_(meta=META)
    result = fit(spectrum, model(MAJOR))
    found = line_areas(spectrum, result)
    assert found.covariance[0, 0] == pytest.approx(result.scaled_error("p1.area") ** 2)
    assert result.reduced_chi2 > 1
    assert any("misses structure" in text for text in found.warnings)


def test_photon_energy_and_rates():
    spectrum, result = fitted(MAJOR, photon_energy=None)
    with pytest.raises(NotDetermined, match="photon energy"):
        line_areas(spectrum, result)
    spectrum, result = fitted(MAJOR, intensity_unit="counts/s")
    assert line_areas(spectrum, result).lines[0].live_time is None


def test_joined():
    one = line_areas(*fitted(MAJOR))
    two = joined([one, one])
    assert len(two.lines) == 2
    assert two.covariance[0, 1] == 0.0
    assert two.covariance[1, 1] == one.covariance[0, 0]
    assert joined([]).lines == ()
