//! Pools of buffers for reuse. The operating system hands out new memory page by page, and one thread zeroes it, which
//! takes longer than the kernels take to fill it.

use parking_lot::Mutex;

/// Floats below which a buffer is not kept: a small one is quickly allocated.
pub(super) const MIN_POOLED: usize = 1 << 15;

/// Buffers kept for reuse.
pub(super) struct Pool {
    buffers: Mutex<Vec<Vec<f32>>>,
    /// Maximum number of floats kept.
    capacity: usize,
}

impl Pool {
    const fn new(capacity: usize) -> Self {
        Self { buffers: Mutex::new(Vec::new()), capacity }
    }

    /// Takes a buffer whose length `fits`, with arbitrary values.
    pub(crate) fn take(&self, fits: impl Fn(usize) -> bool) -> Option<Vec<f32>> {
        let mut buffers = self.buffers.lock();
        // The last one returned is the most likely to be in the cache.
        buffers.iter().rposition(|buffer| fits(buffer.len())).map(|i| buffers.remove(i))
    }

    /// Keeps a buffer, dropping the oldest ones beyond the capacity.
    pub(crate) fn give(&self, buffer: Vec<f32>) {
        if buffer.len() < MIN_POOLED {
            return;
        }
        let mut buffers = self.buffers.lock();
        buffers.push(buffer);
        let mut total: usize = buffers.iter().map(Vec::len).sum();
        while total > self.capacity {
            total -= buffers.remove(0).len();
        }
    }
}

/// Scratch memory of the kernels.
pub(super) static SCRATCH: Pool = Pool::new(1 << 24);
/// Values of tensors.
pub(super) static TENSORS: Pool = Pool::new(1 << 25);

/// Returns `len` floats of arbitrary values, from the pool if possible: write each before reading it.
pub(crate) fn take_buffer(len: usize) -> Vec<f32> {
    // Much longer buffers are left for requests that need them.
    let take = |max: usize| TENSORS.take(|kept| (len..=max).contains(&kept));
    let found = if len < MIN_POOLED { None } else { take(len).or_else(|| take(len + len / 8)) };
    found.map_or_else(
        || vec![0.0; len],
        |mut buffer| {
            buffer.truncate(len);
            buffer
        },
    )
}
