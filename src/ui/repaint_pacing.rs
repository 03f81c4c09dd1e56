//! How often the window is drawn for the compute thread's sake.
//!
//! With a GPU, thirty times a second. Where the window is drawn in software, on the same cores that
//! train, a frame costs as much as a good part of a training step: then a little more than once a
//! second is enough, and a few times a second just after the user has touched something. What the
//! user does is drawn at once in any case, and waits less the fewer other frames are under way.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use egui::Context;
use parking_lot::Mutex;

const OFTEN: Duration = Duration::from_millis(33);
const ATTENDED: Duration = Duration::from_millis(250);
const SELDOM: Duration = Duration::from_millis(750);
/// The user waits for an answer this long after an input.
const ATTENTION: Duration = Duration::from_millis(1_500);

/// Shared by the window, which says when it was touched, and the compute thread, which wakes it.
#[derive(Debug, Default)]
pub struct RepaintPacing {
    software: AtomicBool,
    touched: Mutex<Option<Instant>>,
}

impl RepaintPacing {
    /// Says whether the window is drawn in software.
    pub fn set_software(&self, software: bool) {
        self.software.store(software, Ordering::Relaxed);
    }

    /// Whether the window is drawn in software.
    pub fn software(&self) -> bool {
        self.software.load(Ordering::Relaxed)
    }

    /// The user did something.
    pub fn touch(&self) {
        *self.touched.lock() = Some(Instant::now());
    }

    /// Sees to it that the window is drawn before long. Any number of calls make one frame.
    pub fn wake(&self, ctx: &Context) {
        ctx.request_repaint_after(self.interval());
    }

    fn interval(&self) -> Duration {
        let touched = self.touched.lock().is_some_and(|at| at.elapsed() < ATTENTION);
        match (self.software(), touched) {
            (false, _) => OFTEN,
            (true, true) => ATTENDED,
            (true, false) => SELDOM,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_draws_seldom_and_more_often_when_the_window_was_touched() {
        let pace = RepaintPacing::default();
        assert_eq!(pace.interval(), OFTEN);
        pace.set_software(true);
        assert_eq!(pace.interval(), SELDOM);
        pace.touch();
        assert_eq!(pace.interval(), ATTENDED);
    }
}
