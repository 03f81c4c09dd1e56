//! The workspace without images: what to do first, the active model, and queries without results.

use std::{path::PathBuf, sync::Arc};

use egui::{Align, Label, Layout, RichText, Sense, Ui, UiBuilder, vec2};

use super::scene::InspectScene;
use crate::{
    data::{
        ImageGrid, surface,
        surface::{DefectType, SurfaceKind},
    },
    engine::{
        InspectionRequest,
        inspection::{ModelSource, ModelState, Query, QueryEntry, QueryId, QuerySource, QueryState},
    },
    inspect::{OutlierReport, ScoredImage},
    text::PrintablePath,
    ui::{
        Action, Frame, UiCommand, theme,
        theme::{NoticeMark, Palette},
        widgets::{
            empty_column, empty_place,
            image_grid::{Block, GridTexture},
            rows::{described_button, marked_text, value_row},
            ticks,
        },
    },
};

/// Side of the built-in images in pixels, equal to that of the built-in model's calibration images.
const SIDE: usize = crate::data::source::SPECIMEN_SIDE;
/// Seed of the built-in images, not used by any built-in data set.
const SEED: u64 = 2017;
/// Number of samples of the model shown.
const SAMPLES: usize = 16;

/// Number of left-out images listed.
const LISTED: usize = 10;

/// Title of the button that opens the model of the current run.
const USE_RUN: &str = "Use current run";

/// State of the empty page and the model section.
#[derive(Default)]
pub(crate) struct EmptyPage {
    samples: Option<GridTexture>,
}

impl EmptyPage {
    /// Draws the page; returns example queries if the user tries the built-in model.
    pub(crate) fn ui(&mut self, ui: &mut Ui, scene: &InspectScene, frame: &mut Frame<'_>) -> Option<Vec<Query>> {
        let p = Palette::of(ui);
        let mut queries = None;
        let model = scene.model().is_some();
        empty_column(ui, "inspect-empty", theme::EMPTY_COLUMN, |ui| {
            ui.label(RichText::new("Is this part healthy?").text_style(theme::verdict()).color(p.text_strong));
            let text = "Drop surface images anywhere on this window, or paste one. The generator reconstructs each image as \
                        closely as it can; defects remain in the difference. The verdict compares the score with those \
                        of held-out healthy images.";
            ui.add(Label::new(RichText::new(text).color(p.text)).wrap());
            ui.add_space(theme::GAP_L);
            if let ModelState::Failed(text) = &scene.status.model {
                let text = RichText::new(crate::format::sentence(text)).color(p.text_strong);
                marked_text(ui, NoticeMark::Error, text);
                ui.add_space(theme::GAP_S);
            }
            // Nothing can be inspected without a model, so that comes first.
            let mut command = |ui: &mut Ui, command: UiCommand, primary: bool| {
                let text = match command {
                    UiCommand::InspectOpen if model => "Choose one or more.",
                    UiCommand::InspectOpen => "Choose one or more. They are queued until a model is open.",
                    _ => "A .ganspect file contains generator, discriminator, encoder and calibration.",
                };
                let button = described_button(ui, true, primary, command.title(), text);
                if button.on_hover_text(command.tooltip(ui.ctx())).clicked() {
                    frame.command(command);
                }
            };
            if model {
                command(ui, UiCommand::InspectOpen, true);
            }
            command(ui, UiCommand::InspectModel, !model);
            let text =
                "Two images of turned metal, one of them cracked, and a small model that ships with the program.";
            let button = described_button(ui, true, false, "Try the built-in model", text);
            let tried = button.on_hover_text("Loads the built-in model and two example images").clicked();
            if !model {
                command(ui, UiCommand::InspectOpen, false);
            }
            if tried {
                frame.actions.push(Action::engine(InspectionRequest::OpenModel(ModelSource::BuiltIn)));
                queries = Some(examples());
            }
            self.use_run(ui, scene, frame);
        });
        queries
    }

    /// Offers the model of the current run.
    fn use_run(&self, ui: &mut Ui, scene: &InspectScene, frame: &mut Frame<'_>) {
        if scene.model().is_some() || !frame.context.run {
            return;
        }
        let text = format!(
            "The averaged weights of {} as they are now while it is training, or its model once it has finished.",
            frame.status.name
        );
        let button = described_button(ui, true, false, USE_RUN, &text);
        if button.on_hover_text("Loads the generator of the current run").clicked() {
            frame.actions.push(Action::engine(InspectionRequest::OpenModel(ModelSource::Run)));
        }
    }

