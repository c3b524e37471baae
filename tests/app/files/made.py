"""Small files of every instrument format, put together here from what the formats are known to look like.

Nothing of the readers is used, so that a file of ours and its reader cannot share a mistake.
"""

from __future__ import annotations

import io
import struct
import zipfile
from xml.sax.saxutils import escape

import numpy as np

# ------------------------------------------------------------------------------------------------------- SPECS XY

XY_SETTINGS = """# Created by:        SpecsLab Prodigy, Version 4.100.1-r111001
#
# XY-Serializer Export Settings:
#   Comment Prefix:           #
#   Output Meta Data:         yes
#   Energy Axis:              {axis}
#   Count Rate:               {rate}
#   Separate Scan Data:       {apart}
#   Separate Channel Data:    no
#
# Group:                        {group}
#
"""
XY_REGION = """# Region:                       {name}
# Spectrum ID:                  20
# Acquisition Date:             08/24/23 14:19:47 UTC
# Analysis Method:              XPS
# Analyzer:                     Phoibos
# Scan Mode:                    FixedAnalyzerTransmission
# Values/Curve:                 {values}
# Dwell Time:                   0.5
# Excitation Energy:            1486.61
# Pass Energy:                  20
# Eff. Workfunction:            4.1082
# Source:                       XR 50

"""


def xy(
    tables=((((0, 0, 0), ((3, 8), (2, 6), (1, 4))),)),
    name="C 1s",
    axis="Binding Energy",
    rate="Counts per Second",
    label="counts/s",
    apart="yes",
    group="Anode",
    values=None,
    scans=None,
):
    """Text of SPECS: `tables` are ((cycle, curve, scan or None or "Channel: 0"), rows) of one region."""
    count = len(tables[0][1]) if values is None else values
    text = XY_SETTINGS.format(axis=axis, rate=rate, apart=apart, group=group)
    text += XY_REGION.format(name=name, values=count)
    for (cycle, curve, scan), rows in tables:
        number = sum(1 for (c, _, _), _ in tables if c == cycle) if scans is None else scans
        scan_text = "" if scan is None else f", {scan}" if isinstance(scan, str) else f", Scan: {scan}"
        text += f"# Cycle: {cycle}\n#\n# Number of Scans: {number}\n\n"
        text += f"# Cycle: {cycle}, Curve: {curve}{scan_text}\n#\n# ColumnLabels:  energy {label}\n#\n"
        text += "".join("  ".join(str(value) for value in row) + "\n" for row in rows) + "\n"
    return text


# ------------------------------------------------------------------------------------------------------ SPECS XML

XML_HEAD = """<?xml version="1.0"?>
<!-- CORBA XML document created by XMLSerializer2 1.6 at 2022-04-08 11:47:02 UTC -->
<!DOCTYPE any [
<!ELEMENT any (any|struct|sequence|string|ulong|double)?>
<!ATTLIST any name NMTOKEN #IMPLIED>
]>
"""


def _sequence(name, kind, items, length=None):
    count = len(items) if length is None else length
    return (
        f'<sequence name="{name}" length="{count}" type_id="IDL:specs.de/X:1.0" type_name="{kind}">'
        + "".join(items)
        + "</sequence>"
    )


def _struct(name, kind, *items):
    label = f' name="{name}"' if name else ""
    return f'<struct{label} type_id="IDL:specs.de/X:1.0" type_name="{kind}">' + "".join(items) + "</struct>"


def _double(name, value):
    return f'<double name="{name}">{value}</double>'


def _ulong(name, value):
    return f'<ulong name="{name}">{value}</ulong>'


def _string(name, value):
    return f'<string name="{name}">{value}</string>'


def _list(name, kind, tag, values):
    inner = "\n".join(str(value) for value in values)
    return _sequence(name, kind, [f'<{tag} type_name="Counts">\n{inner}\n</{tag}>'] if len(values) else [], len(values))


