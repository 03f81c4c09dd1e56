//! Commands on the current part.

use std::sync::Arc;

use super::{ReviewWorkspace, verdict::NoteEdit};
use crate::{
    engine::{EngineState, inspection::QuerySource},
    inspect::RegionShape,
    review::{Judgement, PartId, ReviewItem, ReviewStatus, Timestamp, record::NewOpinion},
    ui::{Action, ReviewSettings, UiCommand},
};

impl ReviewWorkspace {
    /// Carries out the commands that concern this page and ignores all others.
    pub(crate) fn apply(&mut self, command: UiCommand, engine: &EngineState, actions: &mut Vec<Action>) {
        let snapshot = Arc::clone(&self.snapshot);
        match command {
            UiCommand::ReviewAgree => self.judge(Judgement::Agree, actions),
            UiCommand::ReviewHealthy => self.judge(Judgement::Healthy, actions),
            UiCommand::ReviewDefective => self.judge(Judgement::Defective, actions),
            UiCommand::ReviewUnsure => self.judge(Judgement::Unsure, actions),
            UiCommand::ReviewSkip => self.judge(Judgement::Skip, actions),
            UiCommand::ReviewUndo => self.undo(actions),
            UiCommand::ReviewBack => self.queue.step(&snapshot.items, -1),
            UiCommand::ReviewForward => self.queue.step(&snapshot.items, 1),
            UiCommand::ReviewAlone => self.layout.alone = !self.layout.alone,
            UiCommand::ReviewDraw => self.drawing.toggle(),
            UiCommand::ReviewNote => {
                self.side.show(&mut self.layout.panel);
                if let Some(item) = self.queue.shown(&snapshot.items) {
                    let (part, text) = (item.part.id, self.session.note(item, &self.settings));
                    self.note = Some(NoteEdit { part, text, focused: false });
                }
            }
            UiCommand::ReviewSearch => {
                self.side.show(&mut self.layout.panel);
                self.filters.focus_search = true;
            }
            UiCommand::ReviewInspect => {
                if let Some(item) = self.queue.shown(&snapshot.items) {
                    let source = QuerySource::File(item.part.path.clone());
                    actions.push(Action::Examine { name: item.part.name(), source, truth: None });
                }
            }
            UiCommand::RegionForward | UiCommand::RegionBack => {
                let count = self.findings(engine).map_or(0, |found| found.regions.len());
                self.triptych.reveal |= self.anomalies.step(count, command == UiCommand::RegionForward);
            }
            UiCommand::FitPicture => self.triptych.view.fit(),
            UiCommand::ActualPixels => self.triptych.view.actual(),
            UiCommand::Blink | UiCommand::Swipe | UiCommand::MapOverlay => self.triptych.toggle(command),
            _ => {
                if let Some(at) = command.defect_type() {
                    self.set_defect_type(at, actions);
                }
            }
        }
    }

    /// Sends a verdict to the record.
    fn submit(&mut self, item: &ReviewItem, opinion: NewOpinion, actions: &mut Vec<Action>) {
        let request = self.session.submit(item, opinion);
        actions.push(Action::engine(request));
    }

    /// Records a verdict on the current part and shows the next one.
    fn judge(&mut self, judgement: Judgement, actions: &mut Vec<Action>) {
        let snapshot = Arc::clone(&self.snapshot);
        let Some(item) = self.queue.shown(&snapshot.items) else { return };
        // Skipping a part that is done or was skipped before records nothing.
        let status = self.queue.view().status(item);
        let unchanged =
            judgement == Judgement::Skip && status != ReviewStatus::Open || self.session.is_pending(item.part.id);
        if !unchanged {
            if let Some(note) = self.note.take().filter(|note| note.part == item.part.id) {
                self.session.set_note(item.part.id, note.text.trim());
            }
            let opinion = self.session.opinion(item, judgement, &self.settings, self.is_blind());
            self.submit(item, opinion, actions);
        }
        self.note = None;
        self.drawing.cancel();
        let session = &self.session;
        self.queue.advance(&snapshot.items, &|part: PartId| session.is_pending(part));
    }

    /// Sets the defect type of the last part that was judged defective.
    fn set_defect_type(&mut self, at: usize, actions: &mut Vec<Action>) {
        let snapshot = Arc::clone(&self.snapshot);
        let (Some(last), Some(defect)) = (self.session.last_defective.clone(), snapshot.defect_types.get(at)) else {
            return;
        };
        let Ok(item) = snapshot.items.binary_search_by_key(&last.part, |item| item.part.id) else { return };
        let settings = ReviewSettings { defect_type: Some(defect.clone()), ..self.settings.clone() };
        let opinion = NewOpinion { defect: Some(defect.clone()), time: Timestamp::now(), ..last.opinion };
        self.submit(&snapshot.items[item], opinion, actions);
        actions.push(Action::Review(Box::new(settings)));
    }

    /// Saves a note on the current part.
    pub(super) fn save_note(&mut self, text: String, actions: &mut Vec<Action>) {
        let snapshot = Arc::clone(&self.snapshot);
        let Some(item) = self.queue.shown(&snapshot.items) else { return };
        if text == self.session.note(item, &self.settings) {
            return;
        }
        let amended = self.session.amend(item, &self.settings, |draft| draft.note = Some(text));
        if let Some(opinion) = amended {
            self.submit(item, opinion, actions);
        }
    }

    /// Undoes the last change of a region on the current part, or else the last verdict.
    fn undo(&mut self, actions: &mut Vec<Action>) {
        if !self.drawing.can_undo() {
            return actions.push(Action::engine(self.session.undo()));
        }
        if let Some(regions) = self.drawing.undo() {
            self.save_regions(regions, actions);
        }
    }

    /// Saves the regions drawn on the current part.
    pub(super) fn save_regions(&mut self, regions: Vec<RegionShape>, actions: &mut Vec<Action>) {
        let snapshot = Arc::clone(&self.snapshot);
        let Some(item) = self.queue.shown(&snapshot.items) else { return };
        let amended = self.session.amend(item, &self.settings, |draft| draft.regions = Some(regions));
        if let Some(opinion) = amended {
            self.submit(item, opinion, actions);
        }
    }
}
