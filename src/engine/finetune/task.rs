//! The fine-tuning task: trains a copy of the active model on verdicts and compares both.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{FinetunePhase, FinetuneRequest, FinetuneResult, FinetuneSpec, FinetuneStatus, SavedModel};
use crate::{
    data::{
        BitDepth, CropSampler, DataError, DataSource, Dataset, DatasetImage, DatasetLayout, FileHash, ImageStore,
        Label, Loader, Opened, Split, Subset, source::describe_file, store::DEFAULT_LIMIT,
    },
    device::ComputeDevice,
    engine::{
        BackgroundTask, EngineState, Severity, TaskProgress, TaskState,
        background::{READ_INTERRUPTED, thread_error},
        outbox::Outbox,
        task::{ActiveModel, Context, EngineTask, NO_MODEL, Readiness},
        training::{
            build_inputs::{BaseParts, RunNetworks},
            model_builder::ModelBuilder,
        },
    },
    format::counted,
    inspect::{
        Evaluation, Evaluator, InvertKnobs, LabelledPart, Lineage, Model, ModelInfo, OutlierReport, TestSet,
        lineage::Role,
    },
    review::{Comparison, OpinionId, TrainingLabels},
    text::PrintablePath,
    time::TimeLeft,
    train::{Trainer, Update, run_folder::MODEL_FILE},
};

/// Generator and discriminator are trained for this fraction of their original steps.
const GENERATOR_DIVISOR: u64 = 10;

/// The critic is trained for this fraction of its original steps.
const CRITIC_DIVISOR: u64 = 3;

/// Steps between two read-backs of metrics from a GPU.
const READ_EVERY: usize = 10;

/// The text between a model's name and its number of verdicts, now and in earlier versions.
const FINETUNED: [&str; 2] = [", fine-tuned on ", ", taught by "];

/// Images for training and for the comparison.
struct Data {
    opened: Opened,
    tests: TestSet,
    /// Parts whose image is missing.
    missing: Vec<LabelledPart>,
}

/// The inputs of a fine-tuning.
struct FinetuneJob {
    spec: FinetuneSpec,
    parent: Model,
    parent_path: Option<PathBuf>,
    knobs: InvertKnobs,
    device: ComputeDevice,
    /// The split of the first model in the lineage.
    base: Split,
    lineage: Lineage,
    tests: Option<Arc<TestSet>>,
    missing: usize,
    /// Folder of the unfinished model, deleted at the end.
    temporary: tempfile::TempDir,
}

enum Stage {
    /// The verdicts are read from the record.
    Labels(BackgroundTask<Result<TrainingLabels, String>>),
    Opening(BackgroundTask<Result<Data, DataError>>),
    Generator {
        trainer: Box<Trainer>,
        opened: Opened,
        first: u64,
        last: u64,
        began: Instant,
        measured: TimeLeft,
    },
    Building(Box<ModelBuilder>),
    Comparing {
        model: Box<Model>,
        evaluator: Box<Evaluator>,
        before: Option<Box<Evaluation>>,
    },
}

pub(crate) struct FinetuneTask {
    state: Arc<EngineState>,
    work: Option<(Box<FinetuneJob>, Stage)>,
}

impl FinetuneTask {
    pub(crate) fn new(state: Arc<EngineState>) -> Self {
        Self { state, work: None }
    }

    pub(crate) fn handle(&mut self, request: FinetuneRequest, context: Context<'_>) {
        let Context { device, active, outbox } = context;
        if !self.cancel() {
            self.status(|s| *s = FinetuneStatus::default());
        }
        if let FinetuneRequest::Begin(spec) = request
            && let Some(device) = device
            && let Err(text) = self.begin(spec, active, device)
        {
            self.fail(&text, outbox);
        }
        outbox.wake();
    }

    fn status(&self, change: impl FnOnce(&mut FinetuneStatus)) {
        change(&mut self.state.finetune.status.write());
    }

    /// Cancels a running fine-tuning; no file is written. Returns whether there was one.
    pub(crate) fn cancel(&mut self) -> bool {
        let going = self.work.take().is_some();
        if going {
            self.status(|s| {
                s.cancelled = Some(s.phase.cancelled());
                (s.phase, s.seconds_left) = (FinetunePhase::Stopped, None);
            });
        }
        going
    }

    fn fail(&mut self, why: &str, outbox: &mut Outbox) {
        let text = format!("Fine-tuning failed: {}.", why.trim_end_matches('.'));
        outbox.notice(Severity::Error, text.clone(), "");
        self.work = None;
        self.status(|s| (s.phase, s.seconds_left) = (FinetunePhase::Failed(text), None));
    }

