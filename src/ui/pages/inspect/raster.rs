//! Conversion of planes and maps to coloured images, reduced to the resolution of the screen.

use std::sync::Arc;

use egui::{Color32, ColorImage};

use crate::{
    data::colour_map::{ColourMap, table},
    inspect::{
        KeptFrame, Outcome, Planes, calibration::MapScale, critic::CriticMaps, difference_of_pixel,
        evaluation::EvaluatedMap,
    },
};

/// Source of pixel values, in the range and layout of [`Planes`].
#[derive(Clone)]
pub(crate) enum Values {
    /// The inspected image.
    Query(Arc<Planes>),
    /// A stored reconstruction.
    Kept(KeptFrame),
}

impl Values {
    /// Returns value `i` of all planes in sequence.
    fn at(&self, i: usize) -> f32 {
        match self {
            Self::Query(planes) => planes.values().get(i).copied().unwrap_or_default(),
            Self::Kept(kept) => kept.value(i),
        }
    }

    /// Whether both are the same allocation.
    pub(crate) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Query(a), Self::Query(b)) => Arc::ptr_eq(a, b),
            (Self::Kept(a), Self::Kept(b)) => Arc::ptr_eq(&a.pixels, &b.pixels),
            _ => false,
        }
    }
}

/// Width, height and channels.
pub(crate) type RasterShape = (usize, usize, usize);

/// Returns the shape of an image's planes.
pub(crate) fn shape(planes: &Planes) -> RasterShape {
    (planes.width(), planes.height(), planes.channels())
}

/// Converts a value in `[-1, 1]` to grey levels, 0 to 255.
pub(crate) fn grey_level(value: f32) -> f32 {
    (value + 1.0) * 127.5
}

/// Builds an image reduced by a factor of `by`; `pixel` maps the columns and rows of each block to its colour.
fn reduced(
    (width, height, _): RasterShape,
    by: usize,
    mut pixel: impl FnMut(std::ops::Range<usize>, std::ops::Range<usize>) -> Color32,
) -> ColorImage {
    let (w, h) = (width.div_ceil(by), height.div_ceil(by));
    let mut pixels = Vec::with_capacity(w * h);
    for y in 0..h {
        let rows = y * by..((y + 1) * by).min(height);
        for x in 0..w {
            pixels.push(pixel(x * by..((x + 1) * by).min(width), rows.clone()));
        }
    }
    ColorImage::new([w, h], pixels)
}

/// Renders an image through a window of grey levels: `low` is black, `high` is white. Blocks are averaged.
pub(crate) fn picture(values: &Values, shape: RasterShape, (low, high): (f32, f32), by: usize) -> ColorImage {
    let (width, height, channels) = shape;
    let plane = width * height;
    let gain = 255.0 / (high - low).max(1e-3);
    let level = |v: f32| ((grey_level(v) - low) * gain).clamp(0.0, 255.0).round() as u8;
    reduced(shape, by, |columns, rows| {
        let mean = |c: usize| {
            let mut sum = 0.0;
            for y in rows.clone() {
                for x in columns.clone() {
                    sum += values.at(c * plane + y * width + x);
                }
            }
            level(sum / (rows.len() * columns.len()) as f32)
        };
        match channels {
            3 => Color32::from_rgb(mean(0), mean(1), mean(2)),
            _ => Color32::from_gray(mean(0)),
        }
    })
}

/// A map on the Inspect page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DisplayMap {
    /// |image - reconstruction|.
    #[default]
    Difference,
    /// Image - reconstruction.
    Signed,
    /// Residual in D's features.
    Feature,
    /// The critic's logit, standardised by its normal statistics.
    Critic,
    /// Mahalanobis distance of the critic's features, standardised by its normal statistics.
    Distance,
}

impl From<EvaluatedMap> for DisplayMap {
    fn from(map: EvaluatedMap) -> Self {
        match map {
            EvaluatedMap::Difference => Self::Difference,
            EvaluatedMap::Feature => Self::Feature,
            EvaluatedMap::Critic => Self::Critic,
            EvaluatedMap::Distance => Self::Distance,
        }
    }
}

impl DisplayMap {
    /// All maps, in menu order.
    pub(crate) const ALL: [Self; 5] = [Self::Difference, Self::Signed, Self::Feature, Self::Critic, Self::Distance];

