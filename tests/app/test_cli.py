"""The command line: usage, exit status, `info` and `convert`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from app import __main__ as program
from app import __version__, cli
from app.cli.output import Progress, plain_json, table
from app.files import read
from app.files.nexus_writer import write_nexus
from app.files.vamas_writer import write_vamas
from fitting.dataset import Axis, Meta, Noise, Spectrum
from libraries.errors import BadData, Cancelled

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "app", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False, **options,
    )


def spectrum(name="C 1s", n=101, **meta):
    x = np.linspace(280.0, 290.0, n)
    counts = np.round(50 + 900 * np.exp(-(((x - 284.8) / 0.7) ** 2))).astype(np.int64)
    about = Meta(title=name, region=name, technique="xps", sample="Film", photon_energy=1486.6, **meta)
    return Spectrum(Axis(x, "binding_energy"), counts, Noise("poisson", 1.0), about)


@pytest.fixture
def two(tmp_path):
    """A file with two spectra."""
    path = tmp_path / "two.h5"
    write_nexus(path, [spectrum(), spectrum("O 1s")])
    return path


# -------------------------------------------------------------------------------------------------------------- usage


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["info", "--help"], ["fit", "--help"], ["gui", "-h"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        "import sys\nfrom app.__main__ import main\nstatus = main(sys.argv[1:])\n"
        "heavy = {'numpy', 'scipy', 'h5py', 'matplotlib', 'lmfit', 'PySide6', 'xraylib'} & set(sys.modules)\n"
        "sys.exit(3 if heavy else status)"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "sodalite" in done.stdout.lower()


def test_help_answers_at_once(measured):
    """Within 0.3 s of an idle machine: on a busy one, waiting for other programs is not counted."""
    walls, works = [], []
    while min(walls, default=9) > 0.3 and len(walls) < 10:
        begin, before = time.perf_counter(), os.times()
        assert run("--help").returncode == 0
        after = os.times()
        walls.append(time.perf_counter() - begin)
        works.append(after.children_user + after.children_system - before.children_user - before.children_system)
    measured("time of sodalite --help", min(walls), "s", "<= 0.3")
    # Windows does not tell the time of a child.
    assert min(walls if os.name == "nt" else works) <= 0.3


def test_version(capsys):
    assert program.main(["--version"]) == 0
    assert capsys.readouterr().out == f"Sodalite {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["infoo"], ["info"], ["info", "--wrong", "x"], ["convert", "x"], ["fit", "x", "-o", "y.sodalite"],
        ["fit", "x", "--model", "m", "--template", "t", "-o", "y.sodalite"], ["report", "x"],
        ["demo", "--technique", "z"], ["--wrong"],
    ],
)
def test_wrong_usage_is_status_2(arguments, capsys):
    assert program.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "usage: sodalite" in err


def test_a_typing_error_is_hinted_at(capsys):
    assert program.main(["repport"]) == 2
    assert "did you mean 'report'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "files", "sample"),
    [
        ([], [], None), (["gui"], [], None), (["gui", "a.vms", "b"], ["a.vms", "b"], None),
        (["a.vms"], ["a.vms"], None), (["gui", "--sample", "xps"], [], "xps"), (["--debug"], [], None),
        (["--debug", "a.vms"], ["a.vms"], None),
    ],
)
def test_everything_else_opens_the_window(arguments, files, sample):
    opened = []
    assert cli.main(arguments, window=lambda given: opened.append(given) or 0) == 0
    assert (opened[0].files, opened[0].sample) == (files, sample)
    assert opened[0].debug == ("--debug" in arguments)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_without_a_display_the_window_says_so():
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    done = run("gui", env={key: value for key, value in os.environ.items() if key not in names})
    assert (done.returncode, done.stdout) == (1, "")
    assert "needs a display" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_toolkit_is_named(monkeypatch, capsys):
    monkeypatch.setattr(program, "_has_display", lambda: True)
    monkeypatch.setitem(sys.modules, "app.gui", None)
    monkeypatch.setattr(program, "_missing", lambda error: program.NoWindow("The window needs PySide6"))
    assert program.main(["gui"]) == 1
    assert capsys.readouterr().err == "sodalite: The window needs PySide6.\n"
    monkeypatch.undo()
    absent = program._missing(ModuleNotFoundError("No module", name="PySide6.QtCore"))
    assert "pip install" in str(absent)
    assert "libEGL" in str(program._missing(ImportError("libEGL.so.1: cannot open shared object file")))
    with pytest.raises(ModuleNotFoundError):
        program._missing(ModuleNotFoundError("No module", name="app.gui.lost"))


# ------------------------------------------------------------------------------------------------------------- status


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (BadData("Too few", where="C 1s", todo="Measure more"), 1, "sodalite: C 1s: Too few. Measure more.\n"),
        (BadData("Two\nlines\x1b[2J"), 1, "sodalite: Two lines [2J.\n"),
        (KeyboardInterrupt(), 130, "sodalite: Stopped.\n"),
        (Cancelled(), 130, "sodalite: Cancelled.\n"),
        (PermissionError(13, "Permission denied", "x.csv"), 1, "sodalite: x.csv: Permission denied."),
        (OSError(28, "No space left on device"), 1, "No space left"),
        (MemoryError(), 1, "not enough memory"),
        (ZeroDivisionError("by zero"), 1, "defect of the program (ZeroDivisionError: by zero)"),
    ],
)
def test_errors_are_one_line_and_a_status(error, status, text, capsys):
    def window(_):
        raise error

    assert cli.main(["gui"], window=window) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert text in err
    assert err.count("\n") == 1


def test_debug_shows_the_traceback(tmp_path):
    done = run("info", tmp_path / "absent.vms", "--debug")
    assert done.returncode == 1
    assert "There is no such file" in done.stderr

    def window(_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cli.main(["--debug", "gui"], window=window)


def test_a_closed_pipe_is_quiet(two):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        command = [sys.executable, "-m", "app", "info", str(two)]
        done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 1


@pytest.mark.skipif(os.name != "posix", reason="Ctrl+C of another process needs POSIX signals")
def test_ctrl_c_ends_with_one_line(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "demo", "--technique", "xps", "-o", str(tmp_path / "out")],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # A shell's background job hands down that Ctrl+C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    # The folder is made when the work begins.
    limit = time.monotonic() + 60
    while not (tmp_path / "out").exists() and time.monotonic() < limit and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    # Python ends itself by the signal where it arrived inside an exec (named tuples of an import); a shell sees 130.
    assert process.returncode in (130, -signal.SIGINT)
    assert (out, err.splitlines()[-1]) == ("", "sodalite: Stopped.")
    assert "Traceback" not in err


def test_progress_is_only_for_terminals(capsys):
    class Terminal:
        text = ""

        def isatty(self):
            return True

        def write(self, text):
            self.text += text

        def flush(self):
            pass

    with Progress() as bar:
        bar(0.5, "half")
    assert capsys.readouterr().err == ""
    terminal = Terminal()
    with Progress(terminal) as bar:
        bar(0.5, "half")
        bar(0.5, "half")
        bar(float("nan"), "")
    assert terminal.text.count("50 % half") == 1
    assert terminal.text.endswith("\r\x1b[K")


def test_text_and_numbers_for_programs():
    values = {"a": (float("nan"), np.float64(1.5), np.int64(2)), "b": [float("inf"), True, None, "x"]}
    assert plain_json(values) == {"a": [None, 1.5, 2], "b": [None, True, None, "x"]}
    assert table(("A", "B"), [("x̂", "1"), ("long", "22")], right=(1,)) == "A      B\nx̂      1\nlong  22"


# --------------------------------------------------------------------------------------------------------------- info


def test_info_as_json(two, capsys):
    assert program.main(["info", str(two), "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    first, second = json.loads(out)
    assert list(first) == ["file", "index", "title", "technique", "shape", "axis", "total", "meta"]
    expected = spectrum()
    assert first["file"] == str(two)
    assert (first["index"], second["index"]) == (0, 1)
    assert (first["title"], first["technique"], first["shape"]) == ("C 1s", "xps", [101])
    assert first["axis"] == {"name": "binding_energy", "unit": "eV", "first": 280.0, "last": 290.0, "n": 101}
    assert first["total"] == int(expected.counts.sum())
    assert first["meta"]["photon_energy"] == 1486.6
    assert first["meta"]["pass_energy"] is None
    assert first["meta"]["comments"] == []


def test_info_for_people_and_with_a_bad_file_among_good_ones(two, tmp_path, capsys):
    bad = tmp_path / "bad.vms"
    bad.write_bytes(b"\x00\x01nothing")
    assert program.main(["info", str(bad), str(two)]) == 1
    out, err = capsys.readouterr()
    assert "two.h5: 2 spectra" in out
    assert "O 1s" in out
    assert err.startswith(f"sodalite: {bad}: ")
    assert program.main(["info", "--json", str(bad), str(two)]) == 1
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_info_takes_hostile_titles(tmp_path, capsys):
    path = tmp_path / "odd.h5"
    write_nexus(path, [spectrum("\x1b[31mred\n<b>")])
    assert program.main(["info", str(path)]) == 0
    assert "\x1b" not in capsys.readouterr().out


# ------------------------------------------------------------------------------------------------------------ convert


@pytest.mark.parametrize("suffix", ["h5", "vms", "csv"])
def test_convert_there_and_back(tmp_path, suffix, capsys):
    source, target = tmp_path / "one.vms", tmp_path / f"out.{suffix}"
    write_vamas(source, [spectrum()])
    assert program.main(["convert", str(source), "-o", str(target)]) == 0
    assert capsys.readouterr().out == f"{target}\n"
    (back,) = read(target)
    np.testing.assert_array_equal(back.x, spectrum().x)
    np.testing.assert_array_equal(back.y, spectrum().y)


def test_convert_of_several_to_csv_numbers_them(two, tmp_path, capsys):
    assert program.main(["convert", str(two), "-o", str(tmp_path / "t.csv")]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [str(tmp_path / "t-1-C_1s.csv"), str(tmp_path / "t-2-O_1s.csv")]
    assert all(Path(line).is_file() for line in out.splitlines())
    assert "there are 2" in err


def test_convert_refuses_its_own_input_and_unknown_endings(two, tmp_path, capsys):
    before = two.read_bytes()
    assert program.main(["convert", str(two), "-o", str(two)]) == 1
    assert "never overwritten" in capsys.readouterr().err
    assert program.main(["convert", str(two), "-o", str(tmp_path / "x.doc")]) == 1
    assert "'.doc'" in capsys.readouterr().err
    assert program.main(["convert", str(two), "-o", str(tmp_path / "no" / "x.h5")]) == 1
    assert "folder does not exist" in capsys.readouterr().err
    assert two.read_bytes() == before


@pytest.mark.realdata
def test_info_of_a_measured_file(realdata, capsys):
    assert program.main(["info", "--json", str(realdata / "xps" / "MoS2_WS2_assigned.vms")]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 54
    assert rows[2]["title"] == "C 1s"
    assert rows[2]["axis"]["n"] == 154
    assert {row["technique"] for row in rows} == {"xps"}
