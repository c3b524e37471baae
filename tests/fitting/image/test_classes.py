"""Maps of classes: words, colours, shares; what refuses them."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.dataset import Axis
from fitting.image.classes import COLOURS, PLAIN, class_word, classes, is_classes, shares_in_words
from fitting.image.maps import Map
from fitting.image.overlay import overlay
from fitting.image.profiles import Line, Scale, along_series, profile
from libraries.errors import BadData

LEGEND = ((0, "not determined"), (1, "vacuum"), (2, "carbon"), (3, "Na metal"), (4, "NaF"))
VALUES = np.array([[1.0, 1.0, 2.0, 2.0], [2.0, 4.0, np.nan, 0.0]])
MAP = Map("r", "Region", "", VALUES, legend=LEGEND, kind="classes")


def test_shares_count_pixels_with_a_class():
    assert is_classes(MAP)
    counts = [(c.words, c.pixels) for c in classes(MAP)]
    assert counts == [("not determined", 1), ("vacuum", 2), ("carbon", 3), ("NaF", 1)]
    assert sum(c.share for c in classes(MAP)) == pytest.approx(1.0)
    assert shares_in_words(MAP) == "carbon 42.9 %, vacuum 28.6 %, not determined 14.3 %, NaF 14.3 %"
    mask = np.zeros(VALUES.shape, bool)
    mask[0, 2:] = True
    assert [(c.words, c.pixels, c.share) for c in classes(MAP, mask)] == [("carbon", 2, 1.0)]
    assert classes(MAP, ~np.isfinite(VALUES)) == ()
    assert (class_word(MAP, 3.0), class_word(MAP, np.nan), class_word(MAP, 9.0)) == ("Na metal", "", "class 9")


def test_a_class_keeps_its_colour_whichever_others_come():
    few = Map("r", "Region", "", np.where(VALUES == 2.0, 1.0, VALUES), legend=LEGEND, kind="classes")
    assert {c.code: c.colour for c in classes(few)}[4] == {c.code: c.colour for c in classes(MAP)}[4] == COLOURS[2]
    colours = [c.colour for c in classes(MAP)]
    assert len(set(colours)) == len(colours)
    assert colours[:2] == [PLAIN["not determined"], PLAIN["vacuum"]]


def test_classes_have_no_overlay_and_no_profile():
    with pytest.raises(BadData, match="no amount"):
        overlay([MAP])
    with pytest.raises(BadData, match="no mean"):
        profile(MAP, Line("l", "L", (0, 1), (4, 1)), Scale())
    with pytest.raises(BadData, match="no mean"):
        along_series(Map("r", "R", "", VALUES[0], kind="classes"), Axis(np.arange(4.0), "index", ""))
