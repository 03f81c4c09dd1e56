//! The method against its definitions: networks, kernels, inversion, the critic, and the GPU beside the CPU.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::disallowed_methods)] // tests put files in folders of their own, where half a file is wanted now and then

mod criticising;
mod gpu;
mod inspection;
mod kernels;
mod networks;
