"""The grid of blocks: rows, columns, and the small outlines of spectra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.project.blocks import column_of, grid, outline
from tests.app.project import simulated


def test_rows_are_levels_and_columns_are_lines():
    project, _ = simulated.profile(3)
    project = simulated.sample("Second", 9, project=project)
    found = grid(replace(project, entries=tuple(reversed(project.entries))))
    assert [(row.name, row.value) for row in found.rows] == [("Cathode", 0.0), ("Cathode", 2.0), ("Cathode", 4.0),
                                                             ("Second", None)]
    assert sorted(found.columns) == ["C 1s", "Na 1s", "O 1s"]
    assert len(found.cells) == 12
    for (row, column), ids in found.cells.items():
        entry = project.entry(ids[0])
        assert (entry.value, column_of(entry)) == (found.rows[row].value, found.columns[column])


def test_line_measured_twice_shares_a_cell():
    project = simulated.sample("A")
    twice = project.with_entry(replace(project.entries[0], id="again", name="C 1s, second"))
    assert sorted(map(len, grid(twice).cells.values())) == [1, 1, 2]


def test_outline_keeps_the_shape_and_turns_binding_energy():
    entry = simulated.sample("A").entries[2]  # Na 1s, one peak at 1071.5 of 1063 to 1081
    values = outline(entry, 40)
    assert len(values) == 40
    assert (values.min(), values.max()) == (0.0, 1.0)
    spectrum = entry.spectrum
    place = spectrum.x[::-1][int((np.argmax(values) + 0.5) * len(spectrum.x) / 40)]
    assert abs(place - 1071.5) < 0.6
    flat = replace(entry, spectrum=spectrum.with_(counts=np.full(spectrum.x.shape, 7.0)))
    assert set(outline(flat)) == {0.5}
    stack = np.stack([spectrum.counts, spectrum.counts * 2])
    from fitting.dataset import Axis

    series = spectrum.with_(counts=stack, navigation=(Axis(np.array([1.0, 2.0]), "depth", "nm"),))
    assert np.allclose(outline(replace(entry, spectrum=series), 40), values)


def test_grid_of_a_large_project_is_fast(measured):
    import time

    project, _ = simulated.profile(2)
    entries = tuple(replace(e, id=f"{e.id}_{i}_{j}", value=float(i), spectrum=e.spectrum.with_(
        meta=replace(e.spectrum.meta, region=f"{name} 1s"))) for i in range(100)
        for j, (e, name) in enumerate(zip([*project.entries[:4]] * 2, "CONFBSPL", strict=False)))
    large = replace(project, entries=entries)
    start = time.perf_counter()
    found = grid(large)
    seconds = time.perf_counter() - start
    measured("grid of 800 blocks", seconds, "s", "<= 0.5")
    assert len(found.rows) == 100
    assert seconds < 0.5
