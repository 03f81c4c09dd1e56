//! The middle pane: generated samples beside real crops at the same scale, with a scrubber over the training steps.

use std::sync::Arc;

use egui::{
    Align, EventFilter, Key, Layout, Rect, Response, Role, ScrollArea, Sense, Slider, Ui, Vec2, WidgetInfo, vec2,
};
use egui_material_icons::icons;

use super::walk::WalkView;
use crate::{
    engine::{TrainingRequest, training::SampleGrid},
    ui::{
        Frame, UiCommand,
        commands::typing::share_letters,
        theme,
        theme::Palette,
        widgets::{
            drop_down::DropDown,
            empty_place, flush_right, icon_button, icon_toggle,
            image_grid::{Arrangement, Block, GridTexture, fit, outline},
            scrubber_handle, segments, ticks,
        },
    },
};

/// Maximum zoom, device pixels per image pixel.
const ZOOM_MAX: u8 = 16;

/// Playback speeds, grids per second.
const SPEEDS: [f32; 5] = [2.0, 4.0, 8.0, 15.0, 30.0];

/// The samples, the scrubber and the latent walk.
#[derive(Default)]
pub(crate) struct SampleGridView {
    /// The displayed step; `None` follows the newest.
    held: Option<u64>,
    /// The time of the next grid while playing.
    playing: Option<f64>,
    generated: Option<GridTexture>,
    real: Option<GridTexture>,
    /// The two samples marked for a latent walk.
    ends: [Option<usize>; 2],
    /// The sample that the arrow keys have selected.
    at: usize,
    walk: WalkView,
}

