//! What a model was made from: the models before it, and the parts that people's verdicts taught it.

use std::{collections::HashSet, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::data::{DataError, DataSource, FileHash, Label, Opened, Split, layout::ReadProgress, source::describe_file};

/// What a part that people have judged is used for. It is the same for the same picture as long as the verdict stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Healthy, and trained on.
    Train,
    /// Healthy, never trained on: the verdict is calibrated on it.
    Calibrate,
    /// Neither trained nor calibrated on: models are compared on it.
    Compare,
    /// Defective, and trained or calibrated on before: left out from now on.
    Withdraw,
}

impl Role {
    /// The word for it, on the command line.
    pub fn title(self) -> &'static str {
        match self {
            Self::Train => "trained on",
            Self::Calibrate => "calibrated on",
            Self::Compare => "compared on",
            Self::Withdraw => "withdrawn",
        }
    }
}

/// A verdict, and what it was used for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LabelledPart {
    /// Number of the verdict in its record.
    pub opinion: i64,
    /// Hash of the picture's file.
    pub hash: FileHash,
    /// Where the file lay.
    pub path: PathBuf,
    /// Whether the part is defective.
    pub defective: bool,
    /// What it is used for.
    pub role: Role,
}

/// Where a model comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// Hashes of the models that it was made from, its parent first.
    pub ancestors: Vec<FileHash>,
    /// The verdicts that it learned from, those of its ancestors included.
    pub lessons: Vec<LabelledPart>,
}

impl Lineage {
    /// How many verdicts were used for this.
    pub fn count(&self, role: Role) -> usize {
        self.lessons.iter().filter(|lesson| lesson.role == role).count()
    }

    /// The split that the first model began with, as far as verdicts have left it: `split` without what was learned.
    pub fn before(&self, split: &Split) -> Split {
        let learned: HashSet<&FileHash> = self.healthy().map(|lesson| &lesson.hash).collect();
        let kept = |side: &[FileHash]| side.iter().filter(|hash| !learned.contains(hash)).copied().collect();
        Split { seed: split.seed, train: kept(&split.train), held_out: kept(&split.held_out) }
    }

    /// `before` with what these verdicts add to it and take from it.
    pub fn after(&self, before: &Split) -> Split {
        let of = |role: Role| self.lessons.iter().filter(move |l| l.role == role).map(|l| l.hash);
        let withdrawn: HashSet<FileHash> = of(Role::Withdraw).collect();
        let side = |side: &[FileHash], role: Role| {
            side.iter().copied().filter(|hash| !withdrawn.contains(hash)).chain(of(role)).collect()
        };
        Split {
            seed: before.seed,
            train: side(&before.train, Role::Train),
            held_out: side(&before.held_out, Role::Calibrate),
        }
    }

    /// The healthy parts that are trained or calibrated on.
    pub fn healthy(&self) -> impl Iterator<Item = &LabelledPart> {
        self.lessons.iter().filter(|lesson| matches!(lesson.role, Role::Train | Role::Calibrate))
    }

    /// Opens a model's data with the healthy parts that it learned from; those whose file is not there any more, or
    /// has changed, are left out and come back.
    ///
    /// # Errors
    /// Those of [`DataSource::open`].
    pub fn open(
        &self,
        source: &DataSource,
        progress: &ReadProgress<'_>,
    ) -> Result<(Opened, Vec<LabelledPart>), DataError> {
        let opened = source.open(progress)?;
        let (mut items, mut missing) = (Vec::new(), Vec::new());
        let all: Vec<&LabelledPart> = self.healthy().collect();
        for (i, lesson) in all.iter().enumerate() {
            if !progress(i, all.len()) {
                return Err(DataError::Cancelled);
            }
            match describe_file(&lesson.path, lesson.hash, Label::Healthy) {
                Ok(item) => items.push(item),
                Err(error) => {
                    tracing::warn!("a part that people called healthy is left out: {error}");
                    missing.push(LabelledPart::clone(lesson));
                }
            }
        }
        Ok((opened.with(items), missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesson(n: u8, defective: bool, role: Role) -> LabelledPart {
        let path = format!("/parts/{n}.png").into();
        LabelledPart { opinion: i64::from(n), hash: FileHash::of(&[n]), path, defective, role }
    }

    #[test]
    fn what_was_learned_can_be_taken_out_of_a_split_again() {
        let hashes = |all: &[u8]| all.iter().map(|n| FileHash::of(&[*n])).collect::<Vec<_>>();
        let before = Split { seed: 3, train: hashes(&[1, 2, 3]), held_out: hashes(&[4, 5]) };
        let lessons = vec![
            lesson(10, false, Role::Train),
            lesson(11, false, Role::Calibrate),
            lesson(12, false, Role::Compare),
            lesson(13, true, Role::Compare),
        ];
        let mut lineage = Lineage { ancestors: vec![FileHash::of(b"parent")], lessons };
        let after = lineage.after(&before);
        assert_eq!((after.train.clone(), after.held_out.clone()), (hashes(&[1, 2, 3, 10]), hashes(&[4, 5, 11])));
        assert_eq!(lineage.before(&after), before);
        lineage.lessons.push(lesson(2, true, Role::Withdraw));
        assert_eq!(lineage.after(&before).train, hashes(&[1, 3, 10]));
        let text = serde_json::to_string(&lineage).unwrap();
        assert_eq!(serde_json::from_str::<Lineage>(&text).unwrap(), lineage);
    }
}
