//! The review task: inspects the parts under review again for their maps, because the record holds no images.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{eviction::evict_maps, request::PrefetchRequest, state::PartImage};
use crate::{
    data::{FileHash, Picture},
    engine::{
        EngineState,
        inspection::{QueryView, nearest_neighbours::nearest_neighbours},
        outbox::Outbox,
        task::{ActiveModel, Context, EngineTask, Readiness},
    },
    format::sentence,
    inspect::InspectionJob,
    review::InspectionId,
};

pub(crate) struct ReviewTask {
    state: Arc<EngineState>,
    job: Option<(InspectionId, InspectionJob)>,
    /// The part on show whose map alone fills the memory limit.
    full: Option<InspectionId>,
}

impl ReviewTask {
    pub(crate) fn new(state: Arc<EngineState>) -> Self {
        Self { state, job: None, full: None }
    }

    /// The most urgent part that this model inspected, whose image is loaded and whose map is missing.
    fn next(&self, hash: &str) -> Option<(PrefetchRequest, Arc<Picture>)> {
        let requested = Arc::clone(&self.state.review.requested.lock());
        let first = requested.first()?.inspection;
        let most = if self.full == Some(first) { 1 } else { requested.len() };
        let mut due = requested.iter().take(most).filter(|one| one.map).peekable();
        due.peek()?;
        let hash: FileHash = hash.parse().ok()?;
        let (maps, images) = (self.state.review.maps.read(), self.state.review.images.read());
        due.filter(|one| one.model == hash && !maps.contains_key(&one.inspection)).find_map(|one| {
            match &**images.get(&one.part)? {
                PartImage::Loaded(picture, _) => Some((one.clone(), Arc::clone(picture))),
                PartImage::Kept(..) | PartImage::Unavailable(_) => None,
            }
        })
    }
}

impl EngineTask for ReviewTask {
    fn readiness(&self, active: Option<ActiveModel<'_>>) -> Readiness {
        if active.is_some_and(|active| self.next(active.hash).is_some()) {
            return Readiness::Busy;
        }
        let images = self.state.review.images.read();
        // Images that need maps are still being read.
        match self.state.review.requested.lock().iter().any(|one| one.map && !images.contains_key(&one.part)) {
            true => Readiness::Waiting,
            false => Readiness::Idle,
        }
    }

    fn slice(&mut self, budget: Duration, context: Context<'_>) -> bool {
        let Context { active, outbox, .. } = context;
        let Some(ActiveModel { model, hash, knobs, .. }) = active else { return true };
        let began = Instant::now();
        while began.elapsed() < budget {
            let Some((requested, picture)) = self.next(hash) else { break };
            // A job for a part that is not on show any more is dropped.
            let job = self.job.take().filter(|(id, _)| *id == requested.inspection).map(|(_, job)| Ok(job));
            let job = job.unwrap_or_else(|| model.begin(&picture, knobs.clone()));
            let drawn = job.and_then(|mut job| {
                let done = job.slice(model.networks())?;
                if !done {
                    self.job = Some((requested.inspection, job));
                    return Ok(None);
                }
                Ok(model.judge(&job).map(|outcome| QueryView {
                    query: Arc::clone(job.query()),
                    frames: job.frames().last().cloned().into_iter().collect(),
                    records: Arc::new(outcome.records.clone()),
                    neighbours: nearest_neighbours(model, &outcome),
                    // Those on record are shown.
                    regions: None,
                    outcome: Some(Arc::new(outcome)),
                }))
            });
            let map = match drawn {
                Ok(None) if self.job.is_some() => continue,
                Ok(None) => Err("The inspection did not finish; open the model again.".to_owned()),
                Ok(Some(view)) => Ok(Arc::new(view)),
                Err(error) => Err(sentence(&error.to_string())),
            };
            self.state.review.maps.write().insert(requested.inspection, map);
            let ids: Vec<InspectionId> = self.state.review.requested.lock().iter().map(|one| one.inspection).collect();
            evict_maps(&self.state.review, &ids);
            if !self.state.review.maps.read().contains_key(&requested.inspection) {
                self.full = ids.first().copied();
            }
        }
        outbox.wake();
        true
    }

    fn release_device(&mut self, _: &mut Outbox) {
        self.job = None;
    }

    fn on_device_lost(&mut self) {
        self.job = None;
    }
}
