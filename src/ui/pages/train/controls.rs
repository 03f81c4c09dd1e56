//! The right pane: transport buttons, progress, and the knobs of the recipe.

use egui::{CollapsingHeader, ProgressBar, RichText, ScrollArea, Ui, vec2};
use egui_material_icons::icons;
use toml::Value;

use crate::{
    engine::training::{BuildProgress, TrainingPhase, TrainingStatus},
    train::{
        Preset, Recipe,
        knobs::{Group, KNOBS},
    },
    ui::{
        Action, Frame, UiCommand,
        more_steps::MoreSteps,
        pages::reasons,
        theme,
        theme::Palette,
        widgets::{
            drop_down::DropDown,
            flush_right, icon_button,
            knob::{knob_editor, locked_line},
            ticks,
        },
    },
};

/// The knobs' values of a recipe, cached until the recipe changes.
#[derive(Default)]
struct Values {
    recipe: Option<Recipe>,
    values: Vec<Value>,
}

impl Values {
    fn of(&mut self, recipe: &Recipe) -> &[Value] {
        if self.recipe.as_ref() != Some(recipe) {
            self.values = KNOBS.iter().map(|k| recipe.get(k.key).unwrap_or(Value::Boolean(false))).collect();
            self.recipe = Some(recipe.clone());
        }
        &self.values
    }
}

/// The controls pane.
#[derive(Default)]
pub(crate) struct Controls {
    values: Values,
    initial: Values,
    /// A group to open and scroll to on the next frame.
    revealed: Option<Group>,
}

impl Controls {
    /// Opens a group of knobs and scrolls to it.
    pub(crate) fn reveal(&mut self, group: Group) {
        self.revealed = Some(group);
    }

    /// Draws the pane.
    pub(crate) fn ui(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        transport(ui, frame);
        progress(ui, frame.status);
        train_further(ui, frame);
        ui.add_space(theme::GAP_XS);
        ui.separator();
        recipe_bar(ui, frame);
        ScrollArea::vertical().id_salt("knobs").auto_shrink(false).show(ui, |ui| {
            // Leaves space for the scroll bar beside the numbers.
            ui.set_width(ui.available_width() - theme::GAP_S);
            self.knobs(ui, frame);
            ui.add_space(theme::GAP_L);
        });
    }

    /// Draws the knobs in groups that fold.
    fn knobs(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        let p = Palette::of(ui);
        let (values, initial) = (self.values.of(frame.recipe), self.initial.of(frame.initial));
        for group in Group::ALL {
            let rows: Vec<_> =
                KNOBS.iter().zip(values.iter().zip(initial)).filter(|(knob, _)| knob.group == group).collect();
            let changed = rows.iter().filter(|(_, (value, default))| value != default).count();
            let locked = frame.locked && rows.iter().any(|(knob, _)| !knob.live);
            let mut heading = egui::text::LayoutJob::default();
            let font = egui::TextStyle::Body.resolve(ui.style());
            heading.append(group.title(), 0.0, egui::TextFormat::simple(font, p.text_strong));
            if changed > 0 {
                let caption = theme::caption().resolve(ui.style());
                heading.append(
                    &format!("{changed} changed"),
                    theme::GAP_S,
                    egui::TextFormat::simple(caption, p.accent),
                );
            }
            let open = matches!(group, Group::Balance | Group::Optimisers);
            let revealed = self.revealed == Some(group);
            let header = CollapsingHeader::new(heading).id_salt(group.title()).default_open(open);
            let header = header.open(revealed.then_some(true));
            let output = header.show_unindented(ui, |ui| {
                if locked {
                    locked_line(ui);
                }
                for (knob, (value, default)) in rows {
                    let enabled = knob.live || !frame.locked;
                    if let Some(value) = knob_editor(ui, knob, value, default, enabled) {
                        frame.actions.push(Action::Knob { key: knob.key, value });
                    }
                }
                ui.add_space(theme::GAP_XS);
            });
            if revealed {
                output.header_response.scroll_to_me(Some(egui::Align::TOP));
            }
        }
        self.revealed = None;
    }
}

/// Draws the buttons for play, single steps, stop and reset.
fn transport(ui: &mut Ui, frame: &mut Frame<'_>) {
    let mut fits = true;
    ui.horizontal(|ui| {
        ui.set_height(theme::ROW);
        ui.spacing_mut().item_spacing.x = theme::GAP_XS;
        let running = matches!(frame.status.phase, TrainingPhase::Running | TrainingPhase::Preparing);
        let play = if running { icons::ICON_PAUSE } else { icons::ICON_PLAY_ARROW };
        for (command, icon) in [(UiCommand::PlayPause, play), (UiCommand::StepBoth, icons::ICON_SKIP_NEXT)] {
            command_button(ui, frame, command, icon);
        }
        for (command, text) in [(UiCommand::StepG, "+G"), (UiCommand::StepD, "+D")] {
            let button = egui::Button::new(text).min_size(vec2(theme::ROW, theme::CONTROL));
            let hint = reasons::hint(command, frame.context, ui.ctx());
            let response = ui.add_enabled(command.enabled(frame.context), button).accessible_name(command.title());
            if response.on_hover_text(&hint).on_disabled_hover_text(&hint).clicked() {
                frame.command(command);
            }
        }
        // The second group moves to a row of its own in a narrow pane.
        fits = ui.available_width() >= RUN_COMMANDS.len() as f32 * (theme::ROW + theme::GAP_S);
        if fits {
            run_commands(ui, frame);
        }
    });
    if !fits {
        ui.horizontal(|ui| run_commands(ui, frame));
    }
}

