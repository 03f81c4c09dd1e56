//! The priority of the threads that compute.

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// A low priority from 0 to 99, where 50 is normal; on Linux, 10 is a niceness of 15.
const LOW: u8 = 10;

/// Priority of the threads that compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// As other programs: nothing waits for this process but its result.
    #[default]
    Normal,
    /// Below other threads, so that a window's thread goes first: a slow step hurts less than a slow click.
    Low,
}

impl Priority {
    /// Sets the priority of the current thread. The tensor library's threads are started from it and inherit its priority.
    pub(crate) fn apply(self) {
        if self == Self::Normal {
            return;
        }
        let lowered = match ThreadPriorityValue::try_from(LOW) {
            Ok(priority) => set_current_thread_priority(ThreadPriority::Crossplatform(priority)),
            Err(error) => return tracing::debug!("the thread keeps its priority: {error}"),
        };
        if let Err(error) = lowered {
            tracing::debug!("the thread keeps its priority: {error:?}");
        }
    }
}
