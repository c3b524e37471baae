"""Finding the reader, and the ways in which a path leads to no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app import files
from app.files import contents, formats, read, readers, registry
from libraries.errors import BadFile


def test_every_module_with_a_reader_takes_part():
    names = [reader.name for reader in readers()]
    assert names == sorted(set(names))
    assert {"columns", "nexus", "vamas"} <= set(names)


def test_formats_describe_themselves():
    for info in formats():
        assert info.name
        assert info.title
        assert info.description
        assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in info.suffixes)
    assert {info.name for info in formats()} == {reader.name for reader in readers()}


def test_the_suffix_breaks_a_tie_and_nothing_else(monkeypatch, write):
    def reader(name, sure, suffix):
        return files.Reader(name, name, (suffix,), "", lambda head, path: sure, lambda path, options: [])

    monkeypatch.setattr(registry, "readers", lambda: (reader("a", 0.8, ".a"), reader("b", 0.8, ".b")))
    assert registry.sniff(write("x", "x.a")).name == "a"
    assert registry.sniff(write("x", "x.B")).name == "b"
    monkeypatch.setattr(registry, "readers", lambda: (reader("a", 0.9, ".a"), reader("b", 0.8, ".b")))
    assert registry.sniff(write("x", "x.b")).name == "a"


def _fail(path):
    with pytest.raises(BadFile) as caught:
        read(path)
    assert str(path) in caught.value.where
    assert caught.value.todo
    return caught.value.what


def test_paths_that_lead_to_no_file(tmp_path, write):
    assert _fail(tmp_path / "none.vms") == "There is no such file"
    assert _fail(tmp_path) == "This is a folder, not a file"
    assert _fail(write("", "empty.vms")) == "The file is empty"
    assert "cannot be read" in _fail(tmp_path / "a\0b")
    assert "cannot be read" in _fail(tmp_path / ("x" * 300))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_instead_of_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert _fail(tmp_path / "pipe") == "This is not an ordinary file"


def test_a_file_that_may_not_be_read(write, monkeypatch):
    path = write("BE,I\n1,2\n2,3\n")

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    # Nothing is forbidden to root, so the refusal is made up.
    monkeypatch.setattr(Path, "open", refuse)
    assert _fail(path) == "You may not read this file"


def test_a_text_file_beyond_all_measure_is_refused(write):
    path = write("BE,I\n1,2\n2,3\n")
    with pytest.raises(BadFile, match="more than the 0 MB"):
        contents.read_bytes(path, limit=5)


def test_damaged_utf_16(write):
    with pytest.raises(BadFile, match="The text is damaged"):
        contents.read_text(Path("a"), b"\xff\xfe\x00")
    assert contents.read_text(Path("a"), b"\x81\xe4") == "\x81ä"
