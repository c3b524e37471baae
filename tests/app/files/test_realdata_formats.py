"""Measured files of several instruments: what they print, and the same spectrum in several formats."""

from __future__ import annotations

import re

import numpy as np
import pytest

from app.files import read, sniff
from app.files.casa import casa_info
from app.files.child import read_in_child
from fitting.dataset import Noise
from fitting.identity import same

pytestmark = pytest.mark.realdata

# File, reader, names (of the first ones), shapes, first point in the file: energy and intensity, as printed or stored.
FILES = [
    ("MgFe2O4_small.xy", "specs_xy", ["Survey", "Fe2p"], [(1351,), (56,)], 1350, 15598.679),
    ("PBTTT_specs.xml", "specs_xml", ["Survey", "C1s", "C1s sweeps"], [(1403,), (201,), (2, 201)], 700, None),
    ("SnO2_10nm.spe", "phi", ["Su1s"], [(1751,)], 1400, np.float32(54866.668)),
    (
        "SnO2_10nm_1.pro",
        "phi",
        ["Su1s", "C1s", "Si2p", "Sn3d5"],
        [(21, 1751), (21, 101), (21, 101), (21, 101)],
        1400,
        np.float32(54300.0),
    ),
    ("Ag_0001_scienta.txt", "scienta", ["Ag3d"], [(361,)], 382, 15.7494897842407),
    ("Ag_0001.ibw", "igor", ["Ag3d"], [(361,)], 382, None),
    ("Ag_0002.ibw", "igor", ["VB"], [(801,)], 30, None),
    ("casaxps_export_Ni.txt", "casa_text", ["Survey", "Ni2p", "Survey", "Ni2p"], [(1201,), (501,)] * 2, 1200, 4699.45),
    ("FeO_analyzed_lineshapes_cols.txt", "casa_text", ["Fe2p", "Fe2p: Fe 2p 709.05 eV"], [(1121,)] * 7, 750, 12516.9),
    ("PET_C1s.csv", "columns", ["InPET_C1s"], [(401,)], 299.300817131996, 324.2826),
]


@pytest.mark.parametrize(("name", "reader", "names", "shapes", "energy", "intensity"), FILES)
def test_every_format(realdata, name, reader, names, shapes, energy, intensity):
    path = realdata / "xps" / name
    assert sniff(path).name == reader
    spectra = read(path)
    assert [s.name for s in spectra][: len(names)] == names
    assert [s.counts.shape for s in spectra] == shapes
    assert [s.meta.index for s in spectra] == list(range(len(spectra)))
    first = spectra[0]
    assert (first.axis.quantity, first.meta.technique) == ("binding_energy", "xps")
    # Every instrument writes from high to low binding energy.
    assert first.x[-1] == pytest.approx(energy, abs=1e-9)
    if intensity is not None:
        assert first.y[..., -1].flat[0] == intensity
    assert same(read(path), spectra)


# File -> photon energy, pass energy, counting time of the first spectrum, work function, date.
CIRCUMSTANCES = [
    ("MgFe2O4_small.xy", 1486.61, 100, 0.1, 4.1082, "2023-08-24T14:19:47+00:00"),
    ("PBTTT_specs.xml", 1253.6, 50, 0.1, 4.37, "2022-01-28T17:35:25+00:00"),
    ("SnO2_10nm.spe", 1486.6, 224, 0.12, 4.506, "2024-01-22"),
    ("SnO2_10nm_1.pro", 1486.6, 224, 0.12, 4.506, "2024-01-22"),
    ("Ag_0001_scienta.txt", 520, 50, 45.066, None, "2023-03-08T15:24:35"),
    ("Ag_0001.ibw", 520, 50, 45.066, None, "2023-03-08T15:24:35"),
    ("Ag_0002.ibw", 153, 50, 225.33, None, "2023-03-08T15:30:27"),
    ("casaxps_export_Ni.txt", 1486.61, None, 0.1, None, ""),
    ("FeO_analyzed_lineshapes_cols.txt", 1486.61, None, 2, None, ""),
]


@pytest.mark.parametrize(("name", "photon", "passed", "live", "work", "date"), CIRCUMSTANCES)
def test_circumstances(realdata, name, photon, passed, live, work, date):
    m = read(realdata / "xps" / name)[0].meta
    assert (m.photon_energy, m.pass_energy, m.work_function, m.date) == (photon, passed, work, date)
    assert m.live_time == pytest.approx(live, rel=1e-12)


def test_dates_of_specs_are_month_day_year(realdata):
    vamas = read(realdata / "xps" / "MgFe2O4_regular.vms")[0].meta.date
    text = read(realdata / "xps" / "MgFe2O4_small.xy")[0].meta.date
    assert (vamas[:10], text[:10]) == ("2023-08-24", "2023-08-24")


def test_a_wave_and_its_text_agree_to_the_printed_digits(realdata, measured):
    (wave,) = read(realdata / "xps" / "Ag_0001.ibw")
    (text,) = read(realdata / "xps" / "Ag_0001_scienta.txt")
    np.testing.assert_array_equal(wave.x, text.x)
    assert wave.noise == text.noise
    off = float(np.max(np.abs(wave.y / text.y - 1)))
    measured("Ag 3d, Igor wave against text of 15 digits", off, "relative", "<= 4e-15")
    assert off <= 4e-15


