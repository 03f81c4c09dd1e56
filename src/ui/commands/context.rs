//! What the window knows of itself, and what can therefore be asked for.

use super::{Page, UiCommand};

/// What the table needs to know to tell which commands make sense now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandContext {
    /// The page on show.
    pub page: Page,
    /// A run is open: preparing, running, paused, finished or failed.
    pub run: bool,
    /// Steps are being done.
    pub running: bool,
    /// A run waits between two steps.
    pub paused: bool,
    /// The run's images are there to be forged.
    pub images: bool,
    /// A sample grid is there.
    pub grid: bool,
    /// A change of the recipe can be taken back.
    pub undo: bool,
    /// A change taken back can be made again.
    pub redo: bool,
    /// There is a run to go on with.
    pub last_run: bool,
    /// A model is in force for inspection.
    pub model: bool,
    /// What can be asked of the query on show.
    pub query: QueryFacts,
    /// What can be asked about the test.
    pub test: TestFacts,
    /// What can be asked about the part under review.
    pub review: ReviewFacts,
    /// What can be asked about parts that come to a folder.
    pub intake: IntakeFacts,
    /// What can be asked about learning from verdicts.
    pub learn: LearnFacts,
}

/// What the table needs to know of parts that come to a folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntakeFacts {
    /// The folder was chosen.
    pub folder: bool,
    /// Parts are taken in, or will be.
    pub going: bool,
}

/// What the table needs to know of learning from verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LearnFacts {
    /// There is something to learn.
    pub ready: bool,
    /// The learning goes on.
    pub going: bool,
    /// A model has learned and nothing was decided about it.
    pub decide: bool,
    /// Who decides has a name.
    pub named: bool,
    /// The model in force was adopted in place of another one.
    pub back: bool,
}

/// What the table needs to know of the review.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReviewFacts {
    /// A record is open.
    pub open: bool,
    /// A part is on show.
    pub part: bool,
    /// It can be judged: there is a part, and who judges has a name.
    pub ready: bool,
    /// What model and others say is hidden.
    pub blind: bool,
    /// A verdict can be taken back.
    pub undo: bool,
    /// Kinds of defect that can be named now.
    pub kinds: usize,
    /// An export goes on.
    pub exporting: bool,
}

/// What the table needs to know of the test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TestFacts {
    /// Images are being read or inspected, or a report is being written.
    pub going: bool,
    /// There was a test that can be gone on with or done again.
    pub again: bool,
    /// Images of it are on show.
    pub images: bool,
    /// It can be reported on.
    pub report: bool,
    /// The rate on show can be put in force.
    pub adopt: bool,
    /// It holds labelled defects of the model in force.
    pub weigh: bool,
    /// The fused score was weighed by labelled defects.
    pub labelled: bool,
}

/// What the table needs to know of the query on show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueryFacts {
    /// There is one.
    pub any: bool,
    /// There are others to go to.
    pub others: bool,
    /// It waits for its turn or its z is on its way.
    pub going: bool,
    /// It ended, with a result.
    pub ended: bool,
    /// There are pictures of it.
    pub pictures: bool,
    /// There are reconstructions of several steps to go through.
    pub film: bool,
    /// A change of the regions can be taken back.
    pub undo: bool,
}

impl UiCommand {
    /// Whether it makes sense now.
    pub fn enabled(self, facts: &CommandContext) -> bool {
        let train = facts.page == Page::Train;
        let inspect = facts.page == Page::Inspect;
        let reviewing = facts.page == Page::Review;
        let (query, review) = (facts.query, facts.review);
        // An audience sees the presentation and nothing else.
        let presenting = facts.page == Page::Presentation;
        let own = self.homes().contains(&Page::Presentation);
        if presenting || own {
            return presenting && (own || matches!(self, Self::FullScreen | Self::Quit));
        }
        match self {
            Self::InspectPlayPause | Self::InspectStop => inspect && query.going,
            Self::InspectMore => inspect && query.ended && facts.model,
            Self::InspectAgain => inspect && (query.ended || query.going) && facts.model,
            Self::InspectBack | Self::InspectForward => inspect && query.others,
            Self::FrameBack | Self::FrameForward | Self::FramePlay => inspect && query.film,
            Self::ActualPixels | Self::FitPicture | Self::Blink | Self::Swipe | Self::MapOverlay => {
                inspect && query.pictures || reviewing && review.part
            }
            Self::InspectExport | Self::InspectPresent => inspect && query.ended,
            Self::InspectRemove => inspect && query.any,
            Self::RegionUndo => inspect && query.undo,
            Self::EvaluateOpen => facts.model,
            Self::EvaluateAgain => facts.model && facts.test.again,
            Self::EvaluateStop => facts.test.going,
            Self::EvaluateBack | Self::EvaluateForward | Self::EvaluateInspect => {
                facts.page == Page::Evaluate && facts.test.images
            }
            Self::ReviewOpen => true,
            Self::ReviewAgree => reviewing && review.ready && !review.blind,
            Self::ReviewHealthy | Self::ReviewDefective | Self::ReviewUnsure | Self::ReviewNote | Self::ReviewDraw => {
                reviewing && review.ready
            }
            Self::ReviewSkip => reviewing && review.ready,
            Self::ReviewUndo => reviewing && review.undo,
            Self::ReviewBack | Self::ReviewForward | Self::ReviewAlone => reviewing && review.part,
            Self::ReviewInspect => reviewing && review.part && facts.model && !review.blind,
            _ if self.kind().is_some() => reviewing && self.kind() < Some(review.kinds),
            Self::ReviewSearch => reviewing && review.open,
            Self::ReviewExport | Self::ReviewReport => review.open && !review.exporting,
            Self::IntakeFolder => !facts.intake.going,
            Self::IntakeWatch | Self::IntakeOnce => facts.intake.folder && !facts.intake.going,
            Self::IntakeStop => facts.intake.going,
            Self::LearnBegin => facts.learn.ready && !facts.learn.going,
            Self::LearnCancel => facts.learn.going,
            Self::LearnAdopt => facts.learn.decide && facts.learn.named,
            Self::LearnKeep => facts.learn.decide,
            Self::LearnBack => facts.learn.back && facts.learn.named,
            Self::EvaluateAdopt => facts.test.adopt,
            Self::EvaluateWeigh => facts.test.weigh,
            Self::EvaluateUnweigh => facts.test.labelled,
            Self::EvaluateReport => facts.test.report,
            Self::SaveModel => facts.model,
            Self::PlayPause | Self::Checkpoint | Self::MakeModel | Self::Stop | Self::Reset | Self::PreviewEma => {
                facts.run
            }
            Self::StepBoth | Self::StepG | Self::StepD => facts.running || facts.paused,
            Self::Undo => facts.undo,
            Self::Redo => facts.redo,
            Self::SaveGrid => facts.grid,
            Self::GridBack | Self::GridForward | Self::GridPlay => facts.grid && train,
            Self::FitCurves | Self::LogY | Self::Forged => facts.run && train,
            Self::ForgeOthers => facts.images && train,
            Self::ContinueLast => facts.last_run && !facts.run,
            _ => true,
        }
    }
}
