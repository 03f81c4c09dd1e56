//! The schedule of G and D updates, input noise and dropout (the fourth tip of the talk).

use super::recipe::TrainKnobs;

/// Settings of one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StepSettings {
    /// Discriminator updates.
    pub k_d: usize,
    /// Generator updates.
    pub k_g: usize,
    /// Standard deviation of the noise on D's input.
    pub noise: f64,
    /// Dropout in D.
    pub dropout: f64,
}

/// Returns the settings at `step`, given the latest success rate of G. D is always updated while the rate is unknown.
pub(crate) fn at(knobs: &TrainKnobs, step: u64, success: Option<f64>) -> StepSettings {
    let waits = success.is_some_and(|rate| rate < knobs.d_gate);
    StepSettings {
        k_d: if waits { 0 } else { knobs.k_d },
        k_g: knobs.k_g,
        noise: decayed(knobs.noise, knobs.noise_half_life, step),
        dropout: decayed(knobs.dropout, knobs.dropout_half_life, step),
    }
}

/// Halves `start` every `half_life` steps; values below 0.001 become 0.
fn decayed(start: f64, half_life: f64, step: u64) -> f64 {
    let value = if half_life > 0.0 { start * 0.5f64.powf(step as f64 / half_life) } else { start };
    if value < 1e-3 { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d_waits_while_g_fails() {
        let knobs = TrainKnobs { k_g: 2, k_d: 1, d_gate: 0.25, ..TrainKnobs::default() };
        assert_eq!(at(&knobs, 0, None).k_d, 1);
        assert_eq!(at(&knobs, 9, Some(0.2)).k_d, 0);
        assert_eq!(at(&knobs, 9, Some(0.25)).k_d, 1);
        assert_eq!(at(&knobs, 9, Some(0.2)).k_g, 2);
        let open = TrainKnobs { d_gate: 0.0, ..knobs };
        assert_eq!(at(&open, 9, Some(0.0)).k_d, 1);
    }

    #[test]
    fn noise_halves_and_then_ends() {
        let knobs = TrainKnobs {
            noise: 0.2,
            noise_half_life: 100.0,
            dropout: 0.3,
            dropout_half_life: 0.0,
            ..TrainKnobs::default()
        };
        assert_eq!(at(&knobs, 0, None).noise, 0.2);
        assert!((at(&knobs, 100, None).noise - 0.1).abs() < 1e-12);
        assert_eq!(at(&knobs, 10_000, None).noise, 0.0);
        assert_eq!(at(&knobs, 10_000, None).dropout, 0.3);
    }
}
