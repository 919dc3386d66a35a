// CUDA C for the processor: what the kernels use of it, and how a grid of threads runs.
//
// Each thread of a GROUP_KERNEL is a fibre with a stack of its own. A fibre runs until it returns or waits for others, at
// __syncthreads() or in a shuffle; then the next one runs. The threads of any other kernel run one after the other, and so
// do groups. This finds barriers that are
// missing (in one of the two orders of the threads) or that not all threads reach, and wrong numbers of threads; it cannot
// find what only happens at the same time.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace host {

struct Index { unsigned x, y, z; };

[[noreturn]] inline void fail(const char* what) {
    std::fprintf(stderr, "fake CUDA: %s\n", what);
    std::abort();
}

// Where a fibre is when it does not run.
#if defined(__x86_64__)
typedef void* Saved;
// Saves the registers that a call keeps on the stack, and the stack in *from; goes on where `to` was saved.
extern "C" void host_switch(void** from, void* to);
__asm__(
    ".text\n"
    ".local host_switch\n"
    ".type host_switch, @function\n"
    "host_switch:\n"
    "  push %rbx\n  push %rbp\n  push %r12\n  push %r13\n  push %r14\n  push %r15\n"
    "  mov %rsp, (%rdi)\n"
    "  mov %rsi, %rsp\n"
    "  pop %r15\n  pop %r14\n  pop %r13\n  pop %r12\n  pop %rbp\n  pop %rbx\n"
    "  ret\n"
    ".size host_switch, . - host_switch\n");
inline void change(Saved& from, Saved& to) { host_switch(&from, to); }
inline void prepare(Saved& fibre, char* stack, size_t size, void (*entry)()) {
    // As if a call of `entry` had been about to begin: its address, and six registers below.
    auto top = reinterpret_cast<void**>(reinterpret_cast<uintptr_t>(stack + size) & ~uintptr_t(15));
    *--top = nullptr;
    *--top = reinterpret_cast<void*>(entry);
    fibre = top - 6;
}
#else
typedef ucontext_t Saved;
inline void change(Saved& from, Saved& to) { swapcontext(&from, &to); }
inline void prepare(Saved& fibre, char* stack, size_t size, void (*entry)()) {
    getcontext(&fibre);
    fibre.uc_stack.ss_sp = stack;
    fibre.uc_stack.ss_size = size;
    fibre.uc_link = nullptr;
    makecontext(&fibre, entry, 0);
}
#endif

constexpr size_t STACK = 32 * 1024;
constexpr unsigned WARP = 32;

enum class State { Ready, AtBarrier, InShuffle, Done };

struct Fibre {
    Saved saved;
    Index thread;
    State state;
    // What it shows to its warp.
    uint64_t shown;
};

// A kernel: how large its parameter is, how to call it, and whether its threads may wait for each other.
struct Kernel {
    size_t size;
    void (*call)(const void*);
    bool waits;
};

// The group of threads that runs: there is one at a time.
struct Group {
    Saved scheduler;
    std::vector<Fibre> fibres;
    std::vector<char> stacks;
    Fibre* current;
    Index thread, block, block_size, grid_size;
    const Kernel* kernel;
    const void* parameter;
};
inline Group group;

inline void wait(State state) {
    if (!group.kernel->waits) fail("threads wait for each other in a kernel that is no GROUP_KERNEL");
    Fibre& fibre = *group.current;
    fibre.state = state;
    change(fibre.saved, group.scheduler);
}

inline void entry() {
    group.kernel->call(group.parameter);
    wait(State::Done);
}

// The place in its group of thread `number`.
inline Index place(size_t number) {
    unsigned i = unsigned(number), x = group.block_size.x, y = group.block_size.y;
    return {i % x, i / x % y, i / x / y};
}

// Lets every warp go on whose threads have all come to a shuffle; whether there was one.
inline bool release_warps() {
    bool released = false;
    auto& fibres = group.fibres;
    for (size_t first = 0; first < fibres.size(); first += WARP) {
        size_t end = std::min(first + WARP, fibres.size()), here = 0;
        for (size_t i = first; i < end; ++i) here += fibres[i].state == State::InShuffle;
        if (here == 0) continue;
        if (here != end - first) fail("a shuffle that not all threads of a warp reach");
        for (size_t i = first; i < end; ++i) fibres[i].state = State::Ready;
        released = true;
    }
    return released;
}

