//! Opens a folder and its record on another thread, because another program may keep the record locked for a while.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::{
    engine::{
        background::{BackgroundTask, TaskProgress, thread_error},
        intake::{
            IntakeSpec,
            recorder::Recorder,
            retry::{RetryTiming, sleep_unless, when_usable},
            watch::{RecordLedger, Watch, stall_sentence},
        },
    },
    review::{KeptPictures, Record, RecordError},
    text::PrintablePath,
};

/// An opening under way.
pub(crate) struct Opening {
    pub(crate) task: BackgroundTask<Result<(Watch, Recorder), String>>,
    /// Why the record cannot be opened at the moment.
    pub(crate) stalled: Arc<Mutex<Option<String>>>,
}

/// Starts the watch of a folder and the thread that records its parts. `model` is the hash of the active model, and `keep`
/// says which images are copied to the record. Waits for a record that is locked or whose disk is full, and says so in
/// `stalled`.
pub(crate) fn open(
    spec: &IntakeSpec,
    model: &str,
    keep: KeptPictures,
    stalled: &Mutex<Option<String>>,
    progress: &TaskProgress,
) -> Result<(Watch, Recorder), String> {
    let failed = |why: String| {
        format!(
            "Cannot inspect the parts in {}: {}. Nothing was changed.",
            spec.folder.printable(),
            why.trim_end_matches('.')
        )
    };
    let timing = RetryTiming::default();
    let open_record = || open_when_free(spec, timing, stalled, progress).map_err(|error| failed(error.to_string()));
    let (record, reader) = (open_record()?, open_record()?);
    let ledger = match spec.options.once {
        true => RecordLedger::once_a_model(record, model).map_err(|error| failed(error.to_string()))?,
        false => RecordLedger::once(record),
    };
    let watch =
        Watch::start(&spec.folder, spec.options, ledger.keeping(keep)).map_err(|error| failed(error.to_string()))?;
    let recorder = Recorder::start(Arc::clone(watch.claims()), reader, spec.folder.clone(), timing)
        .map_err(|error| failed(thread_error(&error)))?;
    Ok((watch, recorder))
}

/// Opens the record as soon as it can be opened, unless the opening is cancelled.
fn open_when_free(
    spec: &IntakeSpec,
    timing: RetryTiming,
    stalled: &Mutex<Option<String>>,
    progress: &TaskProgress,
) -> Result<Record, RecordError> {
    let open = || Record::open_within(&spec.record, timing.busy);
    let opened = when_usable(timing, open, |error, pause| {
        *stalled.lock() = Some(stall_sentence(&error.to_string()));
        sleep_unless(|| progress.is_cancelled(), pause)
    });
    *stalled.lock() = None;
    opened
}
