// Folding axes, in the order of core/src/reduction.rs: eight lanes, blocks of 512, the outermost axis last.
#pragma once
#include "real.cuh"

#define FOLD_BLOCK 512
#define FOLD_LANES 8
// Folds of blocks that are made at the same time where many threads work on one output.
#define FOLD_GROUPS 32

// Loops over axes; the innermost one is the last.
struct Axes {
    unsigned rank;
    unsigned size[6];
    unsigned stride[6];
};

struct Reduce {
    real* out;
    const real* in;
    // One turn is one output.
    unsigned count;
    Axes kept;
    // The outermost folded axis, if there are several.
    unsigned several, outer_count, outer_stride;
    // The other folded axes.
    unsigned inner_count;
    Axes inner;
};
static_assert(sizeof(Reduce) == 144, "as backend/cuda/reduce.rs has it");

INLINE unsigned place(const Axes& axes, unsigned i) {
    unsigned at = 0;
    for (int axis = (int)axes.rank - 1; axis > 0; --axis) {
        at += i % axes.size[axis] * axes.stride[axis];
        i /= axes.size[axis];
    }
    return at + i * axes.stride[0];
}

// One thread folds one axis: value(j) is its element j.
template <class R, class Value>
INLINE real fold_axis(unsigned count, Value value) {
    real sum = R::start();
    for (unsigned first = 0; first < count; first += FOLD_BLOCK) {
        unsigned end = min(first + FOLD_BLOCK, count);
        real lane[FOLD_LANES];
        for (int l = 0; l < FOLD_LANES; ++l) lane[l] = R::start();
        for (unsigned j = first; j < end; j += FOLD_LANES)
            for (unsigned l = 0; l < FOLD_LANES; ++l)
                if (j + l < end) lane[l] = R::fold(lane[l], value(j + l));
        real even = R::fold(R::fold(lane[0], lane[4]), R::fold(lane[2], lane[6]));
        real odd = R::fold(R::fold(lane[1], lane[5]), R::fold(lane[3], lane[7]));
        sum = R::fold(sum, R::fold(even, odd));
    }
    return sum;
}

// One thread folds all of an output.
template <class R>
INLINE void reduce_each(const Reduce& a) {
    unsigned i = thread();
    if (i >= a.count) return;
    const real* base = a.in + place(a.kept, i);
    real total = R::start();
    for (unsigned outer = 0; outer < a.outer_count; ++outer, base += a.outer_stride) {
        real sum = fold_axis<R>(a.inner_count, [&](unsigned j) { return base[place(a.inner, j)]; });
        total = a.several ? R::fold(total, sum) : sum;
    }
    a.out[i] = total;
}

// A block of threads folds all of an output, each thread a lane of a block of elements, and the first thread gets the result.
// Element j of an index of the outermost axis stands at(j) behind the first.
template <class R, class At>
INLINE real fold_by_block(const real* base, unsigned outer_count, unsigned outer_stride, bool several, unsigned inner_count, At at) {
    __shared__ real sums[FOLD_GROUPS];
    unsigned lane = threadIdx.x % FOLD_LANES, group = threadIdx.x / FOLD_LANES;
    unsigned blocks = (inner_count + FOLD_BLOCK - 1) / FOLD_BLOCK, all = blocks * outer_count;
    real total = R::start(), sum = R::start();
    for (unsigned done = 0; done < all; done += FOLD_GROUPS) {
        unsigned block = done + group;
        real value = R::start();
        if (block < all) {
            unsigned first = block % blocks * FOLD_BLOCK, end = min(first + FOLD_BLOCK, inner_count);
            const real* row = base + block / blocks * outer_stride;
            for (unsigned j = first + lane; j < end; j += FOLD_LANES) value = R::fold(value, row[at(j)]);
        }
        value = R::fold(value, __shfl_down_sync(0xffffffffu, value, 4));
        value = R::fold(value, __shfl_down_sync(0xffffffffu, value, 2));
        value = R::fold(value, __shfl_down_sync(0xffffffffu, value, 1));
        if (lane == 0) sums[group] = value;
        __syncthreads();
        if (threadIdx.x == 0) {
            for (unsigned n = 0; n < FOLD_GROUPS && done + n < all; ++n) {
                sum = R::fold(sum, sums[n]);
                if ((done + n + 1) % blocks != 0) continue;
                total = several ? R::fold(total, sum) : sum;
                sum = R::start();
            }
        }
        __syncthreads();
    }
    return total;
}

template <class R>
INLINE void reduce_block(const Reduce& a) {
    const real* base = a.in + place(a.kept, blockIdx.x);
    real total = fold_by_block<R>(base, a.outer_count, a.outer_stride, a.several, a.inner_count,
                                  [&](unsigned j) { return place(a.inner, j); });
    if (threadIdx.x == 0) a.out[blockIdx.x] = total;
}

// The body is an expression of the total x0 and the next element x1.
#define FOLD(name, first, ...) \
    struct name { \
        static __device__ __forceinline__ real start() { return first; } \
        static __device__ __forceinline__ real fold(real x0, real x1) { return __VA_ARGS__; } \
    };

#define REDUCE(name, first, ...) \
    FOLD(Fold_##name, first, __VA_ARGS__) \
    KERNEL(name##_each, Reduce) { reduce_each<Fold_##name>(a); } \
    GROUP_KERNEL(name##_block, Reduce) { reduce_block<Fold_##name>(a); }
