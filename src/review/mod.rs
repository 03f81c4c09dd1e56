//! The record of a review station: which parts were inspected, what the model said of them and what people said to
//! that.
//!
//! A [`Record`] is one SQLite file in which nothing is changed or deleted. [`Record::queue`] hands out an [`ReviewItem`] a
//! part, and the rest of the room looks at those: [`queue`] orders and filters them, [`agreement`] compares reviewers,
//! [`drift`] watches the good parts, [`shift`] adds them up and [`export`] writes them for others. [`suspect`] finds
//! the places that a map points at, [`teaching`] says what a model can learn from people and [`comparison`] what came of
//! that. No window, no threads, no tensors.

pub mod agreement;
pub mod anomaly_region;
pub mod comparison;
pub mod drift;
pub mod export;
pub mod facets;
pub mod item;
pub mod labels;
pub mod queue;
pub mod record;
pub mod shift_report;
pub mod timestamp;

pub use anomaly_region::AnomalyRegion;
pub use comparison::Comparison;
pub use item::{
    Findings, Inspection, InspectionId, Judgement, Opinion, OpinionId, Part, PartId, ReviewItem, ReviewStatus,
};
pub use labels::{LabelSummary, TrainingLabels};
pub use record::{Record, RecordError};
pub use timestamp::Timestamp;