    /// Draws facts about the active model, or the ways to open one.
    pub(crate) fn model_facts(&mut self, ui: &mut Ui, scene: &InspectScene, frame: &mut Frame<'_>) {
        crate::ui::pages::section(ui, "Model");
        let p = Palette::of(ui);
        let load = |frame: &mut Frame<'_>, source| {
            frame.actions.push(Action::engine(InspectionRequest::OpenModel(source)));
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
                    _ => crate::ui::pages::weak(ui, "No model is open. Images are queued until there is one."),
                }
                if scene.rows.is_empty() {
                    return;
                }
                ui.horizontal_wrapped(|ui| {
                    if ui
                        .button(UiCommand::InspectModel.title())
                        .on_hover_text(UiCommand::InspectModel.tooltip(ui.ctx()))
                        .clicked()
                    {
                        frame.command(UiCommand::InspectModel);
                    }
                    if ui.button("Use built-in model").on_hover_text("A small model of turned metal").clicked() {
                        load(frame, ModelSource::BuiltIn);
                    }
                    if frame.context.run && ui.button(USE_RUN).clicked() {
                        load(frame, ModelSource::Run);
                    }
                });
                return;
            }
        };
        let recipe = &facts.recipe;
        let file = facts.path.as_ref().map_or_else(|| "–".to_owned(), |path| path.printable().to_string());
        let held_out = facts.calibrations.first().map_or_else(|| "–".to_owned(), |c| c.held_out.len().to_string());
        let size = recipe.model.size;
        let seen = if recipe.model.channels.count() > 1 { ", colour" } else { "" };
        value_row(ui, "Name", facts.name.clone(), "The active model");
        value_row(ui, "File", file, "The file it was loaded from; a dash for the built-in model and the current run");
        value_row(
            ui,
            "Crop size",
            format!("{size} × {size} pixels{seen}"),
            "Output size of the generator; larger images are split into tiles",
        );
        value_row(ui, "Steps trained", ticks::grouped(facts.step as f64, 0), "Steps of the training run");
        let encoder = if facts.encoder { "yes" } else { "no" };
        value_row(ui, "Encoder", encoder.to_owned(), "An encoder starts z close to the solution (f-AnoGAN)");
        value_row(
            ui,
            "Held-out images",
            held_out,
            "Healthy images excluded from training; verdicts are calibrated on them",
        );
        if let Some(report) = &facts.outliers {
            outliers(ui, report, frame);
        }
        ui.horizontal_wrapped(|ui| {
            let save = UiCommand::SaveModel;
            if ui.button(save.title()).on_hover_text(save.tooltip(ui.ctx())).clicked() {
                frame.command(save);
            }
            if frame.context.run
                && ui
                    .button(USE_RUN)
                    .on_hover_text("The model of the current run, or its averaged weights while it is training")
                    .clicked()
            {
                load(frame, ModelSource::Run);
            }
        });
        let samples = frame.engine.inspection.samples.read().clone();
        if let Some(samples) = samples {
            ui.add_space(theme::GAP_XS);
            ui.label(theme::weak_caption(&p, "Samples from random z"));
            self.samples(ui, &samples);
        }
    }

    fn samples(&mut self, ui: &mut Ui, samples: &Arc<ImageGrid>) {
        if samples.count == 0 || samples.side == 0 {
            return;
        }
        let texture = GridTexture::of(ui.ctx(), "model-samples", samples, samples, self.samples.take());
        let count = texture.count().min(SAMPLES);
        let ppp = ui.pixels_per_point();
        let columns = count.clamp(1, 4);
        let cell = (ui.available_width() + theme::PICTURE_GAP) / columns as f32 - theme::PICTURE_GAP;
        let mut block = Block::new(count, texture.side(), columns, 1, ppp);
        block.cell = cell.min(2.0 * texture.side() as f32 / ppp);
        let (rect, response) = ui.allocate_exact_size(block.size(), Sense::hover());
        let text = format!("{count} samples from the model");
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, text.clone()));
        for i in 0..count {
            texture.paint(ui.painter(), i, block.place(rect.min, i, ppp));
        }
        self.samples = Some(texture);
    }
}

