//! Verdicts of the current session until the record has saved them, and drafts.

use std::collections::HashMap;

use crate::{
    engine::review::{ReviewRequest, ReviewSnapshot},
    inspect::RegionShape,
    review::{Judgement, Opinion, PartId, ReviewItem, record::NewOpinion},
    ui::ReviewSettings,
};

/// Largest number of verdicts pending at the record thread.
pub(super) const MOST_PENDING: usize = 64;

/// Note and regions to be saved with the next verdict.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Draft {
    pub note: Option<String>,
    pub regions: Option<Vec<RegionShape>>,
}

/// The part whose defect type a digit key sets.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct DefectivePart {
    pub part: PartId,
    pub name: String,
    /// The verdict on it.
    pub opinion: NewOpinion,
}

/// A review session.
#[derive(Default)]
pub(super) struct Session {
    /// Number of the last request to the record.
    number: u64,
    /// Request numbers and parts of the verdicts not acknowledged yet.
    pending: Vec<(u64, PartId)>,
    drafts: HashMap<PartId, Draft>,
    /// The last part that was judged defective.
    pub last_defective: Option<DefectivePart>,
    /// Number of the last request whose answer was handled.
    seen: u64,
}

impl Session {
    /// Handles the answers of the record. Returns the part to go back to if its verdict was undone or not saved.
    pub(crate) fn follow(&mut self, snapshot: &ReviewSnapshot) -> Option<PartId> {
        if snapshot.answered <= self.seen {
            return None;
        }
        let unseen = |number: u64| number > self.seen;
        let undone = snapshot.undone.filter(|(number, _)| unseen(*number));
        let refused = snapshot.refused.as_ref().filter(|(number, ..)| unseen(*number));
        let back = refused.map(|(_, part, _)| *part).or(undone.map(|(_, part)| part));
        if let Some((_, part, opinion)) = refused {
            // Note and regions become a draft again.
            let note = (!opinion.note.is_empty()).then(|| opinion.note.clone());
            let regions: Vec<RegionShape> = opinion.region.iter().chain(&opinion.more_regions).cloned().collect();
            self.drafts.insert(*part, Draft { note, regions: (!regions.is_empty()).then_some(regions) });
        }
        if self.last_defective.as_ref().is_some_and(|last| back == Some(last.part)) {
            self.last_defective = None;
        }
        self.seen = snapshot.answered;
        self.pending.retain(|(number, _)| *number > snapshot.answered);
        back
    }

    /// Whether any verdict is pending.
    pub(crate) fn is_any_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Returns a version that changes with the pending verdicts.
    pub(crate) fn version(&self) -> (u64, u64) {
        (self.number, self.seen)
    }

    /// Lets digit keys set the defect type of a part that its reviewer has judged defective.
    pub(crate) fn part_shown(&mut self, item: &ReviewItem, settings: &ReviewSettings) {
        let own = item.opinion_of(Some(&settings.reviewer)).filter(|o| o.defective() == Some(true));
        if let Some(own) = own {
            let mut opinion = self.opinion(item, own.judgement, settings, own.blind);
            opinion.defect.clone_from(&own.defect);
            self.last_defective = Some(DefectivePart { part: item.part.id, name: item.part.name(), opinion });
        }
    }

    /// Returns the note on this part: the draft, or the reviewer's saved note.
    pub(crate) fn note(&self, item: &ReviewItem, settings: &ReviewSettings) -> String {
        let draft = self.drafts.get(&item.part.id).and_then(|draft| draft.note.clone());
        let before = || item.opinion_of(Some(&settings.reviewer)).map(|o| o.note.clone());
        draft.or_else(before).unwrap_or_default()
    }

    /// Returns the regions of this reviewer on this part: those of the draft, or of the saved verdict.
    pub(crate) fn regions(&self, item: &ReviewItem, settings: &ReviewSettings) -> Vec<RegionShape> {
        let draft = self.drafts.get(&item.part.id).and_then(|draft| draft.regions.clone());
        let own = || item.opinion_of(Some(&settings.reviewer)).map(|o| o.shapes().into_iter().cloned().collect());
        draft.or_else(own).unwrap_or_default()
    }

