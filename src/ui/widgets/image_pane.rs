//! Large images: pan and zoom shared by several panes, and textures that are created in the background.

use egui::{
    Color32, ColorImage, Context, Painter, Pos2, Rect, Response, TextureHandle, TextureOptions, Ui, Vec2,
    emath::GuiRounding, pos2, vec2,
};

use crate::{
    engine::{BackgroundTask, TaskState},
    ui::commands::typing::share_letters,
};

/// Number of pixels from which a texture is created in the background.
const LARGE: usize = 1 << 17;
/// Range of the zoom, device pixels per image pixel.
const ZOOM: (f32, f32) = (1.0 / 64.0, 64.0);
/// Largest zoom at which a part of a fitted image is shown.
const CLOSE: f32 = 4.0;

/// The visible part of an image and its zoom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Viewport {
    /// Device pixels per image pixel; `None` fits the whole image.
    zoom: Option<f32>,
    /// The point of the image at the centre of the pane, relative to its width and height.
    centre: Vec2,
}

impl Default for Viewport {
    fn default() -> Self {
        Self { zoom: None, centre: Vec2::splat(0.5) }
    }
}

/// Position of an image on the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Placement {
    /// The whole image, points; it may extend beyond its pane.
    pub rect: Rect,
    /// Points per image pixel.
    pub scale: f32,
    /// Device pixels per image pixel.
    pub zoom: f32,
}

impl Placement {
    /// Converts a position on the screen to pixel coordinates.
    pub(crate) fn to_picture(self, at: Pos2) -> Pos2 {
        ((at - self.rect.min) / self.scale).to_pos2()
    }

    /// Converts pixel coordinates to a position on the screen.
    pub(crate) fn to_screen(self, at: Pos2) -> Pos2 {
        self.rect.min + at.to_vec2() * self.scale
    }

    /// The pixel at a position on the screen.
    pub(crate) fn pixel(&self, at: Pos2, (width, height): (usize, usize)) -> Option<(usize, usize)> {
        let at = self.to_picture(at);
        let inside = at.x >= 0.0 && at.y >= 0.0 && at.x < width as f32 && at.y < height as f32;
        inside.then_some((at.x as usize, at.y as usize))
    }
}

/// The zoom that fits the whole image; above 2, in steps that keep pixels nearly equal in size.
fn fitting(pane: Vec2, size: Vec2, ppp: f32) -> f32 {
    let exact = (pane.x * ppp / size.x).min(pane.y * ppp / size.y).clamp(ZOOM.0, ZOOM.1);
    match exact {
        e if e >= 4.0 => e.floor(),
        e if e >= 2.0 => (e * 2.0).floor() / 2.0,
        e => e,
    }
}

impl Viewport {
    /// Whether the whole image is fitted to the pane.
    pub(crate) fn is_fit(&self) -> bool {
        self.zoom.is_none()
    }

    /// Fits the whole image to the pane.
    pub(crate) fn fit(&mut self) {
        *self = Self::default();
    }

    /// Sets one device pixel per image pixel, about the same centre.
    pub(crate) fn actual(&mut self) {
        self.zoom = Some(1.0);
    }

    /// Position of an image of `size` pixels in `pane`.
    pub(crate) fn place(&self, pane: Rect, size: (usize, usize), ppp: f32) -> Placement {
        let size = vec2(size.0.max(1) as f32, size.1.max(1) as f32);
        let zoom = self.zoom.unwrap_or_else(|| fitting(pane.size(), size, ppp));
        let scale = zoom / ppp;
        let min = (pane.center() - self.centre * size * scale).round_to_pixels(ppp);
        Placement { rect: Rect::from_min_size(min, size * scale), scale, zoom }
    }

    /// Zooms by `factor` about a fixed point on the screen.
    pub(crate) fn zoom_by(&mut self, factor: f32, about: Pos2, pane: Rect, size: (usize, usize), ppp: f32) {
        let placed = self.place(pane, size, ppp);
        let zoom = (placed.zoom * factor).clamp(ZOOM.0, ZOOM.1);
        let held = placed.to_picture(about).to_vec2();
        let span = vec2(size.0.max(1) as f32, size.1.max(1) as f32);
        let centre = held + (pane.center() - about) / (zoom / ppp);
        self.centre = (centre / span).clamp(Vec2::ZERO, Vec2::splat(1.0));
        self.zoom = Some(zoom);
    }

