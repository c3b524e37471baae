"""The analyst's regions for the four samples of the XPS sample project.

What is held and what is free, and why:

- The background is Tougaard's, fitted with the peaks: the class is chosen by the material (universal; polymer for
  carbon), its strength b is free. Windows begin where no other line is near, so that the background has no tilt of its
  own; where one is needed (Na 1s behind V LMM, F 1s behind O 1s and Na KLL, the weak Cl 2p) the strength is held at
  that of the class instead, since the two cannot be told apart.
- Na KLL stands beside and under O 1s. Its lines keep the distances of the library and, whatever the sodium is bound to,
  the same shares; they are fitted in one window with O 1s, since the losses of the main line make the background there.
- Lifetime widths of C to F are not in the library: they are free where one strong line tells them.
- Asymmetric lines have an exponential tail of free share and length.
"""

from __future__ import annotations

from dataclasses import replace

from app.samples.outline import Peak, Region

_LIFETIME = ("fwhm_l",)
_TAIL = ("mix", "tail", "tail_length")
# Distances of the lines of Na KLL from KL23L23 1D in eV towards high binding energy (libraries/tables/auger_lines.csv).
_KLL = {"¹S": 4.75, "³P": 26.85, "¹P": 39.3}
_PLASMON_OF_NA = 5.8  # eV


def _line(of: str, *names: str) -> tuple[tuple[str, str], ...]:
    """Links that give a peak these parameters of another."""
    return tuple((name, f"[{of}].{name}") for name in names)


def _beside(of: str, distance: float, slack: float = 0.0) -> tuple[str, str]:
    return "position", f"[{of}].position {distance:+g}" + (f" +- {slack:g}" if slack else "")


def _auger(name: str, position: float, width: tuple[float, float, float], *links: tuple[str, str]) -> Peak:
    return Peak(
        name, "Na KLL", position, width, slack=0.8, shape="gl_sum", values=(("mix", 0.0),), links=links, quantify=False
    )


def _kll(kind: str, position: float) -> tuple[Peak, ...]:
    """The series of Na KLL of one sort of sodium, with the areas and widths that it shows."""
    main = f"Na KLL ¹D, {kind}"
    return (
        _auger(main, position, (1.9, 1.0, 3.0)),
        _auger(f"Na KLL ¹S, {kind}", position + 4.75, (2.2, 1.0, 3.5), _beside(main, _KLL["¹S"])),
        _auger(f"Na KLL ³P, {kind}", position + 26.85, (3.5, 2.5, 5.0), _beside(main, _KLL["³P"])),
        _auger(
            f"Na KLL ¹P, {kind}", position + 39.3, (3.5, 2.5, 5.0), _beside(main, _KLL["¹P"]),
            *_line(f"Na KLL ³P, {kind}", "fwhm"),
        ),
    )


def _kll_like(kind: str, other: str, position: float, *links: tuple[str, str]) -> tuple[Peak, ...]:
    """The series of another sort of sodium: its lines have the shares of the first."""
    main = f"Na KLL ¹D, {kind}"
    peaks = [_auger(main, position, (1.8, 1.0, 3.0), *links)]
    for term, distance in _KLL.items():
        share = f"[{main}].area * [Na KLL {term}, {other}].area / [Na KLL ¹D, {other}].area"
        width = _line(f"Na KLL {term}, {other}", "fwhm")
        peaks.append(
            _auger(
                f"Na KLL {term}, {kind}", position + distance, (3.5, 1.0, 5.0), _beside(main, distance), *width,
                ("area", share),
            )
        )
    return tuple(peaks)


_SP2 = Peak(
    "sp² C–C", "C 1s", 284.6, (0.8, 0.3, 1.4), slack=0.3, shape="gl_tail", compound="graphite", free=_TAIL,
    values=(("mix", 0.15),),
)
_SHAKE_UP = Peak("π–π*", "C 1s", 291.1, (2.6, 1.5, 4.0), slack=0.7, shape="gl_sum", values=(("mix", 0.0),))
_METAL = Peak(
    "Na metal", "Na 1s", 1072.0, (0.9, 0.4, 1.5), slack=0.3, shape="gl_tail", compound="Na metal film on HOPG",
    free=_TAIL, values=(("mix", 0.15),),
)

