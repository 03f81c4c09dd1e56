//! The CPU kernels against Burn's own operations, over random shapes, strides, paddings and dilations.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use ganspect::kernels::{
    ConvShape, Fold, FrozenConv, FrozenDense, conv, conv_generic, fold, fold_generic, matmul, norm_generic, norm_train,
    sum_squares, tanh,
};
use proptest::{prelude::*, test_runner::RngSeed};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The parameters of one convolution.
#[derive(Clone, Debug)]
struct Case {
    batch: usize,
    inputs: usize,
    outputs: usize,
    size: [usize; 2],
    kernel: [usize; 2],
    shape: ConvShape,
    seed: u64,
}

/// Batch sizes; multiples of 16 have their own memory layout.
fn batches() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 1..20_usize, 2 => Just(16), 1 => Just(32)]
}

/// Height and width; maps with long rows are computed in a different way.
fn sizes() -> impl Strategy<Value = [usize; 2]> {
    prop_oneof![3 => [1..20_usize, 1..20_usize], 1 => [2..14_usize, 24..70_usize]]
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = (batches(), 1..7_usize, 1..20_usize, sizes(), [1..6_usize, 1..6_usize]);
    let moves = (1..4_usize, 0..4_usize, 1..3_usize, prop::option::of(0.05..0.9), any::<bool>(), any::<u64>());
    (sizes, moves).prop_filter_map("the kernel is larger than the padded input", |(sizes, moves)| {
        let (batch, inputs, outputs, size, kernel) = sizes;
        let (stride, padding, dilation, leaky, shuffle, seed) = moves;
        let fits = (0..2).all(|i| dilation * (kernel[i] - 1) < size[i] + 2 * padding);
        // A pixel shuffle needs a multiple of four channels.
        let outputs = if shuffle { outputs.next_multiple_of(4) } else { outputs };
        let shape = ConvShape { stride, padding, dilation, leaky, shuffle };
        fits.then_some(Case { batch, inputs, outputs, size, kernel, shape, seed })
    })
}

fn random<const D: usize>(dims: [usize; D], rng: &mut ChaCha8Rng, device: &Device) -> Tensor<D> {
    let values: Vec<f32> = (0..dims.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_data(TensorData::new(values, dims), device)
}

/// Returns random maps about a mean, in CHWN order for odd seeds.
fn random_maps(dims: [usize; 4], mean: f64, seed: u64, rng: &mut ChaCha8Rng, device: &Device) -> Tensor<4> {
    let [batch, channels, height, width] = dims;
    match seed % 2 {
        0 => random(dims, rng, device) + mean,
        _ => (random([channels, height, width, batch], rng, device) + mean).permute([3, 0, 1, 2]),
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// Returns the output, and the gradients of x, weight and bias under a loss with a random weight for each output.
fn run(case: &Case, conv: fn(Tensor<4>, Tensor<4>, Tensor<1>, ConvShape) -> Tensor<4>) -> [Vec<f32>; 4] {
    let device = Device::flex();
    let mut rng = ChaCha8Rng::seed_from_u64(case.seed);
    let tracked = |x: Tensor<4>| x.autodiff().require_grad();
    let dims = [case.batch, case.inputs, case.size[0], case.size[1]];
    let x = tracked(random_maps(dims, 0.0, case.seed, &mut rng, &device));
    let weight = tracked(random([case.outputs, case.inputs, case.kernel[0], case.kernel[1]], &mut rng, &device));
    let bias = random([case.outputs], &mut rng, &device).autodiff().require_grad();
    let y = conv(x.clone(), weight.clone(), bias.clone(), case.shape);
    let loss = (y.clone() * random(y.dims(), &mut rng, &device)).sum();
    let mut gradients = loss.backward();
    [
        numbers(y.without_autodiff()),
        numbers(x.grad_remove(&mut gradients).unwrap()),
        numbers(weight.grad_remove(&mut gradients).unwrap()),
        numbers(bias.grad_remove(&mut gradients).unwrap()),
    ]
}

/// Returns the first pair of values that differ by more than 1e-4 of the largest value.
fn mismatch(got: &[f32], wanted: &[f32]) -> Option<(f32, f32)> {
    let most = wanted.iter().fold(1.0, |most: f32, v| most.max(v.abs()));
    let pairs = got.iter().copied().zip(wanted.iter().copied());
    (got.len() == wanted.len()).then_some(())?;
    pairs.into_iter().find(|(a, b)| (a - b).abs() > 1e-4 * most)
}

/// Outputs closer to zero than this may have either sign.
const KINK: f32 = 4e-6;

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::with_cases(400)
    })]

    #[test]
    fn a_convolution_and_its_gradients_equal_the_generic_ones(case in cases()) {
        let (got, wanted) = (run(&case, conv), run(&case, conv_generic));
        // At the kink of LeakyReLU, rounding decides the slope that a gradient is multiplied by.
        prop_assume!(case.shape.leaky.is_none() || wanted[0].iter().all(|y| y.abs() > KINK));
        for (i, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
            prop_assert_eq!(got.len(), wanted.len());
            prop_assert_eq!(mismatch(got, wanted), None, "part {}", i);
        }
    }
}