def test_the_survey_in_three_formats(realdata):
    """Counts in one file, counts per second in two: equal to the digits printed (six in VAMAS)."""
    (counts,) = read(realdata / "xps" / "MgFe2O4_regular.vms")
    (rate,) = read(realdata / "xps" / "MgFe2O4_irregular.vms")
    text = read(realdata / "xps" / "MgFe2O4_small.xy")[0]
    np.testing.assert_array_equal(text.x, counts.x)
    np.testing.assert_allclose(text.y * text.meta.live_time, counts.y, rtol=5e-6)
    np.testing.assert_allclose(text.y, rate.y, rtol=5e-6)
    assert text.meta.live_time == counts.meta.live_time


def test_the_spectrum_of_casaxps_in_two_formats(realdata):
    (vamas,) = read(realdata / "xps" / "FeO_analyzed.vms")
    text = read(realdata / "xps" / "FeO_analyzed_lineshapes_cols.txt")
    np.testing.assert_allclose(text[0].x, vamas.x, rtol=0, atol=1e-9)
    np.testing.assert_allclose(text[0].y, vamas.y, rtol=5e-6)
    areas = [float(dict(s.meta.extra)["area"]) for s in text[1:5]]
    np.testing.assert_allclose(areas, [c.area for c in casa_info(vamas).components], atol=0.005)
    assert [dict(s.meta.extra)["lineshape"] for s in text[1:5]] == [c.shape for c in casa_info(vamas).components]


def test_the_channels_of_a_detector_see_the_same_peak(realdata, measured):
    """The channels of the SPECS file, laid over each other as the reader does it, agree better than one step lets them.

    Each channel's shift against the middle one is found by cross-correlation and compared with shift * pass energy.
    """
    text = (realdata / "xps" / "PBTTT_specs.xml").read_text()
    lists = re.findall(r'type_name="Counts">\s*([\d\s]+)</ulong>', text)
    survey, *carbon = (np.array(words.split(), dtype=float) for words in lists)
    shifts = np.array([float(word) for word in re.findall(r'name="shift">([^<]+)<', text)[:5]])
    grid = sum(carbon).reshape(-1, 5)
    smooth = np.array([np.convolve(grid[:, d], np.ones(5) / 5, "same") for d in range(5)])
    worst = 0.0
    for d in (0, 1, 3, 4):
        best = max(range(-60, 61), key=lambda t: np.corrcoef(smooth[2][70:200], smooth[d][70 + t : 200 + t])[0, 1])
        worst = max(worst, abs(best + (shifts[d] - shifts[2]) * 20 / 0.05))
    measured("SPECS XML, measured shifts of channels against the file's", worst, "steps of 0.05 eV", "<= 1")
    assert worst <= 1
    # What the reader makes of them: 33 and 30 rows before and behind, shifts in whole steps.
    total = sum(grid[33 - round(s * 400) : 33 - round(s * 400) + 201, d] for d, s in enumerate(shifts))
    found = read(realdata / "xps" / "PBTTT_specs.xml")
    np.testing.assert_array_equal(found[1].y, total[::-1])
    np.testing.assert_array_equal(found[2].y.sum(axis=0), found[1].y)
    assert found[1].noise == Noise("poisson", 1.0)
    # Sulphur of the thiophene rings at 164 eV: the scale needs no further shift.
    window = found[0].window(160, 168)
    assert abs(window.x[np.argmax(window.y)] - 164.0) <= 0.5
    assert survey.size == 5 * (1403 + 8 + 7)


def test_a_sputter_profile(realdata, measured):
    spectra = read(realdata / "xps" / "SnO2_10nm_1.pro")
    for s in spectra:
        assert (s.navigation[0].quantity, s.navigation[0].unit) == ("time", "s")
        np.testing.assert_array_equal(s.navigation[0].values, 30.0 * np.arange(21))  # 20 times 0.5 min
        assert s.meta.intensity_unit == "counts/s"
    tin, silicon = spectra[3], spectra[2]
    # Ten sweeps of the tin region were counted as one tenth: multiples of ten.
    assert [s.noise.gain for s in spectra] == [1 / 0.12, 1.25, 1.25, 12.5]
    assert (tin.noise.origin, silicon.noise.origin) == ("estimated", "file")
    # 10 nm of SnO2 on silicon: tin goes, silicon comes.
    assert np.argmax(tin.y.max(axis=1)) < 10
    assert np.ptp(silicon.y[-1]) > np.ptp(silicon.y[0])
    # The scatter is that of the stated gain: third differences, median to be blind for lines.
    for s in spectra:
        events = s.y / s.noise.gain
        scatter = np.median(np.diff(events, 3, axis=1) ** 2 / 20 / ((events[:, 1:-2] + events[:, 2:-1]) / 2)) / 0.4549
        measured(f"PHI profile, variance over mean of {s.name}", float(scatter), "", "0.7 to 1.3")
        assert 0.7 < scatter < 1.3


def test_the_child_reads_every_format(realdata, reader_child):
    for name in [row[0] for row in FILES]:
        path = realdata / "xps" / name
        assert same(read_in_child(path), read(path))
