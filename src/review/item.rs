//! Plain values of the record: parts, inspections, reviewers' verdicts.

use std::{fmt, path::PathBuf};

use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

use super::timestamp::Timestamp;
use crate::{
    data::FileHash,
    inspect::{AnomalyRegion, Assessment, RegionList, RegionRule, RegionShape, Scores, Verdict},
    text::{PrintablePath, path_text},
};

/// Declares a distinct type for the row numbers of a table.
macro_rules! row_id {
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

row_id! {
    /// Row number of a part.
    PartId
}
row_id! {
    /// Row number of an inspection; increases with time.
    InspectionId
}
row_id! {
    /// Row number of a verdict or retraction; increases with time.
    OpinionId
}

/// A part, identified by the path and content of its image. The same path with other content is another part, unless the
/// file was recorded before it was finished: see [`EarlierImage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Row number.
    pub id: PartId,
    /// Absolute path of the file.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Hash of the file.
    pub hash: FileHash,
    /// Length of the file, bytes.
    pub bytes: u64,
    /// Width, pixels.
    pub width: usize,
    /// Height, pixels.
    pub height: usize,
    /// Time of the first inspection.
    pub first_seen: Timestamp,
}

impl Part {
    /// Returns the file name.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().printable().to_string()
    }

    /// Compares the file with the image that was inspected, by its content.
    pub fn file(&self) -> PartFile {
        match std::fs::metadata(&self.path) {
            Ok(about) if about.is_file() && about.len() != self.bytes => PartFile::Replaced,
            Ok(about) if about.is_file() => match std::fs::read(&self.path) {
                Ok(bytes) if FileHash::of(&bytes) == self.hash => PartFile::Original,
                Ok(_) => PartFile::Replaced,
                Err(_) => PartFile::Absent,
            },
            _ => PartFile::Absent,
        }
    }

    /// Whether the inspected image was moved, deleted or replaced by a file of another length. Does not read the file, so
    /// that it is quick for long lists; [`Part::file`] is exact.
    pub fn is_missing(&self) -> bool {
        !std::fs::metadata(&self.path).is_ok_and(|about| about.is_file() && about.len() == self.bytes)
    }
}

/// What is in the file of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartFile {
    /// The image that was inspected.
    Original,
    /// Nothing: the file was moved or deleted, or cannot be read.
    Absent,
    /// Something else.
    Replaced,
}

/// A model's inspection of a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inspection {
    /// Row number.
    pub id: InspectionId,
    /// Hash of the model's tensors.
    pub model: FileHash,
    /// Name of the model.
    pub model_name: String,
    /// Score, p-value, promised rate and verdict.
    pub assessment: Assessment,
    /// Score above which a part is flagged; `None` if unknown.
    pub threshold: Option<f64>,
    /// Compute time, seconds.
    pub seconds: f64,
    /// Time of the inspection.
    pub time: Timestamp,
}

/// Details of an inspection besides its verdict; read for one part at a time because of their size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// All scores.
    pub scores: Scores,
    /// Anomaly regions, worst first.
    #[serde(rename = "suspects")]
    pub regions: Vec<AnomalyRegion>,
    /// The rule that the regions were found by; absent in records of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_rule: Option<RegionRule>,
    /// Number of regions left out beyond the largest number.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub regions_left_out: usize,
}

/// Whether a number is not worth writing.
fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl Findings {
    /// Scores and, where there is a list, anomaly regions.
    pub fn of(scores: Scores, found: Option<RegionList>) -> Self {
        match found {
            Some(RegionList { rule, regions, left_out }) => {
                Self { scores, regions, region_rule: Some(rule), regions_left_out: left_out }
            }
            None => Self { scores, ..Self::default() },
        }
    }
}

/// A reviewer's judgement of a part, given the model's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// The model is right.
    Agree,
    /// The part is healthy.
    Healthy,
    /// The part is defective.
    Defective,
    /// Reviewed without a decision.
    Unsure,
    /// Postponed.
    Skip,
}

impl Judgement {
    /// All judgements, in the order of their keys.
    pub const ALL: [Self; 5] = [Self::Agree, Self::Healthy, Self::Defective, Self::Unsure, Self::Skip];

    /// Name, on screen and in the record.
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

/// A reviewer's verdict on a part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    /// Row number.
    pub id: OpinionId,
    /// The inspection that was reviewed.
    pub inspection: InspectionId,
    /// Verdict of the model in that inspection.
    #[serde(rename = "model_said")]
    pub model_verdict: Verdict,
    /// Name of the reviewer.
    pub reviewer: String,
    /// The judgement.
    pub judgement: Judgement,
    /// Defect type, if given.
    pub defect: Option<String>,
    /// A note; may be empty.
    pub note: String,
    /// Outline of the defect in pixels of the image, if drawn.
    pub region: Option<RegionShape>,
    /// Outlines of further defects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_regions: Vec<RegionShape>,
    /// Given without seeing the other reviewer's verdict (double-blind review).
    pub blind: bool,
    /// Time of the verdict.
    pub time: Timestamp,
}

