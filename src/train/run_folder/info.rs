//! The manifest of a run, `run.toml`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    error::RunError,
    layout::{INFO_FILE, INFO_LIMIT, RUN_FORMAT},
};
use crate::{files, files::FileError};

/// Description of a run, stored in `run.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// Name on screen; may differ from the name of the folder.
    pub name: String,
    /// Version of the program that started the run.
    pub program: String,
    /// Start time in seconds since 1970.
    pub created: u64,
    /// Data source: a folder, or a built-in surface such as `surface:turned`.
    pub source: String,
    /// Device that it was started on, such as `CPU (Flex)`.
    pub device: String,
    /// Notes of the user.
    #[serde(default)]
    pub notes: String,
}

impl RunInfo {
    /// Describes a run that starts now, in this version of the program.
    pub fn new(name: impl Into<String>, source: impl Into<String>, device: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            created: crate::time::since_epoch().as_secs(),
            source: source.into(),
            device: device.into(),
            notes: String::new(),
        }
    }
}

/// Content of `run.toml`, the version first.
#[derive(Serialize, Deserialize)]
struct Manifest<T> {
    format: u32,
    #[serde(flatten)]
    info: T,
}

/// Only the version of `run.toml`, whatever else a newer program has written.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

/// Writes the manifest of the run folder `dir`.
pub(super) fn write_info(dir: &Path, info: &RunInfo) -> Result<(), RunError> {
    let path = dir.join(INFO_FILE);
    let manifest = Manifest { format: RUN_FORMAT, info };
    match toml::to_string(&manifest) {
        Ok(text) => Ok(files::write_atomic(&path, text.as_bytes())?),
        Err(error) => Err(RunError::Unwritable { path, what: error.to_string() }),
    }
}

/// Reads the manifest of the run folder `dir`.
pub(super) fn read_info(dir: &Path) -> Result<RunInfo, RunError> {
    let path = dir.join(INFO_FILE);
    let text = match files::read_text(&path, INFO_LIMIT) {
        Err(FileError::NotFound { .. } | FileError::NotAFolder { .. }) if dir.exists() => {
            return Err(RunError::NotARun { path: dir.into() });
        }
        result => result?,
    };
    let unreadable = |error: toml::de::Error| RunError::Unreadable {
        path: path.clone(),
        // The parser's `Display` quotes the file over several lines.
        what: error.message().trim().replace('\n', ", "),
    };
    let version: Version = toml::from_str(&text).map_err(unreadable)?;
    if version.format > RUN_FORMAT {
        return Err(RunError::Newer { path: dir.into(), found: version.format });
    }
    let manifest: Manifest<RunInfo> = toml::from_str(&text).map_err(unreadable)?;
    Ok(manifest.info)
}
