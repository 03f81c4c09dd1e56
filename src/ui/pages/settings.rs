//! The settings page.

use std::path::{Path, PathBuf};

use egui::{Align, CentralPanel, Layout, Response, RichText, ScrollArea, Slider, Ui, vec2};

use crate::{
    device,
    device::{Adapter, DeviceChoice},
    engine::{BackgroundTask, TaskState},
    paths::Paths,
    text::PrintablePath,
    ui::{
        Action, Frame, PageId, PathRequest, Settings, ThemeChoice, UiCommand, XAxis, focus,
        pages::{Page, page_frame},
        settings::SCALE,
        theme,
        typed_path::PathKind,
        widgets::{drop_down::DropDown, list_keys::scroll_keys, path_field::PathField, typed_number::TypedNumber},
    },
};

/// The settings by name, each with words that find it as well.
pub(in crate::ui) const SETTINGS: [(&str, &str); 8] = [
    ("Theme", "dark light colour mode appearance"),
    ("Scale", "zoom size larger smaller text"),
    ("Train on", "device gpu cpu graphics"),
    ("Runs", "folder storage"),
    ("Smoothing", "curves average"),
    ("Logarithmic", "curves axis"),
    ("Horizontal axis", "curves time steps"),
    ("Playback speed", "samples grids"),
];

/// Width of the labels on the left.
const NAME: f32 = 180.0;
/// Largest smoothing, and largest number of sample grids per second.
const MOST_SMOOTHING: f64 = 0.999;
const MOST_GRIDS: f32 = 30.0;

/// The state of the settings page.
#[derive(Debug, Default)]
pub(crate) struct SettingsPage {
    adapters: Option<Vec<Adapter>>,
    search: Option<BackgroundTask<Vec<Adapter>>>,
    /// The field for the runs folder, and the folder that it was created for.
    runs: Option<(PathBuf, PathField)>,
    /// The scale during a drag; applied at its end, so that the slider does not move away under the pointer.
    scale: Option<f32>,
}

