// Written by scripts/ptx.sh from the operations of core; not to be edited.
#pragma once
#include "reduce.cuh"

INLINE real relu(real x0) { return x0 < 0 ? 0 : x0; }
INLINE real relu_grad(real x0, real x1) { return x0 <= 0 ? 0 : x1; }
INLINE real keep(real x0, real p0, real p1) { return x0 < p0 ? 0 : p1; }

FOLD(Sum, (real)0e0, x0 + x1)
FOLD(Max, -MT_INFINITY, mt_max(x0, x1))

enum Pooling { NOT_POOLED = 0, AVERAGE = 1, LARGEST = 2 };
