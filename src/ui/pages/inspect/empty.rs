//! What the workspace says while there is nothing to show, and what the model in force is.

use std::sync::Arc;

use egui::{Align, Label, Layout, RichText, Sense, Ui, UiBuilder, vec2};

use super::{Scene, verdict::row};
use crate::{
    data::{
        ImageGrid, surface,
        surface::{DefectKind, SurfaceKind},
    },
    engine,
    engine::{
        InspectionRequest,
        inspection::{ModelSource, ModelState, Query, QueryEntry, QueryId, QuerySource, QueryState},
    },
    ui::{
        Action, Frame, UiCommand, theme,
        theme::{Palette, StatusMark},
        widgets::{
            empty_place,
            image_grid::{Block, GridTexture},
            ticks,
        },
    },
};

/// Side of the built-in pictures, pixels: that of the images the built-in model is calibrated on.
const SIDE: usize = crate::data::source::SPECIMEN_SIDE;
/// Seed of the built-in pictures: one that no built-in data set uses.
const SEED: u64 = 2017;
/// Samples of the model on show.
const SAMPLES: usize = 16;

/// The page's own state.
#[derive(Default)]
pub struct EmptyPage {
    samples: Option<GridTexture>,
}

impl EmptyPage {
    /// Draws the page; the queries to begin with, when the user tries the built-in model.
    pub fn ui(&mut self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) -> Option<Vec<Query>> {
        let p = Palette::of(ui);
        let mut asked = None;
        let room = ui.available_rect_before_wrap();
        let width = (room.width() - 2.0 * theme::GAP_XL).clamp(0.0, theme::TEXT_MAX);
        let column = egui::Rect::from_center_size(room.center(), vec2(width, (room.height() * 0.8).min(360.0)));
        let model = scene.model().is_some();
        ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
            ui.label(RichText::new("Is this part healthy?").text_style(theme::verdict()).color(p.text_strong));
            let text = "Drop surface images anywhere on this window, or paste one. The generator looks for the closest \
                        picture that it can draw; what it cannot draw stays in the difference, and held-out healthy \
                        images say how much of it is usual.";
            ui.add(Label::new(RichText::new(text).color(p.text)).wrap());
            ui.add_space(theme::GAP_L);
            if let ModelState::Failed(text) = &scene.status.model {
                ui.horizontal_top(|ui| {
                    theme::state_icon(ui, StatusMark::Defective);
                    let text = RichText::new(crate::format::sentence(text)).color(p.text_strong);
                    ui.add(Label::new(text).wrap().selectable(true));
                });
                ui.add_space(theme::GAP_S);
            }
            let open = (UiCommand::InspectOpen, "Choose one or many. They wait until a model is in force.");
            let load =
                (UiCommand::InspectModel, "A .ganspect file holds generator, discriminator, encoder and calibration.");
            let order = if model { [open, load] } else { [load, open] };
            for (i, (command, text)) in order.into_iter().enumerate() {
                let primary = i == 0;
                let title = command.title();
                if choice(ui, title, text, primary, &command.tooltip(ui.ctx())) {
                    frame.command(command);
                }
            }
            let text =
                "Two pictures of turned metal, one of them cracked, and a small model that comes with the program.";
            if choice(ui, "Try it on the built-in model", text, false, "Puts the built-in model in force") {
                frame
                    .actions
                    .push(Action::Engine(engine::Command::Inspect(InspectionRequest::Model(ModelSource::BuiltIn))));
                asked = Some(built_in());
            }
            self.use_run(ui, scene, frame);
        });
        asked
    }

    /// The offer to inspect with the run in hand.
    fn use_run(&self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
        if scene.model().is_some() || !frame.facts.run {
            return;
        }
        let text = format!(
            "The averaged weights of {} as they are now, while it goes on training; the model made of it, once it is over.",
            frame.status.name
        );
        if choice(ui, "Use the run in hand", &text, false, "Puts the run's generator in force") {
            frame.actions.push(Action::Engine(engine::Command::Inspect(InspectionRequest::Model(ModelSource::Run))));
        }
    }

    /// What the model in force is, and how to get one while there is none.
    pub fn model_facts(&mut self, ui: &mut Ui, scene: &Scene, frame: &mut Frame<'_>) {
        crate::ui::pages::section(ui, "Model");
        let p = Palette::of(ui);
        let ask = |frame: &mut Frame<'_>, source| {
            frame.actions.push(Action::Engine(engine::Command::Inspect(InspectionRequest::Model(source))));
        };
        let facts = match &scene.status.model {
            ModelState::Ready(facts) => facts,
            ModelState::Loading(name) => {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.add(Label::new(format!("Loading {name}")).truncate());
                });
                return;
            }
            ModelState::None | ModelState::Failed(_) => {
                match &scene.status.model {
                    ModelState::Failed(text) => {
                        ui.add(Label::new(crate::format::sentence(text)).wrap().selectable(true));
                    }
                    _ => crate::ui::pages::weak(ui, "None yet. Images wait until there is one."),
                }
                if scene.rows.is_empty() {
                    return;
                }
                ui.horizontal_wrapped(|ui| {
                    if ui.button("Open a model…").on_hover_text(UiCommand::InspectModel.tooltip(ui.ctx())).clicked() {
                        frame.command(UiCommand::InspectModel);
                    }
                    if ui.button("Built-in model").on_hover_text("A small model of turned metal").clicked() {
                        ask(frame, ModelSource::BuiltIn);
                    }
                    if frame.facts.run && ui.button("Use the run in hand").clicked() {
                        ask(frame, ModelSource::Run);
                    }
                });
                return;
            }
        };
        let recipe = &facts.recipe;
        let file = facts.path.as_ref().map_or_else(|| "–".to_owned(), |path| path.display().to_string());
        let held_out = facts.calibrations.first().map_or_else(|| "–".to_owned(), |c| c.held_out.len().to_string());
        let size = recipe.model.size;
        row(ui, "Name", facts.name.clone(), "The model in force");
        row(ui, "File", file, "The file that it was read from; a dash for the built-in one and the run in hand");
        row(
            ui,
            "Crop",
            format!("{size} × {size} pixels"),
            "What the generator draws at a time; larger images are cut into tiles",
        );
        row(ui, "Steps trained", ticks::grouped(facts.step as f64, 0), "Steps of the training run");
        let encoder = if facts.encoder { "yes" } else { "no" };
        row(ui, "Encoder", encoder.to_owned(), "With an encoder, z begins near its end (f-AnoGAN)");
        row(ui, "Held-out images", held_out, "Healthy images that were never trained on; verdicts rest on them");
        ui.horizontal_wrapped(|ui| {
            let save = UiCommand::SaveModel;
            if ui.button("Save the model…").on_hover_text(save.tooltip(ui.ctx())).clicked() {
                frame.command(save);
            }
            if frame.facts.run
                && ui
                    .button("Use the run in hand")
                    .on_hover_text("The model made of it, or its averaged weights as they are now")
                    .clicked()
            {
                ask(frame, ModelSource::Run);
            }
        });
        let samples = frame.live.inspection.samples.read().clone();
        if let Some(samples) = samples {
            ui.add_space(theme::GAP_XS);
            ui.label(theme::weak_caption(&p, "Drawn by it from random z"));
            self.samples(ui, &samples);
        }
    }

    fn samples(&mut self, ui: &mut Ui, samples: &Arc<ImageGrid>) {
        if samples.count == 0 || samples.side == 0 {
            return;
        }
        let sheet = GridTexture::of(ui.ctx(), "model-samples", samples, samples, self.samples.take());
        let count = sheet.count().min(SAMPLES);
        let ppp = ui.pixels_per_point();
        let columns = count.clamp(1, 4);
        let cell = (ui.available_width() + theme::PICTURE_GAP) / columns as f32 - theme::PICTURE_GAP;
        let mut block = Block::new(count, sheet.side(), columns, 1, ppp);
        block.cell = cell.min(2.0 * sheet.side() as f32 / ppp);
        let (rect, response) = ui.allocate_exact_size(block.size(), Sense::hover());
        let text = format!("{count} samples of the model");
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, text.clone()));
        for i in 0..count {
            sheet.paint(ui.painter(), i, block.place(rect.min, i, ppp));
        }
        self.samples = Some(sheet);
    }
}

