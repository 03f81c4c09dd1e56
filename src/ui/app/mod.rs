//! The application: collects the engine's results, draws the current page and carries out actions.

mod adoption;
mod dispatch;
mod drawing;
mod files;
mod finetune;
mod incoming;
mod inspection;
mod intake;
mod opening;
mod overlays;
mod pages;
mod presenting;
mod reviewing;
mod runs;
mod save_retry;
mod saving;
mod window;

pub(crate) use opening::{PresentationSet, WindowOptions, run};
pub use window::App;
