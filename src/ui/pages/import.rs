//! The Import page: reads a folder or CSV file, shows the data set found and the recipe, and starts a run on it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use egui::{
    Align, CentralPanel, CollapsingHeader, Color32, ColorImage, Frame, Layout, Panel, ProgressBar, Rect, RichText,
    ScrollArea, Sense, TextEdit, TextureHandle, TextureOptions, Ui, pos2, vec2,
};
use egui_extras::{Column, TableBuilder};
use egui_material_icons::icons;

use super::{
    folder_roles::FolderRolesEditor, section, suited_preset, thumbnail, train::critic_preview::CriticPreview, weak,
};
use crate::{
    data,
    data::{DataError, DataSource, Dataset, DatasetLayout, Opened},
    engine::{BackgroundTask, TaskState, thread_error, training::critic_preview::Viewer},
    format::{capitalise, counted, sentence},
    text::{PrintablePath, path_text},
    time::TimeLeft,
    train::{KNOBS, Preset, Recipe, knobs::Group, run_folder::free_folder},
    ui::{
        Action, Frame as UiFrame, UiCommand, focus, theme, typed_path, widgets,
        widgets::{elide::name_label, knob::knob_editor, ticks},
    },
};

/// Maximum number of images in the strip.
const STRIP_LENGTH: usize = 16;
/// Side of an image in the strip, points; textures have twice as many pixels.
const STRIP_SIDE: f32 = 104.0;

/// The state of reading the folder.
enum ReadState {
    /// The folder is being read.
    Reading(BackgroundTask<Result<Opened, DataError>>, Instant, TimeLeft),
    /// The folder was read.
    Read(Arc<Opened>),
    /// The user has to say which folders are healthy.
    Asking(Box<FolderRolesEditor>),
    /// The folder cannot be used, with the reason as a sentence.
    Failed(String),
}

/// Images trained on and held out, or why there are too few.
type SplitCounts = Result<(usize, usize), String>;

/// The Import page for one folder.
pub(crate) struct ImportPage {
    root: PathBuf,
    /// The data: the folder, with the roles that the user has said.
    source: DataSource,
    state: ReadState,
    /// The summary of the data set, one sentence per line.
    summary: Vec<String>,
    strip_task: Option<BackgroundTask<Vec<(String, ColorImage)>>>,
    images: Vec<(String, TextureHandle)>,
    /// The preset that suits the device has been selected once.
    preset_selected: bool,
    /// The new run's folder as typed.
    out: Option<String>,
    critic_preview: CriticPreview,
    /// The numbers of images to train on and to hold out, by the share and the seed they were counted for.
    counted: Option<((f64, u64), SplitCounts)>,
}

impl ImportPage {
    /// Starts reading a folder or a CSV file.
    pub(crate) fn open(ctx: &egui::Context, root: PathBuf) -> Self {
        let source = DataSource::Folder(root.clone());
        Self {
            root,
            state: start_reading(ctx, &source),
            source,
            summary: Vec::new(),
            strip_task: None,
            images: Vec::new(),
            preset_selected: false,
            out: None,
            critic_preview: CriticPreview::new(Viewer::fresh()),
            counted: None,
        }
    }

    /// Returns the folder or CSV file.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the files read and in all, while reading.
    pub(crate) fn reading(&self) -> Option<(usize, usize)> {
        match &self.state {
            ReadState::Reading(task, ..) => Some(task.progress()),
            _ => None,
        }
    }

    /// Cancels the reading.
    pub(crate) fn cancel(&self) {
        if let ReadState::Reading(task, ..) = &self.state {
            task.cancel();
        }
    }

    /// Takes the result of the reading once it is complete; returns whether the folder can now be used.
    pub(crate) fn poll(&mut self, ctx: &egui::Context) -> bool {
        if let Some(task) = &self.strip_task
            && let TaskState::Done(images) = task.poll()
        {
            let load = |(name, image): (String, ColorImage)| {
                let texture = ctx.load_texture(&name, image, TextureOptions::LINEAR);
                (name, texture)
            };
            self.images = images.into_iter().map(load).collect();
            self.strip_task = None;
        }
        let ReadState::Reading(task, ..) = &self.state else { return false };
        match task.poll() {
            TaskState::Running => {
                // Keeps the progress bar moving while nothing else repaints.
                ctx.request_repaint_after_secs(0.1);
                false
            }
            TaskState::Done(Ok(opened)) => {
                self.load_strip(ctx, &opened.dataset);
                self.summary = summary(&opened.dataset);
                self.state = ReadState::Read(Arc::new(opened));
                true
            }
            TaskState::Done(Err(DataError::Cancelled)) => {
                self.state = ReadState::Failed("Reading was cancelled before all images had been read.".to_owned());
                false
            }
            TaskState::Done(Err(DataError::Unclear(unclear))) => {
                self.state = ReadState::Asking(Box::new(FolderRolesEditor::new(*unclear)));
                false
            }
            TaskState::Done(Err(error)) => {
                self.state = ReadState::Failed(sentence(&error.to_string()));
                false
            }
            TaskState::Over => {
                self.state = ReadState::Failed("Reading failed. The Log page may have details.".to_owned());
                false
            }
        }
    }

