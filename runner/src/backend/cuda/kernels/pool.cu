// Pooling and its gradients, in the order of core/src/pool.rs.
#include "window.cuh"

struct Pool {
    real* out;
    const real* x;
    const real* g;
    unsigned count, channels;
    Window window;
    unsigned x_stride[4], g_stride[4];
};
static_assert(sizeof(Pool) == 104, "as backend/cuda/spatial.rs has it");

INLINE real tap(const Pool& a, const real* plane, unsigned y, unsigned x, unsigned ky, unsigned kx) {
    unsigned row = y * a.window.stride[0] + ky, column = x * a.window.stride[1] + kx;
    return plane[row * a.x_stride[2] + column * a.x_stride[3]];
}

// One thread for each output.
KERNEL(avg_pool, Pool) {
    const Window& win = a.window;
    unsigned i = thread();
    if (i >= a.count) return;
    Place at = place(i, a.channels, win.output);
    const real* plane = a.x + at.image * a.x_stride[0] + at.channel * a.x_stride[1];
    real sum = 0;
    for (unsigned ky = 0; ky < win.kernel[0]; ++ky)
        for (unsigned kx = 0; kx < win.kernel[1]; ++kx) sum = sum + tap(a, plane, at.y, at.x, ky, kx);
    a.out[i] = sum / (real)(win.kernel[0] * win.kernel[1]);
}

KERNEL(max_pool, Pool) {
    const Window& win = a.window;
    unsigned i = thread();
    if (i >= a.count) return;
    Place at = place(i, a.channels, win.output);
    const real* plane = a.x + at.image * a.x_stride[0] + at.channel * a.x_stride[1];
    real best = -MT_INFINITY;
    for (unsigned ky = 0; ky < win.kernel[0]; ++ky)
        for (unsigned kx = 0; kx < win.kernel[1]; ++kx) best = mt_max(best, tap(a, plane, at.y, at.x, ky, kx));
    a.out[i] = best;
}

// The first of `outputs` windows that holds input `at`.
INLINE unsigned first_window(unsigned at, unsigned kernel, unsigned stride) {
    return at < kernel ? 0 : (at - kernel) / stride + 1;
}

// One thread for each input, which asks its windows in row-major order.
KERNEL(avg_pool_grad, Pool) {
    const Window& win = a.window;
    unsigned i = thread();
    if (i >= a.count) return;
    Place at = place(i, a.channels, win.input);
    const real* plane = a.g + at.image * a.g_stride[0] + at.channel * a.g_stride[1];
    real sum = 0, taps = (real)(win.kernel[0] * win.kernel[1]);
    for (unsigned y = first_window(at.y, win.kernel[0], win.stride[0]); y < win.output[0] && y * win.stride[0] <= at.y; ++y)
        for (unsigned x = first_window(at.x, win.kernel[1], win.stride[1]); x < win.output[1] && x * win.stride[1] <= at.x; ++x)
            sum = sum + plane[y * a.g_stride[2] + x * a.g_stride[3]] / taps;
    a.out[i] = sum;
}

// The number, row by row, of the tap that takes the gradient: the first NaN, else the first of the largest ones.
INLINE unsigned winner(const Pool& a, const real* plane, unsigned y, unsigned x) {
    const Window& win = a.window;
    unsigned number = 0, found = 0;
    real best = tap(a, plane, y, x, 0, 0);
    for (unsigned ky = 0; ky < win.kernel[0]; ++ky)
        for (unsigned kx = 0; kx < win.kernel[1]; ++kx, ++number) {
            real value = tap(a, plane, y, x, ky, kx);
            if (value > best || (value != value && best == best)) best = value, found = number;
        }
    return found;
}

KERNEL(max_pool_grad, Pool) {
    const Window& win = a.window;
    unsigned i = thread();
    if (i >= a.count) return;
    Place at = place(i, a.channels, win.input);
    const real* plane = a.x + at.image * a.x_stride[0] + at.channel * a.x_stride[1];
    const real* g = a.g + at.image * a.g_stride[0] + at.channel * a.g_stride[1];
    real sum = 0;
    for (unsigned y = first_window(at.y, win.kernel[0], win.stride[0]); y < win.output[0] && y * win.stride[0] <= at.y; ++y)
        for (unsigned x = first_window(at.x, win.kernel[1], win.stride[1]); x < win.output[1] && x * win.stride[1] <= at.x; ++x) {
            unsigned here = (at.y - y * win.stride[0]) * win.kernel[1] + (at.x - x * win.stride[1]);
            if (winner(a, plane, y, x) == here) sum = sum + g[y * a.g_stride[2] + x * a.g_stride[3]];
        }
    a.out[i] = sum;
}