impl SampleGridView {
    /// Returns the displayed grid.
    pub(crate) fn shown<'a>(&self, grids: &'a [Arc<SampleGrid>]) -> Option<&'a Arc<SampleGrid>> {
        grids.get(self.index(grids))
    }

    /// Returns the step of the displayed grid unless it follows the newest.
    pub(crate) fn held(&self) -> Option<u64> {
        self.held
    }

    /// Moves through the stored grids; past the newest one the view follows it.
    pub(crate) fn go(&mut self, grids: &[Arc<SampleGrid>], by: isize) {
        self.playing = None;
        let now = self.index(grids);
        let target = now.saturating_add_signed(by);
        self.hold(grids, target, by > 0);
    }

    /// Plays the stored grids from the displayed one (from the first if that is the newest), or stops.
    pub(crate) fn play(&mut self, grids: &[Arc<SampleGrid>]) {
        if self.playing.take().is_some() || grids.len() < 2 {
            return;
        }
        if self.index(grids) + 1 >= grids.len() {
            self.hold(grids, 0, false);
        }
        self.playing = Some(0.0);
    }

    fn index(&self, grids: &[Arc<SampleGrid>]) -> usize {
        let last = grids.len().saturating_sub(1);
        match self.held {
            // Grids are thinned out as a run grows; where the held step is gone, the next one is shown.
            Some(step) => grids.partition_point(|g| g.step < step).min(last),
            None => last,
        }
    }

    fn hold(&mut self, grids: &[Arc<SampleGrid>], index: usize, may_follow: bool) {
        self.held = match grids.get(index) {
            Some(grid) if !(may_follow && index + 1 == grids.len()) => Some(grid.step),
            _ => None,
        };
    }

    /// Draws the pane.
    pub(crate) fn ui(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        let grids: Vec<Arc<SampleGrid>> = frame.engine.training.grids.read().grids().to_vec();
        self.advance(ui, frame, &grids);
        let shown = self.shown(&grids).cloned();
        self.toolbar(ui, frame);
        let (walk_height, bar) = (self.walk.height(frame), theme::ROW + 2.0 * theme::GAP_XS);
        let height = (ui.available_height() - walk_height - bar).max(theme::ROW);
        let size = vec2(ui.available_width(), height);
        ui.allocate_ui(size, |ui| {
            ui.set_min_size(size);
            self.images(ui, frame, shown);
        });
        if walk_height > 0.0 {
            self.walk.ui(ui);
        }
        self.scrubber(ui, frame, &grids);
    }

    /// Shows the next grid when it is due.
    fn advance(&mut self, ui: &Ui, frame: &Frame<'_>, grids: &[Arc<SampleGrid>]) {
        let Some(due) = self.playing else { return };
        let (now, period) = (ui.input(|i| i.time), 1.0 / f64::from(frame.settings.view.grids_per_second.max(1.0)));
        if due == 0.0 {
            self.playing = Some(now + period);
        } else if now >= due {
            let next = self.index(grids) + 1;
            self.playing = (next + 1 < grids.len()).then_some((due + period).max(now));
            self.hold(grids, next, true);
        }
        let wait = self.playing.map_or(period, |due| (due - now).max(0.0));
        ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(wait.min(1.0)));
    }

    fn toolbar(&mut self, ui: &mut Ui, frame: &mut Frame<'_>) {
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            ui.spacing_mut().item_spacing.x = theme::GAP_XS;
            let help = (
                "Samples from the moving average of G's weights (EMA): less noisy, and used for inspection.",
                "Samples from G's current weights.",
            );
            let choices = [(true, "EMA", help.0), (false, "Live G", help.1)];
            if let Some(ema) = segments(ui, frame.status.preview_ema, &choices) {
                frame.actions.push(crate::ui::Action::engine(TrainingRequest::PreviewEma(ema)));
            }
            ui.add_space(theme::GAP_XS);
            let ends = match self.ends {
                [Some(a), Some(b)] => Some((a, b)),
                _ => None,
            };
            let help = match ends {
                Some((a, b)) => format!("Walk through the latent space from sample {} to sample {}", a + 1, b + 1),
                None => "Click two samples to walk through the latent space between them".into(),
            };
            let button = egui::Button::new("Walk").min_size(vec2(0.0, theme::CONTROL));
            let button = ui.add_enabled(ends.is_some() && frame.locked, button);
            if button.on_hover_text(&help).on_disabled_hover_text(&help).clicked()
                && let Some((from, to)) = ends
            {
                self.walk.request(frame, from, to);
            }
            flush_right(ui, |ui| {
                ui.spacing_mut().item_spacing.x = theme::GAP_XS;
                let save = UiCommand::SaveGrid;
                let can = save.enabled(frame.context);
                if icon_button(ui, icons::ICON_SAVE_ALT, &save.tooltip(ui.ctx()), can).clicked() {
                    frame.command(save);
                }
                let zoom = frame.settings.view.grid_zoom;
                let mut selected = zoom;
                if icon_toggle(ui, icons::ICON_FIT_SCREEN, "Fit to the pane (0)", true, zoom == 0).clicked() {
                    selected = 0;
                }
                let one = egui::Button::new("1:1").min_size(vec2(theme::ROW, theme::CONTROL)).selected(zoom == 1);
                if ui.add(one).on_hover_text("One screen pixel per sample pixel (1)").clicked() {
                    selected = 1;
                }
                if icon_button(ui, icons::ICON_ZOOM_IN, "Zoom in (Ctrl + scroll)", zoom < ZOOM_MAX).clicked() {
                    selected = self.walk.zoom.saturating_add(1);
                }
                if icon_button(ui, icons::ICON_ZOOM_OUT, "Zoom out (Ctrl + scroll)", self.walk.zoom > 1).clicked() {
                    selected = self.walk.zoom.saturating_sub(1);
                }
                if selected != zoom {
                    frame.view(|v| v.grid_zoom = if selected == 0 { 0 } else { selected.clamp(1, ZOOM_MAX) });
                }
            });
        });
    }

    /// Draws samples and real crops.
    fn images(&mut self, ui: &mut Ui, frame: &mut Frame<'_>, shown: Option<Arc<SampleGrid>>) {
        let p = Palette::of(ui);
        let area = ui.max_rect();
        ui.painter().rect_filled(area, theme::RADIUS, p.picture);
        let Some(grid) = shown else {
            empty_place(ui, "Samples appear here", "The same latent vectors are sampled again during training.");
            return;
        };
        let real = frame.engine.training.real.lock().clone();
        let ppp = ui.pixels_per_point();
        let side = grid.samples.side.max(1);
        let counts = [grid.samples.count, real.as_ref().map_or(0, |real| real.count)];
        let inner = area.shrink(theme::GAP_S);
        let head = theme::ROW_TIGHT;
        let (pixels, arrangement) = match frame.settings.view.grid_zoom {
            0 => fit(inner.size(), head, counts, side, ppp),
            zoom => {
                let pixels = usize::from(zoom) * side;
                let beside = 2.0 * pixels as f32 / ppp + theme::GAP_L <= inner.width();
                (pixels, if beside { Arrangement::Beside } else { Arrangement::Above })
            }
        };
        let smooth = !pixels.is_multiple_of(side);
        let texture = GridTexture::scaled(ui.ctx(), "samples", (&grid, &grid.samples), smooth, self.generated.take());
        let old = self.real.take();
        self.real = real.map(|real| GridTexture::scaled(ui.ctx(), "real crops", (&real, &real), smooth, old));
        self.walk.zoom = u8::try_from(pixels / side).unwrap_or(ZOOM_MAX);
        self.pointer_zoom(ui, frame, area);
        let cell = pixels as f32 / ppp + theme::PICTURE_GAP;
        let width =
            if arrangement == Arrangement::Beside { (inner.width() - theme::GAP_L) / 2.0 } else { inner.width() };
        let columns = ((width + theme::PICTURE_GAP) / cell) as usize;
        let high =
            if arrangement == Arrangement::Beside { inner.height() } else { (inner.height() - theme::GAP_XS) / 2.0 };
        let rows = ((high - head - theme::GAP_XS + theme::PICTURE_GAP) / cell) as usize;
        let block = |count| Block::of_cells(count, pixels, balanced(count, columns, rows), ppp);
        let blocks = [block(counts[0]), block(counts[1])];
        let scroll = ScrollArea::both().id_salt("samples").auto_shrink(false).max_height(inner.height());
        ui.scope_builder(egui::UiBuilder::new().max_rect(inner), |ui| {
            scroll.show(ui, |ui| {
                let layout = match arrangement {
                    Arrangement::Beside => Layout::left_to_right(Align::Min),
                    Arrangement::Above => Layout::top_down(Align::Min),
                };
                ui.with_layout(layout, |ui| {
                    ui.spacing_mut().item_spacing = vec2(theme::GAP_L, theme::GAP_XS);
                    ui.vertical(|ui| {
                        let weights = if grid.from_ema { "EMA" } else { "live G" };
                        let title = format!("Generated · step {} · {weights}", ticks::grouped(grid.step as f64, 0));
                        caption(ui, &title, blocks[0].size().x.max(width.min(inner.width())), head);
                        self.sample_block(ui, &texture, &blocks[0], grid.step);
                    });
                    if let Some(real) = &self.real {
                        ui.vertical(|ui| {
                            caption(ui, "Real crops", blocks[1].size().x.max(theme::GAP_XL), head);
                            let (rect, response) = ui.allocate_exact_size(blocks[1].size(), Sense::hover());
                            response.widget_info(|| {
                                WidgetInfo::labeled(Role::Image, true, format!("{} real crops", real.count()))
                            });
                            paint_block(ui, real, &blocks[1], rect);
                        });
                    }
                });
            });
        });
        self.generated = Some(texture);
    }

    /// Zooms by Ctrl + scroll, and by the keys 1 and 0 while nothing has the keyboard focus.
    fn pointer_zoom(&self, ui: &Ui, frame: &mut Frame<'_>, area: Rect) {
        if !ui.rect_contains_pointer(area) {
            return;
        }
        let factor = ui.input(|i| i.zoom_delta());
        let now = self.walk.zoom;
        if factor > 1.0 {
            frame.view(|v| v.grid_zoom = now.saturating_add(1).min(ZOOM_MAX));
        } else if factor < 1.0 && now > 1 {
            frame.view(|v| v.grid_zoom = now.saturating_sub(1).max(1));
        }
        if ui.memory(|m| m.focused().is_none()) {
            for (key, zoom) in [(Key::Num1, 1), (Key::Num0, 0)] {
                if ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, key)) {
                    frame.view(|v| v.grid_zoom = zoom);
                }
            }
        }
    }

    /// Draws the generated samples, two of which can be marked.
    fn sample_block(&mut self, ui: &mut Ui, texture: &GridTexture, block: &Block, step: u64) {
        let p = Palette::of(ui);
        let count = texture.count();
        let (rect, response) = ui.allocate_exact_size(block.size(), Sense::click());
        self.at = self.at.min(count.saturating_sub(1));
        self.ends = self.ends.map(|end| end.filter(|i| *i < count));
        let chosen = self.ends.iter().flatten().map(|i| (i + 1).to_string()).collect::<Vec<_>>().join(" and ");
        response.widget_info(|| {
            let mut text =
                format!("Sample grid, {count} samples of step {step}; arrow keys select one, Enter marks it");
            if !chosen.is_empty() {
                text.push_str(&format!("; marked: {chosen}"));
            }
            WidgetInfo::labeled(Role::Image, true, text)
        });
        paint_block(ui, texture, block, rect);
        let ppp = ui.pixels_per_point();
        let hovered = response.hover_pos().and_then(|at| block.at(rect.min, at, count));
        if response.clicked()
            && let Some(i) = response.interact_pointer_pos().and_then(|at| block.at(rect.min, at, count))
        {
            response.request_focus();
            self.at = i;
            self.mark(i, ui.input(|i| i.modifiers.shift));
        }
        if response.has_focus() {
            self.keys(ui, &response, block.columns, count);
        }
        let painter = ui.painter();
        if let Some(i) = hovered {
            outline(painter, block.place(rect.min, i, ppp), p.text_weak, 1.0);
            response
                .clone()
                .on_hover_text_at_pointer(format!("Sample {}. Click to mark it as an end of a latent walk.", i + 1));
        }
        if response.has_focus() {
            outline(painter, block.place(rect.min, self.at, ppp), p.text_strong, 1.0);
        }
        for (end, name) in self.ends.iter().zip(["A", "B"]) {
            let Some(i) = *end else { continue };
            let place = block.place(rect.min, i, ppp);
            outline(painter, place, p.accent, 2.0);
            let tag = Rect::from_min_size(place.min, Vec2::splat(theme::TAG));
            painter.rect_filled(tag, 0.0, p.accent);
            let font = theme::caption().resolve(ui.style());
            painter.text(tag.center(), egui::Align2::CENTER_CENTER, name, font, p.on_accent);
        }
    }

    /// Marks one end of a walk; with `second`, always the second end.
    fn mark(&mut self, i: usize, second: bool) {
        self.ends = match self.ends {
            [Some(a), b] if a == i => [b, None],
            [Some(a), Some(b)] if b == i => [Some(a), None],
            [Some(a), None] => [Some(a), Some(i)],
            [Some(a), Some(_)] if second => [Some(a), Some(i)],
            _ => [Some(i), None],
        };
    }

    fn keys(&mut self, ui: &Ui, response: &Response, columns: usize, count: usize) {
        share_letters(ui.ctx(), response.id);
        let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, key));
        let last = count.saturating_sub(1);
        for (key, by) in [
            (Key::ArrowLeft, -1_isize),
            (Key::ArrowRight, 1),
            (Key::ArrowUp, -(columns as isize)),
            (Key::ArrowDown, columns as isize),
        ] {
            if pressed(key)
                && let Some(next) = self.at.checked_add_signed(by).filter(|next| *next <= last)
            {
                self.at = next;
            }
        }
        if pressed(Key::Enter) {
            self.mark(self.at, false);
        }
    }

    /// Draws the player, the slider over all stored grids, and the button that follows the newest.
    fn scrubber(&mut self, ui: &mut Ui, frame: &mut Frame<'_>, grids: &[Arc<SampleGrid>]) {
        ui.horizontal(|ui| {
            ui.set_height(theme::ROW);
            ui.spacing_mut().item_spacing.x = theme::GAP_XS;
            let (several, last) = (grids.len() > 1, grids.len().saturating_sub(1));
            let mut index = self.index(grids);
            let (icon, name) = match self.playing {
                Some(_) => (icons::ICON_PAUSE, "Pause".to_owned()),
                None => (icons::ICON_PLAY_ARROW, UiCommand::GridPlay.tooltip(ui.ctx())),
            };
            if icon_button(ui, icon, &name, several).clicked() {
                self.play(grids);
            }
            let back = UiCommand::GridBack.tooltip(ui.ctx());
            if icon_button(ui, icons::ICON_CHEVRON_LEFT, &back, several && index > 0).clicked() {
                self.go(grids, -1);
            }
            let forward = UiCommand::GridForward.tooltip(ui.ctx());
            if icon_button(ui, icons::ICON_CHEVRON_RIGHT, &forward, several && index < last).clicked() {
                self.go(grids, 1);
            }
            flush_right(ui, |ui| {
                let follows = self.held.is_none() && self.playing.is_none();
                let live = egui::Button::new("Newest").min_size(vec2(0.0, theme::CONTROL)).selected(follows);
                if ui.add(live).on_hover_text("Follow the newest samples during training").clicked() {
                    self.playing = None;
                    self.held = None;
                }
                let speed = frame.settings.view.grids_per_second;
                let mut selected = speed;
                let choice = DropDown { name: "Grids per second", help: "Playback speed", width: 48.0 };
                choice.with_label(ui, "Speed", format!("{speed:.0}/s"), |ui| {
                    for option in SPEEDS {
                        ui.selectable_value(&mut selected, option, format!("{option:.0}/s"));
                    }
                });
                if selected != speed {
                    frame.view(|v| v.grids_per_second = selected);
                }
                let text = match grids.len() {
                    0 => "–".to_owned(),
                    n => format!("{} of {n}", self.index(grids) + 1),
                };
                let p = Palette::of(ui);
                let width = theme::FIGURE_COLUMN + theme::GAP_L;
                ui.allocate_ui_with_layout(vec2(width, theme::CONTROL), Layout::right_to_left(Align::Center), |ui| {
                    ui.label(theme::weak_caption(&p, text)).on_hover_text("Stored sample grids");
                });
                ui.spacing_mut().slider_width = (ui.available_width() - theme::GAP_S).max(40.0);
                let slider = Slider::new(&mut index, 0..=last.max(1)).show_value(false).handle_shape(scrubber_handle());
                let response = ui.name_inputs("Displayed sample grid", |ui| ui.add_enabled(several, slider));
                if response.changed() {
                    self.playing = None;
                    self.hold(grids, index, true);
                }
            });
        });
    }
}

