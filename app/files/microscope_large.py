"""Images of microscopes whose numbers stay in the file: where they lie is found, and only what describes them is read.

RosettaSciIO parses the tags; its own lazy reading would need Dask, and maps the file into memory. Formats: DM3, DM4,
HyperSpy, EMD of NCEM, and EELS in EMD of Velox (for which the package wants a library that is not needed here).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fitting import stored
from libraries.errors import BadFile

_DAMAGED = "Copy it again, or export it again from the program that wrote it"


@dataclass(frozen=True)
class Lying:
    """Numbers where they lie in a file; it looks enough like an array for those who only ask for its shape.

    Attributes
    ----------
    path : Path
    dataset : str
        Name inside an HDF5 file, "" for raw numbers from `offset` on.
    inside : tuple of int
        Shape in the file.
    dtype : dtype
    offset : int
        -1 for HDF5.
    order : tuple of int
        For each axis its place in the file.
    """

    path: Path
    dataset: str
    inside: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int = -1
    order: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.order:
            object.__setattr__(self, "order", tuple(range(len(self.inside))))

    @property
    def shape(self) -> tuple[int, ...]:
        """In the present order of the axes."""
        return tuple(self.inside[i] for i in self.order)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.order)

    @property
    def size(self) -> int:
        """How many numbers."""
        return math.prod(self.inside)

    def transpose(self, *axes: int) -> Lying:
        """The same in another order of axes; reversed without arguments."""
        wanted = axes or tuple(reversed(range(self.ndim)))
        return replace(self, order=tuple(self.order[i] for i in wanted))

    def __getitem__(self, index: Any) -> Lying:
        """All of it is all that can be asked for."""
        if index not in (slice(None), Ellipsis, ()):
            raise TypeError("Only the whole array is handed over")
        return self


def bytes_in_memory(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    """Bytes of an array as a spectrum holds it: whole numbers as they are, all others in double precision."""
    return math.prod(shape) * (dtype.itemsize if dtype.kind in "iu" else 8)


def signals(plugin: str, path: Path) -> list[dict[str, Any]] | None:
    """What the package's readers give, with `Lying` as data; None where the package itself should read the file.

    Raises
    ------
    Exception
        Whatever the package's parsers raise on a damaged file.
    """
    if plugin == "digitalmicrograph":
        return _digitalmicrograph(path) if path.stat().st_size > stored.IN_MEMORY // 2 else None
    if plugin not in ("hspy", "emd"):
        return None
    import h5py

    with h5py.File(path, "r") as file:
        if plugin == "emd" and "Data" in file:
            return _velox(file, path) if "EelsSpectrumImage" in file["Data"] else None
        if not _large(file):
            return None
        return _hyperspy(file, path) if plugin == "hspy" else _ncem(file, path)


def _large(file: Any) -> bool:
    """Whether any array of an HDF5 file is too large for memory."""
    import h5py

    def look(_: str, item: Any) -> bool | None:
        plain = isinstance(item, h5py.Dataset) and item.shape is not None and item.dtype.kind in "iuf"
        return True if plain and bytes_in_memory(item.shape, item.dtype) > stored.IN_MEMORY else None

    return bool(file.visititems(look))


def _digitalmicrograph(path: Path) -> list[dict[str, Any]] | None:
    from rsciio.digitalmicrograph._api import DigitalMicrographReader, ImageObject

    with path.open("rb") as file:
        reader = DigitalMicrographReader(file)
        reader.parse_file()
        images = [ImageObject(tags, file) for tags in reader.get_image_dictionaries()]
    rest = {name: tags for name, tags in reader.tags_dict.items() if name != "ImageList"}
    found = []
    for image in images:
        place = image.imdict.ImageData.Data
        order = ">" if place["endian"] == "big" else "<"
        dtype = np.dtype(image.dtype)
        dtype = dtype if dtype.names else dtype.newbyteorder(order)
        shape = tuple(int(length) for length in image.shape)
        lying = Lying(path, "", shape, dtype, int(place["offset"]))
        end = lying.offset + lying.size * dtype.itemsize
        if int(place["size"]) < lying.size or end > path.stat().st_size:
            raise BadFile("The file is shorter than it says", where=str(path), todo=_DAMAGED)
        original = rest | {"ImageList": {"TagGroup0": image.imdict.to_dict()}}
        found.append({
            "data": lying, "axes": image.get_axes_dict(), "metadata": image.get_metadata(),
            "original_metadata": original,
        })  # fmt: skip
    large = any(bytes_in_memory(one["data"].inside, one["data"].dtype) > stored.IN_MEMORY for one in found)
    return found if large else None


def _lying(dataset: Any, path: Path) -> Lying:
    if dataset.shape is None:
        raise BadFile("An array has no shape", where=f"{path}, {dataset.name}", todo=_DAMAGED)
    return Lying(path, str(dataset.name), tuple(dataset.shape), np.dtype(dataset.dtype))


def _hyperspy(file: Any, path: Path) -> list[dict[str, Any]]:
    from rsciio.hspy._api import HyperspyReader

    reader = HyperspyReader(file)
    found = []
    for name in file["Experiments"]:
        group = file["Experiments"][name]
        lying = _lying(group["data"], path)
        old = "metadata" not in group
        axes = [_words(reader._group2dict(group[f"axis-{i}"])) for i in range(lying.ndim)]
        known = reader._group2dict(group["mapped_parameters" if old else "metadata"])
        original = reader._group2dict(group["original_parameters" if old else "original_metadata"])
        found.append({"data": lying, "axes": axes, "metadata": known, "original_metadata": original})
    return found


def _words(axis: dict[str, Any]) -> dict[str, Any]:
    """An axis with texts and truths of Python."""
    plain = {}
    for key, item in axis.items():
        item = item.decode("utf-8", "replace") if isinstance(item, bytes) else item
        plain[key] = bool(item) if isinstance(item, np.bool_) else item
    return plain


def _ncem(file: Any, path: Path) -> list[dict[str, Any]]:
    from rsciio.emd._emd_ncem import EMD_NCEM

    class Reader(EMD_NCEM):
        @staticmethod
        def _read_dataset(dataset: Any, lazy: bool = False) -> tuple[Lying, Any]:
            return _lying(dataset, path), None

    reader = Reader()
    reader.read_file(file, lazy=False)
    return list(reader.dictionaries)


class _Veiled:
    """A group of an HDF5 file whose data cubes come as `Lying`."""

    def __init__(self, group: Any, path: Path) -> None:
        self._group, self._path = group, path

    def __getitem__(self, name: str) -> Any:
        import h5py

        item = self._group[name]
        large = isinstance(item, h5py.Dataset) and name.endswith("/Data")
        return _lying(item, self._path) if large else item


def _velox(file: Any, path: Path) -> list[dict[str, Any]]:
    from rsciio.emd._emd_velox import FeiEMDReader

    reader = FeiEMDReader()
    reader.filename, reader.dictionaries = str(path), []
    reader.d_grp = _Veiled(file["Data"], path)
    reader._read_eels_spectrum_images()
    return list(reader.dictionaries)
