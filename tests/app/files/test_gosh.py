"""Oscillator strengths of the user: a file made from the hydrogenic ones gives the hydrogenic cross-sections."""

import h5py
import numpy as np
import pytest

from app.files.gosh import GoshFile
from fitting.eels import hydrogenic
from fitting.eels.core_edges import edge_curve
from fitting.eels.kinematics import Beam, Constants
from libraries.edges import edge
from libraries.errors import BadFile, NotDetermined

BEAM = Beam(300, 1.0, 10.0)
RYDBERG = Constants().rydberg
A0 = Constants().bohr_radius


def made(path, element="C", z=6, *, shape_error=False, link=False):
    """A GOSH file with the K shell of one element, from the formula of the hydrogenic model."""
    start = edge(f"{element} K").energy
    q = np.geomspace(1e8, 1e13, 400)  # 1/m
    above = np.concatenate(([0.01], np.geomspace(0.3, 600, 120)))
    strength = hydrogenic.k_shell(z, (start + above)[None, :], ((q * 1e-9 * A0) ** 2)[:, None], RYDBERG)
    with h5py.File(path, "w") as file:
        info = file.create_group("metadata/edges_info/K")
        info.attrs["table"], info.attrs["occupancy_ratio"] = "K1", 1.0
        file.create_group("metadata/data_ref").attrs["data_doi"] = "10.0/made"
        group = file.create_group(f"{element}/K1")
        group["data"] = strength[None, :-1] if shape_error else strength[None]
        group["q"] = q
        if link:
            group["free_energies"] = h5py.ExternalLink("other.h5", "/x")
        else:
            group["free_energies"] = above
    return path


def test_agrees_with_the_model_it_was_made_of(tmp_path, measured):
    found = GoshFile(made(tmp_path / "c.gosh"))
    assert found.elements == ("C",)
    assert "made" in found.source
    curve, own = found.curve("C K", BEAM, 200.0), edge_curve(edge("C K"), BEAM, 200.0)
    off = max(abs(curve.integral(width) / own.integral(width) - 1) for width in (20.0, 50.0, 100.0))
    measured("GOSH file against the hydrogenic model it was made of", 100 * off, "%", "<= 0.5")
    assert off < 0.005
    assert curve.model == "gosh"


@pytest.mark.parametrize(("change", "words"), [({"shape_error": True}, "momenta"), ({"link": True}, "link")])
def test_damaged_files_are_refused(tmp_path, change, words):
    found = GoshFile(made(tmp_path / "c.gosh", **change))
    with pytest.raises(BadFile, match=words):
        found.curve("C K", BEAM, 100.0)


def test_what_is_not_there(tmp_path):
    found = GoshFile(made(tmp_path / "c.gosh"))
    with pytest.raises(NotDetermined, match="no K shell of N"):
        found.curve("N K", BEAM, 100.0)
    with pytest.raises(NotDetermined, match="no L3 shell"):
        found.curve("Ti L2,3", BEAM, 100.0)


def test_other_files_are_refused(tmp_path):
    text = tmp_path / "no.gosh"
    text.write_text("nothing")
    with pytest.raises(BadFile, match="no HDF5"):
        GoshFile(text)
    empty = tmp_path / "empty.gosh"
    h5py.File(empty, "w").close()
    with pytest.raises(BadFile, match="edges_info"):
        GoshFile(empty)
