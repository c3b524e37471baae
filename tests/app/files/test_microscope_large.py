"""Images of microscopes that stay in their file: the same numbers as in memory, in every format and order of axes."""

from __future__ import annotations

import os
import random
from dataclasses import replace

import h5py
import numpy as np
import pytest

from app.files import read
from app.files.arrays import FileArray
from app.files.child import read_in_child
from app.files.hspy_writer import write_hspy
from app.files.nexus_writer import write_nexus
from app.files.wire import decode, encode
from fitting import stored
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.identity import same
from libraries.errors import BadFile, SodaliteError
from tests.app.files import made_dm

E, Y, X = 24, 5, 7
DATA = np.random.default_rng(8).poisson(300.0, (Y, X, E)).astype("<f4")  # energy last, as spectra have it
AXES = [(-200.0, 0.5, "eV"), (0.0, 2.0, "nm"), (0.0, 4.0, "nm")]  # of a file with energy first
PIECES = ((0, 1), (3, 20), (0, Y * X), (Y * X - 1, Y * X))


@pytest.fixture
def small_memory(monkeypatch):
    """Everything above a kilobyte stays on the disk."""
    monkeypatch.setattr(stored, "IN_MEMORY", 1000)


def dm(version=4, data=DATA, axes=AXES, **about):
    return made_dm.file(made_dm.image(np.moveaxis(data, -1, 0), axes, **about), version=version)


def spectrum(counts=DATA, energy=None):
    navigation = (Axis(2.0 * np.arange(Y), "distance", "nm"), Axis(4.0 * np.arange(X), "distance", "nm"))
    meta = Meta(title="map", region="map", technique="eels", beam_energy=200.0, collection_angle=12.0)
    return Spectrum(energy or Axis(100 + 0.5 * np.arange(E), "energy_loss"), counts, Noise("poisson", None), meta,
                    navigation=navigation)  # fmt: skip


def ncem(path, data):
    """EMD as NCEM writes it: dimensions named one by one, last axis of the file first."""
    with h5py.File(path, "w") as file:
        file.attrs["version_major"], file.attrs["version_minor"] = 0, 2
        group = file.create_group("data/eels")
        group.attrs["emd_group_type"] = 1
        group["data"] = np.transpose(data)
        for number, (length, name, unit, step) in enumerate(
            ((E, "energy", "[e_V]", 0.5), (X, "x", "[n_m]", 4.0), (Y, "y", "[n_m]", 2.0)), start=1
        ):
            group[f"dim{number}"] = 100.0 * (number == 1) + step * np.arange(length)
            group[f"dim{number}"].attrs.update({"name": name, "units": unit})


def velox(path, data):
    """The part of a Velox file with EELS that is read: file axes x, energy, y."""
    text = (
        '{"BinaryResult": {"Offset": {"x": "0", "y": "0"}, "PixelSize": {"width": "4e-9", "height": "2e-9"},'
        ' "PixelUnitX": "m", "PixelUnitY": "m"}, "Data": {"offset": 100.0, "dispersion": 0.5},'
        ' "Optics": {"AccelerationVoltage": "300000"}}'
    )
    packed = np.zeros((2000, 1), np.uint8)
    packed[: len(text), 0] = np.frombuffer(text.encode(), np.uint8)
    with h5py.File(path, "w") as file:
        file["Version"] = np.array([b'{"version": "11"}'])
        file.create_group("Data/SpectrumImage/a")["Metadata"] = packed
        group = file.create_group("Data/EelsSpectrumImage/b")
        group["Metadata"], group["AcquisitionMetadata"] = packed, packed
        group["Data"] = np.transpose(data, (1, 2, 0))
        file.create_group("Data/SpectrumStream")


@pytest.fixture(params=["dm3", "dm4", "hspy", "ncem", "velox", "nexus"])
def path(request, tmp_path):
    file = tmp_path / f"image.{request.param}"
    if request.param.startswith("dm"):
        file.write_bytes(dm(int(request.param[-1])))
    elif request.param == "hspy":
        write_hspy(file, spectrum())
    elif request.param == "ncem":
        ncem(file, DATA)
    elif request.param == "velox":
        velox(file, DATA)
    else:
        write_nexus(file, [spectrum(DATA.astype(np.int32))])
    return file


