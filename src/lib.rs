//! Ganspect inspects surfaces: it trains a GAN on images of healthy machined surfaces, shows the training live, and decides
//! whether an image shows a healthy part, with a promised false-alarm rate.
//!
//! The modules, lowest first: [`device`], [`files`], [`format`], [`time`], [`paths`], [`logging`] and [`kernels`];
//! [`tensorboard`], [`data`] and [`model`]; [`train`]; [`inspect`]; [`review`]; [`engine`]; [`cli`] and [`ui`]. A module uses
//! only modules listed before it.

// Unit tests write to temporary folders, some of them incomplete files.
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

/// Networks constantly allocate and free large blocks, which this allocator keeps for reuse.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
