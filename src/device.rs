//! Which accelerator computes, and why.
//!
//! A real GPU works through wgpu. No GPU, or a software adapter such as llvmpipe, means Burn's Flex
//! backend on the CPU, which is many times faster than Vulkan in software.

use std::{fmt, panic, str::FromStr};

use burn::tensor::{Device, DeviceKind};
use serde::{Deserialize, Serialize};

/// What the user asked for: `auto`, `cpu`, `gpu` or `gpu:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceChoice {
    /// The first real GPU, else the CPU.
    #[default]
    Auto,
    /// The CPU, through Flex.
    Cpu,
    /// The first real GPU, or the one of this number in the list of adapters.
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

/// Why a device cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Not a device's name.
    #[error("'{0}' is no device; choose auto, cpu, gpu or gpu:N with N from `ganspect devices`")]
    Unknown(String),
    /// A GPU was asked for by number, and there is none of that number.
    #[error("there is no GPU number {0}; `ganspect devices` lists what there is")]
    NoSuchGpu(usize),
    /// A GPU was asked for, and there is none.
    #[error("no GPU was found; choose cpu, or install your GPU's Vulkan driver")]
    NoGpu,
    /// The driver refused.
    #[error("the GPU '{name}' did not start: {reason}")]
    Start {
        /// The adapter.
        name: String,
        /// The driver's words.
        reason: String,
    },
}

/// One adapter of the machine, the CPU included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// N of `gpu:N`; `None` for the CPU and for software adapters.
    pub index: Option<usize>,
    /// The driver's name for it.
    pub name: String,
    /// The interface it is reached through.
    pub api: String,
    /// "discrete GPU", "integrated GPU", "virtual GPU", "software adapter" or "CPU".
    pub kind: &'static str,
    /// Why `auto` picks it or passes it over.
    pub note: &'static str,
    /// Whether `auto` picks it.
    pub picked: bool,
    selector: Option<DeviceKind>,
}

/// Every adapter of this machine. Takes some hundred milliseconds: not for the window's thread.
pub fn adapters() -> Vec<Adapter> {
    // A broken driver may panic inside the listing; then there is no GPU to offer.
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

/// Numbers the adapters and lets `auto` pick one: a discrete GPU before an integrated one before a
/// virtual one, else the CPU.
fn rank(found: Vec<(String, String, wgpu::DeviceType)>) -> Vec<Adapter> {
    use wgpu::DeviceType::{Cpu, DiscreteGpu, IntegratedGpu, VirtualGpu};
    let order = [DiscreteGpu, IntegratedGpu, VirtualGpu];
    let mut list = Vec::new();
    for kind in order {
        // The runtime tells adapters of one kind apart by their place among their like.
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
                note: if first { "picked: the first real GPU" } else { "passed over: another GPU comes first" },
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
            note: "passed over: a GPU in software is slower than the CPU itself",
            picked: false,
            selector: None,
        });
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    list.push(Adapter {
        index: None,
        name: format!("{cores} {}", if cores == 1 { "core" } else { "cores" }),
        api: "Flex".into(),
        kind: "CPU",
        note: if gpu { "passed over: there is a real GPU" } else { "picked: there is no real GPU" },
        picked: !gpu,
        selector: None,
    });
    list
}

/// A device that is ready to compute.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// Burn's handle, without autodiff.
    pub device: Device,
    /// Name for the status bar: "CPU, 2 cores".
    pub label: String,
    /// Why this one, in a sentence.
    pub reason: String,
    /// Whether it is a GPU, where kernels are compiled first and reading back makes it wait.
    pub is_gpu: bool,
}

fn cpu(reason: &str) -> Chosen {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Chosen {
        device: Device::flex(),
        label: format!("CPU, {cores} {}", if cores == 1 { "core" } else { "cores" }),
        reason: reason.into(),
        is_gpu: false,
    }
}

/// Opens the device that was asked for. When it cannot be had, the CPU takes its place, and the
/// error says why.
pub fn open(choice: DeviceChoice) -> (Chosen, Option<DeviceError>) {
    let adapters = match choice {
        DeviceChoice::Cpu => return (cpu("The CPU was asked for."), None),
        DeviceChoice::Auto | DeviceChoice::Gpu(_) => adapters(),
    };
    let wanted = match choice {
        DeviceChoice::Gpu(Some(n)) => adapters.iter().find(|a| a.index == Some(n)),
        _ => adapters.iter().find(|a| a.index.is_some()),
    };
    let Some(adapter) = wanted else {
        return match choice {
            DeviceChoice::Gpu(Some(n)) => (cpu("The GPU asked for was not found."), Some(DeviceError::NoSuchGpu(n))),
            DeviceChoice::Gpu(None) => (cpu("No real GPU was found."), Some(DeviceError::NoGpu)),
            DeviceChoice::Auto | DeviceChoice::Cpu => {
                let software = adapters.iter().any(|a| a.kind == "software adapter");
                let reason = if software {
                    "No real GPU was found, only one in software, which is slower than the CPU itself."
                } else {
                    "No real GPU was found."
                };
                (cpu(reason), None)
            }
        };
    };
    match start(adapter) {
        Ok(device) => {
            let reason = match choice {
                DeviceChoice::Auto => format!("The first real GPU ({}, {}).", adapter.kind, adapter.api),
                _ => format!("The GPU asked for ({}, {}).", adapter.kind, adapter.api),
            };
            (Chosen { device, label: adapter.name.clone(), reason, is_gpu: true }, None)
        }
        Err(error) => (cpu("The GPU did not start, so the CPU takes its place."), Some(error)),
    }
}

/// Brings up the runtime on an adapter and proves it with one small sum.
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
            other => Err(format!("1 + 1 came out as {other:?}")),
        }
    });
    match started {
        Ok(result) => result.map_err(fault),
        Err(payload) => Err(fault(panic_text(payload.as_ref()))),
    }
}

/// The words of a panic.
pub fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "it gave no reason".into())
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
