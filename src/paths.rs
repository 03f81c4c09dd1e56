//! Default locations of the program's files.

use std::path::{Path, PathBuf};

/// File name of the review record.
const RECORD: &str = "review.sqlite";

/// Default locations of the settings file, the runs and the review record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The settings file.
    pub settings: PathBuf,
    /// Default folder for runs.
    pub runs: PathBuf,
    /// Default review record.
    pub review: PathBuf,
}

impl Paths {
    /// The platform's configuration and data directories; a folder in the current directory where there are none.
    pub fn of_system() -> Self {
        match directories::ProjectDirs::from("", "", "ganspect") {
            Some(dirs) => Self {
                settings: dirs.config_dir().join("settings.toml"),
                runs: dirs.data_dir().join("runs"),
                review: dirs.data_dir().join(RECORD),
            },
            None => Self::under(Path::new("ganspect-data")),
        }
    }

    /// Default folder for exports and reports, beside the record.
    pub fn exports(&self) -> PathBuf {
        self.review.with_file_name("exports")
    }

    /// Everything under one folder, for tests.
    pub fn under(folder: &Path) -> Self {
        Self { settings: folder.join("settings.toml"), runs: folder.join("runs"), review: folder.join(RECORD) }
    }
}
