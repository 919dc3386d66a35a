//! Ctrl-C and its like: the first asks the run to stop after the current step and save, a second one ends it at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Failure, Status};

/// Signals this soon after the first belong to it: `timeout`, for one, sends its signal to the program and again to its
/// group.
const GRACE: Duration = Duration::from_millis(300);

/// A flag that is raised by Ctrl-C, a request to terminate or the end of the terminal. Clones share it.
///
/// ```
/// let interrupt = runner::interrupt::Interrupt::default();
/// assert!(!interrupt.requested());
/// interrupt.request();
/// assert!(interrupt.requested());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    /// The exit status of what raised it first, or 0.
    raised: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Whether the run should save its state and end: a signal came at any time since [`listen`](Self::listen). Cheap
    /// enough to ask in every step.
    pub fn requested(&self) -> bool {
        self.raised.load(Ordering::Relaxed) != 0
    }

    /// Asks the run to end, as Ctrl-C does.
    pub fn request(&self) {
        self.raise(Status::Interrupted);
    }

    /// Asks the run to end with this status, unless it was asked before.
    pub(crate) fn raise(&self, status: Status) {
        let relaxed = Ordering::Relaxed;
        let _ = self
            .raised
            .compare_exchange(0, status as usize, relaxed, relaxed);
    }

    /// The failure that ends the run, with the status of what asked for that. The message says what was saved.
    pub fn failure(&self, message: impl Into<String>) -> Failure {
        Failure::interrupted(self.status(), message)
    }

    /// The exit status of what asked the run to end.
    pub(crate) fn status(&self) -> Status {
        let raised = self.raised.load(Ordering::Relaxed);
        let all = [Status::HungUp, Status::Unheard, Status::Terminated];
        let found = all.into_iter().find(|&status| status as usize == raised);
        found.unwrap_or(Status::Interrupted)
    }

    /// A flag that listens to Ctrl-C and, on Unix, to `SIGTERM` and `SIGHUP`. A hang-up that this process was started to
    /// ignore stays ignored, so `nohup` works; where the system does not tell, hang-ups are left alone.
    ///
    /// A second signal ends the program at once with the status of the first, as a kill would: the last checkpoint is whole,
    /// and the next run removes what was being written.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn listen() -> Result<Self, Failure> {
        let interrupt = Self::default();
        platform::listen(interrupt.clone())
            .map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))?;
        Ok(interrupt)
    }

    /// Makes a write beyond the limit on the size of a file (`ulimit -f`) fail, as one to a full disk does: otherwise the
    /// system ends the program, which leaves a temporary file behind.
    pub fn outlive_size_limit() {
        platform::outlive_size_limit();
    }

    /// What a signal does that asks for a status; `first` remembers when the first one came.
    #[cfg_attr(not(unix), allow(dead_code))]
    fn signal(
        &self,
        status: Status,
        first: &mut Option<Instant>,
        now: Instant,
        end: impl FnOnce(),
    ) {
        self.raise(status);
        if now.duration_since(*first.get_or_insert(now)) > GRACE {
            end();
        }
    }
}

#[cfg(unix)]
mod platform {
    use super::{Arc, Instant, Interrupt, Status};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::flag::register;
    use signal_hook::iterator::Signals;
    use std::sync::atomic::AtomicBool;

    pub(super) fn outlive_size_limit() {
        // The write fails whether anyone looks at the flag or not. Without it things are as they were.
        let _ = register(SIGXFSZ, Arc::<AtomicBool>::default());
    }

    pub(super) fn listen(interrupt: Interrupt) -> std::io::Result<()> {
        let heard = [SIGINT, SIGHUP, SIGTERM];
        let heard = heard
            .iter()
            .filter(|&&signal| signal != SIGHUP || !ignores(SIGHUP));
        let mut signals = Signals::new(heard)?;
        let listener = std::thread::Builder::new().name("interrupt".into());
        listener.spawn(move || {
            let mut first = None;
            for signal in signals.forever() {
                let status = match signal {
                    SIGHUP => Status::HungUp,
                    SIGTERM => Status::Terminated,
                    _ => Status::Interrupted,
                };
                interrupt.signal(status, &mut first, Instant::now(), || {
                    std::process::exit(interrupt.status() as i32)
                });
            }
        })?;
        Ok(())
    }

    /// Whether this process ignores a signal, or the system does not tell. Linux has the ignored ones as a number, of which
    /// the lowest bit stands for signal 1.
    fn ignores(signal: i32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
        ignored.is_none_or(|set| set >> (signal - 1) & 1 == 1)
    }
}

#[cfg(not(unix))]
mod platform {
    use super::{Arc, Interrupt, Status};
    use signal_hook::consts::SIGINT;
    use signal_hook::flag::{register, register_conditional_shutdown, register_usize};
    use std::sync::atomic::AtomicBool;

    pub(super) fn outlive_size_limit() {}

    pub(super) fn listen(interrupt: Interrupt) -> std::io::Result<()> {
        let status = Status::Interrupted;
        let again = Arc::<AtomicBool>::default();
        register_conditional_shutdown(SIGINT, status as i32, again.clone())?;
        register(SIGINT, again)?;
        register_usize(SIGINT, interrupt.raised, status as usize)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_of_the_first_signal_does_not_end_the_program_but_a_second_one_does() {
        let (interrupt, start) = (Interrupt::default(), Instant::now());
        let (mut first, mut ended) = (None, false);
        let mut signal = |status, after| {
            interrupt.signal(status, &mut first, start + after, || ended = true);
            ended
        };
        assert!(!signal(Status::Terminated, Duration::ZERO) && interrupt.requested());
        assert!(!signal(Status::Interrupted, GRACE / 2));
        assert!(signal(Status::Interrupted, GRACE * 2));
        assert_eq!(interrupt.status(), Status::Terminated);
    }

    #[test]
    fn clones_share_the_flag() {
        let (a, b) = (Interrupt::default(), Interrupt::default());
        a.clone().request();
        assert!(a.requested() && !b.requested());
    }

    /// Runs itself as another process, sends that real signals, and looks at how it ended.
    #[cfg(unix)]
    #[test]
    fn real_signals_raise_the_flag_and_then_end_the_program_as_the_first_asks() {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::low_level::raise;
        use std::process::{Command, exit};
        use std::thread::sleep;

        const CHILD: &str = "RUNNER_TEST_INTERRUPT_CHILD";
        if std::env::var_os(CHILD).is_none() {
            let name = "real_signals_raise_the_flag_and_then_end_the_program_as_the_first_asks";
            let mut child = Command::new(std::env::current_exe().unwrap());
            let child = child
                .arg(format!("interrupt::tests::{name}"))
                .arg("--exact")
                .env(CHILD, "1");
            assert_eq!(child.output().unwrap().status.code(), Some(143));
            return;
        }
        let interrupt = Interrupt::listen().unwrap();
        assert!(!interrupt.requested());
        raise(SIGTERM).unwrap();
        let start = Instant::now();
        while !interrupt.requested() {
            if start.elapsed() > Duration::from_secs(10) {
                exit(1);
            }
            sleep(Duration::from_millis(1));
        }
        raise(SIGINT).unwrap();
        sleep(GRACE * 2);
        raise(SIGINT).unwrap();
        sleep(Duration::from_secs(10));
        exit(2);
    }
}
