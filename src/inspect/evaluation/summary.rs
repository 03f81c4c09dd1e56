//! A test in figures: what the command prints, the report shows and a window keeps.

use serde::{Deserialize, Serialize};

use super::{
    Evaluation, KindFigures, LeftOut, PixelFigures, Tested,
    metrics::{Confusion, Metrics},
};
use crate::inspect::{InvertKnobs, LabelledScores, Regions, ScoreKind, calibration::RateError};

/// One score in figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreFigures {
    /// The score.
    pub score: ScoreKind,
    /// Every figure with its interval.
    pub metrics: Metrics,
    /// The score above which an image is flagged at the rate in force; `None` where it cannot be promised.
    pub threshold: Option<f64>,
    /// What that comes to.
    pub confusion: Option<Confusion>,
    /// Each kind of defect.
    pub kinds: Vec<KindFigures>,
}

/// A test in figures. Keys are never renamed or given another meaning; new ones may be added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationSummary {
    /// Version of the program.
    pub program: String,
    /// The model.
    pub model: Tested,
    /// Where the test images came from.
    pub data: String,
    /// The same in plain words.
    pub about: Vec<String>,
    /// Hash over the hashes of all examined files, in order, as hexadecimal digits.
    pub data_hash: String,
    /// The knobs it was inspected with.
    pub knobs: InvertKnobs,
    /// The part of each image that was inspected.
    pub regions: Regions,
    /// Held-out healthy images that thresholds are set on.
    pub held_out: usize,
    /// The promised false-alarm rate in force; `None` without a calibration.
    pub rate: Option<f64>,
    /// The score that verdicts go by.
    pub score: ScoreKind,
    /// What is to be kept in mind of labelled defects that scores were weighed by.
    #[serde(default)]
    pub caution: Option<String>,
    /// Healthy images.
    pub healthy: usize,
    /// Defective images.
    pub defective: usize,
    /// Images of another size than the held-out ones: what is promised for them is a guess.
    pub unlike: usize,
    /// Seconds of work.
    pub seconds: f64,
    /// The scores that the model gives.
    pub scores: Vec<ScoreFigures>,
    /// The maps, where there are masks.
    pub pixels: Vec<PixelFigures>,
    /// What could not be inspected.
    pub left_out: Vec<LeftOut>,
}

impl EvaluationSummary {
    /// The figures of a test at a promised rate; at the model's own where none is asked for. A score that is 0
    /// for every image is one that the model does not give.
    ///
    /// # Errors
    /// [`RateError`] for a rate that the held-out images cannot promise.
    pub fn of(evaluation: &Evaluation, rate: Option<f64>) -> Result<Self, RateError> {
        let calibration = evaluation.calibration.as_ref();
        match (rate, calibration) {
            (Some(rate), Some(calibration)) => calibration.check_rate(rate)?,
            (Some(rate), None) => return Err(RateError::TooFew { n: 0, rate }),
            (None, _) => {}
        }
        let rate = rate.or(evaluation.rate);
        let given = |kind: &ScoreKind| evaluation.examined.iter().any(|e| e.scores.get(*kind) != 0.0);
        let figures = |score: ScoreKind| {
            let threshold = rate.and_then(|rate| evaluation.threshold(score, rate));
            Some(ScoreFigures {
                score,
                metrics: evaluation.metrics(score)?,
                threshold,
                confusion: threshold.map(|t| evaluation.confusion(score, t)),
                kinds: evaluation.by_kind(score, threshold),
            })
        };
        let (healthy, defective) = evaluation.counts();
        let unlike = |e: &&super::Examined| calibration.is_some_and(|c| !c.suits(e.size));
        Ok(Self {
            program: evaluation.program.clone(),
            model: evaluation.model.clone(),
            data: evaluation.data.clone(),
            about: evaluation.about.clone(),
            data_hash: evaluation.data_hash.clone(),
            knobs: evaluation.knobs.clone(),
            regions: evaluation.regions.clone(),
            held_out: calibration.map_or(0, |c| c.held_out.len()),
            rate,
            score: evaluation.score,
            caution: calibration.and_then(|c| c.labelled.as_ref()).map(LabelledScores::caution),
            healthy,
            defective,
            unlike: evaluation.examined.iter().filter(unlike).count(),
            seconds: evaluation.examined.iter().map(|e| f64::from(e.seconds)).sum(),
            scores: ScoreKind::ALL.into_iter().filter(given).filter_map(figures).collect(),
            pixels: evaluation.pixels.clone(),
            left_out: evaluation.left_out.clone(),
        })
    }

