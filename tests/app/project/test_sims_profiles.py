"""Looks at profiles, profiles beside, factors as traces, and the table of ions, without a window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.project.project import Project, add_spectra
from app.project.sims_ions import correct_dead_time, ion_table, rename_by_peaks, with_masses
from app.project.sims_profiles import add_profile, other_profiles, ratio_columns, show_profile, with_look
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.sims.setup import DepthScale, MassPeak
from libraries.errors import BadData


def profile(labels=("total", "NaF2-", "Cl-", "^37Cl-"), points=20, extra=(), counts=None) -> Spectrum:
    rng = np.random.default_rng(0)
    if counts is None:
        counts = rng.poisson(100.0, (points, len(labels)))
    return Spectrum(Axis(np.arange(float(len(labels))), "ion", "", labels, (0.0, 60.987, 34.969, 36.966)), counts,
                    Noise("poisson", 1.0), Meta(title="p", region="p", technique="sims", extra=extra),
                    navigation=(Axis(np.arange(1.0, points + 1), "time", "s"),))


def project(*spectra: Spectrum) -> Project:
    return add_spectra(Project(), list(spectra))


def test_what_cannot_be_drawn_is_noted_and_the_rest_is():
    one = project(profile(), profile(("total", "NaF2-", "Br-", "^81Br-"), points=30))
    first, second = one.entries
    assert other_profiles(one, first.id) == (second,)
    one = with_look(one, first.id, ions=("NaF2-", "Cl-"), overlaid=(second.id,), axis="dose")
    entry = one.entry(first.id)
    shown = show_profile(entry, entry.spectrum, {second.id: (second, second.spectrum)})
    assert [d.key for d in shown.drawn] == ["NaF2-", "Cl-", f"{second.id}/NaF2-"]
    assert shown.drawn[2].colour == shown.drawn[0].colour
    assert shown.along.quantity == "time"
    assert any("no dose axis" in note for note in shown.notes)
    assert any("Cl⁻" in note for note in shown.notes)
    assert with_look(one, first.id, axis="dose") is one


def test_beside_another_polarity_its_own_traces_are_drawn():
    one = project(profile(), profile(("total", "Na2F+", "Na2Cl+", "Na2OH+"), points=30))
    first, second = one.entries
    one = with_look(one, first.id, ions=("NaF2-", "Cl-"), overlaid=(second.id,))
    entry = one.entry(first.id)
    shown = show_profile(entry, entry.spectrum, {second.id: (second, second.spectrum)})
    assert f"{second.id}/Na2F+" in {d.key for d in shown.drawn if d.other}
    assert all(d.words.endswith("positive ions") for d in shown.drawn if d.other)
    assert any("none of these ions" in note for note in shown.notes)


def test_depth_axis_needs_a_scale():
    one = project(profile())
    entry = one.entries[0]
    look = replace(entry.profile, axis="depth")
    lost = show_profile(replace(entry, profile=look), entry.spectrum)
    assert lost.along.quantity == "time"
    assert "Depth page" in lost.notes[0]
    deep = show_profile(replace(entry, profile=look, depth=DepthScale("rate", rate=0.5)), entry.spectrum)
    assert deep.along.unit == "nm"
    assert np.allclose(deep.along.values, 0.5 * entry.spectrum.navigation[0].values)
    assert deep.notes == ()


def test_factor_names_without_an_analysis_are_noted():
    entry = project(profile()).entries[0]
    entry = replace(entry, profile=replace(entry.profile, ions=("Cl-", "factor:gone/1")))
    shown = show_profile(entry, entry.spectrum)
    assert len(shown.drawn) == 1
    assert "gone" in shown.notes[0]


def test_regions_and_ratio_columns():
    one = project(profile(extra=(("ratio column", "NaF2- / ( Cl- )"), ("other", "x"))))
    assert ratio_columns(one.entries[0].spectrum) == ("NaF2- / ( Cl- )",)
    more, id = add_profile(one, one.entries[0].id, profile(), "Left")
    assert more.entry(id).title == "Left"
    assert more.entry(id).sample == one.entries[0].sample


def test_table_of_ions_and_its_edits():
    rng = np.random.default_rng(1)
    pulses, mean = 5000.0, np.full(60, 6000.0)
    counts = np.stack([rng.poisson(mean), rng.poisson(50.0, 60), rng.binomial(5000, -np.expm1(-mean / pulses)),
                       rng.binomial(5000, -np.expm1(-0.3198 * mean / pulses))], axis=1)
    counts[:, 0] = counts[:, 1:].sum(axis=1)
    one = project(profile(points=60, counts=counts))
    entry = one.entries[0]
    table = ion_table(entry, entry.spectrum)
    rows = {row.name: row for row in table.rows}
    assert "CHO₃⁻" in rows["NaF2-"].also
    assert rows["NaF2-"].difference == pytest.approx(1e3 * (60.987 - 60.98712), abs=0.02)
    assert rows["Cl-"].error == pytest.approx(np.sqrt(rows["Cl-"].counts))
    assert (table.resolution, table.given, table.raw) == (6000.0, False, True)
    assert table.checks[0].excess > 0.2
    with pytest.raises(BadData, match="pulses"):
        correct_dead_time(one, entry.id)
    with pytest.raises(BadData):
        with_masses(one, entry.id, pulses=-1.0)
    one = correct_dead_time(with_masses(one, entry.id, pulses=pulses), entry.id)
    entry = one.entries[0]
    fixed = entry.processed()
    assert fixed.y[:, 2].sum() == pytest.approx(mean.sum(), rel=0.01)
    after = ion_table(entry, fixed)
    assert not after.raw
    assert abs(after.checks[0].excess) < 0.05


def test_peak_lists_name_channels_by_mass_only():
    one = project(profile())
    id = one.entries[0].id
    peaks = (MassPeak("CHO3-", 60.993, 60.95, 61.03), MassPeak("Cl-", 34.969, 34.9, 35.0),
             MassPeak("X-", 5.0, 4.9, 5.1))
    named, count = rename_by_peaks(one, id, peaks)
    assert count == 1
    assert named.entry(id).processed().axis.labels == ("total", "CHO3-", "Cl-", "^37Cl-")
    with pytest.raises(BadData, match="No line"):
        rename_by_peaks(one, id, peaks[1:])
