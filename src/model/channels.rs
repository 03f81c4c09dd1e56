//! The channels that the networks see.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The channels that the networks see. A run decides [`Channels::Auto`] over its healthy images and keeps the number; in
/// files it is `"auto"`, 1 or 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Channels {
    /// Colour where the healthy images have colour, else grey.
    #[default]
    Auto,
    /// One: grey.
    Grey,
    /// Three: RGB.
    Colour,
}

impl Channels {
    /// The word for [`Channels::Auto`], and its title.
    pub const AUTO: (&str, &str) = ("auto", "From the images");
    /// The numbers with their titles.
    pub const NUMBERS: [(i64, &str); 2] = [(1, "1: grey"), (3, "3: colour")];

    /// The number of channels; as long as the images have not decided, that of grey.
    pub fn count(self) -> usize {
        match self {
            Self::Auto | Self::Grey => 1,
            Self::Colour => 3,
        }
    }

    /// What a model of these channels sees, in words.
    pub fn title(self) -> &'static str {
        match self.count() {
            3 => "colour (3 channels)",
            _ => "grey (1 channel)",
        }
    }

    /// The number that is chosen; `None` while the images are to decide.
    pub fn chosen(self) -> Option<usize> {
        (self != Self::Auto).then(|| self.count())
    }

    /// This choice, or colour or grey if the images are to decide.
    #[must_use]
    pub fn decided(self, images_have_colour: bool) -> Self {
        match (self, images_have_colour) {
            (Self::Auto, true) => Self::Colour,
            (Self::Auto, false) => Self::Grey,
            (chosen, _) => chosen,
        }
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str(Self::AUTO.0),
            decided => write!(f, "{}", decided.count()),
        }
    }
}

impl Serialize for Channels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str(Self::AUTO.0),
            decided => serializer.serialize_u8(decided.count() as u8),
        }
    }
}

impl<'de> Deserialize<'de> for Channels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Stored {
            Number(i64),
            Word(String),
        }
        match Stored::deserialize(deserializer)? {
            Stored::Number(1) => Ok(Self::Grey),
            Stored::Number(3) => Ok(Self::Colour),
            Stored::Word(word) if word == Self::AUTO.0 => Ok(Self::Auto),
            Stored::Number(other) => Err(D::Error::custom(format!("{other} channels, but must be auto, 1 or 3"))),
            Stored::Word(other) => Err(D::Error::custom(format!("'{other}' channels, but must be auto, 1 or 3"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_stored_as_numbers_once_decided() {
        for (channels, stored) in [(Channels::Auto, "\"auto\""), (Channels::Grey, "1"), (Channels::Colour, "3")] {
            assert_eq!(serde_json::to_string(&channels).unwrap(), stored);
            assert_eq!(serde_json::from_str::<Channels>(stored).unwrap(), channels);
            assert_eq!(format!("{channels}"), stored.trim_matches('"'));
        }
        for wrong in ["2", "\"3\"", "\"grey\"", "0"] {
            let message = serde_json::from_str::<Channels>(wrong).unwrap_err().to_string();
            assert!(message.contains("must be auto, 1 or 3"), "{message}");
        }
    }

    #[test]
    fn the_images_decide_only_where_nothing_is_chosen() {
        for colour in [false, true] {
            assert_eq!(Channels::Grey.decided(colour), Channels::Grey);
            assert_eq!(Channels::Colour.decided(colour), Channels::Colour);
        }
        assert_eq!((Channels::Auto.decided(true).count(), Channels::Auto.decided(false).count()), (3, 1));
        assert_eq!(Channels::Auto.count(), 1);
    }
}