    /// Decodes a few images spread over the data set, for the strip.
    fn load_strip(&mut self, ctx: &egui::Context, dataset: &Dataset) {
        let healthy: Vec<PathBuf> = dataset.healthy_for_training().map(|item| item.path.clone()).collect();
        let count = healthy.len().min(STRIP_LENGTH);
        let chosen: Vec<PathBuf> = (0..count).filter_map(|i| healthy.get(i * healthy.len() / count).cloned()).collect();
        let wake = ctx.clone();
        self.strip_task = BackgroundTask::spawn(
            "import-strip",
            move || wake.request_repaint(),
            move |progress| {
                let mut images = Vec::new();
                for path in chosen {
                    if progress.is_cancelled() {
                        break;
                    }
                    if let Ok(picture) = data::decode(&path) {
                        images.push((path.printable().to_string(), thumbnail(&picture, 2 * STRIP_SIDE as usize)));
                    }
                }
                images
            },
        )
        .ok();
    }

    /// Draws the page; returns `false` once the user leaves it.
    pub(crate) fn ui(&mut self, ui: &mut Ui, frame: &mut UiFrame<'_>, runs: &Path) -> bool {
        let p = theme::Palette::of(ui);
        let mut stay = true;
        let mut roles = None;
        Panel::top("import-title").frame(Frame::new().fill(p.panel).inner_margin(theme::GAP_M)).show(ui, |ui| {
            ui.horizontal(|ui| {
                stay &= !widgets::icon_button(ui, icons::ICON_ARROW_BACK, "Back", true).clicked();
                ui.label(RichText::new("Import").text_style(theme::figure()).color(p.text_strong));
                name_label(ui, &self.root.printable().to_string(), egui::TextStyle::Body, p.text_weak);
            });
        });
        if let ReadState::Read(opened) = &self.state {
            let opened = Arc::clone(opened);
            self.select_preset(frame);
            let counts = self.counts(&opened, frame.recipe);
            let margin = Frame::new().fill(p.panel).inner_margin(theme::GAP_L);
            let panel = Panel::right("import-recipe").exact_size(theme::PANEL_MAX).resizable(false);
            panel.frame(Frame::new().fill(p.panel)).show(ui, |ui| {
                focus::mark_panel(ui, ui.max_rect());
                Panel::bottom("import-go")
                    .resizable(false)
                    .frame(margin)
                    .show(ui, |ui| self.start_panel(ui, frame, runs, counts, opened));
                CentralPanel::default().frame(margin).show(ui, |ui| recipe(ui, frame));
            });
        }
        if let ReadState::Read(opened) = &self.state
            && frame.recipe.critic.steps > 0
            && ui.available_height() >= theme::CRITIC_PREVIEW + theme::ABOVE_CRITIC_PREVIEW
        {
            let panel = Panel::bottom("import-critic").exact_size(theme::CRITIC_PREVIEW).resizable(false);
            panel.frame(Frame::new().fill(p.plot).inner_margin(theme::GAP_L)).show(ui, |ui| {
                section(ui, "Critic preview");
                self.critic_preview.ui(ui, frame, Some(opened));
            });
        }
        let plot = Frame::new().fill(p.plot).inner_margin(theme::GAP_XL);
        let mut correct = None;
        CentralPanel::default().frame(plot).show(ui, |ui| match &mut self.state {
            ReadState::Reading(task, since, measured) => {
                let (done, total) = task.progress();
                let left =
                    measured.update(since.elapsed().as_secs_f64(), done as f64, total.saturating_sub(done) as f64);
                if reading(ui, (done, total), left.filter(|_| done > 0)) {
                    task.cancel();
                }
            }
            ReadState::Failed(text) => stay &= failed(ui, &p, text, frame.actions),
            ReadState::Asking(editor) => roles = editor.ui(ui),
            ReadState::Read(opened) => {
                let opened = Arc::clone(opened);
                let colours = opened.dataset.colour().sentence(frame.recipe.model.channels.chosen());
                if self.dataset_summary(ui, &p, &opened.dataset, &colours, frame.actions) {
                    correct = Some(FolderRolesEditor::of(&opened.dataset));
                }
            }
        });
        if let Some(editor) = correct {
            self.state = ReadState::Asking(Box::new(editor));
        }
        if let Some(roles) = roles {
            self.source = DataSource::Assigned(roles);
            self.state = start_reading(ui.ctx(), &self.source);
            (self.counted, self.images) = (None, Vec::new());
        }
        stay
    }

