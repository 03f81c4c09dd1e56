//! Healthy images that look defective: ranked by the critic part-way through its training, and left out of training and
//! calibration where they are clear outliers.

mod rule;

use std::{collections::HashSet, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Lineage, lineage::Role};
use crate::{
    data::FileHash,
    format::counted,
    text::{PrintablePath, path_text},
};

/// Number of images in a report, unless more were left out.
const RANKED: usize = 50;

/// Largest share of the images that is left out. Where more are beyond their limit, they are no outliers but a second kind
/// of healthy part, so none is left out.
const MAX_SHARE: f64 = 0.15;

/// Number of file names in a sentence.
const NAMED: usize = 5;

/// Use of a healthy image in building a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HealthyUse {
    /// The critic is trained on it.
    Training,
    /// Training image reserved for the critic's normal statistics.
    Statistics,
    /// Held out for calibration.
    HeldOut,
}

impl HealthyUse {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Training, Self::Statistics, Self::HeldOut];

    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Statistics => "statistics",
            Self::HeldOut => "held out",
        }
    }

    /// Whether the critic is trained on it. Scores are compared among those of which this is equally true.
    fn is_seen(self) -> bool {
        self == Self::Training
    }
}

/// A healthy image and its score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoredImage {
    /// Path of the file, or name of a built-in image.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Hash of the file.
    pub hash: FileHash,
    /// Its use.
    #[serde(rename = "use")]
    pub purpose: HealthyUse,
    /// The largest value of the critic's smoothed logit.
    pub score: f64,
    /// The limit for its group; `None` where the group is too small for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<f64>,
    /// Whether it was left out.
    #[serde(default)]
    pub left_out: bool,
}

impl ScoredImage {
    /// A scored image, before it is compared with others.
    pub(crate) fn new(path: PathBuf, hash: FileHash, purpose: HealthyUse, score: f64) -> Self {
        Self { path, hash, purpose, score, limit: None, left_out: false }
    }

    /// File name on screen.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).printable().to_string()
    }

    fn is_beyond(&self) -> bool {
        self.limit.is_some_and(|limit| self.score > limit)
    }
}

