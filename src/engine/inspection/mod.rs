//! Inspection of images with the active model.

pub(super) mod nearest_neighbours;
mod request;
mod state;
pub(super) mod task;

pub use request::{InspectionRequest, ModelSource, Query, QueryId, QuerySource};
pub use state::{
    InspectionState, InspectionStatus, ModelFacts, ModelState, NearestNeighbours, QueryEntry, QueryState, QueryView,
    Thumbnail,
};
