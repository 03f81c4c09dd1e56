//! Toolbar of the convergence strip: player, scrubber and choice of chart.

use egui::{Layout, Slider, Ui, vec2};
use egui_material_icons::icons;

use super::{Convergence, SPEEDS, curves::ConvergenceChart};
use crate::{
    engine::inspection::QueryView,
    inspect::KeptFrame,
    ui::{
        Frame, UiCommand,
        pages::reasons,
        theme,
        theme::Palette,
        widgets::{drop_down::DropDown, flush_right, icon_button, icon_toggle, scrubber_handle, segments, ticks},
    },
};

/// The charts with button title and tooltip, from right to left.
const CHARTS: [(ConvergenceChart, &str, &str); 3] = [
    (ConvergenceChart::Norm, "|z|", "Norm of z relative to the prior"),
    (ConvergenceChart::Terms, "Terms", "Terms of the loss: residual, feature matching, prior"),
    (
        ConvergenceChart::Loss,
        "Loss",
        "Loss minimised over z, per pixel; one curve per restart, the best one emphasised",
    ),
];

impl Convergence {
    /// Draws the toolbar; `going` says whether the inspection is running.
    pub(super) fn player(&mut self, ui: &mut Ui, view: &QueryView, frame: &mut Frame<'_>, going: bool) {
        let frames = &view.frames;
        ui.horizontal(|ui| {
            ui.set_height(theme::CONTROL);
            ui.spacing_mut().item_spacing.x = theme::GAP_XS;
            self.play_buttons(ui, frames, frame);
            let roomy = ui.available_width() >= theme::PLAYER_ROOMY - 3.0 * (theme::ROW + theme::GAP_S);
            flush_right(ui, |ui| {
                let (icon, name) = match self.shown {
                    true => (icons::ICON_EXPAND_MORE, "Hide the curves"),
                    false => (icons::ICON_EXPAND_LESS, "Show the curves"),
                };
                if icon_button(ui, icon, name, true).clicked() {
                    self.layout.open = Some(!self.shown);
                }
                // Choices about curves that are folded would change nothing on screen.
                if self.shown && roomy {
                    self.chart_choice(ui);
                    ui.separator();
                }
                self.follow_button(ui, going);
                if roomy {
                    self.speed_choice(ui, frames);
                }
                self.scrubber(ui, frames);
            });
        });
    }

    fn play_buttons(&self, ui: &mut Ui, frames: &[KeptFrame], frame: &mut Frame<'_>) {
        let (many, last) = (frames.len() > 1, frames.len().saturating_sub(1));
        let index = self.playback.index(frames);
        let (icon, name) = if self.playback.is_playing() {
            (icons::ICON_PAUSE, "Stop playback".to_owned())
        } else {
            (icons::ICON_PLAY_ARROW, reasons::hint(UiCommand::FramePlay, frame.context, ui.ctx()))
        };
        if icon_button(ui, icon, &name, many).clicked() {
            frame.command(UiCommand::FramePlay);
        }
        for (command, icon, enabled) in [
            (UiCommand::FrameBack, icons::ICON_CHEVRON_LEFT, many && index > 0),
            (UiCommand::FrameForward, icons::ICON_CHEVRON_RIGHT, many && index < last),
        ] {
            let end = many && !enabled;
            let hint = reasons::hint(command, frame.context, ui.ctx());
            let text = if end { "This is the last stored step in this direction.".to_owned() } else { hint };
            if icon_button(ui, icon, &text, enabled).accessible_name(command.title()).clicked() {
                frame.command(command);
            }
        }
    }

    fn chart_choice(&mut self, ui: &mut Ui) {
        let log = self.layout.log;
        if icon_toggle(ui, icons::ICON_STACKED_LINE_CHART, "Logarithmic loss", true, log).clicked() {
            self.layout.log = !log;
        }
        if let Some(chart) = segments(ui, self.layout.chart, &CHARTS) {
            self.layout.chart = chart;
        }
    }

    fn follow_button(&mut self, ui: &mut Ui, going: bool) {
        let (title, tip) = match going {
            true => ("Newest", "Follow the newest reconstruction while z is being optimised"),
            false => ("Last", "Show the last reconstruction"),
        };
        let follows = self.playback.is_following();
        let newest = egui::Button::new(title).min_size(vec2(0.0, theme::CONTROL)).selected(follows);
        if ui.add(newest).on_hover_text(tip).clicked() {
            self.follow();
        }
    }

    fn speed_choice(&mut self, ui: &mut Ui, frames: &[KeptFrame]) {
        let speed = self.layout.speed;
        let index = self.playback.index(frames);
        let choice = DropDown { name: "Playback speed", help: "1x shows 20 stored steps per second", width: 48.0 };
        choice.with_label(ui, "Speed", format!("{speed}x"), |ui| {
            for option in SPEEDS {
                if ui.selectable_label(option == speed, format!("{option}x")).clicked() {
                    self.layout.speed = option;
                    self.playback.restart(index);
                }
            }
        });
        ui.add_space(theme::GAP_XS);
    }

    fn scrubber(&mut self, ui: &mut Ui, frames: &[KeptFrame]) {
        let p = Palette::of(ui);
        let (many, last) = (frames.len() > 1, frames.len().saturating_sub(1));
        let mut index = self.playback.index(frames);
        let text = match frames.get(index) {
            Some(kept) => format!("step {}", ticks::grouped(kept.step as f64, 0)),
            None => "–".to_owned(),
        };
        let size = vec2(theme::VALUE, theme::CONTROL);
        ui.allocate_ui_with_layout(size, Layout::right_to_left(egui::Align::Center), |ui| {
            ui.set_min_width(theme::VALUE);
            ui.label(theme::weak_caption(&p, text));
        });
        ui.spacing_mut().slider_width = (ui.available_width() - theme::GAP_S).max(40.0);
        let slider = Slider::new(&mut index, 0..=last.max(1)).show_value(false).handle_shape(scrubber_handle());
        let response = ui.name_inputs("Displayed step", |ui| ui.add_enabled(many, slider));
        if response.changed() {
            self.playback.seek(frames, index);
        }
    }
}
