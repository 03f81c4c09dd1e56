//! When a second thread is worth its start.

use rayon::prelude::*;

/// Floats to be moved, below which one thread is sooner done than two have begun.
pub(super) const MOVED: usize = 1 << 15;

/// Multiplications likewise.
pub(super) const MULTIPLIED: usize = 1 << 22;

/// Calls `work` with each chunk of `values` and its number, on several threads when `worth`.
pub(super) fn each_chunk(
    values: &mut [f32],
    chunk: usize,
    worth: bool,
    work: impl Fn(usize, &mut [f32]) + Sync + Send,
) {
    if worth {
        values.par_chunks_mut(chunk).enumerate().for_each(|(i, chunk)| work(i, chunk));
    } else {
        values.chunks_mut(chunk).enumerate().for_each(|(i, chunk)| work(i, chunk));
    }
}

/// How many of `all` equal pieces of work one task does, so that every thread has some.
pub(super) fn share(all: usize) -> usize {
    let threads = rayon::current_num_threads();
    // Where there are many, smaller shares even out threads of different speed.
    let tasks = if all > 8 * threads { 4 * threads } else { threads };
    all.div_ceil(tasks).max(1)
}
