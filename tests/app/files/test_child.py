"""The reader process: same answers as without it, and what happens when it crashes, hangs or takes too much."""

from __future__ import annotations

import io
import sys
import threading
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from app.files import AxisUnknown, ReadOptions, child, read
from app.files.child import ReaderProcess, read_in_child, receive, send, shutdown, warm_up
from app.files.wire import decode, encode, plain, restore
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.identity import content_hash, same
from libraries.errors import BadData, BadFile, Cancelled

pytestmark = pytest.mark.usefixtures("reader_child")

COLUMNS = "BE,Counts\n1,2\n2,3\n"


def _spectrum():
    return Spectrum(
        Axis([1.0, 2.5], "energy_loss"),
        np.array([[1, 2], [3, 4], [5, 6]], dtype=np.uint16),
        Noise("poisson", 0.1, 0.5, 0.2, "user"),
        Meta(title="ä\0\u2028", extra=(("a", "b"),), comments=("", "c"), photon_energy=1486.6),
        np.array([1.0, 1e-300]),
        (Axis([0.0, 1.0, 2.0], "depth", "nm"),),
    )


def test_spectra_go_over_the_wire_bit_for_bit():
    spectra = [_spectrum(), Spectrum(Axis([5.0], "index", ""), [0.1])]
    back = decode(*encode(spectra))
    assert same(back, spectra)
    assert content_hash(back) == content_hash(spectra)


def test_big_endian_arrays_arrive_in_the_order_of_this_machine():
    spectrum = _spectrum().with_(counts=np.array([[1, 2], [3, 4], [5, 6]], dtype=">i4"))
    (back,) = decode(*encode([spectrum]))
    assert back.counts.dtype == np.dtype("=i4")
    np.testing.assert_array_equal(back.counts, spectrum.counts)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"5",
        b"[5]",
        b'[{"class": "Popen", "fields": {}}]',
        b'[{"class": "Meta", "fields": {"nothing": 1}}]',
        b'[{"class": "Meta", "fields": {"title": 1}}]',
        b'[{"class": "Meta", "fields": {"comments": [1]}}]',
        b'[{"class": "Meta", "fields": {"extra": [["a"]]}}]',
        b'[{"class": "Meta", "fields": {"photon_energy": "1"}}]',
        b'[{"class": "Meta", "fields": {}}]',
        b'[{"class": "Axis", "fields": {"values": [2, 1], "quantity": "index"}}]',
        b'[{"class": "Axis", "fields": {}}]',
        b'[{"array": 0, "dtype": "O", "shape": [1]}]',
        b'[{"array": 7, "dtype": "<f8", "shape": [1]}]',
        b'[{"array": 0, "dtype": "<f8", "shape": [9]}]',
        b"[" * 100 + b"]" * 100,
        b"[" * 100_000,
    ],
)
def test_nonsense_on_the_wire_is_refused(text):
    with pytest.raises(BadData):
        decode(text, [b"12345678"])


def test_only_plain_things_go_over_the_wire():
    with pytest.raises(BadData, match="A object cannot be handed over"):
        plain(object())
    with pytest.raises(BadData, match="An array has no place here"):
        plain(np.zeros(1))
    assert restore(plain(Noise())) == Noise()


def test_frames():
    pipe = io.BytesIO()
    send(pipe, b"text", [b"", b"abc"])
    pipe.seek(0)
    assert receive(pipe) == (b"text", [b"", b"abc"])
    with pytest.raises(EOFError):
        receive(pipe)
    with pytest.raises(ValueError, match="no frame"):
        receive(io.BytesIO(b"x" * 100))


def test_the_child_reads_what_the_reader_reads(vamas, write):
    warm_up()
    path = vamas.one(comments=("Müller",))
    assert same(read_in_child(path), read(path))
    first = child._current
    path = write("280 1\n281 2\n")
    options = ReadOptions(axis="kinetic_energy", photon_energy=1486.6)
    assert same(read_in_child(path, options=options), read(path, options))
    assert child._current is first  # one warm process for all


def test_errors_come_across_with_their_class(write, tmp_path):
    with pytest.raises(AxisUnknown) as caught:
        read_in_child(write("280 1\n281 2\n"))
    assert "choose the axis when opening" in caught.value.todo
    with pytest.raises(BadFile, match="There is no such file"):
        read_in_child(tmp_path / "none")
    assert child._current is None or child._current.alive


def test_a_killed_child_is_replaced(write):
    path = write(COLUMNS)
    read_in_child(path)
    child._current.process.kill()
    child._current.process.wait()
    assert same(read_in_child(path), read(path))