/// One thing to do: a button, and what it is about beside it.
fn choice(ui: &mut Ui, title: &str, text: &str, primary: bool, tooltip: &str) -> bool {
    let p = Palette::of(ui);
    let mut clicked = false;
    ui.horizontal(|ui| {
        let size = vec2(224.0, theme::ROW);
        let button = if primary { theme::primary_button(&p, title) } else { egui::Button::new(title) };
        clicked = ui.add_sized(size, button).on_hover_text(tooltip).clicked();
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(theme::weak_caption(&p, text)).wrap());
        });
    });
    ui.add_space(theme::GAP_S);
    clicked
}

/// Two pictures that come with the program: a healthy one and a cracked one.
fn built_in() -> Vec<Query> {
    let picture = |defect, name: &str| Query {
        id: QueryId::fresh(),
        name: name.to_owned(),
        source: QuerySource::Picture(Arc::new(surface::draw(SurfaceKind::Turned, defect, SEED, 0, SIDE).picture)),
    };
    vec![picture(Some(DefectKind::Crack), "Turned metal, cracked"), picture(None, "Turned metal, healthy")]
}

/// Stands in for the pictures of a query that has none.
pub fn no_pictures(ui: &mut Ui, scene: &Scene, entry: &QueryEntry, frame: &mut Frame<'_>) {
    let again = |ui: &mut Ui, frame: &mut Frame<'_>| {
        if ui.add(egui::Button::new("Inspect it again").min_size(vec2(0.0, theme::ROW))).clicked() {
            let again = InspectionRequest::Again { id: entry.id, seed: scene.status.knobs.seed, random: false };
            frame.actions.push(Action::Engine(engine::Command::Inspect(again)));
        }
    };
    let (title, text) = match &entry.state {
        QueryState::Failed(text) => ("This image was not inspected".to_owned(), crate::format::sentence(text)),
        QueryState::Waiting if scene.model().is_none() => {
            (format!("{} waits for a model", entry.name), "Open a model, or use one that the panel offers.".to_owned())
        }
        QueryState::Waiting => {
            (format!("{} waits for its turn", entry.name), "The newest image goes first.".to_owned())
        }
        QueryState::Reading => (format!("Reading {}", entry.name), "It is inspected next.".to_owned()),
        QueryState::Running | QueryState::Paused => {
            (format!("{} begins", entry.name), "The first reconstruction is on its way.".to_owned())
        }
        QueryState::Stopped if entry.scores.is_none() => {
            (format!("{} was stopped before it began", entry.name), "There is nothing to show of it.".to_owned())
        }
        QueryState::Done | QueryState::Stopped => (
            "The pictures of this image were let go".to_owned(),
            "Its figures are kept. Inspect it again to see it.".to_owned(),
        ),
    };
    let failed = matches!(entry.state, QueryState::Failed(_));
    let room = ui.available_rect_before_wrap();
    if !failed {
        empty_place(ui, &title, &text);
    } else {
        let p = Palette::of(ui);
        let width = (room.width() - 2.0 * theme::GAP_XL).clamp(0.0, theme::TEXT_MAX);
        let column = egui::Rect::from_center_size(room.center(), vec2(width, 3.0 * theme::EMPTY_PLACE));
        ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
            ui.horizontal(|ui| {
                theme::state_icon(ui, StatusMark::Defective);
                ui.label(RichText::new(&title).text_style(theme::section()).color(p.text_strong));
            });
            ui.add(Label::new(RichText::new(&text).color(p.text)).wrap().selectable(true));
            ui.add_space(theme::GAP_M);
            again(ui, frame);
        });
        return;
    }
    if entry.state.has_outcome() {
        let foot = egui::Rect::from_center_size(
            room.center() + vec2(0.0, theme::EMPTY_PLACE),
            vec2(room.width().min(theme::TEXT_MAX), theme::ROW),
        );
        ui.scope_builder(UiBuilder::new().max_rect(foot).layout(Layout::top_down(Align::Center)), |ui| {
            again(ui, frame);
        });
    }
}
