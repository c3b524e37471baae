"""The environment: stamp, health, what can be kept, and one-line causes of failures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from installer import environment, system
from installer.environment import Environment
from installer.messages import SetupError
from installer.process import Outcome

PYTHON = sys.version_info[:2]


@pytest.fixture
def project(tmp_path) -> Path:
    root = tmp_path / "folder with spaces"
    root.mkdir()
    (root / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    return root


def stamp(project: Path, *extras: str) -> dict:
    return environment.fingerprint(project, PYTHON) | {"extras": list(extras)}


def test_a_stamp_vouches_for_its_extras(project):
    wanted = environment.fingerprint(project, PYTHON)
    assert environment.stamped_extras(stamp(project, "gui", "dev"), wanted) == {"gui", "dev"}
    assert environment.stamped_extras(stamp(project), wanted) == frozenset()


@pytest.mark.parametrize("broken", [None, [], {}, "text", {"extras": ["gui"]}])
def test_what_is_no_stamp_vouches_for_nothing(project, broken):
    assert environment.stamped_extras(broken, environment.fingerprint(project, PYTHON)) is None


def test_a_stamp_without_readable_extras_vouches_for_nothing(project):
    wanted = environment.fingerprint(project, PYTHON)
    assert environment.stamped_extras(wanted | {"extras": "gui"}, wanted) is None


def test_a_changed_declaration_or_python_or_place_breaks_the_stamp(project, tmp_path):
    old = stamp(project, "gui")
    assert environment.stamped_extras(old, environment.fingerprint(project, (3, 99))) is None
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / "pyproject.toml").write_bytes((project / "pyproject.toml").read_bytes())
    assert environment.stamped_extras(old, environment.fingerprint(moved, PYTHON)) is None
    (project / "pyproject.toml").write_text("[project]\nname = 'y'\n", encoding="utf-8")
    assert environment.stamped_extras(old, environment.fingerprint(project, PYTHON)) is None


@pytest.fixture
def made(project, monkeypatch):
    """Let `provide` run with its commands replaced; return the environment and the list of what it did."""
    done: list[str] = []

    def quiet(command, **_options):
        words = [str(part) for part in command]
        if "venv" in words:
            done.append("make")
            Path(words[-1], "bin").mkdir(parents=True)
            Path(words[-1], "Scripts").mkdir()
            for place in ("bin/python", "Scripts/python.exe"):
                Path(words[-1], place).touch()
        elif "pip" in words and "install" in words:
            done.append(words[-1])
        elif "-c" in words:
            return Outcome(0, "python {}.{}\n".format(*PYTHON))
        return Outcome(0, "")

    monkeypatch.setattr(environment, "quiet", quiet)
    monkeypatch.setattr(environment, "through", quiet)
    monkeypatch.setattr(system, "can_make_venv", lambda: True)
    return Environment(project, frozenset({"gui"})), done


def test_the_second_run_does_nothing(made):
    wanted, done = made
    environment.provide(wanted)
    assert done == ["make", ".[gui]"]
    environment.provide(wanted)
    assert done == ["make", ".[gui]"]


def test_more_extras_are_added_and_none_taken_away(made):
    wanted, done = made
    environment.provide(wanted)
    environment.provide(Environment(wanted.root, frozenset({"gui", "dev"})))
    environment.provide(wanted)
    assert done == ["make", ".[gui]", ".[dev,gui]"]
    assert json.loads(wanted.stamp_file.read_text(encoding="utf-8"))["extras"] == ["dev", "gui"]


def test_a_changed_declaration_fills_the_same_environment_again(made):
    wanted, done = made
    environment.provide(wanted)
    (wanted.root / "pyproject.toml").write_text("[project]\nname = 'y'\n", encoding="utf-8")
    environment.provide(wanted)
    assert done == ["make", ".[gui]", ".[gui]"]


def test_a_half_made_environment_is_made_anew(made):
    wanted, done = made
    (wanted.folder / "lib").mkdir(parents=True)
    environment.provide(wanted)
    assert done == ["make", ".[gui]"]
    assert not (wanted.folder / "lib").exists()


def test_an_environment_that_pip_cannot_mend_is_made_anew(made, monkeypatch):
    wanted, done = made
    environment.provide(wanted)
    answers = iter([False, False, True])  # at the start, after pip, after the new one
    monkeypatch.setattr(environment, "_is_healthy", lambda *_arguments: next(answers))
    environment.provide(wanted)
    assert done == ["make", ".[gui]", ".[gui]", "make", ".[gui]"]


def test_an_environment_copied_from_elsewhere_is_made_anew(made):
    wanted, done = made
    environment.provide(wanted)
    foreign = json.loads(wanted.stamp_file.read_text(encoding="utf-8")) | {"root": "/elsewhere"}
    wanted.stamp_file.write_text(json.dumps(foreign), encoding="utf-8")
    environment.provide(wanted)
    assert done == ["make", ".[gui]"] * 2


def test_a_failed_installation_leaves_no_stamp(made, monkeypatch):
    wanted, _done = made
    full = Outcome(1, "ERROR: [Errno 28] No space left on device")
    monkeypatch.setattr(environment, "through", lambda *_arguments, **_options: full)
    with pytest.raises(SetupError, match="the disk is full"):
        environment.provide(wanted)
    assert not wanted.stamp_file.exists()


def test_a_file_in_the_way_is_not_deleted(made):
    wanted, _done = made
    wanted.folder.write_text("mine", encoding="utf-8")
    with pytest.raises(SetupError, match="move it away"):
        environment.provide(wanted)
    assert wanted.folder.read_text(encoding="utf-8") == "mine"


def test_a_python_that_cannot_make_environments_is_told_what_it_lacks(made, monkeypatch):
    wanted, _done = made
    monkeypatch.setattr(system, "can_make_venv", lambda: False)
    with pytest.raises(SetupError, match="-venv"):
        environment.provide(wanted)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("NewConnectionError: Failed to establish a new connection: [Errno -2]", "no connection"),
        ("socket.gaierror: [Errno -3] Temporary failure in name resolution", "no connection"),
        ("ProxyError('Cannot connect to proxy.')", "no connection"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED'))", "certificate"),
        ("ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: '/x'", "no permission"),
        ("noise\nERROR: No matching distribution found for numpy>=99\n", "found for numpy>=99"),
        ("noise", "status 3"),
    ],
)
def test_the_cause_of_a_failure_is_one_line(text, expected):
    cause = environment.explain(Outcome(3, text), free=2**40)
    assert expected in cause
    assert "\n" not in cause


def test_a_failure_without_words_on_a_full_disk():
    silent = Outcome(1, "Error: Command '['python3', '-m', 'ensurepip']' returned non-zero exit status 1.")
    assert "the disk is full" in environment.explain(silent, free=4096)
    assert "ensurepip" in environment.explain(silent, free=2**40)


def test_nothing_of_the_shell_sends_packages_elsewhere():
    shell = {"PATH": "/bin", "PYTHONPATH": "/x", "PYTHONHOME": "/y", "PIP_TARGET": "/z", "PIP_USER": "1"}
    assert environment.clean_environment(shell, A="b") == {"PATH": "/bin", "PYTHONUTF8": "1", "A": "b"}
