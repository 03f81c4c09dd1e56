//! A copy of a run's history for the curves, extended by new rows only and smoothed incrementally.

use std::{
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::RwLock;

use crate::{
    train::{CurveMark, History, Metric},
    ui::{
        XAxis,
        widgets::{
            series,
            series::{Curve, partition},
        },
    },
};

/// Number of rows copied per lock of the history.
const CHUNK: usize = 16_384;

/// Number of feeds created so far, the source of their ids.
static FEEDS: AtomicU64 = AtomicU64::new(0);

/// The curves of one history.
#[derive(Debug)]
pub(crate) struct Feed {
    id: u64,
    steps: Vec<u64>,
    /// Seconds since the Unix epoch, kept ascending where the clock was set back.
    wall: Vec<f64>,
    /// The newest row's time as recorded in the history.
    newest: f64,
    curves: Vec<Curve>,
    marks: Vec<CurveMark>,
    generation: u64,
    weight: f64,
    version: u64,
    /// Values copied under the lock and not yet added to the curves, column by column.
    staged: Vec<f32>,
}

impl Feed {
    /// Creates an empty feed that smooths with `weight`.
    pub(crate) fn new(weight: f64) -> Self {
        let curves = Metric::ALL.iter().map(|_| Curve::new(weight)).collect();
        Self {
            id: FEEDS.fetch_add(1, Ordering::Relaxed),
            steps: Vec::new(),
            wall: Vec::new(),
            newest: 0.0,
            curves,
            marks: Vec::new(),
            generation: 0,
            weight,
            version: 0,
            staged: Vec::new(),
        }
    }

    /// Adds the new rows of a history that is being written.
    pub(crate) fn follow(&mut self, history: &RwLock<History>) {
        loop {
            let more = self.copy(&history.read());
            self.smooth_new();
            if !more {
                break;
            }
        }
    }

    /// Adds a complete history.
    pub(crate) fn take(&mut self, history: &History) {
        while self.copy(history) {
            self.smooth_new();
        }
        self.smooth_new();
    }

    /// Copies the next rows; returns whether there are more.
    fn copy(&mut self, history: &History) -> bool {
        if history.generation != self.generation || !self.is_prefix_of(history) {
            *self = Self { generation: history.generation, ..Self::new(self.weight) };
        }
        if history.marks.len() != self.marks.len() {
            self.marks.clone_from(&history.marks);
            self.version += 1;
        }
        let (from, to) = (self.steps.len(), history.len().min(self.steps.len() + CHUNK));
        if from < to {
            self.steps.extend(history.steps.get(from..to).unwrap_or_default());
            for wall in history.wall.get(from..to).unwrap_or_default() {
                let last = self.wall.last().copied().unwrap_or(f64::NEG_INFINITY);
                self.wall.push(wall.max(last));
                self.newest = *wall;
            }
            for metric in Metric::ALL {
                let column = history.column(metric).get(from..to).unwrap_or_default();
                self.staged.extend(column);
                // Missing values of a short column are NaN.
                self.staged.extend(std::iter::repeat_n(f32::NAN, to - from - column.len()));
            }
            self.version += 1;
        }
        to < history.len()
    }

    /// Whether the rows copied so far are the beginning of this history, by comparing the last of them: another run may
    /// have replaced it.
    fn is_prefix_of(&self, history: &History) -> bool {
        match self.steps.len().checked_sub(1) {
            Some(last) => history.steps.get(last) == self.steps.last() && history.wall.get(last) == Some(&self.newest),
            None => true,
        }
    }

    /// Smooths the copied rows.
    fn smooth_new(&mut self) {
        let rows = self.staged.len() / Metric::ALL.len();
        if rows > 0 {
            let first = self.steps.len() - rows;
            for (curve, values) in self.curves.iter_mut().zip(self.staged.chunks(rows)) {
                for (i, value) in values.iter().enumerate() {
                    curve.push(first + i, *value);
                }
            }
            self.staged.clear();
        }
    }

    /// Sets the smoothing weight, and smooths all curves again if it changed.
    pub(crate) fn set_weight(&mut self, weight: f64) {
        if self.weight != weight {
            self.weight = weight;
            series::smooth_all(&mut self.curves, weight);
            self.version += 1;
        }
    }

    /// Returns the feed's id, and a number that changes with everything that affects drawing.
    pub(crate) fn version(&self) -> (u64, u64) {
        (self.id, self.version)
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns the curve of a metric.
    pub(crate) fn curve(&self, metric: Metric) -> Option<&Curve> {
        self.curves.get(metric as usize)
    }

    /// Returns the marks on the curves, by ascending step.
    pub(crate) fn marks(&self) -> &[CurveMark] {
        &self.marks
    }

    /// Returns the step of a row.
    pub(crate) fn step(&self, row: usize) -> Option<u64> {
        self.steps.get(row).copied()
    }

    /// Returns a row's time in seconds since the Unix epoch, and since the run's first row.
    pub(crate) fn times(&self, row: usize) -> Option<(f64, f64)> {
        let wall = *self.wall.get(row)?;
        Some((wall, wall - self.wall.first()?))
    }

    /// Returns the position of a row on the horizontal axis.
    pub(crate) fn x(&self, axis: XAxis, row: usize) -> f64 {
        match axis {
            XAxis::Step => self.steps.get(row).map_or(f64::NAN, |s| *s as f64),
            XAxis::Wall => self.wall.get(row).copied().unwrap_or(f64::NAN),
            XAxis::Relative => self.times(row).map_or(f64::NAN, |t| t.1),
        }
    }

    /// Returns the first and the last position on the horizontal axis.
    pub(crate) fn span(&self, axis: XAxis) -> Option<(f64, f64)> {
        let last = self.len().checked_sub(1)?;
        Some((self.x(axis, 0), self.x(axis, last)))
    }

    /// Returns the rows within a range of the horizontal axis, ends included.
    pub(crate) fn rows(&self, axis: XAxis, (from, to): (f64, f64)) -> Range<usize> {
        let start = partition(0..self.len(), |row| self.x(axis, row) < from);
        let count = partition(start..self.len(), |row| self.x(axis, row) <= to);
        start..start + count
    }

    /// Returns the row nearest to a position on the horizontal axis.
    pub(crate) fn nearest(&self, axis: XAxis, x: f64) -> Option<usize> {
        let after = partition(0..self.len(), |row| self.x(axis, row) < x);
        let before = after.saturating_sub(1);
        if after >= self.len() {
            return self.len().checked_sub(1);
        }
        Some(if x - self.x(axis, before) < self.x(axis, after) - x { before } else { after })
    }

    /// Returns the row of a step, or the next one.
    pub(crate) fn row_of_step(&self, step: u64) -> usize {
        self.steps.partition_point(|s| *s < step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(history: &mut History, step: u64, value: f32) {
        let mut row = [f32::NAN; Metric::ALL.len()];
        row[Metric::GLoss as usize] = value;
        history.push(step, 1000.0 + step as f64 * 0.5, &row);
    }

    fn values(feed: &Feed) -> &[f32] {
        feed.curve(Metric::GLoss).unwrap().raw().values()
    }

    #[test]
    fn new_rows_are_added_to_the_old_ones() {
        let history = RwLock::new(History::default());
        let mut feed = Feed::new(0.5);
        feed.follow(&history);
        assert!(feed.is_empty());
        for step in 1..=CHUNK as u64 + 10 {
            push(&mut history.write(), step, step as f32);
        }
        feed.follow(&history);
        push(&mut history.write(), 100_000, -1.0);
        feed.follow(&history);
        assert_eq!(feed.len(), CHUNK + 11);
        assert_eq!(values(&feed).last(), Some(&-1.0));
        assert_eq!(feed.step(CHUNK + 10), Some(100_000));
        let version = feed.version();
        feed.follow(&history);
        assert_eq!(feed.version(), version, "nothing new, nothing to redraw");
    }

    #[test]
    fn a_run_taken_back_to_an_earlier_step_starts_over() {
        let history = RwLock::new(History::default());
        let mut feed = Feed::new(0.5);
        (1..=10).for_each(|step| push(&mut history.write(), step, 1.0));
        feed.follow(&history);
        history.write().truncate_from(6);
        (6..=20).for_each(|step| push(&mut history.write(), step, 2.0));
        feed.follow(&history);
        assert_eq!(feed.len(), 20);
        assert_eq!(values(&feed)[4..6], [1.0, 2.0]);
        let mut fresh = Feed::new(0.5);
        fresh.take(&history.read());
        let smooth = |f: &Feed| f.curve(Metric::GLoss).unwrap().smooth().values().to_vec();
        assert_eq!(smooth(&feed), smooth(&fresh));
    }

    #[test]
    fn another_run_in_the_same_place_starts_over() {
        let history = RwLock::new(History::default());
        let mut feed = Feed::new(0.5);
        (1..=10).for_each(|step| push(&mut history.write(), step, 1.0));
        feed.follow(&history);
        let mut other = History::default();
        for step in 1..=20 {
            other.push(step, 9e6 + step as f64, &[3.0; Metric::ALL.len()]);
        }
        *history.write() = other;
        feed.follow(&history);
        assert_eq!(values(&feed), [3.0; 20]);
    }

    #[test]
    fn every_axis_finds_the_same_row() {
        let mut history = History::default();
        [1, 2, 10, 11, 50].into_iter().for_each(|step| push(&mut history, step, 0.0));
        let mut feed = Feed::new(0.0);
        feed.take(&history);
        for axis in XAxis::ALL {
            for row in 0..feed.len() {
                let x = feed.x(axis, row);
                assert_eq!(feed.nearest(axis, x + 0.1), Some(row), "{axis:?}");
                assert_eq!(feed.rows(axis, (x, x)), row..row + 1, "{axis:?}");
            }
        }
        assert_eq!(feed.nearest(XAxis::Step, 1e9), Some(4));
        assert_eq!(feed.span(XAxis::Relative), Some((0.0, 24.5)));
        assert_eq!(feed.row_of_step(9), 2);
    }

    #[test]
    fn a_clock_set_back_does_not_turn_the_curves_around() {
        let mut history = History::default();
        for (step, wall) in [(1, 10.0), (2, 5.0), (3, 12.0)] {
            history.push(step, wall, &[0.0; Metric::ALL.len()]);
        }
        let mut feed = Feed::new(0.0);
        feed.take(&history);
        assert_eq!((0..3).map(|row| feed.x(XAxis::Wall, row)).collect::<Vec<_>>(), [10.0, 10.0, 12.0]);
    }
}
