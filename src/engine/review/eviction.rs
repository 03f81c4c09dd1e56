//! Limits on the data kept in memory for review.

use std::{collections::BTreeMap, sync::Arc};

use super::state::ReviewState;
use crate::{engine::inspection::QueryView, review::InspectionId};

/// Removes entries that are not needed, until both limits (entries, bytes) hold.
pub(super) fn evict<K: Ord + Copy, V>(
    map: &mut BTreeMap<K, V>,
    needed: &[K],
    (most, most_bytes): (usize, usize),
    bytes: impl Fn(&V) -> usize,
) {
    let mut total: usize = map.values().map(&bytes).sum();
    let spare: Vec<K> = map.keys().copied().filter(|key| !needed.contains(key)).collect();
    for key in spare {
        if map.len() <= most && total <= most_bytes {
            return;
        }
        total -= map.remove(&key).as_ref().map_or(0, &bytes);
    }
    // If the needed entries alone exceed the limit, the last of them are removed.
    for key in needed.iter().skip(1).rev() {
        if total <= most_bytes {
            return;
        }
        total -= map.remove(key).as_ref().map_or(0, &bytes);
    }
}

/// Removes maps that are not needed.
pub(super) fn evict_maps(state: &ReviewState, needed: &[InspectionId]) {
    /// Most maps in memory, and most bytes of them.
    const LIMIT: (usize, usize) = (12, 256 << 20);
    let bytes = |map: &Result<Arc<QueryView>, String>| match map {
        Ok(view) => view.query.values().len() * 6 * size_of::<f32>(),
        Err(_) => 0,
    };
    evict(&mut state.maps.write(), needed, LIMIT, bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_wanted_goes_first() {
        let of = |keys: &[i32]| keys.iter().map(|k| (*k, 10_usize)).collect::<BTreeMap<_, _>>();
        let left = |mut map: BTreeMap<i32, usize>, needed: &[i32], bounds| {
            evict(&mut map, needed, bounds, |v| *v);
            map.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(left(of(&[1, 2, 3, 4]), &[4, 2], (3, 100)), [2, 3, 4]);
        assert_eq!(left(of(&[1, 2, 3, 4]), &[4, 2], (9, 20)), [2, 4]);
        assert_eq!(left(of(&[1, 2, 3, 4]), &[4, 2], (9, 5)), [4], "the displayed image stays");
        assert_eq!(left(of(&[1, 2]), &[], (9, 100)), [1, 2]);
    }
}
