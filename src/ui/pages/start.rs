//! The first page: try a built-in surface, open one's own images, or go on with an earlier run.

use std::path::{Path, PathBuf};

use egui::{
    Align, Color32, ColorImage, CornerRadius, Key, Layout, Rect, RichText, ScrollArea, Sense, Stroke, StrokeKind,
    TextEdit, TextureHandle, TextureOptions, Ui, UiBuilder, Vec2, epaint::RectShape, pos2, vec2,
};

use super::{section, suited_preset, thumbnail, weak};
use crate::{
    data::{DataSource, surface},
    engine::{
        EngineState,
        background::{BackgroundTask, TaskState},
    },
    ui::{Action, Settings, UiCommand, theme},
};

/// Seed of the surfaces on the cards and of the runs begun from them.
const SEED: u64 = 1;
/// Pixels along a card's picture.
const PICTURE: usize = 320;
/// Least and greatest width of the page's column.
const COLUMN: (f32, f32) = (1008.0, 1280.0);
/// Height of the text under a card's picture.
const CARD_TEXT: f32 = 76.0;
/// Least height of a card's picture.
const CARD_PICTURE: f32 = 112.0;
/// What the page needs for everything but the pictures, points of height.
const REST: f32 = 560.0;
/// Recent folders on the page.
const RECENT: usize = 5;

/// The page's own state.
#[derive(Default)]
pub struct StartPage {
    drawing: Option<BackgroundTask<Vec<ColorImage>>>,
    pictures: Vec<TextureHandle>,
    path: String,
}

impl StartPage {
    /// Draws the page.
    pub fn ui(&mut self, ui: &mut Ui, live: &EngineState, settings: &Settings, actions: &mut Vec<Action>) {
        self.pick_up(ui);
        ScrollArea::vertical().auto_shrink([false, false]).show(ui, |ui| {
            let room = ui.available_width() - 2.0 * theme::GAP_XL;
            let width = (0.7 * room).clamp(COLUMN.0, COLUMN.1).min(room);
            let left = (ui.available_width() - width) / 2.0;
            let tall = ui.ctx().content_rect().height();
            let picture = (0.75 * width / surface::SurfaceKind::ALL.len() as f32).min(tall - REST).max(CARD_PICTURE);
            // On a tall window the column sits a little above the middle.
            ui.add_space(theme::GAP_XL + (tall - REST - picture).max(0.0) / 3.0);
            ui.horizontal(|ui| {
                ui.add_space(left);
                ui.vertical(|ui| {
                    ui.set_width(width);
                    self.column(ui, picture, live, settings, actions);
                });
            });
            ui.add_space(theme::GAP_XL);
        });
    }

    fn pick_up(&mut self, ui: &Ui) {
        if self.pictures.is_empty() && self.drawing.is_none() {
            let ctx = ui.ctx().clone();
            self.drawing = BackgroundTask::spawn(
                "surface-cards",
                move || ctx.request_repaint(),
                |_| {
                    let draw = |kind| thumbnail(&surface::draw(kind, None, SEED, 0, PICTURE).picture, PICTURE);
                    surface::SurfaceKind::ALL.into_iter().map(draw).collect()
                },
            )
            .ok();
        }
        if let Some(task) = &self.drawing
            && let TaskState::Done(images) = task.poll()
        {
            let load = |(i, image)| ui.ctx().load_texture(format!("surface-card-{i}"), image, TextureOptions::LINEAR);
            self.pictures = images.into_iter().enumerate().map(load).collect();
        }
    }

    fn column(
        &mut self,
        ui: &mut Ui,
        picture: f32,
        live: &EngineState,
        settings: &Settings,
        actions: &mut Vec<Action>,
    ) {
        let p = theme::Palette::of(ui);
        ui.label(
            RichText::new("Learn what a healthy surface looks like").text_style(theme::verdict()).color(p.text_strong),
        );
        weak(
            ui,
            "Ganspect trains a generator on images of healthy parts only. Whatever it cannot draw again \
             is what sets a part apart.",
        );
        ui.add_space(theme::GAP_XL);

        section(ui, "Try it on a built-in surface");
        let preset = suited_preset(live);
        weak(
            ui,
            format!(
                "Drawn by the program, nothing to download. A click starts training with the {} preset.",
                preset.title()
            ),
        );
        ui.add_space(theme::GAP_S);
        let kinds = surface::SurfaceKind::ALL;
        let width = (ui.available_width() - theme::GAP_L * (kinds.len() - 1) as f32) / kinds.len() as f32;
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = theme::GAP_L;
            for (i, kind) in kinds.into_iter().enumerate() {
                if card(ui, &p, kind, self.pictures.get(i), vec2(width, picture)) {
                    let source = DataSource::Surface { kind, seed: SEED };
                    actions.push(Action::Start { source, opened: None, recipe: Box::new(preset.recipe()), out: None });
                }
            }
        });
        ui.add_space(theme::GAP_XL);

        let half = (ui.available_width() - theme::GAP_XL) / 2.0;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = theme::GAP_XL;
            ui.vertical(|ui| {
                ui.set_width(half);
                self.own_images(ui, &p, actions);
            });
            ui.vertical(|ui| {
                ui.set_width(half);
                go_on(ui, settings, actions);
            });
        });
    }

    fn own_images(&mut self, ui: &mut Ui, p: &theme::Palette, actions: &mut Vec<Action>) {
        section(ui, "Learn from your own images");
        weak(
            ui,
            "Choose a folder of healthy images, a data set laid out as DAGM, MVTec AD or Magnetic-Tile, or a CSV list. \
             The next page shows what was understood before anything trains.",
        );
        ui.add_space(theme::GAP_S);
        let open = UiCommand::OpenFolder;
        if ui.add(theme::primary_button(p, open.title())).on_hover_text(open.tooltip(ui.ctx())).clicked() {
            actions.push(Action::Command(open));
        }
        ui.add_space(theme::GAP_S);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = theme::GAP_S;
            let room = ui.available_width() - theme::RAIL - theme::GAP_S;
            let field = TextEdit::singleline(&mut self.path).hint_text("or type its path here").desired_width(room);
            let field = ui.add(field).accessible_name("Path of a folder or a CSV file");
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            let path = self.path.trim();
            let ready = !path.is_empty();
            let button = ui.add_enabled(ready, egui::Button::new("Open"));
            if ready && (entered || button.clicked()) {
                actions.push(Action::Import(PathBuf::from(path)));
            }
        });
        weak(ui, "A folder or a CSV file can also be dropped anywhere on this window.");
    }
}