def test_in_memory_and_on_the_disk_are_the_same(path, monkeypatch):
    (held,) = read(path)
    monkeypatch.setattr(stored, "IN_MEMORY", 1000)
    (lying,) = read(path)
    assert (held.stored, lying.stored) == (False, True)
    assert held.counts.shape == lying.counts.shape == (Y, X, E)
    np.testing.assert_array_equal(held.y, DATA)
    assert same(lying.axis, held.axis)
    assert same(lying.navigation, held.navigation)
    assert (lying.noise, lying.meta) == (held.noise, held.meta)
    for start, stop in PIECES:
        np.testing.assert_array_equal(lying.rows(start, stop), held.rows(start, stop))
    np.testing.assert_array_equal(lying.summed().y, held.summed().y)
    assert [axis.step for axis in held.navigation] == pytest.approx([2.0, 4.0])
    for place in (0, 5, E - 1):
        np.testing.assert_array_equal(lying.counts.channel(place), DATA[..., place].reshape(-1))


@pytest.mark.parametrize("flip", ["energy", "x"])
def test_axes_that_fall_are_turned_round(flip, tmp_path, monkeypatch):
    energy, width = (-0.5, 4.0) if flip == "energy" else (0.5, -4.0)
    axes = [(-200.0, energy, "eV"), (0.0, 2.0, "nm"), (0.0, width, "nm")]
    (tmp_path / "a.dm4").write_bytes(dm(axes=axes))
    (held,) = read(tmp_path / "a.dm4")
    monkeypatch.setattr(stored, "IN_MEMORY", 1000)
    (lying,) = read(tmp_path / "a.dm4")
    turned = DATA[..., ::-1] if flip == "energy" else DATA[:, ::-1]
    np.testing.assert_array_equal(held.y, turned)
    for start, stop in PIECES:
        np.testing.assert_array_equal(lying.rows(start, stop), turned.reshape(-1, E)[start:stop])
    np.testing.assert_array_equal(lying.counts.channel(2), turned[..., 2].reshape(-1))


@pytest.mark.parametrize(("dtype", "kind"), [("<i2", "i"), ("<u2", "u"), ("<i4", "i"), ("<f4", "f"), ("<f8", "f")])
def test_types_of_numbers(dtype, kind, tmp_path, small_memory):
    (tmp_path / "a.dm4").write_bytes(dm(data=DATA.astype(dtype)))
    (lying,) = read(tmp_path / "a.dm4")
    assert (lying.counts.dtype.kind, lying.counts.by_channel) == (kind, True)
    np.testing.assert_array_equal(lying.rows(0, Y * X), DATA.reshape(-1, E))


def test_series_lines_and_single_pixels_lose_their_empty_axes(tmp_path, monkeypatch):
    line = DATA[:1]
    (tmp_path / "a.dm4").write_bytes(dm(data=line))
    (held,) = read(tmp_path / "a.dm4")
    monkeypatch.setattr(stored, "IN_MEMORY", 100)
    (lying,) = read(tmp_path / "a.dm4")
    assert held.counts.shape == lying.counts.shape == (X, E)
    np.testing.assert_array_equal(lying.rows(0, X), held.rows(0, X))


def test_two_images_of_one_file(tmp_path, small_memory):
    low = made_dm.image(np.moveaxis(DATA, -1, 0), [(20.0, 0.5, "eV"), *AXES[1:]], name="low")
    core = made_dm.image(np.moveaxis(2 * DATA, -1, 0), AXES, name="core")
    (tmp_path / "dual.dm4").write_bytes(made_dm.file(low, core))
    first, second = read(tmp_path / "dual.dm4")
    assert [first.name, second.name] == ["low", "core"]
    np.testing.assert_array_equal(2 * first.rows(3, 8), second.rows(3, 8))
    assert first.counts.fingerprint != second.counts.fingerprint


@pytest.mark.parametrize("form", ["", "Image"])
def test_a_stack_without_the_word_spectrum_image_is_known_by_its_unit(form, tmp_path):
    (tmp_path / "a.dm4").write_bytes(dm(form=form))
    (held,) = read(tmp_path / "a.dm4")
    np.testing.assert_array_equal(held.y, DATA)


def test_an_image_of_the_camera_is_left_out(tmp_path):
    camera = made_dm.image(DATA[0].T.copy(), [(0.0, 1.0, ""), (0.0, 0.5, "eV")], form="Image")
    (tmp_path / "a.dm4").write_bytes(made_dm.file(camera))
    with pytest.raises(BadFile, match="2 signal axes"):
        read(tmp_path / "a.dm4")


# -- over the pipe, on other days -----------------------------------------------------------------------------------


