"""Layers from electron attenuation: thickness of an overlayer, order of layers, layered structures from many angles.

All of it is the straight-line picture: electrons are lost as exp(-path/lambda), and elastic scattering is left out.
Thicknesses carry the unit of lambda (angstrom throughout the program).
"""

from fitting.xps.layers.depth_order import DepthOrder, relative_depth
from fitting.xps.layers.overlayer import (
    Overlayer,
    PairRatio,
    bulk_ratio,
    joint_thickness,
    signal_ratio,
    thickness,
    tougaard_thickness,
)
from fitting.xps.layers.stack import Stack, StackLayer, fit_stack, stack_intensities

__all__ = [
    "DepthOrder",
    "Overlayer",
    "PairRatio",
    "Stack",
    "StackLayer",
    "bulk_ratio",
    "fit_stack",
    "joint_thickness",
    "relative_depth",
    "signal_ratio",
    "stack_intensities",
    "thickness",
    "tougaard_thickness",
]
