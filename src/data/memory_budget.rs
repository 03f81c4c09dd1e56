//! Memory of images that are read ahead.

use std::sync::Arc;

use parking_lot::Mutex;

/// Bytes of decoded images that may wait at the same time. Clones share it.
///
/// One image is always admitted, however large: otherwise it would never be read. What several threads read ahead is
/// bounded by bytes and not by the number of files, because one file may be a thousand times as large as another.
#[derive(Clone, Debug)]
pub(crate) struct MemoryBudget {
    limit: u64,
    used: Arc<Mutex<u64>>,
}

/// Bytes taken from a [`MemoryBudget`]; dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Reservation {
    bytes: u64,
    used: Arc<Mutex<u64>>,
}

impl MemoryBudget {
    /// For images read ahead of an inspection: 256 MiB.
    pub(crate) const READ_AHEAD: u64 = 256 << 20;

    /// A budget of `limit` bytes.
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, used: Arc::default() }
    }

    /// Takes bytes, if there is room for them or nothing is taken.
    pub(crate) fn reserve(&self, bytes: u64) -> Option<Reservation> {
        let mut used = self.used.lock();
        let has_room = *used == 0 || used.saturating_add(bytes) <= self.limit;
        has_room.then(|| {
            // At least one byte, so that an image always counts.
            let bytes = bytes.max(1);
            *used = used.saturating_add(bytes);
            Reservation { bytes, used: Arc::clone(&self.used) }
        })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut used = self.used.lock();
        *used = used.saturating_sub(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_counts_bytes_and_always_admits_one() {
        let budget = MemoryBudget::new(100);
        let large = budget.reserve(5_000).unwrap();
        assert!(budget.reserve(1).is_none());
        drop(large);
        let small: Vec<Reservation> = std::iter::from_fn(|| budget.clone().reserve(30)).collect();
        assert_eq!(small.len(), 3);
        drop(small);
        assert!(budget.reserve(100).is_some());
    }
}
