//! The Runs page: lists the runs on disk, and resumes, compares, overlays, renames and deletes them.

mod differences;
mod page;
mod row;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use egui::{
    Align, CentralPanel, Color32, ColorImage, Frame, Key, Layout, Panel, Rect, RichText, ScrollArea, Sense, Stroke,
    StrokeKind, TextEdit, TextureHandle, TextureOptions, Ui, pos2, vec2,
};
use egui_extras::{Column, TableBuilder, TableRow};

use row::RunRow;

use super::{section, weak};
use crate::{
    engine::{BackgroundTask, TaskState, training::TrainingStatus},
    format::sentence,
    text::PrintablePath,
    train::run_folder::list_runs,
    ui::{
        Action, RunOverlay, UiCommand, focus,
        notices::ago,
        theme, widgets,
        widgets::elide::{elided_text, name_label},
    },
};

/// Width that the columns of the table need.
const TABLE_LEAST: f32 = 760.0;

/// Clicks in a row of the table.
#[derive(Default)]
struct RowClicks {
    select: bool,
    /// The run was added to the comparison, or removed from it.
    compare: Option<bool>,
}

/// The Runs page.
#[derive(Default)]
pub(crate) struct RunsPage {
    rows: Vec<RunRow>,
    list_task: Option<BackgroundTask<Vec<RunRow>>>,
    /// The folder that was listed last.
    listed: Option<PathBuf>,
    selected: Option<PathBuf>,
    compared: BTreeSet<PathBuf>,
    /// The name being typed.
    renaming: Option<String>,
    thumbnail_task: Option<(PathBuf, BackgroundTask<Option<ColorImage>>)>,
    thumbnail: Option<(PathBuf, Option<TextureHandle>)>,
}

/// The page's data.
pub(crate) struct RunsView<'a> {
    /// The folder that holds the runs.
    pub root: &'a Path,
    /// The current run.
    pub open: Option<&'a TrainingStatus>,
    /// Runs whose curves are overlaid.
    pub overlays: &'a [RunOverlay],
    /// Runs whose curves are still being read.
    pub pending: &'a [PathBuf],
}

impl RunsView<'_> {
    /// Whether this is the current run.
    fn is_open(&self, run: &Path) -> bool {
        self.open.is_some_and(|status| status.run.as_deref() == Some(run))
    }
}

impl RunsPage {
    /// Lists the runs again on the next frame.
    pub(crate) fn refresh(&mut self) {
        self.listed = None;
    }

