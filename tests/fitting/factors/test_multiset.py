"""Profiles resolved together have common spectra and amounts of their own."""

import numpy as np
import pytest

from app.project.factor_analysis import Wish, keep_together, solve, solve_together
from app.project.project import Project, add_spectra
from benchmarks._factor_problems import shares
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.factors.constraints import Constraints
from fitting.factors.multiset import joined
from libraries.errors import BadData

IONS = tuple(f"C{number}H-" for number in range(2, 26))
RNG = np.random.default_rng(4)
SPECTRA = RNG.exponential(1.0, (3, 24)) ** 2 + 0.1
SPECTRA /= SPECTRA.sum(axis=1, keepdims=True)


def profile(seed, amounts, name, order=None, labels=IONS):
    counts = np.random.default_rng(seed).poisson(amounts @ SPECTRA)
    index = np.arange(24) if order is None else np.asarray(order)
    labels = tuple(labels[i] for i in index)
    axis = Axis(np.arange(float(index.size)), "ion", "", labels)
    return Spectrum(axis, counts[:, index], Noise("poisson", 1.0), Meta(title=name, region=name, technique="sims"),
                    navigation=(Axis(np.arange(1.0, len(counts) + 1), "time", "s"),))


FIRST = shares(60, 3, 0.12) * np.array([6e3, 3e3, 5e3])
SECOND = shares(40, 3, 0.12)[:, [2, 0, 1]] * np.array([6e3, 3e3, 5e3])


def test_ions_are_matched_by_name_whatever_their_order():
    a, b = profile(0, FIRST, "a"), profile(1, SECOND, "b", order=np.arange(24)[::-1][:20])
    whole = joined([a, b])
    assert whole.spectrum.counts.shape == (100, 20)
    assert [a.axis.labels[i] for i in whole.places[0]] == [b.axis.labels[i] for i in whole.places[1]]
    assert whole.spectrum.counts[60:].sum() == b.counts.sum()
    found = solve_together([a, b], Wish("mcr", 3))
    assert found[1].labels == b.axis.labels
    for one, data in zip(found, (a, b), strict=True):
        fitted = one.depth.T @ one.spectra
        counts = np.asarray(data.counts, float)[:, [int(i) for i in one.energy]]
        degrees = len(counts) * (counts.shape[1] - 3)  # amounts of three factors at each point
        assert np.sum((fitted - counts) ** 2 / np.maximum(fitted, 1.0)) / degrees == pytest.approx(1.0, abs=0.12)


def test_more_profiles_make_the_spectra_better():
    a, b = profile(2, FIRST, "a"), profile(3, SECOND, "b")
    alone, together = solve(a, Wish("mcr", 3)), solve_together([a, b], Wish("mcr", 3))[0]

    def off(found):
        table = np.linalg.norm(found.spectra[:, None] - SPECTRA[None], axis=2)
        return float(table.min(axis=0).sum())

    assert off(together) < off(alone)


def test_every_entry_keeps_its_own_amounts_in_one_order():
    a, b = profile(4, FIRST, "a"), profile(5, SECOND, "b")
    project = add_spectra(Project(), [a, b])
    found = solve_together([a, b], Wish("mcr", 3, constraints=Constraints(closure=True), bands=True))
    rows = [(entry.id, one, entry.spectrum.hash) for entry, one in zip(project.entries, found, strict=True)]
    project, ids = keep_together(project, rows)
    first, second = (entry.factors[0] for entry in project.entries)
    assert ids == (first.id, second.id)
    assert np.array_equal(first.spectra, second.spectra)
    assert np.array_equal(first.yields, second.yields)
    assert first.amounts.shape == (3, 60)
    assert second.low.shape == second.amounts.shape == (3, 40)
    assert first.constraints == ("2 profiles together", "closure")


def test_what_does_not_fit_together_is_said():
    a = profile(6, FIRST, "a")
    positive = profile(7, FIRST, "b", labels=tuple(ion.replace("-", "+") for ion in IONS))
    with pytest.raises(BadData, match="0 ions in common"):
        joined([a, positive])
    with pytest.raises(BadData, match="same way"):
        joined([a, a.with_(noise=Noise("unknown"))])
    with pytest.raises(BadData, match="single profile"):
        solve_together([a, a], Wish("mcr", 3, constraints=Constraints(unimodal=True)))
