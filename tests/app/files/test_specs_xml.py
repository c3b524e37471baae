"""XML of SPECS: the channels of the detector, scans, cycles, and hostile XML."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import read, sniff
from fitting.dataset import Noise
from libraries.errors import BadFile
from tests.app.files import made

PEAK = tuple(int(100 + 900 * np.exp(-((i - 20) / 4) ** 2)) for i in range(41))


def test_a_region_of_one_channel(write):
    path = write(made.xml(transmission=(1.5, 1.4, 1.3, 1.2)), "a.txt")
    assert sniff(path).name == "specs_xml"
    (s,) = read(path)
    # 1486.6 - 1200 = 286.6 eV, then down by 0.5 eV.
    np.testing.assert_array_equal(s.x, [285.1, 285.6, 286.1, 286.6])
    np.testing.assert_array_equal(s.y, [40, 30, 20, 10])
    np.testing.assert_array_equal(s.transmission, [1.2, 1.3, 1.4, 1.5])
    m = s.meta
    assert (s.axis.quantity, m.intensity_unit, s.noise) == ("binding_energy", "counts", Noise("poisson", 1.0))
    assert (m.photon_energy, m.pass_energy, m.dwell_time, m.sweeps) == (1486.6, 20, 0.2, 1)
    assert (m.work_function, m.region, m.sample, m.instrument, m.source) == (4.37, "C1s", "Anode", "PHOIBOS", "XR 50")
    assert m.date == "2022-01-28T17:42:54+00:00"


def test_the_channels_of_a_detector_are_added_at_their_energies(write):
    # Shifts of -4.1, -0.1 and 3.6 steps: whole steps -4, 0 and 4.
    shifts = (-0.1025, -0.0025, 0.09)
    (s,) = read(write(made.xml((PEAK,), shifts, head=4, tail=4)))
    np.testing.assert_array_equal(s.y[::-1], 3 * np.array(PEAK))
    assert dict(s.meta.extra)["detector channels"] == "3, added"


def test_head_and_tail_that_do_not_cover_the_shifts_are_refused(write):
    with pytest.raises(BadFile, match="does not cover the shifts"):
        read(write(made.xml((PEAK,), (-0.1, 0.0, 0.1), head=4, tail=3)))


def test_scans_are_added_and_follow_one_by_one(write):
    total, single = read(write(made.xml(((1, 2, 3), (10, 20, 30)))))
    np.testing.assert_array_equal(total.y, [33, 22, 11])
    np.testing.assert_array_equal(single.y, [[3, 2, 1], [30, 20, 10]])
    assert (total.meta.sweeps, single.meta.sweeps) == (2, 1)


def test_cycles_become_a_series(write):
    (s,) = read(write(made.xml(((1, 2, 3),), cycles=2)))
    assert s.counts.shape == (2, 3)
    assert dict(s.meta.extra)["series"] == "cycles"


def test_a_gain_is_said_and_not_applied(write):
    (s,) = read(write(made.xml(((1, 2, 3),), gain=2)))
    np.testing.assert_array_equal(s.y, [3, 2, 1])
    assert dict(s.meta.extra)["detector gains"] == "2, not applied"


BAD = [
    ({"announced": 10**9}, "The number of values is '1000000000'"),
    ({"announced": -4}, "The number of values is '-4'"),
    ({"announced": 5}, "4 counts do not fit 5 values and 1 detector channels"),
    ({"counts": [1, 2, "nan", 4]}, "'nan' is not a number"),
    ({"counts": [1, 2, "1e999", 4]}, "'1e999' is not a number"),
    ({"counts": [1, 2, -3, 4]}, "A count is negative"),
    ({"step": 0}, "The energies make no axis"),
    ({"base": 3}, "The energies count from another base"),
    ({"compact": 1}, "Its cycles are stored in a compact form"),
    ({"mode": "FixedEnergies"}, "The scan mode 'FixedEnergies' has no energy axis"),
    ({"mode": "FixedRetardingRatio", "shifts": (0.0, 0.0)}, "Several detector channels in the scan mode"),
    ({"transmission": (1.0, 2.0)}, "The transmission function does not fit the energies"),
    ({"energy": 1e15}, "The energies make no axis"),
]


@pytest.mark.parametrize(("changes", "what"), BAD)
def test_refused(write, changes, what):
    path = write(made.xml(**changes))
    with pytest.raises(BadFile) as caught:
        read(path)
    assert caught.value.what.startswith(what)
    assert str(path) in caught.value.where
    assert caught.value.todo


def _hostile(declarations, body):
    start = '<?xml version="1.0"?>\n<!-- XMLSerializer2 IDL:specs.de/ -->\n'
    return f"{start}<!DOCTYPE any [{declarations}]>\n{body}"


LAUGHS = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 20))
HOSTILE = [
    (_hostile(LAUGHS, "<any><string>&a19;</string></any>"), "The XML defines entities or refers to other files"),
    (_hostile('<!ENTITY x SYSTEM "file:///etc/passwd">', "<any>&x;</any>"), "The XML defines entities or refers"),
    (_hostile('<!ENTITY % x SYSTEM "http://localhost/x"> %x;', "<any/>"), "The XML defines entities or refers"),
    (_hostile("", "<any>" * 100_000 + "</any>" * 100_000), "The elements are nested too deeply"),
    (
        _hostile(f'<!ATTLIST string name CDATA "{"x" * 1_000_000}">', "<any>" + "<string/>" * 100_000 + "</any>"),
        "An attribute is absurdly long",
    ),
    (_hostile("", "<script>1</script>"), "The element 'script' does not belong here"),
    (_hostile("", "<any>"), "The XML is damaged"),
    (_hostile("", "<any/>"), "The XML holds no groups of regions"),
    (_hostile("", "<any>\0</any>"), ""),
]


@pytest.mark.parametrize(("text", "what"), HOSTILE)
def test_hostile_xml(write, text, what):
    with pytest.raises(BadFile) as caught:
        read(write(text))
    assert caught.value.what.startswith(what)
