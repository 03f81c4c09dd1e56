//! The weights that a critic starts from: a critic of drawn textures of many kinds.
//!
//! A few hundred images of one surface and one family of synthetic damage teach a network much about both, and little about
//! damage of other kinds. Textures of many kinds teach it filters for texture in general first (Yosinski et al., "How
//! transferable are features in deep neural networks?", 2014).

use std::{collections::BTreeMap, io::Cursor};

use rand::{Rng, RngExt};

use crate::model::{
    Critic,
    tensor_file::TensorReader,
    weights::{self, Weight, WeightError},
};

/// The weights that come with the program.
const STORED: &[u8] = include_bytes!("../../assets/critic.safetensors");
/// Name of the weights of the first convolution, `[outputs, channels, kernel, kernel]`.
const FIRST: &str = "fine.0.conv.weight";
/// Name of the brightness, which is that of the images at hand.
const BRIGHTNESS: &str = "light";

/// The pretrained weights as they are stored; `None` for a damaged file.
fn stored() -> Option<Vec<Weight>> {
    let reader = TensorReader::new(Cursor::new(STORED), STORED.len() as u64).ok()?;
    Some(reader.tensors().ok()?.0)
}

/// Returns `critic` with the pretrained weights, and its own brightness; as it is if there are none for its width.
///
/// The weights are those of a grey image. In colour each channel takes its share of them, and what weighs the differences
/// of channels stays random.
///
/// # Errors
/// [`WeightError`] if values cannot be read from the device.
pub(super) fn pretrained(critic: Critic, channels: usize, rng: &mut impl Rng) -> Result<Critic, WeightError> {
    let own: BTreeMap<String, Weight> =
        weights::read(&critic)?.into_iter().map(|weight| (weight.name.clone(), weight)).collect();
    let mut all: BTreeMap<String, Weight> =
        stored().unwrap_or_default().into_iter().map(|weight| (weight.name.clone(), weight)).collect();
    all.extend(own.get(BRIGHTNESS).map(|weight| (BRIGHTNESS.to_owned(), weight.clone())));
    if channels > 1
        && let Some(first) = all.get_mut(FIRST)
    {
        *first = coloured(first, channels, rng);
    }
    let fits = all.len() == own.len()
        && own.iter().all(|(name, weight)| all.get(name).is_some_and(|stored| stored.shape == weight.shape));
    if fits { weights::write(critic, &all) } else { Ok(critic) }
}

/// The weights of a first convolution for images of several channels.
fn coloured(grey: &Weight, channels: usize, rng: &mut impl Rng) -> Weight {
    let [outputs, _, height, width] = grey.shape[..] else { return grey.clone() };
    let taps = height * width;
    let limit = ((channels * taps) as f32).sqrt().recip();
    let mut values = Vec::with_capacity(channels * grey.values.len());
    for kernel in grey.values.chunks_exact(taps.max(1)) {
        let random: Vec<f32> = (0..channels * taps).map(|_| rng.random_range(-limit..limit)).collect();
        let mean = |tap: usize| (0..channels).map(|c| random[c * taps + tap]).sum::<f32>() / channels as f32;
        let share = |i: usize| kernel[i % taps] / channels as f32 + random[i] - mean(i % taps);
        values.extend((0..channels * taps).map(share));
    }
    Weight { name: grey.name.clone(), shape: vec![outputs, channels, height, width], values }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::{model::layers::Pass, train::Recipe};

    fn critic(channels: usize, width: usize) -> (Critic, ChaCha8Rng) {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let device = Device::flex();
        let critic = Critic::new(channels, width, [0.1, 0.4], &mut rng, &device);
        (critic.with_line_head(&mut rng, &device), rng)
    }

    fn values(critic: &Critic, name: &str) -> Vec<f32> {
        weights::read(critic).unwrap().into_iter().find(|weight| weight.name == name).unwrap().values
    }

    #[test]
    fn the_default_critic_starts_from_the_stored_weights_and_keeps_its_brightness() {
        let width = Recipe::default().critic.width;
        let (random, mut rng) = critic(1, width);
        let (first, light) = (values(&random, FIRST), values(&random, BRIGHTNESS));
        let started = pretrained(random, 1, &mut rng).unwrap();
        assert_ne!(values(&started, FIRST), first);
        assert_eq!(values(&started, BRIGHTNESS), light);
        assert_eq!(values(&started, FIRST), stored().unwrap().into_iter().find(|w| w.name == FIRST).unwrap().values);
    }

    #[test]
    fn a_critic_of_another_width_starts_at_random() {
        let (random, mut rng) = critic(1, 12);
        let before = values(&random, FIRST);
        assert_eq!(values(&pretrained(random, 1, &mut rng).unwrap(), FIRST), before);
    }

    #[test]
    fn grey_images_look_the_same_to_a_critic_in_colour() {
        let width = Recipe::default().critic.width;
        let of = |channels: usize| {
            let (random, mut rng) = critic(channels, width);
            pretrained(random, channels, &mut rng).unwrap()
        };
        let (grey, coloured) = (of(1), of(3));
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let plane: Vec<f32> = (0..32 * 32).map(|_| rng.random_range(-0.5..0.9)).collect();
        let logits = |critic: &Critic, channels: usize| {
            let data = TensorData::new(plane.repeat(channels), [1, channels, 32, 32]);
            let x = Tensor::<4>::from_data(data, &Device::flex());
            critic.forward(x, &mut Pass::Evaluate).into_data().try_into_vec::<f32>().unwrap()
        };
        let (a, b) = (logits(&grey, 1), logits(&coloured, 3));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-3 * a.abs().max(1.0)), "{a:?} {b:?}");
    }
}