impl Opinion {
    /// Returns the outlines of all defects, in the order of drawing.
    pub fn shapes(&self) -> Vec<&RegionShape> {
        self.region.iter().chain(&self.more_regions).collect()
    }

    /// Whether the part is judged defective; `None` for no decision, which includes agreement with "suspect" and
    /// with "not this part".
    pub fn defective(&self) -> Option<bool> {
        match (self.judgement, self.model_verdict) {
            (Judgement::Healthy, _) | (Judgement::Agree, Verdict::Healthy) => Some(false),
            (Judgement::Defective, _) | (Judgement::Agree, Verdict::Defective) => Some(true),
            (Judgement::Agree, Verdict::Suspect | Verdict::NotThisPart) | (Judgement::Unsure | Judgement::Skip, _) => {
                None
            }
        }
    }
}

/// Review status of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewStatus {
    /// No verdict yet.
    Open,
    /// Postponed; still to be reviewed.
    Skipped,
    /// Reviewed without a decision.
    Unsure,
    /// The reviewer agrees with the model.
    Agreed,
    /// The reviewer contradicts the model.
    Overruled,
}

impl ReviewStatus {
    /// Name, on screen and in exports.
    pub fn title(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Skipped => "skipped",
            Self::Unsure => "unsure",
            Self::Agreed => "agreed",
            Self::Overruled => "overruled",
        }
    }

    /// Whether the part has been reviewed.
    pub fn is_done(self) -> bool {
        !matches!(self, Self::Open | Self::Skipped)
    }
}

/// A row of the review queue: a part, its latest inspection, and the current verdicts on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReviewItem {
    /// The part.
    pub part: Part,
    /// The latest inspection.
    pub inspection: Inspection,
    /// Each reviewer's latest verdict that is not retracted, oldest first; may belong to an earlier inspection.
    pub opinions: Vec<Opinion>,
    /// Each reviewer's first blind verdict that is not retracted, oldest first. Kept apart so that a disagreement stays
    /// on record after the reviewers have settled it.
    pub blind: Vec<Opinion>,
    /// What was recorded of the file before it was finished, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierImage>,
}

/// A file as it was recorded before its writer had finished. It counts no longer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarlierImage {
    /// The part that it was taken for.
    pub part: Part,
    /// The latest inspection of it.
    pub inspection: Inspection,
    /// Each reviewer's verdict on it.
    pub opinions: Vec<Opinion>,
}

impl ReviewItem {
    /// Returns a reviewer's current verdict, or the latest of any reviewer for `None`.
    pub fn opinion_of(&self, reviewer: Option<&str>) -> Option<&Opinion> {
        self.opinions.iter().rev().find(|o| reviewer.is_none_or(|name| o.reviewer == name))
    }

    /// Returns the review status for a reviewer, or for any reviewer with `None`. Only a "defective" verdict of the model
    /// is an alarm, so calling a suspect part healthy is to agree.
    pub fn status(&self, reviewer: Option<&str>) -> ReviewStatus {
        let Some(opinion) = self.opinion_of(reviewer) else { return ReviewStatus::Open };
        let verdict = self.inspection.assessment.verdict;
        match (opinion.judgement, opinion.defective()) {
            (Judgement::Skip, _) => ReviewStatus::Skipped,
            (_, Some(_)) if verdict == Verdict::NotThisPart => ReviewStatus::Overruled,
            (_, Some(defective)) if defective == (verdict == Verdict::Defective) => ReviewStatus::Agreed,
            (_, Some(_)) => ReviewStatus::Overruled,
            (Judgement::Agree, None) if matches!(verdict, Verdict::Suspect | Verdict::NotThisPart) => {
                ReviewStatus::Agreed
            }
            (_, None) => ReviewStatus::Unsure,
        }
    }

    /// Returns the decisive verdict: the newest that calls the part healthy or defective. `None` if there is none, or
    /// while two blind verdicts contradict each other and no later verdict that is not blind has settled it.
    pub fn ruling(&self) -> Option<&Opinion> {
        let mut definite = self.opinions.iter().rev().filter(|o| o.defective().is_some());
        let newest = definite.next()?;
        let disputed = newest.blind && definite.any(|o| o.blind && o.defective() != newest.defective());
        (!disputed).then_some(newest)
    }

    /// Whether the part was ruled defective, by [`ReviewItem::ruling`].
    pub fn defective(&self) -> Option<bool> {
        self.ruling().and_then(Opinion::defective)
    }

