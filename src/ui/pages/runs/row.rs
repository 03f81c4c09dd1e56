//! A run of the list: its name, data, steps and state in words.

use std::path::Path;

use crate::{
    engine::training::{TrainingPhase, TrainingStatus},
    text::PrintablePath,
    train::{
        Recipe,
        run_folder::{RunFolder, RunSummary},
    },
    ui::{pages::source_title, theme, widgets::ticks},
};

/// A run of the list.
#[derive(Debug)]
pub(super) struct RunRow {
    pub summary: RunSummary,
    pub recipe: Option<Recipe>,
}

impl RunRow {
    pub(super) fn read(summary: RunSummary) -> Self {
        let text = RunFolder::open(&summary.path).and_then(|folder| folder.read_recipe());
        let recipe = text.ok().and_then(|text| Recipe::from_record(&text).ok());
        Self { summary, recipe }
    }

    pub(super) fn path(&self) -> &Path {
        &self.summary.path
    }

    pub(super) fn name(&self) -> String {
        match &self.summary.info {
            Ok(info) => info.name.clone(),
            Err(_) => self.path().file_name().map(|n| n.printable().to_string()).unwrap_or_default(),
        }
    }

    pub(super) fn data(&self) -> String {
        self.summary.info.as_ref().map_or_else(|_| String::new(), |info| source_title(&info.source))
    }

    /// Returns the steps done and the total; no total without a readable recipe. Those of the current run are counted as
    /// everywhere else in the window, those of other runs at their last checkpoint.
    pub(super) fn steps(&self, open: Option<&TrainingStatus>) -> (u64, Option<u64>) {
        let current = open.filter(|status| status.run.as_deref() == Some(self.path()));
        let recipe = self.recipe.as_ref().map(|r| r.train.steps);
        match current.and_then(|status| Some((status.step, status.recipe.as_ref()?.train.steps))) {
            Some((done, all)) => (done, Some(all)),
            None => (self.summary.steps, recipe),
        }
    }

    pub(super) fn steps_text(&self, open: Option<&TrainingStatus>) -> String {
        let grouped = |n: u64| ticks::grouped(n as f64, 0);
        match self.steps(open) {
            (done, Some(all)) => format!("{} of {}", grouped(done), grouped(all)),
            (done, None) => grouped(done),
        }
    }

    /// Whether all steps of a run that is not open are done.
    pub(super) fn is_finished(&self) -> bool {
        matches!(self.steps(None), (done, Some(all)) if done >= all)
    }

    pub(super) fn state(&self, open: Option<&TrainingStatus>) -> (theme::Mark, &'static str) {
        if self.summary.info.is_err() {
            return (theme::NoticeMark::Error.into(), "Cannot be opened");
        }
        if let Some(status) = open.filter(|status| status.run.as_deref() == Some(self.path())) {
            return match status.phase {
                TrainingPhase::Running => (theme::ProgressMark::Running.into(), "Open, running"),
                TrainingPhase::Paused => (theme::ProgressMark::Paused.into(), "Open, paused"),
                TrainingPhase::Finished => (theme::ProgressMark::Finished.into(), "Open, finished"),
                TrainingPhase::Failed(_) => (theme::ProgressMark::Failed.into(), "Open, failed"),
                _ => (theme::ProgressMark::Preparing.into(), "Open, preparing"),
            };
        }
        match self.steps(None) {
            _ if self.is_finished() => (theme::ProgressMark::Finished.into(), "Finished"),
            (0, _) => (theme::ProgressMark::Idle.into(), "No checkpoint yet"),
            _ => (theme::ProgressMark::Paused.into(), "Can be resumed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::SystemTime};

    use super::*;
    use crate::train::run_folder::RunInfo;

    #[test]
    fn the_current_run_counts_its_steps_as_everywhere_in_the_window() {
        let mut recipe = Recipe::default();
        recipe.train.steps = 2000;
        let summary = RunSummary {
            path: "/runs/a".into(),
            info: Ok(RunInfo::new("a", "surface:turned", "CPU")),
            steps: 500,
            last_change: SystemTime::UNIX_EPOCH,
            thumbnail: None,
            model: None,
        };
        let row = RunRow { summary, recipe: Some(recipe.clone()) };
        assert_eq!((row.steps_text(None).as_str(), row.state(None).1), ("500 of 2,000", "Can be resumed"));
        let mut status = TrainingStatus {
            phase: TrainingPhase::Running,
            step: 640,
            run: Some("/runs/a".into()),
            recipe: Some(Arc::new(recipe)),
            ..TrainingStatus::default()
        };
        assert_eq!(
            (row.steps_text(Some(&status)).as_str(), row.state(Some(&status)).1),
            ("640 of 2,000", "Open, running")
        );
        status.run = Some("/runs/b".into());
        assert_eq!(row.steps_text(Some(&status)), "500 of 2,000");
    }
}