def detector_counts(spectrum, shifts, head, tail):
    """Counts of the channels of a detector that all see `spectrum` (index -> counts), each shifted by whole steps."""
    rows = []
    for row in range(len(spectrum) + head + tail):
        for shift in shifts:
            value = row - head + shift
            rows.append(spectrum[value] if 0 <= value < len(spectrum) else 7)
    return rows


def xml(
    scans=((10, 20, 30, 40),),
    shifts=(0.0,),
    head=0,
    tail=0,
    cycles=1,
    energy=1200.0,
    step=0.5,
    pass_energy=20.0,
    mode="FixedAnalyzerTransmission",
    transmission=(),
    base=0,
    compact=0,
    gain=1,
    announced=None,
    counts=None,
):
    """XML of SPECS with one region; `scans` are what every channel sees, shifts are relative to the pass energy."""
    steps = [round(shift * pass_energy / step) if step else 0 for shift in shifts]
    points = len(scans[0])
    parts = [
        _struct(
            "",
            "ScanData",
            _list("counts", "CountsSeq", "ulong", counts or detector_counts(scan, steps, head, tail)),
            _sequence("scaling_factors", "DoubleSeq", []),
        )
        for scan in scans
    ]
    cycle = _struct("", "Cycle", _ulong("time", 1643391774), _sequence("scans", "ScanSeq", parts))
    setting = _struct(
        "region",
        "RegionDef",
        _string("analysis_method", "XPS"),
        _struct("scan_mode", "ScanMode", _string("name", mode)),
        _ulong("num_scans", len(scans)),
        _ulong("curves_per_scan", 1),
        _ulong("values_per_curve", points if announced is None else announced),
        _double("dwell_time", 0.2),
        _double("scan_delta", step),
        _double("excitation_energy", 1486.6),
        _double("kinetic_energy", energy),
        _double("kinetic_energy_base", base),
        _double("pass_energy", pass_energy),
        _double("effective_workfunction", 4.37),
    )
    detectors = [_struct("", "Detector", _double("shift", shift), _double("gain", gain)) for shift in shifts]
    region = _struct(
        "",
        "RegionData",
        _string("name", "C1s"),
        setting,
        _ulong("mcd_head", head),
        _ulong("mcd_tail", tail),
        _struct("analyzer_info", "AnalyzerInfo", _string("name", "PHOIBOS"), _sequence("detectors", "S", detectors)),
        _struct("source_info", "SourceInfo", _string("name", "XR 50")),
        _sequence("cycles", "CycleSeq", [cycle] * cycles),
        _sequence("compact_cycles", "CompactCycleSeq", ["<struct/>"] * compact),
        _list("transmission", "DoubleSeq", "double", transmission),
    )
    group = _struct("", "RegionGroup", _string("name", "Anode"), _sequence("regions", "RegionDataSeq", [region]))
    body = '<any version="1.6">\n' + _sequence("x", "RegionGroupSeq", [group]).replace('name="x" ', "") + "\n</any>\n"
    return XML_HEAD + body.replace("><", ">\n<")


# ------------------------------------------------------------------------------------------------------------ PHI


def phi_block(number, region, kind, shape, names, unit, data, offset, form="f4"):
    raw = np.asarray(data, dtype=f"<{form}").tobytes()
    head = struct.pack("<8I", number, 1, 1, region, kind, *shape)
    head += names[0].encode().ljust(4, b"\0") + struct.pack("<I", 1) + names[1].encode().ljust(4, b"\0")
    head += struct.pack("<3I", 0, 0, 1) + unit.encode().ljust(8, b"\0") + struct.pack("<2I", 0, 0)
    head += form.encode().ljust(4, b"\0") + struct.pack("<5I", len(raw), offset, 0, 0, 0)
    assert len(head) == 96
    return head, raw


