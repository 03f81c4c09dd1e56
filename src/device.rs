//! Selection of the compute device.
//!
//! Hardware GPUs are used through wgpu. Without one, Burn's Flex backend computes on the CPU; it is also preferred to software
//! adapters such as llvmpipe, which are many times slower.

use std::{fmt, panic, str::FromStr};

use burn::tensor::{Device, DeviceKind};
use serde::{Deserialize, Serialize};

use crate::format::counted;

/// The device selected by the user: `auto`, `cpu`, `gpu` or `gpu:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceChoice {
    /// The first hardware GPU, else the CPU.
    #[default]
    Auto,
    /// The CPU, through Flex.
    Cpu,
    /// The first hardware GPU, or the one with this index in the list of adapters.
    Gpu(Option<usize>),
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu(None) => f.write_str("gpu"),
            Self::Gpu(Some(n)) => write!(f, "gpu:{n}"),
        }
    }
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(text: &str) -> Result<Self, DeviceError> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "gpu" => Ok(Self::Gpu(None)),
            _ => text
                .strip_prefix("gpu:")
                .and_then(|n| n.parse().ok())
                .map(|n| Self::Gpu(Some(n)))
                .ok_or_else(|| DeviceError::Unknown(text.into())),
        }
    }
}

impl TryFrom<String> for DeviceChoice {
    type Error = DeviceError;

    fn try_from(text: String) -> Result<Self, DeviceError> {
        text.parse()
    }
}

impl From<DeviceChoice> for String {
    fn from(choice: DeviceChoice) -> Self {
        choice.to_string()
    }
}

/// Why a device is not available.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The text does not name a device.
    #[error("'{0}' is not a device; choose auto, cpu, gpu or gpu:N with N from `ganspect devices`")]
    Unknown(String),
    /// There is no GPU with this index.
    #[error("there is no GPU number {0}; `ganspect devices` lists the available devices")]
    NoSuchGpu(usize),
    /// There is no GPU.
    #[error("no GPU was found; choose cpu, or install your GPU's Vulkan driver")]
    NoGpu,
    /// The driver reported an error.
    #[error("the GPU '{name}' could not be started: {reason}")]
    Start {
        /// Name of the adapter.
        name: String,
        /// Message of the driver.
        reason: String,
    },
}

/// An adapter of this machine, or the CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// N of `gpu:N`; `None` for the CPU and for software adapters.
    pub index: Option<usize>,
    /// Name reported by the driver.
    pub name: String,
    /// Graphics API, or "Flex" for the CPU.
    pub api: String,
    /// "discrete GPU", "integrated GPU", "virtual GPU", "software adapter" or "CPU".
    pub kind: &'static str,
    /// Why `auto` selects or skips it.
    pub note: &'static str,
    /// Whether `auto` selects it.
    pub picked: bool,
    selector: Option<DeviceKind>,
}

/// Lists the adapters of this machine and the CPU. Takes some hundred milliseconds, so do not call it on the UI thread.
pub fn adapters() -> Vec<Adapter> {
    // A broken driver may panic; there is then no GPU to list.
    let found = panic::catch_unwind(|| {
        let backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
        let descriptor =
            wgpu::InstanceDescriptor { backends, ..wgpu::InstanceDescriptor::new_without_display_handle() };
        let instance = wgpu::Instance::new(descriptor);
        let adapters = pollster::block_on(instance.enumerate_adapters(backends));
        adapters.iter().map(wgpu::Adapter::get_info).collect::<Vec<_>>()
    })
    .unwrap_or_default();
    rank(found.into_iter().map(|info| (info.name, format!("{:?}", info.backend), info.device_type)).collect())
}

