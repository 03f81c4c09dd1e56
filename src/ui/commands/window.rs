//! Commands of the window itself.

use egui::Key;

use super::{
    UiCommand,
    row::{CommandRow, CommandSection, Effect, always, commands, ctrl, ctrl_shift, key, shift},
};
use crate::ui::{Action, PageId, WindowAction};

const EVERYWHERE: &[PageId] = &[];

commands! { "Window";
    Palette {
        title: "Command palette",
        help: "Finds a command by name.",
        keywords: "search find run",
        keys: [ctrl(Key::K), ctrl_shift(Key::P)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Window(WindowAction::Palette)),
    }
    GoTrain {
        title: "Show Train",
        help: "Curves, samples and knobs of the current run.",
        keywords: "go page",
        keys: [ctrl(Key::Num1)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Show(PageId::Train)),
    }
    GoInspect {
        title: "Show Inspect",
        help: "Image, reconstruction and difference side by side, with the verdict.",
        keywords: "go page inversion anomaly",
        keys: [ctrl(Key::Num2)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Show(PageId::Inspect)),
    }
    GoEvaluate {
        title: "Show Evaluate",
        help: "Detection rate and false alarms of a model on labelled images.",
        keywords: "go page test roc threshold auroc confusion",
        keys: [ctrl(Key::Num3)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Show(PageId::Evaluate)),
    }
    GoReview {
        title: "Show Review",
        help: "Flagged parts one by one, with the reviewers' verdicts.",
        keywords: "go page queue record verdict judge",
        keys: [ctrl(Key::Num4)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Show(PageId::Review)),
    }
    GoRuns {
        title: "Show runs",
        help: "Earlier runs on disk: open, overlay, compare, rename, delete.",
        keywords: "go page history list",
        keys: [ctrl(Key::Num5)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Show(PageId::Runs)),
    }
    GoLog {
        title: "Show log",
        help: "The newest messages of the program's log.",
        keywords: "go page messages trace",
        keys: [ctrl(Key::Num6)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Show(PageId::Log)),
    }
    GoSettings {
        title: "Show settings",
        help: "Theme, scale, device and folders.",
        keywords: "go page preferences options",
        keys: [ctrl(Key::Num7), ctrl(Key::Comma)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Show(PageId::Settings)),
    }
    GoHelp {
        title: "Show help",
        help: "All commands with their shortcuts, and all knobs.",
        keywords: "go page keys shortcuts manual",
        keys: [key(Key::F1), ctrl(Key::Num8)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Show(PageId::Help)),
    }
    NextRegion {
        title: "Next region",
        help: "Moves the keyboard to the next region: rail, page, side panel, status bar.",
        keywords: "focus keyboard pane",
        keys: [key(Key::F6), ctrl(Key::Tab)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Window(WindowAction::Region(true))),
    }
    PreviousRegion {
        title: "Previous region",
        help: "Moves the keyboard to the previous region.",
        keywords: "focus keyboard pane",
        keys: [shift(Key::F6), ctrl_shift(Key::Tab)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Window(WindowAction::Region(false))),
    }
    Notices {
        title: "Notices",
        help: "Lists the notices since the program started.",
        keywords: "messages errors warnings",
        keys: [ctrl_shift(Key::N)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Window(WindowAction::Notices)),
    }
    Theme {
        title: "Dark or light",
        help: "Switches between the dark and the light theme.",
        keywords: "theme colour mode",
        keys: [ctrl(Key::T)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Window(WindowAction::Theme)),
    }
    ScaleUp {
        title: "Zoom in",
        help: "Enlarges everything in the window.",
        keywords: "larger scale size",
        keys: [ctrl(Key::Plus), ctrl(Key::Equals)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Window(WindowAction::ScaleUp)),
    }
    ScaleDown {
        title: "Zoom out",
        help: "Shrinks everything in the window.",
        keywords: "smaller scale size",
        keys: [ctrl(Key::Minus)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Window(WindowAction::ScaleDown)),
    }
    ScaleReset {
        title: "Reset zoom",
        help: "Shows everything in the window at its default size.",
        keywords: "scale size default",
        keys: [ctrl(Key::Num0)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Window(WindowAction::ScaleReset)),
    }
    FullScreen {
        title: "Full screen",
        help: "Enters or leaves full screen.",
        keywords: "maximise",
        keys: [key(Key::F11)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Window(WindowAction::FullScreen)),
    }
    Quit {
        title: "Quit",
        help: "Writes a checkpoint and closes the window.",
        keywords: "exit close",
        keys: [ctrl(Key::Q)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Window(WindowAction::Quit)),
    }
}
