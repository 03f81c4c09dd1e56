//! The latent walk: images between two samples in the latent space, played back and forth.

use std::sync::Arc;

use egui::{Rect, Role, Sense, Slider, Ui, WidgetInfo, vec2};
use egui_material_icons::icons;

use crate::{
    engine::{TrainingRequest, training::LatentWalk},
    ui::{
        Action, Frame, theme,
        theme::Palette,
        widgets::{icon_button, image_grid::GridTexture, scrubber_handle, ticks},
    },
};

/// Number of images per walk, ends included.
const FRAMES: usize = 24;

/// Images per second.
const SPEED: f64 = 12.0;

/// The current latent walk.
pub(crate) struct WalkView {
    /// The two samples; `None` without a walk.
    ends: Option<(usize, usize)>,
    shown: Option<Arc<LatentWalk>>,
    texture: Option<GridTexture>,
    at: usize,
    /// The time of the next image while playing.
    due: Option<f64>,
    backwards: bool,
    /// The current zoom of the sample grid, device pixels per image pixel.
    pub zoom: u8,
}

impl Default for WalkView {
    fn default() -> Self {
        Self { ends: None, shown: None, texture: None, at: 0, due: Some(0.0), backwards: false, zoom: 1 }
    }
}

impl WalkView {
    /// Requests the images between two samples from the compute thread.
    pub(crate) fn request(&mut self, frame: &mut Frame<'_>, from: usize, to: usize) {
        frame.actions.push(Action::engine(TrainingRequest::Walk { from, to, frames: FRAMES }));
        self.ends = Some((from, to));
        self.shown = None;
        (self.at, self.due, self.backwards) = (0, Some(0.0), false);
    }

    /// Returns the height of the walk below the samples, points; 0 without a walk.
    pub(crate) fn height(&mut self, frame: &Frame<'_>) -> f32 {
        if self.ends.is_none() {
            return 0.0;
        }
        // A walk between the same samples from an earlier step may be shown until the new one arrives.
        let newest = frame.engine.training.walk.lock().clone();
        if let Some(walk) = newest.filter(|w| Some(w.ends) == self.ends) {
            self.shown = Some(walk);
        }
        theme::WALK
    }

    /// Draws the current image and the player.
    pub(crate) fn ui(&mut self, ui: &mut Ui) {
        let p = Palette::of(ui);
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), theme::WALK - theme::GAP_XS), Sense::hover());
        ui.painter().rect_filled(rect, theme::RADIUS, p.picture);
        let inner = rect.shrink(theme::GAP_S);
        let mut close = false;
        ui.scope_builder(egui::UiBuilder::new().max_rect(inner), |ui| {
            ui.spacing_mut().item_spacing.x = theme::GAP_XS;
            let Some(walk) = self.shown.clone() else {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("Computing the latent walk…");
                    close = icon_button(ui, icons::ICON_CLOSE, "Close the walk", true).clicked();
                });
                return;
            };
            let texture = GridTexture::of(ui.ctx(), "walk", &walk, &walk.frames, self.texture.take());
            self.advance(ui, texture.count());
            let ppp = ui.pixels_per_point();
            let zoom = ((inner.height() * ppp) as usize / texture.side().max(1)).max(1);
            let side = (texture.side() * zoom) as f32 / ppp;
            ui.horizontal(|ui| {
                let (rect, response) = ui.allocate_exact_size(vec2(side, side.min(inner.height())), Sense::hover());
                let (from, to) = (walk.ends.0 + 1, walk.ends.1 + 1);
                response.widget_info(|| {
                    WidgetInfo::labeled(Role::Image, true, format!("Walk from sample {from} to sample {to}"))
                });
                texture.paint(&ui.painter_at(rect), self.at, Rect::from_min_size(rect.min, vec2(side, side)));
                ui.vertical(|ui| {
                    ui.horizontal(|ui| {
                        let step = ticks::grouped(walk.step as f64, 0);
                        let text = format!("Walk from A (sample {from}) to B (sample {to}), step {step}");
                        ui.add(egui::Label::new(egui::RichText::new(text).color(p.on_picture)).wrap());
                    });
                    ui.horizontal(|ui| {
                        let (icon, name) = match self.due {
                            Some(_) => (icons::ICON_PAUSE, "Pause the walk"),
                            None => (icons::ICON_PLAY_ARROW, "Play the walk back and forth"),
                        };
                        if icon_button(ui, icon, name, true).clicked() {
                            self.due = if self.due.is_some() { None } else { Some(0.0) };
                        }
                        let last = texture.count().saturating_sub(1).max(1);
                        ui.spacing_mut().slider_width = (ui.available_width() - 2.0 * theme::ROW).max(40.0);
                        let slider =
                            Slider::new(&mut self.at, 0..=last).show_value(false).handle_shape(scrubber_handle());
                        if ui.name_inputs("Position on the walk", |ui| ui.add(slider)).changed() {
                            self.due = None;
                        }
                        close = icon_button(ui, icons::ICON_CLOSE, "Close the walk", true).clicked();
                    });
                });
            });
            self.texture = Some(texture);
        });
        if close {
            (self.shown, self.ends) = (None, None);
        }
    }

    /// Shows the next image when it is due.
    fn advance(&mut self, ui: &Ui, count: usize) {
        let Some(due) = self.due else { return };
        let (now, period) = (ui.input(|i| i.time), 1.0 / SPEED);
        if now >= due {
            self.step(count);
            self.due = Some(now + period);
        }
        ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(period));
    }

    /// Goes to the next image, reversing at either end.
    fn step(&mut self, count: usize) {
        let last = count.saturating_sub(1);
        if self.at >= last {
            self.backwards = true;
        } else if self.at == 0 {
            self.backwards = false;
        }
        self.at = if self.backwards { self.at.min(last).saturating_sub(1) } else { (self.at + 1).min(last) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_goes_to_and_fro() {
        let mut walk = WalkView::default();
        let mut seen = Vec::new();
        for _ in 0..9 {
            seen.push(walk.at);
            walk.step(4);
        }
        assert_eq!(seen, [0, 1, 2, 3, 2, 1, 0, 1, 2]);
        walk.step(0);
        walk.step(1);
        assert_eq!(walk.at, 0);
    }
}
