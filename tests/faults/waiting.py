"""Barriers, shuffles and masks at which not all arrive, and what never ends."""

from .fault import Fault

FAULTS = (
    Fault(
        "barrier in a branch",
        "divergent-barrier",
        None,
        """
if (t < 40)
    __syncthreads();  //!
x[i] = 1;
""",
        "t < 40",
        "true",
    ),
    Fault(
        "two barriers",
        "divergent-barrier",
        None,
        """
if (t < 40)
    __syncthreads();  //!
else
    __syncthreads();
x[i] = 1;
""",
        "if (t < 40)",
        "if (blockIdx.x)",
    ),
    Fault(
        "two barriers in one line",
        "divergent-barrier",
        None,
        "if (t < 40) __syncthreads(); else __syncthreads();  //!\nx[i] = 1;",
        "t < 40",
        "blockIdx.x",
    ),
    Fault(
        "lanes that name others and are not named",
        "bad-mask",
        None,
        """
const unsigned mask = t % 32 < 16 ? 0xffffffffu : 0xffff0000u;
const int v = __shfl_sync(mask, t, 16);  //!
x[i] = __shfl_sync(0xffffffffu, v, 3);
""",
        ": 0xffff0000u",
        ": 0xffffffffu",
    ),
    Fault(
        "early return",
        "divergent-barrier",
        None,
        """
if (i >= n) return;
x[i] = 1;
__syncthreads();  //!
""",
        "i >= n",
        "n == 0",
        n=100,
    ),
    Fault(
        "a lane that never comes",
        "deadlock",
        None,
        """
if (t % 32 == 3) __syncthreads();
else x[i] = __shfl_sync(0xffffffffu, t, 3);
""",
        "if (t % 32 == 3) __syncthreads();\nelse ",
        "",
    ),
    Fault(
        "a shuffle from a lane that has returned",
        "missing-lane",
        None,
        """
if (t % 32 >= 16) return;
const float above = __shfl_down_sync(0xffffffffu, t, 16);  //!
x[i] = above;""",
        "t, 16)",
        "t, 16, 16)",
    ),
    Fault(
        "a mask that leaves out the source",
        "missing-lane",
        None,
        """
if (t % 32 < 8) {
    const float first = __shfl_sync(0xffu, t, 8);  //!
    x[i] = first;
}""",
        "t, 8)",
        "t, 7)",
    ),
    Fault(
        "a warp that is not full",
        "missing-lane",
        None,
        """
float sum = 1;
for (int d = 16; d; d /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, d);  //!
if (t < n) x[i] = sum;""",
        "d = 16",
        "d = 8",
        block=48,
    ),
    Fault(
        "a shuffle that meets a barrier",
        "bad-mask",
        None,
        """
if (t % 32 < 16) x[i] = __shfl_sync(0xffffffffu, t, 3);
else __syncwarp();""",
        "else __syncwarp();",
        "else x[i] = __shfl_sync(0xffffffffu, t, 3);",
    ),
)
