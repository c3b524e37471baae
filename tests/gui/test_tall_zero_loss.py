"""A zero loss that would flatten all losses leaves the picture at the top, and comes back on demand."""

import numpy as np
import pytest

from app.gui.plot.geometry import tall_zero_loss
from app.gui.window import MainWindow
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum

X = np.arange(-5.0, 45.0, 0.1)
ZERO = 1e6 * np.exp(-0.5 * (X / 0.3) ** 2)
LOSSES = np.where(X > 0, 8e3 * np.exp(-0.5 * ((X - 22) / 5) ** 2), 0.0)


def test_where_the_line_ends():
    low, high = tall_zero_loss(X, ZERO + LOSSES)
    # 0.2 % of a Gaussian: 3.5 sigma.
    assert low == pytest.approx(-1.06, abs=0.15)
    assert high == pytest.approx(1.06, abs=0.15)


@pytest.mark.parametrize("y", [LOSSES, 3e4 * ZERO / 1e6 + LOSSES, ZERO[::-1] * 0 + 1.0])
def test_no_tall_line(y):
    assert tall_zero_loss(X, y) is None


def test_only_on_axes_that_hold_zero():
    assert tall_zero_loss(X + 100, ZERO) is None


def test_the_plot_shows_the_losses_and_on_demand_all(qtbot):
    spectrum = Spectrum(Axis(X, "energy_loss"), ZERO + LOSSES, Noise(), Meta(title="Low loss", technique="eels"))
    window = MainWindow()
    qtbot.addWidget(window)
    window.document.reset(add_spectra(Project(), [spectrum]))
    window.show()
    canvas = window.view.canvas
    assert canvas.main.vb.viewRange()[1][1] < 2e4
    window.actions_["view.zero_loss"].trigger()
    assert canvas.main.vb.viewRange()[1][1] > 1e6
    window.actions_["view.zero_loss"].trigger()
    assert canvas.main.vb.viewRange()[1][1] < 2e4
    window.document.mark_saved(None)
    window.close()
