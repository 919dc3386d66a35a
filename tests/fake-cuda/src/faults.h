// How the fake driver fails on purpose, and what is left when a context ends.
//
// FAKE_CUDA=KIND:N, or a call of fake_cuda_fail(KIND, N), breaks something at the N-th request of the process, or the N-th
// after the call; the first is number 1:
//   alloc       no memory is left from the N-th request on, for numbers or for a module;
//   alloc-once  the same for that one request, as when another program held the memory for a moment;
//   large       no memory is left for N bytes or more at once; here N counts bytes;
//   launch      the N-th kernel fails. As on a device the launch itself succeeds, since it only queues the kernel, and every
//               later call of the process fails;
//   lost        the device is gone when the N-th kernel is launched, and stays so.
#pragma once

#include "host.h"

#include <atomic>

namespace faults {

enum { OK = 0, OUT_OF_MEMORY = 2, LAUNCH_FAILED = 719, UNKNOWN = 999 };

// What every call returns, once something is broken for good.
inline std::atomic<int> broken = OK;

struct Plan {
    std::string kind;
    uint64_t at, requests = 0;

    static Plan of_environment() {
        const char* wanted = std::getenv("FAKE_CUDA");
        std::string text = wanted ? wanted : "";
        size_t colon = text.find(':');
        if (colon == std::string::npos) return {"", 0};
        return {text.substr(0, colon), std::strtoull(text.c_str() + colon + 1, nullptr, 10)};
    }

    // What a request for memory returns; a module is of no size.
    int allocate(uint64_t size = 0) {
        if (kind == "large" && !broken) return size >= at ? OUT_OF_MEMORY : OK;
        if (broken || (kind != "alloc" && kind != "alloc-once")) return broken;
        ++requests;
        return requests == at || (requests > at && kind == "alloc") ? OUT_OF_MEMORY : OK;
    }

    // What a launch returns. The kernel runs if that is nothing bad, and nothing is broken.
    int launch() {
        if (broken || (kind != "launch" && kind != "lost") || ++requests != at) return broken;
        broken = kind == "launch" ? LAUNCH_FAILED : UNKNOWN;
        return kind == "launch" ? OK : UNKNOWN;
    }
};
inline Plan plan = Plan::of_environment();

// What somebody holds of a device.
struct Held {
    int contexts = 0, modules = 0, streams = 0, graphs = 0, pages = 0;

    // To be called when the context ends, with the number of its blocks of memory. A broken device takes nothing back, and
    // everything ends with the context.
    void end(size_t blocks) {
        if (!broken && (modules || streams || graphs || pages || blocks)) {
            std::fprintf(stderr, "fake CUDA: %d modules, %d streams, %d graphs, %d pieces of page-locked memory, %zu blocks of memory\n",
                         modules, streams, graphs, pages, blocks);
            host::fail("a context ends before what was made in it");
        }
        modules = streams = graphs = pages = 0;
    }

    ~Held() {
        if (contexts) host::fail("a context is left at the end of the process");
    }
};

}  // namespace faults
