//! The inspection task: owns the active model and the list of queries, of which the newest request comes first.

mod calibrating;
mod verdicts;

use std::{
    cmp::Reverse,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use calibrating::Calibrating;

use super::{
    InspectionRequest, ModelFacts, ModelSource, ModelState, Query, QueryEntry, QueryId, QuerySource, QueryState,
    QueryView, Thumbnail, nearest_neighbours::nearest_neighbours,
};
use crate::{
    data::{
        BitDepth, DataError, FileFault, ImageGrid, Picture,
        decode::{Header, decode_checked},
        memory_budget::MemoryBudget,
        picture_facts,
    },
    device::ComputeDevice,
    engine::{
        BackgroundTask, EngineState, Severity, TaskState,
        background::thread_error,
        outbox::Outbox,
        task::{ActiveModel, Context, EngineTask, Readiness},
    },
    format::sentence,
    inspect::{
        InspectError, InspectionJob, InvertKnobs, LatentStart, Model, NoColour, Planes, calibration::ScoreOrigin,
    },
    text::PrintablePath,
    time::TimeLeft,
};

/// Shortest interval between updates of a view.
const SHOW_EVERY: Duration = Duration::from_millis(33);

/// Number of files read ahead.
const AHEAD: usize = 2;

/// Most bytes of finished queries in memory; the oldest are dropped first.
const MAX_BYTES: usize = 384 << 20;

/// Largest side of a thumbnail, pixels.
const THUMBNAIL: usize = 96;

/// Number of samples shown of a model.
const SAMPLES: usize = 16;

/// Name and bytes of the built-in model.
pub(crate) const BUILT_IN: (&str, &[u8]) =
    ("turned metal, built in", include_bytes!("../../../../assets/turned.ganspect"));

/// A query in the model's format, its thumbnail, and what a reader should know about its file.
type DecodedQuery = (Planes, Thumbnail, Option<String>);

struct QuerySlot {
    entry: QueryEntry,
    source: QuerySource,
    /// The largest comes first: the newest request, and within it the order given.
    order: (u64, Reverse<usize>),
    reading: Option<BackgroundTask<Result<DecodedQuery, DataError>>>,
    query: Option<Arc<Planes>>,
    job: Option<InspectionJob>,
    /// Seed of a restart, and whether to skip the encoder.
    restart: Option<(u64, bool)>,
    shown: Option<Instant>,
    measured: TimeLeft,
    /// Model, knobs and regions of the inspection, once it has begun.
    origin: Option<ScoreOrigin>,
    bytes: usize,
    finished: u64,
}

pub(crate) struct InspectionTask {
    state: Arc<EngineState>,
    model: Option<Model>,
    hash: Arc<str>,
    path: Option<PathBuf>,
    knobs: InvertKnobs,
    slots: Vec<QuerySlot>,
    calibrating: Option<Calibrating>,
    requests: u64,
    finished: u64,
    /// The model that was dropped for a change of device.
    released: Option<ModelSource>,
    /// Bits that 16-bit samples use, whatever the model says.
    depth: BitDepth,
}

impl InspectionTask {
    pub(crate) fn new(state: Arc<EngineState>) -> Self {
        let knobs = InvertKnobs::default();
        Self {
            state,
            model: None,
            hash: "".into(),
            path: None,
            knobs,
            slots: Vec::new(),
            calibrating: None,
            requests: 0,
            finished: 0,
            released: None,
            depth: BitDepth::Auto,
        }
    }

    /// The knobs for queries that have not started.
    pub(crate) fn knobs(&self) -> &InvertKnobs {
        &self.knobs
    }

    /// The active model.
    pub(crate) fn active(&self) -> Option<ActiveModel<'_>> {
        let path = self.path.as_deref();
        self.model.as_ref().map(|model| ActiveModel { model, hash: &self.hash, path, knobs: &self.knobs })
    }

    /// The active model's file, if it has one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Carries out a request, except for [`ModelSource::Run`], which the scheduler handles.
    pub(crate) fn handle(&mut self, command: InspectionRequest, device: &ComputeDevice, outbox: &mut Outbox) {
        match command {
            InspectionRequest::OpenModel(ModelSource::File(path)) => {
                self.loading(&path.printable().to_string());
                let name = path.printable().to_string();
                match Model::load(&path, &device.device) {
                    Ok(model) => self.set_model(model, Some(path)),
                    Err(error) => self.refuse(format!("{error}."), &name, outbox),
                }
            }
            InspectionRequest::OpenModel(ModelSource::BuiltIn) => {
                self.loading(BUILT_IN.0);
                match Model::from_bytes(BUILT_IN.0, BUILT_IN.1, &device.device) {
                    Ok(model) => self.set_model(model, None),
                    Err(error) => self.refuse(format!("{error}."), BUILT_IN.0, outbox),
                }
            }
            InspectionRequest::OpenModel(ModelSource::Run) => {}
            InspectionRequest::SetBitDepth(depth) => self.depth = depth,
            InspectionRequest::Add(queries) => self.add(queries),
            InspectionRequest::Remove(ids) => self.remove(&ids),
            InspectionRequest::Pause(id) => self.update(id, |slot| {
                if slot.entry.state.is_due() {
                    slot.entry.state = QueryState::Paused;
                }
            }),
            InspectionRequest::Play(id) => self.update(id, |slot| {
                if slot.entry.state == QueryState::Paused {
                    slot.entry.state = QueryState::Waiting;
                }
            }),
            InspectionRequest::Stop(id) => self.stop(id),
            InspectionRequest::StopAll => {
                let left = self.slots.iter().filter(|slot| !slot.entry.state.is_over()).map(|slot| slot.entry.id);
                left.collect::<Vec<_>>().into_iter().for_each(|id| self.stop(id));
            }
            InspectionRequest::Finish(ids) => self.finish_stopped(&ids),
            InspectionRequest::AddSteps(id, steps) => self.more(id, steps),
            InspectionRequest::Restart { id, seed, random } => self.restart(id, seed, random),
            InspectionRequest::SetKnobs(knobs) => match knobs.validate() {
                Ok(()) => {
                    self.knobs = *knobs;
                    self.show_model();
                }
                Err(error) => outbox.notice(Severity::Warning, format!("The settings were not changed: {error}."), ""),
            },
            InspectionRequest::SetRate(rate) => self.rate(rate, outbox),
            InspectionRequest::DecideBy(score) => {
                self.decide(|model, knobs| model.set_decision_score(score, knobs), outbox)
            }
            InspectionRequest::SetRegions(regions) => self.regions(regions, outbox),
            InspectionRequest::SetRegionSettings(settings) => self.region_settings(settings, outbox),
            InspectionRequest::Calibrate => self.calibrate(outbox),
            InspectionRequest::CancelCalibration => {
                self.calibrating = None;
                let progress = self.state.inspection.status.write().calibrating.take();
                if let Some((done, total)) = progress {
                    let after = if total > 0 { format!(" after {done} of {total} images") } else { String::new() };
                    let text = format!("The calibration was cancelled{after}; the model is calibrated as before.");
                    outbox.notice(Severity::Info, text, "");
                }
            }
            InspectionRequest::SaveModel(path) => self.save_as(path, outbox),
        }
        outbox.wake();
    }

    /// Ends the queries that are due because the model computes no numbers from any image.
    fn model_failed(&mut self, sentence: &str) {
        (self.model, self.calibrating) = (None, None);
        for i in 0..self.slots.len() {
            let slot = &mut self.slots[i];
            slot.job = None;
            if slot.entry.state.is_due() {
                slot.entry.state = QueryState::Failed(sentence.into());
                self.show_entry(i);
            }
        }
        let mut status = self.state.inspection.status.write();
        (status.model, status.calibrating) = (ModelState::Failed(sentence.into()), None);
    }

    fn loading(&self, name: &str) {
        self.state.inspection.status.write().model = ModelState::Loading(name.into());
    }

    pub(crate) fn refuse(&mut self, sentence: String, what: &str, outbox: &mut Outbox) {
        outbox.notice(Severity::Error, sentence.clone(), what);
        // The previous model stays active.
        match self.model.is_some() {
            true => self.show_model(),
            false => self.state.inspection.status.write().model = ModelState::Failed(sentence),
        }
    }

    /// Makes a model the active one. Waiting queries start.
    pub(crate) fn set_model(&mut self, model: Model, path: Option<PathBuf>) {
        self.hash = model.hash().into();
        self.calibrating = None;
        let m = &model.info().recipe.model;
        let samples = model.networks().samples(SAMPLES, 1).ok();
        *self.state.inspection.samples.write() =
            samples.map(|values| Arc::new(ImageGrid::from_unit(SAMPLES, m.channels.count(), m.size, &values)));
        let form = (m.channels.count(), model.info().recipe.data.scale);
        let before = self.model.as_ref().map(|old| {
            let recipe = &old.info().recipe;
            (recipe.model.channels.count(), recipe.data.scale)
        });
        self.model = Some(model);
        self.path = path;
        for slot in &mut self.slots {
            // Inspections by another model start again.
            if matches!(slot.entry.state, QueryState::Running | QueryState::Waiting | QueryState::Paused) {
                slot.job = None;
            }
            // Queries are converted to the model's format when they are read.
            if before.is_some_and(|before| before != form) {
                (slot.query, slot.reading) = (None, None);
            }
        }
        self.state.inspection.status.write().calibrating = None;
        self.show_model();
        self.judge_again();
    }

    /// Updates the facts about the active model.
    fn show_model(&self) {
        let mut status = self.state.inspection.status.write();
        status.knobs = self.knobs.clone();
        status.rate_refused = None;
        let Some(model) = &self.model else { return };
        let about = model.info();
        status.rate = model.rate(&self.knobs);
        status.promise = about.promise.clone().filter(|promise| Some(promise.rate) == status.rate);
        status.model = ModelState::Ready(Arc::new(ModelFacts {
            name: about.name.clone(),
            path: self.path.clone(),
            hash: self.hash.to_string(),
            recipe: Arc::new(about.recipe.clone()),
            step: about.step,
            encoder: model.has_encoder(),
            calibrations: Arc::new(about.calibrations.clone()),
            regions: about.regions.clone(),
            region_settings: about.region_settings,
            split: Arc::new(about.split.clone()),
            lineage: about.lineage.clone().map(Arc::new),
            outliers: about.outliers.clone().map(Arc::new),
        }));
    }

    fn add(&mut self, queries: Vec<Query>) {
        self.requests += 1;
        let request = self.requests;
        let mut status = self.state.inspection.status.write();
        for (i, query) in queries.into_iter().enumerate() {
            let entry = QueryEntry::waiting(&query, self.knobs.steps);
            status.entries.push(Arc::new(entry.clone()));
            self.slots.push(QuerySlot {
                entry,
                source: query.source,
                order: (request, Reverse(i)),
                reading: None,
                query: None,
                job: None,
                restart: None,
                shown: None,
                measured: TimeLeft::default(),
                origin: None,
                bytes: 0,
                finished: 0,
            });
        }
    }

    fn remove(&mut self, ids: &[QueryId]) {
        self.slots.retain(|slot| !ids.contains(&slot.entry.id));
        self.state.inspection.status.write().entries.retain(|entry| !ids.contains(&entry.id));
        self.state.inspection.views.write().retain(|id, _| !ids.contains(id));
    }

    fn index_of(&self, id: QueryId) -> Option<usize> {
        self.slots.iter().position(|slot| slot.entry.id == id)
    }

    fn update(&mut self, id: QueryId, change: impl FnOnce(&mut QuerySlot)) {
        if let Some(i) = self.index_of(id) {
            change(&mut self.slots[i]);
            self.show_entry(i);
        }
    }

    fn show_entry(&self, i: usize) {
        if let Some(shown) = self.state.inspection.status.write().entries.get_mut(i) {
            *shown = Arc::new(self.slots[i].entry.clone());
        }
    }

    fn stop(&mut self, id: QueryId) {
        self.update(id, |slot| match &mut slot.job {
            // The last state is still drawn.
            Some(job) if !job.is_done() => {
                job.stop();
                slot.entry.state = QueryState::Running;
                slot.entry.steps = job.step().max(1);
            }
            Some(_) => {}
            None if matches!(slot.entry.state, QueryState::Failed(_)) => {}
            None => slot.entry.state = QueryState::Stopped,
        });
    }

    /// Queues stopped queries again, in this order. One that was stopped between two steps goes on from there.
    fn finish_stopped(&mut self, ids: &[QueryId]) {
        self.requests += 1;
        let (request, current) = (self.requests, Arc::clone(&self.hash));
        for (i, id) in ids.iter().enumerate() {
            self.update(*id, |slot| {
                if slot.entry.state != QueryState::Stopped {
                    return;
                }
                slot.order = (request, Reverse(i));
                match (&mut slot.job, &slot.origin) {
                    (Some(job), Some(ScoreOrigin { hash, stopped: Some((steps, of)), .. })) if *hash == current => {
                        job.extend(of.saturating_sub(*steps));
                        slot.entry.steps = job.steps();
                    }
                    _ => (slot.job, slot.restart) = (None, None),
                }
                slot.entry.requeue();
            });
        }
    }

    fn more(&mut self, id: QueryId, steps: usize) {
        self.requests += 1;
        let (request, current) = (self.requests, Arc::clone(&self.hash));
        self.update(id, |slot| {
            slot.order = (request, Reverse(0));
            match &mut slot.job {
                Some(job) if slot.origin.as_ref().is_none_or(|origin| origin.hash == current) => {
                    job.extend(steps);
                    slot.entry.steps = job.steps();
                }
                // Its job was dropped or is another model's: start from the beginning.
                _ => {
                    slot.job = None;
                    slot.restart = None;
                }
            }
            slot.entry.requeue();
        });
    }

    fn restart(&mut self, id: QueryId, seed: u64, random: bool) {
        self.requests += 1;
        let request = self.requests;
        self.update(id, |slot| {
            slot.order = (request, Reverse(0));
            slot.job = None;
            slot.restart = Some((seed, random));
            slot.entry.requeue();
        });
    }

    /// Index of the query to work on next: that of the newest request.
    fn next(&self) -> Option<usize> {
        self.model.as_ref()?;
        let all = self.slots.iter().enumerate().filter(|(_, slot)| slot.entry.state.is_due());
        all.max_by_key(|(_, slot)| slot.order).map(|(i, _)| i)
    }

    /// Starts to read the next files, and takes over those that have been read.
    fn read_ahead(&mut self) {
        let Some(model) = &self.model else { return };
        let recipe = &model.info().recipe;
        let (channels, scale) = (recipe.model.channels.count(), recipe.data.scale as f32);
        let (limit, depth) = (model.frame_limit(), self.depth.or(recipe.data.bit_depth));
        // Read ahead while the images that wait take little memory; the next one is always read.
        let waiting = self.slots.iter().filter(|slot| slot.entry.state.is_due()).filter_map(|slot| slot.query.as_ref());
        let mut bytes: usize = waiting.map(|query| size_of_val(query.values())).sum();
        let mut order: Vec<usize> = (0..self.slots.len()).filter(|&i| self.slots[i].entry.state.is_due()).collect();
        order.sort_by_key(|&i| Reverse(self.slots[i].order));
        for i in order.into_iter().take(AHEAD) {
            let slot = &mut self.slots[i];
            if slot.query.is_some() {
                continue;
            }
            let is_begun = slot.reading.is_some();
            if !is_begun && bytes as u64 > MemoryBudget::READ_AHEAD {
                break;
            }
            let read = match (&slot.reading, &slot.source) {
                (None, QuerySource::Picture(picture)) => {
                    read(&picture.read_at(depth), channels, scale).map_err(|error| sentence(&error.to_string()))
                }
                (None, QuerySource::File(path)) => {
                    let path = path.clone();
                    match BackgroundTask::spawn(
                        "ganspect-read",
                        || {},
                        move |_| {
                            let check = |header: &Header| {
                                let checked = limit.check(header.width.into(), header.height.into());
                                checked.map_err(|error| FileFault::NotInspected(error.to_string()))
                            };
                            let (picture, _) = decode_checked(&path, check)?;
                            read(&picture.read_at(depth), channels, scale).map_err(|error| {
                                let fault = FileFault::NotInspected(error.to_string());
                                DataError::File { path, fault }
                            })
                        },
                    ) {
                        Ok(task) => {
                            slot.reading = Some(task);
                            slot.entry.state = QueryState::Reading;
                            // Its size is not known yet: the one after it waits.
                            bytes = usize::MAX;
                        }
                        Err(error) => {
                            slot.entry.state = QueryState::Failed(sentence(&thread_error(&error)));
                        }
                    }
                    self.show_entry(i);
                    continue;
                }
                (Some(task), _) => match task.poll() {
                    TaskState::Running => {
                        bytes = usize::MAX;
                        continue;
                    }
                    TaskState::Done(Ok(read)) => Ok(read),
                    TaskState::Done(Err(error)) => Err(error.to_string()),
                    TaskState::Over => Err("reading the file was interrupted; try again".to_owned()),
                },
            };
            slot.reading = None;
            match read {
                Ok((planes, thumbnail, remark)) => {
                    bytes = bytes.saturating_add(size_of_val(planes.values()));
                    slot.entry.size = Some((planes.width(), planes.height()));
                    slot.entry.thumbnail = Some(Arc::new(thumbnail));
                    slot.entry.remark = remark;
                    slot.entry.state = QueryState::Waiting;
                    slot.query = Some(Arc::new(planes));
                }
                Err(error) => slot.entry.state = QueryState::Failed(sentence(&error)),
            }
            self.show_entry(i);
        }
    }

    /// Works on one query until the budget is used up or it is done.
    fn advance(&mut self, i: usize, began: Instant, budget: Duration, outbox: &mut Outbox) {
        let (Some(model), Some(slot)) = (&self.model, self.slots.get_mut(i)) else { return };
        let Some(query) = slot.query.clone() else { return };
        if slot.job.is_none() {
            let mut knobs = self.knobs.clone();
            if let Some((seed, random)) = slot.restart {
                knobs.seed = seed;
                if random {
                    knobs.start = LatentStart::Random;
                }
            }
            slot.origin = Some(ScoreOrigin {
                hash: Arc::clone(&self.hash),
                model: model.info().name.clone(),
                knobs: self.knobs.clone(),
                regions: model.info().regions.clone(),
                other_start: knobs.start != self.knobs.start,
                stopped: None,
            });
            match InspectionJob::new(model.networks(), query, knobs, &model.info().regions) {
                Ok(job) => {
                    slot.entry.steps = job.steps();
                    slot.job = Some(job);
                }
                Err(error) => {
                    slot.entry.state = QueryState::Failed(sentence(&error.to_string()));
                    return self.show_entry(i);
                }
            }
        }
        let Some(job) = &mut slot.job else { return };
        slot.entry.state = QueryState::Running;
        loop {
            match job.slice(model.networks()) {
                Ok(false) => {}
                Ok(true) => {
                    self.finish(i, outbox);
                    return;
                }
                Err(error) => {
                    let said = sentence(&error.to_string());
                    slot.entry.state = QueryState::Failed(said.clone());
                    slot.job = None;
                    if matches!(error, InspectError::Model { .. }) {
                        self.model_failed(&said);
                    }
                    return self.show_entry(i);
                }
            }
            let due = slot.shown.is_none_or(|at| at.elapsed() >= SHOW_EVERY);
            if due {
                slot.shown = Some(Instant::now());
                let (step, seconds) = (job.step(), job.seconds());
                slot.entry.step = step;
                if step > 0 {
                    slot.entry.steps_per_second = step as f64 / seconds.max(1e-9);
                    let left = slot.entry.steps.saturating_sub(step) as f64;
                    slot.entry.seconds_left = slot.measured.update(seconds, step as f64, left);
                }
                let view = QueryView {
                    query: Arc::clone(job.query()),
                    frames: job.frames().to_vec(),
                    records: Arc::new(job.records().to_vec()),
                    outcome: None,
                    neighbours: None,
                    regions: None,
                };
                self.state.inspection.views.write().insert(slot.entry.id, Arc::new(view));
                outbox.wake();
                if let Some(shown) = self.state.inspection.status.write().entries.get_mut(i) {
                    *shown = Arc::new(slot.entry.clone());
                }
            }
            if began.elapsed() >= budget {
                return;
            }
        }
    }

    fn finish(&mut self, i: usize, outbox: &mut Outbox) {
        let (Some(model), Some(slot)) = (&self.model, self.slots.get_mut(i)) else { return };
        let (Some(job), Some(origin)) = (&slot.job, &mut slot.origin) else { return };
        let Some(mut outcome) = job.outcome(None) else { return };
        let complete = outcome.knobs.steps_for(outcome.tiles);
        let early = job.is_stopped() && outcome.steps < complete;
        origin.stopped = early.then_some((outcome.steps, complete));
        outcome.judged = model.verdict_basis(&self.hash).judge(outcome.scores().clone(), origin);
        let neighbours = nearest_neighbours(model, &outcome);
        let regions = Some(Arc::new(model.anomaly_regions(&outcome)));
        self.finished += 1;
        slot.finished = self.finished;
        slot.entry.step = outcome.steps;
        slot.entry.state = if job.is_stopped() { QueryState::Stopped } else { QueryState::Done };
        slot.entry.steps = outcome.steps;
        slot.entry.steps_per_second = outcome.steps as f64 / outcome.seconds.max(1e-9);
        slot.entry.seconds_left = None;
        slot.entry.judged = Some(outcome.judged.clone());
        let frames: usize = job.frames().iter().map(|f| f.pixels.len() * size_of::<u16>()).sum();
        slot.bytes = frames + outcome.query.values().len() * 5 * size_of::<f32>();
        let view = QueryView {
            query: Arc::clone(job.query()),
            frames: job.frames().to_vec(),
            records: Arc::new(outcome.records.clone()),
            outcome: Some(Arc::new(outcome)),
            neighbours,
            regions,
        };
        self.state.inspection.views.write().insert(slot.entry.id, Arc::new(view));
        self.show_entry(i);
        self.evict();
        outbox.wake();
    }

    /// Drops the views of the oldest finished queries when they exceed the memory limit; their scores stay.
    fn evict(&mut self) {
        let mut total: usize = self.slots.iter().map(|slot| slot.bytes).sum();
        while total > MAX_BYTES {
            let newest = self.finished;
            let done = self.slots.iter_mut().filter(|s| s.bytes > 0 && s.finished < newest);
            let Some(oldest) = done.min_by_key(|slot| slot.finished) else { return };
            total -= oldest.bytes;
            oldest.bytes = 0;
            (oldest.job, oldest.query) = (None, None);
            self.state.inspection.views.write().remove(&oldest.entry.id);
        }
    }

    /// The source of the model that [`release_device`](EngineTask::release_device) dropped, once.
    pub(crate) fn take_released(&mut self) -> Option<ModelSource> {
        self.released.take()
    }
}

