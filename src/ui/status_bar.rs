//! The status bar: device, running jobs, notices and memory.

use std::time::{Duration, Instant};

use egui::{Align, FontSelection, Layout, Panel, ProgressBar, Response, RichText, Ui, vec2};
use egui_material_icons::icons;

use super::{Action, UiCommand, job::Job, notices::Notices, theme, widgets::ticks};
use crate::{
    engine,
    engine::{
        EngineState, Severity,
        training::{TrainingPhase, TrainingStatus},
    },
};

/// Height of the bar.
pub(crate) const HEIGHT: f32 = theme::ROW;
/// Width of a progress bar.
const PROGRESS: f32 = 140.0;
/// Widths of the memory and the speed.
const MEMORY: f32 = 60.0;
const SPEED: f32 = 72.0;
/// Width of a percentage.
const SHARE: f32 = 36.0;
/// Width of *Cancel* with its margin.
const CANCEL: f32 = 80.0;
/// Width of a number of so many.
const NUMBERS: f32 = 110.0;
/// Width beside the device from which the memory is shown.
const ROOM: f32 = 300.0;
/// Least width of what is said of the run.
const RUN: f32 = 150.0;
/// Interval at which the memory is measured.
const MEMORY_EVERY: Duration = Duration::from_secs(1);

/// The state of the status bar: the last measurement of the memory.
#[derive(Debug, Default)]
pub(crate) struct StatusBar {
    memory: Option<(Instant, usize)>,
}

impl StatusBar {
    /// Draws the bar.
    pub(crate) fn ui(
        &mut self,
        ui: &mut Ui,
        engine: &EngineState,
        status: &TrainingStatus,
        job: Option<Job>,
        notices: &Notices,
        actions: &mut Vec<Action>,
    ) {
        let p = theme::Palette::of(ui);
        let frame = egui::Frame::new().fill(p.ground).inner_margin(egui::Margin::symmetric(theme::GAP_M as i8, 0));
        Panel::bottom("status").exact_size(HEIGHT).frame(frame).show(ui, |ui| {
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.spacing_mut().item_spacing.x = theme::GAP_M;
                device(ui, &p, engine);
                let has_room = ui.available_width() > ROOM;
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if has_room {
                        self.memory(ui, &p);
                        ui.separator();
                    }
                    notices_button(ui, &p, notices, actions);
                    ui.separator();
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.separator();
                        if let Some(job) = job {
                            let all = ui.available_width();
                            let room = if all > 2.0 * RUN { all - RUN } else { all };
                            if progress(ui, &p, room, job.title, job.progress) {
                                actions.push(job.cancel);
                            }
                            if all <= 2.0 * RUN {
                                return;
                            }
                            ui.separator();
                        }
                        run(ui, &p, status, actions);
                    });
                });
            });
        });
    }

    fn memory(&mut self, ui: &mut Ui, p: &theme::Palette) {
        if self.memory.is_none_or(|(at, _)| at.elapsed() >= MEMORY_EVERY) {
            let bytes = memory_stats::memory_stats().map_or(0, |m| m.physical_mem);
            self.memory = Some((Instant::now(), bytes));
        }
        let text = match self.memory {
            Some((_, bytes)) if bytes > 0 => format!("{} MB", ticks::grouped((bytes / 1_000_000) as f64, 0)),
            _ => "— MB".to_owned(),
        };
        figure(ui, MEMORY, RichText::new(text).color(p.text_weak)).on_hover_text("Main memory used by this program.");
    }
}

fn device(ui: &mut Ui, p: &theme::Palette, engine: &EngineState) {
    match &*engine.device.read() {
        Some(device) => {
            let text = RichText::new(&device.label).color(p.text);
            ui.label(text).on_hover_text(&device.reason);
        }
        None => {
            ui.label(RichText::new("Searching for devices…").color(p.text_weak));
        }
    }
}

/// Draws a title, a progress bar and a cancel button, within this width; returns whether the button was clicked. Where there
/// is little room, the bar is left out and the title cut off.
fn progress(ui: &mut Ui, p: &theme::Palette, room: f32, title: &str, (done, total): (usize, usize)) -> bool {
    let has_room = room > CANCEL + PROGRESS + 2.0 * NUMBERS;
    ui.scope(|ui| {
        let others = CANCEL + if has_room { PROGRESS + NUMBERS } else { 0.0 };
        ui.set_max_width((room - others).max(0.0));
        ui.add(egui::Label::new(RichText::new(title).color(p.text)).truncate()).on_hover_text(title);
    });
    match (has_room, total) {
        (false, _) => {}
        (true, 0) => {
            ui.spinner();
        }
        (true, _) => bar(ui, p, done as u64, total as u64),
    }
    ui.button("Cancel").clicked()
}

/// Draws a number, right-aligned at a constant width.
fn figure(ui: &mut Ui, width: f32, text: RichText) -> Response {
    let cell = Layout::right_to_left(Align::Center);
    let inner = ui.allocate_ui_with_layout(vec2(width, HEIGHT), cell, |ui| {
        ui.set_min_width(width);
        ui.label(text)
    });
    inner.inner
}