_VN = (
    Region("V 2p + O 1s", 485.0, 544.0, (
        *_kll("ion", 497.5),
        *_kll_like("metal", "ion", 492.4),
        Peak("VN", "V 2p3/2", 513.3, (1.0, 0.5, 1.8), shape="gl_tail", doublet=True, compound="VN on Na", free=_TAIL,
             values=(("mix", 0.15),)),
        Peak("V–O", "V 2p3/2", 516.3, (2.0, 1.2, 3.0), doublet=True, compound="VO2"),
        Peak("oxide", "O 1s", 530.2, (1.4, 0.9, 2.0), compound="VO2", free=_LIFETIME),
        Peak("carbonate", "O 1s", 531.55, compound="Na2CO3",
             links=(_beside("oxide", 1.35), *_line("oxide", "fwhm_g", "fwhm_l"))),
        Peak("C–O", "O 1s", 532.7, compound="PEO",
             links=(_beside("oxide", 2.4), *_line("oxide", "fwhm_g", "fwhm_l"))),
    )),
    Region("N 1s", 391.5, 406.5, (Peak("nitride", "N 1s", 397.5, compound="VN on Na", free=_LIFETIME),)),
    Region("C 1s", 279.5, 298.5, (
        Peak("C–C, C–H", "C 1s", 284.6, slack=0.3),
        Peak("C–O", "C 1s", 286.2, compound="PEO", links=_line("C–C, C–H", "fwhm_g")),
        Peak("carbonate", "C 1s", 289.45, compound="Na2CO3", links=_line("C–C, C–H", "fwhm_g")),
    )),
    # V LMM ends in this window: the background slopes before the line, and its strength is that of the class.
    Region("Na 1s", 1065.0, 1082.5, (
        Peak("Na", "Na 1s", 1071.7, shape="gl_tail", compound="Na2CO3", free=("mix", "tail"),
             values=(("mix", 0.2), ("tail", 0.05))),
    ), held=("b",)),
)
_CYCLED = (
    Region("C 1s", 270.0, 298.5, (
        Peak("Cl 2s", "Cl 2s", 279.5, (2.0, 0.5, 4.0), slack=1.2, quantify=False),
        # Among so many lines the tail's length is not told: 2 eV, as on hard carbon without them.
        replace(_SP2, free=("mix", "tail"), values=(("mix", 0.15), ("tail_length", 2.0))),
        Peak("C–O", "C 1s", 286.2, compound="PEO"),
        Peak("C=O", "C 1s", 287.9, links=_line("C–O", "fwhm_g")),
        Peak("carbonate", "C 1s", 289.45, compound="Na2CO3", links=_line("C–O", "fwhm_g")),
        _SHAKE_UP,
    ), "polymer"),
    Region("O 1s", 485.0, 545.0, (
        *_kll("ion", 497.5),
        Peak("carbonate", "O 1s", 531.55, compound="Na2CO3", free=_LIFETIME),
        Peak("C–O, C=O, ClO4", "O 1s", 532.6, compound="PEO", links=_line("carbonate", "fwhm_g", "fwhm_l")),
    ), "polymer"),
    Region("F 1s", 677.5, 696.5, (
        Peak("fluoride", "F 1s", 684.5, compound="NaF", free=_LIFETIME),
    ), "polymer", held=("b",)),
    Region("Na 1s", 1063.5, 1082.0, (
        Peak("Na⁺", "Na 1s", 1071.5, compound="NaF", free=_LIFETIME),
    ), "polymer"),
    # A weak line on a high background does not tell the strength of its own losses.
    Region("Cl 2p", 200.0, 216.5, (
        Peak("perchlorate", "Cl 2p3/2", 208.75, doublet=True, compound="NaClO4"),
    ), "polymer", held=("b",)),
)
_ON_HARD_CARBON = (
    Region("C 1s", 280.0, 298.0, (_SP2, Peak("C–O", "C 1s", 286.2, compound="PEO"), _SHAKE_UP), "polymer"),
    Region("O 1s", 485.0, 545.0, (
        *_kll("ion", 497.3),
        *_kll_like("Na2O", "ion", 498.4, _beside("Na KLL ¹D, ion", 1.1), *_line("Na KLL ¹D, ion", "fwhm")),
        *_kll_like("metal", "ion", 492.6),
        Peak("Na2O", "O 1s", 529.7, compound="Na2O"),
        Peak("C–O", "O 1s", 532.6, compound="PEO", links=_line("Na2O", "fwhm_g")),
    ), "polymer", plasmon=True, start=(("width", 1.5),)),
    Region("Na 1s", 1064.0, 1084.0, (
        Peak("dissolved Na", "Na 1s", 1071.4),
        replace(_METAL, free=("mix", "tail")),
        Peak("Na2O", "Na 1s", 1072.5, compound="Na2O",
             links=(_beside("dissolved Na", 1.1), *_line("dissolved Na", "fwhm_g"))),
        Peak("plasmon", "Na 1s", 1077.8, (1.8, 0.8, 4.0), shape="gl_tail", quantify=False,
             links=(_beside("Na metal", _PLASMON_OF_NA, 0.4), *_line("Na metal", *_TAIL))),
    ), "polymer"),
)
_ON_HOPG = (
    # Plasmon and shake-up lie on top of each other: energy and width of the plasmon are those that Na 1s shows.
    Region("C 1s", 279.5, 298.5, (replace(_SP2, width=(0.45, 0.2, 0.9)), _SHAKE_UP), "polymer", plasmon=True,
           held=("tilt", "energy", "width"), start=(("width", 0.9),)),
    Region("Na 1s", 1062.5, 1096.5, (_METAL,), plasmon=True),
)
MODELS: dict[str, tuple[Region, ...]] = {
    "VN on sodium": _VN,
    "Cycled hard carbon": _CYCLED,
    "Na on hard carbon": _ON_HARD_CARBON,
    "Na on HOPG": _ON_HOPG,
}
