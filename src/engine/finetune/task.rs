//! A copy of the model in force learns from people's verdicts, a slice at a time, and is compared with it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{FinetunePhase, FinetuneRequest, FinetuneResult, FinetuneSpec, FinetuneStatus, SavedModel};
use crate::{
    data::{
        CropSampler, DataError, DataSource, Dataset, DatasetImage, DatasetLayout, ImageStore, Label, Loader, Opened,
        Split, Subset, source::describe_file, store::DEFAULT_LIMIT,
    },
    device::ComputeDevice,
    engine::{
        EngineState, Severity,
        background::{BackgroundTask, TaskProgress, TaskState},
        outbox::Outbox,
        task::{ActiveModel, Context, EngineTask, Readiness},
        training::{
            build_inputs::{BaseParts, RunNetworks},
            model_builder::ModelBuilder,
        },
    },
    format::counted,
    inspect::{
        Evaluation, Evaluator, InvertKnobs, LabelledPart, Lineage, Model, TestSet, lineage::Role, model::ModelInfo,
    },
    review::{Comparison, OpinionId, TrainingLabels},
    train::{Trainer, Update, run_folder::MODEL_FILE},
};

/// Generator and D are trained on for one step in so many of those that they were trained for.
const GENERATOR: u64 = 10;

/// The critic goes on for one step in so many.
const CRITIC: u64 = 3;

/// Steps of a GAN whose numbers are read back at once on a GPU.
const READ_EVERY: usize = 10;

/// The word between a model's name and what it was taught by.
const TAUGHT: &str = ", taught by ";

/// Images to learn from and to compare on.
struct Read {
    opened: Opened,
    tests: TestSet,
    /// Parts whose picture is not there.
    missing: Vec<LabelledPart>,
}

/// What stays the same from beginning to end.
struct FinetuneJob {
    assignment: FinetuneSpec,
    parent: Model,
    parent_path: Option<PathBuf>,
    knobs: InvertKnobs,
    device: ComputeDevice,
    /// What the first model of the line began with.
    base: Split,
    lineage: Lineage,
    tests: Option<Arc<TestSet>>,
    missing: usize,
    /// Where the model lies until it is whole; gone with everything in it when the learning ends.
    room: tempfile::TempDir,
}

enum Stage {
    /// The verdicts are read from the record.
    Labels(BackgroundTask<Result<TrainingLabels, String>>),
    Opening(BackgroundTask<Result<Read, DataError>>),
    Generator {
        trainer: Box<Trainer>,
        opened: Opened,
        first: u64,
        last: u64,
        began: Instant,
    },
    Making(Box<ModelBuilder>),
    Comparing {
        model: Box<Model>,
        evaluator: Box<Evaluator>,
        before: Option<Box<Evaluation>>,
    },
}

pub(crate) struct FinetuneTask {
    live: Arc<EngineState>,
    work: Option<(Box<FinetuneJob>, Stage)>,
}

impl FinetuneTask {
    pub(crate) fn new(live: Arc<EngineState>) -> Self {
        Self { live, work: None }
    }

    pub(crate) fn handle(&mut self, request: FinetuneRequest, context: Context<'_>) {
        let Context { device, active, outbox } = context;
        if !self.cancel() {
            self.status(|s| *s = FinetuneStatus::default());
        }
        if let FinetuneRequest::Begin(assignment) = request
            && let Some(device) = device
            && let Err(text) = self.begin(assignment, active, device)
        {
            self.fail(&text, outbox);
        }
        outbox.wake();
    }

    fn status(&self, change: impl FnOnce(&mut FinetuneStatus)) {
        change(&mut self.live.finetune.status.write());
    }

    /// Ends what goes on; no file is left. Whether there was anything.
    pub(crate) fn cancel(&mut self) -> bool {
        let going = self.work.take().is_some();
        if going {
            self.status(|s| (s.phase, s.seconds_left) = (FinetunePhase::Stopped, None));
        }
        going
    }

