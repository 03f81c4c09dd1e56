//! The critic preview: healthy crops with synthetic defects, their masks, and the critic's output, in rows.

use std::sync::Arc;

use egui::{Align2, Rect, Role, ScrollArea, Sense, Ui, Vec2, WidgetInfo, emath::GuiRounding, pos2, vec2};
use egui_material_icons::icons;

use crate::{
    data::Opened,
    engine::training::critic_preview::{CriticAnswers, DefectPreview, PreviewRequest, Viewer},
    train::{CriticKnobs, Recipe},
    ui::{
        Action, Frame, UiCommand, theme,
        theme::Palette,
        widgets::{empty_place, flush_right, icon_button, image_grid::GridTexture, ticks},
    },
};

/// Maximum zoom, device pixels per crop pixel.
const ZOOM_MAX: usize = 8;

/// The preview, on the Train page or the Import page.
pub(crate) struct CriticPreview {
    viewer: Viewer,
    /// Number of the draw; another number gives other crops and other defects.
    draw: u64,
    /// The last request: images, recipe and draw.
    requested: Option<(Option<u64>, Recipe, u64)>,
    /// The last egui pass that drew it.
    pass: u64,
    /// Textures of crops, masks and critic outputs.
    textures: [Option<GridTexture>; 3],
}

impl CriticPreview {
    /// Creates the preview for this viewer's requests.
    pub(crate) fn new(viewer: Viewer) -> Self {
        Self { viewer, draw: 0, requested: None, pass: 0, textures: [const { None }; 3] }
    }

    /// Requests other crops with other defects.
    pub(crate) fn draw_others(&mut self) {
        self.draw += 1;
    }

    /// Draws the preview over the rest of `ui`. `opened` are images that no run uses yet; without them the crops come
    /// from the current run.
    pub(crate) fn ui(&mut self, ui: &mut Ui, frame: &mut Frame<'_>, opened: Option<&Arc<Opened>>) {
        self.request(ui, frame, opened);
        let critic = &frame.engine.training.critic;
        let shown = critic.preview.lock().clone().filter(|s| s.viewer == self.viewer);
        let answers = critic.answers.lock().clone();
        let answers = answers.filter(|a| shown.as_ref().is_some_and(|s| s.serial == a.serial));
        let fault = critic.error.lock().clone();
        let rows = if answers.is_some() { 3 } else { 2 };
        let mut area = ui.available_rect_before_wrap();
        area.min.y = (area.min.y + theme::ROW + ui.spacing().item_spacing.y).min(area.max.y);
        let ppp = ui.pixels_per_point();
        let inner = area.shrink(theme::GAP_S).size();
        let bands = shown.as_ref().map(|s| Bands::new(inner, s.crops.count, s.crops.side, rows, ppp));
        let text = match (&shown, &bands) {
            (Some(shown), Some(bands)) => summary(shown, bands.count, answers.as_deref(), &frame.recipe.critic),
            _ => "Generating crops…".to_owned(),
        };
        self.toolbar(ui, frame, &text, opened.is_some());
        let p = Palette::of(ui);
        ui.painter().rect_filled(area, theme::RADIUS, p.picture);
        match (shown.zip(bands), fault) {
            (Some((shown, bands)), None) => self.images(ui, area, &shown, answers.as_ref(), &bands),
            (_, Some(fault)) => empty_place(ui, "No crops can be shown", &fault),
            (None, None) => empty_place(
                ui,
                "Damaged crops appear here",
                "Healthy crops with synthetic defects, as set by the knobs.",
            ),
        }
    }

    /// Requests crops when the preview appears, and when knobs, images or draw have changed.
    fn request(&mut self, ui: &Ui, frame: &mut Frame<'_>, opened: Option<&Arc<Opened>>) {
        let pass = ui.ctx().cumulative_pass_nr();
        if pass > self.pass + 1 {
            self.requested = None;
        }
        self.pass = pass;
        let images = frame.engine.training.critic.images();
        if opened.is_none() && images.is_none() {
            return;
        }
        let same = self.requested.as_ref().is_some_and(|(of, recipe, draw)| {
            (*of == images || opened.is_some()) && recipe == frame.recipe && *draw == self.draw
        });
        if same {
            return;
        }
        self.requested = Some((images, frame.recipe.clone(), self.draw));
        let recipe = Box::new(frame.recipe.clone());
        let request = PreviewRequest { viewer: self.viewer, recipe, draw: self.draw, opened: opened.cloned() };
        frame.actions.push(Action::engine(request));
    }

