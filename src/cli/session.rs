//! An engine that a command waits for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, bail};
use crossbeam_channel::{Receiver, bounded};

use crate::{
    device::DeviceChoice,
    engine::{
        Engine, InspectionRequest,
        inspection::{ModelFacts, ModelSource, ModelState},
    },
};

/// Longest wait for a notification of the engine.
const POLL: Duration = Duration::from_millis(200);

/// The error of a command whose compute thread has ended.
const ENDED: &str = "the compute thread ended; run the command again";

/// A running engine whose device is chosen.
pub(super) struct EngineSession {
    /// The engine.
    pub engine: Engine,
    /// Receives a message when the engine has something new.
    updates: Receiver<()>,
}

impl EngineSession {
    /// Starts an engine and waits until its device is chosen.
    pub(crate) fn start(device: DeviceChoice) -> Result<Self> {
        let (notify, updates) = bounded::<()>(1);
        let engine = Engine::start(device, move || {
            let _ = notify.try_send(());
        })
        .context("cannot start the compute thread")?;
        let session = Self { engine, updates };
        session.wait_until(|| session.engine.state().device.read().is_some() || session.engine.is_over());
        Ok(session)
    }

    /// Waits for a notification of the engine, for a short time.
    pub(crate) fn wait(&self) {
        let _ = self.updates.recv_timeout(POLL);
    }

    /// Waits until `done`.
    pub(crate) fn wait_until(&self, done: impl Fn() -> bool) {
        while !done() {
            self.wait();
        }
    }

    /// Fails if the compute thread has ended.
    pub(crate) fn ensure_running(&self) -> Result<()> {
        anyhow::ensure!(!self.engine.is_over(), ENDED);
        Ok(())
    }

    /// Activates a model and waits until it is loaded.
    pub(crate) fn open_model(&self, source: ModelSource) -> Result<Arc<ModelFacts>> {
        self.engine.send(InspectionRequest::OpenModel(source));
        let state = || self.engine.state().inspection.status.read().model.clone();
        self.wait_until(|| matches!(state(), ModelState::Ready(_) | ModelState::Failed(_)) || self.engine.is_over());
        match state() {
            ModelState::Ready(facts) => Ok(facts),
            ModelState::Failed(sentence) => bail!(sentence),
            _ => bail!(ENDED),
        }
    }
}

/// Installs a Ctrl-C handler and returns the flag that it sets.
pub(super) fn interrupt_flag() -> Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&interrupted);
    ctrlc::set_handler(move || set.store(true, Ordering::Relaxed)).context("cannot install the Ctrl-C handler")?;
    Ok(interrupted)
}