def phi(
    regions=(("C1s", 6, -0.5, 290.0, (800.0, 1000.0, 1200.0, 900.0, 700.0)),),
    cycles=0,
    times=None,
    header=(),
    time=0.5,
    sweeps=5,
    unit="c/s",
    technique="XPS",
    form="f4",
    platform="PC",
):
    """A file of PHI: regions are (name, Z, step, first energy, rates), repeated in `cycles`; `times` adds its block."""
    lines = [
        "SOFH",
        f"Platform: {platform}",
        f"Technique: {technique}",
        "FileType:  DEPTHPRO" if cycles else "FileType: SPECTRUM",
        "FileDesc: (1, anode)",
        "InstrumentModel: VersaProbe 4",
        "AcqFileDate: 2024 1 22",
        "Operator: ",
        "Institution: PHI",
        "AnalyserWorkFcn: 4.506 eV",
        "SourceAnalyserAngle: 45.0 d",
        "AnalyserMode: FAT",
        "XraySource: Al 1486.6 mono",
        f"NoSpectralReg: {len(regions)}",
        *header,
    ]
    for place, (name, atomic, step, first, rates) in enumerate(regions, start=1):
        n, last = len(rates), first + step * (len(rates) - 1)
        lines.append(
            f"SpectralRegDef: {place} 1 {name} {atomic} {n} {step:.4f} {first:.4f} {last:.4f} {first:.4f} {last:.4f} "
            f"{time:.6f} 55.00 AREA"
        )
        lines.append(f"SpectralRegDef2: {place} 20.0 {sweeps} 0 4 180")
    text = "\r\n".join([*lines, "EOFH\r\n"]).encode()
    repeats = cycles or 1
    wanted = [
        (i + 1, 1, (len(r[4]), repeats, 1), ("pnt", "cyc" if cycles else "sar"), unit, np.tile(r[4], repeats), form)
        for i, r in enumerate(regions)
    ]
    if times is not None:
        wanted.append((0, 8, (repeats, len(regions), 1), ("cyc", "reg"), "s", np.tile(times, len(regions)), "f4"))
    offset = 16 + 96 * len(wanted)
    heads, bodies = b"", b""
    for number, (region, kind, shape, names, unit_, data, form_) in enumerate(wanted, start=1):
        head, raw = phi_block(number, region, kind, shape, names, unit_, data, offset + len(bodies), form_)
        heads, bodies = heads + head, bodies + raw
    return text + struct.pack("<4I", 1, len(wanted), len(heads), 16) + heads + bodies


# -------------------------------------------------------------------------------------------------------- Scienta

SES = """Region Name={name}
Lens Mode=Transmission
Pass Energy=50
Number of Sweeps=4
Excitation Energy=1486.6
Energy Scale={scale}
Acquisition Mode=Swept
Step Time=203
Instrument=R3000
Location=Lab
User=AN
Sample=Silver
Date=2023-03-08
Time=15:24:35
Time per Spectrum Channel=8
DetectorMode={mode}"""


def ses(
    energies=(370.0, 369.5, 369.0),
    rows=((1.5,), (2.5,), (3.5,)),
    title="Binding Energy [eV]",
    scale="Binding",
    second=None,
    mode="ADC",
    name="Ag3d",
    regions=1,
    size=None,
):
    """Text of SES; `second` is name and values of the second dimension."""
    text = f"[Info]\r\nNumber of Regions={regions}\r\nVersion=1.3.1\r\n\r\n"
    for number in range(1, regions + 1):
        text += f"[Region {number}]\r\nRegion Name={name}\r\nDimension 1 name={title}\r\n"
        text += f"Dimension 1 size={len(energies) if size is None else size}\r\n"
        text += "Dimension 1 scale=" + " ".join(f"{e:g}" for e in energies) + "\r\n"
        if second:
            text += f"Dimension 2 name={second[0]}\r\nDimension 2 size={len(second[1])}\r\n"
            text += "Dimension 2 scale=" + " ".join(f"{v:g}" for v in second[1]) + "\r\n"
        settings = SES.format(name=name, scale=scale, mode=mode).replace("\n", "\r\n")
        text += f"\r\n[Info {number}]\r\n{settings}\r\n[Run Mode Information {number}]\r\n\r\n[Data {number}]\r\n"
        for energy, row in zip(energies, rows, strict=True):
            text += "".join(f"  {value:.14E}" for value in (energy, *row)) + "\r\n"
        text += "\r\n"
    return text


