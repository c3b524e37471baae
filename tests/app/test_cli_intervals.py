"""`sodalite fit --intervals`."""

from __future__ import annotations

import json

from app.__main__ import main
from fitting import guess
from tests.app.test_bad_days import model_file, spectrum, vamas  # noqa: F401 - a fixture


def test_intervals_are_printed(vamas, tmp_path, capsys):  # noqa: F811 - the fixture
    model = guess.add_peak(spectrum(), guess.new_model(spectrum(), 281.0, 291.0, "linear_active"), 285.0)
    arguments = ["fit", str(vamas), "--model", str(model_file(tmp_path, model)), "--intervals"]
    assert main([*arguments, "-o", str(tmp_path / "a.sodalite"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["intervals"]["p1.area"]
    (low, high), (lower, higher) = found
    assert lower < low < high < higher
    assert main([*arguments, "-o", str(tmp_path / "b.sodalite")]) == 0
    assert "p1.area: 68 %" in capsys.readouterr().out
