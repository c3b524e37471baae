"""A small spectrum image with two materials, for tests of the image pages."""

from __future__ import annotations

import numpy as np

from app.project.project import Entry, Project, Sample
from fitting.dataset import Axis, Meta, Noise, Spectrum

ROWS, COLUMNS, CHANNELS = 12, 20, 300


def low_loss_image(seed: int = 0) -> Spectrum:
    """Counts of a zero loss and a plasmon at 15 eV, twice as strong in the right half; 5 nm pixels."""
    x = -5.0 + 0.2 * np.arange(CHANNELS)
    strength = np.where(np.arange(COLUMNS) < COLUMNS // 2, 40.0, 80.0)[None, :, None]
    mean = 5.0 + 2000.0 * np.exp(-0.5 * (x / 0.3) ** 2) + strength / (1 + ((x - 15.0) / 2.0) ** 2)
    counts = np.random.default_rng(seed).poisson(np.broadcast_to(mean, (ROWS, COLUMNS, CHANNELS)))
    navigation = tuple(Axis(5.0 * np.arange(n), "distance", "nm") for n in (ROWS, COLUMNS))
    meta = Meta(title="Image", technique="eels", sample="Foil", beam_energy=200.0)
    return Spectrum(Axis(x, "energy_loss"), counts, Noise("poisson", 1.0), meta, navigation=navigation)


def image_project(seed: int = 0) -> Project:
    """One sample with that image."""
    return Project("Images", (Sample("s", "Foil"),), (Entry("image", low_loss_image(seed), "s"),))
