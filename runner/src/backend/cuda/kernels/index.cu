// Reading and writing by whole numbers, and the largest element of a row.
#include "real.cuh"

struct Fill {
    real* out;
    unsigned count;
    real value;
};
static_assert(sizeof(Fill) == 16, "as backend/cuda/index.rs has it");

KERNEL(fill, Fill) {
    unsigned i = thread();
    if (i < a.count) a.out[i] = a.value;
}

struct Rows {
    real* out;
    const real* in;
    const unsigned* index;
    // Rows that are read, and the elements of one.
    unsigned rows, width;
    unsigned stride[2];
};
static_assert(sizeof(Rows) == 40, "as backend/cuda/index.rs has it");

KERNEL(rows, Rows) {
    unsigned i = thread();
    if (i >= a.rows * a.width) return;
    a.out[i] = a.in[a.index[i / a.width] * a.stride[0] + i % a.width * a.stride[1]];
}

// The first row with a number adds up all rows with that number, in ascending order. `out` is +0 before.
KERNEL(rows_add, Rows) {
    unsigned i = thread();
    if (i >= a.rows * a.width) return;
    unsigned row = i / a.width, column = i % a.width, number = a.index[row];
    for (unsigned earlier = 0; earlier < row; ++earlier)
        if (a.index[earlier] == number) return;
    real sum = 0;
    for (unsigned later = row; later < a.rows; ++later)
        if (a.index[later] == number) sum = sum + a.in[later * a.stride[0] + column * a.stride[1]];
    a.out[number * a.width + column] = sum;
}

struct Pick {
    real* out;
    const real* in;
    unsigned* index;
    // [outer, n, inner], of which outer * inner elements are picked.
    unsigned count, n, inner;
    unsigned stride[3];
};
static_assert(sizeof(Pick) == 48, "as backend/cuda/index.rs has it");

KERNEL(pick, Pick) {
    unsigned i = thread();
    if (i >= a.count) return;
    a.out[i] = a.in[i / a.inner * a.stride[0] + a.index[i] * a.stride[1] + i % a.inner * a.stride[2]];
}

// The reverse: in [outer, inner] -> out [outer, n, inner], which is +0 before.
KERNEL(place, Pick) {
    unsigned i = thread();
    if (i >= a.count) return;
    unsigned to = (i / a.inner * a.n + a.index[i]) * a.inner + i % a.inner;
    a.out[to] = a.in[i / a.inner * a.stride[0] + i % a.inner * a.stride[2]];
}

// The position of the first largest element, or of the first that is not a number.
KERNEL(arg_max, Pick) {
    unsigned i = thread();
    if (i >= a.count) return;
    const real* row = a.in + i / a.inner * a.stride[0] + i % a.inner * a.stride[2];
    unsigned found = 0;
    real best = row[0];
    for (unsigned at = 1; at < a.n; ++at) {
        real value = row[at * a.stride[1]];
        if (value > best || (value != value && best == best)) best = value, found = at;
    }
    a.index[i] = found;
}
