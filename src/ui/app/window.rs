//! The state of the window, and its updates between frames.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use egui::Context;

use super::{adoption::AdoptionFlow, overlays::Overlays, pages::Pages, save_retry::SaveRetry};
use crate::{
    engine::{
        Engine, EngineState, Event, Severity,
        training::{TrainingPhase, TrainingStatus},
    },
    paths::Paths,
    train::Recipe,
    ui::{
        CommandContext, PageId, RunOverlay, Settings,
        commands::{palette::CommandPalette, typing::TypingGuard},
        dialog::{Confirm, Dialog},
        job::Job,
        notices::Notices,
        pages::suited_preset,
        recipe_history::RecipeHistory,
        repaint_pacing::RepaintPacing,
        status_bar::StatusBar,
        theme,
    },
};

/// Maximum number of layout passes per frame.
const MAX_PASSES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// The window's state.
pub struct App {
    pub(super) ctx: Context,
    pub(super) pacing: Arc<RepaintPacing>,
    pub(super) engine: Engine,
    pub(super) paths: Paths,
    /// The folder for runs given on the command line.
    pub(super) runs_override: Option<PathBuf>,
    pub(super) settings: Settings,
    /// The settings as last written to disk.
    pub(super) saved: Settings,
    /// Time of the first change that is not yet on disk.
    pub(super) changed: Option<Instant>,
    /// Attempts to save them after a failure.
    pub(super) save_retry: SaveRetry,
    /// Time at which the pages' layouts were last collected.
    pub(super) layouts_at: Option<Instant>,
    /// The theme (dark or not) and scale that the context has.
    pub(super) applied: Option<(bool, f32)>,

    /// The current page; under a presentation, the page to return to.
    pub(super) page: PageId,
    pub(super) pages: Pages,
    /// The record has been opened once.
    pub(super) record_opened: bool,
    /// Activation of fine-tuned models through the record.
    pub(super) adoption: AdoptionFlow,

    pub(super) status_bar: StatusBar,
    pub(super) notices: Notices,
    pub(super) palette: Option<CommandPalette>,
    /// What owns the keyboard.
    pub(super) typing: TypingGuard,
    pub(super) dialog: Option<Dialog>,
    pub(super) confirm: Option<Confirm>,
    pub(super) native_dialogs: bool,
    /// The keyboard is to move to the next region (true) or the previous one at the end of this frame.
    pub(super) region: Option<bool>,

    pub(super) recipes: RecipeHistory,
    /// The recipe of the run that is being started, as it was before the images decided what it leaves to them.
    pub(super) asked: Option<Recipe>,
    /// Time at which the edited recipe is to be sent to the engine.
    pub(super) recipe_due: Option<Instant>,
    pub(super) overlays: Overlays,
    /// The run has been closed; the engine may not have finished closing it.
    pub(super) left: bool,
    /// Time at which a run was requested, until the engine has answered.
    pub(super) starting: Option<Instant>,
}

impl App {
    /// Creates the window's state over a running engine. `ctx` is the context in which it will be drawn.
    pub fn new(ctx: &Context, settings: Settings, engine: Engine, paths: Paths) -> Self {
        ctx.options_mut(|o| {
            o.zoom_with_keyboard = false;
            // Both are in the command table.
            o.quit_shortcuts.clear();
            // The click that opens the palette, the pass that measures it, and the one that is shown.
            o.max_passes = MAX_PASSES;
        });
        theme::install_fonts(ctx);
        let recipes = RecipeHistory::new(suited_preset(engine.state()).recipe());
        let mut app = Self {
            ctx: ctx.clone(),
            pacing: Arc::default(),
            engine,
            paths,
            runs_override: None,
            pages: Pages::new(&settings),
            saved: settings.clone(),
            settings,
            changed: None,
            save_retry: SaveRetry::default(),
            layouts_at: None,
            applied: None,
            page: PageId::Train,
            record_opened: false,
            adoption: AdoptionFlow::default(),
            status_bar: StatusBar::default(),
            notices: Notices::default(),
            palette: None,
            typing: TypingGuard::default(),
            dialog: None,
            confirm: None,
            native_dialogs: true,
            region: None,
            recipes,
            asked: None,
            recipe_due: None,
            overlays: Overlays::default(),
            left: false,
            starting: None,
        };
        app.apply_theme();
        app.open_last_model();
        app.resume_watch();
        app
    }