/// Draws the healthy images that were left out because they look defective, or says why none was although some do.
fn outliers(ui: &mut Ui, report: &OutlierReport, frame: &mut Frame<'_>) {
    let p = Palette::of(ui);
    let left_out: Vec<&ScoredImage> = report.left_out().collect();
    if left_out.is_empty() {
        if let Some(text) = report.sentence() {
            marked_text(ui, NoticeMark::Warning, RichText::new(text).color(p.text));
        }
        return;
    }
    ui.add_space(theme::GAP_XS);
    let text = format!(
        "Images left out of training and calibration: they look defective ({} of {})",
        left_out.len(),
        ticks::grouped(report.scored as f64, 0)
    );
    marked_text(ui, NoticeMark::Warning, RichText::new(text).color(p.text));
    for image in left_out.iter().take(LISTED) {
        let limit = image.limit.map(|limit| format!("; score above {limit:.2}")).unwrap_or_default();
        let help = format!("{}\n{}{limit}", image.path.printable(), image.purpose.title());
        let score = format!("{:.2}", image.score);
        value_row(ui, &image.name(), score, &help);
    }
    if left_out.len() > LISTED {
        let more = format!("{} more; `ganspect model show` lists them", left_out.len() - LISTED);
        ui.add(Label::new(theme::weak_caption(&p, more)).wrap());
    }
    // Built-in images have no file.
    let is_file = |path: &PathBuf| !path.to_string_lossy().starts_with(surface::PREFIX);
    let files: Vec<PathBuf> = left_out.iter().map(|image| image.path.clone()).filter(is_file).collect();
    if !files.is_empty() {
        let help = "Adds these images to the list. If they are healthy, take them into Review, judge them \
                    healthy there and fine-tune, or switch 'Leave out outliers' off and build the model again.";
        if ui.button("Inspect these images").on_hover_text(help).clicked() {
            frame.actions.push(Action::Inspect(files.into_iter().map(QuerySource::File).collect()));
        }
    }
}

/// Returns two synthetic example images, one of them cracked.
pub(super) fn examples() -> Vec<Query> {
    let query = |defect, name: &str| Query {
        id: QueryId::fresh(),
        name: name.to_owned(),
        source: QuerySource::Picture(Arc::new(surface::draw(SurfaceKind::Turned, defect, SEED, 0, SIDE).picture)),
    };
    vec![query(Some(DefectType::Crack), "Turned metal, cracked"), query(None, "Turned metal, healthy")]
}

/// Draws the place of the images of a query that has none: why, and a button to inspect it again.
pub(super) fn without_images(ui: &mut Ui, scene: &InspectScene, entry: &QueryEntry, frame: &mut Frame<'_>) {
    let inspect_again = |ui: &mut Ui, frame: &mut Frame<'_>| {
        if ui.add(egui::Button::new("Inspect again").min_size(vec2(0.0, theme::ROW))).clicked() {
            let request = InspectionRequest::Restart { id: entry.id, seed: scene.status.knobs.seed, random: false };
            frame.actions.push(Action::engine(request));
        }
    };
    let (title, text) = match &entry.state {
        QueryState::Failed(text) => ("This image could not be inspected".to_owned(), crate::format::sentence(text)),
        QueryState::Waiting if scene.model().is_none() => {
            (format!("{} is waiting for a model", entry.name), "Open a model, or choose one in the panel.".to_owned())
        }
        QueryState::Waiting => (format!("{} is queued", entry.name), "The newest image is inspected first.".to_owned()),
        QueryState::Reading => (format!("Reading {}", entry.name), "It is inspected next.".to_owned()),
        QueryState::Running | QueryState::Paused => {
            (format!("Starting {}", entry.name), "Waiting for the first reconstruction.".to_owned())
        }
        QueryState::Stopped if entry.judged.is_none() => {
            (format!("{} was stopped before it started", entry.name), "There is nothing to show.".to_owned())
        }
        QueryState::Done | QueryState::Stopped => (
            "The images of this inspection are no longer in memory".to_owned(),
            "The scores are kept. Inspect the image again to see it.".to_owned(),
        ),
    };
    let failed = matches!(entry.state, QueryState::Failed(_));
    let area = ui.available_rect_before_wrap();
    if !failed {
        empty_place(ui, &title, &text);
    } else {
        let p = Palette::of(ui);
        let width = (area.width() - 2.0 * theme::GAP_XL).clamp(0.0, theme::TEXT_MAX);
        let column = egui::Rect::from_center_size(area.center(), vec2(width, 3.0 * theme::EMPTY_PLACE));
        ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
            ui.horizontal(|ui| {
                theme::mark_icon(ui, NoticeMark::Error);
                ui.label(RichText::new(&title).text_style(theme::section()).color(p.text_strong));
            });
            ui.add(Label::new(RichText::new(&text).color(p.text)).wrap().selectable(true));
            ui.add_space(theme::GAP_M);
            inspect_again(ui, frame);
        });
        return;
    }
    if entry.state.has_outcome() {
        let foot = egui::Rect::from_center_size(
            area.center() + vec2(0.0, theme::EMPTY_PLACE),
            vec2(area.width().min(theme::TEXT_MAX), theme::ROW),
        );
        ui.scope_builder(UiBuilder::new().max_rect(foot).layout(Layout::top_down(Align::Center)), |ui| {
            inspect_again(ui, frame);
        });
    }
}
