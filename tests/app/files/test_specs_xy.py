"""Text of SPECS: regions, scans, cycles, curves, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import read, sniff
from fitting.dataset import Noise
from libraries.errors import BadFile
from tests.app.files import made

ROWS = ((3, 8), (2, 6), (1, 4))


def test_a_region(write):
    path = write(made.xy(((((0, 0, 0)), ROWS),)), "a.dat")
    assert sniff(path).name == "specs_xy"
    (s,) = read(path)
    np.testing.assert_array_equal(s.x, [1, 2, 3])
    np.testing.assert_array_equal(s.y, [4, 6, 8])
    m = s.meta
    assert (s.axis.quantity, s.axis.unit, m.intensity_unit) == ("binding_energy", "eV", "counts/s")
    assert (m.photon_energy, m.pass_energy, m.dwell_time, m.sweeps) == (1486.61, 20, 0.5, 1)
    assert (m.work_function, m.analyser_mode, m.instrument, m.source) == (
        4.1082,
        "FixedAnalyzerTransmission",
        "Phoibos",
        "XR 50",
    )
    assert (m.region, m.sample, m.date) == ("C 1s", "Anode", "2023-08-24T14:19:47+00:00")
    assert s.noise == Noise("poisson", 2.0)  # 4, 6, 8 per s in 0.5 s are 2, 3, 4 events


def test_scans_are_averaged_and_follow_one_by_one(write):
    tables = tuple(((0, 0, k), tuple((x, y + 2 * k) for x, y in ROWS)) for k in range(3))
    mean, single = read(write(made.xy(tables)))
    np.testing.assert_array_equal(mean.y, [6, 8, 10])
    assert (mean.meta.sweeps, mean.meta.live_time, mean.noise) == (3, 1.5, Noise("poisson", 1 / 1.5))
    assert dict(mean.meta.extra)["sweeps"] == "mean of 3 sweeps; they follow one by one"
    assert single.name == "C 1s sweeps"
    np.testing.assert_array_equal(single.y, [[4, 6, 8], [6, 8, 10], [8, 10, 12]])
    assert (single.navigation[0].quantity, single.meta.sweeps) == ("index", 1)


def test_counts_are_added(write):
    tables = tuple(((0, 0, k), ROWS) for k in range(2))
    total, single = read(write(made.xy(tables, rate="Counts", label="counts")))
    np.testing.assert_array_equal(total.y, [8, 12, 16])
    assert total.noise == single.noise == Noise("poisson", 1.0)


def test_a_table_without_scan_number_stands_for_all_scans(write):
    (s,) = read(write(made.xy((((0, 0, None), ROWS),), apart="no", scans=4)))
    assert (s.meta.sweeps, s.meta.live_time) == (4, 2)


def test_cycles_become_a_series(write):
    tables = tuple(((c, 0, 0), tuple((x, y + c) for x, y in ROWS)) for c in range(3))
    (s,) = read(write(made.xy(tables)))
    np.testing.assert_array_equal(s.y, [[4, 6, 8], [5, 7, 9], [6, 8, 10]])
    np.testing.assert_array_equal(s.navigation[0].values, [0, 1, 2])
    assert dict(s.meta.extra)["series"] == "cycles"


def test_curves_are_spectra_of_their_own(write):
    tables = tuple(((0, k, 0), ROWS) for k in range(2))
    assert [s.name for s in read(write(made.xy(tables)))] == ["C 1s curve 1", "C 1s curve 2"]


def test_kinetic_energies_become_binding_energies(write):
    (s,) = read(write(made.xy((((0, 0, 0), ((1200, 5), (1201, 6))),), axis="Kinetic Energy")))
    np.testing.assert_array_equal(s.x, [285.61, 286.61])
    np.testing.assert_array_equal(s.y, [6, 5])


def test_transmission_and_other_columns(write):
    rows = ((3, 8, 1.5, 0.1), (2, 6, 1.4, 0.1))
    (s,) = read(write(made.xy((((0, 0, 0), rows),), label="counts/s transmission error")))
    np.testing.assert_array_equal(s.transmission, [1.4, 1.5])
    assert ("column not loaded", "error") in s.meta.extra


def test_missing_scans_are_said(write):
    (s,) = read(write(made.xy((((0, 0, 0), ROWS),), scans=3)))
    assert ("scans", "1 of 3 that the file announces") in s.meta.extra
    assert s.meta.sweeps == 1


# Changes of a good text, and what is said.
BAD = [
    ({"values": 4}, "4 values are announced but 3 are there"),
    ({"values": 10**9}, "1000000000 values are announced but 3 are there"),
    ({"values": -1}, "The number of values is '-1'"),
    ({"axis": "Analyzer Energy"}, "The energy axis 'analyzer energy' is not known"),
    ({"rate": "Volts", "label": "volts"}, "The unit of intensities 'volts' is not known"),
    ({"label": "counts/s error"}, "Row 1 holds 2 numbers, not 3"),
    ({"tables": (((0, 0, 0), ()),)}, "The table holds no rows"),
    ({"tables": (((0, 0, 0), ((1, 5), (2, 6), (2, 7))),)}, "The energies neither rise nor fall steadily (point 3)"),
    ({"tables": (((0, 0, 0), ((1, 5), (3, 6), (2, 7))),)}, "The energies neither rise nor fall steadily (point 3)"),
    ({"tables": (((0, 0, 0), ((1, 5), (2, "nan"))),)}, "'nan' is not a number; a value should be there"),
    ({"tables": (((0, 0, 0), ((1, 5), (2, "1e999"))),)}, "'1e999' is not a number; a value should be there"),
    ({"tables": (((0, 0, 0), ((1, 5), (2, "1e300"))),)}, "'1e300' is absurdly large; a value should be there"),
    ({"tables": (((0, 0, 0), ((1, 5), (2, "1_0"))),)}, "'1_0' is not a number; a value should be there"),
    ({"tables": (((0, 0, 0), ((1, 5), (2, "6,5"))),)}, "'6,5' is not a number; a value should be there"),
    ({"tables": (((0, 0, 0), ((1, 5), (1e13, 6))),)}, "The energies are absurdly large"),
    ({"tables": (((0, 0, 0), ROWS), ((0, 0, 1), ((9, 1), (8, 1), (7, 1))))}, "Scans of one region have different"),
    ({"tables": (((0, 0, 0), ROWS), ((0, 0, 1), ROWS), ((1, 0, 0), ROWS))}, "The cycles of the region have different"),
]


@pytest.mark.parametrize(("changes", "what"), BAD)
def test_refused(write, changes, what):
    path = write(made.xy(**changes))
    with pytest.raises(BadFile) as caught:
        read(path)
    assert caught.value.what.startswith(what)
    assert str(path) in caught.value.where
    assert caught.value.todo


def test_channels_apart_are_refused(write):
    tables = tuple(((0, 0, f"Channel: {k}"), ROWS) for k in range(2))
    with pytest.raises(BadFile, match="channels of the detector apart"):
        read(write(made.xy(tables)))


def test_a_single_channel_with_the_parameters_of_its_cycles(write):
    tables = tuple(((c, 0, "Channel: 0"), tuple((x, y + c) for x, y in ROWS)) for c in range(2))
    text = made.xy(tables, scans=1)
    for cycle in range(2):
        text = text.replace(f"# Cycle: {cycle}\n#\n", f'# Cycle: {cycle}\n# Parameter: "Z [mm]" = {cycle + 0.5}\n#\n')
    (s,) = read(write(text))
    np.testing.assert_array_equal(s.y, [[4, 6, 8], [5, 7, 9]])
    assert dict(s.meta.extra)["parameter:Z [mm]"] == "0.5, 1.5"


def test_tables_of_other_devices_are_left_out_and_it_is_said(write):
    device = "# External Channel Data Cycle: 0, Temperature [K] (Heater)\n# ColumnLabels: energy T\n3 7\n2 7\n"
    (s,) = read(write(made.xy() + device))
    np.testing.assert_array_equal(s.y, [4, 6, 8])
    assert dict(s.meta.extra)["table not loaded"] == "Temperature [K] (Heater)"


def test_what_a_group_says_holds_for_its_regions(write):
    text = made.xy().replace("# Pass Energy:                  20\n", "")
    text = text.replace("# Region:", "# Pass Energy: 30\n# Dwell Time: 9\n# Region:")
    (s,) = read(write(text))
    assert (s.meta.pass_energy, s.meta.dwell_time) == (30, 0.5)


def test_numbers_or_cycles_before_a_region_are_refused(write):
    for text, what in (("1 2\n", "Numbers stand where"), ("# Cycle: 0, Curve: 0\n1 2\n", "A cycle begins before")):
        with pytest.raises(BadFile, match=what):
            read(write(made.XY_SETTINGS.format(axis="Binding Energy", rate="Counts", apart="no", group="") + text))


def test_a_header_without_data_is_refused(write):
    with pytest.raises(BadFile, match="The file holds no spectrum"):
        read(write(made.XY_SETTINGS.format(axis="Binding Energy", rate="Counts", apart="no", group="")))


def test_utf_16(write):
    (s,) = read(write(made.xy().encode("utf-16")))
    np.testing.assert_array_equal(s.y, [4, 6, 8])