    /// Selects the preset that suits the device, unless the user has a custom recipe.
    fn select_preset(&mut self, frame: &mut UiFrame<'_>) {
        let suited = suited_preset(frame.engine).recipe();
        if !self.preset_selected && !frame.locked && *frame.recipe != suited && preset_of(frame.recipe).is_some() {
            frame.actions.push(Action::Recipe(Box::new(suited)));
        }
        self.preset_selected = true;
    }

    /// Draws the run's folder and the button that starts the run.
    fn start_panel(
        &mut self,
        ui: &mut Ui,
        frame: &mut UiFrame<'_>,
        runs: &Path,
        counts: Result<(usize, usize), String>,
        opened: Arc<Opened>,
    ) {
        let p = theme::Palette::of(ui);
        section(ui, "Run folder");
        let source = self.source.clone();
        let out = self.out.get_or_insert_with(|| path_text::to_text(&free_folder(runs, &source)).into_owned());
        ui.add(TextEdit::singleline(out).id(egui::Id::unique("import-folder")).desired_width(f32::INFINITY))
            .accessible_name("Folder of the new run");
        let path = typed_path::resolve(out);
        let exists = path.as_ref().is_some_and(|path| path.exists());
        if exists {
            ui.horizontal(|ui| {
                theme::mark_icon(ui, theme::NoticeMark::Warning);
                weak(ui, "This folder already exists. Choose another name.");
            });
        } else {
            weak(ui, "Recipe, checkpoints and curves are saved there.");
        }
        ui.add_space(theme::GAP_M);
        let title = match &counts {
            Ok((training, _)) => format!("Train on {}", counted(*training, "healthy image")),
            Err(_) => "Train".to_owned(),
        };
        let why = match &counts {
            Err(error) => sentence(error),
            Ok(_) if exists => "The run folder already exists.".to_owned(),
            Ok(_) => "Name a new folder for the run first.".to_owned(),
        };
        let ready = counts.is_ok() && !exists && path.is_some();
        let button = theme::primary_button(&p, title);
        let start =
            ui.vertical_centered_justified(|ui| ui.add_enabled(ready, button)).inner.on_disabled_hover_text(why);
        if start.clicked() {
            let (recipe, out) = (Box::new(frame.recipe.clone()), path);
            frame.actions.push(Action::Start { source, opened: Some(opened), recipe, out });
        }
        match counts {
            Ok((_, held_out)) => {
                weak(ui, format!("{} more are held out for calibration and never trained on.", held_out));
            }
            Err(error) => weak(ui, sentence(&error)),
        }
    }

    /// Returns how many images will be trained on and how many held out, or why there are too few.
    fn counts(&mut self, opened: &Opened, recipe: &Recipe) -> Result<(usize, usize), String> {
        let (share, seed) = (recipe.data.holdout, recipe.seed);
        match &self.counted {
            Some((of, counts)) if *of == (share, seed) => counts.clone(),
            _ => {
                let split = opened.split(share, seed).map_err(|error| error.to_string());
                let counts = split.map(|s| (opened.training_indices(&s).len(), opened.held_out_indices(&s).len()));
                self.counted = Some(((share, seed), counts.clone()));
                counts
            }
        }
    }

