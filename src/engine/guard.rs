//! The one place that catches panics of the compute thread's work, as a broken device causes them.

use std::{panic, panic::AssertUnwindSafe};

use crate::device;

/// Runs `work`.
///
/// # Errors
/// The panic's message, when `work` panics.
pub(super) fn guard<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| device::panic_text(payload.as_ref()))
}
