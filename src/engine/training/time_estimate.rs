//! Estimates the time of the later parts of a model build by trial, so that the remaining time is known early.

use std::{sync::Arc, time::Instant};

use super::{
    build_inputs::{BuildError, RunNetworks},
    build_progress::{BuildPart, BuildSchedule},
};
use crate::{
    data::Opened,
    inspect::{
        Calibrator, InspectionJob, InvertKnobs, Model, ModelInfo, Planes,
        critic::{StatsFitter, TestTimeAugmentation},
    },
    model::{Critic, FrozenCritic},
};

/// Seconds of the trial inspection, at least one step.
const TRIAL_SECONDS: f64 = 1.0;

/// The next trial.
#[derive(Debug)]
enum Next {
    /// The critic's map of a healthy image.
    Statistics,
    /// The start of an inspection of a held-out image.
    Calibration,
    /// That inspection, in progress.
    Inspection(Box<Model>, Box<InspectionJob>, Instant),
    Over,
}

/// Estimates the time of parts before their turn, one bounded step per call.
#[derive(Debug)]
pub(crate) struct TimeEstimator {
    next: Next,
    /// The healthy image for the trials; if it cannot be read, there is no estimate.
    image: usize,
    /// Number of images that will be inspected.
    images: usize,
    about: ModelInfo,
}

impl TimeEstimator {
    /// Creates an estimator that uses the first of the held-out images, given by index in the store.
    pub(crate) fn new(held_out: &[usize], about: &ModelInfo) -> Self {
        let next = if held_out.is_empty() { Next::Over } else { Next::Statistics };
        let image = held_out.first().copied().unwrap_or(0);
        Self { next, image, images: held_out.len(), about: about.clone() }
    }

    /// Whether all trials are done.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.next, Next::Over)
    }

    /// Does one step. `critic` is the current critic, if there is one.
    pub(crate) fn work(
        &mut self,
        networks: &RunNetworks,
        opened: &Opened,
        critic: Option<&Critic>,
        schedule: &mut BuildSchedule,
    ) -> Result<(), BuildError> {
        let recipe = &self.about.recipe;
        // An error is reported when the image is used for the build.
        let query = || {
            let image = opened.store.get(self.image).ok()?;
            Some(Planes::of(&image, recipe.model.channels.count(), recipe.data.scale as f32))
        };
        let began = Instant::now();
        self.next = match std::mem::replace(&mut self.next, Next::Over) {
            Next::Statistics => {
                if let (Some(critic), Some(query)) = (critic, query()) {
                    let (critic, tta) = (FrozenCritic::new(critic), TestTimeAugmentation::of(recipe));
                    StatsFitter::new(critic, tta, 1, &networks.device).add(&query)?;
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
                    if done || steps > 0 && elapsed >= TRIAL_SECONDS {
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
