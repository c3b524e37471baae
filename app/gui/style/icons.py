"""Icons drawn by ourselves: strokes on a 20 by 20 grid, in the colour of the theme, sharp at every scale."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.gui import theme as themes

# Strokes are 1.5 wide with round ends. "F" in front of a path fills it at a fifth of its strength, "S" fills it fully.
PATHS: dict[str, tuple[str, ...]] = {
    "new": ("M5 2.75h6.5L15.5 7v10.25H5z", "M11.25 3v4.25h4"),
    "open": ("F2.75 6.5V15.5h14.5V6.5z", "M2.75 15.5V4.75h4.5L9 6.75h8.25v8.75z", "M2.75 9h14.5"),
    "save": ("M3.5 3.5h10.2l2.8 2.8v10.2h-13z", "M6.5 3.75v4h6v-4", "M6 16.25v-5h8v5"),
    "import": ("M10 3v8.5", "M6.5 8.25L10 11.75l3.5-3.5", "M3.25 12.5v4h13.5v-4"),
    "export": ("M10 12V3.25", "M6.5 6.5L10 3l3.5 3.5", "M3.25 12.5v4h13.5v-4"),
    "undo": ("M4 7.75h8.25a4.25 4.25 0 0 1 0 8.5H7", "M7.25 4.25L3.75 7.75l3.5 3.5"),
    "redo": ("M16 7.75H7.75a4.25 4.25 0 0 0 0 8.5H13", "M12.75 4.25l3.5 3.5-3.5 3.5"),
    "region": ("F5.5 3h9v14h-9z", "M5.5 2.75v14.5", "M14.5 2.75v14.5", "M7.5 14c1.6 0 1.6-7 2.5-7s.9 7 2.5 7"),
    "background": ("M2.5 8.5c3 0 3.4-5 5-5s2 5.5 4.2 8.2", "M2.5 12.5c4.5 0 6.5 1 9 2.5s4 1.5 6 1.5"),
    "peak": (
        "F3 16.5c5 0 4.5-12 7-12s2 12 7 12z",
        "M2.5 16.5c5.5 0 5-12 7.5-12s2 12 7.5 12",
        "S10 2.6a1.9 1.9 0 1 1 0 3.8 1.9 1.9 0 0 1 0-3.8z",
    ),
    "doublet": (
        "M2 16.5c3.4 0 2.9-11.5 4.7-11.5s1.5 11.5 4.4 11.5",
        "M9.4 16.5c2.7 0 2.5-6.5 4-6.5s1.4 6.5 4.6 6.5",
    ),
    "suggest": (
        "M10 2.5l1.7 4.8 4.8 1.7-4.8 1.7L10 15.5l-1.7-4.8L3.5 9l4.8-1.7z",
        "M15.5 13.5v3.5",
        "M13.75 15.25h3.5",
    ),
    "fit": (
        "S4 4.1a1.1 1.1 0 1 1 0 2.2 1.1 1.1 0 0 1 0-2.2z",
        "S8 12.4a1.1 1.1 0 1 1 0 2.2 1.1 1.1 0 0 1 0-2.2z",
        "S12.5 6.9a1.1 1.1 0 1 1 0 2.2 1.1 1.1 0 0 1 0-2.2z",
        "S16.3 14a1.1 1.1 0 1 1 0 2.2 1.1 1.1 0 0 1 0-2.2z",
        "M2.5 3.5c2.5 5 3.5 9.5 5.3 9.5s2-5.5 4-5.5 2.7 7.8 5.7 8.8",
    ),
    "starts": (
        "M2.5 4.5c3 0 3.5 11 6 11s2.5-6 4-6 1.8 4 5 4",
        "S5 2.6a1.4 1.4 0 1 1 0 2.8 1.4 1.4 0 0 1 0-2.8z",
        "S12.5 5.6a1.4 1.4 0 1 1 0 2.8 1.4 1.4 0 0 1 0-2.8z",
        "S17 10.1a1.4 1.4 0 1 1 0 2.8 1.4 1.4 0 0 1 0-2.8z",
    ),
    "intervals": (
        "M3 10h14",
        "M3 7v6",
        "M17 7v6",
        "S10 8a2 2 0 1 1 0 4 2 2 0 0 1 0-4z",
    ),
    "fit_all": (
        "M2.75 15.5c2.6 0 2.4-6.5 3.6-6.5s1 6.5 3.6 6.5 2.6-10.5 3.9-10.5 1 10.5 3.4 10.5",
        "M2.75 17.5h14.5",
    ),
    "live": ("M2.5 10.5h3.2L8 4l4 12.5 2.3-6h3.2",),
    "stop": ("S6 6h8v8H6z", "M6 6h8v8H6z"),
    "quantify": (
        "F10 2.75A7.25 7.25 0 0 1 17.25 10H10z",
        "M10 2.75a7.25 7.25 0 1 0 7.25 7.25H10z",
        "M12.5 2.9a7.25 7.25 0 0 1 4.6 4.6",
    ),
    "report": ("M5 2.75h10v14.5H5z", "M7.5 13.75v-2.5", "M10 13.75v-5", "M12.5 13.75v-3.5", "M7.5 6h5"),
    "search": ("M8.75 3.5a5.25 5.25 0 1 1 0 10.5 5.25 5.25 0 0 1 0-10.5z", "M12.75 12.75l4 4"),
    "charge": (
        "M3 16.5h14",
        "M10 3v10.5",
        "M13.5 5.5h3.5",
        "M15.25 3.75v3.5",
        "M3.5 9.5c3.5 0 4-4 6.5-4",
        "M7.75 3.25L10 5.5 7.75 7.75",
    ),
    "copy": ("M7 6.75h9.5v10H7z", "M13 6.5v-3H3.5v10h3.25"),
    "delete": ("M4 5.5h12", "M8 5.25V3.5h4v1.75", "M5.5 5.5l.8 11.25h7.4l.8-11.25"),
    "rename": ("M3.5 16.5l.8-3.6L13 4.2l2.8 2.8-8.7 8.7z", "M11.25 6l2.75 2.75"),
    "close": ("M5.5 5.5l9 9", "M14.5 5.5l-9 9"),
    "float": ("M7 4h9v9H7z", "M7 7H4v9h9v-3"),
    "check": ("M4.5 10.5l3.75 3.75L15.5 6.5",),
    "chevron_down": ("M5.5 8l4.5 4.5L14.5 8",),
    "chevron_up": ("M5.5 12L10 7.5l4.5 4.5",),
    "chevron_right": ("M8 5.5l4.5 4.5L8 14.5",),
    "chevron_left": ("M12 5.5L7.5 10l4.5 4.5",),
    "info": (
        "M10 2.75a7.25 7.25 0 1 1 0 14.5 7.25 7.25 0 0 1 0-14.5z",
        "M10 9.25v4.5",
        "S10 5.6a1 1 0 1 1 0 2 1 1 0 0 1 0-2z",
    ),
    "warning": (
        "F10 3l7.5 13.5h-15z",
        "M10 3l7.5 13.5h-15z",
        "M10 8v4",
        "S10 13.2a.9.9 0 1 1 0 1.8.9.9 0 0 1 0-1.8z",
    ),
    "theme": ("S10 3a7 7 0 0 1 0 14z", "M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14z"),
    "keyboard": ("M2.5 5.5h15v9.5h-15z", "M5.5 8.5h.1", "M8.5 8.5h.1", "M11.5 8.5h.1", "M14.5 8.5h.1", "M6.5 12h7"),
    "sample": (
        "F4.5 11h11l1.25 4.5a1 1 0 0 1-1 1.25H4.25a1 1 0 0 1-1-1.25z",
        "M8 3v5l-4.7 7.4a1 1 0 0 0 .9 1.6h11.6a1 1 0 0 0 .9-1.6L12 8V3",
        "M6.75 3h6.5",
    ),
    "rectangle": ("F3.5 5h13v10h-13z", "M3.5 5h13v10h-13z"),
    "ellipse": ("F10 4.5c4 0 7 2.500 7 5.5s-3 5.5-7 5.5-7-2.500-7-5.5 3-5.5 7-5.5z",
                "M10 4.5c4 0 7 2.500 7 5.5s-3 5.5-7 5.5-7-2.500-7-5.5 3-5.5 7-5.5z"),
    "polygon": ("F4 7l7-3.500 5.500 5.5-3 7-8-1.500z", "M4 7l7-3.500 5.500 5.5-3 7-8-1.500z"),
    "full_scale": ("M3.5 7.5v-4h4", "M12.5 3.5h4v4", "M16.5 12.5v4h-4", "M7.5 16.5h-4v-4"),
}


def svg(name: str, colour: str) -> str:
    """An icon as SVG text.

    Raises
    ------
    KeyError
        If there is no such icon.
    """
    parts = []
    for path in PATHS[name]:
        if path[0] == "F":
            parts.append(f'<path d="M{path[1:]}" fill="{colour}" fill-opacity="0.22" stroke="none"/>')
        elif path[0] == "S":
            parts.append(f'<path d="M{path[1:]}" fill="{colour}" stroke="none"/>')
        else:
            parts.append(f'<path d="{path}"/>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20" fill="none" '
        f'stroke="{colour}" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">{"".join(parts)}</svg>'
    )


@lru_cache(maxsize=256)
def _renderer(name: str, colour: str) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(svg(name, colour).encode()))


class _Engine(QIconEngine):
    """Draws an icon in the colours of the theme of the moment, so that a theme change needs no new icons."""

    def __init__(self, name: str, role: str) -> None:
        super().__init__()
        self.name, self.role = name, role

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        theme = themes.current()
        colour = getattr(theme, self.role)
        if state == QIcon.State.On:
            colour = theme.accent_text
        if mode == QIcon.Mode.Disabled:
            colour = theme.faint
        side = min(rect.width(), rect.height())
        square = QRectF(rect.x() + (rect.width() - side) / 2, rect.y() + (rect.height() - side) / 2, side, side)
        _renderer(self.name, colour).render(painter, square)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return self.scaledPixmap(size, mode, state, 1.0)

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        pixmap = QPixmap(size * scale)  # the size counts device-independent pixels (Qt 6.8 and later)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.paint(painter, pixmap.rect(), mode, state)
        painter.end()
        pixmap.setDevicePixelRatio(scale)
        return pixmap

    def clone(self) -> QIconEngine:
        return _Engine(self.name, self.role)


def icon(name: str, role: str = "text") -> QIcon:
    """An icon by name, in a colour of the theme ("text", "muted", "accent", "danger", ...)."""
    if name not in PATHS:
        raise KeyError(name)
    return QIcon(_Engine(name, role))


def application_icon() -> QIcon:
    """The icon of the program: a blue crystal with a peak in it."""
    text = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        '<path d="M32 3l25 14.5v29L32 61 7 46.500v-29z" fill="#2453c9"/>'
        '<path d="M32 3l25 14.5L32 32 7 17.5z" fill="#6d9bf5"/>'
        '<path d="M32 32l25-14.500v29L32 61z" fill="#1a3f9e"/>'
        '<path d="M12 45c11 0 13-2 16-17s4-15 7 0 5 17 17 17" fill="none" stroke="#fff" stroke-width="3.2" '
        'stroke-linecap="round"/></svg>'
    )
    renderer = QSvgRenderer(QByteArray(text.encode()))
    result = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256):
        pixmap = QPixmap(size, size)
        pixmap.fill(QColor(0, 0, 0, 0))
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        renderer.render(painter)
        painter.end()
        result.addPixmap(pixmap)
    return result
