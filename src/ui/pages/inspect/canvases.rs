//! Textures of image, reconstruction and map.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use egui::Context;

use super::{
    raster,
    raster::{MapSource, Values},
};
use crate::{
    data::colour_map::ColourMap,
    inspect::KeptFrame,
    ui::widgets::image_pane::{CanvasRequest, ImageCanvas, reduction},
};

/// Inputs of a grey or RGB texture; it is redrawn when they change.
pub(crate) struct PictureKey {
    values: Values,
    window: (f32, f32),
    by: usize,
    squares: bool,
}

impl PartialEq for PictureKey {
    fn eq(&self, other: &Self) -> bool {
        self.values.same(&other.values)
            && self.window == other.window
            && self.by == other.by
            && self.squares == other.squares
    }
}

/// Inputs of a map's texture; it is redrawn when they change.
pub(crate) struct MapKey {
    source: MapSource,
    colours: ColourMap,
    scale: f32,
    by: usize,
    squares: bool,
}

impl PartialEq for MapKey {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&self.source, &other.source);
        let outcome = |s: &MapSource| s.outcome.as_ref().map(Arc::as_ptr);
        let kept = |s: &MapSource| s.kept.as_ref().map(|k| k.pixels.as_ptr());
        let mask = |s: &MapSource| s.inspected.as_ref().map(Arc::as_ptr);
        Arc::ptr_eq(&a.query, &b.query)
            && a.kind == b.kind
            && outcome(a) == outcome(b)
            && kept(a) == kept(b)
            && mask(a) == mask(b)
            && self.colours == other.colours
            && self.scale == other.scale
            && self.by == other.by
            && self.squares == other.squares
    }
}

/// Content of the three textures.
pub(crate) struct TriptychRequest<'a> {
    /// Identifies the inspected image.
    pub of: u64,
    /// The reconstruction, once there is one.
    pub kept: Option<&'a KeptFrame>,
    /// The image, and the inputs of the map.
    pub source: &'a MapSource,
    /// Grey levels shown as black and white in image and reconstruction.
    pub window: (f32, f32),
    /// Colour map.
    pub colours: ColourMap,
    /// Value at the upper end of the colour map.
    pub scale: f32,
    /// Device pixels per image pixel.
    pub zoom: f32,
    /// Whether pixels are drawn as squares instead of interpolated.
    pub squares: bool,
}

/// The three textures.
#[derive(Default)]
pub(crate) struct Canvases {
    /// The image.
    pub query: ImageCanvas<PictureKey>,
    /// The reconstruction.
    pub reconstruction: ImageCanvas<PictureKey>,
    /// The map.
    pub map: ImageCanvas<MapKey>,
}

impl Canvases {
    /// Updates the textures whose inputs have changed.
    pub(crate) fn update(&mut self, ctx: &Context, request: &TriptychRequest<'_>) {
        let &TriptychRequest { of, kept, source, window, colours, scale, zoom, squares } = request;
        let (by, shape) = (reduction(zoom), raster::shape(&source.query));
        let (subject, size) = (subject(of, (shape.0, shape.1)), (shape.0, shape.1));
        let canvas_request = |values: &Values| CanvasRequest {
            subject,
            key: PictureKey { values: values.clone(), window, by, squares },
            reduced: by,
            size,
            squares,
        };
        let values = Values::Query(Arc::clone(&source.query));
        let picture = canvas_request(&values);
        self.query.update(ctx, "query", picture, move || raster::picture(&values, shape, window, by));
        match kept {
            Some(kept) => {
                let values = Values::Kept(kept.clone());
                let picture = canvas_request(&values);
                self.reconstruction
                    .update(ctx, "reconstruction", picture, move || raster::picture(&values, shape, window, by));
            }
            None => self.reconstruction.clear(),
        }
        if source.is_available() {
            let key = MapKey { source: source.clone(), colours, scale, by, squares };
            let request = CanvasRequest { subject, key, reduced: by, size, squares };
            let source = source.clone();
            self.map.update(ctx, "map", request, move || source.paint(colours, scale, by));
        } else {
            self.map.clear();
        }
    }
}

/// Returns a non-zero number that identifies image and size.
fn subject(of: u64, size: (usize, usize)) -> u64 {
    let mut hasher = DefaultHasher::new();
    (of, size).hash(&mut hasher);
    hasher.finish().max(1)
}
