//! Built-in machined surfaces, drawn by the program, so that everything works with no download.
//!
//! Each picture starts as a height field in pixels: the marks that the tool leaves, ploughed,
//! swept or scalloped as that tool does. A slanted key light and a ring light shade it, and a
//! camera with a little defocus, uneven light and read-out noise takes an 8-bit grey picture. A
//! defect changes the heights and reflectances before the light falls on them, and its mask is
//! where the picture then differs from that of the same surface without the defect.

mod defect;
mod mask;
mod noise;
mod relief;
mod set;
#[cfg(test)]
mod tests;
mod texture;

use std::{fmt, str::FromStr};

use noise::Dice;
use relief::{Camera, Relief};
use serde::{Deserialize, Serialize};
pub use set::{SetSize, SurfaceError, write_set};

use super::picture::Picture;

/// Smallest and largest side of a drawn picture, in pixels; [`draw`] clamps to them.
pub const SIDE_RANGE: [usize; 2] = [16, 8192];

/// How a built-in surface was machined.
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
}

impl SurfaceKind {
    /// Every kind, in the order that menus show them.
    pub const ALL: [Self; 4] = [Self::Turned, Self::Milled, Self::Ground, Self::Brushed];

    /// The name on the command line and in files: `turned`, `milled`, `ground` or `brushed`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Turned => "turned",
            Self::Milled => "milled",
            Self::Ground => "ground",
            Self::Brushed => "brushed",
        }
    }

    /// The name in the window.
    pub fn title(self) -> &'static str {
        match self {
            Self::Turned => "Turned metal",
            Self::Milled => "Milled metal",
            Self::Ground => "Ground metal",
            Self::Brushed => "Brushed metal",
        }
    }

    /// What the surface looks like, in one sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Turned => {
                "Regular, nearly straight feed grooves of a lathe tool, 9 to 10 pixels apart, \
                 with burnished crests and a trace of chatter."
            }
            Self::Milled => {
                "Overlapping arcs that a face mill leaves, crossed faintly by its trailing edge, \
                 with a seam where two passes meet."
            }
            Self::Ground => {
                "Dense, broken abrasive lines in one direction, of many depths, as a grinding \
                 wheel leaves them."
            }
            Self::Brushed => {
                "Long streaks in one direction, from hair-fine to broad, with the soft sheen of \
                 a brushed finish."
            }
        }
    }
}

/// Damage that a built-in surface can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DefectKind {
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
}

impl DefectKind {
    /// Every defect, in the order that menus show them.
    pub const ALL: [Self; 5] = [Self::Scratch, Self::Pit, Self::Stain, Self::Smear, Self::Crack];

    /// The name on the command line and in files: `scratch`, `pit`, `stain`, `smear` or `crack`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scratch => "scratch",
            Self::Pit => "pit",
            Self::Stain => "stain",
            Self::Smear => "smear",
            Self::Crack => "crack",
        }
    }

    /// The name in the window.
    pub fn title(self) -> &'static str {
        match self {
            Self::Scratch => "Scratch",
            Self::Pit => "Pit",
            Self::Stain => "Stain or dent",
            Self::Smear => "Smear",
            Self::Crack => "Crack",
        }
    }

    /// What the defect looks like, in one sentence.
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
            Self::Smear => "A patch where metal was dragged and wiped the tool marks away.",
            Self::Crack => "A thin, dark, jagged line that branches.",
        }
    }
}

impl fmt::Display for SurfaceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for DefectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is none of the built-in ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownName {
    /// Not a surface.
    #[error("there is no built-in surface named \"{0}\"; choose turned, milled, ground or brushed")]
    Surface(String),
    /// Not a defect.
    #[error("there is no built-in defect named \"{0}\"; choose scratch, pit, stain, smear or crack")]
    Defect(String),
}

impl FromStr for SurfaceKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownName::Surface(name.to_owned()))
    }
}

impl FromStr for DefectKind {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|kind| kind.name() == name);
        found.ok_or_else(|| UnknownName::Defect(name.to_owned()))
    }
}

