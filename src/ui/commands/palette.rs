//! The command palette: search over all available commands, knobs and settings.

use std::cmp::Reverse;

use egui::{Align, Area, Context, Id, Key, Layout, Modal, Order, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::{
    CommandContext, UiCommand,
    ranking::{Match, rank},
    table::rows,
};
use crate::{
    inspect,
    train::knobs::{KNOBS, Knob},
    ui::{Action, ControlId, PageId, pages::settings::SETTINGS, theme},
};

/// Visible rows.
const ROWS: usize = 12;
const WIDTH: f32 = 520.0;

/// The open palette.
#[derive(Debug, Default)]
pub(crate) struct CommandPalette {
    query: String,
    chosen: usize,
    /// The text field has received the focus.
    focused: bool,
}

impl CommandPalette {
    /// Draws the palette; returns `false` once it is to be closed.
    pub(crate) fn ui(&mut self, ctx: &Context, context: &CommandContext, actions: &mut Vec<Action>) -> bool {
        let id = Id::unique("palette");
        let area = Area::new(id)
            .kind(egui::UiKind::Modal)
            .order(Order::Foreground)
            .anchor(egui::Align2::CENTER_TOP, vec2(0.0, theme::RAIL + theme::GAP_XL));
        let frame = egui::Frame::popup(&ctx.style_of(ctx.theme())).inner_margin(theme::GAP_S);
        let modal = Modal::new(id).area(area).frame(frame).show(ctx, |ui| self.contents(ui, context));
        if let Some(item) = modal.inner {
            actions.push(item.action());
            return false;
        }
        !modal.should_close()
    }

    fn contents(&mut self, ui: &mut Ui, context: &CommandContext) -> Option<PaletteItem> {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 2.0 * theme::GAP_XL));
        let hits = ranked(&self.query, context);
        self.chosen = self.chosen.min(hits.len().saturating_sub(1));
        // Consumed before the text field, whose cursor they would move.
        let (up, down, enter, pages) = ui.input_mut(|i| {
            let mut key = |key| i.consume_key(egui::Modifiers::NONE, key);
            let pages = i32::from(key(Key::PageDown)) - i32::from(key(Key::PageUp));
            (key(Key::ArrowUp), key(Key::ArrowDown), key(Key::Enter), pages)
        });
        let moved = up || down || pages != 0;
        if pages != 0 {
            let to = self.chosen as i32 + pages * ROWS as i32;
            self.chosen = to.clamp(0, hits.len().saturating_sub(1) as i32) as usize;
        }
        if up {
            self.chosen = self.chosen.checked_sub(1).unwrap_or(hits.len().saturating_sub(1));
        }
        if down {
            self.chosen = if self.chosen + 1 < hits.len() { self.chosen + 1 } else { 0 };
        }
        if enter {
            return hits.get(self.chosen).copied();
        }

        let field = TextEdit::singleline(&mut self.query)
            .hint_text("Search commands, knobs and settings")
            .desired_width(f32::INFINITY)
            .margin(egui::Margin::same(theme::GAP_S as i8));
        let field = ui.add(field).accessible_name("Command");
        if !self.focused {
            field.request_focus();
            self.focused = true;
            // The first pass only measures; the next one belongs to the same frame.
            ui.ctx().request_discard("the palette was measured");
        }
        if field.changed() {
            self.chosen = 0;
        }
        ui.add_space(theme::GAP_XS);
        let height = ROWS as f32 * theme::ROW;
        if hits.is_empty() {
            ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
                ui.set_min_height(height);
                ui.weak("No matching command, knob or setting.");
            });
            return None;
        }
        let mut run = None;
        ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, false]).show(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                for (i, item) in hits.iter().enumerate() {
                    let row = row(ui, *item, i == self.chosen);
                    if moved && i == self.chosen {
                        row.scroll_to_me(None);
                    }
                    if row.clicked() {
                        run = Some(*item);
                    }
                }
            },
        );
        run
    }
}

fn row(ui: &mut Ui, item: PaletteItem, chosen: bool) -> egui::Response {
    let p = theme::Palette::of(ui);
    let (title, help, end) = item.describe(ui.ctx());
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme::ROW), egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, chosen, &title));
    if chosen || response.hovered() {
        ui.painter().rect_filled(rect, theme::RADIUS, if chosen { p.selection } else { p.control });
    }
    let mut inner = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(rect.shrink2(vec2(theme::GAP_S, 0.0)))
            .layout(Layout::left_to_right(Align::Center)),
    );
    inner.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.label(theme::weak_caption(&p, end));
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(egui::Label::new(RichText::new(title).color(p.text_strong)).truncate());
        });
    });
    response.on_hover_text(help)
}

/// An entry of the palette.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PaletteItem {
    /// A command, which is run.
    Command(UiCommand),
    /// A knob or a setting, which is shown.
    Control(ControlId),
}

impl PaletteItem {
    /// Returns title, help and what stands at the end of the row.
    fn describe(self, ctx: &Context) -> (String, String, String) {
        let knob = |knobs: &'static [Knob], key: &str| knobs.iter().find(|knob| knob.key == key);
        match self {
            Self::Command(command) => {
                let change = command.change(ctx).map_or_else(String::new, |change| format!(", {change}"));
                (format!("{}{change}", command.title()), command.help().to_owned(), command.keys(ctx))
            }
            Self::Control(ControlId::Recipe(key)) => match knob(KNOBS, key) {
                Some(knob) => (
                    knob.label.to_owned(),
                    knob.help.to_owned(),
                    format!("Knob, {}", knob.group.title().to_lowercase()),
                ),
                None => (key.to_owned(), String::new(), String::new()),
            },
            Self::Control(ControlId::Inspection(key)) => match knob(&inspect::knobs::KNOBS, key) {
                Some(knob) => (knob.label.to_owned(), knob.help.to_owned(), "Knob, inspection".to_owned()),
                None => (key.to_owned(), String::new(), String::new()),
            },
            Self::Control(ControlId::Setting(name)) => {
                (name.to_owned(), "Shows this setting.".to_owned(), "Setting".to_owned())
            }
        }
    }

