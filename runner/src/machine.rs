//! What the machine says about itself: memory, time and processors.

use std::time::Duration;

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

/// The time that the threads which this process has now were running on a processor, or `None` where the system does not
/// tell. It does not grow while another process has the processor.
///
/// Linux tells (`/proc/self/task/*/schedstat`), to a few milliseconds.
pub fn processor_time() -> Option<Duration> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let of = |thread: std::io::Result<std::fs::DirEntry>| {
        let file = thread.ok()?.path().join("schedstat");
        running_time(&std::fs::read_to_string(file).ok()?)
    };
    // A thread may end before its file is read.
    threads.filter_map(of).reduce(|sum, time| sum + time)
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

/// Reads `1234 56 7`: nanoseconds on a processor, nanoseconds waiting for one, and how often it got one.
fn running_time(schedstat: &str) -> Option<Duration> {
    let nanoseconds = schedstat.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
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
    fn the_first_number_is_the_running_time() {
        let time = Duration::from_nanos(12_345_678_901);
        assert_eq!(running_time("12345678901 555 9\n"), Some(time));
        assert_eq!(running_time("\n"), None);
        assert_eq!(running_time("-1 0 0"), None);
    }

    #[test]
    fn there_is_a_processor() {
        assert!(processors() >= 1);
    }
}