/// Returns the output of a frozen convolution, with a bias per position or per channel, and the gradients of x and of the
/// residual.
fn run_frozen(case: &Case, forward: fn(&FrozenConv, Tensor<4>, Tensor<4>) -> Tensor<4>) -> [Vec<f32>; 3] {
    let device = Device::flex();
    let mut rng = ChaCha8Rng::seed_from_u64(case.seed);
    let dims = [case.batch, case.inputs, case.size[0], case.size[1]];
    let x = random_maps(dims, 0.0, case.seed / 2, &mut rng, &device);
    let weight = random([case.outputs, case.inputs, case.kernel[0], case.kernel[1]], &mut rng, &device);
    let none = Tensor::zeros([case.outputs], &device);
    let plain = ConvShape { leaky: None, shuffle: false, ..case.shape };
    let [_, _, height, width] = conv_generic(x.clone(), weight.clone(), none, plain).dims();
    let bias = match case.seed % 2 {
        0 => random([case.outputs, height, width], &mut rng, &device),
        _ => random([case.outputs, 1, 1], &mut rng, &device),
    };
    let out = match case.shape.shuffle {
        true => [case.batch, case.outputs / 4, 2 * height, 2 * width],
        false => [case.batch, case.outputs, height, width],
    };
    let [x, residual] =
        [x, random_maps(out, 0.0, case.seed / 4, &mut rng, &device)].map(|t| t.autodiff().require_grad());
    let y = forward(&FrozenConv::new(weight, bias, case.shape), x.clone(), residual.clone());
    let mut gradients = (y.clone() * random(y.dims(), &mut rng, &device)).sum().backward();
    let [x, residual] = [x, residual].map(|t| t.grad_remove(&mut gradients).map(numbers).unwrap_or_default());
    [numbers(y.without_autodiff()), x, residual]
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(3),
        failure_persistence: None,
        ..ProptestConfig::with_cases(300)
    })]

    #[test]
    fn a_frozen_convolution_equals_the_generic_one(case in cases()) {
        let wanted = run_frozen(&case, |conv, x, _| conv.forward_generic(x));
        prop_assume!(case.shape.leaky.is_none() || wanted[0].iter().all(|y| y.abs() > KINK));
        for (i, (got, wanted)) in run_frozen(&case, |conv, x, _| conv.forward(x)).iter().zip(&wanted).enumerate() {
            prop_assert_eq!(got.len(), wanted.len());
            prop_assert_eq!(mismatch(got, wanted), None, "part {}", i);
        }
    }

    #[test]
    fn a_frozen_convolution_with_a_residual_equals_the_generic_one(case in cases()) {
        let wanted = run_frozen(&case, FrozenConv::forward_residual_generic);
        prop_assume!(case.shape.leaky.is_none() || wanted[0].iter().all(|y| y.abs() > KINK));
        prop_assert!(!wanted[2].is_empty());
        for (i, (got, wanted)) in run_frozen(&case, FrozenConv::forward_residual).iter().zip(&wanted).enumerate() {
            prop_assert_eq!(got.len(), wanted.len());
            prop_assert_eq!(mismatch(got, wanted), None, "part {}", i);
        }
        // Without autodiff, as in use.
        let frozen = |forward: fn(&FrozenConv, Tensor<4>, Tensor<4>) -> Tensor<4>| {
            let device = Device::flex();
            let mut rng = ChaCha8Rng::seed_from_u64(case.seed);
            let dims = [case.batch, case.inputs, case.size[0], case.size[1]];
            let x = random_maps(dims, 0.0, case.seed / 2, &mut rng, &device);
            let weight = random([case.outputs, case.inputs, case.kernel[0], case.kernel[1]], &mut rng, &device);
            let conv = FrozenConv::new(weight, random([case.outputs, 1, 1], &mut rng, &device), case.shape);
            let residual = conv.forward(x.clone());
            numbers(forward(&conv, x, random_maps(residual.dims(), 0.0, case.seed / 4, &mut rng, &device)))
        };
        let (got, wanted) = (frozen(FrozenConv::forward_residual), frozen(FrozenConv::forward_residual_generic));
        prop_assert_eq!((got.len(), mismatch(&got, &wanted)), (wanted.len(), None));
    }

    #[test]
    fn folded_weights_and_their_gradient_equal_the_generic_ones(
        size in [1..9_usize, 1..40_usize],
        seed in any::<u64>(),
    ) {
        // An arbitrary mapping of taps: several to one, and some to none.
        let rule = Arc::new(Fold::new(|large, phase| (large % 7 != phase).then(|| (large * 5 + phase) % 9)));
        let run = |way: &dyn Fn(Tensor<4>) -> Tensor<4>| {
            let device = Device::flex();
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let weight = random([size[0], size[1], 5, 5], &mut rng, &device).autodiff().require_grad();
            let y = way(weight.clone());
            let mut gradients = (y.clone() * random(y.dims(), &mut rng, &device)).sum().backward();
            [numbers(y.without_autodiff()), numbers(weight.grad_remove(&mut gradients).unwrap())]
        };
        let (got, wanted) = (run(&|w| fold(w, &rule)), run(&|w| fold_generic(w, &rule)));
        for (got, wanted) in got.iter().zip(&wanted) {
            prop_assert_eq!(got.len(), wanted.len());
            prop_assert_eq!(mismatch(got, wanted), None);
        }
    }
}

