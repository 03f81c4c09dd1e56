//! Convolutions whose weights no longer change, and what batch norm does beside them taken into their weights.

use burn::tensor::Tensor;

use crate::kernels::{ConvShape, FrozenConv, conv};

/// A factor and an offset for each channel, `[1, channels, 1, 1]`.
pub type Affine = (Tensor<4>, Tensor<4>);

/// The number of each channel of `[1, channels, 1, 1]` for every one of `all` places, in runs of equal length.
pub fn spread(each: &Tensor<4>, all: usize) -> Tensor<1> {
    let [_, channels, ..] = each.dims();
    each.clone().reshape([channels, 1]).expand([channels, all / channels]).reshape([all])
}

/// The weights of a convolution that stands still, to be joined with what is done before and after it.
#[derive(Clone, Debug)]
pub struct FixedConv {
    weight: Tensor<4>,
    /// `[outputs, 1, 1]`, or one for each place that is computed.
    bias: Tensor<3>,
    shape: ConvShape,
}

impl FixedConv {
    /// Of weights `[outputs, inputs, kernel, kernel]` and a bias `[outputs]`.
    pub fn new(weight: Tensor<4>, bias: Tensor<1>, shape: ConvShape) -> Self {
        let [outputs] = bias.dims();
        Self { weight: weight.without_autodiff(), bias: bias.without_autodiff().reshape([outputs, 1, 1]), shape }
    }

    /// The same behind `x * factor + offset`, for maps of this size: zeros around a map stay zeros, so that what the
    /// offset brings is another thing at the rim.
    pub fn after(mut self, (factor, offset): &Affine, [height, width]: [usize; 2]) -> Self {
        let [outputs, inputs, ..] = self.weight.dims();
        let constant = offset.clone().expand([1, inputs, height, width]);
        let plain = ConvShape { leaky: None, shuffle: false, ..self.shape };
        let brought = conv(constant, self.weight.clone(), Tensor::zeros([outputs], &self.weight.device()), plain);
        self.bias = self.bias + brought.squeeze_dim(0);
        self.weight = self.weight * factor.clone();
        self
    }

    /// The same with `y * factor + offset` between it and its LeakyReLU.
    pub fn before(self, affine: &Affine) -> Self {
        let own = self.scaled(&affine.0);
        let [outputs, ..] = own.weight.dims();
        Self { bias: own.bias + spread(&affine.1, outputs).reshape([outputs, 1, 1]), ..own }
    }

    /// The same, what comes out multiplied by a factor of shape `[1, c, 1, 1]`: one for each channel, or for each
    /// that a pixel shuffle leaves.
    pub fn scaled(self, factor: &Tensor<4>) -> Self {
        let [outputs, ..] = self.weight.dims();
        let factor = spread(factor, outputs).reshape([outputs, 1, 1, 1]);
        Self { bias: self.bias * factor.clone().squeeze_dim(3), weight: self.weight * factor, shape: self.shape }
    }

    /// Laid out for the device.
    pub fn still(self) -> FrozenConv {
        FrozenConv::new(self.weight, self.bias, self.shape)
    }
}
