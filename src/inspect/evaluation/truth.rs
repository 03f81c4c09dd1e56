//! What is known of a part of a test set: its label, its mask, and how the model did on it.

use std::sync::{Arc, OnceLock};

use super::test_set::TestSet;
use crate::{
    data::{Label, Picture},
    inspect::{Assessment, Verdict},
};

/// How a model did on a part whose label is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TestOutcome {
    /// Defective and not flagged.
    Missed,
    /// Healthy and flagged.
    FalseAlarm,
    /// Defective and flagged.
    Caught,
    /// Healthy and not flagged.
    Passed,
}

impl TestOutcome {
    /// Name on screen.
    pub fn title(self) -> &'static str {
        match self {
            Self::Missed => "Missed",
            Self::FalseAlarm => "False alarm",
            Self::Caught => "Caught",
            Self::Passed => "Passed",
        }
    }

    /// Returns the outcome for a label and a verdict.
    pub fn of(defective: bool, flagged: bool) -> Self {
        match (defective, flagged) {
            (true, false) => Self::Missed,
            (false, true) => Self::FalseAlarm,
            (true, true) => Self::Caught,
            (false, false) => Self::Passed,
        }
    }

    /// Returns the outcome for a label and a verdict.
    pub(crate) fn of_verdict(defective: bool, verdict: Verdict) -> Self {
        Self::of(defective, matches!(verdict, Verdict::Defective | Verdict::NotThisPart))
    }

    /// Whether the model is right.
    pub fn is_correct(self) -> bool {
        matches!(self, Self::Caught | Self::Passed)
    }
}

/// The outline of a mask, in pixels of the stored image.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskOutline {
    /// Width and height of the mask.
    pub size: (usize, usize),
    /// Horizontal and vertical lines between pixels inside and outside.
    pub lines: Vec<[[f32; 2]; 2]>,
}

impl MaskOutline {
    /// Finds the outline of a mask, which is non-zero where defective; `None` for one without a defect.
    pub fn of(mask: Picture) -> Option<Self> {
        let (width, height) = (mask.width(), mask.height());
        let mask = mask.into_grey();
        let inside: Vec<bool> = (0..width * height).map(|i| mask.unit(i % width, i / width, 0) > -1.0).collect();
        let at = |x: usize, y: usize| x > 0 && y > 0 && inside.get((y - 1) * width + x - 1) == Some(&true);
        let at = |x: usize, y: usize| x <= width && y <= height && at(x, y);
        let mut lines = Vec::new();
        // Pixels are counted from 1 here, so that those before the first are outside.
        let mut scan = |across: usize, along: usize, edge: &dyn Fn(usize, usize) -> bool, upright: bool| {
            for a in 0..=across {
                let mut start = None;
                for b in 1..=along + 1 {
                    match (b <= along && edge(a, b), start) {
                        (true, None) => start = Some(b - 1),
                        (false, Some(from)) => {
                            let ends = [from, b - 1].map(|b| if upright { [a, b] } else { [b, a] });
                            lines.push(ends.map(|end| end.map(|v| v as f32)));
                            start = None;
                        }
                        _ => {}
                    }
                }
            }
        };
        scan(height, width, &|y, x| at(x, y) != at(x, y + 1), false);
        scan(width, height, &|x, y| at(x, y) != at(x + 1, y), true);
        (!lines.is_empty()).then_some(Self { size: (width, height), lines })
    }

    /// Reads the mask of an image of a test set and finds its outline; `None` for an image without a mask.
    pub(crate) fn of_image(tests: &TestSet, index: usize) -> Option<Self> {
        match tests.mask(index) {
            Ok(mask) => mask.and_then(|(mask, _)| Self::of(mask)),
            Err(error) => {
                tracing::warn!("the mask is not outlined: {error}");
                None
            }
        }
    }

    /// The lines on an image of this size.
    pub fn lines_on(&self, size: (usize, usize)) -> impl Iterator<Item = [[f32; 2]; 2]> + '_ {
        let by = [size.0 as f32 / self.size.0.max(1) as f32, size.1 as f32 / self.size.1.max(1) as f32];
        self.lines.iter().map(move |line| line.map(|[x, y]| [x * by[0], y * by[1]]))
    }
}

/// A part of a test set, and its place among the others.
#[derive(Debug)]
pub struct PartTruth {
    tests: Arc<TestSet>,
    index: usize,
    /// Index and outcome of every inspected image of the test; empty before the test.
    outcomes: Arc<[(usize, TestOutcome)]>,
    outline: OnceLock<Option<MaskOutline>>,
}

impl PartTruth {
    /// Image `index` of a test set; `outcomes` holds the index and the outcome of every image of the test.
    pub fn new(tests: Arc<TestSet>, index: usize, outcomes: Arc<[(usize, TestOutcome)]>) -> Self {
        Self { tests, index, outcomes, outline: OnceLock::new() }
    }

    /// Its index in the test set.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The test set.
    pub fn tests(&self) -> &Arc<TestSet> {
        &self.tests
    }

    /// The label in words: `healthy`, or the defect type.
    pub fn label(&self) -> &str {
        match self.tests.items.get(self.index).map(|item| &item.label) {
            Some(Label::Defective(kind)) => kind,
            _ => "healthy",
        }
    }

