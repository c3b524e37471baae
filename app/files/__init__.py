"""Readers and writers of files.

read(path) -> list[Spectrum]      any format, told by its content
formats() -> what can be read     for dialogs and the manual
"""

from app.files.format import AxisUnknown, FormatInfo, Reader, ReadOptions
from app.files.registry import formats, read, readers, sniff

__all__ = ["AxisUnknown", "FormatInfo", "ReadOptions", "Reader", "formats", "read", "readers", "sniff"]
