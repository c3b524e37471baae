"""Colours: legible, told apart by colour-blind eyes, and changed at once."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon

from app.gui import theme as themes
from app.gui.style.icons import PATHS, icon
from app.gui.style.sheet import style_sheet

BOTH = [themes.LIGHT, themes.DARK]
# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, IEEE Trans. Vis. Comput. Graph. 15, 1291 (2009), severity 1.0,
# on linear sRGB.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                            [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                              [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                            [0.004733, 0.691367, 0.303900]]),
}


def linear(colour: str) -> np.ndarray:
    c = np.array(QColor(colour).getRgbF()[:3])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.1."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of linear sRGB."""
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = matrix @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", BOTH, ids=lambda t: t.name)
@pytest.mark.parametrize(
    ("ink", "ground", "least"),
    [("text", "panel", 7.0), ("text", "window", 7.0), ("muted", "panel", 4.5), ("accent", "panel", 4.5),
     ("accent_text", "accent", 4.5), ("text", "selected", 7.0), ("text", "hover", 7.0), ("warning", "panel", 4.5),
     ("danger", "panel", 4.5), ("good", "panel", 4.5), ("text", "warning_soft", 7.0), ("text", "danger_soft", 7.0),
     ("data", "paper", 7.0), ("muted", "selected", 4.5)],
)
def test_words_are_legible(theme, ink, ground, least):
    assert contrast(getattr(theme, ink), getattr(theme, ground)) >= least


@pytest.mark.parametrize("theme", BOTH, ids=lambda t: t.name)
def test_series_stand_out_from_the_paper(theme):
    assert all(contrast(colour, theme.paper) >= 2.8 for colour in theme.series)


@pytest.mark.parametrize("theme", BOTH, ids=lambda t: t.name)
@pytest.mark.parametrize("kind", BLINDNESS)
def test_first_six_series_are_told_apart_by_every_eye(theme, kind):
    seen = [lab(BLINDNESS[kind] @ linear(colour)) for colour in theme.series[:6]]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) >= 9.0


@pytest.mark.parametrize("theme", BOTH, ids=lambda t: t.name)
def test_style_sheet_is_written_out(theme):
    text = style_sheet(theme, 13)
    assert "$" not in text
    assert text.count("{") == text.count("}")
    assert all(re.fullmatch(r"#[0-9a-f]{6}", c) for c in (*theme.series, theme.text, theme.panel))


def test_change_is_told_and_reaches_palette_and_icons(qtbot, qapp):
    picture = icon("fit")
    before = picture.pixmap(QSize(20, 20)).toImage()
    with qtbot.waitSignal(themes.changes().changed) as told:
        themes.apply(qapp, "dark")
    assert told.args == [themes.DARK]
    assert themes.current() is themes.DARK
    assert qapp.palette().window().color() == QColor(themes.DARK.window)
    assert picture.pixmap(QSize(20, 20)).toImage() != before
    themes.apply(qapp, "light")
    assert picture.pixmap(QSize(20, 20)).toImage() == before


@pytest.mark.parametrize("name", PATHS)
def test_icons_draw_something_and_more_at_twice_the_scale(qapp, name):
    plain, double = (icon(name).pixmap(QSize(18, 18), scale) for scale in (1.0, 2.0))
    assert double.width() == 2 * plain.width()
    inks = sum(plain.toImage().pixelColor(x, y).alpha() > 60 for x in range(18) for y in range(18))
    assert 5 < inks < 250


def test_disabled_icons_are_faint(qapp):
    picture = icon("save")
    assert picture.pixmap(QSize(18, 18), QIcon.Mode.Disabled).toImage() != picture.pixmap(QSize(18, 18)).toImage()


def test_unknown_icon_is_refused(qapp):
    with pytest.raises(KeyError):
        icon("nothing")
