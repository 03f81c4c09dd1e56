//! Where parts come from: a folder that is watched or taken in once, and what became of its files.

use egui::{CollapsingHeader, Label, ProgressBar, RichText, Ui, vec2};

use super::{Scene, panel::PanelSection};
use crate::{
    engine::intake::{IntakePhase, IntakeStatus},
    format::sentence,
    time::span,
    ui::{
        Action, Frame, IntakeSettings, ReviewSettings, UiCommand, theme,
        theme::{Palette, StatusMark},
        widgets::{flush_right, ticks},
    },
};

/// Files in quarantine that are listed.
const LISTED: usize = 50;

/// The section on where parts come from.
pub(super) struct IntakeSection;

impl PanelSection for IntakeSection {
    fn title(&self) -> &'static str {
        "Parts"
    }

    fn ui(&mut self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
        let status = frame.live.intake.status.read().clone();
        folder(ui, scene, frame);
        standing(ui, &status);
        buttons(ui, &status, frame);
        counts(ui, &status);
        quarantine(ui, &status);
    }
}

/// The folder, and whether those within it count.
fn folder(ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let settings = &scene.settings.intake;
    ui.horizontal(|ui| {
        flush_right(ui, |ui| {
            button(ui, UiCommand::IntakeFolder, "Choose…", frame);
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| match &settings.folder {
                Some(folder) => {
                    let name = folder.display().to_string();
                    ui.add(Label::new(RichText::new(&name).color(p.text)).truncate()).on_hover_text(name);
                }
                None => {
                    ui.add(Label::new(theme::weak_caption(&p, "No folder is chosen yet.")).truncate());
                }
            });
        });
    });
    let mut recursive = settings.recursive;
    let help = "Folders that come later included; hidden ones are passed over.";
    let going = frame.context.intake.running;
    let within = ui.add_enabled(!going, egui::Checkbox::new(&mut recursive, "Folders within it too"));
    if within.on_hover_text(help).changed() {
        let intake = IntakeSettings { recursive, ..settings.clone() };
        frame.actions.push(Action::Review(Box::new(ReviewSettings { intake, ..scene.settings.clone() })));
    }
}

/// How it stands, in a sentence, with a bar while parts are inspected.
fn standing(ui: &mut Ui, status: &IntakeStatus) {
    let p = Palette::of(ui);
    if status.phase == IntakePhase::Idle {
        let text = "Each picture in the folder is inspected once and filed in the record.";
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
        return;
    }
    let waiting = status.counts.waiting;
    let watching = status.order.as_ref().is_some_and(|order| !order.options.once);
    let (state, text) = match &status.phase {
        IntakePhase::Idle | IntakePhase::Opening => {
            (StatusMark::Unknown, "The folder and the record are being opened.".to_owned())
        }
        IntakePhase::Going if waiting > 0 => (StatusMark::Healthy, String::new()),
        IntakePhase::Going if watching => {
            (StatusMark::Healthy, "Watched: parts are inspected as they come.".to_owned())
        }
        IntakePhase::Going => (StatusMark::Healthy, "The folder is being looked through.".to_owned()),
        IntakePhase::Ending => (StatusMark::Unknown, "The last parts are being filed.".to_owned()),
        IntakePhase::Waiting(text) => (StatusMark::Suspect, text.clone()),
        IntakePhase::Ended(text) => (StatusMark::Unknown, text.clone()),
        IntakePhase::Failed(text) => (StatusMark::Defective, text.clone()),
    };
    if text.is_empty() {
        let (done, total) = status.progress();
        let of = |n: usize| ticks::grouped(n as f64, 0);
        ui.horizontal(|ui| {
            theme::state_icon(ui, state);
            ui.label(RichText::new(format!("{} of {} parts", of(done), of(total))).color(p.text));
            flush_right(ui, |ui| {
                let left = status.seconds_left.map(|left| format!("{} left", span(left)));
                ui.label(RichText::new(left.unwrap_or_else(|| "– left".into())).color(p.text_weak));
            });
        });
        let bar = ProgressBar::new(done as f32 / total.max(1) as f32).desired_height(theme::GAP_XS);
        ui.add(bar.corner_radius(0.0).fill(p.accent)).accessible_name("Parts taken in");
    } else {
        ui.horizontal_top(|ui| {
            theme::state_icon(ui, state);
            ui.add(Label::new(RichText::new(text).color(p.text)).wrap().selectable(true));
        });
    }
    if let Some(news) = &status.news {
        ui.add(Label::new(theme::weak_caption(&p, &news.text)).wrap().selectable(true));
    }
}

