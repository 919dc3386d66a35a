//! What the machine says about itself: memory and processors.

/// The most physical memory this process has used so far, in bytes, or `None` where the system does not tell.
///
/// Linux tells (`VmHWM` in `/proc/self/status`); elsewhere the report leaves the line out.
pub fn peak_memory() -> Option<u64> {
    high_water_mark(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// Forgets the peak, so that [`peak_memory`] tells that of what follows. Linux only; elsewhere nothing happens.
pub fn reset_peak_memory() {
    // Where the system refuses, the peak is that of the whole process, as it is elsewhere.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The number of threads worth starting: the processors this process may use, at least one.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, |n| n.get())
}

/// Reads the line `VmHWM:     1234 kB`, whose unit is 1,024 bytes.
fn high_water_mark(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_line_is_read_and_nothing_else() {
        let status = "Name:\trunner\nVmPeak:\t  9999 kB\nVmHWM:\t    1234 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(high_water_mark(status), Some(1234 * 1024));
        assert_eq!(high_water_mark("VmRSS:\t 1 kB\n"), None);
        assert_eq!(high_water_mark("VmHWM:\t lots\n"), None);
        assert_eq!(high_water_mark("VmHWM: 18446744073709551615 kB"), None);
    }

    #[test]
    fn touching_memory_raises_the_peak() {
        let Some(before) = peak_memory() else {
            _ = writeln!(
                std::io::stderr(),
                "SKIPPED touching_memory_raises_the_peak: this system does not tell its peak memory"
            );
            return;
        };
        let size = usize::try_from(before).unwrap_or(0) + (64 << 20);
        let block = vec![1u8; size];
        assert!(std::hint::black_box(&block).contains(&1));
        assert!(peak_memory() >= Some(size as u64));
    }

    #[test]
    fn there_is_a_processor() {
        assert!(processors() >= 1);
    }
}