    fn fail(&mut self, why: &str, outbox: &mut Outbox) {
        let text = format!("The model has not learned from the verdicts: {}.", why.trim_end_matches('.'));
        outbox.notice(Severity::Error, text.clone(), "");
        self.work = None;
        self.status(|s| (s.phase, s.seconds_left) = (FinetunePhase::Failed(text), None));
    }

    fn begin(
        &mut self,
        assignment: FinetuneSpec,
        active: Option<ActiveModel<'_>>,
        device: &ComputeDevice,
    ) -> Result<(), String> {
        let Some(ActiveModel { model, path, knobs, .. }) = active else {
            return Err("there is no model to teach; open a .ganspect file first".into());
        };
        let parent = model.copy(&device.device).map_err(|error| error.to_string())?;
        let about = parent.info();
        let hash = parent.hash().parse().map_err(|_| "the model has no hash; save it and open it again".to_owned())?;
        let earlier = about.lineage.clone().unwrap_or_default();
        let base = earlier.before(&about.split);
        let ancestors = std::iter::once(hash).chain(earlier.ancestors).collect();
        let lineage = Lineage { ancestors, parts: Vec::new() };
        let room = tempfile::tempdir().map_err(|error| format!("there is no place for temporary files: {error}"))?;
        let (record, split) = (assignment.record.clone(), base.clone());
        let task = spawn(move |_| labels(&record, &split))?;
        let pupil = FinetuneJob {
            assignment,
            parent,
            parent_path: path.map(Path::to_owned),
            knobs: knobs.clone(),
            device: device.clone(),
            base,
            lineage,
            tests: None,
            missing: 0,
            room,
        };
        self.work = Some((Box::new(pupil), Stage::Labels(task)));
        self.status(|s| *s = FinetuneStatus { phase: FinetunePhase::Opening(0, 0), ..FinetuneStatus::default() });
        Ok(())
    }

    fn done(&self, learned: FinetuneResult, outbox: &mut Outbox) {
        let said = learned.comparison.as_ref().map(|c| format!(" {}", c.sentence())).unwrap_or_default();
        let text = format!(
            "A model has learned from {} and lies in {}.{said} The old one stays in force until you adopt it.",
            counted(learned.opinions.len(), "verdict"),
            learned.model.path.display()
        );
        outbox.notice(Severity::Info, text, "");
        self.status(|s| {
            (s.phase, s.seconds_left, s.learned) = (FinetunePhase::Done, None, Some(Arc::new(learned)));
        });
    }

