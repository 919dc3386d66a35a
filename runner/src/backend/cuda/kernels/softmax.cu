// The logarithm of softmax and the negative log-likelihood of labels, in the order of core/src/softmax.rs.
#include "core.cuh"

struct LogSoftmax {
    real* out;
    // What goes in, or for the gradient what came out, [outer, n, inner].
    const real* x;
    const real* g;
    // outer * inner rows.
    unsigned count, n, inner;
    unsigned x_stride[3], g_stride[3];
};
static_assert(sizeof(LogSoftmax) == 64, "as backend/cuda/softmax.rs has it");

INLINE const real* row_of(const LogSoftmax& a, const real* x, const unsigned (&stride)[3], unsigned i) {
    return x + i / a.inner * stride[0] + i % a.inner * stride[2];
}

INLINE real* row_out(const LogSoftmax& a, unsigned i) { return a.out + i / a.inner * a.n * a.inner + i % a.inner; }

// One thread for each row.
KERNEL(log_softmax, LogSoftmax) {
    unsigned i = thread();
    if (i >= a.count) return;
    const real* x = row_of(a, a.x, a.x_stride, i);
    real* out = row_out(a, i);
    real most = fold_axis<Max>(a.n, [&](unsigned j) { return x[j * a.x_stride[1]]; });
    for (unsigned j = 0; j < a.n; ++j) out[j * a.inner] = x[j * a.x_stride[1]] - most;
    real log = mt_log(fold_axis<Sum>(a.n, [&](unsigned j) { return mt_exp(out[j * a.inner]); }));
    for (unsigned j = 0; j < a.n; ++j) out[j * a.inner] = out[j * a.inner] - log;
}

KERNEL(log_softmax_grad, LogSoftmax) {
    unsigned i = thread();
    if (i >= a.count) return;
    const real* y = row_of(a, a.x, a.x_stride, i);
    const real* g = row_of(a, a.g, a.g_stride, i);
    real* out = row_out(a, i);
    real sum = fold_axis<Sum>(a.n, [&](unsigned j) { return g[j * a.g_stride[1]]; });
    for (unsigned j = 0; j < a.n; ++j) out[j * a.inner] = g[j * a.g_stride[1]] - mt_exp(y[j * a.x_stride[1]]) * sum;
}

struct Nll {
    real* out;
    // Logarithms of probabilities, [rows, n], or for the gradient that of the loss.
    const real* in;
    const unsigned* labels;
    unsigned rows, n;
    unsigned stride[2];
};
static_assert(sizeof(Nll) == 40, "as backend/cuda/softmax.rs has it");

// One group of threads for all rows.
GROUP_KERNEL(nll, Nll) {
    real sum = fold_by_block<Sum>(a.in, 1, 0, false, a.rows, [&](unsigned j) { return j * a.stride[0] + a.labels[j] * a.stride[1]; });
    if (threadIdx.x == 0) *a.out = -(sum / (real)a.rows);
}

// One thread for each element.
KERNEL(nll_grad, Nll) {
    unsigned i = thread();
    if (i >= a.rows * a.n) return;
    a.out[i] = i % a.n == a.labels[i / a.n] ? -*a.in / (real)a.rows : 0;
}
