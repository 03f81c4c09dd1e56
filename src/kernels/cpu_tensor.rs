//! Access to the tensors of Burn's CPU backend, in either map order.

use burn::{
    backend::{Flex, tensor::FloatTensor},
    tensor::{Device, Shape, TensorData},
};

use super::{
    buffer_pool::{MIN_POOLED, TENSORS},
    layout::MapOrder,
    pack::transpose,
};

/// A tensor of the CPU backend.
pub(super) type CpuTensor = FloatTensor<Flex>;

/// Whether the kernels run on a device.
pub(super) fn has_kernels(device: &Device) -> bool {
    *device == Device::flex()
}

/// Returns the values of a contiguous tensor.
pub(super) fn values(tensor: &CpuTensor) -> &[f32] {
    let first = tensor.layout().start_offset();
    &tensor.storage::<f32>()[first..first + tensor.layout().num_elements()]
}

/// Returns the values of a contiguous tensor for writing: in place if nothing else holds them.
pub(super) fn values_mut(tensor: &mut CpuTensor) -> &mut [f32] {
    let first = tensor.layout().start_offset();
    let len = tensor.layout().num_elements();
    &mut tensor.storage_mut::<f32>()[first..first + len]
}

/// Makes a tensor contiguous. Takes it by value, so that its memory keeps a single owner.
pub(super) fn contiguous(tensor: CpuTensor) -> CpuTensor {
    tensor.to_contiguous()
}

/// Creates a contiguous tensor.
pub(super) fn from_values(values: Vec<f32>, shape: impl Into<Shape>) -> CpuTensor {
    CpuTensor::from_data(TensorData::new(values, shape))
}

/// Creates maps `[batch, channels, height, width]` from values in this order.
pub(super) fn maps_from(values: Vec<f32>, order: MapOrder, [batch, channels, height, width]: [usize; 4]) -> CpuTensor {
    match order {
        MapOrder::Nchw => from_values(values, [batch, channels, height, width]),
        MapOrder::Chwn => from_values(values, [channels, height, width, batch]).permute(&[3, 0, 1, 2]),
    }
}

/// Returns the dimensions of a tensor.
pub(super) fn dims(tensor: &CpuTensor) -> Vec<usize> {
    tensor.layout().shape().iter().copied().collect()
}

/// Whether maps lie in memory as [`MapOrder::Chwn`].
fn is_chwn(tensor: &CpuTensor) -> bool {
    let [batch, _, height, width] = dims(tensor)[..] else { return false };
    let strides = [1, height * width * batch, width * batch, batch].map(|stride| stride as isize);
    MapOrder::of(batch) == MapOrder::Chwn && *tensor.layout().strides() == strides
}

/// Returns maps unchanged if they lie in either order, else copied to [`MapOrder::Nchw`]; and their order.
pub(super) fn in_known_order(tensor: CpuTensor) -> (CpuTensor, MapOrder) {
    match is_chwn(&tensor) {
        true => (tensor, MapOrder::Chwn),
        false => (tensor.to_contiguous(), MapOrder::Nchw),
    }
}

/// Brings maps into this order.
pub(super) fn in_order(tensor: CpuTensor, order: MapOrder) -> CpuTensor {
    let (tensor, current) = in_known_order(tensor);
    if current == order {
        return tensor;
    }
    let [batch, channels, height, width] = dims(&tensor)[..] else { return tensor };
    let each = channels * height * width;
    let transposed = match order {
        MapOrder::Nchw => transpose(values(&tensor), each, batch),
        MapOrder::Chwn => transpose(values(&tensor), batch, each),
    };
    recycle([tensor]);
    maps_from(transposed, order, [batch, channels, height, width])
}

/// Permutes the axes into memory order. Takes the tensor by value, so that its memory keeps a single owner.
fn in_memory_order(tensor: CpuTensor) -> CpuTensor {
    if is_chwn(&tensor) { tensor.permute(&[1, 2, 3, 0]) } else { tensor }
}

/// Returns the memory of tensors to the pool if nothing else holds it and it is a plain vector of floats, which memory
/// allocated by Burn is not.
pub(super) fn recycle(tensors: impl IntoIterator<Item = CpuTensor>) {
    for tensor in tensors {
        let floats = tensor.layout().num_elements();
        if floats < MIN_POOLED || !tensor.is_unique() || tensor.bytes().len() != size_of::<f32>() * floats {
            continue;
        }
        let tensor = in_memory_order(tensor);
        if tensor.is_contiguous()
            && let Ok(buffer) = tensor.into_data().into_bytes().try_into_vec::<f32>()
        {
            TENSORS.give(buffer);
        }
    }
}
