"""Presets: lines, ties and broadened doublets as the library says."""

from dataclasses import replace

import numpy as np
import pytest

from fitting import guess
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.joint import Part, fit_joint
from fitting.presets import add_broadened, add_preset, preset, presets
from fitting.xps.placement import Region
from fitting.xps.yields import line_yield
from libraries.core_levels import doublet
from libraries.errors import NotDetermined, UnknownName


def region(name, low, high, photon=1486.6):
    axis = Axis(np.arange(low, high, 0.1), "binding_energy")
    rng = np.random.default_rng(1)
    element, _, level = name.partition(" ")
    spectrum = Spectrum(axis, rng.poisson(500.0, axis.values.size).astype(float), Noise("poisson", 1.0),
                        Meta(region=name, technique="xps", photon_energy=photon, element=element, transition=level))
    return Region(f"{name.replace(' ', '')}/r1", spectrum, guess.new_model(spectrum, low, high, "linear_active", name))


@pytest.fixture(scope="module")
def regions():
    return (region("C 1s", 280.0, 296.0), region("O 1s", 525.0, 540.0), region("F 1s", 680.0, 694.0),
            region("Na 1s", 1064.0, 1080.0), region("P 2p", 128.0, 142.0))


def test_carbonate_ties_three_regions_by_stoichiometry_and_distance(regions):
    placed = add_preset(preset("carbonate"), regions)
    lines = {member.site.line.name: member for member in placed.members}
    assert set(lines) == {"C 1s", "O 1s", "Na 1s"}
    c, o, na = (lines[name] for name in ("C 1s", "O 1s", "Na 1s"))
    assert placed.ties[str(o.place).replace(".area", ".position")].startswith("{C1s/r1/p1.position} +242.1")
    ratio = float(placed.ties[str(na.place)].rpartition("*")[2])
    spectra = {r.key: r.spectrum for r in regions}
    expected = (2 * line_yield(spectra["Na1s/r1"], "Na 1s", 1071.5).value
                / line_yield(spectra["C1s/r1"], "C 1s", 289.45).value)
    assert ratio == pytest.approx(expected, rel=1e-6)
    assert c.place == placed.members[0].place
    joint = fit_joint([Part(r.key, r.spectrum, r.model) for r in placed.regions], placed.ties)
    assert joint.value(str(na.place)) == pytest.approx(ratio * joint.value(str(c.place)))


def test_yields_hold_cross_section_path_and_time(regions):
    """s of Na 1s relative to C 1s is 8.52 (Scofield, as in the project's check values); lambda falls with energy."""
    spectra = {r.key: r.spectrum for r in regions}
    sodium, carbon = (line_yield(spectra[key], line, e) for key, line, e in
                      (("Na1s/r1", "Na 1s", 1071.5), ("C1s/r1", "C 1s", 285.0)))
    assert sodium.factor == pytest.approx(8.52, abs=0.01)
    assert carbon.factor == pytest.approx(1.0)
    assert sodium.imfp < carbon.imfp
    assert sodium.transmission == 1.0
    assert "assumed" in sodium.sources[2]
    power = line_yield(spectra["Na1s/r1"], "Na 1s", 1071.5, transmission_exponent=-0.5)
    assert power.transmission == pytest.approx(((1486.6 - 1071.5) / 1000) ** -0.5, rel=1e-3)


def test_pvdf_pair_is_one_to_one_inside_a_region(regions):
    placed = add_preset(preset("pvdf"), regions)
    carbon = next(r.model for r in placed.regions if r.key == "C1s/r1")
    groups = {c.name: c for c in carbon.components}
    assert set(groups) == {"PVDF (CF2)", "PVDF (CH2)"}
    linked = next(c for c in groups.values() if c.param("area").link)
    factor = float(linked.param("area").link.rpartition("*")[2])
    assert factor == pytest.approx(1.0, abs=0.01)  # the mean free path differs by 0.3 % over 4.5 eV
    assert "4.48" in linked.param("position").link
    assert linked.param("position").vary


def test_every_line_of_a_preset_has_a_source(regions):
    for item in presets():
        assert item.description
    placed = add_preset(preset("hexafluorophosphate"), regions)
    for placed_region in placed.regions:
        assert all(component.source for component in placed_region.model.components)


def test_what_no_region_holds_is_told(regions):
    placed = add_preset(preset("fluoride"), regions[:3])
    assert any("Na 1s" in note for note in placed.notes)
    with pytest.raises(NotDetermined):
        add_preset(preset("perchlorate"), [region("F 1s", 680.0, 694.0)])
    with pytest.raises(UnknownName):
        preset("nothing")


@pytest.mark.parametrize(("line", "position"), [("V 2p", 516.0), ("Ti 2p", 458.5)])
def test_broadened_doublets_let_the_minor_width_go_up_by_twice_the_excess(line, position):
    window = region(line, position - 8, position + 15)
    model = add_broadened(window.spectrum, window.model, line, position)
    pair = doublet(*line.split())
    minor = next(c for c in model.components if c.doublet)
    major = model.component(minor.doublet)
    assert pair.width_excess > 0.1
    assert minor.param("fwhm").link == f"{major.id}.fwhm + {pair.width_excess:.4g} +- {pair.width_excess:.4g}"
    assert minor.param("fwhm").vary
    assert minor.value("fwhm") == pytest.approx(major.value("fwhm") + pair.width_excess)


def test_a_sharp_doublet_keeps_equal_widths():
    window = region("S 2p", 158.0, 175.0)
    model = add_broadened(window.spectrum, window.model, "S 2p", 162.0)
    minor = next(c for c in model.components if c.doublet)
    assert minor.param("fwhm").link == f"{minor.doublet}.fwhm"


def test_intensities_without_a_common_scale_are_not_tied(regions):
    def timed(one, **changes):
        return replace(one, spectrum=one.spectrum.with_(meta=replace(one.spectrum.meta, **changes)))

    known = tuple(timed(r, dwell_time=1.0, sweeps=2.0) for r in regions)
    assert len(add_preset(preset("carbonate"), known).members) == 3
    with pytest.raises(NotDetermined, match="no common scale"):
        add_preset(preset("carbonate"), (regions[0], *known[1:]))
    with pytest.raises(NotDetermined, match="no common scale"):
        add_preset(preset("carbonate"), (timed(regions[0], intensity_unit="arbitrary"), *known[1:]))
