//! Numerical tests of networks, kernels, inversion and critic against their definitions, and of the GPU against the CPU.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking
#![allow(clippy::disallowed_macros)] // says what it skips
#![allow(clippy::disallowed_methods)] // tests write to temporary folders, some of them incomplete files

mod critic;
mod gpu;
mod inspection;
mod kernels;
mod networks;
