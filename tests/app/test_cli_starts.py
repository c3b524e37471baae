"""`sodalite fit --starts`."""

from __future__ import annotations

import json

import pytest

from app.__main__ import main
from fitting import guess
from tests.app.test_bad_days import model_file, spectrum, vamas  # noqa: F401 - a fixture


def test_many_starts_find_the_peak_that_the_plain_fit_misses(vamas, tmp_path, capsys):  # noqa: F811 - the fixture
    model = guess.add_peak(spectrum(), guess.new_model(spectrum(), 281.0, 291.0, "linear_active"), 285.0)
    far = model.with_values({"p1.position": 289.5, "p1.area": 1.0})
    command = ["fit", str(vamas), "--model", str(model_file(tmp_path, far)), "--json"]
    main([*command, "-o", str(tmp_path / "plain.sodalite")])
    plain = json.loads(capsys.readouterr().out)
    assert main([*command, "-o", str(tmp_path / "many.sodalite"), "--starts", "30"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["reduced_chi2"] <= plain["reduced_chi2"]
    assert "30 starts (seed 0)" in err


@pytest.mark.parametrize("number", ["0", "-3", "many"])
def test_a_wrong_number_of_starts_is_wrong_usage(number, capsys):
    assert main(["fit", "x.vms", "--model", "m.json", "-o", "o.sodalite", "--starts", number]) == 2
    assert "--starts" in capsys.readouterr().err
