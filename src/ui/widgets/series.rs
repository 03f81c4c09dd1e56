//! Data structures behind the curves: smoothing of the full series, and a pyramid of minima and maxima from which any range
//! is drawn with a few points per pixel column.

use std::{ops::Range, thread};

/// Nodes per node of the next level of a pyramid.
const FAN: usize = 16;

/// Number of values below which smoothing is faster than starting a thread.
const PARALLEL_MIN: usize = 50_000;

/// Maximum number of threads; more would each have too little work.
const MAX_THREADS: usize = 4;

/// Exponential moving average with bias correction, as in TensorBoard: `m = w m + (1 - w) v`, displayed as `m / (1 - w^n)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ema {
    weight: f64,
    mean: f64,
    /// `weight` to the power of the number of values so far.
    decay: f64,
}

impl Ema {
    /// An average in which past values have this weight, 0 (no smoothing) to just below 1.
    pub(crate) fn new(weight: f64) -> Self {
        Self { weight, mean: 0.0, decay: 1.0 }
    }

    /// Adds a finite value and returns the average.
    pub(crate) fn push(&mut self, value: f32) -> f32 {
        self.mean = self.weight * self.mean + (1.0 - self.weight) * f64::from(value);
        // The bias is below the precision by now.
        if self.decay < 1e-17 {
            return self.mean as f32;
        }
        self.decay *= self.weight;
        (self.mean / (1.0 - self.decay)) as f32
    }
}

/// Minimum and maximum of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    /// Minimum.
    pub min: f32,
    /// Maximum.
    pub max: f32,
    /// Smallest value above zero, infinite if there is none; the start of a logarithmic axis.
    pub least_positive: f32,
}

impl Extent {
    /// The extent of no values.
    pub(crate) const NOTHING: Self = Self { min: f32::INFINITY, max: f32::NEG_INFINITY, least_positive: f32::INFINITY };

    fn of(value: f32) -> Self {
        Self { min: value, max: value, least_positive: if value > 0.0 { value } else { f32::INFINITY } }
    }

    /// Extends this extent by `other`.
    pub(crate) fn merge(&mut self, other: Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.least_positive = self.least_positive.min(other.least_positive);
    }
}

/// The union of several extents.
fn merged(extents: impl Iterator<Item = Extent>) -> Extent {
    extents.fold(Extent::NOTHING, |mut whole, extent| {
        whole.merge(extent);
        whole
    })
}

/// A growing series of finite values with the extents of blocks of 16, 256, 4,096 … of them, so that the extent of any
/// range takes a few dozen steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pyramid {
    values: Vec<f32>,
    levels: Vec<Vec<Extent>>,
}

impl Pyramid {
    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// The values.
    pub(crate) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Appends a finite value.
    pub(crate) fn push(&mut self, value: f32) {
        let mut i = self.values.len();
        self.values.push(value);
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        let extent = Extent::of(value);
        for level in &mut self.levels {
            i /= FAN;
            match level.get_mut(i) {
                Some(node) => node.merge(extent),
                None => level.push(extent),
            }
        }
        if let Some(top) = self.levels.last().filter(|top| top.len() > FAN) {
            let above = top.chunks(FAN).map(|nodes| merged(nodes.iter().copied())).collect();
            self.levels.push(above);
        }
    }

    /// Replaces all values by `map` of `values`, in order, and reuses the memory.
    fn refill(&mut self, values: &[f32], mut map: impl FnMut(f32) -> f32) {
        self.values.clear();
        self.values.reserve(values.len());
        let mut level = self.levels.drain(..).next().unwrap_or_default();
        level.clear();
        // One node at a time, so that its values are still in the cache when their extent is computed.
        for nodes in values.chunks(FAN) {
            let start = self.values.len();
            self.values.extend(nodes.iter().map(|v| map(*v)));
            level.push(merged(self.values.iter().skip(start).copied().map(Extent::of)));
        }
        while level.len() > FAN {
            let above = level.chunks(FAN).map(|nodes| merged(nodes.iter().copied())).collect();
            self.levels.push(std::mem::replace(&mut level, above));
        }
        self.levels.push(level);
    }