    fn advance(&self, pupil: &mut FinetuneJob, stage: Stage) -> Result<Next, String> {
        match stage {
            Stage::Labels(task) => match task.poll() {
                TaskState::Running => Ok(Next::Wait(Stage::Labels(task))),
                TaskState::Over => Err("reading the record was interrupted; try again".into()),
                TaskState::Done(labels) => {
                    let labels = labels?;
                    let summary = labels.summary(pupil.parent.info().lineage.as_ref());
                    self.status(|s| s.labels = Some(summary));
                    pupil.open(labels).map(Next::Go)
                }
            },
            Stage::Opening(task) => {
                let (done, total) = task.progress();
                match task.poll() {
                    TaskState::Running => {
                        self.status(|s| s.phase = FinetunePhase::Opening(done, total));
                        Ok(Next::Wait(Stage::Opening(task)))
                    }
                    TaskState::Over => Err("reading the images broke off; try again".into()),
                    TaskState::Done(Err(error)) => Err(error.to_string()),
                    TaskState::Done(Ok(read)) => pupil.generator(read).map(Next::Go),
                }
            }
            Stage::Generator { trainer, opened, last, .. } if trainer.steps() >= last => {
                pupil.finishing(&trainer, opened).map(|finishing| Next::Go(Stage::Making(Box::new(finishing))))
            }
            Stage::Generator { mut trainer, opened, first, last, began } => {
                trainer.step(Update::Both).map_err(|error| error.to_string())?;
                let (done, total) = (trainer.steps() - first, last - first);
                let each = began.elapsed().as_secs_f64() / done.max(1) as f64;
                self.status(|s| {
                    s.phase = FinetunePhase::Generator(done, total);
                    s.seconds_left = Some(each * (total - done) as f64);
                });
                Ok(Next::Go(Stage::Generator { trainer, opened, first, last, began }))
            }
            Stage::Making(mut finishing) => {
                let made = finishing.slice(Duration::ZERO).map_err(|error| error.to_string())?;
                finishing.take_losses();
                let (making, left) = finishing.progress();
                self.status(|s| (s.phase, s.seconds_left) = (FinetunePhase::Making(making), left));
                let Some(model) = made else { return Ok(Next::Go(Stage::Making(finishing))) };
                match pupil.tests.clone().filter(|tests| !tests.items.is_empty()) {
                    None => Ok(Next::Done(Box::new(model), None)),
                    Some(tests) => {
                        let evaluator = Evaluator::new(&pupil.parent, tests, pupil.knobs.clone(), None);
                        let evaluator = Box::new(evaluator.map_err(|error| error.to_string())?);
                        Ok(Next::Go(Stage::Comparing { model: Box::new(model), evaluator, before: None }))
                    }
                }
            }
            Stage::Comparing { model, mut evaluator, before } => {
                let networks = if before.is_none() { pupil.parent.networks() } else { model.networks() };
                let over = evaluator.slice(networks).map_err(|error| error.to_string())?;
                let (done, total) = evaluator.progress();
                // One model after the other.
                let (second, left) = (before.is_some(), evaluator.seconds_left());
                self.status(|s| {
                    s.phase = FinetunePhase::Comparing(if second { total + done } else { done }, 2 * total);
                    let each = left.map(|left| left / total.saturating_sub(done).max(1) as f64);
                    let still = total - done + if second { 0 } else { total };
                    s.seconds_left = each.filter(|e| *e > 0.0).map(|each| each * still as f64);
                });
                if !over {
                    return Ok(Next::Go(Stage::Comparing { model, evaluator, before }));
                }
                match before {
                    Some(before) => {
                        let comparison = Comparison::of(&before, &evaluator.evaluation());
                        Ok(Next::Done(model, Some(Box::new(comparison))))
                    }
                    None => {
                        let before = Some(Box::new(evaluator.evaluation()));
                        let tests = Arc::clone(evaluator.tests());
                        let next = Evaluator::new(&model, tests, pupil.knobs.clone(), None);
                        let evaluator = Box::new(next.map_err(|error| error.to_string())?);
                        Ok(Next::Go(Stage::Comparing { model, evaluator, before }))
                    }
                }
            }
        }
    }
}

impl EngineTask for FinetuneTask {
    fn readiness(&self, _: Option<ActiveModel<'_>>) -> Readiness {
        match &self.work {
            None => Readiness::Idle,
            Some((_, Stage::Labels(_) | Stage::Opening(_))) => Readiness::Waiting,
            Some(_) => Readiness::Busy,
        }
    }

    fn slice(&mut self, budget: Duration, context: Context<'_>) -> bool {
        let outbox = context.outbox;
        let began = Instant::now();
        while began.elapsed() < budget {
            let Some((mut pupil, stage)) = self.work.take() else { break };
            match self.advance(&mut pupil, stage) {
                Ok(Next::Wait(stage)) => {
                    self.work = Some((pupil, stage));
                    break;
                }
                Ok(Next::Go(stage)) => self.work = Some((pupil, stage)),
                Ok(Next::Done(model, comparison)) => match pupil.keep(&model, comparison) {
                    Ok(learned) => self.done(learned, outbox),
                    Err(error) => self.fail(&error, outbox),
                },
                Err(error) => self.fail(&error, outbox),
            }
        }
        outbox.wake();
        true
    }

