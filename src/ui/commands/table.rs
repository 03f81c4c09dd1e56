//! The whole command table, and the properties of a command that are looked up in it.

use egui::{Context, KeyboardShortcut};

use super::{
    CommandContext, UiCommand, evaluate, inspect, intake, presentation, recipe, review,
    row::{CommandRow, CommandSection, Effect},
    samples, train, window,
};
use crate::{format::capitalise, ui::PageId};

/// All commands, in the order of the help page.
pub(in crate::ui) const SECTIONS: &[CommandSection] = &[
    train::SECTION,
    recipe::SECTION,
    samples::SECTION,
    inspect::SECTION,
    evaluate::SECTION,
    review::SECTION,
    intake::SECTION,
    presentation::SECTION,
    window::SECTION,
];

/// All rows, in the order of the help page.
pub(super) fn rows() -> impl Iterator<Item = &'static CommandRow> {
    SECTIONS.iter().flat_map(|section| section.rows)
}

/// Used for a name without a row, which no constant has.
const MISSING: CommandRow = CommandRow {
    command: UiCommand(""),
    title: "",
    help: "",
    keywords: "",
    keys: &[],
    pages: &[],
    enabled: |_| false,
    effect: Effect::Page(PageId::Help),
    records: false,
};

impl UiCommand {
    /// All commands, in the order of the help page.
    pub fn all() -> impl Iterator<Item = Self> {
        rows().map(|row| row.command)
    }

    fn row(self) -> &'static CommandRow {
        rows().find(|row| row.command == self).unwrap_or(const { &MISSING })
    }

    /// Name on screen.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// Description in one sentence.
    pub fn help(self) -> &'static str {
        self.row().help
    }

    /// The shortcuts; the first is the one shown.
    pub(crate) fn shortcuts(self) -> &'static [KeyboardShortcut] {
        self.row().keys
    }

    /// Whether it records or discards something.
    pub(in crate::ui) fn records(self) -> bool {
        self.row().records
    }

    /// The effect.
    pub(in crate::ui) fn effect(self) -> Effect {
        self.row().effect
    }

    /// The pages on which its shortcuts apply; none if they apply wherever the page has no other use for them.
    pub(crate) fn pages(self) -> &'static [PageId] {
        self.row().pages
    }

    /// Formats the first shortcut for this system; empty without one.
    pub(crate) fn keys(self, ctx: &Context) -> String {
        self.shortcuts().first().map(|s| ctx.format_shortcut(s)).unwrap_or_default()
    }

    /// Description and shortcut, for a tooltip.
    pub(crate) fn tooltip(self, ctx: &Context) -> String {
        let mut text = match self.keys(ctx) {
            keys if keys.is_empty() => self.help().to_owned(),
            keys => format!("{} ({keys})", self.help()),
        };
        if let Some(change) = self.change(ctx) {
            text.push_str(&format!("\n{}.", capitalise(&change)));
        }
        text
    }

    /// Whether the command is available.
    pub fn enabled(self, context: &CommandContext) -> bool {
        self.row().is_enabled(context)
    }
}

impl CommandRow {
    /// Whether the command is available.
    pub(in crate::ui) fn is_enabled(&self, context: &CommandContext) -> bool {
        // During a presentation only its own commands are available, and they are available nowhere else.
        let presenting = context.page == PageId::Presentation;
        let own = self.pages.contains(&PageId::Presentation);
        if presenting || own {
            return presenting && (own || matches!(self.command, UiCommand::FullScreen | UiCommand::Quit));
        }
        (self.enabled)(context)
    }
}