    /// The extent of the values in `range`.
    pub(crate) fn extent(&self, range: Range<usize>) -> Extent {
        let mut out = Extent::NOTHING;
        let (mut a, mut b) = (range.start, range.end.min(self.values.len()));
        let mut add_values = |range: Range<usize>| {
            for value in self.values.get(range).unwrap_or_default() {
                out.merge(Extent::of(*value));
            }
        };
        let (head, tail) = (a.next_multiple_of(FAN).min(b), b - b % FAN);
        if head >= tail {
            add_values(a..b);
            return out;
        }
        add_values(a..head);
        add_values(tail..b);
        (a, b) = (head / FAN, tail / FAN);
        for (i, level) in self.levels.iter().enumerate() {
            let mut add = |range: Range<usize>| {
                for node in level.get(range).unwrap_or_default() {
                    out.merge(*node);
                }
            };
            let (head, tail) = (a.next_multiple_of(FAN).min(b), b - b % FAN);
            if head >= tail || i + 1 == self.levels.len() {
                add(a..b);
                break;
            }
            add(a..head);
            add(tail..b);
            (a, b) = (head / FAN, tail / FAN);
        }
        out
    }

    /// Number of values in `range` below `low` or above `high`. Blocks that are entirely inside or outside are counted
    /// without visiting their values.
    pub(crate) fn count_outside(&self, range: Range<usize>, low: f32, high: f32) -> usize {
        let range = range.start..range.end.min(self.values.len());
        if range.is_empty() {
            return 0;
        }
        let top = self.levels.len();
        let span = FAN.pow(top as u32);
        (range.start / span..range.end.div_ceil(span)).map(|i| self.count_node(top, i, &range, low, high)).sum()
    }

    /// [`Pyramid::count_outside`] for node `i` of `level`; level 0 holds the values.
    fn count_node(&self, level: usize, i: usize, range: &Range<usize>, low: f32, high: f32) -> usize {
        let span = FAN.pow(level as u32);
        let covered = (i * span).max(range.start)..((i + 1) * span).min(range.end);
        if covered.is_empty() {
            return 0;
        }
        let extent = match level.checked_sub(1) {
            None => return self.values.get(i).map_or(0, |v| usize::from(*v < low || *v > high)),
            // The extent of the root is not stored.
            Some(l) => self.levels.get(l).and_then(|nodes| nodes.get(i)),
        };
        match extent {
            Some(e) if e.min >= low && e.max <= high => 0,
            Some(e) if e.max < low || e.min > high => covered.len(),
            _ => (i * FAN..(i + 1) * FAN).map(|child| self.count_node(level - 1, child, range, low, high)).sum(),
        }
    }
}

/// The values of one metric, raw and smoothed. Rows without a finite value are left out, so that a metric reported every
/// hundredth step still makes one line.
#[derive(Clone, Debug)]
pub struct Curve {
    /// The history's row of each value, in ascending order.
    rows: Vec<u32>,
    raw: Pyramid,
    smooth: Pyramid,
    ema: Ema,
}

impl Curve {
    /// An empty curve with this smoothing weight.
    pub fn new(weight: f64) -> Self {
        Self { rows: Vec::new(), raw: Pyramid::default(), smooth: Pyramid::default(), ema: Ema::new(weight) }
    }

    /// Appends the value of a row.
    pub fn push(&mut self, row: usize, value: f32) {
        if value.is_finite() {
            self.rows.push(u32::try_from(row).unwrap_or(u32::MAX));
            self.raw.push(value);
            self.smooth.push(self.ema.push(value));
        }
    }

    /// Smooths the full series with another weight.
    pub(crate) fn set_weight(&mut self, weight: f64) {
        self.ema = Ema::new(weight);
        let ema = &mut self.ema;
        self.smooth.refill(self.raw.values(), |v| ema.push(v));
    }

    /// The raw values.
    pub(crate) fn raw(&self) -> &Pyramid {
        &self.raw
    }

    /// The smoothed values.
    pub(crate) fn smooth(&self) -> &Pyramid {
        &self.smooth
    }

