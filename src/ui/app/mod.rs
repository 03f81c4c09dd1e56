//! The frame that holds everything: it takes in what has happened, draws, and applies what was asked.

mod apply;
mod finetune;
mod inspection;
mod intake;
mod opening;
mod presenting;
mod reviewing;

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use egui::{Align2, CentralPanel, Context, FontSelection, Id, LayerId, Order, Theme, Ui};
pub use opening::{PresentationSet, WindowOptions, run};

use super::{
    Action, CommandContext, Frame, PageId, RunOverlay, Settings, ThemeChoice, UiCommand,
    commands::{palette::CommandPalette, shortcuts},
    dialog::{Confirm, Dialog},
    notices::Notices,
    pages::{
        evaluate::EvaluateWorkspace, help::HelpPage, import::ImportPage, inspect::InspectWorkspace, log::LogPage,
        review::ReviewWorkspace, runs, runs::RunsPage, settings::SettingsPage, start::StartPage, suited_preset,
        train::TrainWorkspace,
    },
    presentation::Presentation,
    rail,
    recipe_history::RecipeHistory,
    repaint_pacing::RepaintPacing,
    status_bar,
    status_bar::{StatusBar, StatusJob},
    theme, widgets,
};
use crate::{
    engine::{
        Engine, EngineState, EvaluationRequest, Event, FinetuneRequest, Severity,
        background::{BackgroundTask, TaskState},
        training::{TrainingPhase, TrainingStatus},
    },
    logging::{FRAME_TIMES, LogBuffer},
    paths::Paths,
    train::History,
};

/// Settings are written this long after the last change.
const SAVE_AFTER: Duration = Duration::from_secs(2);
/// The workspaces are asked for their layouts this often.
const LAYOUTS_EVERY: Duration = Duration::from_secs(1);
/// A knob's new value goes to the compute thread when it has rested this long, so that a drag leaves
/// one mark on the curves.
const TURN_AFTER: Duration = Duration::from_millis(250);
/// A wait for the compute thread that is longer than this is said.
const STARTING: Duration = Duration::from_millis(300);

/// Passes over the window for one frame.
const MOST_PASSES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// Curves of an earlier run that are being read.
struct Reading {
    run: PathBuf,
    /// The run's name, the GAN's curves and the critic's.
    task: BackgroundTask<Result<(String, [History; 2]), String>>,
}

/// The window's whole state.
pub struct App {
    ctx: Context,
    pace: Arc<RepaintPacing>,
    engine: Engine,
    paths: Paths,
    /// Where runs are kept, when the command line says so.
    runs_given: Option<PathBuf>,
    settings: Settings,
    saved: Settings,
    changed: Option<Instant>,
    layouts_at: Option<Instant>,
    /// The theme and scale that the context was last given.
    applied: Option<(bool, f32)>,

    page: PageId,
    start: StartPage,
    import: Option<ImportPage>,
    train: TrainWorkspace,
    inspect: InspectWorkspace,
    evaluate: EvaluateWorkspace,
    review: ReviewWorkspace,
    /// The record was asked for.
    record_asked: bool,
    /// Models that learned from verdicts, and which of them are in force.
    adoption: finetune::AdoptionFlow,
    runs: RunsPage,
    log: LogPage,
    settings_page: SettingsPage,
    help: HelpPage,

    status_bar: StatusBar,
    notices: Notices,
    palette: Option<CommandPalette>,
    presentation: Option<Presentation>,
    dialog: Option<Dialog>,
    confirm: Option<Confirm>,
    native_dialogs: bool,

    recipes: RecipeHistory,
    /// When the turned recipe is due at the compute thread.
    turn_due: Option<Instant>,
    overlays: Vec<RunOverlay>,
    reading: Vec<Reading>,
    /// The run was left for the start page; its last words may still be on their way.
    left: bool,
    /// A run was asked for and nothing of it is to be seen yet.
    starting: Option<Instant>,
}

