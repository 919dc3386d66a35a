// libcuda as far as the CUDA backend uses it: device memory is memory, a stream does everything at once, and a launch runs
// the kernel that has the name, on the processor.
//
// There are two devices, whose threads take turns in ascending and in descending order. The environment variable FAKE_CUDA
// makes the driver fail: "no-device", "unknown" (an error of no name), "too-old", "old-device", or as graph.h and faults.h
// say; and "idle" makes it run no kernel, for tests of what is asked of a device and not of what comes out. What is not given back ends the process with a word. FAKE_CUDA_COUNTS names a file that gets a line for each kernel at
// the end of the process, how often it was launched and its name, and one for each of some functions of the driver.
// The macros of host.h are no names for the library.
#include <memory>
#include <mutex>
#include <set>

#include "faults.h"
#include "host.h"

namespace kernels {
#include "ops.cu"
#include "kernels.cu"
}  // namespace kernels

#define API extern "C" __attribute__((visibility("default"))) int

namespace {

enum { OK = 0, INVALID_VALUE = 1, NO_DEVICE = 100, INVALID_DEVICE = 101, NOT_FOUND = 500 };

using faults::broken;
using faults::plan;

constexpr int DEVICES = 2;
typedef uint64_t Address;

struct Context { int device; faults::Held held; };
struct Module { Context* context; std::string ptx; };
struct Function { host::Kernel kernel; uint64_t launches; };
struct Block { Context* context; size_t size; };

Context contexts[DEVICES] = {{0, {}}, {1, {}}};
thread_local Context* current = nullptr;

// Guards what follows, and the one group of threads that can run.
std::mutex lock;

// How often functions of the driver were called, by name.
std::map<std::string, uint64_t> calls;
void count(const char* name) { ++calls[name]; }

// By the name of the kernel.
struct Functions : std::map<std::string, Function> {
    ~Functions() {
        const char* path = std::getenv("FAKE_CUDA_COUNTS");
        FILE* file = path ? std::fopen(path, "w") : nullptr;
        if (!file) return;
        for (auto& [name, function] : *this) std::fprintf(file, "%llu %s\n", (unsigned long long)function.launches, name.c_str());
        for (auto& [name, times] : calls) std::fprintf(file, "%llu %s\n", (unsigned long long)times, name.c_str());
        std::fclose(file);
    }
};
Functions functions;

// Device memory by address. Around each block are bytes that nothing may write to; a sanitizer guards blocks itself.
#if defined(__SANITIZE_ADDRESS__)
constexpr size_t GUARD = 0;
#else
constexpr size_t GUARD = 256;
#endif
constexpr unsigned char UNTOUCHED = 0xa5;
std::map<Address, Block> blocks;

bool fails(const char* how) {
    const char* wanted = std::getenv("FAKE_CUDA");
    return wanted && std::strcmp(wanted, how) == 0;
}

// Page-locked memory by address. A copy from there is done as late as can be, so that whoever changes the memory too early
// is found out.
std::map<uintptr_t, size_t> locked;
struct Copy { Address to; const void* from; size_t size; };
std::vector<Copy> copies;

void copy_now() {
    for (auto [to, from, size] : copies) std::memcpy(reinterpret_cast<void*>(to), from, size);
    copies.clear();
}

bool is_locked(const void* at) {
    auto address = reinterpret_cast<uintptr_t>(at);
    auto next = locked.upper_bound(address);
    return next != locked.begin() && address - std::prev(next)->first < std::prev(next)->second;
}

bool is_grid(host::Index grid, host::Index block, unsigned shared) {
    uint64_t threads = uint64_t(block.x) * block.y * block.z;
    return threads > 0 && threads <= 1024 && grid.x > 0 && grid.x <= 0x7fffffff && grid.y > 0 && grid.y <= 65535 && grid.z > 0 &&
           grid.z <= 65535 && shared == 0;
}

// A copy of what a kernel takes, as whole words.
std::vector<uint64_t> copied(const Function& function, void** parameters) {
    std::vector<uint64_t> copy(function.kernel.size / sizeof(uint64_t) + 1);
    std::memcpy(copy.data(), parameters[0], function.kernel.size);
    return copy;
}

int run(Function& function, host::Index grid, host::Index block, const Context* stream, const std::vector<uint64_t>& parameters) {
    copy_now();
    int status = plan.launch();
    if (status || broken) return status;
    ++function.launches;
    if (fails("idle")) return OK;
    host::run_grid(grid, block, stream->device == 1, function.kernel, parameters.data());
    return OK;
}

// Whether all of a range lies in one block.
bool is_inside(Address at, size_t size) {
    auto next = blocks.upper_bound(at);
    if (next == blocks.begin()) return false;
    auto& [first, block] = *std::prev(next);
    return at - first <= block.size && size <= block.size - (at - first);
}

void* memory_of(Address block) { return reinterpret_cast<unsigned char*>(block) - GUARD; }

// Ends a context, with the memory that a broken device did not take back.
void end(Context& context) {
    auto is_its = [&](auto& block) { return block.second.context == &context; };
    context.held.end(size_t(std::count_if(blocks.begin(), blocks.end(), is_its)));
    std::erase_if(blocks, [&](auto& block) {
        if (is_its(block)) std::free(memory_of(block.first));
        return is_its(block);
    });
}

}  // namespace

