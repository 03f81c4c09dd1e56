//! Throughput of intake, and the time that its backlog takes.

use std::{collections::VecDeque, time::Instant};

use super::stream::StreamStep;
use crate::time::Backlog;

/// Number of recent parts in the average.
const WINDOW: usize = 32;

/// Measures the time per part, including the time slices of other tasks, but no time in which no part is inspected.
#[derive(Debug, Default)]
pub(crate) struct IntakeRate {
    since: Option<Instant>,
    last: VecDeque<f64>,
    /// Parts inspected or refused, and the seconds for them.
    done: usize,
    seconds: f64,
    backlog: Backlog,
}

impl IntakeRate {
    /// Takes in a slice.
    pub(crate) fn update<E>(&mut self, step: &Result<StreamStep, E>) {
        match step {
            Ok(StreamStep::Working) => {
                self.since.get_or_insert_with(Instant::now);
            }
            Ok(StreamStep::Done(_) | StreamStep::Refused(_)) => {
                // Parts that are refused at once take no time.
                let seconds = self.since.replace(Instant::now()).map_or(0.0, |since| since.elapsed().as_secs_f64());
                self.done += 1;
                self.seconds += seconds;
                self.last.push_back(seconds);
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

    /// Average seconds per part of late; `None` before the first is done.
    pub(crate) fn seconds(&self) -> Option<f64> {
        let sum: f64 = self.last.iter().sum();
        (!self.last.is_empty()).then(|| (sum / self.last.len() as f64).max(1e-6))
    }

    /// Estimates the seconds for the parts that wait; `None` without any, or before they can be told.
    pub(crate) fn seconds_left(&mut self, waiting: usize) -> Option<f64> {
        if waiting == 0 {
            return None;
        }
        self.backlog.update(self.seconds, self.done, waiting)
    }
}