    /// Asks for paths in a text field of the window instead of the desktop's dialog.
    #[must_use]
    pub fn with_typed_dialogs(mut self) -> Self {
        self.native_dialogs = false;
        self
    }

    /// The engine's shared state.
    pub fn state(&self) -> &Arc<EngineState> {
        self.engine.state()
    }

    /// The current page.
    pub fn page(&self) -> PageId {
        if self.pages.presentation.is_running() { PageId::Presentation } else { self.page }
    }

    /// The current settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The recipe as edited.
    pub fn recipe(&self) -> &Recipe {
        self.recipes.current()
    }

    /// The overlaid runs.
    pub fn overlays(&self) -> &[RunOverlay] {
        self.overlays.shown()
    }

    /// The text of all notices so far, oldest first.
    pub fn notices(&self) -> impl Iterator<Item = &str> {
        self.notices.iter().map(|n| n.text.as_str())
    }

    /// The folder for new runs.
    pub(super) fn runs_folder(&self) -> &Path {
        self.runs_override.as_deref().or(self.settings.runs.as_deref()).unwrap_or(&self.paths.runs)
    }

    /// The run's status; idle once the run has been closed.
    pub(super) fn status(&self) -> TrainingStatus {
        let status = self.engine.state().training.status.read().clone();
        if self.left { TrainingStatus::default() } else { status }
    }

    /// The state that commands depend on.
    pub(super) fn context(&self, status: &TrainingStatus) -> CommandContext {
        let (undo, redo) = self.recipes.can();
        let run = match status.phase {
            TrainingPhase::Idle => false,
            TrainingPhase::Failed(_) => status.recipe.is_some(),
            _ => true,
        };
        let can_pause =
            matches!(status.phase, TrainingPhase::Running | TrainingPhase::Preparing | TrainingPhase::BuildingModel(_));
        let mut context = CommandContext {
            page: self.page(),
            run,
            running: matches!(status.phase, TrainingPhase::Running),
            paused: matches!(status.phase, TrainingPhase::Paused),
            finished: matches!(status.phase, TrainingPhase::Finished),
            can_pause,
            averaged: status.preview_ema,
            undo,
            redo,
            last_run: self.settings.last_run.is_some(),
            intake: self.intake_context(),
            finetune: self.finetune_context(),
            ..CommandContext::default()
        };
        self.pages.describe(self.engine.state(), &mut context);
        context
    }

    /// The job that the status bar shows.
    pub(super) fn job(&self) -> Option<Job> {
        self.pages.job(self.engine.state(), self.page).or_else(|| self.overlays.job())
    }

    /// Collects the results of the engine and of background tasks since the last frame.
    pub(super) fn update(&mut self) {
        while let Some(event) = self.engine.next_event() {
            match event {
                Event::Notice { severity, text, detail } => self.notices.add_logged(severity, text, detail),
                Event::Opened(run) => self.run_opened(run),
                Event::Closed { .. } => self.pages.runs.refresh(),
            }
        }
        if self.starting.is_some() && self.engine.state().training.status.read().phase != TrainingPhase::Idle {
            self.starting = None;
        }
        if let Some(folder) = self.pages.train.poll(&self.ctx) {
            self.settings.remember(&folder);
        }
        for error in self.overlays.poll() {
            self.notices.push(Severity::Error, error);
        }
        self.update_inspection();
        self.update_adoption();
        self.update_review();
        self.save_when_due();
        if let Some(due) = self.recipe_due {
            match due.checked_duration_since(Instant::now()) {
                Some(wait) => self.ctx.request_repaint_after(wait),
                None => self.send_recipe(),
            }
        }
        if self.engine.is_over() && self.starting.take().is_some() {
            self.notices.push(Severity::Error, "The engine has stopped. Close the window and restart the program.");
        }
    }

    /// Whether a dialog or the palette is open.
    pub fn is_asking(&self) -> bool {
        self.is_modal() || self.dialog.is_some()
    }

    /// Whether a modal takes the keyboard.
    pub(super) fn is_modal(&self) -> bool {
        self.palette.is_some() || self.confirm.is_some() || matches!(self.dialog, Some(Dialog::Typed { .. }))
    }
}
