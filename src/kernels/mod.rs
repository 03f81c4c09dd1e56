//! What the networks cost on a processor: convolutions, batch norm and update rules as operations of their own,
//! through Burn's extension point, on vectors of whatever width the machine has.
//!
//! Everything here has a generic twin made of Burn's own operations. It serves every other device, and is what
//! the tests hold these kernels to.
//!
//! A convolution reads its maps from a grid: planes with a rim of zeros, laid out so that every tap
//! of the kernel is a constant distance from the position it contributes to. No columns are copied together
//! (im2col); the same few vectors are read again and again from the nearest cache. A piece of work lays out the rows that it
//! reads itself, so that they are in the caches of the core that reads them.
//!
//! A batch of a multiple of sixteen images stays in the order that suits vectors from layer to layer: channel by channel, its
//! images side by side in each pixel. For Burn such maps are `[batch, channels, height, width]` with strides of their own.

mod buffer_pool;
mod burn_ops;
mod conv;
mod correlate;
mod dense;
mod direct;
mod fold;
mod frozen_conv;
mod gradient;
mod layout;
mod norm;
mod parallel;
mod pointwise;
mod tanh;
mod unary;
mod update;

pub use buffer_pool::fresh;
pub use burn_ops::{ConvShape, conv, conv_generic, norm_generic, norm_train};
pub use dense::{FrozenDense, product};
pub use fold::{Fold, fold, fold_generic};
pub use frozen_conv::FrozenConv;
pub use parallel::join;
pub use pointwise::{flattened, leaky_relu, moved};
pub use tanh::tanh;
pub use update::{Adam, adam, average, square_sum, sum};
