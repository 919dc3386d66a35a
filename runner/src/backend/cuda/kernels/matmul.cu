// Matrix products: each output accumulates over k in ascending order, in one accumulator that starts at +0.
#include "core.cuh"

#define TILE 16

struct Matmul {
    real* out;
    const real* left;
    const real* right;
    unsigned m, n, k;
    // Columns and rows of squares in the output, each computed by a group of threads.
    unsigned tiles[2];
    // By row and by column.
    unsigned left_stride[2], right_stride[2];
    // The leading axes, the last of them the innermost.
    unsigned batch_size[4], left_batch[4], right_batch[4];
};
static_assert(sizeof(Matmul) == 112, "as backend/cuda/matmul.rs has it");

struct Operands { const real *left, *right; };

// The matrices of number `batch`.
INLINE Operands operands(const Matmul& a, unsigned batch) {
    Operands of = {a.left, a.right};
    for (int axis = 3; axis >= 0; --axis) {
        unsigned index = batch % a.batch_size[axis];
        batch /= a.batch_size[axis];
        of.left += index * a.left_batch[axis];
        of.right += index * a.right_batch[axis];
    }
    return of;
}

// A product of small matrices, with what comes before it and after it.
struct Product {
    Matmul of;
    // What ReLU let through, if the left operand is the gradient of that, which is +0 where this is 0 or less.
    const real* passed;
    // What is added to the sums of each column, if anything.
    const real* bias;
    unsigned passed_stride[2], bias_stride;
    // Whether they go through ReLU then.
    unsigned relu;
};
static_assert(sizeof(Product) == 144, "as backend/cuda/matmul.rs has it");

// The left operand, which begins at `left`, at a row and a column.
INLINE real left_at(const Product& p, const real* left, unsigned row, unsigned column) {
    real x = left[row * p.of.left_stride[0] + column * p.of.left_stride[1]];
    return p.passed ? relu_grad(p.passed[row * p.passed_stride[0] + column * p.passed_stride[1]], x) : x;
}

// TILE x TILE outputs, one for each thread: square number `group`.
INLINE void square(const Product& p, unsigned group) {
    const Matmul& a = p.of;
    __shared__ real left_tile[TILE][TILE];
    __shared__ real right_tile[TILE][TILE + 1];
    unsigned x = threadIdx.x % TILE, y = threadIdx.x / TILE;
    unsigned batch = group / (a.tiles[0] * a.tiles[1]);
    unsigned row = group / a.tiles[0] % a.tiles[1] * TILE + y;
    unsigned column = group % a.tiles[0] * TILE + x;
    Operands of = operands(a, batch);
    real sum = 0;
    for (unsigned first = 0; first < a.k; first += TILE) {
        if (row < a.m && first + x < a.k)
            left_tile[y][x] = left_at(p, of.left, row, first + x);
        if (column < a.n && first + y < a.k)
            right_tile[y][x] = of.right[(first + y) * a.right_stride[0] + column * a.right_stride[1]];
        __syncthreads();
        // Not a term too many: adding +0 would turn a sum of -0 into +0.
        unsigned terms = min((unsigned)TILE, a.k - first);
        if (row < a.m && column < a.n)
            for (unsigned i = 0; i < terms; ++i) sum = mt_fma(left_tile[y][i], right_tile[i][x], sum);
        __syncthreads();
    }
    if (row >= a.m || column >= a.n) return;
    if (p.bias) sum = sum + p.bias[column * p.bias_stride];
    a.out[(batch * a.m + row) * a.n + column] = p.relu ? relu(sum) : sum;
}

GROUP_KERNEL(matmul, Product) { square(a, blockIdx.x); }

// For large matrices: a group computes WIDE x WIDE outputs, and each of its 16 x 16 threads EACH x EACH of them, so that a
// number which is read from the tiles is used EACH times. A longer structure would cost half as many registers again.
#define WIDE 64
#define EACH 4

GROUP_KERNEL(matmul_wide, Matmul) {
    __shared__ real left_tile[TILE][WIDE + 1];
    __shared__ real right_tile[TILE][WIDE + 1];
    unsigned batch = blockIdx.x / (a.tiles[0] * a.tiles[1]);
    unsigned top = blockIdx.x / a.tiles[0] % a.tiles[1] * WIDE, left_edge = blockIdx.x % a.tiles[0] * WIDE;
    Operands of = operands(a, batch);
    unsigned x = threadIdx.x % TILE, y = threadIdx.x / TILE;
    // Neighbouring threads read neighbouring numbers, whichever way the operand lies.
    bool left_by_k = a.left_stride[1] == 1, right_by_k = a.right_stride[0] == 1;
    real sum[EACH][EACH] = {};
    for (unsigned first = 0; first < a.k; first += TILE) {
        for (unsigned part = 0; part < EACH; ++part) {
            unsigned number = threadIdx.x + part * TILE * TILE;
            unsigned i = left_by_k ? number % TILE : number / WIDE, row = left_by_k ? number / TILE : number % WIDE;
            left_tile[i][row] = top + row < a.m && first + i < a.k
                ? of.left[(top + row) * a.left_stride[0] + (first + i) * a.left_stride[1]] : 0;
            i = right_by_k ? number % TILE : number / WIDE;
            unsigned column = right_by_k ? number / TILE : number % WIDE;
            right_tile[i][column] = left_edge + column < a.n && first + i < a.k
                ? of.right[(first + i) * a.right_stride[0] + (left_edge + column) * a.right_stride[1]] : 0;
        }
        __syncthreads();
        unsigned terms = min((unsigned)TILE, a.k - first);
        for (unsigned i = 0; i < terms; ++i) {
            real column[EACH];
            for (unsigned c = 0; c < EACH; ++c) column[c] = right_tile[i][x + c * TILE];
            for (unsigned r = 0; r < EACH; ++r) {
                real row = left_tile[i][y + r * TILE];
                for (unsigned c = 0; c < EACH; ++c) sum[r][c] = mt_fma(row, column[c], sum[r][c]);
            }
        }
        __syncthreads();
    }
    for (unsigned r = 0; r < EACH; ++r)
        for (unsigned c = 0; c < EACH; ++c) {
            unsigned row = top + y + r * TILE, column = left_edge + x + c * TILE;
            if (row < a.m && column < a.n) a.out[(batch * a.m + row) * a.n + column] = sum[r][c];
        }
}

// The gradients of a linear layer, none of which needs another: products for the input and for the weight, and sums of the
// columns of the gradient. What nobody wants has no squares.
struct LinearGrad {
    Product by_x, by_weight;
    // The left operand is the gradient [m, k], transposed: each thread adds up a row.
    Product by_bias;
};
static_assert(sizeof(LinearGrad) == 432, "as backend/cuda/linear.rs has it");

GROUP_KERNEL(linear_grad, LinearGrad) {
    unsigned group = blockIdx.x, squares = a.by_x.of.tiles[0] * a.by_x.of.tiles[1];
    if (group < squares) return square(a.by_x, group);
    group -= squares, squares = a.by_weight.of.tiles[0] * a.by_weight.of.tiles[1];
    if (group < squares) return square(a.by_weight, group);
    const Matmul& sums = a.by_bias.of;
    unsigned row = (group - squares) * blockDim.x + threadIdx.x;
    if (row >= sums.m) return;
    sums.out[row] = fold_axis<Sum>(sums.k, [&](unsigned column) { return left_at(a.by_bias, sums.left, row, column); });
}