// Runs the threads of a group, fibres, to their end, the last one first if `reverse`.
inline void run_fibres(bool reverse) {
    auto& fibres = group.fibres;
    size_t count = fibres.size();
    for (size_t i = 0; i < count; ++i) {
        fibres[i].thread = place(i);
        fibres[i].state = State::Ready;
        prepare(fibres[i].saved, &group.stacks[i * STACK], STACK, entry);
    }
    for (;;) {
        for (size_t i = 0; i < count; ++i) {
            Fibre& fibre = fibres[reverse ? count - 1 - i : i];
            if (fibre.state != State::Ready) continue;
            group.current = &fibre;
            group.thread = fibre.thread;
            change(group.scheduler, fibre.saved);
        }
        if (release_warps()) continue;
        size_t done = 0;
        for (auto& fibre : fibres) done += fibre.state == State::Done;
        if (done == count) return;
        if (done > 0) fail("a barrier that not all threads reach");
        for (auto& fibre : fibres) fibre.state = State::Ready;
    }
}

// Runs the threads of a group one after the other.
inline void run_threads(size_t count, bool reverse) {
    for (size_t i = 0; i < count; ++i) {
        group.thread = place(reverse ? count - 1 - i : i);
        group.kernel->call(group.parameter);
    }
}

inline void run_grid(Index grid, Index block, bool reverse, const Kernel& kernel, const void* parameter) {
    size_t count = size_t(block.x) * block.y * block.z;
    group.kernel = &kernel;
    group.parameter = parameter;
    group.block_size = block;
    group.grid_size = grid;
    if (kernel.waits) {
        group.fibres.resize(count);
        group.stacks.resize(count * STACK);
    }
    for (unsigned z = 0; z < grid.z; ++z)
        for (unsigned y = 0; y < grid.y; ++y)
            for (unsigned x = 0; x < grid.x; ++x) {
                group.block = {x, y, z};
                if (kernel.waits) run_fibres(reverse);
                else run_threads(count, reverse);
            }
}

// What thread number `from` of the warp shows, or the own value if there is none.
template <class T>
T shuffle(T value, unsigned from) {
    static_assert(sizeof(T) <= sizeof(uint64_t));
    Fibre& me = *group.current;
    size_t first = size_t(&me - group.fibres.data()) / WARP * WARP;
    std::memcpy(&me.shown, &value, sizeof value);
    wait(State::InShuffle);
    if (from < WARP && first + from < group.fibres.size()) std::memcpy(&value, &group.fibres[first + from].shown, sizeof value);
    // Nobody shows something new before all have looked.
    wait(State::InShuffle);
    return value;
}

inline unsigned lane() { return unsigned(group.current - group.fibres.data()) % WARP; }

inline std::map<std::string, Kernel>& kernels() {
    static std::map<std::string, Kernel> all;
    return all;
}

struct Register {
    Register(const char* name, Kernel kernel) {
        if (!kernels().emplace(name, kernel).second) fail("two kernels of one name");
    }
};

}  // namespace host

#define HOST_KERNEL(name, Arguments, waits) \
    static void name(const Arguments a); \
    static const host::Register register_##name( \
        #name, {sizeof(Arguments), [](const void* a) { name(*static_cast<const Arguments*>(a)); }, waits}); \
    static void name(const Arguments a)
#define KERNEL(name, Arguments) HOST_KERNEL(name, Arguments, false)
#define GROUP_KERNEL(name, Arguments) HOST_KERNEL(name, Arguments, true)

#define __device__
#define __constant__
#define __forceinline__ inline
#define __noinline__ __attribute__((noinline))
// There is one group at a time.
#define __shared__ static

#define threadIdx (host::group.thread)
#define blockIdx (host::group.block)
#define blockDim (host::group.block_size)
#define gridDim (host::group.grid_size)

inline void __syncthreads() { host::wait(host::State::AtBarrier); }
template <class T>
T __shfl_down_sync(unsigned, T value, unsigned by) { return host::shuffle(value, host::lane() + by); }

inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(x)); }
inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
