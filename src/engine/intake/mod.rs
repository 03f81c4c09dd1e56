//! Intake: the parts of a folder are inspected as they arrive and written to a record.

mod inspected;
pub(crate) mod rate;
pub(crate) mod recorder;
mod request;
pub(crate) mod retry;
mod state;
mod stream;
pub(super) mod task;
pub mod watch;

pub use inspected::{InspectedFile, ModelIdentity, RefusedFile};
pub use request::{IntakeRequest, IntakeSpec};
pub use state::{IntakePhase, IntakeState, IntakeStatus};
pub use stream::{StreamInspector, StreamStep};
