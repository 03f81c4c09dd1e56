//! Starts and stops the record thread and the prefetch thread.

use std::{io, sync::Arc, thread};

use crossbeam_channel::{Sender, TrySendError, bounded};

use super::{
    prefetch::PrefetchThread,
    record_thread::RecordThread,
    request::{PrefetchRequest, ReviewRequest},
};
use crate::engine::{EngineState, outbox::Outbox};

/// Capacity of the record thread's queue of requests.
const REQUESTS: usize = 64;

/// The threads `ganspect-review` and `ganspect-pictures`. Dropping this ends them once all requests are handled.
#[derive(Debug)]
pub(in crate::engine) struct ReviewThreads {
    requests: Option<Sender<ReviewRequest>>,
    wake_sender: Sender<()>,
    state: Arc<EngineState>,
    record_thread: Option<thread::JoinHandle<()>>,
}

impl ReviewThreads {
    /// Starts the threads, which call `wake` when there is something new to show.
    pub(in crate::engine) fn start(
        state: Arc<EngineState>,
        outbox: Outbox,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> io::Result<Self> {
        let (requests, inbox) = bounded(REQUESTS);
        let (wake_sender, wakes) = bounded(1);
        let record_thread = RecordThread::new(inbox, outbox, Arc::clone(&wake), Arc::clone(&state));
        let record_thread = thread::Builder::new().name("ganspect-review".into()).spawn(move || record_thread.run())?;
        let prefetch = PrefetchThread::new(Arc::clone(&state), wake);
        thread::Builder::new().name("ganspect-pictures".into()).spawn(move || prefetch.run(&wakes))?;
        Ok(Self { requests: Some(requests), wake_sender, state, record_thread: Some(record_thread) })
    }

    /// Queues a request without waiting; `false` when the queue is full.
    pub(in crate::engine) fn send(&self, request: ReviewRequest) -> bool {
        self.requests.as_ref().is_some_and(|requests| requests.try_send(request).is_ok())
    }

    /// Replaces the list of parts whose images are needed.
    pub(in crate::engine) fn prefetch(&self, requested: Arc<[PrefetchRequest]>) {
        *self.state.review.requested.lock() = requested;
        // A full channel is fine: the thread will be woken anyway.
        if let Err(TrySendError::Disconnected(())) = self.wake_sender.try_send(()) {
            tracing::warn!("the prefetch thread has ended");
        }
        self.send(ReviewRequest::LoadFindings);
    }
}

impl Drop for ReviewThreads {
    fn drop(&mut self) {
        // The record thread handles the waiting requests and ends when the channel is closed.
        self.requests = None;
        if let Some(record_thread) = self.record_thread.take() {
            let _ = record_thread.join();
        }
    }
}
