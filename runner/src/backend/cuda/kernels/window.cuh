// Windows that slide over images.
#pragma once
#include "real.cuh"

// core/src/backend.rs has the meaning.
struct Window {
    unsigned kernel[2], stride[2], before[2], input[2], output[2];
};

// A place in [images, channels, height, width].
struct Place { unsigned image, channel, y, x; };

INLINE Place place(unsigned i, unsigned channels, const unsigned (&size)[2]) {
    unsigned x = i % size[1], y = i / size[1] % size[0];
    unsigned plane = i / size[1] / size[0];
    return {plane / channels, plane % channels, y, x};
}
