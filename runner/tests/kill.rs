//! Kills: whenever a run is killed, also while it writes a checkpoint, going on leads to the weights and the log of a
//! run that nobody touched, and nothing is left in the folder.

mod program;

use std::fs;
use std::process::Output;
use std::thread;
use std::time::Duration;

use minitorch_core::Generator;

use program::{Folder, REPLACES, Running, Story, finish, log, number, run, runner, seed};

/// How often runs are killed, altogether.
const KILLS: usize = 50;
/// How often the same run is killed at most.
const IN_A_ROW: u32 = 5;
/// So many kills at least have to come while a checkpoint is being written. Where the disk is no disk but memory, that
/// takes a tenth of a millisecond, and it may take more kills than planned to meet it so often.
const IN_WRITING: usize = 3;
const MOST_KILLS: usize = 500;
/// Longer than from one checkpoint to the next.
const LONG: Duration = Duration::from_millis(50);

const OPTIONS: &str = "--train 60 --valid 16 --batch 8 --epochs 6 --preset";
const CHECKPOINT: &str = "net.safetensors";

/// When a run is killed.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// After so many lines of its log.
    lines: usize,
    /// And so much time.
    time: Duration,
    /// And as soon as it writes a file, unless that takes long.
    writing: bool,
}

impl Moment {
    /// A moment before a run has said all of its `lines`, and often before it says anything.
    fn draw(random: &mut Generator, lines: usize) -> Self {
        let line = random.below(lines.max(1) as u32) as usize;
        Self {
            lines: if random.below(3) == 0 { 0 } else { line },
            // Longer than from one line to the next.
            time: Duration::from_micros(random.below(15_000).into()),
            writing: random.below(2) == 0,
        }
    }
}

/// A run that nobody touches, to compare others with.
struct Whole {
    options: Vec<&'static str>,
    story: Story,
    checkpoint: Vec<u8>,
}

impl Whole {
    fn new(preset: &'static str) -> Self {
        let folder = Folder::new("kill-none");
        let options: Vec<&str> = OPTIONS.split(' ').chain([preset]).collect();
        let file = folder.file(CHECKPOINT);
        let story = finish(&[&options[..], &["--checkpoint", &file]].concat());
        Self {
            options,
            story,
            checkpoint: fs::read(file).expect("the checkpoint"),
        }
    }
}

/// One run and those that go on with it, in a folder of their own.
struct Chain<'a> {
    whole: &'a Whole,
    folder: Folder,
    file: String,
    /// The checkpoint of another run that lies where this one is to be saved.
    old: Option<&'a [u8]>,
    /// How many lines of the log are there, however often.
    lines: usize,
}

impl<'a> Chain<'a> {
    fn new(whole: &'a Whole, old: Option<&'a [u8]>) -> Self {
        let folder = Folder::new("kill");
        let file = folder.file(CHECKPOINT);
        if let Some(old) = old {
            fs::write(&file, old).expect("a file");
        }
        Self {
            whole,
            folder,
            file,
            old,
            lines: 0,
        }
    }

    /// Whether there is a checkpoint of this run. It is whole then, and if not, what was there is.
    fn is_saved(&self) -> bool {
        let found = fs::read(&self.file).ok();
        let is_saved = found.as_deref() != self.old;
        if is_saved {
            number(&self.file, "@epoch");
        }
        is_saved
    }

    /// What starts the run, or goes on with it if there is something to go on from.
    fn arguments(&self) -> Vec<&str> {
        let mut arguments = self.whole.options.clone();
        arguments.extend(["--checkpoint", &self.file]);
        if self.is_saved() {
            arguments.extend(["--resume", &self.file]);
        }
        arguments
    }

    /// Starts or goes on, and kills.
    fn kill(&mut self, moment: Moment) -> Output {
        let mut running = Running::start(&mut runner(&self.arguments()));
        running.wait_for_lines(moment.lines);
        thread::sleep(moment.time);
        if moment.writing {
            running.wait_for_writing(&self.folder, LONG);
        }
        running.child.kill().expect("a kill");
        let output = running.end();
        self.add(&log(&output));
        output
    }

    /// The lines of a run begin no later than those before it ended, and are those of the whole run.
    fn add(&mut self, lines: &[String]) {
        let whole = &self.whole.story.log;
        let Some(first) = lines.first() else { return };
        let begin = whole.iter().position(|line| line == first);
        let begin = begin.unwrap_or_else(|| panic!("no line of the whole run: {first}"));
        assert!(begin <= self.lines, "lines are missing before {first}");
        assert!(whole[begin..].starts_with(lines), "{lines:?}");
        self.lines = self.lines.max(begin + lines.len());
    }

