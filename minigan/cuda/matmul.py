"""Matrix product with a bias and an activation: the launches of kernels/matmul.cu."""

from functools import partial

from .. import shapes
from ..plan import Plan
from .launch import empty, launch
from .target import target_of
from .versions import Version, declare, enter, pick

_PARAMETERS = (
    "const real* a, const real* b, const real* bias?, real* y, int m, int n, int k, "
    "int a_row, int a_column, int b_row, int b_column, real slope"
)
_SINGLE = dict(parameters=_PARAMETERS.replace("real", "float"), reals=("float",))
KERNELS = {
    "v1": declare("matmul.cu", "matmul_v1", _PARAMETERS),
    "v2": declare("matmul.cu", "matmul_v2", _PARAMETERS),
    "v3": declare("matmul.cu", "matmul_v3", _PARAMETERS),
    "v4": declare("matmul.cu", "matmul_v4", **_SINGLE),
    "v5": declare("matmul.cu", "matmul_v5", **_SINGLE),
    "v6": declare("matmul.cu", "matmul_v6", **_SINGLE, tf32=True),
}
# The side of a block's tile, and the block.
TILES = {
    "v1": (16, (16, 16, 1)), "v2": (16, (16, 16, 1)), "v3": (64, (256, 1, 1)), "v4": (128, (256, 1, 1)),
    "v5": (128, (256, 1, 1)), "v6": (128, (128, 1, 1)),
}  # fmt: skip

# The default: the first of these that has a tile for every multiprocessor, and whose tiles the product mostly fills. TF32 gives
# up digits, so v6 runs only where it is chosen.
DEFAULTS = ("v5", "v3", "v2")


def default(m, n, k, target):
    """The version for a product of this shape, on this target."""
    for version in DEFAULTS:
        side, _ = TILES[version]
        tiles = -(-m // side) * -(-n // side)
        fits = min(m, n) >= side / 2 and k >= 16 and tiles >= target.multiprocessors
        if fits and target.can_run(KERNELS[version]):
            return version
    return "v1" if min(m, n, k) < 16 else "v2"


def plan(version, m, k, n, transpose_a, transpose_b, slope):
    """A version's launch for op(a) (m, k) and op(b) (k, n): a block makes a tile of y."""
    side, block = TILES[version]
    a_row, a_column = (1, m) if transpose_a else (k, 1)
    b_row, b_column = (1, k) if transpose_b else (n, 1)
    numbers = dict(m=m, n=n, k=k, a_row=a_row, a_column=a_column, b_row=b_row, b_column=b_column, slope=slope)
    return Plan(KERNELS[version], (-(-n // side), -(-m // side), 1), block, numbers)


def _launch(version, arrays, *numbers):
    launch(plan(version, *numbers), **arrays)


VERSIONS = enter(
    "matmul", {"matmul": {version: Version(partial(_launch, version), (KERNELS[version],)) for version in KERNELS}}
)


def matmul(a, b, bias=None, transpose_a=False, transpose_b=False, activation=None):
    """As `minigan.reference.matmul`. A block a tile. v1: a thread an element. v2: tiles of 16 × 16 in shared memory. v3: 4 ×
    4 elements a thread. v4: 8 × 8, by 16 bytes. v5: the next strips are on their way. v6: tensor cores, in TF32."""
    m, k, n = shapes.matmul(a.shape, b.shape, None if bias is None else bias.shape, transpose_a, transpose_b)
    y = empty((m, n), like=a)
    target = target_of(a)
    run = pick("matmul", default(m, n, k, target), target)
    run(dict(a=a, b=b, bias=bias, y=y), m, k, n, transpose_a, transpose_b, shapes.leaky_slope(activation))
    return y
