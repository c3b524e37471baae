"""Debian packages: which are needed, which are missing, and how they are called here."""

from __future__ import annotations

import pytest

from installer import system
from installer.process import Outcome
from installer.system import Need

GLIB = Need(("libglib2.0-0t64", "libglib2.0-0"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n', True),
        ("ID=ubuntu\nID_LIKE=debian\n", True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ('ID="raspbian"\nID_LIKE=debian', True),
        ('ID=fedora\nID_LIKE="rhel centos"\n', False),
        ("ID=arch", False),
        ("", False),
    ],
)
def test_debian_and_its_relatives_are_recognised(text, expected):
    assert system.is_debian(text) is expected


def test_only_installed_packages_count():
    text = "libgl1 installed\nxauth config-files\nlibegl1 not-installed\ndpkg-query: no packages found matching xvfb\n"
    assert system.parse_status(text) == {"libgl1"}


def test_apt_knows_what_has_a_candidate():
    text = (
        "libglib2.0-0t64:\n  Installed: (none)\n  Candidate: 2.84.4-3\n  Version table:\n     2.84.4-3 500\n"
        "libglib2.0-0:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n"
    )
    assert system.parse_policy(text) == {"libglib2.0-0t64"}
    assert system.parse_policy("") == set()


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"libglib2.0-0t64"}, "libglib2.0-0t64"),
        ({"libglib2.0-0"}, "libglib2.0-0"),
        (set(), "libglib2.0-0"),
    ],
)
def test_the_name_is_the_one_of_this_release(known, expected):
    assert GLIB.name_here(known) == expected


def test_a_need_is_met_under_any_of_its_names():
    assert GLIB.met_by({"libglib2.0-0"})
    assert GLIB.met_by({"libglib2.0-0t64"})
    assert not GLIB.met_by({"libglib2.0-dev"})


def test_needs_grow_with_the_command():
    bare = system.needs(tests=False, display=False, venv=True)
    window = system.needs(tests=False, display=True, venv=True)
    tests = system.needs(tests=True, display=False, venv=True)
    assert set(bare) < set(window) < set(tests)
    names = [need.names[0] for need in tests]
    assert "xvfb" in names
    assert "libxcb-cursor0" in names
    assert len(names) == len(set(names))


def test_the_venv_package_is_asked_for_only_where_python_lacks_it():
    assert not any("venv" in need.names[-1] for need in system.needs(tests=True, display=True, venv=True))
    last = system.needs(tests=False, display=False, venv=False)[-1]
    assert last.names[-1] == "python3-venv"


def test_the_line_to_type_names_every_missing_package():
    line = system.by_hand([Need(("xvfb",)), GLIB], {"libglib2.0-0t64"})
    assert line == "sudo apt-get install -y xvfb libglib2.0-0t64"


@pytest.fixture
def fake_debian(monkeypatch):
    """Replace the machine: what dpkg and apt answer, and a list of the commands that were run."""
    seen: list[list[str]] = []
    answers = {"dpkg-query": Outcome(1, "xauth installed\n"), "apt-cache": Outcome(0, "xvfb:\n  Candidate: 2:21\n")}

    def quiet(command, **_options):
        seen.append([str(part) for part in command])
        return answers.get(seen[-1][0], Outcome(0, ""))

    monkeypatch.setattr(system, "quiet", quiet)
    monkeypatch.setattr(system, "_has_dpkg", lambda: True)
    monkeypatch.setattr(system.os, "geteuid", lambda: 0, raising=False)
    return seen, answers


def test_root_installs_only_what_is_missing(fake_debian):
    seen, _answers = fake_debian
    assert system.provide([Need(("xauth",)), Need(("xvfb",))])
    apt = [command for command in seen if command[0] == "apt-get"]
    assert [command[3] for command in apt] == ["update", "install"]
    assert apt[1][-1] == "xvfb"
    assert "xauth" not in apt[1]


def test_nothing_missing_asks_apt_nothing(fake_debian):
    seen, _answers = fake_debian
    assert system.provide([Need(("xauth",))])
    assert [command[0] for command in seen] == ["dpkg-query"]


def test_without_root_the_line_is_printed_and_nothing_installed(fake_debian, monkeypatch, capsys):
    seen, _answers = fake_debian
    monkeypatch.setattr(system.os, "geteuid", lambda: 1000, raising=False)
    assert not system.provide([Need(("xvfb",))])
    assert "sudo apt-get install -y xvfb" in capsys.readouterr().err
    assert not any(command[0] == "apt-get" for command in seen)


def test_a_failed_installation_gives_the_reason_and_goes_on(fake_debian, capsys):
    _seen, answers = fake_debian
    answers["apt-get"] = Outcome(100, "Reading...\nE: Unable to fetch some archives\n")
    assert not system.provide([Need(("xvfb",))])
    assert "E: Unable to fetch some archives" in capsys.readouterr().err


def test_aptless_failure_still_has_a_reason():
    assert "status 100" in system.explain_apt(Outcome(100, "something else"))
