//! A folder and its record, opened aside: a record may be kept busy by another program for a while.

use std::sync::Arc;

use crate::{
    engine::intake::{
        IntakeSpec,
        recorder::Recorder,
        watch::{RecordLedger, Watch},
    },
    review::Record,
};

/// The watch of a folder and whoever files its parts; `model` is the hash of the model in force.
pub(crate) fn opened(order: &IntakeSpec, model: &str) -> Result<(Watch, Recorder), String> {
    let failed = |why: String| {
        format!(
            "No parts are taken in from {}: {}. Nothing was changed.",
            order.folder.display(),
            why.trim_end_matches('.')
        )
    };
    let open = || Record::open(&order.record).map_err(|error| failed(error.to_string()));
    let (record, reader) = (open()?, open()?);
    let ledger = match order.options.once {
        true => RecordLedger::once_a_model(record, model).map_err(|error| failed(error.to_string()))?,
        false => RecordLedger::once(record),
    };
    let watch = Watch::start(&order.folder, order.options, ledger).map_err(|error| failed(error.to_string()))?;
    let filing = Recorder::start(Arc::clone(watch.desk()), reader, order.folder.clone())
        .map_err(|error| failed(format!("the system has no thread to file with: {error}")))?;
    Ok((watch, filing))
}
