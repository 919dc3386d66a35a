// The arithmetic of core on the device: the same text as core/src/math, to the last bit. It relies on flags that keep the
// compiler from fusing, flushing and approximating: see scripts/ptx.sh.
#pragma once

typedef float real;

// A kernel has one parameter: a structure that Rust fills. Its size is checked on both sides. Threads that wait for each
// other, at barriers or in shuffles, are those of a GROUP_KERNEL.
#ifndef KERNEL
#define KERNEL(name, Arguments) extern "C" __global__ void name(const Arguments a)
#define GROUP_KERNEL(name, Arguments) KERNEL(name, Arguments)
#endif
#define INLINE static __device__ __forceinline__

#define MT_INFINITY __uint_as_float(0x7f800000u)
#define MT_NAN __uint_as_float(0x7fc00000u)
#define MT_SQRT_HALF ((real)0.707106781186547524400844362104849039)
#define MT_SQRT_HALF_OVER_PI ((real)0.3989422804014327)
#define MT_TWO_OVER_SQRT_PI ((real)1.12837916709551257389615890312154517)

// The number of this thread among all of the launch.
INLINE unsigned thread() { return blockIdx.x * blockDim.x + threadIdx.x; }

INLINE real mt_fma(real a, real b, real c) { return fmaf(a, b, c); }
INLINE real mt_abs(real x) { return fabsf(x); }
INLINE real mt_sqrt(real x) { return sqrtf(x); }
INLINE real mt_max(real a, real b) { return a > b || a != a ? a : b; }
INLINE real mt_min(real a, real b) { return a < b || a != a ? a : b; }

// core/src/math/exp.rs

#define MT_ROUND 12582912.0f
#define MT_LN2_HIGH __uint_as_float(0x3f317200u)
#define MT_LN2_LOW __uint_as_float(0x35bfbe8eu)

// (y + rest) * 2^n is e^(x + low).
struct Reduced { real y, rest; int n; };

INLINE Reduced mt_reduced(real x, real low) {
    real shifted = x * __uint_as_float(0x3fb8aa3bu) + MT_ROUND;
    real n = shifted - MT_ROUND;
    real a = x - n * MT_LN2_HIGH;
    real b = n * MT_LN2_LOW - low;
    real r = a - b;
    real p = __uint_as_float(0x3ab55b5du);
    p = p * r + __uint_as_float(0x3c091eaeu);
    p = p * r + __uint_as_float(0x3d2aac2du);
    p = p * r + __uint_as_float(0x3e2aaa46u);
    p = p * r + __uint_as_float(0x3efffffeu);
    real y = 1.0f + a;
    real rest = ((1.0f - y) + a) + (r * r * p - b);
    return {y, rest, (int)(__float_as_uint(shifted) - __float_as_uint(MT_ROUND))};
}

INLINE real mt_power_of_two(int n) { return __uint_as_float((unsigned)n + 127u << 23); }

INLINE real mt_scale(real y, int n) {
    int half = n >> 1;
    return y * mt_power_of_two(half) * mt_power_of_two((int)((unsigned)n - (unsigned)half));
}

INLINE real mt_exp(real x) {
    x = x > 89.0f ? 89.0f : x;
    x = x < -104.0f ? -104.0f : x;
    Reduced e = mt_reduced(x, 0.0f);
    return mt_scale(e.y + e.rest, e.n);
}

// core/src/math/log.rs

struct Split { real m, e; };

INLINE Split mt_split(real x) {
    const unsigned low = 0x3f3504f3u;
    bool subnormal = x < __uint_as_float(0x00800000u);
    real normal = subnormal ? x * 8388608.0f : x;
    real bias = subnormal ? -23.0f : 0.0f;
    unsigned above = __float_as_uint(normal) - low;
    real m = __uint_as_float((above & 0x007fffffu) + low);
    return {m, (real)((int)above >> 23) + bias};
}

INLINE real mt_log(real x) {
    Split s = mt_split(x);
    real f = s.m - 1.0f;
    real z = f * f;
    real p = __uint_as_float(0x3d8a2bd0u);
    p = p * f + __uint_as_float(0xbdef1e09u);
    p = p * f + __uint_as_float(0x3df37836u);
    p = p * f + __uint_as_float(0xbdfe1105u);
    p = p * f + __uint_as_float(0x3e119bb4u);
    p = p * f + __uint_as_float(0xbe2aae27u);
    p = p * f + __uint_as_float(0x3e4cd25bu);
    p = p * f + __uint_as_float(0xbe800003u);
    p = p * f + __uint_as_float(0x3eaaaaa4u);
    real tail = (f * z * p + s.e * MT_LN2_LOW) - 0.5f * z;
    real y = s.e * MT_LN2_HIGH + (f + tail);
    y = x < MT_INFINITY ? y : x;
    y = x < 0.0f ? MT_NAN : y;
    return x == 0.0f ? -MT_INFINITY : y;
}

