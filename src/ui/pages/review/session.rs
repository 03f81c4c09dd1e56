//! What is being said to the parts, until the record has it.

use std::collections::HashMap;

use crate::{
    engine::review::{ReviewRequest, ReviewSnapshot},
    inspect::regions::RegionShape,
    review::{Judgement, Opinion, PartId, ReviewItem, record::NewOpinion},
    ui::ReviewSettings,
};

/// Verdicts that may be on their way to the record; the thread that keeps it takes no more.
pub(super) const MOST_BUSY: usize = 64;

/// What was noted or drawn and waits for a verdict.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Draft {
    pub note: Option<String>,
    pub region: Option<RegionShape>,
}

/// The part whose kind of defect a digit names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub part: PartId,
    pub name: String,
    /// The verdict as it was given.
    pub opinion: NewOpinion,
}

/// A sitting of one reviewer.
#[derive(Default)]
pub(super) struct Session {
    number: u64,
    /// Verdicts that the record has not acknowledged, by the numbers of their asks.
    busy: Vec<(u64, PartId)>,
    drafts: HashMap<PartId, Draft>,
    /// The last part that was called defective.
    pub named: Option<Named>,
    /// Asks up to this number have been dealt with.
    seen: u64,
}

/// Where an answer of the record leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Led {
    /// Nowhere.
    Nowhere,
    /// Back to this part, whose verdict was taken back or not kept.
    Back(PartId),
}

impl Session {
    /// Takes in what the record has answered.
    pub fn follow(&mut self, books: &ReviewSnapshot) -> Led {
        if books.answered <= self.seen {
            return Led::Nowhere;
        }
        let fresh = |number: u64| number > self.seen;
        let undone = books.undone.filter(|(number, _)| fresh(*number));
        let refused = books.refused.as_ref().filter(|(number, ..)| fresh(*number));
        let back = refused.map(|(_, part, _)| *part).or(undone.map(|(_, part)| part));
        if let Some((_, part, opinion)) = refused {
            // What was noted and drawn is not lost with it.
            let note = (!opinion.note.is_empty()).then(|| opinion.note.clone());
            self.drafts.insert(*part, Draft { note, region: opinion.region.clone() });
        }
        if self.named.as_ref().is_some_and(|named| back == Some(named.part)) {
            self.named = None;
        }
        self.seen = books.answered;
        self.busy.retain(|(number, _)| *number > books.answered);
        back.map_or(Led::Nowhere, Led::Back)
    }

    /// Whether any verdict is on its way to the record.
    pub fn is_any_busy(&self) -> bool {
        !self.busy.is_empty()
    }

    /// Changes with what is on its way.
    pub fn stamp(&self) -> (u64, u64) {
        (self.number, self.seen)
    }

    /// A part is on show: where its reviewer called it defective, digits name its kind.
    pub fn arrive(&mut self, item: &ReviewItem, settings: &ReviewSettings) {
        let own = item.opinion_of(Some(&settings.reviewer)).filter(|o| o.defective() == Some(true));
        if let Some(own) = own {
            let mut opinion = self.opinion(item, own.judgement, settings, own.blind);
            opinion.defect.clone_from(&own.defect);
            self.named = Some(Named { part: item.part.id, name: item.part.name(), opinion });
        }
    }

    /// The note to this part: what waits, or what its reviewer noted before.
    pub fn note(&self, item: &ReviewItem, settings: &ReviewSettings) -> String {
        let waiting = self.drafts.get(&item.part.id).and_then(|draft| draft.note.clone());
        let before = || item.opinion_of(Some(&settings.reviewer)).map(|o| o.note.clone());
        waiting.or_else(before).unwrap_or_default()
    }

    /// A note that waits for a verdict.
    pub fn note_down(&mut self, part: PartId, text: &str) {
        self.drafts.entry(part).or_default().note = Some(text.to_owned());
    }

    /// Whether a verdict on this part is on its way to the record.
    pub fn is_busy(&self, part: PartId) -> bool {
        self.busy.iter().any(|(_, busy)| *busy == part)
    }