    /// Name on screen.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Difference => "Difference",
            Self::Signed => "Signed difference",
            Self::Feature => "Feature residual",
            Self::Critic => "Critic",
            Self::Distance => "Critic distance",
        }
    }

    /// Whether it is one of the critic's maps.
    pub(crate) fn is_of_critic(self) -> bool {
        matches!(self, Self::Critic | Self::Distance)
    }

    /// Returns the value at the upper end of the colour map.
    pub(crate) fn upper(self, scale: &MapScale) -> f32 {
        self.unsigned().upper(scale)
    }

    /// Returns the value at the upper end of the colour map for a model without a calibration.
    pub(crate) fn unscaled(self) -> f32 {
        if self.is_of_critic() { 8.0 } else { 1.0 }
    }

    /// Returns its colour map, in greys or in colours.
    pub(crate) fn colours(self, grey: bool) -> ColourMap {
        match (self, grey) {
            (Self::Signed, _) => ColourMap::Signed,
            (_, true) => ColourMap::Grey,
            (_, false) => ColourMap::Ember,
        }
    }

    /// Returns the map without its sign.
    pub(crate) fn unsigned(self) -> EvaluatedMap {
        match self {
            Self::Difference | Self::Signed => EvaluatedMap::Difference,
            Self::Feature => EvaluatedMap::Feature,
            Self::Critic => EvaluatedMap::Critic,
            Self::Distance => EvaluatedMap::Distance,
        }
    }

    /// Describes the map in one sentence.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Difference => "|image − reconstruction| per pixel, on the −1 to 1 scale.",
            Self::Signed => "Image − reconstruction: orange where the image is brighter, blue where it is darker.",
            Self::Feature => {
                "Distance between image and reconstruction in the features of D's third layer. Available once the \
                 inspection has finished."
            }
            Self::Critic => {
                "Logit of the critic, which is trained on synthetic defects, in standard deviations from its normal \
                 statistics. Available once the inspection has finished."
            }
            Self::Distance => {
                "Mahalanobis distance of the critic's features, in standard deviations from its normal statistics. \
                 Available once the inspection has finished."
            }
        }
    }
}

/// Inputs of a map.
#[derive(Clone)]
pub(crate) struct MapSource {
    /// The inspected image.
    pub query: Arc<Planes>,
    /// The reconstruction; `None` before the first.
    pub kept: Option<KeptFrame>,
    /// The outcome, once the inspection has finished.
    pub outcome: Option<Arc<Outcome>>,
    /// Mask of inspected pixels; `None` for all.
    pub inspected: Option<Arc<Vec<bool>>>,
    /// The map to show.
    pub kind: DisplayMap,
}

impl MapSource {
    /// Whether a pixel is inspected.
    fn is_inspected(&self, i: usize) -> bool {
        let at_pixel = |mask: &Vec<bool>| mask.get(i).copied().unwrap_or(true);
        match &self.inspected {
            Some(mask) => at_pixel(mask),
            None => self.outcome.as_ref().and_then(|o| o.inspected.as_ref()).is_none_or(at_pixel),
        }
    }

    /// Returns the map's value at pixel `i`, signed for [`DisplayMap::Signed`]; `None` if there is none.
    pub(crate) fn value(&self, i: usize) -> Option<f32> {
        if !self.is_inspected(i) {
            return None;
        }
        let of_critic = |map: fn(&CriticMaps) -> &Vec<f32>| {
            let value = map(self.outcome.as_ref()?.critic.as_ref()?).get(i)?;
            Some(value.max(0.0))
        };
        match self.kind {
            DisplayMap::Feature => return self.outcome.as_ref()?.feature.get(i).copied(),
            DisplayMap::Critic => return of_critic(|maps| &maps.logit),
            DisplayMap::Distance => return of_critic(|maps| &maps.distance),
            DisplayMap::Difference | DisplayMap::Signed => {}
        }
        let kept = self.kept.as_ref()?;
        let (plane, channels) = (self.query.pixels(), self.query.channels());
        let query = |at: usize| self.query.values().get(at).copied().unwrap_or_default();
        let own = (0..channels).map(|c| query(c * plane + i) - kept.value(c * plane + i));
        let difference = difference_of_pixel(own);
        Some(if self.kind == DisplayMap::Difference { difference.abs() } else { difference })
    }

    /// Whether the map is available yet.
    pub(crate) fn is_available(&self) -> bool {
        match self.kind {
            DisplayMap::Feature => self.outcome.is_some(),
            DisplayMap::Critic | DisplayMap::Distance => self.outcome.as_ref().is_some_and(|o| o.critic.is_some()),
            DisplayMap::Difference | DisplayMap::Signed => self.kept.is_some(),
        }
    }

