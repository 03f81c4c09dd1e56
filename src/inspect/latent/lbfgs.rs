//! L-BFGS (Liu and Nocedal 1989) for many small problems in parallel, each with its own history and step size.
//!
//! There is no line search, which would cost extra passes through the generator: a step that increases the loss is
//! undone and retried with a smaller step size, and counts as a step like any other. It runs on the host, since a row
//! has only about a hundred values.

use std::collections::VecDeque;

/// Number of correction pairs kept.
const HISTORY: usize = 16;

/// Length of the first step, as a share of the longest allowed.
const FIRST_STEP: f32 = 0.1;

/// Step size factors after a rejected and after an accepted step.
const SHRINK: f32 = 0.4;
const GROW: f32 = 1.5;

/// A correction pair: a step and the change of the gradient.
#[derive(Clone, Debug)]
struct Pair {
    s: Vec<f32>,
    y: Vec<f32>,
    /// s · y, which is above 0.
    sy: f32,
}

/// One problem: current point and history.
#[derive(Clone, Debug)]
struct Row {
    z: Vec<f32>,
    gradient: Vec<f32>,
    loss: f32,
    pairs: VecDeque<Pair>,
    /// Step size, as a share of the full quasi-Newton step.
    step_size: f32,
}

/// L-BFGS state of all rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lbfgs {
    /// Empty before the first losses are known.
    rows: Vec<Row>,
}

impl Lbfgs {
    /// Takes the losses `[rows]` and gradients `[rows * size]` at `z` and returns the points to evaluate next, at most
    /// `longest` away from each row's best point.
    pub(crate) fn advance(&mut self, z: &[f32], losses: &[f32], gradients: &[f32], longest: f32) -> Vec<f32> {
        let size = z.len() / losses.len().max(1);
        let known = self.rows.len() == losses.len();
        if !known {
            self.rows.clear();
        }
        let mut next = Vec::with_capacity(z.len());
        for (i, &loss) in losses.iter().enumerate() {
            let (z, gradient) = (&z[i * size..(i + 1) * size], &gradients[i * size..(i + 1) * size]);
            if known {
                self.rows[i].update(z, gradient, loss);
            } else {
                let pairs = VecDeque::with_capacity(HISTORY);
                self.rows.push(Row { z: z.to_vec(), gradient: gradient.to_vec(), loss, pairs, step_size: 1.0 });
            }
            next.extend(self.rows[i].next(longest));
        }
        next
    }

    /// Drops the history because the loss has changed.
    pub(crate) fn forget(&mut self) {
        self.rows.clear();
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

impl Row {
    /// Updates the state with the evaluation at `z`.
    fn update(&mut self, z: &[f32], gradient: &[f32], loss: f32) {
        if loss.is_nan() || loss > self.loss {
            self.step_size *= SHRINK;
            return;
        }
        let minus = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<f32>>();
        let (s, y) = (minus(z, &self.z), minus(gradient, &self.gradient));
        let sy = dot(&s, &y);
        // Only positive curvature is usable.
        if sy > 1e-6 {
            if self.pairs.len() == HISTORY {
                self.pairs.pop_front();
            }
            self.pairs.push_back(Pair { s, y, sy });
        }
        self.step_size = (self.step_size * GROW).min(1.0);
        (self.z, self.gradient, self.loss) = (z.to_vec(), gradient.to_vec(), loss);
    }

    /// The next point to evaluate.
    fn next(&self, longest: f32) -> Vec<f32> {
        let mut q = self.gradient.clone();
        let mut shares = Vec::with_capacity(self.pairs.len());
        for pair in self.pairs.iter().rev() {
            let share = dot(&pair.s, &q) / pair.sy;
            q.iter_mut().zip(&pair.y).for_each(|(q, y)| *q -= share * y);
            shares.push(share);
        }
        let scale = match self.pairs.back() {
            Some(last) => last.sy / dot(&last.y, &last.y).max(1e-12),
            None => FIRST_STEP * longest / dot(&q, &q).sqrt().max(1e-12),
        };
        q.iter_mut().for_each(|q| *q *= scale);
        for (pair, share) in self.pairs.iter().zip(shares.iter().rev()) {
            let back = share - dot(&pair.y, &q) / pair.sy;
            q.iter_mut().zip(&pair.s).for_each(|(q, s)| *q += back * s);
        }
        let length = self.step_size * dot(&q, &q).sqrt();
        let share = self.step_size * if length > longest { longest / length } else { 1.0 };
        self.z.iter().zip(&q).map(|(z, q)| z - share * q).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minimises two rows, each under its own loss, for a number of steps.
    fn run(steps: usize, loss: impl Fn(usize, &[f32]) -> (f32, Vec<f32>), start: &[f32]) -> Vec<f32> {
        let (mut lbfgs, mut z) = (Lbfgs::default(), start.to_vec());
        let size = start.len() / 2;
        for _ in 0..steps {
            let found: Vec<_> = z.chunks(size).enumerate().map(|(i, row)| loss(i, row)).collect();
            let losses: Vec<f32> = found.iter().map(|f| f.0).collect();
            let gradients: Vec<f32> = found.into_iter().flat_map(|f| f.1).collect();
            z = lbfgs.advance(&z, &losses, &gradients, 1.0);
        }
        lbfgs.rows.into_iter().flat_map(|row| row.z).collect()
    }

    #[test]
    fn rows_with_different_curvatures_converge() {
        // Curvatures from 1 to 100; each row has its own minimum.
        let loss = |row: usize, z: &[f32]| {
            let terms = z.iter().enumerate().map(|(k, z)| (z - row as f32, 1.0 + 11.0 * k as f32));
            let value = terms.clone().map(|(d, c)| 0.5 * c * d * d).sum();
            (value, terms.map(|(d, c)| c * d).collect())
        };
        let z = run(60, loss, &[0.9; 20]);
        for (i, z) in z.iter().enumerate() {
            assert!((z - (i / 10) as f32).abs() < 1e-3, "{i}: {z}");
        }
    }

    #[test]
    fn the_rosenbrock_function_is_minimised() {
        // Rosenbrock (1960): minimum at (1, 1).
        let loss = |_, z: &[f32]| {
            let (a, b) = (1.0 - z[0], z[1] - z[0] * z[0]);
            (a * a + 100.0 * b * b, vec![-2.0 * a - 400.0 * z[0] * b, 200.0 * b])
        };
        let z = run(120, loss, &[-1.2, 1.0, 0.0, 0.0]);
        assert!(z.iter().all(|z| (z - 1.0).abs() < 1e-2), "{z:?}");
    }

    #[test]
    fn steps_respect_the_maximum_length() {
        let mut lbfgs = Lbfgs::default();
        let next = lbfgs.advance(&[0.0, 0.0], &[1.0], &[1e6, -1e6], 0.5);
        assert!((dot(&next, &next).sqrt() - 0.05).abs() < 1e-6);
        let further = lbfgs.advance(&next, &[0.5], &[1e5, -1e5], 0.5);
        let moved: Vec<f32> = further.iter().zip(&next).map(|(a, b)| a - b).collect();
        assert!(dot(&moved, &moved).sqrt() <= 0.5 + 1e-6);
    }
}
