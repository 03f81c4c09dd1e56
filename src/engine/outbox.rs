//! The way out of the compute thread.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError};

use super::event::{Event, Severity};

/// Events, and the window's alarm clock.
pub(super) struct Outbox {
    sender: Sender<Event>,
    /// The receiving end, to let the oldest event go when nobody fetches them.
    overflow: Receiver<Event>,
    wake: Arc<dyn Fn() + Send + Sync>,
    last_wake: Instant,
}

/// The window is woken no more often than this.
const WAKE_EVERY: Duration = Duration::from_millis(33);

impl Outbox {
    pub(super) fn new(sender: Sender<Event>, overflow: Receiver<Event>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { sender, overflow, wake, last_wake: Instant::now() }
    }

    /// Sends an event and wakes the window.
    pub(super) fn send(&mut self, mut event: Event) {
        while let Err(TrySendError::Full(back)) = self.sender.try_send(event) {
            let _ = self.overflow.try_recv();
            event = back;
        }
        (self.wake)();
    }

    /// Sends a sentence for the user.
    pub(super) fn notice(&mut self, severity: Severity, text: impl Into<String>, detail: impl Into<String>) {
        let (text, detail) = (text.into(), detail.into());
        match severity {
            Severity::Info => tracing::info!("{text} {detail}"),
            Severity::Warning => tracing::warn!("{text} {detail}"),
            Severity::Error => tracing::error!("{text} {detail}"),
        }
        self.send(Event::Notice { severity, text, detail });
    }

    /// Wakes the window unless that was done a moment ago.
    pub(super) fn wake(&mut self) {
        if self.last_wake.elapsed() >= WAKE_EVERY {
            self.last_wake = Instant::now();
            (self.wake)();
        }
    }
}