    /// Draws the summary of a data set, some of its images, and the files left out; returns whether the user wants to
    /// say the roles of its folders.
    fn dataset_summary(
        &self,
        ui: &mut Ui,
        p: &theme::Palette,
        dataset: &Dataset,
        colours: &str,
        actions: &mut Vec<Action>,
    ) -> bool {
        let mut correct = false;
        ui.horizontal_wrapped(|ui| {
            section(ui, &format!("Recognised as {}", article(dataset.layout.title())));
            if dataset.layout != DatasetLayout::Csv {
                let help = "Say which folders hold healthy parts, defective parts and masks.";
                correct = ui.button("Set roles…").on_hover_text(help).clicked();
            }
        });
        ui.add_space(theme::GAP_XS);
        for line in self.summary.iter().cloned().chain([sentence(colours)]) {
            ui.add(egui::Label::new(RichText::new(line).color(p.text)).wrap());
        }
        ui.add_space(theme::GAP_L);
        strip(ui, p, &self.images, self.strip_task.is_some());
        ui.add_space(theme::GAP_L);
        if dataset.skipped.is_empty() {
            weak(ui, "No files were left out.");
            return correct;
        }
        ui.horizontal(|ui| {
            let count = dataset.skipped.len();
            section(ui, &format!("{count} {} left out", if count == 1 { "file" } else { "files" }));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.button("Copy list").clicked() {
                    let rows = dataset.skipped.iter().map(|s| format!("{}\t{}", s.path.printable(), s.reason));
                    actions.push(Action::Copy(rows.collect::<Vec<_>>().join("\n")));
                }
            });
        });
        skipped_table(ui, p, dataset);
        correct
    }
}

/// Starts to read the data.
fn start_reading(ctx: &egui::Context, source: &DataSource) -> ReadState {
    let (wake, from) = (ctx.clone(), source.clone());
    let task = BackgroundTask::spawn(
        "describe",
        move || wake.request_repaint(),
        move |progress| from.open(&|done, total| progress.report(done, total)),
    );
    match task {
        Ok(task) => ReadState::Reading(task, Instant::now(), TimeLeft::default()),
        Err(error) => {
            ReadState::Failed(format!("{}. Close some programs and try again.", capitalise(&thread_error(&error))))
        }
    }
}

/// Returns the preset that a recipe equals, if any.
fn preset_of(recipe: &Recipe) -> Option<Preset> {
    Preset::ALL.into_iter().find(|preset| preset.recipe() == *recipe)
}

/// Draws the presets and all settings.
fn recipe(ui: &mut Ui, frame: &mut UiFrame<'_>) {
    ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
        ui.set_width(ui.available_width() - theme::GAP_S);
        let (suited, current) = (suited_preset(frame.engine), preset_of(frame.recipe));
        section(ui, "Recipe");
        for preset in Preset::ALL {
            let mut title = preset.title().to_owned();
            if preset == suited {
                title += " (recommended for this device)";
            }
            if ui.radio(current == Some(preset), title).clicked() {
                frame.actions.push(Action::Recipe(Box::new(preset.recipe())));
            }
            indented(ui, preset.describe());
        }
        if current.is_none() {
            // Shows that none of the presets is in use.
            let custom = ui.radio(true, "Custom recipe");
            custom.on_hover_text("Choosing a preset replaces it; undo restores it.");
            indented(ui, "Loaded from a file or edited.");
        }
        let load = UiCommand::LoadRecipe;
        if ui.button(load.title()).on_hover_text(load.tooltip(ui.ctx())).clicked() {
            frame.command(load);
        }
        ui.add_space(theme::GAP_M);
        section(ui, "All settings");
        for group in Group::ALL {
            CollapsingHeader::new(group.title()).show_unindented(ui, |ui| {
                for knob in KNOBS.iter().filter(|k| k.group == group) {
                    let (Some(value), Some(default)) = (frame.recipe.get(knob.key), frame.initial.get(knob.key)) else {
                        continue;
                    };
                    if let Some(value) = knob_editor(ui, knob, &value, &default, knob.live || !frame.locked) {
                        frame.actions.push(Action::Knob { key: knob.key, value });
                    }
                }
            });
        }
    });
}

fn indented(ui: &mut Ui, text: &str) {
    ui.horizontal_top(|ui| {
        ui.spacing_mut().interact_size.y = 0.0;
        ui.add_space(theme::GAP_L + theme::GAP_XS);
        let p = theme::Palette::of(ui);
        ui.add(egui::Label::new(theme::weak_caption(&p, text)).wrap());
    });
    ui.add_space(theme::GAP_XS);
}

