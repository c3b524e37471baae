"""Colours, spacing and type of the window: one frozen `Theme` for light, one for dark, and the signal of a change.

Widgets and plots ask `current()` and listen to `changes().changed`. Palettes are explicit, because a colour scheme
asked of the platform does nothing on some of them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

Choice = Literal["light", "dark", "system"]
CHOICES: tuple[Choice, ...] = ("light", "dark", "system")

# Steps of the spacing scale in device-independent pixels; nothing in the window uses another distance.
GAP_1, GAP_2, GAP_3, GAP_4, GAP_5 = 4, 8, 12, 16, 24
ICON = 18
ROW = 26
# Of the text in a spin box, whose padding the style sheet takes from the frame and not from the text.
SPIN_MARGINS = (5, 0, 0, 0)


@dataclass(frozen=True)
class Theme:
    """All colours of the window and its plots as "#rrggbb".

    Attributes
    ----------
    name : "light" or "dark"
    dark : bool
    window, panel, raised, sunken : str
        Behind everything; tables, trees and plots; buttons; fields inside panels.
    border, border_strong : str
        Hairlines, and the outline of fields.
    text, muted, faint : str
        Words, secondary words, disabled words.
    accent, accent_text, accent_hover, accent_soft, selected : str
        The one blue, words on it, the blue under the pointer, a breath of it, and the selected row.
    hover, pressed : str
        Buttons and rows under the pointer.
    good, warning, danger, warning_soft, danger_soft : str
        Words of state, and the ground of messages.
    paper, grid, axis, data, outside, envelope, background, shade, band, mark : str
        The plot: ground, grid, axis lines, points, points outside the region, sum curve, background curve, region,
        residual band of two standard deviations, library marks.
    series : tuple of str
        Components, in order; told apart with every common colour blindness.
    """

    name: str
    dark: bool
    window: str
    panel: str
    raised: str
    sunken: str
    border: str
    border_strong: str
    text: str
    muted: str
    faint: str
    accent: str
    accent_text: str
    accent_hover: str
    accent_soft: str
    selected: str
    hover: str
    pressed: str
    good: str
    warning: str
    danger: str
    warning_soft: str
    danger_soft: str
    paper: str
    grid: str
    axis: str
    data: str
    outside: str
    envelope: str
    background: str
    shade: str
    band: str
    mark: str
    series: tuple[str, ...]

    def of(self, index: int) -> QColor:
        """Colour of the component at that place."""
        return QColor(self.series[index % len(self.series)])


# Series after M. Okabe and K. Ito, "Color Universal Design" (2008), darkened for lines on white and lightened for
# lines on slate; neighbours differ in lightness too, so that grey prints can be read.
LIGHT = Theme(
    name="light", dark=False,
    window="#f3f5f8", panel="#ffffff", raised="#ffffff", sunken="#f8f9fb",
    border="#e1e5ec", border_strong="#c9d0db",
    text="#1a2130", muted="#5c6678", faint="#9aa3b2",
    accent="#2453c9", accent_text="#ffffff", accent_hover="#1c45ac", accent_soft="#eaf0fd", selected="#dde7fb",
    hover="#e9edf3", pressed="#dce2eb",
    good="#1a7a4c", warning="#9a5b00", danger="#b3261e", warning_soft="#fff5e0", danger_soft="#fdecea",
    paper="#ffffff", grid="#eef0f4", axis="#98a2b3", data="#1f2937", outside="#aab2c0", envelope="#2453c9",
    background="#6b7587", shade="#2453c9", band="#eef1f5", mark="#8a5a00",
    series=("#0072b2", "#d98200", "#00875f", "#b84a8f", "#c2410c", "#3a9fd6", "#7a6a00", "#5b4a9e"),
)
DARK = Theme(
    name="dark", dark=True,
    window="#15181e", panel="#1b1f27", raised="#262b35", sunken="#171a21",
    border="#2b313c", border_strong="#3f4756",
    text="#e6e9ef", muted="#a0a9b9", faint="#646d7d",
    accent="#6d9bf5", accent_text="#0e1320", accent_hover="#8bb0f8", accent_soft="#212b40", selected="#263757",
    hover="#2a303b", pressed="#343b48",
    good="#5cc493", warning="#f0b45c", danger="#ff8f86", warning_soft="#33291a", danger_soft="#3a2223",
    paper="#1b1f27", grid="#272d37", axis="#596273", data="#e3e7ee", outside="#5d6677", envelope="#7ea6f8",
    background="#8b94a6", shade="#6d9bf5", band="#252b35", mark="#d9b25c",
    series=("#5aa9e6", "#f0a73a", "#3cc79a", "#e08bc0", "#f27a4b", "#9bd3f7", "#cdbb4a", "#a99be8"),
)
THEMES = {"light": LIGHT, "dark": DARK}


class Changes(QObject):
    """Says that the colours are others now."""

    changed = Signal(object)


_changes = Changes()
_current = LIGHT
_choice: Choice = "system"


def changes() -> Changes:
    """The object whose signal `changed(Theme)` tells of another theme."""
    return _changes


def current() -> Theme:
    """The theme in use."""
    return _current


def choice() -> Choice:
    """What the user chose: "light", "dark" or "system"."""
    return _choice


def system_theme() -> Theme:
    """The theme that the desktop asks for; light where it does not say."""
    dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
    return DARK if dark else LIGHT


def apply(app: QApplication, wanted: Choice = "system") -> Theme:
    """Give the application the colours, font and style sheet of a theme.

    Parameters
    ----------
    app : QApplication
    wanted : "light", "dark" or "system"
        "system" follows the desktop, also later.
    """
    from app.gui.style.sheet import style_sheet

    global _current, _choice
    _choice = wanted
    theme = THEMES.get(wanted) or system_theme()
    if app.style().objectName().lower() != "fusion":
        app.setStyle("Fusion")
    font = interface_font()
    app.setFont(font)
    app.setPalette(palette(theme))
    app.setStyleSheet(style_sheet(theme, font_pixels(font)))
    _current = theme
    _changes.changed.emit(theme)
    return theme


def follow_system(app: QApplication) -> None:
    """From now on follow the desktop when it turns dark or light, if the user chose "system"."""

    def turned() -> None:
        if _choice == "system" and system_theme() is not _current:
            apply(app, "system")

    app.styleHints().colorSchemeChanged.connect(turned)


def palette(theme: Theme) -> QPalette:
    """The Qt palette of a theme."""
    roles = QPalette.ColorRole
    table = {
        roles.Window: theme.window, roles.WindowText: theme.text, roles.Base: theme.panel,
        roles.AlternateBase: theme.sunken, roles.Text: theme.text, roles.Button: theme.raised,
        roles.ButtonText: theme.text, roles.BrightText: theme.danger, roles.Highlight: theme.accent,
        roles.HighlightedText: theme.accent_text, roles.ToolTipBase: theme.raised, roles.ToolTipText: theme.text,
        roles.PlaceholderText: theme.faint, roles.Link: theme.accent, roles.LinkVisited: theme.accent,
        roles.Light: theme.raised, roles.Midlight: theme.border, roles.Mid: theme.border_strong,
        roles.Dark: theme.border_strong, roles.Shadow: theme.border, roles.Accent: theme.accent,
    }
    result = QPalette()
    for role, colour in table.items():
        result.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.faint))
    return result


def interface_font() -> QFont:
    """The desktop's own font; on Linux Inter where it is installed. Figures have equal widths, so columns align."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    if sys.platform.startswith("linux") and "Inter" in QFontDatabase.families():
        font = QFont("Inter", font.pointSize() if font.pointSize() > 0 else 10)
    if font_pixels(font) < 13:
        font.setPixelSize(13)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def font_pixels(font: QFont) -> int:
    """Size of a font in device-independent pixels."""
    if font.pixelSize() > 0:
        return font.pixelSize()
    screen = QGuiApplication.primaryScreen()
    return round(font.pointSizeF() * (screen.logicalDotsPerInch() if screen else 96.0) / 72.0)
