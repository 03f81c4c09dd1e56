//! Review of recorded parts: one thread reads and writes the record, another reads images ahead, and the compute thread
//! draws the maps. The window waits for none of them.
//!
//! Requests go in over a bounded channel; their effect is seen in [`ReviewState`]. A verdict is stored once
//! [`ReviewSnapshot::answered`] has reached its number.

mod eviction;
mod prefetch;
mod record_thread;
mod request;
mod state;
pub(super) mod task;
mod threads;

pub use request::{PrefetchRequest, ReviewRequest};
pub use state::{PartImage, RecordState, ReviewSnapshot, ReviewState, ReviewStatistics};
pub(super) use threads::ReviewThreads;
