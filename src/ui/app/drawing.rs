//! Drawing one frame: shortcuts and drops first, then the current page, then modals and notices.

use std::sync::Arc;

use egui::{Context, ScrollArea, Sense, Theme, Ui, UiBuilder};

use super::App;
use crate::{
    engine::{Severity, training::TrainingStatus},
    logging::FRAME_TIMES,
    ui::{
        Action, CommandContext, Frame, PageId, ThemeChoice,
        commands::{named_changes, shortcuts},
        focus, rail, status_bar, theme,
    },
};

impl App {
    /// Applies theme and scale if they have changed.
    pub(super) fn apply_theme(&mut self) {
        let dark = match self.settings.theme {
            ThemeChoice::Dark => true,
            ThemeChoice::Light => false,
            ThemeChoice::System => self.ctx.system_theme() != Some(Theme::Light),
        };
        let look = (dark, self.settings.scale);
        if self.applied == Some(look) {
            return;
        }
        if self.applied.map(|(_, scale)| scale) != Some(look.1) {
            self.ctx.set_zoom_factor(look.1);
        }
        theme::apply(&self.ctx, dark);
        if self.pacing.software() {
            // Each step of an animation would cost a frame on the cores that train.
            self.ctx.all_styles_mut(|style| style.animation_time = 0.0);
        }
        self.applied = Some(look);
    }

    /// Draws one frame.
    fn draw(&mut self, ui: &mut Ui) {
        self.apply_theme();
        self.remember_window();
        let [undo, redo] = self.recipes.words();
        named_changes::tell(&self.ctx, undo, redo);
        if self.ctx.input(|i| !i.events.is_empty()) {
            self.pacing.touch();
        }
        let mut actions = Vec::new();
        let mut status = self.status();
        let mut context = self.context(&status);
        let modal = self.is_modal();
        self.typing.observe(&self.ctx, self.is_asking());
        if !modal {
            self.take_shortcuts(&context, &mut actions);
        }
        // Before anything is drawn, so that this frame shows the effect of a key.
        let mut acted = !actions.is_empty();
        let presenting = context.page == PageId::Presentation;
        actions.drain(..).for_each(|action| self.apply(action));
        if !presenting {
            acted |= self.take_drops();
            acted |= self.take_paste();
        }
        if acted {
            self.update_review();
            status = self.status();
            context = self.context(&status);
        }
        if self.page() == PageId::Presentation {
            self.draw_page(ui, &status, &context, &mut actions);
            return;
        }
        let (job, engine) = (self.job(), Arc::clone(self.engine.state()));
        self.status_bar.ui(ui, &engine, &status, job, &self.notices, &mut actions);
        rail::ui(ui, self.page, &mut actions);
        self.draw_page(ui, &status, &context, &mut actions);
        if self.typing.is_typing() && shortcuts::is_button_key(&self.ctx) {
            // A text that goes on after Tab has left its field must not press a verdict.
            actions.retain(|action| !matches!(action, Action::Command(command) if command.records()));
        }
        self.draw_modals(&context, &mut actions);
        self.notices.ui(&self.ctx, status_bar::HEIGHT, &mut actions);
        if let Some(forward) = self.region.take() {
            focus::move_region(&self.ctx, forward);
        }
        if actions.iter().any(|a| matches!(a, Action::Command(_))) {
            // Drawn again at once rather than a frame late.
            self.ctx.request_discard("a command was given");
        }
        if !actions.is_empty() {
            actions.into_iter().for_each(|action| self.apply(action));
            self.update_review();
        }
    }

    /// Turns key presses into commands; says so when a single key did nothing because of what was typed.
    fn take_shortcuts(&mut self, context: &CommandContext, actions: &mut Vec<Action>) {
        let Some(withheld) = shortcuts::take(&self.ctx, context, &self.typing, actions) else { return };
        if self.typing.note(&withheld)
            && let Some(text) = withheld.message(&self.ctx)
        {
            self.notices.push(Severity::Info, text);
        }
    }

    /// Draws the current page.
    fn draw_page(&mut self, ui: &mut Ui, status: &TrainingStatus, context: &CommandContext, actions: &mut Vec<Action>) {
        let (runs, loading, page) = (self.runs_folder().to_owned(), self.overlays.loading(), self.page());
        let presenting = page == PageId::Presentation;
        let mut frame = Frame {
            engine: self.engine.state(),
            status,
            recipe: self.recipes.current(),
            initial: self.recipes.initial(),
            locked: context.run,
            overlays: self.overlays.shown(),
            loading: &loading,
            settings: &self.settings,
            paths: &self.paths,
            runs: &runs,
            starting: self.starting.map(|since| since.elapsed()),
            context,
            actions,
        };
        let page = self.pages.get_mut(page);
        let room = ui.available_size();
        let least = room.max(theme::PAGE_LEAST);
        if least == room || presenting {
            return page.draw(ui, &mut frame);
        }
        // A window that is too small for its contents scrolls them as a whole.
        ScrollArea::both().id_salt("page").auto_shrink(false).show(ui, |ui| {
            let (rect, _) = ui.allocate_exact_size(least, Sense::hover());
            ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| page.draw(ui, &mut frame));
        });
    }

    /// Draws the palette and the dialogs.
    fn draw_modals(&mut self, context: &CommandContext, actions: &mut Vec<Action>) {
        let (ctx, modal) = (self.ctx.clone(), self.is_modal());
        let later = if modal { shortcuts::after_escape(&ctx) } else { Vec::new() };
        if let Some(mut palette) = self.palette.take()
            && palette.ui(&ctx, context, actions)
        {
            self.palette = Some(palette);
        }
        if let Some(dialog) = self.dialog.take() {
            self.dialog = dialog.ui(&ctx, actions);
        }
        if let Some(confirm) = self.confirm.take()
            && confirm.ui(&ctx, actions)
        {
            self.confirm = Some(confirm);
        }
        if modal == self.is_modal() {
            return;
        }
        ctx.request_discard("a modal was opened or closed");
        if modal {
            // The focused field is gone, and shortcuts would wait for the focus to go as well.
            ctx.memory_mut(|m| {
                if let Some(id) = m.focused() {
                    m.surrender_focus(id);
                }
            });
            // Keys pressed after the one that closed the modal are meant for the window.
            ctx.input_mut(|i| i.events = later);
            self.typing.observe(&ctx, false);
            self.take_shortcuts(context, actions);
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, _: &Context, _: &mut eframe::Frame) {
        self.update();
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        if let Some(seconds) = frame.info().cpu_usage {
            tracing::trace!(target: FRAME_TIMES, "the last frame took {:.1} ms of the window's thread", seconds * 1e3);
        }
        self.draw(ui);
    }

    fn on_exit(&mut self) {
        self.collect_layouts();
        self.save();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}