    /// Draws the summary and the button for other crops; `without_run` on the Import page.
    fn toolbar(&mut self, ui: &mut Ui, frame: &mut Frame<'_>, text: &str, without_run: bool) {
        let p = Palette::of(ui);
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            ui.spacing_mut().item_spacing.x = theme::GAP_S;
            flush_right(ui, |ui| {
                let others = UiCommand::CriticPreviewNext;
                let help = if without_run { others.help().to_owned() } else { others.tooltip(ui.ctx()) };
                let button = icon_button(ui, icons::ICON_CASINO, &help, true);
                if button.accessible_name(others.title()).clicked() {
                    // Without a run the command is disabled.
                    if without_run { self.draw_others() } else { frame.command(others) }
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    ui.add(egui::Label::new(theme::weak_caption(&p, text)).truncate()).on_hover_text(HELP);
                });
            });
        });
    }

    /// Draws the rows of crops, masks and critic outputs.
    fn images(
        &mut self,
        ui: &mut Ui,
        area: Rect,
        shown: &Arc<DefectPreview>,
        answers: Option<&Arc<CriticAnswers>>,
        bands: &Bands,
    ) {
        let p = Palette::of(ui);
        let [crops, masks, maps] = std::mem::take(&mut self.textures);
        let crops = GridTexture::of(ui.ctx(), "critic crops", shown, &shown.crops, crops);
        let masks = GridTexture::of(ui.ctx(), "critic masks", shown, &shown.masks, masks);
        let maps = answers.map(|all| GridTexture::of(ui.ctx(), "critic outputs", all, &all.maps, maps));
        let mut rows = vec![("crop", &crops), ("mask", &masks)];
        rows.extend(maps.as_ref().map(|texture| ("critic", texture)));
        let ppp = ui.pixels_per_point();
        let inner = area.shrink(theme::GAP_S);
        let scroll = ScrollArea::both().id_salt("critic-preview").auto_shrink(false).max_height(inner.height());
        ui.scope_builder(egui::UiBuilder::new().max_rect(inner), |ui| {
            scroll.show(ui, |ui| {
                let (rect, response) = ui.allocate_exact_size(bands.size(), Sense::hover());
                response.widget_info(|| {
                    let output = if answers.is_some() { ", with the critic's output" } else { "" };
                    let text = format!("{} preview crops, {} damaged{output}", bands.count, shown.damaged(bands.count));
                    WidgetInfo::labeled(Role::Image, true, text)
                });
                let font = theme::caption().resolve(ui.style());
                for (row, (name, texture)) in rows.iter().enumerate() {
                    for band in 0..bands.bands() {
                        let cell = bands.place(rect.min, band * bands.columns, row, ppp);
                        let at = pos2(rect.left(), cell.center().y);
                        ui.painter().text(at, Align2::LEFT_CENTER, name, font.clone(), p.on_picture);
                    }
                    for i in 0..bands.count {
                        texture.paint(ui.painter(), i, bands.place(rect.min, i, row, ppp));
                    }
                }
            });
        });
        self.textures = [Some(crops), Some(masks), maps];
    }
}

/// Tooltip of the summary.
const HELP: &str = "Each column is one crop. Mask: visible synthetic damage in white. Critic: predicted probability of \
                    damage, from black (0) to white (1), available once the critic is being trained, after the GAN.";

/// Describes the first `count` crops in one line.
fn summary(shown: &DefectPreview, count: usize, answers: Option<&CriticAnswers>, current: &CriticKnobs) -> String {
    let mut text = format!("{} of {count} crops damaged", shown.damaged(count));
    if let Some(answers) = answers {
        text.push_str(&format!(" · critic at step {}", ticks::grouped(answers.step as f64, 0)));
        if answers.knobs.synthetic_defects() != current.synthetic_defects() {
            text.push_str(", trained with other knobs");
        }
    }
    text
}

/// The layout of the crops: bands, in which each crop has its mask and the critic's output below it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bands {
    columns: usize,
    rows: usize,
    /// Number of crops shown.
    count: usize,
    /// Side of a crop, points.
    cell: f32,
}