    /// Renders the map in colours from 0 (or `-scale`) to `scale`. Each block takes its largest absolute value, so that
    /// small defects remain visible. Pixels outside the inspected regions are transparent.
    pub(crate) fn paint(&self, colours: ColourMap, scale: f32, by: usize) -> ColorImage {
        let table = table(colours).map(|[r, g, b]| Color32::from_rgb(r, g, b));
        let width = self.query.width();
        reduced(shape(&self.query), by, |columns, rows| {
            let mut strongest: Option<f32> = None;
            for y in rows.clone() {
                for x in columns.clone() {
                    if let Some(v) = self.value(y * width + x)
                        && strongest.is_none_or(|s| v.abs() > s.abs())
                    {
                        strongest = Some(v);
                    }
                }
            }
            let Some(v) = strongest else { return Color32::TRANSPARENT };
            let share = colours.position(v, scale);
            table.get((share * 255.0).round() as usize).copied().unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::{InvertKnobs, Judged, NoVerdict, Scores};

    fn planes(width: usize, height: usize, values: Vec<f32>) -> Arc<Planes> {
        Arc::new(Planes::new(width, height, 1, values).unwrap())
    }

    fn kept(values: &[f32]) -> KeptFrame {
        KeptFrame { step: 0, pixels: values.iter().map(|v| ((v + 1.0) * 32_767.5).round() as u16).collect() }
    }

    #[test]
    fn a_window_spreads_its_grey_levels_over_the_whole_scale() {
        let query = planes(3, 1, vec![-1.0, 0.0, 1.0]);
        let plain = picture(&Values::Query(Arc::clone(&query)), (3, 1, 1), (0.0, 255.0), 1);
        assert_eq!(plain.pixels.iter().map(Color32::r).collect::<Vec<_>>(), [0, 128, 255]);
        let narrow = picture(&Values::Query(query), (3, 1, 1), (120.0, 135.0), 1);
        assert_eq!(narrow.pixels.iter().map(Color32::r).collect::<Vec<_>>(), [0, 128, 255]);
        let both = picture(&Values::Kept(kept(&[0.5, 0.5])), (2, 1, 1), (0.0, 255.0), 2);
        assert_eq!((both.size, both.pixels[0].r()), ([1, 1], 191));
    }

    #[test]
    fn each_map_has_its_own_values() {
        let query = planes(2, 1, vec![0.5, -0.5]);
        let outcome = Outcome {
            query: Arc::clone(&query),
            reconstruction: Planes::new(2, 1, 1, vec![0.0, 0.0]).unwrap(),
            exposure: None,
            difference: vec![0.5, -0.5],
            feature: vec![0.25, 0.75],
            critic: Some(CriticMaps { logit: vec![3.0, -1.0], distance: vec![-2.0, 6.0] }),
            inspected: None,
            judged: Judged::without(Scores::default(), NoVerdict::NotCalibrated),
            knobs: InvertKnobs::default(),
            records: Vec::new(),
            steps: 0,
            tiles: 1,
            seconds: 0.0,
        };
        let shown = |outcome: Outcome, kind| {
            let source = MapSource {
                query: Arc::clone(&query),
                kept: Some(kept(&[0.0, 0.0])),
                outcome: Some(Arc::new(outcome)),
                inspected: None,
                kind,
            };
            let values = [0, 1].map(|i| source.value(i).map(|v| (v * 100.0).round()));
            (source.is_available(), values)
        };
        let values = DisplayMap::ALL.map(|kind| shown(outcome.clone(), kind).1);
        let wanted = [[50.0, 50.0], [50.0, -50.0], [25.0, 75.0], [300.0, 0.0], [0.0, 600.0]];
        assert_eq!(values, wanted.map(|pair| pair.map(Some)));
        let without = Outcome { critic: None, ..outcome };
        let there = DisplayMap::ALL.map(|kind| shown(without.clone(), kind).0);
        assert_eq!(there, [true, true, true, false, false]);
        assert_eq!(DisplayMap::ALL.map(DisplayMap::is_of_critic), there.map(|there| !there));
    }

    #[test]
    fn a_hue_alone_shows_in_the_difference() {
        let source = MapSource {
            query: Arc::new(Planes::new(1, 1, 3, vec![0.3, -0.3, 0.0]).unwrap()),
            kept: Some(kept(&[0.0, 0.0, 0.0])),
            outcome: None,
            inspected: None,
            kind: DisplayMap::Difference,
        };
        assert!((source.value(0).unwrap() - 0.2).abs() < 1e-3);
        let shown = picture(&Values::Query(Arc::clone(&source.query)), shape(&source.query), (0.0, 255.0), 1);
        assert_eq!(shown.pixels[0], Color32::from_rgb(166, 89, 128));
    }

    #[test]
    fn a_small_defect_survives_any_reduction() {
        let mut values = vec![0.0; 64];
        values[27] = -0.5;
        let source = MapSource {
            query: planes(8, 8, values),
            kept: Some(kept(&[0.0; 64])),
            outcome: None,
            inspected: None,
            kind: DisplayMap::Difference,
        };
        let small = source.paint(ColourMap::Grey, 0.5, 8);
        assert_eq!((small.size, small.pixels[0].r()), ([1, 1], 255));
        let signed = MapSource { kind: DisplayMap::Signed, ..source.clone() };
        assert_eq!(signed.value(27).map(|v| (v * 100.0).round()), Some(-50.0));
        let hidden = MapSource { inspected: Some(Arc::new((0..64).map(|i| i != 27).collect())), ..source };
        assert_eq!(hidden.value(27), None);
        assert_eq!(hidden.paint(ColourMap::Grey, 0.5, 8).pixels[0].r(), 0);
    }
}
