//! Verdicts with a promised false-alarm rate from the scores of held-out healthy images.
//!
//! Split-conformal p-values (Vovk et al. 2005, Laxhammar and Falkman 2010): given the scores of `n` held-out healthy
//! images, a query of score `s` has `p = (1 + #{healthy >= s}) / (n + 1)`. Flagging `p <= a` raises a false alarm for
//! at most a share `a` of healthy parts, for any score, as long as parts and held-out images come from the same
//! distribution.

use serde::{Deserialize, Serialize};

use crate::{
    data::FileHash,
    inspect::{
        FusionTerm, InvertKnobs, LabelledScores, Regions, ScoreKind, Scores,
        anomaly_region::RegionLevels,
        frame_check::{FrameFault, FrameLimits},
    },
};

/// Parts with a p-value up to this many times the promised rate are suspect.
const SUSPECT: f64 = 3.0;

/// Verdict on a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The score is typical of healthy parts.
    Healthy,
    /// The score is above that of most healthy parts but below the threshold.
    Suspect,
    /// An alarm: the score is above the threshold for the promised rate.
    Defective,
    /// The image does not show the kind of part that the model knows, so its score says nothing about a part.
    NotThisPart,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Suspect, Self::Defective, Self::NotThisPart];

    /// Name on screen and in files.
    pub fn title(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Suspect => "suspect",
            Self::Defective => "defective",
            Self::NotThisPart => "not this part",
        }
    }
}

/// The scores of one held-out healthy image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Hash of its file.
    pub hash: FileHash,
    /// All scores.
    pub scores: Scores,
}

/// Upper ends of the maps' colour scales per pixel, from held-out healthy images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapScale {
    /// Of the absolute difference.
    pub difference: f32,
    /// Of the feature residual.
    pub feature: f32,
    /// Of the critic's logit.
    #[serde(default = "critic_scale")]
    pub critic: f32,
    /// Of the distance of the critic's features.
    #[serde(default = "critic_scale")]
    pub distance: f32,
}

/// Default scale of the critic's maps, in standard deviations.
fn critic_scale() -> f32 {
    8.0
}

/// Scores of held-out healthy images under one setting of the knobs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Knobs of the inspections.
    pub knobs: InvertKnobs,
    /// Inspected regions.
    pub regions: Regions,
    /// The held-out images.
    pub held_out: Vec<HeldOut>,
    /// Their largest width and height, pixels.
    pub size: (usize, usize),
    /// Their smallest width and height; absent in files of earlier versions.
    #[serde(default)]
    pub smallest: Option<(usize, usize)>,
    /// Colour scales of the maps.
    pub scale: MapScale,
    /// The score that decides verdicts.
    pub score: ScoreKind,
    /// Terms of the combined score.
    #[serde(default)]
    pub fusion: Vec<FusionTerm>,
    /// Labelled defects used for reweighting, if any.
    #[serde(default)]
    pub labelled: Option<LabelledScores>,
    /// Limits of the whole frame's statistics; absent in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<FrameLimits>,
    /// Values above which the maps of the held-out images show no region; absent in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region_levels: Option<RegionLevels>,
    /// Scores of held-out images with synthetic damage, from which the weights of the combined score come; absent in files
    /// of earlier versions and without a critic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<DamagedImage>,
}

/// A held-out image that was inspected again with synthetic damage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DamagedImage {
    /// Position of the undamaged image in [`Calibration::held_out`].
    pub held_out: usize,
    /// Scores with the damage.
    pub scores: Scores,
}

/// Why a false-alarm rate cannot be promised.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum RateError {
    /// Not a valid share.
    #[error("a false-alarm rate of {0} is invalid; choose one above 0 and at most 0.5")]
    NoShare(f64),
    /// Too few held-out images.
    #[error(
        "{n} held-out healthy images cannot promise fewer than 1 false alarm in {} healthy parts; \
         you asked for 1 in {}. Train on more healthy images or accept a higher rate",
        n + 1, (1.0 / rate).round()
    )]
    TooFew {
        /// Number of held-out images.
        n: usize,
        /// The requested rate.
        rate: f64,
    },
}