    /// Moves the image by a vector, points.
    pub(crate) fn pan(&mut self, by: Vec2, pane: Rect, size: (usize, usize), ppp: f32) {
        let placed = self.place(pane, size, ppp);
        let span = vec2(size.0.max(1) as f32, size.1.max(1) as f32);
        self.zoom = Some(placed.zoom);
        self.centre = (self.centre - by / placed.scale / span).clamp(Vec2::ZERO, Vec2::splat(1.0));
    }

    /// Brings a part of the image, in its pixels, to the middle of the pane. A part that would be small is enlarged if the
    /// whole image is fitted to the pane, and one that does not fit is reduced.
    pub(crate) fn show(&mut self, part: Rect, pane: Rect, size: (usize, usize), ppp: f32) {
        let span = vec2(size.0.max(1) as f32, size.1.max(1) as f32);
        let fit = fitting(pane.size(), span, ppp);
        let room = |share: f32| {
            let most = pane.size() * ppp * share / part.size().max(Vec2::splat(1.0));
            most.x.min(most.y)
        };
        let close = room(1.0 / 3.0).clamp(fit, fit.max(CLOSE));
        self.zoom = match self.zoom {
            // The whole image is visible, and larger would hardly help.
            None if close < 1.5 * fit => return,
            None => Some(close),
            Some(zoom) => Some(zoom.min(room(0.9)).clamp(ZOOM.0, ZOOM.1)),
        };
        self.centre = (part.center().to_vec2() / span).clamp(Vec2::ZERO, Vec2::splat(1.0));
    }

