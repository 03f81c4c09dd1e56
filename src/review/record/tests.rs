use std::path::{Path, PathBuf};

use super::*;
use crate::{
    data::FileHash,
    inspect::{Assessment, ScoreKind, Verdict},
    review::{Findings, Timestamp},
};

/// A part at this path, with this content.
fn part(path: &Path, content: &[u8]) -> NewPart {
    NewPart { path: path.into(), hash: FileHash::of(content), bytes: content.len() as u64, width: 8, height: 8 }
}

fn inspection() -> NewInspection {
    let kind = ScoreKind::Fused;
    NewInspection {
        model: FileHash::of(b"model"),
        model_name: "turned".into(),
        assessment: Assessment { kind, score: 1.0, p: 0.5, n: 20, rate: 0.05, verdict: Verdict::Healthy, reason: None },
        threshold: None,
        findings: Findings::default(),
        seconds: 0.5,
        time: Timestamp(1),
    }
}

/// Paths that a user or a camera may choose.
fn odd_paths() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        ["/parts/plain.png", "/parts/a\nb.png", "/parts/\u{1b}[31m.png", "/bytes:/x.png"].map(Into::into).into();
    #[cfg(unix)]
    {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        paths.extend(
            [&b"/parts/a \xff.png"[..], b"/parts/a \xfe.png", b"/\xc3/50 %FF.png"]
                .map(|bytes| OsStr::from_bytes(bytes).into()),
        );
    }
    paths
}

#[test]
fn a_part_of_any_path_is_filed_once_and_found_again() {
    let mut record = Record::in_memory().unwrap();
    for path in odd_paths() {
        let part = part(&path, b"pixels");
        assert!(record.insert_inspection(&part, &inspection()).unwrap().is_new, "{path:?}");
        assert!(!record.insert_inspection(&part, &inspection()).unwrap().is_new, "{path:?}");
        assert!(
            record.is_known(&path, part.hash).unwrap()
                && record.is_filed(&path, part.hash, inspection().model).unwrap()
        );
        record.quarantine(&path, None, "it is damaged", Timestamp(2)).unwrap();
    }
    let found: Vec<PathBuf> = record.queue().unwrap().into_iter().map(|item| item.part.path).collect();
    assert_eq!(found, odd_paths());
    let mut refused: Vec<PathBuf> = record.quarantined().unwrap().into_iter().map(|file| file.path).collect();
    refused.reverse();
    assert_eq!(refused, odd_paths());
    // The exported lines hold every path too.
    for item in record.queue().unwrap() {
        let line = serde_json::to_string(&item).unwrap();
        assert_eq!(serde_json::from_str::<crate::review::ReviewItem>(&line).unwrap(), item);
    }
}
