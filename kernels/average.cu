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

KERNELS(running_average, (real* running, const real* value, int n, real momentum, real scale),
        (Average{momentum, scale}), running, value)