// core/src/math/tanh.rs

INLINE real mt_tanh(real x) {
    real a = fabsf(x);
    real z = a * a;
    real p = __uint_as_float(0xbbca00d7u);
    p = p * z + __uint_as_float(0x3cac02b4u);
    p = p * z + __uint_as_float(0xbd5c824eu);
    p = p * z + __uint_as_float(0x3e08862du);
    p = p * z + __uint_as_float(0xbeaaaaa4u);
    real near = a + a * (z * p);
    real bounded = a > 10.0f ? 10.0f : a;
    Reduced e = mt_reduced(2.0f * bounded, 0.0f);
    real far = 1.0f - 2.0f / ((e.y + e.rest) * mt_power_of_two(e.n) + 1.0f);
    return copysignf(a < 0.5625f ? near : far, x);
}

// core/src/math/sigmoid.rs

INLINE real mt_sigmoid(real x) {
    real v = x > 60.0f ? -60.0f : -x;
    v = v > 105.0f ? 105.0f : v;
    Reduced e = mt_reduced(v, 0.0f);
    int k = e.n > 0 ? e.n : 0;
    real one = mt_power_of_two(k < 60 ? -k : -60);
    real factor = mt_power_of_two((int)((unsigned)e.n - (unsigned)k));
    real t = e.y * factor;
    real sum = one + t;
    real from_t = sum - one;
    real error = (one - (sum - from_t)) + (t - from_t);
    return mt_scale(1.0f / (sum + (error + e.rest * factor)), -k);
}

// core/src/math/erf.rs

INLINE real mt_erf(real x) {
    real a = fabsf(x);
    real z = a * a;
    real q = __uint_as_float(0x38a619cfu);
    q = q * z + __uint_as_float(0xba528574u);
    q = q * z + __uint_as_float(0x3baa1707u);
    q = q * z + __uint_as_float(0xbcdbff48u);
    q = q * z + __uint_as_float(0x3de716a8u);
    q = q * z + __uint_as_float(0xbec093a0u);
    q = q * z + __uint_as_float(0x3e0375d4u);
    real near = a + a * q;
    real t = a > 4.0f ? 4.0f : a;
    real p = __uint_as_float(0xb94ebf84u);
    p = p * t + __uint_as_float(0x3b483f31u);
    p = p * t + __uint_as_float(0xbcb67dedu);
    p = p * t + __uint_as_float(0x3dd51159u);
    p = p * t + __uint_as_float(0x3f23165eu);
    p = p * t + __uint_as_float(0x3f905a18u);
    p = p * t + __uint_as_float(0x393a2329u);
    Reduced e = mt_reduced(-p, 0.0f);
    real far = 1.0f - (e.y + e.rest) * mt_power_of_two(e.n);
    return copysignf(a < 0.9375f ? near : far, x);
}

// core/src/math/pow.rs

// The logarithm of x as the sum of two numbers.
struct Pair { real high, low; };

INLINE Pair mt_log_pair(real x) {
    const real third = __uint_as_float(0x3eaaaaabu), third_low = __uint_as_float(0xb22aaaabu);
    Split split = mt_split(x);
    real f = split.m - 1.0f;
    real d = 2.0f + f;
    real d_low = f - (d - 2.0f);
    real s = f / d;
    real s_low = (fmaf(-s, d, f) - s * d_low) / d;
    real z = s * s;
    real z_low = fmaf(s, s, -z) + 2.0f * s * s_low;
    real p = __uint_as_float(0x3defd132u);
    p = p * z + __uint_as_float(0x3e12293eu);
    p = p * z + __uint_as_float(0x3e4ccd00u);
    real q = p * z;
    real u = third + q;
    real u_low = ((third - u) + q) + third_low;
    real v = z * u;
    real v_low = fmaf(z, u, -v) + (z * u_low + z_low * u);
    real w = s * v;
    real w_low = fmaf(s, v, -w) + (s * v_low + s_low * v);
    real t = 2.0f * (s + w);
    real t_low = 2.0f * ((s - 0.5f * t) + w + (w_low + s_low));
    real a = split.e * MT_LN2_HIGH;
    real y = a + t;
    real y_low = ((a - y) + t) + (t_low + split.e * MT_LN2_LOW);
    real sum = y + y_low;
    return {sum, (y - sum) + y_low};
}

