//! Commands of the Review page.

use egui::Key;

use super::{
    CommandContext, UiCommand,
    row::{CommandRow, CommandSection, Effect, always, commands, ctrl, ctrl_shift, key},
};
use crate::{
    review::export::ExportFormat,
    ui::{Action, PageId, PathRequest},
};

const HERE: &[PageId] = &[PageId::Review];
const TYPE_WORDS: &str = "review defect kind class";

fn on_page(c: &CommandContext) -> bool {
    c.page == PageId::Review
}

/// A verdict can be given.
fn ready(c: &CommandContext) -> bool {
    on_page(c) && c.review.ready
}

/// A part is displayed.
fn part(c: &CommandContext) -> bool {
    on_page(c) && c.review.part
}

/// There are this many defect types to assign.
fn types(c: &CommandContext, n: usize) -> bool {
    on_page(c) && c.review.defect_types >= n
}

/// The commands that assign a defect type, in order of the types.
const DEFECT_TYPES: [UiCommand; 9] = [
    UiCommand::ReviewType1,
    UiCommand::ReviewType2,
    UiCommand::ReviewType3,
    UiCommand::ReviewType4,
    UiCommand::ReviewType5,
    UiCommand::ReviewType6,
    UiCommand::ReviewType7,
    UiCommand::ReviewType8,
    UiCommand::ReviewType9,
];

impl UiCommand {
    /// The commands that assign a defect type, in order of the types.
    pub(crate) fn defect_types() -> impl Iterator<Item = Self> {
        DEFECT_TYPES.into_iter()
    }

    /// Index of the defect type that the command assigns.
    pub(crate) fn defect_type(self) -> Option<usize> {
        DEFECT_TYPES.iter().position(|command| *command == self)
    }
}

