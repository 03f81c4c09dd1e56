//! What the record holds, as plain values: a part, an inspection of it, people's verdicts.

use std::{fmt, path::PathBuf};

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

use super::{anomaly_region::AnomalyRegion, timestamp::Timestamp};
use crate::{
    data::FileHash,
    inspect::{Assessment, Scores, Verdict, regions::RegionShape},
};

/// A row's number, one kind of it a table, so that one cannot be taken for another.
macro_rules! number {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                self.0.to_sql()
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                i64::column_result(value).map(Self)
            }
        }
    };
}

number! {
    /// Number of a part.
    PartId
}
number! {
    /// Number of an inspection; a later one is larger.
    InspectionId
}
number! {
    /// Number of a row of what people said; a later one is larger.
    OpinionId
}

/// The picture of a part: one path with one content. The same path with another content is another part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its number.
    pub id: PartId,
    /// Where the file lay, absolute.
    pub path: PathBuf,
    /// Hash of the file.
    pub hash: FileHash,
    /// Length of the file, bytes.
    pub bytes: u64,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// When it was first seen.
    pub first_seen: Timestamp,
}

impl Part {
    /// The name of its file.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Whether the picture that was inspected is not where it was: nothing is there, or a file of another length.
    pub fn is_missing(&self) -> bool {
        !std::fs::metadata(&self.path).is_ok_and(|about| about.is_file() && about.len() == self.bytes)
    }
}

/// What a model said of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// Its number.
    pub id: InspectionId,
    /// Hash of the model's tensors.
    pub model: FileHash,
    /// Name of the model.
    pub model_name: String,
    /// Score, p-value, promised rate and verdict.
    pub assessment: Assessment,
    /// The score above which a part is flagged; `None` where it is not known.
    pub threshold: Option<f64>,
    /// Seconds of work.
    pub seconds: f64,
    /// When.
    pub time: Timestamp,
}

/// What an inspection found besides its verdict. Read for one part at a time, because it may be long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// Every score.
    pub scores: Scores,
    /// The places that the map points at, worst first.
    pub suspects: Vec<AnomalyRegion>,
}

/// What a person says to a part and to the model's verdict on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// The model is right.
    Agree,
    /// The part is healthy.
    Healthy,
    /// The part is defective.
    Defective,
    /// Looked at and not to be told.
    Unsure,
    /// Not looked at now.
    Skip,
}

impl Judgement {
    /// All of them, in the order of their keys.
    pub const ALL: [Self; 5] = [Self::Agree, Self::Healthy, Self::Defective, Self::Unsure, Self::Skip];

    /// The word for it, on screen and in the record.
    pub fn title(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::Healthy => "healthy",
            Self::Defective => "defective",
            Self::Unsure => "unsure",
            Self::Skip => "skip",
        }
    }
}

/// A person's verdict on a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    /// Its number.
    pub id: OpinionId,
    /// The inspection that the person had before their eyes.
    pub inspection: InspectionId,
    /// What the model said there.
    pub model_said: Verdict,
    /// Who.
    pub reviewer: String,
    /// What they say.
    pub judgement: Judgement,
    /// The kind of defect, where one was named.
    pub defect: Option<String>,
    /// A note; often empty.
    pub note: String,
    /// Where the defect is, in pixels of the picture, where it was drawn.
    pub region: Option<RegionShape>,
    /// Given without sight of what the other person said: the rule of two persons.
    pub blind: bool,
    /// When.
    pub time: Timestamp,
}

impl Opinion {
    /// Whether it calls the part defective; `None` where it says neither, as one who agrees that a part is suspect.
    pub fn defective(&self) -> Option<bool> {
        match (self.judgement, self.model_said) {
            (Judgement::Healthy, _) | (Judgement::Agree, Verdict::Healthy) => Some(false),
            (Judgement::Defective, _) | (Judgement::Agree, Verdict::Defective) => Some(true),
            (Judgement::Agree, Verdict::Suspect) | (Judgement::Unsure | Judgement::Skip, _) => None,
        }
    }
}

/// Where a part stands with people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewStatus {
    /// Nobody said anything.
    Open,
    /// Put off, so still to be done.
    Skipped,
    /// Looked at and not to be told.
    Unsure,
    /// The person says what the model says.
    Agreed,
    /// The person says the opposite.
    Overruled,
}

