"""Random surfaces of known composition for the identification of surveys.

Binding energies are drawn in the cited range of a line, or from -1.5 to +4 eV around an elemental edge; the simulator
keeps all other levels at the library's distances and gives Auger lines only to C, N, O, F, Na and V.
"""

from __future__ import annotations

import numpy as np

from fitting.simulate.specimen import Acquisition, SampleSpec, State
from fitting.simulate.xps import Simulation, simulate
from fitting.xps.identify.assess import line_limit, visible
from fitting.xps.identify.expected import element_lines
from fitting.xps.identify.peaks import PeakSearch
from libraries.core_levels import core_level

USUAL = "Li B N F Na Mg Al Si P S Cl K Ca Ti V Cr Mn Fe Co Ni Cu Zn Zr Nb Mo Ag Sn I Ba W Pt Au Pb".split()
UNUSUAL = "Sc Ga Ge As Se Rb Sr Y Ru Pd Cd In Sb Te Cs La Ce Nd Gd Hf Ta Re Bi Th".split()
LOW, HIGH, PASS = 0.0, 1250.0, 160.0
PHOTON = 1486.6


def random_surface(seed: int) -> SampleSpec:
    """Carbon, oxygen and one to four other elements of 0.5 to 30 atoms against 10 to 60, charged or not."""
    draw = np.random.default_rng(seed)
    names = [str(n) for n in draw.choice(USUAL * 3 + UNUSUAL, draw.integers(1, 5))]
    states = [_state(name, draw) for name in dict.fromkeys(["C", "O", *names])]
    charging = float(draw.choice([0.0, draw.normal(0.0, 1.0), draw.uniform(-5.0, 5.0)], p=[0.4, 0.4, 0.2]))
    dwell = float(draw.choice([0.03, 0.1, 0.3]))
    window = Acquisition("Survey", LOW, HIGH, 0.5 if seed % 2 else 1.0, PASS, dwell, 3.0)
    return SampleSpec(f"surface {seed}", "SiO2", tuple(states), charging=charging, acquisitions=(window,))


def _state(element: str, draw: np.random.Generator) -> State:
    best = max((line for line in element_lines(element, PHOTON, LOW + 2, HIGH - 2).lines if line.sharp),
               key=lambda line: line.weight)
    level = best.name.split()[1]
    if level[1] != "s" and "/" not in level:
        level += {"p": "3/2", "d": "5/2", "f": "7/2"}[level[1]]
    known = core_level(f"{element} {level}")
    if element == "C":
        energy, amount = draw.choice([284.8, 286.3, 284.6], p=[0.7, 0.1, 0.2]), draw.uniform(10.0, 60.0)
    elif known.approximate:
        energy, amount = known.binding_energy + draw.uniform(-1.5, 4.0), np.exp(draw.uniform(np.log(0.5), np.log(30)))
    else:
        energy = draw.uniform(known.low, known.high)
        amount = draw.uniform(10.0, 50.0) if element == "O" else np.exp(draw.uniform(np.log(0.5), np.log(30.0)))
    return State(element, element, level, float(energy), float(amount), float(draw.uniform(1.0, 2.2)))


def measured(seed: int) -> Simulation:
    """A survey of the surface with Poisson noise."""
    return simulate(random_surface(seed), seed=seed)


def detectable(seed: int, simulation: Simulation, search: PeakSearch) -> set[str]:
    """Elements whose best line holds at least twice the area of its detection limit."""
    spec, found = random_surface(seed), set()
    for element in simulation.truth.at_percent:
        lines = element_lines(element, PHOTON, LOW + 2, HIGH - 2, lambda energy: (energy / 1000.0) ** -0.7).lines
        best = visible(search, [line for line in lines if line.sharp], spec.charging)[0]
        level = best.name.split()[1]
        rate = sum(t.area for t in simulation.truth.lines
                   if t.element == element and t.kind == "core" and level in (t.level, t.level[:2]))
        if rate * PASS / 20.0 * spec.acquisitions[0].live_time > 2.0 * line_limit(search, best, spec.charging):
            found.add(element)
    return found
