//! Evaluation report: every image as CSV, the metrics as JSON, and a self-contained HTML page.

mod cases;
mod page;
mod reported_model;
mod svg;
mod write;

pub use cases::{CaseKind, ReportCase};
pub(crate) use cases::{case_from_outcome, case_outcome, render_case, start_case_inspection, worst_cases};
pub use reported_model::ReportedModel;
pub(crate) use reported_model::labels;
pub use write::{write, write_metrics};
