"""Arrays in files: pieces, fingerprints, axes, and what is refused."""

from __future__ import annotations

import os
from dataclasses import replace

import h5py
import numpy as np
import pytest

from app.files.arrays import axis_in, axis_of, file_array
from app.files.nexus_writer import write_nexus
from app.files.stored_series import series_in, stored_series
from fitting.dataset import Axis, Meta, Noise, Spectrum
from libraries.errors import BadData, BadFile, UnknownName

COUNTS = np.random.default_rng(2).poisson(50.0, (4, 6, 30)).astype(np.uint16)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("a/counts", data=COUNTS, chunks=(2, 4, 30), compression="gzip", shuffle=True)
        file["a/energy"] = np.linspace(290.0, 280.0, 30)
        file["a/energy"].attrs["quantity"] = "binding_energy"
        file["a/plain"] = np.arange(30.0)
        file["a/text"] = "hello"
        file["a/complex"] = np.ones((2, 3), dtype=complex)
        file["soft"] = h5py.SoftLink("/a/counts")
        file["outside"] = h5py.ExternalLink("other.h5", "/x")
    return path


@pytest.mark.parametrize("kind", ["hdf5", "npy", "fortran"])
def test_any_piece_of_an_image(kind, image, tmp_path):
    if kind == "hdf5":
        source = file_array(image, "/a/counts")
    else:
        np.save(tmp_path / "image.npy", np.asfortranarray(COUNTS) if kind == "fortran" else COUNTS)
        source = file_array(tmp_path / "image.npy")
    assert (source.shape, source.dtype, source.portable) == ((4, 6, 30), np.uint16, True)
    flat = COUNTS.reshape(-1, 30)
    for start, stop in ((0, 24), (0, 1), (5, 7), (3, 20), (23, 24), (6, 12)):
        piece = source.read(start, stop)
        np.testing.assert_array_equal(piece, flat[start:stop])
        assert piece.dtype == np.uint16
    assert source.readable()
    turned = source.reversed_if(True)
    np.testing.assert_array_equal(turned.read(3, 5), flat[3:5, ::-1])
    assert turned.fingerprint != source.fingerprint
    assert turned.readable()


def test_the_fingerprint_follows_the_content(image):
    source = file_array(image, "a/counts")
    assert file_array(image, "/a/counts").fingerprint == source.fingerprint
    status = image.stat()
    with h5py.File(image, "r+") as file:
        file["a/counts"][0, 0, 0] += 1
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file_array(image, "a/counts").fingerprint != source.fingerprint
    assert not source.readable()
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns + 1000))
    assert not replace(source, fingerprint=source.fingerprint).readable()


def test_a_file_that_goes_or_changes_is_named(image):
    source = file_array(image, "a/counts")
    with h5py.File(image, "w") as file:
        file["a/counts"] = COUNTS[:2]
    with pytest.raises(BadFile, match="changed"):
        source.read(0, 2)
    image.unlink()
    assert not source.readable()
    with pytest.raises(BadFile, match="no such file"):
        source.read(0, 2)


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("a/none", "no such array"), ("", "no such array"), ("a", "group stands"), ("a/counts/x", "no such array"),
        ("a/text", "holds no spectra"), ("a/complex", "made of numbers"), ("soft", "link"),
        ("outside", "another file"),
    ],
)  # fmt: skip
def test_what_is_no_array_of_spectra_is_refused(dataset, words, image):
    with pytest.raises(BadFile, match=words):
        file_array(image, dataset)


def test_other_files_are_refused(tmp_path, image):
    objects = np.empty(3, dtype=object)
    np.save(tmp_path / "objects.npy", objects, allow_pickle=True)
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY\x01\x00")
    (tmp_path / "cut.h5").write_bytes(image.read_bytes()[:3000])
    for name in ("objects.npy", "cut.npy", "cut.h5"):
        with pytest.raises(BadFile):
            file_array(tmp_path / name, "a/counts" if name.endswith("h5") else "")
    with pytest.raises(BadFile):
        file_array(tmp_path / "absent.npy")


def test_data_that_lie_elsewhere_are_refused(tmp_path):
    path = tmp_path / "virtual.h5"
    with h5py.File(path, "w") as file:
        file["real"] = COUNTS
        layout = h5py.VirtualLayout(COUNTS.shape, "u2")
        layout[...] = h5py.VirtualSource(path, "real", COUNTS.shape)
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("raw", (10,), "f8", external=[(str(tmp_path / "raw.bin"), 0, 80)])
    for name, words in (("virtual", "virtual"), ("raw", "another file")):
        with pytest.raises(BadFile, match=words):
            file_array(path, name)


def test_axes_ascend_or_are_turned_round(image):
    axis, reverse = axis_in(image, "/a/energy")
    assert reverse
    assert (axis.quantity, axis.unit) == ("binding_energy", "eV")
    np.testing.assert_allclose(axis.values, np.linspace(280.0, 290.0, 30))
    with pytest.raises(BadFile, match="does not say"):
        axis_in(image, "/a/plain")
    axis, reverse = axis_in(image, "/a/plain", "energy_loss", "keV")
    assert (reverse, axis.quantity, axis.unit) == (False, "energy_loss", "keV")
    with pytest.raises(BadFile, match="no axis"):
        axis_in(image, "/a/counts", "energy_loss")
    with pytest.raises(UnknownName):
        axis_of(np.arange(3.0), "colour")
    with pytest.raises(BadData, match="ascend"):
        axis_of(np.array([1.0, 3.0, 2.0]), "energy_loss")


def test_our_own_images_bring_axes_and_noise(tmp_path, image):
    navigation = (Axis(np.arange(4.0), "distance", "nm"), Axis(np.arange(6.0), "distance", "nm"))
    energies = Axis(np.linspace(0.0, 29.0, 30), "energy_loss")
    spectrum = Spectrum(energies, COUNTS, Noise("poisson", 2.0), Meta(title="BN"), None, navigation)
    write_nexus(tmp_path / "own.h5", [spectrum, spectrum.at(0, 0)])
    known = stored_series(tmp_path / "own.h5")
    assert [len(axes) for axes, _, _ in known.values()] == [3, 1]
    series = series_in(tmp_path / "own.h5", "/spectrum_0001/data/intensity")
    assert (series.noise, len(series.navigation), series.intensity_unit) == (Noise("poisson", 2.0), 2, "counts")
    np.testing.assert_array_equal(series.source.read(7, 9), COUNTS.reshape(-1, 30)[7:9])
    with pytest.raises(BadFile, match="no such series"):
        series_in(tmp_path / "own.h5", "/spectrum_0009/data/intensity")
    assert stored_series(image) == {}