impl PageId {
    /// The command that shows the page.
    pub fn command(self) -> UiCommand {
        match self {
            Self::Train => UiCommand::GoTrain,
            Self::Inspect => UiCommand::GoInspect,
            Self::Evaluate => UiCommand::GoEvaluate,
            Self::Review => UiCommand::GoReview,
            Self::Runs => UiCommand::GoRuns,
            Self::Log => UiCommand::GoLog,
            Self::Settings => UiCommand::GoSettings,
            Self::Help => UiCommand::GoHelp,
            Self::Presentation => UiCommand::Present,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::ui::commands::{
        EvaluationContext, FinetuneContext, IntakeContext, QueryContext, ReviewContext, palette, palette::PaletteItem,
        shortcuts, typing,
    };

    pub(in crate::ui::commands) const PAGES: [PageId; 9] = [
        PageId::Train,
        PageId::Inspect,
        PageId::Evaluate,
        PageId::Review,
        PageId::Runs,
        PageId::Log,
        PageId::Settings,
        PageId::Help,
        PageId::Presentation,
    ];

    /// Everything that a page can offer while work is running, or while none is.
    pub(in crate::ui::commands) fn full(page: PageId, running: bool) -> CommandContext {
        CommandContext {
            page,
            run: running,
            running,
            paused: !running,
            finished: !running,
            can_pause: running,
            images: true,
            grid: true,
            averaged: true,
            undo: true,
            redo: true,
            last_run: true,
            model: true,
            drawing: false,
            query: QueryContext {
                any: true,
                others: true,
                running,
                finished: !running,
                images: true,
                frames: true,
                alike_before: true,
                alike_after: true,
                regions: true,
                undo: true,
            },
            evaluation: EvaluationContext {
                running,
                repeatable: true,
                images: true,
                report: true,
                adopt: true,
                reweight: true,
                reweighted: true,
            },
            review: ReviewContext {
                open: true,
                part: true,
                replaced: false,
                ready: true,
                regions: true,
                blind: false,
                undo: true,
                defect_types: 9,
                exporting: false,
            },
            intake: IntakeContext { folder: true, running },
            finetune: FinetuneContext { ready: true, running, pending: true, named: true, revertible: true },
        }
    }

    #[test]
    fn palette_help_and_shortcuts_agree_on_every_command() {
        let contexts: Vec<CommandContext> =
            PAGES.into_iter().flat_map(|page| [full(page, true), full(page, false)]).collect();
        let help: Vec<UiCommand> = SECTIONS.iter().flat_map(|s| s.rows.iter().map(|row| row.command)).collect();
        assert_eq!(help.iter().collect::<HashSet<_>>().len(), help.len(), "a command has two rows");
        for row in rows() {
            let command = row.command;
            assert!(help.contains(&command) && command.row().title == row.title, "{command:?} is not in the help");
            let listed = contexts
                .iter()
                .any(|c| command.enabled(c) && palette::ranked(row.title, c).contains(&PaletteItem::Command(command)));
            assert!(listed || command == UiCommand::Palette, "{command:?} is never in the palette");
            for key in row.keys {
                let fires = |page: PageId| shortcuts::command_for(key, page) == Some(command);
                match row.pages {
                    [] => assert!(PAGES.into_iter().any(fires), "{command:?}: {key:?} never fires"),
                    pages => assert!(pages.iter().copied().all(fires), "{command:?}: {key:?} is taken"),
                }
            }
        }
    }

    #[test]
    fn every_shortcut_belongs_to_one_command_of_a_page() {
        // A page may give a key another meaning, and no more than one.
        for page in PAGES.into_iter().map(Some).chain([None]) {
            let mut seen = HashSet::new();
            let here = |row: &&CommandRow| page.map_or(row.pages.is_empty(), |page| row.pages.contains(&page));
            for row in rows().filter(here) {
                for shortcut in row.keys {
                    assert!(seen.insert(*shortcut), "{:?} shares {shortcut:?}", row.command);
                }
            }
        }
    }

    #[test]
    fn single_keys_that_record_or_discard_are_marked() {
        // These only change what is displayed, or open a field; a stopped test or inspection keeps its results.
        let harmless = [
            UiCommand::ReviewNote,
            UiCommand::ReviewDraw,
            UiCommand::ReviewInspect,
            UiCommand::ReviewAlone,
            UiCommand::InspectPlayPause,
            UiCommand::InspectStop,
            UiCommand::InspectMore,
            UiCommand::OutcomeForward,
            UiCommand::FramePlay,
            UiCommand::RegionForward,
            UiCommand::ActualPixels,
            UiCommand::FitPicture,
            UiCommand::Blink,
            UiCommand::Swipe,
            UiCommand::MapOverlay,
            UiCommand::EvaluateInspect,
            UiCommand::EvaluateStop,
            UiCommand::PresentPlayPause,
            UiCommand::PlayPause,
            UiCommand::GridPlay,
            UiCommand::PreviewEma,
            UiCommand::FitCurves,
            UiCommand::LogY,
            UiCommand::CriticPreview,
            UiCommand::CriticPreviewNext,
        ];
        for row in rows() {
            let single = row.keys.iter().any(|key| key.modifiers.is_none() && typing::is_typed(key.logical_key));
            assert_eq!(row.records, single && !harmless.contains(&row.command), "{:?}", row.command);
        }
    }

    #[test]
    fn every_command_is_in_the_table_once_and_says_what_it_does() {
        let mut seen = HashSet::new();
        for command in UiCommand::all() {
            assert!(seen.insert(command), "{command:?} is listed twice");
            assert!(!command.title().is_empty() && !command.title().ends_with('.'));
            assert!(command.help().ends_with('.'), "{}", command.help());
        }
    }

    #[test]
    fn every_page_has_its_command() {
        for page in PageId::ALL {
            assert!(page.command().enabled(&CommandContext::default()));
            assert!(page.command().title().to_lowercase().contains(&page.title().to_lowercase()));
        }
    }

    #[test]
    fn commands_on_a_run_need_a_run() {
        let none = CommandContext::default();
        assert!(!UiCommand::PlayPause.enabled(&none));
        assert!(!UiCommand::StepG.enabled(&none));
        assert!(UiCommand::NewRun.enabled(&none));
        assert!(UiCommand::StepG.enabled(&CommandContext { run: true, paused: true, ..none }));
    }

    #[test]
    fn a_presentation_has_the_keys_to_itself() {
        let shown = CommandContext {
            page: PageId::Presentation,
            run: true,
            running: true,
            model: true,
            ..CommandContext::default()
        };
        for command in UiCommand::all() {
            let own = command.pages().contains(&PageId::Presentation);
            let kept = matches!(command, UiCommand::FullScreen | UiCommand::Quit);
            assert_eq!(command.enabled(&shown), own || kept, "{command:?}");
            assert!(!own || !command.enabled(&CommandContext { page: PageId::Inspect, ..shown }), "{command:?}");
        }
    }
}
