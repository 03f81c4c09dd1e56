//! Status of a query as a mark and in words.

use crate::{
    engine::inspection::{QueryEntry, QueryState},
    inspect::Verdict,
    ui::theme::VerdictMark,
};

/// Returns the mark of a query; unknown where there is no verdict.
pub(in crate::ui) fn query_mark(entry: &QueryEntry) -> VerdictMark {
    // An unreadable file says nothing about the part.
    entry.assessment().map_or(VerdictMark::Unknown, |assessment| verdict_mark(assessment.verdict))
}

/// Returns the mark of a verdict.
pub(in crate::ui::pages) fn verdict_mark(verdict: Verdict) -> VerdictMark {
    match verdict {
        Verdict::Healthy => VerdictMark::Healthy,
        Verdict::Suspect => VerdictMark::Suspect,
        Verdict::Defective => VerdictMark::Defective,
        Verdict::NotThisPart => VerdictMark::NotThisPart,
    }
}

/// Describes the state of a query in a word or two, lower case.
pub(super) fn state_text(entry: &QueryEntry) -> String {
    match &entry.state {
        QueryState::Waiting => "queued".into(),
        QueryState::Reading => "reading".into(),
        QueryState::Running => match (entry.step * 100).checked_div(entry.steps) {
            Some(percent) => format!("running, {percent} %"),
            None => "running".into(),
        },
        QueryState::Paused => "paused".into(),
        QueryState::Done | QueryState::Stopped => match entry.assessment() {
            Some(assessment) => assessment.verdict.title().into(),
            None if entry.judged.is_none() => "not inspected".into(),
            None if entry.state == QueryState::Stopped => "stopped".into(),
            None => "no verdict".into(),
        },
        QueryState::Failed(_) => "not inspected".into(),
    }
}
