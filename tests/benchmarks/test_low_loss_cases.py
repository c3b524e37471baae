"""The energy-loss benchmarks in their smallest form: problems, truth, our own side without peers."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import low_loss, zero_loss
from benchmarks._low_loss_problem import NAMES, low_loss_problem
from benchmarks._low_loss_problem import low_loss as truth_of
from benchmarks._peers import Peers
from benchmarks._scripts import exchange
from fitting.evaluate import Evaluator


@pytest.fixture(autouse=True)
def numpy_path(monkeypatch):
    """No test waits for a compiler."""
    monkeypatch.setenv("SODALITE_KERNELS", "off")


def test_the_image_is_what_its_truth_says(tmp_path):
    image = low_loss_problem(3, channels=128)
    model = image.model()
    evaluator = Evaluator(image.spectrum().at(0, 0), model)
    assert set(evaluator.parameters.free) == set(NAMES)
    assert len(NAMES) == 15
    # At full length the middle of the window is where the power law of the truth has its amplitude.
    whole = low_loss_problem(1)
    placed = whole.model().with_values(dict(zip(NAMES, whole.truth[0, 0], strict=True)))
    evaluator = Evaluator(whole.spectrum().at(0, 0), placed)
    curve = evaluator.parts(evaluator.values_of(placed)).envelope
    np.testing.assert_allclose(curve, truth_of(whole.x, whole.truth[0, 0]), rtol=1e-12)
    assert np.all((image.lower < image.truth) & (image.truth < image.upper))
    settings, arrays = image.files()
    exchange.write(tmp_path, exchange.PROBLEM, settings, arrays)
    assert exchange.read(tmp_path, exchange.PROBLEM)[0] == settings


@pytest.mark.parametrize("gain", [1.0, None])
def test_our_side_of_the_low_loss_image(gain):
    rate, quality, note, floor = low_loss.measure(low_loss_problem(2, channels=512), gain, 1)
    assert rate > 0
    assert quality.failed == 0
    # Another test of this process may have loaded the kernels already.
    assert (floor is None) == ("NumPy path" in note)
    assert "Poisson deviance" in note


def test_our_side_of_the_alignment():
    speed, error = zero_loss.run(quick=True, peers=Peers(wanted=False))
    assert speed.ours > 0
    assert speed.peer is None
    assert error.ours < 3.0  # meV: what the issue asks for