    /// Keeps a note as a draft.
    pub(crate) fn set_note(&mut self, part: PartId, text: &str) {
        self.drafts.entry(part).or_default().note = Some(text.to_owned());
    }

    /// Whether a verdict on this part is pending.
    pub(crate) fn is_pending(&self, part: PartId) -> bool {
        self.pending.iter().any(|(_, pending)| *pending == part)
    }

    /// Returns the draft for this part.
    pub(crate) fn draft(&self, part: PartId) -> Option<&Draft> {
        self.drafts.get(&part)
    }

    /// Builds a verdict on this part with the draft, or with note and regions of the reviewer's previous verdict.
    pub(crate) fn opinion(
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
            let before = || before.map(|o| o.shapes().into_iter().cloned().collect());
            let mut regions = draft.and_then(|d| d.regions.clone()).or_else(before).unwrap_or_default().into_iter();
            (opinion.region, opinion.more_regions) = (regions.next(), regions.collect());
        }
        if judgement == Judgement::Defective {
            opinion.defect = before.and_then(|o| o.defect.clone()).or_else(|| settings.defect_type.clone());
        }
        opinion
    }

    /// Returns the request that saves the verdict.
    pub(crate) fn submit(&mut self, item: &ReviewItem, opinion: NewOpinion) -> ReviewRequest {
        self.number += 1;
        let (number, part) = (self.number, item.part.id);
        self.pending.push((number, part));
        self.drafts.remove(&part);
        let defective = match opinion.judgement {
            Judgement::Defective => true,
            Judgement::Agree => item.inspection.assessment.verdict == crate::inspect::Verdict::Defective,
            _ => false,
        };
        if defective {
            self.last_defective = Some(DefectivePart { part, name: item.part.name(), opinion: opinion.clone() });
        }
        ReviewRequest::AddOpinion { number, part, opinion: Box::new(opinion) }
    }

    /// Returns the request that undoes the last verdict.
    pub(crate) fn undo(&mut self) -> ReviewRequest {
        self.number += 1;
        ReviewRequest::Undo { number: self.number }
    }

    /// Changes the draft for this part. If its reviewer has given a verdict, returns that verdict with the change.
    pub(crate) fn amend(
        &mut self,
        item: &ReviewItem,
        settings: &ReviewSettings,
        change: impl FnOnce(&mut Draft),
    ) -> Option<NewOpinion> {
        change(self.drafts.entry(item.part.id).or_default());
        let own: &Opinion = item.opinion_of(Some(&settings.reviewer))?;
        if own.judgement == Judgement::Skip || self.is_pending(item.part.id) {
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
    fn answers_are_handled_once_and_in_order() {
        let mut session = Session { number: 3, ..Session::default() };
        session.pending = vec![(1, PartId(7)), (2, PartId(8)), (3, PartId(9))];
        let mut snapshot = ReviewSnapshot { answered: 2, ..ReviewSnapshot::default() };
        assert_eq!(session.follow(&snapshot), None);
        assert!(!session.is_pending(PartId(8)) && session.is_pending(PartId(9)));
        let opinion = NewOpinion {
            note: "burr".into(),
            ..NewOpinion::new(crate::review::InspectionId(1), "ada", Judgement::Agree)
        };
        snapshot.answered = 3;
        snapshot.refused = Some((3, PartId(9), Box::new(opinion)));
        assert_eq!(session.follow(&snapshot), Some(PartId(9)));
        assert_eq!(session.draft(PartId(9)).and_then(|d| d.note.as_deref()), Some("burr"));
        snapshot.defect_types = Arc::new(vec!["dent".into()]);
        assert_eq!(session.follow(&snapshot), None, "an answer leads back once");
        snapshot.answered = 4;
        snapshot.undone = Some((4, PartId(8)));
        assert_eq!(session.follow(&snapshot), Some(PartId(8)));
    }
}
