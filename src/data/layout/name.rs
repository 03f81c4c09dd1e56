//! What the name of a folder or a value of a label list says about parts.

use super::vocabulary::{Meaning, is_defect, is_number, meaning, reversed, words};
use crate::data::Subset;

/// What a name says about the part or the images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedRole {
    /// Healthy parts.
    Healthy,
    /// Defective parts; whether the name is a type of defect rather than a word such as "NG".
    Defective { is_type: bool },
    /// Masks or annotations.
    Masks,
    /// Parts that nobody has judged.
    Unjudged,
    /// A name about roles that can be read in two ways.
    Either,
}

/// The name of a folder, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReadName {
    /// The name as it is.
    pub(super) text: String,
    /// The folded words of it.
    pub(super) words: Vec<String>,
    /// Its role, if it names one.
    pub(super) role: Option<NamedRole>,
    /// Its subset, if it names one.
    pub(super) subset: Option<Subset>,
}

impl ReadName {
    /// Reads a name.
    pub(super) fn of(text: &str) -> Self {
        let words = words(text);
        let subset = words.iter().find_map(|word| match meaning(word) {
            Some(Meaning::Train) => Some(Subset::Train),
            Some(Meaning::Test) => Some(Subset::Test),
            _ => None,
        });
        Self { text: text.to_owned(), role: role_of(&words), words, subset }
    }

    /// Whether the name says nothing about roles: a container, a number, a date, a camera.
    pub(super) fn is_neutral(&self) -> bool {
        let says_nothing = |word: &String| {
            is_number(word)
                || matches!(
                    meaning(word),
                    Some(Meaning::Neutral | Meaning::Train | Meaning::Test | Meaning::Not | Meaning::Free)
                )
        };
        // A single letter after a word is a number as well: line A.
        let letter = |i: usize| i > 0 && self.words[i].chars().count() == 1;
        self.role.is_none() && (0..self.words.len()).all(|i| says_nothing(&self.words[i]) || letter(i))
    }

    /// Whether the name is one of defective parts in general, such as NG or bad parts: a type has a further word, as
    /// faulty imprint and broken yarn do.
    pub(super) fn is_any_defect(&self) -> bool {
        let known = |word: &String| word.chars().count() <= 2 || is_number(word) || meaning(word).is_some();
        self.role == Some(NamedRole::Defective { is_type: false }) && self.words.iter().all(known)
    }

    /// Whether the name is only a number.
    pub(super) fn number(&self) -> Option<u64> {
        match self.words.as_slice() {
            [word] if is_number(word) => word.parse().ok(),
            _ => None,
        }
    }

    /// The words without numbers and single letters after the first.
    pub(super) fn stem(&self) -> Vec<&str> {
        let kept = |(i, word): &(usize, &String)| !is_number(word) && (*i == 0 || word.chars().count() > 1);
        self.words.iter().enumerate().filter(kept).map(|(_, word)| word.as_str()).collect()
    }
}

/// Returns the role that words name, with negations resolved.
pub(super) fn role_of(words: &[String]) -> Option<NamedRole> {
    // Words that are known only together: n.i.O., ground truth.
    let together = words.concat();
    let whole = words.len() > 1 && words.len() <= 3;
    if whole
        && let Some(role) = ["nio", "io", "nok", "nogo", "groundtruth", "ok"]
            .contains(&together.as_str())
            .then(|| meaning(&together).and_then(plain))
            .flatten()
    {
        return Some(role);
    }
    let mut found: Vec<Meaning> = Vec::new();
    // A negation in force, and whether other words stand between it and the next role.
    let (mut negation, mut distant, mut only_negations) = (false, false, !words.is_empty());
    for word in words {
        let meaning = meaning(word);
        only_negations &= meaning == Some(Meaning::Not);
        match meaning {
            Some(Meaning::Not) => (negation, distant) = (true, false),
            Some(Meaning::Free) => match found.last_mut() {
                Some(last) if is_defect(*last) => *last = Meaning::Healthy,
                _ => (negation, distant) = (true, false),
            },
            Some(role @ (Meaning::Healthy | Meaning::Defective | Meaning::DefectType)) => {
                found.push(match (negation, reversed(role)) {
                    // "No ... defects" may be a number, or praise.
                    (true, _) if distant && is_defect(role) => Meaning::Either,
                    (true, Some(other)) => other,
                    _ => role,
                });
                negation = false;
            }
            Some(role @ (Meaning::Mask | Meaning::Either | Meaning::Unjudged)) => {
                found.push(role);
                negation = false;
            }
            // "No. 3" is a number.
            _ if is_number(word) => negation = false,
            Some(Meaning::Neutral | Meaning::Train | Meaning::Test) => {}
            None => distant |= !["any", "visible", "d"].contains(&word.as_str()),
        }
    }
    if only_negations && found.is_empty() {
        return Some(NamedRole::Either);
    }
    combined(&found)
}

fn plain(meaning: Meaning) -> Option<NamedRole> {
    combined(&[meaning])
}

