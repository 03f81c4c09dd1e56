//! What comes later in the making of a model, tried out beforehand, so that the time left for the whole is known
//! before its parts have had their turn.

use std::{sync::Arc, time::Instant};

use super::{
    build_inputs::{BuildError, RunNetworks},
    build_progress::{BuildPart, BuildSchedule},
};
use crate::{
    data::Opened,
    inspect::{
        Calibrator, InspectionJob, InvertKnobs, Model, Planes,
        critic::{StatsFitter, TestTimeAugmentation},
        model::ModelInfo,
    },
    model::{Critic, FrozenCritic},
};

/// Seconds that a healthy image is inspected for on trial, at least one step of it.
const INSPECTED: f64 = 0.3;

/// What is tried out next.
#[derive(Debug)]
enum Next {
    /// The critic's look at a healthy image.
    Usual,
    /// The inspection of a held-out image.
    Calibration,
    /// That inspection goes on.
    Inspection(Box<Model>, Box<InspectionJob>, Instant),
    Over,
}

/// A trial of the parts of which nothing is known before their turn, a bounded piece a call.
#[derive(Debug)]
pub(crate) struct TimeEstimator {
    next: Next,
    /// A healthy image that stands for those to be seen; while it cannot be read, their pace stays unknown.
    image: usize,
    /// Images that will be inspected.
    images: usize,
    about: ModelInfo,
}

impl TimeEstimator {
    /// A trial on the first of the held-out images, which are at these places of the store.
    pub(crate) fn new(held_out: &[usize], about: &ModelInfo) -> Self {
        let next = if held_out.is_empty() { Next::Over } else { Next::Usual };
        let image = held_out.first().copied().unwrap_or(0);
        Self { next, image, images: held_out.len(), about: about.clone() }
    }

    /// Whether all was tried out.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.next, Next::Over)
    }

    /// A piece of it. `critic` is the critic as it is now, if there will be one.
    pub(crate) fn work(
        &mut self,
        networks: &RunNetworks,
        opened: &Opened,
        critic: Option<&Critic>,
        schedule: &mut BuildSchedule,
    ) -> Result<(), BuildError> {
        let recipe = &self.about.recipe;
        // What is wrong with an image is said when its turn comes.
        let query = || {
            let picture = opened.store.get(self.image).ok()?;
            Some(Planes::of(&picture, recipe.model.channels, recipe.data.scale as f32))
        };
        let began = Instant::now();
        self.next = match std::mem::replace(&mut self.next, Next::Over) {
            Next::Usual => {
                if let (Some(critic), Some(query)) = (critic, query()) {
                    let (critic, sight) = (FrozenCritic::new(critic), TestTimeAugmentation::of(recipe));
                    StatsFitter::new(critic, sight, 1, &networks.device).add(&query)?;
                    schedule.set_estimate(BuildPart::Statistics, began.elapsed().as_secs_f64());
                }
                Next::Calibration
            }
            Next::Calibration => match query() {
                Some(query) => {
                    let n = networks;
                    let model = Model::new(self.about.clone(), None, &n.ema, &n.d, None, None, &n.device)?;
                    let knobs = InvertKnobs::default();
                    match InspectionJob::new(model.networks(), Arc::new(query), knobs, &self.about.regions) {
                        Ok(job) => Next::Inspection(Box::new(model), Box::new(job), began),
                        Err(_) => Next::Over,
                    }
                }
                None => Next::Over,
            },
            Next::Inspection(model, mut job, since) => match job.slice(model.networks()) {
                Ok(done) => {
                    let (elapsed, steps) = (since.elapsed().as_secs_f64(), job.step());
                    if done || steps > 0 && elapsed >= INSPECTED {
                        let all = if done { steps } else { job.steps() };
                        let pixels = job.query().pixels();
                        let inspections = Calibrator::inspections(self.images, pixels, critic.is_some());
                        let one = elapsed * all as f64 / steps.max(1) as f64;
                        schedule.set_estimate(BuildPart::Calibration, inspections * one);
                        Next::Over
                    } else {
                        Next::Inspection(model, job, since)
                    }
                }
                Err(_) => Next::Over,
            },
            Next::Over => Next::Over,
        };
        Ok(())
    }
}
