//! The window without a display: the App over a real engine on the CPU, drawn by kittest.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{
    Harness, SnapshotOptions, SnapshotResults,
    kittest::{NodeT, Queryable},
};
use ganspect::{
    data::{ImageGrid, Split, surface, surface::SurfaceKind},
    device,
    device::{ComputeDevice, DeviceChoice},
    engine::{
        Engine, EngineState,
        inspection::ModelFacts,
        training::{Histograms, SampleGrid, TrainingPhase},
    },
    inspect::{Calibration, RegionSettings, Regions},
    paths::Paths,
    tensorboard::BucketHistogram,
    train::{CurveMark, Health, History, Metric, Preset},
    ui::{App, Settings, ThemeChoice},
};

/// Size of the window in snapshots, points.
pub const SIZE: [f32; 2] = [1280.0, 800.0];

/// The window.
pub type Window = Harness<'static, App>;

/// Returns whether a label that contains this text is visible.
pub fn shows(window: &Window, label: &str) -> bool {
    window.query_all_by_label_contains(label).next().is_some()
}

/// Returns the facts of an active model of turned metal.
pub fn facts(hash: impl Into<String>, calibrations: Vec<Calibration>) -> ModelFacts {
    ModelFacts {
        name: "turned".into(),
        path: None,
        hash: hash.into(),
        recipe: Arc::new(Preset::Laptop.recipe()),
        step: 2_000,
        encoder: true,
        calibrations: Arc::new(calibrations),
        regions: Regions::default(),
        region_settings: RegionSettings::default(),
        split: Arc::new(Split { seed: 0, train: Vec::new(), held_out: Vec::new(), pixels: Vec::new() }),
        lineage: None,
        outliers: None,
    }
}

/// A dropped file.
#[derive(Debug)]
pub struct Dropped(pub PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("not read by the window".into())
    }
}

