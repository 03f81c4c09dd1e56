//! Tests of the engine and the command line.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::disallowed_methods)] // tests write to temporary folders, some of them incomplete files

mod built_in;
mod camera;
mod colour;
mod compatibility;
mod evaluating;
mod exporting;
mod finetuning;
mod harness;
mod inspecting;
mod intake;
mod layouts;
mod model_building;
mod outliers;
mod reviewing;
mod terminal;
mod training;
mod watching;