/// The healthy images of a model, ranked by how defective they look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutlierReport {
    /// Number of healthy images.
    pub images: usize,
    /// Number of these that were scored.
    pub scored: usize,
    /// Images beyond their limit that were kept because they are too many to be outliers.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub too_many: usize,
    /// Those left out, and others up to 50 in all; the highest scores first.
    pub ranked: Vec<ScoredImage>,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl OutlierReport {
    /// Judges the scored ones of `images` healthy images. Those that the critic is trained on are compared with each other,
    /// and so are the others.
    pub(crate) fn of(mut scored: Vec<ScoredImage>, images: usize) -> Self {
        scored.retain(|image| image.score.is_finite());
        for seen in [true, false] {
            let group = || scored.iter().filter(|image| image.purpose.is_seen() == seen);
            let limit = rule::upper_limit(&group().map(|image| image.score).collect::<Vec<f64>>());
            scored.iter_mut().filter(|i| i.purpose.is_seen() == seen).for_each(|image| image.limit = limit);
        }
        let beyond = scored.iter().filter(|image| image.is_beyond()).count();
        // Most images of each use have to stay.
        let emptied = |purpose| {
            let own = || scored.iter().filter(move |image| image.purpose == purpose);
            own().filter(|image| image.is_beyond()).count() > own().count() / 2
        };
        let too_many = beyond as f64 > MAX_SHARE * scored.len() as f64 || HealthyUse::ALL.into_iter().any(emptied);
        scored.iter_mut().for_each(|image| image.left_out = image.is_beyond() && !too_many);
        let too_many = if too_many { beyond } else { 0 };
        Self { images, scored: scored.len(), too_many, ranked: scored }.sorted()
    }

    /// The same report with the images that an earlier model left out.
    #[must_use]
    pub(crate) fn after(mut self, earlier: Self) -> Self {
        let left_out: Vec<ScoredImage> = earlier.ranked.into_iter().filter(|image| image.left_out).collect();
        self.images += left_out.len();
        self.scored += left_out.len();
        self.ranked.extend(left_out);
        self.sorted()
    }

    /// The same report without images that reviewers judged healthy, which are used again.
    #[must_use]
    pub(crate) fn without_restored(mut self, lineage: Option<&Lineage>) -> Self {
        let restored = restored(lineage);
        self.ranked.retain(|image| !(image.left_out && restored.contains(&image.hash)));
        self
    }

    fn sorted(mut self) -> Self {
        let order = |a: &ScoredImage, b: &ScoredImage| {
            b.left_out.cmp(&a.left_out).then(b.score.total_cmp(&a.score)).then_with(|| a.path.cmp(&b.path))
        };
        self.ranked.sort_by(order);
        let most = self.left_out().count().max(RANKED);
        self.ranked.truncate(most);
        self
    }

    /// The images that were left out, the highest scores first.
    pub fn left_out(&self) -> impl Iterator<Item = &ScoredImage> {
        self.ranked.iter().filter(|image| image.left_out)
    }

    /// Says which images were left out, or why none was although some look defective; `None` if none does.
    pub fn sentence(&self) -> Option<String> {
        let healthy = match self.scored < self.images {
            true => format!("{} healthy images that were checked ({} in all)", self.scored, self.images),
            false => counted(self.images, "healthy image"),
        };
        let left_out: Vec<&ScoredImage> = self.left_out().collect();
        if !left_out.is_empty() {
            let (look, were) = if left_out.len() == 1 { ("looks", "was") } else { ("look", "were") };
            let n = left_out.len();
            return Some(format!(
                "{n} of {healthy} {look} defective and {were} left out of training and calibration: {}.",
                names(&left_out)
            ));
        }
        let beyond: Vec<&ScoredImage> = self.ranked.iter().filter(|image| image.is_beyond()).collect();
        (self.too_many > 0).then(|| {
            let n = self.too_many;
            let look = if n == 1 { "looks" } else { "look" };
            format!(
                "{n} of {healthy} {look} unlike the others. That is too many to be outliers, so none was left out: check \
                 whether these images show healthy parts: {}.",
                names(&beyond)
            )
        })
    }
}

