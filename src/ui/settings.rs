//! The settings file: the state of the window that is kept between sessions.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    device::DeviceChoice,
    files,
    files::FileError,
    review::KeptPictures,
    text::{PrintablePath, path_text},
};

/// Version of the settings file; a file of another version is renamed and replaced.
const VERSION: u32 = 1;

/// Largest settings file that is read, bytes.
const LIMIT: u64 = 16 << 20;

/// Maximum number of recent folders.
const RECENT: usize = 8;

/// Range of the window's scale factor.
pub(crate) const SCALE: std::ops::RangeInclusive<f32> = 0.8..=2.0;

/// The theme setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeChoice {
    /// The theme of the desktop; dark if it is unknown.
    #[default]
    System,
    /// Always dark.
    Dark,
    /// Always light.
    Light,
}

impl ThemeChoice {
    /// All choices, in display order.
    pub const ALL: [Self; 3] = [Self::System, Self::Dark, Self::Light];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::System => "Follow system",
            Self::Dark => "Dark",
            Self::Light => "Light",
        }
    }
}

/// The horizontal axis of the curves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum XAxis {
    /// Training steps.
    #[default]
    Step,
    /// Time since the start of the run.
    Relative,
    /// Time of day.
    Wall,
}

impl XAxis {
    /// All axes, in display order.
    pub const ALL: [Self; 3] = [Self::Step, Self::Relative, Self::Wall];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Step => "Step",
            Self::Relative => "Relative time",
            Self::Wall => "Wall clock",
        }
    }
}

/// View settings of the curves and grids of the Train page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewSettings {
    /// Weight of past values in the moving average of the curves, 0 (no smoothing) to 0.999.
    pub smoothing: f64,
    /// Logarithmic vertical axis on loss and gradient curves.
    pub log_y: bool,
    /// The horizontal axis.
    pub x_axis: XAxis,
    /// Screen pixels per image pixel in the sample grid; 0 fits the grid to its pane.
    pub grid_zoom: u8,
    /// Grids per second during playback.
    pub grids_per_second: f32,
}

impl Default for ViewSettings {
    fn default() -> Self {
        Self { smoothing: 0.9, log_y: false, x_axis: XAxis::Step, grid_zoom: 0, grids_per_second: 8.0 }
    }
}

/// Settings of the review.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReviewSettings {
    /// Path of the record; `None` for the default.
    #[serde(with = "path_text::optional")]
    pub record: Option<PathBuf>,
    /// Name of the reviewer; empty until it is entered.
    pub reviewer: String,
    /// Whether two reviewers judge each part without seeing the model's verdict or each other's.
    #[serde(rename = "two_persons")]
    pub double_blind: bool,
    /// The defect type assigned last.
    #[serde(rename = "kind")]
    pub defect_type: Option<String>,
    /// Whether fine-tuning on verdicts includes the generator.
    #[serde(rename = "teach_generator")]
    pub finetune_generator: bool,
    /// Source of the parts.
    pub intake: IntakeSettings,
}

/// Whether a value is not worth writing, because an absent key means the same.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Settings of the watched folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IntakeSettings {
    /// The watched folder.
    #[serde(with = "path_text::optional")]
    pub folder: Option<PathBuf>,
    /// Whether subfolders are included.
    pub recursive: bool,
    /// Whether it is being watched; if so, watching resumes at the next start.
    pub watching: bool,
    /// The parts whose images are copied to the record.
    #[serde(skip_serializing_if = "is_default")]
    pub keep_pictures: KeptPictures,
}

