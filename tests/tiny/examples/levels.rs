//! Trains the network with every instruction set of this processor, and prints the hash of each.

use minitorch_core::isa::Level;
use minitorch_core::{Cpu, Result};

fn main() -> Result<()> {
    for level in Level::supported() {
        let device = Cpu::builder().level(level).build();
        let hash = minitorch_tiny::train(&device)?.hash;
        println!("{:<10}{hash}", level.name());
    }
    Ok(())
}
