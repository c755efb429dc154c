// Running averages: of batch norm's statistics, a few numbers for each channel (Ioffe and Szegedy 2015); and of a
// generator's weights, millions in one array (Karras et al. 2018). 12 bytes an element in float: 8 read, 4 written.
//
//   v1  scalar      a thread an element, 4 bytes a load
//   v2  vectorised  16 bytes a load and a store
#include "pack.cuh"

// running <- running + momentum (scale value - running): a step towards the value, so that what has arrived stays there
// to the last bit, which (1 - momentum) running + momentum value does not promise.
struct Average {
    real momentum, scale;
    __device__ inline void operator()(real& running, real value) const {
        running += momentum * (scale * value - running);
    }
};

// The share of the newest is 1 - decay (`rest`, computed by the host in double), and larger in the first steps, so that the
// first weights are soon forgotten: 9/10, 9/11, 9/12 ... The step count lives on the device, where a captured graph sees it
// move.
__device__ inline Average newest(const uint64* step, real rest) {
    return Average{max(rest, real(9) / (real(10) + real(step[0]))), real(1)};
}

KERNELS(moving_average, (real* average, const real* value, const uint64* step, int n, real rest), newest(step, rest), average,
        value)

KERNELS(running_average, (real* running, const real* value, int n, real momentum, real scale),
        (Average{momentum, scale}), running, value)
