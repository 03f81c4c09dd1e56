//! A preview of the critic's training crops and of the critic's maps of them.

mod state;
mod thread;

pub(crate) use state::PreviewImages;
pub use state::{CROPS, CriticAnswers, CriticPreviewState, DefectPreview, PreviewRequest, Viewer};
pub(crate) use thread::CriticPreviewThread;
