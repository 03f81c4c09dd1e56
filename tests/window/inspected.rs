//! Synthetic inspection results, to show the pages without running an inspection.

use std::{path::PathBuf, sync::Arc};

use ganspect::{
    data::{
        FileHash, box_mean, surface,
        surface::{DefectType, SurfaceKind},
    },
    engine::{
        EngineState,
        inspection::{ModelState, QueryEntry, QueryId, QuerySource, QueryState, QueryView, Thumbnail},
    },
    inspect::{
        Calibration, InvertKnobs, Judged, KeptFrame, Outcome, Planes, Regions, ScoreKind, Scores, StepRecord,
        anomaly_region::RegionLevels,
        calibration::{HeldOut, MapScale},
        critic::CriticMaps,
    },
};

use crate::harness::facts;

pub const SIDE: usize = 128;
pub const STEPS: usize = 60;
pub const STRIDE: usize = 3;

pub fn planes(defect: Option<DefectType>, index: u64) -> Planes {
    Planes::of(&surface::draw(SurfaceKind::Turned, defect, 11, index, SIDE).picture, 1, 1.0)
}

/// Returns a plausible reconstruction of a surface: its tool marks without defects.
pub fn reconstruction(query: &Planes) -> Vec<f32> {
    let n = SIDE;
    let mut down = vec![0.0; n * n];
    let mut across = vec![0.0; n * n];
    let (mut error_down, mut error_across) = (0.0, 0.0);
    for y in 0..n {
        for x in 0..n {
            let window = |at: usize| at.saturating_sub(24)..(at + 25).min(n);
            let (rows, columns) = (window(y), window(x));
            let count = (rows.len() as f32, columns.len() as f32);
            down[y * n + x] = rows.map(|v| query.at(x, v, 0)).sum::<f32>() / count.0;
            across[y * n + x] = columns.map(|u| query.at(u, y, 0)).sum::<f32>() / count.1;
            error_down += (down[y * n + x] - query.at(x, y, 0)).abs();
            error_across += (across[y * n + x] - query.at(x, y, 0)).abs();
        }
    }
    // Averaging along the tool marks preserves them.
    if error_down < error_across { down } else { across }
}

pub fn packed(values: impl Iterator<Item = f32>) -> Arc<[u16]> {
    values.map(|v| ((v.clamp(-1.0, 1.0) + 1.0) * 32_767.5).round() as u16).collect()
}

/// Returns the reconstruction at a step, between flat grey and the final one.
pub fn frame(end: &[f32], step: usize) -> KeptFrame {
    let share = 1.0 - (-(step as f32) / 14.0).exp();
    KeptFrame { step, pixels: packed(end.iter().map(|v| v * share - 0.1 * (1.0 - share))) }
}

pub fn records(query: &Planes, end: &[f32], steps: usize, restarts: usize) -> Vec<StepRecord> {
    let floor = query.values().iter().zip(end).map(|(q, e)| (q - e).abs()).sum::<f32>() / end.len() as f32;
    let at = |step: usize, restart: usize| {
        let pace = 9.0 + 3.0 * restart as f32;
        floor * (1.0 + 0.1 * restart as f32) + 0.22 * (-(step as f32) / pace).exp()
    };
    let record = |step| StepRecord {
        step,
        loss: (0..restarts).map(|r| at(step, r)).collect(),
        best: 0,
        residual: at(step, 0),
        feature: 0.0,
        prior: 0.0,
        z_norm: 0.82 + 0.16 * (1.0 - (-(step as f32) / 20.0).exp()),
        seconds: step as f32 * 0.012,
    };
    (0..=steps).map(record).collect()
}

pub fn thumbnail(query: &Planes) -> Arc<Thumbnail> {
    let side = SIDE / 2;
    let pixels = (0..side * side).map(|i| ((query.at(i % side * 2, i / side * 2, 0) + 1.0) * 127.5) as u8).collect();
    Arc::new(Thumbnail { width: side, height: side, channels: 1, pixels })
}

pub fn calibration() -> Calibration {
    let held_out = (0..39).map(|i: u32| {
        let mut scores = Scores::default();
        scores.set(ScoreKind::WorstSpot, 0.16 + 0.002 * f64::from(i));
        HeldOut { hash: FileHash::of(&i.to_le_bytes()), scores }
    });
    // Healthy differences show no region above 0.298 at the default rate, the second largest of these.
    let levels = (0..39).map(|i: u8| 0.15 + 0.004 * f32::from(i)).collect();
    let maps = [("difference".to_owned(), levels)].into();
    Calibration {
        fusion: Vec::new(),
        labelled: None,
        frames: None,
        region_levels: Some(RegionLevels { maps, ..RegionLevels::default() }),
        damaged: Vec::new(),
        knobs: InvertKnobs::default(),
        held_out: held_out.collect(),
        regions: Regions::default(),
        size: (SIDE, SIDE),
        smallest: None,
        scale: MapScale { difference: 0.4, feature: 1.2, critic: 8.0, distance: 8.0 },
        score: ScoreKind::WorstSpot,
    }
}