def test_after_shutdown_a_new_child_starts(write):
    path = write(COLUMNS)
    read_in_child(path)
    shutdown()
    assert child._current is None
    assert len(read_in_child(path)) == 1


def test_cancel_stops_and_the_next_file_is_read(write):
    path = write(COLUMNS)
    with pytest.raises(Cancelled):
        read_in_child(path, cancel=lambda: True)
    assert len(read_in_child(path)) == 1


def test_threads_take_turns(write):
    path = write(COLUMNS)
    results = []
    threads = [threading.Thread(target=lambda: results.append(read_in_child(path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4


def test_the_folder_of_the_data_brings_no_modules(write, monkeypatch, tmp_path):
    write("raise SystemExit", "json.py")
    write("raise SystemExit", "numpy.py")
    monkeypatch.chdir(tmp_path)
    assert len(read_in_child(write(COLUMNS))) == 1


# A stand-in for the child that greets, takes a request, and then does something.
GREETING = (
    "import sys, os, time, struct; os.write(1, struct.pack('<4sQI', b'SODA', 2, 0) + b'{}'); sys.stdin.readline(); "
)


def _stand_in(code, path, time_factor=0.1):
    process = ReaderProcess([sys.executable, "-c", GREETING + code], time_factor)
    try:
        process.read(path, 100, lambda: False, ReadOptions())
    finally:
        assert not process.alive
        process.end()


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("os.abort()", "made its reader crash"),
        ("sys.exit(0)", "made its reader crash"),
        ("time.sleep(60)", "Reading was stopped after"),
        ("[0 for _ in iter(int, 1)]", "Reading was stopped after"),
        ("os.write(1, b'x' * 100)", "made its reader crash"),
        ("os.write(1, struct.pack('<4sQI', b'SODA', 2, 0) + b'[]')", "gave a wrong answer"),
        ("os.write(1, struct.pack('<4sQI', b'SODA', 15, 0) + b'{\"spectra\": [5]}'[:15])", "gave a wrong answer"),
    ],
)
def test_a_child_that_goes_wrong_gives_a_clear_error(write, code, what):
    path = write(COLUMNS)
    with pytest.raises(BadFile, match=what) as caught:
        _stand_in(code, path)
    assert caught.value.where == str(path)
    assert caught.value.todo


def test_a_hanging_child_can_be_cancelled(write):
    process = ReaderProcess([sys.executable, "-c", GREETING + "time.sleep(60)"])
    asked = []
    with pytest.raises(Cancelled):
        process.read(write(COLUMNS), 100, lambda: len(asked) > 2 or asked.append(1), ReadOptions())
    assert not process.alive


def test_a_defect_of_a_reader_is_reported_and_the_child_lives(monkeypatch, write):
    def fail(path, options):
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("app.files.registry.read", fail)
    monkeypatch.setattr(child, "_limit_memory", lambda path: None)
    text, buffers = child._serve({"path": "x", "options": {}})
    assert b"ZeroDivisionError: a defect" in text
    assert buffers == []

    def swallow(path, options):
        raise MemoryError

    monkeypatch.setattr("app.files.registry.read", swallow)
    assert b"needs too much memory" in child._serve({"path": "x", "options": {}})[0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process reliably")
def test_the_child_has_a_limit_of_memory(write):
    code = (
        "import sys; from pathlib import Path; from app.files import child; child.BASE_MEMORY = 200 << 20; "
        f"child._limit_memory(Path({str(write(COLUMNS))!r}))\n"
        "try:\n bytearray(400 << 20)\nexcept MemoryError:\n sys.exit(7)"
    )
    process = ReaderProcess([sys.executable, "-c", code])
    try:
        assert process.process.wait(60) == 7
    finally:
        process.end()


def test_a_frozen_program_calls_itself(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert child.command() == [sys.executable, child.CHILD_FLAG]


def test_meta_of_the_wire_is_whole():
    meta = replace(Meta(), sweeps=5.0)
    assert restore(plain(meta)) == meta


def test_the_time_grows_with_the_file():
    assert child.allowed_seconds(0) == 2
    assert child.allowed_seconds(1_000_000_000) == pytest.approx(2 + 20 + 40)


def test_a_workbook_gets_the_time_of_what_it_unpacks_to(tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"<c><v>284.80</v></c>" * 100_000)
    assert path.stat().st_size < 100_000
    assert child.unpacked_size(path) == 2_000_000
    plain = tmp_path / "a.csv"
    plain.write_text("BE,counts\n1,2\n")
    assert child.unpacked_size(plain) == 0
    cut = tmp_path / "cut.xlsx"
    cut.write_bytes(path.read_bytes()[:500])
    assert child.unpacked_size(cut) == 0
    assert child.unpacked_size(tmp_path / "missing.xlsx") == 0
