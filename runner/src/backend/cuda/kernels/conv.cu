// Convolution and its gradients, in the order of core/src/conv.rs.
#include "core.cuh"
#include "window.cuh"

struct Conv {
    real* out;
    const real* x;
    // The weight, or the gradient of the output.
    const real* w;
    // What is added to the sums of each output channel, if anything.
    const real* bias;
    unsigned count;
    // Input and output channels.
    unsigned c, o;
    Window window;
    unsigned x_stride[4], w_stride[4], bias_stride;
    // Whether the sums go through ReLU.
    unsigned relu;
};
static_assert(sizeof(Conv) == 128, "as backend/cuda/spatial.rs has it");

// x [b, c, h, w], w [o, c, kh, kw], bias [o] -> out [b, o, oh, ow]: one thread for each output.
KERNEL(conv_forward, Conv) {
    const Window& win = a.window;
    unsigned i = thread();
    if (i >= a.count) return;
    Place at = place(i, a.o, win.output);
    const real* image = a.x + at.image * a.x_stride[0];
    const real* weight = a.w + at.channel * a.w_stride[0];
    real sum = 0;
    for (unsigned c = 0; c < a.c; ++c)
        for (unsigned ky = 0; ky < win.kernel[0]; ++ky)
            for (unsigned kx = 0; kx < win.kernel[1]; ++kx) {
                // Rows and columns before the image wrap around to large numbers.
                unsigned y = at.y * win.stride[0] + ky - win.before[0];
                unsigned x = at.x * win.stride[1] + kx - win.before[1];
                real value = y < win.input[0] && x < win.input[1]
                    ? image[c * a.x_stride[1] + y * a.x_stride[2] + x * a.x_stride[3]] : 0;
                sum = mt_fma(weight[c * a.w_stride[1] + ky * a.w_stride[2] + kx * a.w_stride[3]], value, sum);
            }
    if (a.bias) sum = sum + a.bias[at.channel * a.bias_stride];
    a.out[i] = a.relu ? relu(sum) : sum;
}

// x: the gradient [b, o, oh, ow], w [o, c, kh, kw] -> out [b, c, h, w]: one thread for each input.
INLINE void conv_input_grad_of(const Conv& a, unsigned i) {
    const Window& win = a.window;
    if (i >= a.count) return;
    Place at = place(i, a.c, win.input);
    const real* image = a.x + at.image * a.x_stride[0];
    const real* weight = a.w + at.channel * a.w_stride[1];
    real sum = 0;
    for (unsigned o = 0; o < a.o; ++o)
        for (unsigned ky = 0; ky < win.kernel[0]; ++ky)
            for (unsigned kx = 0; kx < win.kernel[1]; ++kx) {
                // Taps that fall between two outputs do not exist; those beyond the outputs multiply +0.
                int dy = (int)(at.y + win.before[0]) - (int)ky, dx = (int)(at.x + win.before[1]) - (int)kx;
                if (dy % (int)win.stride[0] != 0 || dx % (int)win.stride[1] != 0) continue;
                int y = dy / (int)win.stride[0], x = dx / (int)win.stride[1];
                bool inside = dy >= 0 && dx >= 0 && (unsigned)y < win.output[0] && (unsigned)x < win.output[1];
                real value = inside ? image[o * a.x_stride[1] + y * a.x_stride[2] + x * a.x_stride[3]] : 0;
                sum = mt_fma(weight[o * a.w_stride[0] + ky * a.w_stride[2] + kx * a.w_stride[3]], value, sum);
            }
    a.out[i] = sum;
}

KERNEL(conv_input_grad, Conv) { conv_input_grad_of(a, thread()); }

// x [b, c, h, w], w: the gradient [b, o, oh, ow] -> out [b, o, c, kh, kw], each image's sum: eight threads, the lanes, for
// each of its elements.
INLINE void conv_weight_grad_by(const Conv& a, unsigned group) {
    const Window& win = a.window;
    // Not thread() / 8: eight threads a number may be more than 32 bits count.
    unsigned lane = threadIdx.x % 8, i = group * (blockDim.x / 8) + threadIdx.x / 8;
    real sum = 0;
    if (i < a.count) {
        unsigned kx = i % win.kernel[1], ky = i / win.kernel[1] % win.kernel[0];
        unsigned rest = i / (win.kernel[0] * win.kernel[1]);
        unsigned c = rest % a.c, o = rest / a.c % a.o, image = rest / a.c / a.o;
        const real* x = a.x + image * a.x_stride[0] + c * a.x_stride[1];
        const real* g = a.w + image * a.w_stride[0] + o * a.w_stride[1];
        for (unsigned row = 0; row < win.output[0]; ++row)
            for (unsigned column = lane; column < win.output[1]; column += 8) {
                unsigned y = row * win.stride[0] + ky - win.before[0];
                unsigned left = column * win.stride[1] + kx - win.before[1];
                real value = y < win.input[0] && left < win.input[1] ? x[y * a.x_stride[2] + left * a.x_stride[3]] : 0;
                sum = mt_fma(g[row * a.w_stride[2] + column * a.w_stride[3]], value, sum);
            }
    }
    sum = sum + __shfl_down_sync(0xffffffffu, sum, 4);
    sum = sum + __shfl_down_sync(0xffffffffu, sum, 2);
    sum = sum + __shfl_down_sync(0xffffffffu, sum, 1);
    if (lane == 0 && i < a.count) a.out[i] = sum;
}

GROUP_KERNEL(conv_weight_grad, Conv) { conv_weight_grad_by(a, blockIdx.x); }

// Both gradients, of which none needs the other.
struct ConvGrads { Conv by_x, by_weight; };
static_assert(sizeof(ConvGrads) == 256, "as backend/cuda/spatial.rs has it");

GROUP_KERNEL(conv_grads, ConvGrads) {
    unsigned groups = (a.by_x.count + blockDim.x - 1) / blockDim.x;
    if (blockIdx.x < groups) return conv_input_grad_of(a.by_x, thread());
    conv_weight_grad_by(a.by_weight, blockIdx.x - groups);
}

// Sums of images, of up to two operands at a time.
struct AddImages {
    struct Operand {
        real* out;
        const real* in;
    } first, second;
    unsigned counts[2], images, unused;
};
static_assert(sizeof(AddImages) == 48, "as backend/cuda/spatial.rs has it");

// in [images, count] -> out [count], images ascending.
KERNEL(add_images, AddImages) {
    unsigned i = thread();
    bool second = i >= a.counts[0];
    if (second) i -= a.counts[0];
    unsigned count = second ? a.counts[1] : a.counts[0];
    if (i >= count) return;
    const real* in = second ? a.second.in : a.first.in;
    real sum = 0;
    for (unsigned image = 0; image < a.images; ++image) sum = sum + in[image * count + i];
    (second ? a.second.out : a.first.out)[i] = sum;
}
