"""CasaXPS's lines as it writes them, made from a few numbers."""

from __future__ import annotations

CALIBRATION = "Calib M = 284.0 A = 284.8 BE ADD"


def region(
    name="C 1s", background="Shirley", start=1190.0, end=1206.0, rsf=0.278, average=2, offsets=(0, 0),
    parameters="786.70222 -450 0 0", tag="C 1s",
):
    return (
        f"CASA region (*{name}*) (*{background}*) {start:g} {end:g} {rsf} {average} {offsets[0]} {offsets[1]} "
        f"{parameters} (*{tag}*) 12.011 0 {rsf}"
    )


def component(
    name="C 1s sp2", shape="GL(30)", area=1000.0, area_link=(-1, 1.0), fwhm=1.1, fwhm_link=(-1, 1.0), at=1202.0,
    limits=(1201.5, 1202.2), position_link=(-1, 0.0), rsf=0.278, tag="C 1s",
):
    low, high = (0, 0) if position_link[0] >= 0 else limits
    return (
        f"CASA comp (*{name}*) (*{shape}*) Area {area:.8g} 1e-020 1000000 {area_link[0]} {area_link[1]:.8g} "
        f"MFWHM {fwhm:.8g} 0.5 2 {fwhm_link[0]} {fwhm_link[1]:.8g} "
        f"Position {at:.8g} {low:.8g} {high:.8g} {position_link[0]} {position_link[1]:.8g} "
        f"RSF {rsf} MASS 12.011 INDEX -1 (*{tag}*) CONST (**) UNCORRECTEDRSF {rsf}"
    )


def section(*lines, calibrations=(), annotations=("0",), before=(), after=("Creation", "Sample : x")):
    """A block's comments around regions and components."""
    regions = [line for line in lines if line.startswith("CASA region")]
    components = [line for line in lines if line.startswith("CASA comp")]
    return (
        *before, "Casa Info Follows", str(len(calibrations)), *calibrations, *annotations,
        str(len(regions)), *regions, str(len(components)), *components, *after,
    )  # fmt: skip


SECTION = section(
    region(),
    component(),
    component(name="C 1s C-O", shape="SGL(40)", area=250.0, area_link=(0, 0.25), at=1200.5, fwhm_link=(0, 1.0),
              position_link=(0, -1.5), tag="loss"),
)
