#!/usr/bin/env python3
"""Derives the polynomial constants of core/src/math (needs the mpmath package).

Each polynomial is the minimax one for a weighted error: Remez exchange in 40 digits. Coefficients are then
rounded to single precision one at a time, lowest power first, and the remaining ones are fitted again.
"""
import struct

from mpmath import atanh, cos, erf, erfc, exp, log, lu_solve, matrix, mp, mpf, pi, sin, sqrt, tanh

mp.dps = 40


def single(x):
    return mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


def remez(target, weight, powers, low, high, rounds=12):
    """Coefficients c with least max |weight(x) * (target(x) - sum c[i] * x**powers[i])| on [low, high]."""
    n = len(powers)
    size = 60 * (n + 1)
    grid = [(low + high) / 2 - (high - low) / 2 * cos(pi * i / size) for i in range(size + 1)]
    value = [target(x) for x in grid]
    weights = [weight(x) for x in grid]
    at = [round((i + mpf(1) / 2) * size / (n + 1)) for i in range(n + 1)]
    for _ in range(rounds):
        a = matrix(n + 1, n + 1)
        b = matrix(n + 1, 1)
        for row, k in enumerate(at):
            for column, power in enumerate(powers):
                a[row, column] = grid[k] ** power
            a[row, n] = (-1) ** row / weights[k]
            b[row] = value[k]
        solution = lu_solve(a, b)
        c = [solution[i] for i in range(n)]
        error = [
            w * (v - sum(ci * x**p for ci, p in zip(c, powers))) for x, v, w in zip(grid, value, weights)
        ]
        # One extremum per run of equal signs; then drop from the ends until n + 1 are left.
        peaks = []
        for k, e in enumerate(error):
            if peaks and (error[peaks[-1]] > 0) == (e > 0):
                if abs(e) > abs(error[peaks[-1]]):
                    peaks[-1] = k
            else:
                peaks.append(k)
        while len(peaks) > n + 1:
            peaks.pop(0 if abs(error[peaks[0]]) < abs(error[peaks[-1]]) else -1)
        if len(peaks) < n + 1 or peaks == at:
            break
        at = peaks
    return c, max(abs(e) for e in error)


def derive(name, target, weight, powers, low, high):
    """Prints coefficients rounded to single precision, the lowest power first."""
    low, high = mpf(low), mpf(high)
    fixed = []
    for i in range(len(powers)):
        rest = lambda x: target(x) - sum(c * x**p for c, p in zip(fixed, powers))
        c, error = remez(rest, weight, powers[i:], low, high)
        # High powers alone do not satisfy Haar's condition on an interval around 0: then the last fit stands.
        if i == 0:
            fit, best = c, error
        elif error < 1.2 * best:
            fit[i:] = c
        fixed.append(single(fit[i]))
    grid = [low + (high - low) * k / 2000 for k in range(2001)]
    error = max(abs(weight(x) * (target(x) - sum(c * x**p for c, p in zip(fixed, powers)))) for x in grid)
    print(f"{name}: minimax 2^{float(log(best, 2)):.2f}, rounded 2^{float(log(error, 2)):.2f}")
    for c, p in zip(fixed, powers):
        print(f"    x^{p}: {float(c)!r:>26}  0x{struct.unpack('I', struct.pack('f', float(c)))[0]:08x}")


def tail(f, taylor, x):
    """f(x), or its series where the closed form cancels."""
    return f(x) if abs(x) > mpf(10) ** -6 else taylor(x)


HALF_LN2 = log(mpf(2)) / 2
QUARTER_PI = pi / 4

if __name__ == "__main__":
    # e^r = 1 + r + r^2 P(r)
    derive(
        "exp",
        lambda r: tail(lambda t: (exp(t) - 1 - t) / t**2, lambda t: mpf(1) / 2 + t / 6, r),
        lambda r: r**2 / exp(r) + mpf(10) ** -20,
        range(5), -HALF_LN2 * 1.001, HALF_LN2 * 1.001,
    )
    # ln(1 + f) = f - f^2 / 2 + f^3 P(f)
    derive(
        "log",
        lambda f: tail(lambda t: (log(1 + t) - t + t**2 / 2) / t**3, lambda t: mpf(1) / 3 - t / 4, f),
        lambda f: f**3 / log(1 + f) if abs(f) > 1e-9 else mpf(10) ** -18,
        range(9), sqrt(mpf(2)) / 2 - 1, sqrt(mpf(2)) - 1,
    )
    # tanh(x) = x + x z P(z), z = x^2
    derive(
        "tanh",
        lambda z: tail(lambda t: (tanh(sqrt(t)) / sqrt(t) - 1) / t, lambda t: -mpf(1) / 3 + 2 * t / 15, z),
        lambda z: z, range(5), mpf(10) ** -12, 0.5625**2,
    )
    # erf(x) = x + x Q(z)
    derive(
        "erf near",
        lambda z: erf(sqrt(z)) / sqrt(z) - 1,
        lambda z: mpf(1), range(7), mpf(10) ** -12, 1,
    )
    # erfc(x) = exp(-P(x))
    derive("erf far", lambda x: -log(erfc(x)), erfc, range(7), 0.9, 4)
    # sin(r) = r + r z P(z)
    derive(
        "sin",
        lambda z: tail(lambda t: (sin(sqrt(t)) / sqrt(t) - 1) / t, lambda t: -mpf(1) / 6 + t / 120, z),
        lambda z: z, range(3), mpf(10) ** -12, QUARTER_PI**2 * 1.001,
    )
    # cos(r) = 1 - z / 2 + z^2 P(z)
    derive(
        "cos",
        lambda z: tail(lambda t: (cos(sqrt(t)) - 1 + t / 2) / t**2, lambda t: mpf(1) / 24 - t / 720, z),
        lambda z: z**2, range(3), mpf(10) ** -8, QUARTER_PI**2 * 1.001,
    )
    # pow: atanh(s) = s (1 + z / 3 + z^2 P(z)), z = s^2
    derive(
        "pow",
        lambda z: tail(lambda t: (atanh(sqrt(t)) / sqrt(t) - 1 - t / 3) / t**2, lambda t: mpf(1) / 5 + t / 7, z),
        lambda z: z**2, range(3), mpf(10) ** -8, 0.02945,
    )
