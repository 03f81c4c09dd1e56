//! Counts of verdicts.

use std::fmt;

use crate::inspect::Verdict;

/// Number of parts per verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerdictCounts {
    /// Healthy.
    pub healthy: usize,
    /// Suspect.
    pub suspect: usize,
    /// Defective.
    pub defective: usize,
    /// Images that do not show this part.
    pub not_this_part: usize,
    /// Without a verdict.
    pub unjudged: usize,
}

impl VerdictCounts {
    /// Counts one more part.
    pub fn add(&mut self, verdict: Option<Verdict>) {
        *match verdict {
            Some(Verdict::Healthy) => &mut self.healthy,
            Some(Verdict::Suspect) => &mut self.suspect,
            Some(Verdict::Defective) => &mut self.defective,
            Some(Verdict::NotThisPart) => &mut self.not_this_part,
            None => &mut self.unjudged,
        } += 1;
    }
}

impl fmt::Display for VerdictCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { healthy, suspect, defective, not_this_part, unjudged } = self;
        write!(f, "{healthy} healthy, {suspect} suspect, {defective} defective")?;
        if *not_this_part > 0 {
            write!(f, ", {not_this_part} not this part")?;
        }
        if *unjudged > 0 {
            write!(f, ", {unjudged} without a verdict")?;
        }
        Ok(())
    }
}
