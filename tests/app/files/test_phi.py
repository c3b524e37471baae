"""Files of PHI: spectra, depth profiles, the noise, and directories that lie."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from app.files import read, sniff
from fitting.dataset import Noise
from libraries.errors import BadFile
from tests.app.files import made

TIMES = (-0.0, 30.0, 60.0)


def test_a_spectrum(write):
    path = write(made.phi(), "a.bin")
    assert sniff(path).name == "phi"
    (s,) = read(path)
    np.testing.assert_array_equal(s.x, [288, 288.5, 289, 289.5, 290])
    np.testing.assert_array_equal(s.y, [700, 900, 1200, 1000, 800])
    m = s.meta
    assert (s.axis.quantity, m.intensity_unit, m.region, m.element) == ("binding_energy", "counts/s", "C1s", "C")
    assert (m.photon_energy, m.pass_energy, m.work_function, m.source_analyser_angle) == (1486.6, 55, 4.506, 45)
    # 0.5 s in 5 sweeps; 700 per s are 350 events.
    assert (m.dwell_time, m.sweeps, m.live_time, s.noise) == (0.1, 5, 0.5, Noise("poisson", 2.0))
    assert (m.sample, m.date, m.instrument, m.source) == (
        "anode",
        "2024-01-22",
        "PHI VersaProbe 4",
        "Al 1486.6 mono",
    )


def test_a_profile_is_a_series_over_sputter_time(write):
    regions = (("C1s", 6, -0.5, 290.0, (800.0, 1000.0)), ("Su1s", 111, -1.0, 10.0, (1.0, 2.0, 3.0)))
    carbon, survey = read(write(made.phi(regions, cycles=3, times=TIMES)))
    assert carbon.counts.shape == (3, 2)
    assert (carbon.navigation[0].quantity, carbon.navigation[0].unit) == ("time", "s")
    np.testing.assert_array_equal(carbon.navigation[0].values, [0, 30, 60])
    np.testing.assert_array_equal(survey.y, [[3, 2, 1]] * 3)
    assert survey.meta.element == ""  # surveys have an atomic number of their own
    assert dict(carbon.meta.extra)["series"] == "sputter time"


def test_a_profile_without_times_counts_its_cycles(write):
    for times in (None, (0.0, 0.0, 0.0)):
        (s,) = read(write(made.phi(cycles=3, times=times)))
        np.testing.assert_array_equal(s.navigation[0].values, [1, 2, 3])
        assert dict(s.meta.extra)["series"] == "cycles"


# Rates, unit -> noise; the time of a point is 0.5 s.
COUNTS = tuple(float(n) for n in range(100, 140))
NOISES = [
    (tuple(2 * n for n in COUNTS), "c/s", Noise("poisson", 2.0)),
    (tuple(20 * n for n in COUNTS), "c/s", Noise("poisson", 20.0, origin="estimated")),
    (tuple(2.7 * n for n in COUNTS), "c/s", Noise("poisson", None)),
    (COUNTS, "c", Noise("poisson", 1.0)),
    (tuple(3 * n for n in COUNTS), "c", Noise("poisson", 3.0, origin="estimated")),
    ((-1.0, *COUNTS), "c/s", Noise("unknown")),
    ((10.0, 20.0, 30.0), "c/s", Noise("poisson", 2.0)),  # too few to prove a factor
]


@pytest.mark.parametrize(("rates", "unit", "noise"), NOISES)
def test_noise(write, rates, unit, noise):
    (s,) = read(write(made.phi((("C1s", 6, -0.5, 290.0, rates),), unit=unit)))
    assert s.noise == noise


def test_double_numbers(write):
    (s,) = read(write(made.phi((("C1s", 6, -0.5, 290.0, (0.1, 0.2)),), form="f8")))
    np.testing.assert_array_equal(s.y, [0.2, 0.1])


def test_a_name_with_a_blank(write):
    (s,) = read(write(made.phi((("C 1s", 6, -0.5, 290.0, (8.0, 9.0)),))))
    assert (s.name, s.meta.element, s.meta.pass_energy) == ("C 1s", "C", 55)


def _replaced(data, old, new):
    assert old in data
    return data.replace(old, new, 1)


def _entry(place, value):
    """A good file with one number of its first directory entry changed."""
    data = bytearray(made.phi())
    at = data.index(b"EOFH\r\n") + 6 + (4 * place)
    struct.pack_into("<I", data, at, value)
    return bytes(data)


GOOD = made.phi()
BAD = [
    (GOOD.replace(b"EOFH", b"EOFX"), "The end of the header (EOFH) is missing"),
    (GOOD[:-4], "Its place or length is not what the file holds"),
    (GOOD + b"1234", "4 bytes follow the last block"),
    (GOOD[: GOOD.index(b"EOFH\r\n") + 10], "The file ends behind its header"),
    (_entry(1, 10**9), "The directory of 1000000000 blocks is damaged"),
    (_entry(4 + 5, 10**9), "Its place or length is not what the file holds"),
    (_entry(4 + 6, 0), "Its place or length is not what the file holds"),
    (_entry(4 + 20, 3), "Its place or length is not what the file holds"),
    (_entry(4 + 3, 7), "There is no region 7 for its data"),
    (_replaced(GOOD, b"f4\0\0", b"x4\0\0"), "The type of its numbers is not known"),
    (_replaced(GOOD, b"pnt\0", b"sar\0"), "Its data are not what the header says"),
    (_replaced(GOOD, b"C1s 6 5 -", b"C1s 6 6 -"), "Points, step and limits of the region disagree"),
    (_replaced(GOOD, b"C1s 6 5 -0.5", b"C1s 6 5 -0.0"), "Points, step and limits of the region disagree"),
    (_replaced(GOOD, b"C1s 6 5 ", b"C1s 6 -5 "), "The number of points is '-5'"),
    (_replaced(GOOD, b"C1s 6 5 ", b"C1s 6 900000000 "), "A region announces 900000000 points"),
    (_replaced(GOOD, b"290.0000 288", b"nan 288"), "'nan' is not a number"),
    (made.phi(technique="AES"), "The technique 'AES' is not XPS"),
    (made.phi(platform="SUN"), "The numbers are in the order of another machine"),
    (made.phi((("C1s", 6, -0.5, 290.0, (1.0, float("nan"))),)), "It holds numbers that are not finite"),
    (made.phi((("C1s", 6, -0.5, 290.0, (1.0, 2e30)),)), "It holds numbers that are not finite"),
    (_replaced(GOOD, b"SpectralRegDef: 1", b"SpectralRegDef: 2"), "There is no region 1 for its data"),
]


@pytest.mark.parametrize(("data", "what"), BAD)
def test_refused(write, data, what):
    path = write(data)
    with pytest.raises(BadFile) as caught:
        read(path)
    assert caught.value.what.startswith(what)
    assert str(path) in caught.value.where
    assert caught.value.todo


@pytest.mark.parametrize("text", [b"0 0 0", b"2024 13 1", b"99999 1 1", b"x", b"1e9 1 1"])
def test_absurd_dates_are_left_out(write, text):
    (s,) = read(write(_replaced(GOOD, b"2024 1 22", text)))
    assert s.meta.date == ""
