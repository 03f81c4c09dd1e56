//! File dialogs and confirmations.
//!
//! The desktop's file dialog runs on its own thread, so that the window keeps responding. Where there is none, as on many
//! remote displays, a text field for the path replaces it.

use std::{
    future::Future,
    path::PathBuf,
    pin::pin,
    sync::Arc,
    task::{Context as Poller, Poll, Wake, Waker},
    thread,
    thread::Thread,
    time::{Duration, Instant},
};

use egui::{Align, Context, Frame, Id, Key, Layout, Modal, RichText, TextEdit, Ui};
use rfd::AsyncFileDialog;

use super::{Action, PathRequest, theme};
use crate::{
    data::DataSource,
    engine::{BackgroundTask, InspectionRequest, TaskState, inspection::QuerySource},
    text::path_text,
};

/// A dialog that closes sooner than this was never visible.
const UNSEEN: Duration = Duration::from_millis(400);
const WIDTH: f32 = 520.0;

/// File name extensions of readable images.
const IMAGES: [&str; 11] = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "pgm", "ppm", "pbm", "pnm", "pam"];

/// The action that follows when these paths were chosen.
fn action(request: PathRequest, mut paths: Vec<PathBuf>) -> Option<Action> {
    if request == PathRequest::Queries {
        return Some(Action::Inspect(paths.into_iter().map(QuerySource::File).collect()));
    }
    let path = paths.pop()?;
    Some(match request {
        PathRequest::Queries => return None,
        PathRequest::Model => Action::OpenModel(path),
        PathRequest::SaveModel => {
            let path = if path.extension().is_some() { path } else { path.with_extension("ganspect") };
            Action::engine(InspectionRequest::SaveModel(path))
        }
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

/// An open request for a file or folder.
#[derive(Debug)]
pub(crate) enum Dialog {
    /// The desktop's dialog is open.
    Native {
        /// The request.
        request: PathRequest,
        /// The suggested path.
        suggested: PathBuf,
        /// Time of opening.
        since: Instant,
        /// Yields the chosen paths.
        task: BackgroundTask<Vec<PathBuf>>,
    },
    /// A text field for the path is open.
    Typed {
        /// The request.
        request: PathRequest,
        /// The text so far.
        text: String,
        /// The field has received the focus.
        focused: bool,
    },
}

impl Dialog {
    /// Opens the desktop's dialog, or a text field if `native` is false.
    pub(crate) fn open(ctx: &Context, request: PathRequest, suggested: PathBuf, native: bool) -> Self {
        let typed = |suggested: PathBuf| Self::Typed {
            request,
            text: path_text::to_text(&suggested).into_owned(),
            focused: false,
        };
        if !native {
            return typed(suggested);
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
            let answer = dialog.add_filter("Images", &IMAGES).pick_files();
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
            Ok(task) => Self::Native { request, suggested, since: Instant::now(), task },
            Err(_) => Self::Typed { request, text: path_text::to_text(&suggested).into_owned(), focused: false },
        }
    }

    /// Draws the text field or polls the dialog; returns `None` once it is closed.
    pub(crate) fn ui(self, ctx: &Context, actions: &mut Vec<Action>) -> Option<Self> {
        match self {
            Self::Native { request, suggested, since, task } => match task.poll() {
                TaskState::Running => Some(Self::Native { request, suggested, since, task }),
                TaskState::Done(paths) if !paths.is_empty() => {
                    actions.extend(action(request, paths));
                    None
                }
                TaskState::Done(_) if since.elapsed() < UNSEEN => {
                    ctx.request_repaint();
                    Some(Self::Typed { request, text: path_text::to_text(&suggested).into_owned(), focused: false })
                }
                TaskState::Done(_) | TaskState::Over => None,
            },
            Self::Typed { request, mut text, mut focused } => {
                let modal = modal("path-dialog", ctx).show(ctx, |ui| typed(ui, request, &mut text, &mut focused));
                match modal.inner {
                    Some(true) => {
                        actions.extend(action(request, vec![path_text::from_text(text.trim())]));
                        None
                    }
                    Some(false) => None,
                    None if modal.should_close() => None,
                    None => Some(Self::Typed { request, text, focused }),
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

fn typed(ui: &mut Ui, request: PathRequest, text: &mut String, focused: &mut bool) -> Option<bool> {
    let p = theme::Palette::of(ui);
    ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 2.0 * theme::GAP_XL));
    ui.label(RichText::new(request.title()).text_style(theme::section()).color(p.text_strong));
    ui.add_space(theme::GAP_S);
    let field = ui
        .add(TextEdit::singleline(text).id(Id::unique("path-field")).hint_text("Path").desired_width(f32::INFINITY))
        .accessible_name("Path");
    if !*focused {
        field.request_focus();
        *focused = true;
    }
    let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
    ui.label(theme::weak_caption(&p, "Type or paste the path."));
    ui.add_space(theme::GAP_S);
    let mut answer = None;
    let ready = !text.trim().is_empty();
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        if ui.add_enabled(ready, theme::primary_button(&p, request.verb())).clicked() || (entered && ready) {
            answer = Some(true);
        }
        if ui.button("Cancel").clicked() {
            answer = Some(false);
        }
    });
    answer
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