impl SettingsPage {
    /// Draws the page.
    pub(crate) fn ui(
        &mut self,
        ui: &mut Ui,
        settings: &Settings,
        paths: &Paths,
        runs: &Path,
        actions: &mut Vec<Action>,
    ) {
        let p = theme::Palette::of(ui);
        ui.label(RichText::new("Settings").text_style(theme::figure()).color(p.text_strong));
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            scroll_keys(ui);
            self.look(ui, &p, settings, actions);
            self.device(ui, &p, settings, actions);
            self.storage(ui, &p, paths, runs, actions);
            curves(ui, &p, settings, actions);
            ui.add_space(theme::GAP_XL);
        });
    }

    fn look(&mut self, ui: &mut Ui, p: &theme::Palette, settings: &Settings, actions: &mut Vec<Action>) {
        section(ui, p, "Appearance");
        row(ui, "Theme", "", |ui| {
            for choice in ThemeChoice::ALL {
                if ui.selectable_label(settings.theme == choice, choice.title()).clicked() {
                    actions.push(Action::Look(choice, settings.scale));
                }
            }
        });
        row(ui, "Scale", "Scale factor of everything in the window.", |ui| {
            let mut scale = self.scale.unwrap_or(settings.scale);
            let (before, figure) = (f64::from(scale), |value: f64| format!("{value:.2}"));
            let typed = TypedNumber::new(before, figure(before));
            let slider = Slider::new(&mut scale, SCALE).step_by(0.05).fixed_decimals(2);
            let slider = ui.add(slider.custom_parser(|text| typed.read(text))).accessible_name("Scale");
            let limits = (f64::from(*SCALE.start()), f64::from(*SCALE.end()));
            typed.ui(ui, slider.id, limits, (f64::from(scale), f64::from(settings.scale)), figure);
            if slider.changed() {
                self.scale = Some(scale);
            }
            if !slider.dragged()
                && let Some(scale) = self.scale.take()
            {
                actions.push(Action::Look(settings.theme, scale));
            }
            let reset = ui.add_enabled(settings.scale != 1.0, egui::Button::new("Reset scale"));
            if reset.on_disabled_hover_text("The scale is 1 already.").clicked() {
                actions.push(Action::Command(UiCommand::ScaleReset));
            }
        });
    }

    fn device(&mut self, ui: &mut Ui, p: &theme::Palette, settings: &Settings, actions: &mut Vec<Action>) {
        section(ui, p, "Device");
        if self.adapters.is_none() && self.search.is_none() {
            let ctx = ui.ctx().clone();
            self.search = BackgroundTask::spawn("adapters", move || ctx.request_repaint(), |_| device::adapters()).ok();
        }
        if let Some(task) = &self.search
            && let TaskState::Done(found) = task.poll()
        {
            self.adapters = Some(found);
            self.search = None;
        }
        let adapters = self.adapters.as_deref().unwrap_or_default();
        let help = "Takes effect at once; an open run is closed first, with a checkpoint.";
        labelled_row(ui, "Train on", help, |ui, label| {
            let help = "The device that trains and inspects";
            let choice = DropDown { name: "Train on", help, width: theme::PANEL_MAX };
            choice.beside(ui, label, title(&settings.device, adapters), |ui| {
                let numbered = adapters.iter().filter_map(|a| a.index).map(|i| DeviceChoice::Gpu(Some(i)));
                for choice in [DeviceChoice::Auto, DeviceChoice::Cpu].into_iter().chain(numbered) {
                    let text = title(&choice, adapters);
                    if ui.selectable_label(settings.device == choice, text).clicked() {
                        actions.push(Action::Device(choice));
                    }
                }
            });
            if self.search.is_some() {
                ui.spinner();
                ui.label(theme::weak_caption(p, "Searching for devices"));
            }
        });
        for adapter in adapters {
            row(ui, "", "", |ui| {
                let name = RichText::new(format!("{} ({}, {})", adapter.name, adapter.kind, adapter.api)).color(p.text);
                ui.vertical(|ui| {
                    ui.label(if adapter.picked { name.color(p.text_strong) } else { name });
                    ui.add(egui::Label::new(theme::weak_caption(p, adapter.note)).wrap());
                });
            });
        }
        if self.adapters.as_ref().is_some_and(Vec::is_empty) {
            row(ui, "", "", |ui| {
                ui.label(theme::weak_caption(p, "No graphics adapter found; training runs on the CPU."));
            });
        }
    }

    fn storage(&mut self, ui: &mut Ui, p: &theme::Palette, paths: &Paths, runs: &Path, actions: &mut Vec<Action>) {
        section(ui, p, "Storage");
        row(ui, "Runs", "Folder for new runs; each run has its own subfolder.", |ui| {
            let (of, field) = self.runs.get_or_insert_with(|| (runs.to_owned(), PathField::new(runs)));
            if of != runs {
                (*of, *field) = (runs.to_owned(), PathField::new(runs));
            }
            let width = theme::PANEL_MAX.min(ui.available_width());
            let answer = ui
                .vertical(|ui| {
                    ui.set_max_width(width);
                    field.ui(ui, PathKind::NewFolder, "Folder for runs", "Path", width)
                })
                .inner;
            if let Some(path) = answer.path.filter(|path| answer.field.lost_focus() && path != runs) {
                actions.push(Action::RunsFolder(path));
            }
            if ui.button("Browse…").clicked() {
                actions.push(Action::Ask(PathRequest::RunsFolder));
            }
            let default = ui.add_enabled(runs != paths.runs, egui::Button::new("Use default"));
            if default.on_disabled_hover_text("This is the default folder.").clicked() {
                actions.push(Action::RunsFolder(paths.runs.clone()));
            }
        });
        row(ui, "Settings", "", |ui| {
            let text = RichText::new(paths.settings.printable().to_string()).color(p.text_weak);
            ui.add(egui::Label::new(text).selectable(true));
        });
    }
}

impl Page for SettingsPage {
    fn id(&self) -> PageId {
        PageId::Settings
    }