/// Draws the progress of the reading; returns whether it should be cancelled.
fn reading(ui: &mut Ui, (done, total): (usize, usize), seconds_left: Option<f64>) -> bool {
    section(ui, "Reading the images");
    weak(ui, "Every file is read once, to find broken images before training starts.");
    ui.add_space(theme::GAP_S);
    let share = if total > 0 { done as f64 / total as f64 } else { 0.0 };
    let left = seconds_left.map_or_else(String::new, |seconds| format!(", {} left", ticks::span(seconds)));
    let text = if total > 0 { format!("{done} of {total} files{left}") } else { "Listing files".to_owned() };
    ui.add(ProgressBar::new(share as f32).desired_width(theme::TEXT_MAX));
    ui.add_space(theme::GAP_XS);
    ui.horizontal(|ui| {
        weak(ui, text);
    });
    ui.add_space(theme::GAP_S);
    ui.button("Cancel").clicked()
}

/// Draws why the folder cannot be used; returns `false` once the user leaves the page.
fn failed(ui: &mut Ui, p: &theme::Palette, text: &str, actions: &mut Vec<Action>) -> bool {
    ui.horizontal(|ui| {
        theme::mark_icon(ui, theme::NoticeMark::Error);
        section(ui, "This data cannot be used for training");
    });
    ui.add_space(theme::GAP_XS);
    ui.scope(|ui| {
        ui.set_max_width(theme::TEXT_MAX.min(ui.available_width()));
        ui.add(egui::Label::new(RichText::new(text).color(p.text)).wrap().selectable(true));
    });
    ui.add_space(theme::GAP_M);
    let mut stay = true;
    ui.horizontal(|ui| {
        if ui.add(theme::primary_button(p, "Choose another folder…")).clicked() {
            actions.push(Action::Command(UiCommand::OpenFolder));
        }
        stay = !ui.button("Back").clicked();
    });
    stay
}

/// Returns the summary of a data set as sentences.
fn summary(dataset: &Dataset) -> Vec<String> {
    let mut lines: Vec<String> = dataset.summary().sentences().iter().map(|line| sentence(line)).collect();
    // The last sentence is about skipped files, which have their own table.
    if !dataset.skipped.is_empty() {
        lines.pop();
    }
    lines
}

/// Puts "a" before a name in lower case.
fn article(title: &str) -> String {
    match title.chars().next() {
        Some(first) if first.is_lowercase() => format!("a {title}"),
        _ => title.to_owned(),
    }
}

/// Draws some images of the data set, each in full and in its own aspect ratio.
fn strip(ui: &mut Ui, p: &theme::Palette, images: &[(String, TextureHandle)], loading: bool) {
    ui.scope(|ui| {
        ui.set_min_height(STRIP_SIDE);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = theme::GAP_XS;
            if loading {
                ui.spinner();
            }
            // As many as fit on one line.
            let fitting = ((ui.available_width() + theme::GAP_XS) / (STRIP_SIDE + theme::GAP_XS)) as usize;
            for (name, texture) in images.iter().take(fitting) {
                let (rect, response) = ui.allocate_exact_size(vec2(STRIP_SIDE, STRIP_SIDE), Sense::hover());
                ui.painter().rect_filled(rect, 0.0, p.picture);
                let [w, h] = texture.size().map(|s| s as f32);
                let size = vec2(w, h) * (STRIP_SIDE / w.max(h));
                let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                ui.painter().image(texture.id(), Rect::from_center_size(rect.center(), size), whole, Color32::WHITE);
                response.on_hover_text(name);
            }
        });
    });
}

fn skipped_table(ui: &mut Ui, p: &theme::Palette, dataset: &Dataset) {
    ScrollArea::horizontal().show(ui, |ui| {
        let table = TableBuilder::new(ui)
            .striped(false)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(theme::PANEL_MIN).clip(true))
            .column(Column::remainder().clip(true))
            .auto_shrink([false, false]);
        let head = |ui: &mut Ui, text: &str| {
            ui.label(theme::weak_caption(p, text));
        };
        table
            .header(theme::ROW, |mut row| {
                row.col(|ui| head(ui, "File"));
                row.col(|ui| head(ui, "Reason"));
            })
            .body(|body| {
                body.rows(theme::ROW_TIGHT + theme::GAP_XS, dataset.skipped.len(), |mut row| {
                    let Some(skipped) = dataset.skipped.get(row.index()) else { return };
                    let within = skipped.path.strip_prefix(&dataset.root).unwrap_or(&skipped.path);
                    row.col(|ui| {
                        let name = name_label(ui, &within.printable().to_string(), egui::TextStyle::Body, p.text);
                        name.on_hover_text(skipped.path.printable().to_string());
                    });
                    row.col(|ui| {
                        let text = RichText::new(&skipped.reason).color(p.text_weak);
                        ui.add(egui::Label::new(text).truncate()).on_hover_text(&skipped.reason);
                    });
                });
            });
    });
}