/// The first file names, and the number of the others: "a.png, b.png and 3 more".
fn names(images: &[&ScoredImage]) -> String {
    let shown: Vec<String> = images.iter().take(NAMED).map(|image| image.name()).collect();
    match (images.len() - shown.len(), shown.split_last()) {
        (0, Some((last, first))) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        (0, _) => shown.join(", "),
        (more, _) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Images that were left out and judged healthy by reviewers since.
fn restored(lineage: Option<&Lineage>) -> HashSet<FileHash> {
    let parts = lineage.into_iter().flat_map(|lineage| &lineage.parts);
    parts.filter(|part| part.role == Role::Restore).map(|part| part.hash).collect()
}

/// The images that a model or an ancestor of it left out, whether or not they have been used again since.
pub(crate) fn ever_left_out(outliers: Option<&OutlierReport>, lineage: Option<&Lineage>) -> HashSet<FileHash> {
    let left_out = outliers.into_iter().flat_map(OutlierReport::left_out).map(|image| image.hash);
    left_out.chain(restored(lineage)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 images, 40 of them for training; those at these positions look defective.
    fn images(bad: &[usize]) -> Vec<ScoredImage> {
        let image = |i: usize| {
            let purpose = match i {
                0..40 => HealthyUse::Training,
                40..46 => HealthyUse::Statistics,
                _ => HealthyUse::HeldOut,
            };
            // Images that the critic has not seen score higher.
            let usual = (i * 7 % 10) as f64 / 10.0 + if purpose == HealthyUse::Training { -4.0 } else { 0.0 };
            let score = if bad.contains(&i) { usual + 9.0 } else { usual };
            let name = format!("part {i:02}.png");
            ScoredImage::new(format!("/parts/{name}").into(), FileHash::of(name.as_bytes()), purpose, score)
        };
        (0..60).map(image).collect()
    }

    fn left_out(report: &OutlierReport) -> Vec<String> {
        let mut names: Vec<String> = report.left_out().map(ScoredImage::name).collect();
        names.sort();
        names
    }

    #[test]
    fn outliers_are_judged_among_images_the_critic_knows_equally_well() {
        let clean = OutlierReport::of(images(&[]), 60);
        assert_eq!((left_out(&clean), clean.sentence(), clean.ranked.len()), (Vec::new(), None, RANKED));
        assert!(clean.ranked.windows(2).all(|w| w[0].score >= w[1].score));
        let report = OutlierReport::of(images(&[3, 41, 50, 59]), 60);
        assert_eq!(left_out(&report), ["part 03.png", "part 41.png", "part 50.png", "part 59.png"]);
        // The training image scores less than the healthy ones that the critic has not seen would need to.
        assert!(report.ranked[..4].iter().all(|image| image.left_out) && !report.ranked[4].left_out);
        assert_eq!(
            report.sentence().unwrap(),
            "4 of 60 healthy images look defective and were left out of training and calibration: part 41.png, part \
             59.png, part 50.png and part 03.png."
        );
        let one = OutlierReport::of(images(&[50]), 90).sentence().unwrap();
        assert!(
            one.starts_with("1 of 60 healthy images that were checked (90 in all) looks defective and was"),
            "{one}"
        );
    }

    #[test]
    fn too_many_to_be_outliers_are_kept_and_said() {
        let bad: Vec<usize> = (0..6).chain([40, 47, 48]).collect();
        assert_eq!(left_out(&OutlierReport::of(images(&bad), 60)).len(), 9);
        let bad: Vec<usize> = (0..7).chain([40, 47, 48]).collect();
        let report = OutlierReport::of(images(&bad), 60);
        assert_eq!((left_out(&report).len(), report.too_many), (0, 10));
        let text = report.sentence().unwrap();
        assert!(
            text.starts_with("10 of 60 healthy images look unlike the others.") && text.ends_with("5 more."),
            "{text}"
        );
        // Most of the images for the statistics would be lost.
        let report = OutlierReport::of(images(&[40, 41, 42, 43]), 60);
        assert_eq!((left_out(&report).len(), report.too_many), (0, 4));
    }

    #[test]
    fn small_groups_have_no_limit_and_every_image_left_out_is_kept_on_the_list() {
        let few: Vec<ScoredImage> = images(&[3, 50]).split_off(41);
        let report = OutlierReport::of(few, 19);
        assert_eq!(
            (left_out(&report).len(), report.ranked[0].limit, report.ranked[0].name().as_str()),
            (0, None, "part 50.png")
        );
        let mut unknown = images(&[3]);
        unknown[3].score = f64::NAN;
        assert_eq!(OutlierReport::of(unknown, 60).scored, 59);
        let many: Vec<ScoredImage> = (0..1_000)
            .map(|i| {
                let score = if i < 70 { 20.0 } else { (i % 10) as f64 / 10.0 };
                ScoredImage::new(
                    format!("{i}").into(),
                    FileHash::of(&[i as u8, (i / 256) as u8]),
                    HealthyUse::HeldOut,
                    score,
                )
            })
            .collect();
        let report = OutlierReport::of(many, 1_000);
        assert_eq!((report.left_out().count(), report.ranked.len()), (70, 70));
    }

    #[test]
    fn a_report_is_stored_and_read_again() {
        let report = OutlierReport::of(images(&[3, 50]), 60);
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<OutlierReport>(&text).unwrap(), report);
        assert!(text.contains(r#""use":"held-out""#) && !text.contains("too_many"), "{text}");
    }
}