    fn begin(
        &mut self,
        spec: FinetuneSpec,
        active: Option<ActiveModel<'_>>,
        device: &ComputeDevice,
    ) -> Result<(), String> {
        let Some(ActiveModel { model, path, knobs, .. }) = active else {
            return Err(NO_MODEL.into());
        };
        let parent = model.copy(&device.device).map_err(|error| error.to_string())?;
        let about = parent.info();
        let hash = parent.hash().parse().map_err(|_| "the model has no hash; save it and open it again".to_owned())?;
        let earlier = about.lineage.clone().unwrap_or_default();
        let base = earlier.before(&about.split);
        let ancestors = std::iter::once(hash).chain(earlier.ancestors).collect();
        let lineage = Lineage { ancestors, parts: Vec::new() };
        let temporary = tempfile::tempdir().map_err(|error| format!("cannot create a temporary folder: {error}"))?;
        let (record, split, left_out) = (spec.record.clone(), base.clone(), about.ever_left_out());
        let task = spawn(move |_| labels(&record, &split, &left_out))?;
        let job = FinetuneJob {
            spec,
            parent,
            parent_path: path.map(Path::to_owned),
            knobs: knobs.clone(),
            device: device.clone(),
            base,
            lineage,
            tests: None,
            missing: 0,
            temporary,
        };
        self.work = Some((Box::new(job), Stage::Labels(task)));
        self.status(|s| *s = FinetuneStatus { phase: FinetunePhase::Opening(0, 0), ..FinetuneStatus::default() });
        Ok(())
    }

    fn done(&self, result: FinetuneResult, outbox: &mut Outbox) {
        let comparison = result.comparison.as_ref().map(|c| format!(" {}", c.sentence())).unwrap_or_default();
        let text = format!(
            "The model fine-tuned on {} is ready in {}.{comparison} The current model stays active until you adopt the new one.",
            counted(result.opinions.len(), "verdict"),
            result.model.path.printable()
        );
        outbox.notice(Severity::Info, text, "");
        if let Some(text) = &result.outliers {
            outbox.notice(Severity::Warning, text.clone(), "");
        }
        self.status(|s| {
            (s.phase, s.seconds_left, s.result) = (FinetunePhase::Done, None, Some(Arc::new(result)));
        });
    }