/// Draws a thin progress bar, and the numbers at a constant width.
fn bar(ui: &mut Ui, p: &theme::Palette, done: u64, total: u64) {
    thin(ui, p, done as f32 / total as f32);
    let of = |n: u64| format!("{} of {}", ticks::grouped(n as f64, 0), ticks::grouped(total as f64, 0));
    // As wide as the last number, so that nothing moves.
    let font = FontSelection::Default.resolve(ui.style());
    let widest = ui.painter().layout_no_wrap(of(total), font, p.text_weak).size().x;
    figure(ui, widest, RichText::new(of(done)).color(p.text_weak));
}

/// Draws a thin bar, filled to this share.
fn thin(ui: &mut Ui, p: &theme::Palette, share: f32) -> Response {
    let bar = ProgressBar::new(share.clamp(0.0, 1.0)).desired_width(PROGRESS).desired_height(theme::GAP_XS);
    ui.add(bar.corner_radius(0.0).fill(p.accent))
}

fn run(ui: &mut Ui, p: &theme::Palette, status: &TrainingStatus, actions: &mut Vec<Action>) {
    let stop = Action::engine(engine::TrainingRequest::Stop);
    let state = |ui: &mut Ui, text: &str| {
        ui.label(RichText::new(text).color(p.text_weak));
    };
    match &status.phase {
        TrainingPhase::Idle => state(ui, "No run is open"),
        TrainingPhase::Opening { done, total } => {
            if progress(ui, p, ui.available_width(), "Reading images", (*done, *total)) {
                actions.push(stop);
            }
        }
        TrainingPhase::Preparing => {
            if progress(ui, p, ui.available_width(), "Preparing kernels, once per shape", (0, 0)) {
                actions.push(stop);
            }
        }
        TrainingPhase::Running => {
            let text = match status.steps_per_second {
                speed if speed > 0.0 => format!("{speed:.1} step/s"),
                _ => "— step/s".to_owned(),
            };
            figure(ui, SPEED, RichText::new(text).color(p.text));
            if let Some(recipe) = &status.recipe {
                bar(ui, p, status.step, recipe.train.steps.max(1));
            }
            if let Some(left) = status.seconds_left {
                ui.label(RichText::new(format!("{} left", ticks::span(left))).color(p.text_weak));
            }
        }
        TrainingPhase::BuildingModel(progress) => {
            let room = ui.available_width();
            let title = egui::Label::new(RichText::new("Building the model").color(p.text)).truncate();
            ui.scope(|ui| {
                ui.set_max_width((room - SHARE - CANCEL).max(0.0));
                ui.add(title).on_hover_text(progress.description());
            });
            if room > SHARE + CANCEL + PROGRESS + NUMBERS {
                thin(ui, p, progress.share).accessible_name("Progress of building the model");
            }
            let share = format!("{:.0} %", (100.0 * progress.share).floor());
            figure(ui, SHARE, RichText::new(share).color(p.text_weak));
            if ui.button("Cancel").clicked() {
                actions.push(Action::engine(engine::TrainingRequest::Pause));
            }
            if let Some(left) = status.seconds_left {
                ui.label(RichText::new(format!("{} left", ticks::span(left))).color(p.text_weak));
            }
        }
        TrainingPhase::Paused => state(ui, &format!("Paused after step {}", ticks::grouped(status.step as f64, 0))),
        TrainingPhase::Finished => state(ui, &format!("Finished after step {}", ticks::grouped(status.step as f64, 0))),
        TrainingPhase::Failed(_) => {
            theme::mark_icon(ui, theme::ProgressMark::Failed);
            state(ui, "Stopped by an error");
        }
    }
}

fn notices_button(ui: &mut Ui, p: &theme::Palette, notices: &Notices, actions: &mut Vec<Action>) {
    let (all, unseen, gravest) = notices.count();
    let colour = match gravest {
        Some(Severity::Error) => p.error,
        Some(Severity::Warning) => p.warning,
        Some(Severity::Info) => p.accent,
        None => p.text_weak,
    };
    let mut text = egui::text::LayoutJob::default();
    let icon = icons::ICON_NOTIFICATIONS.rich_text().size(theme::ICON_BUTTON).color(colour);
    icon.append_to(&mut text, ui.style(), FontSelection::Default, Align::Center);
    let count = if unseen > 0 { unseen } else { all };
    RichText::new(format!(" {count}")).color(colour).append_to(
        &mut text,
        ui.style(),
        FontSelection::Default,
        Align::Center,
    );
    let button = ui.add(egui::Button::new(text).frame_when_inactive(false));
    let name = match unseen {
        0 => format!("Notices, {all}"),
        n => format!("Notices, {n} new"),
    };
    button.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &name));
    if button.on_hover_text(UiCommand::Notices.tooltip(ui.ctx())).clicked() {
        actions.push(Action::Command(UiCommand::Notices));
    }
}
