//! The timing of one part: the image alone, the convergence, the verdict.

/// Seconds for which the image is shown alone.
const ALONE: f64 = 1.0;
/// Stored reconstructions per second.
const FRAMES_PER_SECOND: f64 = 30.0;
/// Shortest and longest replay of a convergence, seconds.
const FILM: (f64, f64) = (3.0, 7.0);
/// Seconds in which the verdict fades in.
const APPEAR: f64 = 0.4;
/// Seconds for which the verdict is shown before the next part.
const VERDICT: f64 = 5.0;

/// The timing of one part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeline {
    frames: usize,
}

impl Timeline {
    /// For a part with this many stored reconstructions, which may be none.
    pub(crate) fn new(frames: usize) -> Self {
        Self { frames }
    }

    fn film(&self) -> f64 {
        match self.frames {
            0 | 1 => 0.0,
            n => (n as f64 / FRAMES_PER_SECOND).clamp(FILM.0, FILM.1),
        }
    }

    /// Index of the displayed reconstruction; `None` while the image is shown alone.
    pub(crate) fn frame(&self, seconds: f64) -> Option<usize> {
        let last = self.frames.checked_sub(1)?;
        if seconds < ALONE {
            return None;
        }
        let share = if self.film() > 0.0 { (seconds - ALONE) / self.film() } else { 1.0 };
        Some(((share * self.frames as f64) as usize).min(last))
    }

    /// Opacity of the verdict, 0 to 1.
    pub(crate) fn verdict(&self, seconds: f64) -> f32 {
        ((seconds - ALONE - self.film()) / APPEAR).clamp(0.0, 1.0) as f32
    }

    /// Whether the next part is due.
    pub(crate) fn is_over(&self, seconds: f64) -> bool {
        seconds >= ALONE + self.film() + VERDICT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_seen_from_its_query_to_its_verdict() {
        for frames in [0, 1, 2, 21, 250] {
            let line = Timeline::new(frames);
            let mut last = None;
            for tick in 0..200 {
                let seconds = f64::from(tick) * 0.1;
                let frame = line.frame(seconds);
                assert!(frame >= last, "it never goes back");
                last = frame;
                if line.verdict(seconds) > 0.0 {
                    assert_eq!(frame, frames.checked_sub(1), "the verdict comes with the last reconstruction");
                } else if seconds < ALONE {
                    assert_eq!(frame, None);
                }
                if line.is_over(seconds) {
                    assert_eq!(line.verdict(seconds), 1.0);
                }
            }
            assert!(line.is_over(20.0) && !line.is_over(5.0));
        }
    }
}