    /// Returns the drawn outline of the defect: the ruling's, or else the newest of the other verdicts that call the part
    /// defective. `None` if the part was not ruled defective or nobody drew an outline.
    pub fn drawn(&self) -> Option<&RegionShape> {
        let ruling = self.ruling().filter(|o| o.defective() == Some(true))?;
        let others = self.opinions.iter().rev().filter(|o| o.defective() == Some(true));
        std::iter::once(ruling).chain(others).find_map(|o| o.region.as_ref())
    }

    /// Returns all outlines of the verdict that [`ReviewItem::drawn`] takes its outline from.
    pub fn drawn_shapes(&self) -> Vec<&RegionShape> {
        let ruling = self.ruling().filter(|o| o.defective() == Some(true));
        let others = self.opinions.iter().rev().filter(|o| o.defective() == Some(true));
        let drawn = ruling.into_iter().flat_map(|ruling| std::iter::once(ruling).chain(others.clone()));
        drawn.map(Opinion::shapes).find(|shapes| !shapes.is_empty()).unwrap_or_default()
    }

    /// Returns the defect type, chosen in the same way.
    pub fn defect_type(&self) -> Option<&str> {
        let ruling = self.ruling().filter(|o| o.defective() == Some(true))?;
        let others = self.opinions.iter().rev().filter(|o| o.defective() == Some(true));
        std::iter::once(ruling).chain(others).find_map(|o| o.defect.as_deref())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::inspect::ScoreKind;

    /// A part with p-value `p` at a promised false-alarm rate of 1 in 20.
    pub(crate) fn item(id: i64, p: f64) -> ReviewItem {
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
                assessment: Assessment {
                    kind: ScoreKind::Fused,
                    score: -p.ln(),
                    p,
                    n: 199,
                    rate: 0.05,
                    verdict,
                    reason: None,
                },
                threshold: Some(3.0),
                seconds: 0.5,
                time: Timestamp(1_000 * id),
            },
            opinions: Vec::new(),
            blind: Vec::new(),
            earlier: Vec::new(),
        }
    }

    /// The same with verdicts, in this order.
    pub(crate) fn judged(id: i64, p: f64, opinions: &[(&str, Judgement, bool)]) -> ReviewItem {
        let mut item = item(id, p);
        let opinion = |(i, &(reviewer, judgement, blind)): (usize, &(&str, Judgement, bool))| Opinion {
            id: OpinionId(100 * id + i as i64),
            inspection: InspectionId(id),
            model_verdict: item.inspection.assessment.verdict,
            reviewer: reviewer.into(),
            judgement,
            defect: None,
            note: String::new(),
            region: None,
            more_regions: Vec::new(),
            blind,
            time: Timestamp(1_000 * id + i as i64),
        };
        item.opinions = opinions.iter().enumerate().map(opinion).collect();
        item.blind = item.opinions.iter().filter(|o| o.blind).cloned().collect();
        item
    }

    use Judgement::{Agree, Defective, Healthy, Skip, Unsure};

    #[test]
    fn agreeing_says_what_the_model_said_then() {
        let defective = |p, judgement| judged(1, p, &[("ada", judgement, false)]).defective();
        assert_eq!(
            (defective(0.01, Agree), defective(0.8, Agree), defective(0.1, Agree)),
            (Some(true), Some(false), None)
        );
        assert_eq!((defective(0.01, Healthy), defective(0.8, Defective)), (Some(false), Some(true)));
        assert_eq!((defective(0.01, Unsure), defective(0.01, Skip)), (None, None));
        // A newer model calls the part healthy: agreement with the older verdict overrules the newer one.
        let mut item = judged(1, 0.01, &[("ada", Agree, false)]);
        assert_eq!(item.status(None), ReviewStatus::Agreed);
        item.inspection.assessment.verdict = Verdict::Healthy;
        assert_eq!((item.status(None), item.defective()), (ReviewStatus::Overruled, Some(true)));
    }

    #[test]
    fn a_part_stands_as_its_reviewer_left_it() {
        let status = |p, judgement| judged(1, p, &[("ada", judgement, false)]).status(Some("ada"));
        assert_eq!(item(1, 0.5).status(None), ReviewStatus::Open);
        assert_eq!(status(0.5, Skip), ReviewStatus::Skipped);
        assert_eq!(status(0.5, Unsure), ReviewStatus::Unsure);
        assert_eq!((status(0.1, Agree), status(0.1, Healthy)), (ReviewStatus::Agreed, ReviewStatus::Agreed));
        assert_eq!((status(0.1, Defective), status(0.01, Healthy)), (ReviewStatus::Overruled, ReviewStatus::Overruled));
        let two = judged(1, 0.01, &[("ada", Agree, false), ("bob", Skip, false)]);
        assert_eq!((two.status(Some("ada")), two.status(Some("bob"))), (ReviewStatus::Agreed, ReviewStatus::Skipped));
        assert_eq!((two.status(None), two.status(Some("eve"))), (ReviewStatus::Skipped, ReviewStatus::Open));
        assert!(!two.status(None).is_done() && two.status(Some("ada")).is_done());
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
