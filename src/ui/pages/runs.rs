//! The run list: what lies on disk, to go on with, to compare and to tidy up.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use egui::{
    Align, CentralPanel, Color32, ColorImage, Frame, Key, Layout, Panel, Rect, RichText, ScrollArea, Sense, TextEdit,
    TextureHandle, TextureOptions, Ui, pos2, vec2,
};
use egui_extras::{Column, TableBuilder};

use super::{section, source_title, weak};
use crate::{
    engine::background::{BackgroundTask, TaskState},
    format::sentence,
    train::{
        Recipe, knobs,
        run_folder::{RunFolder, RunSummary, list_runs},
    },
    ui::{Action, RunOverlay, UiCommand, notices::ago, theme, widgets, widgets::ticks},
};

/// One run as the list shows it.
#[derive(Debug)]
struct Row {
    summary: RunSummary,
    recipe: Option<Recipe>,
}

impl Row {
    fn read(summary: RunSummary) -> Self {
        let text = RunFolder::open(&summary.path).and_then(|folder| folder.read_recipe());
        let recipe = text.ok().and_then(|text| Recipe::from_record(&text).ok());
        Self { summary, recipe }
    }

    fn path(&self) -> &Path {
        &self.summary.path
    }

    fn name(&self) -> String {
        match &self.summary.info {
            Ok(info) => info.name.clone(),
            Err(_) => self.path().file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default(),
        }
    }

    fn data(&self) -> String {
        self.summary.info.as_ref().map_or_else(|_| String::new(), |info| source_title(&info.source))
    }

    /// Steps done and wanted.
    fn steps(&self) -> (u64, Option<u64>) {
        (self.summary.steps, self.recipe.as_ref().map(|r| r.train.steps))
    }

    fn steps_text(&self) -> String {
        let grouped = |n: u64| ticks::grouped(n as f64, 0);
        match self.steps() {
            (done, Some(all)) => format!("{} of {}", grouped(done), grouped(all)),
            (done, None) => grouped(done),
        }
    }

    fn state(&self, open: Option<&Path>) -> (theme::StatusMark, &'static str) {
        if self.summary.info.is_err() {
            return (theme::StatusMark::Defective, "Cannot be opened");
        }
        match self.steps() {
            _ if open == Some(self.path()) => (theme::StatusMark::Healthy, "Open"),
            (done, Some(all)) if done >= all => (theme::StatusMark::Healthy, "Finished"),
            (0, _) => (theme::StatusMark::Unknown, "No checkpoint yet"),
            _ => (theme::StatusMark::Unknown, "Can go on"),
        }
    }
}

/// The page's own state.
#[derive(Default)]
pub struct RunsPage {
    rows: Vec<Row>,
    listing: Option<BackgroundTask<Vec<Row>>>,
    listed: Option<PathBuf>,
    chosen: Option<PathBuf>,
    compared: BTreeSet<PathBuf>,
    renaming: Option<String>,
    loading: Option<(PathBuf, BackgroundTask<Option<ColorImage>>)>,
    thumbnail: Option<(PathBuf, Option<TextureHandle>)>,
}

/// What the page is shown.
pub struct RunsView<'a> {
    /// Where runs lie.
    pub root: &'a Path,
    /// The run in hand.
    pub open: Option<&'a Path>,
    /// Runs laid over the curves, and whether their curves are still being read.
    pub overlays: &'a [RunOverlay],
    /// Runs whose curves are being read for that.
    pub pending: &'a [PathBuf],
}

impl RunsPage {
    /// Makes the page read the disk again when it is shown next.
    pub fn refresh(&mut self) {
        self.listed = None;
    }