/// Returns both themes with their names in snapshots.
pub fn themes() -> [(bool, &'static str); 2] {
    [(true, "dark"), (false, "light")]
}

/// Types a text into the focused field.
pub fn type_text(test: &mut TestWindow, text: &str) {
    test.harness.event(egui::Event::Text(text.into()));
    test.harness.run_steps(2);
}

/// Presses a key and draws the result.
pub fn press(test: &mut TestWindow, modifiers: Modifiers, key: Key) {
    test.harness.key_press_modifiers(modifiers, key);
    test.harness.run_steps(3);
}

/// Moves the pointer, and optionally presses or releases its button.
pub fn point(test: &mut TestWindow, at: impl Into<egui::Pos2>, pressed: Option<bool>) {
    let pos = at.into();
    test.harness.event(egui::Event::PointerMoved(pos));
    if let Some(pressed) = pressed {
        let (button, modifiers) = (egui::PointerButton::Primary, Modifiers::NONE);
        test.harness.event(egui::Event::PointerButton { pos, button, pressed, modifiers });
    }
    test.harness.step();
}

/// A window with a folder for its settings and runs.
pub struct TestWindow {
    pub harness: Harness<'static, App>,
    pub folder: tempfile::TempDir,
}

/// Returns the tolerances of snapshot comparisons.
pub fn options() -> SnapshotOptions {
    // Drivers differ slightly in anti-aliasing.
    SnapshotOptions::new().threshold(1.0).max_failed_pixels(40)
}

/// Opens the window in the dark or the light theme; `prepare` fills the engine's state before the first frame.
pub fn open(dark: bool, size: [f32; 2], prepare: impl FnOnce(&EngineState) + 'static) -> TestWindow {
    let folder = tempfile::tempdir().unwrap();
    open_in(folder, dark, size, prepare, |_| {})
}

/// Like [`open`], in a given folder and with adjusted settings.
pub fn open_in(
    folder: tempfile::TempDir,
    dark: bool,
    size: [f32; 2],
    prepare: impl FnOnce(&EngineState) + 'static,
    adjust: impl FnOnce(&mut Settings),
) -> TestWindow {
    let paths = Paths::under(folder.path());
    let theme = if dark { ThemeChoice::Dark } else { ThemeChoice::Light };
    let mut settings = Settings { theme, device: DeviceChoice::Cpu, ..Settings::default() };
    adjust(&mut settings);
    let harness = Harness::builder()
        .with_size(size)
        .with_theme(if dark { egui::Theme::Dark } else { egui::Theme::Light })
        .with_os(egui::os::OperatingSystem::Nix)
        .with_options(options())
        .with_max_steps(60)
        .build_eframe(move |cc| {
            let engine = Engine::start(DeviceChoice::Cpu, || {}).unwrap();
            let state = Arc::clone(engine.state());
            while state.device.read().is_none() {
                thread::yield_now();
            }
            // The same on every machine.
            *state.device.write() =
                Some(ComputeDevice { label: "CPU, 2 cores".into(), ..device::open(DeviceChoice::Cpu).0 });
            prepare(&state);
            App::new(&cc.egui_ctx, settings, engine, paths).with_typed_dialogs()
        });
    TestWindow { harness, folder }
}

impl TestWindow {
    /// Draws until `done` holds; fails the test if it never does.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&Harness<'static, App>) -> bool) {
        // Bounded, but long enough for a slow machine: each round gives the other threads 5 ms.
        for _ in 0..12_000 {
            self.harness.step();
            if done(&self.harness) {
                return;
            }
            thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("timed out waiting for: {what}");
    }

    /// Compares with the snapshot of this name; the memory usage is masked.
    pub fn snapshot(&mut self, name: &str, results: &mut SnapshotResults) {
        self.harness.run_steps(3);
        let memory: Vec<egui::Rect> = self.harness.query_all_by_label_contains(" MB").map(|n| n.rect()).collect();
        for rect in memory {
            // The number is right-aligned, with space for any number of digits.
            self.harness.mask(egui::Rect::from_min_max(rect.right_top() - egui::vec2(60.0, 0.0), rect.right_bottom()));
        }
        self.harness.snapshot(name);
        results.extend_harness(&mut self.harness);
    }

    /// Selects an entry of a combo box.
    pub fn choose(&mut self, combo: &str, entry: &str) {
        // A page that still receives its content may move the box away from the first click.
        for _ in 0..5 {
            self.harness.get_by_role_and_label(Role::ComboBox, combo).click();
            for _ in 0..4 {
                self.harness.run_steps(2);
                // An entry has an on state, unlike a button of the same name.
                let mut entries = self.harness.query_all_by_role_and_label(Role::Button, entry);
                if let Some(found) = entries.find(|node| node.accesskit_node().toggled().is_some()) {
                    found.click();
                    drop(entries);
                    self.harness.run_steps(4);
                    return;
                }
            }
        }
        panic!("{combo} does not open, or has no entry {entry}");
    }

    /// Returns a path in the folder of the test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn pictures(kind: SurfaceKind, seed: u64, count: usize, side: usize) -> ImageGrid {
    let mut pixels = Vec::new();
    for i in 0..count {
        let picture = surface::draw(kind, None, seed, i as u64, side).picture;
        for y in 0..side {
            for x in 0..side {
                pixels.push(((picture.unit(x, y, 0) + 1.0) * 127.5) as u8);
            }
        }
    }
    ImageGrid { count, side, channels: 1, pixels }
}

/// A reproducible pseudo-random number in [-1, 1].
fn noise(i: u64) -> f32 {
    let mut x = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 32;
    (x >> 40) as f32 / (1 << 23) as f32 - 1.0
}

/// Fills in the state of a run after `steps` steps.
pub fn run(state: &EngineState, phase: TrainingPhase, steps: u64, health: Health) {
    let recipe = Preset::Laptop.recipe();
    let mut history = History::default();
    for step in 1..=steps {
        let age = step as f32;
        let fall = (-age / 150.0).exp();
        let wobble = |k: u64, size: f32| noise(step * 16 + k) * size;
        let mut row = [f32::NAN; Metric::ALL.len()];
        let mut set = |metric: Metric, value: f32| row[metric as usize] = value;
        set(Metric::DLossReal, 0.62 + 0.2 * fall + wobble(0, 0.08));
        set(Metric::DLossFake, 0.58 + 0.3 * fall + wobble(1, 0.08));
        set(Metric::GLoss, 0.95 - 0.3 * fall + wobble(2, 0.12));
        set(Metric::DAccuracyReal, 0.66 + 0.2 * fall + wobble(3, 0.08));
        set(Metric::DAccuracyFake, 0.70 + 0.2 * fall + wobble(4, 0.08));
        set(Metric::GSuccess, 0.30 - 0.2 * fall + wobble(4, 0.08));
        set(Metric::GradNormG, 0.8 + 2.0 * fall + wobble(5, 0.2));
        set(Metric::GradNormD, 1.6 + 2.0 * fall + wobble(6, 0.3));
        set(Metric::Noise, 0.1 * 0.5_f32.powf(age / 500.0));
        set(Metric::Dropout, 0.0);
        set(Metric::ImagesPerSecond, 118.0 + wobble(7, 4.0));
        set(Metric::MsPerStep, 135.0 + wobble(8, 5.0));
        if step % 20 == 0 {
            set(Metric::Diversity, 0.78 - 0.5 * fall + wobble(9, 0.02));
        }
        history.push(step, 1_800_000_000.0 + f64::from(age) * 0.135, &row);
    }
    history.marks.push(CurveMark { step: steps / 3, text: "G updates per step (k_G): 1 to 2".into() });
    *state.training.history.write() = history;

    let side = recipe.model.size;
    let mut grids = state.training.grids.write();
    for (i, step) in (0..=steps).step_by((steps / 4).max(1) as usize).enumerate() {
        let samples = pictures(SurfaceKind::Turned, 40 + i as u64, 36, side);
        grids.push(SampleGrid { step, from_ema: true, samples });
    }
    drop(grids);
    *state.training.real.lock() = Some(Arc::new(pictures(SurfaceKind::Turned, 7, 36, side)));
    let bell: Vec<f32> = (0..4_000).map(|i| (0..6).map(|k| noise(i * 6 + k)).sum::<f32>() * 0.02).collect();
    let entries = ["g/weights/up1.weight", "g/gradients/up1.weight", "d/weights/conv2.weight"];
    let entries = entries.into_iter().map(|name| (name.to_owned(), BucketHistogram::of(&bell))).collect();
    state.training.histograms.write().push(Histograms { step: steps, entries });

    let mut status = state.training.status.write();
    let left = recipe.train.steps.saturating_sub(steps) as f64 * 0.135;
    status.phase = phase;
    status.step = steps;
    status.steps_per_second = 7.4;
    status.seconds_left = Some(left);
    status.recipe = Some(Arc::new(recipe));
    status.run = Some("/parts/runs/turned".into());
    status.name = "turned".into();
    status.data = vec!["96 healthy images".into(), "76 images train, 20 are held out for calibration".into()];
    status.checkpoint = Some(steps / 200 * 200);
    status.health = health;
    status.preview_ema = true;
}
