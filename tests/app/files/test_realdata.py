"""Measured files of several instruments."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import read
from app.files.casa import casa_info
from app.files.child import read_in_child
from app.files.csv_writer import write_csv
from app.files.nexus_writer import write_nexus
from app.files.vamas_writer import write_vamas
from fitting.dataset import Noise
from fitting.identity import same
from libraries.units import binding_from_kinetic

pytestmark = pytest.mark.realdata

# File, number of blocks, names (of the first ones), samples.
FILES = [
    ("FeO_analyzed", 1, ["Fe 2p"], {"FeO"}),
    ("MgFe2O4_regular", 1, ["Survey"], {"1 as-loaded"}),
    ("MgFe2O4_irregular", 1, ["Counts per Second"], {"1 as-loaded"}),
    ("ARXPS", 15, ["O 1s", "C 1s", "Al 2p"], {"Al_foil_insulated"}),
    ("NiW_0-150W", 5, ["wide", "Ni 2p", "O 1s", "C 1s", "W 4f"], {"Ni-W"}),
    (
        "MoS2_WS2_assigned",
        54,
        ["wide", "O 1s", "C 1s", "Br 3d", "Nb 3d", "Mo 3d", "W 4f", "1: S 2p", "1: N 1s"],
        {"RW_WS2_MoS2_thicker", "RW_WS2", "RW_Tha_MoS2", "RW_sonic_MoS2", "RW_WS2_MoS2", "RW_Nb_MoS2"},
    ),
]


@pytest.mark.parametrize(("name", "blocks", "names", "samples"), FILES)
def test_every_block_is_listed(realdata, name, blocks, names, samples):
    spectra = read(realdata / "xps" / f"{name}.vms")
    assert len(spectra) == blocks
    assert [s.name for s in spectra[: len(names)]] == names
    assert {s.meta.sample for s in spectra} == samples
    assert [s.meta.index for s in spectra] == list(range(blocks))
    for s in spectra:
        assert s.axis.quantity == "binding_energy"
        assert s.meta.technique == "xps"
        assert s.transmission is not None
        assert s.noise.kind == "poisson"


@pytest.mark.parametrize("name", [row[0] for row in FILES])
def test_real_files_come_back_through_every_writer(realdata, tmp_path, name):
    spectra = read(realdata / "xps" / f"{name}.vms")
    write_nexus(tmp_path / "a.h5", spectra)
    assert same(read(tmp_path / "a.h5"), spectra)
    write_vamas(tmp_path / "a.vms", spectra)
    for a, b in zip(spectra, read(tmp_path / "a.vms"), strict=True):
        assert same((a.axis, a.counts, a.transmission, a.noise), (b.axis, b.counts, b.transmission, b.noise))
        assert a.meta.comments == b.meta.comments
        assert casa_info(a) == casa_info(b)
    write_csv(tmp_path / "a.csv", spectra[0])
    (back,) = read(tmp_path / "a.csv")
    assert same(
        (back.axis, back.counts, back.transmission), (spectra[0].axis, spectra[0].counts, spectra[0].transmission)
    )


def test_one_survey_in_three_formats_agrees_to_the_printed_digits(realdata):
    (counts,) = read(realdata / "xps" / "MgFe2O4_regular.vms")
    (rate,) = read(realdata / "xps" / "MgFe2O4_irregular.vms")
    text = read(realdata / "xps" / "MgFe2O4_small.xy")
    survey = text[0]
    assert [s.name for s in text] == ["Survey", "Fe2p"]
    assert (counts.meta.intensity_unit, rate.meta.intensity_unit, survey.meta.intensity_unit) == (
        "counts",
        "counts/s",
        "counts/s",
    )
    # Binding energies: the work function in the header must not be applied a second time.
    np.testing.assert_array_equal(counts.x, survey.x)
    np.testing.assert_array_equal(rate.x, survey.x)
    assert counts.meta.work_function == 4.1082
    live = counts.meta.live_time
    # Six digits are printed in VAMAS, more in the text.
    np.testing.assert_allclose(counts.y, rate.y * live, rtol=1e-5)
    np.testing.assert_allclose(rate.y, survey.y, rtol=5e-6)
    np.testing.assert_allclose(counts.transmission, rate.transmission, rtol=1e-12)
    # Interpolated between detector channels: not whole counts, so the gain is not known.
    assert counts.noise == rate.noise == survey.noise == Noise("poisson", None)


def test_at_percent_of_casaxps_is_reproduced(realdata):
    (spectrum,) = read(realdata / "xps" / "FeO_analyzed.vms")
    info = casa_info(spectrum)
    (region,) = info.regions
    assert (region.background, region.parameters) == ("U 3 Tougaard", (335.44588, 551, 436, 3))
    assert [c.area for c in info.components] == [63507.374, 35837.064, 49042.126, 17705.155]
    assert {c.rsf for c in info.components} == {16.42}
    assert [c.shape for c in info.components] == ["LF(0.54,10,80,100,6)", "SGL(30)"] * 2
    positions = [binding_from_kinetic(c.position_ke, spectrum.meta.photon_energy) for c in info.components]
    transmission = np.interp(positions, spectrum.x, spectrum.transmission)
    amount = np.array([c.area / c.rsf for c in info.components]) / transmission
    np.testing.assert_allclose(100 * amount / amount.sum(), [38.43, 21.59, 29.42, 10.57], atol=0.01)
    assert (info.unparsed, info.shift) == ((), 0)


def test_doublets_of_casaxps(realdata):
    spectra = read(realdata / "xps" / "MoS2_WS2_assigned.vms")
    info = casa_info(next(s for s in spectra if s.name == "Mo 3d"))
    assert len(info.components) == 10
    high, low = (c for c in info.components if c.name == "Mo 3d MoS2 1T")
    assert (round(high.area, 2), round(low.area, 2)) == (7955.31, 5303.54)
    assert (low.area_link, round(low.area_factor, 4), low.position_offset) == (2, 0.6667, -3.14)
    assert info.components[low.area_link] == high
    assert low.area == pytest.approx(high.area * low.area_factor, rel=1e-6)
    assert low.position_ke == pytest.approx(high.position_ke + low.position_offset, abs=1e-6)
    sulphur = casa_info(next(s for s in spectra if s.name == "1: S 2p")).components
    pair = [c for c in sulphur if c.name == "S 2p MoS2"]
    assert [round(c.area, 2) for c in pair] == [5317.94, 2658.97]
    assert pair[1].area_factor == 0.5
    assert all(casa_info(s).unparsed == () for s in spectra)
    assert info.shift == 3.6301


def test_casaxps_energies_are_on_the_calibrated_scale(realdata):
    spectra = read(realdata / "xps" / "MoS2_WS2_assigned.vms")
    carbon = next(s for s in spectra if s.name == "C 1s")
    info = casa_info(carbon)
    limits = [
        binding_from_kinetic(e, carbon.meta.photon_energy) for e in (info.regions[0].start_ke, info.regions[0].end_ke)
    ]
    top = carbon.x[np.argmax(carbon.y)]
    assert not min(limits) < top < max(limits)
    assert min(limits) < top + info.shift < max(limits)


def test_whole_counts_of_kratos_have_a_known_gain(realdata):
    for name in ("ARXPS", "NiW_0-150W", "MoS2_WS2_assigned"):
        for spectrum in read(realdata / "xps" / f"{name}.vms"):
            assert spectrum.noise == Noise("poisson", 1.0)
            assert spectrum.meta.work_function == -4.5
            assert spectrum.meta.charge_state == "neutraliser on"
            assert spectrum.meta.date.startswith("2020-")


def test_angles_of_an_angle_resolved_series(realdata):
    spectra = read(realdata / "xps" / "ARXPS.vms")
    assert [s.meta.emission_angle for s in spectra[::3]] == [0, 40, 55, 63, 70]
    # The further from the normal, the less of the bulk: the series runs the right way round.
    ratios = [s[1].y.sum() / s[0].y.sum() for s in (spectra[i : i + 2] for i in range(0, 15, 3))]
    assert np.all(np.diff(ratios) > 0)


def test_geometry_of_specs(realdata):
    (spectrum,) = read(realdata / "xps" / "MgFe2O4_regular.vms")
    assert (spectrum.meta.emission_angle, spectrum.meta.source_analyser_angle) == (0, 54.5)


def test_a_csv_of_two_columns(realdata):
    (spectrum,) = read(realdata / "xps" / "PET_C1s.csv")
    assert spectrum.axis.quantity == "binding_energy"
    assert (spectrum.name, len(spectrum.axis), spectrum.y[-1]) == ("InPET_C1s", 401, 324.2826)
    assert spectrum.meta.intensity_unit == "arbitrary"


def test_the_child_gives_the_same(realdata, reader_child):
    for name in ("ARXPS.vms", "PET_C1s.csv", "MgFe2O4_small.xy"):
        path = realdata / "xps" / name
        assert same(read_in_child(path), read(path))
