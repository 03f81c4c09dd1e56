//! Why an inspection failed.

use crate::{
    inspect::{FrozenNetworks, KnobError, NoColour},
    model::weights::WeightError,
};

/// Why an inspection failed.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The values could not be read from the device.
    #[error(transparent)]
    Device(WeightError),
    /// The model computes something that is not a number from an image that is fine: every image would fail.
    #[error(
        "{model} cannot be used: {stage} came out as NaN or infinity, so it is damaged or its training failed; choose \
         another model, copy its file again, or train it again"
    )]
    Model {
        /// The model: its file, where it has one.
        model: String,
        /// What is not a number.
        stage: &'static str,
    },
    /// The image holds NaN or infinity.
    #[error("the image holds a pixel that is NaN or infinite; save it again from its source")]
    Image,
    /// The image is grey, but the model sees colour.
    #[error(transparent)]
    NoColour(#[from] NoColour),
    /// A knob is out of range.
    #[error(transparent)]
    Knob(#[from] KnobError),
    /// A loss became NaN or infinite at this step.
    #[error("the loss became NaN or infinite at step {0}; choose a smaller learning rate")]
    NotFinite(usize),
    /// No pixel lies in the inspected regions.
    #[error("no pixel of this image is inside the inspected regions; change the regions or inspect a larger image")]
    Nothing,
    /// The image has too many pixels.
    #[error(
        "the image has {width} x {height} pixels, and at most {most:.1} megapixels can be inspected at once{because}: split \
         it into smaller images{}",
        if because.is_empty() { "" } else { ", or close other programs" }
    )]
    TooLarge {
        /// Width in pixels, as stored.
        width: u64,
        /// Height in pixels, as stored.
        height: u64,
        /// Most megapixels.
        most: f64,
        /// What limits it, or empty.
        because: String,
    },
}

impl From<WeightError> for InspectError {
    fn from(error: WeightError) -> Self {
        match error {
            WeightError::NotFinite(stage) => Self::Model { model: "the model".into(), stage },
            error => Self::Device(error),
        }
    }
}

impl InspectError {
    /// The same error with the name of the model.
    pub(super) fn of(self, networks: &FrozenNetworks) -> Self {
        match self {
            Self::Model { stage, .. } => Self::Model { model: networks.name().to_owned(), stage },
            error => error,
        }
    }

    /// Whether no other image can be inspected either.
    pub(crate) fn is_fatal(&self) -> bool {
        matches!(self, Self::Device(_) | Self::Model { .. })
    }
}
