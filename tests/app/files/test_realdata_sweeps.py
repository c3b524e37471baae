"""Single sweeps of measured files: their sum is the sum that the reader gives, and counts are counts."""

from __future__ import annotations

import pytest

from app.files.registry import read
from fitting.processing.gain import gain_from_repeats
from fitting.processing.sweeps import drift, sum_sweeps_step
from fitting.recipe import Recipe


@pytest.mark.realdata
def test_sweeps_of_a_specs_file(realdata):
    spectra = read(realdata / "xps" / "PBTTT_specs.xml")
    series = [s for s in spectra if s.name.endswith(" sweeps") and len(s.navigation) == 1]
    assert series
    for sweeps in series:
        whole = next(s for s in spectra if f"{s.name} sweeps" == sweeps.name)
        done = Recipe((sum_sweeps_step(None),)).apply(sweeps)
        assert done.y.tolist() == whole.y.tolist()
        assert (done.noise.gain, done.meta.sweeps) == (whole.noise.gain, whole.meta.sweeps)
        gain = gain_from_repeats(sweeps)
        assert gain.value == pytest.approx(1.0, abs=4 * gain.error)
        found = drift(sweeps)
        assert found.converged
        assert abs(found.shifts).max() < 0.2
