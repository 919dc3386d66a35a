//! The checkpoint that is there already, where a run is about to save.

use minitorch_core::Backend;

use super::{Lesson, Session};
use crate::checkpoint::{Keeper, Opened};
use crate::files::is_there;
use crate::output::Output;

/// Warns if a run will replace what it does not lead to itself: the state of a run with other options, from other weights,
/// or with more epochs. A run that is only repeated, or goes on, replaces its state by the same or a later one.
pub(crate) fn warn_of_replacing<B: Backend, L: Lesson<B>>(
    session: &Session<B, L>,
    keeper: &Keeper,
    output: &Output,
) {
    let Some(path) = keeper.path().filter(|path| is_there(path)) else {
        return;
    };
    if Opened::read(path).is_ok_and(|file| session.leads_to(&file).is_ok_and(|leads| leads)) {
        return;
    }
    output.warn(&format!(
        "{}: this run will replace what another one has saved; to keep that, copy it or name another --checkpoint",
        path.display()
    ));
}
