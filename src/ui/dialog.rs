//! Asking for a file or a folder, and asking before something that cannot be taken back.
//!
//! The desktop's own dialog comes first, on a thread of its own so that the window stays alive. Where
//! there is none, as on many remote displays, a field to type the path into takes its place.

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

use super::{Action, theme};
use crate::{
    data::DataSource,
    engine,
    engine::{
        InspectionRequest,
        background::{BackgroundTask, TaskState},
        inspection::QuerySource,
    },
    review::export::Format,
};

/// A dialog that ended this soon was never seen by a person.
const UNSEEN: Duration = Duration::from_millis(400);
const WIDTH: f32 = 520.0;

/// What a path is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// A folder of healthy images to learn from.
    Images,
    /// A recipe file to read.
    LoadRecipe,
    /// A recipe file to write.
    SaveRecipe,
    /// A PNG to write the sample grid to.
    SaveGrid,
    /// The folder that new runs go to.
    RunsFolder,
    /// Images to inspect, one or many.
    Queries,
    /// A model file to inspect with.
    Model,
    /// A model file to write.
    SaveModel,
    /// The folder that pictures and figures of an inspection go to.
    Export,
    /// A folder of images to test with.
    TestImages,
    /// The folder that a report goes to.
    Report,
    /// A record of a review station.
    Record,
    /// The folder that parts come to.
    Parts,
    /// The folder that parts of a review go to, in this form.
    ReviewExport(Format),
}

/// Endings of the images that the program reads.
const IMAGES: [&str; 11] = ["png", "jpg", "jpeg", "tif", "tiff", "bmp", "pgm", "ppm", "pbm", "pnm", "pam"];

impl Want {
    fn title(self) -> &'static str {
        match self {
            Self::Images => "Open a folder of healthy images",
            Self::LoadRecipe => "Load a recipe",
            Self::SaveRecipe => "Save the recipe",
            Self::SaveGrid => "Save the sample grid",
            Self::RunsFolder => "Choose the folder for runs",
            Self::Queries => "Open images to inspect",
            Self::Model => "Open a model",
            Self::SaveModel => "Save the model",
            Self::Export => "Choose the folder for the export",
            Self::TestImages => "Open a folder of healthy and defective test images",
            Self::Report => "Choose the folder for the report",
            Self::Record => "Open a record",
            Self::Parts => "Choose the folder that parts come to",
            Self::ReviewExport(Format::Pdf) => "Choose the folder for the shift report",
            Self::ReviewExport(_) => "Choose the folder for the export",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Images | Self::Queries | Self::Model | Self::TestImages | Self::Record => "Open",
            Self::LoadRecipe => "Load",
            Self::SaveRecipe | Self::SaveGrid | Self::SaveModel => "Save",
            Self::RunsFolder | Self::Parts => "Choose",
            Self::Export | Self::Report | Self::ReviewExport(_) => "Export",
        }
    }

    fn takes_folder(self) -> bool {
        matches!(
            self,
            Self::Images
                | Self::RunsFolder
                | Self::Parts
                | Self::Export
                | Self::TestImages
                | Self::Report
                | Self::ReviewExport(_)
        )
    }

    fn action(self, mut paths: Vec<PathBuf>) -> Option<Action> {
        if self == Self::Queries {
            return Some(Action::Inspect(paths.into_iter().map(QuerySource::File).collect()));
        }
        let path = paths.pop()?;
        Some(match self {
            Self::Queries => return None,
            Self::Model => Action::OpenModel(path),
            Self::SaveModel => {
                let path = if path.extension().is_some() { path } else { path.with_extension("ganspect") };
                Action::Engine(engine::Command::Inspect(InspectionRequest::SaveModel(path)))
            }
            Self::Export => Action::ExportInspection { ids: Vec::new(), dir: path },
            Self::TestImages => Action::Evaluate(Some(DataSource::Folder(path))),
            Self::Report => Action::EvaluateReport(path),
            Self::Record => Action::OpenRecord(path),
            Self::Parts => Action::PartsFolder(path),
            Self::ReviewExport(format) => Action::ExportReview(format, path),
            Self::Images => Action::Import(path),
            Self::LoadRecipe => Action::LoadRecipe(path),
            Self::SaveRecipe => Action::SaveRecipe(path),
            Self::SaveGrid => Action::SaveGrid(path),
            Self::RunsFolder => Action::RunsFolder(path),
        })
    }
}

/// A question after a file or a folder, while it is open.
#[derive(Debug)]
pub enum Dialog {
    /// The desktop's dialog is open.
    Native {
        /// What for.
        want: Want,
        /// What was suggested.
        suggested: PathBuf,
        /// When it was opened.
        since: Instant,
        /// Its answer.
        task: BackgroundTask<Vec<PathBuf>>,
    },
    /// A path is being typed.
    Typed {
        /// What for.
        want: Want,
        /// The path so far.
        text: String,
        /// The field has had the focus.
        focused: bool,
    },
}

