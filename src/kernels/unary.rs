//! Operations with a gradient on one tensor.

use std::fmt::Debug;

use burn::backend::{
    Autodiff, Backend,
    autodiff::{
        checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
        grads::Gradients,
        ops::{Backward, Ops, OpsKind},
    },
    tensor::FloatTensor,
};

/// Computes the gradient of the input from that of the output and the saved state.
type Back<B, S> = fn(FloatTensor<B>, S) -> FloatTensor<B>;

#[derive(Debug)]
struct Unary<B: Backend, S>(Back<B, S>);

impl<B: Backend, S: Clone + Debug + Send + 'static> Backward<B, 1> for Unary<B, S> {
    type State = S;

    fn backward(self, ops: Ops<S, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let [node] = ops.parents;
        let gradient = grads.consume::<B>(&ops.node);
        if let Some(node) = node {
            grads.register::<B>(node.id, (self.0)(gradient, ops.state));
        }
    }
}

/// Applies `forward` to `x`, with `back` as its backward pass if `x` has a gradient. `forward` also returns the state that
/// `back` needs.
pub(super) fn unary<B: Backend, C: CheckpointStrategy, S: Clone + Debug + Send + 'static>(
    x: FloatTensor<Autodiff<B, C>>,
    forward: impl FnOnce(FloatTensor<B>) -> (FloatTensor<B>, S),
    back: Back<B, S>,
) -> FloatTensor<Autodiff<B, C>> {
    let prep = Unary(back).prepare::<C>([x.node()]).compute_bound().stateful();
    let (y, kept) = forward(x.into_primitive());
    match prep {
        OpsKind::Tracked(prep) => prep.finish(kept, y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}
