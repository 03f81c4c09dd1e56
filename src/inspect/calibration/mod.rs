//! Calibration: turns scores into a verdict with a promised false-alarm rate.

mod calibrator;
mod check;
mod combined_score;
mod conformal;
mod damage;
mod judged;
mod verdict_counts;

pub(crate) use calibrator::WITHOUT_CRITIC;
pub use calibrator::{CalibrateError, Calibrator};
pub use conformal::{Assessment, Calibration, DamagedImage, HeldOut, JudgeError, MapScale, RateError, Verdict};
pub(crate) use conformal::{in_thousand, promise_grounds, rate_interval_sentence};
pub use judged::{Judged, NoVerdict, ScoreOrigin, VerdictBasis};
pub use verdict_counts::VerdictCounts;
