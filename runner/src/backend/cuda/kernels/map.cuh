// Elementwise operations: one thread for each element.
#pragma once
#include "real.cuh"

struct Map {
    real* out;
    const real* in[4];
    unsigned count, rank;
    unsigned size[6];
    // Of the output, then of the operands.
    unsigned stride[5][6];
    // The parameters of the operation.
    real p[3];
};
static_assert(sizeof(Map) == 208, "as backend/cuda/elementwise.rs has it");

#define MAPS 16

// Updates by one operation, of which none reads or writes what another writes.
struct Maps {
    Map each[MAPS];
    unsigned count, unused;
};
static_assert(sizeof(Maps) == 3336, "as backend/cuda/updates.rs has it");

// The positions of element i in the output and in the operands.
template <int N>
INLINE void places(const Map& a, unsigned i, unsigned (&at)[N + 1]) {
    unsigned rest = i;
    for (int axis = (int)a.rank - 1; axis >= 0; --axis) {
        unsigned index = axis == 0 ? rest : rest % a.size[axis];
        rest /= a.size[axis];
        for (int k = 0; k <= N; ++k) at[k] += index * a.stride[k][axis];
    }
}

// The body is an expression of the operands x0 to x3 and the parameters p0 to p2.
#define MAP(name, operands, ...) \
    INLINE void name##_at(const Map& a, unsigned i) { \
        if (i >= a.count) return; \
        unsigned at[operands + 1] = {}; \
        places<operands>(a, i, at); \
        const real x0 = a.in[0][at[1]]; \
        const real x1 = operands > 1 ? a.in[1][at[operands > 1 ? 2 : 0]] : 0; \
        const real x2 = operands > 2 ? a.in[2][at[operands > 2 ? 3 : 0]] : 0; \
        const real x3 = operands > 3 ? a.in[3][at[operands > 3 ? 4 : 0]] : 0; \
        const real p0 = a.p[0], p1 = a.p[1], p2 = a.p[2]; \
        a.out[at[0]] = __VA_ARGS__; \
    } \
    KERNEL(name, Map) { name##_at(a, thread()); }

// The same of several updates, each by groups of threads of its own.
#define UPDATES(name) \
    KERNEL(name##_all, Maps) { \
        unsigned group = blockIdx.x; \
        for (unsigned n = 0; n < a.count; ++n) { \
            unsigned groups = (a.each[n].count + blockDim.x - 1) / blockDim.x; \
            if (group < groups) return name##_at(a.each[n], group * blockDim.x + threadIdx.x); \
            group -= groups; \
        } \
    }