API cuInit(unsigned) { return fails("no-device") ? NO_DEVICE : fails("unknown") ? int(faults::UNKNOWN) : OK; }
API cuDriverGetVersion(int* version) { return *version = fails("too-old") ? 11040 : 12000, OK; }
API cuDeviceGetCount(int* count) { return *count = DEVICES, OK; }
API cuDeviceGet(int* device, int number) { return *device = number, number >= 0 && number < DEVICES ? OK : INVALID_DEVICE; }
API cuDeviceGetName(char* name, int size, int) { return std::snprintf(name, size_t(size), "fake CUDA device"), OK; }
API cuDeviceTotalMem_v2(size_t* bytes, int) { return *bytes = size_t(1) << 30, OK; }
API cuDeviceGetAttribute(int* value, int attribute, int) {
    // Major and minor compute capability; everything else is absent.
    *value = attribute == 75 ? (fails("old-device") ? 6 : 7) : attribute == 76 && fails("old-device") ? 1 : 0;
    return OK;
}

API cuDevicePrimaryCtxRetain(Context** context, int device) {
    std::lock_guard guard(lock);
    if (broken) return broken;
    ++contexts[device].held.contexts;
    return *context = &contexts[device], OK;
}
API cuDevicePrimaryCtxRelease_v2(int device) {
    std::lock_guard guard(lock);
    if (--contexts[device].held.contexts == 0) end(contexts[device]);
    return OK;
}
API cuCtxGetCurrent(Context** context) { return *context = current, broken; }
API cuCtxSetCurrent(Context* context) { return current = context, broken; }
API cuCtxSynchronize() { return broken; }

API cuStreamCreate(Context** stream, unsigned) {
    std::lock_guard guard(lock);
    if (broken) return broken;
    ++current->held.streams;
    return *stream = current, OK;
}
API cuStreamSynchronize(Context*) {
    std::lock_guard guard(lock);
    copy_now();
    return count(__func__), broken;
}
API cuStreamDestroy_v2(Context* stream) {
    std::lock_guard guard(lock);
    --stream->held.streams;
    return broken;
}

API cuMemAlloc_v2(Address* address, size_t size) {
    std::lock_guard guard(lock);
    if (size == 0) return INVALID_VALUE;
    if (int error = plan.allocate(size)) return error;
    auto memory = static_cast<unsigned char*>(std::malloc(size + 2 * GUARD));
    if (!memory) return faults::OUT_OF_MEMORY;
    std::memset(memory, UNTOUCHED, size + 2 * GUARD);
    *address = reinterpret_cast<Address>(memory + GUARD);
    blocks[*address] = {current, size};
    return OK;
}

API cuMemFree_v2(Address address) {
    std::lock_guard guard(lock);
    auto block = blocks.find(address);
    if (block == blocks.end()) host::fail("memory is freed that is not there");
    copy_now();
    auto memory = reinterpret_cast<unsigned char*>(address);
    for (size_t i = 0; i < GUARD; ++i)
        if (memory[block->second.size + i] != UNTOUCHED || *(memory - 1 - i) != UNTOUCHED) host::fail("a write beyond a block of memory");
    blocks.erase(block);
    std::free(memory_of(address));
    return broken;
}

