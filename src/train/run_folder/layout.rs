//! Names and limits of the files of a run folder.

/// Format version of a run folder written by this program; newer ones are rejected.
pub(crate) const RUN_FORMAT: u32 = 1;
/// Number of checkpoints kept.
pub(crate) const KEPT_CHECKPOINTS: usize = 3;
/// File with the data split, for `RunFolder::write_json` and `RunFolder::read_json`.
pub(crate) const SPLIT_FILE: &str = "split.json";
/// Model file.
pub const MODEL_FILE: &str = "model.ganspect";

/// Manifest of the run.
pub(super) const INFO_FILE: &str = "run.toml";
/// Recipe of the run.
pub(super) const RECIPE_FILE: &str = "recipe.toml";
/// Folder of the checkpoints.
pub(super) const CHECKPOINTS: &str = "checkpoints";
/// Lock file of the training process.
pub(super) const LOCK_FILE: &str = "run.lock";
/// Thumbnail for the run list.
pub(super) const THUMBNAIL_FILE: &str = "thumbnail.png";

/// Maximum size of a text file in the folder in bytes; a split of a million images fits.
pub(super) const TEXT_LIMIT: u64 = 256 << 20;
/// Maximum size of the manifest and the recipe in bytes.
pub(super) const INFO_LIMIT: u64 = 1 << 20;