    fn release_device(&mut self, _: &mut Outbox) {
        self.cancel();
    }

    fn on_device_lost(&mut self) {
        let going = self.live.finetune.status.read().phase.is_going();
        self.work = None;
        if going {
            let text = "The model has not learned from the verdicts: the device stopped working. Open the model again, \
                        then learn again.";
            self.status(|s| (s.phase, s.seconds_left) = (FinetunePhase::Failed(text.into()), None));
        }
    }
}

enum Next {
    /// Nothing to do at the moment.
    Wait(Stage),
    Go(Stage),
    /// The model, and how it compares with its parent where there are parts to compare on.
    Done(Box<Model>, Option<Box<Comparison>>),
}

impl FinetuneJob {
    /// Begins to read the images of the labelled parts.
    fn open(&mut self, labels: TrainingLabels) -> Result<Stage, String> {
        if !labels.can_train() {
            return Err("none of the verdicts calls a part healthy that can be learned from; review some more".into());
        }
        self.lineage.parts = labels.parts;
        let source: DataSource = self.parent.info().data.parse().map_err(|error: DataError| error.to_string())?;
        let lineage = self.lineage.clone();
        spawn(move |progress| read(&source, &lineage, progress)).map(Stage::Opening)
    }

    /// The networks as the parent has them, to be trained on for as long as was asked for.
    fn generator(&mut self, read: Read) -> Result<Stage, String> {
        let Read { opened, tests, missing } = read;
        self.missing = missing.len();
        self.lineage.parts.retain(|lesson| !missing.contains(lesson));
        if self.lineage.parts.iter().all(|lesson| lesson.role == Role::Compare) {
            return Err("none of the pictures that it could learn from is where it was; put them back".into());
        }
        self.tests = Some(Arc::new(tests));
        let recipe = self.parent.info().recipe.clone();
        let step = self.parent.info().step;
        let training = opened.training_indices(&self.split());
        let sampler = CropSampler::new(Arc::clone(&opened.store), training, recipe.crop_spec());
        let loader =
            sampler.and_then(|sampler| Loader::new(sampler, recipe.seed)).map_err(|error| error.to_string())?;
        let more = if self.assignment.generator { (recipe.train.steps / GENERATOR).max(1) } else { 0 };
        let read_every = if self.device.is_gpu { READ_EVERY } else { 1 };
        let parts = self.parent.parts(&self.device.device).map_err(|error| error.to_string())?;
        let live = parts.live.as_ref().unwrap_or(&parts.ema);
        let trainer = Trainer::new(recipe, &self.device.device, loader, read_every)
            .starting_from(live, &parts.ema, &parts.d, step)
            .map_err(|error| error.to_string())?;
        let (first, last, began) = (step, step + more, Instant::now());
        Ok(Stage::Generator { trainer: Box::new(trainer), opened, first, last, began })
    }

    fn split(&self) -> Split {
        self.lineage.after(&self.base)
    }

    /// Begins to make the rest of the model. An encoder stays as long as the generator does.
    fn finishing(&self, trainer: &Trainer, opened: Opened) -> Result<ModelBuilder, String> {
        let device = &self.device.device;
        let parts = self.parent.parts(device).map_err(|error| error.to_string())?;
        let (ema, d) = trainer.networks();
        let live = trainer.generator().clone();
        let networks = RunNetworks { live, ema: ema.clone(), d: d.clone(), device: device.clone() };
        let parent = self.parent.info();
        let name = parent.name.split(TAUGHT).next().unwrap_or_default();
        let split = self.split();
        let about = ModelInfo {
            name: format!("{name}{TAUGHT}{}", counted(self.lineage.parts.len(), "verdict")),
            step: trainer.steps(),
            split: split.clone(),
            calibrations: Vec::new(),
            // Who promised it did so by the parent's held-out images.
            promise: None,
            lineage: Some(self.lineage.clone()),
            ..parent.clone()
        };
        let base = BaseParts {
            encoder: parts.encoder.filter(|_| !self.assignment.generator),
            critic_steps: parts.critic.as_ref().map(|_| parent.recipe.critic.steps.div_ceil(CRITIC)),
            critic: parts.critic,
            knobs: self.knobs.clone(),
        };
        let path = self.room.path().join(MODEL_FILE);
        ModelBuilder::begin(networks, about, opened, split, path, base).map_err(|error| error.to_string())
    }

