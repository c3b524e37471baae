"""Low and core loss of one scan: found where it is certain, left alone where it is not, said by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.cli.inputs import everything_in
from app.project.pairs import pair_up, pair_words, use_as_low_loss
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Spectrum
from libraries.errors import BadData
from tests.app.files import made_dm

LOW, CORE, FAR = (-20.0, 100.0), (250.0, 400.0), (480.0, 600.0)


def spectrum(title, span, shape=(), *, file="", step=2.0, beam=None, quantity="energy_loss"):
    axis = Axis(np.linspace(*span, 8), quantity)
    navigation = tuple(Axis(step * np.arange(n), "distance", "nm") for n in shape)
    meta = Meta(title=title, region=title, technique="eels", file=file, beam_energy=beam)
    return Spectrum(axis, np.ones((*shape, 8)), meta=meta, navigation=navigation)


def pairs(*spectra):
    before = add_spectra(Project(), list(spectra))
    after = pair_up(before)
    names = {entry.id: entry.title for entry in after.entries}
    assert len(pair_words(before, after)) == sum(bool(entry.low_loss) for entry in after.entries)
    return {entry.title: names[entry.low_loss] for entry in after.entries if entry.low_loss}


IMAGE = (4, 5)


@pytest.mark.parametrize(
    ("spectra", "found"),
    [
        # Two images of one scan, whatever they are called.
        ((spectrum("a", LOW, IMAGE), spectrum("b", CORE, IMAGE)), {"b": "a"}),
        # One low loss, two ranges of core losses with a name in common.
        ((spectrum("s low", LOW, IMAGE), spectrum("s core", CORE, IMAGE), spectrum("s high loss", FAR, IMAGE)),
         {"s core": "s low", "s high loss": "s low"}),
        # Two scans: names tell.
        ((spectrum("scan1_low", LOW, IMAGE), spectrum("scan1_core", CORE, IMAGE), spectrum("scan2_low", LOW, IMAGE),
          spectrum("scan2_core", CORE, IMAGE)), {"scan1_core": "scan1_low", "scan2_core": "scan2_low"}),
        # Two scans that names do not tell apart: nothing is guessed.
        ((spectrum("a", LOW, IMAGE), spectrum("b", LOW, IMAGE), spectrum("c", CORE, IMAGE)), {}),
        ((spectrum("a", LOW, IMAGE), spectrum("b", CORE, IMAGE), spectrum("c", CORE, IMAGE)), {}),
        # Other pixels, other pixel size, other beam.
        ((spectrum("a", LOW, IMAGE), spectrum("b", CORE, (5, 4))), {}),
        ((spectrum("a", LOW, IMAGE), spectrum("b", CORE, IMAGE, step=3.0)), {}),
        ((spectrum("a", LOW, IMAGE, beam=200.0), spectrum("b", CORE, IMAGE, beam=300.0)), {}),
        # A series of points on a line.
        ((spectrum("a", LOW, (9,)), spectrum("b", CORE, (9,))), {"b": "a"}),
        # Single spectra by their names alone.
        ((spectrum("x", LOW, file="STO_low_loss.msa"), spectrum("y", CORE, file="STO_core_loss.msa")), {"y": "x"}),
        ((spectrum("x", LOW, file="STO_low_loss.msa"), spectrum("y", CORE, file="BTO_core_loss.msa")), {}),
        ((spectrum("STO low loss", LOW), spectrum("STO core loss", CORE)), {"STO core loss": "STO low loss"}),
        ((spectrum("a", LOW), spectrum("b", CORE)), {}),
        ((spectrum("BN low loss", LOW), spectrum("BN core loss 200", CORE, (200,))), {}),
        # Both with a zero loss, or none.
        ((spectrum("a", LOW, IMAGE), spectrum("b", LOW, IMAGE)), {}),
        ((spectrum("a", CORE, IMAGE), spectrum("b", FAR, IMAGE)), {}),
        # No energy losses.
        ((spectrum("a", LOW, IMAGE, quantity="kinetic_energy"), spectrum("b", CORE, IMAGE)), {}),
    ],
)  # fmt: skip
def test_pairs(spectra, found):
    assert pairs(*spectra) == found


def test_a_choice_of_the_user_stays():
    project = add_spectra(Project(), [spectrum("a", LOW, IMAGE), spectrum("b", CORE, IMAGE)])
    project = project.with_entry(replace(project.entry("b"), low_loss="other"))
    assert pair_up(project).entry("b").low_loss == "other"
    assert pair_up(project, ["a"]) is project


def test_by_hand():
    project = add_spectra(Project(), [spectrum("BN low loss", LOW), spectrum("BN core", CORE, (200,)),
                                      spectrum("image low", LOW, (4, 5)), spectrum("far", FAR)])  # fmt: skip
    ids = {entry.title: entry.id for entry in project.entries}
    after, low, core = use_as_low_loss(project, (ids["BN core"], ids["BN low loss"]))
    assert (low.title, core.title) == ("BN low loss", "BN core")
    assert after.entry(core.id).low_loss == low.id
    for names, words in (
        (("BN core",), "Choose the two"), (("BN core", "far"), "of neither holds 0 eV"),
        (("BN low loss", "image low"), "of both hold 0 eV"), (("image low", "BN core"), "has not the pixels"),
    ):  # fmt: skip
        with pytest.raises(BadData, match=words):
            use_as_low_loss(project, [ids[name] for name in names])


def test_dual_eels_in_one_file(tmp_path):
    """As DigitalMicrograph writes it: two images with the same pixels; the command line opens them as a pair."""
    data = np.ones((8, 4, 5), "<f4")
    low = made_dm.image(data, [(4.0, 0.5, "eV"), (0, 2, "nm"), (0, 2, "nm")], name="EELS Spectrum Image (low-loss)")
    axes = [(-500.0, 0.5, "eV"), (0, 2, "nm"), (0, 2, "nm")]
    high = made_dm.image(data, axes, name="EELS Spectrum Image (high-loss)")
    (tmp_path / "dual.dm4").write_bytes(made_dm.file(low, high))
    first, second = everything_in(tmp_path / "dual.dm4").entries
    assert second.low_loss == first.id
    assert first.low_loss == ""


@pytest.mark.realdata
def test_measured_pairs_of_single_spectra(realdata):
    from app.files import read

    spectra = [read(realdata / "eels" / f"{name}.msa")[0] for name in
               ("SrTiO3_low_loss", "SrTiO3_core_loss", "Mn_O_low_loss", "Mn_O_core_loss", "BN_low_loss")]  # fmt: skip
    project = pair_up(add_spectra(Project(), spectra))
    files = {entry.id: entry.spectrum.meta.file for entry in project.entries}
    found = {files[entry.id]: files[entry.low_loss] for entry in project.entries if entry.low_loss}
    assert found == {"SrTiO3_core_loss.msa": "SrTiO3_low_loss.msa", "Mn_O_core_loss.msa": "Mn_O_low_loss.msa"}
