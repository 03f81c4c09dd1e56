//! [`Judged`]: the scores of an inspected part together with the verdict on them, or with the reason why there is none.

use super::{Assessment, Calibration, JudgeError, MapScale};
use crate::inspect::{InvertKnobs, Regions, Scores};

/// The scores of an inspected part and what the active calibration says of them. Every place that shows or writes a
/// verdict takes it from here.
#[derive(Clone, Debug, PartialEq)]
pub enum Judged {
    /// The calibration gives a verdict.
    Verdict {
        /// All scores.
        scores: Scores,
        /// The verdict.
        assessment: Assessment,
        /// The threshold of the deciding score at the promised rate.
        threshold: f64,
        /// Upper ends of the maps' colour scales, from the same calibration.
        scale: MapScale,
        /// Whether z started otherwise than in the calibration.
        other_start: bool,
    },
    /// There is no verdict.
    NoVerdict {
        /// All scores.
        scores: Scores,
        /// Why not.
        reason: NoVerdict,
    },
}

/// Why there is no verdict on the scores of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum NoVerdict {
    /// The model has no calibration for the settings of the inspection.
    NotCalibrated,
    /// The inspection was stopped before its last step.
    StoppedEarly {
        /// Steps done.
        steps: usize,
        /// Steps of a complete inspection.
        of: usize,
    },
    /// Another model inspected the part than the active one.
    OtherModel(String),
    /// The part was inspected on other regions than the active ones.
    OtherRegions,
    /// The calibration cannot judge: it cannot promise the rate, or a score is not finite.
    Refused(JudgeError),
}

impl NoVerdict {
    /// The reason, and what to do, in sentences.
    pub fn describe(&self) -> String {
        match self {
            Self::NotCalibrated => {
                "The model is not calibrated for the settings of this inspection. Calibrate it for a verdict.".into()
            }
            Self::StoppedEarly { steps, of } => format!(
                "The inspection was stopped at step {steps} of {of}; verdicts are for complete inspections. Take more \
                 steps for a verdict."
            ),
            Self::OtherModel(name) => {
                format!("These scores are from {name}, which is not active now. Inspect the part again for a verdict.")
            }
            Self::OtherRegions => {
                "The inspected regions have changed since. Inspect the part again for a verdict.".into()
            }
            Self::Refused(error) => format!("{}.", crate::format::capitalise(&error.to_string())),
        }
    }
}

impl Judged {
    /// Scores without a verdict.
    pub fn without(scores: Scores, reason: NoVerdict) -> Self {
        Self::NoVerdict { scores, reason }
    }

    /// Judges scores by a calibration at this rate. `other_start` says whether z started otherwise than in the
    /// calibration.
    pub fn by(calibration: &Calibration, rate: f64, mut scores: Scores, other_start: bool) -> Self {
        match calibration.judge(&mut scores, rate) {
            Ok(assessment) => {
                let (threshold, scale) = (calibration.threshold(rate), calibration.scale);
                Self::Verdict { scores, assessment, threshold, scale, other_start }
            }
            Err(error) => Self::without(scores, NoVerdict::Refused(error)),
        }
    }

    /// All scores.
    pub fn scores(&self) -> &Scores {
        match self {
            Self::Verdict { scores, .. } | Self::NoVerdict { scores, .. } => scores,
        }
    }

    /// The verdict, if there is one.
    pub fn assessment(&self) -> Option<&Assessment> {
        match self {
            Self::Verdict { assessment, .. } => Some(assessment),
            Self::NoVerdict { .. } => None,
        }
    }

    /// Whether the inspection was stopped before its last step.
    pub fn is_stopped_early(&self) -> bool {
        matches!(self, Self::NoVerdict { reason: NoVerdict::StoppedEarly { .. }, .. })
    }

    /// The threshold of the deciding score; `None` without a verdict.
    pub fn threshold(&self) -> Option<f64> {
        match self {
            Self::Verdict { threshold, .. } => Some(*threshold),
            Self::NoVerdict { .. } => None,
        }
    }

    /// The verdict's basis in a sentence, or why there is none.
    pub fn describe(&self) -> String {
        match self {
            Self::Verdict { assessment, other_start, .. } => {
                let text = crate::format::sentence(&assessment.describe());
                let note = " z started otherwise than in the calibration.";
                format!("{text}{}", if *other_start { note } else { "" })
            }
            Self::NoVerdict { reason, .. } => reason.describe(),
        }
    }
}