/// Returns the number of columns for `count` images. Where they fit into `max_columns` columns and `rows` rows, it
/// leaves the fewest empty cells and is closest to a square; otherwise it is as large as possible.
fn balanced(count: usize, max_columns: usize, rows: usize) -> usize {
    let max_columns = max_columns.clamp(1, count.max(1));
    let fitting = (1..=max_columns).filter(|c| count.div_ceil(*c) <= rows);
    fitting.min_by_key(|c| (count.div_ceil(*c) * c - count, count.div_ceil(*c).abs_diff(*c))).unwrap_or(max_columns)
}

fn caption(ui: &mut Ui, text: &str, width: f32, height: f32) {
    let p = Palette::of(ui);
    ui.allocate_ui_with_layout(vec2(width, height), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_size(vec2(width, height));
        let text = egui::RichText::new(text).text_style(theme::caption()).color(p.on_picture);
        ui.add(egui::Label::new(text).truncate());
    });
}

fn paint_block(ui: &Ui, texture: &GridTexture, block: &Block, rect: Rect) {
    let clip = ui.clip_rect();
    for i in 0..texture.count() {
        let place = block.place(rect.min, i, ui.pixels_per_point());
        if clip.intersects(place) {
            texture.paint(ui.painter(), i, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ImageGrid;

    fn grids(steps: &[u64]) -> Vec<Arc<SampleGrid>> {
        let samples = ImageGrid { count: 1, side: 1, channels: 1, pixels: vec![0] };
        steps
            .iter()
            .map(|step| Arc::new(SampleGrid { step: *step, from_ema: true, samples: samples.clone() }))
            .collect()
    }

    #[test]
    fn the_view_follows_the_newest_grid_until_it_is_held() {
        let mut view = SampleGridView::default();
        let three = grids(&[0, 20, 40]);
        assert_eq!(view.index(&three), 2);
        view.go(&three, -1);
        assert_eq!(view.held(), Some(20));
        let four = grids(&[0, 20, 40, 60]);
        assert_eq!(view.index(&four), 1);
        view.go(&four, 2);
        assert_eq!(view.held(), None, "past the end it follows again");
        assert_eq!(view.index(&[]), 0);
    }

    #[test]
    fn a_grid_that_was_let_go_is_stood_in_for_by_the_next() {
        let mut view = SampleGridView::default();
        view.go(&grids(&[0, 20, 40]), -1);
        assert_eq!(view.index(&grids(&[0, 40])), 1);
    }

    #[test]
    fn playing_starts_over_at_the_end() {
        let mut view = SampleGridView::default();
        let three = grids(&[0, 20, 40]);
        view.play(&three);
        assert_eq!((view.held(), view.playing.is_some()), (Some(0), true));
        view.play(&three);
        assert!(view.playing.is_none());
        view.play(&grids(&[0]));
        assert!(view.playing.is_none(), "one grid cannot be played");
    }

    #[test]
    fn two_clicks_mark_two_ends() {
        let mut view = SampleGridView::default();
        view.mark(3, false);
        view.mark(7, false);
        assert_eq!(view.ends, [Some(3), Some(7)]);
        view.mark(5, true);
        assert_eq!(view.ends, [Some(3), Some(5)]);
        view.mark(3, false);
        assert_eq!(view.ends, [Some(5), None]);
        view.mark(5, false);
        assert_eq!(view.ends, [None, None]);
    }

    #[test]
    fn columns_leave_no_ragged_row_where_they_need_not() {
        assert_eq!(balanced(16, 5, 9), 4);
        assert_eq!(balanced(36, 9, 9), 6);
        assert_eq!(balanced(36, 5, 10), 4);
        assert_eq!(balanced(36, 3, 5), 3, "what does not fit is scrolled");
        assert_eq!(balanced(7, 4, 9), 1);
        assert_eq!(balanced(0, 4, 4), 1);
    }
}
