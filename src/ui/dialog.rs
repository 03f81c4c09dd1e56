//! File dialogs and confirmations.
//!
//! The desktop's file dialog runs on its own thread, so that the window keeps responding. Where there is none, as on many
//! remote displays, a text field for the path replaces it.

use std::{
    future::Future,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    task::{Context as Poller, Poll, Wake, Waker},
    thread,
    thread::Thread,
};

use egui::{Align, Context, Frame, Id, Layout, Modal, RichText, Ui};
use rfd::AsyncFileDialog;

use super::{Action, PathRequest, theme, widgets::path_field::PathField};
use crate::{
    data::{DataSource, decode::extensions},
    engine::{BackgroundTask, InspectionRequest, TaskState, inspection::QuerySource},
    files,
    logging::LogBuffer,
    text::PrintablePath,
};

/// Tracing target of the library that shows the desktop's dialogs.
const LIBRARY: &str = "rfd";
const WIDTH: f32 = 520.0;

/// The action that follows when these paths were chosen.
fn action(request: PathRequest, mut paths: Vec<PathBuf>) -> Option<Action> {
    if request == PathRequest::Queries {
        return Some(Action::Inspect(paths.into_iter().map(QuerySource::File).collect()));
    }
    let path = paths.pop()?;
    Some(match request {
        PathRequest::Queries => return None,
        PathRequest::Model => Action::OpenModel(path),
        PathRequest::SaveModel => Action::engine(InspectionRequest::SaveModel(path)),
        PathRequest::Export => Action::ExportInspection { ids: Vec::new(), dir: path },
        PathRequest::TestImages => Action::Evaluate(Some(DataSource::Folder(path))),
        PathRequest::Report => Action::EvaluateReport(path),
        PathRequest::Record => Action::OpenRecord(path),
        PathRequest::Parts => Action::PartsFolder(path),
        PathRequest::ReviewExport(format) => Action::ExportReview(format, path),
        PathRequest::Images => Action::Import(path),
        PathRequest::LoadRecipe => Action::LoadRecipe(path),
        PathRequest::SaveRecipe => Action::SaveRecipe(path),
        PathRequest::SaveGrid => Action::SaveGrid(path),
        PathRequest::RunsFolder => Action::RunsFolder(path),
    })
}

/// Returns the question that is asked before a file is replaced.
pub(crate) fn ask_to_replace(path: &Path, action: Action) -> Confirm {
    let name = Path::new(path.file_name().unwrap_or(path.as_os_str())).printable().to_string();
    let folder = path.parent().unwrap_or(path).printable().to_string();
    Confirm {
        title: format!("Replace {name}?"),
        text: format!("There is already a file with this name in {folder}. Replacing it loses its contents."),
        verb: "Replace",
        actions: vec![action],
    }
}

/// An open request for a file or folder.
#[derive(Debug)]
pub(crate) enum Dialog {
    /// The desktop's dialog is open.
    Native {
        /// The request.
        request: PathRequest,
        /// The suggested path.
        suggested: PathBuf,
        /// The log when it was opened.
        mark: u64,
        /// Whether this window had the keyboard when the dialog was opened, and has lost it since.
        focus: (bool, bool),
        /// Yields the chosen paths.
        task: BackgroundTask<Vec<PathBuf>>,
    },
    /// A text field for the path is open.
    Typed {
        /// The request.
        request: PathRequest,
        /// The field.
        field: PathField,
        /// Why there is a field instead of the desktop's dialog.
        reason: Option<String>,
        /// The field has received the focus.
        focused: bool,
        /// The question whether a file may be replaced.
        replacing: Option<Box<Confirm>>,
    },
}

/// The meaning of the desktop's answer.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Chosen(Vec<PathBuf>),
    Cancelled,
    /// No dialog appeared, for this reason.
    Failed(String),
}

/// Judges the desktop's answer. A dialog takes the keyboard from the window, so an answer without a path while the window
/// kept the keyboard comes from a dialog that never appeared.
fn judge(paths: Vec<PathBuf>, error: Option<String>, (had_focus, lost_focus): (bool, bool)) -> Answer {
    match error {
        _ if !paths.is_empty() => Answer::Chosen(paths),
        Some(error) => Answer::Failed(format!("The desktop could not show its file dialog ({error}).")),
        None if had_focus && !lost_focus => Answer::Failed("The desktop showed no file dialog.".into()),
        None => Answer::Cancelled,
    }
}

impl Dialog {
    /// Opens a text field for the path.
    fn typed(request: PathRequest, suggested: &Path, reason: Option<String>) -> Self {
        Self::Typed { request, field: PathField::new(suggested), reason, focused: false, replacing: None }
    }

