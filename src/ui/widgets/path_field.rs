//! A field for a path: it completes with Tab, lists what exists, and says what is wrong with the path.

use std::path::{Path, PathBuf};

use egui::{
    Button, Context, FocusDirection, Id, Key, Modifiers, Response, RichText, ScrollArea, TextEdit, Ui,
    text::{CCursor, CCursorRange},
    text_edit::TextEditState,
    vec2,
};

use super::rows::marked_text;
use crate::{
    engine::{BackgroundTask, TaskState},
    text::path_text,
    ui::{
        theme,
        theme::NoticeMark,
        typed_path::{
            FolderEntry, PathKind, completed, completed_by_all, completed_part, list, matching, problem, resolve,
        },
    },
};

/// Number of entries that are listed without scrolling.
const LISTED: f32 = 6.0;

/// The state of a field.
#[derive(Debug, Default)]
pub(crate) struct PathField {
    text: String,
    /// The text that was checked last, and its path or what is wrong with it.
    checked: Option<(String, Result<PathBuf, String>)>,
    /// The folder whose entries are known or being read.
    folder: Option<PathBuf>,
    entries: Vec<FolderEntry>,
    task: Option<BackgroundTask<Vec<FolderEntry>>>,
}

/// What a field returns for one frame.
pub(crate) struct PathAnswer {
    /// The text field.
    pub field: Response,
    /// The path, if it is what is asked for.
    pub path: Option<PathBuf>,
    /// Enter was pressed.
    pub entered: bool,
}

impl PathField {
    /// Creates a field with a suggested path.
    pub(crate) fn new(path: &Path) -> Self {
        Self { text: path_text::to_text(path).into_owned(), ..Self::default() }
    }

    /// Whether nothing has been typed.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Gives the field the keyboard with all its text selected, so that typing or pasting replaces it.
    pub(crate) fn select(&self, field: &Response, ctx: &Context) {
        let mut state = TextEditState::load(ctx, field.id).unwrap_or_default();
        let end = CCursor::new(self.text.chars().count());
        state.cursor.set_char_range(Some(CCursorRange::two(CCursor::new(0), end)));
        state.store(ctx, field.id);
        field.request_focus();
    }

    /// Draws the field with this accessible name, and below it what is wrong with the path.
    pub(crate) fn ui(&mut self, ui: &mut Ui, kind: PathKind, name: &str, hint: &str, width: f32) -> PathAnswer {
        self.follow(ui);
        let id = Id::unique(("path-field", name));
        if ui.memory(|m| m.has_focus(id)) {
            self.complete(ui, id, kind);
        }
        let field = TextEdit::singleline(&mut self.text).id(id).hint_text(hint).desired_width(width).lock_focus(true);
        let field = ui.add(field).accessible_name(name);
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        let path = match self.check(kind) {
            Ok(path) => Some(path),
            Err(reason) if !reason.is_empty() => {
                let p = theme::Palette::of(ui);
                marked_text(ui, NoticeMark::Warning, RichText::new(reason).color(p.text));
                None
            }
            Err(_) => None,
        };
        PathAnswer { field, path, entered }
    }

    /// Draws the entries that the path can be completed to.
    pub(crate) fn choices(&mut self, ui: &mut Ui, kind: PathKind) {
        let start = completed_part(&self.text).map(|(_, start)| start).unwrap_or_default();
        let entries = matching(&self.entries, &start, kind);
        let height = LISTED * theme::CONTROL;
        let mut chosen = None;
        ui.allocate_ui(vec2(ui.available_width(), height), |ui| {
            ui.set_min_height(height);
            ui.spacing_mut().item_spacing.y = 0.0;
            let area = ScrollArea::vertical().id_salt("entries").max_height(height).auto_shrink(false);
            area.show_rows(ui, theme::CONTROL, entries.len(), |ui, range| {
                for entry in entries.get(range).unwrap_or_default() {
                    let end = if entry.is_folder { std::path::MAIN_SEPARATOR_STR } else { "" };
                    let button = Button::new(format!("{}{end}", entry.name)).frame_when_inactive(false).truncate();
                    // The keyboard completes with Tab instead.
                    if ui.add(button.sense(egui::Sense::CLICK).min_size(vec2(0.0, theme::CONTROL))).clicked() {
                        chosen = Some(completed(&self.text, entry));
                    }
                }
            });
        });
        if let Some(text) = chosen {
            self.text = text;
        }
    }

    /// Returns the path, or why it is not what is asked for; no reason while nothing is typed.
    fn check(&mut self, kind: PathKind) -> Result<PathBuf, String> {
        if let Some((text, result)) = &self.checked
            && *text == self.text
        {
            return result.clone();
        }
        let result = match resolve(&self.text) {
            None => Err(String::new()),
            Some(path) => problem(&path, kind).map_or(Ok(path), Err),
        };
        self.checked = Some((self.text.clone(), result.clone()));
        result
    }

    /// Reads the folder that the text names in the background.
    fn follow(&mut self, ui: &Ui) {
        let folder = completed_part(&self.text).map(|(folder, _)| folder);
        if folder != self.folder {
            self.folder.clone_from(&folder);
            self.entries.clear();
            let wake = ui.ctx().clone();
            self.task = folder.and_then(|folder| {
                BackgroundTask::spawn("path-entries", move || wake.request_repaint(), move |_| list(&folder)).ok()
            });
        }
        if let Some(TaskState::Done(entries)) = self.task.as_ref().map(BackgroundTask::poll) {
            (self.entries, self.task) = (entries, None);
        }
    }

    /// Completes the text when Tab is pressed, or passes the focus on where nothing can be completed.
    fn complete(&mut self, ui: &Ui, id: Id, kind: PathKind) {
        if ui.input_mut(|i| i.consume_key(Modifiers::SHIFT, Key::Tab)) {
            ui.memory_mut(|m| m.move_focus(FocusDirection::Previous));
            return;
        }
        if !ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Tab)) {
            return;
        }
        let start = completed_part(&self.text).map(|(_, start)| start).unwrap_or_default();
        match completed_by_all(&self.text, &matching(&self.entries, &start, kind)) {
            Some(text) => {
                let end = CCursor::new(text.chars().count());
                self.text = text;
                let mut state = TextEditState::load(ui.ctx(), id).unwrap_or_default();
                state.cursor.set_char_range(Some(CCursorRange::one(end)));
                state.store(ui.ctx(), id);
            }
            None => ui.memory_mut(|m| m.move_focus(FocusDirection::Next)),
        }
    }
}