    /// Writes the model where it was asked for, and its parent beside it where that has no file: the way back.
    fn keep(&self, model: &Model, comparison: Option<Box<Comparison>>) -> Result<FinetuneResult, String> {
        let out = &self.assignment.out;
        if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        }
        let filed = |model: &Model, path: PathBuf| {
            let hash = model.hash().parse().map_err(|_| "the model has no hash".to_owned())?;
            Ok::<_, String>(SavedModel { name: model.info().name.clone(), hash, path })
        };
        let parent_path = match &self.parent_path {
            Some(path) => path.clone(),
            None => {
                let hash = self.parent.hash();
                let path = out.with_file_name(format!("before {}.ganspect", hash.get(..8).unwrap_or(&hash)));
                self.parent.save(&path).map_err(|error| error.to_string())?;
                path
            }
        };
        model.save(out).map_err(|error| error.to_string())?;
        Ok(FinetuneResult {
            model: filed(model, out.clone())?,
            parent: filed(&self.parent, parent_path)?,
            opinions: self.lineage.parts.iter().map(|lesson| OpinionId(lesson.opinion)).collect(),
            comparison: comparison.map(|comparison| *comparison),
            missing: self.missing,
        })
    }
}

/// Starts a task that reads files.
fn spawn<T: Send + 'static>(
    work: impl FnOnce(&TaskProgress) -> T + Send + 'static,
) -> Result<BackgroundTask<T>, String> {
    BackgroundTask::spawn("ganspect-open", || {}, work)
        .map_err(|error| format!("the system has no thread to read with: {error}"))
}

/// Reads the verdicts on record as training labels for a model with this split.
fn labels(record: &Path, split: &Split) -> Result<TrainingLabels, String> {
    if !record.exists() {
        return Err(format!("there is no record at {}", record.display()));
    }
    TrainingLabels::read(record, split).map_err(|error| error.to_string())
}

/// Reads what is learned from and what is compared on.
fn read(source: &DataSource, lineage: &Lineage, progress: &TaskProgress) -> Result<Read, DataError> {
    let (opened, mut missing) = lineage.open(source, &|done, total| progress.report(done, total))?;
    let (mut items, compared): (Vec<DatasetImage>, Vec<&LabelledPart>) =
        (Vec::new(), lineage.parts.iter().filter(|lesson| lesson.role == Role::Compare).collect());
    for (i, lesson) in compared.iter().enumerate() {
        if !progress.report(i, compared.len()) {
            return Err(DataError::Cancelled);
        }
        let label = if lesson.defective { Label::Defective("defective".into()) } else { Label::Healthy };
        match describe_file(&lesson.path, lesson.hash, label) {
            Ok(item) => items.push(DatasetImage { subset: Subset::Test, ..item }),
            Err(error) => {
                tracing::warn!("a part is not compared on: {error}");
                missing.push(LabelledPart::clone(lesson));
            }
        }
    }
    let dataset = Dataset { root: PathBuf::new(), layout: DatasetLayout::Flat, items, skipped: Vec::new() };
    let store = Arc::new(ImageStore::files(&dataset, DEFAULT_LIMIT));
    Ok(Read { opened, tests: TestSet::of(&Opened { dataset, store }, &[]), missing })
}
