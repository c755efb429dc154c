// One optimizer step over all parameters of a network, which lie end to end in one array: grid ceil(n / 256), block 256.
//
// The step count and the rate are read from device memory and not passed by value, so that a captured graph of launches
// sees them change.

// Kingma and Ba 2015, Algorithm 1: 7 arrays' worth of traffic an element (4 read, 3 written), 28 bytes in float.
//
// The corrections are 1 - beta^t = -expm1(t ln beta), with ln beta and 1 - beta computed by the host in double: in float
// beta = 0.999 is itself off by 1e-8, which is 5e-5 of 1 - beta at the first step.
extern "C" __global__ void adam_v1(real* parameter, const real* gradient, real* first, real* second,
                                   const uint64* step, const real* rate, int n, real beta1, real rest1, real log_beta1,
                                   real beta2, real rest2, real log_beta2, real epsilon) {
    const int i = global_index();
    if (i >= n) return;
    const real t = real(step[0]), g = gradient[i];
    const real m = first[i] = beta1 * first[i] + rest1 * g;
    const real v = second[i] = beta2 * second[i] + rest2 * g * g;
    const real m_hat = m / -expm1(t * log_beta1), v_hat = v / -expm1(t * log_beta2);
    parameter[i] -= rate[0] * m_hat / (sqrt(v_hat) + epsilon);
}

// p <- p - rate g
extern "C" __global__ void sgd_v1(real* parameter, const real* gradient, const real* rate, int n) {
    const int i = global_index();
    if (i < n) parameter[i] -= rate[0] * gradient[i];
}

// Polyak 1964: v <- mu v + g, p <- p - rate v.
extern "C" __global__ void momentum_v1(real* parameter, const real* gradient, real* velocity, const real* rate, int n,
                                       real mu) {
    const int i = global_index();
    if (i >= n) return;
    const real v = velocity[i] = mu * velocity[i] + gradient[i];
    parameter[i] -= rate[0] * v;
}

// Tieleman and Hinton 2012, lecture 6e: v <- rho v + (1 - rho) g^2, p <- p - rate g / (sqrt(v) + epsilon). `rest` is 1 - rho,
// computed by the host in double.
extern "C" __global__ void rmsprop_v1(real* parameter, const real* gradient, real* second, const real* rate, int n, real rho,
                                      real rest, real epsilon) {
    const int i = global_index();
    if (i >= n) return;
    const real g = gradient[i], v = second[i] = rho * second[i] + rest * g * g;
    parameter[i] -= rate[0] * g / (sqrt(v) + epsilon);
}

// Every weight into [-bound, bound]: the critic of Arjovsky et al. 2017, Algorithm 1, line 7. NaN stays NaN.
extern "C" __global__ void clamp_v1(real* parameter, int n, real bound) {
    const int i = global_index();
    if (i < n) parameter[i] = parameter[i] < -bound ? -bound : parameter[i] > bound ? bound : parameter[i];
}
