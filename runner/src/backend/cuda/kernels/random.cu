// Random numbers by position, as core/src/random.rs has them: PCG-XSH-RR 64/32.
#include "core.cuh"

struct Draw {
    real* out;
    unsigned long long seed, stream, position;
    unsigned count;
};
static_assert(sizeof(Draw) == 40, "as backend/cuda/index.rs has it");

struct Pcg { unsigned long long state, increment; };

#define PCG_MULTIPLIER 6364136223846793005ull

INLINE void step(Pcg& pcg) { pcg.state = pcg.state * PCG_MULTIPLIER + pcg.increment; }

// The stream from `position` on: as many steps, by squaring.
INLINE Pcg outputs(const Draw& a, unsigned long long ahead) {
    Pcg pcg = {a.seed, a.stream << 1 | 1};
    pcg.state += pcg.increment;
    step(pcg);
    unsigned long long multiplier = 1, plus = 0, by = PCG_MULTIPLIER, add = pcg.increment;
    for (unsigned long long left = a.position + ahead; left; left >>= 1) {
        if (left & 1) multiplier *= by, plus = plus * by + add;
        add = (by + 1) * add;
        by *= by;
    }
    pcg.state = multiplier * pcg.state + plus;
    return pcg;
}

// A number of [0, 1) of 24 bits.
INLINE real next(Pcg& pcg) {
    unsigned long long state = pcg.state;
    step(pcg);
    unsigned shifted = (unsigned)(((state >> 18) ^ state) >> 27), turn = (unsigned)(state >> 59);
    unsigned bits = shifted >> turn | shifted << (32 - turn & 31);
    return (real)(bits >> 8) * 5.9604644775390625e-8f;
}

KERNEL(uniform, Draw) {
    unsigned i = thread();
    if (i >= a.count) return;
    Pcg pcg = outputs(a, i);
    a.out[i] = next(pcg);
}

// Box and Muller. 1 - u lies in (0, 1] and is exact.
KERNEL(normal, Draw) {
    unsigned i = thread();
    if (i >= a.count) return;
    Pcg pcg = outputs(a, 2ull * i);
    real u = 1.0f - next(pcg), v = next(pcg);
    a.out[i] = mt_sqrt(-2.0f * mt_log(u)) * mt_cos((real)6.283185307179586476925286766559 * v);
}

// A draw is where the mask is to be.
struct Dropout {
    Draw draw;
    real* out;
    const real* x;
    // The probability of 0, and what the others are multiplied by.
    real p, scale;
};
static_assert(sizeof(Dropout) == 64, "as backend/cuda/index.rs has it");

KERNEL(dropout, Dropout) {
    unsigned i = thread();
    if (i >= a.draw.count) return;
    Pcg pcg = outputs(a.draw, i);
    real mask = keep(next(pcg), a.p, a.scale);
    a.draw.out[i] = mask;
    a.out[i] = a.x[i] * mask;
}