pub fn model(state: &EngineState) {
    let mut status = state.inspection.status.write();
    status.model = ModelState::Ready(Arc::new(facts("0", vec![calibration()])));
    status.rate = Some(0.05);
}

pub fn entry(name: &str, state: QueryState) -> QueryEntry {
    QueryEntry {
        id: QueryId::fresh(),
        name: name.into(),
        source: QuerySource::File(PathBuf::from("/parts").join(name)),
        state,
        thumbnail: None,
        size: None,
        remark: None,
        step: 0,
        steps: STEPS,
        steps_per_second: 0.0,
        seconds_left: None,
        judged: None,
    }
}

/// Adds a query that has run this many steps; it is done after [`STEPS`].
pub fn query(
    state: &EngineState,
    name: &str,
    defect: Option<DefectType>,
    index: u64,
    steps: usize,
    restarts: usize,
) -> QueryId {
    let query = Arc::new(planes(defect, index));
    let end = reconstruction(&query);
    let records = records(&query, &end, steps, restarts);
    let frames: Vec<KeptFrame> = (0..=steps).step_by(STRIDE).map(|step| frame(&end, step)).collect();
    let done = steps == STEPS;
    let mut item = entry(name, if done { QueryState::Done } else { QueryState::Running });
    item.thumbnail = Some(thumbnail(&query));
    item.size = Some((SIDE, SIDE));
    item.step = steps;
    if !done {
        item.steps_per_second = 41.5;
        item.seconds_left = Some(1.0);
    }
    let outcome = done.then(|| {
        let last = frames.last().unwrap();
        let difference: Vec<f32> = (0..SIDE * SIDE).map(|i| query.values()[i] - last.value(i)).collect();
        let size: Vec<f32> = difference.iter().map(|d| d.abs()).collect();
        let spots = box_mean(&size, SIDE, SIDE, 3, None);
        let mut scores = Scores::default();
        let sum: f64 = size.iter().map(|v| f64::from(*v)).sum();
        scores.set(ScoreKind::L1Sum, sum);
        scores.set(ScoreKind::L1, sum / size.len() as f64);
        scores.set(ScoreKind::WorstTile, sum / size.len() as f64 * 1.2);
        // The verdict follows the drawn defect, whatever the averages above give.
        let worst = spots.iter().copied().fold(0.0, f32::max);
        let worst = if defect.is_some() { worst.max(0.31) } else { worst.min(0.17) };
        scores.set(ScoreKind::WorstSpot, f64::from(worst));
        scores.set(ScoreKind::Feature, f64::from(worst) * 2.4);
        let judged = Judged::by(&calibration(), 0.05, scores, false);
        item.judged = Some(judged.clone());
        Arc::new(Outcome {
            exposure: None,
            critic: Some(CriticMaps {
                logit: spots.iter().map(|v| v * 20.0 - 1.0).collect(),
                distance: spots.iter().map(|v| v * 12.0 - 1.0).collect(),
            }),
            query: Arc::clone(&query),
            reconstruction: Planes::new(SIDE, SIDE, 1, (0..SIDE * SIDE).map(|i| last.value(i)).collect()).unwrap(),
            feature: spots.iter().map(|v| v * 3.0).collect(),
            difference,
            inspected: None,
            judged,
            knobs: InvertKnobs::default(),
            records: records.clone(),
            steps,
            tiles: 9,
            seconds: 0.72,
        })
    });
    let id = item.id;
    state.inspection.status.write().entries.push(Arc::new(item));
    let found = |outcome: &Arc<Outcome>| Arc::new(facts("0", vec![calibration()]).anomaly_regions(outcome));
    let regions = outcome.as_ref().map(found);
    let view = QueryView { query, frames, records: Arc::new(records), outcome, neighbours: None, regions };
    state.inspection.views.write().insert(id, Arc::new(view));
    id
}

pub fn failed(state: &EngineState) -> QueryId {
    let text = "/parts/torn.png: the PNG ends in the middle of its data; copy the file again";
    let item = entry("torn.png", QueryState::Failed(text.into()));
    let id = item.id;
    state.inspection.status.write().entries.push(Arc::new(item));
    id
}