    /// The history's row of value `i`.
    pub(crate) fn row(&self, i: usize) -> usize {
        self.rows.get(i).map_or(0, |r| *r as usize)
    }

    /// Index of the first value at or after `row`.
    pub(crate) fn index_of(&self, row: usize) -> usize {
        // Most metrics have a value in every row, so that index and row are equal.
        if self.rows.get(row).is_some_and(|r| *r as usize == row) {
            return row;
        }
        self.rows.partition_point(|r| (*r as usize) < row)
    }

    /// Indices of the values of the rows in `range`.
    pub(crate) fn indices(&self, range: &Range<usize>) -> Range<usize> {
        self.index_of(range.start)..self.index_of(range.end)
    }

    /// The last value at or before `row`: its row, smoothed and raw.
    pub(crate) fn at(&self, row: usize) -> Option<(usize, f32, f32)> {
        let i = self.index_of(row + 1).checked_sub(1)?;
        Some((self.row(i), *self.smooth.values().get(i)?, *self.raw.values().get(i)?))
    }
}

/// Smooths all curves with another weight, several of them in parallel, as `Curve::set_weight` does.
///
/// It starts its own threads, since those of the tensor library have low priority and are busy during training.
pub fn smooth_all(curves: &mut [Curve], weight: f64) {
    let values: usize = curves.iter().map(|c| c.raw.len()).sum();
    let threads = if values < PARALLEL_MIN { 1 } else { thread::available_parallelism().map_or(1, usize::from) };
    let share = curves.len().div_ceil(threads.min(MAX_THREADS)).max(1);
    let smooth = |part: &mut [Curve]| part.iter_mut().for_each(|c| c.set_weight(weight));
    thread::scope(|scope| {
        let mut parts = curves.chunks_mut(share);
        let own = parts.next();
        for part in parts {
            scope.spawn(move || smooth(part));
        }
        if let Some(own) = own {
            smooth(own);
        }
    });
}

/// The rows at which the pixel columns begin, `columns + 1` of them. `x` maps rows to ascending positions, and the columns
/// divide `view` evenly.
pub(crate) fn column_rows(
    rows: Range<usize>,
    x: impl Fn(usize) -> f64,
    view: (f64, f64),
    columns: usize,
) -> Vec<usize> {
    let mut bounds = Vec::with_capacity(columns + 1);
    let mut low = rows.start;
    for c in 0..=columns {
        let edge = view.0 + (view.1 - view.0) * c as f64 / columns.max(1) as f64;
        low += partition(low..rows.end, |row| x(row) < edge);
        bounds.push(low);
    }
    if let Some(last) = bounds.last_mut() {
        *last = rows.end;
    }
    bounds
}

/// Number of leading elements of `range` for which `before` holds; it must be true up to some element and false after it.
pub(crate) fn partition(range: Range<usize>, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (range.start, range.end.max(range.start));
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low - range.start
}

/// The points to draw for the values of a pyramid: all values if they are few; otherwise the first, minimum, maximum and
/// last of each pixel column, so that no extreme is lost.
///
/// `bounds` comes from [`column_rows`]; one more value on either side extends the line beyond the view. `y` maps a value to
/// the axis, `None` if the axis cannot show it.
pub(crate) fn decimate(
    curve: &Curve,
    values: &Pyramid,
    bounds: &[usize],
    x: impl Fn(usize) -> f64,
    y: impl Fn(f32) -> Option<f64>,
) -> Vec<[f64; 2]> {
    let mut points = Vec::new();
    let mut put = |i: usize, x: f64, value: f32| {
        if i < values.len()
            && let Some(y) = y(value)
        {
            points.push([x, y]);
        }
    };
    let value = |i: usize| values.values().get(i).copied().unwrap_or(f32::NAN);
    let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else { return points };
    let all = curve.indices(&(*first..*last));
    if let Some(before) = all.start.checked_sub(1) {
        put(before, x(curve.row(before)), value(before));
    }
    if all.len() <= 4 * bounds.len() {
        for i in all.clone() {
            put(i, x(curve.row(i)), value(i));
        }
    } else {
        for column in bounds.windows(2) {
            let range = curve.indices(&(column[0]..column[1]));
            if range.len() <= 4 {
                for i in range {
                    put(i, x(curve.row(i)), value(i));
                }
                continue;
            }
            let (start, end) = (range.start, range.end - 1);
            let middle = f64::midpoint(x(curve.row(start)), x(curve.row(end)));
            let extent = values.extent(range);
            put(start, x(curve.row(start)), value(start));
            put(start, middle, extent.min);
            put(start, middle, extent.max);
            put(end, x(curve.row(end)), value(end));
        }
    }
    put(all.end, x(curve.row(all.end)), value(all.end));
    points
}

