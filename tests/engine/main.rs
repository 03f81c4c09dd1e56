//! Tests of the engine and the command line.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::disallowed_methods)] // tests put files in folders of their own, where half a file is wanted now and then

mod camera;
mod compatibility;
mod evaluating;
mod finetuning;
mod harness;
mod inspecting;
mod intake;
mod layouts;
mod model_building;
mod reviewing;
mod training;
mod watching;