/// One drawn picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specimen {
    /// Grey, 8 bits, square.
    pub picture: Picture,
    /// Where the defect shows: 255 inside, 0 outside, of the picture's size. `None` without a
    /// defect.
    pub mask: Option<Picture>,
}

/// Draws specimen `index` of a surface, `side` pixels square (clamped to [`SIDE_RANGE`]).
///
/// A pure function of its arguments. Every combination of kind, defect, seed and index has a
/// texture of its own: no defective specimen shares one with a healthy specimen. The random
/// numbers are the same on every platform; grey levels may differ by one between platforms whose
/// mathematical functions round differently.
pub fn draw(kind: SurfaceKind, defect: Option<DefectKind>, seed: u64, index: u64, side: usize) -> Specimen {
    let side = side.clamp(SIDE_RANGE[0], SIDE_RANGE[1]);
    let Twins { healthy, damaged } = twins(kind, defect, seed, index, side);
    match damaged {
        None => Specimen { picture: Picture::square(side, healthy), mask: None },
        Some((bytes, mask)) => {
            Specimen { picture: Picture::square(side, bytes), mask: Some(Picture::square(side, mask)) }
        }
    }
}

/// A surface without its defect, and with it.
struct Twins {
    healthy: Vec<u8>,
    /// Picture and mask.
    damaged: Option<(Vec<u8>, Vec<u8>)>,
}

fn twins(kind: SurfaceKind, defect: Option<DefectKind>, seed: u64, index: u64, side: usize) -> Twins {
    const TEXTURE: u64 = 0;
    const CAMERA: u64 = 1;
    const DAMAGE: u64 = 2;

    let key = key(kind, defect, seed, index);
    let (relief, level) = texture::healthy(kind, side, &mut Dice::new(key, TEXTURE));
    let light = relief.shade();
    let camera = Camera::expose(&light, side, level, &mut Dice::new(key, CAMERA));
    let healthy = camera.take(&light, side);
    let Some(defect) = defect else { return Twins { healthy, damaged: None } };
    let damaged = damage(defect, &relief, &healthy, &camera, &Dice::new(key, DAMAGE));
    Twins { healthy, damaged: Some(damaged) }
}

/// The picture of `relief` with a defect, and its mask.
fn damage(defect: DefectKind, relief: &Relief, healthy: &[u8], camera: &Camera, dice: &Dice) -> (Vec<u8>, Vec<u8>) {
    let side = relief.side;
    let mut strength = 1.0;
    loop {
        let mut damaged = relief.clone();
        let support = defect::damage(defect, &mut damaged, &mut dice.clone(), strength);
        let bytes = camera.take(&damaged.shade(), side);
        if let Some(mask) = mask::visible(healthy, &bytes, &support, side) {
            // Below the mask's threshold the twins are one picture, so that the mask is exact.
            let within = mask.iter().zip(bytes.iter().zip(healthy));
            let picture = within.map(|(m, (d, h))| if *m > 0 { *d } else { *h }).collect();
            return (picture, mask);
        }
        // The spot hides the damage: the same damage again, heavier.
        strength *= 1.5;
        if strength > 12.0 {
            return mask::blot(healthy, &support, side);
        }
    }
}

/// The key of a specimen's random numbers: its arguments, spelt out.
fn key(kind: SurfaceKind, defect: Option<DefectKind>, seed: u64, index: u64) -> [u8; 32] {
    let mut key = *b"surface.0-------0123456789abcdef";
    let kind = match kind {
        SurfaceKind::Turned => 1,
        SurfaceKind::Milled => 2,
        SurfaceKind::Ground => 3,
        SurfaceKind::Brushed => 4,
    };
    let defect = match defect {
        None => 0,
        Some(DefectKind::Scratch) => 1,
        Some(DefectKind::Pit) => 2,
        Some(DefectKind::Stain) => 3,
        Some(DefectKind::Smear) => 4,
        Some(DefectKind::Crack) => 5,
    };
    key[9] = kind;
    key[10] = defect;
    key[16..24].copy_from_slice(&seed.to_le_bytes());
    key[24..32].copy_from_slice(&index.to_le_bytes());
    key
}