/// The quantiles `tail` and `1 - tail` of some values, estimated from at most 1,024 evenly spaced ones.
pub(crate) fn bulk(values: &[f32], tail: f64) -> Option<(f32, f32)> {
    let stride = values.len().div_ceil(1024).max(1);
    let mut sample: Vec<f32> = values.iter().copied().step_by(stride).collect();
    sample.sort_by(f32::total_cmp);
    let last = sample.len().checked_sub(1)?;
    let at = |q: f64| sample.get((q * last as f64).round() as usize).copied();
    Some((at(tail)?, at(1.0 - tail)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reproducible series of pseudo-random values.
    fn noise(n: usize) -> Vec<f32> {
        let mut state = 1_u32;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 16_777_216.0 - 0.25
            })
            .collect()
    }

    fn curve(values: &[f32], weight: f64) -> Curve {
        let mut curve = Curve::new(weight);
        for (row, value) in values.iter().enumerate() {
            curve.push(row, *value);
        }
        curve
    }

    #[test]
    fn a_constant_stays_what_it_is_from_the_first_value_on() {
        for weight in [0.0, 0.5, 0.9, 0.99, 0.999] {
            let mut ema = Ema::new(weight);
            for _ in 0..1000 {
                assert!((ema.push(3.5) - 3.5).abs() < 1e-5, "weight {weight}");
            }
        }
    }

    #[test]
    fn an_impulse_dies_away_as_the_closed_form_says() {
        // After n values of which only the first is 1, the debiased mean is
        // (1 - w) w^(n-1) / (1 - w^n).
        let w: f64 = 0.9;
        let mut ema = Ema::new(w);
        for n in 1..=200 {
            let got = f64::from(ema.push(if n == 1 { 1.0 } else { 0.0 }));
            let want = (1.0 - w) * w.powi(n - 1) / (1.0 - w.powi(n));
            assert!((got - want).abs() < 1e-6, "n {n}: {got} is not {want}");
        }
    }

    #[test]
    fn no_smoothing_gives_the_values_back() {
        let values = noise(100);
        assert_eq!(curve(&values, 0.0).smooth().values(), values);
    }

    #[test]
    fn smoothing_anew_equals_smoothing_from_the_start() {
        let values = noise(5000);
        let mut changed = curve(&values, 0.3);
        changed.set_weight(0.97);
        assert_eq!(changed.smooth().values(), curve(&values, 0.97).smooth().values());
        changed.push(5000, 0.5);
        let mut all = values;
        all.push(0.5);
        assert_eq!(changed.smooth().values(), curve(&all, 0.97).smooth().values());
    }

    #[test]
    fn smoothing_all_curves_equals_smoothing_each() {
        let mut all: Vec<Curve> = (0..5).map(|i| curve(&noise(20_000 + i), 0.3)).collect();
        let mut each = all.clone();
        smooth_all(&mut all, 0.95);
        each.iter_mut().for_each(|c| c.set_weight(0.95));
        for (a, b) in all.iter().zip(&each) {
            assert_eq!(a.smooth().values(), b.smooth().values());
            assert_eq!(a.smooth().levels, b.smooth().levels);
        }
    }

    #[test]
    fn extremes_of_any_stretch_are_those_of_its_values() {
        for n in [0, 1, 15, 16, 17, 255, 257, 4096, 10_000] {
            let values = noise(n);
            let mut pyramid = Pyramid::default();
            values.iter().for_each(|v| pyramid.push(*v));
            let mut at_once = Pyramid::default();
            at_once.push(7.0);
            at_once.refill(&values, |v| v);
            assert_eq!(at_once.values, values);
            if n > 0 {
                assert_eq!(at_once.levels, pyramid.levels);
            }
            for (a, b) in [(0, n), (n / 3, n / 2), (n / 5 + 1, n.saturating_sub(3)), (n / 2, n / 2), (7, 7 + n)] {
                let stretch = values.get(a..b.min(n)).unwrap_or_default();
                let want = merged(stretch.iter().copied().map(Extent::of));
                assert_eq!(pyramid.extent(a..b), want, "{a}..{b} of {n}");
                let outside = stretch.iter().filter(|v| !(0.0..=0.5).contains(*v)).count();
                assert_eq!(pyramid.count_outside(a..b, 0.0, 0.5), outside, "{a}..{b} of {n}");
            }
        }
    }

    #[test]
    fn decimation_keeps_every_extreme_in_its_column() {
        let mut values = noise(100_000);
        values[31_415] = 100.0;
        values[92_653] = -100.0;
        let curve = curve(&values, 0.9);
        let columns = 500;
        for view in [(0.0_f64, 99_999.0_f64), (20_000.0, 95_000.0), (-5_000.0, 120_000.0)] {
            let rows = (view.0.max(0.0) as usize)..((view.1 as usize + 1).min(values.len()));
            let bounds = column_rows(rows, |row| row as f64, view, columns);
            assert_eq!(bounds.len(), columns + 1);
            let points = decimate(&curve, curve.raw(), &bounds, |row| row as f64, |v| Some(f64::from(v)));
            assert!(points.len() <= 4 * columns + 2);
            assert!(points.windows(2).all(|w| w[0][0] <= w[1][0]), "points run from left to right");
            for column in bounds.windows(2) {
                let Some(stretch) = values.get(column[0]..column[1]).filter(|s| !s.is_empty()) else { continue };
                let inside = |p: &&[f64; 2]| (column[0] as f64..column[1] as f64).contains(&p[0]);
                let drawn: Vec<f64> = points.iter().filter(inside).map(|p| p[1]).collect();
                let low = f64::from(stretch.iter().copied().fold(f32::INFINITY, f32::min));
                let high = f64::from(stretch.iter().copied().fold(f32::NEG_INFINITY, f32::max));
                assert!(drawn.contains(&low) && drawn.contains(&high), "column {column:?}");
            }
        }
    }

    #[test]
    fn few_values_are_all_drawn_and_the_line_runs_out_of_the_view() {
        let curve = curve(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.0);
        let bounds = column_rows(1..4, |row| row as f64, (1.0, 3.0), 300);
        let points = decimate(&curve, curve.raw(), &bounds, |row| row as f64, |v| Some(f64::from(v)));
        assert_eq!(points, [[0.0, 1.0], [1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 5.0]]);
    }

    #[test]
    fn steps_without_a_value_neither_break_nor_pull_the_line() {
        let mut values = vec![f32::NAN; 1000];
        for i in (0..1000).step_by(100) {
            values[i] = 2.0;
        }
        values[555] = f32::INFINITY;
        let curve = curve(&values, 0.9);
        assert_eq!(curve.raw().len(), 10);
        assert!(curve.smooth().values().iter().all(|v| (v - 2.0).abs() < 1e-6));
        let bounds = column_rows(0..1000, |row| row as f64, (0.0, 999.0), 100);
        let points = decimate(&curve, curve.raw(), &bounds, |row| row as f64, |v| Some(f64::from(v)));
        assert_eq!(points.len(), 10);
        assert_eq!(curve.at(250), Some((200, 2.0, 2.0)));
        assert_eq!(curve.at(0), Some((0, 2.0, 2.0)));
        assert_eq!(Curve::new(0.5).at(10), None);
    }

    #[test]
    fn the_bulk_leaves_outliers_out() {
        let mut values = vec![1.0_f32; 1000];
        values[0] = 1e9;
        assert_eq!(bulk(&values, 0.01), Some((1.0, 1.0)));
        assert_eq!(bulk(&[], 0.01), None);
    }
}
