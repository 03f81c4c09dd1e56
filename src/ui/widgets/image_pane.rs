//! Large pictures on the screen: one pan and zoom for several panes, and textures that are made beside
//! the window's thread.

use egui::{
    Color32, ColorImage, Context, Painter, Pos2, Rect, Response, TextureHandle, TextureOptions, Ui, Vec2,
    emath::GuiRounding, pos2, vec2,
};

use crate::engine::background::{BackgroundTask, TaskState};

/// Pixels from which a texture is made on a thread of its own.
const HEAVY: usize = 1 << 17;
/// Least and greatest device pixels to a picture's pixel.
const ZOOM: (f32, f32) = (1.0 / 64.0, 64.0);

/// Which part of a picture is on show, and how large.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewport {
    /// Device pixels to a picture's pixel; `None` shows the whole picture.
    zoom: Option<f32>,
    /// The picture's point in the middle of the pane, as a share of its width and height.
    centre: Vec2,
}

impl Default for Viewport {
    fn default() -> Self {
        Self { zoom: None, centre: Vec2::splat(0.5) }
    }
}

/// Where a picture lies on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// The whole picture, points; it may reach beyond its pane.
    pub rect: Rect,
    /// Points to a picture's pixel.
    pub scale: f32,
    /// Device pixels to a picture's pixel.
    pub zoom: f32,
}

impl Placed {
    /// The picture's pixel coordinates at a place on the screen.
    pub fn to_picture(&self, at: Pos2) -> Pos2 {
        ((at - self.rect.min) / self.scale).to_pos2()
    }

    /// The place on the screen of pixel coordinates.
    pub fn to_screen(&self, at: Pos2) -> Pos2 {
        self.rect.min + at.to_vec2() * self.scale
    }

    /// The pixel under a place on the screen.
    pub fn pixel(&self, at: Pos2, (width, height): (usize, usize)) -> Option<(usize, usize)> {
        let at = self.to_picture(at);
        let inside = at.x >= 0.0 && at.y >= 0.0 && at.x < width as f32 && at.y < height as f32;
        inside.then_some((at.x as usize, at.y as usize))
    }
}

/// The zoom at which the whole picture fits: from 1:1 up in steps that keep its pixels near enough even.
fn fitting(pane: Vec2, size: Vec2, ppp: f32) -> f32 {
    let exact = (pane.x * ppp / size.x).min(pane.y * ppp / size.y).clamp(ZOOM.0, ZOOM.1);
    match exact {
        e if e >= 4.0 => e.floor(),
        e if e >= 2.0 => (e * 2.0).floor() / 2.0,
        e => e,
    }
}

impl Viewport {
    /// Whether the whole picture is on show.
    pub fn is_fit(&self) -> bool {
        self.zoom.is_none()
    }

    /// Shows the whole picture.
    pub fn fit(&mut self) {
        *self = Self::default();
    }

    /// One device pixel to a picture's pixel, about the same middle.
    pub fn actual(&mut self) {
        self.zoom = Some(1.0);
    }

    /// Where a picture of `size` pixels lies in `pane`.
    pub fn place(&self, pane: Rect, size: (usize, usize), ppp: f32) -> Placed {
        let size = vec2(size.0.max(1) as f32, size.1.max(1) as f32);
        let zoom = self.zoom.unwrap_or_else(|| fitting(pane.size(), size, ppp));
        let scale = zoom / ppp;
        let min = (pane.center() - self.centre * size * scale).round_to_pixels(ppp);
        Placed { rect: Rect::from_min_size(min, size * scale), scale, zoom }
    }

    /// Zooms by `factor` and leaves the picture's point under `about` where it is.
    pub fn zoom_by(&mut self, factor: f32, about: Pos2, pane: Rect, size: (usize, usize), ppp: f32) {
        let placed = self.place(pane, size, ppp);
        let zoom = (placed.zoom * factor).clamp(ZOOM.0, ZOOM.1);
        let held = placed.to_picture(about).to_vec2();
        let span = vec2(size.0.max(1) as f32, size.1.max(1) as f32);
        let centre = held + (pane.center() - about) / (zoom / ppp);
        self.centre = (centre / span).clamp(Vec2::ZERO, Vec2::splat(1.0));
        self.zoom = Some(zoom);
    }

    /// Moves the picture by so many points.
    pub fn pan(&mut self, by: Vec2, pane: Rect, size: (usize, usize), ppp: f32) {
        let placed = self.place(pane, size, ppp);
        let span = vec2(size.0.max(1) as f32, size.1.max(1) as f32);
        self.zoom = Some(placed.zoom);
        self.centre = (self.centre - by / placed.scale / span).clamp(Vec2::ZERO, Vec2::splat(1.0));
    }