/// Numbers the adapters and marks the one that `auto` selects: discrete GPUs before integrated before virtual ones, else the
/// CPU.
fn rank(found: Vec<(String, String, wgpu::DeviceType)>) -> Vec<Adapter> {
    use wgpu::DeviceType::{Cpu, DiscreteGpu, IntegratedGpu, VirtualGpu};
    let order = [DiscreteGpu, IntegratedGpu, VirtualGpu];
    let mut list = Vec::new();
    for kind in order {
        // The runtime identifies adapters of one kind by their index among them.
        for (place, (name, api, _)) in found.iter().filter(|f| f.2 == kind).enumerate() {
            let (kind, selector) = match kind {
                DiscreteGpu => ("discrete GPU", DeviceKind::DiscreteGpu(place)),
                IntegratedGpu => ("integrated GPU", DeviceKind::IntegratedGpu(place)),
                _ => ("virtual GPU", DeviceKind::VirtualGpu(place)),
            };
            let first = list.is_empty();
            list.push(Adapter {
                index: Some(list.len()),
                name: name.clone(),
                api: api.clone(),
                kind,
                note: if first { "selected: the first hardware GPU" } else { "skipped: another GPU comes first" },
                picked: first,
                selector: Some(selector),
            });
        }
    }
    let gpu = !list.is_empty();
    for (name, api, _) in found.iter().filter(|f| f.2 == Cpu) {
        list.push(Adapter {
            index: None,
            name: name.clone(),
            api: api.clone(),
            kind: "software adapter",
            note: "skipped: a software adapter is slower than the CPU",
            picked: false,
            selector: None,
        });
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    list.push(Adapter {
        index: None,
        name: counted(cores, "core"),
        api: "Flex".into(),
        kind: "CPU",
        note: if gpu { "skipped: a hardware GPU is available" } else { "selected: no hardware GPU found" },
        picked: !gpu,
        selector: None,
    });
    list
}

/// An open compute device.
#[derive(Clone, Debug)]
pub struct ComputeDevice {
    /// Burn's device, without autodiff.
    pub device: Device,
    /// Name for the status bar, such as "CPU, 2 cores".
    pub label: String,
    /// Why it was selected, as a sentence.
    pub reason: String,
    /// Whether it is a GPU, on which kernels are compiled at first use and reading results back stalls the queue.
    pub is_gpu: bool,
}

fn cpu(reason: &str) -> ComputeDevice {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    ComputeDevice {
        device: Device::flex(),
        label: format!("CPU, {}", counted(cores, "core")),
        reason: reason.into(),
        is_gpu: false,
    }
}

/// Opens the selected device. If it is not available, returns the CPU together with the reason.
pub fn open(choice: DeviceChoice) -> (ComputeDevice, Option<DeviceError>) {
    let adapters = match choice {
        DeviceChoice::Cpu => return (cpu("The CPU was selected."), None),
        DeviceChoice::Auto | DeviceChoice::Gpu(_) => adapters(),
    };
    let wanted = match choice {
        DeviceChoice::Gpu(Some(n)) => adapters.iter().find(|a| a.index == Some(n)),
        _ => adapters.iter().find(|a| a.index.is_some()),
    };
    let Some(adapter) = wanted else {
        return match choice {
            DeviceChoice::Gpu(Some(n)) => (cpu("The selected GPU was not found."), Some(DeviceError::NoSuchGpu(n))),
            DeviceChoice::Gpu(None) => (cpu("No hardware GPU was found."), Some(DeviceError::NoGpu)),
            DeviceChoice::Auto | DeviceChoice::Cpu => {
                let software = adapters.iter().any(|a| a.kind == "software adapter");
                let reason = if software {
                    "No hardware GPU was found, only a software adapter, which is slower than the CPU."
                } else {
                    "No hardware GPU was found."
                };
                (cpu(reason), None)
            }
        };
    };
    match start(adapter) {
        Ok(device) => {
            let reason = match choice {
                DeviceChoice::Auto => format!("The first hardware GPU ({}, {}).", adapter.kind, adapter.api),
                _ => format!("The selected GPU ({}, {}).", adapter.kind, adapter.api),
            };
            (ComputeDevice { device, label: adapter.name.clone(), reason, is_gpu: true }, None)
        }
        Err(error) => (cpu("The GPU could not be started; the CPU is used instead."), Some(error)),
    }
}

/// Starts the runtime on an adapter and tests it with a small sum.
fn start(adapter: &Adapter) -> Result<Device, DeviceError> {
    let fault = |reason: String| DeviceError::Start { name: adapter.name.clone(), reason };
    let kind = adapter.selector.clone().ok_or(DeviceError::NoGpu)?;
    // A driver may panic where it should return an error.
    let started = panic::catch_unwind(|| {
        let device = Device::wgpu_options().device_kind(kind).init().map_err(|e| e.to_string())?;
        let two = burn::tensor::Tensor::<1>::ones([2], &device).sum();
        let data = two.try_into_data().map_err(|e| format!("{e:?}"))?;
        match data.try_into_vec::<f32>() {
            Ok(values) if values == [2.0] => Ok(device),
            other => Err(format!("the test 1 + 1 gave {other:?}")),
        }
    });
    match started {
        Ok(result) => result.map_err(fault),
        Err(payload) => Err(fault(panic_text(payload.as_ref()))),
    }
}

/// Returns the message of a panic.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "no reason given".into())
}

#[cfg(test)]
mod tests {
    use wgpu::DeviceType;

    use super::*;

    fn machine(kinds: &[DeviceType]) -> Vec<Adapter> {
        rank(kinds.iter().map(|k| (format!("{k:?}"), "Vulkan".into(), *k)).collect())
    }

    #[test]
    fn a_software_adapter_means_the_cpu() {
        let list = machine(&[DeviceType::Cpu]);
        assert_eq!(list.iter().filter(|a| a.picked).map(|a| a.kind).collect::<Vec<_>>(), ["CPU"]);
        assert!(list.iter().all(|a| a.index.is_none()));
    }

    #[test]
    fn a_discrete_gpu_comes_before_an_integrated_one() {
        let list =
            machine(&[DeviceType::Cpu, DeviceType::IntegratedGpu, DeviceType::DiscreteGpu, DeviceType::DiscreteGpu]);
        let picked: Vec<_> = list.iter().filter(|a| a.picked).collect();
        assert_eq!(picked.len(), 1);
        assert_eq!((picked[0].kind, picked[0].index), ("discrete GPU", Some(0)));
        let integrated = list.iter().find(|a| a.kind == "integrated GPU").unwrap();
        assert_eq!(integrated.index, Some(2));
        assert_eq!(integrated.selector, Some(DeviceKind::IntegratedGpu(0)));
    }

    #[test]
    fn choices_survive_their_text() {
        for text in ["auto", "cpu", "gpu", "gpu:2"] {
            assert_eq!(text.parse::<DeviceChoice>().unwrap().to_string(), text);
        }
        let error = "cuda".parse::<DeviceChoice>().unwrap_err().to_string();
        assert!(error.contains("'cuda'") && error.contains("gpu:N"), "{error}");
    }

    #[test]
    fn a_gpu_that_is_not_there_gives_the_cpu_and_says_so() {
        let (chosen, error) = open(DeviceChoice::Gpu(Some(97)));
        assert!(!chosen.is_gpu);
        assert_eq!(error, Some(DeviceError::NoSuchGpu(97)));
    }
}
