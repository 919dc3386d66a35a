//! Places in the plane for the nodes of a graph, in layers (Sugiyama, Tagawa and Toda 1981).
//!
//! A node's layer is its longest distance from the root. A line that skips layers bends in each of them, and takes a
//! place there as a node does, so that no line runs through a node. In a layer, nodes and bends are in the order of what
//! uses them, as near to it as the room allows.

/// Room between two nodes or bends of a layer.
const GAP: f64 = 16.0;
/// How often places are improved from the root outwards and back.
const ROUNDS: usize = 8;

/// A line from an operand to the node that uses it.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    pub(super) operand: usize,
    pub(super) node: usize,
    /// Which operand of the node it is.
    pub(super) port: usize,
    /// Where it bends, from the operand on: layer and height.
    pub(super) bends: Vec<(usize, f64)>,
}

/// A drawing without sizes across layers.
#[derive(Debug)]
pub(super) struct Plan {
    /// Of each node the layer, 0 for the root, and the height of its middle, counted downwards.
    pub(super) nodes: Vec<(usize, f64)>,
    pub(super) lines: Vec<Line>,
    pub(super) layers: usize,
    /// All nodes and bends are between 0 and this height.
    pub(super) height: f64,
}

/// A node, or where a line bends.
struct Slot {
    layer: usize,
    size: f64,
    height: f64,
    /// What it is used by, in the layer before.
    users: Vec<usize>,
    /// What it uses, in the layer after.
    operands: Vec<usize>,
}

/// Lays out the graph in which `operands` are the operands of each node, all of them later in the list than the node
/// itself. The first node is the root, and all are used for it. A node takes up `size` of its layer.
pub(super) fn plan(operands: &[Vec<usize>], size: f64) -> Plan {
    let mut slots = nodes(operands, size);
    let mut routes = Vec::new();
    for (node, operands) in operands.iter().enumerate() {
        for (port, &operand) in operands.iter().enumerate() {
            routes.push((node, port, operand, bend(&mut slots, node, operand)));
        }
    }
    let layers = arrange(&mut slots);

    let half = |slot: &Slot| slot.size / 2.0;
    let edges = |top: f64, slot: &Slot| top.min(slot.height - half(slot));
    let top = slots.iter().fold(f64::INFINITY, edges);
    let edges = |bottom: f64, slot: &Slot| bottom.max(slot.height + half(slot));
    let bottom = slots.iter().fold(f64::NEG_INFINITY, edges);
    let place = |slot: &Slot| (slot.layer, slot.height - top);
    let line = |(node, port, operand, bends): (_, _, _, Vec<usize>)| Line {
        operand,
        node,
        port,
        bends: bends
            .iter()
            .rev()
            .map(|&slot| place(&slots[slot]))
            .collect(),
    };
    Plan {
        nodes: slots[..operands.len()].iter().map(place).collect(),
        lines: routes.into_iter().map(line).collect(),
        layers: layers.len(),
        height: bottom - top,
    }
}

/// The nodes, each in the layer that its longest way to the root asks for.
fn nodes(operands: &[Vec<usize>], size: f64) -> Vec<Slot> {
    let mut layers = vec![0; operands.len()];
    for (node, operands) in operands.iter().enumerate() {
        for &operand in operands {
            layers[operand] = layers[operand].max(layers[node] + 1);
        }
    }
    let slot = |layer| Slot {
        layer,
        size,
        height: 0.0,
        users: Vec::new(),
        operands: Vec::new(),
    };
    layers.into_iter().map(slot).collect()
}

/// Connects a node with an operand through a bend in each layer between them, and returns the bends from the node on.
fn bend(slots: &mut Vec<Slot>, node: usize, operand: usize) -> Vec<usize> {
    let mut bends = Vec::new();
    let mut last = node;
    for layer in slots[node].layer + 1..slots[operand].layer {
        let bend = slots.len();
        slots.push(Slot {
            layer,
            size: 0.0,
            height: 0.0,
            users: vec![last],
            operands: Vec::new(),
        });
        slots[last].operands.push(bend);
        bends.push(bend);
        last = bend;
    }
    slots[last].operands.push(operand);
    slots[operand].users.push(last);
    bends
}

