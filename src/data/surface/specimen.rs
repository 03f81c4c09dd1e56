//! Draws single specimens of a surface.

use super::{
    defect,
    kind::{DefectType, PREFIX, SurfaceKind},
    mask,
    noise::SeededRng,
    relief::{Camera, Relief},
    texture,
};
use crate::data::{FileHash, Picture};

/// Minimum and maximum side of a drawn image in pixels; [`draw`] clamps to them.
pub const SIDE_RANGE: [usize; 2] = [16, 8192];

/// A drawn image with its mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specimen {
    /// Grey, or RGB for a coloured surface; 8 bits, square.
    pub picture: Picture,
    /// Mask of the defect in the size of the image: 255 inside, 0 outside. `None` without a defect.
    pub mask: Option<Picture>,
}

/// Draws specimen `index` of a surface, `side` pixels square (clamped to [`SIDE_RANGE`]).
///
/// A pure function of its arguments. Every combination of surface, defect, seed and index has its own texture, so no
/// defective specimen shares one with a healthy specimen. The random numbers are the same on every platform; grey levels
/// may differ by one between platforms whose mathematical functions round differently.
pub fn draw(kind: SurfaceKind, defect: Option<DefectType>, seed: u64, index: u64, side: usize) -> Specimen {
    let side = side.clamp(SIDE_RANGE[0], SIDE_RANGE[1]);
    let SpecimenPair { healthy, damaged } = draw_pair(kind, defect, seed, index, side);
    match damaged {
        None => Specimen { picture: Picture::square(side, kind.channels(), healthy), mask: None },
        Some((bytes, mask)) => Specimen {
            picture: Picture::square(side, kind.channels(), bytes),
            mask: Some(Picture::square(side, 1, mask)),
        },
    }
}

/// Returns the hash that identifies a drawn specimen in place of a file.
pub(crate) fn specimen_hash(
    kind: SurfaceKind,
    defect: Option<DefectType>,
    seed: u64,
    index: usize,
    side: usize,
) -> FileHash {
    let defect = defect.map_or(String::new(), |defect| format!("/{defect}"));
    FileHash::of(format!("{PREFIX}{kind}{defect}:{seed}:{index}:{side}").as_bytes())
}

/// The same surface without and with a defect.
pub(super) struct SpecimenPair {
    pub healthy: Vec<u8>,
    /// Image and mask.
    pub damaged: Option<(Vec<u8>, Vec<u8>)>,
}

pub(super) fn draw_pair(
    kind: SurfaceKind,
    defect: Option<DefectType>,
    seed: u64,
    index: u64,
    side: usize,
) -> SpecimenPair {
    const TEXTURE: u64 = 0;
    const CAMERA: u64 = 1;
    const DAMAGE: u64 = 2;

    let key = key(kind, defect, seed, index);
    let (relief, level) = texture::healthy(kind, side, &mut SeededRng::new(key, TEXTURE));
    let shading = relief.shade();
    let camera = Camera::expose(&shading, side, level, &mut SeededRng::new(key, CAMERA));
    let healthy = camera.capture(&relief, &shading);
    let Some(defect) = defect else { return SpecimenPair { healthy, damaged: None } };
    let damaged = damage(defect, &relief, &healthy, &camera, &SeededRng::new(key, DAMAGE));
    SpecimenPair { healthy, damaged: Some(damaged) }
}

/// Returns the image of `relief` with a defect, and its mask.
fn damage(defect: DefectType, relief: &Relief, healthy: &[u8], camera: &Camera, rng: &SeededRng) -> (Vec<u8>, Vec<u8>) {
    let side = relief.side;
    let mut strength = 1.0;
    loop {
        let mut damaged = relief.clone();
        let support = defect::damage(defect, &mut damaged, &mut rng.clone(), strength);
        let bytes = camera.capture(&damaged, &damaged.shade());
        if let Some(mask) = mask::visible(healthy, &bytes, &support, side) {
            let channels = bytes.len() / mask.len().max(1);
            // Changes below the mask's threshold are reverted, so that the mask is exact.
            let within = bytes.iter().zip(healthy).enumerate();
            let picture = within.map(|(i, (d, h))| if mask[i / channels] > 0 { *d } else { *h }).collect();
            return (picture, mask);
        }
        // The damage is not visible here: draw the same damage again, stronger.
        strength *= 1.5;
        if strength > 12.0 {
            return mask::force_visible(healthy, &support, side);
        }
    }
}

/// Returns the seed of a specimen's random numbers, composed of its arguments.
fn key(kind: SurfaceKind, defect: Option<DefectType>, seed: u64, index: u64) -> [u8; 32] {
    let mut key = *b"surface.0-------0123456789abcdef";
    let kind = match kind {
        SurfaceKind::Turned => 1,
        SurfaceKind::Milled => 2,
        SurfaceKind::Ground => 3,
        SurfaceKind::Brushed => 4,
        SurfaceKind::Sintered => 5,
        SurfaceKind::Painted => 6,
        SurfaceKind::Anodised => 7,
    };
    let defect = match defect {
        None => 0,
        Some(DefectType::Scratch) => 1,
        Some(DefectType::Pit) => 2,
        Some(DefectType::Stain) => 3,
        Some(DefectType::Smear) => 4,
        Some(DefectType::Crack) => 5,
        Some(DefectType::HairlineCrack) => 6,
        Some(DefectType::Discolouration) => 7,
    };
    key[9] = kind;
    key[10] = defect;
    key[16..24].copy_from_slice(&seed.to_le_bytes());
    key[24..32].copy_from_slice(&index.to_le_bytes());
    key
}