    /// Goes on to the end.
    fn finish(mut self) {
        let story = finish(&self.arguments());
        self.add(&story.log);
        assert_eq!(story.hash, self.whole.story.hash);
        assert_eq!(self.lines, self.whole.story.log.len(), "lines of the log");
        assert_eq!(self.folder.names(), [CHECKPOINT]);
    }
}

#[test]
fn a_run_killed_at_any_moment_goes_on_as_if_nothing_had_happened() {
    let seed = seed();
    eprintln!("RUNNER_TEST_SEED={seed}");
    let random = &mut Generator::new(seed);
    let wholes = [Whole::new("minitorch"), Whole::new("accurate")];
    let (mut kills, mut unsaved, mut writing, mut ended) = (0, 0, 0, 0);
    while kills < KILLS || (writing < IN_WRITING && kills < MOST_KILLS) {
        let which = random.below(2) as usize;
        let other = &wholes[1 - which].checkpoint;
        let old = (random.below(2) == 0).then_some(&other[..]);
        let mut chain = Chain::new(&wholes[which], old);
        eprintln!("{}", chain.whole.options.join(" "));
        for _ in 0..1 + random.below(IN_A_ROW) {
            let left = chain.whole.story.log.len() - chain.lines;
            let moment = Moment::draw(random, left);
            eprintln!("  killed at {moment:?}");
            let output = chain.kill(moment);
            if output.status.success() {
                ended += 1;
                break;
            }
            kills += 1;
            let said = String::from_utf8_lossy(&output.stderr);
            let mut complaints = said.lines().filter(|line| !line.ends_with(REPLACES));
            assert_eq!(complaints.next(), None, "it ended by itself");
            let temporary = chain.folder.temporary();
            assert!(temporary.len() <= 1, "older ones are swept: {temporary:?}");
            // An empty one may be that of the check before a run.
            let size = |name| fs::metadata(chain.folder.file(name)).map_or(0, |file| file.len());
            writing += usize::from(temporary.iter().any(|name| size(name) > 0));
            unsaved += usize::from(!chain.is_saved());
        }
        chain.finish();
    }
    let tally = format!(
        "{kills} kills, {unsaved} before the first checkpoint, {writing} while writing; {ended} too late"
    );
    eprintln!("{tally}");
    assert!(
        writing >= IN_WRITING && unsaved > 0 && unsaved < kills,
        "{tally}"
    );
}

#[test]
fn before_the_first_checkpoint_there_is_nothing_to_go_on_from() {
    let folder = Folder::new("kill-early");
    let file = folder.file(CHECKPOINT);
    let refused = run(&["--resume", &file, "--checkpoint", &file]);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{message}");
    let expected = format!(
        "error: {file}: there is no checkpoint to go on from; start again without --resume\n"
    );
    assert_eq!(message, expected);
    assert!(refused.stdout.is_empty() && folder.names().is_empty());
}

/// The system refuses what makes a file too long: always in the middle of a run's first checkpoint.
#[cfg(unix)]
#[test]
fn a_run_that_fails_in_the_middle_of_writing_leaves_the_checkpoint_before() {
    use std::process::{Command, Stdio};

    let whole = Whole::new("minitorch");
    let mut chain = Chain::new(&whole, None);
    let fails = |chain: &mut Chain<'_>| {
        let mut command = Command::new("sh");
        // 100 blocks: a quarter of a checkpoint, or half of it where blocks are 1,024 bytes.
        let limit = "ulimit -f 100; exec \"$@\"";
        command.args(["-c", limit, "sh", env!("CARGO_BIN_EXE_runner"), "mnist"]);
        command.args(chain.arguments()).stdin(Stdio::null());
        let output = command.output().expect("a shell");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("cannot write: File too large"), "{error}");
        chain.add(&log(&output));
        let temporary = chain.folder.temporary();
        assert!(temporary.is_empty(), "{temporary:?}");
    };
    fails(&mut chain);
    assert!(!chain.is_saved());
    // The same again when there is a checkpoint to lose.
    let moment = Moment {
        lines: whole.story.log.len() / 2,
        time: Duration::ZERO,
        writing: true,
    };
    chain.kill(moment);
    assert!(chain.is_saved());
    let before = fs::read(&chain.file).expect("the checkpoint");
    fails(&mut chain);
    assert_eq!(fs::read(&chain.file).expect("the checkpoint"), before);
    chain.finish();
}
