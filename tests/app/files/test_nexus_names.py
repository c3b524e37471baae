"""HDF5 of ours keeps what depth profiles and cubes have beside their counts: names and m/z of ions, further scales."""

import h5py
import numpy as np
import pytest

from app.files import read
from app.files.nexus_writer import write_nexus
from app.files.pieces_writer import cube_chunk
from fitting.dataset import Axis, Meta, Noise, Spectrum
from libraries.errors import BadFile

NAMES = ("total", "Na_2F+", "Na_2F+", "^206PbI-, ^207PbI-PbI-", "I+ / ( Pb+ )", "PF₆⁻")
MASSES = (0.0, 64.977, 64.9774, 333.0, 0.0, 144.965)


@pytest.fixture
def profile():
    t = np.linspace(1.5, 60, 20)
    axis = Axis(np.arange(6.0), "ion", "", NAMES, MASSES)
    scales = (Axis(t * 1e10, "dose", "ions"), Axis(t * 4e12, "fluence", "ions/cm²"))
    counts = np.random.default_rng(1).poisson(30.0, (20, 6))
    return Spectrum(axis, counts, Noise("poisson", 1.0), Meta(title="P", technique="sims"), None,
                    (Axis(t, "time", "s"),), scales)  # fmt: skip


def test_names_masses_and_scales_come_back(profile, tmp_path):
    write_nexus(tmp_path / "p.h5", [profile])
    (back,) = read(tmp_path / "p.h5")
    assert back.hash == profile.hash
    assert back.axis.labels == NAMES
    assert [scale.quantity for scale in back.scales] == ["dose", "fluence"]


@pytest.mark.parametrize("names", [
    "[]", "{}", '{"labels": "abc", "masses": []}', '{"labels": ["a"], "masses": []}', '{"labels": [1], "masses": []}',
    '{"labels": [], "masses": ["x"]}', '{"labels": [], "masses": [NaN, 1, 1, 1, 1, 1]}', "no json", "[" * 5000,
])  # fmt: skip
def test_damaged_names_are_refused(profile, tmp_path, names):
    path = tmp_path / "p.h5"
    write_nexus(path, [profile])
    with h5py.File(path, "r+") as file:
        del file["spectrum_0001/sodalite/names"]
        file["spectrum_0001/sodalite"].create_dataset("names", data=names)
    with pytest.raises(BadFile):
        read(path)


def test_chunks_hold_a_scan_of_some_ions():
    """Both ways through a cube are cheap: one ion of all voxels, and all ions of some scans."""
    for shape in ((100, 128, 128, 60), (60, 512, 512, 40), (5, 4096, 4096, 3), (10, 8, 8, 2), (3, 128, 128, 1)):
        scans, rows, columns, ions = cube_chunk(shape)
        assert scans == 1
        assert 0 < rows <= shape[1]
        assert columns == shape[2]
        assert 0 < ions <= min(16, shape[3])
        assert scans * rows * columns * ions <= 1 << 18
    assert cube_chunk((100, 128, 128, 60)) == (1, 128, 128, 16)
