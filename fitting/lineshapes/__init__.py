"""Line shapes: pure functions of a binding-energy axis, each with its analytic derivatives.

`name(x, *parameters)` returns the values, shape (n,); `name_gradient(x, *parameters)` returns the values and the
derivatives with respect to each parameter, shape (k, n), in the order of the parameters. `x` may be in any order and
unevenly spaced. What is asymmetric has its tail at high binding energy (high energy loss); for a kinetic-energy axis
use `fitting.shapes.Shape.evaluate` with direction -1.

Shapes with an area are normalised: their integral over the whole axis is the area (for the plasmon train: the area of
its first line). Doniach-Sunjic's and Gelius's have no finite integral and are given by their height, as steps are.
Plasmons and edges of energy-loss spectra count from the zero-loss peak: moving the axis changes their form.
"""

from fitting.lineshapes.doniach import doniach_sunjic, doniach_sunjic_gradient
from fitting.lineshapes.drude import drude, drude_gradient, drude_maximum
from fitting.lineshapes.edge import edge_step, edge_step_gradient
from fitting.lineshapes.exponential_blend import gl_t, gl_t_gradient, sgl_t, sgl_t_gradient
from fitting.lineshapes.gauss_lorentz import gl_product, gl_product_gradient, gl_sum, gl_sum_gradient
from fitting.lineshapes.gelius import gelius, gelius_gradient
from fitting.lineshapes.lorentz_power import la, la_gradient, lf, lf_gradient
from fitting.lineshapes.measured import measured_gradient
from fitting.lineshapes.plasmon import PLASMON_REPLICAS, plasmon_total, plasmon_train, plasmon_train_gradient
from fitting.lineshapes.steps import (
    fermi_edge,
    fermi_edge_gradient,
    step_arctan,
    step_arctan_gradient,
    step_erf,
    step_erf_gradient,
)
from fitting.lineshapes.tail import emg, emg_gradient, gl_tail, gl_tail_gradient
from fitting.lineshapes.voigt import voigt, voigt_gradient

__all__ = [
    "PLASMON_REPLICAS",
    "doniach_sunjic",
    "doniach_sunjic_gradient",
    "drude",
    "drude_gradient",
    "drude_maximum",
    "edge_step",
    "edge_step_gradient",
    "emg",
    "emg_gradient",
    "fermi_edge",
    "fermi_edge_gradient",
    "gelius",
    "gelius_gradient",
    "gl_product",
    "gl_product_gradient",
    "gl_sum",
    "gl_sum_gradient",
    "gl_t",
    "gl_t_gradient",
    "gl_tail",
    "gl_tail_gradient",
    "la",
    "la_gradient",
    "lf",
    "lf_gradient",
    "measured_gradient",
    "plasmon_total",
    "plasmon_train",
    "plasmon_train_gradient",
    "sgl_t",
    "sgl_t_gradient",
    "step_arctan",
    "step_arctan_gradient",
    "step_erf",
    "step_erf_gradient",
    "voigt",
    "voigt_gradient",
]