def test_the_child_hands_over_a_reference(tmp_path, reader_child):
    """A sparse file, larger than memory should hold: no number goes through the pipe."""
    shape = (1024, 200, 200)
    before, length, after = made_dm.file(made_dm.image(made_dm.Hole(shape, np.dtype("<f4")), AXES))
    path = tmp_path / "large.dm4"
    with path.open("wb") as file:
        file.write(before)
        file.seek(length, 1)
        file.write(after)
    (lying,) = read_in_child(path)
    assert isinstance(lying.counts, FileArray)
    assert lying.counts.shape == (200, 200, 1024)
    assert not lying.rows(17, 40).any()
    assert lying.counts.readable()


def test_what_the_pipe_carries_is_checked(tmp_path, small_memory):
    (tmp_path / "a.dm4").write_bytes(dm())
    (lying,) = read(tmp_path / "a.dm4")
    text, buffers = encode([lying])
    (back,) = decode(text, buffers)
    assert same(back, lying)
    np.testing.assert_array_equal(back.rows(2, 9), lying.rows(2, 9))
    assert len(buffers) == 3  # axes only
    for old, new in ((b'"offset": ', b'"offset": -7'), (b'"form": "<f4"', b'"form": "O"'), (b'[2, 1, 0]', b'[2, 1, 9]'),
                     (b'"inside": [24', b'"inside": [99'), (b'"order"', b'"ordre"')):
        assert old in text or old == b'[2, 1, 0]'
        with pytest.raises(SodaliteError):
            decode(text.replace(old, new) if old in text else text.replace(b'"order": [1', b'"order": [9'), buffers)


def test_a_file_that_is_cut_off_or_gone_is_one_clear_error(tmp_path, small_memory):
    path = tmp_path / "a.dm4"
    path.write_bytes(dm())
    (lying,) = read(path)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(BadFile, match="shorter than it says"):
        lying.rows(0, Y * X)
    assert not lying.counts.readable()
    with pytest.raises(BadFile):
        read(path)
    path.unlink()
    with pytest.raises(BadFile, match="cannot be read any more"):
        lying.rows(0, 1)


@pytest.mark.parametrize("suffix", ["hspy", "nexus"])
def test_damage_of_hdf5_behind_the_back_is_one_clear_error(suffix, tmp_path, small_memory):
    path = tmp_path / f"a.{suffix}"
    write_hspy(path, spectrum()) if suffix == "hspy" else write_nexus(path, [spectrum()])
    (lying,) = read(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(BadFile):
        lying.rows(0, Y * X)
    path.write_bytes(b"no HDF5 at all")
    with pytest.raises(BadFile):
        lying.rows(0, Y * X)


def test_the_fingerprint_is_that_of_the_content_not_of_place_and_time(tmp_path, small_memory):
    path = tmp_path / "a.dm4"
    path.write_bytes(dm())
    (lying,) = read(path)
    other = tmp_path / "b.dm4"
    other.write_bytes(dm())
    os.utime(other, ns=(1, 1))
    (moved,) = read(other)
    assert moved.counts.fingerprint == lying.counts.fingerprint
    assert same(replace(moved, meta=lying.meta), lying)
    changed = bytearray(path.read_bytes())
    changed[lying.counts.offset + 2] ^= 1  # in the first spectrum
    path.write_bytes(bytes(changed))
    assert not lying.counts.readable()


def _good(path):
    """Files by suffix, and what they say."""
    if path.suffix == ".dm4":
        path.write_bytes(dm())
    else:
        write_hspy(path, spectrum())
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".dm4", ".hspy"])
@pytest.mark.parametrize("cases", [25, pytest.param(400, marks=pytest.mark.full)])
def test_damaged_files_are_refused_or_read_as_what_they_say(suffix, cases, tmp_path, small_memory, reader_child):
    """Bytes are changed or cut off; what is still read gives numbers of its shape, or our own error."""
    path = tmp_path / f"a{suffix}"
    good = _good(path)
    rng = random.Random(f"{suffix} {cases}")
    refused = []
    for _ in range(cases):
        changed = bytearray(good)
        if rng.random() < 0.3:
            del changed[rng.randrange(len(changed)) :]
        for _ in range(rng.randint(1, 8)):
            if changed:
                changed[rng.randrange(len(changed))] = rng.choice((0, 255, 1, 128, rng.randrange(256)))
        path.write_bytes(bytes(changed) or b"x")
        try:
            # DM4 is parsed in Python; damaged HDF5 can end a process, and is therefore read in another.
            spectra = read(path) if suffix == ".dm4" else read_in_child(path)
            for one in spectra:
                assert one.rows(0, one.pixels).shape == (one.pixels, len(one.axis))
        except SodaliteError as error:
            refused.append(error)
    assert refused
    assert all(error.what and error.where for error in refused)
