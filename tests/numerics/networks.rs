//! The networks against their definitions: shapes, parameter counts, folded upsampling against the reference, gradients against
//! finite differences.

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use ganspect::model::{
    Channels, Discriminator, Generator, Latent, ModelKnobs, NormOrder, Upsampling,
    layers::{Pass, up_conv, up_conv_reference},
    weights,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BOTH: [Upsampling; 2] = [Upsampling::ResizeConv, Upsampling::TransposedConv];

fn cpu() -> Device {
    Device::flex()
}

fn random<const D: usize>(shape: [usize; D], seed: u64, device: &Device) -> Tensor<D> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

fn assert_close(got: &[f32], wanted: &[f32], tolerance: f32, what: &str) {
    assert_eq!(got.len(), wanted.len(), "{what}");
    let scale = wanted.iter().map(|v| v.abs()).fold(1.0, f32::max);
    for (i, (a, b)) in got.iter().zip(wanted).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{what}: {a} for {b} at {i}");
    }
}

/// Upsamples a map by 2.
type Doubling = fn(Tensor<4>, Tensor<4>, Tensor<1>, Upsampling) -> Tensor<4>;

/// Returns the output, and the gradients of input, weight and bias.
fn double(upsample: Doubling, upsampling: Upsampling, size: [usize; 2]) -> [Vec<f32>; 4] {
    let device = cpu().autodiff();
    let x = random([2, 3, size[0], size[1]], 1, &device).require_grad();
    let weight = random([4, 3, 5, 5], 2, &device).require_grad();
    let bias = random([4], 3, &device).require_grad();
    let y = upsample(x.clone(), weight.clone(), bias.clone(), upsampling);
    assert_eq!(y.dims(), [2, 4, 2 * size[0], 2 * size[1]]);
    // A different weight for each output, including the borders, so that errors in the gradients do not cancel.
    let gradients = (y.clone() * random(y.dims(), 4, &cpu())).sum().backward();
    [
        values(y),
        values(x.grad(&gradients).unwrap()),
        values(weight.grad(&gradients).unwrap()),
        values(bias.grad(&gradients).unwrap()),
    ]
}

#[test]
fn folded_upsampling_equals_the_reference_in_value_and_gradient() {
    for upsampling in BOTH {
        for size in [[4, 4], [1, 1], [3, 5], [8, 2]] {
            let folded = double(up_conv, upsampling, size);
            let plain = double(up_conv_reference, upsampling, size);
            for (i, (a, b)) in folded.iter().zip(&plain).enumerate() {
                assert_close(a, b, 1e-4, &format!("{upsampling:?} {size:?} part {i}"));
            }
        }
    }
}

#[test]
fn a_generator_gives_the_same_output_folded_and_plain() {
    for upsampling in BOTH {
        let knobs = ModelKnobs { upsampling, size: 32, ..ModelKnobs::default() };
        let g = Generator::new(&knobs, &mut ChaCha8Rng::seed_from_u64(5), &cpu());
        let z = random([3, 100], 6, &cpu());
        let folded = values(g.forward(z.clone(), &mut Pass::Evaluate));
        assert_close(&folded, &values(g.forward_reference(z, &mut Pass::Evaluate)), 1e-4, "crop");
    }
}

#[test]
fn shapes_match_for_every_size_and_option() {
    for (size, channels, divisor) in
        [(32, Channels::Grey, 8), (64, Channels::Colour, 8), (128, Channels::Grey, 8), (32, Channels::Colour, 2)]
    {
        for norm_order in [NormOrder::ActivationFirst, NormOrder::NormFirst] {
            let knobs = ModelKnobs { size, channels, width_divisor: divisor, norm_order, ..ModelKnobs::default() };
            let mut rng = ChaCha8Rng::seed_from_u64(1);
            let g = Generator::new(&knobs, &mut rng, &cpu());
            let d = Discriminator::new(&knobs, &mut rng, &cpu());
            let z = Latent::new(&knobs).sample(2, &mut rng);
            let z = Tensor::from_data(TensorData::new(z, [2, knobs.latent_size]), &cpu());
            let crops = g.forward(z, &mut Pass::Train(&mut Vec::new()));
            assert_eq!(crops.dims(), [2, channels.count(), size, size]);
            assert!(values(crops.clone()).iter().all(|v| v.abs() <= 1.0));
            let logits = d.forward(crops.clone(), &mut Pass::Evaluate, |x| x);
            assert_eq!(logits.dims(), [2, 1]);
            let features = d.features(crops, &mut Pass::Evaluate);
            assert_eq!(features.dims(), [2, 4 * 128 / divisor, size / 8, size / 8]);
        }
    }
}

/// Returns the parameter counts of G and D by the formula, including running statistics (two values per normalised channel).
fn parameter_counts(knobs: &ModelKnobs) -> (usize, usize) {
    let f = knobs.filters();
    let kernel = |inputs: usize, outputs: usize| 25 * inputs * outputs + outputs;
    let norm = |channels: usize| 4 * channels;
    let last = *f.last().unwrap();
    let mut g = (knobs.latent_size + 1) * f[0] * 16 + norm(f[0]) + kernel(last, knobs.channels.count());
    let mut d = kernel(knobs.channels.count(), last) + f[0] * 16 + 1;
    for pair in f.windows(2) {
        g += kernel(pair[0], pair[1]) + norm(pair[1]);
        d += kernel(pair[1], pair[0]) + if knobs.discriminator_norm { norm(pair[0]) } else { 0 };
    }
    (g, d)
}

