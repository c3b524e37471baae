"""The command line of the installer: usage, display decision, exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from installer import __main__ as start
from installer import checks, commands
from installer.messages import SetupError, duration
from installer.process import Outcome

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("system", "environ", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("freebsd14", {}, False),
        ("win32", {}, True),
        ("darwin", {}, True),
    ],
)
def test_where_a_window_can_be_opened(system, environ, expected):
    assert checks.has_display(system, environ) is expected


@pytest.mark.parametrize(
    ("files", "display", "expected"),
    [
        ([], True, ["gui", "--sample", "xps"]),
        ([], False, ["demo", "--technique", "all"]),
        (["/a b.vms"], True, ["gui", "/a b.vms"]),
        (["/a b.vms"], False, ["info", "/a b.vms"]),
    ],
)
def test_the_main_job(files, display, expected):
    assert commands.main_job(files, display=display) == expected


def test_the_folder_of_the_project():
    assert checks.project_root() == ROOT


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["test", "--nonsense"], ["test", "file"]])
def test_wrong_usage_is_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        commands.main(arguments)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_set_up_error_is_one_line_and_status_1(monkeypatch, capsys):
    def fail(_root, *, full):
        raise SetupError("no disk" if full else "no network")

    monkeypatch.setattr(commands, "test", fail)
    assert commands.main(["test"]) == 1
    assert capsys.readouterr().err == "installer: no network\n"
    assert commands.main(["test", "--full"]) == 1
    assert capsys.readouterr().err == "installer: no disk\n"


def test_stopping_by_hand_is_status_1(monkeypatch, capsys):
    def stop(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "run", stop)
    assert commands.main(["run"]) == 1
    assert "stopped" in capsys.readouterr().err


def test_run_without_a_display_prints_the_demo_and_passes_its_status_on(monkeypatch, capsys):
    seen = []

    def foreground(command, **_options):
        seen.append([str(part) for part in command])
        return 2

    monkeypatch.setattr(commands, "set_up", lambda _root, *, tests: Path("python"))
    monkeypatch.setattr(commands, "foreground", foreground)
    monkeypatch.setattr(checks, "has_display", lambda *_arguments: False)
    assert commands.run(ROOT, []) == 1
    assert seen == [["python", "-m", "app", "demo", "--technique", "all"]]
    assert "without a window" in capsys.readouterr().out


def test_an_old_python_is_told_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(start, "OLDEST_PYTHON", (3, 99))
    assert start.main() == 1
    error = capsys.readouterr().err
    assert "needs Python 3.99 or newer" in error
    assert error.count("\n") == 1


def test_help_needs_nothing_but_the_standard_library():
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", "import sys; sys.path.insert(0, '.'); from installer.__main__ import main\n"
         "sys.argv = ['installer', 'test', '--help']\nmain()"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "--full" in done.stdout


def test_revision_is_left_out_where_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(commands, "quiet", lambda *_a, **_k: Outcome(128, "fatal: not a git repository"))
    assert commands._revision(tmp_path) == {}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (42, "42 s"), (59.6, "1 min 00 s"), (187, "3 min 07 s")]
)
def test_times_are_written_for_people(seconds, text):
    assert duration(seconds) == text