def ibw(
    data=(1.5, 2.5, 3.5),
    starts=(370.0, 0.0),
    steps=(-0.5, 1.0),
    units=("Binding Energy [eV]", ""),
    note=None,
    form="f8",
    order="<",
    unit="Counts [a.u.]",
    changes=None,
    name="Ag__001",
):
    """An Igor wave of version 5; `changes` are (place, format, value) written before the checksum is made."""
    values = np.asarray(data, dtype=f"{order}{form}")
    shape = [*values.shape, 0, 0, 0][:4]
    kinds = {"f4": 2, "f8": 4, "i1": 8, "i2": 16, "i4": 32, "u1": 72, "u2": 80, "u4": 96, "c8": 3}
    raw = values.tobytes(order="F")
    settings = SES.format(name="Ag3d", scale="Binding", mode="ADC").replace("\n", "\r")
    text = ("[SES]\rVersion=1.2.5\r" + settings + "\r[Run Mode Information]\r\r") if note is None else note
    note_bytes, unit_bytes = text.encode(), unit.encode()
    dims = [u.encode() for u in (*units, "", "")]
    header = bytearray(384)
    pack = struct.pack_into
    pack(f"{order}2h7i", header, 0, 5, 0, 320 + len(raw), 0, len(note_bytes), len(unit_bytes), *map(len, dims[:3]))
    pack(f"{order}3Ii2h", header, 64, 0, 0, 0, values.size, kinds[form], 0)
    header[64 + 28 : 64 + 28 + len(name)] = name.encode()
    pack(f"{order}4i", header, 64 + 68, *shape)
    pack(f"{order}4d4d", header, 64 + 84, *steps, 1.0, 1.0, *starts, 0.0, 0.0)
    for place, code, value in changes or ():
        pack(order + code, header, place, value)
    checksum = -int(np.frombuffer(bytes(header), f"{order}i2").sum(dtype=np.int64)) % 65536
    pack(f"{order}H", header, 2, checksum)
    return bytes(header) + raw + note_bytes + unit_bytes + b"".join(dims)


def ibw_2(data=(1.5, 2.5, 3.5), start=370.0, step=-0.5, unit="eV", note="Energy Scale=Kinetic\r", order="<"):
    """An Igor wave of version 2."""
    raw = np.asarray(data, dtype=f"{order}f4").tobytes()
    header = bytearray(126)
    pack = struct.pack_into
    pack(f"{order}h3ih", header, 0, 2, 110 + len(raw) + 16, len(note), 0, 0)
    pack(f"{order}h", header, 16, 2)
    header[22:27] = b"wave0"
    header[54 : 54 + len(unit)] = unit.encode()
    pack(f"{order}ih2d", header, 58, len(data), 0, step, start)
    checksum = -int(np.frombuffer(bytes(header), f"{order}i2").sum(dtype=np.int64)) % 65536
    pack(f"{order}H", header, 14, checksum)
    return bytes(header) + raw + bytes(16) + note.encode()


# -------------------------------------------------------------------------------------------------------- CasaXPS


