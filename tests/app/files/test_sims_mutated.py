"""Damaged ToF-SIMS files: refused with a reason, or read as what they now say; nothing is invented or takes long."""

import random
import time

import numpy as np
import pytest

from app.files import read
from app.files.cube_ascii import IonFile, read_volume
from libraries.errors import SodaliteError
from tests.app.files.made_sims import bif6, grd, imzml, voxels
from tests.app.files.test_bif6_grd import INTERVALS, events, images
from tests.app.files.test_imzml import pixels
from tests.app.files.test_mutated import LONG, SECONDS, SHORT, _in_bytes, _in_text, _mutated


def _ascii(rng, folder):
    path = folder / "a (1) - Na+.txt"
    data = _mutated(rng, voxels(np.random.default_rng(3).poisson(3.0, (3, 4, 5)), header="x y z counts"))
    path.write_bytes(data)
    volume, _ = read_volume(IonFile(path, "Na+"))
    assert set(volume.ravel().tolist()) <= _in_text(data) | {0}


def _imzml(rng, folder):
    path = imzml(folder / "a.imzML", pixels(), size=(4, 3), packed=rng.random() < 0.3)
    hurt = path if rng.random() < 0.7 else path.with_suffix(".ibd")
    data = hurt.read_bytes().replace(b"><", b">\n<") if hurt is path else hurt.read_bytes()
    hurt.write_bytes(_mutated(rng, data, binary=hurt is not path))
    for spectrum in read(path):
        assert np.all(np.diff(spectrum.x) > 0)
        assert np.all(np.isfinite(spectrum.y))


def _bif6(rng, folder):
    path = folder / "a.bif6"
    data = _mutated(rng, bif6(images(), INTERVALS), binary=True)
    path.write_bytes(data)
    (image,) = read(path)
    assert set(image.y.ravel().tolist()) <= _in_bytes(data)


def _grd(rng, folder):
    path = folder / "a.grd"
    path.write_bytes(_mutated(rng, grd(events(count=300)), binary=True))
    spectrum, *cubes = read(path)
    assert all(cube.counts.sum() == spectrum.counts.sum() for cube in cubes)


KINDS = {"cube_ascii": _ascii, "imzml": _imzml, "bif6": _bif6, "grd": _grd}


def _run(kind, folder, cases, seed):
    """Number of files read and longest time; anything but our own error fails."""
    rng = random.Random(f"{kind} {seed}")
    intact, longest = 0, 0.0
    for _ in range(cases):
        start, refused = time.process_time(), None
        try:
            KINDS[kind](rng, folder)
            intact += 1
        except SodaliteError as error:
            refused = error
        if refused is not None:
            assert refused.what
            assert str(folder) in refused.where
            assert refused.todo
        longest = max(longest, time.process_time() - start)
    return intact, longest


@pytest.mark.parametrize("kind", KINDS)
def test_changed_files(tmp_path, kind):
    intact, _ = _run(kind, tmp_path, SHORT, 1)
    assert intact < SHORT


@pytest.mark.full
@pytest.mark.parametrize("kind", KINDS)
def test_changed_files_long(tmp_path, kind, measured):
    _run(kind, tmp_path, 3, 3)  # machine code is loaded
    intact, longest = _run(kind, tmp_path, LONG, 2)
    assert longest < SECONDS
    measured(f"{kind}: mutated files read or refused", f"{intact} of {LONG} read, {LONG - intact} refused")
    measured(f"{kind}: longest reading of a mutated file", longest, "s", f"< {SECONDS}")
