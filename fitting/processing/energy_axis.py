"""Calibration of an energy-loss axis by one known energy (offset) or two (offset and dispersion)."""

from __future__ import annotations

from dataclasses import replace

from fitting.dataset import Spectrum
from fitting.processing.step import Step
from libraries.errors import BadData, BadModel

# A dispersion that is off by more than this share is no miscalibration but a mistake.
MOST_SLOPE = 0.2


def scale_of(measured: tuple[float, ...], true: tuple[float, ...]) -> tuple[float, float]:
    """Factor and offset: true = offset + factor * measured.

    Parameters
    ----------
    measured, true : tuple of one or two energies, eV
        With one the factor is 1.

    Raises
    ------
    BadModel
        If the two lines coincide, or the dispersion would change by more than 20 %.
    """
    if len(measured) != len(true) or len(true) not in (1, 2):
        raise BadModel("A calibration takes one or two known energies")
    if len(true) == 1:
        return 1.0, true[0] - measured[0]
    if measured[0] == measured[1] or true[0] == true[1]:
        raise BadModel("The two energies are the same", where="energy scale", todo="Use two different lines")
    factor = (true[1] - true[0]) / (measured[1] - measured[0])
    if not abs(factor - 1.0) <= MOST_SLOPE:
        raise BadModel(f"The dispersion would change by a factor of {factor:.3g}", where="energy scale",
                       todo="Check measured and true energies")
    return factor, true[0] - factor * measured[0]


def loss_scale_step(measured: tuple[float, ...], true: tuple[float, ...], note: str = "") -> Step:
    """A calibration by one or two energies; `note` names the lines."""
    scale_of(measured, true)
    params: list[tuple[str, float | str]] = []
    for number, (m, t) in enumerate(zip(measured, true, strict=True), 1):
        params += [(f"measured_{number}", float(m)), (f"true_{number}", float(t))]
    return Step("loss_scale", tuple(params), note)


def known_lines(step: Step) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Measured and true energies of a step."""
    count = 2 if step.has("measured_2") or step.has("true_2") else 1
    numbers = range(1, count + 1)
    return (tuple(step.number(f"measured_{n}") for n in numbers), tuple(step.number(f"true_{n}") for n in numbers))


def loss_scale(spectrum: Spectrum, step: Step) -> Spectrum:
    """The energy-loss axis on its calibrated scale; intensities stay as they are, counts per channel."""
    if spectrum.axis.quantity != "energy_loss":
        raise BadData("Only an energy-loss axis is calibrated by known losses", where=spectrum.name)
    factor, offset = scale_of(*known_lines(step))
    return spectrum.with_(axis=replace(spectrum.axis, values=offset + factor * spectrum.x))
