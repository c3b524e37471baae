"""Links compiled: a formula becomes a row of instructions for a stack of values with their derivatives."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping

import numpy as np
from numba import njit

from fitting.constraints import Link
from fitting.kernels.elementary import OPTIONS

CONSTANT, PARAMETER, ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, NEGATE, SQRT, EXP, LOG, ABS = range(12)
_BINARY = {ast.Add: ADD, ast.Sub: SUBTRACT, ast.Mult: MULTIPLY, ast.Div: DIVIDE, ast.Pow: POWER}
_FUNCTIONS = {"sqrt": SQRT, "exp": EXP, "log": LOG, "abs": ABS}
DEPTH = 64  # of the stack: a link has at most 60 nodes


def assemble(link: Link, index: Mapping[str, int]) -> list[tuple[int, float]]:
    """The instructions (code, argument) of a link in postfix order.

    Parameters
    ----------
    link : Link
    index : mapping
        Place of every parameter by full name.
    """
    out: list[tuple[int, float]] = []

    def visit(node: ast.expr) -> None:
        match node:
            case ast.Constant(value=value):
                out.append((CONSTANT, float(value)))  # type: ignore[arg-type]
            case ast.Attribute(value=ast.Name(id=component), attr=parameter):
                out.append((PARAMETER, float(index[f"{component}.{parameter}"])))
            case ast.UnaryOp(op=op, operand=operand):
                visit(operand)
                if isinstance(op, ast.USub):
                    out.append((NEGATE, 0.0))
            case ast.BinOp(left=left, op=op, right=right):
                visit(left)
                visit(right)
                out.append((_BINARY[type(op)], 0.0))
            case ast.Call(func=ast.Name(id=name), args=[argument]):
                visit(argument)
                out.append((_FUNCTIONS[name], 0.0))

    visit(link.tree)
    return out


@njit(**OPTIONS)
def run(
    codes: np.ndarray, arguments: np.ndarray, first: int, end: int, values: np.ndarray, chain: np.ndarray,
    stack: np.ndarray, slopes: np.ndarray,
) -> None:
    """Leave the value of a formula in stack[0] and its derivatives by the free parameters in slopes[0].

    NaN where the formula has no value.
    """
    top = -1
    for at in range(first, end):
        code = codes[at]
        if code == CONSTANT:
            top += 1
            stack[top] = arguments[at]
            slopes[top, :] = 0.0
        elif code == PARAMETER:
            top += 1
            stack[top] = values[int(arguments[at])]
            slopes[top, :] = chain[int(arguments[at])]
        elif code <= POWER:
            top -= 1
            _binary(code, stack, slopes, top)
        else:
            _function(code, stack, slopes, top)


@njit(**OPTIONS)
def _binary(code: int, stack: np.ndarray, slopes: np.ndarray, at: int) -> None:
    a, b = stack[at], stack[at + 1]
    if code == ADD:
        stack[at], by_a, by_b = a + b, 1.0, 1.0
    elif code == SUBTRACT:
        stack[at], by_a, by_b = a - b, 1.0, -1.0
    elif code == MULTIPLY:
        stack[at], by_a, by_b = a * b, b, a
    elif code == DIVIDE:
        stack[at], by_a, by_b = a / b, 1.0 / b, -a / (b * b)
    else:
        value = a**b
        stack[at] = value
        by_a = b * a ** (b - 1.0) if b != 0.0 else 0.0
        by_b = 0.0
        for i in range(slopes.shape[1]):
            if slopes[at + 1, i] != 0.0:
                by_b = value * math.log(a)
                break
    for i in range(slopes.shape[1]):
        # 0 times infinity: where a side is constant its slope does not matter
        left = by_a * slopes[at, i] if slopes[at, i] != 0.0 else 0.0
        right = by_b * slopes[at + 1, i] if slopes[at + 1, i] != 0.0 else 0.0
        slopes[at, i] = left + right


@njit(**OPTIONS)
def _function(code: int, stack: np.ndarray, slopes: np.ndarray, at: int) -> None:
    a = stack[at]
    if code == NEGATE:
        stack[at], slope = -a, -1.0
    elif code == SQRT:
        value = math.sqrt(a) if a >= 0.0 else math.nan
        stack[at], slope = value, 0.5 / value
    elif code == EXP:
        value = math.exp(a)
        stack[at], slope = value, value
    elif code == LOG:
        value = math.log(a) if a > 0.0 else math.nan
        stack[at], slope = value, 1.0 / a
    else:
        stack[at], slope = abs(a), math.copysign(1.0, a)
    for i in range(slopes.shape[1]):
        slopes[at, i] = slope * slopes[at, i] if slopes[at, i] != 0.0 else 0.0