    fn action(self) -> Action {
        match self {
            Self::Command(command) => Action::Command(command),
            Self::Control(control) => Action::Reveal(control),
        }
    }
}

/// The available commands that match the query, best first; with a query, the knobs and settings as well.
pub(crate) fn ranked(query: &str, context: &CommandContext) -> Vec<PaletteItem> {
    let commands = rows().filter(|row| row.command != UiCommand::Palette && row.is_enabled(context));
    let commands = commands.map(|row| (PaletteItem::Command(row.command), row.title, row.keywords));
    if query.trim().is_empty() {
        return commands.map(|(item, ..)| item).collect();
    }
    let recipe = KNOBS.iter().map(|knob| (ControlId::Recipe(knob.key), knob.label, knob.key));
    let inspection = inspect::knobs::KNOBS.iter().map(|knob| (ControlId::Inspection(knob.key), knob.label, knob.key));
    let settings = SETTINGS.iter().map(|(name, words)| (ControlId::Setting(name), *name, *words));
    // A presentation has no other controls.
    let controls = recipe.chain(inspection).chain(settings).filter(|_| context.page != PageId::Presentation);
    let controls = controls.map(|(control, title, words)| (PaletteItem::Control(control), title, words));
    let command = commands.filter_map(|(item, title, words)| Some((rank(query, title, words)?, item)));
    let control = controls.filter_map(|(item, title, words)| {
        // Scattered letters occur in most of the many knobs.
        Some((rank(query, title, words).filter(|found| found.is_close())?, item))
    });
    let mut hits: Vec<(Match, PaletteItem)> = command.chain(control).collect();
    // A stable sort keeps the table's order among equal matches.
    hits.sort_by_key(|(found, _)| Reverse(*found));
    hits.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_letters_find_the_command() {
        let context = CommandContext { run: true, paused: true, undo: true, grid: true, ..CommandContext::default() };
        for (query, wanted) in [
            ("sett", UiCommand::GoSettings),
            ("one g", UiCommand::StepG),
            ("png", UiCommand::SaveGrid),
            ("undo", UiCommand::Undo),
            ("hlp", UiCommand::GoHelp),
            ("folder", UiCommand::OpenFolder),
            ("dark", UiCommand::Theme),
            ("zoom in", UiCommand::ScaleUp),
        ] {
            let hits = ranked(query, &context);
            let place = hits.iter().position(|item| *item == PaletteItem::Command(wanted));
            assert!(place.is_some_and(|p| p < 3), "{query}: {wanted:?} is at {place:?} in {hits:?}");
        }
    }

    #[test]
    fn the_whole_table_is_there_before_anything_is_typed() {
        let context = CommandContext::default();
        let wanted = UiCommand::all().filter(|c| *c != UiCommand::Palette && c.enabled(&context)).count();
        assert_eq!(ranked("", &context).len(), wanted);
        assert!(ranked("zzzz", &context).is_empty());
    }

    #[test]
    fn what_makes_no_sense_now_is_not_offered() {
        assert!(!ranked("", &CommandContext::default()).contains(&PaletteItem::Command(UiCommand::PlayPause)));
    }

    #[test]
    fn the_exact_word_comes_first() {
        let everything =
            CommandContext { run: true, paused: true, grid: true, model: true, ..CommandContext::default() };
        for context in [CommandContext::default(), everything] {
            let first = |query: &str| ranked(query, &context).first().copied();
            assert_eq!(first("theme"), Some(PaletteItem::Control(ControlId::Setting("Theme"))));
            assert_eq!(ranked("theme", &context).get(1), Some(&PaletteItem::Command(UiCommand::Theme)));
            assert_eq!(first("help"), Some(PaletteItem::Command(UiCommand::GoHelp)));
            assert_eq!(first("quit"), Some(PaletteItem::Command(UiCommand::Quit)));
            // Every title finds its own entry first, in any case.
            for row in rows().filter(|row| row.command != UiCommand::Palette && row.is_enabled(&context)) {
                let found = first(&row.title.to_uppercase());
                assert_eq!(found, Some(PaletteItem::Command(row.command)), "{}", row.title);
            }
        }
    }

    #[test]
    fn every_knob_and_setting_is_found_by_its_name_and_its_key() {
        let context = CommandContext::default();
        let finds = |query: &str, control| {
            let hits = ranked(query, &context);
            let place = hits.iter().position(|item| *item == PaletteItem::Control(control));
            assert!(place.is_some_and(|place| place < 4), "{query} is at {place:?}");
        };
        for knob in KNOBS {
            finds(knob.label, ControlId::Recipe(knob.key));
            finds(knob.key, ControlId::Recipe(knob.key));
        }
        for knob in &inspect::knobs::KNOBS {
            finds(knob.label, ControlId::Inspection(knob.key));
        }
        for (name, _) in SETTINGS {
            finds(name, ControlId::Setting(name));
        }
    }
}
