"""Winograd's convolution for stride 1, as kernels/conv2d_winograd.cu does it, in a few lines.

A correlation y = Σ w_p x_{i + p} of 8 numbers x with r taps w has m = 9 − r results. Seen from the other side, as a product of
the polynomials w(t) y(t) of degree 7, it is known from its values at 8 points, one product each: r + m − 1 multiplications in
place of r · m. Turned around (transposed), that is

    y = E_mᵀ (E_r w · B x)

where E_k takes a polynomial's k coefficients to its values at the points, and B belongs to the points alone. The weights'
gradient exchanges the roles: w = E_rᵀ (E_m y · B x). In two dimensions each factor works on rows and on columns.

Source: Winograd 1980, "Arithmetic Complexity of Computations"; Lavin and Gray 2016, section 4.
"""

from fractions import Fraction

import numpy as np

POINTS = (0, 1, -1, 2, -2, Fraction(1, 2), Fraction(-1, 2))  # and infinity


def values(count):
    """E: (8, count). Row j takes the coefficients of a polynomial to its value at point j; the last one to the leading one."""
    return np.array([[float(point**i) for i in range(count)] for point in POINTS] + [[0.0] * (count - 1) + [1.0]])


def windows():
    """B: (8, 8). Row j has the coefficients of Π (t − p) over the other points p, divided by its value at point j; the last one
    those of the product over all points."""
    rows = []
    for point in POINTS:
        others = [other for other in POINTS if other != point]
        over = np.prod([point - other for other in others])
        rows.append([float(coefficient / over) for coefficient in _expanded(others)] + [0.0])
    return np.array([*rows, [float(coefficient) for coefficient in _expanded(POINTS)]])


def _expanded(roots):
    """The coefficients of Π (t − root), from the constant one on."""
    coefficients = [Fraction(1)]
    for root in roots:
        shifted = [Fraction(0), *coefficients]
        coefficients = [above - root * here for above, here in zip(shifted, [*coefficients, Fraction(0)])]
    return coefficients


def correlate(x, w):
    """y[i, j] = Σ w[p, q] x[i + p, j + q] of a window x (8, 8) and a filter w (r, s): (9 − r, 9 − s)."""
    products = (values(w.shape[0]) @ w @ values(w.shape[1]).T) * (windows() @ x @ windows().T)
    return values(9 - w.shape[0]).T @ products @ values(9 - w.shape[1])
