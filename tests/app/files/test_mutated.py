"""Damaged files of every instrument format: refused with a reason, or read as what they now say; nothing is invented.

Each file is changed at random: bytes, lines, numbers, its end. What is then still read must be made of numbers that the
changed file holds, come out the same twice, and not take long.
"""

from __future__ import annotations

import io
import random
import re
import time
import zipfile

import numpy as np
import pytest

from app.files import read
from app.files.child import read_in_child
from fitting.identity import same
from libraries.errors import SodaliteError
from tests.app.files import casa_text, made, made_surfacelab
from tests.app.files.conftest import block, header
from tests.app.files.test_nxmpes import nexus

SHORT, LONG = 60, 2000
SECONDS = 2.0
NUMBER = re.compile(rb"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
WORDS = [
    b"nan", b"inf", b"-inf", b"1e999", b"-1", b"0", b"1", b"2", b"7.5", b"999999999", b"1000000000", b"-999999999",
    b"1e12", b"1,5", b"", b"x", b"9" * 400, b"0x10", b"1_000", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"1e-320",
    b"00001", b"2147483648",
]  # fmt: skip
EXTREMES = [bytes(4), b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0\0\xc0\x7f", b"\x01\0\0\0"]
Y = tuple(range(101, 131))
ROWS = tuple((300 - 0.5 * i, y) for i, y in enumerate(Y))
REGIONS = (("C1s", 6, -0.5, 290.0, tuple(map(float, Y))), ("Su1s", 111, -1.0, 20.0, tuple(range(21))))
CASA_ROWS = tuple((286.6 + 0.5 * i, y, y + 1, y - 5, y + 2) for i, y in enumerate(Y))
SLICES = tuple((y, y + 1000) for y in Y)
TABLE = (("BE (eV)", "Counts", "Background"), *((300 - 0.5 * i, float(y), y / 2) for i, y in enumerate(Y)))


def _xy(cycles):
    return made.xy(tuple(((c, 0, 0), ROWS) for c in range(cycles))).encode()


def _vamas(**changes):
    head = {key: changes.pop(key) for key in ("variables",) if key in changes}
    scan = changes.get("scan", "REGULAR")
    variables = {"variables": ("45",)} if head else {}
    lines = [*header(scan=scan, blocks=2, **head), *(2 * block(**changes, **variables)), "end of experiment", ""]
    return "\r\n".join(lines).encode()


# Name -> good files.
TEXTS = {
    "vamas": [
        _vamas(data=(Y,), comments=casa_text.SECTION),
        _vamas(
            scan="IRREGULAR", ordinates=(("Kinetic Energy", "eV"), ("Counts", "d"), ("Transmission", "d")),
            data=(tuple(range(1190, 1220)), Y, (1,) * 30), variables=(("Angle", "degree"),),
        ),
    ],
    "specs_xy": [_xy(1), _xy(2), _xy(1) + made.xy(name="O 1s").encode()],
    "specs_xml": [made.xml((Y,), transmission=[1.5] * 30).encode(), made.xml((Y,), cycles=2).encode()],
    "scienta": [
        made.ses(tuple(x for x, _ in ROWS), tuple((y,) for y in Y)).encode(),
        made.ses(tuple(x for x, _ in ROWS), SLICES, second=("Y [deg]", (1.0, 2.0)), regions=2).encode(),
    ],
    "casa_text": [made.casa(CASA_ROWS).encode(), (made.casa() + made.casa(name="Cycle 1:B:O 1s")).encode()],
    "surfacelab_profile": [
        made_surfacelab.profile().encode(),
        made_surfacelab.profile(
            ratios=(("Na_2F+ / ( PbI+ )", (40 / 30, 35 / 33, 20 / 41)),), smoothing="Enabled"
        ).encode(),
    ],
    "surfacelab_spectrum": [made_surfacelab.spectrum().encode(), made_surfacelab.spectrum(shift=1.0).encode()],
    "mass_text": [("m/z,Intensity\n" + "".join(f"{1 + i / 8},{y}\n" for i, y in enumerate(Y))).encode()],
    "profile_text": [
        ("Time (s),Na2F+,PbI+ [counts],x\n" + "".join(f"{1.5 * i},{y},{y + 1},{2 * y}\n" for i, y in enumerate(Y)))
        .encode(),
        ("Depth;Na2F+;PbI+\nnm;counts;counts\n" + "".join(f"{i};{y};{y / 2}\n".replace(".", ",")
                                                           for i, y in enumerate(Y))).encode("utf-16"),
    ],
    "columns": [
        ("# Region: A\nBE (eV),Counts,Background\n" + "".join(f"{x},{y},{y / 2}\n" for x, y in ROWS)).encode(),
        ("BE (eV);CPS\n" + "".join(f"{x};{y}\n".replace(".", ",") for x, y in ROWS)).encode("utf-16"),
    ],
}
BINARIES = {
    "phi": [made.phi(REGIONS), made.phi(REGIONS, cycles=3, times=(0, 30, 60)), made.phi(REGIONS, form="f8")],
    "igor": [made.ibw(Y), made.ibw_2(tuple(map(float, Y))), made.ibw(np.array(SLICES, dtype=float))],
}
BOOKS = [(("Na 1s", TABLE), ("Notes", (("a", 1.0),))), (("O1s Scan", made.avantage(20)), ("Peak Table", (("A", 1.0),)))]


def _lines(rng, data):
    end = b"\r\n" if b"\r\n" in data else b"\n"
    lines = data.split(end)
    for _ in range(rng.randint(1, 3)):
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        action = rng.randrange(4)
        if action == 0 and len(lines) > 2:
            del lines[i]
        elif action == 1:
            lines.insert(i, lines[j])
        elif action == 2:
            lines[i], lines[j] = lines[j], lines[i]
        else:
            lines[i] = rng.choice(WORDS)
        j = min(j, len(lines) - 1)
    return end.join(lines)


def _numbers(rng, data):
    for _ in range(rng.randint(1, 3)):
        found = list(NUMBER.finditer(data))
        if found:
            one = rng.choice(found)
            data = data[: one.start()] + rng.choice(WORDS) + data[one.end() :]
    return data


def _bytes(rng, data):
    changed = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _cut(rng, data):
    start = rng.randrange(len(data))
    return data[:start] if rng.random() < 0.7 else data[:start] + data[start + rng.randrange(1, 40) :]


def _words(rng, data):
    """Four bytes of a binary part become another number of it or an extreme one."""
    changed = bytearray(data)
    at = rng.randrange(max(1, len(changed) - 4))
    changed[at : at + 4] = rng.choice(EXTREMES)
    return bytes(changed)


def _mutated(rng, data, binary=False):
    ways = (_bytes, _cut, _words, _numbers) if binary else (_lines, _lines, _numbers, _numbers, _bytes, _cut)
    return rng.choice(ways)(rng, data) or b"x"


def _workbook(rng, books):
    """One part of the archive is changed, or the archive itself."""
    good = made.xlsx(books, inline=rng.random() < 0.5)
    if rng.random() < 0.3:
        return _mutated(rng, good, binary=True), None
    with zipfile.ZipFile(io.BytesIO(good)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheets = [name for name in parts if "sheet" in name]
    name = rng.choice(sheets if rng.random() < 0.7 else list(parts))
    parts[name] = _mutated(rng, parts[name].replace(b"><", b">\n<"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for each, text in parts.items():
            archive.writestr(each, text)
    return buffer.getvalue(), b"\n".join(parts.values())


def _in_text(data):
    """The numbers that a text holds, whatever separates them."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.decode("utf-16", "replace").encode()
    words = set(re.split(rb"[^-+0-9.,eEdD]+", data)) | {m.group() for m in NUMBER.finditer(data)}
    words |= {part for word in words for part in word.split(b",")} | {word.replace(b",", b".") for word in words}
    found = set()
    for word in words:
        try:
            found.add(abs(float(word.replace(b"d", b"e").replace(b"D", b"e"))))
        except ValueError:
            continue
    return found


def _in_bytes(data):
    """The numbers that bytes hold, in every type and place that the formats allow."""
    found = []
    for form in ("<f4", ">f4", "<f8", ">f8", "<i1", "<i2", ">i2", "<i4", ">i4", "<u1", "<u2", ">u2", "<u4", ">u4"):
        size = np.dtype(form).itemsize
        for start in range(size):
            count = (len(data) - start) // size
            part = np.frombuffer(data, form, max(count, 0), start)
            found.append(part[np.isfinite(part)].astype(np.float64))
    return set(np.abs(np.concatenate(found)).tolist())


def _survives(path, data, numbers):
    """Read changed data; anything but our own error or numbers of the file fails. True where it was read."""
    path.write_bytes(data)
    start = time.process_time()
    spectra, refused = [], None
    try:
        spectra = read(path)
    except SodaliteError as error:
        refused = error
    taken = time.process_time() - start
    assert taken < SECONDS
    if refused is not None:
        assert refused.what
        assert str(path) in refused.where
        assert refused.todo
        return False, taken
    assert spectra
    for spectrum in spectra:
        assert np.all(np.diff(spectrum.x) > 0)
        if numbers is not None and dict(spectrum.meta.extra).get("sweeps") is None:
            assert set(np.abs(spectrum.y).ravel().tolist()) <= numbers() | {0.0}
    assert same(read(path), spectra)
    return True, taken


def _run(tmp_path, cases, make):
    """Number of files read, longest time."""
    results = []
    for number in range(cases):
        data, numbers = make(number)
        results.append(_survives(tmp_path / "changed", data, numbers))
    return sum(ok for ok, _ in results), max(taken for _, taken in results)


def _text_case(name, seed):
    rng = random.Random(f"{name} {seed}")

    def make(number):
        data = _mutated(rng, TEXTS[name][number % len(TEXTS[name])])
        return data, lambda: _in_text(data)

    return make


def _binary_case(name, seed):
    rng = random.Random(f"{name} {seed}")

    def make(number):
        data = _mutated(rng, BINARIES[name][number % len(BINARIES[name])], binary=True)
        return data, lambda: _in_bytes(data)

    return make


def _book_case(name, seed):
    rng = random.Random(f"{name} {seed}")
    book = BOOKS[1 if name == "avantage" else 0]

    def make(number):
        del number
        data, plain = _workbook(rng, book)
        return data, (lambda: _in_text(plain)) if plain is not None else None

    return make


CASES = {
    **dict.fromkeys(TEXTS, _text_case),
    **dict.fromkeys(BINARIES, _binary_case),
    "xlsx": _book_case,
    "avantage": _book_case,
}


@pytest.mark.parametrize("name", CASES)
def test_changed_files(tmp_path, name):
    _run(tmp_path, SHORT, CASES[name](name, 1))


@pytest.mark.full
@pytest.mark.parametrize("name", CASES)
def test_changed_files_long(tmp_path, name, measured):
    intact, longest = _run(tmp_path, LONG, CASES[name](name, 2))
    measured(f"{name}: mutated files read or refused", f"{intact} of {LONG} read, {LONG - intact} refused")
    measured(f"{name}: longest reading of a mutated file", longest, "s", f"< {SECONDS}")


@pytest.mark.parametrize("name", CASES)
def test_the_good_files_are_read(tmp_path, name):
    """What the changes start from is read by its own reader."""
    from app.files import sniff

    books = {"xlsx": BOOKS[:1], "avantage": BOOKS[1:]}.get(name, [])
    goods = [made.xlsx(book) for book in books] or TEXTS.get(name) or BINARIES[name]
    for good in goods:
        path = tmp_path / "good"
        path.write_bytes(good)
        assert sniff(path).name == name.replace("avantage", "xlsx")  # which looks into a workbook itself
        if name == "igor" and good.startswith(b"\x02\0"):
            continue  # says "Kinetic" and has no photon energy; read in test_igor
        assert read(path)


def _hdf5(tmp_path, cases, seed):
    """Changed NeXus files of photoemission, read in the process of its own that a crash of the library may end."""
    rng = random.Random(f"hdf5 {seed}")
    counts = np.array([float(y) for y in Y])
    energies = np.array([300 - 0.5 * i for i in range(len(Y))])
    goods = [
        nexus(tmp_path / f"{definition}.nxs", definition, kind, counts, energies=energies).read_bytes()
        for definition, kind in (("NXxps", "binding"), ("NXmpes", "kinetic"))
    ]
    intact, crashed = 0, 0
    for number in range(cases):
        data = _mutated(rng, goods[number % len(goods)], binary=True)
        path = tmp_path / "changed.nxs"
        path.write_bytes(data)
        spectra, refused = [], None
        try:
            spectra = read_in_child(path)
        except SodaliteError as error:
            refused = error
        if refused is not None:
            assert refused.what
            assert refused.todo
            crashed += "reader crash" in refused.what or "was stopped" in refused.what
            continue
        intact += 1
        for spectrum in spectra:
            assert np.all(np.diff(spectrum.x) > 0)
            assert set(np.abs(spectrum.y).ravel().tolist()) <= _in_bytes(data) | {0.0}
    return intact, crashed


def test_changed_hdf5(tmp_path, reader_child):
    assert _hdf5(tmp_path, SHORT // 3, 1)[0] > 0


@pytest.mark.full
def test_changed_hdf5_long(tmp_path, reader_child, measured):
    intact, crashed = _hdf5(tmp_path, LONG, 2)
    measured("nxmpes: mutated files read or refused", f"{intact} of {LONG} read, {LONG - intact} refused")
    measured("nxmpes: of these, where the HDF5 library crashed or hung in the reader process", crashed, "files")


FILES = {
    "specs_xy": "MgFe2O4_small.xy",
    "specs_xml": "PBTTT_specs.xml",
    "phi": "SnO2_10nm_1.pro",
    "phi spe": "SnO2_10nm.spe",
    "scienta": "Ag_0001_scienta.txt",
    "igor": "Ag_0002.ibw",
    "casa_text": "casaxps_export_Ni.txt",
    "casa_text fitted": "FeO_analyzed_lineshapes_cols.txt",
}


@pytest.mark.realdata
@pytest.mark.full
@pytest.mark.parametrize("name", FILES)
def test_changed_real_files(realdata, tmp_path, name):
    rng = random.Random(name)
    good = (realdata / "xps" / FILES[name]).read_bytes()
    binary = name.split()[0] in BINARIES

    def make(number):
        del number
        return _mutated(rng, good, binary), None

    _run(tmp_path, 300, make)


# A line that some pattern or loop might take very long over.
LONG_LINES = {
    "brackets": "(" * 100_000,
    "open brackets": "[ " * 50_000,
    "blanks": " " * 100_000 + "x",
    "marks": "#" * 100_000,
    "keys": "a: " * 30_000,
    "equal signs": "=" * 100_000,
    "digits": "1" * 100_000,
    "quotes": '"' * 100_000,
    "tabs": "\t" * 100_000,
    "commas": "," * 100_000,
    "numbers": "1 " * 50_000,
    "title": "Binding energy " + "( " * 50_000,
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("kind", LONG_LINES)
def test_very_long_lines(tmp_path, name, kind):
    lines = TEXTS[name][0].decode().split("\n")
    for place in (0, 1, 5, len(lines) // 2, len(lines) - 1):
        data = "\n".join([*lines[:place], LONG_LINES[kind], *lines[place:]]).encode()
        _survives(tmp_path / "long", data, None)
