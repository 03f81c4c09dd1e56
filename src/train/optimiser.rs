//! Update rules with settings that can change between steps and moments that can be saved.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{Device, Gradients, Tensor, TensorData},
};

use super::recipe::{OptimiserKind, OptimiserKnobs};
use crate::{
    kernels::{Adam, adam, add, moving_average, sum_squares},
    model::weights::{ParameterPath, Weight, WeightError, flat, host, replace},
};

/// Added to the root of the second moment, as in Keras.
const EPSILON: f64 = 1e-7;

/// One network's optimiser: Adam, SGD with momentum, or RMSProp with momentum.
#[derive(Debug)]
pub(crate) struct Optimiser {
    kind: OptimiserKind,
    /// Number of updates, for Adam's bias correction.
    time: u64,
    first: BTreeMap<String, Tensor<1>>,
    second: BTreeMap<String, Tensor<1>>,
}

impl Optimiser {
    /// Creates an optimiser with empty moments.
    pub(crate) fn new(kind: OptimiserKind) -> Self {
        Self { kind, time: 0, first: BTreeMap::new(), second: BTreeMap::new() }
    }

    /// Updates every parameter of `network` that has a gradient, the sum of those in `gradients`, and returns the squared
    /// L2 norm of the gradient (one number, still on the device). `watch` collects each gradient under the name
    /// `network/gradients/parameter`.
    pub(crate) fn update<M: Module>(
        &mut self,
        prefix: &str,
        network: M,
        gradients: &mut [Gradients],
        knobs: &OptimiserKnobs,
        watch: Option<&mut Vec<(String, Tensor<1>)>>,
    ) -> (M, Option<Tensor<1>>) {
        if self.kind != knobs.kind {
            *self = Self::new(knobs.kind);
        }
        self.time += 1;
        let mut updater =
            Updater { optimiser: self, gradients, knobs, path: ParameterPath::default(), prefix, norm: None, watch };
        let network = network.map(&mut updater);
        let norm = updater.norm;
        (network, norm)
    }

    /// Updates a single tensor `w` with gradient `g` that does not belong to a network; its moments are stored under
    /// `name`.
    pub(crate) fn update_tensor(
        &mut self,
        name: &str,
        w: Tensor<1>,
        g: Tensor<1>,
        knobs: &OptimiserKnobs,
    ) -> Tensor<1> {
        self.time += 1;
        self.step(name, w, g, knobs)
    }

    /// Returns the updated value of a parameter `w` with gradient `g`.
    fn step(&mut self, name: &str, w: Tensor<1>, g: Tensor<1>, knobs: &OptimiserKnobs) -> Tensor<1> {
        let (beta1, beta2) = (knobs.beta1, knobs.beta2);
        match self.kind {
            OptimiserKind::Adam => {
                let time = self.time.min(1_000_000) as i32;
                let rate = knobs.lr * (1.0 - beta2.powi(time)).sqrt() / (1.0 - beta1.powi(time));
                let moments = [&mut self.first, &mut self.second]
                    .map(|all| all.remove(name).unwrap_or_else(|| Tensor::zeros(g.shape(), &g.device())));
                let (w, [first, second]) = adam(w, g, moments, Adam { rate, beta1, beta2, epsilon: EPSILON });
                self.first.insert(name.into(), first);
                self.second.insert(name.into(), second);
                w
            }
            OptimiserKind::Sgd => {
                let first = momentum(self.first.remove(name), g, beta1);
                self.first.insert(name.into(), first.clone());
                w - first * knobs.lr
            }
            OptimiserKind::RmsProp => {
                let old = self.second.remove(name).unwrap_or_else(|| Tensor::zeros(g.shape(), &g.device()));
                let second = moving_average(old, g.clone().square(), beta2);
                let first = momentum(self.first.remove(name), g / (second.clone().sqrt() + EPSILON), beta1);
                self.second.insert(name.into(), second);
                self.first.insert(name.into(), first.clone());
                w - first * knobs.lr
            }
        }
    }

    /// Returns the number of updates and the moments by name, for a checkpoint.
    ///
    /// # Errors
    /// If the values cannot be read from the device.
    pub(crate) fn state(&self) -> Result<(u64, Vec<Weight>), WeightError> {
        let moments = self.first.iter().map(|m| ("first", m)).chain(self.second.iter().map(|m| ("second", m)));
        let weights = moments.map(|(order, (name, tensor))| {
            let (shape, values) = host(tensor.clone())?;
            Ok(Weight { name: format!("{order}/{name}"), shape, values })
        });
        Ok((self.time, weights.collect::<Result<_, WeightError>>()?))
    }