impl App {
    /// The window's state over a running engine. `ctx` is the context that it will be drawn in.
    pub fn new(ctx: &Context, settings: Settings, engine: Engine, paths: Paths) -> Self {
        ctx.options_mut(|o| {
            o.zoom_with_keyboard = false;
            // Both are in the command table.
            o.quit_shortcuts.clear();
            // A click that opens the palette, the pass that finds its size, and the one that is shown.
            o.max_passes = MOST_PASSES;
        });
        theme::install_fonts(ctx);
        let train = TrainWorkspace::new(settings.layouts.get("train").map(String::as_str));
        let inspect = InspectWorkspace::new(settings.layouts.get("inspect").map(String::as_str));
        let evaluate = EvaluateWorkspace::new(settings.layouts.get("evaluate").map(String::as_str));
        let review = ReviewWorkspace::new(settings.layouts.get("review").map(String::as_str));
        let recipes = RecipeHistory::new(suited_preset(engine.state()).recipe());
        let mut app = Self {
            ctx: ctx.clone(),
            pace: Arc::default(),
            engine,
            paths,
            runs_given: None,
            saved: settings.clone(),
            settings,
            changed: None,
            layouts_at: None,
            applied: None,
            page: PageId::Train,
            start: StartPage::default(),
            import: None,
            train,
            inspect,
            evaluate,
            review,
            record_asked: false,
            adoption: finetune::AdoptionFlow::default(),
            runs: RunsPage::default(),
            log: LogPage::default(),
            settings_page: SettingsPage::default(),
            help: HelpPage::default(),
            status_bar: StatusBar::default(),
            notices: Notices::default(),
            palette: None,
            presentation: None,
            dialog: None,
            confirm: None,
            native_dialogs: true,
            recipes,
            turn_due: None,
            overlays: Vec::new(),
            reading: Vec::new(),
            left: false,
            starting: None,
        };
        app.look();
        app.open_last_model();
        app.watch_again();
        app
    }

    /// Asks for files in a field of the window and never through the desktop's dialog.
    #[must_use]
    pub fn with_typed_dialogs(mut self) -> Self {
        self.native_dialogs = false;
        self
    }

    /// What the compute thread shows.
    pub fn state(&self) -> &Arc<EngineState> {
        self.engine.state()
    }

