//! The built-in surfaces and defects, with their names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Prefix of a built-in surface where it is named as a data source.
pub(crate) const PREFIX: &str = "surface:";

/// Material and finish of a built-in surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SurfaceKind {
    /// Faced on a lathe.
    Turned,
    /// Face-milled in overlapping passes.
    Milled,
    /// Ground with an abrasive wheel.
    Ground,
    /// Brushed with an abrasive pad.
    Brushed,
    /// Granular carbon, pressed and sintered.
    Sintered,
    /// Sheet metal with metallic paint, in colour.
    Painted,
    /// Brushed aluminium, anodised and dyed, in colour.
    Anodised,
}

impl SurfaceKind {
    /// All surfaces, in display order.
    pub const ALL: [Self; 7] =
        [Self::Turned, Self::Milled, Self::Ground, Self::Brushed, Self::Sintered, Self::Painted, Self::Anodised];

    /// The machined metals.
    pub const METALS: [Self; 4] = [Self::Turned, Self::Milled, Self::Ground, Self::Brushed];

    /// Kinds of defects that this surface is drawn with, in display order.
    pub fn defects(self) -> &'static [DefectType] {
        use DefectType as D;
        match self {
            Self::Turned | Self::Milled | Self::Ground | Self::Brushed => {
                &[D::Scratch, D::Pit, D::Stain, D::Smear, D::Crack]
            }
            Self::Sintered => &[D::Scratch, D::Pit, D::Stain, D::HairlineCrack],
            Self::Painted => &[D::Scratch, D::Pit, D::Stain, D::Crack, D::Discolouration],
            Self::Anodised => &[D::Scratch, D::Pit, D::Stain, D::Discolouration],
        }
    }

    /// Whether its images are in colour.
    pub fn is_coloured(self) -> bool {
        matches!(self, Self::Painted | Self::Anodised)
    }

    /// Channels of its images: 1 (grey) or 3 (RGB).
    pub fn channels(self) -> usize {
        if self.is_coloured() { 3 } else { 1 }
    }

    /// Name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Turned => "turned",
            Self::Milled => "milled",
            Self::Ground => "ground",
            Self::Brushed => "brushed",
            Self::Sintered => "sintered",
            Self::Painted => "painted",
            Self::Anodised => "anodised",
        }
    }

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Turned => "Turned metal",
            Self::Milled => "Milled metal",
            Self::Ground => "Ground metal",
            Self::Brushed => "Brushed metal",
            Self::Sintered => "Sintered carbon",
            Self::Painted => "Painted sheet",
            Self::Anodised => "Anodised metal",
        }
    }

    /// Describes the appearance in one sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Turned => {
                "Regular, nearly straight feed grooves of a lathe tool, 9 to 10 pixels apart, \
                 with burnished crests and a trace of chatter."
            }
            Self::Milled => {
                "Overlapping arcs of a face mill, crossed faintly by the marks of its trailing edge, \
                 with a seam where two passes meet."
            }
            Self::Ground => {
                "Dense, broken abrasive lines in one direction and of varying depth, as left by a \
                 grinding wheel."
            }
            Self::Brushed => {
                "Long streaks in one direction, from hairline to broad, with the soft sheen of \
                 a brushed finish."
            }
            Self::Sintered => {
                "Granular carbon with dark elongated grains, now and then a pale blotch, and ragged edges at \
                 both sides."
            }
            Self::Painted => {
                "Orange metallic paint with the soft waves of orange peel and fine bright flakes, in colour."
            }
            Self::Anodised => {
                "Brushed aluminium under a blue anodised layer: long streaks in one direction, in colour."
            }
        }
    }
}

/// Defect type of a built-in surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefectType {
    /// A groove cut across the tool marks.
    Scratch,
    /// One or a few small holes.
    Pit,
    /// A dried stain or a dent.
    Stain,
    /// Metal dragged over the tool marks.
    Smear,
    /// A thin, branching crack.
    Crack,
    /// A long, thin crack, no darker than the grains of the surface, that often runs into the side.
    HairlineCrack,
    /// An area of another hue, as light as the surface around it: invisible in grey.
    Discolouration,
}

impl DefectType {
    /// All defects, in display order.
    pub const ALL: [Self; 7] =
        [Self::Scratch, Self::Pit, Self::Stain, Self::Smear, Self::Crack, Self::HairlineCrack, Self::Discolouration];

    /// Name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scratch => "scratch",
            Self::Pit => "pit",
            Self::Stain => "stain",
            Self::Smear => "smear",
            Self::Crack => "crack",
            Self::HairlineCrack => "hairline-crack",
            Self::Discolouration => "discolouration",
        }
    }

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Scratch => "Scratch",
            Self::Pit => "Pit",
            Self::Stain => "Stain or dent",
            Self::Smear => "Smear",
            Self::Crack => "Crack",
            Self::HairlineCrack => "Hairline crack",
            Self::Discolouration => "Discolouration",
        }
    }

    /// Describes the appearance in one sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Scratch => {
                "A groove with raised rims across the tool marks, from a hairline to a few \
                 pixels wide."
            }
            Self::Pit => "One to a few small dark holes with bright rims.",
            Self::Stain => {
                "A smooth dark stain with a dried edge, or a shallow dent, with the tool marks \
                 still showing through."
            }
            Self::Smear => "A patch where dragged metal has wiped out the tool marks.",
            Self::Crack => "A thin, dark, jagged line that branches.",
            Self::HairlineCrack => {
                "A long, thin line, no darker than the grains of the surface, that often runs into its side."
            }
            Self::Discolouration => {
                "An area of another hue that is as light as the surface around it, so that grey hides it."
            }
        }
    }
}

impl fmt::Display for SurfaceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for DefectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Lists names to choose from.
pub(crate) fn any_of<const N: usize>(names: [&str; N]) -> String {
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.join(""),
    }
}

/// An unknown surface or defect name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownName {
    /// Not a built-in surface.
    #[error("there is no built-in surface named \"{0}\"; choose {names}", names = any_of(SurfaceKind::ALL.map(SurfaceKind::name)))]
    Surface(String),
    /// Not a built-in defect.
    #[error("there is no built-in defect named \"{0}\"; choose {names}", names = any_of(DefectType::ALL.map(DefectType::name)))]
    Defect(String),
}

impl FromStr for SurfaceKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownName::Surface(name.to_owned()))
    }
}

impl FromStr for DefectType {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownName::Defect(name.to_owned()))
    }
}
