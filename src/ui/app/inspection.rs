//! The window's side of inspection and evaluation: models, the image list and exports.

use std::{path::PathBuf, sync::Arc};

use super::App;
use crate::{
    data::DataSource,
    engine::{
        EvaluationRequest, InspectionRequest, Severity,
        inspection::{ModelSource, ModelState, QueryEntry, QueryId, QuerySource},
    },
    inspect::{calibration::in_thousand, evaluation::PartTruth},
    ui::{
        Action, PageId,
        pages::{inspect::TaskResult, promised_rate::alarms},
    },
};

impl App {
    /// Activates the model of the last session.
    pub(super) fn open_last_model(&mut self) {
        if let Some(path) = self.settings.last_model.clone().filter(|path| path.is_file()) {
            self.send(InspectionRequest::OpenModel(ModelSource::File(path)));
        }
    }

    /// Collects the results of the Inspect page's tasks, and remembers the active model.
    pub(super) fn update_inspection(&mut self) {
        match self.pages.inspect.poll() {
            Some(TaskResult::Found(found)) => {
                for text in found.problems {
                    self.notices.push(Severity::Warning, text);
                }
                if !found.images.is_empty() {
                    self.inspect(found.images.into_iter().map(QuerySource::File).collect());
                }
            }
            Some(TaskResult::Notice(severity, text)) => self.notices.push(severity, text),
            Some(TaskResult::Unfinished(text, rest)) => {
                self.notices.offer(Severity::Warning, text, "Export the others", rest);
            }
            None => {}
        }
        let path = match &self.engine.state().inspection.status.read().model {
            ModelState::Ready(facts) => facts.path.clone(),
            _ => None,
        };
        if path.is_some() && path != self.settings.last_model {
            self.settings.last_model = path;
        }
    }

    /// Removes images from the list, with a notice that can restore them.
    pub(super) fn remove_queries(&mut self, entries: &[Arc<QueryEntry>]) {
        let ids: Vec<QueryId> = entries.iter().map(|entry| entry.id).collect();
        self.pages.inspect.remove(&ids);
        self.send(InspectionRequest::Remove(ids));
        let text = match entries {
            [] => return,
            [entry] => format!("{} was removed from the list.", entry.name),
            all => format!("{} images were removed from the list.", all.len()),
        };
        let sources = entries.iter().map(|entry| entry.source.clone()).collect();
        self.notices.offer(Severity::Info, text, "Restore", Action::Inspect(sources));
    }

    /// Shows one image in the Inspect page.
    pub(super) fn examine(&mut self, name: String, source: QuerySource, truth: Option<Arc<PartTruth>>) {
        self.page = PageId::Inspect;
        let engine = Arc::clone(self.engine.state());
        if let Some(request) = self.pages.inspect.examine(&engine, name, source, truth) {
            self.send(request);
        }
    }

    /// Activates a model file.
    pub(super) fn open_model(&mut self, path: PathBuf) {
        // The Evaluate page works with any model, too.
        if self.page != PageId::Evaluate {
            self.page = PageId::Inspect;
        }
        self.send(InspectionRequest::OpenModel(ModelSource::File(path)));
    }

    /// Promises another false-alarm rate at once, with a notice that can undo it.
    pub(super) fn promise(&mut self, rate: f64) {
        let (model, before) = {
            let status = self.engine.state().inspection.status.read();
            let calibration = match &status.model {
                ModelState::Ready(facts) => facts.calibration(&status.knobs).map(|c| (facts.name.clone(), c)),
                _ => None,
            };
            // A rate that cannot be promised is refused beside its field.
            let can = calibration.filter(|(_, calibration)| calibration.check_rate(rate).is_ok());
            (can.map(|(name, _)| name), status.rate)
        };
        self.send(InspectionRequest::SetRate(rate));
        let (Some(model), Some(before)) = (model, before) else { return };
        self.pages.evaluate.follow_rate(rate);
        if before != rate {
            let text = format!(
                "{model} now promises {} instead of {}; the verdicts follow.",
                alarms(rate),
                in_thousand(before)
            );
            self.notices.offer(Severity::Info, text, "Undo", Action::Promise(before));
        }
    }

    /// Exports inspected images to a folder; without any, the selected one.
    pub(super) fn export_inspection(&mut self, ids: Vec<QueryId>, dir: PathBuf) {
        let engine = Arc::clone(self.engine.state());
        let inspect = &mut self.pages.inspect;
        let ids = if ids.is_empty() { inspect.shown(&engine).into_iter().collect() } else { ids };
        if let Err(text) = inspect.export(&self.ctx, &engine, &ids, dir) {
            self.notices.push(Severity::Warning, text);
        }
    }

    /// Tests the active model on this data, or on its own test set.
    pub(super) fn evaluate(&mut self, source: Option<DataSource>) {
        self.page = PageId::Evaluate;
        self.pages.evaluate.begin(source.as_ref().map(ToString::to_string));
        let runs = Some(self.runs_folder().to_owned());
        self.send(EvaluationRequest::Begin { source, runs });
    }

    /// Writes a report of the test to a folder.
    pub(super) fn write_report(&mut self, dir: PathBuf) {
        let report = self.pages.evaluate.report(self.engine.state(), dir);
        self.send(report);
    }
}