/// Why there is no verdict.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum JudgeError {
    /// The false-alarm rate cannot be promised.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// A score is not a finite number.
    #[error("the score {} came out as NaN or infinity, so there is no verdict; inspect the image again, or choose another model", .0.name())]
    NotFinite(ScoreKind),
}

/// The verdict on a query and its p-value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// The deciding score.
    pub kind: ScoreKind,
    /// Its value.
    pub score: f64,
    /// p-value: share of healthy parts that would score at least this high, in `[1 / (n + 1), 1]`.
    pub p: f64,
    /// Number of held-out healthy images.
    pub n: usize,
    /// The active promised false-alarm rate.
    pub rate: f64,
    /// The verdict.
    pub verdict: Verdict,
    /// Why the image is not one of this part, for that verdict only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Assessment {
    /// Sort key that puts the worst first: an image that does not show this part, then the smallest p-value, then the
    /// largest score.
    pub(crate) fn rank(&self) -> (f64, f64) {
        if self.verdict == Verdict::NotThisPart { (0.0, 0.0) } else { (self.p, -self.score) }
    }

    /// The p-value as a phrase: "1 in 200 healthy parts would score this high".
    pub fn describe(&self) -> String {
        if let Some(reason) = &self.reason {
            return format!("not a picture of this part: {reason}");
        }
        if self.p >= 0.5 {
            return "most healthy parts score at least this high".into();
        }
        let one_in = (1.0 / self.p).round();
        // The smallest possible p-value is an upper bound, not an estimate.
        let bound = self.p <= 1.0 / (self.n as f64 + 1.0) * (1.0 + 1e-9);
        if bound {
            let n = self.n;
            return format!(
                "at most 1 in {one_in} healthy parts would score this high, the most that {} can show",
                crate::format::counted(n, "image")
            );
        }
        format!("1 in {one_in} healthy parts would score this high")
    }
}

/// Number of held-out scores that may not reach a flagged part's score: `p <= rate` exactly when fewer than
/// `rate * (n + 1)` of them do.
fn reach_limit(held_out: usize, rate: f64) -> usize {
    (rate * (held_out + 1) as f64 * (1.0 + 1e-3)).floor() as usize
}

