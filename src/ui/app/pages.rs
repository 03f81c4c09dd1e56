//! The pages of the window, one of each.

use crate::{
    engine::EngineState,
    ui::{
        CommandContext, PageId, Settings,
        job::Job,
        pages::{
            Page, evaluate::EvaluateWorkspace, help::HelpPage, inspect::InspectWorkspace, log::LogPage,
            review::ReviewWorkspace, runs::RunsPage, settings::SettingsPage, train::page::TrainPage,
        },
        presentation::PresentationPage,
    },
};

/// All pages.
pub(super) struct Pages {
    pub train: TrainPage,
    pub inspect: InspectWorkspace,
    pub evaluate: EvaluateWorkspace,
    pub review: ReviewWorkspace,
    pub runs: RunsPage,
    pub log: LogPage,
    pub settings: SettingsPage,
    pub help: HelpPage,
    pub presentation: PresentationPage,
}

impl Pages {
    /// Restores the pages from their saved layouts.
    pub(crate) fn new(settings: &Settings) -> Self {
        let layout = |page: PageId| settings.layouts.get(page.key()).map(String::as_str);
        Self {
            train: TrainPage::new(layout(PageId::Train)),
            inspect: InspectWorkspace::new(layout(PageId::Inspect)),
            evaluate: EvaluateWorkspace::new(layout(PageId::Evaluate)),
            review: ReviewWorkspace::new(layout(PageId::Review)),
            runs: RunsPage::default(),
            log: LogPage::default(),
            settings: SettingsPage::default(),
            help: HelpPage::default(),
            presentation: PresentationPage::default(),
        }
    }

    fn all(&self) -> [&dyn Page; 9] {
        [
            &self.train,
            &self.inspect,
            &self.evaluate,
            &self.review,
            &self.runs,
            &self.log,
            &self.settings,
            &self.help,
            &self.presentation,
        ]
    }

    /// The page with this identifier.
    pub(crate) fn get_mut(&mut self, id: PageId) -> &mut dyn Page {
        match id {
            PageId::Train => &mut self.train,
            PageId::Inspect => &mut self.inspect,
            PageId::Evaluate => &mut self.evaluate,
            PageId::Review => &mut self.review,
            PageId::Runs => &mut self.runs,
            PageId::Log => &mut self.log,
            PageId::Settings => &mut self.settings,
            PageId::Help => &mut self.help,
            PageId::Presentation => &mut self.presentation,
        }
    }

    /// Fills in the state that commands depend on.
    pub(crate) fn describe(&self, engine: &EngineState, context: &mut CommandContext) {
        for page in self.all() {
            page.describe(engine, context);
        }
    }

    /// The running job of the first page that has one.
    pub(crate) fn job(&self, engine: &EngineState, current: PageId) -> Option<Job> {
        self.all().into_iter().find_map(|page| page.job(engine, current))
    }

    /// The layouts of all pages that have one, with their keys in the settings file.
    pub(crate) fn layouts(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.all().into_iter().filter_map(|page| Some((page.id().key(), page.layout()?)))
    }
}
