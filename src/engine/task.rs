//! The tasks of the compute thread, as the scheduler sees them.

use std::{path::Path, time::Duration};

use super::outbox::Outbox;
use crate::{
    device::ComputeDevice,
    inspect::{InvertKnobs, Model},
};

/// Whether a task needs the compute thread. The scheduler waits for commands as long as its readiest task allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Readiness {
    /// Nothing to do.
    Idle,
    /// Waits for something that may take long, such as a new file.
    Listening,
    /// Waits for another thread that will be done soon.
    Waiting,
    /// Has work for a slice.
    Busy,
}

/// The error of a request that needs a model while none is active.
pub(crate) const NO_MODEL: &str = "no model is open; open a .ganspect file first";

/// The active model.
#[derive(Clone, Copy)]
pub(crate) struct ActiveModel<'a> {
    pub(crate) model: &'a Model,
    /// Hash of the model's tensors.
    pub(crate) hash: &'a str,
    /// The model's file, if it has one.
    pub(crate) path: Option<&'a Path>,
    /// The knobs for inspections that have not started.
    pub(crate) knobs: &'a InvertKnobs,
}

/// The resources of a task beside its own state.
pub(crate) struct Context<'a> {
    pub(crate) device: Option<&'a ComputeDevice>,
    /// The active model; `None` for the inspection task, which owns it.
    pub(crate) active: Option<ActiveModel<'a>>,
    pub(crate) outbox: &'a mut Outbox,
}

/// A task of the compute thread, advanced one bounded time slice per call.
pub(super) trait EngineTask {
    /// Whether there is work to do with this active model.
    fn readiness(&self, active: Option<ActiveModel<'_>>) -> Readiness;

    /// Works for about `budget`; returns whether there may be something new to show.
    fn slice(&mut self, budget: Duration, context: Context<'_>) -> bool;

    /// Drops everything on the device, because another device will be used.
    fn release_device(&mut self, outbox: &mut Outbox);

    /// Drops everything on a device that stopped working, and reports the loss.
    fn on_device_lost(&mut self);
}