    /// Draws the page.
    pub fn ui(&mut self, ui: &mut Ui, view: &RunsView<'_>, actions: &mut Vec<Action>) {
        self.pick_up(ui, view.root);
        let p = theme::Palette::of(ui);
        Panel::top("runs-title").frame(Frame::new().fill(p.panel).inner_margin(theme::GAP_M)).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new("Runs").text_style(theme::figure()).color(p.text_strong));
                let place = RichText::new(view.root.display().to_string()).color(p.text_weak);
                ui.add(egui::Label::new(place).truncate());
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.button("Read again").on_hover_text("Looks for runs on disk again.").clicked() {
                        self.refresh();
                    }
                    if self.listing.is_some() {
                        ui.spinner();
                    }
                });
            });
        });
        let row = self.chosen.as_ref().and_then(|path| self.rows.iter().position(|r| r.path() == path));
        if let Some(row) = row {
            let frame = Frame::new().fill(p.panel).inner_margin(theme::GAP_L);
            Panel::right("run-detail").exact_size(theme::PANEL_MAX).resizable(false).frame(frame).show(ui, |ui| {
                ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| self.detail(ui, row, view, actions));
            });
        }
        if self.compared.len() >= 2 {
            let frame = Frame::new().fill(p.panel).inner_margin(theme::GAP_M);
            let panel = Panel::bottom("runs-compared").resizable(true).default_size(theme::PANEL_MIN).frame(frame);
            panel.show(ui, |ui| self.differences(ui, &p));
        }
        CentralPanel::default().frame(Frame::new().fill(p.plot).inner_margin(theme::GAP_M)).show(ui, |ui| {
            if self.rows.is_empty() {
                self.nothing(ui, &p, view.root, actions);
            } else {
                self.table(ui, &p, view, actions);
            }
        });
    }

    fn pick_up(&mut self, ui: &Ui, root: &Path) {
        if self.listed.as_deref() != Some(root) && self.listing.is_none() {
            let (wake, from) = (ui.ctx().clone(), root.to_owned());
            self.listed = Some(root.to_owned());
            self.listing = BackgroundTask::spawn(
                "list-runs",
                move || wake.request_repaint(),
                move |progress| {
                    let found = list_runs(&from);
                    let total = found.len();
                    let read = |(i, summary)| progress.report(i, total).then(|| Row::read(summary));
                    found.into_iter().enumerate().map_while(read).collect()
                },
            )
            .ok();
        }
        if let Some(task) = &self.listing {
            match task.poll() {
                TaskState::Running => {}
                TaskState::Done(rows) => {
                    self.rows = rows;
                    self.listing = None;
                    let there = |path: &PathBuf| self.rows.iter().any(|r| r.path() == path);
                    self.compared.retain(there);
                    self.chosen =
                        self.chosen.take().filter(there).or_else(|| self.rows.first().map(|r| r.path().to_owned()));
                    self.thumbnail = None;
                }
                TaskState::Over => self.listing = None,
            }
        }
    }

    fn nothing(&self, ui: &mut Ui, p: &theme::Palette, root: &Path, actions: &mut Vec<Action>) {
        if self.listing.is_some() {
            weak(ui, "Reading the runs…");
            return;
        }
        ui.add_space(theme::GAP_XL);
        ui.vertical_centered(|ui| {
            section(ui, "No runs yet");
            weak(ui, format!("Each run that you start gets a folder in {} and is listed here.", root.display()));
            ui.add_space(theme::GAP_S);
            let command = UiCommand::NewRun;
            if ui.add(theme::primary_button(p, command.title())).on_hover_text(command.tooltip(ui.ctx())).clicked() {
                actions.push(Action::Command(command));
            }
        });
    }

    fn table(&mut self, ui: &mut Ui, p: &theme::Palette, view: &RunsView<'_>, actions: &mut Vec<Action>) {
        let mut chosen = None;
        let mut ticked = None;
        let table = TableBuilder::new(ui)
            .sense(Sense::click())
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(theme::ROW))
            .column(Column::remainder().at_least(120.0).clip(true))
            .column(Column::remainder().clip(true))
            .column(Column::exact(120.0))
            .column(Column::exact(110.0))
            .column(Column::exact(130.0))
            .column(Column::exact(64.0))
            .auto_shrink([false, false]);
        let head = |ui: &mut Ui, text: &str, help: &str| {
            let label = ui.label(theme::weak_caption(p, text));
            if !help.is_empty() {
                label.on_hover_text(help);
            }
        };
        table
            .header(theme::ROW, |mut row| {
                row.col(|ui| head(ui, "", ""));
                row.col(|ui| head(ui, "Name", ""));
                row.col(|ui| head(ui, "Data", ""));
                row.col(|ui| {
                    widgets::flush_right(ui, |ui| {
                        ui.add_space(theme::GAP_M);
                        head(ui, "Steps", "Steps at the last checkpoint, of those wanted.");
                    });
                });
                row.col(|ui| head(ui, "Changed", ""));
                row.col(|ui| head(ui, "State", ""));
                row.col(|ui| head(ui, "Overlay", "Lays the run's curves over those of the run in hand."));
            })
            .body(|body| {
                body.rows(theme::ROW, self.rows.len(), |mut line| {
                    let Some(row) = self.rows.get(line.index()) else { return };
                    let path = row.path();
                    let selected = self.chosen.as_deref() == Some(path);
                    line.set_selected(selected);
                    line.col(|ui| {
                        if selected {
                            theme::boxes_on_selection(ui);
                        }
                        let mut on = self.compared.contains(path);
                        let tick = ui.add_enabled(row.recipe.is_some(), egui::Checkbox::without_text(&mut on));
                        let tick = tick.accessible_name(format!("Compare {}", row.name()));
                        if tick.on_hover_text("Compares the recipes of all ticked runs.").changed() {
                            ticked = Some((path.to_owned(), on));
                        }
                    });
                    line.col(|ui| {
                        let name = RichText::new(row.name()).color(p.text_strong);
                        let button = egui::Button::new(name).frame(false).truncate();
                        if ui.add(button).clicked() {
                            chosen = Some(path.to_owned());
                        }
                    });
                    line.col(|ui| {
                        ui.add(egui::Label::new(row.data()).truncate());
                    });
                    line.col(|ui| {
                        widgets::flush_right(ui, |ui| {
                            ui.add_space(theme::GAP_M);
                            ui.label(row.steps_text());
                        });
                    });
                    line.col(|ui| {
                        ui.label(
                            RichText::new(ago(row.summary.last_change.elapsed().unwrap_or_default()))
                                .color(p.text_weak),
                        );
                    });
                    line.col(|ui| {
                        let (state, word) = row.state(view.open);
                        theme::state_icon(ui, state);
                        ui.label(word);
                    });
                    line.col(|ui| {
                        if selected {
                            theme::boxes_on_selection(ui);
                        }
                        overlay_tick(ui, row, view, "", actions);
                    });
                    if line.response().clicked() {
                        chosen = Some(path.to_owned());
                    }
                });
            });
        if let Some((path, on)) = ticked {
            if on {
                self.compared.insert(path);
            } else {
                self.compared.remove(&path);
            }
        }
        if let Some(path) = chosen {
            self.chosen = Some(path);
            self.renaming = None;
        }
    }

    fn detail(&mut self, ui: &mut Ui, row: usize, view: &RunsView<'_>, actions: &mut Vec<Action>) {
        self.load_thumbnail(ui, row);
        let Some(row) = self.rows.get(row) else { return };
        let p = theme::Palette::of(ui);
        let side = ui.available_width();
        let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, "Samples at the last checkpoint"));
        ui.painter().rect_filled(rect, 0.0, p.picture);
        if let Some((path, Some(texture))) = &self.thumbnail
            && path == row.path()
        {
            let [w, h] = texture.size().map(|s| s as f32);
            let size = vec2(w, h) * (side / w.max(h));
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture.id(), Rect::from_center_size(rect.center(), size), whole, Color32::WHITE);
        } else if row.summary.thumbnail.is_none() {
            let font = egui::FontSelection::Style(theme::caption()).resolve(ui.style());
            ui.painter().text(
                rect.center(),
                egui::Align2::CENTER_CENTER,
                "No samples were kept yet",
                font,
                p.text_weak,
            );
        }
        ui.add_space(theme::GAP_M);

        self.name(ui, actions);
        let Some(row) = self.chosen.as_ref().and_then(|path| self.rows.iter().find(|r| r.path() == path)) else {
            return;
        };
        ui.add_space(theme::GAP_S);
        match &row.summary.info {
            Ok(info) => {
                fact(ui, &p, "Data", &row.data());
                fact(ui, &p, "Steps", &row.steps_text());
                fact(ui, &p, "Device", &info.device);
                fact(ui, &p, "Folder", &row.path().display().to_string());
            }
            Err(error) => {
                ui.horizontal_top(|ui| {
                    theme::state_icon(ui, theme::StatusMark::Defective);
                    ui.add(egui::Label::new(sentence(error)).wrap().selectable(true));
                });
            }
        }
        ui.add_space(theme::GAP_L);

        let open = view.open == Some(row.path());
        ui.vertical_centered_justified(|ui| {
            buttons(ui, &p, row, open, actions);
        });
        ui.add_space(theme::GAP_S);
        overlay_tick(ui, row, view, "Lay its curves over the run in hand", actions);
        ui.add_space(theme::GAP_L);
        let delete = ui.add_enabled(!open, egui::Button::new("Delete…"));
        let delete = delete.on_hover_text("Moves the run to the trash folder; asks first.");
        if delete.on_disabled_hover_text("Close the run before you delete it.").clicked() {
            actions.push(Action::AskTrash(row.path().to_owned()));
        }
    }

    fn name(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let Some(row) = self.chosen.as_ref().and_then(|path| self.rows.iter().find(|r| r.path() == path)) else {
            return;
        };
        let usable = row.summary.info.is_ok();
        let (path, current) = (row.path().to_owned(), row.name());
        let mut text = self.renaming.clone().unwrap_or_else(|| current.clone());
        ui.horizontal(|ui| {
            let room = ui.available_width() - theme::RAIL - theme::GAP_XL;
            let field = ui.add_enabled(usable, TextEdit::singleline(&mut text).desired_width(room));
            let field = field.accessible_name("Name of the run");
            if field.changed() {
                self.renaming = Some(text.clone());
            }
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            let other = !text.trim().is_empty() && text.trim() != current;
            if (ui.add_enabled(usable && other, egui::Button::new("Rename")).clicked() || entered) && other {
                actions.push(Action::Rename(path, text.trim().to_owned()));
                self.renaming = None;
            }
        });
    }

    fn load_thumbnail(&mut self, ui: &Ui, row: usize) {
        let Some(row) = self.rows.get(row) else { return };
        if let Some((path, task)) = &self.loading
            && let TaskState::Done(image) = task.poll()
        {
            let texture = image.map(|image| ui.ctx().load_texture("run-samples", image, TextureOptions::LINEAR));
            self.thumbnail = Some((path.clone(), texture));
            self.loading = None;
        }
        let known = self.thumbnail.as_ref().is_some_and(|(path, _)| path == row.path());
        let Some(file) = row.summary.thumbnail.clone().filter(|_| !known && self.loading.is_none()) else { return };
        let wake = ui.ctx().clone();
        let task = BackgroundTask::spawn(
            "run-samples",
            move || wake.request_repaint(),
            move |_| {
                let picture = crate::data::decode(&file).ok()?;
                Some(super::thumbnail(&picture, 2 * theme::PANEL_MAX as usize))
            },
        );
        self.loading = task.ok().map(|task| (row.path().to_owned(), task));
    }

    fn differences(&mut self, ui: &mut Ui, p: &theme::Palette) {
        let runs: Vec<(String, &Recipe)> = self
            .rows
            .iter()
            .filter(|r| self.compared.contains(r.path()))
            .filter_map(|r| Some((r.name(), r.recipe.as_ref()?)))
            .collect();
        let Some(((_, first), others)) = runs.split_first() else { return };
        // In the order of the panel of knobs.
        let keys: Vec<&'static str> = knobs::KNOBS
            .iter()
            .map(|k| k.key)
            .filter(|key| others.iter().any(|(_, recipe)| recipe.get(key) != first.get(key)))
            .collect();
        let mut done = false;
        ui.horizontal(|ui| {
            section(ui, "What differs between the recipes");
            widgets::flush_right(ui, |ui| done = ui.button("Untick all").clicked());
        });
        if keys.is_empty() {
            weak(ui, "These runs have the same recipe.");
        } else {
            ScrollArea::both().auto_shrink([false, false]).show(ui, |ui| {
                egui::Grid::new("differences")
                    .num_columns(runs.len() + 1)
                    .spacing(vec2(theme::GAP_XL, theme::GAP_XS))
                    .show(ui, |ui| {
                        ui.label("");
                        for (name, _) in &runs {
                            ui.label(RichText::new(name).color(p.text_strong));
                        }
                        ui.end_row();
                        for key in keys {
                            let label = knobs::knob(key).map_or(key, |k| k.label);
                            ui.label(RichText::new(label).color(p.text_weak)).on_hover_text(key);
                            for (_, recipe) in &runs {
                                ui.label(recipe.get(key).map(|v| knobs::plain(&v)).unwrap_or_default());
                            }
                            ui.end_row();
                        }
                    });
            });
        }
        if done {
            self.compared.clear();
        }
    }
}

