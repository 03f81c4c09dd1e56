//! The folder of a training run: everything known about the run, and enough to resume it.
//!
//! ```text
//! run.toml                            manifest: format version, name, data source, device
//! recipe.toml                         every knob, as last set
//! split.json                          training and held-out images
//! events.out.tfevents.*               the log, for TensorBoard and this program
//! checkpoints/step-00001234.safetensors   the latest few states to resume from
//! thumbnail.png                       a small sample grid for the run list (optional)
//! model.ganspect                      the model built by the run, if any
//! run.lock                            held by the training process
//! ```
//!
//! Every file is replaced atomically, so a process that is killed at any moment leaves a folder that can be resumed.

mod checkpoint;
mod error;
mod folder;
mod info;
mod layout;
mod lock;
mod run_list;

pub use checkpoint::{Checkpoint, CheckpointFile};
pub use error::RunError;
pub use folder::{RunFolder, free_folder};
pub use info::RunInfo;
pub use layout::MODEL_FILE;
pub(crate) use layout::SPLIT_FILE;
pub use lock::RunLock;
pub use run_list::{RunSummary, list_runs, restore_run, trash_run};