    /// Draws the page.
    pub(crate) fn ui(&mut self, ui: &mut Ui, view: &RunsView<'_>, actions: &mut Vec<Action>) {
        self.update_list(ui, view.root);
        let p = theme::Palette::of(ui);
        Panel::top("runs-title").frame(Frame::new().fill(p.panel).inner_margin(theme::GAP_M)).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new("Runs").text_style(theme::figure()).color(p.text_strong));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if ui.button("Refresh").on_hover_text("Reads the folder again.").clicked() {
                        self.refresh();
                    }
                    if self.list_task.is_some() {
                        ui.spinner();
                    }
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        name_label(ui, &view.root.printable().to_string(), egui::TextStyle::Body, p.text_weak);
                    });
                });
            });
        });
        let row = self.selected.as_ref().and_then(|path| self.rows.iter().position(|r| r.path() == path));
        if let Some(row) = row {
            let frame = Frame::new().fill(p.panel).inner_margin(theme::GAP_L);
            let width = if ui.available_width() < theme::NARROW { theme::PANEL_MIN } else { theme::PANEL_MAX };
            Panel::right("run-detail").exact_size(width).resizable(false).frame(frame).show(ui, |ui| {
                focus::mark_panel(ui, ui.max_rect());
                ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| self.detail(ui, row, view, actions));
            });
        }
        if self.compared.len() >= 2 {
            let frame = Frame::new().fill(p.panel).inner_margin(theme::GAP_M);
            let panel = Panel::bottom("runs-compared")
                .resizable(true)
                .default_size(theme::PANEL_MIN.min(ui.available_height() / 2.0))
                .frame(frame);
            panel.show(ui, |ui| self.differences(ui, &p));
        }
        CentralPanel::default().frame(Frame::new().fill(p.plot).inner_margin(theme::GAP_M)).show(ui, |ui| {
            if self.rows.is_empty() {
                self.empty(ui, &p, view.root, actions);
            } else {
                ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
                    ui.set_min_width(TABLE_LEAST);
                    self.table(ui, &p, view, actions);
                });
            }
        });
    }

    /// Lists the runs in the background.
    fn update_list(&mut self, ui: &Ui, root: &Path) {
        if self.listed.as_deref() != Some(root) && self.list_task.is_none() {
            let (wake, from) = (ui.ctx().clone(), root.to_owned());
            self.listed = Some(root.to_owned());
            self.list_task = BackgroundTask::spawn(
                "list-runs",
                move || wake.request_repaint(),
                move |progress| {
                    let found = list_runs(&from);
                    let total = found.len();
                    let read = |(i, summary)| progress.report(i, total).then(|| RunRow::read(summary));
                    found.into_iter().enumerate().map_while(read).collect()
                },
            )
            .ok();
        }
        if let Some(task) = &self.list_task {
            match task.poll() {
                TaskState::Running => {}
                TaskState::Done(rows) => {
                    self.rows = rows;
                    self.list_task = None;
                    let listed = |path: &PathBuf| self.rows.iter().any(|r| r.path() == path);
                    self.compared.retain(listed);
                    self.selected =
                        self.selected.take().filter(listed).or_else(|| self.rows.first().map(|r| r.path().to_owned()));
                    self.thumbnail = None;
                }
                TaskState::Over => self.list_task = None,
            }
        }
    }

    /// Draws the page without runs.
    fn empty(&self, ui: &mut Ui, p: &theme::Palette, root: &Path, actions: &mut Vec<Action>) {
        if self.list_task.is_some() {
            weak(ui, "Reading the runs…");
            return;
        }
        ui.add_space(theme::GAP_XL);
        ui.vertical_centered(|ui| {
            section(ui, "No runs yet");
            weak(ui, format!("Each run gets its own folder in {} and is listed here.", root.printable()));
            ui.add_space(theme::GAP_S);
            let command = UiCommand::NewRun;
            if ui.add(theme::primary_button(p, command.title())).on_hover_text(command.tooltip(ui.ctx())).clicked() {
                actions.push(Action::Command(command));
            }
        });
    }

    fn table(&mut self, ui: &mut Ui, p: &theme::Palette, view: &RunsView<'_>, actions: &mut Vec<Action>) {
        let (mut selected, mut compared) = (None, None);
        let rect = ui.available_rect_before_wrap();
        let keys = widgets::list_keys::ListKeys::new(ui, "Runs on disk", rect);
        let current = self.selected.as_ref().and_then(|path| self.rows.iter().position(|r| r.path() == path));
        let moved = keys.moved(ui, current, self.rows.len(), (rect.height() / theme::ROW) as usize);
        if let Some(row) = moved.and_then(|at| self.rows.get(at)) {
            selected = Some(row.path().to_owned());
        }
        let mut table = TableBuilder::new(ui)
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
        if let Some(at) = moved {
            table = table.scroll_to_row(at, None);
        }
        let mut clicked = false;
        table.header(theme::ROW, |mut row| headings(&mut row, p)).body(|body| {
            body.rows(theme::ROW, self.rows.len(), |mut line| {
                let Some(row) = self.rows.get(line.index()) else { return };
                let clicks = self.table_row(&mut line, p, row, view, actions);
                if let Some(on) = clicks.compare {
                    compared = Some((row.path().to_owned(), on));
                }
                if clicks.select {
                    selected = Some(row.path().to_owned());
                    clicked = true;
                }
            });
        });
        if clicked {
            keys.focus(ui);
        }
        if keys.focused {
            let p = theme::Palette::of(ui);
            ui.painter().rect_stroke(rect, 0.0, Stroke::new(theme::HAIRLINE, p.accent), StrokeKind::Inside);
        }
        if let Some((path, on)) = compared {
            if on {
                self.compared.insert(path);
            } else {
                self.compared.remove(&path);
            }
        }
        if let Some(path) = selected {
            self.selected = Some(path);
            self.renaming = None;
        }
    }

    fn table_row(
        &self,
        line: &mut TableRow<'_, '_>,
        p: &theme::Palette,
        row: &RunRow,
        view: &RunsView<'_>,
        actions: &mut Vec<Action>,
    ) -> RowClicks {
        let path = row.path();
        let mut clicks = RowClicks::default();
        let selected = self.selected.as_deref() == Some(path);
        line.set_selected(selected);
        line.col(|ui| {
            if selected {
                theme::outline_check_boxes(ui);
            }
            let mut on = self.compared.contains(path);
            let checkbox = ui.add_enabled(row.recipe.is_some(), egui::Checkbox::without_text(&mut on));
            let checkbox = checkbox.accessible_name(format!("Compare {}", row.name()));
            if checkbox
                .on_hover_text("Compares the recipes of all checked runs.")
                .on_disabled_hover_text("Its recipe cannot be read.")
                .changed()
            {
                clicks.compare = Some(on);
            }
        });
        line.col(|ui| {
            let font = egui::TextStyle::Body.resolve(ui.style());
            let shown = elided_text(ui, &row.name(), &font, ui.available_width() - theme::GAP_S);
            // The keyboard selects runs by the list instead.
            let button = egui::Button::new(RichText::new(shown).color(p.text_strong)).frame(false).sense(Sense::CLICK);
            if ui.add(button).accessible_name(row.name()).clicked() {
                clicks.select = true;
            }
        });
        line.col(|ui| {
            name_label(ui, &row.data(), egui::TextStyle::Body, p.text);
        });
        line.col(|ui| {
            widgets::flush_right(ui, |ui| {
                ui.add_space(theme::GAP_M);
                ui.label(row.steps_text(view.open));
            });
        });
        line.col(|ui| {
            let elapsed = row.summary.last_change.elapsed().unwrap_or_default();
            ui.label(RichText::new(ago(elapsed)).color(p.text_weak));
        });
        line.col(|ui| {
            let (mark, word) = row.state(view.open);
            theme::mark_icon(ui, mark);
            ui.label(word);
        });
        line.col(|ui| {
            if selected {
                theme::outline_check_boxes(ui);
            }
            overlay_checkbox(ui, row, view, "", actions);
        });
        clicks.select |= line.response().clicked();
        clicks
    }

    /// Draws the samples, facts and buttons of the selected run.
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
            ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, "No samples saved yet", font, p.text_weak);
        }
        ui.add_space(theme::GAP_M);

        self.name_editor(ui, actions);
        let Some(row) = self.selected.as_ref().and_then(|path| self.rows.iter().find(|r| r.path() == path)) else {
            return;
        };
        ui.add_space(theme::GAP_S);
        match &row.summary.info {
            Ok(info) => {
                fact(ui, &p, "Data", &row.data());
                fact(ui, &p, "Steps", &row.steps_text(view.open));
                fact(ui, &p, "Device", &info.device);
                fact(ui, &p, "Folder", &row.path().printable().to_string());
            }
            Err(error) => {
                ui.horizontal_top(|ui| {
                    theme::mark_icon(ui, theme::NoticeMark::Error);
                    ui.add(egui::Label::new(sentence(error)).wrap().selectable(true));
                });
            }
        }
        ui.add_space(theme::GAP_L);

        let open = view.is_open(row.path());
        ui.vertical_centered_justified(|ui| {
            buttons(ui, &p, row, open, actions);
        });
        ui.add_space(theme::GAP_S);
        overlay_checkbox(ui, row, view, "Overlay on the current run's curves", actions);
        ui.add_space(theme::GAP_L);
        let delete = ui.add_enabled(!open, egui::Button::new("Delete…"));
        let delete = delete.on_hover_text("Moves the run to the trash folder after confirmation.");
        if delete.on_disabled_hover_text("Close the run before you delete it.").clicked() {
            actions.push(Action::AskTrash(row.path().to_owned()));
        }
    }

    /// Draws the editor of the run's name.
    fn name_editor(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let Some(row) = self.selected.as_ref().and_then(|path| self.rows.iter().find(|r| r.path() == path)) else {
            return;
        };
        let usable = row.summary.info.is_ok();
        let (path, current) = (row.path().to_owned(), row.name());
        let mut text = self.renaming.clone().unwrap_or_else(|| current.clone());
        ui.horizontal(|ui| {
            let width = ui.available_width() - theme::RAIL - theme::GAP_XL;
            let field = ui.add_enabled(
                usable,
                TextEdit::singleline(&mut text).id(egui::Id::unique("run-name")).desired_width(width),
            );
            let field = field.accessible_name("Name of the run");
            if field.changed() {
                self.renaming = Some(text.clone());
            }
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            let other = !text.trim().is_empty() && text.trim() != current;
            let rename = ui.add_enabled(usable && other, egui::Button::new("Rename"));
            let rename = rename.on_disabled_hover_text("Type another name first.");
            if (rename.clicked() || entered) && other {
                actions.push(Action::Rename(path, text.trim().to_owned()));
                self.renaming = None;
            }
        });
    }

    /// Decodes the samples of the selected run in the background.
    fn load_thumbnail(&mut self, ui: &Ui, row: usize) {
        let Some(row) = self.rows.get(row) else { return };
        if let Some((path, task)) = &self.thumbnail_task
            && let TaskState::Done(image) = task.poll()
        {
            let texture = image.map(|image| ui.ctx().load_texture("run-samples", image, TextureOptions::LINEAR));
            self.thumbnail = Some((path.clone(), texture));
            self.thumbnail_task = None;
        }
        let known = self.thumbnail.as_ref().is_some_and(|(path, _)| path == row.path());
        let Some(file) = row.summary.thumbnail.clone().filter(|_| !known && self.thumbnail_task.is_none()) else {
            return;
        };
        let wake = ui.ctx().clone();
        let task = BackgroundTask::spawn(
            "run-samples",
            move || wake.request_repaint(),
            move |_| {
                let picture = crate::data::decode(&file).ok()?;
                Some(super::thumbnail(&picture, 2 * theme::PANEL_MAX as usize))
            },
        );
        self.thumbnail_task = task.ok().map(|task| (row.path().to_owned(), task));
    }
}

