//! Opens a folder and its record on another thread, because another program may keep the record locked for a while.

use std::sync::Arc;

use crate::{
    engine::{
        background::thread_error,
        intake::{
            IntakeSpec,
            recorder::Recorder,
            watch::{RecordLedger, Watch},
        },
    },
    review::Record,
    text::PrintablePath,
};

/// Starts the watch of a folder and the thread that records its parts. `model` is the hash of the active model.
pub(crate) fn open(spec: &IntakeSpec, model: &str) -> Result<(Watch, Recorder), String> {
    let failed = |why: String| {
        format!(
            "Cannot inspect the parts in {}: {}. Nothing was changed.",
            spec.folder.printable(),
            why.trim_end_matches('.')
        )
    };
    let open_record = || Record::open(&spec.record).map_err(|error| failed(error.to_string()));
    let (record, reader) = (open_record()?, open_record()?);
    let ledger = match spec.options.once {
        true => RecordLedger::once_a_model(record, model).map_err(|error| failed(error.to_string()))?,
        false => RecordLedger::once(record),
    };
    let watch = Watch::start(&spec.folder, spec.options, ledger).map_err(|error| failed(error.to_string()))?;
    let recorder = Recorder::start(Arc::clone(watch.claims()), reader, spec.folder.clone())
        .map_err(|error| failed(thread_error(&error)))?;
    Ok((watch, recorder))
}
