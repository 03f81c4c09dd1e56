//! Starts and stops the record thread and the prefetch thread.

use std::{io, sync::Arc, thread};

use crossbeam_channel::{Sender, TrySendError, bounded};

use super::{
    prefetch::PrefetchThread,
    record_thread::RecordThread,
    request::{PrefetchRequest, ReviewRequest},
};
use crate::engine::{outbox::Outbox, state::EngineState};

/// Capacity of the record thread's queue of requests.
const REQUESTS: usize = 64;

/// The threads `ganspect-review` and `ganspect-pictures`; they end when this is dropped, and what was said until then is
/// kept first.
#[derive(Debug)]
pub(in crate::engine) struct ReviewThreads {
    requests: Option<Sender<ReviewRequest>>,
    bell: Sender<()>,
    live: Arc<EngineState>,
    clerk: Option<thread::JoinHandle<()>>,
}

impl ReviewThreads {
    /// Starts the threads. `wake` is called when there is something new to show.
    pub(in crate::engine) fn start(
        live: Arc<EngineState>,
        outbox: Outbox,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> io::Result<Self> {
        let (requests, inbox) = bounded(REQUESTS);
        let (bell, rings) = bounded(1);
        let clerk = RecordThread::new(inbox, outbox, Arc::clone(&wake), Arc::clone(&live));
        let clerk = thread::Builder::new().name("ganspect-review".into()).spawn(move || clerk.run())?;
        let reader = PrefetchThread::new(Arc::clone(&live), wake);
        thread::Builder::new().name("ganspect-pictures".into()).spawn(move || reader.run(&rings))?;
        Ok(Self { requests: Some(requests), bell, live, clerk: Some(clerk) })
    }

    /// Hands an ask over without waiting; `false` when too many wait already.
    pub(in crate::engine) fn send(&self, request: ReviewRequest) -> bool {
        self.requests.as_ref().is_some_and(|requests| requests.try_send(request).is_ok())
    }

    /// Says which parts are on show or soon will be.
    pub(in crate::engine) fn prefetch(&self, wanted: Arc<[PrefetchRequest]>) {
        *self.live.review.wanted.lock() = wanted;
        // A bell that has rung already is as good, and so is an ask that waits.
        if let Err(TrySendError::Disconnected(())) = self.bell.try_send(()) {
            tracing::warn!("pictures are not read ahead any more");
        }
        self.send(ReviewRequest::LoadFindings);
    }
}

impl Drop for ReviewThreads {
    fn drop(&mut self) {
        // The clerk answers what waits, and ends when nobody can ask any more.
        self.requests = None;
        if let Some(clerk) = self.clerk.take() {
            let _ = clerk.join();
        }
    }
}
