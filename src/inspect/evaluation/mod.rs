//! Evaluation of a model on labelled images it has never seen.
//!
//! An [`Evaluator`] inspects a [`TestSet`] image by image; the [`Evaluation`] it produces holds every score and derives
//! curves and counts from them. [`EvaluationSummary`] is its set of metrics, and [`report`] writes both to files.

mod cache;
mod evaluator;
mod image;
pub(crate) mod metrics;
mod pixels;
pub mod report;
mod results;
mod summary;
mod test_set;
mod truth;

pub use evaluator::{EvaluateError, Evaluator};
pub use image::{EvaluatedImage, EvaluatedModel, ExcludedImage};
pub(crate) use metrics::RankedImage;
pub use metrics::{Confusion, CurvePoint, Estimate, Metrics, Ranking};
pub use pixels::{EvaluatedMap, PixelCounts, PixelHistogram, PixelMetrics, PixelTotals};
pub use report::{ReportCase, ReportedModel};
pub use results::{DefectTypeMetrics, Evaluation, EvaluationHeader};
pub(crate) use summary::not_this_part_sentence;
pub use summary::{EvaluationSummary, ScoreMetrics};
pub use test_set::{TestItem, TestSet};
pub use truth::{MaskOutline, PartTruth, TestOutcome};
