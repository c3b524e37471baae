"""ToF-SIMS files made for tests, by writers that share nothing with the readers."""

from __future__ import annotations

import struct
import uuid
import zlib
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

IDENTITY = uuid.UUID("fc37f303-a9c0-4cd3-a28e-1d18e523c269")
_FORMS = {"d": ("MS:1000523", "64-bit float"), "f": ("MS:1000521", "32-bit float"), "i": ("MS:1000519", "32-bit int"),
          "q": ("MS:1000522", "64-bit int")}  # fmt: skip


def voxels(counts, *, header="", sparse=False, first=0, form="{} {} {} {}", end="\n", order="zyx"):
    """Lines of x, y, z and counts of a volume (scans, rows, columns)."""
    shape = dict(zip("zyx", counts.shape, strict=True))
    lines = [f"# {line}" for line in header.splitlines()]
    for place in np.ndindex(*(shape[axis] for axis in order)):
        at = dict(zip(order, place, strict=True))
        value = int(counts[at["z"], at["y"], at["x"]])
        if value or not sparse:
            lines.append(form.format(at["x"] + first, at["y"] + first, at["z"] + first, value))
    return (end.join(lines) + end).encode()


def bif6(images, intervals, *, first_number=0):
    """Images (n, rows, columns) and their (lower, middle, upper) m/z."""
    count, rows, columns = images.shape
    parts = [b"\0\0BIF6", struct.pack("<HHH", count, columns, rows)]
    for number, (image, limits) in enumerate(zip(images, intervals, strict=True), start=first_number):
        parts += [struct.pack("<Ifff", number, *limits)]
        parts += [struct.pack("<I", int(value)) for row in image for value in row]
    return b"".join(parts)


def grd(events):
    """Rows of scan, shot, x, y, channel."""
    return b"".join(struct.pack("<IIIII", *map(int, event)) for event in events)


def _term(accession, name, value=""):
    vocabulary = accession.partition(":")[0]
    words = f"name={quoteattr(name)} value={quoteattr(str(value))}"
    return f'<cvParam cvRef="{vocabulary}" accession="{accession}" {words}/>'


def imzml(path, pixels, *, continuous=False, size=None, pixel=None, mz_form="d", form="f", packed=False,
          polarity="positive", head="", identity=IDENTITY, swapped=False, inside=None):  # fmt: skip
    """Write path and its .ibd; pixels are ((x, y[, z]) from 1, m/z, intensities)."""
    data = bytearray(identity.bytes_le if swapped else identity.bytes)
    spectra, shared = [], None
    for number, (place, mz, values) in enumerate(pixels, start=1):
        described = []
        for kind, numbers, code in (("mz", mz, mz_form), ("in", values, form)):
            if kind == "mz" and continuous and shared is not None:
                described.append(shared)
                continue
            block = struct.pack(f"<{len(numbers)}{code}", *numbers)
            block = zlib.compress(block) if packed else block
            described.append((kind, len(data), len(numbers), len(block)))
            data += block
            if kind == "mz":
                shared = described[-1]
        arrays = "".join(
            f'<binaryDataArray encodedLength="0"><referenceableParamGroupRef ref="{kind}"/>'
            + _term("IMS:1000103", "external array length", length) + _term("IMS:1000102", "external offset", offset)
            + _term("IMS:1000104", "external encoded length", encoded) + "<binary/></binaryDataArray>"
            for kind, offset, length, encoded in described
        )
        where = "".join(_term(f"IMS:100005{i}", f"position {'xyz'[i]}", at) for i, at in enumerate(place))
        spectra.append(
            f'<spectrum id="s{number}" index="{number - 1}"><referenceableParamGroupRef ref="s"/>'
            f'<scanList count="1"><scan>{where}</scan></scanList>'
            f'<binaryDataArrayList count="2">{arrays}</binaryDataArrayList></spectrum>'
        )
    pack = _term("MS:1000574", "zlib compression") if packed else _term("MS:1000576", "no compression")
    groups = "".join(
        f'<referenceableParamGroup id="{name}">{pack}{_term(*kind)}{_term("IMS:1000101", "external data", "true")}'
        f"{_term(*_FORMS[code])}</referenceableParamGroup>"
        for name, kind, code in (("mz", ("MS:1000514", "m/z array"), mz_form),
                                 ("in", ("MS:1000515", "intensity array"), form))
    )
    scan = _term("MS:1000130", "positive scan") if polarity == "positive" else _term("MS:1000129", "negative scan")
    scan += _term("MS:1000128", "profile spectrum")
    groups += f'<referenceableParamGroup id="s">{scan}</referenceableParamGroup>'
    settings = ""
    if size:
        settings += _term("IMS:1000042", "max count of pixels x", size[0])
        settings += _term("IMS:1000043", "max count of pixels y", size[1])
    if pixel:
        settings += _term("IMS:1000046", "pixel size x", pixel) + _term("IMS:1000047", "pixel size y", pixel)
    mode = _term("IMS:1000030", "continuous") if continuous else _term("IMS:1000031", "processed")
    text = (
        f'<?xml version="1.0" encoding="ISO-8859-1"?>{head}<mzML xmlns="http://psi.hupo.org/ms/mzml">'
        '<cvList count="1"><cv id="IMS" URI="http://www.maldi-msi.org/download/imzml/imagingMS.obo"/></cvList>'
        f"<fileDescription><fileContent>{mode}"
        + _term("IMS:1000080", "universally unique identifier", f"{{{str(identity).upper()}}}")
        + f"</fileContent></fileDescription><referenceableParamGroupList>{groups}</referenceableParamGroupList>"
        f"{inside or ''}<scanSettingsList><scanSettings id='a'>{settings}</scanSettings></scanSettingsList>"
        f"<run><spectrumList count='{len(spectra)}'>{''.join(spectra)}</spectrumList></run></mzML>"
    )
    path = Path(path)
    path.write_text(text, encoding="latin-1")
    path.with_suffix(".ibd").write_bytes(bytes(data))
    return path


def tree(blocks, *, room=0):
    """An ITStrF01 file of nested (name, number, value): a list of such for children, bytes for a value, or
    ("packed", bytes)."""
    data = bytearray(b"ITStrF01")

    def head(kind, name, number, count, length):
        return struct.pack("<BIIIIII", kind, 25, len(name), number, count, length, length) + name

    def put(name, number, value):
        name = name.encode()
        if not isinstance(value, list):
            kind, raw = (0x80, zlib.compress(value[1])) if isinstance(value, tuple) else (0, value)
            at = len(data)
            data.extend(head(kind, name, number, 0, len(raw)) + raw)
            return at
        size = 41 + 33 * len(value) + sum(len(child[0]) for child in value) + room
        at = len(data)
        data.extend(head(1, name, number, len(value), size) + bytes(size))
        rows, names, first = b"", b"", 41 + 33 * len(value)
        for child in value:
            place = put(*child)
            rows += struct.pack("<BIIIIQQ", data[place], first + len(names), len(child[0]), child[1], 0, 0, place)
            names += child[0].encode()
        start = at + 25 + len(name)
        data[start : start + 41 + len(rows) + len(names)] = struct.pack("<II25xQ", size, 0, 0) + rows + names
        return at

    put("root", 0, blocks)
    return bytes(data)