impl EngineTask for InspectionTask {
    fn readiness(&self, _: Option<ActiveModel<'_>>) -> Readiness {
        let next = self.next();
        let reading = next.is_none_or(|i| self.slots[i].query.is_none());
        match self.calibrating {
            Some(Calibrating::Running(_)) => Readiness::Busy,
            _ if !reading => Readiness::Busy,
            None if next.is_none() => Readiness::Idle,
            _ => Readiness::Waiting,
        }
    }

    /// Works on queries first, then on a calibration.
    fn slice(&mut self, budget: Duration, context: Context<'_>) -> bool {
        let outbox = context.outbox;
        let began = Instant::now();
        self.read_ahead();
        while began.elapsed() < budget {
            match self.next() {
                Some(i) if self.slots[i].query.is_some() => self.advance(i, began, budget, outbox),
                Some(_) => {
                    self.read_ahead();
                    if self.next().is_none_or(|i| self.slots[i].query.is_none()) {
                        break;
                    }
                }
                None if self.calibrating.is_some() => {
                    if !self.advance_calibration(outbox) {
                        break;
                    }
                }
                None => break,
            }
        }
        outbox.wake();
        true
    }

    /// The model is opened again on the other device, see [`InspectionTask::take_released`].
    fn release_device(&mut self, _: &mut Outbox) {
        if self.model.take().is_none() {
            return;
        }
        self.calibrating = None;
        for slot in &mut self.slots {
            slot.job = None;
        }
        self.released = Some(self.path.take().map_or(ModelSource::BuiltIn, ModelSource::File));
    }

