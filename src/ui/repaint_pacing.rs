//! The frame rate at which the engine's results are drawn.
//!
//! With a GPU, thirty frames per second. If the window is drawn in software, on the cores that train, a frame costs a good
//! part of a training step: then a little more than one frame per second, and a few just after user input. Input itself is
//! always drawn at once.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use egui::Context;
use parking_lot::Mutex;

/// Interval with a GPU.
const GPU: Duration = Duration::from_millis(33);
/// Interval in software, shortly after user input.
const SOFTWARE_ACTIVE: Duration = Duration::from_millis(250);
/// Interval in software otherwise.
const SOFTWARE_IDLE: Duration = Duration::from_millis(750);
/// Time after user input for which frames come more often.
const ACTIVE: Duration = Duration::from_millis(1_500);

/// Shared by the window, which reports user input, and the engine, which requests frames.
#[derive(Debug, Default)]
pub(crate) struct RepaintPacing {
    software: AtomicBool,
    touched: Mutex<Option<Instant>>,
}

impl RepaintPacing {
    /// Sets whether the window is drawn in software.
    pub(crate) fn set_software(&self, software: bool) {
        self.software.store(software, Ordering::Relaxed);
    }

    /// Whether the window is drawn in software.
    pub(crate) fn software(&self) -> bool {
        self.software.load(Ordering::Relaxed)
    }

    /// Reports user input.
    pub(crate) fn touch(&self) {
        *self.touched.lock() = Some(Instant::now());
    }

    /// Requests a frame; calls within the interval are combined.
    pub(crate) fn wake(&self, ctx: &Context) {
        ctx.request_repaint_after(self.interval());
    }

    fn interval(&self) -> Duration {
        let touched = self.touched.lock().is_some_and(|at| at.elapsed() < ACTIVE);
        match (self.software(), touched) {
            (false, _) => GPU,
            (true, true) => SOFTWARE_ACTIVE,
            (true, false) => SOFTWARE_IDLE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_draws_seldom_and_more_often_when_the_window_was_touched() {
        let pacing = RepaintPacing::default();
        assert_eq!(pacing.interval(), GPU);
        pacing.set_software(true);
        assert_eq!(pacing.interval(), SOFTWARE_IDLE);
        pacing.touch();
        assert_eq!(pacing.interval(), SOFTWARE_ACTIVE);
    }
}
