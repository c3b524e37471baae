"""How a photoelectron or energy-loss spectrum was measured, in words for the Process page."""

from __future__ import annotations

from app.gui.panels.numbers import plain
from fitting.dataset import Meta

NOT_RECORDED = "not recorded"


def measured_words(meta: Meta) -> dict[str, str]:
    """Name and words of each fact."""

    def words(value: float | None, unit: str) -> str:
        return NOT_RECORDED if value is None else f"{plain(value, 4)} {unit}".strip()

    if meta.technique == "eels":
        return {
            "Beam energy": words(meta.beam_energy, "keV"),
            "Convergence": words(meta.convergence_angle, "mrad"),
            "Collection": words(meta.collection_angle, "mrad"),
            "Exposure": words(meta.dwell_time, "s"),
            "Frames": words(meta.sweeps, ""),
            "Instrument": meta.instrument or NOT_RECORDED,
            "Date": meta.date or NOT_RECORDED,
            "File": meta.file or NOT_RECORDED,
        }
    photon = words(meta.photon_energy, "eV") + (f"  ({meta.source})" if meta.source else "")
    return {
        "Photon energy": photon,
        "Pass energy": words(meta.pass_energy, "eV"),
        "Sweeps": words(meta.sweeps, ""),
        "Dwell time": words(meta.dwell_time, "s"),
        "Emission angle": words(meta.emission_angle, "°"),
        "Instrument": meta.instrument or NOT_RECORDED,
        "Date": meta.date or NOT_RECORDED,
        "File": meta.file or NOT_RECORDED,
    }