API cuMemcpyHtoDAsync_v2(Address to, const void* from, size_t size, Context*) {
    std::lock_guard guard(lock);
    if (broken) return broken;
    if (!is_inside(to, size)) return INVALID_VALUE;
    count(__func__);
    calls["cuMemcpyHtoDAsync_v2 bytes"] += size;
    if (is_locked(from)) return copies.push_back({to, from, size}), OK;
    copy_now();
    return std::memcpy(reinterpret_cast<void*>(to), from, size), OK;
}

API cuMemcpyDtoHAsync_v2(void* to, Address from, size_t size, Context*) {
    std::lock_guard guard(lock);
    if (broken) return broken;
    if (!is_inside(from, size)) return INVALID_VALUE;
    count(__func__);
    copy_now();
    return std::memcpy(to, reinterpret_cast<const void*>(from), size), OK;
}

API cuMemHostAlloc(void** memory, size_t size, unsigned flags) {
    std::lock_guard guard(lock);
    if (size == 0 || flags != 0) return INVALID_VALUE;
    if (int error = plan.allocate()) return error;
    // It begins at a page.
    *memory = std::aligned_alloc(4096, (size + 4095) / 4096 * 4096);
    if (!*memory) return faults::OUT_OF_MEMORY;
    locked[reinterpret_cast<uintptr_t>(*memory)] = size;
    ++current->held.pages;
    return count(__func__), OK;
}

API cuMemFreeHost(void* memory) {
    std::lock_guard guard(lock);
    auto block = locked.find(reinterpret_cast<uintptr_t>(memory));
    if (block == locked.end()) host::fail("page-locked memory is freed that is not there");
    for (auto& copy : copies)
        if (reinterpret_cast<uintptr_t>(copy.from) - block->first < block->second)
            host::fail("page-locked memory is freed before it was copied");
    locked.erase(block);
    --current->held.pages;
    return std::free(memory), count(__func__), broken;
}

API cuModuleLoadData(Module** module, const void* image) {
    std::lock_guard guard(lock);
    if (int error = plan.allocate()) return error;
    ++current->held.modules;
    return *module = new Module{current, static_cast<const char*>(image)}, OK;
}
API cuModuleUnload(Module* module) {
    std::lock_guard guard(lock);
    --module->context->held.modules;
    return delete module, broken;
}

API cuModuleGetFunction(Function** function, Module* module, const char* name) {
    if (broken) return broken;
    auto kernel = host::kernels().find(name);
    // It has to be in the PTX that the program loads, too, with a parameter of the same size.
    std::string entry = std::string(".entry ") + name + "(";
    size_t at = module->ptx.find(entry);
    if (kernel == host::kernels().end() || at == std::string::npos) return NOT_FOUND;
    size_t open = module->ptx.find('[', at);
    if (open == std::string::npos || std::stoul(module->ptx.substr(open + 1)) != kernel->second.size)
        host::fail("a kernel whose parameter has another size in the PTX: run scripts/ptx.sh");
    std::lock_guard guard(lock);
    *function = &functions.emplace(name, Function{kernel->second, 0}).first->second;
    return OK;
}

API cuLaunchKernel(Function* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, Context* stream, void** parameters, void**) {
    if (!is_grid({gx, gy, gz}, {bx, by, bz}, shared)) return INVALID_VALUE;
    std::lock_guard guard(lock);
    count(__func__);
    return run(*function, {gx, gy, gz}, {bx, by, bz}, stream, copied(*function, parameters));
}

// Fails on purpose from now on, as faults.h says, or no longer, if `kind` is "". A broken device is whole again.
API fake_cuda_fail(const char* kind, uint64_t at) {
    std::lock_guard guard(lock);
    broken = faults::OK;
    plan = {kind, at};
    return OK;
}

// How many kernels have run so far.
API fake_cuda_launches(uint64_t* count) {
    std::lock_guard guard(lock);
    *count = 0;
    for (auto& [name, function] : functions) *count += function.launches;
    return OK;
}

#include "graph.h"

API cuGetErrorName(int, const char** name) { return *name = "CUDA_ERROR_OF_THE_FAKE", OK; }
API cuGetErrorString(int, const char** text) { return *text = "an error of the fake driver", OK; }
