// Matrix products: each output accumulates over k in ascending order, in one accumulator that starts at +0.
#include "real.cuh"

#define TILE 16

struct Matmul {
    real* out;
    const real* left;
    const real* right;
    unsigned m, n, k;
    // Columns and rows of tiles in the output.
    unsigned tiles[2];
    // By row and by column.
    unsigned left_stride[2], right_stride[2];
    // The leading axes, the last of them the innermost.
    unsigned batch_size[4], left_batch[4], right_batch[4];
};
static_assert(sizeof(Matmul) == 112, "as backend/cuda/matmul.rs has it");

GROUP_KERNEL(matmul, Matmul) {
    __shared__ real left_tile[TILE][TILE];
    __shared__ real right_tile[TILE][TILE + 1];
    unsigned x = threadIdx.x % TILE, y = threadIdx.x / TILE;
    unsigned batch = blockIdx.x / (a.tiles[0] * a.tiles[1]);
    unsigned row = blockIdx.x / a.tiles[0] % a.tiles[1] * TILE + y;
    unsigned column = blockIdx.x % a.tiles[0] * TILE + x;
    const real* left = a.left;
    const real* right = a.right;
    unsigned rest = batch;
    for (int axis = 3; axis >= 0; --axis) {
        unsigned index = rest % a.batch_size[axis];
        rest /= a.batch_size[axis];
        left += index * a.left_batch[axis];
        right += index * a.right_batch[axis];
    }
    real sum = 0;
    for (unsigned first = 0; first < a.k; first += TILE) {
        if (row < a.m && first + x < a.k)
            left_tile[y][x] = left[row * a.left_stride[0] + (first + x) * a.left_stride[1]];
        if (column < a.n && first + y < a.k)
            right_tile[y][x] = right[(first + y) * a.right_stride[0] + column * a.right_stride[1]];
        __syncthreads();
        // Not a term too many: adding +0 would turn a sum of -0 into +0.
        unsigned terms = min((unsigned)TILE, a.k - first);
        if (row < a.m && column < a.n)
            for (unsigned i = 0; i < terms; ++i) sum = mt_fma(left_tile[y][i], right_tile[i][x], sum);
        __syncthreads();
    }
    if (row < a.m && column < a.n) a.out[(batch * a.m + row) * a.n + column] = sum;
}