    /// Drag (where `drag` says so), wheel, pinch, and the keys of a pane that has the focus.
    pub fn interact(&mut self, ui: &Ui, response: &Response, pane: Rect, size: (usize, usize), drag: bool) {
        let ppp = ui.pixels_per_point();
        if drag && response.dragged() {
            self.pan(response.drag_delta(), pane, size, ppp);
        }
        if let Some(at) = response.hover_pos() {
            let (pinch, scroll) = ui.input(|i| (i.zoom_delta(), i.smooth_scroll_delta().y));
            let factor = pinch * (scroll / 240.0).exp();
            if factor != 1.0 {
                self.zoom_by(factor, at, pane, size, ppp);
            }
        }
        // A click leaves the keys to the page; Tab brings the focus here.
        if !response.has_focus() {
            return;
        }
        let filter = egui::EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
        let pressed = |key| ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, key));
        let step = 32.0;
        for (key, by) in [
            (egui::Key::ArrowLeft, vec2(step, 0.0)),
            (egui::Key::ArrowRight, vec2(-step, 0.0)),
            (egui::Key::ArrowUp, vec2(0.0, step)),
            (egui::Key::ArrowDown, vec2(0.0, -step)),
        ] {
            if pressed(key) {
                self.pan(by, pane, size, ppp);
            }
        }
        for (key, factor) in [(egui::Key::Plus, 1.25), (egui::Key::Equals, 1.25), (egui::Key::Minus, 0.8)] {
            if pressed(key) {
                self.zoom_by(factor, pane.center(), pane, size, ppp);
            }
        }
    }
}

/// How often a picture is reduced before it is uploaded, so that no more is converted than is seen and
/// nothing flickers when it is small: 1, 2, 4, …
pub fn reduction(zoom: f32) -> usize {
    let mut by = 1;
    while zoom * (by as f32) * 2.0 <= 1.0 && by < 64 {
        by *= 2;
    }
    by
}

/// One picture on the device, in parts where it is larger than the device's largest texture.
struct Part {
    texture: TextureHandle,
    at: [usize; 2],
}

/// What is made beside the window's thread.
type Made = Vec<([usize; 2], ColorImage)>;

/// A picture on the device. It is made anew when its key changes; while a large one is being made, the
/// one before it stays on show.
pub struct ImageCanvas<K> {
    subject: u64,
    key: Option<K>,
    parts: Vec<Part>,
    reduced: usize,
    task: Option<(K, usize, TextureOptions, BackgroundTask<Made>)>,
}

impl<K> Default for ImageCanvas<K> {
    fn default() -> Self {
        Self { subject: 0, key: None, parts: Vec::new(), reduced: 1, task: None }
    }
}

/// What a canvas is to show.
pub struct CanvasRequest<K> {
    /// What the picture is of: a picture of something else is never left on show.
    pub subject: u64,
    /// Everything that the picture depends on.
    pub key: K,
    /// How often it is reduced.
    pub reduced: usize,
    /// Its width and height before that.
    pub size: (usize, usize),
    /// Show single pixels as squares.
    pub squares: bool,
}

impl<K: PartialEq> ImageCanvas<K> {
    /// Brings the picture up to date. `make` draws it, reduced as often as the order says.
    pub fn update(
        &mut self,
        ctx: &Context,
        name: &str,
        order: CanvasRequest<K>,
        make: impl FnOnce() -> ColorImage + Send + 'static,
    ) {
        if self.subject != order.subject {
            *self = Self { subject: order.subject, ..Self::default() };
        }
        match self.task.take() {
            None => {}
            Some((key, reduced, options, task)) => match task.poll() {
                TaskState::Running => self.task = Some((key, reduced, options, task)),
                TaskState::Done(made) => self.adopt(ctx, name, key, reduced, options, made),
                TaskState::Over => {}
            },
        }
        if self.key.as_ref() == Some(&order.key) || self.task.is_some() {
            return;
        }
        let options = if order.squares { TextureOptions::NEAREST } else { TextureOptions::LINEAR };
        let side = ctx.input(|i| i.max_texture_side).max(64);
        let pixels = order.size.0 * order.size.1;
        let work = move || cut(make(), side);
        if pixels < HEAVY {
            self.adopt(ctx, name, order.key, order.reduced, options, work());
            return;
        }
        let wake = ctx.clone();
        match BackgroundTask::spawn("picture", move || wake.request_repaint(), move |_| work()) {
            Ok(task) => self.task = Some((order.key, order.reduced, options, task)),
            Err(error) => tracing::warn!("no thread to make a picture with: {error}"),
        }
    }

