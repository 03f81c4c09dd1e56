//! CPU kernels for the networks: convolution, batch norm, dense layers and update rules as custom operations of Burn's CPU
//! backend, on vectors of whatever width the machine has.
//!
//! Each operation has a generic counterpart made of Burn's own operations. It serves all other devices, and is the reference
//! in the tests.
//!
//! # Memory layouts
//!
//! Maps are tensors `[batch, channels, height, width]`. If the batch is a multiple of 16, their values stay in CHWN order from
//! layer to layer, by means of the tensor's strides; otherwise they are in NCHW order.
//!
//! A convolution packs its input onto a grid: zero-padded planes, in which each tap of the kernel reads at a constant offset
//! from the position it contributes to. Nothing is copied per tap (no im2col), and the same few vectors are read repeatedly
//! from the nearest cache. Where possible each piece of work packs the rows that it reads itself, so that they are in the
//! caches of its core.
//!
//! One plane for a 3x3 kernel with padding 1, on two images `A` and `B` of 2x3 pixels, and on 16 such images `A` to `P`:
//!
//! ```text
//! NCHW                   CHWN
//!
//! .  .  .  .             .........  .........  .........  .........
//! .  A0 A1 A2            .........  A0B0...P0  A1B1...P1  A2B2...P2
//! .  A3 A4 A5            .........  A3B3...P3  A4B4...P4  A5B5...P5
//! .  .  .  .             .........  .........  .........  .........
//! .  B0 B1 B2            .........
//! .  B3 B4 B5
//! .  .  .  .             A vector holds one pixel of several images.
//! .                      Only the pixels of the output are computed.
//!
//! A vector holds neighbouring pixels. The zeros after a row are also the padding before the next.
//! ```
//!
//! An input with a stride is split into its phases, a plane each, so that neighbouring outputs read neighbouring values.

mod aligned;
mod buffer_pool;
mod burn_ops;
mod conv;
mod correlate;
mod cpu_tensor;
mod dense;
mod direct;
mod fold;
mod frozen_conv;
mod gradient;
mod layout;
mod norm;
mod pack;
mod parallel;
mod pointwise;
mod shape;
mod simd;
mod tanh;
mod unary;
mod update;

pub(crate) use buffer_pool::take_buffer;
pub use burn_ops::{conv, conv_generic, norm_generic, norm_train};
pub use dense::{FrozenDense, matmul};
pub use fold::{Fold, fold, fold_generic};
pub use frozen_conv::FrozenConv;
pub use parallel::join_thread_pool;
pub(crate) use pointwise::{add_constant, flatten, leaky_relu};
pub use shape::ConvShape;
pub use tanh::tanh;
pub use update::sum_squares;
pub(crate) use update::{Adam, adam, add, moving_average};
