"""The project: ids, look-ups, replacement."""

from __future__ import annotations

import pytest

from app.project.project import Entry, Project, RegionFit, Sample, add_spectra, fresh_id
from fitting.dataset import Axis, Meta, Spectrum
from fitting.model import FitModel
from libraries.errors import UnknownName


def spectrum(region: str, sample: str = "") -> Spectrum:
    return Spectrum(Axis([1.0, 2.0], "binding_energy"), [3, 4], meta=Meta(region=region, sample=sample))


@pytest.mark.parametrize(
    ("prefix", "taken", "id"),
    [("C 1s", set(), "c_1s"), ("C 1s", {"c_1s"}, "c_1s_2"), ("é", set(), "item"), ("é", ("item", "item_2"), "item_3")],
)
def test_fresh_id(prefix, taken, id):
    assert fresh_id(prefix, taken) == id


def test_add_spectra_makes_samples():
    project = add_spectra(Project(), [spectrum("C 1s", "A"), spectrum("C 1s", "A"), spectrum("O 1s")])
    assert [(e.id, e.sample) for e in project.entries] == [("c_1s", "a"), ("c_1s_2", "a"), ("o_1s", "sample")]
    assert [s.name for s in project.samples] == ["A", "Sample"]
    assert [e.id for e in add_spectra(project, [spectrum("F 1s", "A")], "B").entries_of("b")] == ["f_1s"]
    assert len(project.entries_of("a")) == 2


def test_look_ups_and_replacement():
    project = add_spectra(Project(), [spectrum("C 1s", "A")])
    assert project.find("C 1s") is project.find("c_1s") is project.entry("c_1s")
    for call in (project.entry, project.find, project.sample, project.without_entry):
        with pytest.raises(UnknownName):
            call("nothing")
    renamed = project.with_entry(Entry("c_1s", spectrum("C 1s"), "a", "Carbon"))
    assert [e.title for e in renamed.entries] == ["Carbon"]
    assert project.without_entry("c_1s").entries == ()
    assert project.with_sample(Sample("a", "new")).samples == (Sample("a", "new"),)
    assert project.with_history("2026-01-01", "x").history[0].text == "x"
    assert project.equals(add_spectra(Project(), [spectrum("C 1s", "A")]))
    assert not project.equals(renamed)


def test_fits_of_an_entry():
    first, second = (RegionFit("r1", FitModel((1.0, high))) for high in (2.0, 3.0))
    entry = Entry("e", spectrum("C 1s")).with_fit(first).with_fit(second)
    assert entry.fits == (second,)
    assert entry.fit("r1").name == "r1"
    assert entry.without_fit("r1").fits == ()
    for call in (entry.fit, entry.without_fit):
        with pytest.raises(UnknownName):
            call("r9")
