//! Recordings as graphs: many launches by one call of the driver.
#![allow(unsafe_code)]

use std::ptr::{null, null_mut};

use cudarc::driver::sys::{self, CUstream};
use cudarc::driver::{DriverError, result};

use super::recording::{Launch, Recording, parameters, parts};

/// Launches in a chain, ready to be launched as one.
///
/// All its calls want the context of the kernels to be current.
#[derive(Debug)]
struct Graph {
    graph: sys::CUgraph,
    /// What is launched.
    exec: sys::CUgraphExec,
    nodes: Vec<sys::CUgraphNode>,
    /// What its kernels take now, as a recording has it.
    words: Vec<u64>,
}

// SAFETY: the driver's handles belong to no thread, and are used by one at a time, the one that has the graph.
unsafe impl Send for Graph {}

impl Graph {
    /// # Safety
    ///
    /// The context of the kernels is current, and each may be launched with its words.
    unsafe fn new(recording: &Recording) -> Result<Self, DriverError> {
        // Whatever fails below, what is made before is destroyed.
        let mut made = Self {
            graph: null_mut(),
            exec: null_mut(),
            nodes: Vec::new(),
            words: recording.words().to_vec(),
        };
        // SAFETY: the call writes one handle.
        unsafe { sys::cuGraphCreate(&mut made.graph, 0) }.result()?;
        let launches = recording.launches();
        for (launch, words) in launches.iter().zip(parts(launches)) {
            let mut parameters = parameters(&made.words[words]);
            let description = description(launch, &mut parameters);
            // Each waits for the one before, as in a stream.
            let (before, count) = match made.nodes.last() {
                Some(before) => (std::ptr::from_ref(before), 1),
                None => (null(), 0),
            };
            let mut node = null_mut();
            // SAFETY: the graph is there, and so is the node before; the description and the words are copied before the
            // call returns.
            unsafe {
                sys::cuGraphAddKernelNode_v2(&mut node, made.graph, before, count, &description)
            }
            .result()?;
            made.nodes.push(node);
        }
        // SAFETY: the graph is there.
        made.exec =
            unsafe { result::graph::instantiate(made.graph, sys::CUgraphInstantiate_flags(0)) }?;
        Ok(made)
    }

    /// Takes what differs from a recording of the same launches.
    ///
    /// # Safety
    ///
    /// As [`Graph::new`].
    unsafe fn update(&mut self, recording: &Recording) -> Result<(), DriverError> {
        let launches = recording.launches();
        for ((launch, node), part) in launches.iter().zip(&self.nodes).zip(parts(launches)) {
            let new = &recording.words()[part.clone()];
            if self.words[part.clone()] == *new {
                continue;
            }
            let mut parameters = parameters(new);
            let description = description(launch, &mut parameters);
            // SAFETY: the node is of the graph that was made ready, with the same kernel. Launches that are queued keep
            // what they were queued with.
            unsafe { sys::cuGraphExecKernelNodeSetParams_v2(self.exec, *node, &description) }
                .result()?;
            self.words[part].copy_from_slice(new);
        }
        Ok(())
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // What a lost device does not take back is gone with it.
        if !self.exec.is_null() {
            // SAFETY: it was made and is not used again.
            let _ = unsafe { result::graph::exec_destroy(self.exec) };
        }
        if !self.graph.is_null() {
            // SAFETY: as above.
            let _ = unsafe { result::graph::destroy(self.graph) };
        }
    }
}

/// A launch as the driver wants it described; `parameters` are those of its kernel.
fn description(
    launch: &Launch,
    parameters: &mut [*mut std::ffi::c_void; 1],
) -> sys::CUDA_KERNEL_NODE_PARAMS {
    sys::CUDA_KERNEL_NODE_PARAMS {
        func: launch.kernel.cu_function(),
        gridDimX: launch.groups,
        gridDimY: 1,
        gridDimZ: 1,
        blockDimX: launch.group,
        blockDimY: 1,
        blockDimZ: 1,
        sharedMemBytes: 0,
        kernelParams: parameters.as_mut_ptr(),
        extra: null_mut(),
        kern: null_mut(),
        ctx: null_mut(),
    }
}

/// Recordings of fewer launches are launched one by one: a graph would save little.
pub(super) const SHORT: usize = 4;

/// A sequence of launches that was there before.
#[derive(Debug)]
struct Known {
    launches: Vec<Launch>,
    /// From the second time on.
    graph: Option<Graph>,
}

/// The graphs of a stream, the one that was used last at the end.
#[derive(Debug, Default)]
pub(super) struct Graphs {
    known: Vec<Known>,
    refused: Option<DriverError>,
}

impl Graphs {
    /// The most sequences that are known. A training loop has a few: its steps, the last batch, the validation.
    const MOST: usize = 32;

    /// Why there are no graphs any more.
    pub(super) const fn refused(&self) -> Option<DriverError> {
        self.refused
    }

    /// Launches a recording: as a graph if the same kernels on the same grids were launched in the same order before, and
    /// else one by one.
    ///
    /// The first error of a graph is the last: from then on everything is launched one by one. Had the device itself
    /// failed, these launches would say so.
    ///
    /// # Safety
    ///
    /// The stream is there and its context current, and each kernel may be launched with its words.
    pub(super) unsafe fn launch(
        &mut self,
        recording: &Recording,
        stream: CUstream,
    ) -> Result<(), DriverError> {
        if recording.launches().len() >= SHORT && self.refused.is_none() {
            // SAFETY: as the caller says.
            match unsafe { self.launch_graph(recording, stream) } {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => self.refused = Some(error),
            }
        }
        // SAFETY: as the caller says.
        unsafe { recording.launch(stream) }
    }

    /// Launches the graph of a recording; whether there is one. In case of an error nothing was launched.
    ///
    /// # Safety
    ///
    /// As [`Graphs::launch`].
    unsafe fn launch_graph(
        &mut self,
        recording: &Recording,
        stream: CUstream,
    ) -> Result<bool, DriverError> {
        let launches = recording.launches();
        let Some(at) = self
            .known
            .iter()
            .rposition(|known| known.launches == launches)
        else {
            if self.known.len() == Self::MOST {
                // The oldest one may still be running.
                // SAFETY: the stream is there.
                unsafe { result::stream::synchronize(stream) }?;
                self.known.remove(0);
            }
            self.known.push(Known {
                launches: launches.to_vec(),
                graph: None,
            });
            return Ok(false);
        };
        self.known[at..].rotate_left(1);
        let Some(known) = self.known.last_mut() else {
            return Ok(false);
        };
        let graph = match &mut known.graph {
            Some(graph) => {
                // SAFETY: the launches are those of the graph, and as the caller says.
                unsafe { graph.update(recording) }?;
                graph
            }
            // SAFETY: as the caller says.
            none => none.insert(unsafe { Graph::new(recording) }?),
        };
        // SAFETY: both are there.
        unsafe { result::graph::launch(graph.exec, stream) }?;
        Ok(true)
    }
}
