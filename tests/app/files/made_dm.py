"""Small DigitalMicrograph files, written tag by tag as RosettaSciIO's documentation of the format describes them.

A file is a tree: dicts are groups (unnamed ones have names that begin with #), other values are tags.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

# Codes of DigitalMicrograph for types of tags and for images.
_TAG = {np.dtype("<i2"): 2, np.dtype("<i4"): 3, np.dtype("<u2"): 4, np.dtype("<u4"): 5, np.dtype("<f4"): 6,
        np.dtype("<f8"): 7, np.dtype("<i1"): 9, np.dtype("<u1"): 10}  # fmt: skip
_IMAGE = {"<i2": 1, "<f4": 2, "<u1": 6, "<i4": 7, "<i1": 9, "<u2": 10, "<u4": 11, "<f8": 12}


@dataclass
class Hole:
    """Numbers that are left out of the bytes: a sparse file, filled by whoever needs them."""

    shape: tuple[int, ...]
    dtype: np.dtype


def image(data, axes, *, name="EELS", form="Spectrum image", signal="EELS", tags=None):
    """One image of the list; `axes` are (origin in channels, step, unit) in the order of the data's dimensions."""
    dtype = np.dtype(data.dtype)
    dimensions = {f"#{i}": np.uint32(length) for i, length in enumerate(reversed(data.shape))}
    calibrations = {
        f"#{i}": {"Origin": np.float32(origin), "Scale": np.float32(step), "Units": unit}
        for i, (origin, step, unit) in enumerate(reversed(axes))
    }
    return {
        "ImageData": {
            "Calibrations": {
                "Brightness": {"Origin": np.float32(0), "Scale": np.float32(1), "Units": ""},
                "Dimension": calibrations, "DisplayCalibratedUnits": np.uint8(1),
            },
            "Data": data, "DataType": np.uint32(_IMAGE[dtype.str]), "Dimensions": dimensions,
            "PixelDepth": np.uint32(dtype.itemsize),
        },
        "ImageTags": {
            "Meta Data": {"Format": form, "Signal": signal},
            "Microscope Info": {"Voltage": np.float32(200_000.0)}, **(tags or {}),
        },
        "Name": name,
    }  # fmt: skip


def file(*images, version=4):
    """The bytes of a file; with a `Hole` those before it, its size, and those behind it."""
    out = _Writer(version)
    out.group({"ImageList": {f"#{i}": one for i, one in enumerate(images)}}, root=True)
    body = b"".join(part for part in out.parts if isinstance(part, bytes))
    size = len(body)
    head = struct.pack(">iii", 3, size, 1) if version == 3 else struct.pack(">iqi", 4, size, 1)
    if out.hole is None:
        return head + body + bytes(8)
    at = out.parts.index(out.hole)
    before, after = b"".join(out.parts[:at]), b"".join(out.parts[at + 1 :])
    length = int(np.prod(out.hole.shape)) * out.hole.dtype.itemsize
    return head + before, length, after + bytes(8)


class _Writer:
    def __init__(self, version):
        self.version, self.parts, self.hole = version, [], None

    def number(self, *values):
        self.parts.append(struct.pack(f">{len(values)}{'q' if self.version == 4 else 'i'}", *values))

    def group(self, tree, root=False):
        self.parts.append(bytes((1, 0)))
        if self.version == 4 and not root:
            self.number(0)  # a size that readers pass over
        self.number(len(tree))
        for name, item in tree.items():
            label = b"" if name.startswith("#") else name.encode()
            self.parts.append(struct.pack(">Bh", 20 if isinstance(item, dict) else 21, len(label)) + label)
            if isinstance(item, dict):
                self.group(item)
            else:
                self.tag(item)

    def tag(self, item):
        if self.version == 4:
            self.parts.append(bytes(8))
        self.parts.append(b"%%%%")
        if isinstance(item, str):
            self.array(np.array([ord(c) for c in item], "<u2"))
        elif isinstance(item, (np.ndarray, Hole)):
            self.array(item)
        else:
            array = np.asarray(item)
            array = array.astype(array.dtype.newbyteorder("<"))
            self.number(1, _TAG[array.dtype])
            self.parts.append(array.tobytes())

    def array(self, item):
        size = int(np.prod(item.shape))
        self.number(3, 20, _TAG[np.dtype(item.dtype)], size)
        if isinstance(item, Hole):
            self.hole = item
            self.parts.append(item)
        else:
            self.parts.append(np.ascontiguousarray(item).tobytes())