    /// Opens the desktop's dialog, or a text field if `native` is false.
    pub(crate) fn open(ctx: &Context, request: PathRequest, suggested: PathBuf, native: bool) -> Self {
        if !native {
            return Self::typed(request, &suggested, None);
        }
        let mut dialog = AsyncFileDialog::new().set_title(request.title());
        let folder = if request.is_folder() { Some(suggested.as_path()) } else { suggested.parent() };
        if let Some(folder) = folder.filter(|f| f.is_dir()) {
            dialog = dialog.set_directory(folder);
        }
        if let Some(name) = suggested.file_name().filter(|_| request.is_save()) {
            dialog = dialog.set_file_name(name.to_string_lossy());
        }
        // Created here rather than on the thread, since some desktops require the main thread.
        if request == PathRequest::Queries {
            // Some desktops tell capitals apart.
            let images: Vec<String> = extensions().flat_map(|e| [e.to_owned(), e.to_uppercase()]).collect();
            let answer = dialog.add_filter("Images", &images).pick_files();
            let answer = async move { answer.await.unwrap_or_default() };
            return Self::wait(ctx, request, suggested, answer);
        }
        let answer: std::pin::Pin<Box<dyn Future<Output = Option<rfd::FileHandle>> + Send>> = match request {
            PathRequest::Images
            | PathRequest::RunsFolder
            | PathRequest::Parts
            | PathRequest::Export
            | PathRequest::TestImages
            | PathRequest::Report
            | PathRequest::ReviewExport(_) => Box::pin(dialog.pick_folder()),
            PathRequest::Record => Box::pin(dialog.add_filter("Review record", &["sqlite"]).pick_file()),
            PathRequest::Queries | PathRequest::Model => {
                Box::pin(dialog.add_filter("Ganspect model", &["ganspect"]).pick_file())
            }
            PathRequest::SaveModel => Box::pin(dialog.add_filter("Ganspect model", &["ganspect"]).save_file()),
            PathRequest::LoadRecipe => Box::pin(dialog.add_filter("Recipe", &["toml"]).pick_file()),
            PathRequest::SaveRecipe => Box::pin(dialog.add_filter("Recipe", &["toml"]).save_file()),
            PathRequest::SaveGrid => Box::pin(dialog.add_filter("PNG image", &["png"]).save_file()),
        };
        Self::wait(ctx, request, suggested, async move { answer.await.into_iter().collect() })
    }

    /// Waits for the answer in the background.
    fn wait(
        ctx: &Context,
        request: PathRequest,
        suggested: PathBuf,
        answer: impl Future<Output = Vec<rfd::FileHandle>> + Send + 'static,
    ) -> Self {
        let wake = ctx.clone();
        let task = BackgroundTask::spawn(
            "file-dialog",
            move || wake.request_repaint(),
            move |_| wait_for(answer).into_iter().map(|handle| handle.path().to_owned()).collect(),
        );
        match task {
            Ok(task) => {
                let focus = (ctx.input(|i| i.focused), false);
                Self::Native { request, suggested, mark: LogBuffer::of_program().mark(), focus, task }
            }
            Err(error) => Self::typed(request, &suggested, Some(format!("No file dialog could be opened: {error}."))),
        }
    }

    /// Draws the text field or polls the dialog; returns `None` once it is closed.
    pub(crate) fn ui(self, ctx: &Context, actions: &mut Vec<Action>) -> Option<Self> {
        match self {
            Self::Native { request, suggested, mark, focus: (had, lost), task } => {
                let focus = (had, lost || !ctx.input(|i| i.focused));
                let paths = match task.poll() {
                    TaskState::Running => return Some(Self::Native { request, suggested, mark, focus, task }),
                    TaskState::Done(paths) => paths,
                    TaskState::Over => Vec::new(),
                };
                match judge(paths, LogBuffer::of_program().error_since(mark, LIBRARY), focus) {
                    Answer::Chosen(paths) => {
                        let chosen = paths.first().cloned().unwrap_or_default();
                        let path = request.saved_as(chosen.clone());
                        let taken = request.is_save() && path != chosen && files::is_taken(&path);
                        let paths = if request.is_save() { vec![path.clone()] } else { paths };
                        // The desktop has asked about the name without the extension only.
                        match action(request, paths) {
                            Some(action) if taken => actions.push(Action::AskReplace(path, Box::new(action))),
                            action => actions.extend(action),
                        }
                        None
                    }
                    Answer::Cancelled => None,
                    Answer::Failed(reason) => {
                        ctx.request_repaint();
                        Some(Self::typed(request, &suggested, Some(reason)))
                    }
                }
            }
            Self::Typed { request, mut field, reason, mut focused, replacing } => {
                let modal = modal("path-dialog", ctx)
                    .show(ctx, |ui| typed(ui, request, &mut field, reason.as_deref(), &mut focused));
                if let Some(question) = replacing {
                    let before = actions.len();
                    let open = question.ui(ctx, actions);
                    // Without consent the path stays to be changed.
                    let replacing = open.then_some(question);
                    focused = replacing.is_some();
                    let answered = actions.len() > before;
                    return (!answered).then_some(Self::Typed { request, field, reason, focused, replacing });
                }
                match modal.inner {
                    Some(Some(path)) => {
                        let path = request.saved_as(path);
                        let action = action(request, vec![path.clone()])?;
                        if !(request.is_save() && files::is_taken(&path)) {
                            actions.push(action);
                            return None;
                        }
                        ctx.request_repaint();
                        let replacing = Some(Box::new(ask_to_replace(&path, action)));
                        Some(Self::Typed { request, field, reason, focused, replacing })
                    }
                    Some(None) => None,
                    None if modal.should_close() => None,
                    None => Some(Self::Typed { request, field, reason, focused, replacing: None }),
                }
            }
        }
    }
}

