//! Intake of parts: the folder that is watched or inspected once, and the state of its files.

use egui::{CollapsingHeader, Label, ProgressBar, RichText, Ui, vec2};

use super::{scene::ReviewScene, section::PanelSection};
use crate::{
    engine::intake::{IntakePhase, IntakeStatus},
    format::sentence,
    review::{KeptPictures, MAX_KEPT_SIDE},
    text::PrintablePath,
    time::span,
    ui::{
        Action, Frame, IntakeSettings, ReviewSettings, UiCommand,
        pages::command_button::command_button,
        theme,
        theme::{Mark, NoticeMark, Palette, ProgressMark},
        widgets::{
            drop_down::DropDown,
            elide::name_label,
            flush_right,
            rows::{marked_text, value_row},
            ticks,
        },
    },
};

/// Largest number of quarantined files listed.
const LISTED: usize = 50;

/// The section on the watched folder.
pub(super) struct IntakeSection;

impl PanelSection for IntakeSection {
    fn title(&self) -> &'static str {
        "Watched folder"
    }

    fn ui(&mut self, ui: &mut Ui, scene: &ReviewScene, frame: &mut Frame<'_>) {
        let status = frame.engine.intake.status.read().clone();
        folder(ui, scene, frame);
        kept_pictures(ui, scene, frame);
        progress(ui, &status);
        buttons(ui, &status, frame);
        counts(ui, &status);
        quarantine(ui, &status);
    }
}

/// Draws the folder and the choice of subfolders.
fn folder(ui: &mut Ui, scene: &ReviewScene, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let settings = &scene.settings.intake;
    ui.horizontal(|ui| {
        flush_right(ui, |ui| {
            command_button(ui, UiCommand::IntakeFolder, "Choose…", frame);
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| match &settings.folder {
                Some(folder) => {
                    let name = folder.printable().to_string();
                    name_label(ui, &name, egui::TextStyle::Body, p.text);
                }
                None => {
                    ui.add(Label::new(theme::weak_caption(&p, "No folder chosen")).truncate());
                }
            });
        });
    });
    let mut recursive = settings.recursive;
    let help = "Includes subfolders created later; hidden ones are skipped.";
    let going = frame.context.intake.running;
    let subfolders = ui.add_enabled(!going, egui::Checkbox::new(&mut recursive, "Include subfolders"));
    if subfolders.on_hover_text(help).changed() {
        let intake = IntakeSettings { recursive, ..settings.clone() };
        frame.actions.push(Action::Review(Box::new(ReviewSettings { intake, ..scene.settings.clone() })));
    }
}

/// Draws the choice of the parts whose images are copied to the record.
fn kept_pictures(ui: &mut Ui, scene: &ReviewScene, frame: &mut Frame<'_>) {
    let settings = &scene.settings.intake;
    let mut keep = settings.keep_pictures;
    let help = format!(
        "The record keeps a copy of at most {MAX_KEPT_SIDE} pixels a side, which is shown if the file is overwritten or \
         deleted later. Takes effect with the next watch."
    );
    ui.horizontal(|ui| {
        let choice = DropDown { name: "Kept pictures", help: &help, width: f32::INFINITY };
        choice.with_label(ui, "Pictures", keep.title(), |ui| {
            for one in KeptPictures::ALL {
                ui.selectable_value(&mut keep, one, one.title());
            }
        });
    });
    if keep != settings.keep_pictures {
        let intake = IntakeSettings { keep_pictures: keep, ..settings.clone() };
        frame.actions.push(Action::Review(Box::new(ReviewSettings { intake, ..scene.settings.clone() })));
    }
}