/// Returns the role of several words together.
fn combined(found: &[Meaning]) -> Option<NamedRole> {
    let has = |meaning: Meaning| found.contains(&meaning);
    let (healthy, generic, kind) = (has(Meaning::Healthy), has(Meaning::Defective), has(Meaning::DefectType));
    if found.is_empty() {
        None
    } else if has(Meaning::Mask) {
        Some(NamedRole::Masks)
    } else if has(Meaning::Either) || healthy && (generic || kind) {
        Some(NamedRole::Either)
    } else if has(Meaning::Unjudged) {
        Some(NamedRole::Unjudged)
    } else if healthy {
        Some(NamedRole::Healthy)
    } else {
        Some(NamedRole::Defective { is_type: kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> Option<NamedRole> {
        ReadName::of(name).role
    }

    #[test]
    fn names_of_healthy_parts() {
        for name in [
            "good",
            "OK",
            "ok",
            "Good parts",
            "good_parts",
            "01_good",
            "GOOD-2",
            "i.O.",
            "io",
            "IO",
            "O.K.",
            "okTeile",
            "Gutteile",
            "gut",
            "fehlerfrei",
            "Fehler-frei",
            "ohne Fehler",
            "ohne Befund",
            "sans défaut",
            "SANS_DEFAUTS",
            "without defect",
            "without any defects",
            "defect_free",
            "Defect-Free",
            "defectfree",
            "non-defective",
            "no_defects",
            "NoDefect",
            "nondefective",
            "free of defects",
            "undamaged",
            "unbeschädigt",
            "uncracked",
            "bon",
            "Bonnes pièces",
            "conforme",
            "buono",
            "BUONI",
            "senza difetti",
            "bueno",
            "sin defectos",
            "bom",
            "sem defeito",
            "goed",
            "dobre",
            "bez wad",
            "合格",
            "合格品",
            "良品",
            "无缺陷",
            "無欠陥",
            "정상",
            "pass",
            "Passed",
            "normal",
            "Normal",
            "healthy",
            "accepted",
            "годные",
            "без дефектов",
            "train_good",
            "not defective",
            "kein Fehler",
            "scratch free",
            "ok_front",
            "godkända",
            "hyvät",
            "sağlam",
            "İYİ",
        ] {
            assert_eq!(role(name), Some(NamedRole::Healthy), "{name}: {:?}", words(name));
        }
    }

    #[test]
    fn names_of_defective_parts() {
        for name in [
            "NG",
            "ng",
            "ko",
            "K.O.",
            "bad",
            "Bad_Parts",
            "not good",
            "NOT_GOOD",
            "notGood",
            "not-ok",
            "no_ok",
            "nok",
            "NOK",
            "n.i.O.",
            "nio",
            "n_OK",
            "nicht ok",
            "nicht in Ordnung",
            "nicht_iO",
            "schlecht",
            "Ausschuss",
            "defect",
            "Defects",
            "defective",
            "DEFEKT",
            "mauvais",
            "pas bon",
            "non conforme",
            "Non-Conforme",
            "nonconforming",
            "défectueux",
            "difettoso",
            "difettosi",
            "scarti",
            "malo",
            "defectuoso",
            "reprovado",
            "fail",
            "Failed",
            "FAILURES",
            "rejects",
            "abnormal",
            "anomaly",
            "Anomalies",
            "anormal",
            "anomalous",
            "不良",
            "不合格",
            "缺陷",
            "異常",
            "不良品",
            "불량",
            "брак",
            "не годен",
            "дефекты",
            "unacceptable",
            "not yet good",
            "imperfect",
            "faulty",
            "damaged",
            "def_front",
            "inconforme",
            "02-NG",
            "test_bad",
            "logical_anomalies",
            "inkorrekt",
            "hatalı",
            "kusurlu",
            "wadliwe",
            "vadný",
            "não conforme",
        ] {
            assert!(
                matches!(role(name), Some(NamedRole::Defective { .. })),
                "{name}: {:?} {:?}",
                role(name),
                words(name)
            );
        }
        for name in ["scratch", "Scratches", "crack_02", "Kratzer", "rayures", "MT_Crack", "划痕", "キズ", "dent"] {
            assert_eq!(role(name), Some(NamedRole::Defective { is_type: true }), "{name}");
        }
    }

    #[test]
    fn names_of_masks_subsets_and_doubt() {
        for name in [
            "mask",
            "Masks",
            "ground_truth",
            "GroundTruth",
            "ground truth",
            "gt",
            "GT",
            "labels",
            "Label",
            "annotations",
            "Segmentation",
            "defect_masks",
            "Masken",
            "masques",
            "máscaras",
            "掩膜",
            "マスク画像",
        ] {
            assert_eq!(role(name), Some(NamedRole::Masks), "{name}");
        }
        for name in ["positive", "neg", "yes", "no", "good_and_bad", "OK-NG", "pass_fail", "accepted defects", "nein"] {
            assert_eq!(role(name), Some(NamedRole::Either), "{name}");
        }
        for name in ["train", "Training", "trainset", "anlernen", "训练"] {
            assert_eq!(ReadName::of(name).subset, Some(Subset::Train), "{name}");
        }
        for name in ["test", "TEST", "validation", "val", "測試"] {
            assert_eq!(ReadName::of(name).subset, Some(Subset::Test), "{name}");
        }
    }

    #[test]
    fn names_that_say_nothing_about_roles() {
        for name in ["2026-11-01", "batch_3", "cam1", "Line A", "0007", "Images", "Schicht 2", "KW44", "left", "No. 3"]
        {
            let read = ReadName::of(name);
            assert!(read.role.is_none() && read.is_neutral(), "{name}: {:?}", read.role);
        }
        // Neither a role nor neutral: the user is asked.
        for name in ["alpha", "housing", "okra", "goodyear", "passage", "bongo", "information", "unit", "nokia"] {
            let read = ReadName::of(name);
            assert!(read.role.is_none() && !read.is_neutral(), "{name}: {:?}", read.role);
        }
    }
}
