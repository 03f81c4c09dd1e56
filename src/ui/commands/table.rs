//! Names, help and keys of everything that can be asked for.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::UiCommand;

const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);

const SHIFT_F5: KeyboardShortcut = KeyboardShortcut::new(Modifiers::SHIFT, Key::F5);

const fn key(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn ctrl(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(CTRL, key)
}

const fn ctrl_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(CTRL_SHIFT, key)
}

/// One row of the table.
pub(super) struct CommandRow {
    /// Name on screen; ends in an ellipsis where more input follows.
    pub title: &'static str,
    /// What it does, in one sentence, for help and tooltips.
    pub help: &'static str,
    /// Other words that people look for it by.
    pub keywords: &'static str,
    pub shortcuts: &'static [KeyboardShortcut],
}

macro_rules! entry {
    ($title:literal, $help:literal, $keywords:literal $(, $shortcut:expr)*) => {
        CommandRow { title: $title, help: $help, keywords: $keywords, shortcuts: const { &[$($shortcut),*] } }
    };
}

/// A kind of defect, by its place in the list.
macro_rules! kind {
    ($digit:literal, $ordinal:literal, $key:expr) => {
        CommandRow {
            title: concat!("Kind ", $digit),
            help: concat!("Names the ", $ordinal, " kind for the last part that was called defective."),
            keywords: "review defect kind class",
            shortcuts: const { &[key($key)] },
        }
    };
}

