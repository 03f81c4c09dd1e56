//! What the window remembers from one start to the next.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{device::DeviceChoice, files, files::FileError};

/// Version of the settings file; one with another is put aside.
const VERSION: u32 = 1;

/// Largest settings file that is read, bytes.
const LIMIT: u64 = 1 << 20;

/// Folders kept in the list of recent ones.
const RECENT: usize = 8;

/// Smallest and largest scale factor of the window.
pub const SCALE: std::ops::RangeInclusive<f32> = 0.8..=2.0;

/// Dark, light, or as the desktop has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeChoice {
    /// As the desktop has it; dark where it does not say.
    #[default]
    System,
    /// Always dark.
    Dark,
    /// Always light.
    Light,
}

impl ThemeChoice {
    /// All choices, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::System, Self::Dark, Self::Light];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::System => "As the desktop",
            Self::Dark => "Dark",
            Self::Light => "Light",
        }
    }
}

/// What a curve's horizontal axis counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum XAxis {
    /// Training steps.
    #[default]
    Step,
    /// Time since the run began.
    Relative,
    /// Time of day.
    Wall,
}

impl XAxis {
    /// All axes, in the order they are offered.
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

/// How the Train workspace shows curves and grids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewSettings {
    /// Weight of the past in the smoothed curves, 0 (none) to 0.999.
    pub smoothing: f64,
    /// Logarithmic vertical axis on loss and gradient curves.
    pub log_y: bool,
    /// What the horizontal axis counts.
    pub x_axis: XAxis,
    /// Screen pixels to a picture's pixel in the sample grid; 0 fits the grid into its pane.
    pub grid_zoom: u8,
    /// Grids a second while the scrubber plays.
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

/// Settings of the watched folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IntakeSettings {
    /// The watched folder.
    pub folder: Option<PathBuf>,
    /// Whether subfolders are included.
    pub recursive: bool,
    /// Whether it is being watched; if so, watching resumes at the next start.
    pub watching: bool,
}

/// Everything that the window remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Version of this file.
    pub version: u32,
    /// Dark or light.
    pub theme: ThemeChoice,
    /// Factor on every size, 0.8 to 2.0.
    pub scale: f32,
    /// The device to train on.
    pub device: DeviceChoice,
    /// Where new runs go; `None` for the usual place.
    pub runs: Option<PathBuf>,
    /// The run that was open last.
    pub last_run: Option<PathBuf>,
    /// Folders of images that were opened, newest first.
    pub recent: Vec<PathBuf>,
    /// The folder that images to inspect came from last.
    pub image_folder: Option<PathBuf>,
    /// The model that images were inspected with last; put in force again at the next start.
    pub last_model: Option<PathBuf>,
    /// Inner size of the window in points.
    pub window: [f32; 2],
    /// The window was maximised.
    pub maximised: bool,
    /// Curves and grids.
    pub view: ViewSettings,
    /// The review station.
    pub review: ReviewSettings,
    /// Each workspace's own layout, in its own words.
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
    /// Reads the settings file. One that cannot be used gives the defaults and a sentence that says
    /// why; the file itself is kept aside.
    pub fn load(path: &Path) -> (Self, Option<String>) {
        if !path.exists() {
            return (Self::default(), None);
        }
        let fault = match files::read_text(path, LIMIT) {
            Ok(text) => match toml::from_str::<Self>(&text) {
                Ok(settings) if settings.version == VERSION => return (settings.within_bounds(), None),
                Ok(other) => format!("it is of version {}, this program writes version {VERSION}", other.version),
                Err(error) => error.message().to_owned(),
            },
            Err(error) => return (Self::default(), Some(format!("The settings start from their defaults: {error}."))),
        };
        let aside = path.with_extension("toml.aside");
        let kept = match fs::rename(path, &aside) {
            Ok(()) => format!("The old file is kept as {}.", aside.display()),
            Err(_) => "The old file will be replaced.".to_owned(),
        };
        let text = format!(
            "The settings in {} could not be used ({fault}) and start from their defaults. {kept}",
            path.display()
        );
        (Self::default(), Some(text))
    }

    /// Writes the settings file, whole or not at all.
    ///
    /// # Errors
    /// [`FileError`] when the folder or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), FileError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|e| FileError::new(files::Access::Write, folder, e))?;
        }
        let text = toml::to_string_pretty(self).map_err(|e| FileError::damaged(path, e.to_string()))?;
        files::write_atomic(path, text.as_bytes())
    }

    /// Puts a folder at the head of the recent ones.
    pub fn remember(&mut self, folder: &Path) {
        self.recent.retain(|f| f != folder);
        self.recent.insert(0, folder.to_owned());
        self.recent.truncate(RECENT);
    }

    /// A file edited by hand may say anything.
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
        for text in ["scale = \"big\"", "version = 99", "no toml at all ["] {
            let path = folder.path().join("settings.toml");
            fs::write(&path, text).unwrap();
            let (settings, notice) = Settings::load(&path);
            assert_eq!(settings, Settings::default());
            assert!(notice.unwrap().contains("settings.toml.aside"));
            assert!(!path.exists());
            assert_eq!(fs::read_to_string(folder.path().join("settings.toml.aside")).unwrap(), text);
        }
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
