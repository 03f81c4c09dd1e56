//! Scratch memory aligned to cache lines.

use std::ops::{Deref, DerefMut};

use super::{buffer_pool::SCRATCH, simd::LANES};

/// Floats that begin at a cache line, so that a vector load touches as few lines as possible. The memory comes from the
/// scratch pool and returns to it.
#[derive(Debug)]
pub(super) struct Aligned {
    values: Vec<f32>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// Creates `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        Self::new(vec![0.0; len + LANES], len)
    }

    /// Takes `len` floats of arbitrary values: write each before reading it.
    pub(crate) fn take(len: usize) -> Self {
        let found = SCRATCH.take(|kept| (len + LANES..2 * len + 64 * LANES).contains(&kept));
        found.map_or_else(|| Self::zeros(len), |values| Self::new(values, len))
    }

    fn new(values: Vec<f32>, len: usize) -> Self {
        let start = values.as_ptr().align_offset(64).min(LANES);
        Self { values, start, len }
    }
}

impl Drop for Aligned {
    fn drop(&mut self) {
        SCRATCH.give(std::mem::take(&mut self.values));
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.start..self.start + self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..self.start + self.len]
    }
}
