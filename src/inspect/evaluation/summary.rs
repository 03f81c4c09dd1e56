//! [`EvaluationSummary`]: the metrics of an evaluation, for the command line, the report and the window.

use serde::{Deserialize, Serialize};

use super::{
    image::{EvaluatedImage, ExcludedImage},
    metrics::{Confusion, Metrics},
    pixels::PixelMetrics,
    results::{DefectTypeMetrics, Evaluation, EvaluationHeader},
};
use crate::{
    format::counted,
    inspect::{LabelledScores, ScoreKind, calibration::RateError},
};

/// Metrics of one score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreMetrics {
    /// The score.
    pub score: ScoreKind,
    /// All metrics with their intervals.
    pub metrics: Metrics,
    /// The threshold at the active rate; `None` if the rate cannot be promised.
    pub threshold: Option<f64>,
    /// Counts at that threshold.
    pub confusion: Option<Confusion>,
    /// Metrics per defect type.
    #[serde(rename = "kinds")]
    pub defect_types: Vec<DefectTypeMetrics>,
}

/// Metrics of an evaluation. Keys are stable: never renamed or redefined, only added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationSummary {
    /// Model, data and settings.
    #[serde(flatten)]
    pub header: EvaluationHeader,
    /// Number of held-out healthy images that set the thresholds.
    pub held_out: usize,
    /// The active promised false-alarm rate; `None` without a calibration.
    pub rate: Option<f64>,
    /// The score that decides verdicts.
    pub score: ScoreKind,
    /// Caveat about labelled defects that the scores were reweighted with.
    #[serde(default)]
    pub caution: Option<String>,
    /// Number of healthy images.
    pub healthy: usize,
    /// Number of defective images.
    pub defective: usize,
    /// Images of a size the model is not calibrated for; the promise is only an estimate for them.
    pub unlike: usize,
    /// Images that do not show the part, which are flagged whatever their score.
    #[serde(default)]
    pub not_this_part: usize,
    /// Compute time, seconds.
    pub seconds: f64,
    /// Metrics of the scores that the model provides.
    pub scores: Vec<ScoreMetrics>,
    /// Pixel-level metrics of the maps, where there are masks.
    pub pixels: Vec<PixelMetrics>,
    /// Images that could not be inspected.
    #[serde(rename = "left_out")]
    pub excluded: Vec<ExcludedImage>,
}

impl EvaluationSummary {
    /// Computes the metrics at a promised rate; at the model's own if none is given. A score that is 0 for every image
    /// is one the model does not provide.
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
        let provided = |kind: &ScoreKind| evaluation.images.iter().any(|e| e.scores.known(*kind).is_some());
        let metrics = |score: ScoreKind| {
            let threshold = rate.and_then(|rate| evaluation.threshold(score, rate));
            Some(ScoreMetrics {
                score,
                metrics: evaluation.metrics(score)?,
                threshold,
                confusion: threshold.map(|t| evaluation.confusion(score, t)),
                defect_types: evaluation.by_defect_type(score, threshold),
            })
        };
        let (healthy, defective) = evaluation.counts();
        let unlike = |e: &&EvaluatedImage| calibration.is_some_and(|c| !c.suits(e.size));
        Ok(Self {
            header: evaluation.header.clone(),
            held_out: calibration.map_or(0, |c| c.held_out.len()),
            rate,
            score: evaluation.score,
            caution: calibration.and_then(|c| c.labelled.as_ref()).map(LabelledScores::caution),
            healthy,
            defective,
            unlike: evaluation.images.iter().filter(unlike).count(),
            not_this_part: evaluation.not_this_part(),
            seconds: evaluation.images.iter().map(|e| f64::from(e.seconds)).sum(),
            scores: ScoreKind::ALL.into_iter().filter(provided).filter_map(metrics).collect(),
            pixels: evaluation.pixels.clone(),
            excluded: evaluation.excluded.clone(),
        })
    }

    /// What is said of images that do not show the part, if there are any.
    pub fn not_this_part_sentence(&self) -> Option<String> {
        not_this_part_sentence(self.not_this_part)
    }

    /// Metrics of the score that decides verdicts.
    pub fn verdict(&self) -> Option<&ScoreMetrics> {
        self.scores.iter().find(|s| s.score == self.score)
    }
}

