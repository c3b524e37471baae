"""SurfaceLab's block files, made after the published layout: spectrum and images come back; all else is refused."""

import random
import struct

import numpy as np
import pytest

from app.files import read, sniff
from libraries.errors import BadFile, SodaliteError
from tests.app.files.made_sims import tree
from tests.app.files.test_mutated import SHORT, _mutated

SLOPE, OFFSET = 32000.0, -120.0
ROWS, COLUMNS, SCANS, IONS = 4, 6, 3, 2


def volumes():
    return np.random.default_rng(5).poisson(4.0, (IONS, SCANS, ROWS, COLUMNS)).astype("<u4")


def interval(number, name, mass):
    parts = [("id", 0, struct.pack("<i", number)), ("assign", 0, name.encode("utf-16-le")),
             ("cmass", 0, struct.pack("<d", mass))]  # fmt: skip
    return ("mi", number, parts)


def measurement(counts, *, spectrum=None, added=True):
    whole = struct.Struct("<i")
    images = [("Image", i, [("ImageArray.Long", s, ("packed", one.tobytes())) for s, one in enumerate(volume)])
              for i, volume in enumerate(counts)]  # fmt: skip
    stack = [("ImageStackScans", 0, [("Image.XSize", 0, whole.pack(COLUMNS)), ("Image.YSize", 0, whole.pack(ROWS)),
                                     ("Image.NumberOfImages", 0, whole.pack(len(counts))), *images])]  # fmt: skip
    if added:
        stack.append(("ImageStackScansAdded", 0, [
            ("Image", i, [("ImageArray.Long", 0, ("packed", v.sum(axis=0).astype("<u4").tobytes()))])
            for i, v in enumerate(counts)]))  # fmt: skip
    parts = [("ImageStack", 0, [("Reduced Data", 0, stack)])]
    if spectrum is not None:
        law = [("sf", 0, struct.pack("<d", SLOPE)), ("k0", 0, struct.pack("<d", OFFSET))]
        parts.append(("Spectrum", 0, [("Reduced Data", 0, [
            ("IITFSpecArray", 0, [("CorrectedData", 0, ("packed", spectrum.astype("<f4").tobytes()))]),
            ("IMassScaleSFK0", 0, law)])]))  # fmt: skip
    return [
        ("filterdata", 0, [("TofCorrection", 0, parts)]),
        ("MassIntervalList", 0, [interval(0, "total", 0.0), interval(1, "Na2F+", 64.97739)]),
        ("Meta", 0, [("SI Image", 0, [("fieldofview", 0, struct.pack("<d", 60e-6))])]),
    ]


def test_spectrum_and_cube(tmp_path):
    counts = volumes()
    spectrum = np.random.default_rng(6).poisson(20.0, 4000).astype(float)
    path = tmp_path / "film.ita"
    path.write_bytes(tree(measurement(counts, spectrum=spectrum), room=53))
    assert sniff(path).name == "ita"
    mass, cube = read(path)
    np.testing.assert_array_equal(mass.counts, spectrum)
    np.testing.assert_array_equal(mass.x[:3], [0, 2, 4])
    assert cube.counts.shape == (SCANS, ROWS, COLUMNS, IONS)
    np.testing.assert_array_equal(np.moveaxis(cube.counts, -1, 0), counts)
    assert cube.axis.labels == ("total", "Na2F+")
    assert cube.axis.masses == (0.0, 64.97739)
    np.testing.assert_allclose(cube.navigation[2].values[:2], [5.0, 15.0])
    assert all("experimental" in dict(one.meta.extra) for one in (mass, cube))


def test_the_mass_scale_becomes_a_step(tmp_path):
    from app.project.project import Project, add_spectra

    path = tmp_path / "film.ita"
    path.write_bytes(tree(measurement(volumes(), spectrum=np.ones(4000))))
    entry = add_spectra(Project(), read(path)).entries[0]
    np.testing.assert_allclose(entry.processed().x[-1], ((2 * 3999 - OFFSET) / SLOPE) ** 2)


def test_too_many_scans_give_their_sum(tmp_path, monkeypatch):
    path = tmp_path / "film.ita"
    path.write_bytes(tree(measurement(volumes())))
    monkeypatch.setattr("fitting.stored.IN_MEMORY", ROWS * COLUMNS * IONS * 4)
    (image,) = read(path)
    np.testing.assert_array_equal(np.moveaxis(image.counts, -1, 0), volumes().sum(axis=1))


def test_files_without_known_parts_are_refused(tmp_path):
    path = tmp_path / "film.ita"
    path.write_bytes(tree([("something", 0, b"else")]))
    with pytest.raises(BadFile, match="known to be") as caught:
        read(path)
    assert "imzML" in caught.value.todo


def test_bombs_and_loops_are_refused(tmp_path):
    path = tmp_path / "film.ita"
    counts = volumes()
    blocks = measurement(counts)
    stack = blocks[0][2][0][2][0][2][0][2][0][2]
    stack[3] = ("Image", 0, [("ImageArray.Long", s, ("packed", bytes(1 << 26))) for s in range(SCANS)])
    path.write_bytes(tree(blocks))
    with pytest.raises(BadFile, match="more than they may be"):
        read(path)
    data = bytearray(tree(measurement(counts)))
    start = 8 + 25 + len("root") + 33  # the continuing block of the root: itself
    data[start : start + 8] = struct.pack("<Q", 8)
    path.write_bytes(bytes(data))
    with pytest.raises(BadFile):
        read(path)


def test_changed_files(tmp_path):
    rng = random.Random("ita")
    good = tree(measurement(volumes(), spectrum=np.arange(200.0)))
    path = tmp_path / "film.ita"
    refused = 0
    for _ in range(3 * SHORT):
        path.write_bytes(_mutated(rng, good, binary=True))
        error = None
        try:
            read(path)
        except SodaliteError as one:
            error = one
        if error is not None:
            refused += 1
            assert error.what
            assert str(path) in error.where
            assert error.todo
    assert refused