impl ReviewStatus {
    /// The word for it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Skipped => "skipped",
            Self::Unsure => "unsure",
            Self::Agreed => "agreed",
            Self::Overruled => "overruled",
        }
    }

    /// Whether somebody looked at the part.
    pub fn is_done(self) -> bool {
        !matches!(self, Self::Open | Self::Skipped)
    }
}

/// A row of the queue: a part, its latest inspection, and what stands of what people said to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReviewItem {
    /// The part.
    pub part: Part,
    /// Its latest inspection.
    pub inspection: Inspection,
    /// The latest standing verdict of each reviewer on this part, oldest first; it may have been given to an earlier
    /// inspection.
    pub opinions: Vec<Opinion>,
    /// The first standing blind verdict of each reviewer, oldest first. Kept apart, because two people who talk a
    /// disagreement over would otherwise leave no trace of it.
    pub blind: Vec<Opinion>,
}

impl ReviewItem {
    /// What stands of what a reviewer said; the latest of anybody's for `None`.
    pub fn opinion_of(&self, reviewer: Option<&str>) -> Option<&Opinion> {
        self.opinions.iter().rev().find(|o| reviewer.is_none_or(|name| o.reviewer == name))
    }

    /// Where the part stands with a reviewer; with anybody for `None`. A model raises an alarm where it says defective
    /// and nowhere else, so to call a suspect part healthy is to agree.
    pub fn standing(&self, reviewer: Option<&str>) -> ReviewStatus {
        let Some(opinion) = self.opinion_of(reviewer) else { return ReviewStatus::Open };
        let verdict = self.inspection.assessment.verdict;
        match (opinion.judgement, opinion.defective()) {
            (Judgement::Skip, _) => ReviewStatus::Skipped,
            (_, Some(defective)) if defective == (verdict == Verdict::Defective) => ReviewStatus::Agreed,
            (_, Some(_)) => ReviewStatus::Overruled,
            (Judgement::Agree, None) if verdict == Verdict::Suspect => ReviewStatus::Agreed,
            (_, None) => ReviewStatus::Unsure,
        }
    }

    /// The verdict that counts: the newest that calls the part healthy or defective. `None` where there is none, and
    /// while two blind ones contradict each other; a later one that is not blind settles that.
    pub fn ruling(&self) -> Option<&Opinion> {
        let mut definite = self.opinions.iter().rev().filter(|o| o.defective().is_some());
        let newest = definite.next()?;
        let disputed = newest.blind && definite.any(|o| o.blind && o.defective() != newest.defective());
        (!disputed).then_some(newest)
    }

    /// Whether people call the part defective, by [`ReviewItem::ruling`].
    pub fn defective(&self) -> Option<bool> {
        self.ruling().and_then(Opinion::defective)
    }

    /// The region that was drawn around the defect: the ruling's, or else the newest of those who call the part
    /// defective too. `None` for a part that nobody calls defective, and where nobody drew.
    pub fn drawn(&self) -> Option<&RegionShape> {
        let ruling = self.ruling().filter(|o| o.defective() == Some(true))?;
        let others = self.opinions.iter().rev().filter(|o| o.defective() == Some(true));
        std::iter::once(ruling).chain(others).find_map(|o| o.region.as_ref())
    }