def casa(
    rows=((286.6, 200, 210, 205, 208), (287.6, 220, 231, 207, 233)), name="Cycle 0:Anode:Na1s", time=2.0, shift=0.0
):
    """Text of CasaXPS: rows are kinetic energy, counts, component, background, envelope."""
    photon = 1486.6
    text = f"{name}\n\tCharacteristic Energy eV\t{photon:.6e}\tAcquisition Time s\t{time:.6e}\n"
    text += "Name\t\tNa metal\t\nPosition\t\t1071.8\t\nFWHM\t\t1.2\t\nArea\t\t1234.5\t\nLineshape\t\tSGL(30)\t\n"
    text += "K.E.\tCounts\tNa metal\tBackground\tEnvelope\t\tB.E.\tCPS\tNa metal\tBackground CPS\tEnvelope CPS\n"
    for energy, *counts in rows:
        left = "\t".join(f"{value:.6e}" for value in (energy, *counts))
        right = "\t".join(f"{value:.6e}" for value in (photon - energy + shift, *(c / time for c in counts)))
        text += f"{left}\t\t{right}\n"
    return text


# ---------------------------------------------------------------------------------------------------------- Excel

TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def letters(column):
    text = ""
    while column >= 0:
        text, column = chr(65 + column % 26) + text, column // 26 - 1
    return text


def sheet_xml(rows, shared=None):
    """A sheet: rows of numbers, texts and None; with `shared` (a list) texts go there."""
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = ""
        for column, value in enumerate(row):
            place = f"{letters(column)}{number}"
            if value is None:
                continue
            if isinstance(value, str) and shared is not None:
                shared.append(value)
                cells += f'<c r="{place}" t="s"><v>{len(shared) - 1}</v></c>'
            elif isinstance(value, str):
                cells += f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
            else:
                cells += f'<c r="{place}"><v>{value!r}</v></c>'
        lines.append(f'<row r="{number}">{cells}</row>')
    return f'<?xml version="1.0"?><worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def xlsx(books=(("Na 1s", (("BE (eV)", "Counts"), (1072.0, 5.0), (1071.5, 9.0))),), inline=False, parts=None, level=6):
    """A workbook of (name, rows); `parts` replaces or adds parts of the archive."""
    shared = None if inline else []
    made = {f"xl/worksheets/sheet{i}.xml": sheet_xml(rows, shared) for i, (_, rows) in enumerate(books, start=1)}
    names = "".join(
        f'<sheet name="{escape(name)}" sheetId="{i}" r:id="rId{i}"/>' for i, (name, _) in enumerate(books, start=1)
    )
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(books) + 1)
    )
    strings = "".join(f"<si><t>{escape(text)}</t></si>" for text in shared or ())
    made |= {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELATIONS}">{links}<Relationship Id="rId99" '
        f'Type="{_OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{strings}</sst>',
    }
    made |= parts or {}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, text in made.items():
            archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def avantage(
    points=6,
    announced=None,
    series=None,
    title="Binding Energy (E)",
    unit="Counts / s",
    gap=False,
    scans=5.0,
    mode="CAE : Pass Energy 20.0 eV",
):
    """Rows of a sheet as Avantage exports a region."""
    rows = [[], [], [], [], [], ["\ufeff"]]
    rows.append(["Axis", "Energy", "Elements=", float(points if announced is None else announced)])
    if series:
        rows.append(["Axis", "Etch Time", "Elements=", float(series)])
    rows += [[r"C:\Avantage\Anode\O1s Scan.VGD"], [], []]
    given = ("Total acquisition time", "47.8 secs"), ("Number of Scans", scans), ("Source Gun Type", "Al K Alpha")
    for row, pair in enumerate([("Acquisition Parameters :",), (), *given, ("Analyser Mode", mode)]):
        rows[row] += [None] * (7 - len(rows[row])) + list(pair)
    rows.append([title, None, None, None, "O1s A", "O1s B", "Backgnd.", "Envelope", "Residuals"])
    rows.append(["eV", None, unit, None, unit, unit, unit, unit, unit])
    for i in range(points):
        raw, a, b, below = 1000.0 + 10 * i, 5.0 * i, 3.0 * i, 990.0 + i
        rows.append([535.0 - 0.1 * i, None, raw, None, a, b, below, a + b + below, raw - a - b - below])
    if gap:
        rows[-1][4] = None
    return rows
