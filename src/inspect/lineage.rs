//! Lineage of a model: its ancestors and the labelled parts it was fine-tuned on.

use std::{collections::HashSet, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    data::{DataError, DataSource, FileHash, Label, Opened, Split, layout::ReadProgress, source::describe_file},
    text::path_text,
};

/// Use of a reviewed part. An image keeps its role as long as its verdict is unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Healthy, in the training set.
    Train,
    /// Healthy, held out for calibration; never trained on.
    Calibrate,
    /// Neither trained nor calibrated on; used to compare models.
    Compare,
    /// Defective, but trained or calibrated on before; excluded from now on.
    Withdraw,
    /// Healthy, but left out before because it looked defective; used again from now on.
    Restore,
}

impl Role {
    /// Description on the command line.
    pub fn title(self) -> &'static str {
        match self {
            Self::Train => "trained on",
            Self::Calibrate => "calibrated on",
            Self::Compare => "compared on",
            Self::Withdraw => "withdrawn",
            Self::Restore => "used again",
        }
    }
}

/// A reviewed part and its use.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LabelledPart {
    /// Id of the verdict in the record.
    pub opinion: i64,
    /// Hash of the image file.
    pub hash: FileHash,
    /// Path of the image file.
    #[serde(with = "path_text")]
    pub path: PathBuf,
    /// Whether the part is defective.
    pub defective: bool,
    /// Its use.
    pub role: Role,
}

/// Origin of a fine-tuned model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lineage {
    /// Hashes of the ancestor models, parent first.
    pub ancestors: Vec<FileHash>,
    /// The labelled parts used, including those of the ancestors.
    #[serde(rename = "lessons")]
    pub parts: Vec<LabelledPart>,
}

impl Lineage {
    /// Number of parts with this role.
    pub fn count(&self, role: Role) -> usize {
        self.parts.iter().filter(|part| part.role == role).count()
    }

    /// The split of the first model: `split` without the labelled parts.
    pub fn before(&self, split: &Split) -> Split {
        let added: HashSet<&FileHash> = self.healthy().map(|part| &part.hash).collect();
        let kept = |side: &[FileHash]| side.iter().filter(|hash| !added.contains(hash)).copied().collect();
        Split {
            seed: split.seed,
            train: kept(&split.train),
            held_out: kept(&split.held_out),
            pixels: split.pixels.clone(),
        }
    }

    /// Adds the labelled parts to a split and removes the withdrawn ones.
    pub(crate) fn after(&self, before: &Split) -> Split {
        let of = |role: Role| self.parts.iter().filter(move |l| l.role == role).map(|l| l.hash);
        let withdrawn: HashSet<FileHash> = of(Role::Withdraw).collect();
        let side = |side: &[FileHash], role: Role| {
            side.iter().copied().filter(|hash| !withdrawn.contains(hash)).chain(of(role)).collect()
        };
        Split {
            seed: before.seed,
            train: side(&before.train, Role::Train),
            held_out: side(&before.held_out, Role::Calibrate),
            pixels: before.pixels.clone(),
        }
    }

    /// Healthy parts in the training or held-out set.
    pub(crate) fn healthy(&self) -> impl Iterator<Item = &LabelledPart> {
        self.parts.iter().filter(|part| matches!(part.role, Role::Train | Role::Calibrate))
    }

    /// Opens a model's data together with its healthy labelled parts. Parts whose file is missing or has changed are
    /// excluded and returned.
    ///
    /// # Errors
    /// See [`DataSource::open`].
    pub fn open(
        &self,
        source: &DataSource,
        progress: &ReadProgress<'_>,
    ) -> Result<(Opened, Vec<LabelledPart>), DataError> {
        let opened = source.open(progress)?;
        let (mut items, mut missing) = (Vec::new(), Vec::new());
        let all: Vec<&LabelledPart> = self.healthy().collect();
        for (i, part) in all.iter().enumerate() {
            if !progress(i, all.len()) {
                return Err(DataError::Cancelled);
            }
            match describe_file(&part.path, part.hash, Label::Healthy) {
                Ok(item) => items.push(item),
                Err(error) => {
                    tracing::warn!("a labelled part is excluded: {error}");
                    missing.push(LabelledPart::clone(part));
                }
            }
        }
        Ok((opened.with(items), missing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(n: u8, defective: bool, role: Role) -> LabelledPart {
        let path = format!("/parts/{n}.png").into();
        LabelledPart { opinion: i64::from(n), hash: FileHash::of(&[n]), path, defective, role }
    }

    #[test]
    fn labelled_parts_can_be_removed_from_a_split() {
        let hashes = |all: &[u8]| all.iter().map(|n| FileHash::of(&[*n])).collect::<Vec<_>>();
        let before = Split { seed: 3, train: hashes(&[1, 2, 3]), held_out: hashes(&[4, 5]), pixels: Vec::new() };
        let parts = vec![
            labelled(10, false, Role::Train),
            labelled(11, false, Role::Calibrate),
            labelled(12, false, Role::Compare),
            labelled(13, true, Role::Compare),
        ];
        let mut lineage = Lineage { ancestors: vec![FileHash::of(b"parent")], parts };
        let after = lineage.after(&before);
        assert_eq!((after.train.clone(), after.held_out.clone()), (hashes(&[1, 2, 3, 10]), hashes(&[4, 5, 11])));
        assert_eq!(lineage.before(&after), before);
        lineage.parts.push(labelled(2, true, Role::Withdraw));
        assert_eq!(lineage.after(&before).train, hashes(&[1, 3, 10]));
        let text = serde_json::to_string(&lineage).unwrap();
        assert_eq!(serde_json::from_str::<Lineage>(&text).unwrap(), lineage);
    }
}
