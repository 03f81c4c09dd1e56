//! Images in the networks' input format.

use std::sync::Arc;

use crate::data::{Illumination, Picture};

/// `channels` planes of `height * width` values in `[-1, 1]`, row by row. Clones share the values.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    width: usize,
    height: usize,
    channels: usize,
    values: Arc<Vec<f32>>,
}

/// A grey image for a model that sees colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the image is grey, but the model sees colour; inspect an image in colour, or train a model that sees grey (with \
     model.channels set to 1)"
)]
pub struct NoColour;

/// The difference of one pixel from the differences of its channels: their mean distance from 0, with the sign of their
/// sum, so that a hue of equal brightness does not cancel itself.
pub(crate) fn difference_of_pixel(channels: impl Iterator<Item = f32>) -> f32 {
    let (mut size, mut sum, mut count) = (0.0, 0.0, 0.0f32);
    for difference in channels {
        size += difference.abs();
        sum += difference;
        count += 1.0;
    }
    (size / count.max(1.0)).copysign(sum)
}

impl Planes {
    /// Wraps values; `None` unless they fill the planes exactly and there is at least one pixel.
    pub fn new(width: usize, height: usize, channels: usize, values: Vec<f32>) -> Option<Self> {
        let expected = width.checked_mul(height)?.checked_mul(channels)?;
        (expected == values.len() && expected > 0).then(|| Self { width, height, channels, values: Arc::new(values) })
    }

    /// Converts a decoded image to `channels` channels (1 converts RGB to grey, 3 repeats grey), scaled by
    /// `scale` in `(0, 1]`, exactly as in training.
    pub fn of(picture: &Picture, channels: usize, scale: f32) -> Self {
        let grey = (channels == 1 && picture.channels() != 1).then(|| picture.clone().into_grey());
        let picture = grey.as_ref().unwrap_or(picture);
        let scaled = (scale < 1.0).then(|| picture.scaled(scale));
        let picture = scaled.as_ref().unwrap_or(picture);
        let (width, height) = (picture.width(), picture.height());
        let mut values = Vec::with_capacity(width * height * channels);
        for c in 0..channels {
            for y in 0..height {
                values.extend((0..width).map(|x| picture.unit(x, y, c)));
            }
        }
        Self { width, height, channels, values: Arc::new(values) }
    }

    /// As [`Planes::of`], of an image that a model of this many channels is to inspect.
    ///
    /// # Errors
    /// [`NoColour`] for an image in grey where the model sees colour.
    pub fn for_model(picture: &Picture, channels: usize, scale: f32) -> Result<Self, NoColour> {
        match (channels, picture.channels()) {
            (3, 1) => Err(NoColour),
            _ => Ok(Self::of(picture, channels, scale)),
        }
    }

    /// Width, pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height, pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// 1 (grey) or 3 (RGB).
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Number of pixels.
    pub fn pixels(&self) -> usize {
        self.width * self.height
    }

    /// All values, plane by plane.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Mean brightness and contrast.
    pub(crate) fn illumination(&self) -> Illumination {
        Illumination::of_planes(&self.values, self.channels)
    }

    /// As earlier versions measured brightness and contrast of an image in colour; see [`Illumination`].
    pub(crate) fn illumination_over_all_channels(&self) -> Illumination {
        Illumination::over_all_channels(&self.values, self.channels)
    }

    /// The same planes with every value changed.
    #[must_use]
    pub(crate) fn map(&self, change: impl Fn(f32) -> f32) -> Self {
        Self { values: Arc::new(self.values.iter().map(|v| change(*v)).collect()), ..*self }
    }

    /// The value at column `x`, row `y` of plane `c`, clamped to the edges.
    pub fn at(&self, x: usize, y: usize, c: usize) -> f32 {
        let (x, y, c) = (x.min(self.width - 1), y.min(self.height - 1), c.min(self.channels - 1));
        self.values[(c * self.height + y) * self.width + x]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Samples;

    #[test]
    fn a_model_in_colour_refuses_grey_and_one_in_grey_takes_both() {
        let grey = Picture::new(2, 1, 1, Samples::U8(vec![7, 9])).unwrap();
        let rgb = Picture::new(2, 1, 3, Samples::U8(vec![7, 9, 11, 200, 100, 0])).unwrap();
        let message = Planes::for_model(&grey, 3, 1.0).unwrap_err().to_string();
        assert!(message.contains("the image is grey") && message.contains("model.channels set to 1"), "{message}");
        assert_eq!(Planes::for_model(&rgb, 3, 1.0).unwrap(), Planes::of(&rgb, 3, 1.0));
        for picture in [&grey, &rgb] {
            assert_eq!(Planes::for_model(picture, 1, 1.0).unwrap(), Planes::of(picture, 1, 1.0));
        }
    }

    #[test]
    fn a_difference_in_hue_alone_does_not_cancel_itself() {
        for difference in [0.3f32, -0.2, 0.0, 1e-7] {
            assert_eq!(difference_of_pixel([difference].into_iter()), difference);
        }
        assert!((difference_of_pixel([0.3, -0.3, 0.0].into_iter()) - 0.2).abs() < 1e-6);
        assert!((difference_of_pixel([-0.3, 0.1, 0.05].into_iter()) + 0.15).abs() < 1e-6);
    }

    #[test]
    fn planes_match_the_training_input() {
        let rgb = Picture::new(2, 1, 3, Samples::U8(vec![255, 0, 0, 10, 10, 10])).unwrap();
        let planes = Planes::of(&rgb, 3, 1.0);
        assert_eq!((planes.at(0, 0, 0), planes.at(0, 0, 1), planes.at(9, 9, 9)), (1.0, -1.0, 10.0 / 127.5 - 1.0));
        let grey = Planes::of(&rgb, 1, 1.0);
        assert_eq!(grey.values().len(), 2);
        assert!((grey.at(0, 0, 0) - (54.0 / 127.5 - 1.0)).abs() < 1e-6);
        assert_eq!(Planes::of(&rgb, 1, 0.5).width(), 1);
        assert!(Planes::new(2, 2, 1, vec![0.0; 3]).is_none() && Planes::new(0, 2, 1, vec![]).is_none());
    }
}
