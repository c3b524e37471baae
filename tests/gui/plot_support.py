"""A small XPS project with known numbers, and a mouse for the plot."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.project.project import Entry, Project, RegionFit, Sample
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.model import Background, Component, FitModel, Param
from fitting.shapes import shape

LEVEL = 1000.0


def component(id, name, at, height, fwhm, **changes):
    """A Gaussian-Lorentzian sum with that true height."""
    values = shape("gl_sum").start(at, height, fwhm)
    params = {p.name: Param(values[p.name], p.minimum, p.maximum) for p in shape("gl_sum").parameters}
    params |= changes
    return Component(id, name, "gl_sum", params, line="C 1s")


def model(*components, kind="constant"):
    """A region on a constant background, 281.5 to 293.5 eV."""
    return FitModel((281.5, 293.5), Background(kind, {"level": Param(LEVEL)}), tuple(components), name="C 1s")


def spectrum(region="C 1s"):
    """Counts of two peaks on a constant background, without noise."""
    x = np.arange(280.0, 295.0, 0.05)
    y = np.full(x.size, LEVEL)
    for part in (component("a", "a", 284.5, 8000, 1.0), component("b", "b", 288.5, 2000, 1.4)):
        y = y + shape("gl_sum").evaluate(x, *shape("gl_sum").arguments(part.values))[0]
    meta = Meta(region=region, technique="xps", photon_energy=1486.6, dwell_time=0.1, sweeps=10, sample="Electrode")
    return Spectrum(Axis(x, "binding_energy"), np.round(y), Noise("poisson", 1.0), meta)


def project(fit_model=None, axis=None):
    """One sample with one C 1s spectrum and, if given, one region."""
    data = spectrum()
    if axis == "kinetic":
        data = data.with_(axis=Axis(1486.6 - data.x[::-1], "kinetic_energy"), counts=data.counts[::-1])
    fits = (RegionFit("r1", fit_model),) if fit_model is not None else ()
    return Project("Test", (Sample("s", "Electrode"),), (Entry("c1s", data, "s", fits=fits),))


def two_peaks():
    """CC at 284.5 eV and CO at 288.5 eV, both free."""
    return model(component("p1", "CC", 284.5, 8000, 1.0), component("p2", "CO", 288.5, 2000, 1.4))


def send(widget: QWidget, kind: QEvent.Type, at: QPointF, button, buttons, modifiers=Qt.KeyboardModifier.NoModifier):
    """One mouse event with exact, fractional coordinates."""
    place = QPointF(widget.mapToGlobal(QPointF(at)))
    QApplication.sendEvent(widget, QMouseEvent(kind, at, place, button, buttons, modifiers))


LEFT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton


def press(widget, at):
    """Hover, then press."""
    send(widget, QEvent.Type.MouseMove, at, NONE, NONE)
    send(widget, QEvent.Type.MouseButtonPress, at, LEFT, LEFT)


def move(widget, at):
    """Move with the button held."""
    send(widget, QEvent.Type.MouseMove, at, NONE, LEFT)


def release(widget, at):
    """Let go."""
    send(widget, QEvent.Type.MouseButtonRelease, at, LEFT, NONE)


def drag(widget, start, end, steps=5):
    """Press at one pixel, move in steps, release at another."""
    press(widget, start)
    for i in range(1, steps + 1):
        move(widget, start + (end - start) * (i / steps))
    release(widget, end)


def click(widget, at):
    """Press and release."""
    press(widget, at)
    release(widget, at)
