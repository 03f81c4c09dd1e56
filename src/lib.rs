//! Ganspect inspects surfaces: it trains a GAN on images of healthy machined surfaces, shows the training live, and says whether
//! an image is healthy.
//!
//! The binary is a window and a command line over this library. For use as a library, from bottom to top: [`data`] turns a
//! folder or a built-in surface into crops, [`train`] trains the networks of [`model`], [`inspect`] back-propagates over z and
//! judges, [`review`] keeps the record of verdicts, and [`engine`] runs all of it on its own thread. `ARCHITECTURE.md` names
//! the layers.
//!
//! Ten training steps on a built-in surface, then an inspection of an image that the networks never saw:
//!
//! ```
//! use std::sync::Arc;
//!
//! use ganspect::{
//!     data::{CropSampler, DataSource, Loader, surface},
//!     device::{self, DeviceChoice},
//!     inspect::{FrozenNetworks, InspectionJob, InvertPreset, Planes, Regions, ScoreKind},
//!     train::{Preset, Trainer, Update},
//! };
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (chosen, _) = device::open(DeviceChoice::Cpu);
//! let mut recipe = Preset::Laptop.recipe();
//! recipe.assign("model.size=32")?;
//! recipe.assign("train.batch=4")?;
//!
//! let opened = "surface:turned".parse::<DataSource>()?.open(&|_done, _total| true)?;
//! let split = opened.split(recipe.data.holdout, recipe.seed)?;
//! let sampler = CropSampler::new(Arc::clone(&opened.store), opened.training_indices(&split), recipe.crop_spec())?;
//! let loader = Loader::new(sampler, recipe.seed)?;
//! let mut trainer = Trainer::new(recipe.clone(), &chosen.device, loader, 1);
//! for _ in 0..10 {
//!     trainer.step(Update::Both)?;
//! }
//! assert_eq!(trainer.steps(), 10);
//!
//! let (generator, discriminator) = trainer.networks();
//! let networks = FrozenNetworks::new(generator, discriminator, None, &chosen.device);
//! let image = surface::draw(surface::SurfaceKind::Turned, None, 7, 0, 64).picture;
//! let planes = Arc::new(Planes::of(&image, recipe.model.channels.count(), 1.0));
//! let mut knobs = InvertPreset::Talk2017.knobs();
//! knobs.steps = 20;
//! let mut job = InspectionJob::new(&networks, planes, knobs, &Regions::default())?;
//! while !job.slice(&networks)? {}
//! let outcome = job.outcome(None).ok_or("the inspection was stopped")?;
//! assert_eq!(outcome.steps, 20);
//! println!("residual per pixel: {:.3}", outcome.scores().get(ScoreKind::L1));
//! # Ok(())
//! # }
//! ```

// Tests write files in their own folders, sometimes deliberately incomplete ones.
#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::disallowed_macros))]
// `pub` is for the users of the library: everything public can be reached and named from outside.
#![warn(unreachable_pub, unnameable_types)]

pub mod cli;
pub mod data;
pub mod device;
pub mod engine;
pub mod files;
mod format;
pub mod inspect;
pub mod kernels;
mod logging;
pub mod model;
pub mod paths;
pub mod review;
pub mod tensorboard;
mod text;
mod time;
pub mod train;
pub mod ui;

/// Networks allocate and free large blocks all the time; mimalloc keeps them for reuse instead of returning them to the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