/// A modal with the margin of a page.
fn modal(name: &str, ctx: &Context) -> Modal {
    let frame = Frame::popup(&ctx.style_of(ctx.theme())).inner_margin(theme::GAP_L);
    Modal::new(Id::unique(name)).frame(frame)
}

/// Draws the text field; returns the path once it is confirmed, or `None` in it once the dialog is cancelled.
fn typed(
    ui: &mut Ui,
    request: PathRequest,
    field: &mut PathField,
    reason: Option<&str>,
    focused: &mut bool,
) -> Option<Option<PathBuf>> {
    let p = theme::Palette::of(ui);
    ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 2.0 * theme::GAP_XL));
    ui.label(RichText::new(request.title()).text_style(theme::section()).color(p.text_strong));
    let text = "Type or paste the path; Tab completes it.";
    let text = reason.map_or_else(|| text.to_owned(), |reason| format!("{reason} {text}"));
    ui.add(egui::Label::new(theme::weak_caption(&p, text)).wrap());
    ui.add_space(theme::GAP_S);
    let answer = field.ui(ui, request.kind(), "Path", "Path", f32::INFINITY);
    if !*focused {
        field.select(&answer.field, ui.ctx());
        *focused = true;
    }
    if answer.entered && answer.path.is_none() {
        // The path stays to be corrected.
        answer.field.request_focus();
    }
    ui.add_space(theme::GAP_XS);
    field.choices(ui, request.kind());
    ui.add_space(theme::GAP_S);
    let mut result = None;
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let button = ui.add_enabled(answer.path.is_some(), theme::primary_button(&p, request.verb()));
        let why =
            if field.is_empty() { "Type a path first." } else { "This path cannot be used; the reason is above." };
        if button.on_disabled_hover_text(why).clicked() || answer.entered && answer.path.is_some() {
            result = Some(answer.path.clone());
        }
        if ui.button("Cancel").clicked() {
            result = Some(None);
        }
    });
    result
}

/// A confirmation before a destructive action.
#[derive(Clone, Debug)]
pub(crate) struct Confirm {
    /// The question.
    pub title: String,
    /// Its consequences.
    pub text: String,
    /// Label of the button that confirms.
    pub verb: &'static str,
    /// Actions on confirmation.
    pub actions: Vec<Action>,
}

impl Confirm {
    /// Draws the question; returns `false` once it is answered.
    pub(crate) fn ui(&self, ctx: &Context, actions: &mut Vec<Action>) -> bool {
        let modal = modal("confirm", ctx).show(ctx, |ui| {
            let p = theme::Palette::of(ui);
            ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 2.0 * theme::GAP_XL));
            ui.label(RichText::new(&self.title).text_style(theme::section()).color(p.text_strong));
            ui.add_space(theme::GAP_S);
            ui.add(egui::Label::new(&self.text).wrap());
            ui.add_space(theme::GAP_M);
            let mut answer = None;
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui.add(theme::primary_button(&p, self.verb)).clicked() {
                    answer = Some(true);
                }
                if ui.button("Cancel").clicked() {
                    answer = Some(false);
                }
            });
            answer
        });
        if modal.inner == Some(true) {
            actions.extend(self.actions.iter().cloned());
        }
        modal.inner.is_none() && !modal.should_close()
    }
}

/// Blocks this thread until a future completes.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Poller::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desktop_is_judged_by_its_answer_and_not_by_its_speed() {
        let path = || vec![PathBuf::from("/a")];
        // Focus: at the start, and lost since. A fast cancellation is one, a slow failure is none.
        assert_eq!(judge(path(), None, (true, true)), Answer::Chosen(path()));
        assert_eq!(judge(path(), Some("portal".into()), (true, false)), Answer::Chosen(path()));
        assert_eq!(judge(Vec::new(), None, (true, true)), Answer::Cancelled);
        assert_eq!(judge(Vec::new(), None, (false, true)), Answer::Cancelled);
        assert!(matches!(judge(Vec::new(), None, (true, false)), Answer::Failed(_)));
        for focus in [(true, true), (true, false), (false, true)] {
            let Answer::Failed(reason) = judge(Vec::new(), Some("no zenity".into()), focus) else {
                panic!("{focus:?}")
            };
            assert!(reason.contains("no zenity"));
        }
    }

    #[test]
    fn a_future_is_waited_for_across_threads() {
        struct Later(Option<thread::JoinHandle<()>>);
        impl Future for Later {
            type Output = &'static str;
            fn poll(mut self: std::pin::Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<Self::Output> {
                if self.0.is_some() {
                    return Poll::Ready("done");
                }
                let waker = poller.waker().clone();
                self.0 = Some(thread::Builder::new().spawn(move || waker.wake()).unwrap());
                Poll::Pending
            }
        }
        assert_eq!(wait_for(Later(None)), "done");
    }
}
