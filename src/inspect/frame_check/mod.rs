//! Whether an image shows the kind of part that a model knows, checked apart from the scores.
//!
//! Scores compare an image with healthy parts location by location, and trust that a part is there at all. A picture
//! without one, such as a black, uniform, overexposed or frozen frame, may differ from healthy parts by being quieter
//! than any of them, which no score counts as anomalous. So a few statistics of the whole frame have to lie within
//! generous limits, in both directions.

mod limits;
mod measures;
#[cfg(test)]
mod tests;

pub use limits::{FrameFault, FrameLimits};
pub use measures::{FrameMeasure, FrameMeasures};