/// Gives each slot its height, and returns the slots of each layer from the top down.
fn arrange(slots: &mut [Slot]) -> Vec<Vec<usize>> {
    let mut layers: Vec<Vec<usize>> = vec![vec![0]];
    let mut seen = vec![false; slots.len()];
    while let Some(last) = layers.last() {
        let used = last.iter().flat_map(|&slot| &slots[slot].operands);
        let mut layer: Vec<usize> = used
            .copied()
            .filter(|&slot| !std::mem::replace(&mut seen[slot], true))
            .collect();
        if layer.is_empty() {
            break;
        }
        layer.sort_by(|&a, &b| {
            let [a, b] = [a, b].map(|slot| mean(slots, &slots[slot].users));
            a.total_cmp(&b)
        });
        settle(slots, &layer, |slot| &slot.users);
        layers.push(layer);
    }
    for _ in 0..ROUNDS {
        for layer in layers.iter().rev() {
            settle(slots, layer, |slot| &slot.operands);
        }
        for layer in &layers {
            settle(slots, layer, |slot| &slot.users);
        }
    }
    layers
}

/// The middle height of some slots.
fn mean(slots: &[Slot], of: &[usize]) -> f64 {
    of.iter().map(|&slot| slots[slot].height).sum::<f64>() / of.len() as f64
}

/// Moves the slots of a layer as near as possible, in the least squares, to the middle of their neighbours, without a
/// change of their order. Those without neighbours on that side stay where they are if they can.
///
/// Measured from where each slot were if all were packed, heights must not decrease; the nearest such sequence is found
/// by pooling neighbours that are in the wrong order (Barlow et al. 1972).
fn settle(slots: &mut [Slot], layer: &[usize], neighbours: fn(&Slot) -> &Vec<usize>) {
    let mut packed = Vec::with_capacity(layer.len());
    // Pools of slots, with the sum of their wishes and how many there are.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    let mut end = 0.0;
    for &slot in layer {
        let wish = match neighbours(&slots[slot]).as_slice() {
            [] => slots[slot].height,
            neighbours => mean(slots, neighbours),
        };
        let middle = end + slots[slot].size / 2.0;
        end += slots[slot].size + GAP;
        packed.push(middle);
        let mut pool = (wish - middle, 1);
        while let Some(&(sum, count)) = pools.last()
            && sum / count as f64 >= pool.0 / pool.1 as f64
        {
            pools.pop();
            pool = (sum + pool.0, count + pool.1);
        }
        pools.push(pool);
    }
    let shifts = pools
        .iter()
        .flat_map(|&(sum, count)| std::iter::repeat_n(sum / count as f64, count));
    for ((&slot, middle), shift) in layer.iter().zip(packed).zip(shifts) {
        slots[slot].height = middle + shift;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_operands_are_on_both_sides_of_their_node() {
        let plan = plan(&[vec![1, 2], vec![], vec![]], 40.0);
        assert_eq!(plan.nodes, [(0, 48.0), (1, 20.0), (1, 76.0)]);
        assert_eq!((plan.layers, plan.height), (2, 96.0));
        assert!(plan.lines.iter().all(|line| line.bends.is_empty()));
    }

    #[test]
    fn nothing_overlaps_and_long_lines_bend_in_every_layer() {
        // A chain in which every node also uses the last one.
        let count = 40;
        let mut operands: Vec<Vec<usize>> = (1..count).map(|node| vec![node, count - 1]).collect();
        operands.push(vec![]);
        let plan = plan(&operands, 50.0);
        assert_eq!(plan.layers, count);
        let mut taken: Vec<(usize, f64, f64)> = Vec::new();
        taken.extend(
            plan.nodes
                .iter()
                .map(|&(layer, middle)| (layer, middle, 50.0)),
        );
        for line in &plan.lines {
            let (from, to) = (plan.nodes[line.operand].0, plan.nodes[line.node].0);
            let layers: Vec<usize> = line.bends.iter().map(|bend| bend.0).collect();
            assert_eq!(layers, (to + 1..from).rev().collect::<Vec<_>>());
            taken.extend(
                line.bends
                    .iter()
                    .map(|&(layer, middle)| (layer, middle, 0.0)),
            );
        }
        taken.sort_by(|a, b| (a.0, a.1).partial_cmp(&(b.0, b.1)).expect("numbers"));
        for pair in taken.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
            let room = pair[1].1 - pair[0].1 - (pair[0].2 + pair[1].2) / 2.0;
            assert!(room >= GAP - 1e-6, "{pair:?}");
        }
        let inside = |&(_, middle, size): &(usize, f64, f64)| {
            middle >= size / 2.0 - 1e-6 && middle <= plan.height - size / 2.0 + 1e-6
        };
        assert!(taken.iter().all(inside));
    }

    #[test]
    fn one_node_is_a_graph() {
        let plan = plan(&[vec![]], 40.0);
        assert_eq!((plan.nodes, plan.height), (vec![(0, 20.0)], 40.0));
    }
}
