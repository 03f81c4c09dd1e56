//! What keys and buttons do to the part on show.

use super::{ReviewWorkspace, verdict::Writing};
use crate::{
    engine,
    engine::inspection::QuerySource,
    inspect::regions::RegionShape,
    review::{Judgement, PartId, ReviewItem, ReviewStatus, Timestamp, record::NewOpinion},
    ui::{Action, ReviewSettings, UiCommand},
};

impl ReviewWorkspace {
    /// Carries out the entries of the command table that concern this page; others are left alone.
    pub fn apply(&mut self, command: UiCommand, actions: &mut Vec<Action>) {
        let books = std::sync::Arc::clone(&self.books);
        match command {
            UiCommand::ReviewAgree => self.judge(Judgement::Agree, actions),
            UiCommand::ReviewHealthy => self.judge(Judgement::Healthy, actions),
            UiCommand::ReviewDefective => self.judge(Judgement::Defective, actions),
            UiCommand::ReviewUnsure => self.judge(Judgement::Unsure, actions),
            UiCommand::ReviewSkip => self.judge(Judgement::Skip, actions),
            UiCommand::ReviewUndo => actions.push(Action::Engine(engine::Command::Review(self.session.undo()))),
            UiCommand::ReviewBack => self.queue.step(&books.items, -1),
            UiCommand::ReviewForward => self.queue.step(&books.items, 1),
            UiCommand::ReviewAlone => self.layout.alone = !self.layout.alone,
            UiCommand::ReviewDraw => self.drawing.toggle(),
            UiCommand::ReviewNote => {
                self.layout.panel = true;
                if let Some(item) = self.queue.shown(&books.items) {
                    let (part, text) = (item.part.id, self.session.note(item, &self.settings));
                    self.writing = Some(Writing { part, text, focused: false });
                }
            }
            UiCommand::ReviewSearch => {
                self.layout.panel = true;
                self.filters.search = true;
            }
            UiCommand::ReviewInspect => {
                if let Some(item) = self.queue.shown(&books.items) {
                    let source = QuerySource::File(item.part.path.clone());
                    actions.push(Action::Examine { name: item.part.name(), source });
                }
            }
            UiCommand::FitPicture => self.triptych.view.fit(),
            UiCommand::ActualPixels => self.triptych.view.actual(),
            UiCommand::Blink | UiCommand::Swipe | UiCommand::MapOverlay => self.triptych.toggle(command),
            _ => {
                if let Some(at) = command.defect_type() {
                    self.name_kind(at, actions);
                }
            }
        }
    }

    fn say(&mut self, item: &ReviewItem, opinion: NewOpinion, actions: &mut Vec<Action>) {
        let ask = self.session.say(item, opinion);
        actions.push(Action::Engine(engine::Command::Review(ask)));
    }

    /// A verdict on the part on show; the next one is shown.
    fn judge(&mut self, judgement: Judgement, actions: &mut Vec<Action>) {
        let books = std::sync::Arc::clone(&self.books);
        let Some(item) = self.queue.shown(&books.items) else { return };
        // Who puts off what is done, or was put off before, just goes on.
        let standing = self.queue.view().standing(item);
        let passes =
            judgement == Judgement::Skip && standing != ReviewStatus::Open || self.session.is_busy(item.part.id);
        if !passes {
            if let Some(writing) = self.writing.take().filter(|w| w.part == item.part.id) {
                self.session.note_down(item.part.id, writing.text.trim());
            }
            let opinion = self.session.opinion(item, judgement, &self.settings, self.is_blind());
            self.say(item, opinion, actions);
        }
        self.writing = None;
        self.drawing.abandon();
        let session = &self.session;
        self.queue.go_on(&books.items, &|part: PartId| session.is_busy(part));
    }

    /// Names the kind of the last part that was called defective.
    fn name_kind(&mut self, at: usize, actions: &mut Vec<Action>) {
        let books = std::sync::Arc::clone(&self.books);
        let (Some(named), Some(kind)) = (self.session.named.clone(), books.kinds.get(at)) else { return };
        let Ok(item) = books.items.binary_search_by_key(&named.part, |item| item.part.id) else { return };
        let settings = ReviewSettings { kind: Some(kind.clone()), ..self.settings.clone() };
        let opinion = NewOpinion { defect: Some(kind.clone()), time: Timestamp::now(), ..named.opinion };
        self.say(&books.items[item], opinion, actions);
        actions.push(Action::Review(Box::new(settings)));
    }

    /// Keeps a note to the part on show.
    pub(super) fn keep_note(&mut self, text: String, actions: &mut Vec<Action>) {
        let books = std::sync::Arc::clone(&self.books);
        let Some(item) = self.queue.shown(&books.items) else { return };
        if text == self.session.note(item, &self.settings) {
            return;
        }
        let amended = self.session.amend(item, &self.settings, |draft| draft.note = Some(text));
        if let Some(opinion) = amended {
            self.say(item, opinion, actions);
        }
    }

    /// Keeps what was drawn on the part on show, or takes it away.
    pub(super) fn keep_region(&mut self, region: Option<RegionShape>, actions: &mut Vec<Action>) {
        let books = std::sync::Arc::clone(&self.books);
        let Some(item) = self.queue.shown(&books.items) else { return };
        let amended = self.session.amend(item, &self.settings, |draft| draft.region = region);
        if let Some(opinion) = amended {
            self.say(item, opinion, actions);
        }
    }
}