    /// The page on show.
    pub fn page(&self) -> PageId {
        if self.presentation.is_some() { PageId::Presentation } else { self.page }
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The recipe as the user has turned it.
    pub fn recipe(&self) -> &crate::train::Recipe {
        self.recipes.current()
    }

    /// Earlier runs laid over the curves.
    pub fn overlays(&self) -> &[RunOverlay] {
        &self.overlays
    }

    /// The sentences of all notices so far, oldest first.
    pub fn notices(&self) -> impl Iterator<Item = &str> {
        self.notices.iter().map(|n| n.text.as_str())
    }

    /// Where new runs go.
    fn runs_folder(&self) -> &Path {
        self.runs_given.as_deref().or(self.settings.runs.as_deref()).unwrap_or(&self.paths.runs)
    }

    /// The run's state as the window shows it: idle once the run was left.
    fn status(&self) -> TrainingStatus {
        let status = self.engine.state().training.status.read().clone();
        if self.left { TrainingStatus::default() } else { status }
    }

    fn context(&self, status: &TrainingStatus) -> CommandContext {
        let (undo, redo) = self.recipes.can();
        let run = match status.phase {
            TrainingPhase::Idle => false,
            TrainingPhase::Failed(_) => status.recipe.is_some(),
            _ => true,
        };
        let can_pause =
            matches!(status.phase, TrainingPhase::Running | TrainingPhase::Preparing | TrainingPhase::Finishing(_));
        let live = self.engine.state();
        CommandContext {
            page: self.page(),
            run,
            running: matches!(status.phase, TrainingPhase::Running),
            paused: matches!(status.phase, TrainingPhase::Paused),
            can_pause,
            images: live.training.critic.images().is_some(),
            grid: run && !live.training.grids.read().grids().is_empty(),
            averaged: status.preview_ema,
            undo,
            redo,
            last_run: self.settings.last_run.is_some(),
            model: InspectWorkspace::has_model(live),
            query: self.inspect.context(live),
            evaluation: self.evaluate.context(live),
            review: self.review.context(),
            intake: self.intake_context(),
            finetune: self.finetune_context(),
        }
    }

    /// Takes in what the compute thread and the tasks have done since the last frame.
    fn ingest(&mut self) {
        while let Some(event) = self.engine.next_event() {
            match event {
                Event::Notice { severity, text, detail } => self.notices.hear(severity, text, detail),
                Event::Opened(run) => self.opened(run),
                Event::Closed { .. } => self.runs.refresh(),
            }
        }
        if self.starting.is_some() && self.engine.state().training.status.read().phase != TrainingPhase::Idle {
            self.starting = None;
        }
        if let Some(page) = &mut self.import
            && page.poll(&self.ctx)
        {
            let root = page.root().to_owned();
            self.settings.remember(&root);
        }
        self.take_overlays();
        self.take_inspection();
        self.take_adoption();
        self.take_review();
        self.keep_settings();
        if let Some(due) = self.turn_due {
            match due.checked_duration_since(Instant::now()) {
                Some(wait) => self.ctx.request_repaint_after(wait),
                None => self.send_turn(),
            }
        }
        if self.engine.is_over() && self.starting.take().is_some() {
            self.notices
                .push(Severity::Error, "The compute thread has ended. Close the window and start the program again.");
        }
    }

    fn opened(&mut self, run: PathBuf) {
        let recipe = self.engine.state().training.status.read().recipe.clone();
        if let Some(recipe) = recipe {
            self.recipes = RecipeHistory::new((*recipe).clone());
        }
        self.turn_due = None;
        self.overlays.retain(|o| o.run != run);
        self.settings.last_run = Some(run);
        self.runs.refresh();
    }

    fn take_overlays(&mut self) {
        let (overlays, notices) = (&mut self.overlays, &mut self.notices);
        self.reading.retain(|reading| match reading.task.poll() {
            TaskState::Running => true,
            TaskState::Done(Ok((name, curves))) => {
                let [history, critic] = curves.map(Arc::new);
                overlays.push(RunOverlay { run: reading.run.clone(), name, history, critic });
                false
            }
            TaskState::Done(Err(text)) => {
                notices.push(Severity::Error, text);
                false
            }
            TaskState::Over => false,
        });
    }

    fn take_layouts(&mut self) {
        let (train, inspect, evaluate) = (self.train.layout(), self.inspect.layout(), self.evaluate.layout());
        let review = self.review.layout();
        for (name, layout) in [("train", train), ("inspect", inspect), ("evaluate", evaluate), ("review", review)] {
            if self.settings.layouts.get(name) != Some(&layout) {
                self.settings.layouts.insert(name.to_owned(), layout);
            }
        }
        self.layouts_at = Some(Instant::now());
    }

    /// Writes the settings some time after they have changed.
    fn keep_settings(&mut self) {
        if self.layouts_at.is_none_or(|at| at.elapsed() >= LAYOUTS_EVERY) {
            self.take_layouts();
        }
        if self.settings == self.saved {
            self.changed = None;
            return;
        }
        let since = *self.changed.get_or_insert_with(Instant::now);
        match SAVE_AFTER.checked_sub(since.elapsed()) {
            Some(wait) if !wait.is_zero() => self.ctx.request_repaint_after(wait),
            _ => self.save(),
        }
    }

    fn save(&mut self) {
        if self.settings == self.saved {
            return;
        }
        if let Err(error) = self.settings.save(&self.paths.settings) {
            self.notices.push(Severity::Warning, format!("The settings could not be kept: {error}."));
        }
        // Also after a fault, which is said once and not every frame.
        self.saved = self.settings.clone();
        self.changed = None;
    }

    /// Puts theme and scale in force when they have changed.
    fn look(&mut self) {
        let dark = match self.settings.theme {
            ThemeChoice::Dark => true,
            ThemeChoice::Light => false,
            ThemeChoice::System => self.ctx.system_theme() != Some(Theme::Light),
        };
        let wanted = (dark, self.settings.scale);
        if self.applied == Some(wanted) {
            return;
        }
        if self.applied.map(|(_, scale)| scale) != Some(wanted.1) {
            self.ctx.set_zoom_factor(wanted.1);
        }
        theme::apply(&self.ctx, dark);
        if self.pace.software() {
            // Every step of an animation would be a frame drawn by the cores that train.
            self.ctx.all_styles_mut(|style| style.animation_time = 0.0);
        }
        self.applied = Some(wanted);
    }

    /// Remembers the window's size, unless it fills the screen.
    fn remember_window(&mut self) {
        let (maximised, full) = self.ctx.input(|i| (i.viewport().maximized, i.viewport().fullscreen));
        self.settings.maximised = maximised == Some(true);
        if maximised == Some(false) && full != Some(true) {
            let size = self.ctx.content_rect().size() * self.ctx.zoom_factor();
            self.settings.window = [size.x.round(), size.y.round()];
        }
    }

    fn draw(&mut self, ui: &mut Ui) {
        self.look();
        self.remember_window();
        if self.ctx.input(|i| !i.events.is_empty()) {
            self.pace.touch();
        }
        let mut actions = Vec::new();
        let status = self.status();
        let context = self.context(&status);
        if !self.is_asking() {
            shortcuts::take(&self.ctx, &context, &mut actions);
        }
        if self.presentation.is_none() {
            self.take_drops(&mut actions);
            self.take_paste(&mut actions);
        }
        // Before anything is drawn: this frame shows what a key has done.
        let (status, context) = if actions.is_empty() {
            (status, context)
        } else {
            actions.drain(..).for_each(|action| self.apply(action));
            self.take_review();
            let status = self.status();
            let context = self.context(&status);
            (status, context)
        };

        if self.draw_presentation(ui) {
            return;
        }
        let job = self.job();
        let live = Arc::clone(self.engine.state());
        if self.status_bar.ui(ui, &live, &status, job, &self.notices, &mut actions) {
            self.cancel_job();
        }
        rail::ui(ui, self.page, &mut actions);
        self.draw_page(ui, &live, &status, &context, &mut actions);

        let (ctx, asked) = (self.ctx.clone(), self.is_asking());
        let later = if asked { shortcuts::after_escape(&ctx) } else { Vec::new() };
        if let Some(mut palette) = self.palette.take()
            && palette.ui(&ctx, &context, &mut actions)
        {
            self.palette = Some(palette);
        }
        if let Some(dialog) = self.dialog.take() {
            self.dialog = dialog.ui(&ctx, &mut actions);
        }
        if let Some(confirm) = self.confirm.take()
            && confirm.ui(&ctx, &mut actions)
        {
            self.confirm = Some(confirm);
        }
        if asked && !self.is_asking() {
            // The field that had the focus is gone, and shortcuts would wait for the focus to go too.
            self.ctx.memory_mut(|m| {
                if let Some(id) = m.focused() {
                    m.surrender_focus(id);
                }
            });
            // What was pressed after the key that closed it is meant for the window.
            ctx.input_mut(|i| i.events = later);
            shortcuts::take(&ctx, &context, &mut actions);
        }
        self.notices.ui(&ctx, status_bar::HEIGHT, &mut actions);
        if actions.iter().any(|a| matches!(a, Action::Command(_))) || asked != self.is_asking() {
            // Drawn again at once rather than shown a frame late.
            ctx.request_discard("a command was given");
        }
        let acted = !actions.is_empty();
        for action in actions {
            self.apply(action);
        }
        if acted {
            self.take_review();
        }
    }

    /// Something lies over the window that takes the keys.
    fn is_asking(&self) -> bool {
        self.palette.is_some() || self.confirm.is_some() || matches!(self.dialog, Some(Dialog::Typed { .. }))
    }

    /// Work beside the compute thread that takes long enough to be named.
    fn job(&self) -> Option<StatusJob> {
        if let Some(progress) = self.import.as_ref().and_then(ImportPage::reading) {
            return Some(StatusJob { title: "Reading images", progress });
        }
        if let Some((title, progress)) = self.inspect.job().or_else(|| self.inspecting()) {
            return Some(StatusJob { title, progress });
        }
        if let Some((title, progress)) = self.testing().or_else(|| self.review.job()) {
            return Some(StatusJob { title, progress });
        }
        if let Some((title, progress)) = self.learning().or_else(|| self.taking_in()) {
            return Some(StatusJob { title, progress });
        }
        (!self.reading.is_empty()).then_some(StatusJob { title: "Reading curves", progress: (0, 0) })
    }

    /// A test that goes on while another page is on show.
    fn testing(&self) -> Option<(&'static str, (usize, usize))> {
        self.evaluate.job(self.engine.state()).filter(|_| self.page != PageId::Evaluate)
    }

    fn cancel_job(&mut self) {
        match self.import.as_ref().filter(|page| page.reading().is_some()) {
            Some(page) => page.cancel(),
            None if self.inspect.job().is_some() => self.inspect.cancel_job(),
            None if self.inspecting().is_some() => self.stop_inspecting(),
            None if self.testing().is_some() => self.send(EvaluationRequest::Cancel),
            None if self.review.job().is_some() => self.review.cancel_job(),
            None if self.learning().is_some() => self.send(FinetuneRequest::Cancel),
            None if self.taking_in().is_some() => self.stop_taking_in(),
            // Tasks that are dropped are cancelled.
            None => self.reading.clear(),
        }
    }

    fn draw_page(
        &mut self,
        ui: &mut Ui,
        live: &EngineState,
        status: &TrainingStatus,
        context: &CommandContext,
        actions: &mut Vec<Action>,
    ) {
        let margin = egui::Frame::central_panel(ui.style()).inner_margin(theme::GAP_L);
        match self.page {
            PageId::Train => self.train_page(ui, live, status, context, actions),
            PageId::Inspect | PageId::Evaluate | PageId::Review => {
                let (recipes, overlays, view) = (&self.recipes, &self.overlays, &self.settings.view);
                let mut frame = Frame::new(live, status, context, actions, recipes, overlays, view);
                match self.page {
                    PageId::Inspect => self.inspect.ui(ui, &mut frame),
                    PageId::Evaluate => self.evaluate.ui(ui, &mut frame),
                    _ => self.review.ui(ui, &mut frame),
                }
            }
            PageId::Runs => {
                let pending: Vec<PathBuf> = self.reading.iter().map(|r| r.run.clone()).collect();
                let open = status.run.as_deref().filter(|_| context.run);
                let root = self.runs_folder().to_owned();
                let view = runs::RunsView { root: &root, open, overlays: &self.overlays, pending: &pending };
                self.runs.ui(ui, &view, actions);
            }
            PageId::Log => {
                CentralPanel::default().frame(margin).show(ui, |ui| self.log.ui(ui, LogBuffer::of_program(), actions));
            }
            PageId::Settings => {
                let runs = self.runs_folder().to_owned();
                let (page, settings, paths) = (&mut self.settings_page, &self.settings, &self.paths);
                CentralPanel::default().frame(margin).show(ui, |ui| page.ui(ui, settings, paths, &runs, actions));
            }
            PageId::Presentation => {}
            PageId::Help => {
                CentralPanel::default().frame(margin).show(ui, |ui| self.help.ui(ui, context, actions));
            }
        }
    }

    fn train_page(
        &mut self,
        ui: &mut Ui,
        live: &EngineState,
        status: &TrainingStatus,
        context: &CommandContext,
        actions: &mut Vec<Action>,
    ) {
        let margin = egui::Frame::central_panel(ui.style()).inner_margin(theme::GAP_L);
        let root = self.runs_folder().to_owned();
        let mut frame = Frame::new(live, status, context, actions, &self.recipes, &self.overlays, &self.settings.view);
        if let Some(page) = &mut self.import {
            if !page.ui(ui, &mut frame, &root) {
                self.import = None;
            }
            return;
        }
        match &status.phase {
            // The images could not be opened or the folder not be made: there is no run to show.
            TrainingPhase::Failed(text) if status.recipe.is_none() => {
                CentralPanel::default().frame(margin).show(ui, |ui| refused(ui, text, frame.actions));
            }
            TrainingPhase::Idle => {
                let waited = self.starting.map(|since| since.elapsed());
                CentralPanel::default().frame(margin).show(ui, |ui| match waited {
                    Some(waited) => starting(ui, waited),
                    None => self.start.ui(ui, live, &self.settings, frame.actions),
                });
            }
            _ => self.train.ui(ui, &mut frame),
        }
    }

    /// Files dropped onto the window, and a hint while they hover over it.
    fn take_drops(&self, actions: &mut Vec<Action>) {
        let (hovering, dropped) = self.ctx.input(|i| {
            let dropped: Vec<PathBuf> = i.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect();
            (!i.raw.hovered_files.is_empty(), dropped)
        });
        if hovering {
            drop_hint(&self.ctx);
        }
        if !dropped.is_empty() {
            inspection::dropped(dropped, self.page, actions);
        }
    }
}

/// Says why nothing could be opened, and the ways out.
fn refused(ui: &mut Ui, text: &str, actions: &mut Vec<Action>) {
    let p = theme::Palette::of(ui);
    ui.add_space(theme::GAP_XL);
    ui.horizontal(|ui| {
        theme::state_icon(ui, theme::StatusMark::Defective);
        ui.label(egui::RichText::new("The run could not be opened").text_style(theme::section()).color(p.text_strong));
    });
    ui.add_space(theme::GAP_XS);
    ui.scope(|ui| {
        ui.set_max_width(theme::TEXT_MAX);
        ui.add(egui::Label::new(text).wrap().selectable(true));
    });
    ui.add_space(theme::GAP_M);
    ui.horizontal(|ui| {
        if ui.add(theme::primary_button(&p, "Back to the start page")).clicked() {
            actions.push(Action::Command(UiCommand::NewRun));
        }
        for command in [UiCommand::OpenFolder, UiCommand::GoRuns, UiCommand::GoLog] {
            if ui.button(command.title()).on_hover_text(command.tooltip(ui.ctx())).clicked() {
                actions.push(Action::Command(command));
            }
        }
    });
}

/// Covers the window while files hover over it.
fn drop_hint(ctx: &Context) {
    let p = theme::Palette::new(ctx.theme() == Theme::Dark);
    let painter = ctx.layer_painter(LayerId::new(Order::Foreground, Id::unique("drop-hint")));
    let rect = ctx.content_rect();
    painter.rect_filled(rect, 0.0, p.ground.gamma_multiply(0.9));
    let font = FontSelection::Style(theme::figure()).resolve(&ctx.style_of(ctx.theme()));
    let text = "Drop images to inspect, a model, a folder of healthy images, a CSV list or a recipe";
    painter.text(rect.center(), Align2::CENTER_CENTER, text, font, p.text_strong);
}

/// The compute thread has been asked and has not answered yet.
fn starting(ui: &mut Ui, waited: Duration) {
    if waited < STARTING {
        ui.ctx().request_repaint_after(STARTING - waited);
    } else {
        widgets::empty_place(ui, "Starting…", "The device is being prepared.");
    }
}

impl eframe::App for App {
    fn logic(&mut self, _: &Context, _: &mut eframe::Frame) {
        self.ingest();
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        if let Some(seconds) = frame.info().cpu_usage {
            tracing::trace!(target: FRAME_TIMES, "the last frame took {:.1} ms of the window's thread", seconds * 1e3);
        }
        self.draw(ui);
    }

    fn on_exit(&mut self) {
        self.take_layouts();
        self.save();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}
