"""Energy-loss spectra as EMSA/MAS text (.msa), which DigitalMicrograph, HyperSpy and most others read.

The package that reads these files writes them with six decimals and without the conditions; here every number is
written so that reading gives the same one, with beam energy, angles and dwell time.

References
----------
ISO 22029:2012, EMSA/MAS standard file format (R. F. Egerton et al., EMSA Bull. 21(2), 35 (1991)).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app import __version__
from app.files.atomic import write_text
from fitting.dataset import Spectrum
from fitting.processing.smoothing import is_even
from libraries.errors import BadData

_UNITS = {"counts": "Counts", "counts/s": "Counts/s", "arbitrary": "Arbitrary"}
_WIDTH = 64  # characters of a title's line


def write_msa(path: str | Path, spectrum: Spectrum) -> None:
    """Write one spectrum.

    Raises
    ------
    BadData
        If it is an image or series, no energy-loss spectrum, or on an axis with uneven steps.
    CannotWrite
        If the file cannot be written.
    """
    if spectrum.navigation:
        raise BadData(
            "EMSA/MAS holds a single spectrum, and this is an image or series", where=spectrum.name,
            todo="Export HyperSpy or HDF5 instead, or the sum of a region",
        )  # fmt: skip
    if spectrum.axis.quantity != "energy_loss":
        raise BadData(
            "Only energy-loss spectra are written as EMSA/MAS", where=spectrum.name, todo="Export CSV or HDF5 instead"
        )
    if not is_even(spectrum.axis) or len(spectrum.axis) < 2:
        raise BadData(
            "EMSA/MAS needs an axis with equal steps", where=spectrum.name, todo="Add the step Resample first"
        )
    lines = [f"#{name:<12s}: {text}" for name, text in _head(spectrum)]
    lines.append(f"#{'SPECTRUM':<12s}: Spectral Data Starts Here")
    lines += [f"{value!r}" for value in np.asarray(spectrum.counts).tolist()]
    lines.append(f"#{'ENDOFDATA':<12s}: End Of Data and File")
    write_text(path, "\r\n".join(lines) + "\r\n")


def _head(spectrum: Spectrum) -> list[tuple[str, str]]:
    meta, x = spectrum.meta, spectrum.x
    step = float((x[-1] - x[0]) / (len(x) - 1))
    rows = [("FORMAT", "EMSA/MAS Spectral Data File"), ("VERSION", "1.0")]
    title = _plain(spectrum.name)
    rows += [("TITLE", title[i : i + _WIDTH]) for i in range(0, len(title), _WIDTH)] or [("TITLE", "")]
    rows += [
        ("DATE", ""), ("TIME", ""), ("OWNER", _plain(meta.operator or meta.institution)),
        ("NPOINTS", str(len(x))), ("NCOLUMNS", "1"), ("XUNITS", "eV"), ("YUNITS", _UNITS[meta.intensity_unit]),
        ("DATATYPE", "Y"), ("XPERCHAN", repr(step)), ("OFFSET", repr(float(x[0]))),
        ("XLABEL", "Energy loss"), ("YLABEL", "Intensity"), ("SIGNALTYPE", "ELS"),
    ]  # fmt: skip
    milliseconds = None if meta.dwell_time is None else 1e3 * meta.dwell_time
    known = (
        ("BEAMKV   -kV", meta.beam_energy), ("CONVANGLE-mR", meta.convergence_angle),
        ("COLLANGLE-mR", meta.collection_angle), ("DWELLTIME-ms", milliseconds),
        # All frames together, which is what amounts need; the format has no number of frames.
        ("INTEGTIME-ms", 1e3 * meta.live_time if meta.live_time and meta.sweeps != 1 else None),
    )  # fmt: skip
    rows += [(name, repr(float(value))) for name, value in known if value is not None]
    return [*rows, ("COMMENT", f"Written by Sodalite {__version__}")]


def _plain(text: str) -> str:
    """ASCII on one line without ": ", which ends the name of a field."""
    plain = text.encode("ascii", "replace").decode("ascii")
    return " ".join(plain.replace("\0", "").split()).replace(": ", " - ")