    /// The kind of its defect, likewise.
    pub fn defect(&self) -> Option<&str> {
        let ruling = self.ruling().filter(|o| o.defective() == Some(true))?;
        let others = self.opinions.iter().rev().filter(|o| o.defective() == Some(true));
        std::iter::once(ruling).chain(others).find_map(|o| o.defect.as_deref())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::inspect::ScoreKind;

    /// A part of p-value `p` at a promise of 1 in 20.
    pub fn item(id: i64, p: f64) -> ReviewItem {
        let verdict = match p {
            p if p <= 0.05 => Verdict::Defective,
            p if p <= 0.15 => Verdict::Suspect,
            _ => Verdict::Healthy,
        };
        let name = format!("/parts/part {id}.png");
        ReviewItem {
            part: Part {
                id: PartId(id),
                hash: FileHash::of(name.as_bytes()),
                path: name.into(),
                bytes: 10,
                width: 64,
                height: 48,
                first_seen: Timestamp(id),
            },
            inspection: Inspection {
                id: InspectionId(id),
                model: FileHash::of(b"model"),
                model_name: "turned".into(),
                assessment: Assessment { kind: ScoreKind::Fused, score: -p.ln(), p, n: 199, rate: 0.05, verdict },
                threshold: Some(3.0),
                seconds: 0.5,
                time: Timestamp(1_000 * id),
            },
            opinions: Vec::new(),
            blind: Vec::new(),
        }
    }

    /// The same with what people said to it, in that order.
    pub fn judged(id: i64, p: f64, said: &[(&str, Judgement, bool)]) -> ReviewItem {
        let mut item = item(id, p);
        let opinion = |(i, &(reviewer, judgement, blind)): (usize, &(&str, Judgement, bool))| Opinion {
            id: OpinionId(100 * id + i as i64),
            inspection: InspectionId(id),
            model_said: item.inspection.assessment.verdict,
            reviewer: reviewer.into(),
            judgement,
            defect: None,
            note: String::new(),
            region: None,
            blind,
            time: Timestamp(1_000 * id + i as i64),
        };
        item.opinions = said.iter().enumerate().map(opinion).collect();
        item.blind = item.opinions.iter().filter(|o| o.blind).cloned().collect();
        item
    }

    use Judgement::{Agree, Defective, Healthy, Skip, Unsure};

    #[test]
    fn agreeing_says_what_the_model_said_then() {
        let said = |p, judgement| judged(1, p, &[("ada", judgement, false)]).defective();
        assert_eq!((said(0.01, Agree), said(0.8, Agree), said(0.1, Agree)), (Some(true), Some(false), None));
        assert_eq!((said(0.01, Healthy), said(0.8, Defective)), (Some(false), Some(true)));
        assert_eq!((said(0.01, Unsure), said(0.01, Skip)), (None, None));
        // A newer model calls the part healthy: who agreed that it is defective overrules that one.
        let mut item = judged(1, 0.01, &[("ada", Agree, false)]);
        assert_eq!(item.standing(None), ReviewStatus::Agreed);
        item.inspection.assessment.verdict = Verdict::Healthy;
        assert_eq!((item.standing(None), item.defective()), (ReviewStatus::Overruled, Some(true)));
    }

    #[test]
    fn a_part_stands_as_its_reviewer_left_it() {
        let standing = |p, judgement| judged(1, p, &[("ada", judgement, false)]).standing(Some("ada"));
        assert_eq!(item(1, 0.5).standing(None), ReviewStatus::Open);
        assert_eq!(standing(0.5, Skip), ReviewStatus::Skipped);
        assert_eq!(standing(0.5, Unsure), ReviewStatus::Unsure);
        assert_eq!((standing(0.1, Agree), standing(0.1, Healthy)), (ReviewStatus::Agreed, ReviewStatus::Agreed));
        assert_eq!(
            (standing(0.1, Defective), standing(0.01, Healthy)),
            (ReviewStatus::Overruled, ReviewStatus::Overruled)
        );
        let two = judged(1, 0.01, &[("ada", Agree, false), ("bob", Skip, false)]);
        assert_eq!(
            (two.standing(Some("ada")), two.standing(Some("bob"))),
            (ReviewStatus::Agreed, ReviewStatus::Skipped)
        );
        assert_eq!((two.standing(None), two.standing(Some("eve"))), (ReviewStatus::Skipped, ReviewStatus::Open));
        assert!(!two.standing(None).is_done() && two.standing(Some("ada")).is_done());
    }

    #[test]
    fn two_blind_verdicts_that_differ_leave_no_ruling_until_somebody_settles_it() {
        let blind = [("ada", Healthy, true), ("bob", Defective, true)];
        assert_eq!(judged(1, 0.01, &blind).defective(), None);
        let settled = judged(1, 0.01, &[blind[0], blind[1], ("eve", Defective, false)]);
        assert_eq!(settled.defective(), Some(true));
        assert_eq!(judged(1, 0.01, &[blind[0], ("bob", Unsure, true)]).defective(), Some(false));
    }
}