    /// The figures of the score that verdicts go by.
    pub fn verdict(&self) -> Option<&ScoreFigures> {
        self.scores.iter().find(|s| s.score == self.score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{FileHash, Label},
        inspect::{
            Calibration, Examined, Scores,
            calibration::{HeldOut, MapScale},
            evaluation::report::{CaseReason, worst},
        },
    };

    /// Healthy images score 0.1 to 1.0, held-out ones 0.05 to 0.95, scratches 0.8 to 1.7 and pits 0.3 to 0.5.
    fn evaluation() -> Evaluation {
        let scores = |value: f64| {
            let mut scores = Scores::default();
            scores.set(ScoreKind::Feature, value);
            scores.set(ScoreKind::L1, 1.0 - value / 10.0);
            scores
        };
        let held_out =
            (0..19).map(|i| HeldOut { hash: FileHash::of(&[i]), scores: scores(0.05 + 0.05 * f64::from(i)) });
        let knobs = InvertKnobs::default();
        let calibration = Calibration {
            knobs: knobs.clone(),
            regions: Regions::default(),
            held_out: held_out.collect(),
            size: (64, 64),
            smallest: None,
            fusion: Vec::new(),
            labelled: None,
            scale: MapScale { difference: 1.0, feature: 1.0, critic: 8.0, distance: 8.0 },
            score: ScoreKind::Feature,
        };
        let mut examined = Vec::new();
        let mut add = |name: String, label: Label, value: f64| {
            examined.push(Examined {
                index: examined.len(),
                hash: FileHash::of(name.as_bytes()),
                name,
                path: None,
                label,
                size: (64, 64),
                scores: scores(value),
                steps: 10,
                seconds: 0.5,
            });
        };
        for i in 0..10 {
            add(format!("good/{i}"), Label::Healthy, 0.1 + 0.1 * f64::from(i));
            add(format!("scratch/{i}"), Label::Defective("scratch".into()), 0.8 + 0.1 * f64::from(i));
        }
        for i in 0..3 {
            add(format!("pit/{i}"), Label::Defective("pit".into()), 0.3 + 0.1 * f64::from(i));
        }
        Evaluation {
            program: "0".into(),
            model: Tested { name: "a".into(), hash: "b".into(), step: 1, data: "c".into(), recipe: "d".into() },
            data: "tests".into(),
            about: vec!["a few".into()],
            data_hash: "e".into(),
            knobs,
            regions: Regions::default(),
            score: calibration.score,
            rate: Some(calibration.default_rate()),
            calibration: Some(calibration),
            examined,
            pixels: vec![],
            left_out: vec![],
        }
    }

    #[test]
    fn figures_follow_from_the_images() {
        let evaluation = evaluation();
        let summary = EvaluationSummary::of(&evaluation, None).unwrap();
        assert_eq!((summary.healthy, summary.defective, summary.held_out, summary.unlike), (10, 13, 19, 0));
        // The model gives two scores and no others.
        assert_eq!(summary.scores.iter().map(|s| s.score).collect::<Vec<_>>(), [ScoreKind::L1, ScoreKind::Feature]);
        let own = summary.verdict().unwrap();
        // 19 images promise 1 in 20: what scores more than all of them is flagged.
        assert_eq!((summary.rate, own.threshold), (Some(0.05), Some(f64::from(0.95_f32))));
        assert_eq!(own.confusion, Some(Confusion { caught: 8, missed: 5, false_alarms: 1, passed: 9 }));
        assert_eq!(own.metrics.caught_at_1, None);
        assert_eq!(own.metrics.caught_at_5.map(|e| e.value), Some(8.0 / 13.0));
        let kinds: Vec<_> = own.kinds.iter().map(|k| (k.kind.as_str(), k.count, k.caught)).collect();
        assert_eq!(kinds, [("pit", 3, Some(0)), ("scratch", 10, Some(8))]);
        // Pits at 0.3, 0.4 and 0.5 over 2, 3 and 4 healthy images, with a tie each.
        assert!((own.kinds[0].auroc.unwrap() - 10.5 / 30.0).abs() < 1e-9);
        for e in &evaluation.examined {
            let verdict = evaluation.assess(e, 0.05).unwrap().verdict;
            let flagged = e.scores.get(ScoreKind::Feature) > own.threshold.unwrap();
            assert_eq!(verdict == crate::inspect::Verdict::Defective, flagged, "{}", e.name);
        }
        let text = serde_json::to_string(&(&evaluation, &summary)).unwrap();
        let (read, figures): (Evaluation, EvaluationSummary) = serde_json::from_str(&text).unwrap();
        // But for the last digit of a double.
        assert_eq!((read, figures.verdict().unwrap().confusion), (evaluation, own.confusion));
    }

    #[test]
    fn the_worst_cases_come_first() {
        let evaluation = evaluation();
        let of = |all: &[(CaseReason, usize)], why| -> Vec<usize> {
            all.iter().filter(|(own, _)| *own == why).map(|(_, place)| *place).collect()
        };
        let all = worst(&evaluation, &EvaluationSummary::of(&evaluation, None).unwrap());
        // Pits, then the faintest scratches; the healthy image at 1.0; at either side of 0.95.
        assert_eq!(
            (of(&all, CaseReason::Missed), of(&all, CaseReason::FalseAlarm)),
            (vec![20, 21, 22, 1, 3], vec![18])
        );
        let near = of(&all, CaseReason::Near);
        assert!(near.len() == 6 && near[..2].contains(&5) && near[..2].contains(&16), "{near:?}");
        let bare = Evaluation { calibration: None, rate: None, ..evaluation };
        let all = worst(&bare, &EvaluationSummary::of(&bare, None).unwrap());
        assert_eq!((of(&all, CaseReason::Missed)[0], of(&all, CaseReason::FalseAlarm)[0], all.len()), (20, 18, 12));
    }

    #[test]
    fn another_rate_is_another_threshold_or_refused() {
        let evaluation = evaluation();
        let half = EvaluationSummary::of(&evaluation, Some(0.5)).unwrap();
        assert_eq!(half.verdict().unwrap().threshold, Some(f64::from(0.5_f32)));
        assert!(EvaluationSummary::of(&evaluation, Some(0.01)).unwrap_err().to_string().contains("19 held-out"));
        let promise = |t| evaluation.promise(ScoreKind::Feature, t).unwrap();
        assert_eq!((promise(f64::from(0.95_f32)), promise(0.0), promise(0.52)), (0.05, 1.0, 0.5));
        let bare = Evaluation { calibration: None, rate: None, ..evaluation };
        let summary = EvaluationSummary::of(&bare, None).unwrap();
        assert_eq!((summary.rate, summary.verdict().unwrap().confusion, summary.held_out), (None, None, 0));
        assert!(summary.verdict().unwrap().metrics.caught_at_5.is_none());
        assert!(EvaluationSummary::of(&bare, Some(0.1)).is_err());
    }
}