#[test]
fn a_dense_layer_equals_the_generic_one() {
    let device = Device::flex();
    for (rows, inputs, outputs, leaky) in [(1, 100, 2048, Some(0.2)), (3, 5, 129, None), (16, 40, 200, Some(0.1))] {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let [x, weight] = [[rows, inputs], [inputs, outputs]].map(|dims| random(dims, &mut rng, &device));
        let (bias, factors) = (random([outputs], &mut rng, &device), random([rows, outputs], &mut rng, &device));
        let run = |way: &dyn Fn(Tensor<2>, Tensor<2>) -> Tensor<2>| {
            let (x, weight) = (x.clone().autodiff().require_grad(), weight.clone().autodiff().require_grad());
            let y = way(x.clone(), weight.clone());
            let mut gradients = (y.clone() * factors.clone()).sum().backward();
            let weight = weight.grad_remove(&mut gradients).map(numbers).unwrap_or_default();
            [numbers(y.without_autodiff()), numbers(x.grad_remove(&mut gradients).unwrap()), weight]
        };
        let frozen = FrozenDense::new(weight.clone(), bias, leaky);
        for (got, wanted) in [
            (run(&matmul), run(&|x, weight| x.matmul(weight))),
            (run(&|x, _| frozen.forward(x)), run(&|x, _| frozen.forward_generic(x))),
        ] {
            for (got, wanted) in got.iter().zip(&wanted) {
                assert_eq!((got.len(), mismatch(got, wanted)), (wanted.len(), None));
            }
        }
    }
}