fn buttons(ui: &mut Ui, status: &IntakeStatus, frame: &mut Frame<'_>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(theme::GAP_XS, theme::GAP_XS);
        if status.phase.is_going() {
            button(ui, UiCommand::IntakeStop, "Stop", frame);
        } else {
            button(ui, UiCommand::IntakeWatch, "Watch", frame);
            button(ui, UiCommand::IntakeOnce, "Take in once", frame);
        }
    });
}

/// How it has fared since it began.
fn counts(ui: &mut Ui, status: &IntakeStatus) {
    if status.order.is_none() {
        return;
    }
    let p = Palette::of(ui);
    let counts = &status.counts;
    let grouped = |n: usize| ticks::grouped(n as f64, 0);
    let pace = status.per_minute.map_or_else(|| "–".to_owned(), |n| ticks::grouped(n, usize::from(n < 10.0)));
    let waiting = if counts.listed { grouped(counts.waiting) } else { format!("{} or more", grouped(counts.waiting)) };
    for (name, value, help) in [
        ("Filed", grouped(counts.filed), "Parts that were inspected and are on record since this began"),
        ("Waiting", waiting, "Files that have been found and not been inspected yet"),
        ("On record from before", grouped(counts.known), "Times that a file was found to be on record already"),
        ("In quarantine", grouped(counts.quarantined), "Files that cannot be inspected; each with its reason below"),
        ("Gone", grouped(counts.gone), "Files that were deleted or renamed before they were inspected"),
        ("Parts a minute", pace, "While parts are inspected; waits for new ones are left out"),
    ] {
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW_TIGHT);
            ui.spacing_mut().interact_size.y = theme::ROW_TIGHT;
            ui.label(RichText::new(name).color(p.text_weak)).on_hover_text(help);
            flush_right(ui, |ui| ui.label(RichText::new(value).color(p.text_strong)));
        });
    }
}

/// What could not be inspected, and why.
fn quarantine(ui: &mut Ui, status: &IntakeStatus) {
    let all = &status.quarantined;
    if all.is_empty() {
        return;
    }
    let p = Palette::of(ui);
    let title = format!("{} in quarantine", ticks::grouped(all.len() as f64, 0));
    CollapsingHeader::new(title).id_salt("quarantine").show(ui, |ui| {
        for file in all.iter().take(LISTED) {
            let name = file.path.file_name().unwrap_or(file.path.as_os_str()).to_string_lossy().into_owned();
            let text = format!("{name}: {}", sentence(&file.reason));
            let label = ui.add(Label::new(theme::weak_caption(&p, text)).wrap().selectable(true));
            label.on_hover_text(format!("{}, {}", file.path.display(), file.time.minute()));
        }
        if all.len() > LISTED {
            let text = format!("And {} more, which the record lists.", ticks::grouped((all.len() - LISTED) as f64, 0));
            ui.label(theme::weak_caption(&p, text));
        }
    });
}

/// A button for an entry of the command table.
pub(super) fn button(ui: &mut Ui, command: UiCommand, title: &str, frame: &mut Frame<'_>) {
    let tooltip = command.tooltip(ui.ctx());
    let button =
        ui.add_enabled(command.enabled(frame.context), egui::Button::new(title).min_size(vec2(0.0, theme::CONTROL)));
    if button.on_hover_text(&tooltip).on_disabled_hover_text(&tooltip).clicked() {
        frame.command(command);
    }
}