/// Draws the state, with a progress bar while parts are inspected.
fn progress(ui: &mut Ui, status: &IntakeStatus) {
    let p = Palette::of(ui);
    if status.phase == IntakePhase::Idle {
        let text = "Each image in the folder is inspected once and added to the record.";
        ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
        return;
    }
    let waiting = status.counts.waiting;
    let watching = status.spec.as_ref().is_some_and(|order| !order.options.once);
    let (mark, text): (Mark, String) = match &status.phase {
        IntakePhase::Idle | IntakePhase::Opening => {
            (ProgressMark::Preparing.into(), "Opening the folder and the record.".to_owned())
        }
        IntakePhase::Running if waiting > 0 => (ProgressMark::Running.into(), String::new()),
        IntakePhase::Running if watching => {
            (ProgressMark::Running.into(), "Watching: parts are inspected as they arrive.".to_owned())
        }
        IntakePhase::Running => (ProgressMark::Running.into(), "Scanning the folder.".to_owned()),
        IntakePhase::Ending => (ProgressMark::Preparing.into(), "Saving the last parts.".to_owned()),
        IntakePhase::Waiting(text) | IntakePhase::Stalled(text) => (NoticeMark::Warning.into(), text.clone()),
        IntakePhase::Ended(text) => (ProgressMark::Finished.into(), text.clone()),
        IntakePhase::Failed(text) => (ProgressMark::Failed.into(), text.clone()),
    };
    if text.is_empty() {
        let (done, total) = status.progress();
        let of = |n: usize| ticks::grouped(n as f64, 0);
        ui.horizontal(|ui| {
            theme::mark_icon(ui, mark);
            ui.label(RichText::new(format!("{} of {} parts", of(done), of(total))).color(p.text));
            flush_right(ui, |ui| {
                let left = status.seconds_left.map(|left| format!("{} left", span(left)));
                ui.label(RichText::new(left.unwrap_or_else(|| "– left".into())).color(p.text_weak));
            });
        });
        let bar = ProgressBar::new(done as f32 / total.max(1) as f32).desired_height(theme::GAP_XS);
        ui.add(bar.corner_radius(0.0).fill(p.accent)).accessible_name("Intake");
    } else {
        marked_text(ui, mark, RichText::new(text).color(p.text));
    }
    if let Some(news) = &status.notice {
        ui.add(Label::new(theme::weak_caption(&p, &news.text)).wrap().selectable(true));
    }
}

fn buttons(ui: &mut Ui, status: &IntakeStatus, frame: &mut Frame<'_>) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(theme::GAP_XS, theme::GAP_XS);
        if status.phase.is_active() {
            command_button(ui, UiCommand::IntakeStop, "Stop", frame);
        } else {
            command_button(ui, UiCommand::IntakeWatch, "Watch", frame);
            command_button(ui, UiCommand::IntakeOnce, &once_title(status), frame);
        }
    });
}

/// The title of the button that inspects the folder once, or what a stopped intake has left of it.
fn once_title(status: &IntakeStatus) -> String {
    let once = status.spec.as_ref().is_some_and(|spec| spec.options.once);
    let stopped = matches!(status.phase, IntakePhase::Ended(_)) && status.counts.listed;
    match status.counts.waiting {
        1 if once && stopped => "Inspect the other one".into(),
        n if n > 1 && once && stopped => format!("Inspect the other {}", ticks::grouped(n as f64, 0)),
        _ => "Inspect once".into(),
    }
}

/// Draws the counts since the start.
fn counts(ui: &mut Ui, status: &IntakeStatus) {
    if status.spec.is_none() {
        return;
    }
    let counts = &status.counts;
    let grouped = |n: usize| ticks::grouped(n as f64, 0);
    let pace = status.per_minute.map_or_else(|| "–".to_owned(), |n| ticks::grouped(n, usize::from(n < 10.0)));
    let waiting = if counts.listed { grouped(counts.waiting) } else { format!("{} or more", grouped(counts.waiting)) };
    for (name, value, help) in [
        ("Inspected", grouped(counts.recorded), "Parts inspected and added to the record since the start"),
        ("Queued", waiting, "Files found and not inspected yet"),
        ("Already on record", grouped(counts.known), "Number of times that a file was on record already"),
        ("Quarantined", grouped(counts.quarantined), "Files that cannot be inspected; the reasons are below"),
        ("Missing", grouped(counts.deleted), "Files deleted or renamed before they were inspected"),
        ("Parts per minute", pace, "While parts are inspected; idle time is excluded"),
    ] {
        value_row(ui, name, value, help);
    }
}

/// Draws the files that could not be inspected, with the reasons.
fn quarantine(ui: &mut Ui, status: &IntakeStatus) {
    let all = &status.quarantined;
    if all.is_empty() {
        return;
    }
    let p = Palette::of(ui);
    let title = format!("{} quarantined", ticks::grouped(all.len() as f64, 0));
    CollapsingHeader::new(title).id_salt("quarantine").show(ui, |ui| {
        for file in all.iter().take(LISTED) {
            let name = file.path.file_name().unwrap_or(file.path.as_os_str()).printable().to_string();
            let text = format!("{name}: {}", sentence(&file.reason));
            let label = ui.add(Label::new(theme::weak_caption(&p, text)).wrap().selectable(true));
            label.on_hover_text(format!("{}, {}", file.path.printable(), file.time.minute()));
        }
        if all.len() > LISTED {
            let text = format!("And {} more, listed in the record.", ticks::grouped((all.len() - LISTED) as f64, 0));
            ui.label(theme::weak_caption(&p, text));
        }
    });
}
