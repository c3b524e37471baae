"""BIF6 and GRD: what independent writers wrote comes back; lengths and events that cannot be are refused."""

import numpy as np
import pytest

from app.files import read, sniff
from app.files.cube_import import import_cube
from app.files.cube_store import CubeSettings
from app.files.grd import EVENT
from fitting.sims.setup import MassPeak
from libraries.errors import BadFile
from tests.app.files.made_sims import bif6, grd

INTERVALS = ((0.0, 0.0, 400.0), (22.9, 22.9892, 23.05), (62.9, 62.9817, 63.1))
SLOPE, OFFSET = 1000.0, 50.0


def images(seed=1):
    return np.random.default_rng(seed).poisson(300.0, (3, 5, 7))


def test_bif6_images(tmp_path):
    path = tmp_path / "film.bif6"
    path.write_bytes(bif6(images(), INTERVALS))
    assert sniff(path).name == "bif6"
    (image,) = read(path)
    assert image.counts.shape == (5, 7, 3)
    np.testing.assert_array_equal(np.moveaxis(image.counts, -1, 0), images())
    assert image.axis.labels == ("total", "22.9892", "62.9817")
    assert image.axis.masses == pytest.approx((0.0, 22.9892, 62.9817))
    assert (image.meta.technique, image.noise.kind, image.counts.dtype) == ("sims", "poisson", np.uint16)


@pytest.mark.parametrize("cut", [11, 12, 100, -1])
def test_bif6_of_another_length(tmp_path, cut):
    path = tmp_path / "film.bif6"
    data = bif6(images(), INTERVALS)
    path.write_bytes(data[:cut] if cut > 0 else data + b"x")
    with pytest.raises(BadFile):
        read(path)


def test_bif6_with_a_senseless_interval(tmp_path):
    path = tmp_path / "film.bif6"
    path.write_bytes(bif6(images(), (INTERVALS[0], (23.0, 22.0, 24.0), INTERVALS[2])))
    with pytest.raises(BadFile, match="image 2"):
        read(path)


def events(seed=2, first=0, count=4000):
    rng = np.random.default_rng(seed)
    scan = np.sort(rng.integers(0, 6, count)) + first
    mass = rng.choice([22.98922, 62.98173, 105.96373], count)
    channel = np.rint(SLOPE * np.sqrt(mass) + OFFSET + rng.normal(0, 1.5, count))
    return np.column_stack([scan, np.arange(count) % 50, rng.integers(0, 9, count), rng.integers(0, 7, count), channel])


@pytest.mark.parametrize("first", [0, 1])
def test_grd_spectrum_and_total(tmp_path, first):
    rows = events(first=first)
    path = tmp_path / "film.grd"
    path.write_bytes(grd(rows))
    assert sniff(path).name == "grd"
    spectrum, cube = read(path)
    assert spectrum.axis.quantity == "channel"
    for channel in (int(rows[0, 4]), int(rows[:, 4].min()), int(rows[:, 4].max())):
        assert spectrum.counts[int(np.searchsorted(spectrum.x, channel))] == np.sum(rows[:, 4] == channel)
    assert spectrum.counts.sum() == len(rows)
    assert cube.counts.shape == (6, 7, 9, 1)
    truth = np.zeros((6, 7, 9), int)
    for scan, _, x, y, _ in rows.astype(int):
        truth[scan - first, y, x] += 1
    np.testing.assert_array_equal(cube.counts[..., 0], truth)


def test_grd_cube_by_mass_scale_and_peaks(tmp_path):
    rows = events()
    path = tmp_path / "film.grd"
    path.write_bytes(grd(rows))
    peaks = (MassPeak("Na+", 22.98922, 22.8, 23.2), MassPeak("Na2OH+", 62.98173, 62.6, 63.4))
    (cube,) = read(import_cube([path], tmp_path / "c.h5", CubeSettings(), peaks=peaks, scale=(SLOPE, OFFSET)))
    mass = ((rows[:, 4] - OFFSET) / SLOPE) ** 2
    for ion, peak in enumerate(peaks):
        chosen = rows[(mass >= peak.low) & (mass <= peak.high)].astype(int)
        truth = np.zeros((6, 7, 9), int)
        np.add.at(truth, (chosen[:, 0], chosen[:, 3], chosen[:, 2]), 1)
        np.testing.assert_array_equal(cube.counts[..., ion], truth)
    with pytest.raises(BadFile, match="SF and K0"):
        import_cube([path], tmp_path / "d.h5", CubeSettings(), peaks=peaks)


def test_grd_raster_of_the_properties_file(tmp_path):
    path = tmp_path / "film.grd"
    path.write_bytes(grd(events()))
    text = "Measurement.UpperMass\t\t300\r\nRegistration.Raster.Resolution\t\t16\r\n"
    (tmp_path / "film.properties.txt").write_text(text, encoding="utf-16")
    _, cube = read(path)
    assert cube.counts.shape == (6, 16, 16, 1)
    (tmp_path / "film.properties.txt").write_text(text.replace("16", "4"))
    with pytest.raises(BadFile, match="raster of 4"):
        read(path)


def test_grd_in_blocks_is_the_same(tmp_path, monkeypatch):
    path = tmp_path / "film.grd"
    path.write_bytes(grd(events()))
    whole = read(path)
    monkeypatch.setattr("app.files.grd._BLOCK", 37)
    parts = read(path)
    assert [a.hash for a in whole] == [b.hash for b in parts]


def test_grd_cut_off_or_impossible(tmp_path):
    path = tmp_path / "film.grd"
    data = grd(events())
    path.write_bytes(data[:-7])
    with pytest.raises(BadFile):
        read(path)
    # Both lie behind the first look of 64 kB.
    path.write_bytes(data + bytes(EVENT))
    with pytest.raises(BadFile, match="earlier"):
        read(path)
    path.write_bytes(data + grd([(5, 0, 5000, 0, 100)]))
    with pytest.raises(BadFile, match="beyond 4096"):
        read(path)


def test_other_bytes_are_not_taken_for_events(tmp_path):
    path = tmp_path / "noise.grd"
    path.write_bytes(np.random.default_rng(1).bytes(20 * 500))
    with pytest.raises(BadFile):
        read(path)
