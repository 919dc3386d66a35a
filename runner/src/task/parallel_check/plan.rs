//! The plans of the kernels, as text and as JSON.

use std::fmt;

use minitorch_core::nest::Nest;
use minitorch_core::plan::{Access, Conv, Cut, Map, Matmul, Reduce};
use serde::{Serialize, Serializer};

/// Loops that are left after merging, outermost first.
#[derive(Serialize)]
pub(super) struct Loops {
    sizes: Vec<usize>,
    /// For each loop the stride of each operand.
    strides: Vec<Vec<usize>>,
}

impl<const N: usize> From<&Nest<N>> for Loops {
    fn from(nest: &Nest<N>) -> Self {
        Self {
            sizes: nest.sizes().to_vec(),
            strides: nest.strides().iter().map(|all| all.to_vec()).collect(),
        }
    }
}

impl fmt::Display for Loops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (size, strides)) in self.sizes.iter().zip(&self.strides).enumerate() {
            let then = if at > 0 { ", then " } else { "" };
            write!(f, "{then}{size} by strides {strides:?}")?;
        }
        Ok(())
    }
}

/// What of an image is copied to scratch memory at a time.
#[derive(Serialize)]
pub(super) struct Part {
    channels: usize,
    /// Rows and columns of the kernel.
    taps: [usize; 2],
    /// Rows and columns of a plane of the output.
    outputs: [usize; 2],
}

/// The name of an access in JSON.
fn access_name<S: Serializer>(access: &Access, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(match access {
        Access::InPlace => "in place",
        Access::Staged => "staged",
        Access::Transposed => "transposed",
        Access::Gathered => "gathered",
    })
}

/// How a kernel goes over its operands.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Plan {
    Elementwise {
        loops: Loops,
        #[serde(serialize_with = "access_name")]
        access: Access,
    },
    Reduce {
        kept: Loops,
        /// Size and stride of the outermost folded axis, if there are several.
        outer: Option<(usize, usize)>,
        folded: Loops,
        side_by_side: bool,
        /// Whether tasks share the terms of the only output.
        by_parts: bool,
    },
    Matmul {
        rows: usize,
        columns: usize,
        depth: usize,
        /// Whether squares of the right operand are turned in registers.
        turned: bool,
        transposed: bool,
        /// Rows and columns of what a task computes first, of the transposed product if that is computed.
        block: [usize; 2],
        /// Whether the left and the right operand are copied to scratch memory.
        packed: [bool; 2],
        /// Whether the right operand is copied once for all tasks.
        once: bool,
        tile: [usize; 2],
        depth_at_once: usize,
    },
    Conv {
        planes: usize,
        plane: usize,
        channels: usize,
        part: Option<Part>,
        tile: [usize; 2],
    },
}

impl Plan {
    pub(super) fn elementwise<const N: usize>(plan: &Map<N>) -> (Self, Cut) {
        let told = Self::Elementwise {
            loops: Loops::from(&plan.nest),
            access: plan.access,
        };
        (told, plan.cut)
    }

    pub(super) fn reduce(plan: &Reduce) -> (Self, Cut) {
        let told = Self::Reduce {
            kept: Loops::from(&plan.kept),
            outer: plan.outer,
            folded: Loops::from(&plan.inner),
            side_by_side: plan.side_by_side,
            by_parts: plan.by_parts,
        };
        (told, plan.cut)
    }

    pub(super) fn matmul(plan: &Matmul) -> (Self, Cut) {
        let mut block = plan.rectangle(0, plan.cut.size);
        if plan.transposed {
            block.reverse();
        }
        let told = Self::Matmul {
            rows: plan.rows,
            columns: plan.columns,
            depth: plan.depth,
            turned: plan.turned,
            transposed: plan.transposed,
            block,
            packed: [plan.packs_left(block), !plan.reads_in_place(block[0])],
            once: plan.packing.is_some(),
            tile: plan.tile,
            depth_at_once: plan.depth_at_once(),
        };
        (told, plan.cut)
    }

    pub(super) fn conv(plan: &Conv) -> (Self, Cut) {
        let told = Self::Conv {
            planes: plan.planes,
            plane: plan.plane,
            channels: plan.channels,
            part: plan.part().map(|part| Part {
                channels: part.channels,
                taps: part.taps,
                outputs: part.outputs,
            }),
            tile: plan.tile,
        };
        (told, plan.cut)
    }
}

/// A line for each subject.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elementwise { loops, access } => {
                writeln!(f, "  loops      {loops}")?;
                let inner = match access {
                    Access::InPlace => "a run of the last loop, where it lies",
                    Access::Staged => {
                        "a block of a run; operands that do not step by 1 are copied first"
                    }
                    Access::Transposed => {
                        "a tile of the last two loops; operands that do not step by 1 are copied first"
                    }
                    Access::Gathered => {
                        "a block of several runs, copied first, because runs are short"
                    }
                };
                writeln!(f, "  innermost  {inner}")
            }
            Self::Reduce {
                kept,
                outer,
                folded,
                side_by_side,
                by_parts,
            } => {
                writeln!(f, "  loops      outputs: {kept}")?;
                match outer {
                    Some((size, stride)) => {
                        writeln!(
                            f,
                            "             folded: {size} by strides [{stride}], then {folded}"
                        )?;
                    }
                    None => writeln!(f, "             folded: {folded}")?,
                }
                let inner = if *side_by_side {
                    "up to 512 neighbouring outputs side by side, term by term"
                } else if *by_parts {
                    "the terms of one part of the only output, in eight lanes"
                } else {
                    "the terms of one output, in eight lanes"
                };
                writeln!(f, "  innermost  {inner}")
            }
            Self::Matmul {
                rows,
                columns,
                depth,
                turned,
                transposed,
                block: [block_rows, block_columns],
                packed,
                once,
                tile: [tile_rows, tile_columns],
                depth_at_once,
            } => {
                let as_other = if *transposed {
                    ", computed transposed"
                } else {
                    ""
                };
                writeln!(
                    f,
                    "  loops      {rows} x {columns} sums of {depth} terms{as_other}"
                )?;
                let operands = match packed {
                    [true, true] if *once => {
                        "both operands are packed, the right one for all tasks"
                    }
                    [true, true] => "both operands are packed",
                    [true, false] => "the left operand is packed",
                    [false, true] => "the right operand is packed",
                    [false, false] => "operands are read where they lie",
                };
                writeln!(
                    f,
                    "  block      {block_rows} x {block_columns} sums, {depth_at_once} terms at a time; {operands}"
                )?;
                if *turned {
                    return writeln!(
                        f,
                        "  innermost  squares of the right operand, turned in registers, term by term"
                    );
                }
                writeln!(
                    f,
                    "  innermost  a tile of {tile_rows} x {tile_columns} sums in registers, term by term"
                )
            }
            Self::Conv {
                planes,
                plane,
                channels,
                part,
                tile: [rows, columns],
            } => {
                writeln!(
                    f,
                    "  loops      {planes} planes of {plane} outputs, from {channels} channels, for each image"
                )?;
                if let Some(Part {
                    channels,
                    taps: [i, j],
                    outputs: [y, x],
                }) = part
                {
                    writeln!(
                        f,
                        "  block      {y} x {x} outputs of a plane under {channels} channels of {i} x {j} taps, copied to scratch memory"
                    )?;
                }
                writeln!(
                    f,
                    "  innermost  a tile of {rows} planes x {columns} outputs in registers, tap by tap"
                )
            }
        }
    }
}
