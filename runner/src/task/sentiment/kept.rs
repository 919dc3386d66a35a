//! The network of a run, and the copy of it that counts in the end.

use minitorch_core::Backend;
use minitorch_core::nn::{Module, Path, Visitor, VisitorMut};

use super::network::Network;
use crate::checkpoint::Opened;
use crate::error::Failure;

/// The number of a checkpoint that says whether a copy is in it.
pub(super) const NAME: &str = "kept";

/// A network, and a copy of it as it was when it did best, if the recipe asks for one.
pub(super) struct Kept<B: Backend> {
    pub(super) now: Network<B>,
    pub(super) best: Option<Network<B>>,
}

impl<B: Backend> Kept<B> {
    /// The network that counts: the copy, if there is one.
    pub(super) fn choose(&mut self) {
        if let Some(best) = self.best.take() {
            self.now = best;
        }
    }

    /// The network that counts in a file: of a run that was interrupted it is the best one so far. `build` makes one of
    /// the same shape.
    ///
    /// # Errors
    ///
    /// If the file is of another network, or the device fails.
    pub(super) fn read(
        file: &Opened<'_>,
        build: impl Fn() -> minitorch_core::Result<Network<B>>,
    ) -> Result<Network<B>, Failure> {
        let best = match file.numbers().get(NAME) {
            None | Some([0]) => None,
            Some(_) => Some(build()?),
        };
        let mut kept = Self {
            now: build()?,
            best,
        };
        file.load_weights(&mut kept)?;
        kept.choose();
        Ok(kept.now)
    }
}

impl<B: Backend> Module<B> for Kept<B> {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor<B>) -> minitorch_core::Result<()> {
        self.now.visit(path, visitor)?;
        self.best.visit(&path.child("best"), visitor)
    }

    fn visit_mut(
        &mut self,
        path: &Path<'_>,
        visitor: &mut dyn VisitorMut<B>,
    ) -> minitorch_core::Result<()> {
        self.now.visit_mut(path, visitor)?;
        self.best.visit_mut(&path.child("best"), visitor)
    }
}