/// How scores were obtained: everything but the image that a verdict depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreOrigin {
    /// Hash of the model's tensors.
    pub hash: std::sync::Arc<str>,
    /// Name of the model.
    pub model: String,
    /// The knobs of the inspection; a restart from a random z keeps those it varies.
    pub knobs: InvertKnobs,
    /// The regions inspected.
    pub regions: Regions,
    /// Whether z started otherwise than the knobs say.
    pub other_start: bool,
    /// Steps done and steps of a complete inspection, for an inspection that was stopped early.
    pub stopped: Option<(usize, usize)>,
}

/// What verdicts are based on: the active model's calibrations, its regions, and the rate that a user has promised.
#[derive(Clone, Copy, Debug)]
pub struct VerdictBasis<'a> {
    /// Hash of the active model's tensors.
    pub hash: &'a str,
    /// Its calibrations.
    pub calibrations: &'a [Calibration],
    /// The active regions.
    pub regions: &'a Regions,
    /// The rate that a user has promised, if any.
    pub promised: Option<f64>,
}

impl VerdictBasis<'_> {
    /// Judges scores by the active calibration, or says why it cannot.
    pub fn judge(&self, mut scores: Scores, origin: &ScoreOrigin) -> Judged {
        if *origin.hash != *self.hash {
            return Judged::without(scores, NoVerdict::OtherModel(origin.model.clone()));
        }
        if origin.regions != *self.regions {
            return Judged::without(scores, NoVerdict::OtherRegions);
        }
        let calibration = Calibration::find(self.calibrations, &origin.knobs, self.regions);
        if let Some((steps, of)) = origin.stopped {
            if let Some(calibration) = calibration {
                calibration.fuse(&mut scores);
            }
            return Judged::without(scores, NoVerdict::StoppedEarly { steps, of });
        }
        let Some(calibration) = calibration else { return Judged::without(scores, NoVerdict::NotCalibrated) };
        Judged::by(calibration, calibration.rate(self.promised), scores, origin.other_start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::FileHash,
        inspect::{LatentStart, Region, RegionShape, ScoreKind, Verdict, calibration::HeldOut},
    };

    fn scores(value: f64) -> Scores {
        let mut scores = Scores::default();
        scores.set(ScoreKind::Feature, value);
        scores
    }

    fn calibration(knobs: &InvertKnobs, images: i32) -> Calibration {
        let held_out = |v| HeldOut { hash: FileHash::of(&[v as u8]), scores: scores(f64::from(v)) };
        Calibration {
            knobs: knobs.clone(),
            regions: Regions::default(),
            held_out: (1..=images).map(held_out).collect(),
            size: (64, 64),
            smallest: None,
            scale: MapScale { difference: 1.0, feature: 1.0, critic: 8.0, distance: 8.0 },
            score: ScoreKind::Feature,
            fusion: Vec::new(),
            labelled: None,
            frames: None,
            region_levels: None,
            damaged: Vec::new(),
        }
    }

    /// What a user can do between two looks at a finished part.
    #[derive(Clone, Debug)]
    enum Step {
        Promise(f64),
        Calibrate(InvertKnobs),
        Model(&'static str),
        Regions(Regions),
        Inspect { knobs: InvertKnobs, random: bool, stopped: Option<(usize, usize)>, value: f64 },
    }

    /// After any sequence of actions, the verdict is what the active calibration says of the last scores, or there is a
    /// reason, and undoing what took the verdict away brings it back.
    #[test]
    fn the_verdict_follows_every_sequence_of_actions() {
        let usual = InvertKnobs::default();
        let reseeded = InvertKnobs { seed: 7, ..usual.clone() };
        let other = InvertKnobs { steps: 9, ..usual.clone() };
        let left = Regions(vec![Region { ignore: true, shape: RegionShape::Rectangle([0.0, 0.0], [9.0, 9.0]) }]);
        let inspect = |knobs: &InvertKnobs, random, stopped, value| Step::Inspect {
            knobs: knobs.clone(),
            random,
            stopped,
            value,
        };
        type Wanted = Result<(Verdict, f64), &'static str>;
        let table: [(Vec<Step>, Wanted); 12] = [
            (vec![], Ok((Verdict::Healthy, 0.05))),
            (vec![Step::Promise(0.5)], Ok((Verdict::Suspect, 0.5))),
            (vec![inspect(&reseeded, true, None, 30.0)], Ok((Verdict::Defective, 0.05))),
            // Another seed, then another promise: still a verdict, at the new rate.
            (vec![inspect(&reseeded, true, None, 30.0), Step::Promise(0.2)], Ok((Verdict::Defective, 0.2))),
            (vec![inspect(&other, false, None, 30.0)], Err("not calibrated")),
            (vec![inspect(&other, false, None, 30.0), Step::Promise(0.2)], Err("not calibrated")),
            (vec![inspect(&other, false, None, 30.0), Step::Calibrate(other.clone())], Ok((Verdict::Defective, 0.05))),
            (vec![inspect(&usual, false, Some((3, 60)), 30.0), Step::Promise(0.5)], Err("step 3 of 60")),
            (vec![Step::Model("b")], Err("from a")),
            (vec![Step::Model("b"), Step::Promise(0.5), Step::Model("a")], Ok((Verdict::Suspect, 0.5))),
            (vec![Step::Regions(left.clone()), Step::Promise(0.2)], Err("regions")),
            (vec![Step::Regions(left), Step::Regions(Regions::default())], Ok((Verdict::Healthy, 0.05))),
        ];
        for (steps, wanted) in table {
            let mut calibrations = vec![calibration(&usual, 19)];
            let (mut promised, mut hash, mut regions) = (None, "a", Regions::default());
            let start = |knobs: &InvertKnobs, regions: &Regions, hash: &str| ScoreOrigin {
                hash: hash.into(),
                model: hash.into(),
                knobs: knobs.clone(),
                regions: regions.clone(),
                other_start: false,
                stopped: None,
            };
            let mut part = (scores(5.0), start(&usual, &regions, hash));
            for step in &steps {
                match step {
                    Step::Promise(rate) => promised = Some(*rate),
                    Step::Calibrate(knobs) => calibrations.push(calibration(knobs, 19)),
                    Step::Model(name) => hash = name,
                    Step::Regions(new) => regions = new.clone(),
                    Step::Inspect { knobs, random, stopped, value } => {
                        let origin = start(knobs, &regions, hash);
                        part = (scores(*value), ScoreOrigin { other_start: *random, stopped: *stopped, ..origin });
                    }
                }
            }
            let basis = VerdictBasis { hash, calibrations: &calibrations, regions: &regions, promised };
            let judged = basis.judge(part.0.clone(), &part.1);
            assert_eq!(judged.scores(), &part.0, "{steps:?}");
            match (wanted, &judged) {
                (Ok((verdict, rate)), Judged::Verdict { assessment, threshold, .. }) => {
                    assert_eq!((assessment.verdict, assessment.rate), (verdict, rate), "{steps:?}");
                    assert!(!judged.describe().contains("not calibrated"), "{steps:?}");
                    assert_eq!(assessment.score > *threshold, verdict == Verdict::Defective, "{steps:?}");
                }
                (Err(word), Judged::NoVerdict { reason, .. }) => {
                    assert!(reason.describe().contains(word), "{steps:?}: {}", reason.describe());
                }
                (wanted, judged) => panic!("{steps:?}: {wanted:?} but {judged:?}"),
            }
        }
    }

    #[test]
    fn a_start_that_the_calibration_did_not_have_is_said() {
        let knobs = InvertKnobs { start: LatentStart::Encoder, ..InvertKnobs::default() };
        let calibration = calibration(&knobs, 19);
        let said = |other| Judged::by(&calibration, 0.05, scores(30.0), other).describe();
        assert!(said(true).contains("otherwise than in the calibration") && !said(false).contains("otherwise"));
    }

    #[test]
    fn a_rate_that_cannot_be_promised_gives_the_reason_instead_of_a_verdict() {
        let judged = Judged::by(&calibration(&InvertKnobs::default(), 19), 0.001, scores(30.0), false);
        assert!(judged.assessment().is_none() && judged.describe().contains("19 held-out"), "{judged:?}");
    }
}
