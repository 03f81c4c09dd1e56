//! Query, reconstruction and map on the device.

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

/// What a grey or RGB picture is made from.
pub struct PictureKey {
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

/// What a map's picture is made from.
pub struct MapKey {
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

/// What the three pictures are to show.
pub struct TriptychRequest<'a> {
    /// Another number for another subject.
    pub of: u64,
    /// The reconstruction, if there is one yet.
    pub kept: Option<&'a KeptFrame>,
    /// What the map is made from, and the query.
    pub source: &'a MapSource,
    /// Black and white of query and reconstruction, grey levels.
    pub window: (f32, f32),
    /// Colours of the map.
    pub colours: ColourMap,
    /// The upper end of the map's colours.
    pub scale: f32,
    /// Device pixels to a picture's pixel.
    pub zoom: f32,
    /// Show single pixels as squares.
    pub squares: bool,
}

/// The three pictures.
#[derive(Default)]
pub struct Canvases {
    /// The query.
    pub query: ImageCanvas<PictureKey>,
    /// The reconstruction on show.
    pub reconstruction: ImageCanvas<PictureKey>,
    /// The map over it.
    pub map: ImageCanvas<MapKey>,
}

impl Canvases {
    /// Brings the three textures up to date.
    pub fn update(&mut self, ctx: &Context, wanted: &TriptychRequest<'_>) {
        let &TriptychRequest { of, kept, source, window, colours, scale, zoom, squares } = wanted;
        let (by, shape) = (reduction(zoom), raster::shape(&source.query));
        let (subject, size) = (subject(of, (shape.0, shape.1)), (shape.0, shape.1));
        let order = |values: &Values| CanvasRequest {
            subject,
            key: PictureKey { values: values.clone(), window, by, squares },
            reduced: by,
            size,
            squares,
        };
        let values = Values::Query(Arc::clone(&source.query));
        let ordered = order(&values);
        self.query.update(ctx, "query", ordered, move || raster::picture(&values, shape, window, by));
        match kept {
            Some(kept) => {
                let values = Values::Kept(kept.clone());
                let ordered = order(&values);
                self.reconstruction
                    .update(ctx, "reconstruction", ordered, move || raster::picture(&values, shape, window, by));
            }
            None => self.reconstruction.clear(),
        }
        if source.is_there() {
            let key = MapKey { source: source.clone(), colours, scale, by, squares };
            let order = CanvasRequest { subject, key, reduced: by, size, squares };
            let source = source.clone();
            self.map.update(ctx, "map", order, move || source.paint(colours, scale, by));
        } else {
            self.map.clear();
        }
    }
}

/// A number for what the pictures are of.
fn subject(of: u64, size: (usize, usize)) -> u64 {
    let mut hasher = DefaultHasher::new();
    (of, size).hash(&mut hasher);
    hasher.finish().max(1)
}
