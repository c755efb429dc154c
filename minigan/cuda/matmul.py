"""Matrix product with a bias and an activation: the launches of kernels/matmul.cu."""

from .. import shapes
from .launch import Plan, declare, empty, launch, pick

TILE = 16  # the block is TILE x TILE threads, one an output element; matmul_v2's tiles have the same sides

declare(
    "matmul.cu",
    "matmul",
    "const real* a, const real* b, const real* bias?, real* y, int m, int n, int k, "
    "int a_row, int a_column, int b_row, int b_column, real slope",
    count=2,
)


def plan(m, k, n, transpose_a, transpose_b, slope):
    """The shared tile wherever a tile is filled at all; one row, one column or a short sum has nothing to share."""
    _, kernel = pick("matmul", "v2" if min(m, k, n) >= TILE else "v1")
    a_row, a_column = (1, m) if transpose_a else (k, 1)
    b_row, b_column = (1, k) if transpose_b else (n, 1)
    numbers = dict(m=m, n=n, k=k, a_row=a_row, a_column=a_column, b_row=b_row, b_column=b_column, slope=slope)
    return Plan(kernel, (-(-n // TILE), -(-m // TILE), 1), (TILE, TILE, 1), numbers)


def matmul(a, b, bias=None, transpose_a=False, transpose_b=False, activation=None):
    """y = activation(op(a) op(b) + bias), where op transposes if asked to; y[i, j] = Σₚ op(a)[i, p] op(b)[p, j].

    Shapes: op(a) (m, k), op(b) (k, n), bias (n,) → (m, n). `activation`: None or ("leaky_relu", slope).
    Raises MiniganError where shapes do not fit or the activation is another.
    """
    m, k, n = shapes.matmul(a.shape, b.shape, None if bias is None else bias.shape, transpose_a, transpose_b)
    y = empty((m, n), like=a)
    launch(plan(m, k, n, transpose_a, transpose_b, shapes.leaky_slope(activation)), a=a, b=b, bias=bias, y=y)
    return y