impl Dialog {
    /// Asks through the desktop's dialog, or through a field when `native` is false.
    pub fn open(ctx: &Context, want: Want, suggested: PathBuf, native: bool) -> Self {
        let typed = |suggested: PathBuf| Self::Typed { want, text: suggested.display().to_string(), focused: false };
        if !native {
            return typed(suggested);
        }
        let mut dialog = AsyncFileDialog::new().set_title(want.title());
        let folder = if want.takes_folder() { Some(suggested.as_path()) } else { suggested.parent() };
        if let Some(folder) = folder.filter(|f| f.is_dir()) {
            dialog = dialog.set_directory(folder);
        }
        if let (Want::SaveRecipe | Want::SaveGrid | Want::SaveModel, Some(name)) = (want, suggested.file_name()) {
            dialog = dialog.set_file_name(name.to_string_lossy());
        }
        // Built here and not on the thread, since some desktops allow it on the main thread only.
        if want == Want::Queries {
            let answer = dialog.add_filter("Images", &IMAGES).pick_files();
            let answer = async move { answer.await.unwrap_or_default() };
            return Self::wait(ctx, want, suggested, answer);
        }
        let answer: std::pin::Pin<Box<dyn Future<Output = Option<rfd::FileHandle>> + Send>> = match want {
            Want::Images
            | Want::RunsFolder
            | Want::Parts
            | Want::Export
            | Want::TestImages
            | Want::Report
            | Want::ReviewExport(_) => Box::pin(dialog.pick_folder()),
            Want::Record => Box::pin(dialog.add_filter("Record of a review station", &["sqlite"]).pick_file()),
            Want::Queries | Want::Model => Box::pin(dialog.add_filter("Ganspect model", &["ganspect"]).pick_file()),
            Want::SaveModel => Box::pin(dialog.add_filter("Ganspect model", &["ganspect"]).save_file()),
            Want::LoadRecipe => Box::pin(dialog.add_filter("Recipe", &["toml"]).pick_file()),
            Want::SaveRecipe => Box::pin(dialog.add_filter("Recipe", &["toml"]).save_file()),
            Want::SaveGrid => Box::pin(dialog.add_filter("PNG image", &["png"]).save_file()),
        };
        Self::wait(ctx, want, suggested, async move { answer.await.into_iter().collect() })
    }

    /// Waits for the answer on a thread of its own.
    fn wait(
        ctx: &Context,
        want: Want,
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
            Ok(task) => Self::Native { want, suggested, since: Instant::now(), task },
            Err(_) => Self::Typed { want, text: suggested.display().to_string(), focused: false },
        }
    }

    /// Draws what there is to draw and looks for an answer; `None` when the question is over.
    pub fn ui(self, ctx: &Context, actions: &mut Vec<Action>) -> Option<Self> {
        match self {
            Self::Native { want, suggested, since, task } => match task.poll() {
                TaskState::Running => Some(Self::Native { want, suggested, since, task }),
                TaskState::Done(paths) if !paths.is_empty() => {
                    actions.extend(want.action(paths));
                    None
                }
                TaskState::Done(_) if since.elapsed() < UNSEEN => {
                    ctx.request_repaint();
                    Some(Self::Typed { want, text: suggested.display().to_string(), focused: false })
                }
                TaskState::Done(_) | TaskState::Over => None,
            },
            Self::Typed { want, mut text, mut focused } => {
                let modal = modal("path-dialog", ctx).show(ctx, |ui| typed(ui, want, &mut text, &mut focused));
                match modal.inner {
                    Some(true) => {
                        actions.extend(want.action(vec![PathBuf::from(text.trim())]));
                        None
                    }
                    Some(false) => None,
                    None if modal.should_close() => None,
                    None => Some(Self::Typed { want, text, focused }),
                }
            }
        }
    }
}

/// A question over the window, with the margin of a page.
fn modal(name: &str, ctx: &Context) -> Modal {
    let frame = Frame::popup(&ctx.style_of(ctx.theme())).inner_margin(theme::GAP_L);
    Modal::new(Id::unique(name)).frame(frame)
}

fn typed(ui: &mut Ui, want: Want, text: &mut String, focused: &mut bool) -> Option<bool> {
    let p = theme::Palette::of(ui);
    ui.set_width(WIDTH.min(ui.ctx().content_rect().width() - 2.0 * theme::GAP_XL));
    ui.label(RichText::new(want.title()).text_style(theme::section()).color(p.text_strong));
    ui.add_space(theme::GAP_S);
    let field =
        ui.add(TextEdit::singleline(text).hint_text("Path").desired_width(f32::INFINITY)).accessible_name("Path");
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
        if ui.add_enabled(ready, theme::primary_button(&p, want.verb())).clicked() || (entered && ready) {
            answer = Some(true);
        }
        if ui.button("Cancel").clicked() {
            answer = Some(false);
        }
    });
    answer
}

/// A question before something that cannot be taken back.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// What is about to happen.
    pub title: String,
    /// What is lost by it.
    pub text: String,
    /// The word on the button that goes ahead.
    pub verb: &'static str,
    /// What going ahead does.
    pub actions: Vec<Action>,
}

impl Confirm {
    /// Draws the question; `false` when it is over.
    pub fn ui(&self, ctx: &Context, actions: &mut Vec<Action>) -> bool {
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

/// Waits on this thread for a future to end.
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