/// The 95 % interval of one calibration's actual false-alarm rate. The promise holds on average over calibrations; the
/// rate of a single one is the `k`-th smallest of `n` uniform numbers, which is Beta(k, n + 1 - k) (Vovk 2012,
/// "Conditional validity of inductive conformal predictors").
fn rate_interval(held_out: usize, rate: f64) -> [f64; 2] {
    let k = reach_limit(held_out, rate);
    // P(rate <= r) is the probability that at least k of n uniform numbers are below r.
    let at_most = |r: f64| {
        let (mut term, mut below) = (held_out as f64 * (-r).ln_1p(), 0.0);
        for i in 0..k {
            below += term.exp();
            term += ((held_out - i) as f64 / (i + 1) as f64).ln() + r.ln() - (-r).ln_1p();
        }
        1.0 - below
    };
    [0.025, 0.975].map(|share| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..50 {
            let middle = 0.5 * (low + high);
            if at_most(middle) < share { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    })
}

/// [`rate_interval`] as a phrase.
pub(crate) fn rate_interval_sentence(held_out: usize, rate: f64) -> String {
    let [low, high] = rate_interval(held_out, rate).map(|share| share * 1000.0);
    format!("95 % interval: {low:.0} to {high:.0} in 1,000")
}

/// A rate as a number of false alarms in 1,000 healthy parts, rounded up so that no lower rate is promised than is kept.
/// Small ones have a decimal. Every place that promises a rate in words takes the number from here.
pub(crate) fn in_thousand(rate: f64) -> String {
    let alarms = rate * 1000.0 - 1e-6;
    if alarms < 10.0 { format!("{}", (alarms * 10.0).ceil() / 10.0) } else { format!("{:.0}", alarms.ceil()) }
}

/// The basis of a promised rate, as a sentence.
pub(crate) fn promise_grounds(held_out: usize, rate: f64) -> String {
    let least = (1000.0 / (held_out as f64 + 1.0) * 10.0).ceil() / 10.0;
    let interval = rate_interval_sentence(held_out, rate);
    format!("Based on {held_out} held-out healthy images, which can promise no less than {least} in 1,000; {interval}.")
}

impl Calibration {
    /// Finds the calibration for these knobs (ignoring the seed) and regions.
    pub(crate) fn find<'a>(all: &'a [Self], knobs: &InvertKnobs, regions: &Regions) -> Option<&'a Self> {
        all.iter().find(|c| c.is_for(knobs, regions))
    }

    /// Whether it was made with these knobs (ignoring the seed) and regions.
    pub(crate) fn is_for(&self, knobs: &InvertKnobs, regions: &Regions) -> bool {
        self.knobs.comparable(knobs) && self.regions == *regions
    }

    /// The rate in force: the user's if it can be promised, otherwise the default.
    pub(crate) fn rate(&self, promised: Option<f64>) -> f64 {
        promised.filter(|&rate| self.check_rate(rate).is_ok()).unwrap_or(self.default_rate())
    }

    /// The rate unless the user sets one: one false alarm in twenty healthy parts, or the smallest rate that can be
    /// promised if that is larger.
    pub fn default_rate(&self) -> f64 {
        self.min_rate().max(0.05)
    }

    /// The value of a map above which at most this share of healthy images shows a region; `None` if the map was not
    /// calibrated. A new healthy image exceeds the k-th largest of n values with a probability of at most k / (n + 1).
    pub(crate) fn region_level(&self, map: &str, rate: f64) -> Option<f32> {
        let levels = self.region_levels.as_ref()?;
        let images = levels.maps.get(map)?.len();
        let rank = reach_limit(images, rate);
        // Too few images for this rate, for which there is no verdict either.
        if rank == 0 { None } else { levels.ranked(map, rank) }
    }

    /// Whether an image of this size is within a tenth of the held-out sizes. The maximum over more pixels is larger,
    /// so the promise only holds for similar sizes.
    pub(crate) fn suits(&self, size: (usize, usize)) -> bool {
        let smallest = self.smallest.unwrap_or(self.size);
        let within = |own: usize, least: usize, most: usize| 10 * own >= 9 * least && 10 * own <= 11 * most;
        within(size.0, smallest.0, self.size.0) && within(size.1, smallest.1, self.size.1)
    }

    /// Size range of the held-out images: "512 × 512 pixels", or smallest to largest.
    pub(crate) fn size_range(&self) -> String {
        let smallest = self.smallest.unwrap_or(self.size);
        let side = |least, most| if least == most { format!("{most}") } else { format!("{least} to {most}") };
        format!("{} × {} pixels", side(smallest.0, self.size.0), side(smallest.1, self.size.1))
    }

    /// The smallest false-alarm rate that can be promised.
    pub fn min_rate(&self) -> f64 {
        1.0 / (self.held_out.len() as f64 + 1.0)
    }

    /// Checks whether a rate can be promised.
    ///
    /// # Errors
    /// [`RateError`] for a rate that cannot be promised.
    pub fn check_rate(&self, rate: f64) -> Result<(), RateError> {
        if !(rate > 0.0 && rate <= 0.5) {
            return Err(RateError::NoShare(rate));
        }
        // Tolerance, so that 1 / 21 typed as 0.0476 is accepted.
        if rate < self.min_rate() * (1.0 - 1e-3) {
            return Err(RateError::TooFew { n: self.held_out.len(), rate });
        }
        Ok(())
    }

    /// The p-value of a score: share of healthy parts that would score at least this high.
    pub fn p_value(&self, kind: ScoreKind, score: f64) -> f64 {
        let at_least = self.held_out.iter().filter(|h| h.scores.get(kind) >= score).count();
        (1 + at_least) as f64 / (self.held_out.len() + 1) as f64
    }

    /// The threshold of the deciding score at this rate.
    pub fn threshold(&self, rate: f64) -> f64 {
        self.threshold_of(self.score, rate)
    }

    /// The threshold of another score.
    pub fn threshold_of(&self, kind: ScoreKind, rate: f64) -> f64 {
        let mut scores: Vec<f64> = self.held_out.iter().map(|h| h.scores.get(kind)).collect();
        scores.sort_by(f64::total_cmp);
        match reach_limit(scores.len(), rate).checked_sub(1) {
            Some(reach) if reach < scores.len() => scores[scores.len() - 1 - reach],
            Some(_) => f64::NEG_INFINITY,
            None => f64::INFINITY,
        }
    }

    /// Judges a query at this rate without changing its scores; see [`Calibration::judge`].
    ///
    /// # Errors
    /// [`JudgeError`] for a rate that cannot be promised, or a score that is not finite.
    pub fn assess(&self, scores: &Scores, rate: f64) -> Result<Assessment, JudgeError> {
        self.judge(&mut scores.clone(), rate)
    }

    /// Sets the combined score of a query and gives the verdict at this rate. Every verdict comes from here.
    ///
    /// # Errors
    /// [`JudgeError`] for a rate that cannot be promised, or a score that is not finite; the combined score is set
    /// nevertheless.
    pub fn judge(&self, scores: &mut Scores, rate: f64) -> Result<Assessment, JudgeError> {
        self.fuse(scores);
        self.check_rate(rate)?;
        // A comparison with NaN is always false, which would look like a healthy part.
        if let Some(kind) = ScoreKind::ALL.into_iter().find(|kind| !scores.get(*kind).is_finite()) {
            return Err(JudgeError::NotFinite(kind));
        }
        let score = scores.get(self.score);
        let p = self.p_value(self.score, score);
        let alarm = rate * (1.0 + 1e-3);
        let fault = self.frame_fault(scores);
        let verdict = if fault.is_some() {
            Verdict::NotThisPart
        } else if p <= alarm {
            Verdict::Defective
        } else if p <= SUSPECT * alarm {
            Verdict::Suspect
        } else {
            Verdict::Healthy
        };
        Ok(Assessment {
            kind: self.score,
            score,
            p,
            n: self.held_out.len(),
            rate,
            verdict,
            reason: fault.map(|fault| fault.describe()),
        })
    }

    /// Whether the inspected image shows the kind of part that the model knows, as far as its scores hold the statistics
    /// of the frame.
    pub fn shows_part(&self, scores: &Scores) -> bool {
        self.frame_fault(scores).is_none()
    }

    /// Why the inspected image does not show the kind of part that the model knows, if so.
    fn frame_fault(&self, scores: &Scores) -> Option<FrameFault> {
        let measures = scores.frame()?;
        match &self.frames {
            Some(limits) => limits.fault(measures),
            None => {
                let differences = self.held_out.iter().map(|h| h.scores.get(ScoreKind::L1));
                FrameLimits::of_any_part(differences.fold(f64::INFINITY, f64::min)).fault(measures)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn scores(value: f64) -> Scores {
        let mut scores = Scores::default();
        scores.set(ScoreKind::Feature, value);
        scores
    }

    #[test]
    fn rate_intervals_match_order_statistics() {
        // Quantiles of Beta(1, 20), Beta(3, 62) and Beta(14, 283).
        for (held_out, wanted) in
            [(20, [0.001_265, 0.168_433]), (64, [0.009_773, 0.108_371]), (296, [0.026_096, 0.073_932])]
        {
            let got = rate_interval(held_out, 0.05);
            assert!(got.iter().zip(wanted).all(|(got, wanted)| (got - wanted).abs() < 1e-6), "{got:?} for {wanted:?}");
        }
        // With many images the interval is narrow.
        let [low, high] = rate_interval(100_000, 0.05);
        assert!(0.048 < low && low < 0.05 && 0.05 < high && high < 0.052, "{low} to {high}");
    }

    #[test]
    fn rates_in_words_are_rounded_up() {
        for (rate, wanted) in [
            (0.05, "50"),
            (1.0 / 21.0, "48"),
            (0.0414, "42"),
            (0.041, "41"),
            (0.5, "500"),
            (0.004_81, "4.9"),
            (0.005, "5"),
        ] {
            assert_eq!(in_thousand(rate), wanted);
        }
    }

    fn calibration(values: impl IntoIterator<Item = f64>) -> Calibration {
        let held_out = |v: f64| HeldOut { hash: FileHash::of(&v.to_le_bytes()), scores: scores(v) };
        Calibration {
            knobs: InvertKnobs::default(),
            regions: Regions::default(),
            held_out: values.into_iter().map(held_out).collect(),
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

    #[test]
    fn p_values_count_healthy_parts_with_higher_scores() {
        let c = calibration((1..=19).map(f64::from));
        assert_eq!(c.p_value(ScoreKind::Feature, 100.0), 0.05);
        assert_eq!(c.p_value(ScoreKind::Feature, 19.0), 0.1);
        assert_eq!(c.p_value(ScoreKind::Feature, 0.0), 1.0);
        let at = |score, rate| c.assess(&scores(score), rate).unwrap();
        assert_eq!(at(100.0, 0.05).verdict, Verdict::Defective);
        assert_eq!(at(19.0, 0.05).verdict, Verdict::Suspect);
        assert_eq!(at(5.0, 0.05).verdict, Verdict::Healthy);
        assert_eq!(
            at(100.0, 0.05).describe(),
            "at most 1 in 20 healthy parts would score this high, the most that 19 images can show"
        );
        assert_eq!(at(19.0, 0.05).describe(), "1 in 10 healthy parts would score this high");
        assert_eq!(at(1.0, 0.05).describe(), "most healthy parts score at least this high");
    }

    #[test]
    fn rates_below_the_minimum_are_rejected_with_a_reason() {
        let c = calibration((1..=20).map(f64::from));
        let said = c.assess(&scores(1.0), 0.01).unwrap_err().to_string();
        assert!(said.contains("20 held-out healthy images") && said.contains("in 21") && said.contains("1 in 100"));
        assert!(c.check_rate(c.min_rate()).is_ok() && c.check_rate(0.0476).is_ok());
        assert!(c.check_rate(f64::NAN).is_err() && c.check_rate(0.0).is_err() && c.check_rate(0.6).is_err());
    }

    #[test]
    fn the_promise_covers_similar_image_sizes() {
        let mut c = calibration([1.0]);
        assert!(c.suits((64, 64)) && c.suits((70, 58)));
        assert!(!c.suits((128, 64)) && !c.suits((64, 32)));
        assert_eq!(c.size_range(), "64 × 64 pixels");
        c.smallest = Some((32, 64));
        assert!(c.suits((29, 64)) && c.suits((48, 70)) && c.suits((70, 58)));
        assert!(!c.suits((28, 64)) && !c.suits((48, 32)) && !c.suits((71, 64)));
        assert_eq!(c.size_range(), "32 to 64 × 64 pixels");
    }

    #[test]
    fn verdicts_agree_with_the_threshold() {
        let c = calibration((1..=99).map(f64::from));
        for rate in [0.01, 0.02, 0.05, 0.1, 0.5] {
            let threshold = c.threshold(rate);
            let verdict = |score| c.assess(&scores(score), rate).unwrap().verdict;
            assert_eq!(verdict(threshold + 0.5), Verdict::Defective, "{rate}");
            assert_ne!(verdict(threshold), Verdict::Defective, "{rate}");
        }
    }

    #[test]
    fn the_promised_rate_is_kept() {
        // Over many calibrations, the mean false-alarm rate is at most the promised rate, and close to it.
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let (rate, mut alarms, trials) = (0.1, 0, 4_000);
        for _ in 0..trials {
            let c = calibration((0..29).map(|_| rng.random::<f64>().powi(3)));
            let fresh = rng.random::<f64>().powi(3);
            alarms += usize::from(c.assess(&scores(fresh), rate).unwrap().verdict == Verdict::Defective);
        }
        let share = alarms as f64 / f64::from(trials);
        // Within four standard errors of 0.1.
        assert!((share - 0.1).abs() < 0.019, "{share}");
    }
}
