//! How many parts a minute, and how long those that wait will take.

use std::{collections::VecDeque, time::Instant};

use crate::engine::intake::stream::StreamStep;

/// Parts by which the pace is told.
const PACED: usize = 32;

/// How long a part takes, whatever else the compute thread does in between.
#[derive(Debug, Default)]
pub(crate) struct IntakeRate {
    since: Option<Instant>,
    last: VecDeque<f64>,
}

impl IntakeRate {
    pub(crate) fn note<E>(&mut self, turn: &Result<StreamStep, E>) {
        match turn {
            Ok(StreamStep::Working) => {
                self.since.get_or_insert_with(Instant::now);
            }
            Ok(StreamStep::Done(_) | StreamStep::Refused(_)) => {
                if let Some(since) = self.since.replace(Instant::now()) {
                    self.last.push_back(since.elapsed().as_secs_f64());
                }
                if self.last.len() > PACED {
                    self.last.pop_front();
                }
            }
            Ok(StreamStep::Idle | StreamStep::Over) | Err(_) => self.since = None,
        }
    }

    /// No part is in hand.
    pub(crate) fn rest(&mut self) {
        self.since = None;
    }

    /// Seconds a part; `None` before the first is done.
    pub(crate) fn seconds(&self) -> Option<f64> {
        let sum: f64 = self.last.iter().sum();
        (!self.last.is_empty()).then(|| (sum / self.last.len() as f64).max(1e-6))
    }
}
