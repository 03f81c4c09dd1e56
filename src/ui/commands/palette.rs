//! The command palette: fuzzy search over all available commands.

use egui::{Align, Area, Context, Id, Key, Layout, Modal, Order, RichText, ScrollArea, TextEdit, Ui, vec2};

use super::{CommandContext, UiCommand, row::CommandRow, table::rows};
use crate::ui::{Action, theme};

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
        if let Some(command) = modal.inner {
            actions.push(Action::Command(command));
            return false;
        }
        !modal.should_close()
    }

    fn contents(&mut self, ui: &mut Ui, context: &CommandContext) -> Option<UiCommand> {
        ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 2.0 * theme::GAP_XL));
        let hits = ranked(&self.query, context);
        self.chosen = self.chosen.min(hits.len().saturating_sub(1));
        // Consumed before the text field, whose cursor they would move.
        let (up, down, enter) = ui.input_mut(|i| {
            let none = egui::Modifiers::NONE;
            (i.consume_key(none, Key::ArrowUp), i.consume_key(none, Key::ArrowDown), i.consume_key(none, Key::Enter))
        });
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
            .hint_text("Search commands")
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
                ui.weak("No matching command.");
            });
            return None;
        }
        let mut run = None;
        ScrollArea::vertical().max_height(height).min_scrolled_height(height).auto_shrink([false, false]).show(
            ui,
            |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                for (i, command) in hits.iter().enumerate() {
                    let row = row(ui, *command, i == self.chosen);
                    if (up || down) && i == self.chosen {
                        row.scroll_to_me(None);
                    }
                    if row.clicked() {
                        run = Some(*command);
                    }
                }
            },
        );
        run
    }
}

fn row(ui: &mut Ui, command: UiCommand, chosen: bool) -> egui::Response {
    let p = theme::Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme::ROW), egui::Sense::click());
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, chosen, command.title()));
    if chosen || response.hovered() {
        ui.painter().rect_filled(rect, theme::RADIUS, if chosen { p.selection } else { p.control });
    }
    let mut inner = ui.new_child(
        egui::UiBuilder::new()
            .max_rect(rect.shrink2(vec2(theme::GAP_S, 0.0)))
            .layout(Layout::left_to_right(Align::Center)),
    );
    inner.label(RichText::new(command.title()).color(p.text_strong));
    inner.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.label(theme::weak_caption(&p, command.keys(ui.ctx())));
    });
    response.on_hover_text(command.help())
}

/// The available commands that match the query, best first.
pub(crate) fn ranked(query: &str, context: &CommandContext) -> Vec<UiCommand> {
    let mut hits: Vec<(i32, UiCommand)> = rows()
        .filter(|row| row.command != UiCommand::Palette && row.is_enabled(context))
        .filter_map(|row| Some((score(query, row)?, row.command)))
        .collect();
    // A stable sort keeps the table's order among equal scores.
    hits.sort_by_key(|(score, _)| -score);
    hits.into_iter().map(|(_, c)| c).collect()
}

/// Scores a command: by its title, or by its keywords, one for each word of the query, at half the weight.
fn score(query: &str, row: &CommandRow) -> Option<i32> {
    let title = fuzzy(query, row.title);
    let keyword = |word: &str| row.keywords.split(' ').filter_map(|k| fuzzy(word, k)).max();
    let keywords: Option<i32> = query.split_whitespace().map(keyword).sum();
    title.max(keywords.map(|sum| sum / 2))
}

/// Scores `text` by the letters of `query` in order: consecutive letters and starts of words score higher, long texts
/// lower. `None` if a letter is missing.
fn fuzzy(query: &str, text: &str) -> Option<i32> {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let (mut total, mut from, mut last) = (0, 0, None);
    for letter in query.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let start_of_word = |i: usize| i == 0 || text.get(i - 1).is_some_and(|c| !c.is_alphanumeric());
        let rest = || (from..text.len()).filter(|i| text.get(*i) == Some(&letter));
        let next = rest().find(|i| last.is_some_and(|l| l + 1 == *i) || start_of_word(*i)).or_else(|| rest().next())?;
        total += if last.is_some_and(|l: usize| l + 1 == next) { 8 } else { 0 };
        total += if start_of_word(next) { 6 } else { 1 };
        last = Some(next);
        from = next + 1;
    }
    Some(total * 4 - text.len() as i32 / 4)
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
            let place = hits.iter().position(|c| *c == wanted);
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
        assert!(!ranked("", &CommandContext::default()).contains(&UiCommand::PlayPause));
    }
}
