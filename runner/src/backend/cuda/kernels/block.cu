// The gradient of the maps of a block, in the order of core/src/block.rs: pooling, then ReLU, then the bias' sums.
#include "core.cuh"
#include "pool.cuh"

struct MapsGrad {
    // `x` are the maps, `g` the gradient of what was made of them, and `out` becomes that of the maps, [planes, area].
    Pool pool;
    // [planes], or nothing, if nobody wants them.
    real* sums;
    unsigned pooling, relu;
};
static_assert(sizeof(MapsGrad) == 120, "as backend/cuda/spatial/block.rs has it");

// A group of threads for each plane: first every thread makes some of its elements, then all of them add it up.
GROUP_KERNEL(maps_grad, MapsGrad) {
    const Pool& p = a.pool;
    unsigned area = p.window.input[0] * p.window.input[1], first = blockIdx.x * area;
    for (unsigned i = threadIdx.x; i < area; i += blockDim.x) {
        Place at = place(first + i, p.channels, p.window.input);
        real g = a.pooling == AVERAGE ? avg_spread(p, at) : a.pooling == LARGEST ? max_spread(p, at) : element(p.g, p.g_stride, at);
        p.out[first + i] = a.relu ? relu_grad(element(p.x, p.x_stride, at), g) : g;
    }
    if (!a.sums) return;
    __syncthreads();
    real sum = fold_by_block<Sum>(p.out + first, 1, 0, false, area, [](unsigned j) { return j; });
    if (threadIdx.x == 0) a.sums[blockIdx.x] = sum;
}