    /// Handles dragging (if `drag`), the wheel, pinching, and the keys of a focused pane.
    pub(crate) fn interact(&mut self, ui: &Ui, response: &Response, pane: Rect, size: (usize, usize), drag: bool) {
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
        // A click does not focus the pane, so that the page keeps its keys; Tab does.
        if !response.has_focus() {
            return;
        }
        share_letters(ui.ctx(), response.id);
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

/// Reduction of an image before upload, a power of two. It saves conversion work and prevents aliasing in small images.
pub(crate) fn reduction(zoom: f32) -> usize {
    let mut by = 1;
    while zoom * (by as f32) * 2.0 <= 1.0 && by < 64 {
        by *= 2;
    }
    by
}

/// A tile of an image on the device.
struct Tile {
    texture: TextureHandle,
    at: [usize; 2],
}

/// Tiles and their positions, before upload.
type TileImages = Vec<([usize; 2], ColorImage)>;

/// An image on the device, in several tiles if it exceeds the device's texture size. It is recreated when its key changes;
/// while a large one is being created, the previous one stays visible.
pub(crate) struct ImageCanvas<K> {
    subject: u64,
    key: Option<K>,
    tiles: Vec<Tile>,
    reduced: usize,
    task: Option<(K, usize, TextureOptions, BackgroundTask<TileImages>)>,
}

impl<K> Default for ImageCanvas<K> {
    fn default() -> Self {
        Self { subject: 0, key: None, tiles: Vec::new(), reduced: 1, task: None }
    }
}

/// The image that a canvas is to show.
pub(crate) struct CanvasRequest<K> {
    /// Identifies the subject: an image of another subject is never left visible.
    pub subject: u64,
    /// Everything that the image depends on.
    pub key: K,
    /// Reduction factor.
    pub reduced: usize,
    /// Width and height before reduction.
    pub size: (usize, usize),
    /// Show pixels as squares, without interpolation.
    pub squares: bool,
}

impl<K: PartialEq> ImageCanvas<K> {
    /// Brings the image up to date. `make` creates it, already reduced.
    pub(crate) fn update(
        &mut self,
        ctx: &Context,
        name: &str,
        request: CanvasRequest<K>,
        make: impl FnOnce() -> ColorImage + Send + 'static,
    ) {
        if self.subject != request.subject {
            *self = Self { subject: request.subject, ..Self::default() };
        }
        match self.task.take() {
            None => {}
            Some((key, reduced, options, task)) => match task.poll() {
                TaskState::Running => self.task = Some((key, reduced, options, task)),
                TaskState::Done(made) => self.adopt(ctx, name, key, reduced, options, made),
                TaskState::Over => {}
            },
        }
        if self.key.as_ref() == Some(&request.key) || self.task.is_some() {
            return;
        }
        let options = if request.squares { TextureOptions::NEAREST } else { TextureOptions::LINEAR };
        let side = ctx.input(|i| i.max_texture_side).max(64);
        let pixels = request.size.0 * request.size.1;
        let work = move || cut(make(), side);
        if pixels < LARGE {
            self.adopt(ctx, name, request.key, request.reduced, options, work());
            return;
        }
        let wake = ctx.clone();
        match BackgroundTask::spawn("picture", move || wake.request_repaint(), move |_| work()) {
            Ok(task) => self.task = Some((request.key, request.reduced, options, task)),
            Err(error) => tracing::warn!("cannot start the thread that creates an image: {error}"),
        }
    }

    fn adopt(&mut self, ctx: &Context, name: &str, key: K, reduced: usize, options: TextureOptions, made: TileImages) {
        self.tiles.truncate(made.len());
        for (i, (at, image)) in made.into_iter().enumerate() {
            match self.tiles.get_mut(i) {
                Some(tile) => {
                    tile.texture.set(image, options);
                    tile.at = at;
                }
                None => self.tiles.push(Tile { texture: ctx.load_texture(name, image, options), at }),
            }
        }
        self.key = Some(key);
        self.reduced = reduced;
    }

    /// Whether there is no image yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.tiles.is_empty()
    }

    /// Drops the image.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Draws the image at its position, within the painter's clip rectangle.
    pub(crate) fn paint(&self, painter: &Painter, placed: &Placement, tint: Color32) {
        let scale = placed.scale * self.reduced as f32;
        let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
        let painter = painter.with_clip_rect(painter.clip_rect().intersect(placed.rect));
        for tile in &self.tiles {
            let at = placed.rect.min + vec2(tile.at[0] as f32, tile.at[1] as f32) * scale;
            let [w, h] = tile.texture.size();
            let size = vec2(w as f32, h as f32);
            let seen = whole.translate(NUDGE / size);
            painter.image(tile.texture.id(), Rect::from_min_size(at, size * scale), seen, tint);
        }
    }
}

/// Offset of the texture coordinates, in pixels: if the border of two image pixels falls on the centre of a screen pixel,
/// all drivers then choose the same one.
const NUDGE: Vec2 = Vec2::splat(1.0 / 256.0);

/// Cuts an image into tiles of at most `side` pixels.
fn cut(image: ColorImage, side: usize) -> TileImages {
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
    fn a_part_is_brought_to_the_middle_at_a_size_that_shows_it() {
        let size = (3_000, 3_000);
        let part = |width: f32| Rect::from_center_size(pos2(1_500.0, 1_000.0), vec2(width, 30.0));
        let shown = |mut view: Viewport, width: f32| {
            view.show(part(width), PANE, size, 1.0);
            let placed = view.place(PANE, size, 1.0);
            assert!((placed.to_screen(part(width).center()) - PANE.center()).length() < 1.0);
            placed.zoom
        };
        let actual = Viewport { zoom: Some(1.0), ..Viewport::default() };
        assert!((shown(Viewport::default(), 30.0) - 10.0 / 3.0).abs() < 1e-3, "a third of the pane");
        assert_eq!(shown(Viewport::default(), 1.0), 10.0 / 3.0, "the larger side counts");
        assert_eq!(shown(actual, 30.0), 1.0, "a chosen zoom is kept");
        assert!((shown(actual, 600.0) - 0.45).abs() < 1e-3, "unless the part does not fit");
        // An image that is already large stays as it is.
        let mut view = Viewport::default();
        view.show(Rect::from_min_size(pos2(3.0, 3.0), vec2(2.0, 2.0)), PANE, (64, 64), 1.0);
        assert!(view.is_fit());
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