#[test]
fn parameter_counts_follow_the_formula() {
    for knobs in [
        ModelKnobs::default(),
        ModelKnobs { discriminator_norm: true, ..ModelKnobs::default() },
        ModelKnobs { size: 128, channels: Channels::Colour, ..ModelKnobs::default() },
        ModelKnobs { size: 32, width_divisor: 4, latent_size: 17, ..ModelKnobs::default() },
    ] {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let g = Generator::new(&knobs, &mut rng, &cpu());
        let d = Discriminator::new(&knobs, &mut rng, &cpu());
        assert_eq!((g.num_params(), d.num_params()), parameter_counts(&knobs), "{knobs:?}");
    }
    // The talk's network at full width: 1024, 512, 256, 128 filters.
    let talk = ModelKnobs { width_divisor: 1, ..ModelKnobs::default() };
    assert_eq!(talk.filters(), [1024, 512, 256, 128]);
    assert_eq!(
        parameter_counts(&talk).0,
        101 * 16_384 + 4 * 1024 + 13_107_712 + 4 * 512 + 3_277_056 + 4 * 256 + 819_328 + 4 * 128 + 3_201
    );
}

#[test]
fn the_gradient_of_z_is_that_of_finite_differences() {
    let knobs = ModelKnobs { size: 32, latent_size: 6, ..ModelKnobs::default() };
    let g = Generator::new(&knobs, &mut ChaCha8Rng::seed_from_u64(2), &cpu());
    let target = random([1, 1, 32, 32], 3, &cpu());
    let difference = |z: Tensor<2>| g.forward(z, &mut Pass::Evaluate) - target.clone();
    let z0 = values(random([1, 6], 4, &cpu()));
    let tracked = Tensor::<2>::from_data(TensorData::new(z0.clone(), [1, 6]), &cpu().autodiff()).require_grad();
    let gradients = difference(tracked.clone()).square().sum().backward();
    let gradient = values(tracked.grad(&gradients).unwrap());
    let h = 1e-3f32;
    for i in 0..6 {
        let at = |delta: f32| {
            let mut z = z0.clone();
            z[i] += delta;
            // Summed in double precision, so that the small difference of two large sums is accurate.
            let difference = values(difference(Tensor::from_data(TensorData::new(z, [1, 6]), &cpu())));
            difference.into_iter().map(|v| f64::from(v).powi(2)).sum::<f64>()
        };
        let slope = ((at(h) - at(-h)) / f64::from(2.0 * h)) as f32;
        let scale = gradient.iter().map(|v| v.abs()).fold(0.1, f32::max);
        assert!((gradient[i] - slope).abs() < 0.02 * scale, "{} for {slope} at {i}", gradient[i]);
    }
}

#[test]
fn weights_are_read_and_written_unchanged() {
    let knobs = ModelKnobs { size: 32, ..ModelKnobs::default() };
    let device = cpu().autodiff();
    let one = Generator::new(&knobs, &mut ChaCha8Rng::seed_from_u64(1), &device);
    let other = Generator::new(&knobs, &mut ChaCha8Rng::seed_from_u64(2), &device);
    let stored = weights::read(&one).unwrap();
    assert_ne!(stored, weights::read(&other).unwrap());
    let named = |list: &[weights::Weight]| list.iter().map(|w| (w.name.clone(), w.clone())).collect();
    let back = weights::write(other.clone(), &named(&stored)).unwrap();
    assert_eq!(weights::read(&back).unwrap(), stored);
    let error = weights::write(other.clone(), &named(&stored[1..])).unwrap_err();
    assert!(error.to_string().contains(&stored[0].name), "{error}");
    let mut wrong = stored.clone();
    wrong[0].shape.reverse();
    assert!(matches!(weights::write(other, &named(&wrong)), Err(weights::WeightError::Shape { .. })));
}

#[test]
fn the_average_moves_by_its_decay() {
    let knobs = ModelKnobs { size: 32, ..ModelKnobs::default() };
    let old = Generator::new(&knobs, &mut ChaCha8Rng::seed_from_u64(1), &cpu());
    let new = Generator::new(&knobs, &mut ChaCha8Rng::seed_from_u64(2), &cpu());
    let moved = weights::average(old.clone(), &new, 0.9);
    let triples = weights::read(&old).unwrap().into_iter().zip(weights::read(&new).unwrap());
    for ((a, b), c) in triples.zip(weights::read(&moved).unwrap()) {
        let wanted: Vec<f32> = a.values.iter().zip(&b.values).map(|(a, b)| 0.9 * a + 0.1 * b).collect();
        assert_close(&c.values, &wanted, 1e-6, &c.name);
    }
}

#[test]
fn running_statistics_follow_the_batch() {
    let knobs = ModelKnobs { size: 32, norm_momentum: 1.0, discriminator_norm: true, ..ModelKnobs::default() };
    let device = cpu().autodiff();
    let mut d = Discriminator::new(&knobs, &mut ChaCha8Rng::seed_from_u64(1), &device);
    let crops = random([8, 1, 32, 32], 2, &device);
    let mut stats = Vec::new();
    let trained = values(d.forward(crops.clone(), &mut Pass::Train(&mut stats), |x| x));
    let before = values(d.forward(crops.clone(), &mut Pass::Evaluate, |x| x));
    d.absorb(stats);
    // With a momentum of 1 the running statistics are those of the batch.
    let after = values(d.forward(crops, &mut Pass::Evaluate, |x| x));
    assert_close(&after, &trained, 1e-3, "logits");
    assert!(before.iter().zip(&trained).any(|(a, b)| (a - b).abs() > 1e-2));
}
