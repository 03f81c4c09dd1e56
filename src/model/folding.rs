//! Folding of batch norm into the weights of adjacent convolutions.

use burn::tensor::Tensor;

use crate::kernels::{ConvShape, FrozenConv, conv};

/// A factor and an offset per channel, each of shape `[1, channels, 1, 1]`.
pub(crate) type Affine = (Tensor<4>, Tensor<4>);

/// Repeats the value of each channel of `[1, channels, 1, 1]` in runs of equal length, to `all` values.
pub(crate) fn spread(each: &Tensor<4>, all: usize) -> Tensor<1> {
    let [_, channels, ..] = each.dims();
    each.clone().reshape([channels, 1]).expand([channels, all / channels]).reshape([all])
}

/// The weights of a convolution, into which the operations before and after it are folded.
#[derive(Clone, Debug)]
pub(crate) struct FoldedConv {
    weight: Tensor<4>,
    /// `[outputs, 1, 1]`, or one value per output position, `[outputs, height, width]`.
    bias: Tensor<3>,
    shape: ConvShape,
}

impl FoldedConv {
    /// Starts from weights `[outputs, inputs, kernel, kernel]` and a bias `[outputs]`.
    pub(crate) fn new(weight: Tensor<4>, bias: Tensor<1>, shape: ConvShape) -> Self {
        let [outputs] = bias.dims();
        Self { weight: weight.without_autodiff(), bias: bias.without_autodiff().reshape([outputs, 1, 1]), shape }
    }

    /// Folds in `x * factor + offset` before the convolution, for maps of this size. Padding stays zero, so the contribution
    /// of the offset differs at the border, and the bias becomes one value per position.
    pub(crate) fn fold_input_affine(mut self, (factor, offset): &Affine, [height, width]: [usize; 2]) -> Self {
        let [outputs, inputs, ..] = self.weight.dims();
        let constant = offset.clone().expand([1, inputs, height, width]);
        let plain = ConvShape { leaky: None, shuffle: false, ..self.shape };
        let contribution = conv(constant, self.weight.clone(), Tensor::zeros([outputs], &self.weight.device()), plain);
        self.bias = self.bias + contribution.squeeze_dim(0);
        self.weight = self.weight * factor.clone();
        self
    }

    /// Folds in `y * factor + offset` between the convolution and its LeakyReLU.
    pub(crate) fn fold_output_affine(self, affine: &Affine) -> Self {
        let scaled = self.scaled(&affine.0);
        let [outputs, ..] = scaled.weight.dims();
        Self { bias: scaled.bias + spread(&affine.1, outputs).reshape([outputs, 1, 1]), ..scaled }
    }

    /// Multiplies the output by a factor of shape `[1, c, 1, 1]`, one per channel before or after the pixel shuffle.
    pub(crate) fn scaled(self, factor: &Tensor<4>) -> Self {
        let [outputs, ..] = self.weight.dims();
        let factor = spread(factor, outputs).reshape([outputs, 1, 1, 1]);
        Self { bias: self.bias * factor.clone().squeeze_dim(3), weight: self.weight * factor, shape: self.shape }
    }

    /// Packs the weights for the device.
    pub(crate) fn freeze(self) -> FrozenConv {
        FrozenConv::new(self.weight, self.bias, self.shape)
    }
}