    fn draw(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        let central = CentralPanel::default().frame(page_frame(ui));
        central.show(ui, |ui| self.ui(ui, frame.settings, frame.paths, frame.runs, frame.actions));
    }
}

fn curves(ui: &mut Ui, p: &theme::Palette, settings: &Settings, actions: &mut Vec<Action>) {
    section(ui, p, "Curves and samples");
    let mut view = settings.view.clone();
    row(ui, "Smoothing", "Weight of past values in the moving average; 0 turns smoothing off.", |ui| {
        let (before, figure) = (view.smoothing, |value: f64| format!("{value:.3}"));
        let typed = TypedNumber::new(before, figure(before));
        let slider = Slider::new(&mut view.smoothing, 0.0..=MOST_SMOOTHING).fixed_decimals(3);
        let id = ui.add(slider.custom_parser(|text| typed.read(text))).accessible_name("Smoothing").id;
        typed.ui(ui, id, (0.0, MOST_SMOOTHING), (view.smoothing, before), figure);
    });
    row(ui, "Logarithmic", "", |ui| {
        ui.checkbox(&mut view.log_y, "Losses and gradients on a logarithmic axis");
    });
    row(ui, "Horizontal axis", "", |ui| {
        for axis in XAxis::ALL {
            ui.selectable_value(&mut view.x_axis, axis, axis.title());
        }
    });
    row(ui, "Playback speed", "Sample grids per second during playback.", |ui| {
        let (before, figure) = (f64::from(view.grids_per_second), |value: f64| format!("{value:.0}"));
        let typed = TypedNumber::new(before, figure(before));
        let slider = Slider::new(&mut view.grids_per_second, 1.0..=MOST_GRIDS).fixed_decimals(0).suffix(" grids/s");
        let id = ui.add(slider.custom_parser(|text| typed.read(text))).accessible_name("Grids per second").id;
        typed.ui(ui, id, (1.0, f64::from(MOST_GRIDS)), (f64::from(view.grids_per_second), before), figure);
    });
    if view != settings.view {
        actions.push(Action::View(Box::new(view)));
    }
}

fn title(choice: &DeviceChoice, adapters: &[Adapter]) -> String {
    match choice {
        DeviceChoice::Auto => "Automatic".to_owned(),
        DeviceChoice::Cpu => "CPU".to_owned(),
        DeviceChoice::Gpu(None) => "First GPU".to_owned(),
        DeviceChoice::Gpu(Some(i)) => match adapters.iter().find(|a| a.index == Some(*i)) {
            Some(adapter) => format!("GPU {i}: {}", adapter.name),
            None => format!("GPU {i}"),
        },
    }
}

fn section(ui: &mut Ui, p: &theme::Palette, title: &str) {
    ui.add_space(theme::GAP_XL);
    ui.label(RichText::new(title).text_style(theme::section()).color(p.text_strong));
    ui.add_space(theme::GAP_XS);
}

/// Draws a row's label in the left column.
fn widget_name(ui: &mut Ui, name: &str) -> Response {
    let cell = Layout::left_to_right(Align::Center);
    let inner = ui.allocate_ui_with_layout(vec2(NAME, theme::ROW), cell, |ui| {
        ui.set_min_width(NAME);
        ui.label(name)
    });
    inner.inner
}

fn row(ui: &mut Ui, name: &str, help: &str, contents: impl FnOnce(&mut Ui)) {
    labelled_row(ui, name, help, |ui, _| contents(ui));
}

/// Like [`row`], for contents that refer to the label.
fn labelled_row(ui: &mut Ui, name: &str, help: &str, contents: impl FnOnce(&mut Ui, &Response)) {
    let row = ui.horizontal_wrapped(|ui| {
        ui.set_min_height(theme::ROW);
        let mut label = widget_name(ui, name);
        if !help.is_empty() {
            label = label.on_hover_text(help);
        }
        contents(ui, &label);
    });
    focus::answer(ui, name, row.response.rect);
}
