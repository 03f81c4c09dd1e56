//! The table of all knobs of a recipe with their keys, ranges, units and help texts.
//!
//! The recipe file, `--set`, the panels and the help page all use it.

mod domain;
mod knob;
mod table;

pub(crate) use domain::plain;
pub use domain::{Domain, OutOfDomain};
pub use knob::{Group, Knob};
pub use table::KNOBS;

/// Finds the knob with this key.
pub fn knob(key: &str) -> Option<&'static Knob> {
    KNOBS.iter().find(|k| k.key == key)
}