/// Commands on the run as a whole, from right to left.
const RUN_COMMANDS: [(UiCommand, egui_material_icons::MaterialIcon); 4] = [
    (UiCommand::Reset, icons::ICON_RESTART_ALT),
    (UiCommand::Stop, icons::ICON_STOP),
    (UiCommand::Checkpoint, icons::ICON_BOOKMARK_ADD),
    (UiCommand::MakeModel, icons::ICON_DEPLOYED_CODE),
];

fn run_commands(ui: &mut Ui, frame: &mut Frame<'_>) {
    flush_right(ui, |ui| {
        ui.spacing_mut().item_spacing.x = theme::GAP_XS;
        for (command, icon) in RUN_COMMANDS {
            command_button(ui, frame, command, icon);
        }
    });
}

fn command_button(ui: &mut Ui, frame: &mut Frame<'_>, command: UiCommand, icon: egui_material_icons::MaterialIcon) {
    let enabled = command.enabled(frame.context);
    let hint = reasons::hint(command, frame.context, ui.ctx());
    let response = icon_button(ui, icon, &hint, enabled).accessible_name(command.title());
    if response.clicked() {
        frame.command(command);
    }
}

/// Draws the progress of the run, its speed and the time left.
fn progress(ui: &mut Ui, status: &TrainingStatus) {
    let p = Palette::of(ui);
    let total = status.recipe.as_ref().map_or(0, |r| r.train.steps);
    let (share, name) = match &status.phase {
        TrainingPhase::BuildingModel(build) => (build.share, "Share of the model built"),
        _ if total == 0 => (0.0, "Steps done"),
        _ => ((status.step as f64 / total as f64).clamp(0.0, 1.0) as f32, "Steps done"),
    };
    let bar = ProgressBar::new(share).desired_height(theme::GAP_XS).corner_radius(2.0).fill(p.accent);
    ui.add_space(theme::GAP_XS);
    ui.add(bar).accessible_name(name);
    let steps = |n: u64| ticks::grouped(n as f64, 0);
    let (left, right) =
        if total == 0 { ("No run".to_owned(), "–".to_owned()) } else { progress_words(status, steps, total) };
    ui.label(RichText::new(left).color(p.text_strong));
    ui.add(egui::Label::new(theme::weak_caption(&p, right)).truncate());
    if let TrainingPhase::BuildingModel(build) = &status.phase {
        build_parts(ui, &p, build);
    }
}

/// Offers to train a finished run further, with the steps that this adds.
fn train_further(ui: &mut Ui, frame: &mut Frame<'_>) {
    let Some(more) = MoreSteps::of(frame.status) else { return };
    let command = UiCommand::TrainFurther;
    let title = format!("{}: {}", command.title(), more.words());
    let button = egui::Button::new(title).min_size(vec2(ui.available_width(), theme::CONTROL)).truncate();
    if ui.add(button).on_hover_text(command.tooltip(ui.ctx())).clicked() {
        frame.command(command);
    }
}

/// Draws the progress of each part of the model build.
fn build_parts(ui: &mut Ui, p: &Palette, build: &BuildProgress) {
    ui.spacing_mut().item_spacing.y = 2.0;
    for (i, progress) in build.parts.iter().enumerate() {
        let percent = format!("{:.0} %", (100.0 * progress.share()).floor());
        let row = ui.horizontal(|ui| {
            ui.set_height(theme::ROW_VALUE);
            let colour = if i == build.current { p.text_strong } else { p.text_weak };
            let text = |text: String| RichText::new(text).text_style(theme::caption()).color(colour);
            ui.label(text(format!("{} {}", i + 1, progress.part.title())));
            flush_right(ui, |ui| {
                ui.allocate_ui_with_layout(
                    vec2(theme::FIGURE_COLUMN, theme::ROW_VALUE),
                    egui::Layout::right_to_left(egui::Align::Center),
                    |ui| {
                        // A fixed width aligns the bars.
                        ui.set_min_width(theme::FIGURE_COLUMN);
                        ui.label(text(percent.clone()));
                    },
                );
                let bar = ProgressBar::new(progress.share()).desired_width(theme::INTERVAL);
                let bar = ui.add(bar.desired_height(theme::GAP_XS).corner_radius(2.0).fill(p.accent));
                bar.accessible_name(format!("{}, {percent}", progress.part.title()));
            });
        });
        row.response.on_hover_text(progress.part.purpose());
    }
}

