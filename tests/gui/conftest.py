"""What the tests of the window share: folders of their own, one theme, a window that is closed, and no leaks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from app.gui import theme as themes
from app.gui.plot.immortal import keep_constants
from app.project.project import Project, RegionFit, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.evaluate import Evaluator
from fitting.model import Background, Component, FitModel, Param

LEVEL = 900.0


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    """Name of the program."""
    return ["sodalite"]


@pytest.fixture(scope="session", autouse=True)
def dressed(qapp: QApplication) -> None:
    """The application as the program dresses it."""
    keep_constants()
    themes.apply(qapp, "light")


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings and recovery files of each test."""
    monkeypatch.setenv("SODALITE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("SODALITE_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def no_leaks(qapp: QApplication, own_folders: None) -> Iterator[None]:
    """Fail when a test leaves a thread, a running timer or a window behind."""
    threads = set(threading.enumerate())
    widgets = set(map(id, QApplication.topLevelWidgets()))
    yield
    themes.apply(qapp, "light") if themes.current() is not themes.LIGHT else None
    for _ in range(3):
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        QApplication.processEvents()
    left = [w for w in QApplication.topLevelWidgets() if id(w) not in widgets and not w.parent()]
    shown = [f"{type(w).__name__} {w.objectName() or w.windowTitle()}" for w in left]
    for widget in left:
        widget.close()
        widget.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not shown, f"windows left behind: {shown}"
    new = [t.name for t in threading.enumerate() if t not in threads and t.is_alive() and not t.daemon]
    assert not new, f"threads left behind: {new}"
    running = [t for t in qapp.findChildren(QTimer) if t.isActive()]
    assert not running, f"timers left behind: {running}"


def peak(id: str, name: str, position: float, fwhm: float, area: float, line: str) -> Component:
    """A component with a plain peak."""
    params = {"area": Param(area, 0.0), "position": Param(position), "fwhm": Param(fwhm, 0.2, 5.0),
              "mix": Param(0.3, 0.0, 1.0, vary=False)}
    return Component(id, name, "gl_sum", params, line=line)


def spectrum_of(model: FitModel, low: float, high: float, sample: str) -> Spectrum:
    """Poisson counts of a model, always the same."""
    x = np.arange(low, high, 0.1)
    meta = Meta(technique="xps", region=model.name, sample=sample, photon_energy=1486.6, source="Al Kα", dwell_time=0.1,
                sweeps=10.0)
    blank = Spectrum(Axis(x, "binding_energy"), np.ones_like(x), Noise("poisson", 1.0), meta)
    evaluator = Evaluator(blank, replace(model, region=(low, high)))
    envelope = evaluator.parts(evaluator.values_of(model)).envelope
    return blank.with_(counts=np.random.default_rng(7).poisson(envelope))


@pytest.fixture
def project() -> Project:
    """Two samples: C 1s with two peaks in a region, O 1s without any region, and a second O 1s."""
    flat = Background("constant", {"level": Param(LEVEL)})
    carbon = FitModel((282.0, 289.0), flat, (
        peak("p1", "C–C", 284.6, 1.1, 4000.0, "C 1s"), peak("p2", "C–O", 286.3, 1.3, 2000.0, "C 1s"),
    ), "C 1s")
    oxygen = FitModel((528.0, 537.0), flat, (peak("p1", "O", 531.5, 1.5, 3000.0, "O 1s"),), "O 1s")
    result = add_spectra(Project("Two samples"), [
        spectrum_of(carbon, 280.0, 291.0, "Cycled"), spectrum_of(oxygen, 527.0, 538.0, "Cycled"),
        spectrum_of(oxygen, 527.0, 538.0, "Pristine"),
    ])
    first = result.entries[0]
    moved = carbon.with_values({"p1.position": 284.8, "p2.area": 1500.0})
    return result.with_entry(first.with_fit(RegionFit("r1", moved)))


@pytest.fixture
def window(qtbot: object, own_folders: None, no_leaks: None) -> Iterator[QObject]:
    """A window on the screen, without a project; closed without questions."""
    from app.gui.window import MainWindow

    window = MainWindow()
    window.resize(1280, 820)
    window.show()
    qtbot.waitExposed(window)
    yield window
    window._leaving = True
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def filled(window: QObject, project: Project) -> QObject:
    """The window with the project of two samples."""
    window.files.show_project(project, None)
    return window