impl Bands {
    /// Chooses the largest integer zoom at which all crops fit; at 1:1 as many as fit in whole bands, but at least one
    /// band.
    fn new(size: Vec2, count: usize, side: usize, rows: usize, pixels_per_point: f32) -> Self {
        let of = |zoom: usize| {
            let cell = (side.max(1) * zoom) as f32 / pixels_per_point;
            let across = (size.x - theme::ROW_NAMES + theme::PICTURE_GAP) / (cell + theme::PICTURE_GAP);
            let columns = (across as usize).clamp(1, count.max(1));
            let all = Self { columns, rows, count, cell };
            let down = ((size.y + theme::GAP_M) / all.band()) as usize;
            let fits = across >= 1.0 && all.bands() <= down;
            (fits, Self { count: count.min(down.max(1) * columns), ..all })
        };
        let zooms = (1..=ZOOM_MAX).rev().map(of);
        zooms.into_iter().find(|(fits, _)| *fits).map_or_else(|| of(1).1, |(_, bands)| bands.balanced())
    }

    /// Spreads the crops evenly over the bands.
    fn balanced(self) -> Self {
        Self { columns: self.count.div_ceil(self.bands().max(1)).max(1), ..self }
    }

    fn bands(&self) -> usize {
        self.count.div_ceil(self.columns)
    }

    /// Returns the height of a band with the gap below it, points.
    fn band(&self) -> f32 {
        self.rows as f32 * (self.cell + theme::PICTURE_GAP) - theme::PICTURE_GAP + theme::GAP_M
    }

    fn size(&self) -> Vec2 {
        let across = self.columns as f32 * (self.cell + theme::PICTURE_GAP) - theme::PICTURE_GAP;
        vec2(theme::ROW_NAMES + across, self.bands() as f32 * self.band() - theme::GAP_M)
    }

    /// Returns the rectangle of crop `i` in a row of its band.
    fn place(&self, origin: egui::Pos2, i: usize, row: usize, pixels_per_point: f32) -> Rect {
        let step = self.cell + theme::PICTURE_GAP;
        let (column, band) = ((i % self.columns) as f32, (i / self.columns) as f32);
        let offset = vec2(theme::ROW_NAMES + column * step, band * self.band() + row as f32 * step);
        Rect::from_min_size((origin + offset).round_to_pixels(pixels_per_point), Vec2::splat(self.cell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_fill_whole_bands_and_stay_within_their_room() {
        // The size of the samples pane in a window of 1280x800.
        let area = vec2(480.0, 620.0);
        for rows in [2, 3] {
            let bands = Bands::new(area, 12, 96, rows, 1.0);
            assert!(bands.size().x <= area.x && bands.size().y <= area.y, "{bands:?}");
            assert_eq!(bands.count % bands.columns, 0);
            assert!(bands.count >= 8);
            assert_eq!(bands.cell, 96.0);
        }
        // A large area shows all of them, at a larger zoom.
        let large = Bands::new(vec2(1400.0, 1200.0), 12, 96, 3, 1.0);
        assert_eq!((large.count, large.cell), (12, 192.0));
        // At least one band is shown; the rest is reached by scrolling.
        let small = Bands::new(vec2(200.0, 100.0), 12, 96, 3, 1.0);
        assert_eq!((small.count, small.columns), (1, 1));
    }

    #[test]
    fn the_line_says_when_the_critic_learnt_otherwise() {
        let viewer = Viewer::fresh();
        let damaged =
            crate::data::DamagedCrop { mask: vec![1.0; 64], ..crate::data::DamagedCrop::undamaged(&[0.0; 64], 8) };
        let knobs = CriticKnobs::default();
        let shown = DefectPreview::new(viewer, knobs.clone(), [1, 8], damaged);
        assert_eq!(summary(&shown, 1, None, &knobs), "1 of 1 crops damaged");
        let answers = CriticAnswers::new(&shown, 1500, knobs.clone(), &[0.5; 4]);
        assert_eq!(summary(&shown, 1, Some(&answers), &knobs), "1 of 1 crops damaged · critic at step 1,500");
        let turned = CriticKnobs { share: 0.9, ..knobs };
        assert!(summary(&shown, 1, Some(&answers), &turned).ends_with("trained with other knobs"));
    }
}
