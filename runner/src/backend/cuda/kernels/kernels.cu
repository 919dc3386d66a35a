// Everything but the elementwise operations and the folds, which ops.cu has: one module.
#include "index.cu"
#include "softmax.cu"
#include "matmul.cu"
#include "conv.cu"
#include "pool.cu"
#include "block.cu"
#include "random.cu"