#[test]
fn squares_are_summed_in_parts_and_in_full() {
    let device = Device::flex();
    for len in [1, 17, 100_003] {
        let x = random([len], &mut ChaCha8Rng::seed_from_u64(1), &device);
        let wanted: f64 = numbers(x.clone()).iter().map(|&v| f64::from(v).powi(2)).sum();
        let got = f64::from(numbers(sum_squares(x))[0]);
        assert!((got - wanted).abs() < 1e-5 * wanted, "{got} for {wanted}");
    }
}

#[test]
fn a_large_batch_and_a_large_frame_equal_the_generic_ones() {
    // Large enough for several threads and for each memory layout, with shapes that occur in the networks.
    let of = |batch, inputs, outputs, side, kernel, shape| Case {
        batch,
        inputs,
        outputs,
        size: [side, side],
        kernel: [kernel, kernel],
        shape,
        seed: 1,
    };
    let same = ConvShape { padding: 1, leaky: Some(0.2), ..ConvShape::default() };
    let halving = ConvShape { stride: 2, padding: 2, leaky: Some(0.2), ..ConvShape::default() };
    for case in [
        of(33, 24, 64, 4, 3, ConvShape { shuffle: true, ..same }),
        of(16, 16, 40, 16, 5, halving),
        of(48, 24, 36, 17, 5, halving),
        of(32, 12, 64, 12, 3, ConvShape { shuffle: true, ..same }),
        of(16, 12, 48, 8, 5, halving),
        of(16, 12, 32, 8, 5, halving),
        of(5, 12, 16, 9, 5, halving),
        of(1, 12, 20, 130, 5, halving),
        of(2, 12, 20, 50, 3, ConvShape { shuffle: true, ..same }),
        of(1, 16, 12, 96, 3, ConvShape { padding: 4, dilation: 4, ..same }),
    ] {
        for (got, wanted) in run(&case, conv).iter().zip(&run(&case, conv_generic)) {
            assert_eq!(mismatch(got, wanted), None, "{case:?}");
        }
    }
}

#[test]
fn consecutive_layers_equal_the_generic_ones() {
    let device = Device::flex();
    type Layer = fn(Tensor<4>, Tensor<4>, Tensor<1>, ConvShape) -> Tensor<4>;
    type Normed = fn(Tensor<4>, Tensor<1>, Tensor<1>, f64, Option<f64>) -> (Tensor<4>, Tensor<1>, Tensor<1>);
    for batch in [5, 16, 32] {
        let run = |layer: Layer, normed: Normed| {
            let mut rng = ChaCha8Rng::seed_from_u64(7);
            let x = random([batch, 2, 12, 12], &mut rng, &device).autodiff().require_grad();
            let weight = |dims: [usize; 4], rng: &mut ChaCha8Rng| random(dims, rng, &device).autodiff().require_grad();
            let weights =
                [weight([12, 2, 5, 5], &mut rng), weight([8, 12, 3, 3], &mut rng), weight([1, 8, 3, 3], &mut rng)];
            let [gamma, beta] = [1.5, 0.3].map(|by| random([12], &mut rng, &device) + by);
            let none = |outputs: usize| Tensor::zeros([outputs], &device);
            let halving = ConvShape { stride: 2, padding: 2, ..ConvShape::default() };
            let doubling = ConvShape { padding: 1, shuffle: true, ..ConvShape::default() };
            let [first, second, third] = weights.clone();
            let (y, _, _) = normed(layer(x.clone(), first, none(12), halving), gamma, beta, 1e-3, Some(0.2));
            let doubled = layer(y.clone(), second, none(8), doubling);
            // Where the graph forks, the gradients are summed.
            let same = ConvShape { padding: 1, leaky: Some(0.3), ..ConvShape::default() };
            let z = layer(y.slice([0..batch, 0..8]), third, none(1), same);
            let factors = [doubled.dims(), z.dims()].map(|dims| random(dims, &mut rng, &device));
            let [one, two] = factors;
            let mut gradients = ((doubled.clone() * one).sum() + (z.clone() * two).sum()).backward();
            let mut all = vec![numbers(doubled.without_autodiff()), numbers(z.without_autodiff())];
            all.push(numbers(x.grad_remove(&mut gradients).unwrap()));
            all.extend(weights.iter().map(|w| numbers(w.grad_remove(&mut gradients).unwrap())));
            all
        };
        for (i, (got, wanted)) in run(conv, norm_train).iter().zip(&run(conv_generic, norm_generic)).enumerate() {
            assert_eq!((got.len(), mismatch(got, wanted)), (wanted.len(), None), "part {i} of {batch}");
        }
    }
}

