"""Rules of the descent, shared by the two forms of the minimiser: `fitting.solver` and `fitting.kernels.descend`."""

from __future__ import annotations

# The fit ends when a full step promises to lower the sum of squares by less than this part of it (of a chi2 of 300: the
# values are then within 2e-5 standard errors of the minimum), or moves no value in double precision.
GAIN = 1e-12
MOVE = 1e-14
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-10, 1e15
ACCEPTED = 1e-4  # smallest share of the promised gain that is taken
STRIDE, STRIDES = 0.9, 3  # share of the way to a bound that one step may go, and how many steps until it may go all
WAKES, BETTER = 2, 1e-9  # how often a fit begins again to wake sleeping parameters, and the gain that is worth it
PULL = 1e-12  # smallest pull, relative to the scaled gradient, that frees a held parameter