/// Draws the column headings.
fn headings(row: &mut TableRow<'_, '_>, p: &theme::Palette) {
    let heading = |ui: &mut Ui, text: &str| ui.label(theme::weak_caption(p, text));
    row.col(|_| {});
    row.col(|ui| {
        heading(ui, "Name");
    });
    row.col(|ui| {
        heading(ui, "Data");
    });
    row.col(|ui| {
        widgets::flush_right(ui, |ui| {
            ui.add_space(theme::GAP_M);
            heading(ui, "Steps")
                .on_hover_text("Steps done, of the total; of runs that are not open, at the last checkpoint.");
        });
    });
    row.col(|ui| {
        heading(ui, "Modified");
    });
    row.col(|ui| {
        heading(ui, "State");
    });
    row.col(|ui| {
        heading(ui, "Overlay").on_hover_text("Overlays the run's curves on those of the current run.");
    });
}

/// Draws the buttons that open a run or its model.
fn buttons(ui: &mut Ui, p: &theme::Palette, row: &RunRow, open: bool, actions: &mut Vec<Action>) {
    let plain = |text: &'static str| egui::Button::new(text).min_size(vec2(0.0, theme::ROW));
    if let Some(model) = &row.summary.model {
        let inspect = ui.add(theme::primary_button(p, "Inspect with its model"));
        if inspect.on_hover_text("Opens the model that this run has built.").clicked() {
            actions.push(Action::OpenModel(model.clone()));
        }
    }
    // The primary button opens the model, or else leads to one.
    let next =
        |text: &'static str| if row.summary.model.is_some() { plain(text) } else { theme::primary_button(p, text) };
    if open {
        if ui.add(next("Show run")).clicked() {
            actions.push(Action::Command(UiCommand::GoTrain));
        }
        return;
    }
    let usable = row.summary.info.is_ok();
    let run = row.path().to_owned();
    let broken = "This run cannot be opened; the reason is above.";
    let (title, help) = match row.is_finished() {
        true => {
            ("Open finished run", "All steps are done, so nothing is trained. The Train page can train it further.")
        }
        false => ("Resume from the last checkpoint", "Trains the steps that are left."),
    };
    let resume = ui.add_enabled(usable, next(title));
    if resume.on_hover_text(help).on_disabled_hover_text(broken).clicked() {
        actions.push(Action::Resume { run: run.clone(), paused: false });
    }
    let paused = ui.add_enabled(usable, plain("Open paused"));
    let paused = paused.on_hover_text("Shows its curves and samples without resuming training.");
    if paused.on_disabled_hover_text(broken).clicked() {
        actions.push(Action::Resume { run, paused: true });
    }
}

/// Draws the checkbox that overlays a run's curves on those of the current run.
fn overlay_checkbox(ui: &mut Ui, row: &RunRow, view: &RunsView<'_>, text: &str, actions: &mut Vec<Action>) {
    let path = row.path();
    if view.pending.iter().any(|p| p == path) {
        ui.spinner();
        return;
    }
    let mut on = view.overlays.iter().any(|o| o.run == path);
    let possible = row.summary.info.is_ok() && !view.is_open(path);
    let checkbox = ui.add_enabled(possible, egui::Checkbox::new(&mut on, text));
    let named = text.is_empty();
    let checkbox = if named { checkbox.accessible_name(format!("Overlay {}", row.name())) } else { checkbox };
    let why = if view.is_open(path) { "This run is open; its curves are shown." } else { "This run cannot be read." };
    if checkbox.on_disabled_hover_text(why).changed() {
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
