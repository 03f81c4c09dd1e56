//! The presentation: inspected parts in full screen, one after the other, then a summary.

mod closing;
mod line;
mod page;
mod part;
mod playback;
mod timeline;
mod waiting;

pub(super) use page::PresentationPage;
pub(super) use playback::Presentation;
