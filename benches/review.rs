//! Opening and reading a review record of 100,000 verdicts; sorting and filtering 5,000 parts: `cargo bench --bench review`

#![allow(clippy::expect_used)] // a benchmark cannot run without its record

use std::{hint::black_box, path::Path, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use ganspect::{
    data::FileHash,
    inspect::{Assessment, ScoreKind, Verdict},
    review::{
        Findings, Judgement, QueueFilter, QueueOrder, QueueView, Record, ReviewItem, Timestamp,
        record::{NewInspection, NewOpinion, NewPart},
    },
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Creates a record of `parts` parts with `verdicts` verdicts each.
fn fill(path: &Path, parts: u64, verdicts: usize) -> Record {
    let mut record = Record::open(path).expect("a record");
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut opinions = Vec::new();
    for i in 0..parts {
        let path = format!("/parts/{}/part {i}.png", i % 7).into();
        let part = NewPart { path, hash: FileHash::of(&i.to_le_bytes()), bytes: 1_000, width: 256, height: 256 };
        let p = rng.random_range(1..=200) as f64 / 200.0;
        let verdict = if p <= 0.05 { Verdict::Defective } else { Verdict::Healthy };
        let inspection = NewInspection {
            model: FileHash::of(b"model"),
            model_name: "turned metal".into(),
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
            findings: Findings::default(),
            seconds: 0.5,
            time: Timestamp(i as i64),
        };
        let filed = record.insert_inspection(&part, &inspection).expect("an inspection");
        for v in 0..verdicts {
            let judgement = Judgement::ALL[rng.random_range(0..Judgement::ALL.len())];
            opinions.push(NewOpinion::new(filed.inspection, ["ada", "bob", "eve"][v % 3], judgement));
        }
    }
    record.add_opinions(&opinions).expect("verdicts");
    record
}

fn reading(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("review.sqlite");
    drop(fill(&path, 10_000, 10));
    let mut group = c.benchmark_group("100,000 verdicts");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    group.bench_function("open and read the queue", |b| {
        b.iter(|| black_box(Record::open(&path).and_then(|record| record.queue()).expect("a queue")));
    });
    group.finish();
}

fn ordering(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let items: Vec<ReviewItem> = fill(&folder.path().join("review.sqlite"), 5_000, 2).queue().expect("a queue");
    let mut group = c.benchmark_group("5,000 parts");
    group.sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    for order in QueueOrder::ALL {
        let filter = QueueFilter { text: "part".into(), folder: Some("/parts".into()), ..QueueFilter::default() };
        group.bench_function(order.title(), |b| b.iter(|| black_box(QueueView::of(&items, &filter, order))));
    }
    group.finish();
}

criterion_group!(benches, reading, ordering);
criterion_main!(benches);
