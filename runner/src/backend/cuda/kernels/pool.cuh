// What pooling and its gradients do at one place, in the order of core/src/pool.rs.
#pragma once
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

INLINE real element(const real* of, const unsigned (&stride)[4], Place at) {
    return of[at.image * stride[0] + at.channel * stride[1] + at.y * stride[2] + at.x * stride[3]];
}

// The first of `outputs` windows that holds input `at`.
INLINE unsigned first_window(unsigned at, unsigned kernel, unsigned stride) {
    return at < kernel ? 0 : (at - kernel) / stride + 1;
}

// The gradient of input `at`, which asks its windows in row-major order.
INLINE real avg_spread(const Pool& a, Place at) {
    const Window& win = a.window;
    const real* plane = a.g + at.image * a.g_stride[0] + at.channel * a.g_stride[1];
    real sum = 0, taps = (real)(win.kernel[0] * win.kernel[1]);
    for (unsigned y = first_window(at.y, win.kernel[0], win.stride[0]); y < win.output[0] && y * win.stride[0] <= at.y; ++y)
        for (unsigned x = first_window(at.x, win.kernel[1], win.stride[1]); x < win.output[1] && x * win.stride[1] <= at.x; ++x)
            sum = sum + plane[y * a.g_stride[2] + x * a.g_stride[3]] / taps;
    return sum;
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

// The same of the largest elements.
INLINE real max_spread(const Pool& a, Place at) {
    const Window& win = a.window;
    const real* plane = a.x + at.image * a.x_stride[0] + at.channel * a.x_stride[1];
    const real* g = a.g + at.image * a.g_stride[0] + at.channel * a.g_stride[1];
    real sum = 0;
    for (unsigned y = first_window(at.y, win.kernel[0], win.stride[0]); y < win.output[0] && y * win.stride[0] <= at.y; ++y)
        for (unsigned x = first_window(at.x, win.kernel[1], win.stride[1]); x < win.output[1] && x * win.stride[1] <= at.x; ++x) {
            unsigned here = (at.y - y * win.stride[0]) * win.kernel[1] + (at.x - x * win.stride[1]);
            if (winner(a, plane, y, x) == here) sum = sum + g[y * a.g_stride[2] + x * a.g_stride[3]];
        }
    return sum;
}