INLINE real mt_pow(real x, real y) {
    real a = fabsf(x);
    Pair l = mt_log_pair(a);
    real product = y * l.high;
    real product_low = fmaf(y, l.high, -product) + y * l.low;
    real bounded = product > 128.0f ? 128.0f : product;
    bounded = bounded < -128.0f ? -128.0f : bounded;
    real low = bounded == product ? product_low : 0.0f;
    Reduced e = mt_reduced(bounded, low);
    real finite = mt_scale(e.y + e.rest, e.n);

    bool big = fabsf(y) >= 16777216.0f;
    int truncated = big || y != y ? 0 : (int)y;
    bool integer = big || (real)truncated == y;
    bool odd = !big && integer && (truncated & 1);

    real limit = (a == 0.0f) == (y > 0.0f) ? 0.0f : MT_INFINITY;
    real result = a == 0.0f || a == MT_INFINITY ? limit : finite;
    result = a == 1.0f ? 1.0f : result;
    bool negative = __float_as_uint(x) >> 31;
    result = negative && odd ? -result : result;
    bool valid = !negative || integer || a == 0.0f || a == MT_INFINITY;
    result = valid && x == x && y == y ? result : MT_NAN;
    return x == 1.0f || y == 0.0f ? 1.0f : result;
}

// core/src/math/trig.rs

// x = r + n pi / 2
struct Turned { real r; unsigned n; };

INLINE Turned mt_turn(real x) {
    const real part_1 = __uint_as_float(0x3fc91000u), part_2 = __uint_as_float(0xb6957800u);
    const real part_3 = __uint_as_float(0x2e85a400u), part_4 = __uint_as_float(0xa6f72cedu);
    real shifted = x * __uint_as_float(0x3f22f983u) + MT_ROUND;
    real n = shifted - MT_ROUND;
    real first = x - n * part_1;
    real second = first - n * part_2;
    real third = second - n * part_3;
    real low = ((first - second) - n * part_2) + ((second - third) - n * part_3);
    return {third + (low - n * part_4), __float_as_uint(shifted)};
}

// The first 224 bits of 2 / pi after 32 zero bits.
static __constant__ const unsigned MT_TWO_OVER_PI[8] = {
    0, 0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u, 0xdb629599u, 0x3c439041u, 0xfe5163abu};

// 32 of these bits, from bit 32 * i + shift on.
INLINE unsigned mt_two_over_pi(unsigned i, unsigned shift) {
    unsigned long long pair = (unsigned long long)MT_TWO_OVER_PI[i] << 32 | MT_TWO_OVER_PI[i + 1];
    return (unsigned)(pair << shift >> 32);
}

static __device__ __noinline__ Turned mt_turn_large(real x) {
    unsigned bits = __float_as_uint(x);
    unsigned long long m = (bits & 0x007fffffu) | 0x00800000u;
    unsigned shift = (bits >> 23) - 120;
    unsigned at = shift >> 5, within = shift & 31;
    unsigned long long turn = (m * mt_two_over_pi(at, within) << 32) + m * mt_two_over_pi(at + 1, within)
        + (m * mt_two_over_pi(at + 2, within) >> 32);
    unsigned long long quadrant = (turn + (1ull << 61)) >> 62;
    unsigned long long rest = turn - (quadrant << 62);
    bool negative = rest >> 63;
    unsigned long long size = negative ? 0 - rest : rest;
    int zeros = __clzll((long long)size);
    unsigned long long r = (size << zeros >> 32) * 0xc90fdaa2ull;
    real turned = (real)r * __uint_as_float((unsigned)(127 - 61 - zeros) << 23);
    return {negative ? -turned : turned, (unsigned)quadrant};
}

INLINE Turned mt_turn_any(real a) { return a > 1600.0f && a < MT_INFINITY ? mt_turn_large(a) : mt_turn(a); }

INLINE real mt_quadrant(real r, unsigned n) {
    real z = r * r;
    real p = __uint_as_float(0xb94caad7u);
    p = p * z + __uint_as_float(0x3c0883beu);
    p = p * z + __uint_as_float(0xbe2aaaa3u);
    real sine = r + r * (z * p);
    p = __uint_as_float(0x37ccf079u);
    p = p * z + __uint_as_float(0xbab6060du);
    p = p * z + __uint_as_float(0x3d2aaaa5u);
    real cosine = 1.0f - (0.5f * z - z * z * p);
    real y = n & 1 ? cosine : sine;
    return __uint_as_float(__float_as_uint(y) ^ (n & 2) << 30);
}

INLINE real mt_sin(real x) {
    Turned t = mt_turn_any(fabsf(x));
    return __uint_as_float(__float_as_uint(mt_quadrant(t.r, t.n)) ^ (__float_as_uint(x) & 0x80000000u));
}

INLINE real mt_cos(real x) {
    Turned t = mt_turn_any(fabsf(x));
    return mt_quadrant(t.r, t.n + 1);
}
