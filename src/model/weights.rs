//! The parameters of a network by name: reading, replacing and averaging them.

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::{Device, Tensor, TensorData},
};

use crate::kernels;

/// One named parameter on the host, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// Dotted path in the network, such as `up.0.conv.weight`.
    pub name: String,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Values, row-major.
    pub values: Vec<f32>,
}

/// Returns the tensors named `prefix/…` by their names without the prefix: one network out of a file of several.
pub fn with_prefix(tensors: &[Weight], prefix: &str) -> BTreeMap<String, Weight> {
    let strip = |w: &Weight| {
        let name = w.name.strip_prefix(prefix)?.strip_prefix('/')?.to_string();
        Some((name.clone(), Weight { name, shape: w.shape.clone(), values: w.values.clone() }))
    };
    tensors.iter().filter_map(strip).collect()
}

/// Why stored weights could not be loaded into a network.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum WeightError {
    /// A parameter of the network is not stored.
    #[error("the tensor '{0}' is missing")]
    Missing(String),
    /// The stored shape differs from the network's.
    #[error("the tensor '{name}' is {stored:?}, but the recipe's network has {wanted:?}")]
    Shape {
        /// Name of the parameter.
        name: String,
        /// Stored shape.
        stored: Vec<usize>,
        /// Shape in the network.
        wanted: Vec<usize>,
    },
    /// A stored value is out of the range that its tensor has.
    #[error("the tensor '{name}' holds {value}, but {wanted}")]
    Range {
        /// Name of the tensor.
        name: String,
        /// The value.
        value: f32,
        /// What holds for every value.
        wanted: &'static str,
    },
    /// A computed value is not a number; the text says which.
    #[error("{0} came out as NaN or infinity")]
    NotFinite(&'static str),
    /// The values could not be read from the device.
    #[error("its values could not be read from the device: {0}")]
    Device(String),
}

/// The dotted path of the current parameter while a network is traversed.
#[derive(Default)]
pub(crate) struct ParameterPath(Vec<String>);

impl ParameterPath {
    pub(crate) fn enter(&mut self, name: &str) {
        self.0.push(name.into());
    }

    pub(crate) fn exit(&mut self) {
        self.0.pop();
    }

    pub(crate) fn name(&self) -> String {
        self.0.join(".")
    }
}

/// Reads every parameter of `network` back from its device.
///
/// # Errors
/// [`WeightError::Device`] if the device fails.
pub fn read<M: Module>(network: &M) -> Result<Vec<Weight>, WeightError> {
    struct Reader {
        path: ParameterPath,
        weights: Vec<Weight>,
        error: Option<WeightError>,
    }
    impl ModuleVisitor for Reader {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.exit();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            match host(param.val()) {
                Ok((shape, values)) => self.weights.push(Weight { name: self.path.name(), shape, values }),
                Err(error) => self.error = Some(error),
            }
        }
    }
    let mut reader = Reader { path: ParameterPath::default(), weights: Vec::new(), error: None };
    network.visit(&mut reader);
    reader.error.map_or(Ok(reader.weights), Err)
}

/// Copies a tensor's shape and values to the host.
///
/// # Errors
/// [`WeightError::Device`] if the device fails.
pub fn host<const D: usize>(tensor: Tensor<D>) -> Result<(Vec<usize>, Vec<f32>), WeightError> {
    let shape = tensor.dims().to_vec();
    let data = tensor.try_into_data().map_err(|e| WeightError::Device(format!("{e:?}")))?;
    let values = data.try_into_vec::<f32>().map_err(|e| WeightError::Device(format!("{e:?}")))?;
    Ok((shape, values))
}

/// As [`host`], for values that have to be finite; `what` names them in errors.
///
/// # Errors
/// [`WeightError::NotFinite`] for NaN or infinity, [`WeightError::Device`] if the device fails.
pub(crate) fn host_finite<const D: usize>(
    tensor: Tensor<D>,
    what: &'static str,
) -> Result<(Vec<usize>, Vec<f32>), WeightError> {
    let read = host(tensor)?;
    if read.1.iter().all(|value| value.is_finite()) { Ok(read) } else { Err(WeightError::NotFinite(what)) }
}

/// Returns `network` with every parameter replaced by the stored one of the same name.
///
/// # Errors
/// [`WeightError::Missing`] or [`WeightError::Shape`] for the first parameter that does not match.
pub fn write<M: Module>(network: M, stored: &BTreeMap<String, Weight>) -> Result<M, WeightError> {
    struct Writer<'a> {
        path: ParameterPath,
        stored: &'a BTreeMap<String, Weight>,
        error: Option<WeightError>,
    }
    impl ModuleMapper for Writer<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.enter(name);
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.exit();
        }
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let name = self.path.name();
            let wanted = param.val().dims();
            let error = match self.stored.get(&name) {
                None => WeightError::Missing(name),
                Some(weight) if weight.shape != wanted => {
                    WeightError::Shape { name, stored: weight.shape.clone(), wanted: wanted.to_vec() }
                }
                Some(weight) => {
                    return replace(param, |old| {
                        Tensor::from_data(TensorData::new(weight.values.clone(), wanted), &old.device())
                    });
                }
            };
            self.error.get_or_insert(error);
            param
        }
    }
    let mut writer = Writer { path: ParameterPath::default(), stored, error: None };
    let network = network.map(&mut writer);
    writer.error.map_or(Ok(network), Err)
}

/// Updates a moving average of parameters: `average * decay + network * (1 - decay)`, running statistics included.
pub fn average<M: Module>(average: M, network: &M, decay: f64) -> M {
    struct Collector(Vec<Tensor<1>>);
    impl ModuleVisitor for Collector {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(flat(param.val()));
        }
    }
    struct Blender {
        new: std::vec::IntoIter<Tensor<1>>,
        decay: f64,
    }
    impl ModuleMapper for Blender {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let Some(new) = self.new.next() else { return param };
            let decay = self.decay;
            replace(param, |old| {
                let shape = old.shape();
                kernels::moving_average(flat(old), new, decay).reshape(shape)
            })
        }
    }
    let mut collector = Collector(Vec::new());
    network.visit(&mut collector);
    average.map(&mut Blender { new: collector.0.into_iter(), decay })
}

/// Moves the network out, leaving empty parameters behind. Tensors with a single owner can then be updated in place.
pub(crate) fn take<M: Module>(network: &mut M) -> M {
    struct Emptier;
    impl ModuleMapper for Emptier {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            replace(param, |_| Tensor::zeros([1; D], &Device::flex()))
        }
    }
    let empty = network.clone().map(&mut Emptier);
    std::mem::replace(network, empty)
}

/// Flattens a tensor, detached from the autodiff graph.
pub(crate) fn flat<const D: usize>(tensor: Tensor<D>) -> Tensor<1> {
    let tensor = tensor.without_autodiff();
    let len = tensor.shape().num_elements();
    tensor.reshape([len])
}

/// Replaces the value of `param` by one computed outside the graph; whether it requires a gradient does not change.
pub(crate) fn replace<const D: usize>(
    param: Param<Tensor<D>>,
    update: impl FnOnce(Tensor<D>) -> Tensor<D>,
) -> Param<Tensor<D>> {
    param.map(|old| {
        let (autodiff, grad) = (old.is_autodiff(), old.is_require_grad());
        let new = update(old.without_autodiff());
        match (autodiff, grad) {
            (false, _) => new,
            (true, false) => new.autodiff(),
            (true, true) => new.autodiff().require_grad(),
        }
    })
}
