//! Modules made of modules: lists add an index to the path, boxes and options add nothing.

use super::{Layer, Module, Path, Visitor, VisitorMut};
use crate::backend::Backend;
use crate::error::Result;
use crate::tensor::Tensor;
use alloc::boxed::Box;
use alloc::vec::Vec;

macro_rules! transparent {
    ($([$($generics:tt)*] $type:ty: |$module:ident| $inner:expr, $inner_mut:expr;)*) => {$(
        impl<B: Backend, $($generics)*> Module<B> for $type {
            fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor<B>) -> Result<()> {
                let $module = self;
                $inner.visit(path, visitor)
            }

            fn visit_mut(
                &mut self,
                path: &Path<'_>,
                visitor: &mut dyn VisitorMut<B>,
            ) -> Result<()> {
                let $module = self;
                $inner_mut.visit_mut(path, visitor)
            }
        }
    )*};
}

transparent! {
    [M: Module<B> + ?Sized] Box<M>: |module| (**module), (**module);
    [M: Module<B>] Vec<M>: |module| module.as_slice(), module.as_mut_slice();
    [M: Module<B>, const N: usize] [M; N]: |module| module.as_slice(), module.as_mut_slice();
}

impl<B: Backend, M: Module<B>> Module<B> for [M] {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor<B>) -> Result<()> {
        let mut items = self.iter().enumerate();
        items.try_for_each(|(index, item)| item.visit(&path.item(index), visitor))
    }

    fn visit_mut(&mut self, path: &Path<'_>, visitor: &mut dyn VisitorMut<B>) -> Result<()> {
        let mut items = self.iter_mut().enumerate();
        items.try_for_each(|(index, item)| item.visit_mut(&path.item(index), visitor))
    }
}

impl<B: Backend, M: Module<B>> Module<B> for Option<M> {
    fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor<B>) -> Result<()> {
        self.iter()
            .try_for_each(|module| module.visit(path, visitor))
    }

    fn visit_mut(&mut self, path: &Path<'_>, visitor: &mut dyn VisitorMut<B>) -> Result<()> {
        self.iter_mut()
            .try_for_each(|module| module.visit_mut(path, visitor))
    }
}

impl<B: Backend, L: Layer<B> + ?Sized> Layer<B> for Box<L> {
    fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
        (**self).try_forward(x)
    }
}

/// Tuples number their elements, and apply them one after the other if all are layers: a network without boxes.
macro_rules! tuples {
    ($($first:ident $start:tt $(, $name:ident $index:tt)*;)*) => {$(
        impl<B: Backend, $first: Module<B> $(, $name: Module<B>)*> Module<B> for ($first, $($name,)*) {
            fn visit(&self, path: &Path<'_>, visitor: &mut dyn Visitor<B>) -> Result<()> {
                self.$start.visit(&path.item($start), visitor)?;
                $(self.$index.visit(&path.item($index), visitor)?;)*
                Ok(())
            }

            fn visit_mut(&mut self, path: &Path<'_>, visitor: &mut dyn VisitorMut<B>) -> Result<()> {
                self.$start.visit_mut(&path.item($start), visitor)?;
                $(self.$index.visit_mut(&path.item($index), visitor)?;)*
                Ok(())
            }
        }

        impl<B: Backend, $first: Layer<B> $(, $name: Layer<B>)*> Layer<B> for ($first, $($name,)*) {
            fn try_forward(&self, x: &Tensor<B>) -> Result<Tensor<B>> {
                let x = self.$start.try_forward(x)?;
                $(let x = self.$index.try_forward(&x)?;)*
                Ok(x)
            }
        }
    )*};
}

tuples! {
    L0 0;
    L0 0, L1 1;
    L0 0, L1 1, L2 2;
    L0 0, L1 1, L2 2, L3 3;
    L0 0, L1 1, L2 2, L3 3, L4 4;
    L0 0, L1 1, L2 2, L3 3, L4 4, L5 5;
    L0 0, L1 1, L2 2, L3 3, L4 4, L5 5, L6 6;
    L0 0, L1 1, L2 2, L3 3, L4 4, L5 5, L6 6, L7 7;
}
