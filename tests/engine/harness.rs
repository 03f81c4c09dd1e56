//! Starts an engine and waits for its state.

use std::{thread, time::Duration};

use ganspect::{
    device::DeviceChoice,
    engine::{Engine, training::TrainingPhase},
    train::Recipe,
};

/// Starts an engine on the CPU.
pub fn engine() -> Engine {
    Engine::start(DeviceChoice::Cpu, || {}).unwrap()
}

/// A recipe so small that a run and its model take a second; `holdout` is the share of the images held out.
pub fn small(holdout: f64) -> Box<Recipe> {
    let mut recipe = Recipe::default();
    for assignment in [
        "model.size=32",
        "model.latent_size=8",
        "train.batch=4",
        "train.steps=4",
        "encoder.steps=3",
        "encoder.batch=4",
        "critic.steps=2",
        "critic.pretrained=false",
        "critic.batch=4",
        &format!("data.holdout={holdout}"),
    ] {
        recipe.assign(assignment).unwrap();
    }
    Box::new(recipe)
}

/// The phase of its run.
pub fn phase(engine: &Engine) -> TrainingPhase {
    engine.state().training.status.read().phase.clone()
}

/// Waits until `done` holds for the engine's state. Every wait ends by an event of the engine; the limit only turns a
/// hang into a failure.
pub fn until(engine: &Engine, what: &str, mut done: impl FnMut(&Engine) -> bool) {
    for _ in 0..60_000 {
        if done(engine) {
            return;
        }
        thread::sleep(Duration::from_millis(2));
    }
    let state = engine.state();
    let (inspect, intake) = (state.inspection.status.read(), state.intake.status.read());
    panic!("timed out waiting for {what}: {:?}, {inspect:?}, {intake:?}", phase(engine));
}
