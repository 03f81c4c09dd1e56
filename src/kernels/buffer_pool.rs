//! Memory that is used again. Fresh memory is set to zero by one thread, and given out page by page by the system, which
//! takes longer than all threads take to fill it.

use std::ops::{Deref, DerefMut};

use parking_lot::Mutex;

use super::{
    burn_ops::{Cpu, is_by_pixels},
    layout::LANES,
    parallel::{MOVED, each_chunk},
};

/// Lines of floats that are kept for the next to need some.
struct Pool {
    lines: Mutex<Vec<Vec<f32>>>,
    /// Floats that are kept, at most.
    most: usize,
}

impl Pool {
    const fn new(most: usize) -> Self {
        Self { lines: Mutex::new(Vec::new()), most }
    }

    /// A line of a length that `fits`, with whatever values it has.
    fn take(&self, fits: impl Fn(usize) -> bool) -> Option<Vec<f32>> {
        let mut lines = self.lines.lock();
        // The last to be given back is the likeliest to be in the cache.
        lines.iter().rposition(|line| fits(line.len())).map(|i| lines.remove(i))
    }

    fn give(&self, line: Vec<f32>) {
        // A few are soon set to zero.
        if line.len() < MOVED {
            return;
        }
        let mut lines = self.lines.lock();
        lines.push(line);
        let mut all: usize = lines.iter().map(Vec::len).sum();
        while all > self.most {
            all -= lines.remove(0).len();
        }
    }
}

/// What kernels lay out for themselves.
static OWN: Pool = Pool::new(1 << 24);
/// The values of tensors.
static VALUES: Pool = Pool::new(1 << 25);

/// So many floats, whatever their values: each is to be written before it is read.
pub fn fresh(len: usize) -> Vec<f32> {
    // A line that is longer would be wanting to those who need all of it.
    let kept = |most: usize| VALUES.take(|kept| (len..=most).contains(&kept));
    let found = if len < MOVED { None } else { kept(len).or_else(|| kept(len + len / 8)) };
    found.map_or_else(
        || vec![0.0; len],
        |mut line| {
            line.truncate(len);
            line
        },
    )
}

/// Columns of a matrix that are turned together: what is read of a row is a few cache lines.
const TURNED: usize = 64;

/// The transpose of a matrix of `rows` by `columns`, row by row.
pub(super) fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = fresh(values.len());
    let worth = out.len() > MOVED;
    each_chunk(&mut out, (TURNED * rows).max(1), worth, |i, out| {
        for (r, row) in values.chunks_exact(columns.max(1)).enumerate() {
            let own = row[i * TURNED..].iter().take(out.len() / rows);
            out[r..].iter_mut().step_by(rows).zip(own).for_each(|(to, v)| *to = *v);
        }
    });
    out
}

/// The axes in the order in which they lie in memory. Takes the tensor, whose memory would have two owners otherwise.
fn by_memory(tensor: Cpu) -> Cpu {
    if is_by_pixels(&tensor) { tensor.permute(&[1, 2, 3, 0]) } else { tensor }
}

/// Keeps the memory of tensors that nobody else has, where it is a line of floats as it stands: Burn's own is not.
pub(super) fn reclaim(tensors: impl IntoIterator<Item = Cpu>) {
    for tensor in tensors {
        let floats = tensor.layout().num_elements();
        if floats < MOVED || !tensor.is_unique() || tensor.bytes().len() != size_of::<f32>() * floats {
            continue;
        }
        let line = by_memory(tensor);
        if line.is_contiguous()
            && let Ok(line) = line.into_data().into_bytes().try_into_vec::<f32>()
        {
            VALUES.give(line);
        }
    }
}

/// Floats that begin at a cache line, so that whole vectors are read from as few lines as can be.
#[derive(Debug)]
pub(super) struct Aligned {
    values: Vec<f32>,
    start: usize,
    len: usize,
}

impl Aligned {
    pub fn zeros(len: usize) -> Self {
        Self::of(vec![0.0; len + LANES], len)
    }

    /// Whatever values there are: each is to be written before it is read.
    pub fn stale(len: usize) -> Self {
        let found = OWN.take(|kept| (len + LANES..2 * len + 64 * LANES).contains(&kept));
        found.map_or_else(|| Self::zeros(len), |values| Self::of(values, len))
    }

    fn of(values: Vec<f32>, len: usize) -> Self {
        let start = values.as_ptr().align_offset(64).min(LANES);
        Self { values, start, len }
    }
}

impl Drop for Aligned {
    fn drop(&mut self) {
        OWN.give(std::mem::take(&mut self.values));
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