/// Returns progress and speed in words.
fn progress_words(status: &TrainingStatus, steps: impl Fn(u64) -> String, total: u64) -> (String, String) {
    if let TrainingPhase::BuildingModel(build) = &status.phase {
        let left = match status.seconds_left {
            Some(seconds) => format!("{} left", ticks::span(seconds)),
            None => "time left unknown".into(),
        };
        let part = build.current_part().map_or("", |now| now.part.description());
        return ("building the model".into(), if part.is_empty() { left } else { format!("{left} · {part}") });
    }
    let done = format!("step {} of {}", steps(status.step), steps(total));
    let rate = match status.steps_per_second {
        r if r <= 0.0 => String::new(),
        r if r < 0.1 => format!("{} per step", ticks::span(1.0 / r)),
        r if r < 10.0 => format!("{r:.1} steps/s"),
        r => format!("{r:.0} steps/s"),
    };
    let left = match (&status.phase, status.seconds_left) {
        (TrainingPhase::Running, Some(seconds)) => format!("{} left", ticks::span(seconds)),
        (TrainingPhase::Running, None) => "time left unknown".into(),
        (TrainingPhase::Paused, _) => "paused".into(),
        (TrainingPhase::BuildingModel(_), _) => "building the model".into(),
        (TrainingPhase::Finished, _) => "finished".into(),
        (TrainingPhase::Preparing, _) => "preparing kernels".into(),
        (TrainingPhase::Opening { .. }, _) => "reading images".into(),
        (TrainingPhase::Failed(_), _) => "stopped with an error".into(),
        (TrainingPhase::Idle, _) => "not started".into(),
    };
    let running = status.phase == TrainingPhase::Running && !rate.is_empty();
    (done, if running { format!("{rate} · {left}") } else { left })
}

/// Draws the preset and the buttons for undo, redo and recipe files.
fn recipe_bar(ui: &mut Ui, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    ui.horizontal(|ui| {
        ui.set_height(theme::ROW);
        ui.spacing_mut().item_spacing.x = theme::GAP_XS;
        let preset = Preset::ALL.into_iter().find(|preset| {
            let recipe = preset.recipe();
            // What the images decided is no other recipe.
            frame.recipe.undecided(&recipe) == recipe
        });
        let title = preset.map_or("Custom recipe", Preset::title);
        if frame.locked {
            ui.label(RichText::new(title).color(p.text_strong)).on_hover_text("The current recipe");
        } else {
            let choice = DropDown { name: "Preset", help: "Sets all knobs from a preset", width: theme::CHOICE };
            choice.with_label(ui, "Preset", title, |ui| {
                for option in Preset::ALL {
                    let chosen = preset == Some(option);
                    if ui.selectable_label(chosen, option.title()).on_hover_text(option.describe()).clicked() && !chosen
                    {
                        frame.actions.push(Action::Recipe(Box::new(option.recipe())));
                    }
                }
            });
        }
        flush_right(ui, |ui| {
            ui.spacing_mut().item_spacing.x = theme::GAP_XS;
            for (command, icon) in [
                (UiCommand::LoadRecipe, icons::ICON_FILE_OPEN),
                (UiCommand::SaveRecipe, icons::ICON_SAVE),
                (UiCommand::Redo, icons::ICON_REDO),
                (UiCommand::Undo, icons::ICON_UNDO),
            ] {
                command_button(ui, frame, command, icon);
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::training::{BuildPart, PartProgress};

    #[test]
    fn progress_says_how_far_how_fast_and_how_long() {
        let steps = |n: u64| ticks::grouped(n as f64, 0);
        let mut status = TrainingStatus {
            phase: TrainingPhase::Running,
            step: 640,
            steps_per_second: 9.13,
            seconds_left: Some(149.0),
            ..TrainingStatus::default()
        };
        let words = progress_words(&status, steps, 2000);
        assert_eq!(words, ("step 640 of 2,000".into(), "9.1 steps/s · 2 min 29 s left".into()));
        status.phase = TrainingPhase::Paused;
        assert_eq!(progress_words(&status, steps, 2000).1, "paused");
        status = TrainingStatus { phase: TrainingPhase::Running, ..TrainingStatus::default() };
        assert_eq!(progress_words(&status, steps, 2000).1, "time left unknown");
        let parts = vec![PartProgress { part: BuildPart::Critic, done: 1, total: 4 }];
        status.phase = TrainingPhase::BuildingModel(BuildProgress { parts, current: 0, share: 0.3 });
        status.seconds_left = Some(149.0);
        let words = progress_words(&status, steps, 2000);
        assert_eq!(
            words,
            ("building the model".into(), "2 min 29 s left · training the critic on synthetic defects".into())
        );
    }

    #[test]
    fn values_are_taken_anew_when_the_recipe_changes() {
        let mut values = Values::default();
        let mut recipe = Recipe::default();
        let before = values.of(&recipe).to_vec();
        recipe.train.k_g = 7;
        let after = values.of(&recipe);
        assert_eq!(after.len(), KNOBS.len());
        assert_eq!(before.iter().zip(after).filter(|(a, b)| a != b).count(), 1);
    }
}