/// The window's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Version of this file.
    pub version: u32,
    /// Theme.
    pub theme: ThemeChoice,
    /// Scale factor of everything in the window, 0.8 to 2.0.
    pub scale: f32,
    /// The device to train on.
    pub device: DeviceChoice,
    /// Folder for new runs; `None` for the default location.
    #[serde(with = "path_text::optional")]
    pub runs: Option<PathBuf>,
    /// The most recent run.
    #[serde(with = "path_text::optional")]
    pub last_run: Option<PathBuf>,
    /// Recently opened image folders, newest first.
    #[serde(with = "path_text::list")]
    pub recent: Vec<PathBuf>,
    /// The folder of the last inspected image.
    #[serde(with = "path_text::optional")]
    pub image_folder: Option<PathBuf>,
    /// The last active model; activated again at the next start.
    #[serde(with = "path_text::optional")]
    pub last_model: Option<PathBuf>,
    /// Inner size of the window, points.
    pub window: [f32; 2],
    /// The window was maximised.
    pub maximised: bool,
    /// View of curves and grids.
    pub view: ViewSettings,
    /// Review.
    pub review: ReviewSettings,
    /// Layout of each page, as text that the page itself reads and writes.
    pub layouts: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: VERSION,
            theme: ThemeChoice::System,
            scale: 1.0,
            device: DeviceChoice::Auto,
            runs: None,
            last_run: None,
            recent: Vec::new(),
            image_folder: None,
            last_model: None,
            window: [1280.0, 800.0],
            maximised: false,
            view: ViewSettings::default(),
            review: ReviewSettings::default(),
            layouts: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Reads the settings file. If it cannot be used, returns the defaults and a message for the user; the file itself is
    /// renamed and kept.
    pub fn load(path: &Path) -> (Self, Option<String>) {
        if !path.exists() {
            return (Self::default(), None);
        }
        let fault = match files::read_text(path, LIMIT) {
            Ok(text) => match toml::from_str::<Self>(&text) {
                Ok(settings) if settings.version == VERSION => return (settings.within_bounds(), None),
                Ok(other) => format!("it has version {}, this program needs version {VERSION}", other.version),
                Err(error) => error.message().to_owned(),
            },
            Err(error) => brief(&error),
        };
        let kept = match set_aside(path) {
            Ok(copy) => format!("The old file was renamed to {}.", copy.printable()),
            Err(error) => format!("Changes are not saved, so that the old file is kept ({error})."),
        };
        let text = format!(
            "The settings in {} could not be read ({fault}). Default settings are used. {kept}",
            path.printable()
        );
        (Self::default(), Some(text))
    }

    /// Writes the settings file atomically.
    ///
    /// # Errors
    /// [`FileError`] if the folder or the file cannot be written, or if there is a file that is no settings file and cannot
    /// be renamed.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| FileError::new(files::Access::Write, folder, e))?;
        }
        if path.exists() && !is_ours(path) {
            // Written by another program, or kept at the start because it could not be renamed.
            set_aside(path)?;
        }
        let text = toml::to_string_pretty(self).map_err(|e| FileError::damaged(path, e.to_string()))?;
        files::write_atomic(path, text.as_bytes())
    }

    /// Moves a folder to the front of the recent folders.
    pub(crate) fn remember(&mut self, folder: &Path) {
        self.recent.retain(|f| f != folder);
        self.recent.insert(0, folder.to_owned());
        self.recent.truncate(RECENT);
    }

    /// Clamps values from a file that was edited by hand.
    fn within_bounds(mut self) -> Self {
        let whole = Self::default();
        self.scale = if self.scale.is_finite() { self.scale.clamp(*SCALE.start(), *SCALE.end()) } else { whole.scale };
        for (side, least) in self.window.iter_mut().zip([1024.0, 640.0]) {
            *side = if side.is_finite() { side.clamp(least, 16_384.0) } else { least };
        }
        let view = &mut self.view;
        view.smoothing =
            if view.smoothing.is_finite() { view.smoothing.clamp(0.0, 0.999) } else { whole.view.smoothing };
        view.grid_zoom = view.grid_zoom.min(8);
        let speed = view.grids_per_second;
        view.grids_per_second = if speed.is_finite() { speed.clamp(1.0, 30.0) } else { whole.view.grids_per_second };
        self.recent.truncate(RECENT);
        self
    }
}

/// Whether the file at `path` is a settings file of this version.
fn is_ours(path: &Path) -> bool {
    let read = files::read_text(path, LIMIT).ok().and_then(|text| toml::from_str::<Settings>(&text).ok());
    read.is_some_and(|settings| settings.version == VERSION)
}

