//! Throughput of intake.

use std::{collections::VecDeque, time::Instant};

use crate::engine::intake::StreamStep;

/// Number of recent parts in the average.
const WINDOW: usize = 32;

/// Average time per part, including the time slices of other tasks.
#[derive(Debug, Default)]
pub(crate) struct IntakeRate {
    since: Option<Instant>,
    last: VecDeque<f64>,
}

impl IntakeRate {
    /// Updates the average after a slice.
    pub(crate) fn update<E>(&mut self, step: &Result<StreamStep, E>) {
        match step {
            Ok(StreamStep::Working) => {
                self.since.get_or_insert_with(Instant::now);
            }
            Ok(StreamStep::Done(_) | StreamStep::Refused(_)) => {
                if let Some(since) = self.since.replace(Instant::now()) {
                    self.last.push_back(since.elapsed().as_secs_f64());
                }
                if self.last.len() > WINDOW {
                    self.last.pop_front();
                }
            }
            Ok(StreamStep::Idle | StreamStep::Over) | Err(_) => self.since = None,
        }
    }

    /// Stops the clock, because no part is being inspected.
    pub(crate) fn pause(&mut self) {
        self.since = None;
    }

    /// Seconds per part; `None` before the first is done.
    pub(crate) fn seconds(&self) -> Option<f64> {
        let sum: f64 = self.last.iter().sum();
        (!self.last.is_empty()).then(|| (sum / self.last.len() as f64).max(1e-6))
    }
}
