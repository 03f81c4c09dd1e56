//! Ganspect inspects surfaces: it learns what a healthy machined surface looks like by training a
//! GAN on images of good parts, shows that training live, and tells an operator whether a dropped
//! image is healthy.
//!
//! The rooms, from the ground up: [`boxes`], [`device`], [`files`] and [`kernels`]; [`data`] and [`model`]; [`report`] and
//! [`train`]; [`inspect`]; [`review`]; [`engine`]; [`cli`] and [`ui`]. A room uses only rooms named before it.

// Tests put files in their own folders, where half a file is what they want now and then.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod cli;
pub mod data;
pub mod device;
pub mod engine;
pub mod files;
pub mod format;
pub mod inspect;
pub mod kernels;
pub mod logging;
pub mod model;
pub mod paths;
pub mod review;
pub mod tensorboard;
pub mod time;
pub mod train;
pub mod ui;

/// Networks make and drop large blocks all the time; this one keeps them at hand instead of handing them back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
