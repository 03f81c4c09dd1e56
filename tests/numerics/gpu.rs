//! The GPU against the CPU: forward and backward pass through both networks, with tiny shapes. Runs on any Vulkan adapter,
//! including software ones.

use burn::tensor::{Device, DeviceKind, Tensor, TensorData};
use ganspect::{
    device,
    model::{Discriminator, Generator, ModelKnobs, layers::Pass},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Returns the crops, the logits and the gradient of the latent vectors.
fn compute(device: &Device) -> [Vec<f32>; 3] {
    let knobs = ModelKnobs { size: 32, latent_size: 4, ..ModelKnobs::default() };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let g = Generator::new(&knobs, &mut rng, device);
    let d = Discriminator::new(&knobs, &mut rng, device);
    let z: Vec<f32> = (0..8).map(|_| rng.random_range(-1.0..1.0)).collect();
    let z = Tensor::<2>::from_data(TensorData::new(z, [2, 4]), &device.clone().autodiff()).require_grad();
    let crops = g.forward(z.clone(), &mut Pass::Evaluate);
    let logits = d.forward(crops.clone(), &mut Pass::Evaluate, |x| x);
    let gradients = (logits.clone().sum() + crops.clone().abs().sum() * 0.01).backward();
    let host = |tensor: Tensor<4>| tensor.into_data().try_into_vec::<f32>().unwrap();
    [
        host(crops),
        logits.into_data().try_into_vec().unwrap(),
        z.grad(&gradients).unwrap().into_data().try_into_vec().unwrap(),
    ]
}

#[test]
fn the_gpu_matches_the_cpu() {
    let Some(adapter) = device::adapters().into_iter().find(|a| a.kind != "CPU") else {
        eprintln!("no Vulkan adapter found, not even a software one: nothing to compare");
        return;
    };
    let kind = match adapter.kind {
        "discrete GPU" => DeviceKind::DiscreteGpu(0),
        "integrated GPU" => DeviceKind::IntegratedGpu(0),
        "virtual GPU" => DeviceKind::VirtualGpu(0),
        _ => DeviceKind::Cpu,
    };
    let gpu = Device::wgpu_options().device_kind(kind).init().unwrap();
    for (part, (on_gpu, on_cpu)) in compute(&gpu).iter().zip(&compute(&Device::flex())).enumerate() {
        let scale = on_cpu.iter().map(|v| v.abs()).fold(0.1, f32::max);
        for (a, b) in on_gpu.iter().zip(on_cpu) {
            // GPUs may compute matrix products with lower precision.
            assert!((a - b).abs() < 5e-3 * scale, "part {part} on {}: {a} for {b}", adapter.name);
        }
    }
}