/// What is said of this number of images that do not show the part, if there are any.
pub(crate) fn not_this_part_sentence(images: usize) -> Option<String> {
    let (show, counts) = if images == 1 { ("does not show", "counts") } else { ("do not show", "count") };
    let images = (images > 0).then(|| counted(images, "image"))?;
    Some(format!("{images} {show} this part and {counts} as flagged at any threshold."))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        data::{FileHash, Label},
        inspect::{
            Calibration, InvertKnobs, Planes, Regions, Scores,
            calibration::{HeldOut, MapScale},
            evaluation::{
                EvaluatedModel,
                report::{CaseKind, worst_cases},
            },
            frame_check::{FrameLimits, FrameMeasures},
        },
    };

    /// Healthy images score 0.1 to 1.0, held-out ones 0.05 to 0.95, scratches 0.8 to 1.7 and pits 0.3 to 0.5.
    pub(in crate::inspect::evaluation) fn evaluation() -> Evaluation {
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
            frames: None,
            region_levels: None,
            damaged: Vec::new(),
            scale: MapScale { difference: 1.0, feature: 1.0, critic: 8.0, distance: 8.0 },
            score: ScoreKind::Feature,
        };
        let mut images = Vec::new();
        let mut add = |name: String, label: Label, value: f64| {
            images.push(EvaluatedImage {
                index: images.len(),
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
            header: EvaluationHeader {
                program: "0".into(),
                model: EvaluatedModel {
                    name: "a".into(),
                    hash: "b".into(),
                    step: 1,
                    data: "c".into(),
                    recipe: "d".into(),
                },
                data: "tests".into(),
                about: vec!["a few".into()],
                data_hash: "e".into(),
                knobs,
                regions: Regions::default(),
            },
            score: calibration.score,
            rate: Some(calibration.default_rate()),
            calibration: Some(calibration),
            images,
            pixels: vec![],
            excluded: vec![],
        }
    }

    #[test]
    fn metrics_follow_from_the_images() {
        let evaluation = evaluation();
        let summary = EvaluationSummary::of(&evaluation, None).unwrap();
        assert_eq!((summary.healthy, summary.defective, summary.held_out, summary.unlike), (10, 13, 19, 0));
        // The model has no critic.
        let provided: Vec<ScoreKind> = summary.scores.iter().map(|s| s.score).collect();
        assert_eq!(provided, ScoreKind::ALL[..6]);
        let own = summary.verdict().unwrap();
        // 19 images promise 1 in 20: what scores more than all of them is flagged.
        assert_eq!((summary.rate, own.threshold), (Some(0.05), Some(f64::from(0.95_f32))));
        assert_eq!(own.confusion, Some(Confusion { caught: 8, missed: 5, false_alarms: 1, passed: 9 }));
        assert_eq!(own.metrics.caught_at_1, None);
        assert_eq!(own.metrics.caught_at_5.map(|e| e.value), Some(8.0 / 13.0));
        let types: Vec<_> = own.defect_types.iter().map(|t| (t.defect_type.as_str(), t.count, t.caught)).collect();
        assert_eq!(types, [("pit", 3, Some(0)), ("scratch", 10, Some(8))]);
        // Pits at 0.3, 0.4 and 0.5 over 2, 3 and 4 healthy images, with a tie each.
        assert!((own.defect_types[0].auroc.unwrap() - 10.5 / 30.0).abs() < 1e-9);
        for e in &evaluation.images {
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
    fn an_image_that_does_not_show_the_part_is_flagged_whatever_its_score() {
        let mut evaluation = evaluation();
        let frame = |level: f32| {
            FrameMeasures::of(
                &Planes::new(16, 16, 1, (0..256).map(|i| level + 0.01 * (i % 7) as f32).collect()).unwrap(),
            )
        };
        if let Some(calibration) = &mut evaluation.calibration {
            calibration.frames = Some(FrameLimits::of(&[frame(0.0), frame(0.05)]));
        }
        for e in &mut evaluation.images {
            // The faintest pit and the first healthy image are black.
            let level = if ["pit/0", "good/0"].contains(&e.name.as_str()) { -1.0 } else { 0.02 };
            e.scores = e.scores.clone().with_frame(Some(frame(level)));
        }
        let summary = EvaluationSummary::of(&evaluation, None).unwrap();
        let own = summary.verdict().unwrap();
        assert_eq!(summary.not_this_part, 2);
        assert_eq!(own.confusion, Some(Confusion { caught: 9, missed: 4, false_alarms: 2, passed: 8 }));
        assert_eq!(own.metrics.caught_at_5.map(|e| e.value), Some(9.0 / 13.0));
        assert_eq!(own.defect_types[0].caught, Some(1));
        let all = worst_cases(&evaluation, &summary);
        let name = |i: usize| evaluation.images[i].name.as_str();
        let alarms: Vec<_> = all.iter().filter(|(kind, _)| *kind == CaseKind::FalseAlarm).collect();
        assert_eq!(alarms.iter().map(|(_, i)| name(*i)).collect::<Vec<_>>(), ["good/9", "good/0"]);
        assert!(all.iter().all(|(kind, i)| *kind != CaseKind::Missed || name(*i) != "pit/0"));
        let sentence = summary.not_this_part_sentence().unwrap();
        assert_eq!(sentence, "2 images do not show this part and count as flagged at any threshold.");
    }

    #[test]
    fn the_worst_cases_come_first() {
        let evaluation = evaluation();
        let of = |all: &[(CaseKind, usize)], why| -> Vec<usize> {
            all.iter().filter(|(own, _)| *own == why).map(|(_, place)| *place).collect()
        };
        let all = worst_cases(&evaluation, &EvaluationSummary::of(&evaluation, None).unwrap());
        // Pits, then the faintest scratches; the healthy image at 1.0; at either side of 0.95.
        assert_eq!((of(&all, CaseKind::Missed), of(&all, CaseKind::FalseAlarm)), (vec![20, 21, 22, 1, 3], vec![18]));
        let near = of(&all, CaseKind::Borderline);
        assert!(near.len() == 6 && near[..2].contains(&5) && near[..2].contains(&16), "{near:?}");
        let bare = Evaluation { calibration: None, rate: None, ..evaluation };
        let all = worst_cases(&bare, &EvaluationSummary::of(&bare, None).unwrap());
        assert_eq!((of(&all, CaseKind::Missed)[0], of(&all, CaseKind::FalseAlarm)[0], all.len()), (20, 18, 12));
    }

    #[test]
    fn the_rate_sets_the_threshold_or_is_rejected() {
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