    /// Restores an optimiser from a checkpoint.
    pub(crate) fn restore(kind: OptimiserKind, time: u64, moments: Vec<Weight>, device: &Device) -> Self {
        let mut optimiser = Self { time, ..Self::new(kind) };
        let device = device.clone().without_autodiff();
        for weight in moments {
            let tensor = Tensor::from_data(TensorData::new(weight.values, weight.shape), &device);
            if let Some(name) = weight.name.strip_prefix("first/") {
                optimiser.first.insert(name.into(), tensor);
            } else if let Some(name) = weight.name.strip_prefix("second/") {
                optimiser.second.insert(name.into(), tensor);
            }
        }
        optimiser
    }
}

/// Returns `old * beta + new`, starting from zero.
fn momentum(old: Option<Tensor<1>>, new: Tensor<1>, beta: f64) -> Tensor<1> {
    match old {
        Some(old) if beta > 0.0 => old * beta + new,
        _ => new,
    }
}

struct Updater<'a> {
    optimiser: &'a mut Optimiser,
    gradients: &'a mut [Gradients],
    knobs: &'a OptimiserKnobs,
    path: ParameterPath,
    prefix: &'a str,
    norm: Option<Tensor<1>>,
    watch: Option<&'a mut Vec<(String, Tensor<1>)>>,
}

impl ModuleMapper for Updater<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let parts = self.gradients.iter_mut().filter_map(|gradients| param.val().grad_remove(gradients));
        let Some(gradient) = parts.map(flat).reduce(add) else { return param };
        let name = self.path.name();
        let square = sum_squares(gradient.clone());
        self.norm = Some(match self.norm.take() {
            Some(norm) => norm + square,
            None => square,
        });
        if let Some(watch) = &mut self.watch {
            watch.push((format!("{}/gradients/{name}", self.prefix), gradient.clone()));
        }
        replace(param, |old| {
            let shape = old.shape();
            self.optimiser.step(&name, flat(old), gradient, self.knobs).reshape(shape)
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[derive(Module, Debug)]
    struct One {
        w: Param<Tensor<1>>,
    }

    /// Three updates of w = (1, -2) under the loss sum(w^2).
    fn run(knobs: &OptimiserKnobs) -> Vec<f32> {
        let device = Device::flex().autodiff();
        let mut network = One { w: Param::from_tensor(Tensor::from_floats([1.0, -2.0], &device)) };
        let mut optimiser = Optimiser::new(knobs.kind);
        for _ in 0..3 {
            let mut gradients = [network.w.val().square().sum().backward()];
            let norm;
            (network, norm) = optimiser.update("one", network, &mut gradients, knobs, None);
            assert!(norm.is_some());
        }
        network.w.val().into_data().try_into_vec().unwrap()
    }

    /// The same in scalar arithmetic.
    fn by_hand(knobs: &OptimiserKnobs) -> Vec<f32> {
        [1.0f64, -2.0]
            .into_iter()
            .map(|mut w| {
                let (mut m, mut v) = (0.0, 0.0);
                for t in 1..=3 {
                    let g = 2.0 * w;
                    match knobs.kind {
                        OptimiserKind::Adam => {
                            m = knobs.beta1 * m + (1.0 - knobs.beta1) * g;
                            v = knobs.beta2 * v + (1.0 - knobs.beta2) * g * g;
                            let (mh, vh) = (m / (1.0 - knobs.beta1.powi(t)), v / (1.0 - knobs.beta2.powi(t)));
                            w -= knobs.lr * mh / (vh.sqrt() + 1e-7);
                        }
                        OptimiserKind::Sgd => {
                            m = knobs.beta1 * m + g;
                            w -= knobs.lr * m;
                        }
                        OptimiserKind::RmsProp => {
                            v = knobs.beta2 * v + (1.0 - knobs.beta2) * g * g;
                            m = knobs.beta1 * m + g / (v.sqrt() + 1e-7);
                            w -= knobs.lr * m;
                        }
                    }
                }
                w as f32
            })
            .collect()
    }

    #[test]
    fn each_rule_follows_its_paper() {
        for kind in [OptimiserKind::Adam, OptimiserKind::Sgd, OptimiserKind::RmsProp] {
            let knobs = OptimiserKnobs { kind, lr: 0.01, beta1: 0.5, beta2: 0.9 };
            for (got, expected) in run(&knobs).into_iter().zip(by_hand(&knobs)) {
                assert!((got - expected).abs() < 1e-5, "{kind:?}: {got} for {expected}");
            }
        }
    }
}
