//! Ends the work on files after a number of operations, as a kill of the process would. Only for tests.

use std::{cell::Cell, io};

thread_local! {
    /// Operations that still succeed on this thread; `None` for all of them.
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
}

/// Runs `work` on this thread, whose first `operations` on files succeed and all later ones fail; returns its result, and
/// whether any failed.
pub(crate) fn after<T>(operations: u64, work: impl FnOnce() -> T) -> (T, bool) {
    LEFT.set(Some(operations + 1));
    let result = work();
    let stopped = has_stopped();
    LEFT.set(None);
    (result, stopped)
}

/// Whether the process counts as killed; what it leaves behind then stays.
pub(crate) fn has_stopped() -> bool {
    LEFT.get() == Some(0)
}

/// Counts an operation.
pub(super) fn count() -> io::Result<()> {
    if let Some(left) = LEFT.get() {
        LEFT.set(Some(left.saturating_sub(1)));
        if left <= 1 {
            return Err(io::Error::other("the process was killed"));
        }
    }
    Ok(())
}
