//! Anomaly regions: connected regions of a map above a threshold that is calibrated on healthy images, with their outlines
//! and measures.

mod components;
mod find;
mod levels;
mod list;
mod measures;
mod outline;
mod region;
mod rule;
mod settings;
pub(crate) mod table;
#[cfg(test)]
mod tests;

pub use find::find_regions;
pub use levels::{CORE, GAP, RegionLevels};
pub use list::{NoRegions, RegionList};
pub use measures::{RegionMeasures, RegionMicrometres};
pub use region::AnomalyRegion;
pub use rule::{MAX_REGIONS, RegionRule};
pub(crate) use settings::{MAX_AREA, PIXEL_SIZES};
pub use settings::{MinArea, PixelSize, RegionSettings, RegionSettingsError};
