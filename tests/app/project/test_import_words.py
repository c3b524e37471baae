"""What an import says it has read."""

import numpy as np
import pytest

from app.project.import_words import counted_words
from app.project.rank_words import rank_words
from fitting.dataset import Axis, Meta, Noise, Spectrum

IONS = Axis(np.arange(3.0), "ion", "", ("C-", "O-", "F-"))
ALONG = [Axis(np.arange(4.0), quantity, unit) for quantity, unit in (("time", "s"), ("distance", "um"),
                                                                     ("distance", "um"))]


def made(kind):
    technique, axis, navigation = {
        "profile": ("sims", IONS, ALONG[:1]), "cube": ("sims", IONS, ALONG), "image": ("sims", IONS, ALONG[1:]),
        "mass": ("sims", Axis(np.arange(1.0, 4.0), "mass", ""), []),
        "xps": ("xps", Axis(np.arange(3.0), "binding_energy", "eV"), []),
        "loss image": ("eels", Axis(np.arange(3.0), "energy_loss", "eV"), ALONG[1:]),
    }[kind]
    shape = (*(len(one) for one in navigation), 3)
    meta = Meta(technique=technique)
    return Spectrum(axis, np.ones(shape), Noise("poisson", 1.0), meta, navigation=tuple(navigation))


@pytest.mark.parametrize(("kinds", "words"), [
    (["xps"], "1 spectrum"), (["xps", "xps"], "2 spectra"), (["profile", "profile"], "2 depth profiles"),
    (["cube"], "1 cube of ions"), (["mass", "mass", "mass"], "3 mass spectra"), (["image"], "1 image of ions"),
    (["cube", "mass", "mass", "profile"], "1 cube of ions, 2 mass spectra and 1 depth profile"),
    (["loss image", "xps"], "1 image and 1 spectrum"), ([], "no spectra"),
])
def test_files_are_counted_by_what_they_hold(kinds, words):
    assert counted_words([made(kind) for kind in kinds]) == words


@pytest.mark.parametrize(("number", "answers", "words"), [
    (15, ("3", "5", "not determined"), "The rank tests give 3 to 5: with 15 factors some are split or noise."),
    (8, ("3", "5"), "The rank tests give 3 to 5: with 8 factors some are split or noise."),
    (7, ("3", "5"), ""), (6, ("3", "3"), "The rank tests give 3: with 6 factors some are split or noise."),
    (15, ("not determined",), ""), (15, (), ""),
])
def test_more_factors_than_any_test_gives_are_told(number, answers, words):
    assert rank_words(number, [(f"test {i}", answer) for i, answer in enumerate(answers)]) == words