    /// What waits for a verdict on this part.
    pub fn draft(&self, part: PartId) -> Option<&Draft> {
        self.drafts.get(&part)
    }

    /// A verdict on this part, as its reviewer gives it now. What was noted and drawn before stays.
    pub fn opinion(
        &self,
        item: &ReviewItem,
        judgement: Judgement,
        settings: &ReviewSettings,
        blind: bool,
    ) -> NewOpinion {
        let before = item.opinion_of(Some(&settings.reviewer));
        let draft = self.drafts.get(&item.part.id);
        let mut opinion = NewOpinion::new(item.inspection.id, settings.reviewer.clone(), judgement);
        opinion.blind = blind && judgement != Judgement::Skip;
        let note = draft.and_then(|d| d.note.clone()).or_else(|| before.map(|o| o.note.clone()));
        opinion.note = note.unwrap_or_default();
        if judgement != Judgement::Healthy {
            opinion.region = draft.and_then(|d| d.region.clone()).or_else(|| before.and_then(|o| o.region.clone()));
        }
        if judgement == Judgement::Defective {
            opinion.defect = before.and_then(|o| o.defect.clone()).or_else(|| settings.kind.clone());
        }
        opinion
    }

    /// The ask that keeps it.
    pub fn say(&mut self, item: &ReviewItem, opinion: NewOpinion) -> ReviewRequest {
        self.number += 1;
        let (number, part) = (self.number, item.part.id);
        self.busy.push((number, part));
        self.drafts.remove(&part);
        let defective = match opinion.judgement {
            Judgement::Defective => true,
            Judgement::Agree => item.inspection.assessment.verdict == crate::inspect::Verdict::Defective,
            _ => false,
        };
        if defective {
            self.named = Some(Named { part, name: item.part.name(), opinion: opinion.clone() });
        }
        ReviewRequest::Say { number, part, opinion: Box::new(opinion) }
    }

    /// The ask that takes the last verdict back.
    pub fn undo(&mut self) -> ReviewRequest {
        self.number += 1;
        ReviewRequest::Undo { number: self.number }
    }

    /// Changes what waits for a verdict on this part. Where its reviewer has given one, the verdict is given anew with
    /// it, and comes back.
    pub fn amend(
        &mut self,
        item: &ReviewItem,
        settings: &ReviewSettings,
        change: impl FnOnce(&mut Draft),
    ) -> Option<NewOpinion> {
        change(self.drafts.entry(item.part.id).or_default());
        let own: &Opinion = item.opinion_of(Some(&settings.reviewer))?;
        if own.judgement == Judgement::Skip || self.is_busy(item.part.id) {
            return None;
        }
        let mut again = self.opinion(item, own.judgement, settings, own.blind);
        again.defect.clone_from(&own.defect);
        Some(again)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn answers_are_taken_in_once_and_in_order() {
        let mut session = Session { number: 3, ..Session::default() };
        session.busy = vec![(1, PartId(7)), (2, PartId(8)), (3, PartId(9))];
        let mut books = ReviewSnapshot { answered: 2, ..ReviewSnapshot::default() };
        assert_eq!(session.follow(&books), Led::Nowhere);
        assert!(!session.is_busy(PartId(8)) && session.is_busy(PartId(9)));
        let opinion = NewOpinion {
            note: "burr".into(),
            ..NewOpinion::new(crate::review::InspectionId(1), "ada", Judgement::Agree)
        };
        books.answered = 3;
        books.refused = Some((3, PartId(9), Box::new(opinion)));
        assert_eq!(session.follow(&books), Led::Back(PartId(9)));
        assert_eq!(session.draft(PartId(9)).and_then(|d| d.note.as_deref()), Some("burr"));
        books.kinds = Arc::new(vec!["dent".into()]);
        assert_eq!(session.follow(&books), Led::Nowhere, "an answer leads back once");
        books.answered = 4;
        books.undone = Some((4, PartId(8)));
        assert_eq!(session.follow(&books), Led::Back(PartId(8)));
    }
}
