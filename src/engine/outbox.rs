//! Sends events to the window and wakes it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, TrySendError};

use super::event::{Event, Severity};

/// Sender of events, which also wakes the window.
pub(super) struct Outbox {
    sender: Sender<Event>,
    /// The receiving end, to drop the oldest event when the queue is full.
    overflow: Receiver<Event>,
    wake: Arc<dyn Fn() + Send + Sync>,
    last_wake: Instant,
}

/// Shortest interval between wake-ups of the window by [`Outbox::wake`].
const WAKE_INTERVAL: Duration = Duration::from_millis(33);

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

    /// Logs a notice and sends it to the user.
    pub(super) fn notice(&mut self, severity: Severity, text: impl Into<String>, detail: impl Into<String>) {
        let (text, detail) = (text.into(), detail.into());
        match severity {
            Severity::Info => tracing::info!("{text} {detail}"),
            Severity::Warning => tracing::warn!("{text} {detail}"),
            Severity::Error => tracing::error!("{text} {detail}"),
        }
        self.send(Event::Notice { severity, text, detail });
    }

    /// Wakes the window, at most once per interval.
    pub(super) fn wake(&mut self) {
        if self.last_wake.elapsed() >= WAKE_INTERVAL {
            self.last_wake = Instant::now();
            (self.wake)();
        }
    }
}