impl UiCommand {
    /// Its row of the table.
    pub(super) fn entry(self) -> CommandRow {
        use Key as K;
        match self {
            Self::Palette => entry!(
                "Command palette",
                "Finds any command by its name.",
                "search find run",
                ctrl(K::K),
                ctrl_shift(K::P)
            ),
            Self::GoTrain => {
                entry!("Show Train", "Curves, samples and knobs of the run in hand.", "go page", ctrl(K::Num1))
            }
            Self::GoInspect => entry!(
                "Show Inspect",
                "Query, reconstruction and difference side by side, and the verdict.",
                "go page inversion anomaly",
                ctrl(K::Num2)
            ),
            Self::GoEvaluate => entry!(
                "Show Evaluate",
                "What a model catches and misses on images whose truth is known.",
                "go page test roc threshold auroc confusion",
                ctrl(K::Num3)
            ),
            Self::GoReview => entry!(
                "Show Review",
                "Flagged parts one by one, and people's verdicts on them.",
                "go page queue record verdict judge",
                ctrl(K::Num4)
            ),
            Self::GoRuns => entry!(
                "Show runs",
                "Earlier runs on disk: open, overlay, compare, rename, delete.",
                "go page history list",
                ctrl(K::Num5)
            ),
            Self::GoLog => {
                entry!("Show log", "What the program has written to its log.", "go page messages trace", ctrl(K::Num6))
            }
            Self::GoSettings => entry!(
                "Show settings",
                "Theme, scale, device and folders.",
                "go page preferences options",
                ctrl(K::Num7),
                ctrl(K::Comma)
            ),
            Self::GoHelp => entry!(
                "Show help",
                "Every command with its shortcut.",
                "go page keys shortcuts manual",
                key(K::F1),
                ctrl(K::Num8)
            ),
            Self::NewRun => entry!(
                "New run",
                "Closes the run in hand, checkpoint written, and shows the start page.",
                "start first surface built-in try",
                ctrl(K::N)
            ),
            Self::OpenFolder => entry!(
                "Open a folder of healthy images…",
                "Chooses images to learn from; shows what was understood before anything trains.",
                "import data load csv",
                ctrl(K::O)
            ),
            Self::ContinueLast => entry!(
                "Continue last run",
                "Takes up the run that was open last from its checkpoint.",
                "resume again",
                ctrl_shift(K::O)
            ),
            Self::PlayPause => entry!(
                "Play or pause",
                "Goes on training, or waits after the step in hand.",
                "start stop resume halt",
                key(K::Space)
            ),
            Self::StepBoth => entry!("One step of both", "One step by the schedule, then wait.", "single", key(K::B)),
            Self::StepG => {
                entry!("One step of G", "One update of the generator alone, then wait.", "single generator", key(K::G))
            }
            Self::StepD => entry!(
                "One step of D",
                "One update of the discriminator alone, then wait.",
                "single discriminator",
                key(K::D)
            ),
            Self::Checkpoint => {
                entry!("Write a checkpoint", "Writes all weights and the step now.", "save store", ctrl(K::S))
            }
            Self::MakeModel => entry!(
                "Make the model file",
                "Trains encoder and critic, calibrates on held-out images and writes the model, from the weights as they are.",
                "encoder critic calibrate finish ganspect",
                ctrl_shift(K::M)
            ),
            Self::Stop => entry!(
                "Close the run",
                "Writes a checkpoint and closes the run; it can be continued later.",
                "stop end finish",
                ctrl(K::W)
            ),
            Self::Reset => entry!(
                "Begin again",
                "Begins at step 0 with fresh weights, in a folder beside this run, which is kept.",
                "reset restart again",
                ctrl_shift(K::R)
            ),
            Self::Undo => {
                entry!("Undo knob change", "Takes back the last change of the recipe.", "revert back", ctrl(K::Z))
            }
            Self::Redo => entry!(
                "Redo knob change",
                "Makes the change again that was taken back.",
                "repeat",
                ctrl_shift(K::Z),
                ctrl(K::Y)
            ),
            Self::SaveRecipe => {
                entry!("Save recipe…", "Writes every knob to a recipe file.", "export knobs toml", ctrl_shift(K::S))
            }
            Self::LoadRecipe => entry!(
                "Load recipe…",
                "Reads every knob from a recipe file.",
                "open import knobs toml",
                ctrl_shift(K::L)
            ),
            Self::SaveGrid => entry!(
                "Save sample grid as PNG…",
                "Writes the samples on show as one picture.",
                "export image",
                ctrl(K::E)
            ),
            Self::PreviewEma => entry!(
                "Averaged or live weights",
                "Draws the samples from G's averaged weights (EMA) or from the live ones.",
                "ema average preview",
                key(K::E)
            ),
            Self::GridBack => entry!(
                "Earlier samples",
                "The sample grid before the one on show.",
                "previous scrub",
                key(K::ArrowLeft)
            ),
            Self::GridForward => {
                entry!("Later samples", "The sample grid after the one on show.", "next scrub", key(K::ArrowRight))
            }
            Self::GridPlay => entry!(
                "Play samples",
                "Plays the kept sample grids from the first to the newest.",
                "animate film scrub",
                key(K::P)
            ),
            Self::FitCurves => entry!("Fit curves", "Shows the whole of every curve.", "zoom reset view", key(K::F)),
            Self::LogY => entry!(
                "Logarithmic curves",
                "Switches losses and gradients between linear and logarithmic.",
                "log axis scale",
                key(K::L)
            ),
            Self::Forged => entry!(
                "Samples or what the critic is shown",
                "Shows forged crops, what was damaged and the critic's answer in place of the samples, or the samples.",
                "forge damage mask tab",
                key(K::C)
            ),
            Self::ForgeOthers => entry!(
                "Draw other forged crops",
                "Other healthy crops with other damage, by the knobs in force.",
                "forge critic damage random again",
                key(K::N)
            ),
            Self::InspectOpen => entry!(
                "Open images to inspect…",
                "Chooses one or many images; they can also be dropped on the window or pasted.",
                "query add file load",
                ctrl(K::O)
            ),
            Self::InspectModel => entry!(
                "Open a model…",
                "Chooses the .ganspect file that images are inspected with.",
                "load weights generator file",
                ctrl_shift(K::M)
            ),
            Self::InspectPlayPause => entry!(
                "Pause or go on with this image",
                "Waits after the step in hand, or goes on.",
                "play resume halt inversion",
                key(K::Space)
            ),
            Self::InspectStop => entry!(
                "Stop this image",
                "Ends the inspection of this image with what has been reached so far.",
                "cancel end inversion",
                key(K::S)
            ),
            Self::InspectMore => entry!(
                "More steps",
                "Goes on from where it ended, for as many steps again.",
                "continue longer inversion",
                key(K::M)
            ),
            Self::InspectAgain => entry!(
                "Again from another seed",
                "Begins again with the knobs in force, from other random starts.",
                "restart retry inversion",
                key(K::R)
            ),
            Self::InspectBack => {
                entry!("Previous image", "The image above this one on the list.", "up list", key(K::ArrowUp))
            }
            Self::InspectForward => {
                entry!("Next image", "The image below this one on the list.", "down list", key(K::ArrowDown))
            }
            Self::FrameBack => entry!(
                "Earlier reconstruction",
                "One kept reconstruction back on the way of z.",
                "previous frame scrub",
                key(K::ArrowLeft)
            ),
            Self::FrameForward => entry!(
                "Later reconstruction",
                "One kept reconstruction further on the way of z.",
                "next frame scrub",
                key(K::ArrowRight)
            ),
            Self::FramePlay => entry!(
                "Play the convergence",
                "Plays the kept reconstructions from the first to the last.",
                "animate film replay scrub",
                key(K::P)
            ),
            Self::ActualPixels => {
                entry!("One to one", "One screen pixel to a picture's pixel.", "1:1 zoom actual size", key(K::Num1))
            }
            Self::FitPicture => {
                entry!("Fit the picture", "Shows the whole picture.", "zoom reset view", key(K::F))
            }
            Self::Blink => {
                entry!("Blink", "Shows query and reconstruction by turns in one place.", "flicker compare", key(K::B))
            }
            Self::Swipe => entry!(
                "Swipe",
                "Draws the reconstruction over the query like a curtain that can be dragged.",
                "curtain compare wipe",
                key(K::W)
            ),
            Self::MapOverlay => entry!(
                "Map over the query",
                "Lays the map over the query with the opacity in force.",
                "heatmap overlay blend",
                key(K::O)
            ),
            Self::InspectExport => entry!(
                "Export…",
                "Writes pictures, film and figures of this image to a folder.",
                "save report png gif csv json tiff",
                ctrl(K::E)
            ),
            Self::InspectPresent => entry!(
                "Present this image",
                "Shows this image alone to an audience: full screen, its convergence replayed, and the verdict.",
                "presentation slide show stakeholders full screen demo",
                SHIFT_F5
            ),
            Self::SaveModel => entry!(
                "Save the model…",
                "Writes the model in force, with its calibration and regions, to a .ganspect file.",
                "export weights",
                ctrl(K::S)
            ),
            Self::InspectRemove => entry!(
                "Take off the list",
                "Forgets this image; its file is left alone.",
                "remove delete close",
                key(K::Delete)
            ),
            Self::RegionUndo => {
                entry!("Undo region", "Takes back the last change of the regions.", "mask revert back", ctrl(K::Z))
            }
            Self::EvaluateOpen => entry!(
                "Open test images…",
                "Chooses a folder of healthy and defective images and tests the model in force on them.",
                "evaluate folder data mvtec masks",
                ctrl(K::O)
            ),
            Self::EvaluateAgain => entry!(
                "Test again or go on",
                "Tests the model in force on the same images; those that are known are not inspected again.",
                "evaluate resume repeat continue",
                key(K::R)
            ),
            Self::EvaluateStop => entry!(
                "Cancel the test",
                "Ends the test or the report. Inspected images are kept, and the test can go on later.",
                "evaluate stop end",
                key(K::S)
            ),
            Self::EvaluateBack => {
                entry!("Previous tested image", "The image above the chosen one.", "up table", key(K::ArrowUp))
            }
            Self::EvaluateForward => {
                entry!("Next tested image", "The image below the chosen one.", "down table", key(K::ArrowDown))
            }
            Self::EvaluateInspect => entry!(
                "Show it in Inspect",
                "Inspects the chosen test image and shows where it is odd.",
                "evaluate open image",
                key(K::Enter)
            ),
            Self::EvaluateAdopt => entry!(
                "Put score and rate in force",
                "Verdicts go by the score on show and promise this rate from now on; both are kept in the model's file.",
                "evaluate threshold promise adopt save",
                ctrl(K::S)
            ),
            Self::EvaluateWeigh => entry!(
                "Weigh the fused score by these defects",
                "Each score counts by how far the defects of this test move it, in place of forged ones. What is promised \
                 stays a matter of held-out healthy images.",
                "evaluate labels fuse weights learn"
            ),
            Self::EvaluateUnweigh => entry!(
                "Weigh the fused score without labels",
                "Takes the weights by labelled defects back.",
                "evaluate labels fuse weights forget undo"
            ),
            Self::EvaluateReport => entry!(
                "Export the report…",
                "Writes one page with figures, curves and the worst images, and a row an image as CSV.",
                "evaluate html csv json save",
                ctrl(K::E)
            ),
            Self::ReviewOpen => entry!(
                "Open a record…",
                "Chooses the record of a review station, an SQLite file that 'ganspect watch' and this window write.",
                "review database load file sqlite",
                ctrl(K::O)
            ),
            Self::ReviewAgree => entry!(
                "Agree",
                "The model is right about this part; keeps that and shows the next one.",
                "review accept confirm verdict yes",
                key(K::A)
            ),
            Self::ReviewHealthy => entry!(
                "Healthy",
                "This part is healthy, whatever the model says; keeps that and shows the next one.",
                "review good pass verdict overrule",
                key(K::H)
            ),
            Self::ReviewDefective => entry!(
                "Defective",
                "This part is defective; keeps that with the kind used last and shows the next one.",
                "review bad fail reject verdict overrule",
                key(K::D)
            ),
            Self::ReviewUnsure => entry!(
                "Unsure",
                "This part cannot be told; keeps that and shows the next one.",
                "review unknown verdict doubt",
                key(K::U)
            ),
            Self::ReviewSkip => entry!(
                "Skip",
                "Puts this part off until the others are done; from one that is done it just goes on.",
                "review later next postpone",
                key(K::Space)
            ),
            Self::ReviewUndo => entry!(
                "Undo verdict",
                "Takes back the last verdict given since the program was started, and shows its part.",
                "review revert retract back",
                ctrl(K::Z)
            ),
            Self::ReviewNote => entry!(
                "Note",
                "A note to this part; Enter keeps it, Escape leaves it.",
                "review comment text remark",
                key(K::N)
            ),
            Self::ReviewDraw => entry!(
                "Draw a region",
                "Draws a rectangle round the defect; it is kept with the verdict.",
                "review region outline mark mask",
                key(K::R)
            ),
            Self::ReviewBack => {
                entry!("Previous part", "The part before this one in the queue.", "review left", key(K::ArrowLeft))
            }
            Self::ReviewForward => {
                entry!("Next part", "The part after this one in the queue.", "review right", key(K::ArrowRight))
            }
            Self::ReviewKind1 => kind!("1", "first", K::Num1),
            Self::ReviewKind2 => kind!("2", "second", K::Num2),
            Self::ReviewKind3 => kind!("3", "third", K::Num3),
            Self::ReviewKind4 => kind!("4", "fourth", K::Num4),
            Self::ReviewKind5 => kind!("5", "fifth", K::Num5),
            Self::ReviewKind6 => kind!("6", "sixth", K::Num6),
            Self::ReviewKind7 => kind!("7", "seventh", K::Num7),
            Self::ReviewKind8 => kind!("8", "eighth", K::Num8),
            Self::ReviewKind9 => kind!("9", "ninth", K::Num9),
            Self::ReviewSearch => entry!(
                "Find a part",
                "Looks for parts by letters of their names.",
                "review search jump filter go",
                ctrl(K::F)
            ),
            Self::ReviewInspect => entry!(
                "Show this part in Inspect",
                "Inspects this part with the model in force and shows how it came about.",
                "review open image",
                key(K::Enter)
            ),
            Self::ReviewAlone => entry!(
                "Picture alone or three panes",
                "Fills the place with the picture, or shows reconstruction and map beside it.",
                "review layout single large",
                key(K::V)
            ),
            Self::ReviewExport => entry!(
                "Export the queue…",
                "Writes the parts that pass the filter as a table (review.csv) to a folder.",
                "review csv save",
                ctrl(K::E)
            ),
            Self::ReviewReport => entry!(
                "Shift report…",
                "Writes the figures of the parts that pass the filter, and a page for each odd one, as PDF.",
                "review pdf paper print summary",
                ctrl_shift(K::E)
            ),
            Self::IntakeFolder => entry!(
                "Choose the folder of parts…",
                "Chooses the folder that pictures of parts come to, to be inspected and filed in the record.",
                "intake watch batch directory camera line"
            ),
            Self::IntakeWatch => entry!(
                "Watch the folder",
                "Inspects each part that lies in the folder or comes to it, once, until you stop it; also after the next start.",
                "intake batch camera line automatic"
            ),
            Self::IntakeOnce => entry!(
                "Take the folder in once",
                "Inspects with the model in force what lies in the folder, parts that another model has seen included.",
                "intake batch again all"
            ),
            Self::IntakeStop => entry!(
                "Stop taking parts in",
                "Takes in no more parts; what was inspected is on record, and what waits comes up the next time.",
                "intake watch batch end cancel"
            ),
            Self::LearnBegin => entry!(
                "Learn from verdicts",
                "Teaches a copy of the model in force by what people said, and compares both; nothing is put in force by it.",
                "fine-tune train feedback teach verdict healthy"
            ),
            Self::LearnCancel => {
                entry!("Stop learning", "Ends the learning; no model is left of it.", "fine-tune cancel end teach")
            }
            Self::LearnAdopt => entry!(
                "Adopt the new model",
                "Puts the model that has learned in force, and notes that in the record; the old one stays in its file.",
                "fine-tune accept use put in force"
            ),
            Self::LearnKeep => entry!(
                "Keep the old model",
                "Leaves the old model in force; the new one stays in its file.",
                "fine-tune refuse reject dismiss"
            ),
            Self::LearnBack => entry!(
                "Go back to the model before",
                "Puts the model that the one in force was made from in force again, and notes that in the record.",
                "fine-tune undo revert parent ancestor"
            ),
            Self::Present => entry!(
                "Present",
                "Shows every inspected image on the list to an audience: full screen, one after the other, figures last.",
                "presentation slide show stakeholders full screen demo all",
                key(K::F5)
            ),
            Self::PresentPlayPause => entry!(
                "Play or pause the presentation",
                "Goes on with the presentation, or waits; at its end it begins again.",
                "slide show resume halt",
                key(K::Space)
            ),
            Self::PresentBack => entry!(
                "Previous part",
                "The part before the one that is presented.",
                "slide show back",
                key(K::ArrowLeft)
            ),
            Self::PresentForward => entry!(
                "Next part",
                "The part after the one that is presented, and the figures after the last.",
                "slide show forward",
                key(K::ArrowRight)
            ),
            Self::PresentLeave => entry!(
                "End the presentation",
                "Goes back to where the presentation was begun.",
                "slide show leave close",
                key(K::Escape)
            ),
            Self::Theme => entry!(
                "Dark or light",
                "Switches between the dark and the light theme.",
                "theme colour mode",
                ctrl(K::T)
            ),
            Self::ScaleUp => entry!(
                "Larger",
                "Makes everything in the window larger.",
                "zoom scale size in",
                ctrl(K::Plus),
                ctrl(K::Equals)
            ),
            Self::ScaleDown => {
                entry!("Smaller", "Makes everything in the window smaller.", "zoom scale size out", ctrl(K::Minus))
            }
            Self::ScaleReset => entry!(
                "Usual size",
                "Shows everything in the window at its usual size.",
                "zoom scale reset",
                ctrl(K::Num0)
            ),
            Self::FullScreen => {
                entry!("Full screen", "Fills the screen with the window, or not.", "maximise", key(K::F11))
            }
            Self::Notices => entry!(
                "Notices",
                "What has happened since the program was started.",
                "messages errors warnings",
                ctrl_shift(K::N)
            ),
            Self::Quit => entry!("Quit", "Writes a checkpoint and closes the window.", "exit close", ctrl(K::Q)),
        }
    }
}
