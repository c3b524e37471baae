"""Doublets after the recipe of NIST's standard test data: misses, false doublets and energy bias of the search.

A condition is scored where theory says beforehand that data can decide it: where the best single line lies at least
Currie's detection limit (10.8 in -2 ln L, 5 % errors of either kind between two known models) from the doublet's
noiseless spectrum. The others are "not determined" for every method and are only counted.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.fitting.xps.doublet_series import (
    BACKGROUND,
    HEIGHTS,
    POSITION,
    RATIOS,
    SEPARATIONS,
    answer,
    determinable,
    doublet,
    reference,
    truth,
)

PUBLISHED_MISSES = 0.5  # up to 50 % of the doublets taken for singlets, Conny, Powell & Currie 1998
LOWEST_BIAS, HIGHEST_BIAS = -0.055 / 3, 0.34 / 3  # eV, a third of the published ones


@pytest.fixture(scope="module")
def form():
    """The line's form from the reference spectrum, and the offset of its energy."""
    return reference()


def series(form, conditions, replicas):
    """Answers by condition (height, ratio, separation), and the conditions that no data can decide."""
    answers, undecided = {}, []
    for height, ratio, separation in conditions:
        model = doublet(height, ratio, separation)
        if not determinable(model, form[0]):
            undecided.append((height, ratio, separation))
            continue
        label = (12, int(height), int(100 * ratio), int(100 * separation))
        answers[height, ratio, separation] = [answer(model, *form, *label, i) for i in range(replicas)]
    return answers, undecided


def misses(answers):
    """Share of doublets taken for singlets, averaged over the conditions."""
    return float(np.mean([np.mean([a.size < 2 for a in found]) for found in answers.values()]))


def biases(answers, level):
    """Median error of either peak's energy by `level(ratio, separation)`, over noise levels and spectra, in eV.

    Medians, as in part II of the series. A single condition next to the limit has few detected doublets, those
    whose noise makes the smaller peak look further away: its energy is then off by more (recorded, not scored).
    """
    table = {}
    for (_, ratio, separation), found in answers.items():
        table.setdefault(level(ratio, separation), []).extend(a.errors for a in found if a.size >= 2)
    rows = [np.nanmedian(np.array(errors), axis=0) for errors in table.values() if errors]
    return float(np.min(rows)), float(np.max(rows))


def false_doublets(form, heights, number):
    """Share of single lines taken for more."""
    found = [
        answer(truth(((POSITION, h),), BACKGROUND * h), *form, 11, int(h), i).size > 1 for h in heights
        for i in range(number)
    ]
    return float(np.mean(found))


def test_doublets_and_singlets(form, measured):
    """The short form: a few conditions of each kind, and thirty single lines."""
    conditions = [(1000.0, r, s) for r, s in ((1.0, 0.5), (2.0, 0.7), (0.2, 0.9), (10.0, 1.6), (10.0, 0.3))]
    answers, undecided = series(form, conditions, 3)
    assert undecided == [(1000.0, 10.0, 0.3)]
    missed = misses(answers)
    measured("candidates: doublets missed (short)", 100 * missed, "%", "<= 16.7")
    assert missed <= PUBLISHED_MISSES / 3
    false = false_doublets(form, (1000.0,), 30)
    measured("candidates: false doublets (short)", 100 * false, "%", "<= 5")
    assert false <= 0.05


@pytest.mark.full
def test_whole_series(form, measured):
    """The whole design: eight separations, seven ratios, three noise levels; 60 single lines a noise level."""
    false = false_doublets(form, HEIGHTS, 60)
    measured("candidates: false doublets on 180 single lines", 100 * false, "%", "<= 5")
    conditions = [(h, r, s) for h in HEIGHTS for r in RATIOS for s in SEPARATIONS]
    answers, undecided = series(form, conditions, 5)
    missed = misses(answers)
    measured("candidates: doublets missed, mean over the scored conditions", 100 * missed, "%", "<= 16.7")
    measured("candidates: conditions that no data can decide", 100 * len(undecided) / len(conditions), "%")
    lowest, highest = biases(answers, lambda ratio, separation: separation)
    small, large = biases(answers, lambda ratio, separation: ratio)
    measured("candidates: lowest median bias, by separation and by ratio", min(lowest, small), "eV", ">= -0.018")
    measured("candidates: highest median bias, by separation and by ratio", max(highest, large), "eV", "<= 0.113")
    cells = biases(answers, lambda ratio, separation: (ratio, separation))
    measured("candidates: lowest median error of a single condition", cells[0], "eV")
    measured("candidates: highest median error of a single condition", cells[1], "eV")
    assert false <= 0.05
    assert missed <= PUBLISHED_MISSES / 3
    assert min(lowest, small) >= LOWEST_BIAS
    assert max(highest, large) <= HIGHEST_BIAS