    /// Whether it is labelled defective.
    pub fn is_defective(&self) -> bool {
        self.tests.items.get(self.index).is_some_and(|item| item.label != Label::Healthy)
    }

    /// How the model does on it: by the verdict on show, or, without one, in the test.
    pub fn outcome(&self, assessment: Option<&Assessment>) -> Option<TestOutcome> {
        match assessment.map(|a| a.verdict) {
            Some(verdict) => Some(TestOutcome::of_verdict(self.is_defective(), verdict)),
            None => self.in_test(),
        }
    }

    /// Its outcome in the test.
    pub fn in_test(&self) -> Option<TestOutcome> {
        self.outcomes.iter().find(|(index, _)| *index == self.index).map(|(_, outcome)| *outcome)
    }

    /// Label and outcome: "Missed: labelled scratch".
    pub fn describe(&self, assessment: Option<&Assessment>) -> String {
        match self.outcome(assessment) {
            Some(outcome) => format!("{}: labelled {}", outcome.title(), self.label()),
            None => format!("Labelled {}", self.label()),
        }
    }

    /// Images with the same outcome in the test.
    fn alike(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        let own = self.in_test();
        self.outcomes.iter().filter(move |(_, outcome)| Some(*outcome) == own).map(|(index, _)| *index)
    }

    /// Outcome in the test, the place among the images with the same one, from 1, and their number.
    pub fn place(&self) -> Option<(TestOutcome, usize, usize)> {
        let place = self.alike().position(|index| index == self.index)? + 1;
        Some((self.in_test()?, place, self.alike().count()))
    }

    /// The next or the previous image with the same outcome.
    pub fn neighbour(&self, forward: bool) -> Option<Self> {
        let (_, place, _) = self.place()?;
        let to = if forward { place } else { place.checked_sub(2)? };
        let index = self.alike().nth(to)?;
        Some(Self::new(Arc::clone(&self.tests), index, Arc::clone(&self.outcomes)))
    }

    /// The outline of its mask; `None` for an image without a mask. Reads the mask on the first call.
    pub fn outline(&self) -> Option<&MaskOutline> {
        self.outline.get_or_init(|| MaskOutline::of_image(&self.tests, self.index)).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Samples, surface::SurfaceKind};

    #[test]
    fn a_mask_is_outlined_between_its_pixels_and_scales_with_the_image() {
        let mut pixels = vec![0; 30];
        // Two by two pixels, and one at the corner of the image.
        for i in [7, 8, 13, 14, 29] {
            pixels[i] = 255;
        }
        let mask = |pixels| Picture::new(6, 5, 1, Samples::U8(pixels)).unwrap();
        let outline = MaskOutline::of(mask(pixels)).unwrap();
        let wanted = [
            [[1.0, 1.0], [3.0, 1.0]],
            [[1.0, 3.0], [3.0, 3.0]],
            [[5.0, 4.0], [6.0, 4.0]],
            [[5.0, 5.0], [6.0, 5.0]],
            [[1.0, 1.0], [1.0, 3.0]],
            [[3.0, 1.0], [3.0, 3.0]],
            [[5.0, 4.0], [5.0, 5.0]],
            [[6.0, 4.0], [6.0, 5.0]],
        ];
        assert_eq!(outline.lines, wanted);
        assert_eq!(outline.lines_on((12, 5)).next(), Some([[2.0, 1.0], [6.0, 1.0]]));
        assert_eq!(MaskOutline::of(mask(vec![0; 30])), None);
    }

    #[test]
    fn a_part_knows_its_label_its_outcome_and_its_neighbours_of_the_same_outcome() {
        let tests = Arc::new(TestSet::generate(SurfaceKind::Turned, 0, 64, 2, 4));
        let outcome = |index: usize| if index.is_multiple_of(2) { TestOutcome::Missed } else { TestOutcome::Caught };
        let outcomes: Arc<[_]> = (2..6).map(|index| (index, outcome(index))).collect();
        let part = PartTruth::new(Arc::clone(&tests), 2, Arc::clone(&outcomes));
        assert!(part.is_defective() && part.outline().is_some());
        assert_eq!((part.in_test(), part.place()), (Some(TestOutcome::Missed), Some((TestOutcome::Missed, 1, 2))));
        assert_eq!(part.describe(None), format!("Missed: labelled {}", part.label()));
        assert!(part.neighbour(false).is_none());
        let next = part.neighbour(true).unwrap();
        assert_eq!((next.index(), next.place()), (4, Some((TestOutcome::Missed, 2, 2))));
        assert!(next.neighbour(true).is_none() && next.neighbour(false).unwrap().index() == 2);
        let healthy = PartTruth::new(tests, 0, outcomes);
        assert_eq!((healthy.label(), healthy.outcome(None), healthy.place()), ("healthy", None, None));
        let flagged = |verdict| {
            let kind = crate::inspect::ScoreKind::Fused;
            Assessment { kind, score: 1.0, p: 0.01, n: 99, rate: 0.05, verdict, reason: None }
        };
        assert_eq!(healthy.outcome(Some(&flagged(Verdict::Defective))), Some(TestOutcome::FalseAlarm));
        assert_eq!(healthy.outcome(Some(&flagged(Verdict::Suspect))), Some(TestOutcome::Passed));
        assert_eq!(part.outcome(Some(&flagged(Verdict::Healthy))), Some(TestOutcome::Missed));
    }
}
