// Graphs of kernels, with what the real driver demands of them: parameters are copied when a node is made or changed, a
// changed node belongs to the graph that was made ready and keeps its kernel, and a launch keeps to the dependencies and to
// nothing else. FAKE_CUDA=no-graphs makes a driver that has none, FAKE_CUDA=no-updates one that changes no node.
//
// To be included once, behind what it uses of driver.cpp.
#pragma once

namespace {

enum { NOT_SUPPORTED = 801, UPDATE_FAILURE = 910 };

// CUDA_KERNEL_NODE_PARAMS_v2.
struct Description {
    Function* function;
    unsigned grid[3], block[3], shared;
    void** parameters;
    void** extra;
    void* kernel;
    Context* context;
};

struct Node {
    Function* function;
    host::Index grid, block;
    std::vector<uint64_t> parameters;
    // Positions in the graph of those that have to be done before.
    std::vector<size_t> before;
};

struct Graph { std::vector<std::unique_ptr<Node>> nodes; };
// Nodes in the order of those of the graph.
struct Executable { const Graph* graph; std::vector<Node> nodes; };

std::set<const Graph*> graphs;
std::set<const Executable*> executables;

// Where a node is in a graph; behind the end, if it is not.
size_t position(const Graph& graph, const Node* node) {
    size_t at = 0;
    while (at < graph.nodes.size() && graph.nodes[at].get() != node) ++at;
    return at;
}

// Whether a node can be as it is described; then it is so.
bool takes(Node& node, const Description& wanted) {
    auto [gx, gy, gz] = wanted.grid;
    auto [bx, by, bz] = wanted.block;
    if (!wanted.function || !wanted.parameters || wanted.extra || wanted.kernel) return false;
    if (!is_grid({gx, gy, gz}, {bx, by, bz}, wanted.shared)) return false;
    node.function = wanted.function;
    node.grid = {gx, gy, gz};
    node.block = {bx, by, bz};
    node.parameters = copied(*wanted.function, wanted.parameters);
    return true;
}

}  // namespace

API cuGraphCreate(Graph** graph, unsigned flags) {
    std::lock_guard guard(lock);
    if (fails("no-graphs")) return NOT_SUPPORTED;
    if (flags != 0) return INVALID_VALUE;
    if (broken) return broken;
    ++current->held.graphs;
    return graphs.insert(*graph = new Graph), count(__func__), OK;
}

API cuGraphDestroy(Graph* graph) {
    std::lock_guard guard(lock);
    if (graphs.erase(graph) == 0) host::fail("a graph is destroyed that is not there");
    --current->held.graphs;
    return delete graph, count(__func__), broken;
}

API cuGraphAddKernelNode_v2(Node** node, Graph* graph, Node* const* before, size_t count, const Description* wanted) {
    std::lock_guard guard(lock);
    if (broken) return broken;
    if (!graphs.contains(graph)) return INVALID_VALUE;
    auto made = std::make_unique<Node>();
    for (size_t i = 0; i < count; ++i) {
        made->before.push_back(position(*graph, before[i]));
        if (made->before.back() == graph->nodes.size()) return INVALID_VALUE;
    }
    if (!takes(*made, *wanted)) return INVALID_VALUE;
    *node = made.get();
    return graph->nodes.push_back(std::move(made)), OK;
}

API cuGraphInstantiateWithFlags(Executable** executable, Graph* graph, unsigned long long flags) {
    std::lock_guard guard(lock);
    if (!graphs.contains(graph) || flags != 0) return INVALID_VALUE;
    if (broken) return broken;
    ++current->held.graphs;
    auto made = new Executable{graph, {}};
    for (auto& node : graph->nodes) made->nodes.push_back(*node);
    count(__func__);
    return executables.insert(*executable = made), OK;
}

API cuGraphExecDestroy(Executable* executable) {
    std::lock_guard guard(lock);
    if (executables.erase(executable) == 0) host::fail("an executable graph is destroyed that is not there");
    --current->held.graphs;
    return delete executable, count(__func__), broken;
}

API cuGraphExecKernelNodeSetParams_v2(Executable* executable, Node* node, const Description* wanted) {
    std::lock_guard guard(lock);
    if (fails("no-updates")) return UPDATE_FAILURE;
    if (broken) return broken;
    if (!executables.contains(executable) || !graphs.contains(executable->graph)) return INVALID_VALUE;
    size_t at = position(*executable->graph, node);
    if (at >= executable->nodes.size() || executable->nodes[at].function != wanted->function) return INVALID_VALUE;
    count(__func__);
    return takes(executable->nodes[at], *wanted) ? OK : INVALID_VALUE;
}

// Of the nodes that could be next, one device takes the first and the other the last.
API cuGraphLaunch(Executable* executable, Context* stream) {
    std::lock_guard guard(lock);
    if (!executables.contains(executable)) return INVALID_VALUE;
    if (broken) return broken;
    count(__func__);
    auto& nodes = executable->nodes;
    std::vector<bool> done(nodes.size());
    for (size_t left = nodes.size(); left > 0; --left) {
        size_t next = nodes.size();
        for (size_t at = 0; at < nodes.size(); ++at) {
            if (done[at] || (next < nodes.size() && stream->device == 0)) continue;
            bool ready = true;
            for (size_t before : nodes[at].before) ready &= done[before];
            if (ready) next = at;
        }
        done[next] = true;
        Node& node = nodes[next];
        int status = run(*node.function, node.grid, node.block, stream, node.parameters);
        // What comes after a kernel that failed does not run.
        if (status || broken) return status;
    }
    return OK;
}
