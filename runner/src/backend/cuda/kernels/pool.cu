// Pooling and its gradients, in the order of core/src/pool.rs.
#include "core.cuh"
#include "pool.cuh"

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
    real best = Max::start();
    for (unsigned ky = 0; ky < win.kernel[0]; ++ky)
        for (unsigned kx = 0; kx < win.kernel[1]; ++kx) best = Max::fold(best, tap(a, plane, at.y, at.x, ky, kx));
    a.out[i] = best;
}

// One thread for each input.
KERNEL(avg_pool_grad, Pool) {
    unsigned i = thread();
    if (i < a.count) a.out[i] = avg_spread(a, place(i, a.channels, a.window.input));
}

KERNEL(max_pool_grad, Pool) {
    unsigned i = thread();
    if (i < a.count) a.out[i] = max_spread(a, place(i, a.channels, a.window.input));
}