    fn advance(&self, job: &mut FinetuneJob, stage: Stage) -> Result<Next, String> {
        match stage {
            Stage::Labels(task) => match task.poll() {
                TaskState::Running => Ok(Next::Wait(Stage::Labels(task))),
                TaskState::Over => Err("reading the record was interrupted; try again".into()),
                TaskState::Done(labels) => {
                    let labels = labels?;
                    let summary = labels.summary(job.parent.info().lineage.as_ref());
                    self.status(|s| s.labels = Some(summary));
                    job.open(labels).map(Next::Continue)
                }
            },
            Stage::Opening(task) => {
                let (done, total) = task.progress();
                match task.poll() {
                    TaskState::Running => {
                        self.status(|s| s.phase = FinetunePhase::Opening(done, total));
                        Ok(Next::Wait(Stage::Opening(task)))
                    }
                    TaskState::Over => Err(READ_INTERRUPTED.into()),
                    TaskState::Done(Err(error)) => Err(error.to_string()),
                    TaskState::Done(Ok(read)) => job.generator(read).map(Next::Continue),
                }
            }
            Stage::Generator { trainer, opened, last, .. } if trainer.steps() >= last => {
                job.start_build(&trainer, opened).map(|builder| Next::Continue(Stage::Building(Box::new(builder))))
            }
            Stage::Generator { mut trainer, opened, first, last, began, mut measured } => {
                trainer.step(Update::Both).map_err(|error| error.to_string())?;
                let (done, total) = (trainer.steps() - first, last - first);
                let left = measured.update(began.elapsed().as_secs_f64(), done as f64, (total - done) as f64);
                self.status(|s| {
                    s.phase = FinetunePhase::Generator(done, total);
                    s.seconds_left = left;
                });
                Ok(Next::Continue(Stage::Generator { trainer, opened, first, last, began, measured }))
            }
            Stage::Building(mut builder) => {
                let made = builder.slice(Duration::ZERO).map_err(|error| error.to_string())?;
                builder.take_losses();
                let (progress, left) = builder.progress();
                self.status(|s| (s.phase, s.seconds_left) = (FinetunePhase::Building(progress), left));
                let Some(model) = made else { return Ok(Next::Continue(Stage::Building(builder))) };
                match job.tests.clone().filter(|tests| !tests.items.is_empty()) {
                    None => Ok(Next::Done(Box::new(model), None)),
                    Some(tests) => {
                        let evaluator = Evaluator::new(&job.parent, tests, job.knobs.clone(), None);
                        let evaluator = Box::new(evaluator.map_err(|error| error.to_string())?);
                        Ok(Next::Continue(Stage::Comparing { model: Box::new(model), evaluator, before: None }))
                    }
                }
            }
            Stage::Comparing { model, mut evaluator, before } => {
                let networks = if before.is_none() { job.parent.networks() } else { model.networks() };
                let over = evaluator.slice(networks).map_err(|error| error.to_string())?;
                let (done, total) = evaluator.progress();
                // The models are evaluated one after the other.
                let (second, left) = (before.is_some(), evaluator.seconds_left());
                self.status(|s| {
                    s.phase = FinetunePhase::Comparing(if second { total + done } else { done }, 2 * total);
                    let each = left.map(|left| left / total.saturating_sub(done).max(1) as f64);
                    let still = total - done + if second { 0 } else { total };
                    s.seconds_left = each.filter(|e| *e > 0.0).map(|each| each * still as f64);
                });
                if !over {
                    return Ok(Next::Continue(Stage::Comparing { model, evaluator, before }));
                }
                match before {
                    Some(before) => {
                        let comparison = Comparison::of(&before, &evaluator.evaluation());
                        Ok(Next::Done(model, Some(Box::new(comparison))))
                    }
                    None => {
                        let before = Some(Box::new(evaluator.evaluation()));
                        let tests = Arc::clone(evaluator.tests());
                        let next = Evaluator::new(&model, tests, job.knobs.clone(), None);
                        let evaluator = Box::new(next.map_err(|error| error.to_string())?);
                        Ok(Next::Continue(Stage::Comparing { model, evaluator, before }))
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
            let Some((mut job, stage)) = self.work.take() else { break };
            match self.advance(&mut job, stage) {
                Ok(Next::Wait(stage)) => {
                    self.work = Some((job, stage));
                    break;
                }
                Ok(Next::Continue(stage)) => self.work = Some((job, stage)),
                Ok(Next::Done(model, comparison)) => match job.keep(&model, comparison) {
                    Ok(result) => self.done(result, outbox),
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
        let going = self.state.finetune.status.read().phase.is_active();
        self.work = None;
        if going {
            let text = "Fine-tuning failed: the device stopped working. Open the model again and start again.";
            self.status(|s| (s.phase, s.seconds_left) = (FinetunePhase::Failed(text.into()), None));
        }
    }
}

enum Next {
    /// Waits for another thread.
    Wait(Stage),
    /// Continues at once.
    Continue(Stage),
    /// The model, and its comparison with the parent where there are held-out verdicts.
    Done(Box<Model>, Option<Box<Comparison>>),
}

impl FinetuneJob {
    /// Starts to read the images of the labelled parts.
    fn open(&mut self, labels: TrainingLabels) -> Result<Stage, String> {
        if !labels.can_train() {
            return Err("no verdict of a healthy part can be used for training; review more parts".into());
        }
        self.lineage.parts = labels.parts;
        let source: DataSource = self.parent.info().data.parse().map_err(|error: DataError| error.to_string())?;
        let (lineage, depth) = (self.lineage.clone(), self.parent.info().recipe.data.bit_depth);
        spawn(move |progress| read(&source, &lineage, depth, progress)).map(Stage::Opening)
    }

    /// Starts to train the parent's networks.
    fn generator(&mut self, read: Data) -> Result<Stage, String> {
        let Data { opened, tests, missing } = read;
        self.missing = missing.len();
        self.lineage.parts.retain(|part| !missing.contains(part));
        if self.lineage.parts.iter().all(|part| part.role == Role::Compare) {
            return Err("none of the training images was found; restore them".into());
        }
        self.tests = Some(Arc::new(tests));
        let recipe = self.parent.info().recipe.clone();
        let step = self.parent.info().step;
        let training = opened.training_indices(&self.split());
        let sampler = CropSampler::new(Arc::clone(&opened.store), training, recipe.crop_spec());
        let loader =
            sampler.and_then(|sampler| Loader::new(sampler, recipe.seed)).map_err(|error| error.to_string())?;
        let more = if self.spec.generator { (recipe.train.steps / GENERATOR_DIVISOR).max(1) } else { 0 };
        let read_every = if self.device.is_gpu { READ_EVERY } else { 1 };
        let parts = self.parent.parts(&self.device.device).map_err(|error| error.to_string())?;
        let live = parts.live.as_ref().unwrap_or(&parts.ema);
        let trainer = Trainer::new(recipe, &self.device.device, loader, read_every)
            .starting_from(live, &parts.ema, &parts.d, step)
            .map_err(|error| error.to_string())?;
        let (first, last, began) = (step, step + more, Instant::now());
        let measured = TimeLeft::default();
        Ok(Stage::Generator { trainer: Box::new(trainer), opened, first, last, began, measured })
    }

    fn split(&self) -> Split {
        self.lineage.after(&self.base)
    }

    /// Starts to build the rest of the model. The encoder is kept if the generator is.
    fn start_build(&self, trainer: &Trainer, opened: Opened) -> Result<ModelBuilder, String> {
        let device = &self.device.device;
        let parts = self.parent.parts(device).map_err(|error| error.to_string())?;
        let (ema, d) = trainer.networks();
        let live = trainer.generator().clone();
        let networks = RunNetworks { live, ema: ema.clone(), d: d.clone(), device: device.clone() };
        let parent = self.parent.info();
        let name =
            FINETUNED.iter().fold(parent.name.as_str(), |name, text| name.split(text).next().unwrap_or_default());
        let about = ModelInfo {
            name: format!("{name}{}{}", FINETUNED[0], counted(self.lineage.parts.len(), "verdict")),
            step: trainer.steps(),
            split: self.split(),
            calibrations: Vec::new(),
            // The promise rests on the parent's held-out images.
            promise: None,
            lineage: Some(self.lineage.clone()),
            ..parent.clone()
        };
        let base = BaseParts {
            encoder: parts.encoder.filter(|_| !self.spec.generator),
            critic_steps: parts.critic.as_ref().map(|_| parent.recipe.critic.steps.div_ceil(CRITIC_DIVISOR)),
            critic: parts.critic,
            knobs: self.knobs.clone(),
        };
        let path = self.temporary.path().join(MODEL_FILE);
        ModelBuilder::begin(networks, about, opened, path, base).map_err(|error| error.to_string())
    }

    /// Writes the model, and its parent beside it if that has no file yet, so that it can be restored.
    fn keep(&self, model: &Model, comparison: Option<Box<Comparison>>) -> Result<FinetuneResult, String> {
        let out = &self.spec.out;
        if let Some(folder) = out.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|error| format!("cannot create {}: {error}", folder.printable()))?;
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
            opinions: self.lineage.parts.iter().map(|part| OpinionId(part.opinion)).collect(),
            comparison: comparison.map(|comparison| *comparison),
            missing: self.missing,
            outliers: model.info().outliers.as_ref().and_then(OutlierReport::sentence),
        })
    }
}

/// Starts a task that reads files.
fn spawn<T: Send + 'static>(
    work: impl FnOnce(&TaskProgress) -> T + Send + 'static,
) -> Result<BackgroundTask<T>, String> {
    BackgroundTask::spawn("ganspect-open", || {}, work).map_err(|error| thread_error(&error))
}

/// Reads the verdicts on record as training labels for a model with this split.
fn labels(record: &Path, split: &Split, left_out: &HashSet<FileHash>) -> Result<TrainingLabels, String> {
    if !record.exists() {
        return Err(format!("there is no record at {}", record.printable()));
    }
    TrainingLabels::read(record, split, left_out).map_err(|error| error.to_string())
}

/// Reads the images for training and for the comparison.
fn read(source: &DataSource, lineage: &Lineage, depth: BitDepth, progress: &TaskProgress) -> Result<Data, DataError> {
    let (opened, mut missing) = lineage.open(source, &|done, total| progress.report(done, total))?;
    let (mut items, compared): (Vec<DatasetImage>, Vec<&LabelledPart>) =
        (Vec::new(), lineage.parts.iter().filter(|part| part.role == Role::Compare).collect());
    for (i, part) in compared.iter().enumerate() {
        if !progress.report(i, compared.len()) {
            return Err(DataError::Cancelled);
        }
        let label = if part.defective { Label::Defective("defective".into()) } else { Label::Healthy };
        match describe_file(&part.path, part.hash, label) {
            Ok(item) => items.push(DatasetImage { subset: Subset::Test, ..item }),
            Err(error) => {
                tracing::warn!("a part is left out of the comparison: {error}");
                missing.push(LabelledPart::clone(part));
            }
        }
    }
    let dataset = Dataset::new(PathBuf::new(), DatasetLayout::Flat, items);
    let store = Arc::new(ImageStore::files(&dataset, DEFAULT_LIMIT));
    let opened = opened.reading_at(depth);
    Ok(Data { opened, tests: TestSet::of(&Opened { dataset, store }.reading_at(depth), &[]), missing })
}