/// A built-in surface as a card; `true` when it was chosen.
fn card(
    ui: &mut Ui,
    p: &theme::Palette,
    kind: surface::SurfaceKind,
    picture: Option<&TextureHandle>,
    size: Vec2,
) -> bool {
    let (rect, response) = ui.allocate_exact_size(size + vec2(0.0, CARD_TEXT), Sense::click());
    let response = response.accessible_name(format!("Train on {}", kind.title()));
    let lit = response.hovered() || response.has_focus();
    let painter = ui.painter();
    let fill = if response.is_pointer_button_down_on() {
        p.control_active
    } else if lit {
        p.control_hovered
    } else {
        p.control
    };
    painter.rect_filled(rect, theme::RADIUS, fill);
    let top = Rect::from_min_size(rect.min, size);
    let corners = CornerRadius { sw: 0, se: 0, ..CornerRadius::same(theme::RADIUS) };
    match picture {
        Some(texture) => {
            // The middle of the picture, at the shape of its place.
            let [w, h] = texture.size().map(|s| s as f32);
            let (place, shape) = (size.x / size.y, w / h);
            let (u, v) = if place > shape { (1.0, shape / place) } else { (place / shape, 1.0) };
            let uv = Rect::from_center_size(pos2(0.5, 0.5), vec2(u, v));
            painter.add(RectShape::filled(top, corners, Color32::WHITE).with_texture(texture.id(), uv));
        }
        None => {
            painter.rect_filled(top, corners, p.picture);
        }
    }
    if lit {
        painter.rect_stroke(rect, theme::RADIUS, Stroke::new(theme::HAIRLINE, p.accent), StrokeKind::Outside);
    }
    let text = Rect::from_min_max(top.left_bottom(), rect.max).shrink(theme::GAP_S);
    let mut inner = ui.new_child(UiBuilder::new().max_rect(text).layout(Layout::top_down(Align::Min)));
    inner.label(RichText::new(kind.title()).color(p.text_strong));
    inner.add(egui::Label::new(theme::weak_caption(p, kind.describe())).wrap());
    response.on_hover_text("Starts training at once.").clicked()
}

fn go_on(ui: &mut Ui, settings: &Settings, actions: &mut Vec<Action>) {
    section(ui, "Go on");
    let Some(run) = &settings.last_run else {
        if settings.recent.is_empty() {
            weak(ui, "Runs and folders that you have opened will be listed here.");
        }
        recent(ui, &settings.recent, actions);
        return;
    };
    weak(ui, format!("The last run was {}. It goes on from its last checkpoint.", name_of(run)));
    ui.add_space(theme::GAP_S);
    let command = UiCommand::ContinueLast;
    if ui
        .add(egui::Button::new(command.title()).min_size(vec2(0.0, theme::ROW)))
        .on_hover_text(command.tooltip(ui.ctx()))
        .clicked()
    {
        actions.push(Action::Command(command));
    }
    recent(ui, &settings.recent, actions);
}

fn recent(ui: &mut Ui, folders: &[PathBuf], actions: &mut Vec<Action>) {
    if folders.is_empty() {
        return;
    }
    ui.add_space(theme::GAP_S);
    weak(ui, "Recent folders");
    for folder in folders.iter().take(RECENT) {
        let link = egui::Button::new(folder.display().to_string()).frame_when_inactive(false).truncate();
        if ui.add(link).on_hover_text("Opens this folder again.").clicked() {
            actions.push(Action::Import(folder.clone()));
        }
    }
}

fn name_of(run: &Path) -> String {
    run.file_name().map_or_else(|| run.display().to_string(), |n| n.to_string_lossy().into_owned())
}