/// Returns the output of a batch norm, its moments, and the gradients of x, gamma and beta.
fn run_norm(dims: [usize; 4], leaky: Option<f64>, seed: u64, fast: bool) -> [Vec<f32>; 6] {
    let device = Device::flex();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Far from zero, where single precision is least accurate.
    let x = random_maps(dims, 2.0, seed, &mut rng, &device).autodiff().require_grad();
    let [gamma, beta] = [1.5, 0.3].map(|by| (random([dims[1]], &mut rng, &device) + by).autodiff().require_grad());
    let norm = if fast { norm_train } else { norm_generic };
    let (y, mean, variance) = norm(x.clone(), gamma.clone(), beta.clone(), 1e-3, leaky);
    let loss = (y.clone() * random(dims, &mut rng, &device)).sum();
    let mut gradients = loss.backward();
    [
        numbers(y.without_autodiff()),
        numbers(mean),
        numbers(variance),
        numbers(x.grad_remove(&mut gradients).unwrap()),
        numbers(gamma.grad_remove(&mut gradients).unwrap()),
        numbers(beta.grad_remove(&mut gradients).unwrap()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(2),
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    })]

    #[test]
    fn batch_norm_and_its_gradients_equal_the_generic_ones(
        (batch, sizes) in (batches(), [1..9_usize, 1..20_usize, 1..20_usize]),
        leaky in prop::option::of(0.05..0.9),
        seed in any::<u64>(),
    ) {
        let dims = [batch, sizes[0], sizes[1], sizes[2]];
        // A single value has no variance.
        prop_assume!(dims[0] * dims[2] * dims[3] > 1);
        let (got, wanted) = (run_norm(dims, leaky, seed, true), run_norm(dims, leaky, seed, false));
        prop_assume!(leaky.is_none() || wanted[0].iter().all(|y| y.abs() > KINK));
        for (i, (got, wanted)) in got.iter().zip(&wanted).enumerate() {
            prop_assert_eq!(got.len(), wanted.len());
            prop_assert_eq!(mismatch(got, wanted), None, "part {}", i);
        }
    }
}

#[test]
fn the_hyperbolic_tangent_and_its_gradient_equal_the_generic_ones() {
    let device = Device::flex();
    for dims in [[1, 1, 3, 5], [4, 3, 65, 65]] {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let x = random(dims, &mut rng, &device) * 3.0;
        let factors = random(dims, &mut rng, &device);
        let run = |f: fn(Tensor<4>) -> Tensor<4>| {
            let x = x.clone().autodiff().require_grad();
            let y = f(x.clone());
            let mut gradients = (y.clone() * factors.clone().autodiff()).sum().backward();
            let parts = [y.without_autodiff(), x.grad_remove(&mut gradients).unwrap()];
            parts.map(|t| t.into_data().try_into_vec::<f32>().unwrap())
        };
        let (got, wanted) = (run(tanh), run(|x| x.tanh()));
        for (got, wanted) in got.iter().flatten().zip(wanted.iter().flatten()) {
            assert!((got - wanted).abs() < 1e-5, "{got} {wanted}");
        }
        // The input is unchanged.
        assert_eq!(run(tanh), got);
    }
}

#[test]
fn only_requested_gradients_are_computed() {
    let device = Device::flex();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let weight = random([4, 2, 3, 3], &mut rng, &device);
    let bias = random([4], &mut rng, &device);
    let x = random([2, 2, 8, 8], &mut rng, &device).autodiff().require_grad();
    let mut gradients = conv(x.clone(), weight.clone(), bias, ConvShape::default()).sum().backward();
    assert!(x.grad_remove(&mut gradients).is_some());
    assert!(weight.grad_remove(&mut gradients).is_none());
}