commands! { "Review";
    ReviewOpen {
        title: "Open a record…",
        help: "Chooses a review record, an SQLite file that 'ganspect watch' and this window write.",
        keywords: "review database load file sqlite",
        keys: [ctrl(Key::O)],
        pages: HERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Ask(PathRequest::Record)),
    }
    ReviewAgree {
        title: "Agree",
        help: "Confirms the model's verdict on this part and shows the next one.",
        keywords: "review accept confirm verdict yes",
        keys: [key(Key::A)],
        pages: HERE,
        enabled: |c| ready(c) && !c.review.blind,
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewHealthy {
        title: "Healthy",
        help: "Records this part as healthy, whatever the model says, and shows the next one.",
        keywords: "review good pass verdict overrule",
        keys: [key(Key::H)],
        pages: HERE,
        enabled: ready,
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewDefective {
        title: "Defective",
        help: "Records this part as defective, with the defect type used last, and shows the next one.",
        keywords: "review bad fail reject verdict overrule",
        keys: [key(Key::D)],
        pages: HERE,
        enabled: ready,
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewUnsure {
        title: "Unsure",
        help: "Records this part as undecided and shows the next one.",
        keywords: "review unknown verdict doubt",
        keys: [key(Key::U)],
        pages: HERE,
        enabled: ready,
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewSkip {
        title: "Skip",
        help: "Postpones this part until the others are done; a part that is done is left as it is.",
        keywords: "review later next postpone",
        keys: [key(Key::Space)],
        pages: HERE,
        enabled: ready,
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewUndo {
        title: "Undo verdict",
        help: "Undoes the last verdict given since the program started, and shows its part.",
        keywords: "review revert retract back",
        keys: [ctrl(Key::Z)],
        pages: HERE,
        enabled: |c| on_page(c) && c.review.undo,
        effect: Effect::Page(PageId::Review),
    }
    ReviewNote {
        title: "Note",
        help: "Edits the note on this part; Enter saves it, Escape discards it.",
        keywords: "review comment text remark",
        keys: [key(Key::N)],
        pages: HERE,
        enabled: ready,
        effect: Effect::Page(PageId::Review),
    }
    ReviewDraw {
        title: "Draw a region",
        help: "Draws a rectangle around the defect; it is saved with the verdict.",
        keywords: "review region outline mark mask",
        keys: [key(Key::R)],
        pages: HERE,
        enabled: ready,
        effect: Effect::Page(PageId::Review),
    }
    ReviewBack {
        title: "Previous part",
        help: "Shows the previous part of the queue.",
        keywords: "review left",
        keys: [key(Key::ArrowLeft)],
        pages: HERE,
        enabled: part,
        effect: Effect::Page(PageId::Review),
    }
    ReviewForward {
        title: "Next part",
        help: "Shows the next part of the queue.",
        keywords: "review right",
        keys: [key(Key::ArrowRight)],
        pages: HERE,
        enabled: part,
        effect: Effect::Page(PageId::Review),
    }
    ReviewType1 {
        title: "Defect type 1",
        help: "Assigns the first defect type to the part last marked defective.",
        keywords: TYPE_WORDS,
        keys: [key(Key::Num1)],
        pages: HERE,
        enabled: |c| types(c, 1),
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewType2 {
        title: "Defect type 2",
        help: "Assigns the second defect type to the part last marked defective.",
        keywords: TYPE_WORDS,
        keys: [key(Key::Num2)],
        pages: HERE,
        enabled: |c| types(c, 2),
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewType3 {
        title: "Defect type 3",
        help: "Assigns the third defect type to the part last marked defective.",
        keywords: TYPE_WORDS,
        keys: [key(Key::Num3)],
        pages: HERE,
        enabled: |c| types(c, 3),
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewType4 {
        title: "Defect type 4",
        help: "Assigns the fourth defect type to the part last marked defective.",
        keywords: TYPE_WORDS,
        keys: [key(Key::Num4)],
        pages: HERE,
        enabled: |c| types(c, 4),
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewType5 {
        title: "Defect type 5",
        help: "Assigns the fifth defect type to the part last marked defective.",
        keywords: TYPE_WORDS,
        keys: [key(Key::Num5)],
        pages: HERE,
        enabled: |c| types(c, 5),
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewType6 {
        title: "Defect type 6",
        help: "Assigns the sixth defect type to the part last marked defective.",
        keywords: TYPE_WORDS,
        keys: [key(Key::Num6)],
        pages: HERE,
        enabled: |c| types(c, 6),
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewType7 {
        title: "Defect type 7",
        help: "Assigns the seventh defect type to the part last marked defective.",
        keywords: TYPE_WORDS,
        keys: [key(Key::Num7)],
        pages: HERE,
        enabled: |c| types(c, 7),
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewType8 {
        title: "Defect type 8",
        help: "Assigns the eighth defect type to the part last marked defective.",
        keywords: TYPE_WORDS,
        keys: [key(Key::Num8)],
        pages: HERE,
        enabled: |c| types(c, 8),
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewType9 {
        title: "Defect type 9",
        help: "Assigns the ninth defect type to the part last marked defective.",
        keywords: TYPE_WORDS,
        keys: [key(Key::Num9)],
        pages: HERE,
        enabled: |c| types(c, 9),
        effect: Effect::Page(PageId::Review),
        records: true,
    }
    ReviewSearch {
        title: "Find a part",
        help: "Searches for parts by name.",
        keywords: "review search jump filter go",
        keys: [ctrl(Key::F)],
        pages: HERE,
        enabled: |c| on_page(c) && c.review.open,
        effect: Effect::Page(PageId::Review),
    }
    ReviewInspect {
        title: "Show this part in Inspect",
        help: "Inspects this part with the active model and shows its convergence.",
        keywords: "review open image",
        keys: [key(Key::Enter)],
        pages: HERE,
        enabled: |c| part(c) && c.model && !c.review.blind && !c.review.replaced,
        effect: Effect::Page(PageId::Review),
    }
    ReviewAlone {
        title: "Image only or three panes",
        help: "Shows the image alone, or with reconstruction and map beside it.",
        keywords: "review layout single large",
        keys: [key(Key::V)],
        pages: HERE,
        enabled: part,
        effect: Effect::Page(PageId::Review),
    }
    ReviewExport {
        title: "Export the record…",
        help: "Writes all parts of the record, or only the queue if that is chosen under Queue, to a table (review.csv).",
        keywords: "review csv save",
        keys: [ctrl(Key::E)],
        pages: HERE,
        enabled: |c| c.review.open && !c.review.exporting,
        effect: Effect::Action(|_| Action::Ask(PathRequest::ReviewExport(ExportFormat::Csv))),
    }
    ReviewReport {
        title: "Shift report…",
        help: "Writes a PDF with the statistics of the whole record, whatever the queue shows, and a page for each flagged part.",
        keywords: "review pdf paper print summary",
        keys: [ctrl_shift(Key::E)],
        pages: HERE,
        enabled: |c| c.review.open && !c.review.exporting,
        effect: Effect::Action(|_| Action::Ask(PathRequest::ReviewExport(ExportFormat::Pdf))),
    }
}