fn buttons(ui: &mut Ui, p: &theme::Palette, row: &Row, open: bool, actions: &mut Vec<Action>) {
    let plain = |text: &'static str| egui::Button::new(text).min_size(vec2(0.0, theme::ROW));
    if let Some(model) = &row.summary.model {
        let inspect = ui.add(theme::primary_button(p, "Inspect parts with its model"));
        if inspect.on_hover_text("Puts the model that this run has made in force.").clicked() {
            actions.push(Action::OpenModel(model.clone()));
        }
    }
    // What is most likely wanted of a run stands out: its model, or else what leads to one.
    let next =
        |text: &'static str| if row.summary.model.is_some() { plain(text) } else { theme::primary_button(p, text) };
    if open {
        if ui.add(next("Show it")).clicked() {
            actions.push(Action::Command(UiCommand::GoTrain));
        }
        return;
    }
    let usable = row.summary.info.is_ok();
    let run = row.path().to_owned();
    let go_on = ui.add_enabled(usable, next("Go on from the last checkpoint"));
    if go_on.clicked() {
        actions.push(Action::Resume { run: run.clone(), paused: false });
    }
    let look = ui.add_enabled(usable, plain("Open it paused"));
    if look.on_hover_text("Shows its curves and samples without training on.").clicked() {
        actions.push(Action::Resume { run, paused: true });
    }
}

fn overlay_tick(ui: &mut Ui, row: &Row, view: &RunsView<'_>, text: &str, actions: &mut Vec<Action>) {
    let path = row.path();
    if view.pending.iter().any(|p| p == path) {
        ui.spinner();
        return;
    }
    let mut on = view.overlays.iter().any(|o| o.run == path);
    let possible = row.summary.info.is_ok() && view.open != Some(path);
    let tick = ui.add_enabled(possible, egui::Checkbox::new(&mut on, text));
    let tick = if text.is_empty() { tick.accessible_name(format!("Overlay {}", row.name())) } else { tick };
    if tick.changed() {
        actions.push(Action::Overlay(path.to_owned(), on));
    }
}

fn fact(ui: &mut Ui, p: &theme::Palette, name: &str, value: &str) {
    ui.horizontal_top(|ui| {
        ui.allocate_ui_with_layout(vec2(theme::RAIL, theme::ROW_TIGHT), Layout::left_to_right(Align::Min), |ui| {
            ui.set_min_width(theme::RAIL);
            ui.label(RichText::new(name).color(p.text_weak));
        });
        ui.add(egui::Label::new(value).wrap().selectable(true));
    });
}