    fn adopt(&mut self, ctx: &Context, name: &str, key: K, reduced: usize, options: TextureOptions, made: Made) {
        self.parts.truncate(made.len());
        for (i, (at, image)) in made.into_iter().enumerate() {
            match self.parts.get_mut(i) {
                Some(part) => {
                    part.texture.set(image, options);
                    part.at = at;
                }
                None => self.parts.push(Part { texture: ctx.load_texture(name, image, options), at }),
            }
        }
        self.key = Some(key);
        self.reduced = reduced;
    }

    /// Whether there is nothing to draw yet.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Forgets the picture.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Draws the picture where it was placed; the painter's clip bounds it.
    pub fn paint(&self, painter: &Painter, placed: &Placed, tint: Color32) {
        let scale = placed.scale * self.reduced as f32;
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        let painter = painter.with_clip_rect(painter.clip_rect().intersect(placed.rect));
        for part in &self.parts {
            let at = placed.rect.min + vec2(part.at[0] as f32, part.at[1] as f32) * scale;
            let [w, h] = part.texture.size();
            let size = vec2(w as f32, h as f32);
            let seen = whole.translate(NUDGE / size);
            painter.image(part.texture.id(), Rect::from_min_size(at, size * scale), seen, tint);
        }
    }
}

/// Share of a picture's pixel by which it is moved under the screen's: where the border of two pixels lies on the middle of
/// the screen's, every driver then shows the same of both.
const NUDGE: Vec2 = Vec2::splat(1.0 / 256.0);

/// Cuts a picture into parts of at most `side` pixels.
fn cut(image: ColorImage, side: usize) -> Made {
    let [width, height] = image.size;
    if width <= side && height <= side {
        return vec![([0, 0], image)];
    }
    let mut parts = Vec::new();
    for y in (0..height).step_by(side) {
        for x in (0..width).step_by(side) {
            let size = [side.min(width - x), side.min(height - y)];
            parts.push(([x, y], image.region_by_pixels([x, y], size)));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const PANE: Rect = Rect::from_min_max(pos2(100.0, 50.0), pos2(400.0, 350.0));

    #[test]
    fn the_whole_picture_fits_and_its_pixels_are_even_when_large() {
        let view = Viewport::default();
        let placed = view.place(PANE, (64, 32), 1.0);
        assert_eq!(placed.zoom, 4.0);
        assert!(PANE.contains_rect(placed.rect));
        assert!(PANE.contains_rect(view.place(PANE, (2048, 1024), 1.0).rect));
        assert!((view.place(PANE, (2048, 1024), 2.0).rect.width() - 300.0).abs() < 1.0);
    }

    #[test]
    fn zoom_keeps_the_point_under_the_pointer() {
        let (size, about) = ((512, 512), pos2(180.0, 300.0));
        let mut view = Viewport::default();
        let before = view.place(PANE, size, 1.0).to_picture(about);
        view.zoom_by(3.0, about, PANE, size, 1.0);
        let after = view.place(PANE, size, 1.0);
        assert!((after.to_picture(about) - before).length() < 1.5);
        assert!((after.to_screen(before) - about).length() < 1.5);
        view.actual();
        assert_eq!(view.place(PANE, size, 2.0).scale, 0.5);
    }

    #[test]
    fn a_pixel_is_found_only_within_the_picture() {
        let placed = Viewport::default().place(PANE, (64, 64), 1.0);
        assert_eq!(placed.pixel(placed.rect.min + vec2(0.5, 0.5), (64, 64)), Some((0, 0)));
        assert_eq!(placed.pixel(placed.rect.max - vec2(0.5, 0.5), (64, 64)), Some((63, 63)));
        assert_eq!(placed.pixel(placed.rect.max + vec2(0.5, 0.5), (64, 64)), None);
    }

    #[test]
    fn small_pictures_on_the_screen_are_reduced_first() {
        assert_eq!([2.0, 1.0, 0.6, 0.5, 0.26, 0.25, 0.1].map(reduction), [1, 1, 1, 2, 2, 4, 8]);
    }

    #[test]
    fn parts_cover_a_picture_once() {
        let mut image = ColorImage::filled([5, 3], Color32::BLACK);
        for (i, pixel) in image.pixels.iter_mut().enumerate() {
            *pixel = Color32::from_gray(i as u8);
        }
        let parts = cut(image.clone(), 2);
        assert_eq!(parts.len(), 6);
        for ([x, y], part) in &parts {
            for v in 0..part.size[1] {
                for u in 0..part.size[0] {
                    assert_eq!(part[(u, v)], image[(x + u, y + v)]);
                }
            }
        }
        assert_eq!(parts.iter().map(|(_, p)| p.pixels.len()).sum::<usize>(), 15);
        assert_eq!(cut(image, 5).len(), 1);
    }
}