    fn on_device_lost(&mut self) {
        self.model = None;
        self.calibrating = None;
        self.state.inspection.status.write().calibrating = None;
        for i in 0..self.slots.len() {
            let slot = &mut self.slots[i];
            slot.job = None;
            if slot.entry.state.is_due() {
                slot.entry.state = QueryState::Failed("The device stopped working; open the model again.".into());
                self.show_entry(i);
            }
        }
        let sentence = "The device stopped working. Open the model again, on the CPU if this happens again.";
        self.state.inspection.status.write().model = ModelState::Failed(sentence.into());
    }
}

/// Converts an image to the format of a model with these channels and this scale.
fn read(picture: &Picture, channels: usize, scale: f32) -> Result<DecodedQuery, NoColour> {
    let planes = Planes::for_model(picture, channels, scale)?;
    let thumbnail = thumbnail(&planes);
    Ok((planes, thumbnail, picture_facts::remark(picture, channels)))
}

/// Creates a thumbnail by averaging.
fn thumbnail(planes: &Planes) -> Thumbnail {
    let (size, channels) = ((planes.width(), planes.height()), planes.channels());
    let at = |x, y, c| planes.at(x, y, c);
    let (width, height, pixels) = crate::data::thumbnail::thumbnail(size, channels, THUMBNAIL, at);
    Thumbnail { width, height, channels, pixels }
}