/// Describes why a file cannot be used, in few words.
fn brief(error: &FileError) -> String {
    match error {
        FileError::Damaged { what, .. } => what.clone(),
        FileError::TooLarge { size, limit, .. } => format!("it has {size} bytes, at most {limit} are read"),
        error => error.to_string(),
    }
}

/// Renames a file that cannot be used to a free name beside it, and returns that: every one is kept.
fn set_aside(path: &Path) -> Result<PathBuf, FileError> {
    let first = path.with_extension("toml.aside");
    let numbered = (2_u32..).map(|n| path.with_extension(format!("toml.aside-{n}")));
    let free = std::iter::once(first).chain(numbered).find(|copy| !files::is_taken(copy));
    let copy = free.ok_or_else(|| FileError::damaged(path, "there are too many old copies of it"))?;
    fs::rename(path, &copy).map_err(|cause| FileError::new(files::Access::Write, path, cause))?;
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config").join("settings.toml");
        let mut settings = Settings { theme: ThemeChoice::Light, scale: 1.5, ..Settings::default() };
        settings.remember(Path::new("/parts/turned"));
        settings.view.log_y = true;
        settings.layouts.insert("train".into(), "{\"a\":1}".into());
        settings.save(&path).unwrap();
        assert_eq!(Settings::load(&path), (settings, None));
    }

    #[test]
    fn a_file_that_cannot_be_used_is_kept_aside() {
        let folder = tempfile::tempdir().unwrap();
        let large = "# ".repeat(LIMIT as usize / 2 + 1);
        let contents: [&[u8]; 5] =
            [b"scale = \"big\"", b"version = 99", b"no toml at all [", b"name = \"M\xfcller\"", large.as_bytes()];
        let path = folder.path().join("settings.toml");
        for (i, content) in contents.iter().enumerate() {
            fs::write(&path, content).unwrap();
            let (settings, notice) = Settings::load(&path);
            assert_eq!(settings, Settings::default());
            let name = if i == 0 { "settings.toml.aside".to_owned() } else { format!("settings.toml.aside-{}", i + 1) };
            let notice = notice.unwrap();
            assert!(notice.contains(&format!("renamed to {}.", folder.path().join(&name).printable())), "{notice}");
            assert!(!path.exists());
        }
        // Every copy is still there.
        for (i, content) in contents.iter().enumerate() {
            let name = if i == 0 { "settings.toml.aside".to_owned() } else { format!("settings.toml.aside-{}", i + 1) };
            assert!(fs::read(folder.path().join(name)).unwrap() == *content);
        }
        // Also one that appears while the program runs.
        fs::write(&path, "of another program").unwrap();
        Settings::default().save(&path).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("settings.toml.aside-6")).unwrap(), "of another program");
        assert_eq!(Settings::load(&path), (Settings::default(), None));
    }

    #[cfg(unix)]
    #[test]
    fn paths_that_are_not_utf_8_are_kept() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        let odd: PathBuf = OsStr::from_bytes(b"/parts/\xff\n").into();
        let mut settings = Settings { last_model: Some(odd.clone()), ..Settings::default() };
        settings.remember(&odd);
        settings.save(&path).unwrap();
        assert_eq!(Settings::load(&path), (settings, None));
    }

    #[test]
    fn values_edited_by_hand_are_brought_within_bounds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        fs::write(&path, "version = 1\nscale = 40.0\nwindow = [1.0, nan]\n[view]\nsmoothing = nan\ngrid_zoom = 200\n")
            .unwrap();
        let (settings, notice) = Settings::load(&path);
        assert_eq!(notice, None);
        assert_eq!(settings.scale, 2.0);
        assert_eq!(settings.window, [1024.0, 640.0]);
        assert_eq!(settings.view.smoothing, 0.9);
        assert_eq!(settings.view.grid_zoom, 8);
    }

    #[test]
    fn recent_folders_are_few_and_newest_first() {
        let mut settings = Settings::default();
        for i in 0..20 {
            settings.remember(Path::new(&format!("/f{i}")));
        }
        settings.remember(Path::new("/f15"));
        assert_eq!(settings.recent.len(), RECENT);
        assert_eq!(settings.recent[0], Path::new("/f15"));
        assert_eq!(settings.recent[1], Path::new("/f19"));
    }
}
