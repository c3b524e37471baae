"""The steps of the test command: which run, how they are judged, what the summary says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from installer import tasks
from installer.process import TIMED_OUT, Outcome, quiet, through
from installer.tasks import Result, Step

PYTHON = Path("/somewhere with spaces/.venv/bin/python")


@pytest.fixture
def root(tmp_path) -> Path:
    (tmp_path / "tests" / "gui").mkdir(parents=True)
    return tmp_path


def names(steps: list[Step]) -> list[str]:
    return [step.name for step in steps]


def test_the_steps_in_their_order(root):
    short = tasks.steps(root, PYTHON, full=False, xvfb_run="/usr/bin/xvfb-run")
    assert names(short) == ["lint", "rooms", "compiled fits", "tests", "window tests"]
    full = tasks.steps(root, PYTHON, full=True, xvfb_run="/usr/bin/xvfb-run")
    assert names(full) == [*names(short), "long tests", "benchmarks"]
    assert not any(step.skip for step in full)


def test_tests_run_offscreen_on_two_workers_and_the_window_on_a_real_platform(root):
    *_, tests, window = tasks.steps(root, PYTHON, full=False, xvfb_run="/usr/bin/xvfb-run")
    assert tests.environment["QT_QPA_PLATFORM"] == "offscreen"
    assert tests.command[-2:] == ("-n", "2")
    assert window.environment["QT_QPA_PLATFORM"] == "xcb"
    assert window.command[0] == "/usr/bin/xvfb-run"
    assert window.command[-1] == "tests/gui"


def test_the_window_step_is_skipped_with_a_reason(root, tmp_path):
    assert tasks.steps(root, PYTHON, full=False, xvfb_run=None)[4].skip == "xvfb-run is not installed"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "tests/gui" in tasks.steps(empty, PYTHON, full=False, xvfb_run="/usr/bin/xvfb-run")[4].skip


STEP = Step("tests", ("x",), empty="no test was found")


@pytest.mark.parametrize(
    ("code", "text", "state", "note"),
    [
        (0, "....\n214 passed, 3 skipped in 61.25s (0:01:01)\n", "ok", "214 passed, 3 skipped"),
        (0, "== 12 passed in 0.50s ==\n", "ok", "12 passed"),
        (1, "F.\n1 failed, 4 passed in 2.00s\n", "FAILED", "1 failed, 4 passed"),
        (5, "\nno tests ran in 0.01s\n", "FAILED", "no test was found"),
        (5, "\n9 deselected in 0.01s\n", "FAILED", "no test was found"),
        (TIMED_OUT, "...", "FAILED", "stopped after 30 min 00 s"),
        (2, "usage", "FAILED", "status 2"),
        (0, "All checks passed!", "ok", ""),
    ],
)
def test_a_step_is_judged_by_status_and_closing_line(code, text, state, note):
    result = tasks.judge(STEP, Outcome(code, text), 1.0)
    assert (result.state, result.note) == (state, note)


def test_a_failed_step_does_not_stop_the_others(tmp_path, capsys):
    wanted = [Step("one", ("a",)), Step("two", ("b",)), Step("three", ("c",), skip="not here")]

    def run(command, **_options):
        return Outcome(1 if command == ("a",) else 0, "")

    results = tasks.run_steps(wanted, tmp_path, {}, run=run)
    assert [result.state for result in results] == ["FAILED", "ok", "skipped"]
    assert "skipped: not here" in capsys.readouterr().out


def result(name: str, state: str, note: str) -> Result:
    return Result(Step(name, ("x",)), state, note, 1.5)


def test_the_summary_names_the_failed_steps_and_ends_with_the_sum():
    results = [
        result("lint", "FAILED", "status 1"),
        result("tests", "FAILED", "1 failed, 210 passed, 3 skipped, 2 xfailed"),
        result("window tests", "ok", "4 passed, 9 deselected"),
    ]
    lines = tasks.summary(results, 75)
    assert "Failed steps: lint, tests" in lines
    assert lines[-1] == "214 passed, 1 failed, 5 skipped"
    assert "1 min 15 s" in lines[1]


def test_a_clean_summary_says_so():
    lines = tasks.summary([result("tests", "ok", "3 passed, 1 error")], 1)
    assert lines[-2:] == ["All steps passed.", "3 passed, 1 failed, 0 skipped"]


def test_output_is_passed_through_and_kept(tmp_path, capfdbinary):
    outcome = through([sys.executable, "-c", "print('Grüße'); raise SystemExit(3)"], cwd=tmp_path)
    assert outcome.code == 3
    assert "Gr" in outcome.text
    assert b"Gr" in capfdbinary.readouterr().out


def test_lines_can_be_chosen(tmp_path, capfdbinary):
    command = [sys.executable, "-c", "print('a1'); print('b'); print('a2')"]
    outcome = through(command, cwd=tmp_path, only=re.compile(b"a"))
    assert outcome.text.split() == ["a1", "b", "a2"]
    assert capfdbinary.readouterr().out.split() == [b"a1", b"a2"]


def test_a_step_that_hangs_is_ended(tmp_path):
    outcome = through([sys.executable, "-c", "import signal; signal.pause()"], cwd=tmp_path, limit_s=0.3)
    assert outcome.code == TIMED_OUT


def test_a_program_that_is_not_there_is_an_outcome(tmp_path):
    assert quiet(["/nowhere/program"]).code == 127
    assert through(["/nowhere/program"], cwd=tmp_path).code == 127
